from matplotlib.figure import Figure

ALT = {
    "en": "Model states of 7.5 billion parameters on each of 64 cards, as stacked bars of weights, "
    "gradients and optimizer states: 120 GB without ZeRO, 31.4 GB at stage 1, 16.6 GB at stage 2, "
    "1.9 GB at stage 3. The optimizer states are three quarters of the first bar.",
    "zh": "75 亿参数、64 张卡时每张卡上的模型状态，堆叠条形图分为权重、梯度、优化器状态："
    "不用 ZeRO 为 120 GB，第 1 阶段 31.4 GB，第 2 阶段 16.6 GB，第 3 阶段 1.9 GB。"
    "第一根条里，优化器状态占了四分之三。",
}
PARAMETERS, CARDS = 7.5e9, 64


def draw(say):
    figure = Figure(figsize=(7, 2.8))
    axes = figure.subplots()
    names = [say("no ZeRO", "不用 ZeRO")] + [
        say(f"stage {stage}", f"第 {stage} 阶段") for stage in (1, 2, 3)
    ]
    parts = (
        (2, 3, "C0", say("weights", "权重")),
        (2, 2, "C1", say("gradients", "梯度")),
        (12, 1, "C2", say("optimizer states", "优化器状态")),
    )
    left = [0.0] * 4
    for size, split_from, colour, label in parts:
        widths = [
            PARAMETERS * size / (CARDS if stage >= split_from else 1) / 1e9 for stage in range(4)
        ]
        axes.barh(names, widths, left=left, color=colour, label=label)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    for row, total in enumerate(left):
        axes.text(total + 1.5, row, f"{total:.1f} GB" if total < 100 else "120 GB", va="center")
    axes.axvline(80, color="C7", linestyle="--")
    axes.text(81, 3.3, say("an 80 GB card", "80 GB 的卡"), color="C7", va="center")
    axes.set(xlim=(0, 138), xlabel=say("GB on each of 64 cards", "64 张卡，每张 GB"))
    axes.invert_yaxis()
    axes.legend(loc="center right")
    return figure
