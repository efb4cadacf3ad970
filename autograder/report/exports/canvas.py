"""A class as a gradebook that Canvas imports ("How do I import grades in the Gradebook?").

Into the teacher's own exported gradebook, points are filled in, and everything else stays as it
is: a cell that is left empty would take a grade away. Without one, a gradebook is made in which
Canvas finds students by their id, or else by their name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from autograder.judging.results import ClassResult, Graded
from autograder.language import Language, Text
from autograder.report import clean
from autograder.report._write import ReportError, write_text
from autograder.report.exports import Exported
from autograder.report.exports._cells import dumps, number, words
from autograder.report.exports._roster import POINTS_POSSIBLE, Roster, read_roster
from autograder.report.overview import best_of, title_of

_Best = Mapping[tuple[str, str], Graded]
_HEADINGS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]


def write_canvas(
    result: ClassResult, path: Path, *, roster: Path | None, language: Language
) -> Exported:
    """Write `result` to `path`, or raise `ReportError`.

    Students whom the roster does not have, or who have no grade, are told of in the warnings.
    A student who could be any of several rows is an error, and nothing is written.
    """
    best = best_of(result.graded)
    slugs = sorted({slug for _, slug in best})
    if roster is None:
        write_text(path, dumps(_made(result, best, slugs, language)))
        return Exported(str(path), _without_grade(result, best))
    table = read_roster(roster)
    places, unknown = _placed(result, table)
    warnings = [*_unknown(unknown, roster), *_without_grade(result, best)]
    for slug in slugs:
        warnings += _fill(table, slug, best, places, language)
    write_text(path, dumps(table.rows, table.delimiter))
    return Exported(str(path), tuple(warnings))


def _made(
    result: ClassResult, best: _Best, slugs: list[str], language: Language
) -> Iterable[list[str]]:
    """Rows of a gradebook without a roster."""
    yield _HEADINGS + [words(title_of(slug)[language]) for slug in slugs]
    most = {slug: item.result.max_points for (_, slug), item in best.items()}
    yield [f"    {POINTS_POSSIBLE}", "", "", "", "", *(number(most[slug]) for slug in slugs)]
    identifiers = {item.student: item.identifier for item in result.graded if item.identifier}
    for student in result.students:
        reached = (best.get((student, slug)) for slug in slugs)
        points = ("" if item is None else number(item.result.points) for item in reached)
        yield [words(student), words(identifiers.get(student, "")), "", "", "", *points]


def _placed(result: ClassResult, table: Roster) -> tuple[dict[str, int], list[str]]:
    """The row of each student, and the students who have none."""
    places: dict[str, int] = {}
    unknown: list[str] = []
    unclear: dict[str, set[int]] = {}
    taken: dict[int, list[str]] = defaultdict(list)
    first = {item.student: item for item in reversed(result.graded)}
    first |= {item.student: item for item in reversed(result.graded) if item.identifier}
    for student in result.students:
        found = table.places(first[student])
        if len(found) > 1:
            unclear[student] = found
        elif found:
            places[student] = next(iter(found))
            taken[places[student]].append(student)
        else:
            unknown.append(student)
    for place, students in taken.items():
        unclear |= {student: {place} for student in students if len(students) > 1}
    if unclear:
        raise _ambiguous(unclear)
    return places, unknown


def _fill(
    table: Roster, slug: str, best: _Best, places: Mapping[str, int], language: Language
) -> list[Text]:
    """Enter the points of one exercise, into its column or a new one."""
    items = {student: item for (student, found), item in best.items() if found == slug}
    most = number(max(item.result.max_points for item in items.values()))
    titles = title_of(slug)
    columns = table.columns({slug, *titles.values()})
    if len(columns) > 1:
        raise _several_columns(slug, [table.rows[0][place] for place in columns])
    if columns:
        column = columns[0]
    else:
        column = len(table.rows[0])
        for row in table.rows:
            row.append("")
        table.rows[0][column] = words(titles[language])
        if table.possible is not None:
            table.rows[table.possible][column] = most
    for student, item in items.items():
        if student in places:
            table.rows[places[student]][column] = number(item.result.points)
    possible = table.points_possible(column)
    if table.possible is None or _is_number(possible, most):
        return []
    heading = clean.line(table.rows[0][column])
    return [{
        "en": f"{heading} is out of {possible or 'no'} points in the gradebook, and out of {most} "
        "here. Change the points possible in Canvas.",
        "zh": f"成绩册中「{heading}」满分为 {possible or '空'}，这里满分为 {most}。"
        "请在 Canvas 中修改满分。",
    }]  # fmt: skip


def _is_number(cell: str, points: str) -> bool:
    try:
        return float(cell.replace(",", ".")) == float(points)
    except ValueError:
        return False


def _unknown(students: list[str], roster: Path) -> list[Text]:
    if not students:
        return []
    names = _listed(students)
    return [{
        "en": f"Not in {roster}, so left out (students: {len(students)}): {names}. Add them "
        "there, or enter their points by hand.",
        "zh": f"{roster} 里没有以下 {len(students)} 人，未写入：{names}。"
        "请在成绩册中加上他们，或手工录入。",
    }]  # fmt: skip


def _without_grade(result: ClassResult, best: _Best) -> tuple[Text, ...]:
    has_grade = {student for student, _ in best}
    students = [student for student in result.students if student not in has_grade]
    if not students:
        return ()
    names = _listed(students)
    return ({
        "en": f"Without a notebook that could be graded, so without points: {names}.",
        "zh": f"没有可判分的 notebook，故无分数：{names}。",
    },)  # fmt: skip


def _ambiguous(unclear: Mapping[str, set[int]]) -> ReportError:
    # Rows as a person counts them in the file.
    listed = "; ".join(
        f"{clean.line(student, 60)} ({', '.join(str(place + 1) for place in sorted(places))})"
        for student, places in list(unclear.items())[:20]
    )
    return ReportError(
        f"It is not clear which row of the gradebook belongs to whom: {listed}. Nothing was "
        "written. Make ids or names differ, in the folder's names or in the roster.",
        f"无法确定成绩册的哪一行属于谁：{listed}。没有写入任何内容。"
        "请让编号或姓名互不相同（改文件夹名，或改成绩册）。",
    )


def _several_columns(slug: str, headings: list[str]) -> ReportError:
    listed = ", ".join(clean.line(heading) for heading in headings)
    return ReportError(
        f"Several assignments of the gradebook could be {slug}: {listed}. Nothing was written. "
        "Delete the columns that are not meant from the roster.",
        f"成绩册中有多个作业可能是 {slug}：{listed}。没有写入任何内容。"
        "请从该文件中删去不相关的列。",
    )


def _listed(students: list[str]) -> str:
    return ", ".join(clean.line(student, 60) or "–" for student in students)
