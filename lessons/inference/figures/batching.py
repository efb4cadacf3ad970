from matplotlib.figure import Figure

ALT = {
    "en": "Five requests of 8, 2, 3, 6 and 2 new tokens on two places. Static batching runs pairs "
    "to their longest member and takes 16 steps, in which 11 of 32 places are idle. Continuous "
    "batching fills a place as soon as it is free and takes 11 steps, with one place idle once.",
    "zh": "两个位置，五个请求，各生成 8、2、3、6、2 个词元。静态批处理两个一组，"
    "每组都等最长的那个，共 16 步，32 个位置中 11 个空转。"
    "连续批处理一有空位就补上，共 11 步，只有一个位置空转一次。",
}
NEW = (8, 2, 3, 6, 2)


def static(new, slots=2):
    """For each place, (request, first step, steps) and how long it idles after."""
    start, bars, idle = 0, [], []
    for first in range(0, len(new), slots):
        group = new[first : first + slots]
        for place in range(slots):
            steps = group[place] if place < len(group) else 0
            if steps:
                bars.append((place, first + place, start, steps))
            idle.append((place, start + steps, max(group) - steps))
        start += max(group)
    return bars, idle, start


def continuous(new, slots=2):
    """The same, where a place takes the next request as soon as it is free."""
    free, bars = [0] * slots, []
    for request, steps in enumerate(new):
        place = free.index(min(free))
        bars.append((place, request, free[place], steps))
        free[place] += steps
    return bars, [(place, end, max(free) - end) for place, end in enumerate(free)], max(free)


def draw(say):
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    rows = figure.subplots(2, 1, sharex=True)
    titles = (say("static", "静态批处理"), say("continuous", "连续批处理"))
    for axes, title, plan in zip(rows, titles, (static, continuous), strict=True):
        bars, idle, end = plan(NEW)
        for place, request, start, steps in bars:
            axes.broken_barh([(start, steps)], (place - 0.38, 0.76), color=f"C{request}", alpha=0.6)
            axes.text(start + steps / 2, place, f"{steps}", ha="center", va="center")
        for place, start, steps in idle:
            axes.broken_barh([(start, steps)], (place - 0.38, 0.76), facecolor="none",
                             edgecolor="C7", hatch="///", linewidth=0.5)  # fmt: skip
        axes.set_title(say(f"{title}: {end} steps", f"{title}：{end} 步"))
        axes.set(ylim=(1.5, -0.5), yticks=(0, 1), ylabel=say("place", "位置"))
    rows[1].set(xlabel=say("step", "步"), xticks=range(0, 17, 2))
    return figure
