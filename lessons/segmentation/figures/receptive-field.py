import torch
from matplotlib.figure import Figure
from torch import nn

ALT = {
    "en": "Receptive fields: which of 41 input pixels one output depends on, found by gradient. "
    "One layer of kernel 3 spans 3, 5 and 13 pixels at dilation 1, 2 and 6, always with three "
    "taps. Three stacked layers of dilation 2 span 13 pixels but see only 7 of them. Dilations "
    "1, 2 and 4 span 15 pixels and see them all.",
    "zh": "感受野：用梯度找出一个输出依赖 41 个输入像素中的哪些。卷积核为 3 的单层，"
    "膨胀率 1、2、6 时跨度是 3、5、13，采样点始终是三个。三层膨胀率都是 2 时跨度 13，"
    "却只看到其中 7 个像素。膨胀率 1、2、4 跨度 15，每个像素都看得到。",
}
STACKS = ((1,), (2,), (6,), (2, 2, 2), (1, 2, 4))
INPUTS = 41


def seen(dilations):
    """Which inputs change the middle output."""
    signal = torch.ones(1, 1, INPUTS, requires_grad=True)
    value = signal
    for dilation in dilations:
        layer = nn.Conv1d(1, 1, 3, padding=dilation, dilation=dilation, bias=False)
        nn.init.ones_(layer.weight)
        value = layer(value)
    value[0, 0, INPUTS // 2].backward()
    return signal.grad[0, 0].nonzero().flatten().tolist()


def draw(say):
    figure = Figure(figsize=(7, 3.6))
    axes = figure.subplots()
    for row, dilations in enumerate(STACKS):
        places = seen(dilations)
        first, last = places[0], places[-1]
        colour = "C0" if len(dilations) == 1 else "C2" if len(places) == last - first + 1 else "C1"
        axes.plot(range(INPUTS), [row] * INPUTS, "o", color="C7", markersize=3, alpha=0.35)
        axes.plot([first, last], [row, row], color=colour, alpha=0.35)
        axes.plot(places, [row] * len(places), "s", color=colour, markersize=6)
        axes.text(INPUTS + 1, row, f"{last - first + 1}", color=colour, va="center_baseline")
        axes.text(INPUTS + 5, row, f"{len(places)}", color=colour, va="center_baseline")
    axes.text(INPUTS + 1, -0.8, say("span", "跨度"), ha="left")
    axes.text(INPUTS + 5, -0.8, say("seen", "看到"), ha="left")
    names = [" + ".join(map(str, dilations)) for dilations in STACKS]
    axes.set_yticks(range(len(STACKS)), names)
    axes.set_ylabel(say("dilations, layer by layer", "各层膨胀率"))
    axes.set_xlabel(say("input pixel", "输入像素"))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlim=(-1, INPUTS + 9), ylim=(len(STACKS) - 0.5, -1.2))
    axes.set_xticks([0, 10, 20, 30, 40])
    return figure
