"""How far somebody is in an exercise, and what comes next: what a passed card adds."""

from __future__ import annotations

import contextlib
from pathlib import Path

from autograder.exercise.catalog import Exercise
from autograder.language import Text

_passed: set[tuple[str, str]] = set()


def passed(exercise: Exercise, task: str) -> Text:
    """Note that `task` was passed in this kernel, and say how far that brings one.

    What the workbook's journal knows of counts too.
    """
    _passed.add((exercise.slug, task))
    done = {name for slug, name in (*_passed, *_before()) if slug == exercise.slug}
    names = [item.name for item in exercise.tasks]
    place = names.index(task) + 1
    order = [*exercise.tasks[place:], *exercise.tasks[:place]]
    following = next((item for item in order if item.name not in done), None)
    count, of = sum(name in done for name in names), len(names)
    if following is None:
        return {
            "en": f"All {of} tasks are passed. Save, and run `touchstone grade` in a terminal.",
            "zh": f"{of} 道题全部通过。保存后在终端运行 `touchstone grade`。",
        }
    return {
        "en": f"{count} of {of} tasks passed. Next: {following.title['en']}.",
        "zh": f"已通过 {count}/{of} 题。下一题：{following.title['zh']}。",
    }


def _before() -> list[tuple[str, str]]:
    from autograder.grading.journal import Journal, JournalError
    from autograder.learner.workbook import WorkbookError, find

    with contextlib.suppress(JournalError, WorkbookError, OSError):
        book = find(Path.cwd())
        if book is not None and book.journal.is_file():
            with Journal(book.journal) as journal:
                return list(journal.passes())
    return []
