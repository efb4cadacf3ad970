"""What the notebooks of several exercises draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def pictures(
    images: Sequence[Any],
    titles: Sequence[str] = (),
    colours: Sequence[str] | None = None,
    *,
    columns: int = 10,
    size: float = 0.9,
    **how: Any,
) -> None:
    """Show pictures in rows of `columns`, each with its title.

    Parameters
    ----------
    images
        Arrays or tensors (H, W), (1, H, W), (3, H, W) or (H, W, 3). One channel is drawn dark
        on light.
    titles, colours
        One for each picture; there may be fewer.
    size
        Inches for each.
    how
        More for `matplotlib.axes.Axes.imshow`, such as ``vmax``.
    """
    from matplotlib import pyplot as plt

    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)
    height = rows * (size + 0.4 if titles else size)
    _, grid = plt.subplots(rows, columns, figsize=(columns * size, height), squeeze=False)
    for number, axes in enumerate(grid.flat):
        axes.axis("off")
        if number < len(images):
            axes.imshow(_rows_columns(images[number]), **{"cmap": "gray_r", **how})
        if number < len(titles):
            colour = colours[number] if colours else "black"
            axes.set_title(titles[number], fontsize=9, color=colour)
    plt.show()


def _rows_columns(image: Any) -> Any:
    """(H, W) or (H, W, 3), whichever order the channels came in."""
    values = np.asarray(image)
    if values.ndim == 3 and values.shape[0] in (1, 3):
        values = np.moveaxis(values, 0, 2)
    return values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values
