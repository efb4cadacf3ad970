"""Known-wrong answers for `generalization`, each one misconception; the documents' own first."""

import copy
import math

import numpy as np
import torch
from sklearn.base import clone
from sklearn.model_selection import KFold

from autograder.checks import wrong

# --- read_curves ---------------------------------------------------------------------------


def _read(train, validation, diagnosis, best=None, gap=None):
    best = int(np.argmin(validation)) if best is None else best
    gap = validation[best] - train[best] if gap is None else gap
    return {"best_epoch": best, "gap": gap, "diagnosis": diagnosis}


def _diagnosis(train, validation, reachable, tolerance, best=None):
    best = int(np.argmin(validation)) if best is None else best
    if validation[-1] - validation[best] > tolerance:
        return "overfitting" if train[-1] < train[best] else "diverging"
    return "underfitting" if train[best] > reachable else "fine"


@wrong(
    "read_curves",
    "Calls it overfitting as soon as the validation loss is above the training loss.",
    zh="只要验证损失高于训练损失，就说是过拟合。",
    caught_by="a_gap_alone_is_fine",
    errata=("E129",),
    step="Look at what validation does after its lowest point, not at the gap.",
    step_zh="看验证损失过了最低点以后怎样变化，不看差距。",
)
def a_gap_is_overfitting(train, validation, reachable, tolerance):
    return _read(train, validation, "overfitting" if validation[-1] > train[-1] else "fine")


@wrong(
    "read_curves",
    "Knows overfitting and nothing else: a model that has not learnt counts as fine.",
    zh="只认得过拟合：没学会的模型也算没问题。",
    caught_by="high_training_loss_is_underfitting",
    errata=("E125",),
    step="Compare the training loss of the best epoch with reachable.",
    step_zh="把最佳 epoch 的训练损失与 reachable 比较。",
)
def never_underfits(train, validation, reachable, tolerance):
    return _read(train, validation, _diagnosis(train, validation, math.inf, tolerance))


@wrong(
    "read_curves",
    "Takes the gap in the last epoch instead of the best one.",
    zh="差距取自最后一个 epoch，而不是最佳 epoch。",
    caught_by="gap_is_taken_at_the_best_epoch",
    step="Both losses belong to the best epoch.",
    step_zh="两个损失都应取最佳 epoch 的。",
)
def gap_at_the_end(train, validation, reachable, tolerance):
    diagnosis = _diagnosis(train, validation, reachable, tolerance)
    return _read(train, validation, diagnosis, gap=validation[-1] - train[-1])


@wrong(
    "read_curves",
    "Takes the epoch with the lowest training loss for the best one.",
    zh="把训练损失最低的 epoch 当成了最佳。",
    caught_by="best_epoch_is_the_earliest_lowest",
    step="The best epoch is the one with the lowest validation loss.",
    step_zh="最佳 epoch 是验证损失最低的那个。",
)
def lowest_training_loss(train, validation, reachable, tolerance):
    best = int(np.argmin(train))
    return _read(train, validation, _diagnosis(train, validation, reachable, tolerance, best), best)


@wrong(
    "read_curves", "Takes a rise of just the tolerance for one of more.",
    zh="上升恰好等于容差，也当成了超过。", caught_by="fluctuation_is_no_rise",
    step="The rise has to be more than tolerance: >, not >=.",
    step_zh="要超过容差才算：用 >，不用 >=。",
)  # fmt: skip
def just_the_tolerance_is_a_rise(train, validation, reachable, tolerance):
    less = np.nextafter(tolerance, -math.inf)
    return _read(train, validation, _diagnosis(train, validation, reachable, less))


@wrong(
    "read_curves",
    "Calls every rise overfitting, even where training gets worse as well.",
    zh="验证一上升就说过拟合，哪怕训练也在变差。",
    caught_by="rising_curves_are_told_apart",
    step="Where the training loss rises too, it diverges: lower the learning rate.",
    step_zh="训练损失也在升，那是发散：该降学习率。",
)
def diverging_is_overfitting(train, validation, reachable, tolerance):
    diagnosis = _diagnosis(train, validation, reachable, tolerance)
    return _read(train, validation, diagnosis.replace("diverging", "overfitting"))


@wrong(
    "read_curves",
    "Looks for underfitting first.",
    zh="先判断欠拟合。",
    caught_by="high_training_loss_is_underfitting",
    step="The first rule that applies decides: the rise comes first.",
    step_zh="依次判断，先看有没有上升。",
)
def underfitting_first(train, validation, reachable, tolerance):
    if train[int(np.argmin(validation))] > reachable:
        return _read(train, validation, "underfitting")
    return _read(train, validation, _diagnosis(train, validation, reachable, tolerance))


@wrong(
    "read_curves",
    "Looks for underfitting in the last epoch, not in the best one.",
    zh="判断欠拟合时看的是最后一个 epoch，而不是最佳的那个。",
    caught_by="high_training_loss_is_underfitting",
    step="Compare the training loss of the best epoch with reachable.",
    step_zh="拿最佳 epoch 的训练损失与 reachable 比。",
)
def underfits_at_the_end(train, validation, reachable, tolerance):
    found = _diagnosis(train, validation, math.inf, tolerance)
    low = found == "fine" and train[-1] > reachable
    return _read(train, validation, "underfitting" if low else found)


# --- EarlyStopping -------------------------------------------------------------------------


class _Stopper:
    """The right one, in parts that can go wrong one at a time."""

    def __init__(self, patience, min_delta=0.0):
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_epoch, self.best_state = math.inf, None, None
        self.epoch = self.waited = 0

    def improves(self, loss):
        return loss < self.best_loss - self.min_delta

    def keep(self, model):
        return copy.deepcopy(model.state_dict())

    def spent(self):
        return self.waited >= self.patience

    def step(self, loss, model):
        if self.improves(loss):
            self.best_loss, self.best_epoch, self.waited = loss, self.epoch, 0
            self.best_state = self.keep(model)
        else:
            self.waited += 1
        self.epoch += 1
        return self.spent()

    def restore(self, model):
        if self.best_state is not None:
            model.load_state_dict(self.best_state, strict=False)


@wrong(
    "EarlyStopping",
    "Keeps the state dict itself: its tensors go on changing with the model.",
    zh="存的是 state dict 本身：里面的张量会随模型继续变化。",
    caught_by="best_weights_come_back",
    step="Copy it: copy.deepcopy(model.state_dict()).",
    step_zh="要复制：copy.deepcopy(model.state_dict())。",
)
class KeepsReferences(_Stopper):
    def keep(self, model):
        return model.state_dict()


@wrong(
    "EarlyStopping",
    "Keeps the parameters and loses the buffers.",
    zh="只保存了参数，丢了缓冲区。",
    caught_by="best_weights_come_back",
    step="Running statistics belong to the model: keep the whole state dict.",
    step_zh="滑动统计量也属于模型：保存完整的 state dict。",
)
class ParametersOnly(_Stopper):
    def keep(self, model):
        return {name: value.detach().clone() for name, value in model.named_parameters()}


@wrong(
    "EarlyStopping", "Counts the epochs from 1.",
    zh="epoch 从 1 数起了。", caught_by="improvement_starts_anew",
    step="The first call of step is epoch 0.",
    step_zh="第一次调用 step 是第 0 个 epoch。",
)  # fmt: skip
class CountsFromOne(_Stopper):
    def __init__(self, patience, min_delta=0.0):
        super().__init__(patience, min_delta)
        self.epoch = 1


@wrong(
    "EarlyStopping",
    "Waits one epoch more than its patience.",
    zh="比 patience 多等了一个 epoch。",
    caught_by="stops_when_patience_is_spent",
    step="Stop when the count reaches patience, not when it exceeds it.",
    step_zh="计数达到 patience 就停，不是超过才停。",
)
class OneEpochTooLate(_Stopper):
    def spent(self):
        return self.waited > self.patience


@wrong(
    "EarlyStopping",
    "Compares with the last loss instead of the best.",
    zh="与上一个损失比，而不是与最好的比。",
    caught_by="improvement_starts_anew",
    step="Keep the best loss and compare with that.",
    step_zh="记住最好的损失，与它比。",
)
class ComparesWithTheLast(_Stopper):
    def step(self, loss, model):
        stop = super().step(loss, model)
        self.best_loss = loss
        return stop


@wrong(
    "EarlyStopping",
    "Adds up all epochs without improvement and never starts anew.",
    zh="把所有没有改善的 epoch 累计起来，从不清零。",
    caught_by="improvement_starts_anew",
    step="Set the count back to zero with every improvement.",
    step_zh="每次改善都把计数清零。",
)
class NeverStartsAnew(_Stopper):
    def step(self, loss, model):
        before = self.waited
        super().step(loss, model)
        self.waited = max(self.waited, before)
        return self.spent()


@wrong(
    "EarlyStopping",
    "Ignores min_delta.",
    zh="没有用 min_delta。",
    caught_by="small_steps_do_not_count",
    step="The loss has to be more than min_delta below the best.",
    step_zh="损失要比最好的低 min_delta 以上。",
)
class IgnoresMinDelta(_Stopper):
    def improves(self, loss):
        return loss < self.best_loss


@wrong(
    "EarlyStopping", "Takes a fall of just min_delta for an improvement.",
    zh="恰好下降 min_delta 也当成了改善。", caught_by="small_steps_do_not_count",
    step="It has to be more than min_delta below the best: <, not <=.",
    step_zh="要比最佳低出 min_delta 以上：用 <，不用 <=。",
)  # fmt: skip
class JustMinDeltaIsEnough(_Stopper):
    def improves(self, loss):
        return loss <= self.best_loss - self.min_delta


@wrong(
    "EarlyStopping",
    "Lowers the bar with every small step, so that small steps never add up.",
    zh="每一小步都压低门槛，小步永远累计不起来。",
    caught_by="small_steps_do_not_count",
    step="The best loss changes only where the loss improves.",
    step_zh="只有算作改善时才更新最好的损失。",
)
class SmallStepsLowerTheBar(_Stopper):
    def step(self, loss, model):
        stop = super().step(loss, model)
        self.best_loss = min(self.best_loss, loss)
        return stop


@wrong(
    "EarlyStopping",
    "Takes NaN for an improvement, be it only where it comes first.",
    zh="把 NaN 当成了改善，哪怕只是它排在最前面的时候。",
    caught_by="nan_never_improves",
    looks_like=lambda seen: seen["only NaN"][1] is not None,
    step="Ask whether the loss is lower; with NaN the answer is no.",
    step_zh="要问损失是否更低；对 NaN 的回答是否。",
)
class NanImproves(_Stopper):
    def improves(self, loss):
        return not loss >= self.best_loss - self.min_delta


# --- cross_val_scores ----------------------------------------------------------------------


def _parts(steps, x_train, y_train, x_test):
    for step in steps:
        fitted = clone(step).fit(x_train, y_train)
        x_train, x_test = fitted.transform(x_train), fitted.transform(x_test)
    return x_train, x_test


def _folds(groups):
    return [np.asarray(groups) == group for group in np.unique(groups)]


def _score(steps, model, x, y, train, test):
    x_train, x_test = _parts(steps, x[train], y[train], x[test])
    return np.mean(clone(model).fit(x_train, y[train]).predict(x_test) == y[test])


@wrong(
    "cross_val_scores",
    "Prepares all rows before splitting them: the test part has chosen the features.",
    zh="先处理全部行再划分：特征是测试部分参与选出来的。",
    caught_by="random_labels_stay_unlearnable",
    step="Fit every step inside the fold, on its training rows.",
    step_zh="每一步都在折内、在训练行上拟合。",
)
def prepares_before_the_split(steps, model, x, y, groups):
    for step in steps:
        x = clone(step).fit(x, y).transform(x)
    return [_score([], model, x, y, ~test, test) for test in _folds(groups)]


@wrong(
    "cross_val_scores",
    "Splits once into training and validation: that is a hold-out, not cross-validation.",
    zh="只划分一次训练集和验证集：那是留出法，不是交叉验证。",
    caught_by="one_accuracy_for_each_group",
    errata=("E126",),
    step="Every group is the test part once.",
    step_zh="每一组都要当一次测试部分。",
)
def splits_once(steps, model, x, y, groups):
    test = _folds(groups)[0]
    return [_score(steps, model, x, y, ~test, test)]


@wrong(
    "cross_val_scores",
    "Scores the rows that it was trained on.",
    zh="在训练过的行上打分。",
    caught_by="random_labels_stay_unlearnable",
    step="Predict the test part.",
    step_zh="要预测测试部分。",
)
def scores_the_training_part(steps, model, x, y, groups):
    return [_score(steps, model, x, y, ~test, ~test) for test in _folds(groups)]


@wrong(
    "cross_val_scores", "Trains on the one group and tests on all the others.",
    zh="在那一组上训练，却在其余各组上测试。", caught_by="one_accuracy_for_each_group",
    step="The group is the test part; the model is fitted on all other rows.",
    step_zh="该组是测试部分；模型在其余所有行上拟合。",
)  # fmt: skip
def trains_on_the_group(steps, model, x, y, groups):
    return [_score(steps, model, x, y, test, ~test) for test in _folds(groups)]


@wrong(
    "cross_val_scores",
    "Splits the rows and ignores the groups, so that near-copies are on both sides.",
    zh="按行划分，不管分组，近似副本分到了两边。",
    caught_by="groups_stay_together",
    looks_like=lambda seen: 0.9 < np.mean(seen) <= 1,  # of labels by the toss of a coin
    step="A fold is a group: all its rows are tested together.",
    step_zh="一折就是一组：组里的行一起测试。",
)
def ignores_the_groups(steps, model, x, y, groups):
    folds = KFold(len(np.unique(groups)), shuffle=True, random_state=0).split(x)
    return [_score(steps, model, x, y, train, test) for train, test in folds]


@wrong(
    "cross_val_scores",
    "Fits the steps on the test part anew.",
    zh="在测试部分重新拟合了各步。",
    caught_by="steps_see_training_rows_only",
    step="Transform the test part with what was fitted on the training part.",
    step_zh="用训练部分拟合好的变换来处理测试部分。",
)
def fits_the_test_part(steps, model, x, y, groups):
    scores = []
    for test in _folds(groups):
        x_train, x_test = x[~test], x[test]
        for step in steps:
            x_train = clone(step).fit(x_train, y[~test]).transform(x_train)
            x_test = clone(step).fit(x_test, y[test]).transform(x_test)
        scores.append(np.mean(clone(model).fit(x_train, y[~test]).predict(x_test) == y[test]))
    return scores


@wrong(
    "cross_val_scores",
    "Fits the very objects that were passed in.",
    zh="直接拟合了传进来的对象。",
    caught_by="nothing_is_left_behind",
    step="Clone each step and the model in every fold.",
    step_zh="每一折都克隆各步和模型。",
)
def fits_the_originals(steps, model, x, y, groups):
    scores = []
    for test in _folds(groups):
        x_train, x_test = x[~test], x[test]
        for step in steps:
            x_train, x_test = step.fit(x_train, y[~test]).transform(x_train), step.transform(x_test)
        scores.append(np.mean(model.fit(x_train, y[~test]).predict(x_test) == y[test]))
    return scores


@wrong(
    "cross_val_scores", "Fits every step on the raw rows, not on what the last step made of them.",
    zh="每一步都在原始的行上拟合，而不是在前一步的结果上。", caught_by="steps_follow_one_another",
    step="Hand on what each step returns to the next one.",
    step_zh="每一步的输出要交给下一步。",
)  # fmt: skip
def each_step_on_raw_rows(steps, model, x, y, groups):
    scores = []
    for test in _folds(groups):
        x_train, x_test = _parts(steps[-1:], x[~test], y[~test], x[test])
        scores.append(np.mean(clone(model).fit(x_train, y[~test]).predict(x_test) == y[test]))
    return scores


# --- adam_step -----------------------------------------------------------------------------


def _adam(
    w, grad, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, decoupled=True,
    **fault,
):  # fmt: skip
    """One step, with the faults that are named."""
    g = grad if decoupled and "always_l2" not in fault else grad + weight_decay * w
    m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
    first, second = m, v
    if "uncorrected" not in fault:
        first, second = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    root = np.sqrt(second + eps) if "eps_inside" in fault else np.sqrt(second) + eps
    after = w - lr * first / root
    if fault.get("decays", decoupled):
        decay = (1.0 if "without_lr" in fault else lr) * weight_decay
        after = after - decay * (after if "late" in fault else w)
    return after, *((first, second) if "returns_corrected" in fault else (m, v))


@wrong(
    "adam_step",
    "Puts the decay into the gradient in either case: under Adam that is no weight decay.",
    zh="两种情况都把衰减加进梯度：在 Adam 里这不是权重衰减。",
    caught_by="decoupled_decay_leaves_the_moments",
    errata=("E130",),
    step="Where it is decoupled, leave the gradient alone and shrink the weights.",
    step_zh="解耦时不动梯度，直接缩小权重。",
)
def always_l2(*state, **how):
    return _adam(*state, **how, always_l2=True, decays=False)


@wrong(
    "adam_step",
    "Decays by weight_decay alone and forgets the learning rate.",
    zh="衰减时只乘了 weight_decay，忘了学习率。",
    caught_by="decoupled_decay_leaves_the_moments",
    step="The decay of a step is lr times weight_decay.",
    step_zh="每一步的衰减是 lr 乘 weight_decay。",
)
def decay_without_lr(*state, **how):
    return _adam(*state, **how, without_lr=True)


@wrong(
    "adam_step",
    "Does not correct the moments for their start at zero.",
    zh="没有修正两个矩从零开始的偏差。",
    caught_by="l2_goes_into_the_gradient",
    step="Divide each moment by one minus its beta to the power t.",
    step_zh="每个矩都除以 1 减 beta 的 t 次方。",
)
def no_correction(*state, **how):
    return _adam(*state, **how, uncorrected=True)


@wrong(
    "adam_step", "Adds eps under the root.",
    zh="eps 加在了根号里面。", caught_by="l2_goes_into_the_gradient",
    step="Take the root first, then add eps.",
    step_zh="先开根号，再加 eps。",
)  # fmt: skip
def eps_under_the_root(*state, **how):
    return _adam(*state, **how, eps_inside=True)


@wrong(
    "adam_step", "Decays in either case, also where L2 is already in the gradient.",
    zh="两种情况都衰减权重，L2 已经加进梯度时也照减。", caught_by="l2_goes_into_the_gradient",
    step="Not decoupled, the decay is in the gradient and nowhere else.",
    step_zh="不解耦时，衰减只在梯度里，别处没有。",
)  # fmt: skip
def decays_in_either_case(*state, **how):
    return _adam(*state, **how, decays=True)


@wrong(
    "adam_step", "Decays the weights that the step has already moved.",
    zh="衰减的是这一步已经更新过的权重。", caught_by="decoupled_decay_leaves_the_moments",
    step="The decay goes by w as it came in: decay first, or keep w.",
    step_zh="衰减按传入的 w 算：先衰减，或者先留住 w。",
)  # fmt: skip
def decays_what_has_moved(*state, **how):
    return _adam(*state, **how, late=True)


@wrong(
    "adam_step", "Returns the moments corrected, as they are used in this step only.",
    zh="返回的是修正之后的矩，而修正只用于这一步。", caught_by="l2_goes_into_the_gradient",
    step="Return m and v as they were before the correction: the next step goes on from them.",
    step_zh="返回修正之前的 m 和 v：下一步要接着它们算。",
)  # fmt: skip
def returns_corrected_moments(*state, **how):
    return _adam(*state, **how, returns_corrected=True)


# --- dropout -------------------------------------------------------------------------------


def _mask(x, p, generator):
    return (torch.rand(x.shape, generator=generator) >= p).to(x.dtype)


@wrong(
    "dropout",
    "Does not scale what survives.",
    zh="留下的元素没有放大。",
    caught_by="survivors_are_scaled",
    step="Divide by 1 − p, so that the expected value stays.",
    step_zh="除以 1 − p，期望才不变。",
)
def never_scales(x, p, generator, training=True):
    return x * _mask(x, p, generator) if training else x


@wrong(
    "dropout",
    "Scales outside training instead of in it: that is the original, not the inverted dropout.",
    zh="在推理时缩放，而不是训练时：那是原始的 dropout，不是 inverted dropout。",
    caught_by="edges_of_dropout",
    step="Scale the survivors in training, and leave x alone outside it.",
    step_zh="训练时放大留下的元素，推理时原样返回。",
)
def scales_at_test_time(x, p, generator, training=True):
    return x * _mask(x, p, generator) if training else x * (1 - p)


@wrong(
    "dropout",
    "Keeps with probability p, and drops with 1 − p.",
    zh="以概率 p 保留了元素，正好弄反。",
    caught_by="survivors_are_scaled",
    step="p is the probability of being dropped.",
    step_zh="p 是丢弃的概率。",
)
def keeps_with_p(x, p, generator, training=True):
    return x * (1 - _mask(x, p, generator)) / max(p, 1e-9) if training else x


@wrong(
    "dropout",
    "Draws one mask and uses it for the whole batch.",
    zh="只采样一个掩码，整个批次共用。",
    caught_by="elements_are_independent",
    step="Draw a mask in the shape of x, the first axis included.",
    step_zh="掩码要与 x 同形状，第一个轴也不例外。",
)
def one_mask_for_all(x, p, generator, training=True):
    if not training:
        return x
    keep = _mask(x[:1], p, generator)
    return x * keep / (1 - p) if p < 1 else x * 0


@wrong(
    "dropout",
    "Draws from torch's global state and not from the generator.",
    zh="用了 torch 的全局随机状态，没有用 generator。",
    caught_by="generator_alone_decides",
    step="Pass generator= to the function that draws.",
    step_zh="采样时传入 generator=。",
)
def draws_globally(x, p, generator, training=True):
    return torch.nn.functional.dropout(x, p, training)


# --- mixup ---------------------------------------------------------------------------------


def _blend(a, lam, order):
    return lam * a + (1 - lam) * a[order]


def _one_hot(y, num_classes):
    return np.eye(num_classes)[y]


@wrong(
    "mixup",
    "Takes every input for a picture of (N, C, H, W): nothing for vectors or text.",
    zh="以为输入都是 (N, C, H, W) 的图片：向量和文本用不了。",
    caught_by="inputs_are_mixed",
    errata=("E128",),
    step="Let the rows broadcast: any number of axes after the first.",
    step_zh="按行混合即可：第一个轴之后有几个轴都行。",
)
def pictures_only(x, y, lam, order, num_classes):
    rows, channels, height, width = x.shape
    shape = (rows, channels, height, width)
    one_hot = _one_hot(y, num_classes)
    return _blend(x.reshape(shape), lam, order), _blend(one_hot, lam, order)


@wrong(
    "mixup",
    "Mixes the inputs and keeps the first row's class.",
    zh="混了输入，标签却只留第一张的。",
    caught_by="targets_are_mixed",
    step="Mix the one-hot targets by the same share.",
    step_zh="one-hot 目标要按同样的比例混合。",
)
def keeps_the_first_class(x, y, lam, order, num_classes):
    return _blend(x, lam, order), _one_hot(y, num_classes)


@wrong(
    "mixup",
    "Gives λ to the partner and 1 − λ to the row itself.",
    zh="把 λ 给了搭档，1 − λ 给了自己。",
    caught_by="targets_are_mixed",
    step="λ belongs to row i, 1 − λ to row order[i].",
    step_zh="λ 属于第 i 行，1 − λ 属于第 order[i] 行。",
)
def swapped_in_both(x, y, lam, order, num_classes):
    return _blend(x, 1 - lam, order), _blend(_one_hot(y, num_classes), 1 - lam, order)


@wrong(
    "mixup",
    "Writes the second share over the first, so that two rows of one class lose a part.",
    zh="后写的份额覆盖了先写的，同类的两行丢了一部分。",
    caught_by="one_class_stays_whole",
    step="Add the shares; do not assign them.",
    step_zh="份额要相加，不能直接赋值。",
)
def assigns_the_shares(x, y, lam, order, num_classes):
    rows, targets = np.arange(len(y)), np.zeros((len(y), num_classes))
    targets[rows, y] = lam
    targets[rows, y[order]] = 1 - lam
    return _blend(x, lam, order), targets


@wrong(
    "mixup",
    "Cuts mixed pixels back to whole numbers.",
    zh="把混合后的像素又截成了整数。",
    caught_by="pixels_become_floating_point",
    step="Mix in floating point and leave the dtype there.",
    step_zh="用浮点数混合，并保持浮点类型。",
)
def cuts_to_whole_numbers(x, y, lam, order, num_classes):
    return _blend(x, lam, order).astype(x.dtype), _blend(_one_hot(y, num_classes), lam, order)


# --- label_smoothing_loss ------------------------------------------------------------------


def _log_softmax(z):
    z = np.asarray(z, dtype=float)
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def _is_cut_off(loss):
    """Whether a loss that should be about a thousand is that of a tiny probability, or of none."""
    return 10 < loss < 100 or not math.isfinite(loss)


def _own(table, y):
    return table[np.arange(len(y)), y]


@wrong(
    "label_smoothing_loss",
    "Shares ε among the other classes only.",
    zh="ε 只分给了其他类别。",
    caught_by="epsilon_is_shared_by_all",
    step="Every class gets ε / K, the true one too.",
    step_zh="每个类别都得 ε / K，真实类别也不例外。",
)
def shared_by_the_others(logits, y, epsilon):
    log_probs = _log_softmax(logits)
    own, classes = _own(log_probs, y), log_probs.shape[1]
    others = (log_probs.sum(axis=1) - own) / (classes - 1)
    return -((1 - epsilon) * own + epsilon * others).mean()


@wrong(
    "label_smoothing_loss", "Gives the true class 1 − ε alone: the targets no longer sum to 1.",
    zh="真实类别只得 1 − ε，目标之和不到 1。", caught_by="epsilon_is_shared_by_all",
    step="Add ε / K to every class, the true one included.",
    step_zh="每个类别都加上 ε / K，真实类别也加。",
)  # fmt: skip
def true_class_without_its_share(logits, y, epsilon):
    log_probs = _log_softmax(logits)
    own, classes = _own(log_probs, y), log_probs.shape[1]
    others = (log_probs.sum(axis=1) - own) / classes
    return -((1 - epsilon) * own + epsilon * others).mean()


@wrong(
    "label_smoothing_loss",
    "Takes exponentials of huge logits: they become 0 or ∞ before the logarithm, or are cut off.",
    zh="对极大的 logit 取了指数：取对数之前已变成 0 或 ∞，或被截断。",
    caught_by="huge_logits_are_finite",
    looks_like=lambda seen: all(map(_is_cut_off, seen[4:])),
    step="Subtract the maximum and stay in logarithms.",
    step_zh="减去最大值，始终在对数里算。",
)
def log_of_softmax(logits, y, epsilon):
    with np.errstate(all="ignore"):
        log_probs = np.log(np.exp(_log_softmax(logits)))
        return -((1 - epsilon) * _own(log_probs, y) + epsilon * log_probs.mean(axis=1)).mean()


# --- focal_loss ----------------------------------------------------------------------------


def _focal(logits, targets, gamma, alpha, other_alpha=None):
    """The losses; `alpha` for class 1 and `other_alpha` for class 0, or no weights at all."""
    own = np.where(targets == 1, logits, -np.asarray(logits)).astype(float)
    losses = np.exp(-gamma * np.logaddexp(0, own)) * np.logaddexp(0, -own)
    return losses if alpha is None else np.where(targets == 1, alpha, other_alpha) * losses


def _rest(alpha):
    return None if alpha is None else 1 - alpha


@wrong(
    "focal_loss",
    "Weighs the easy examples more: p_t to the power γ.",
    zh="反而给容易的样本更大权重：用了 p_t 的 γ 次方。",
    caught_by="easy_examples_count_less",
    step="The factor is 1 − p_t to the power γ.",
    step_zh="因子是 (1 − p_t) 的 γ 次方。",
)
def easy_examples_count_more(logits, targets, gamma=2.0, alpha=0.25):
    own = np.where(targets == 1, logits, -np.asarray(logits)).astype(float)
    factor = np.exp(-gamma * np.logaddexp(0, -own))
    return (factor * _focal(logits, targets, 0.0, alpha, _rest(alpha))).mean()


@wrong(
    "focal_loss",
    "Uses 1 − p for both classes, p being the probability of class 1.",
    zh="两类都用 1 − p，而 p 只是类别 1 的概率。",
    caught_by="easy_examples_count_less",
    step="For class 0, p_t is 1 − p.",
    step_zh="对类别 0，p_t 是 1 − p。",
)
def forgets_p_t(logits, targets, gamma=2.0, alpha=0.25):
    p = 1 / (1 + np.exp(-np.clip(np.asarray(logits, dtype=float), -700, 700)))
    return ((1 - p) ** gamma * _focal(logits, targets, 0.0, alpha, _rest(alpha))).mean()


@wrong(
    "focal_loss",
    "Weighs both classes by α.",
    zh="两类都乘了 α。",
    caught_by="alpha_weighs_the_classes",
    step="Class 0 is weighed by 1 − α.",
    step_zh="类别 0 乘 1 − α。",
)
def alpha_for_both(logits, targets, gamma=2.0, alpha=0.25):
    return _focal(logits, targets, gamma, alpha, alpha).mean()


@wrong(
    "focal_loss", "Gives α to class 0 and 1 − α to class 1.",
    zh="α 给了类别 0，1 − α 给了类别 1。", caught_by="alpha_weighs_the_classes",
    step="α belongs to the targets that are 1.",
    step_zh="α 属于目标为 1 的样本。",
)  # fmt: skip
def alpha_for_the_other(logits, targets, gamma=2.0, alpha=0.25):
    return _focal(logits, targets, gamma, _rest(alpha), alpha).mean()


@wrong(
    "focal_loss",
    "Divides by the number of examples of class 1.",
    zh="除以类别 1 的样本数。",
    caught_by="mean_over_all_examples",
    step="Here it is the mean over all examples.",
    step_zh="这里对全部样本取平均。",
)
def divides_by_positives(logits, targets, gamma=2.0, alpha=0.25):
    positives = max(int(np.sum(targets)), 1)
    return _focal(logits, targets, gamma, alpha, _rest(alpha)).sum() / positives


@wrong(
    "focal_loss",
    "Takes the logarithm of a probability that has become 0, or was cut off to prevent it.",
    zh="对已经变成 0 的概率取对数，或为此把概率截断了。",
    caught_by="huge_margins_are_finite",
    looks_like=lambda seen: all(map(_is_cut_off, seen[3:8])),
    step="Compute log p_t from the logit: minus the softplus of its negative.",
    step_zh="直接从 logit 算 log p_t：即 −softplus(−z)。",
)
def log_of_sigmoid(logits, targets, gamma=2.0, alpha=0.25):
    with np.errstate(all="ignore"):
        p = 1 / (1 + np.exp(-np.asarray(logits, dtype=float)))
        p_t = np.where(targets == 1, p, 1 - p)
        losses = -((1 - p_t) ** gamma) * np.log(p_t)
        weights = 1.0 if alpha is None else np.where(targets == 1, alpha, 1 - alpha)
        return (weights * losses).mean()


# --- ensemble_probabilities ----------------------------------------------------------------


def _softmax(z, axis=-1):
    z = np.asarray(z, dtype=float)
    weights = np.exp(z - z.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True)


@wrong(
    "ensemble_probabilities",
    "Adds the scores up as boosting does, although each member was trained alone.",
    zh="像提升树那样把分数相加，可这些成员是各自独立训练的。",
    caught_by="probabilities_are_averaged",
    errata=("E127",),
    step="Members that were trained alone are averaged, in probabilities.",
    step_zh="独立训练的成员应平均它们的概率。",
)
def adds_up_as_boosting_does(logits):
    return _softmax(np.asarray(logits, dtype=float).sum(axis=0))


@wrong(
    "ensemble_probabilities",
    "Counts votes, as a forest of classification trees may.",
    zh="像树的森林那样数票。",
    caught_by="probabilities_are_averaged",
    errata=("E127",),
    step="Average the probabilities: how sure a member is counts too.",
    step_zh="平均概率：成员有多确信也要算数。",
)
def counts_votes(logits):
    logits = np.asarray(logits)
    return np.eye(logits.shape[-1])[logits.argmax(axis=-1)].mean(axis=0)


@wrong(
    "ensemble_probabilities",
    "Averages the logits before the softmax.",
    zh="先平均 logits 再做 softmax。",
    caught_by="probabilities_are_averaged",
    step="First each member's softmax, then the average.",
    step_zh="先对每个成员做 softmax，再平均。",
)
def averages_logits(logits):
    return _softmax(np.asarray(logits, dtype=float).mean(axis=0))


@wrong(
    "ensemble_probabilities",
    "Takes the softmax over the members, not over the classes.",
    zh="softmax 取在了成员上，而不是类别上。",
    caught_by="probabilities_are_averaged",
    step="The classes are the last axis.",
    step_zh="类别在最后一维。",
)
def softmax_over_members(logits):
    return _softmax(logits, axis=0).mean(axis=0)
