"""Grading on Gradescope: what runs in its container, once it is unpacked there.

Gradescope gives each submission a container of its own, in which everything runs as root; so the
wall that is left to build stands between the grader and the submission. The submission's process
belongs to nobody, who can read neither the answers nor the seeds, and cannot write the result.

Grader and submission take some 160 MB together where an exercise needs no torch, and 750 MB where
it does, which is all that there is by default: raise the memory in the assignment's settings.

References
----------
Gradescope, "Autograder Specifications" (folders, ``results.json``), "Code Autograder Best
Practices" (another user for a submission, a result whatever happens) and "Troubleshooting"
(768 MB, 10 minutes and half a processor by default).
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from autograder.classroom.intake import IntakeError, find_submissions
from autograder.engine import (
    Notebook,
    UnreadableNotebook,
    WorkerFailed,
    observe,
    parse_notebook,
)
from autograder.engine.fresh import fresh_worker
from autograder.engine.timing import PATIENCE
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.grading.grade import judged
from autograder.grading.oracle import reference_key
from autograder.judging.results import SubmissionResult
from autograder.language import Language, Text
from autograder.report import messages
from autograder.report.exports.gradescope import gradescope_results

SETTINGS = "settings.json"
# There are ten minutes by the clock for everything.
_MOST_SECONDS = 480.0
UNFINISHED: Text = {
    "en": "Our fault, not yours: the grader did not finish. The score of 0 is no judgement; ask "
    "your teacher to look at the autograder's output and to regrade.",
    "zh": "是我们的错，不怪你：评分程序没有跑完。0 分并不是对作业的评价；"
    "请老师查看自动评分的输出并重新评分。",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a bundle is for: its exercises, the class's secret, and the language of its reports."""

    exercises: tuple[str, ...]
    secret: str = ""
    language: Language | None = None

    def dumps(self) -> str:
        """As text for a file."""
        fields = {"exercises": self.exercises, "secret": self.secret, "language": self.language}
        return json.dumps(fields, ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> Settings:
        """Read what `dumps` gave."""
        fields = json.loads(path.read_text("utf-8"))
        return cls(tuple(fields["exercises"]), fields["secret"], fields["language"])


def unfinished() -> dict[str, Any]:
    """The ``results.json`` that stands until there is a better one."""
    return {
        "score": 0.0,
        "output": f"{UNFINISHED['en']}\n{UNFINISHED['zh']}",
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [],
        "extra_data": {"internal": True},
    }


def results(folder: Path, settings: Settings) -> dict[str, Any]:
    """The content of ``results.json`` for the submission in `folder`.

    Raises
    ------
    Exception
        Whatever is wrong with us. What is wrong with the submission is in the content.
    """
    exercises = [catalog.exercise(slug) for slug in settings.exercises]
    notebooks: defaultdict[str, list[Notebook]] = defaultdict(list)
    problem: Text | None = None
    try:
        for submission in find_submissions(folder, layout="folders"):
            try:
                content, beside = submission.read(), submission.beside()
                notebook = parse_notebook(content, submission.name, beside=beside)
                notebooks[notebook.exercise].append(notebook)
            except UnreadableNotebook as error:
                problem = problem or _of(submission.name, error.text)
    except IntakeError:
        problem = {
            "en": "There is no notebook in what you handed in. Hand in the .ipynb file.",
            "zh": "提交的内容里没有 notebook。请提交 .ipynb 文件。",
        }
    tables = [
        gradescope_results(
            _graded(exercise, notebooks[exercise.slug], problem, settings),
            settings.language,
            hidden=bool(settings.secret),
        )
        for exercise in exercises
    ]
    return tables[0] if len(tables) == 1 else _merged(settings.exercises, tables)


def _of(name: str, text: Text) -> Text:
    return {"en": f"{name}: {text['en']}", "zh": f"{name}：{text['zh']}"}


def _graded(
    exercise: Exercise, notebooks: Sequence[Notebook], problem: Text | None, settings: Settings
) -> SubmissionResult:
    slug = exercise.slug
    if len(notebooks) == 1:
        return grade(notebooks[0], settings)
    names = ", ".join(str(notebook.path) for notebook in notebooks)
    if notebooks:
        problem = {
            "en": f"{len(notebooks)} notebooks answer {slug}: {names}. Hand in one of them.",
            "zh": f"有 {len(notebooks)} 个 notebook 对应 {slug}：{names}。请只提交其中一个。",
        }
    return SubmissionResult(
        slug,
        problem=problem
        or {
            "en": f"No notebook answers {slug}. Hand in the one that you got for it.",
            "zh": f"没有对应 {slug} 的 notebook。请提交当初发给你的那一个。",
        },
    )


def grade(notebook: Notebook, settings: Settings) -> SubmissionResult:
    """Grade one notebook in a process that belongs to nobody."""
    started = time.perf_counter()
    exercise = _with_time(catalog.exercise(notebook.exercise), len(settings.exercises))
    secret = settings.secret
    try:
        key = reference_key(exercise, secret=secret)
        launch = partial(fresh_worker, user=worker_user())
        observed = observe(notebook, exercise, secret=secret, launch=launch)
        return judged(notebook, exercise, observed, key, secret=secret, started=started)
    except WorkerFailed as error:
        messages.complain(str(error))
        return SubmissionResult(
            str(notebook.path), exercise.slug, notebook.language,
            max_points=exercise.points, problem=UNFINISHED,
        )  # fmt: skip


def _with_time(exercise: Exercise, number: int) -> Exercise:
    """The exercise within the time that there is; half a processor costs no processor time."""
    most = _MOST_SECONDS / PATIENCE / number
    return replace(exercise, submission_seconds=min(exercise.submission_seconds, most))


def _merged(slugs: Sequence[str], tables: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One ``results.json`` for an assignment of several exercises."""
    named = list(zip(slugs, tables, strict=True))
    return {
        **tables[0],
        "score": round(sum(table["score"] for table in tables), 2),
        "execution_time": round(sum(table["execution_time"] for table in tables), 1),
        "output": "\n\n".join(f"{slug}: {table['output']}" for slug, table in named),
        "tests": [
            {**test, "name": f"{slug}: {test['name']}"}
            for slug, table in named
            for test in table["tests"]
        ],
        "extra_data": {slug: table["extra_data"] for slug, table in named},
    }


def worker_user() -> str:
    """Whose processes submissions are: nobody's, where it is ours to say."""
    default = "nobody" if os.name == "posix" and os.geteuid() == 0 else ""
    return os.environ.get("TOUCHSTONE_WORKER_USER", default)
