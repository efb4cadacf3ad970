import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "IoU of a hand 100 pixels wide and of its late mask, against latency from 0 to 60 ms, at "
    "20 pixels per degree. A head that turns at 20 degrees per second still leaves 0.613 at 60 ms; "
    "at 50 degrees per second it is 0.250, at 100 it reaches 0 at 50 ms.",
    "zh": "宽 100 像素的手与迟到的掩码之间的 IoU，横轴是 0 到 60 毫秒的延迟，每度 20 个像素。"
    "头以每秒 20 度转动时，60 毫秒后还有 0.613；"
    "每秒 50 度时是 0.250；每秒 100 度时 50 毫秒就到 0。",
}
WIDTH, PER_DEGREE = 100, 20


def draw(say):
    figure = Figure(figsize=(7, 3.4))
    axes = figure.subplots()
    latency = np.arange(61)
    for speed, colour in ((20, "C2"), (50, "C0"), (100, "C1")):
        shift = np.minimum(np.rint(speed * latency / 1000 * PER_DEGREE), WIDTH)
        iou = (WIDTH - shift) / (WIDTH + shift)
        axes.plot(latency, iou, color=colour)
        label = say(f"{speed} degrees/s", f"{speed} 度/秒")
        axes.text(61, iou[-1], label, color=colour, va="center_baseline")
    for when in (14, 60):
        axes.axvline(when, color="C7", linestyle=":", linewidth=1)
    axes.text(14.6, 0.97, "14 ms", color="C7")
    axes.set(xlim=(0, 60), ylim=(-0.03, 1.05))
    axes.set_xticks(range(0, 61, 10))
    axes.set_xlabel(say("latency, ms", "延迟（毫秒）"))
    axes.set_ylabel(say("IoU with the hand now", "与手当前位置的 IoU"))
    axes.grid(axis="y")
    return figure
