"""Grading a class by its command: same results whoever grades, nothing lost whatever ends it."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import dev_exercise
import pytest
from toy_class import ANSWERS, RIGHT, command, course, graded, hand_in, kept, timeless

from autograder.classroom.ledger import Ledger
from autograder.engine import walls
from autograder.judging.results import SubmissionResult, TaskResult, Verdict

pytestmark = pytest.mark.skipif(not walls.available(), reason="needs Linux and bubblewrap")
KILLS = 100


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return course(tmp_path / "course")


def class_of(folder: Path, count: int, *, pause: float = 0.0, but: str = "") -> Path:
    """A class of `count` notebooks that all differ, with every kind of answer but `but`."""
    kinds = itertools.cycle((kind, answer) for kind, answer in ANSWERS.items() if kind != but)
    slow = {"hangs", "dies"}
    for number, (kind, answer) in zip(range(count), kinds, strict=False):
        chosen = RIGHT if kind in slow and number > len(ANSWERS) else answer
        mine = f"import time\nmine = {number}\ntime.sleep({pause})"
        hand_in(folder, f"student-{number:03}/{dev_exercise.SLUG}.ipynb", chosen, mine)
    return folder


@pytest.mark.slow
def test_the_same_results_for_any_number_of_workers(env: dict[str, str], tmp_path: Path) -> None:
    source = class_of(tmp_path / "in", 21)
    found, whole = [], []
    for workers in (1, 2, 3):
        out = tmp_path / f"out-{workers}"
        done = command(env, "class", "grade", source, "--out", out, "--workers", workers)
        assert done.returncode == 0, done.stderr
        found.append(graded(env, out))
        whole.append(timeless(out))
    assert found[0] == found[1] == found[2]
    assert whole[0] == whole[1] == whole[2]
    assert len(whole[0]) == 21
    statuses = {task["status"] for item in found[0]["submissions"] for task in item["tasks"]}
    assert {"pass", "todo", "timeout", "crashed", "error"} <= statuses
    assert {item["isolation"] for item in found[0]["submissions"]} == {"sandbox"}


@pytest.mark.slow
def test_a_secret_turns_hard_coded_answers_down(env: dict[str, str], tmp_path: Path) -> None:
    """What the visible tests ask can be found out; what hidden ones ask cannot."""
    spy = tmp_path / "spy.py"
    spy.write_text(
        "from autograder.exercise import catalog\n"
        "from autograder.exercise.suite import Suite, references\n"
        f"found = catalog.exercise({dev_exercise.SLUG!r})\n"
        "table = {}\n"
        "right = references(found)['average']\n"
        "def noting(values):\n"
        "    table[tuple(map(float, values))] = float(right(values))\n"
        "    return table[tuple(map(float, values))]\n"
        "suite = Suite(found)\n"
        "for check in suite.checks.values():\n"
        "    others = [suite.fixture(n, check.name) for n in check.arguments if n != 'average']\n"
        "    check.function(noting, *others)\n"
        "print(repr(table))\n"
    )
    seen = subprocess.run(
        [sys.executable, spy], env=env, capture_output=True, text=True, check=True
    ).stdout.strip()
    known = f"def average(values):\n    return {seen}.get(tuple(map(float, values)), 0.0)\n"
    hand_in(tmp_path / "in", "knows.ipynb", known)
    hand_in(tmp_path / "in", "solves.ipynb", RIGHT)
    secret = tmp_path / "secret.txt"
    secret.write_text("a line that students do not know\n")
    points = {}
    for name, options in (("visible", ()), ("hidden", ("--secret", secret))):
        out = tmp_path / name
        done = command(env, "class", "grade", tmp_path / "in", "--out", out, *options)
        assert done.returncode == 0, done.stderr
        found = graded(env, out)["submissions"]
        points[name] = {item["student"]: item["points"] for item in found}
    assert points["visible"] == {"knows": 2.0, "solves": 2.0}
    assert points["hidden"]["solves"] == 2.0
    assert points["hidden"]["knows"] < 2.0
    assert secret.read_text().strip().encode() not in b"".join(
        p.read_bytes() for p in (tmp_path / "hidden").rglob("*") if p.is_file()
    )


@pytest.mark.slow
def test_a_thousand_good_ones_and_sixty_broken_ones(env: dict[str, str], tmp_path: Path) -> None:
    source = tmp_path / "in"
    for number in range(1000):
        hand_in(source, f"good-{number:04}.ipynb", RIGHT, f"group = {number % 5}")
    broken = [b"", b"{", b"\x00\xff\x80", b'{"cells": 3}', b"[]", b"null"]
    for number in range(60):
        (source / f"broken-{number:02}.ipynb").write_bytes(broken[number % len(broken)])
    done = command(env, "class", "grade", source, "--out", tmp_path / "out", "--lang", "en")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    found = graded(env, tmp_path / "out")["submissions"]
    assert len(found) == 1060
    good = [item for item in found if item["student"].startswith("good")]
    assert [item["points"] for item in good] == [2.0] * 1000
    rest = [item for item in found if item["student"].startswith("broken")]
    assert len(rest) == 60
    assert all(item["problem"] and not item["tasks"] for item in rest)


@pytest.mark.slow
def test_what_is_new_or_changed_is_graded_and_the_rest_is_not(
    env: dict[str, str], tmp_path: Path
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    hand_in(source, "ana.ipynb", ANSWERS["zero"])
    hand_in(source, "bo.ipynb", RIGHT)
    assert command(env, "class", "grade", source, "--out", out).returncode == 0
    refused = command(env, "class", "grade", source, "--out", out, "--lang", "en")
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    before = kept(out)
    hand_in(source, "ana.ipynb", RIGHT, "changed = True")
    hand_in(source, "cy.ipynb", RIGHT, "new = True")
    (source / "bo.ipynb").unlink()
    done = command(env, "class", "grade", source, "--out", out, "--resume")
    assert done.returncode == 0, done.stderr
    found = graded(env, out)["submissions"]
    assert [(item["student"], item["points"]) for item in found] == [("ana", 2.0), ("cy", 2.0)]
    assert before.items() < kept(out).items()


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [("checks.py", "3.0, 2.0", "4.0, 2.0"), ("exercise.toml", "points = 2", "points = 3")],
    ids=lambda change: change[0],
)
def test_another_edition_is_told_and_what_was_graded_stays(
    env: dict[str, str], tmp_path: Path, change: tuple[str, str, str]
) -> None:
    source, out = class_of(tmp_path / "in", 3), tmp_path / "out"
    assert command(env, "class", "grade", source, "--out", out).returncode == 0
    before = graded(env, out)
    dev_exercise.edit(*change)(tmp_path / "course")
    done = command(env, "class", "grade", source, "--out", out, "--resume", "--lang", "en")
    assert done.returncode == 2
    assert "another edition" in " ".join(done.stderr.split())
    assert graded(env, out) == before


@pytest.mark.slow
def test_what_is_hidden_stays_so_when_going_on_is_refused(
    env: dict[str, str], tmp_path: Path
) -> None:
    """Without the secret nothing is graded there, and what was graded with it is not shown."""
    source, out, secret = class_of(tmp_path / "in", 2), tmp_path / "out", tmp_path / "secret"
    secret.write_text("a line of random text")
    grading = ("class", "grade", source, "--out", out)
    assert command(env, *grading, "--secret", secret).returncode == 0
    assert command(env, *grading, "--resume").returncode == 2
    with Ledger(out) as ledger:
        assert ledger.class_result().hidden


@pytest.mark.slow
def test_without_walls_nobody_elses_work_is_run(env: dict[str, str], tmp_path: Path) -> None:
    source, mark = tmp_path / "in", tmp_path / "ran"
    hand_in(source, "ana.ipynb", RIGHT, f"open({str(mark)!r}, 'w').close()")
    bare = {**env, "PATH": str(tmp_path)}
    done = command(bare, "class", "grade", source, "--out", tmp_path / "out", "--lang", "en")
    assert done.returncode == 2
    assert "--no-sandbox" in done.stderr
    assert not mark.exists()
    trusting = ("class", "grade", source, "--out", tmp_path / "out", "--no-sandbox")
    assert command(bare, *trusting).returncode == 0
    assert mark.exists()
    (item,) = graded(env, tmp_path / "out")["submissions"]
    assert (item["points"], item["isolation"]) == (2.0, "process")


def test_what_was_our_fault_is_not_kept_as_a_result(tmp_path: Path) -> None:
    verdict = Verdict("c", {"en": "", "zh": ""}, "internal")
    task = TaskResult("t", {"en": "", "zh": ""}, "internal", 0.0, 1.0, (verdict,))
    ours = SubmissionResult("a.ipynb", "metrics", max_points=1.0, tasks=(task,))
    theirs = replace(ours, tasks=(replace(task, status="fail", verdicts=()),))
    with Ledger(tmp_path, writing=True) as ledger:
        ledger.record("key", ours)
        assert not ledger.has("key")
        ledger.record("key", theirs)
        assert ledger.has("key")


@pytest.mark.slow
def test_what_is_no_class_is_told_in_ones_language(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("nothing")
    for source in (tmp_path / "in", tmp_path / "nowhere", tmp_path / "in" / "notes.txt"):
        done = command(env, "--lang", "zh", "class", "grade", source, "--out", tmp_path / "out")
        assert done.returncode == 2
        assert re.search(r"[\u4e00-\u9fff]", done.stderr)
        assert "Traceback" not in done.stderr
    nothing = command(env, "class", "report", tmp_path / "nowhere")
    assert nothing.returncode == 2


@pytest.mark.slow
def test_what_was_found_is_told_and_where_it_is_not_clear_nothing_is_graded(
    env: dict[str, str], tmp_path: Path
) -> None:
    for who in ("ann", "bo"):
        for section in ("one", "two"):
            hand_in(tmp_path / "in", f"{section}/{who}/{dev_exercise.SLUG}.ipynb", RIGHT)
    out = tmp_path / "out"
    grade = ("class", "grade", tmp_path / "in", "--out", out)
    for language, words in (("en", "nothing was graded"), ("zh", "没有评分")):
        done = command(env, *grade, "--lang", language)
        assert done.returncode == 2
        assert words in re.sub(r"\s", "" if language == "zh" else " ", done.stderr)
        assert "--layout" in done.stderr
        assert not out.exists()
    done = command(env, *grade, "--layout", "sections", "--lang", "en")
    assert done.returncode == 0, done.stderr
    told = done.stdout + done.stderr
    assert "Found: 4 student(s), 4 notebook(s); one folder each within folders" in told
    assert "Told apart by: one folder each within folders of sections" in told
    students = {item["student"] for item in graded(env, out)["submissions"]}
    assert students == {"ann (one)", "ann (two)", "bo (one)", "bo (two)"}
    for language, words in (("en", "within folders of sections"), ("zh", "分组文件夹")):
        assert command(env, "class", "report", out, "--lang", language).returncode == 0
        assert words in (out / "report" / "index.html").read_text("utf-8")
