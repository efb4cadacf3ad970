"""The suite's clock: processor seconds of each test, by file and by exercise, against the budget.

Processor seconds and not wall time, so that a busy machine changes nothing. The sum is printed at
the end of a run of the whole suite, and of any run with ``--budget``; it fails nothing.
"""

from __future__ import annotations

import os
import resource
from collections import Counter
from collections.abc import Iterator

import pytest

from autograder.exercise.catalog import exercises

BASE, EACH = 550.0, 35.0  # the engine's and classes' tests; each exercise's own
_NAME = "processor seconds"


def spent() -> float:
    """Seconds of processor that this process, and children that have ended, have used."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Budget:
    """Collects what every test took, in the processes where they run."""

    def __init__(self, always: bool) -> None:
        self.always = always
        self.files: Counter[str] = Counter()
        self.slugs: Counter[str] = Counter()
        self.tests: Counter[str] = Counter()
        self._known = {exercise.slug for exercise in exercises()}
        self._last = spent()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        # Since the last test ended: fixtures that live longer are taken down after it.
        result = yield
        now = spent()
        item.session.stash.setdefault(_SPENT, []).append((item.nodeid, now - self._last))
        self._last = now
        return result

    def add(self, rows: list[tuple[str, float]]) -> None:
        for nodeid, seconds in rows:
            self.files[nodeid.partition("::")[0]] += seconds
            self.tests[nodeid] += seconds
            parts = nodeid.partition("[")[2].rstrip("]").split("-")
            named = [slug for slug in self._known if all(p in parts for p in slug.split("-"))]
            if named:
                self.slugs[max(named, key=len)] += seconds

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        rows = session.stash.get(_SPENT, [])
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[_NAME] = rows
        else:
            self.add(rows)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object, error: object) -> None:
        self.add(getattr(node, "workeroutput", {}).get(_NAME, []))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        total = self.files.total()
        if not total or not (self.always or total > BASE / 2):
            return
        allowed = BASE + EACH * len(self._known)
        say = terminalreporter.write_line
        terminalreporter.section("processor seconds")
        for name, seconds in self.files.most_common(15):
            say(f"{seconds:8.1f}  {name}")
        say(f"{total - sum(s for _, s in self.files.most_common(15)):8.1f}  the other files")
        for name, seconds in self.slugs.most_common():
            say(f"{seconds:8.1f}  of these in tests of {name}")
        for name, seconds in self.tests.most_common(15):
            say(f"{seconds:8.1f}  {name.removeprefix('tests/')[:69]}")
        say(f"{total:8.1f}  in all; the budget for {len(self._known)} exercises is {allowed:.0f}")


_SPENT = pytest.StashKey[list[tuple[str, float]]]()


def register(config: pytest.Config) -> None:
    """Start the clock of this process."""
    always = bool(config.getoption("--budget") or os.environ.get("CI"))
    config.pluginmanager.register(Budget(always))
