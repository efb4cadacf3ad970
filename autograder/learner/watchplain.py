"""``touchstone watch`` where nobody presses keys: results, one below the other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from autograder import report
from autograder.engine import ours
from autograder.grading.grade import exercises_of, warm_pool
from autograder.grading.journal import Journal
from autograder.grading.oracle import load_ahead, make_ahead
from autograder.judging.results import SubmissionResult
from autograder.learner import desk
from autograder.learner.desk import Desk
from autograder.learner.watching import saves
from autograder.report import messages


def watch_plain(paths: Sequence[Path], here: Desk, journal: Journal) -> None:
    """Grade `paths` now and at each save, and print the results, until Ctrl-C."""
    messages.say(
        "正在监视；按 Ctrl-C 结束。" if here.language == "zh" else "Watching; stop with Ctrl-C."
    )
    with grading(paths, journal) as grade:
        for path in saves(paths):
            report.print_results([grade(path)], console=messages.out(), language=here.language)


@contextlib.contextmanager
def grading(
    paths: Sequence[Path], journal: Journal
) -> Iterator[Callable[[Path], SubmissionResult]]:
    """What grades each of `paths` fast while the body runs, and what did not change not again."""
    exercises = exercises_of(paths)
    make_ahead(exercises)
    load_ahead(exercises)
    with warm_pool(paths) as pool, ours.kept():
        ours.begin(exercises)

        def grade(path: Path) -> SubmissionResult:
            before = desk.graded_before(path, journal)
            return before or desk.grade_and_record(path, journal, pool=pool)

        yield grade
