"""A class in the gradebook of nbgrader, in any database that it works with.

All goes through `nbgrader.api`. An exercise is an assignment, a task the grade cell
``<task>-check`` that our notebooks have. What is there already stays: scores given by hand, other
assignments, other students. A task that failed by our fault gets no score and is marked for
grading by hand.
"""

from __future__ import annotations

import contextlib
import os
import sysconfig
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from subprocess import SubprocessError
from typing import TYPE_CHECKING, Any

from autograder.judging.results import ClassResult, Graded, TaskResult
from autograder.language import Text
from autograder.report import clean
from autograder.report._write import SQLITE, ReportError
from autograder.report.exports import Exported
from autograder.report.overview import best_of

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

# The width of the columns for names; SQLite would take more, PostgreSQL does not.
_WIDTH = 128


def write_nbgrader(result: ClassResult, target: Path | str) -> Exported:
    """Enter the points of `result` into the gradebook at `target`, or raise `ReportError`.

    Each submission is entered whole or not at all; entering the same again changes nothing.
    """
    from nbgrader.api import Gradebook, InvalidEntry
    from sqlalchemy.exc import SAWarning, SQLAlchemyError

    url = _url(target)
    _check_is_nbgraders(url)
    shown = _shown(url)
    best = best_of(result.graded)
    fit = {key: item for key, item in best.items() if _fits(key[0])}
    try:
        with _own_programs():
            book = Gradebook(url)
        with book, warnings.catch_warnings():
            # nbgrader's own way of adding a submission makes SQLAlchemy warn.
            warnings.simplefilter("ignore", SAWarning)
            for slug, items in _by_exercise(fit.values()).items():
                _enter(book, slug, items)
    except (SQLAlchemyError, InvalidEntry, ImportError, OSError, SubprocessError) as error:
        raise _failed(shown, error) from error
    return Exported(shown, _left_out(result, fit))


@contextlib.contextmanager
def _own_programs() -> Iterator[None]:
    """For a new gradebook nbgrader runs ``alembic`` by name: the one beside this Python."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _url(target: Path | str) -> URL:
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if isinstance(target, str) and "://" in target:
        try:
            url = make_url(target)
        except (ArgumentError, ValueError) as error:
            # SQLAlchemy's own message would hold the address, and with it a password.
            raise _failed("", ValueError("the address is no database URL")) from error
        if _is_in_memory(url):
            raise ReportError(
                f"{target} names no file, so nothing of the gradebook would be kept. Name one, "
                "such as sqlite:///gradebook.db.",
                f"{target} 没有指明文件，成绩册不会保存。请给出文件，如 sqlite:///gradebook.db。",
            )
        return url
    path = Path(target)
    path = path / "gradebook.db" if path.is_dir() else path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _failed(str(path), error) from error
    return URL.create("sqlite", database=str(path))


def _is_in_memory(url: URL) -> bool:
    """Whether a database of SQLite's ends with the process: it has no file, or says so."""
    name = url.database or ""
    return url.get_backend_name() == "sqlite" and (
        name in ("", ":memory:") or ":memory:" in name or url.query.get("mode") == "memory"
        or "mode=memory" in name
    )  # fmt: skip


def _check_is_nbgraders(url: URL) -> None:
    """A database that says which other program's it is, such as our ledger, is no gradebook.

    Raises
    ------
    ReportError
        If it does.
    """
    if url.get_backend_name() != "sqlite":
        return
    try:
        with open(str(url.database), "rb") as file:
            start = file.read(100)
    except OSError:  # there is none yet, or it cannot be read, which is told later
        return
    if start[:16] == SQLITE and any(start[68:72]):
        raise ReportError(
            f"{url.database} is another program's database and no gradebook; nothing was written. "
            "Name another file.",
            f"{url.database} 是其他程序的数据库，不是成绩册，未写入任何内容。请换一个文件。",
        )


def _shown(url: URL) -> str:
    """The database as people may see it; a password may stand in the query too."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.set(query={}).render_as_string(hide_password=True)


def _fits(student: str) -> bool:
    is_text = not any(0xD800 <= ord(character) <= 0xDFFF for character in student)
    return 0 < len(student) <= _WIDTH and is_text and "\0" not in student


def _by_exercise(items: Iterable[Graded]) -> Mapping[str, list[Graded]]:
    found: dict[str, list[Graded]] = defaultdict(list)
    for item in items:
        found[item.result.exercise].append(item)
    return found


def _enter(book: Any, slug: str, items: list[Graded]) -> None:
    assignment = book.update_or_create_assignment(slug)
    known = {notebook.name for notebook in assignment.notebooks}
    cells: set[tuple[str, str]] = set()
    for item in items:
        name = _notebook(item, slug, known)
        known.add(name)
        book.update_or_create_notebook(name, slug)
        for task in item.result.tasks:
            if (name, task.name) not in cells:
                cells.add((name, task.name))
                _ensure_cell(book, slug, name, task)
    for item in items:
        _ensure_student(book, item)
        _grade(book, slug, _notebook(item, slug, known), item)


def _notebook(item: Graded, slug: str, known: set[str]) -> str:
    """The notebook of the assignment that `item` is: by its file's name, else the one there is."""
    stem = PurePosixPath(item.name).stem
    if stem in known or slug in known:
        return stem if stem in known else slug
    return next(iter(known)) if len(known) == 1 else slug


def _ensure_cell(book: Any, slug: str, notebook: str, task: TaskResult) -> None:
    from nbgrader.api import MissingEntry

    try:
        book.find_grade_cell(_cell(task), notebook, slug)
    except MissingEntry:
        book.add_grade_cell(
            _cell(task), notebook, slug, max_score=task.max_points, cell_type="code"
        )


def _cell(task: TaskResult) -> str:
    return f"{task.name}-check"


def _ensure_student(book: Any, item: Graded) -> None:
    student = book.update_or_create_student(item.student)
    if item.identifier and not student.lms_user_id:
        student.lms_user_id = item.identifier


def _grade(book: Any, slug: str, notebook: str, item: Graded) -> None:
    """Enter one submission, in one transaction."""
    from nbgrader.api import Grade

    submission = book.update_or_create_submission(slug, item.student)
    cells = {cell.name: cell for cell in book.find_notebook(notebook, slug).grade_cells}
    submitted = _submitted(book, submission, slug, notebook)
    grades = {grade.cell_id: grade for grade in submitted.grades}
    for task in item.result.tasks:
        cell = cells[_cell(task)]
        grade = grades.get(cell.id)
        if grade is None:
            grade = Grade(cell_id=cell.id, notebook=submitted)
            book.db.add(grade)
        score = None if task.status == "internal" else task.points
        if score is None or grade.auto_score != score:
            grade.auto_score = score
            # As nbgrader's own autograder does: whoever gave a score by hand is to look again.
            grade.needs_manual_grade = score is None or grade.manual_score is not None
    book.db.commit()


def _submitted(book: Any, submission: Any, slug: str, notebook: str) -> Any:
    from nbgrader.api import SubmittedNotebook

    for found in submission.notebooks:
        if found.name == notebook:
            return found
    found = SubmittedNotebook(notebook=book.find_notebook(notebook, slug), assignment=submission)
    book.db.add(found)
    return found


def _left_out(result: ClassResult, fit: Mapping[tuple[str, str], Graded]) -> tuple[Text, ...]:
    entered = {student for student, _ in fit}
    missing = [student for student in result.students if student not in entered]
    if not missing:
        return ()
    names = ", ".join(clean.line(student, 60) or "–" for student in missing)
    return ({
        "en": f"Not entered, because nothing could be graded or nbgrader has no room for such a "
        f"name: {names}.",
        "zh": f"以下学生未写入（没有可判分的 notebook，或姓名不合 nbgrader 的要求）：{names}。",
    },)  # fmt: skip


def _failed(target: str, error: Exception) -> ReportError:
    why = clean.line(str(getattr(error, "orig", None) or error).partition("\n")[0], 200)
    return ReportError(
        f"Could not write nbgrader's gradebook {target}: {why}. What was entered before stays, "
        "and running this again completes it. Check the address and who may write there; a "
        "gradebook of an older nbgrader needs `nbgrader db upgrade` first.",
        f"无法写入 nbgrader 成绩册 {target}：{why}。已写入的内容保留，重新运行即可补全。"
        "请检查地址和写权限；旧版 nbgrader 的成绩册需先运行 `nbgrader db upgrade`。",
    )
