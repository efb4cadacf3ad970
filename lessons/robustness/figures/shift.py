import torch
from matplotlib.figure import Figure

from autograder.models import locate
from autograder.models.tiny_resnet import load_classifier, load_pictures

ALT = {
    "en": "Accuracy and mean confidence on five versions of the test digits, at temperature 1 and "
    "at 0.5, which fits clean digits. There the fitted confidence meets the accuracy. Under noise, "
    "half the ink, a move by two pixels and inversion accuracy falls, and the fitted confidence "
    "stays the highest of the three: the gap is widest for inverted digits.",
    "zh": "五种版本测试数字上的准确率和平均置信度，温度分别取 1 和在干净数字上拟合出的 0.5。"
    "在干净数字上，拟合后的置信度与准确率重合。加噪声、墨色减半、平移两个像素、反色之后，"
    "准确率下降，而拟合后的置信度始终最高；反色时差距最大。",
}


def rows():
    """For each shift: accuracy, and mean confidence at temperature 1 and 0.5."""
    network = load_classifier(locate("resnet", "tiny"))
    images, names = load_pictures(network)["test"]
    digits = images.float()
    labels = torch.tensor([network.class_names.index(name) for name in names])
    noise = 6 * torch.randn(digits.shape, generator=torch.Generator().manual_seed(0))
    shifted = [digits, (digits + noise).clamp(0, 16), digits / 2, digits.roll(2, 3), 16 - digits]
    found = []
    for x in shifted:
        with torch.no_grad():
            logits = network.model((x / 16 - network.mean[0]) / network.std[0])
        right = (logits.argmax(dim=1) == labels).double().mean().item()
        sure = [(logits / t).softmax(dim=1).amax(dim=1).mean().item() for t in (1, 0.5)]
        found.append((right, *sure))
    return found


def draw(say):
    found = rows()
    figure = Figure(figsize=(7, 4))
    axes = figure.subplots()
    marks = (
        ("s", "C2", say("accuracy", "准确率")),
        ("o", "C0", say("confidence, T = 1", "置信度，T = 1")),
        ("D", "C1", say("confidence, T = 0.5", "置信度，T = 0.5")),
    )
    for number, values in enumerate(found):
        axes.plot([number] * 2, [min(values), max(values)], color="C7", linewidth=1)
    for column, (mark, colour, name) in enumerate(marks):
        values = [row[column] for row in found]
        axes.plot(range(len(found)), values, mark, color=colour, label=name)
    axes.set_xticks(range(len(found)), [
        say("clean", "干净"), say("noise", "噪声"), say("half the ink", "墨色减半"),
        say("moved by 2", "平移 2"), say("inverted", "反色"),
    ])  # fmt: skip
    axes.set(ylim=(0, 1.05), xlim=(-0.5, len(found) - 0.5))
    axes.set_ylabel(say("share, probability", "比例、概率"))
    axes.legend(loc="lower left")
    return figure
