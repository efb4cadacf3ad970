"""What notebooks draw is drawn whatever form the pictures come in."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from autograder import plots


@pytest.fixture(autouse=True)
def _no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    plt.switch_backend("agg")
    monkeypatch.setattr(plt, "show", lambda: None)
    plt.close("all")


@pytest.mark.parametrize("shape", [(4, 5), (1, 4, 5), (3, 4, 5), (4, 5, 3)])
@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_every_picture_gets_a_place_and_its_title(shape: tuple[int, ...], kind) -> None:
    images = [kind(np.random.default_rng(0).random(shape)) for _ in range(5)]
    plots.pictures(images, ["a", "b", "c"], ["red"] * 3, columns=2)
    drawn = [axes for axes in plt.gcf().axes if axes.images]
    assert len(plt.gcf().axes) == 6
    assert [axes.get_title() for axes in drawn] == ["a", "b", "c", "", ""]
    assert {axes.images[0].get_array().shape[:2] for axes in drawn} == {(4, 5)}
