import torch
from matplotlib.figure import Figure

from autograder.models import locate
from autograder.models.tiny_resnet import load_classifier, load_pictures

ALT = {
    "en": "Confusion matrix of 360 noisy digits, rows actual, columns predicted, with the recall "
    "of each row. Most of the errors stand in the column of eight: 29 of 36 ones are taken for "
    "eights. Recall is 0.914 for eight and 0.139 for one.",
    "zh": "360 张带噪声数字的混淆矩阵，行是实际类别，列是预测类别，右侧是每行的召回率。"
    "错误大多落在「8」（eight）一列：36 个「1」里有 29 个被认成「8」。"
    "「8」的召回率是 0.914，「1」只有 0.139。",
}


def counts():
    """Class names and the matrix, as the lesson computes it."""
    network = load_classifier(locate("resnet", "tiny"))
    images, names = load_pictures(network)["test"]
    y = torch.tensor([network.class_names.index(name) for name in names])
    generator = torch.Generator().manual_seed(0)
    noise = 0.3 * network.pixel_max * torch.randn(images.shape, generator=generator)
    noisy = (images + noise).round().clamp(0, network.pixel_max)
    with torch.no_grad():
        logits = network.model((noisy / network.pixel_max - network.mean[0]) / network.std[0])
    matrix = torch.zeros(10, 10, dtype=torch.long)
    matrix.index_put_((y, logits.argmax(dim=1)), torch.tensor(1), accumulate=True)
    return network.class_names, matrix


def draw(say):
    names, matrix = counts()
    figure = Figure(figsize=(7, 5))
    axes = figure.subplots()
    for row, counted in enumerate(matrix.tolist()):
        for column, count in enumerate(counted):
            colour = "C2" if row == column else "C4"
            share = count / sum(counted)
            axes.fill([column, column + 0.95, column + 0.95, column],
                      [row, row, row + 0.95, row + 0.95], color=colour,
                      alpha=0.06 + 0.6 * share, linewidth=0)  # fmt: skip
            if count:
                axes.text(column + 0.47, row + 0.47, str(count), ha="center", va="center_baseline")
        recall = counted[row] / sum(counted)
        axes.text(10.4, row + 0.47, f"{recall:.3f}", va="center_baseline", color="C2")
    axes.text(10.4, -0.15, say("recall", "召回率"), color="C2")
    middle = [n + 0.47 for n in range(10)]
    axes.set_xticks(middle, names)
    axes.set_yticks(middle, names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlim=(0, 11.4), ylim=(10, -0.5))
    axes.set_xlabel(say("predicted", "预测类别"))
    axes.set_ylabel(say("actual", "实际类别"))
    return figure
