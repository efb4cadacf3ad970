"""Tiny reference models, each a folder with its weights, card and training script, and real ones.

The folder is the registry: ``tiny_bert/`` is what `locate` calls ``"bert"``, and its ``model.toml``
says where the real thing would lie.
"""

from __future__ import annotations

import functools
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder._begun import begun
from autograder._errors import BilingualError

__all__ = ["VARIABLE", "ModelNotFound", "folder_of", "is_graded", "is_other", "kinds", "locate"]

VARIABLE = "TOUCHSTONE_MODEL"
"""Environment variable that stands in for the default."""

_HERE = Path(__file__).parent
_PREFIX = "tiny_"


class ModelNotFound(BilingualError):
    """No model of that name is on this machine; the message says what to fetch."""


def kinds() -> list[str]:
    """What models there are, such as ``"bert"``: every folder with a ``model.toml``."""
    return sorted(path.parent.name.removeprefix(_PREFIX) for path in _HERE.glob("*/model.toml"))


def folder_of(kind: str) -> Path:
    """The folder of the tiny model of that kind, with everything that belongs to it."""
    return _HERE / f"{_PREFIX}{kind}"


@functools.cache
def _real(kind: str) -> dict[str, Any]:
    """What ``model.toml`` says of the real thing."""
    try:
        return tomllib.loads((folder_of(kind) / "model.toml").read_text("utf-8"))
    except FileNotFoundError:
        known = ", ".join(kinds())
        raise ValueError(f"no kind of model {kind!r}: choose one of {known}") from None


def locate(kind: str, name: str = "tiny") -> Path:
    """Return where a model lies, without fetching anything.

    What a notebook is graded on is for those to say who grade: in a grader's process the name
    that it gives counts for nothing, and the default, or the environment variable's, is taken.

    Parameters
    ----------
    kind
        What is to be loaded from there.
    name
        ``"tiny"`` for the model shipped here, unless the environment variable
        ``TOUCHSTONE_MODEL`` names another. Else a folder; else the name of a model that was
        fetched before: ``"bert-base-uncased"`` or ``"gpt2"`` in the Hugging Face cache, for
        ``resnet`` a name of torchvision such as ``"resnet50"`` in the cache of ``torch.hub``.

    Returns
    -------
    A folder; for a checkpoint of torchvision's, the file.

    Raises
    ------
    ModelNotFound
        If there is no such folder, or nothing of that name was fetched.
    """
    if name == "tiny" or is_graded():
        name = os.environ.get(VARIABLE, "").strip() or "tiny"
    if name == "tiny":
        return folder_of(kind)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _holding_weights(folder, kind)
    found = _checkpoint(name) if _real(kind)["cache"] == "torch" else _snapshot(name, kind)
    if found is None:
        raise _absent(name, kind)
    return found


def is_other() -> bool:
    """Whether the environment variable names another model than the tiny one."""
    return os.environ.get(VARIABLE, "").strip() not in ("", "tiny")


def is_graded() -> bool:
    """Whether this process runs a notebook for a grader, not for the learner who wrote it."""
    return not {"TOUCHSTONE_WORKER", "NBGRADER_EXECUTION"}.isdisjoint(begun().environment)


def _holding_weights(folder: Path, kind: str) -> Path:
    """Refuse a folder from which nothing could be loaded, and say what one holds."""
    if _has_weights(folder, kind):
        return folder
    wanted = ", ".join(_real(kind)["weights"])
    raise ModelNotFound(
        f"The folder {folder} holds no weights ({wanted}). Name one that does; "
        "the default, tiny, needs nothing.",
        f"文件夹 {folder} 里没有权重文件（{wanted}）。请换一个有权重的；"
        "默认的 tiny 什么都不用准备。",
    )


def _has_weights(folder: Path, kind: str) -> bool:
    return any(any(folder.glob(pattern)) for pattern in _real(kind)["weights"])


def _snapshot(name: str, kind: str) -> Path | None:
    """The snapshot of a model in the Hugging Face cache, or ``None`` if it is not whole."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    for account in _real(kind)["accounts"]:
        try:
            folder = Path(snapshot_download(account + name, local_files_only=True))
        except (LocalEntryNotFoundError, HFValidationError):
            continue
        if (folder / "config.json").is_file() and _has_weights(folder, kind):
            return folder
    return None


def _checkpoint(name: str) -> Path | None:
    """The checkpoint of a torchvision model in torch's cache, its newest weights first."""
    from torch.hub import get_dir

    cache = Path(get_dir()) / "checkpoints"
    files = (cache / file for file in _file_names(name))
    return next((path for path in files if path.is_file()), None)


def _file_names(name: str) -> Iterator[str]:
    """What ``torch.hub`` calls the weights of a torchvision model, the default ones first."""
    from torchvision.models import get_model_weights

    try:
        weights = get_model_weights(name)
    except ValueError:  # torchvision has no model of that name
        return
    for entry in (weights.DEFAULT, *weights):
        yield entry.url.rpartition("/")[2]


def _absent(name: str, kind: str) -> ModelNotFound:
    if _real(kind)["cache"] == "torch":
        fetch = f"python -c \"import torchvision; torchvision.models.get_model('{name}', "
        fetch += "weights='DEFAULT')\""
    else:
        fetch = f"hf download {name}"
    return ModelNotFound(
        f"The model {name!r} is no folder and is not in the cache. Fetch it once with: {fetch} "
        "(the default, tiny, needs nothing).",
        f"模型 {name!r} 既不是文件夹，也不在缓存里。请先下载一次：{fetch}"
        "（默认的 tiny 什么都不用准备）。",
    )
