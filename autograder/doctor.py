"""What this machine offers: versions, the kernel, places to write, and which walls stand."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import platformdirs

from autograder import catalog
from autograder.catalog import Text
from autograder.engine import walls
from autograder.engine.pool import Pool, PoolError

LIBRARIES = (
    "numpy", "scikit-learn", "torch", "torchvision", "transformers", "ipython", "nbformat",
    "nbgrader", "jupyterlab",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how it is, and what to do if it is not well."""

    name: str
    state: Literal["good", "note", "bad"]
    text: Text


def examine() -> Iterator[Finding]:
    """Look at everything; each probe that fails becomes a finding and hides no other."""
    for name, probe in _PROBES:
        try:
            yield from probe()
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            yield Finding(name, "bad", {"en": text, "zh": text})


def _python() -> Iterator[Finding]:
    text = f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    yield Finding("python", "good", {"en": text, "zh": text})


def _libraries() -> Iterator[Finding]:
    for name in LIBRARIES:
        try:
            version = metadata.version(name)
            yield Finding(name, "good", {"en": version, "zh": version})
        except metadata.PackageNotFoundError:
            yield Finding(
                name,
                "bad",
                {
                    "en": f"not installed; run: {Path(sys.executable).name} -m pip install {name}",
                    "zh": f"未安装；请运行：{Path(sys.executable).name} -m pip install {name}",
                },
            )


def _kernel() -> Iterator[Finding]:
    if importlib.util.find_spec("ipykernel") is None:
        yield Finding(
            "kernel",
            "bad",
            {
                "en": "ipykernel is missing, so notebooks cannot run; install jupyter",
                "zh": "缺少 ipykernel，notebook 无法运行；请安装 jupyter",
            },
        )
        return
    yield Finding("kernel", "good", {"en": "ipykernel is there", "zh": "ipykernel 已就绪"})


def _places() -> Iterator[Finding]:
    for name, path in (
        ("cache", platformdirs.user_cache_path("touchstone")),
        ("data", platformdirs.user_data_path("touchstone")),
    ):
        near = next(p for p in (path, *path.parents) if p.exists())
        if os.access(near, os.W_OK):
            text = f"{path}"
            yield Finding(name, "good", {"en": text, "zh": text})
        else:
            yield Finding(
                name,
                "note",
                {
                    "en": f"{path} cannot be written; grading works, only slower",
                    "zh": f"{path} 无法写入；仍可评分，只是慢一些",
                },
            )


def _course() -> Iterator[Finding]:
    found = catalog.exercises()
    missing = [
        str(path)
        for exercise in found
        for language in catalog.LANGUAGES
        for path in (exercise.notebook(language), exercise.lesson(language))
        if not path.is_file()
    ]
    if missing:
        en = f"{missing[0]} is missing; reinstall, or run `touchstone dev build`"
        zh = f"缺少 {missing[0]}；请重新安装，或运行 `touchstone dev build`"
        yield Finding("course", "bad", {"en": en, "zh": zh})
    else:
        yield Finding(
            "course",
            "good",
            {"en": f"{len(found)} exercise(s)", "zh": f"{len(found)} 个练习"},
        )


def _walls() -> Iterator[Finding]:
    """Which walls a submission runs behind. So far: a process of its own, with time limits."""
    soft = hasattr(__import__("signal"), "setitimer")
    yield Finding(
        "process",
        "good",
        {
            "en": "each submission runs in a process of its own, with limits on time and output"
            + ("" if soft else "; a check that hangs costs a restart here"),
            "zh": "每份作业在独立进程中运行，时间和输出有上限"
            + ("" if soft else "；本平台上卡住的检查需要重启进程"),
        },
    )
    yield _sandbox()


def _sandbox() -> Finding:
    """Whether a warm pool behind walls starts, for notebooks that are graded together."""
    if not walls.available():
        return Finding(
            "sandbox",
            "note",
            {
                "en": "none here (it needs Linux and bubblewrap): grade only work that you trust",
                "zh": "本机没有（需要 Linux 和 bubblewrap）：请只评可信的作业",
            },
        )
    try:
        with Pool(catalog.exercises()[:1]):
            pass
    except (PoolError, OSError) as error:
        return Finding(
            "sandbox",
            "note",
            {"en": f"bubblewrap does not work here: {error}", "zh": f"bubblewrap 用不了：{error}"},
        )
    return Finding(
        "sandbox",
        "good",
        {
            "en": "notebooks graded together, and watched ones, run behind bubblewrap's walls",
            "zh": "一次评多份、以及 watch 时，作业在 bubblewrap 沙箱里运行",
        },
    )


_PROBES: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
    ("python", _python),
    ("libraries", _libraries),
    ("kernel", _kernel),
    ("places", _places),
    ("course", _course),
    ("walls", _walls),
)
