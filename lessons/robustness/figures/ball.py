import torch
from matplotlib.figure import Figure
from torch.nn.functional import cross_entropy

from autograder.models import locate
from autograder.models.tiny_resnet import load_classifier, load_pictures

ALT = {
    "en": "Accuracy of the tiny ResNet on 360 digits against the radius of the ball, from 0 to 3 "
    "of 16. Random signs do little harm: above 0.9 at a radius of 2. One step of FGSM takes the "
    "accuracy to 0.733, 0.297 and 0.183 at radius 1, 2 and 3; ten steps of PGD end near zero.",
    "zh": "小 ResNet 在 360 张数字上的准确率，横轴是球的半径，从 0 到 3（满量程 16）。"
    "随机符号的扰动危害很小，半径为 2 时准确率仍高于 0.9。一步 FGSM 在半径 1、2、3 处把准确率"
    "降到 0.733、0.297、0.183；十步 PGD 则降到接近零。",
}
SIZES = [0, 0.5, 1, 1.5, 2, 2.5, 3]


def curves():
    """Accuracy at each size: under random signs, FGSM and PGD."""
    network = load_classifier(locate("resnet", "tiny"))
    images, names = load_pictures(network)["test"]
    digits = images.float()
    labels = torch.tensor([network.class_names.index(name) for name in names])

    def reader(x):
        return network.model((x / 16 - network.mean[0]) / network.std[0])

    def slope(x):
        x = x.detach().requires_grad_()
        return torch.autograd.grad(cross_entropy(reader(x), labels), x)[0]

    def share(x):
        with torch.no_grad():
            return (reader(x).argmax(dim=1) == labels).double().mean().item()

    signs = torch.randn(digits.shape, generator=torch.Generator().manual_seed(0)).sign()
    found = {"random": [], "fgsm": [], "pgd": []}
    for size in SIZES:
        found["random"].append(share((digits + size * signs).clamp(0, 16)))
        found["fgsm"].append(share((digits + size * slope(digits).sign()).clamp(0, 16)))
        near, far, x = (digits - size).clamp(min=0), (digits + size).clamp(max=16), digits
        for _ in range(10):
            x = torch.clamp(x + size / 4 * slope(x).sign(), near, far)
        found["pgd"].append(share(x))
    return found


def draw(say):
    found = curves()
    figure = Figure(figsize=(7, 4))
    axes = figure.subplots()
    names = {
        "random": say("random signs", "随机符号"),
        "fgsm": say("FGSM, one step", "FGSM，一步"),
        "pgd": say("PGD, ten steps", "PGD，十步"),
    }
    for colour, (key, name) in zip(("C2", "C0", "C1"), names.items(), strict=True):
        axes.plot(SIZES, found[key], marker="o", color=colour)
        place = {"random": (1.6, 0.98), "fgsm": (1.62, 0.46), "pgd": (0.42, 0.55)}[key]
        axes.text(*place, name, color=colour)
    axes.set(ylim=(-0.02, 1.05), xlim=(-0.05, 3.05))
    axes.set_xlabel(say("radius ε of the ball, in pixels of 0 … 16", "球的半径 ε，像素范围 0 … 16"))
    axes.set_ylabel(say("accuracy", "准确率"))
    return figure
