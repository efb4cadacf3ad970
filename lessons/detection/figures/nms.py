import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torchvision.ops import nms

from autograder.data import scenes

ALT = {
    "en": "A scene of three digits. Left, 24 proposals, eight about each digit. Middle, after "
    "suppression at 0.3 one is left for each. Right, at 0.8 there are many doubles.",
    "zh": "一个有三个数字的场景。左图：24 个候选框，每个数字周围八个。中图：阈值 0.3 抑制后，"
    "每个数字只剩一个。右图：阈值 0.8，留下许多重复。",
}


def draw(say):
    scene = next(s for s in scenes.make(20, part="test", digit_sizes=(8, 14)) if len(s.boxes) == 3)
    generator = torch.Generator().manual_seed(4)
    boxes = torch.from_numpy(scene.boxes).repeat(8, 1)
    boxes = boxes + torch.randn(boxes.shape, generator=generator)
    scores = torch.rand(len(boxes), generator=generator)
    panels = [(say(f"before: {len(boxes)}", f"抑制前：{len(boxes)} 个"), range(len(boxes)))]
    for threshold in (0.3, 0.8):
        kept = nms(boxes, scores, threshold).tolist()
        panels.append((say(f"threshold {threshold}: {len(kept)}",
                           f"阈值 {threshold}：{len(kept)} 个"), kept))  # fmt: skip
    figure = Figure(figsize=(7, 2.7))
    ink = np.where(scene.masks.any(axis=0), np.arange(32) + 0.5, np.nan)  # gaps where paper is
    heights = np.repeat(np.arange(32) + 0.5, 33)
    columns = np.pad(ink, ((0, 0), (0, 1)), constant_values=np.nan).ravel()
    for axes, (name, kept) in zip(figure.subplots(1, 3), panels, strict=True):
        axes.plot(columns, heights, color="C7", linewidth=4, alpha=0.5, solid_capstyle="butt")
        for i in kept:
            x1, y1, x2, y2 = boxes[i].tolist()
            axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, ec="C1"))
        axes.set_title(name)
        axes.set(xlim=(-1, 33), ylim=(33, -1), aspect="equal", xticks=[], yticks=[])
    return figure
