"""What this machine offers: versions, the kernel, places to write, and which walls stand."""

from __future__ import annotations

import importlib.util
import os
import platform
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from autograder import _places
from autograder.engine import users, walls
from autograder.engine.fresh import fresh_worker
from autograder.engine.pool import Pool, PoolError
from autograder.engine.trials import Trial, trials
from autograder.exercise import catalog
from autograder.exercise.catalog import Exercise
from autograder.language import LANGUAGES, Text

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


def _folders() -> Iterator[Finding]:
    for name, path in (
        ("cache", _places.cache()),
        ("data", _places.data()),
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
        for language in LANGUAGES
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
    """Which walls a submission runs behind: each is tried, not looked up."""
    exercise = min(catalog.exercises(), key=lambda found: len(found.imports))
    yield _process(exercise)
    lacking = walls.missing()
    if lacking:
        text = _LACKING[lacking]
        place = users.closed() if lacking == "libraries" else ""
        said: Text = {"en": text["en"].format(place=place), "zh": text["zh"].format(place=place)}
        yield Finding("sandbox", "note", said)
        return
    try:
        with Pool([exercise]) as pool:
            yield from tried(trials(exercise, pool.worker))
        yield whose(users.source())
    except (PoolError, OSError) as error:
        yield Finding(
            "sandbox",
            "note",
            {
                "en": f"bubblewrap does not work here, so grade only work that you trust: {error}. "
                "Often user namespaces are switched off: look at `sysctl -a | grep userns`",
                "zh": f"bubblewrap 在本机用不了，请只评可信的作业：{error}。"
                "多半是系统禁用了用户命名空间，可用 `sysctl -a | grep userns` 查看",
            },
        )


def _process(exercise: Exercise) -> Finding:
    """A single notebook runs in a fresh process, with the limits that every platform has."""
    (memory,) = trials(exercise, fresh_worker, only=("memory",))
    if not memory.stands:
        return Finding(
            "process",
            "bad",
            {
                "en": f"memory has no limit here (it said: {memory.said}): a notebook that takes "
                "too much can stop this machine. Please report it",
                "zh": f"内存限制在本机不起作用（返回：{memory.said}），"
                "占用过多的 notebook 会拖垮机器。请反馈给我们",
            },
        )
    soft = hasattr(signal, "setitimer")
    return Finding(
        "process",
        "good",
        {
            "en": "a single notebook runs in a process of its own, with limits on time, memory and "
            "output" + ("" if soft else "; a check that hangs costs a restart here"),
            "zh": "单份作业在独立进程中运行，时间、内存和输出有上限"
            + ("" if soft else "；本平台上卡住的检查需要重启进程"),
        },
    )


def tried(found: Iterable[Trial]) -> Iterator[Finding]:
    """What came of trying each wall, one finding for each."""
    yield Finding(
        "sandbox",
        "good",
        {
            "en": "notebooks graded together, and watched ones, run behind walls. A submission "
            "just tried each of them:",
            "zh": "一次评多份、以及 watch 时，作业在沙箱里运行。刚才用一份作业逐项试过：",
        },
    )
    for trial in found:
        what = _WALLS[trial.name]
        if trial.stands:
            text: Text = {"en": f"it could not {what['en']}", "zh": f"不能{what['zh']}"}
            yield Finding(trial.name, "good", text)
            continue
        if trial.name == "answers" and trial.said.startswith("/"):
            yield Finding(trial.name, "bad", _copied(trial.said))
            continue
        text = {
            "en": f"it could {what['en']} (it said: {trial.said}). Grade only work that you trust, "
            "update bubblewrap and the kernel, and report it",
            "zh": f"竟能{what['zh']}（返回：{trial.said}）。请只评可信的作业，"
            "更新 bubblewrap 和内核，并反馈给我们",
        }
        yield Finding(trial.name, "bad", text)


def whose(source: users.Source) -> Finding:
    """Whether submissions are users of their own, and what to do if they are not."""
    return Finding("users", "note" if source == "own" else "good", _WHOSE[source])


def _copied(places: str) -> Text:
    """What to do about copies of the answers at `places`."""
    return {
        "en": f"it could read answers of this course at {places}. Move them to where Python and "
        "its environment do not lie, or delete them; until then a class is not graded",
        "zh": f"能读到本课程的答案：{places}。请移出 Python 及其环境所在的目录，或将其删除；"
        "在此之前不会给班级评分",
    }


_WHOSE: dict[users.Source, Text] = {
    "root": {
        "en": "each submission is a user of its own, since root can give it one",
        "zh": "每份作业各用一个系统用户（由 root 分配）",
    },
    "subordinate": {
        "en": "each submission is a user of its own, from your subordinate ids (/etc/subuid)",
        "zh": "每份作业各用一个系统用户（取自你在 /etc/subuid 中的从属 ID）",
    },
    "own": {
        "en": "all submissions run as you. What Linux counts by user (pipes, descriptors under "
        "way), they can take from each other while they run. To give each one a user of its own, "
        "install uidmap, for example with `sudo apt install uidmap`, and have 65,536 ids in "
        "/etc/subuid and /etc/subgid",
        "zh": "所有作业都以你的身份运行，因此 Linux 按用户计数的资源（管道、传递中的描述符），"
        "它们在运行期间可能互相挤占。要让每份作业各用一个系统用户，请安装 uidmap"
        "（例如 `sudo apt install uidmap`），"
        "并在 /etc/subuid 和 /etc/subgid 里给自己分配 65536 个 ID",
    },
}
_LACKING: dict[str, Text] = {
    "Linux": {
        "en": "none here (it needs Linux): grade only work that you trust",
        "zh": "本机没有（需要 Linux）：请只评可信的作业",
    },
    "bubblewrap": {
        "en": "none here: grade only work that you trust, or install bubblewrap, for example with "
        "`sudo apt install bubblewrap`",
        "zh": "本机没有：请只评可信的作业，或先安装 bubblewrap，例如 `sudo apt install bubblewrap`",
    },
    "libseccomp": {
        "en": "none here: grade only work that you trust, or install libseccomp, for example with "
        "`sudo apt install libseccomp2`",
        "zh": "本机没有：请只评可信的作业，或先安装 libseccomp，例如"
        " `sudo apt install libseccomp2`",
    },
    "libraries": {
        "en": "none here: as root you give each submission a user of its own, and no other user "
        "may read {place}, which Python runs from. Run `chmod -R a+rX {place}`",
        "zh": "暂不可用：以 root 评分时，每份作业各用一个系统用户，"
        "而其他用户读不了 Python 运行所需的 {place}。请运行 `chmod -R a+rX {place}`",
    },
}
_WALLS: dict[str, Text] = {
    "answers": {
        "en": "read an answer, or find a copy of one in any place",
        "zh": "读到答案，或在任何位置找到答案的副本",
    },
    "files": {"en": "read or write your files", "zh": "读写你的文件"},
    "network": {"en": "reach a network or this machine's services", "zh": "连上网络或本机的服务"},
    "processes": {"en": "see or signal other processes", "zh": "看到别的进程或向其发信号"},
    "privileges": {"en": "gain privileges", "zh": "提升权限"},
    "system calls": {"en": "use system calls that are refused", "zh": "使用被禁的系统调用"},
    "left behind": {"en": "leave a process behind", "zh": "留下进程"},
    "memory": {"en": "use more memory than allowed", "zh": "超额占用内存"},
    "time": {"en": "run on when its time is over", "zh": "超时后继续运行"},
}

_PROBES: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
    ("python", _python),
    ("libraries", _libraries),
    ("kernel", _kernel),
    ("places", _folders),
    ("course", _course),
    ("walls", _walls),
)
