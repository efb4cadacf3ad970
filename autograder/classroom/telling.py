"""How what a class handed in was read, in words; and what to say where that is not clear."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.classroom.doubts import Doubt
from autograder.classroom.entries import IntakeError, both
from autograder.classroom.layouts import Reading
from autograder.classroom.names import tidy
from autograder.language import Text

_FEW = 3
_WORDS: dict[str, Text] = {
    "folders": both("one folder each", "每人一个文件夹"),
    "sections": both("one folder each within folders of sections", "分组文件夹内每人一个文件夹"),
    "files": both("one file each", "每人一个文件"),
    "canvas": both("named by Canvas", "按 Canvas 的文件名"),
    "moodle": both("named by Moodle", "按 Moodle 的文件名"),
    "gradescope": both("an export of Gradescope", "Gradescope 导出"),
    "blackboard": both("named by Blackboard", "按 Blackboard 的文件名"),
    "brightspace": both("named by Brightspace", "按 Brightspace 的文件夹名"),
    "roster": both("by the names of the roster", "按名单上的姓名和学号"),
}


def described(reading: Reading) -> Text:
    """The layout by which students were told apart."""
    words = _WORDS[reading.layout]
    within = tidy(reading.within)
    if not within:
        return words
    return both(f"{words['en']}, in {within}/", f"{words['zh']}（位于 {within}/）")


def unclear(source: str, reading: Reading, doubt: Doubt, others: Sequence[Reading]) -> IntakeError:
    """The error for a class in which several people may have become one student.

    Parameters
    ----------
    others
        What lies there, read by this and by other layouts.
    """
    readings: dict[str, Reading] = {}
    for other in others:
        if other.owned and not any(other.owned == known.owned for known in readings.values()):
            readings.setdefault(other.layout, other)
    student = tidy(doubt.student)
    words = _WORDS[reading.layout]
    count = len(doubt.names)
    few_en, few_zh = (_few(doubt.names, separator) for separator in (", ", "、"))
    if doubt.exercise:
        what = both(
            f"{student} would have {count} notebooks of {doubt.exercise} ({few_en})",
            f"{student} 会有 {count} 份 {doubt.exercise}（{few_zh}）",
        )
    else:
        what = both(
            f"all of {few_en} would be the work of {student}",
            f"{few_zh} 都会算作 {student} 的作业",
        )
    if doubt.others:
        what = both(
            f"{what['en']}, and {doubt.others} more like that",
            f"{what['zh']}，另有 {doubt.others} 处类似",
        )
    en = "; ".join(f"--layout {name} finds {_found(one)['en']}" for name, one in readings.items())
    zh = "；".join(f"--layout {name} 找到 {_found(one)['zh']}" for name, one in readings.items())
    return IntakeError(
        f"Whose notebooks these are is not clear, so nothing was graded. In {source}, read as "
        f"{words['en']}, {what['en']}. Say how it is laid out: {en}. Of several notebooks of one "
        "student the best one counts then.",
        f"分不清作业各属于谁，因此没有评分。{source} 若按“{words['zh']}”读取，{what['zh']}。"
        f"请指明布局：{zh}。指明之后，同一学生的多份作业取最高分。",
    )


def _found(reading: Reading) -> Text:
    names = [tidy(owner.student) for owner in reading.owned]
    count = len(names)
    people = "student" if count == 1 else "students"
    return both(f"{count} {people} ({_few(names, ', ')})", f"{count} 人（{_few(names, '、')}）")


def _few(names: Sequence[str], separator: str, most: int = _FEW) -> str:
    shown = [tidy(name)[:60] for name in names[:most]]
    return separator.join([*shown, "…"] if len(names) > most else shown)


def not_one(name: str, people: Sequence[str]) -> IntakeError:
    """The error for what may be several people's by the roster."""
    few_en, few_zh = _few(list(people), ", "), _few(list(people), "、")
    return IntakeError(
        f"Whose {tidy(name)} is cannot be told, so nothing was graded: by the roster it may be "
        f"that of any of {few_en}. Rename it, add what tells them apart to the roster (id, login), "
        "or say --layout folders or --layout files.",
        f"无法判断 {tidy(name)} 是谁的，因此没有评分：按名单可能是 {few_zh}。请给它改名，"
        "或在名单里补上能区分的学号、用户名，或指明 --layout folders、--layout files。",
    )


def one_of_several(person: str, names: Sequence[str]) -> IntakeError:
    """The error for several whom the roster takes for one, by no more than a name."""
    few_en, few_zh = _few(list(names), ", "), _few(list(names), "、")
    return IntakeError(
        f"{few_en} would all be {person} of the roster, by name alone, so nothing was graded. Add "
        "the id or login that the platform shows to the roster, or whoever is missing from it.",
        f"仅凭姓名，{few_zh} 都会算作名单上的 {person}，因此没有评分。请在名单里补上平台显示的"
        "学号或用户名，或补上漏掉的学生。",
    )


def known_people(reading: Reading, missing: Sequence[str], older: int) -> list[Text]:
    """What a teacher should know of who was found, before anything is graded."""
    told = []
    strangers = [tidy(o.student) for o in reading.owned if o not in reading.known]
    if reading.known and strangers:
        told.append(both(
            f"Not on the roster, graded all the same ({len(strangers)}): "
            f"{_few(strangers, ', ', 10)}",
            f"不在名单上、照样评分（{len(strangers)} 人）：{_few(strangers, '、', 10)}",
        ))  # fmt: skip
    if missing:
        told.append(both(
            f"On the roster, nothing handed in ({len(missing)}): {_few(missing, ', ', 10)}",
            f"名单上有、未交作业（{len(missing)} 人）：{_few(missing, '、', 10)}",
        ))  # fmt: skip
    if older:
        told.append(both(
            f"Older attempts that were left out: {older}. Of each student the latest counts.",
            f"未评的较早提交：{older} 次。每名学生以最新一次为准。",
        ))  # fmt: skip
    return told
