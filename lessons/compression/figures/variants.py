"""Size on disk against accuracy: the numbers that the lesson's code and the notebook print."""

import matplotlib.pyplot as plt

ALT = {
    "en": "int8 keeps the accuracy at 92 kB instead of 321; pruning leaves the size and loses the "
    "accuracy until the network is trained again; the distilled student takes 5 kB.",
    "zh": "int8 把 321 kB 降到 92 kB，准确率不变；剪枝不减字节、却掉准确率，"
    "重新训练后才恢复；蒸馏出的学生只有 5 kB。",
}


def draw(say):
    points = [
        (320.6, 0.994, say("float32", "float32"), (0, -14), "#555555"),
        (91.7, 0.994, say("int8", "int8"), (0, -14), "#3b82c4"),
        (5.1, 0.975, say("distilled student", "蒸馏的学生"), (8, -14), "#8a5bb0"),
        (320.6, 0.114, say("90 % pruned", "剪掉 90%"), (0, 8), "#d1495b"),
        (40.6, 0.992, say("90 % pruned, trained again,\nstored as values and mask",
                          "剪掉 90%，重新训练，\n存为数值加掩码"), (8, -44), "#2e8b57"),
    ]  # fmt: skip
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for x, y, name, place, colour in points:
        axes.scatter(x, y, color=colour, s=45, zorder=3)
        align = "right" if x > 300 else "left"
        axes.annotate(name, (x, y), place, textcoords="offset points", ha=align, va="center",
                      color=colour)  # fmt: skip
    axes.annotate(
        "", (320.6, 0.9), (320.6, 0.16), arrowprops={"arrowstyle": "->", "color": "#2e8b57"}
    )
    axes.text(
        314, 0.55, say("train again,\nmask kept", "保持掩码\n重新训练"), ha="right", color="#2e8b57"
    )
    axes.set(xlim=(-10, 345), ylim=(0, 1.08))
    axes.set_xlabel(say("kB on disk", "磁盘占用（kB）"))
    axes.set_ylabel(say("accuracy", "准确率"))
    axes.grid(color="#bbbbbb", lw=0.4)
    return figure
