"""Results as JUnit XML, as Jenkins and GitLab read it: a suite each, a case for each check."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from autograder.judging.results import Status, SubmissionResult, TaskResult, Verdict
from autograder.language import Language
from autograder.report import clean, digest
from autograder.report._write import write_text
from autograder.report.texts import status_word, text

_ELEMENTS: dict[Status, str] = {"fail": "failure", "tampered": "failure", "todo": "skipped"}


def write_junit(results: Sequence[SubmissionResult], path: Path) -> None:
    """Write `results` to `path`, or raise `ReportError`."""
    write_text(path, dumps(results))


def dumps(results: Sequence[SubmissionResult]) -> str:
    """`results` as an XML document."""
    root = ET.Element("testsuites", name="touchstone")
    for result in results:
        root.append(_suite(result))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _suite(result: SubmissionResult) -> ET.Element:
    suite = ET.Element("testsuite", name=clean.plain(result.path) or "notebook")
    if result.problem is not None:
        case = _case(suite, clean.line(result.exercise) or "notebook", "grading", 0.0)
        problem = clean.line(result.problem[result.language], 1200)
        ET.SubElement(case, "error", type="not_graded", message=problem).text = problem
    for task in result.tasks:
        for verdict in task.verdicts:
            _check(suite, result, task, verdict)
    told = [f"{clean.line(t.name)}: {digest.by_hand(t, result.language)}"
            for t in result.tasks if t.granted is not None]  # fmt: skip
    count = {
        name: len(suite.findall(f"testcase/{name}")) for name in ("failure", "error", "skipped")
    }
    suite.set("tests", str(len(suite)))
    if told:
        ET.SubElement(suite, "system-out").text = "\n".join(told)
    suite.set("failures", str(count["failure"]))
    suite.set("errors", str(count["error"]))
    suite.set("skipped", str(count["skipped"]))
    suite.set("time", _seconds(result.seconds.total))
    return suite


def _check(suite: ET.Element, result: SubmissionResult, task: TaskResult, verdict: Verdict) -> None:
    group = f"{clean.line(result.exercise)}.{clean.line(task.name)}"
    case = _case(suite, group, clean.line(verdict.name), verdict.seconds)
    if verdict.status == "pass":
        return
    language = result.language
    message = digest.sentence(verdict, language) or status_word(verdict.status, language)
    element = ET.SubElement(case, _ELEMENTS.get(verdict.status, "error"), message=message)
    if element.tag != "skipped":
        element.set("type", clean.line(verdict.misconception) or verdict.status)
        element.text = _body(verdict, language)


def _case(suite: ET.Element, group: str, name: str, seconds: float) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=group, name=name, time=_seconds(seconds))


def _body(verdict: Verdict, language: Language) -> str:
    """What was asked, what came out, what to do: a line each."""
    colon = text("separator", language)
    rows = [
        ("", verdict.claim[language]),
        ("call", verdict.call),
        ("came_out", verdict.came_out),
        ("expected", verdict.expected[language]),
        ("place", verdict.where),
        ("", verdict.line),
        ("next", verdict.step[language]),
    ]
    return "\n".join(
        (text(key, language) + colon if key else "") + clean.line(value, 400)
        for key, value in rows
        if value
    )


def _seconds(value: float) -> str:
    return f"{value:.3f}" if 0 <= value < 1e9 else "0.000"
