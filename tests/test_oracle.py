"""Of an answer key no more is computed than what a submission needs."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import dev_exercise
import pytest
from attempts import RECALL, grade, notebook, save, statuses, task

from autograder.engine import ours
from autograder.engine.claims import outcome_to
from autograder.evidence.packing import pack
from autograder.exercise.catalog import exercise
from autograder.exercise.suite import answers
from autograder.grading.grade import grade_path
from autograder.grading.keyparts import parts
from autograder.grading.oracle import answer_key, make_ahead, reference_key
from autograder.judging.key import AnswerKey, Label

METRICS = exercise("metrics")
CHECKS = """
from autograder.checks import at_least, check

@check("It doubles.", zh="翻倍。", close=0)
def doubles(part):
    return [part(2), part(5)]

@check("As many as asked.", zh="个数对。", close=0)
def as_many(whole):
    return len(whole(4))

@check("It gets there.", zh="够大。", expect=at_least(12), rests_on=("part",), costly=True)
def gets_there(whole):
    return sum(whole(4))
"""
WRONG = """
from autograder.checks import wrong

@wrong("part", "It halves.", zh="减半了。", caught_by="doubles", step="Double.", step_zh="翻倍。")
def halves(n):
    return n / 2

@wrong("part", "One more.", zh="多了一。", caught_by="doubles", step="Double.", step_zh="翻倍。")
def adds_one(n):
    return 2 * n + 1
"""
REFERENCE = """
def part(n):
    return 2 * n

def whole(count, *, part=part):
    return [part(i) for i in range(count)]
"""
TASK = """
[[tasks]]
name = "{0}"
title = {{en = "{0}", zh = "{0}"}}
points = 2
difficulty = 1
minutes = 1
hints = {{en = ["a"], zh = ["a"]}}
"""
WHOLE = "def whole(count):\n    return [part(i) for i in range(count)]"


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of keys of somebody who has graded nothing yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "touchstone" / "keys"


def test_an_untouched_notebook_needs_no_key(keys: Path) -> None:
    result = grade_path(METRICS.notebook("zh"))
    assert {item.status for item in result.tasks} == {"todo"}
    assert not keys.exists()


@pytest.mark.slow
def test_of_the_reference_only_the_tasks_worked_on_are_run(tmp_path: Path, keys: Path) -> None:
    result = grade(tmp_path, RECALL)
    assert task(result).status == "pass"
    assert [path.name.split("-")[2] for path in keys.iterdir()] == ["recall"]


@pytest.mark.slow
def test_a_name_that_no_line_begins_with_is_compared_too(tmp_path: Path, keys: Path) -> None:
    result = grade(tmp_path, "exec('recall = lambda labels, predictions: 0.5')")
    assert "fail" in statuses(result)
    assert any("reference-recall" in path.name for path in keys.iterdir())


@pytest.mark.slow
def test_a_whole_key_holds_the_reference_too(keys: Path) -> None:
    whole = answer_key(METRICS, tasks=["recall"])
    made = set(keys.iterdir())
    reference = reference_key(METRICS, tasks=["recall"])
    assert set(keys.iterdir()) == made
    assert reference.misconceptions == {}
    assert reference.outcomes == {n: {(): rows[()]} for n, rows in whole.outcomes.items()}


@pytest.mark.slow
def test_a_process_that_is_warm_makes_the_same_key(
    tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ours.warm([METRICS]):
        warm = answer_key(METRICS, tasks=["recall", "f1"])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    fresh = answer_key(METRICS, tasks=["recall", "f1"])
    assert told(warm) == told(fresh)


def told(key: AnswerKey) -> dict[str, dict[Label, bytes]]:
    """What a key holds, NaN too, but for times."""
    return {
        check: {label: pack(outcome_to(replace(it, seconds=0.0))) for label, it in rows.items()}
        for check, rows in key.outcomes.items()
    }


@pytest.mark.slow
def test_made_ahead_a_diagnosis_is_waiting(tmp_path: Path, keys: Path) -> None:
    make_ahead([METRICS])
    over = time.monotonic() + 120
    while len(list(keys.glob("metrics-*-*.key"))) < 2 * len(METRICS.tasks):
        assert time.monotonic() < over
        time.sleep(0.1)
    made = set(keys.iterdir())
    assert "fail" in statuses(grade(tmp_path, "recall = lambda labels, predictions: 0.5"))
    assert set(keys.iterdir()) == made


def test_a_costly_check_runs_only_the_misconceptions_that_name_it(
    tmp_path: Path, keys: Path
) -> None:
    found = dev_exercise.make(tmp_path)
    dev_exercise.edit("checks.py", "close=0.0)", "close=0.0, costly=True)")(tmp_path)
    outcomes = answer_key(found).outcomes
    assert set(outcomes["nothing_averages_to_zero"]) == {(), ("forgets_the_empty_list",)}
    every = {(answer.name,) for answer in answers(found, "wrong")}
    assert set(outcomes["shares_the_total"]) == {(), *every}


@pytest.mark.slow
def test_what_trains_is_built_on_a_mistake_only_when_somebody_makes_it(keys: Path) -> None:
    detection = exercise("detection")
    trains, mistake = "finds_digits_by_their_colour", "stacks_the_pictures"
    found = parts(detection, f"built:{mistake}", "", ["mended_program"])["mended_program"]
    assert [(label, outcome.check) for label, outcome in found.outcomes] == [((mistake,), trains)]
    assert found.outcomes[0][1].kind == "raised"
    assert len(list(keys.iterdir())) == 1


@pytest.mark.parametrize("mode", ["built:", "built:../../recall", "built:a b", "wrong", ""])
def test_a_key_of_no_mode_is_not_looked_for(mode: str) -> None:
    with pytest.raises(ValueError, match="mode"):
        parts(METRICS, mode, "", ["recall"])


@pytest.mark.slow
def test_heavy_libraries_are_loaded_by_the_first_predicate_that_is_asked() -> None:
    """A grader that imported torch would keep the first mistake waiting."""
    program = (
        "import contextlib, sys\n"
        "from autograder.exercise.catalog import exercise\n"
        "from autograder.grading.oracle import answer_key\n"
        "key = answer_key(exercise('resnet-eval'), tasks={'evaluate'})\n"
        "asking = [m.looks_like for m in key.misconceptions.values() if m.looks_like]\n"
        "print(len(asking) > 0, 'torch' in sys.modules)\n"
        "with contextlib.suppress(Exception):\n"
        "    asking[0](None)\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False", "True"], done.stderr


@pytest.fixture
def toy(tmp_path: Path, keys: Path) -> Path:
    """A course with one exercise, of which one task rests on the other and trains, as it were."""
    folder = tmp_path / "autograder" / "course" / "toy-built"
    folder.mkdir(parents=True)
    toml = 'title = {en = "Toy", zh = "玩具"}' + "".join(map(TASK.format, ("part", "whole")))
    files = {"exercise.toml": toml, "checks.py": CHECKS, "wrong.py": WRONG, "right.py": "",
             "reference.py": REFERENCE}  # fmt: skip
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return folder.parent


@pytest.mark.parametrize(
    ("part", "whole", "points"),
    [
        ("n / 2", WHOLE, 2.0),  # with that, ours does not get there either
        ("n / 2", WHOLE.replace("part(i)", "0"), 1.0),  # it does without it
        ("n / 2", WHOLE.replace("count)]", "1)]"), 0.0),  # something else is wrong as well
        ("2 * n + 1", WHOLE.replace("part(i)", "0"), 1.0),  # with that, ours gets there
        ("2 * n", WHOLE.replace("part(i)", "0"), 1.0),
    ],
)
def test_what_a_training_cannot_reach_with_ones_own_mistake_costs_nothing(
    tmp_path: Path, toy: Path, part: str, whole: str, points: float
) -> None:
    source = f"def part(n):\n    return {part}"
    content = notebook(source, whole, setup='EXERCISE, LANGUAGE = "toy-built", "en"')
    result = grade_path(save(tmp_path, content), course=toy)
    assert task(result, "whole").points == points
