"""Students' pages as a ZIP that Moodle or Canvas hands back to each student.

Moodle ("Upload multiple feedback files in a ZIP") knows a student by the folder of its own
download, ``Name_participant_assignsubmission_file``: ``mod/assign/feedback/file/importziplib.php``.
Canvas ("Upload Submissions") by the numbers of user and file in the names that it gave:
``generate_comments_from_files`` of ``app/models/assignment.rb``. So only what they named can go
back; whoever else is in the class is told.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import defaultdict
from pathlib import Path

from autograder.judging.results import ClassResult, SubmissionResult
from autograder.language import Language, Text
from autograder.report import clean
from autograder.report._write import ReportError, write_bytes
from autograder.report.classpage import student_page
from autograder.report.exports import Exported

_MOODLE = re.compile(r"(?P<folder>[^_]+_\d+_assignsubmission_[a-z]+_?)(?P<file>.*)", re.S)
_CANVAS = re.compile(r"(?P<stem>[^_/]+(?:_LATE)?_\d+_\d+_.+?)(?:\.\w+)?", re.S)
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def write_feedback(
    result: ClassResult, path: Path, *, platform: str, language: Language
) -> Exported:
    """Write a page for each student whom `platform` can find, or raise `ReportError`."""
    handed_in: dict[str, list[SubmissionResult]] = defaultdict(list)
    places: dict[str, str] = {}
    for item in result.graded:
        handed_in[item.student].append(item.result)
        place = _moodle(item.name) if platform == "moodle" else _canvas(item.name)
        if place and place not in places.values():
            places.setdefault(item.student, place)
    if not places:
        raise _foreign(platform)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, place in places.items():
            page = student_page(student, handed_in[student], language, hidden=result.hidden)
            archive.writestr(zipfile.ZipInfo(place, _LONG_AGO), page, zipfile.ZIP_DEFLATED)
    write_bytes(path, buffer.getvalue())
    return Exported(str(path), _left_out([one for one in handed_in if one not in places]))


def _moodle(name: str) -> str:
    """Where a page goes: into the folder that Moodle made, or under the name that it began."""
    for step in name.split("/")[:-1] or [name]:
        if match := _MOODLE.fullmatch(step):
            flat = match["folder"].endswith("_") and bool(match["file"])
            return f"{match['folder']}feedback.html" if flat else f"{step}/feedback.html"
    match = _MOODLE.fullmatch(name)
    return f"{match['folder']}feedback.html" if match else ""


def _canvas(name: str) -> str:
    """The name that Canvas gave, for a page; of what was in an archive, the archive's."""
    for step in name.split("/"):
        if match := _CANVAS.fullmatch(step):
            return f"{match['stem']}.html"
    return ""


def _foreign(platform: str) -> ReportError:
    shown = platform.capitalize()
    return ReportError(
        f"No file of this class has a name that {shown} gave, so it would know none of the "
        f"students. Grade the ZIP that {shown} lets you download, as it is, and export again.",
        f"这个班级的文件名都不是 {shown} 起的，它认不出任何学生。请直接用 {shown} 的下载包评分，"
        "再导出一次。",
    )


def _left_out(students: list[str]) -> tuple[Text, ...]:
    if not students:
        return ()
    names = ", ".join(clean.line(student, 60) or "–" for student in students)
    return ({
        "en": f"Left out, because the platform did not name their files: {names}.",
        "zh": f"以下学生未写入（文件名不是平台起的）：{names}。",
    },)  # fmt: skip
