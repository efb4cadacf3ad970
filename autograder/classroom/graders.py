"""Grading many notebooks side by side on this machine, each behind walls of its own."""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from autograder._errors import BilingualError
from autograder.classroom.belongings import Belongings
from autograder.engine import Notebook, users, walls
from autograder.engine.pool import Pool, PoolError
from autograder.engine.scouting import MOST_ROUNDS
from autograder.engine.trials import answers_in_reach
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.grading.apart import Judge
from autograder.grading.grade import grade
from autograder.judging.results import SubmissionResult
from autograder.language import Text

_NOTHING = Belongings()
_MOST_AHEAD, _MOST_WEIGHT = 64, 2**23


class NoWalls(BilingualError):
    """The work of others is not run without walls unless that is asked for."""


class AnswersInReach(NoWalls):
    """Walls that stand, with a copy of the answers on the near side."""


@dataclass(frozen=True, slots=True)
class Job:
    """A notebook to grade, and what its result is kept by.

    Attributes
    ----------
    environment
        Fingerprint of the exercise, the secret and the versions that it is to be graded with.
    """

    key: str
    notebook: Notebook
    environment: str
    secret: str = ""


class Graders(AbstractContextManager["Graders"], Protocol):
    """Whoever grades jobs side by side: threads of this machine, or a cluster."""

    def results(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, SubmissionResult]]:
        """Grade `jobs`, a few at a time; the results come as they are done."""


class LocalGraders(Graders):
    """Graders on this machine: `workers` notebooks at a time, in a warm pool for each exercise.

    Parameters
    ----------
    sandbox
        Whether walls have to stand. Without, notebooks are run with the limits that the platform
        has.
    own
        What belongs to the class, and is no submission's business.

    Raises
    ------
    NoWalls
        If they have to and cannot.
    """

    def __init__(self, workers: int, *, sandbox: bool = True, own: Belongings = _NOTHING) -> None:
        self._workers = workers
        self._pools = Pools(sandbox=sandbox, own=own)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="grader")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Whoever interrupts does not wait for what is under way: it ends with its pool.
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pools.close()

    def results(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, SubmissionResult]]:
        """Grade `jobs`; while the first wait for their libraries, others are read already."""
        running: dict[Future[SubmissionResult], Job] = {}
        for job in jobs:
            running[self._threads.submit(self._grade, job)] = job
            if len(running) >= 2 * self._workers and _enough(running.values()):
                yield from _finished(running)
        while running:
            yield from _finished(running)

    def _grade(self, job: Job) -> SubmissionResult:
        try:
            return self._pools.grade(job.notebook, job.secret)
        except NoWalls:
            raise
        except Exception as error:
            # Whatever one submission brought about is its own matter, and not the class's.
            return ungraded(job, f"{type(error).__name__}: {error}")


def _enough(jobs: Collection[Job]) -> bool:
    """Whether so many jobs are more than need to be held at a time."""
    weight = sum(len(cell.source) for job in jobs for cell in job.notebook.cells)
    weight += sum(len(data) for job in jobs for _, data in job.notebook.beside.files)
    return len(jobs) >= _MOST_AHEAD or weight > _MOST_WEIGHT


def ungraded(job: Job, why: str | Text) -> SubmissionResult:
    """The result of a job that could not be done, which is nobody's but our fault."""
    exercise = catalog.exercise(job.notebook.exercise)
    en, zh = (why, why) if isinstance(why, str) else (why["en"], why["zh"])
    problem: Text = {
        "en": f"Our fault, not yours: {en}. Run the same command with --resume.",
        "zh": f"是我们的错，不怪你：{zh}。请加 --resume 再运行一次。",
    }
    return SubmissionResult(
        str(job.notebook.path), exercise.slug, job.notebook.language,
        max_points=exercise.points, problem=problem,
    )  # fmt: skip


def _finished(
    running: dict[Future[SubmissionResult], Job],
) -> Iterator[tuple[Job, SubmissionResult]]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        yield running.pop(future), future.result()


class Pools:
    """Warm pools by exercise, and judges beside them, each started when it is first needed."""

    def __init__(self, *, sandbox: bool, own: Belongings = _NOTHING) -> None:
        lacking = walls.missing() if sandbox else ""
        if lacking == "libraries":
            raise _closed(users.closed())
        if lacking:
            raise _no_walls("no Linux" if lacking == "Linux" else f"{lacking} is not installed")
        self._sandbox = sandbox
        self._own = own
        self._refused: NoWalls | None = None
        self._pools: dict[str, Pool] = {}
        self._judges: dict[tuple[str, str], Judge] = {}
        self._lock = threading.Lock()

    def grade(self, notebook: Notebook, secret: str) -> SubmissionResult:
        """Grade a notebook in the pool of its exercise, judged in a process of its own."""
        exercise = catalog.exercise(notebook.exercise)
        if not self._sandbox and sys.platform != "linux":
            # The platform has no pools, and needs none.
            return grade(notebook, exercise, secret=secret)
        with self._lock:
            if (exercise.slug, secret) not in self._judges:
                # A second for each of them, side by side.
                with ThreadPoolExecutor(1) as aside:
                    starting = aside.submit(self._start_judge, exercise, secret)
                    self._pool(exercise)
                starting.result()
            pool, judge = self._pool(exercise), self._judges[exercise.slug, secret]
        return judge.grade(notebook, pool)

    def _start_judge(self, exercise: Exercise, secret: str) -> None:
        self._judges[exercise.slug, secret] = Judge(exercise, secret).__enter__()

    def _pool(self, exercise: Exercise) -> Pool:
        if self._refused is not None:
            raise self._refused
        if exercise.slug not in self._pools:
            self._pools[exercise.slug] = self._started(exercise)
        return self._pools[exercise.slug]

    def _started(self, exercise: Exercise) -> Pool:
        """A new pool; before the first one serves anybody, a scout of it looks for answers."""
        besides = None if self._pools else self._own.marks
        pool = Pool([exercise], walled=self._sandbox, covered=self._own.paths, besides=besides)
        try:
            pool.__enter__()
        except (PoolError, OSError) as error:
            raise _no_walls(str(error)) from None
        found = pool.in_reach
        for _ in range(MOST_ROUNDS):
            # Somebody killed the scout, say; a submission of ours is asked again if that happens.
            if found is None:
                found = answers_in_reach(exercise, pool.worker, self._own.marks)
        if found != ():
            pool.__exit__()
            self._refused = _refusal(found)
            raise self._refused
        return pool

    def close(self) -> None:
        """End every pool and judge."""
        with self._lock:
            while self._judges:
                self._judges.popitem()[1].__exit__()
            while self._pools:
                self._pools.popitem()[1].__exit__()


def _refusal(found: tuple[str, ...] | None) -> NoWalls:
    """Why nothing is graded where a scout has `found` what no submission may read."""
    if not found:
        return _no_walls("a search for answers from within did not come to its end")
    folder = found[0].rpartition("/")[0]
    more = (f" and {len(found) - 1} more", f"等 {len(found)} 处") if len(found) > 1 else ("", "")
    return AnswersInReach(
        "Nothing was graded: submissions could read answers of this course, or what belongs to "
        f"this class, at {found[0]}{more[0]}. Move {folder} to where Python and its environment do "
        "not lie, or delete the copy, then run the same command again.",
        f"尚未评分：学生代码能读到本课程的答案或本班的数据：{found[0]}{more[1]}。请把 {folder} "
        "移出 Python 及其环境所在的目录，或删除该副本，再运行同样的命令。",
    )


def _no_walls(reason: str) -> NoWalls:
    return NoWalls(
        f"Nobody else's work is run here, because the walls around it do not stand ({reason}). "
        "They need Linux and bubblewrap (Debian and Ubuntu: apt install bubblewrap); `touchstone "
        "doctor` tells more. For work that you trust, say --no-sandbox.",
        f"沙箱不可用（{reason}），因此不会运行他人的作业。沙箱需要 Linux 和 bubblewrap"
        "（Debian、Ubuntu：apt install bubblewrap），详情见 `touchstone doctor`。"
        "如果信任这些作业，可加 --no-sandbox。",
    )


def _closed(place: Path | None) -> NoWalls:
    return NoWalls(
        "Nothing was graded: as root you give each submission a user of its own, and no other user "
        f"may read {place}, which Python runs from. Run `chmod -R a+rX {place}`, then the same "
        "command again.",
        "尚未评分：以 root 评分时，每份作业各用一个系统用户，而其他用户读不了 Python 运行所需的"
        f" {place}。请先运行 `chmod -R a+rX {place}`，再运行同样的命令。",
    )
