"""A worker in a fresh process: how it is started, listened to, and ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from autograder import _places
from autograder.engine import limits
from autograder.engine.frames import Frames
from autograder.engine.protocol import Request
from autograder.exercise import catalog

WATCH_SECONDS = 0.1
_KEPT_ENVIRONMENT = (
    "PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "ATEN_CPU_CAPABILITY",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "HF_HOME", "TORCH_HOME", "VIRTUAL_ENV", "PYTHONPATH",
    "TOUCHSTONE_COURSE", "TOUCHSTONE_MODEL",
)  # fmt: skip


class Fresh:
    """A worker in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], words: Path, memory: int) -> None:
        assert process.stdout is not None
        self.frames = Frames(cast(BinaryIO, process.stdout))
        self._process = process
        self._words = words
        self._memory = memory
        self._guard: threading.Thread | None = None
        self._over = False

    def next(self, seconds: float) -> dict[str, Any] | None:
        """The next frame; ``None`` at the end; `queue.Empty` when none came in time."""
        frame = self.frames.next(seconds)
        if self._guard is None and frame is not None and frame.get("type") == "ready":
            # What the libraries take is not counted; from here on it is the learner's.
            before = limits.held(self._process.pid)
            self._guard = threading.Thread(target=self._watch, args=(before,), daemon=True)
            self._guard.start()
        return frame

    def _watch(self, before: int) -> None:
        while self._process.poll() is None:
            if limits.held(self._process.pid) - before > self._memory:
                self._over = True
                return _kill(self._process)
            time.sleep(WATCH_SECONDS)

    def ending(self) -> tuple[str, str]:
        """How it ended, as in `Worker`."""
        if self._over:
            return "memory", ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        code = self._process.returncode
        if code is None:
            return "channel", "closed"
        if code < 0:
            with contextlib.suppress(ValueError):
                return "signal", signal.Signals(-code).name
        return "exit", str(code)

    def last_words(self) -> str:
        """The last line of its standard error."""
        lines = self._words.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else ""


@contextlib.contextmanager
def fresh_worker(request: Request, *, user: str = "") -> Iterator[Fresh]:
    """Start a fresh process for `request`; end it, and all that it started, afterwards.

    `user` names whose process it is to be, if root starts it: somebody who may do less.
    """
    with tempfile.TemporaryDirectory(prefix="touchstone-", ignore_cleanup_errors=True) as folder:
        words = Path(folder) / ".stderr"
        home = Path(folder) / "home"
        home.mkdir()
        group = _hand_over(Path(folder), home, user) if user else None
        with words.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "autograder.engine.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=home,
                env=worker_environment(home),
                start_new_session=os.name == "posix",
                user=user or None,
                group=group,
                extra_groups=[] if user else None,
            )
        worker = Fresh(process, words, request.memory)
        try:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError, OSError):
                process.stdin.write(request.packed())
                process.stdin.close()
            yield worker
        finally:
            _end(process)
            worker.frames.close()


def _hand_over(folder: Path, home: Path, user: str) -> int:
    """Let `user` have `home`, and nothing else in `folder`; return their group."""
    import pwd

    folder.chmod(0o711)
    shutil.chown(home, user)
    return pwd.getpwnam(user).pw_gid


def worker_environment(home: Path) -> dict[str, str]:
    """What a worker may know of our environment: no secrets, one thread, pictures off screen."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    package = str(catalog.PACKAGE.parent)
    paths = [package, *filter(None, [kept.get("PYTHONPATH")])]
    caches = _places.others_cache()
    return {
        # Real models, where they are asked for, lie in the caches of the real home.
        "HF_HOME": str(caches / "huggingface"),
        "TORCH_HOME": str(caches / "torch"),
        **kept,
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(matplotlib_cache()),
        "TOUCHSTONE_WORKER": "1",
    }


def matplotlib_cache() -> Path:
    """Matplotlib's font list takes seconds to make, so workers share one."""
    return _places.cache() / "matplotlib"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the worker's whole process group: whatever it left running ends with it."""
    _kill(process)
    process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
