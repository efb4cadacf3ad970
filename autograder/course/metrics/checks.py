"""Probes for `metrics`: real tumours, real digits, seeded guesses, and the edges."""

import math

import numpy as np

from autograder.checks import check, fixture, outcome_of
from autograder.probes import in_forms, in_turn

# Correct orders of summation agree to about 1e-13, in single precision (torch's default) to 1e-7;
# `dev verify` sees to it that every misconception lies further away than twice this.
EXACT = 1e-6


EITHER = ("list", "array")


def _some(rng, count, *columns):
    """The same `count` rows of each column, drawn without replacement."""
    rows = rng.permutation(len(columns[0]))[:count]
    return tuple(column[rows] for column in columns)


def _falling(rng, count):
    """Scores from high to low, none of them near another, nor near a small whole number."""
    return 20 + np.cumsum(rng.uniform(0.5, 1.5, count))[::-1]


@fixture
def cancer():
    """569 real tumours: 1 where malignant, and the thirty measurements of each."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    return 1 - data.target, data.data


@fixture
def tumours(cancer, rng):
    """400 of the tumours: 1 where malignant, and the mean radius of their cell nuclei."""
    labels, measured = cancer
    return _some(rng, 400, labels, measured[:, 0])


@fixture
def measurements(cancer, rng):
    """Labels of 400 tumours, and five measurements of very different worth."""
    labels, measured = _some(rng, 400, *cancer)
    return labels, measured[:, [0, 1, 4, 7, 9]].T.copy()


@fixture
def screened(tumours):
    """Labels and the predictions "malignant if the mean radius is at least 15"."""
    labels, radius = tumours
    return labels, (radius >= 15).astype(int)


@fixture
def bayes(cancer):
    """Labels and probabilities of a Gaussian naive Bayes on tumours that it has not seen."""
    from sklearn.naive_bayes import GaussianNB

    labels, measured = cancer
    model = GaussianNB().fit(measured[::2], labels[::2])
    return labels[1::2], model.predict_proba(measured[1::2])[:, 1]


@fixture
def naive_bayes(bayes, rng):
    """200 of these labels and probabilities."""
    return _some(rng, 200, *bayes)


@fixture
def centroids():
    """Labels and nearest-centroid predictions; the higher the digit, the rarer it is."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    centroids = np.stack([pixels[:400][labels[:400] == d].mean(axis=0) for d in range(10)])
    rows = [i for i in range(400, len(labels)) if i % (labels[i] + 1) == 0]
    distances = np.linalg.norm(pixels[rows][:, None] - centroids, axis=-1)  # (N, 10)
    return labels[rows], distances.argmin(axis=1)


@fixture
def digits(centroids, rng):
    """300 of these labels and predictions."""
    return _some(rng, 300, *centroids)


@fixture
def biopsies(cancer, rng):
    """76 malignant and 300 benign tumours and their smoothness, so that one can try all limits.

    So many more are benign that the most accurate limit is far from where both rates are high.
    """
    labels, measured = cancer
    malignant, benign = (rng.permutation(np.flatnonzero(labels == kind)) for kind in (1, 0))
    rows = rng.permutation(np.append(malignant[:76], benign[:300]))
    return labels[rows], measured[rows, 4]


@fixture
def guesses(rng):
    """400 labels, one in five positive, and predictions of which a quarter are wrong."""
    labels = (rng.random(400) < 0.2).astype(int)
    return labels, np.where(rng.random(400) < 0.25, 1 - labels, labels)


@fixture
def even_guesses(rng):
    """As many of each kind, right or wrong: where their number is subtracted nothing is left."""
    times = int(rng.integers(3, 9))
    return np.repeat([1, 1, 0, 0], times), np.repeat([1, 0, 1, 0], times)


@fixture
def tied_scores(rng):
    """300 labels and scores of only five different values, a little higher for positives."""
    labels, values = rng.integers(0, 2, 300), np.cumsum(rng.uniform(0.1, 0.3, 5))
    return labels, values[rng.integers(0, 4, 300) + (rng.random(300) < 0.3 + 0.4 * labels)]


@fixture
def padded_batch(rng):
    """Log-probabilities of 8 sequences of 1 to 20 tokens, the longer the less certain."""
    lengths = np.array([1, 2, 3, 5, 8, 12, 16, 20])
    mask = (np.arange(20) < lengths[:, None]).astype(int)
    chances = rng.uniform(0.05, 0.95, mask.shape) / np.sqrt(lengths)[:, None]
    return np.log(chances), mask


# --- confusion_counts ---------------------------------------------------------------------


@check(
    "Each of the four kinds of sample is counted in its own place: tp, fp, fn, tn.",
    zh="四种样本各归各位，顺序是 tp、fp、fn、tn。",
    close=0,
)
def each_kind_has_its_place(confusion_counts, rng):
    kinds = rng.permutation([(1, 1), (0, 1), (1, 0), (0, 0)]), rng.integers(1, 9, 4)
    return [
        list(confusion_counts(np.repeat(y, count), np.repeat(p, count)))
        for (y, p), count in zip(*kinds, strict=True)
    ]


@check(
    "The counts of 400 real tumours are right.",
    zh="400 例真实肿瘤的四个计数正确。",
    close=0,
)
def counts_tumours(confusion_counts, screened):
    return list(confusion_counts(*screened))


@check(
    "Plain lists are counted just as arrays are.",
    zh="传入普通列表与传入数组结果一样。",
    close=0,
)
def counts_lists(confusion_counts, guesses):
    return in_forms(lambda *given: list(confusion_counts(*given)), *guesses, forms=EITHER)


@check(
    "Where only one class occurs, or no sample at all, the other counts are 0.",
    zh="只出现一类、甚至没有样本时，其余计数为 0。",
    close=0,
)
def counts_one_class(confusion_counts, rng):
    few, more = rng.integers(1, 9), rng.integers(9, 17)
    zeros, ones, none = np.zeros(few, int), np.ones(more, int), np.zeros(0, int)
    cases = [(zeros, zeros), (ones, ones), (zeros, ones[:few]), (none, none)]
    return [list(confusion_counts(y, p)) for y, p in cases]


# --- accuracy -----------------------------------------------------------------------------


@check(
    "Accuracy is the share of tumours whose prediction is right.",
    zh="准确率是预测正确的肿瘤所占的比例。",
    close=EXACT,
)
def share_predicted_right(accuracy, screened):
    return accuracy(*screened)


@check(
    "A model that calls everybody healthy is right as often as people are healthy.",
    zh="把所有人都判为健康，准确率就等于健康者的比例。",
    close=EXACT,
)
def accuracy_of_calling_all_healthy(accuracy, rng):
    labels = (rng.random(1000) < 0.02).astype(int)
    return accuracy(labels, np.zeros(1000, dtype=int))


@check(
    "Classes may be ten digits or words in a list; equal means right.",
    zh="类别可以是十个数字，也可以是列表里的词；相等即为正确。",
    close=EXACT,
)
def accuracy_of_many_classes(accuracy, digits):
    labels, predictions = digits
    words = ["cat", "dog", "cat", "owl", "owl"], ["cat", "cat", "cat", "dog", "owl"]
    return [accuracy(labels, predictions), accuracy(*words)]


@check(
    "Without samples accuracy is 0.0; without mistakes it is 1.0.",
    zh="没有样本时准确率为 0.0，没有错误时为 1.0。",
    close=0,
)
def accuracy_of_nothing(accuracy, rng):
    labels, none = np.array([1, 0, 1, 0, 0]), np.zeros(0, dtype=int)
    return [accuracy(given, given) for given in in_turn(rng, none, labels)]


# --- precision ----------------------------------------------------------------------------

_COUNTS = ("confusion_counts",)


@check(
    "Precision is the share of tumours called malignant that are malignant.",
    zh="精确率是被判为恶性的肿瘤中确为恶性的比例。",
    close=EXACT,
    rests_on=_COUNTS,
)
def share_of_alarms_that_are_true(precision, screened):
    return precision(*screened)


@check(
    "Healthy people who raise no alarm leave precision as it is.",
    zh="再多没有被误报的健康人，精确率也不变。",
    close=EXACT,
    rests_on=_COUNTS,
)
def precision_ignores_true_negatives(precision, guesses, even_guesses):
    labels, predictions = guesses
    more = np.append(labels, np.zeros(900, int)), np.append(predictions, np.zeros(900, int))
    return [precision(labels, predictions), precision(*more), precision(*even_guesses)]


@check(
    "Plain lists have the same precision as arrays.",
    zh="普通列表与数组的精确率相同。",
    close=EXACT,
    rests_on=_COUNTS,
)
def precision_of_lists(precision, guesses):
    return in_forms(precision, *guesses, forms=EITHER)


@check(
    "If nothing is predicted positive, precision is 0.0; without mistakes it is 1.0.",
    zh="没有任何样本被判为正例时，精确率为 0.0；没有错误时为 1.0。",
    close=0,
    rests_on=_COUNTS,
)
def nothing_predicted_positive(precision, rng):
    labels, none = np.array([1, 0, 1, 0, 0]), np.zeros(0, dtype=int)
    cases = in_turn(rng, (labels, labels * 0), (none, none), (labels, labels))
    return [precision(y, p) for y, p in cases]


# --- recall -------------------------------------------------------------------------------


@check(
    "Recall is the share of actual positives that were found.",
    zh="召回率是实际正例中被找出来的比例。",
    close=EXACT,
    rests_on=_COUNTS,
)
def counts_found_positives(recall, guesses, even_guesses):
    return [recall(*guesses), recall(*even_guesses)]


@check(
    "Recall says which share of the malignant tumours a radius of 15 finds.",
    zh="以半径 15 为界时，召回率等于被找出的恶性肿瘤所占的比例。",
    close=EXACT,
    rests_on=_COUNTS,
)
def recall_of_tumours(recall, screened):
    return recall(*screened)


@check(
    "Whatever is predicted for actual negatives, recall stays as it is; lists will do.",
    zh="无论实际负例被判成什么，召回率都不变；列表也可以。",
    close=EXACT,
    rests_on=_COUNTS,
)
def recall_ignores_negatives(recall, guesses, rng):
    labels, predictions = guesses
    extra = rng.integers(0, 2, 500)
    more = np.append(labels, 0 * extra), np.append(predictions, extra)
    return [recall(labels.tolist(), predictions.tolist()), recall(*more)]


@check(
    "If there is no actual positive, recall is 0.0; without mistakes it is 1.0.",
    zh="没有任何实际正例时，召回率为 0.0；没有错误时为 1.0。",
    close=0,
    rests_on=_COUNTS,
)
def no_actual_positive(recall, rng):
    predictions, none = np.array([1, 0, 1, 0, 0]), np.zeros(0, dtype=int)
    edges = (predictions * 0, predictions), (none, none), (predictions, predictions)
    cases = in_turn(rng, *edges)
    return [recall(y, p) for y, p in cases]


# --- specificity --------------------------------------------------------------------------


@check(
    "Specificity is the share of actual negatives that were left in peace.",
    zh="特异度是实际负例中没有被误报的比例。",
    close=EXACT,
    rests_on=_COUNTS,
)
def share_of_negatives_left_alone(specificity, guesses, even_guesses):
    return [specificity(*guesses), specificity(*even_guesses)]


@check(
    "Specificity says which share of the benign tumours a radius of 15 spares.",
    zh="以半径 15 为界时，特异度等于良性肿瘤中没有被误报的比例。",
    close=EXACT,
    rests_on=_COUNTS,
)
def specificity_of_tumours(specificity, screened):
    return specificity(*screened)


@check(
    "Whatever is predicted for actual positives, specificity stays as it is; lists will do.",
    zh="无论实际正例被判成什么，特异度都不变；列表也可以。",
    close=EXACT,
    rests_on=_COUNTS,
)
def specificity_ignores_positives(specificity, guesses, rng):
    labels, predictions = guesses
    extra = rng.integers(0, 2, 500)
    more = np.append(labels, 0 * extra + 1), np.append(predictions, extra)
    return [specificity(labels.tolist(), predictions.tolist()), specificity(*more)]


@check(
    "If there is no actual negative, specificity is 0.0; without mistakes it is 1.0.",
    zh="没有任何实际负例时，特异度为 0.0；没有错误时为 1.0。",
    close=0,
    rests_on=_COUNTS,
)
def no_actual_negative(specificity, rng):
    predictions, none = np.array([1, 0, 1, 0, 0]), np.zeros(0, dtype=int)
    edges = (predictions * 0 + 1, predictions), (none, none), (predictions, predictions)
    cases = in_turn(rng, *edges)
    return [specificity(y, p) for y, p in cases]


# --- f1 -----------------------------------------------------------------------------------

_PARTS = ("precision", "recall", "confusion_counts")


@check(
    "F1 is the harmonic mean of precision and recall.",
    zh="F1 是精确率与召回率的调和平均。",
    close=EXACT,
    rests_on=_PARTS,
)
def harmonic_mean(f1, guesses):
    return f1(*guesses)


@check(
    "The F1 of the radius rule on 400 tumours is right.",
    zh="用半径规则判断 400 例肿瘤，F1 正确。",
    close=EXACT,
    rests_on=_PARTS,
)
def f1_of_tumours(f1, screened):
    return f1(*screened)


@check(
    "A model that finds 1 positive of about 100 and raises no false alarm has a low F1.",
    zh="约 100 个正例只找出 1 个、但没有误报的模型，F1 很低。",
    close=EXACT,
    rests_on=_PARTS,
)
def the_lower_side_rules(f1, rng):
    labels = np.repeat([1, 0], [rng.integers(80, 121), 50])
    return f1(labels.tolist(), (np.arange(len(labels)) == 0).astype(int).tolist())


@check(
    "If nothing positive was found, F1 is 0.0; without mistakes it is 1.0.",
    zh="一个正例也没有找到时，F1 为 0.0；没有错误时为 1.0。",
    close=0,
    rests_on=_PARTS,
)
def f1_of_nothing(f1, rng):
    labels, none = np.array([1, 0, 1, 0]), np.zeros(0, dtype=int)
    missed = [(labels, labels * 0), (labels * 0, labels), (labels, 1 - labels), (none, none)]
    return [f1(y, p) for y, p in in_turn(rng, *missed, (labels, labels))]


# --- averaged_f1 --------------------------------------------------------------------------


@check(
    "The macro average is the plain mean of the ten digits' F1.",
    zh="宏平均是十个数字各自 F1 的算术平均。",
    close=EXACT,
    rests_on=("f1",),
)
def macro_of_digits(averaged_f1, digits):
    return averaged_f1(*digits, "macro")


@check(
    "The micro average pools the counts of all digits first.",
    zh="微平均先把所有数字的计数合在一起再算。",
    close=EXACT,
    rests_on=("f1",),
)
def micro_of_digits(averaged_f1, digits):
    return averaged_f1(*digits, "micro")


@check(
    "The weighted average weighs a digit by how often it occurs among the labels.",
    zh="加权平均按每个数字在标签中出现的次数加权。",
    close=EXACT,
    rests_on=("f1",),
)
def weighted_of_digits(averaged_f1, digits):
    return averaged_f1(*digits, "weighted")


@check(
    "A class that is never predicted, and one that only is predicted, count with F1 = 0.",
    zh="从未被预测的类、以及只在预测中出现的类，都按 F1 = 0 计入。",
    close=EXACT,
    rests_on=("f1",),
)
def classes_on_one_side_only(averaged_f1, rng):
    times = rng.integers(1, 6, 4)
    labels = np.repeat(["order", "refund", "order", "thanks"], times).tolist()
    predictions = np.repeat(["order", "refund", "refund", "order"], times).tolist()
    foreign = np.repeat(["order", "refund", "weather", "order"], times).tolist()
    cases = [(labels, predictions, "macro"), (labels, foreign, "macro")]
    return [averaged_f1(*case) for case in [*cases, (labels, foreign, "weighted")]]


@check(
    "An average that does not exist raises ValueError; those that exist do not.",
    zh="不存在的平均方式会抛出 ValueError，存在的则不会。",
    close=EXACT,
    rests_on=("f1",),
)
def unknown_average(averaged_f1, rng):
    labels = np.array([0, 1, 2, 1])
    averages = in_turn(rng, "median", "macro", "micro", "weighted")
    return [outcome_of(averaged_f1, labels, labels, average) for average in averages]


# --- roc_curve ----------------------------------------------------------------------------


def _corners(curve):
    """The corners of a curve; points that only divide a straight stretch make no difference."""
    fpr, tpr = (np.asarray(axis, dtype=float) for axis in curve)
    if fpr.shape != tpr.shape or fpr.ndim != 1:
        raise ValueError(f"fpr and tpr have shapes {fpr.shape} and {tpr.shape}, not one length")
    corners = []
    for point in zip(fpr.tolist(), tpr.tolist(), strict=True):
        if corners and math.dist(point, corners[-1]) < 1e-12:
            continue
        if len(corners) > 1 and _straight(*corners[-2:], point):
            corners.pop()
        corners.append(point)
    return corners


def _straight(first, middle, last):
    """Whether the way from `first` to `last` leads straight on through `middle`."""
    ax, ay = middle[0] - first[0], middle[1] - first[1]
    bx, by = last[0] - middle[0], last[1] - middle[1]
    return abs(ax * by - ay * bx) < 1e-9 and ax * bx + ay * by > 0


@check(
    "The curve plots the share of positives found against the share of negatives alarmed.",
    zh="曲线以负例中被误报的比例为横轴，以正例中被找出的比例为纵轴。",
    close=EXACT,
)
def curve_of_tumours(roc_curve, tumours):
    return _corners(roc_curve(*tumours))


@check(
    "Samples with the same score share one threshold and therefore one point.",
    zh="分数相同的样本共用一个阈值，因此只对应一个点。",
    close=EXACT,
)
def ties_share_a_point(roc_curve, tied_scores):
    return _corners(roc_curve(*tied_scores))


@check(
    "Every curve runs from (0, 0) to (1, 1), for plain lists too.",
    zh="每条曲线都从 (0, 0) 走到 (1, 1)，传入列表也一样。",
    close=EXACT,
)
def corner_to_corner(roc_curve):
    cases = [([0, 1, 0, 1], [0.1, 0.9, 0.4, 0.35]), ([1, 0], [0.5, 0.5])]
    return [[c[0], c[-1]] for c in (_corners(roc_curve(*case)) for case in cases)]


@check(
    "A perfect ranking passes through (0, 1), a reversed one through (1, 0).",
    zh="完美的排序经过 (0, 1)，完全颠倒的排序经过 (1, 0)。",
    close=EXACT,
)
def best_and_worst_curve(roc_curve, rng):
    labels, scores = np.array([0, 1, 0, 1, 1]), np.array([-2.0, 3.0, -1.0, 5.0, 4.0])
    return [_corners(roc_curve(labels, given)) for given in in_turn(rng, scores, -scores)]


@check(
    "With one class only there is no curve: ValueError. With both there is one.",
    zh="只有一类样本就没有曲线：抛出 ValueError；两类都有才有曲线。",
    close=0,
)
def curve_needs_both_classes(roc_curve, rng):
    scores = np.array([0.2, 0.8, 0.5])
    labels = in_turn(rng, np.zeros(3, dtype=int), np.ones(3, dtype=int), np.array([0, 1, 1]))
    return [_raised(roc_curve, y, scores) for y in labels]


def _raised(function, *arguments):
    """The error's name, or how many sequences came back."""
    outcome = outcome_of(function, *arguments)
    return outcome["raised"] if "raised" in outcome else len(outcome["returned"])


# --- roc_auc ------------------------------------------------------------------------------

_CURVE = ("roc_curve",)


@check(
    "A tie between a positive and a negative counts one half.",
    zh="正负样本分数相同时计二分之一。",
    close=EXACT,
    rests_on=_CURVE,
)
def ties_count_one_half(roc_auc, tied_scores):
    return roc_auc(*tied_scores)


@check(
    "The areas under the curves of five measurements of real tumours are right.",
    zh="真实肿瘤的五项测量，各自的曲线下面积都正确。",
    close=EXACT,
    rests_on=_CURVE,
)
def areas_of_measurements(roc_auc, measurements):
    labels, columns = measurements
    return [roc_auc(labels, column) for column in columns]


@check(
    "A perfect ranking has area 1, a reversed one 0, a constant score one half.",
    zh="完美排序的面积为 1，完全颠倒为 0，分数全相同为二分之一。",
    close=EXACT,
    rests_on=_CURVE,
)
def best_worst_and_constant(roc_auc, rng):
    labels, scores = [0, 1, 0, 1, 1], [-2.0, 3.0, -1.0, 5.0, 4.0]
    cases = in_turn(rng, scores, [-s for s in scores], [0.7] * 5)
    return [roc_auc(labels, s) for s in cases]


@check(
    "Only the order of the scores matters, not their size.",
    zh="只看分数的高低次序，不看数值大小。",
    close=EXACT,
    rests_on=_CURVE,
)
def only_the_order_matters(roc_auc, rng):
    labels = np.append(rng.integers(0, 2, 198), [0, 1])
    scores = rng.normal(labels, 1.5)
    return [roc_auc(labels, s) for s in (scores, np.exp(scores), scores / 50 - 7)]


@check(
    "With one class only there is no area: ValueError. With both there is one.",
    zh="只有一类样本就没有面积：抛出 ValueError；两类都有才有面积。",
    close=0,
    rests_on=_CURVE,
)
def area_needs_both_classes(roc_auc, rng):
    scores = np.array([0.2, 0.8, 0.5])
    labels = in_turn(rng, np.zeros(3, dtype=int), np.ones(3, dtype=int), np.array([0, 1, 1]))
    return [outcome_of(roc_auc, y, scores) for y in labels]


# --- average_precision --------------------------------------------------------------------


@check(
    "Average precision sums precision times the step in recall.",
    zh="平均精确率是「精确率 × 召回率增量」之和。",
    close=EXACT,
)
def sum_of_steps(average_precision, measurements):
    labels, columns = measurements
    return [average_precision(labels, column) for column in columns]


@check(
    "Samples with the same score enter together, whatever their order.",
    zh="分数相同的样本同时进入，与排列次序无关。",
    close=EXACT,
)
def ties_enter_together(average_precision, tied_scores):
    labels, scores = tied_scores
    order = np.argsort(labels, kind="stable")
    return [average_precision(labels[i], scores[i]) for i in (order, order[::-1])]


@check(
    "A perfect ranking has 1; a constant score has the prevalence; lists will do.",
    zh="完美排序为 1；分数全相同则等于正例占比；列表也可以。",
    close=EXACT,
)
def perfect_and_constant(average_precision, rng):
    # Fewer positives than negatives: a prevalence of one half would be the area under ROC, too.
    labels = np.repeat([1, 0], [rng.integers(2, 6), rng.integers(7, 19)])
    labels, scores = (
        part.tolist() for part in _some(rng, None, labels, _falling(rng, len(labels)))
    )
    return [average_precision(labels, scores), average_precision(labels, [0.3] * len(labels))]


@check(
    "If there is no positive, average precision is 0.0; if all are, it is 1.0.",
    zh="没有正例时，平均精确率为 0.0；全是正例时为 1.0。",
    close=0,
)
def average_precision_without_positives(average_precision, rng):
    none, scores = np.zeros(4, dtype=int), np.array([0.1, 0.4, 0.4, 0.9])
    cases = in_turn(rng, none, none + 1)
    return [outcome_of(average_precision, labels, scores) for labels in cases]


# --- calibration_error --------------------------------------------------------------------


@check(
    "Each bin's gap weighs as much as the bin has samples.",
    zh="每个箱的偏差按箱内样本数加权。",
    close=EXACT,
)
def gaps_weighted_by_bin(calibration_error, naive_bayes):
    return calibration_error(*naive_bayes)


@check(
    "If 100 people are told 70%, the error is 0 where 70 are ill, and grows away from that.",
    zh="100 人都被告知「七成」：恰有 70 人患病时误差为 0，偏离越多误差越大。",
    close=EXACT,
)
def seventy_per_cent(calibration_error, rng):
    counts = rng.permutation([70, rng.integers(10, 60), rng.integers(80, 100), 100, 0])
    ill = [(np.arange(100) < count).astype(int).tolist() for count in counts]
    return [calibration_error(labels, [0.7] * 100) for labels in ill]


@check(
    "The number of bins is the caller's choice.",
    zh="箱数由调用者决定。",
    close=EXACT,
)
def as_many_bins_as_asked(calibration_error, rng):
    probabilities = rng.beta(0.7, 1.2, 150)
    labels = (rng.random(150) < 0.25 + probabilities / 2).astype(int)
    return [calibration_error(labels, probabilities, bins=bins) for bins in (1, 4, 16, 60)]


@check(
    "A probability on an edge belongs to the bin below it, and 0 to the first bin.",
    zh="恰好落在边界上的概率归入下方的箱，0 归入第一个箱。",
    close=EXACT,
)
def edges_belong_below(calibration_error, rng):
    # Who is on an edge is ill, who is just above it is not: in one bin their gaps would cancel.
    # At 0 there are so many that losing them changes the error by more than that; a bin of their
    # own would lose what those at 0.125 make up for.
    times = rng.integers(1, 6, 7)
    times[0] += 6
    probabilities = np.repeat([0.0, 0.125, 0.25, 0.3125, 0.75, 0.8125, 1.0], times)
    labels = np.repeat([1, 0, 1, 0, 1, 0, 0], times)
    return [calibration_error(labels, probabilities, bins=bins) for bins in (4, 8)]


@check(
    "Without samples the error is 0.0; if all were sure and wrong it is 1.0.",
    zh="没有样本时误差为 0.0；全都十分肯定又全都错了，则为 1.0。",
    close=0,
)
def calibration_of_nothing(calibration_error, rng):
    none, sure = np.zeros(0, dtype=int), np.ones(3)
    cases = in_turn(rng, (none, none.astype(float)), (np.zeros(3, dtype=int), sure))
    return [outcome_of(calibration_error, y, p) for y, p in cases]


# --- perplexity ---------------------------------------------------------------------------


@check(
    "Perplexity is the exponential of the mean negative log-likelihood of all real tokens.",
    zh="困惑度是全部真实词元平均负对数似然的指数。",
    close=1e-7,
)
def every_token_counts_once(perplexity, padded_batch):
    return perplexity(*padded_batch)


@check(
    "A model that guesses evenly among V tokens has perplexity V.",
    zh="在 V 个词元中均匀瞎猜，困惑度就是 V。",
    close=1e-6,
)
def even_guessing(perplexity, rng):
    mask, sizes = np.array([[1, 1, 1, 0], [1, 0, 0, 0]]), (2, *rng.integers(3, 50_000, 2))
    return [perplexity(np.full((2, 4), -np.log(size)), mask) for size in sizes]


@check(
    "Whatever stands under the padding, even -inf or nan, makes no difference.",
    zh="填充位置上无论是什么数，哪怕是 -inf 或 nan，都没有影响。",
    close=1e-7,
)
def padding_may_hold_anything(perplexity, padded_batch):
    log_probs, mask = padded_batch
    return [
        perplexity(np.where(mask == 1, log_probs, fill), mask)
        for fill in (0.0, -100.0, -np.inf, np.nan)
    ]


@check(
    "Without a real token there is no perplexity: ValueError. With certain ones it is 1.",
    zh="没有真实词元就没有困惑度：抛出 ValueError；每个词元的概率都是 1 时困惑度为 1。",
    close=0,
)
def perplexity_of_nothing(perplexity, rng):
    certain, mask = np.zeros((2, 3)), np.zeros((2, 3), dtype=int)
    return [outcome_of(perplexity, certain, m) for m in in_turn(rng, mask, mask + 1)]


# --- audit_table --------------------------------------------------------------------------


@check(
    "Neither row of the documents' table can be a confusion table.",
    zh="原文表格的两行都不可能来自混淆矩阵。",
    close=0,
)
def documents_table(audit_table):
    return audit_table([(100, 50, 90, 10), (200, 300, 200, 100)])


@check(
    "Totals that agree leave an interval for tp, from lowest to highest.",
    zh="总数一致时，tp 落在一个区间内，依次给出下界与上界。",
    close=0,
)
def interval_of_tp(audit_table, rng):
    cells = rng.integers(1, 60, (5, 4))
    cells[0] += [60, 60, 0, 0]  # more alarms than negatives, and than positives
    return audit_table(_totals(cells))


def _totals(cells):
    """The totals of tables (N, 4) of tp, fp, fn, tn."""
    return [(tp + fp, fn + tn, tp + fn, fp + tn) for tp, fp, fn, tn in cells.tolist()]


@check(
    "The interval holds for any table whose totals agree, also where it is one number.",
    zh="只要总数一致，任何表都有区间，哪怕区间只含一个数。",
    close=0,
)
def intervals_of_random_tables(audit_table, rng):
    cells = rng.integers(0, 40, (30, 4)) * (rng.random((30, 4)) < 0.7)
    return audit_table(_totals(cells))


@check(
    "A negative count is impossible even if the totals agree.",
    zh="出现负数就不可能，即使总数一致。",
    close=0,
)
def negative_counts(audit_table, rng):
    called, ill, below = (int(rng.integers(low, high)) for low, high in ((5, 9), (2, 5), (1, 4)))
    possible = (called, 10 - called, ill, 10 - ill)
    impossible = (10 + below, -below, *possible[2:]), (*possible[:2], -below, 10 + below)
    return audit_table(in_turn(rng, possible, *impossible, (*possible[:3], 9 - ill)))


_NAMES = ("accuracy", "precision", "recall", "specificity", "f1")


def _metrics(found):
    return {name: found[name] for name in _NAMES}


@check(
    "Read with one actual class a row, the documents' table has these five metrics.",
    zh="每行是一个实际类别：按这种读法，原文表格的五项指标如下。",
    close=EXACT,
)
def documents_table_read_properly(table_metrics):
    return _metrics(table_metrics((100, 50), (200, 300)))


@check(
    "The five metrics hold for other tables too.",
    zh="换一张表，五项指标同样正确。",
    close=EXACT,
)
def metrics_of_other_tables(table_metrics, rng):
    tables = rng.integers(1, 200, (5, 2, 2)).tolist()
    return [_metrics(table_metrics(*table)) for table in tables]


@check(
    "A ratio whose denominator is 0 is 0.0.",
    zh="分母为 0 的比值记为 0.0。",
    close=0,
)
def metrics_of_empty_rows(table_metrics, rng):
    tables = in_turn(rng, ((0, 0), (0, 7)), ((0, 5), (0, 0)), ((0, 0), (0, 0)))
    return [outcome_of(lambda t=table: _metrics(table_metrics(*t))) for table in tables]


# --- screening_threshold ------------------------------------------------------------------

_RATES = ("recall", "specificity")


@check(
    "Of all limits that find enough malignant tumours, it is the one that spares most benign.",
    zh="在能找出足够多恶性肿瘤的界限中，选误报良性最少的那个。",
    close=EXACT,
    rests_on=_RATES,
)
def spares_most_benign(screening_threshold, biopsies):
    return [screening_threshold(*biopsies, share) for share in (0.8, 0.9, 0.97)]


@check(
    "A recall that is reached exactly is reached.",
    zh="恰好达到要求也算达到。",
    close=EXACT,
    rests_on=_RATES,
)
def exactly_reached(screening_threshold, rng):
    labels, scores = [1, 0, 1, 0, 1, 0, 1, 0], _falling(rng, 8).tolist()
    return [screening_threshold(labels, scores, share) for share in (0.25, 0.5, 0.75, 1.0)]


@check(
    "Of equally specific thresholds, it is the one that finds more.",
    zh="特异度相同的阈值中，选找出正例更多的那个。",
    close=EXACT,
    rests_on=_RATES,
)
def gives_nothing_away(screening_threshold, rng):
    labels, scores = _some(rng, None, np.array([1, 1, 1, 0, 1, 1, 0, 0]), _falling(rng, 8))
    return [screening_threshold(labels, scores, share) for share in (0.25, 0.5, 0.75)]


@check(
    "Tied scores are accepted or refused together.",
    zh="分数相同的样本要么一起判为正例，要么都不判。",
    close=EXACT,
    rests_on=_RATES,
)
def ties_stand_together(screening_threshold, tied_scores):
    return [screening_threshold(*tied_scores, share) for share in (0.3, 0.5, 0.7)]


@check(
    "Without positives there is no recall to reach: ValueError. With one, its score is found.",
    zh="没有正例就谈不上召回率：抛出 ValueError；有一个正例，就能找到它的分数。",
    close=0,
    rests_on=_RATES,
)
def screening_needs_positives(screening_threshold, rng):
    labels, scores = (
        [np.zeros(3, dtype=int), np.array([0, 1, 0])],
        rng.permutation(_falling(rng, 3)),
    )
    return [outcome_of(screening_threshold, y, scores, 0.9) for y in labels]
