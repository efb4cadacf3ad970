import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "Which sizes of gradient half precision can hold, on a logarithmic axis: without a loss "
    "scale from about 6e-8 to 65504, with fewer and fewer digits below 6e-5; with a scale of 1024 "
    "the same band a thousand times lower; bfloat16 covers the whole axis.",
    "zh": "半精度能存下多大的梯度，对数轴：不放大时约从 6e-8 到 65504，"
    "低于 6e-5 时有效位数越来越少；"
    "放大 1024 倍后，整条带左移一千倍；bfloat16 覆盖整个轴。",
}


def draw(say):
    figure = Figure(figsize=(7, 2.4))
    axes = figure.subplots()
    rows = (
        ("fp16", 2.0**-24, 2.0**-14, 65504.0),
        (say("fp16, loss × 1024", "fp16，损失 × 1024"), 2.0**-34, 2.0**-24, 65504.0 / 1024),
        ("bf16", 1e-14, 1e-14, 1e7),
    )
    for row, (_, smallest, normal, largest) in enumerate(rows):
        axes.barh(row, normal - smallest, left=smallest, color="C0", alpha=0.35)
        axes.barh(row, largest - normal, left=normal, color="C0")
    axes.annotate(say("fewer digits", "有效位减少"), (np.sqrt(2.0**-24 * 2.0**-14), 0),
                  ha="center", va="center", fontsize=8)  # fmt: skip
    axes.plot([1e-8, 1e-8], [-0.95, 2.5], color="C3")
    axes.text(1.4e-8, -0.72, say("a gradient of 1e-8", "1e-8 的梯度"), color="C3", va="center")
    axes.set_yticks(range(3), [name for name, *_ in rows])
    axes.set(xscale="log", xlim=(1e-13, 1e6), xlabel=say("size of the gradient", "梯度的大小"))
    axes.set_ylim(2.6, -1)
    return figure
