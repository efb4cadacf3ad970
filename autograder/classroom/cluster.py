"""Grading on a Dask cluster: the same function as here, and a scheduler that others keep.

Each worker keeps warm pools of its own. What travels is data: a notebook's code as bytes there, a
result as bytes back. Dask itself does again what was under way on a worker that died.
"""

from __future__ import annotations

import atexit
import importlib
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import TracebackType
from typing import Any

from autograder._errors import BilingualError
from autograder.classroom.belongings import Belongings
from autograder.classroom.graders import Graders, Job, NoWalls, Pools, ungraded
from autograder.engine import Notebook
from autograder.exercise import catalog
from autograder.exercise.edition import edition
from autograder.grading.serial import result_from_dict, result_to_dict
from autograder.judging.results import SubmissionResult
from autograder.language import Text

CONNECT_SECONDS = 20
_NOTHING = Belongings()


class ClusterError(BilingualError):
    """The cluster cannot grade this class."""


class ClusterGraders(Graders):
    """Graders on the workers of the Dask scheduler at `address`.

    Parameters
    ----------
    sandbox
        Whether walls have to stand on every worker.
    own
        What belongs to the class, and is no submission's business on any of them.

    Raises
    ------
    ClusterError
        If Dask is not installed here, nobody answers, or there are no workers.
    """

    def __init__(self, address: str, *, sandbox: bool = True, own: Belongings = _NOTHING) -> None:
        self._address = address
        self._own = own.packed()
        self._sandbox = sandbox
        # Any: Dask's own functions are not typed.
        self._distributed: Any = _distributed()
        self._client: Any = _connected(self._distributed, address)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def results(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, SubmissionResult]]:
        """Grade `jobs`; a few for each thread of the cluster are on their way at a time."""
        pending = iter(jobs)
        running = {self._submit(job): job for job in islice(pending, self._room())}
        done = self._distributed.as_completed(list(running), loop=self._client.loop)
        for future in done:
            job = running.pop(future)
            yield job, self._taken(future, job)
            future.release()
            for job in islice(pending, max(self._room() - len(running), 1)):
                running[added := self._submit(job)] = job
                done.add(added)

    def _room(self) -> int:
        """How many jobs may be on their way: enough that no thread waits for the next."""
        return max(2, 2 * int(sum(self._client.nthreads().values())))

    def _submit(self, job: Job) -> Any:
        return self._client.submit(
            _grade_there, job.notebook.packed(), job.environment, job.secret, self._sandbox,
            self._own, key=f"touchstone-{job.key}", pure=False,
        )  # fmt: skip

    def _taken(self, future: Any, job: Job) -> SubmissionResult:
        """The result of a job; one that the cluster could not do is nobody's but our fault."""
        try:
            return result_from_dict(json.loads(future.result()))
        except (NoWalls, ClusterError):
            raise
        except self._distributed.KilledWorker:
            why: Text = {
                "en": "every worker of the cluster that took it up died",
                "zh": "集群中接手的工作进程都意外退出",
            }
        except Exception as error:
            return ungraded(job, f"{type(error).__name__}: {error}")
        return ungraded(job, why)


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError:
        raise ClusterError(
            "Dask is not installed. Run: python -m pip install 'touchstone-course[cluster]'",
            "尚未安装 Dask。请运行：python -m pip install 'touchstone-course[cluster]'",
        ) from None


def _connected(distributed: Any, address: str) -> Any:
    try:
        _knock(distributed, address)
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise ClusterError(
            f"No Dask scheduler answers at {address} ({reason}). Start one with `dask scheduler`, "
            "or check the address.",
            f"{address} 没有 Dask 调度器应答（{reason}）。请用 `dask scheduler` 启动，或检查地址。",
        ) from None
    if not client.nthreads():
        client.close()
        raise ClusterError(
            f"The Dask scheduler at {address} has no workers. Start some with `dask worker "
            f"{address}`.",
            f"{address} 的 Dask 调度器没有工作进程。请用 `dask worker {address}` 启动。",
        )
    return client


def _knock(distributed: Any, address: str) -> None:
    """See whether anybody is there at all: a client that does not get through says too much."""
    scheme, location = distributed.comm.parse_address(address)
    distributed.comm.registry.get_backend(scheme)
    host, port = distributed.comm.parse_host_port(location, default_port=8786)
    socket.create_connection((host, port), CONNECT_SECONDS).close()


_Packed = tuple[tuple[str, ...], str]
_pools: dict[tuple[bool, _Packed], Pools] = {}
_busy: Counter[tuple[bool, _Packed]] = Counter()
_pools_lock = threading.Lock()


def _grade_there(
    packed: bytes, environment: str, secret: str, sandbox: bool, own: _Packed
) -> bytes:
    """On a worker: grade one notebook in this worker's own pools."""
    notebook = Notebook.parse(packed)
    exercise = catalog.exercise(notebook.exercise)
    if edition(exercise, secret) != environment:
        raise ClusterError(
            "A worker of the cluster has another edition of Touchstone, or other versions of "
            "Python and its libraries, than this machine; the results would not be the same. "
            "Install the same ones everywhere.",
            "集群中某个工作进程的 Touchstone、Python 或依赖库版本与本机不同，结果会不一致。"
            "请在所有机器上安装相同的版本。",
        )
    with _pools_for(sandbox, own) as pools:
        result = pools.grade(notebook, secret)
    return json.dumps(result_to_dict(result), allow_nan=False).encode()


@contextmanager
def _pools_for(sandbox: bool, own: _Packed) -> Iterator[Pools]:
    """The pools of a class; those of classes before it end, unless they still grade."""
    key = sandbox, (tuple(own[0]), own[1])
    with _pools_lock:
        if key not in _pools:
            for other in [other for other in _pools if not _busy[other]]:
                atexit.unregister(_pools[other].close)
                _pools.pop(other).close()
            _pools[key] = Pools(sandbox=sandbox, own=Belongings.unpacked(own))
            atexit.register(_pools[key].close)
        pools = _pools[key]
        _busy[key] += 1
    try:
        yield pools
    finally:
        with _pools_lock:
            _busy[key] -= 1
