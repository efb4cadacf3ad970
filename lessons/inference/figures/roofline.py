import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "Roofline of an H100 and one step of Llama 3.1 8B, cache left out. Left, operations per "
    "second against operations per byte: a slope up to the ridge at 295, then flat at 989 TFLOPS. "
    "Decoding for 1, 16 and 64 requests lies low on the slope, a prompt of 2,048 tokens on the "
    "flat roof. Right, the time of a step: level until some 295 tokens, then rising in proportion.",
    "zh": "H100 的屋顶线和 Llama 3.1 8B 的一步（不计缓存）。左图横轴是每字节的运算次数，"
    "纵轴是每秒运算次数：先是斜坡，到 295 处的屋脊之后持平于 989 TFLOPS。"
    "为 1、16、64 个请求解码都在斜坡低处，2048 个词元的提示在平顶上。"
    "右图是一步的用时：约 295 个词元以内持平，之后成比例上升。",
}
PARAMETERS, BANDWIDTH, PEAK = 8.03e9, 3.35e12, 989e12


def draw(say):
    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    intensity = np.geomspace(0.5, 5000, 60)
    left.loglog(intensity, np.minimum(intensity * BANDWIDTH, PEAK) / 1e12, color="C7")
    points = [(1, "C0", "1"), (16, "C0", "16"), (64, "C0", "64"), (2048, "C1", "2048")]
    for tokens, colour, text in points:
        # Two bytes a weight and two operations a weight and token: one operation a byte and token.
        reached = min(tokens * BANDWIDTH, PEAK) / 1e12
        left.plot(tokens, reached, "o", color=colour)
        left.annotate(text, (tokens, reached), (5, -13), textcoords="offset points", color=colour)
    left.axvline(PEAK / BANDWIDTH, color="C7", linestyle=":", linewidth=1)
    left.set(xlabel=say("operations per byte", "每字节运算次数"),
             ylabel=say("TFLOPS reached", "达到的 TFLOPS"))  # fmt: skip
    left.set_title(say("What the chip can reach", "芯片能达到多少"))
    tokens = np.geomspace(1, 4096, 60)
    for size, colour in ((2, "C0"), (0.5, "C2")):
        reading = np.full_like(tokens, PARAMETERS * size / BANDWIDTH)
        step = np.maximum(reading, 2 * PARAMETERS * tokens / PEAK) * 1e3
        label = say(f"{size} bytes a weight", f"每权重 {size} 字节")
        right.loglog(tokens, step, color=colour, label=label)
    right.set(xlabel=say("tokens in the step", "这一步的词元数"),
              ylabel=say("milliseconds", "毫秒"))  # fmt: skip
    right.set_title(say("How long a step takes", "一步要多久"))
    right.legend(frameon=False)
    for axes in (left, right):
        axes.grid(alpha=0.3)
    return figure
