"""What is set for the whole process: the same for every probe, and given back after it.

NumPy's error state, torch's default type and device, a locale or a working folder reach every
function that runs, ours too. While fixtures are made and probes run they are as in a process that
has just begun, wherever the probe runs: in a worker, in a learner's kernel, under nbgrader.

References: numpy.seterr, torch.set_default_device, torch.use_deterministic_algorithms,
matplotlib.rc_context, locale.setlocale, asyncio.Runner.
"""

from __future__ import annotations

import asyncio
import contextlib
import decimal
import locale
import os
import random
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from autograder._begun import begun
from autograder.models import VARIABLE, is_graded

_NUMPY = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
_CATEGORIES = (locale.LC_COLLATE, locale.LC_MONETARY, locale.LC_NUMERIC, locale.LC_TIME)
_OFF_SCREEN = ("agg", "inline", "module://matplotlib_inline.backend_inline")
_DEEP = 1000


@contextlib.contextmanager
def standard(seed: int, *, gradients: bool = True) -> Iterator[None]:
    """Have every setting of the process as at its beginning for the body, then as it was before.

    Parameters
    ----------
    seed
        Of every global generator.
    gradients
        Whether torch records what gradients need: some exercises turn that off for good.
    """
    with contextlib.ExitStack() as stack:
        for setting in (_place(), _language(), _loop(), _depth(), _numbers(), _pictures()):
            stack.enter_context(setting)
        stack.enter_context(_torch(seed, gradients))
        stack.enter_context(_chance(seed))
        yield


@contextlib.contextmanager
def _chance(seed: int) -> Iterator[None]:
    with chance_kept():
        random.seed(seed)
        np.random.seed(seed)
        yield


_kept = False


@contextlib.contextmanager
def chance_kept() -> Iterator[None]:
    """Leave the generators of Python and NumPy as they are now, whatever the body draws.

    Within another one it does nothing: they are large, and a notebook has many probes.
    """
    global _kept
    if _kept:
        yield
        return
    saved = random.getstate(), np.random.get_state()
    _kept = True
    try:
        yield
    finally:
        _kept = False
        random.setstate(saved[0])
        np.random.set_state(saved[1])


@contextlib.contextmanager
def _numbers() -> Iterator[None]:
    saved = np.geterr()
    np.seterr(**_NUMPY)  # type: ignore[arg-type]
    try:
        with decimal.localcontext(decimal.DefaultContext):
            yield
    finally:
        np.seterr(**saved)


@contextlib.contextmanager
def _torch(seed: int, gradients: bool) -> Iterator[None]:
    torch: Any = sys.modules.get("torch")
    if not hasattr(torch, "get_rng_state"):
        yield
        return
    settings = [
        (torch.get_default_dtype, torch.set_default_dtype, torch.float32),
        (_device, torch.set_default_device, None),
        # As in a worker: more threads only wait for each other where other processes compute too.
        (torch.get_num_threads, torch.set_num_threads, 1),
        (torch.is_grad_enabled, torch.set_grad_enabled, gradients),
        (_deterministic, _set_deterministic, (False, False)),
        (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
        (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly, False),
    ]
    saved, state = [get() for get, _, _ in settings], torch.get_rng_state()
    _set_those(settings, [value for _, _, value in settings])
    _seed_torch(seed)
    try:
        yield
    finally:
        _set_those(settings, saved)
        torch.set_rng_state(state)


def _seed_torch(seed: int) -> None:
    """Seed the generators that are there; `torch.manual_seed` notes each seed for those to come."""
    torch: Any = sys.modules["torch"]
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)


def _set_those(settings: Sequence[tuple[Any, Any, Any]], values: Sequence[Any]) -> None:
    """Set what is not as it should be; some settings take their time."""
    for (get, put, _), value in zip(settings, values, strict=True):
        if get() != value:
            put(value)


def _device() -> Any:
    """The default device; ``None`` for the one that is there without saying."""
    torch: Any = sys.modules["torch"]
    device = torch.get_default_device()
    return None if str(device) == "cpu" else device


def _deterministic() -> tuple[bool, bool]:
    torch: Any = sys.modules["torch"]
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


def _set_deterministic(value: tuple[bool, bool]) -> None:
    torch: Any = sys.modules["torch"]
    torch.use_deterministic_algorithms(value[0], warn_only=value[1])


@contextlib.contextmanager
def _place() -> Iterator[None]:
    """The folder and the environment in which the process began; new variables are kept."""
    first = begun()
    saved, folder = dict(os.environ), _here()
    variables = {**saved, **first.environment}
    # In a learner's own kernel it is theirs to say which model they work on.
    model = (first.environment if is_graded() else saved).get(VARIABLE)
    variables.pop(VARIABLE, None)
    if model is not None:
        variables[VARIABLE] = model
    _set_environment(saved, variables)
    with contextlib.suppress(OSError):
        os.chdir(first.folder)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.chdir(folder)
        _set_environment(dict(os.environ), saved)


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return begun().folder


def _set_environment(present: dict[str, str], variables: dict[str, str]) -> None:
    if present != variables:
        os.environ.clear()
        os.environ.update(variables)


@contextlib.contextmanager
def _language() -> Iterator[None]:
    """How numbers and dates are written and text is sorted: as in the C locale."""
    saved = locale.setlocale(locale.LC_ALL)
    for category in _CATEGORIES:
        locale.setlocale(category, "C")
    try:
        yield
    finally:
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, saved)


@contextlib.contextmanager
def _depth() -> Iterator[None]:
    """As many calls below this one as a program may make; more where the learner asked for it."""
    saved, depth = sys.getrecursionlimit(), 0
    frame = sys._getframe()
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    sys.setrecursionlimit(max(saved, depth + _DEEP))
    try:
        yield
    finally:
        sys.setrecursionlimit(saved)


@contextlib.contextmanager
def _loop() -> Iterator[None]:
    """No event loop runs, and one is ready, as in a program: a kernel's runs all the time."""
    running = asyncio._get_running_loop()
    # Since Python 3.12 the task that is under way is to be put aside too.
    swap = getattr(asyncio.tasks, "_swap_current_task", None)
    task = swap(running, None) if swap and running else None
    asyncio._set_running_loop(None)
    fresh = asyncio.new_event_loop()
    asyncio.set_event_loop(fresh)
    try:
        yield
    finally:
        fresh.close()
        asyncio.set_event_loop(running)
        asyncio._set_running_loop(running)
        if swap and running:
            swap(running, task)


@contextlib.contextmanager
def _pictures() -> Iterator[None]:
    """Figures off screen and in matplotlib's own style."""
    matplotlib: Any = sys.modules.get("matplotlib")
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if not hasattr(pyplot, "switch_backend"):
        yield
        return
    current = matplotlib.rcParams
    # As plain dicts: asking for the backend may choose and load one.
    saved, usual = (dict(dict.items(each)) for each in (current, matplotlib.rcParamsDefault))
    backend = saved.pop("backend", None)
    usual.pop("backend", None)
    on_screen = isinstance(backend, str) and backend.lower() not in _OFF_SCREEN
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if saved != usual:  # which they seldom are, and one by one takes long
            current.update({k: usual[k] for k, v in saved.items() if k in usual and v != usual[k]})
        if on_screen:
            pyplot.switch_backend("agg")
    try:
        yield
    finally:
        dict.update(current, saved)
        if on_screen:
            with contextlib.suppress(Exception):
                pyplot.switch_backend(backend)
