import numpy as np
from matplotlib.figure import Figure

from autograder.data import faces

ALT = {
    "en": "Squared Fréchet distances from real faces, on a logarithmic scale. Other real faces and "
    "noise with the same mean and covariance are both nearest, well below 0.01; then only glad "
    "faces, blurred faces and 16 faces repeated, some hundredths; faces upside down, a quarter; "
    "farthest white noise, above ten.",
    "zh": "各种图片到真脸的弗雷歇距离平方，对数坐标。"
    "另一批真脸和均值、协方差相同的噪声都最近，远小于 0.01；"
    "其次是只有笑脸、模糊的脸和 16 张脸反复出现，百分之几；"
    "上下颠倒的脸约四分之一；最远的是白噪声，超过十。",
}


def features(images):
    return ((images + 1) / 2).reshape(-1, 8, 2, 8, 2).mean(axis=(2, 4)).reshape(-1, 64)


def distance(one, other):
    first, second = np.cov(one.T), np.cov(other.T)
    roots = np.sqrt(np.linalg.eigvals(first @ second).real.clip(min=0)).sum()
    gap = one.mean(axis=0) - other.mean(axis=0)
    return gap @ gap + np.trace(first + second) - 2 * roots


def like(known, rng):
    """Gaussian noise with the mean and the covariance of what is known."""
    values, vectors = np.linalg.eigh(np.cov(known.T))
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    return known.mean(axis=0) + rng.normal(size=known.shape) @ root


def draw(say):
    rng = np.random.default_rng(0)
    made, known = faces.make(4000), features(faces.make(2000, part="test").images)
    images = made.images[:2000, 0].astype(float)
    real = features(images)
    around = sum(np.roll(images, shift, axis=axis) for axis in (1, 2) for shift in (-1, 1))
    kinds = {
        say("white noise", "白噪声"): features(rng.uniform(-1, 1, images.shape)),
        say("upside down", "上下颠倒"): features(images[:, ::-1]),
        say("blurred", "模糊"): features((images + around) / 5),
        say("16 faces, repeated", "16 张脸反复出现"): np.tile(real[:16], (125, 1)),
        say("only glad ones", "只有笑脸"): features(made.images[made.smiles > 0]),
        say("noise, same mean and\ncovariance", "噪声，均值和\n协方差相同"): like(real, rng),
        say("other real faces", "另一批真脸"): real,
    }
    values = [distance(known, kind) for kind in kinds.values()]
    figure = Figure(figsize=(6.8, 3.8))
    axes = figure.subplots()
    colours = ["C0"] * len(values)
    colours[-2] = "C3"
    axes.barh(range(len(values)), values, color=colours, left=0)
    axes.set_yticks(range(len(values)), list(kinds))
    axes.set_xscale("log")
    for place, value in enumerate(values):
        axes.text(value * 1.15, place, f"{value:.2g}", va="center")
    axes.set(
        xlim=(1e-4, 60),
        xlabel=say("squared Fréchet distance, 64 features", "弗雷歇距离的平方，64 个特征"),
    )
    return figure
