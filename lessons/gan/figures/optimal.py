import numpy as np
from matplotlib.figure import Figure

ALT = {
    "en": "Above, two densities over one pixel's grey level: real pictures have two humps, forged "
    "ones a single hump over the right of them. Below, the optimal discriminator: near 1 over the "
    "left hump, where nothing is forged, one half where the densities cross, and "
    "below it wherever forged pictures are in excess.",
    "zh": "上图是某个像素灰度的两条密度曲线：真图有两个峰，假图只有一个峰，盖在右边那个上面。"
    "下图是最优判别器：左峰处没有假图，它接近 1；两条曲线相交处为一半；"
    "凡是假图多于真图的地方，都低于一半。",
}


def bell(x, centre, width):
    return np.exp(-(((x - centre) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi))


def draw(say):
    figure = Figure(figsize=(6.5, 4.4))
    above, below = figure.subplots(2, 1, sharex=True)
    x = np.linspace(-4, 4, 161)
    real = 0.5 * bell(x, -1.8, 0.6) + 0.5 * bell(x, 1.2, 0.6)
    fake = bell(x, 1.0, 0.8)
    above.plot(x, real, color="C0")
    above.plot(x, fake, color="C1")
    above.fill_between(x, real, color="C0", alpha=0.15, linewidth=0)
    above.fill_between(x, fake, color="C1", alpha=0.15, linewidth=0)
    above.text(-1.8, 0.36, say("real", "真图"), color="C0", ha="center")
    above.text(2.1, 0.38, say("forged", "假图"), color="C1")
    above.set(ylabel=say("density", "密度"), ylim=(0, 0.56))
    below.plot(x, real / (real + fake), color="C2")
    below.axhline(0.5, color="C7", linestyle=":", linewidth=1.2)
    below.text(-3.9, 0.55, say("cannot tell", "分不出"), color="C7", va="bottom")
    below.set(ylabel="D*(x)", xlabel=say("grey level x", "灰度 x"), ylim=(0, 1.05), xlim=(-4, 4))
    return figure
