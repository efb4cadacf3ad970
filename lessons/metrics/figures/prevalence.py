import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm

ALT = {
    "en": "One test in two populations. Left, its ROC curve with the operating point of the trial, "
    "which is the same in both. Right, precision against recall: at this point precision is 0.745 "
    "where 23.8% have the disease and 0.161 where 2.0% have it, and the whole curve lies lower.",
    "zh": "同一项检测用于两个人群。左图是 ROC 曲线和试验中的工作点，两个人群完全相同。"
    "右图是精确率与召回率：在这个工作点上，患病率 23.8% 时精确率为 0.745，"
    "患病率 2.0% 时只有 0.161，整条曲线都低了下去。",
}
SENSITIVITY, SPECIFICITY = 0.872, 0.907
# In per cent, with a colour and places for the labels.
PREVALENCES = ((23.8, "C0", (-10, -16), (0.55, 0.78)), (2.0, "C1", (-20, -12), (0.28, 0.5)))


def draw(say):
    figure = Figure(figsize=(7, 3.9))
    left, right = figure.subplots(1, 2)
    # Normal scores of equal spread, shifted so that the curve meets the point of the trial.
    shift = norm.ppf(SENSITIVITY) + norm.ppf(SPECIFICITY)
    threshold = np.linspace(-4.5, shift + 4.5, 160)
    fpr, recall = norm.sf(threshold), norm.sf(threshold - shift)
    left.plot(fpr, recall, color="C7")
    left.plot(1 - SPECIFICITY, SENSITIVITY, "o", color="black", markersize=7)
    left.annotate(say("IDx-DR trial", "IDx-DR 试验"), (1 - SPECIFICITY, SENSITIVITY), (12, -16),
                  textcoords="offset points")  # fmt: skip
    left.set_title(say("ROC: the same in both", "ROC：两个人群相同"))
    left.set(xlabel=say("false positive rate", "假阳性率"), ylabel=say("recall", "召回率"))
    for prevalence, colour, beside, place in PREVALENCES:
        sick = prevalence / 100
        precision = recall * sick / (recall * sick + fpr * (1 - sick))
        right.plot(recall, precision, color=colour)
        found = SENSITIVITY * sick
        ppv = found / (found + (1 - SPECIFICITY) * (1 - sick))
        right.plot(SENSITIVITY, ppv, "o", color=colour, markersize=7)
        right.annotate(f"{ppv:.3f}", (SENSITIVITY, ppv), beside, ha="center", color=colour,
                       textcoords="offset points")  # fmt: skip
        ill = say(f"{prevalence}% are ill", f"患病率 {prevalence}%")
        right.text(*place, ill, color=colour, ha="center")
    right.set_title(say("Precision: depends on who is tested", "精确率：随人群而变"))
    right.set(xlabel=say("recall", "召回率"), ylabel=say("precision", "精确率"))
    for axes in (left, right):
        axes.set(xlim=(-0.02, 1.03), ylim=(-0.02, 1.03))
        axes.grid()
    return figure
