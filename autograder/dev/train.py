"""Training the tiny models again, each by its own script."""

from __future__ import annotations

import subprocess
import sys

from autograder import models
from autograder._errors import BilingualError


class TrainingError(BilingualError):
    """A model that cannot be trained; ``text`` says why."""


def trainable() -> list[str]:
    """Names of the models that have a script, such as ``"bert"``: the folder is the registry."""
    return [kind for kind in models.kinds() if (models.folder_of(kind) / "train.py").is_file()]


def train(name: str) -> None:
    """Train a model and write it where the shipped one is, in a process of its own.

    Raises
    ------
    TrainingError
        If there is no such model, or its script fails.
    """
    if name not in trainable():
        known = ", ".join(trainable())
        raise TrainingError(
            f"There is no script for {name!r}. Choose from: {known}.",
            f"没有 {name!r} 的训练脚本。可选：{known}。",
        )
    module = f"autograder.models.{models.folder_of(name).name}.train"
    done = subprocess.run([sys.executable, "-m", module])
    if done.returncode:
        raise TrainingError(
            f"Training {name} ended with exit code {done.returncode}; what it said stands above.",
            f"{name} 的训练以退出码 {done.returncode} 结束，原因见上方输出。",
        )
