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


def _few(names: list[str] | tuple[str, ...], separator: str) -> str:
    shown = [tidy(name)[:60] for name in names[:_FEW]]
    return separator.join([*shown, "…"] if len(names) > _FEW else shown)
