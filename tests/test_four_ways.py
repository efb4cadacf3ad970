"""One notebook has one number of points: by `grade`, in a class, in a kernel and under nbgrader.

What each of them runs stands in `DECISIONS.md`. The heavy libraries are imported once for all
kernels (`warm_kernels`); everything else is what people use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from awkward import ACCURACY, METRICS, attempt, awkward
from four_ways import Kernels, Points, as_a_class, autograded, by_task, graded
from warm_kernels import warm_kernels

from autograder.engine import walls
from autograder.judging.results import SubmissionResult
from autograder.report import digest, jsonfile

pytestmark = [
    pytest.mark.slow,
    pytest.mark.together,
    pytest.mark.skipif(not walls.available(), reason="needs Linux and bubblewrap"),
]
AWKWARD = awkward()
# A cell that stops has stopped for good where nobody put it back: in a kernel nothing defines
# `check` then, and what stopped it stands below the cell.
NO_SETUP = {"colab": "ModuleNotFoundError", "widget": "Error"}
LIBRARIES = (
    "torch", "sklearn.naive_bayes", "sklearn.datasets", "sklearn.metrics", "scipy.stats",
    "matplotlib.pyplot", "matplotlib_inline.backend_inline",
)  # fmt: skip


@dataclass(frozen=True)
class Ways:
    """What each way gave for each notebook."""

    grade: dict[str, SubmissionResult]
    class_: dict[str, SubmissionResult]
    shown: dict[str, dict[str, str]]
    kernel: dict[str, Points]
    nbgrader: dict[str, Points]


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    folder = tmp_path_factory.mktemp("ways")
    attempts = {name: made for name, (made, _) in AWKWARD.items()}
    (folder / "warm").mkdir()
    (folder / "course").mkdir()
    with warm_kernels(folder / "warm", *LIBRARIES) as environment:
        kernels = Kernels(environment)
        shown = {
            name: kernels.shown(
                made.notebook, made.save(folder / "own" / name, "metrics.ipynb").parent
            )
            for name, made in attempts.items()
        }
        yield Ways(
            graded(METRICS, attempts, folder / "grade"),
            as_a_class(METRICS, attempts, folder / "class", zipped=True),
            shown,
            {name: kernels.points(METRICS, texts) for name, texts in shown.items()},
            autograded(METRICS, attempts, folder / "course", environment),
        )


@pytest.mark.parametrize("name", AWKWARD)
def test_the_points_are_the_same(ways: Ways, name: str) -> None:
    points = by_task(ways.grade[name])
    failed = {task.name for task in METRICS.tasks if points[task.name] < task.points}
    assert failed == AWKWARD[name][1]
    assert by_task(ways.class_[name]) == points
    assert ways.nbgrader[name] == points
    if name in NO_SETUP:
        assert set(ways.kernel[name].values()) == {0.0}
        assert NO_SETUP[name] in ways.shown[name]["setup"]
    else:
        assert ways.kernel[name] == points


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("colab", "The cell `setup` stopped at line 1, `from google.colab import drive`: Module"),
        ("stops-before", "The cell `accuracy` stopped at line 1, `import nothing_like_it`: Modul"),
        ("stops-after", "The cell `accuracy` stopped at line 5, `accuracy([1, 0], [1, 0]).shape`"),
        ("missing", "The cell `confusion_counts` stopped at line 1, `from counting import how_m"),
        ("loop-in-cell", "The cell `specificity` stopped at line 1, `asyncio.run(asyncio.sleep("),
    ],
)
def test_the_line_that_stopped_a_cell_is_told_first(ways: Ways, name: str, line: str) -> None:
    for result in (ways.grade[name], ways.class_[name]):
        assert digest.foremost(result, "en")[0].startswith(line)
        assert len(digest.foremost(result, "zh")) == len(digest.foremost(result, "en"))
        (table,) = jsonfile.to_json([result])["submissions"]
        assert table["notes"][0].startswith(line)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("colab", "was run as it was handed out"),
        ("missing", "no file of that name lay beside the notebook"),
        ("mended-below", "`accuracy` is defined below its check, in the cell `own-specificity-ch"),
    ],
)
def test_what_the_points_rest_on_is_told(ways: Ways, name: str, note: str) -> None:
    assert any(note in told for told in digest.foremost(ways.grade[name], "en"))


def test_a_name_that_is_overwritten_is_told_by_the_cell_that_did_it(ways: Ways) -> None:
    for result in (ways.grade["reused"], ways.class_["reused"]):
        (f1,) = (task for task in result.tasks if task.name == "f1")
        (told, *_) = (v.message for v in f1.verdicts if v.status != "pass")
        assert "no function any more: the cell own-recall-check gave it" in told["en"]
        assert "own-recall-check" in told["zh"]
    card = " ".join(ways.shown["reused"]["f1-check"].split())
    assert "no function any more: the cell In [" in card


def test_a_line_that_nbgrader_would_lose_is_told(tmp_path: Path) -> None:
    made = attempt(
        before="from math import fsum\n", answers={"accuracy": ACCURACY.replace("sum(", "fsum(")}
    )
    (result,) = graded(METRICS, {"fsum": made}, tmp_path).values()
    assert result.passed
    told = digest.foremost(result, "en")
    assert len(told) == 1
    assert "nbgrader would put the locked cell `setup` back and lose `fsum`" in told[0]
