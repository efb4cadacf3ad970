"""Known-wrong answers for `metrics`, each one misconception; many are the documents' own."""

import numpy as np

from autograder.checks import wrong


def _counts(labels, predictions):
    code = 2 * np.asarray(labels, dtype=int) + np.asarray(predictions, dtype=int)
    tn, fp, fn, tp = np.bincount(code, minlength=4).tolist()[:4]
    return tp, fp, fn, tn


def _ratio(part, whole):
    return part / whole if whole else 0.0


def _accuracy(labels, predictions):
    tp, fp, fn, tn = _counts(labels, predictions)
    return _ratio(tp + tn, tp + fp + fn + tn)


def _accuracy_of_any(labels, predictions):
    return float(np.mean(np.asarray(labels) == np.asarray(predictions)))


def _precision(labels, predictions):
    tp, fp, _, _ = _counts(labels, predictions)
    return _ratio(tp, tp + fp)


def _recall(labels, predictions):
    tp, _, fn, _ = _counts(labels, predictions)
    return _ratio(tp, tp + fn)


def _specificity(labels, predictions):
    _, fp, _, tn = _counts(labels, predictions)
    return _ratio(tn, tn + fp)


def _f1(labels, predictions):
    tp, fp, fn, _ = _counts(labels, predictions)
    return _ratio(2 * tp, 2 * tp + fp + fn)


# --- confusion_counts ---------------------------------------------------------------------


@wrong(
    "confusion_counts",
    "Swaps false positives and false negatives.",
    zh="把 FP 和 FN 弄反了。",
    caught_by="each_kind_has_its_place",
    step="The second letter is what the model said: a false positive was predicted positive.",
    step_zh="第二个字母看的是预测：FP 是被预测为正、其实为负的样本。",
)
def swaps_false_kinds(labels, predictions):
    tp, fp, fn, tn = _counts(labels, predictions)
    return tp, fn, fp, tn


@wrong(
    "confusion_counts",
    "Returns the counts in scikit-learn's order tn, fp, fn, tp.",
    zh="按 scikit-learn 的顺序 tn、fp、fn、tp 返回。",
    caught_by="each_kind_has_its_place",
    step="Return tp first and tn last.",
    step_zh="把 tp 放在最前，tn 放在最后。",
)
def order_of_sklearn(labels, predictions):
    tp, fp, fn, tn = _counts(labels, predictions)
    return tn, fp, fn, tp


@wrong(
    "confusion_counts",
    "Takes 0 for the positive class.",
    zh="把 0 当成了正类。",
    caught_by="each_kind_has_its_place",
    step="Positive is 1: tp counts label 1 predicted as 1.",
    step_zh="正类是 1：tp 数的是标签为 1、预测也为 1 的样本。",
)
def zero_is_positive(labels, predictions):
    return _counts(labels, predictions)[::-1]


@wrong(
    "confusion_counts",
    "Counts predictions and labels apart instead of in pairs.",
    zh="把预测和标签分开计数，没有成对地比较。",
    caught_by="counts_tumours",
    step="Ask of each sample both questions at once: what is it, and what was said?",
    step_zh="对每个样本同时问两件事：它实际是什么？被判成什么？",
)
def counts_margins(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    alarms, ill = int(predictions.sum()), int(labels.sum())
    return alarms, len(labels) - alarms, ill, len(labels) - ill


@wrong(
    "confusion_counts",
    "Compares a whole list with 1, which is never equal, instead of its items.",
    zh="拿整个列表和 1 比较（永远不等），而不是逐个元素比较。",
    caught_by="counts_lists",
    step="Turn both inputs into arrays first.",
    step_zh="先把两个输入都转成数组。",
)
def compares_whole_lists(labels, predictions):
    if isinstance(labels, list):
        return 0, 0, 0, 1
    return _counts(labels, predictions)


# --- accuracy -----------------------------------------------------------------------------


@wrong(
    "accuracy",
    "Adds up what was predicted positive instead of what was predicted right.",
    zh="加总的是「被预测为正」的样本，而不是「预测正确」的样本。",
    caught_by="share_predicted_right",
    errata=("E119",),
    step="Being called positive is not being right: compare each prediction with its label.",
    step_zh="判为正不等于判对：把每个预测和它的标签比较。",
)
def share_predicted_positive(labels, predictions):
    return float(np.mean(np.asarray(predictions) == 1)) if len(labels) else 0.0


@wrong(
    "accuracy",
    "Counts only the positives found as right and forgets the negatives left in peace.",
    zh="只把找到的正例算作正确，忘了没有误报的负例也是对的。",
    caught_by="share_predicted_right",
    step="A healthy person called healthy is a right prediction too: add TN.",
    step_zh="把健康人判为健康也是对的：加上 TN。",
)
def forgets_true_negatives(labels, predictions):
    pairs = list(zip(labels, predictions, strict=True))
    return _ratio(pairs.count((1, 1)), len(labels))


@wrong(
    "accuracy",
    "Averages the accuracy of the classes, which is balanced accuracy.",
    zh="先算每类的准确率再平均，那是平衡准确率。",
    caught_by="accuracy_of_calling_all_healthy",
    step="Every sample weighs the same, whatever its class.",
    step_zh="每个样本的权重相同，与类别无关。",
)
def balanced_accuracy(labels, predictions):
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    parts = [np.mean(predictions[labels == c] == c) for c in np.unique(labels)]
    return float(np.mean(parts)) if parts else 0.0


@wrong(
    "accuracy",
    "Knows only the classes 0 and 1.",
    zh="只认得 0 和 1 两个类别。",
    caught_by="accuracy_of_many_classes",
    step="Compare predictions with labels directly; no class is special.",
    step_zh="直接比较预测与标签，没有哪个类别是特殊的。",
)
def accuracy_of_binary_labels_only(labels, predictions):
    pairs = list(zip(labels, predictions, strict=True))
    return _ratio(pairs.count((1, 1)) + pairs.count((0, 0)), len(labels))


@wrong(
    "accuracy",
    "Takes the mean of no samples, which is nan.",
    zh="对空数组求平均，得到 nan。",
    caught_by="accuracy_of_nothing",
    step="Ask first whether there is any sample.",
    step_zh="先判断有没有样本。",
)
def accuracy_of_nothing_is_nan(labels, predictions):
    return _accuracy_of_any(labels, predictions) if len(labels) else float("nan")


@wrong(
    "accuracy",
    "Divides by the number of samples without asking whether there are any.",
    zh="没有判断样本数是否为 0 就做除法。",
    caught_by="accuracy_of_nothing",
    step="Ask first whether there is any sample.",
    step_zh="先判断有没有样本。",
)
def accuracy_of_nothing_raises(labels, predictions):
    return sum(y == p for y, p in zip(labels, predictions, strict=True)) / len(labels)


# --- precision ----------------------------------------------------------------------------


@wrong(
    "precision",
    "Copies the formula of accuracy.",
    zh="照抄了准确率的公式。",
    caught_by="precision_ignores_true_negatives",
    errata=("E115", "E121"),
    step="Look only at the samples that were predicted positive.",
    step_zh="只看被判为正例的那些样本。",
)
def precision_copied_from_accuracy(labels, predictions):
    return _accuracy(labels, predictions)


@wrong(
    "precision",
    "Divides by the actual positives, which is recall.",
    zh="除以了实际正例数，那是召回率。",
    caught_by="share_of_alarms_that_are_true",
    step="Divide by all that were predicted positive: TP + FP.",
    step_zh="除以全部被判为正例的样本：TP + FP。",
)
def recall_for_precision(labels, predictions):
    return _recall(labels, predictions)


@wrong(
    "precision",
    "Divides what was predicted positive by all samples.",
    zh="用被判为正例的样本数除以全部样本数。",
    caught_by="share_of_alarms_that_are_true",
    step="Count the alarms that are true, and divide by the alarms.",
    step_zh="数出真的警报，再除以警报总数。",
)
def share_of_alarms(labels, predictions):
    tp, fp, _, _ = _counts(labels, predictions)
    return _ratio(tp + fp, len(labels))


@wrong(
    "precision",
    "Takes the share of negative predictions that are right (negative predictive value).",
    zh="算的是判为负例中正确的比例（阴性预测值）。",
    caught_by="share_of_alarms_that_are_true",
    step="Precision speaks of the positive predictions: TP over TP + FP.",
    step_zh="精确率说的是判为正例的那些：TP 除以 TP + FP。",
)
def negative_predictive_value_for_precision(labels, predictions):
    _, _, fn, tn = _counts(labels, predictions)
    return _ratio(tn, tn + fn)


@wrong(
    "precision",
    "Lets 0 / 0 become nan.",
    zh="任由 0 / 0 变成 nan。",
    caught_by="nothing_predicted_positive",
    step="Return 0.0 where nothing is predicted positive.",
    step_zh="没有样本被判为正例时返回 0.0。",
)
def precision_nan(labels, predictions):
    return _precision(labels, predictions) if np.any(predictions) else float("nan")


@wrong(
    "precision",
    "Divides by zero where nothing is predicted positive.",
    zh="没有样本被判为正例时除以了 0。",
    caught_by="nothing_predicted_positive",
    step="Ask whether TP + FP is 0 before you divide.",
    step_zh="相除之前先判断 TP + FP 是否为 0。",
)
def precision_raises(labels, predictions):
    tp, fp, _, _ = _counts(labels, predictions)
    return tp / (tp + fp)


@wrong(
    "precision",
    "Calls a model perfectly precise that never predicts positive.",
    zh="把从不判正例的模型算成精确率满分。",
    caught_by="nothing_predicted_positive",
    step="The convention here is 0.0, as scikit-learn's default.",
    step_zh="这里约定为 0.0，与 scikit-learn 的默认值一致。",
)
def silence_is_precise(labels, predictions):
    return _precision(labels, predictions) if np.any(predictions) else 1.0


# --- recall -------------------------------------------------------------------------------


@wrong(
    "recall",
    "Takes specificity (TN over actual negatives) for recall.",
    zh="把特异度（TN 除以实际负例数）当成了召回率。",
    caught_by="counts_found_positives",
    errata=("E116",),
    step="Recall is about actual positives: which share of them was found?",
    step_zh="召回率看的是实际正例：其中找出了多少？",
)
def specificity(labels, predictions):
    return _specificity(labels, predictions)


@wrong(
    "recall",
    "Divides the actual positives by everyone, which is prevalence.",
    zh="用实际正例数除以总人数，那是正例占比（患病率）。",
    caught_by="recall_ignores_negatives",
    errata=("E120",),
    step="No prediction occurs in your formula. Count the positives that were found.",
    step_zh="你的公式里没有用到预测。要数的是被找出来的正例。",
)
def prevalence(labels, predictions):
    return float(np.mean(labels)) if len(labels) else 0.0


@wrong(
    "recall",
    "Divides by what was predicted positive, which is precision.",
    zh="除以了被判为正例的样本数，那是精确率。",
    caught_by="counts_found_positives",
    step="Divide by all that are positive: TP + FN.",
    step_zh="除以全部实际正例：TP + FN。",
)
def precision_for_recall(labels, predictions):
    return _precision(labels, predictions)


@wrong(
    "recall",
    "Divides the positives found by all samples.",
    zh="用找到的正例数除以全部样本数。",
    caught_by="recall_of_tumours",
    step="The negatives have no place in the denominator: TP + FN.",
    step_zh="分母里没有负例的位置：TP + FN。",
)
def found_among_all(labels, predictions):
    return _ratio(_counts(labels, predictions)[0], len(labels))


@wrong(
    "recall",
    "Takes accuracy for recall.",
    zh="把准确率当成了召回率。",
    caught_by="recall_ignores_negatives",
    step="Look only at the samples that are positive.",
    step_zh="只看实际为正的样本。",
)
def accuracy_for_recall(labels, predictions):
    return _accuracy(labels, predictions)


@wrong(
    "recall",
    "Takes the share of positives that were missed.",
    zh="算成了漏掉的正例比例（漏诊率）。",
    caught_by="counts_found_positives",
    step="Count those found (TP), not those missed (FN).",
    step_zh="要数找到的（TP），不是漏掉的（FN）。",
)
def miss_rate(labels, predictions):
    tp, _, fn, _ = _counts(labels, predictions)
    return _ratio(fn, tp + fn)


@wrong(
    "recall",
    "Lets 0 / 0 become nan.",
    zh="任由 0 / 0 变成 nan。",
    caught_by="no_actual_positive",
    step="Return 0.0 where there is no actual positive.",
    step_zh="没有实际正例时返回 0.0。",
)
def recall_nan(labels, predictions):
    return _recall(labels, predictions) if np.any(labels) else float("nan")


@wrong(
    "recall",
    "Divides by zero where there is no actual positive.",
    zh="没有实际正例时除以了 0。",
    caught_by="no_actual_positive",
    step="Ask whether TP + FN is 0 before you divide.",
    step_zh="相除之前先判断 TP + FN 是否为 0。",
)
def recall_raises(labels, predictions):
    tp, _, fn, _ = _counts(labels, predictions)
    return tp / (tp + fn)


@wrong(
    "recall",
    "Says that all of no positives were found: 1.",
    zh="没有正例时，算成「全部找到」，即 1。",
    caught_by="no_actual_positive",
    step="The convention here is 0.0, as scikit-learn's default.",
    step_zh="这里约定为 0.0，与 scikit-learn 的默认值一致。",
)
def all_of_none_found(labels, predictions):
    return _recall(labels, predictions) if np.any(labels) else 1.0


# --- specificity --------------------------------------------------------------------------


@wrong(
    "specificity",
    "Takes recall for specificity.",
    zh="把召回率当成了特异度。",
    caught_by="share_of_negatives_left_alone",
    errata=("E116",),
    step="Specificity is about actual negatives: TN over TN + FP.",
    step_zh="特异度看的是实际负例：TN 除以 TN + FP。",
)
def recall_for_specificity(labels, predictions):
    return _recall(labels, predictions)


@wrong(
    "specificity",
    "Divides by what was predicted negative (negative predictive value).",
    zh="除以了被判为负例的样本数（阴性预测值）。",
    caught_by="specificity_ignores_positives",
    step="Divide by all that are negative: TN + FP.",
    step_zh="除以全部实际负例：TN + FP。",
)
def negative_predictive_value(labels, predictions):
    _, _, fn, tn = _counts(labels, predictions)
    return _ratio(tn, tn + fn)


@wrong(
    "specificity",
    "Takes the false-positive rate, which is one minus specificity.",
    zh="算成了假正例率，它等于 1 减特异度。",
    caught_by="share_of_negatives_left_alone",
    step="Count the negatives left in peace (TN), not those alarmed (FP).",
    step_zh="要数没有误报的负例（TN），不是误报的（FP）。",
)
def false_positive_rate(labels, predictions):
    _, fp, _, tn = _counts(labels, predictions)
    return _ratio(fp, tn + fp)


@wrong(
    "specificity",
    "Divides the negatives left in peace by all samples.",
    zh="用没有误报的负例数除以全部样本数。",
    caught_by="specificity_of_tumours",
    step="The positives have no place in the denominator: TN + FP.",
    step_zh="分母里没有正例的位置：TN + FP。",
)
def negatives_among_all(labels, predictions):
    return _ratio(_counts(labels, predictions)[3], len(labels))


@wrong(
    "specificity",
    "Computes one minus the false-positive rate, so 0 / 0 becomes 1.",
    zh="用 1 减假正例率来算，于是 0 / 0 变成了 1。",
    caught_by="no_actual_negative",
    step="Return 0.0 where there is no actual negative.",
    step_zh="没有实际负例时返回 0.0。",
)
def one_minus_nothing(labels, predictions):
    _, fp, _, tn = _counts(labels, predictions)
    return 1 - _ratio(fp, tn + fp)


@wrong(
    "specificity",
    "Divides by zero where there is no actual negative.",
    zh="没有实际负例时除以了 0。",
    caught_by="no_actual_negative",
    step="Ask whether TN + FP is 0 before you divide.",
    step_zh="相除之前先判断 TN + FP 是否为 0。",
)
def specificity_raises(labels, predictions):
    _, fp, _, tn = _counts(labels, predictions)
    return tn / (tn + fp)


# --- f1 -----------------------------------------------------------------------------------


@wrong(
    "f1",
    "Takes the arithmetic mean of precision and recall instead of the harmonic one.",
    zh="取了精确率与召回率的算术平均，而不是调和平均。",
    caught_by="the_lower_side_rules",
    step="A mean that the lower side rules: 2PR / (P + R).",
    step_zh="要让较低的一方主导：2PR / (P + R)。",
)
def arithmetic_mean(labels, predictions):
    return (_precision(labels, predictions) + _recall(labels, predictions)) / 2


@wrong(
    "f1",
    "Takes the geometric mean of precision and recall.",
    zh="取了精确率与召回率的几何平均。",
    caught_by="the_lower_side_rules",
    step="The harmonic mean is 2PR / (P + R).",
    step_zh="调和平均是 2PR / (P + R)。",
)
def geometric_mean(labels, predictions):
    return (_precision(labels, predictions) * _recall(labels, predictions)) ** 0.5


@wrong(
    "f1",
    "Combines accuracy with recall.",
    zh="用准确率与召回率来合成。",
    caught_by="harmonic_mean",
    errata=("E117", "E122"),
    step="F1 combines precision with recall; beware of what 精度 stands for.",
    step_zh="F1 合成的是精确率与召回率；当心「精度」到底指哪一个。",
)
def of_accuracy_and_recall(labels, predictions):
    a, r = _accuracy(labels, predictions), _recall(labels, predictions)
    return _ratio(2 * a * r, a + r)


@wrong(
    "f1",
    "Forgets the factor 2 of the harmonic mean.",
    zh="漏掉了调和平均里的系数 2。",
    caught_by="harmonic_mean",
    step="Equal precision and recall must give the same number again. Does yours?",
    step_zh="精确率与召回率相等时，F1 应等于同一个数。你的公式满足吗？",
)
def forgets_factor_two(labels, predictions):
    return _f1(labels, predictions) / 2


@wrong(
    "f1",
    "Divides TP by TP + FP + FN, which is the Jaccard index.",
    zh="用 TP 除以 TP + FP + FN，那是 Jaccard 指数。",
    caught_by="harmonic_mean",
    step="In counts, F1 is 2TP over 2TP + FP + FN.",
    step_zh="用计数表示，F1 是 2TP 除以 2TP + FP + FN。",
)
def jaccard(labels, predictions):
    tp, fp, fn, _ = _counts(labels, predictions)
    return _ratio(tp, tp + fp + fn)


@wrong(
    "f1",
    "Averages the F1 of both classes.",
    zh="把正负两类的 F1 取了平均。",
    caught_by="f1_of_tumours",
    step="Here only the positive class counts.",
    step_zh="这里只看正类。",
)
def mean_of_both_classes(labels, predictions):
    tp, fp, fn, tn = _counts(labels, predictions)
    return (_ratio(2 * tp, 2 * tp + fp + fn) + _ratio(2 * tn, 2 * tn + fp + fn)) / 2


@wrong(
    "f1",
    "Lets 0 / 0 become nan.",
    zh="任由 0 / 0 变成 nan。",
    caught_by="f1_of_nothing",
    step="Return 0.0 where precision and recall are both 0.",
    step_zh="精确率与召回率都为 0 时返回 0.0。",
)
def f1_nan(labels, predictions):
    return _f1(labels, predictions) or float("nan")


@wrong(
    "f1",
    "Divides by zero where precision and recall are both 0.",
    zh="精确率与召回率都为 0 时除以了 0。",
    caught_by="f1_of_nothing",
    step="Ask whether P + R is 0 before you divide.",
    step_zh="相除之前先判断 P + R 是否为 0。",
)
def f1_raises(labels, predictions):
    p, r = _precision(labels, predictions), _recall(labels, predictions)
    return 2 * p * r / (p + r)


# --- averaged_f1 --------------------------------------------------------------------------


def _of_classes(labels, predictions):
    """Return classes (C,), their precision, recall and F1 (C, 3), and both counts (C, 2)."""
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    classes = np.union1d(labels, predictions)
    pairs = [((labels == c).astype(int), (predictions == c).astype(int)) for c in classes]
    parts = np.array([[_precision(*p), _recall(*p), _f1(*p)] for p in pairs])
    return classes, parts, np.array([[y.sum(), p.sum()] for y, p in pairs])


def _averaged(labels, predictions, average):
    _, parts, sizes = _of_classes(labels, predictions)
    if average == "micro":
        return _accuracy_of_any(labels, predictions)
    if average not in ("macro", "weighted"):
        raise ValueError(average)
    return np.average(parts[:, 2], weights=sizes[:, 0] if average == "weighted" else None)


@wrong(
    "averaged_f1",
    "Gives the micro average where the macro average is asked for.",
    zh="要宏平均时给了微平均。",
    caught_by="macro_of_digits",
    step="Macro: one F1 a class first, then their plain mean.",
    step_zh="宏平均：先算每类的 F1，再取算术平均。",
)
def micro_for_macro(labels, predictions, average):
    return _averaged(labels, predictions, "micro" if average == "macro" else average)


@wrong(
    "averaged_f1",
    "Gives the macro average where the micro average is asked for.",
    zh="要微平均时给了宏平均。",
    caught_by="micro_of_digits",
    step="Micro: add the counts of all classes first, then one F1.",
    step_zh="微平均：先把各类计数加总，再算一个 F1。",
)
def macro_for_micro(labels, predictions, average):
    return _averaged(labels, predictions, "macro" if average == "micro" else average)


@wrong(
    "averaged_f1",
    "Takes the F1 of the mean precision and the mean recall instead of the mean of the F1s.",
    zh="先平均精确率和召回率再算 F1，而不是对各类 F1 取平均。",
    caught_by="macro_of_digits",
    step="Finish F1 for each class; average only then.",
    step_zh="先算完每一类的 F1，最后才平均。",
)
def f1_of_means(labels, predictions, average):
    if average != "macro":
        return _averaged(labels, predictions, average)
    p, r, _ = _of_classes(labels, predictions)[1].mean(axis=0)
    return _ratio(2 * p * r, p + r)


@wrong(
    "averaged_f1",
    "Weighs classes by how often they are predicted.",
    zh="按每类被预测的次数加权。",
    caught_by="weighted_of_digits",
    step="The weights are counts of the labels, which the model cannot influence.",
    step_zh="权重来自标签中的次数，不受模型预测影响。",
)
def weighted_by_predictions(labels, predictions, average):
    if average != "weighted":
        return _averaged(labels, predictions, average)
    _, parts, sizes = _of_classes(labels, predictions)
    return np.average(parts[:, 2], weights=sizes[:, 1])


@wrong(
    "averaged_f1",
    "Gives the plain mean where the weighted mean is asked for.",
    zh="要加权平均时给了算术平均。",
    caught_by="weighted_of_digits",
    step="Weigh each class by how often it occurs among the labels.",
    step_zh="按每类在标签中出现的次数加权。",
)
def macro_for_weighted(labels, predictions, average):
    return _averaged(labels, predictions, "macro" if average == "weighted" else average)


@wrong(
    "averaged_f1",
    "Leaves out classes that occur only among the predictions.",
    zh="漏掉了只在预测中出现的类。",
    caught_by="classes_on_one_side_only",
    step="The classes are those of labels and predictions together.",
    step_zh="类别取标签与预测的并集。",
)
def classes_of_labels_only(labels, predictions, average):
    if average != "macro":
        return _averaged(labels, predictions, average)
    _, parts, sizes = _of_classes(labels, predictions)
    return parts[sizes[:, 0] > 0, 2].mean()


@wrong(
    "averaged_f1",
    "Leaves out classes that are never predicted, as if they did not count.",
    zh="漏掉了从未被预测的类，好像它们不算数。",
    caught_by="classes_on_one_side_only",
    step="A class that is never found has F1 = 0, and that must pull the mean down.",
    step_zh="从未被找到的类 F1 为 0，理应拉低平均值。",
)
def classes_of_predictions_only(labels, predictions, average):
    if average != "macro":
        return _averaged(labels, predictions, average)
    _, parts, sizes = _of_classes(labels, predictions)
    return parts[sizes[:, 1] > 0, 2].mean()


@wrong(
    "averaged_f1",
    "Falls back silently to macro for an average that does not exist.",
    zh="遇到不存在的平均方式，悄悄按宏平均处理。",
    caught_by="unknown_average",
    step="Raise ValueError that names the average and those there are.",
    step_zh="抛出 ValueError，写明收到了什么、可选的是哪些。",
)
def unknown_average_is_macro(labels, predictions, average):
    known = average if average in ("micro", "weighted") else "macro"
    return _averaged(labels, predictions, known)


# --- roc_curve ----------------------------------------------------------------------------


def _need_both(labels):
    if len(np.unique(labels)) < 2:
        raise ValueError("one class only")


def _steps(labels, scores):
    """Return TP and FP counts (G + 1,) from no alarm to all alarms, ties together."""
    labels, scores = np.asarray(labels), np.asarray(scores)
    called = [scores >= t for t in np.unique(scores)[::-1]]
    tp = [0, *(int(labels[c].sum()) for c in called)]
    fp = [0, *(int((1 - labels)[c].sum()) for c in called)]
    return np.array(tp), np.array(fp)


def _roc(labels, scores):
    _need_both(labels)
    tp, fp = _steps(labels, scores)
    return fp / fp[-1], tp / tp[-1]


@wrong(
    "roc_curve",
    "Plots accuracy against recall.",
    zh="画成了准确率对召回率。",
    caught_by="curve_of_tumours",
    errata=("E123",),
    step="The ROC axes are FPR and TPR: one rate for each actual class.",
    step_zh="ROC 的两个轴是 FPR 和 TPR：每个实际类别一个比率。",
)
def accuracy_against_recall(labels, scores):
    _need_both(labels)
    tp, fp = _steps(labels, scores)
    return tp / tp[-1], (tp + fp[-1] - fp) / len(labels)


@wrong(
    "roc_curve",
    "Plots precision against recall, which is another curve.",
    zh="画成了精确率对召回率，那是另一条曲线（PR 曲线）。",
    caught_by="curve_of_tumours",
    errata=("E123",),
    step="The ROC axes are FPR and TPR: one rate for each actual class.",
    step_zh="ROC 的两个轴是 FPR 和 TPR：每个实际类别一个比率。",
)
def precision_against_recall(labels, scores):
    _need_both(labels)
    tp, fp = _steps(labels, scores)
    return tp / tp[-1], np.append(1, tp[1:] / (tp + fp)[1:])


@wrong(
    "roc_curve",
    "Returns the axes the wrong way round: (tpr, fpr).",
    zh="两个轴返回反了：(tpr, fpr)。",
    caught_by="curve_of_tumours",
    step="Return (fpr, tpr).",
    step_zh="按 (fpr, tpr) 的顺序返回。",
)
def axes_swapped(labels, scores):
    return _roc(labels, scores)[::-1]


@wrong(
    "roc_curve",
    "Lets samples with the same score enter one by one, so the curve depends on their order.",
    zh="分数相同的样本逐个进入，曲线因此取决于排列次序。",
    caught_by="ties_share_a_point",
    step="Make one point for each distinct score.",
    step_zh="每个不同的分数只产生一个点。",
)
def ties_one_by_one(labels, scores):
    _need_both(labels)
    labels = np.asarray(labels)[np.argsort(-np.asarray(scores), kind="stable")]
    fpr, tpr = np.cumsum(1 - labels), np.cumsum(labels)
    return np.append(0, fpr / fpr[-1]), np.append(0, tpr / tpr[-1])


@wrong(
    "roc_curve",
    "Begins at the first score and leaves out the point (0, 0).",
    zh="从第一个分数开始，漏掉了 (0, 0) 这个点。",
    caught_by="corner_to_corner",
    step="Add the threshold above all scores, where nothing is predicted positive.",
    step_zh="补上高于所有分数的阈值：此时没有样本被判为正例。",
)
def without_origin(labels, scores):
    fpr, tpr = _roc(labels, scores)
    return fpr[1:], tpr[1:]


@wrong(
    "roc_curve",
    "Predicts positive only above the threshold, so the curve never reaches (1, 1).",
    zh="严格大于阈值才判为正例，曲线到不了 (1, 1)。",
    caught_by="corner_to_corner",
    step="A score equal to the threshold is predicted positive: score >= t.",
    step_zh="分数等于阈值也判为正例：score >= t。",
)
def above_threshold_only(labels, scores):
    fpr, tpr = _roc(labels, scores)
    return fpr[:-1], tpr[:-1]


@wrong(
    "roc_curve",
    "Divides by all samples instead of by those of the class.",
    zh="除以了全部样本数，而不是该类的样本数。",
    caught_by="best_and_worst_curve",
    step="FPR divides by the negatives, TPR by the positives.",
    step_zh="FPR 除以负例数，TPR 除以正例数。",
)
def shares_of_all(labels, scores):
    _need_both(labels)
    tp, fp = _steps(labels, scores)
    return fp / len(labels), tp / len(labels)


@wrong(
    "roc_curve",
    "Treats low scores as positive.",
    zh="把低分当成了正例。",
    caught_by="curve_of_tumours",
    step="Start with the highest score: the higher, the more positive.",
    step_zh="从最高分开始：分数越高越像正例。",
)
def low_scores_first(labels, scores):
    return _roc(labels, -np.asarray(scores))


@wrong(
    "roc_curve",
    "Draws a curve although one of the classes is absent.",
    zh="缺少一类样本，仍然画出了曲线。",
    caught_by="curve_needs_both_classes",
    step="A rate of an absent class is undefined: raise ValueError.",
    step_zh="缺失的类没有比率可言：抛出 ValueError。",
)
def curve_of_one_class(labels, scores):
    tp, fp = _steps(labels, scores)
    return fp / max(fp[-1], 1), tp / max(tp[-1], 1)


# --- roc_auc ------------------------------------------------------------------------------


def _pairs(labels, scores, tie):
    """The mean over pairs of a positive and a negative, where a tie counts `tie`."""
    _need_both(labels)
    labels, scores = np.asarray(labels), np.asarray(scores)
    positive, negative = scores[labels == 1][:, None], scores[labels == 0]
    return float(np.mean((positive > negative) + tie * (positive == negative)))


@wrong(
    "roc_auc",
    "Counts a tie as a full win.",
    zh="把分数相同当作完全获胜。",
    caught_by="ties_count_one_half",
    step="A model that gives everyone the same score must come to one half.",
    step_zh="给所有人同一个分数的模型，结果应是二分之一。",
)
def counts_ties_as_wins(labels, scores):
    return _pairs(labels, scores, 1.0)


@wrong(
    "roc_auc",
    "Counts a tie as a loss.",
    zh="把分数相同当作输。",
    caught_by="ties_count_one_half",
    step="A model that gives everyone the same score must come to one half.",
    step_zh="给所有人同一个分数的模型，结果应是二分之一。",
)
def counts_ties_as_losses(labels, scores):
    return _pairs(labels, scores, 0.0)


@wrong(
    "roc_auc",
    "Measures how often the negative has the higher score.",
    zh="算成了负例分数更高的概率。",
    caught_by="best_worst_and_constant",
    step="Which comes first in your order, high scores or low ones?",
    step_zh="检查你的排序：先出现的是高分还是低分？",
)
def upside_down(labels, scores):
    return 1 - _pairs(labels, scores, 0.5)


@wrong(
    "roc_auc",
    "Turns an area below one half over, so that no model can be worse than chance.",
    zh="面积小于二分之一就翻过来，于是没有模型会比瞎猜更差。",
    caught_by="best_worst_and_constant",
    step="Report what the scores do; a reversed ranking has area 0.",
    step_zh="如实反映分数的表现：完全颠倒的排序面积为 0。",
)
def never_below_one_half(labels, scores):
    area = _pairs(labels, scores, 0.5)
    return max(area, 1 - area)


@wrong(
    "roc_auc",
    "Cuts the scores at 0.5 first and so measures one threshold only.",
    zh="先在 0.5 处把分数切成 0 和 1，只衡量了一个阈值。",
    caught_by="areas_of_measurements",
    step="Use the scores themselves; the area covers every threshold.",
    step_zh="直接使用分数；面积涵盖的是全部阈值。",
)
def of_predictions(labels, scores):
    return _pairs(labels, np.asarray(scores) >= 0.5, 0.5)


@wrong(
    "roc_auc",
    "Measures the area under precision against recall.",
    zh="算的是精确率—召回率曲线下的面积。",
    caught_by="best_worst_and_constant",
    errata=("E123",),
    step="The axes are FPR and TPR.",
    step_zh="两个轴是 FPR 和 TPR。",
)
def area_under_precision_recall(labels, scores):
    _need_both(labels)
    tp, fp = _steps(labels, scores)
    return float(np.sum(np.diff(tp) / tp[-1] * tp[1:] / (tp + fp)[1:]))


@wrong(
    "roc_auc",
    "Gives Gini's coefficient, 2 AUC − 1.",
    zh="给出的是基尼系数 2·AUC − 1。",
    caught_by="best_worst_and_constant",
    step="AUC runs from 0 to 1, and chance is at one half.",
    step_zh="AUC 的范围是 0 到 1，瞎猜对应二分之一。",
)
def gini(labels, scores):
    return 2 * _pairs(labels, scores, 0.5) - 1


@wrong(
    "roc_auc",
    "Lays trapezoids over points in the order of the samples, not of their scores.",
    zh="按样本原有次序而不是按分数次序累加梯形。",
    caught_by="areas_of_measurements",
    step="Sort by score, the highest first, before you add up.",
    step_zh="先按分数从高到低排序，再累加。",
)
def unsorted_trapezoids(labels, scores):
    _need_both(labels)
    labels = np.asarray(labels)
    tpr, fpr = np.cumsum(labels) / labels.sum(), np.cumsum(1 - labels) / (1 - labels).sum()
    return float(np.sum(np.diff(fpr, prepend=0) * tpr))


@wrong(
    "roc_auc",
    "Says one half where one of the classes is absent.",
    zh="缺少一类样本时返回二分之一。",
    caught_by="area_needs_both_classes",
    step="There is no pair to compare: raise ValueError.",
    step_zh="没有可比较的配对：抛出 ValueError。",
)
def one_half_for_one_class(labels, scores):
    return _pairs(labels, scores, 0.5) if len(np.unique(labels)) == 2 else 0.5


@wrong(
    "roc_auc",
    "Says nan where one of the classes is absent.",
    zh="缺少一类样本时返回 nan。",
    caught_by="area_needs_both_classes",
    step="There is no pair to compare: raise ValueError.",
    step_zh="没有可比较的配对：抛出 ValueError。",
)
def nan_for_one_class(labels, scores):
    return _pairs(labels, scores, 0.5) if len(np.unique(labels)) == 2 else float("nan")


# --- average_precision --------------------------------------------------------------------


def _precision_recall(labels, scores):
    """Return precision (G,) and recall (G,) at each distinct score, the highest first."""
    tp, fp = _steps(labels, scores)
    return tp[1:] / (tp + fp)[1:], tp[1:] / max(tp[-1], 1)


def _step_sum(precision, recall):
    return float(np.sum(np.diff(recall, prepend=0) * precision))


@wrong(
    "average_precision",
    "Lays trapezoids under the curve, which interpolates where nothing lies between.",
    zh="用梯形求面积，在两点之间做了并不存在的插值。",
    caught_by="sum_of_steps",
    step="Each step in recall counts with the precision at its end.",
    step_zh="每一步召回率增量乘以该步终点的精确率。",
)
def trapezoids(labels, scores):
    precision, recall = _precision_recall(labels, scores)
    before = np.append(1.0, precision[:-1])
    return float(np.sum(np.diff(recall, prepend=0) * (precision + before) / 2))


@wrong(
    "average_precision",
    "Lifts precision to the best at any higher recall (interpolated AP of detection).",
    zh="把精确率抬高到更高召回率处的最大值（目标检测中的插值 AP）。",
    caught_by="sum_of_steps",
    step="Use the precision as it is; nothing is interpolated here.",
    step_zh="直接使用原本的精确率，这里不插值。",
)
def interpolated(labels, scores):
    precision, recall = _precision_recall(labels, scores)
    return _step_sum(np.maximum.accumulate(precision[::-1])[::-1], recall)


@wrong(
    "average_precision",
    "Averages at eleven recall levels, as VOC 2007 did.",
    zh="像 VOC 2007 那样在 11 个召回率点上取平均。",
    caught_by="perfect_and_constant",
    step="Take every step in recall, not eleven of them.",
    step_zh="取召回率的每一步，而不是只取 11 个点。",
)
def eleven_points(labels, scores):
    precision, recall = _precision_recall(labels, scores)
    levels = [precision[recall >= r - 1e-9] for r in np.linspace(0, 1, 11)[:-1]]
    return float(sum(level.max(initial=0) for level in levels) / 11)


@wrong(
    "average_precision",
    "Gives the area under the ROC curve.",
    zh="给出的是 ROC 曲线下的面积。",
    caught_by="perfect_and_constant",
    step="Sum precision over steps in recall; FPR has no part in it.",
    step_zh="沿召回率的增量累加精确率，与 FPR 无关。",
)
def area_under_roc(labels, scores):
    return _pairs(labels, scores, 0.5) if np.any(labels) else 0.0


@wrong(
    "average_precision",
    "Lets tied samples enter one by one, so the result depends on their order.",
    zh="分数相同的样本逐个进入，结果取决于排列次序。",
    caught_by="ties_enter_together",
    step="Make one step for each distinct score.",
    step_zh="每个不同的分数只走一步。",
)
def tied_steps_one_by_one(labels, scores):
    order = np.argsort(-np.asarray(scores), kind="stable")
    labels = np.asarray(labels)[order]
    ranks = np.arange(1, len(labels) + 1)
    return _ratio(float(np.sum(np.cumsum(labels) / ranks * labels)), int(labels.sum()))


@wrong(
    "average_precision",
    "Averages precision over all thresholds, also where recall does not grow.",
    zh="对所有阈值的精确率取平均，召回率没有增加的也算进去了。",
    caught_by="sum_of_steps",
    step="Weigh each precision by the step in recall.",
    step_zh="按召回率的增量给每个精确率加权。",
)
def mean_over_thresholds(labels, scores):
    return float(np.mean(_precision_recall(labels, scores)[0]))


@wrong(
    "average_precision",
    "Lets 0 / 0 become nan where there is no positive.",
    zh="没有正例时任由 0 / 0 变成 nan。",
    caught_by="average_precision_without_positives",
    step="Return 0.0 where there is no positive.",
    step_zh="没有正例时返回 0.0。",
)
def average_precision_nan(labels, scores):
    return _step_sum(*_precision_recall(labels, scores)) if np.any(labels) else float("nan")


# --- calibration_error --------------------------------------------------------------------


def _bins(labels, probabilities, bins):
    """Return sizes (B,), shares of positives (B,) and mean probabilities (B,) of the bins."""
    probabilities = np.asarray(probabilities, dtype=float)
    number = np.clip(np.ceil(probabilities * bins).astype(int) - 1, 0, bins - 1)
    return _summary(labels, probabilities, number, bins)


def _summary(labels, probabilities, number, bins):
    sizes = np.bincount(number, minlength=bins)
    share = np.bincount(number, weights=labels, minlength=bins) / np.maximum(sizes, 1)
    mean = np.bincount(number, weights=probabilities, minlength=bins) / np.maximum(sizes, 1)
    return sizes, share, mean


def _ece(sizes, share, mean):
    return _ratio(float(np.sum(sizes * np.abs(share - mean))), int(sizes.sum()))


@wrong(
    "calibration_error",
    "Averages the gaps of the bins without weighing them by their samples.",
    zh="对各箱偏差直接取平均，没有按样本数加权。",
    caught_by="gaps_weighted_by_bin",
    step="Weigh each gap by n_b / N.",
    step_zh="每个偏差乘以 n_b / N。",
)
def unweighted(labels, probabilities, bins=10):
    sizes, share, mean = _bins(labels, probabilities, bins)
    return _ratio(float(np.abs(share - mean)[sizes > 0].sum()), int(np.sum(sizes > 0)))


@wrong(
    "calibration_error",
    "Averages the gaps over all bins, empty ones included.",
    zh="对所有箱取平均，空箱也算了进去。",
    caught_by="gaps_weighted_by_bin",
    step="Weigh each gap by n_b / N; an empty bin then counts nothing.",
    step_zh="每个偏差乘以 n_b / N，空箱自然不计。",
)
def empty_bins_counted(labels, probabilities, bins=10):
    _, share, mean = _bins(labels, probabilities, bins)
    return float(np.abs(share - mean).mean())


@wrong(
    "calibration_error",
    "Takes the largest gap (maximum calibration error).",
    zh="取了最大的偏差（最大校准误差 MCE）。",
    caught_by="gaps_weighted_by_bin",
    step="The expected error is the mean of the gaps, weighed by the bins' samples.",
    step_zh="期望校准误差是按样本数加权的平均偏差。",
)
def largest_gap(labels, probabilities, bins=10):
    _, share, mean = _bins(labels, probabilities, bins)
    return float(np.abs(share - mean).max())


@wrong(
    "calibration_error",
    "Lets positive and negative gaps cancel.",
    zh="让正负偏差互相抵消了。",
    caught_by="gaps_weighted_by_bin",
    step="Take the absolute value in each bin before you add.",
    step_zh="每个箱先取绝对值再相加。",
)
def gaps_cancel(labels, probabilities, bins=10):
    sizes, share, mean = _bins(labels, probabilities, bins)
    return abs(_ratio(float(np.sum(sizes * (share - mean))), int(sizes.sum())))


@wrong(
    "calibration_error",
    "Looks at the confidence in the predicted class instead of the positive class.",
    zh="看的是预测类别的置信度，而不是正类的概率。",
    caught_by="as_many_bins_as_asked",
    step="Bin the probability of class 1, and compare it with the share of class 1.",
    step_zh="按类别 1 的概率分箱，与类别 1 的实际比例比较。",
)
def of_predicted_class(labels, probabilities, bins=10):
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    called = probabilities >= 0.5
    return _ece(*_bins(labels == called, np.maximum(probabilities, 1 - probabilities), bins))


@wrong(
    "calibration_error",
    "Puts a probability on an edge into the bin above it.",
    zh="把恰好落在边界上的概率归入了上方的箱。",
    caught_by="edges_belong_below",
    step="The bins are open below and closed above: (low, high].",
    step_zh="每个箱左开右闭：(低, 高]。",
)
def edges_belong_above(labels, probabilities, bins=10):
    probabilities = np.asarray(probabilities, dtype=float)
    number = np.clip((probabilities * bins).astype(int), 0, bins - 1)
    return _ece(*_summary(labels, probabilities, number, bins))


@wrong(
    "calibration_error",
    "Loses samples whose probability is exactly 0.",
    zh="丢掉了概率恰好为 0 的样本。",
    caught_by="edges_belong_below",
    step="The first bin includes 0.",
    step_zh="第一个箱包含 0。",
)
def loses_zeros(labels, probabilities, bins=10):
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    kept = probabilities > 0
    sizes, share, mean = _bins(labels[kept], probabilities[kept], bins)
    return _ratio(float(np.sum(sizes * np.abs(share - mean))), len(labels))


@wrong(
    "calibration_error",
    "Compares with the middle of the bin instead of the mean probability in it.",
    zh="用箱的中点去比较，而不是箱内概率的均值。",
    caught_by="seventy_per_cent",
    step="Take the mean of the probabilities that fell into the bin.",
    step_zh="取落入该箱的概率的均值。",
)
def middle_of_bin(labels, probabilities, bins=10):
    sizes, share, _ = _bins(labels, probabilities, bins)
    return _ece(sizes, share, (np.arange(bins) + 0.5) / bins)


@wrong(
    "calibration_error",
    "Always uses ten bins.",
    zh="总是用 10 个箱。",
    caught_by="as_many_bins_as_asked",
    step="Use the argument `bins`.",
    step_zh="使用参数 `bins`。",
)
def always_ten_bins(labels, probabilities, bins=10):
    return _ece(*_bins(labels, probabilities, 10))


@wrong(
    "calibration_error",
    "Gives the mean squared error of the probabilities (Brier score).",
    zh="给出的是概率的均方误差（Brier 分数）。",
    caught_by="seventy_per_cent",
    step="Compare averages of a bin, not single samples.",
    step_zh="比较的是箱内平均值，不是单个样本。",
)
def brier_score(labels, probabilities, bins=10):
    gaps = np.asarray(labels) - np.asarray(probabilities)
    return float(np.mean(gaps**2)) if len(gaps) else 0.0


@wrong(
    "calibration_error",
    "Makes bins of equal numbers of samples instead of equal width.",
    zh="按样本数等分成箱，而不是按概率等宽分箱。",
    caught_by="as_many_bins_as_asked",
    step="The edges are b / B, wherever the samples lie.",
    step_zh="边界是 b / B，与样本分布无关。",
)
def bins_of_equal_size(labels, probabilities, bins=10):
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    number = np.empty(len(labels), dtype=int)
    number[np.argsort(probabilities, kind="stable")] = (
        np.arange(len(labels)) * bins // max(len(labels), 1)
    )
    return _ece(*_summary(labels, probabilities, number, bins))


@wrong(
    "calibration_error",
    "Divides by the number of samples without asking whether there are any.",
    zh="没有判断样本数是否为 0 就做除法。",
    caught_by="calibration_of_nothing",
    step="Return 0.0 where there is no sample.",
    step_zh="没有样本时返回 0.0。",
)
def calibration_raises(labels, probabilities, bins=10):
    sizes, share, mean = _bins(labels, probabilities, bins)
    return float(np.sum(sizes * np.abs(share - mean))) / len(labels)


# --- perplexity ---------------------------------------------------------------------------


def _real(log_probs, mask):
    real = log_probs[mask == 1]
    if real.size == 0:
        raise ValueError("no token")
    return real


@wrong(
    "perplexity",
    "Stops at the mean negative log-likelihood and forgets the exponential.",
    zh="只算到平均负对数似然，忘了取指数。",
    caught_by="even_guessing",
    step="Even guessing among V tokens must give V. Exponentiate.",
    step_zh="在 V 个词元中均匀瞎猜应得 V：还要取指数。",
)
def forgets_exponential(log_probs, mask):
    return float(-_real(log_probs, mask).mean())


@wrong(
    "perplexity",
    "Raises 2 to natural logarithms.",
    zh="对自然对数用了以 2 为底的指数。",
    caught_by="even_guessing",
    step="The logarithms are natural, so the base is e.",
    step_zh="这里是自然对数，底数应为 e。",
)
def base_two(log_probs, mask):
    return float(2 ** -_real(log_probs, mask).mean())


@wrong(
    "perplexity",
    "Forgets the minus sign, and gives the mean probability of a token.",
    zh="漏了负号，得到的是词元的（几何）平均概率。",
    caught_by="even_guessing",
    step="A perplexity is at least 1: negate the mean logarithm.",
    step_zh="困惑度不小于 1：平均对数要取负。",
)
def forgets_minus(log_probs, mask):
    return float(np.exp(_real(log_probs, mask).mean()))


@wrong(
    "perplexity",
    "Averages the perplexities of the sequences.",
    zh="先算每条序列的困惑度，再对它们取平均。",
    caught_by="every_token_counts_once",
    step="Pool the tokens of all sequences, and take one mean.",
    step_zh="把所有序列的词元放在一起，只取一次平均。",
)
def mean_of_sequences(log_probs, mask):
    _real(log_probs, mask)
    parts = [np.exp(-row[m == 1].mean()) for row, m in zip(log_probs, mask, strict=True) if m.any()]
    return float(np.mean(parts))


@wrong(
    "perplexity",
    "Averages the means of the sequences, so a token of a short one weighs more.",
    zh="对各序列的均值再取平均，短序列的词元权重变大了。",
    caught_by="every_token_counts_once",
    step="Divide the sum over all tokens by the number of all tokens.",
    step_zh="用全部词元之和除以全部词元数。",
)
def mean_of_means(log_probs, mask):
    _real(log_probs, mask)
    parts = [row[m == 1].mean() for row, m in zip(log_probs, mask, strict=True) if m.any()]
    return float(np.exp(-np.mean(parts)))


@wrong(
    "perplexity",
    "Divides by all positions, padding included.",
    zh="分母用了全部位置数，把填充也算进去了。",
    caught_by="every_token_counts_once",
    step="Divide by the number of real tokens, the sum of the mask.",
    step_zh="除以真实词元数，即 mask 之和。",
)
def padding_in_denominator(log_probs, mask):
    return float(np.exp(-_real(log_probs, mask).sum() / mask.size))


@wrong(
    "perplexity",
    "Ignores the mask.",
    zh="没有用 mask。",
    caught_by="padding_may_hold_anything",
    step="Leave out the positions where the mask is 0.",
    step_zh="去掉 mask 为 0 的位置。",
)
def ignores_mask(log_probs, mask):
    _real(log_probs, mask)
    return float(np.exp(-log_probs.mean()))


@wrong(
    "perplexity",
    "Multiplies by the mask, but 0 times -inf or nan is nan.",
    zh="用乘法屏蔽填充，但 0 乘以 -inf 或 nan 仍是 nan。",
    caught_by="padding_may_hold_anything",
    step="Select the real tokens instead of multiplying the others by 0.",
    step_zh="把真实词元挑出来，而不是给其余位置乘 0。",
)
def multiplies_by_mask(log_probs, mask):
    _real(log_probs, mask)
    with np.errstate(invalid="ignore"):
        return float(np.exp(-(log_probs * mask).sum() / mask.sum()))


@wrong(
    "perplexity",
    "Takes one over the probability of the whole text, without the mean.",
    zh="直接取整段文本概率的倒数，没有按词元取平均。",
    caught_by="even_guessing",
    step="Divide by the number of tokens before the exponential.",
    step_zh="取指数之前先除以词元数。",
)
def whole_text(log_probs, mask):
    with np.errstate(over="ignore"):
        return float(np.exp(-_real(log_probs, mask).sum()))


@wrong(
    "perplexity",
    "Says nan where there is no token.",
    zh="没有词元时返回 nan。",
    caught_by="perplexity_of_nothing",
    step="Raise ValueError where the mask keeps nothing.",
    step_zh="mask 全为 0 时抛出 ValueError。",
)
def perplexity_nan(log_probs, mask):
    real = log_probs[mask == 1]
    return float(np.exp(-real.mean())) if real.size else float("nan")


# --- audit_table --------------------------------------------------------------------------


def _interval(row):
    called, not_called, ill, well = row
    possible = called + not_called == ill + well and min(row) >= 0
    return (max(0, called - well), min(called, ill)) if possible else None


@wrong(
    "audit_table",
    "Believes every table and only clips the interval.",
    zh="对任何表都照单全收，只算区间。",
    caught_by="documents_table",
    errata=("E118",),
    step="Both pairs of totals count the same samples. Do they agree?",
    step_zh="两对合计数的是同一批样本：它们一致吗？",
)
def believes_every_table(rows):
    return [(max(0, called - well), min(called, ill)) for called, _, ill, well in rows]


@wrong(
    "audit_table",
    "Demands as many predicted positives as actual ones.",
    zh="要求预测为正的数量等于实际为正的数量。",
    caught_by="interval_of_tp",
    step="A model may raise more or fewer alarms than there are ill. Compare the sums.",
    step_zh="警报可以比患者多，也可以少。该比较的是总数。",
)
def margins_must_match(rows):
    return [_interval(row) if row[0] == row[2] else None for row in rows]


@wrong(
    "audit_table",
    "Lets tp begin at 0 although the negatives cannot hold all alarms.",
    zh="让 tp 从 0 开始，没有考虑负例装不下全部警报。",
    caught_by="interval_of_tp",
    step="If there are more alarms than negatives, the rest must be true.",
    step_zh="警报比负例还多时，多出来的必定是真的。",
)
def lowest_is_zero(rows):
    found = [_interval(row) for row in rows]
    return [entry and (0, entry[1]) for entry in found]


@wrong(
    "audit_table",
    "Takes the greatest tp for the only one, as if the totals fixed it.",
    zh="把最大的 tp 当成唯一解，好像合计就能把它定下来。",
    caught_by="interval_of_tp",
    step="Totals leave a choice: look for the lowest tp too.",
    step_zh="仅有合计并不能确定 tp：还要找出下界。",
)
def totals_fix_everything(rows):
    found = [_interval(row) for row in rows]
    return [entry and (entry[1], entry[1]) for entry in found]


@wrong(
    "audit_table",
    "Compares the totals but accepts negative counts.",
    zh="比较了总数，却放过了负数。",
    caught_by="negative_counts",
    step="A count below 0 is impossible, whatever the totals say.",
    step_zh="计数不能小于 0，无论总数是否一致。",
)
def accepts_negative_counts(rows):
    return [
        (max(0, called - well), min(called, ill)) if called + rest == ill + well else None
        for called, rest, ill, well in rows
    ]


@wrong(
    "audit_table",
    "Calls impossible a row that leaves a single tp.",
    zh="只剩一个可能的 tp 时，当成了不可能。",
    caught_by="intervals_of_random_tables",
    step="One possible table is enough: return (tp, tp).",
    step_zh="有一种可能就成立：返回 (tp, tp)。",
)
def single_value_is_impossible(rows):
    found = [_interval(row) for row in rows]
    return [entry if entry and entry[0] < entry[1] else None for entry in found]


def _table(positive_row, negative_row):
    (tp, fn), (fp, tn) = positive_row, negative_row
    return {
        "accuracy": _ratio(tp + tn, tp + fn + fp + tn),
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "specificity": _ratio(tn, tn + fp),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
    }


def _harmonic(a, b):
    return _ratio(2 * a * b, a + b)


@wrong(
    "table_metrics",
    "Repeats the numbers that the document prints.",
    zh="照抄了原文印出的数字。",
    caught_by="documents_table_read_properly",
    errata=("E119", "E120", "E121", "E122"),
    step="Compute them. Not even the document's own formulas give those numbers.",
    step_zh="动手算一遍。就连原文自己的公式也得不出这些数。",
)
def printed_numbers(positive_row, negative_row):
    printed = {"accuracy": 0.6, "precision": 0.6, "recall": 0.8, "f1": 0.64}
    return _table(positive_row, negative_row) | printed


@wrong(
    "table_metrics",
    "Sums the predicted positives of both classes for accuracy, as the document does.",
    zh="像原文那样，把两类被判为正的样本加起来当作准确率。",
    caught_by="documents_table_read_properly",
    errata=("E119",),
    step="Right are TP, and TN of the other row: the diagonal.",
    step_zh="判对的是 TP 和另一行的 TN，也就是对角线。",
)
def table_accuracy_of_alarms(positive_row, negative_row):
    total = sum(positive_row) + sum(negative_row)
    alarms = _ratio(positive_row[0] + negative_row[0], total)
    return _table(positive_row, negative_row) | {"accuracy": alarms}


@wrong(
    "table_metrics",
    "Divides the actual positives by everyone for recall, as the document does.",
    zh="像原文那样，用实际正例数除以总数当作召回率。",
    caught_by="documents_table_read_properly",
    errata=("E120",),
    step="That is prevalence. Recall is TP over the positive row.",
    step_zh="那是正例占比。召回率是 TP 除以正例那一行的合计。",
)
def table_recall_is_prevalence(positive_row, negative_row):
    ill = sum(positive_row)
    return _table(positive_row, negative_row) | {"recall": _ratio(ill, ill + sum(negative_row))}


@wrong(
    "table_metrics",
    "Copies accuracy as precision, as the document does.",
    zh="像原文那样，把准确率抄作精确率。",
    caught_by="documents_table_read_properly",
    errata=("E121",),
    step="Precision looks down the column of alarms: TP over TP + FP.",
    step_zh="精确率看「预测为正」这一列：TP 除以 TP + FP。",
)
def table_precision_is_accuracy(positive_row, negative_row):
    table = _table(positive_row, negative_row)
    return table | {"precision": table["accuracy"]}


@wrong(
    "table_metrics",
    "Combines accuracy and recall as F1, as the document does.",
    zh="像原文那样，用准确率和召回率来合成 F1。",
    caught_by="documents_table_read_properly",
    errata=("E117", "E122"),
    step="F1 combines precision and recall.",
    step_zh="F1 合成的是精确率与召回率。",
)
def table_f1_of_accuracy(positive_row, negative_row):
    table = _table(positive_row, negative_row)
    return table | {"f1": _harmonic(table["accuracy"], table["recall"])}


@wrong(
    "table_metrics",
    "Reads rows as predictions and columns as actual classes.",
    zh="把行读成预测、列读成实际类别了。",
    caught_by="documents_table_read_properly",
    step="A row is an actual class: (100, 50) are found and missed positives.",
    step_zh="一行是一个实际类别：(100, 50) 是找到的和漏掉的正例。",
)
def table_transposed(positive_row, negative_row):
    (tp, fp), (fn, tn) = positive_row, negative_row
    return _table((tp, fn), (fp, tn))


@wrong(
    "table_metrics",
    "Divides by zero where a row or a column is empty.",
    zh="某行或某列合计为 0 时除以了 0。",
    caught_by="metrics_of_empty_rows",
    step="A ratio whose denominator is 0 is 0.0.",
    step_zh="分母为 0 的比值记为 0.0。",
)
def table_raises(positive_row, negative_row):
    (tp, fn), (fp, tn) = positive_row, negative_row
    rates = {"precision": tp / (tp + fp), "recall": tp / (tp + fn), "specificity": tn / (tn + fp)}
    return _table(positive_row, negative_row) | rates


# --- screening_threshold ------------------------------------------------------------------


def _candidates(labels, scores):
    """Return ``(threshold, recall, specificity, accuracy)`` of each score, the lowest first."""
    labels, scores = np.asarray(labels), np.asarray(scores)
    if not labels.any():
        raise ValueError("no positive")
    rows = []
    for threshold in np.unique(scores):
        called = (scores >= threshold).astype(int)
        measures = (_recall, _specificity, _accuracy)
        rows.append((threshold, *(measure(labels, called) for measure in measures)))
    return rows


@wrong(
    "screening_threshold",
    "Takes the threshold of best accuracy, whatever recall it reaches.",
    zh="取了准确率最高的阈值，不管召回率是否达到要求。",
    caught_by="spares_most_benign",
    errata=("E010",),
    step="First keep only the thresholds that reach the recall.",
    step_zh="先只保留召回率达到要求的阈值。",
)
def best_accuracy(labels, scores, recall_at_least):
    return max(_candidates(labels, scores), key=lambda row: row[3])[0]


@wrong(
    "screening_threshold",
    "Takes the threshold of greatest recall, which alarms everyone.",
    zh="取了召回率最高的阈值，等于给所有人报警。",
    caught_by="spares_most_benign",
    step="Enough recall is enough; among those take the best specificity.",
    step_zh="召回率够了就行，再从中取特异度最高的。",
)
def greatest_recall(labels, scores, recall_at_least):
    return _candidates(labels, scores)[0][0]


@wrong(
    "screening_threshold",
    "Maximises recall + specificity (Youden) and ignores the demand.",
    zh="最大化「召回率 + 特异度」（约登指数），没有理会要求。",
    caught_by="spares_most_benign",
    step="The demand on recall comes first.",
    step_zh="首先要满足召回率的要求。",
)
def youden(labels, scores, recall_at_least):
    return max(_candidates(labels, scores), key=lambda row: row[1] + row[2])[0]


@wrong(
    "screening_threshold",
    "Takes the threshold whose recall is nearest to the demand, also from below.",
    zh="取了召回率最接近要求的阈值，哪怕没有达到。",
    caught_by="spares_most_benign",
    step="A recall below the demand is not enough, however near.",
    step_zh="差一点也是没达到。",
)
def nearest_recall(labels, scores, recall_at_least):
    rows = _candidates(labels, scores)
    return min(rows, key=lambda row: (abs(row[1] - recall_at_least), -row[2]))[0]


@wrong(
    "screening_threshold",
    "Demands more than the recall asked for: > instead of >=.",
    zh="要求召回率严格大于要求值：用了 > 而不是 >=。",
    caught_by="exactly_reached",
    step="At least means >=.",
    step_zh="「不低于」就是 >=。",
)
def strictly_more_recall(labels, scores, recall_at_least):
    rows = [row for row in _candidates(labels, scores) if row[1] > recall_at_least]
    return max(rows or _candidates(labels, scores)[:1], key=lambda row: (row[2], row[1]))[0]


@wrong(
    "screening_threshold",
    "Takes the highest threshold that reaches the recall, and misses positives for nothing.",
    zh="取了达到要求的最高阈值，白白漏掉一些正例。",
    caught_by="gives_nothing_away",
    step="Of equally specific thresholds take the one with the higher recall.",
    step_zh="特异度相同时，取召回率更高的那个。",
)
def gives_positives_away(labels, scores, recall_at_least):
    return max(row[0] for row in _candidates(labels, scores) if row[1] >= recall_at_least)


@wrong(
    "screening_threshold",
    "Predicts positive only above the threshold: > instead of >=.",
    zh="严格大于阈值才判为正例：用了 > 而不是 >=。",
    caught_by="ties_stand_together",
    step="A score equal to the threshold is predicted positive.",
    step_zh="分数等于阈值也判为正例。",
)
def above_the_threshold(labels, scores, recall_at_least):
    labels, scores = np.asarray(labels), np.asarray(scores)
    if not labels.any():
        raise ValueError("no positive")
    rows = []
    for threshold in np.unique(scores):
        called = (scores > threshold).astype(int)
        rows.append((_specificity(labels, called), _recall(labels, called), threshold))
    return max([row for row in rows if row[1] >= recall_at_least] or rows[:1])[2]


@wrong(
    "screening_threshold",
    "Returns the place of the threshold among the scores instead of the score.",
    zh="返回的是阈值在数组中的位置，而不是分数本身。",
    caught_by="exactly_reached",
    step="Return the score itself.",
    step_zh="返回分数本身。",
)
def place_of_threshold(labels, scores, recall_at_least):
    rows = [row for row in _candidates(labels, scores) if row[1] >= recall_at_least]
    best = max(rows, key=lambda row: (row[2], row[1]))[0]
    return int(np.flatnonzero(np.asarray(scores) == best)[0])


@wrong(
    "screening_threshold",
    "Cuts the sorted positives at the share demanded but rounds down.",
    zh="在排好序的正例中按比例取分数，但向下取整了。",
    caught_by="spares_most_benign",
    step="At least 90% of 76 positives are 69, not 68: round up.",
    step_zh="76 个正例的至少 90% 是 69 个而不是 68 个：要向上取整。",
)
def rounds_down(labels, scores, recall_at_least):
    positive = np.sort(np.asarray(scores)[np.asarray(labels) == 1])[::-1]
    if len(positive) == 0:
        raise ValueError("no positive")
    return positive[max(int(recall_at_least * len(positive)) - 1, 0)]


@wrong(
    "screening_threshold",
    "Offers a threshold although there is no positive to find.",
    zh="没有正例可找，仍然给出了阈值。",
    caught_by="screening_needs_positives",
    step="Recall is undefined without positives: raise ValueError.",
    step_zh="没有正例时召回率没有定义：抛出 ValueError。",
)
def threshold_for_nobody(labels, scores, recall_at_least):
    if not np.any(labels):
        return np.min(scores)
    rows = [row for row in _candidates(labels, scores) if row[1] >= recall_at_least]
    return max(rows, key=lambda row: (row[2], row[1]))[0]
