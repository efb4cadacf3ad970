"""JSON, JUnit and the files: exact, valid, and written whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hostile import REPORT, each_language, hostile, poisoned
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import both, sample_results

from autograder.judging.results import STATUSES, SubmissionResult
from autograder.language import Language
from autograder.report import html, jsonfile, junit
from autograder.report._write import ReportError


@each_language
def test_json_is_version_1(language: Language) -> None:
    results = sample_results(language)
    table = json.loads(jsonfile.dumps(results))
    assert table == jsonfile.to_json(results)
    assert table["version"] == 1
    first, *_, ungraded = table["submissions"]
    assert set(first) == {"path", "exercise", "language", "points", "max_points", "seconds",
                          "isolation", "notes", "tasks"}  # fmt: skip
    assert set(first["seconds"]) == {"cells", "checks", "total"}
    recall = first["tasks"][1]
    assert set(recall) == {"name", "status", "points", "max_points", "checks"}
    assert recall["checks"][0] == {
        "name": "counts_found_positives",
        "claim": results[0].tasks[1].verdicts[0].claim[language],
        "status": "fail",
        "misconception": "specificity",
        "message": recall["checks"][0]["message"],
        "call": results[0].tasks[1].verdicts[0].call,
    }
    assert results[0].tasks[1].verdicts[0].diagnosis[language] in recall["checks"][0]["message"]
    assert ungraded["exercise"] is None
    assert ungraded["tasks"] == []
    assert results[-1].problem is not None
    assert ungraded["problem"] == results[-1].problem[language]


@given(hostile, st.floats())
def test_json_is_strict_exact_and_harmless(text: str, number: float) -> None:
    result = replace(poisoned(text), points=number)
    written = jsonfile.dumps([result])

    def no_constant(name: str) -> None:
        raise AssertionError(name)

    table = json.loads(written, parse_constant=no_constant)
    assert table == jsonfile.to_json([result])
    assert table["submissions"][0]["path"] == text
    written.encode("utf-8")
    assert all(c.isprintable() or c == "\n" for c in written)


@each_language
def test_junit_counts_what_it_holds(language: Language) -> None:
    results = sample_results(language)
    root = ElementTree.fromstring(junit.dumps(results).encode())
    assert [suite.get("name") for suite in root] == [result.path for result in results]
    for suite, result in zip(root, results, strict=True):
        verdicts = [verdict for task in result.tasks for verdict in task.verdicts]
        cases = suite.findall("testcase")
        assert len(cases) == len(verdicts) or result.problem
        for name, key in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.get(key, "")) == len(suite.findall(f"testcase/{name}"))
        for case, verdict in zip(cases, verdicts, strict=False):
            assert case.get("name") == verdict.name
            assert (len(case) == 0) == (verdict.status == "pass")
            assert (case.find("skipped") is not None) == (verdict.status == "todo")
            assert (case.find("failure") is not None) == (verdict.status in ("fail", "tampered"))
    assert root[-1].find("testcase/error") is not None


@given(hostile)
@settings(deadline=None)
def test_junit_parses_whatever_it_holds(text: str) -> None:
    results = [poisoned(text), SubmissionResult(text, problem=both(text, text))]
    root = ElementTree.fromstring(junit.dumps(results).encode("utf-8"))
    tags = {"testsuites", "testsuite", "testcase", "failure", "error", "skipped"}
    assert {element.tag for element in root.iter()} <= tags
    assert len(root.findall("testsuite/testcase")) == len(STATUSES) + 1


WRITERS = [
    (html.write_html, html.page),
    (jsonfile.write_json, jsonfile.dumps),
    (junit.write_junit, junit.dumps),
]


@pytest.mark.parametrize(("write", "content"), WRITERS)
def test_files_are_written_whole_or_not_at_all(
    write: Callable[[list[SubmissionResult], Path], None],
    content: Callable[[list[SubmissionResult]], str],
    tmp_path: Path,
) -> None:
    path = tmp_path / "new" / "report"
    write(sample_results(), path)
    assert path.read_text("utf-8") == content(sample_results())
    with path.open(encoding="utf-8") as reader:
        write(sample_results("zh"), path)
        # Who reads at that moment still has the former file, whole.
        assert reader.read() == content(sample_results())
    after = path.read_text("utf-8")
    assert after == content(sample_results("zh"))
    assert os.listdir(path.parent) == ["report"]
    with pytest.raises(ReportError, match="is a folder"):
        write(sample_results(), tmp_path)
    with pytest.raises(ReportError, match="name another file"):
        write(sample_results(), path / "below-a-file")
    assert path.read_text("utf-8") == after


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are Unix")
def test_a_pipe_is_written_to_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        jsonfile.write_json(sample_results()[3:], pipe)
        assert json.loads(os.read(reader, 100_000))["version"] == 1
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_the_package_is_light_until_it_is_used() -> None:
    heavy = "rich jinja2 IPython torch numpy"
    code = (
        "import sys, autograder.report as r; "
        f"assert not [m for m in '{heavy}'.split() if m in sys.modules]; "
        "assert all(callable(getattr(r, name)) for name in r.__all__)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_wheel_takes_the_templates_along() -> None:
    table = tomllib.loads((REPORT.parents[1] / "pyproject.toml").read_text("utf-8"))
    wheel = table["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["autograder"]
    assert "exclude" not in wheel
