import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "A bearing that wears from hour 380 on and breaks at hour 500; alarms after 476 come "
    "too late for the crew. Above, its vibration, in which the wear is hard to see. Below, two "
    "scores with the limit 3.5: that of single samples crosses it once, shortly before hour 476, "
    "that of the moving average with weight 0.1 crosses it some sixty hours earlier.",
    "zh": "一个轴承从第 380 小时开始磨损，第 500 小时损坏；第 476 小时之后才报警，"
    "维修队就来不及了。上图是振动信号，磨损很难看出来。下图是两种分数和界限 3.5："
    "单个采样点的分数在第 476 小时前不久才越界一次，权重 0.1 的移动平均早了大约六十小时。",
}
WEAR, LEAD, BREAK = 380, 476, 500


def scores(healthy, signal, weight):
    mean, z, found = healthy.mean(), healthy.mean(), []
    for t, x in enumerate(signal, start=1):
        z = weight * x + (1 - weight) * z
        spread = np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t)))
        found.append(abs(z - mean) / (healthy.std(ddof=1) * spread))
    return np.array(found)


def draw(say):
    rng = np.random.default_rng(3)
    hours = np.arange(BREAK)
    signal = 5 + rng.normal(0, 1, BREAK) + np.maximum(0, hours - WEAR) * 0.015
    figure = Figure(figsize=(7, 4.6))
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot(hours[200:], signal[200:], color="C7", linewidth=0.8)
    above.set(ylabel=say("vibration", "振动"))
    for weight, colour, name in [
        (1.0, "C7", say("single samples", "单个采样点")),
        (0.1, "C0", say("moving average, weight 0.1", "移动平均，权重 0.1")),
    ]:
        found = scores(signal[:200], signal[200:], weight)
        below.plot(hours[200:], found, color=colour, linewidth=0.9, label=name)
    below.axhline(3.5, color="C1", linewidth=1.2)
    below.set(xlabel=say("hour", "小时"), ylabel=say("score", "分数"))
    for axes in (above, below):
        axes.axvline(WEAR, color="C2", linestyle=":", linewidth=1.2)
        axes.axvspan(LEAD, BREAK, color="C3", alpha=0.2)
    top = above.get_ylim()[1]
    above.text(WEAR - 3, top, say("wear begins", "开始磨损"), color="C2", ha="right", va="top")
    above.text(LEAD - 3, top, say("too late", "来不及"), color="C3", ha="right", va="top")
    below.legend(loc="upper left")
    return figure
