"""Grading everything that a class handed in, into a ledger."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from autograder.classroom.graders import Graders, Job
from autograder.classroom.intake import Submission
from autograder.classroom.ledger import Ledger, key_of
from autograder.engine import Notebook, UnreadableNotebook
from autograder.exercise import catalog
from autograder.exercise.edition import edition
from autograder.grading.apart import read_apart
from autograder.judging.results import SubmissionResult

Told = Callable[[Submission, SubmissionResult | None], None]
"""Is told of each submission when it is settled; without a result if it had one already."""


def grade_class(
    submissions: Sequence[Submission],
    ledger: Ledger,
    graders: Graders,
    *,
    secret: str = "",
    told: Told = lambda submission, result: None,
) -> None:
    """Grade every submission that has no result in the ledger yet.

    Whatever cannot be read gets a result that says why. Each result is in the ledger before
    `told` hears of it, so whatever ends this loses nothing.
    """
    _Round(ledger, secret, told).grade(submissions, graders)


class _Round:
    """One pass over a class: looks for notebooks to grade, and settles what comes back."""

    def __init__(self, ledger: Ledger, secret: str, told: Told) -> None:
        self._ledger = ledger
        self._secret = secret
        self._told = told
        self._environments: dict[str, str] = {}
        self._waiting: defaultdict[str, list[Submission]] = defaultdict(list)
        self._codes: dict[str, bytes] = {}

    def grade(self, submissions: Sequence[Submission], graders: Graders) -> None:
        for job, result in graders.results(self._jobs(submissions)):
            self._settle(self._waiting.pop(job.key), job.key, result)
        self._ledger.keep_only(submission.name for submission in submissions)

    def _jobs(self, submissions: Sequence[Submission]) -> Iterator[Job]:
        """What is to be graded; the same code of several students once."""
        for submission in submissions:
            try:
                content, beside = submission.read(), submission.beside()
                notebook = read_apart(content, submission.name, beside=beside)
            except UnreadableNotebook as error:
                self._refuse(submission, error)
                continue
            except Exception as error:
                # Whatever is in one student's file, the others are graded.
                self._refuse(submission, _unforeseen(error))
                continue
            environment = self._environment(notebook)
            key = self._key(notebook, environment)
            if self._ledger.has(key):
                self._settle([submission], key, None)
                continue
            self._waiting[key].append(submission)
            self._codes[key] = notebook.code
            if len(self._waiting[key]) == 1:
                yield Job(key, notebook, environment, self._secret)

    def _key(self, notebook: Notebook, environment: str) -> str:
        """What a notebook's result is kept by: no result stands for any other code than its own."""
        first, code = key_of(notebook, environment), notebook.code
        for key in itertools.chain([first], (f"{first}/{n}" for n in itertools.count(2))):
            known = self._codes.get(key) or self._ledger.code(key)
            if known is None or known == code:
                return key
        raise AssertionError

    def _environment(self, notebook: Notebook) -> str:
        slug = notebook.exercise
        if slug not in self._environments:
            environment = edition(catalog.exercise(slug), self._secret)
            self._ledger.open_for(slug, environment)
            if self._secret:
                self._ledger.hide()
            self._environments[slug] = environment
        return self._environments[slug]

    def _refuse(self, submission: Submission, error: UnreadableNotebook) -> None:
        result = SubmissionResult(submission.name, problem=error.text)
        self._settle([submission], f"unread/{submission.name}", result)

    def _settle(
        self, submissions: Sequence[Submission], key: str, result: SubmissionResult | None
    ) -> None:
        """Keep whose result this is, and the result itself unless it is there already."""
        with self._ledger.at_once():
            if result is not None:
                self._ledger.record(key, result, self._codes.pop(key, None))
            for one in submissions:
                self._ledger.enter(one.student, one.name, one.identifier, key, one.at)
        for one in submissions:
            self._told(one, result)


def _unforeseen(error: Exception) -> UnreadableNotebook:
    what = f"{type(error).__name__}: {error}"
    return UnreadableNotebook(
        f"It cannot be read, for a reason that we did not foresee ({what}). Open it in Jupyter, "
        "save it again, and please report this.",
        f"无法读取，原因出乎我们意料（{what}）。请在 Jupyter 中打开并重新保存，也请反馈给我们。",
    )
