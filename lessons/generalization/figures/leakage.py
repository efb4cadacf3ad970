"""Accuracy on random labels: features chosen before the split, and inside each fold."""

import matplotlib.pyplot as plt
import numpy as np

ALT = {
    "en": "Histograms of cross-validated accuracy on 40 data sets with random labels: around one "
    "half where features are chosen inside each fold, around nine tenths where beforehand.",
    "zh": "40 个随机标签数据集上交叉验证准确率的直方图："
    "在每一折内选特征时在一半左右，事先选好时在九成左右。",
}


def draw(say):
    """Return the figure; `say` picks a label's language."""
    from sklearn.feature_selection import SelectKBest
    from sklearn.model_selection import cross_val_score
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline

    rng, select, model = np.random.default_rng(0), SelectKBest(k=20), GaussianNB()
    before, inside = [], []
    for _ in range(40):
        x, y = rng.normal(size=(60, 1000)), rng.integers(0, 2, 60)
        before.append(cross_val_score(model, select.fit_transform(x, y), y).mean())
        inside.append(cross_val_score(make_pipeline(select, model), x, y).mean())
    figure, axes = plt.subplots(figsize=(6, 2.4), layout="constrained")
    bins = np.arange(0.25, 1.01, 0.05)
    axes.hist(inside, bins, color="#4c8dc9", alpha=0.8, label=say("inside each fold", "每一折之内"))
    axes.hist(before, bins, color="#e08a3c", alpha=0.8, label=say("before the split", "划分之前"))
    axes.axvline(0.5, color="grey", linestyle=":")
    axes.set(
        xlabel=say("accuracy on random labels", "随机标签上的准确率"),
        ylabel=say("data sets", "数据集个数"),
    )
    axes.legend(frameon=False, title=say("features chosen", "特征的选择"), loc="upper center")
    return figure
