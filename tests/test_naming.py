"""Names of exercises and tasks, as every command takes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.exercise import catalog
from autograder.exercise.catalog import CatalogError
from autograder.learner import naming

EXERCISES = catalog.exercises()
TASKS = [(exercise.slug, task.name) for exercise in EXERCISES for task in exercise.tasks]


@given(st.sampled_from(TASKS))
def test_a_task_is_found_by_its_whole_name_and_by_its_own_where_that_is_one(
    pair: tuple[str, str],
) -> None:
    slug, name = pair
    exercise, task = naming.task_named(f"{slug}/{name}")
    assert (exercise.slug, task.name) == pair
    if [task for _, task in TASKS].count(name) == 1:
        assert naming.task_named(name) == (exercise, task)
    else:
        with pytest.raises(CatalogError, match=f"{slug}/{name}"):
            naming.task_named(name)
    assert naming.named(slug).task is None


@given(st.sampled_from(TASKS), st.data())
def test_what_is_offered_goes_on_from_what_was_typed_and_is_found(
    pair: tuple[str, str], data: st.DataObject
) -> None:
    whole = "/".join(pair)
    typed = whole[: data.draw(st.integers(0, len(whole)))]
    offered = list(naming.beginning(typed))
    assert all(name.startswith(typed) and naming.named(name) for name in offered)
    assert (whole in offered) == typed.startswith(pair[0])
    assert len(set(offered)) == len(offered)


@given(st.sampled_from(TASKS), st.data())
def test_a_slip_of_the_finger_is_answered_by_what_was_meant(
    pair: tuple[str, str], data: st.DataObject
) -> None:
    whole = "/".join(pair)
    at = data.draw(st.integers(0, len(whole) - 1))
    typed = whole[:at] + whole[at + 1 :]
    if (typed, typed) in [(t, t) for _, t in TASKS] or "/" not in typed:
        return
    with pytest.raises(CatalogError) as caught:
        naming.named(typed)
    assert whole in naming.similar(typed, EXERCISES)
    assert whole in caught.value.text["zh"]
    assert len(str(caught.value)) < 240


def test_a_file_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def placed(names: list[str]) -> dict[Path, set[str]]:
        return naming.at(names, lambda exercise: tmp_path / f"{exercise.slug}.ipynb")

    theirs = tmp_path / "metrics.ipynb"
    assert placed(["metrics/recall", "f1"]) == {theirs: {"recall", "f1"}}
    assert placed(["metrics/recall", "metrics"]) == {theirs: set()}
    assert placed(["absent.ipynb", "no/such"]) == {
        Path("absent.ipynb"): set(),
        Path("no/such"): set(),
    }
    Path("metrics").mkdir()
    assert placed(["metrics"]) == {Path("metrics"): set()}
    with pytest.raises(CatalogError, match="metrics/recall"):
        placed(["recal"])
