"""Probes for `generalization`: made-up curves and folds, real optimizers' steps, counted masks."""

from typing import ClassVar

import numpy as np

from autograder.checks import Tolerance, check, fixture
from autograder.probes import arguments_kept, first_alike, in_turn

from .instruments import curves_of

CLOSE = Tolerance(absolute=1e-6, relative=1e-4)  # float32 does; the nearest misconception is far
SHARE = 0.02  # of 60,000 elements and more: some eight standard deviations


# --- read_curves --------------------------------------------------------------------------


def _diagnoses(read_curves, rng, curves):
    return [read_curves(*arguments)["diagnosis"] for arguments in in_turn(rng, *curves)]


@check("The best epoch is the earliest lowest.", zh="最佳 epoch 取最早的最低点。", close=0)
def best_epoch_is_the_earliest_lowest(read_curves, rng):
    found = []
    for _ in range(4):
        train = np.sort(rng.integers(1, 80, 15) / 16)[::-1]
        validation = rng.integers(4, 9, 15) / 8  # with ties, some at the lowest
        validation[rng.choice(14, 2, replace=False) + 1] = 3 / 8
        found.append(read_curves(train.tolist(), validation.tolist(), 0.5, 0.1)["best_epoch"])
    return found


@check("The gap is that of the best epoch.", zh="差距取最佳 epoch 的。", close=CLOSE)
def gap_is_taken_at_the_best_epoch(read_curves, rng):
    gaps = []
    for kind in ("overfitting", "underfitting", "diverging"):
        train, validation, *rest = curves_of(rng, kind)
        gaps.append(read_curves(train, validation, *rest)["gap"])
        # As with dropout, which is at work in the training loss only.
        gaps.append(read_curves(train + 0.9, validation, *rest)["gap"])
    return gaps


@check("Overfitting is told from diverging.", zh="过拟合与发散分得清。", close=0)
def rising_curves_are_told_apart(read_curves, rng):
    kinds = ["overfitting", "diverging", "overfitting", "diverging"]
    level = rng.uniform(0.4, 0.6)
    risen = [2.0, level, level + 0.3, level + 0.4]
    # As high in the last epoch as in the best one, higher or lower, whatever came before.
    ends = (0.4, 0.5), (0.4, 0.6), (0.6, 0.4), (0.3, 0.4), (0.9, 0.6)
    edges = [([2.0, 0.5, *end], risen, 1.0, 0.1) for end in ends]
    return _diagnoses(read_curves, rng, [*(curves_of(rng, kind) for kind in kinds), *edges])


@check("A gap alone is no overfitting; with a rise it is.",
       zh="光有差距不算过拟合，验证损失还要升上来才算。", close=0)  # fmt: skip
def a_gap_alone_is_fine(read_curves, rng):
    level, e = rng.uniform(0.4, 0.6), np.arange(9)
    seed = [(level + 2.0**-e, level + gap + 2.0**-e, level + 0.3, 0.05) for gap in (0.1, 0.6)]
    kinds = "fine", "fine", "overfitting"
    return _diagnoses(read_curves, rng, [*seed, *(curves_of(rng, kind) for kind in kinds)])


@check("A training loss above what is reachable is underfitting, unless validation has risen.",
       zh="训练损失高于可达到的水平，是欠拟合；除非验证损失已经上升。", close=0)  # fmt: skip
def high_training_loss_is_underfitting(read_curves, rng):
    low, other = (curves_of(rng, "underfitting") for _ in range(2))
    risen = [(t, v, 0.001, tol) for t, v, _, tol in map(curves_of, [rng] * 2, ["overfitting"] * 2)]
    # Reachable lies between the training loss and the validation loss: that is no underfitting.
    train, validation, _, tolerance = curves_of(rng, "fine")
    between = train, validation, float(train.max() + validation.min()) / 2, tolerance
    # It falls below what is reachable only after the best epoch, validation being level by then.
    late = [0.9, 0.6, 0.3], [0.9, 0.5, 0.52], 0.4, 0.1
    never = [0.9, 0.7, 0.6], [0.9, 0.75, 0.75], 0.5, 0.1
    return _diagnoses(read_curves, rng, [low, other, *risen, between, late, never])


@check("A rise within the tolerance is none.", zh="容差之内的上升不算上升。", close=0)
def fluctuation_is_no_rise(read_curves, rng):
    level = int(rng.integers(4, 9)) / 8
    train = [2.0, 1.0, 0.5, 0.25]
    edges = [
        [2.0, level, level + a, level + b] for a, b in ((0.5, 0.25), (0.125, 0.25), (0.5, 0.125))
    ]
    later = [2.0, level, level + 0.75, level + 0.5]  # falls again, and still stands high
    curves = [(train, edge, 1.5, 0.25) for edge in edges] + [(train, later, 1.5, 0.25)]
    single = [([0.5], [0.75], reachable, 0.5) for reachable in (0.25, 0.5, 1)]
    return _diagnoses(read_curves, rng, curves + single)


# --- early_stopping -----------------------------------------------------------------------


@fixture
def network():
    """A layer and a batch normalisation: parameters, and buffers."""
    import torch

    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))


def _fill(network, number):
    """What an epoch of training does to a model: everything in it changes, in place."""
    import torch

    with torch.no_grad():
        for value in network.state_dict().values():
            value.fill_(number)


def _train(stopper, network, losses):
    """Feed all the losses in, though told to stop; what it said after each."""
    told = []
    for epoch, loss in enumerate(losses, 1):
        _fill(network, epoch)
        told.append(bool(stopper.step(float(loss), network)))
    return told


def _with_a_minimum(rng, best, after):
    """Losses that fall until epoch `best` and never get as low again."""
    down = 2 - np.cumsum(rng.uniform(0.05, 0.1, best + 1))
    return [*down, *(down[-1] + rng.uniform(0.01, 0.5, after))]


@check("It stops just when patience is spent.", zh="耐心用完时停，不早不晚。", close=0)
def stops_when_patience_is_spent(EarlyStopping, network, rng):
    return [
        _train(EarlyStopping(patience), network, _with_a_minimum(rng, int(rng.integers(2, 6)), 9))
        for patience in (1, 2, 3, 5)
    ]


@check("An improvement starts the count anew.", zh="有改善就重新计数。", close=0)
def improvement_starts_anew(EarlyStopping, network, rng):
    patience = int(rng.integers(3, 6))
    lows = np.sort(rng.uniform(0.1, 0.9, 3))[::-1]
    risen = [*rng.integers(2, patience, 2), patience + rng.integers(1, 4)]  # and falling again
    waves = [[low, *(low + np.linspace(1.5, 0.2, n))] for low, n in zip(lows, risen, strict=True)]
    stopper = EarlyStopping(patience)
    return _train(stopper, network, [1.0, *np.concatenate(waves)]), stopper.best_epoch


@check("Steps within min_delta do not count.", zh="不超过 min_delta 的下降不算。", close=0)
def small_steps_do_not_count(EarlyStopping, network, rng):
    falls = {
        "exactly": [0, 2, 2.5],
        "adding up": [0, 1, 1.5, 2.5, 3, 4],
        "small": [0, 1, 1.5, 1.75],
        "rising": [0, 3, 2, 1.5, 3.5],
    }
    seen = {}
    for name, fall in falls.items():
        stopper, start = EarlyStopping(4, min_delta=0.25), int(rng.integers(4, 9))
        far = range(start + int(rng.integers(1, 6)), start, -1)  # epochs that do improve
        told = _train(stopper, network, [*far, *(start - f / 8 for f in fall)])
        seen[name] = [told, stopper.best_epoch]
    return seen


@check("The weights of the best epoch come back, buffers too, although training went on.",
       zh="训练虽已继续，取回的仍是最佳 epoch 的权重，缓冲区也在内。", close=1e-6)  # fmt: skip
def best_weights_come_back(EarlyStopping, network, rng):
    best, stopper = int(rng.integers(2, 16)), EarlyStopping(3)
    _train(stopper, network, _with_a_minimum(rng, best, 3))
    stopper.restore(network)
    first = {name: value.clone() for name, value in network.state_dict().items()}
    _fill(network, 77)
    stopper.restore(network)
    again = [value.float().mean().item() for value in network.state_dict().values()]
    return {"restored": first, "and again": again, "best epoch": stopper.best_epoch}


@check("NaN is no improvement.", zh="NaN 不算改善。", close=0)
def nan_never_improves(EarlyStopping, network, rng):
    nan, a, (epochs, first) = float("nan"), rng.uniform(0.5, 0.9), rng.integers(1, 7, 2)
    broken, mended = EarlyStopping(3), EarlyStopping(2)
    told = _train(broken, network, [nan] * (3 + epochs))
    broken.restore(network)
    weights = [value.float().mean().item() for value in network.state_dict().values()]
    recovered = _train(mended, network, [nan] * first + [a, nan, a - 0.25, nan, nan, a - 0.5])
    return {"only NaN": [told, broken.best_epoch, weights], "some": [recovered, mended.best_epoch]}


# --- cross_val_scores ---------------------------------------------------------------------


@fixture
def spy():
    """A transformer that changes nothing and notes which rows it is fitted on, and if anew."""
    from sklearn.base import BaseEstimator, TransformerMixin

    class Spy(TransformerMixin, BaseEstimator):
        seen: ClassVar[list] = []
        used: ClassVar[list] = []

        def fit(self, x, y=None):
            Spy.seen.append(sorted({int(n) for n in np.asarray(x)[:, 0]}))
            Spy.used.append(hasattr(self, "fitted_"))
            self.fitted_ = True
            return self

        def transform(self, x):
            return x

    return Spy()


def _coins(rng, rows=40, columns=300):
    """Noise, and labels by the toss of a coin: there is nothing to learn."""
    return rng.normal(size=(rows, columns)), rng.permutation(np.arange(rows) % 2)


@check("Random labels stay unlearnable.", zh="随机标签依然学不出来。", close=CLOSE)
def random_labels_stay_unlearnable(cross_val_scores, rng):
    from sklearn.feature_selection import SelectKBest
    from sklearn.naive_bayes import GaussianNB

    return cross_val_scores([SelectKBest(k=10)], GaussianNB(), *_coins(rng), np.arange(40) % 5)


@check("Steps are fitted on training rows alone, a new copy in every fold.",
       zh="各步只在训练行上拟合，每一折都用新的副本。", close=0)  # fmt: skip
def steps_see_training_rows_only(cross_val_scores, spy, rng):
    from sklearn.naive_bayes import GaussianNB

    type(spy).seen.clear()
    type(spy).used.clear()
    x, y = _coins(rng, rows=12, columns=3)
    x[:, 0] = np.arange(12)
    groups = rng.permutation(np.arange(12) % 4)
    scores = cross_val_scores([spy], GaussianNB(), x, y, groups)
    return {"folds": len(scores), "fitted before": any(type(spy).used),
            "fitted on": sorted({" ".join(map(str, rows)) for rows in type(spy).seen})}  # fmt: skip


@check("Near-copies in a group leak nothing.", zh="同组的近似副本不会泄漏。", close=CLOSE)
def groups_stay_together(cross_val_scores, rng):
    from sklearn.neighbors import KNeighborsClassifier

    x, y = _coins(rng, rows=20, columns=6)
    copies = np.repeat(x, 4, axis=0) + 0.01 * rng.normal(size=(80, 6))
    own, order = np.repeat(np.arange(20), 4), rng.permutation(80)
    groups = rng.permutation(np.arange(20) % 5)[own][order]
    model = KNeighborsClassifier(1)
    return cross_val_scores([], model, copies[order], np.repeat(y, 4)[order], groups)


def _lying_apart(rng, names, sizes):
    """Two overlapping classes; the rows of each group lie elsewhere."""
    groups = np.repeat(names, sizes)
    y = rng.integers(0, 2, len(groups))
    x = rng.normal(size=(len(groups), 3)) + np.c_[2 * y, 0 * y, 0 * y]
    x += np.repeat(rng.normal(size=(len(names), 3)), sizes, axis=0)
    x[:, 1:] *= 30
    order = rng.permutation(len(groups))
    return x[order], np.array(["no", "yes"])[y[order]], groups[order]


@check("One accuracy for each group, in ascending order.",
       zh="每组一个准确率，按组名升序。", close=CLOSE)  # fmt: skip
def one_accuracy_for_each_group(cross_val_scores, rng):
    from sklearn.neighbors import KNeighborsClassifier

    words = ["dora", "ann", "carl", "bob"]
    x, y, groups = _lying_apart(rng, words, [7, 13, 9, 11])
    numbers = np.array([{"ann": 10, "bob": -3, "carl": 7, "dora": 100}[name] for name in groups])
    model = KNeighborsClassifier(3)
    return [cross_val_scores([], model, x, y, which) for which in (groups, numbers)]


@check("Each step goes on from the last one.", zh="每一步接着前一步做。", close=CLOSE)
def steps_follow_one_another(cross_val_scores, rng):
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    x, y, groups = _lying_apart(rng, np.arange(5), [17, 13, 15, 11, 16])
    scaler, pca = StandardScaler(), PCA(2, svd_solver="full")
    model = KNeighborsClassifier(3)
    return [cross_val_scores(steps, model, x, y, groups)
            for steps in ([scaler], [scaler, pca], [pca, scaler])]  # fmt: skip


@check("Steps, model and data stay as they were.", zh="各步、模型和数据保持原样。", close=CLOSE)
def nothing_is_left_behind(cross_val_scores, rng):
    from sklearn.naive_bayes import GaussianNB
    from sklearn.preprocessing import StandardScaler

    data = _lying_apart(rng, np.arange(3), [9, 11, 10])
    scaler, model = StandardScaler(), GaussianNB()
    kept = arguments_kept(cross_val_scores, [scaler], model, *data)
    kept["changed"] = [place for place in kept["changed"] if place > "1"]  # data, not models
    return kept | {"fitted": [hasattr(scaler, "mean_"), hasattr(model, "theta_")]}


# --- adam_step ----------------------------------------------------------------------------


def _state(rng, shape=(3, 4)):
    w, grad, m = (rng.normal(size=shape) for _ in range(3))
    return w, grad, 0.3 * m, rng.uniform(0.1, 1.0, shape)


def _copies(arrays):
    """Copies, lest what one call does to its arguments reach the next one."""
    return [array.copy() for array in arrays]


def _settings(rng):
    """Values that are all of some size, so that each of them shows."""
    return {
        "lr": rng.uniform(0.1, 0.3),
        "betas": (rng.uniform(0.7, 0.8), rng.uniform(0.85, 0.95)),
        "eps": rng.uniform(0.1, 0.2),
        "weight_decay": rng.uniform(0.3, 0.6),
    }


@check("L2 goes into the gradient and both moments; these are corrected, eps is outside the root.",
       zh="L2 加进梯度，因此进入两个矩；矩要修正，eps 在根号外。", close=CLOSE)  # fmt: skip
def l2_goes_into_the_gradient(adam_step, rng):
    state, settings = _state(rng), _settings(rng)
    return [list(adam_step(*_copies(state), t, **settings, decoupled=False)) for t in (1, 2, 5)]


@check("Decoupled decay leaves the moments alone.", zh="解耦衰减不影响两个矩。", close=CLOSE)
def decoupled_decay_leaves_the_moments(adam_step, rng):
    state, settings = _state(rng), _settings(rng)
    return [list(adam_step(*_copies(state), t, **settings, decoupled=True)) for t in (1, 2, 5)]


@check("Over many steps, decoupled decay shrinks all weights alike; L2 spares those with large "
       "gradients.",
       zh="走许多步之后，解耦衰减让所有权重同样缩小；L2 则放过梯度大的权重。",
       close=Tolerance(absolute=1e-4, relative=1e-3))  # fmt: skip
def decay_over_many_steps(adam_step, rng):
    scales, signs, ends = np.array([0.0, 0.01, 1.0, 100.0]), rng.choice([-1.0, 1.0], (60, 1)), []
    for decoupled in (False, True):
        w, m, v = np.ones(4), np.zeros(4), np.zeros(4)
        settings = {"lr": 0.02, "weight_decay": 0.5, "decoupled": decoupled}
        for t, sign in enumerate(signs, 1):
            given = _copies((w, sign * scales, m, v))
            w, m, v = map(np.asarray, adam_step(*given, t, **settings))
        ends.append(w)
    return ends


@check("Defaults are AdamW's of torch, inputs stay as they are, float32 comes through.",
       zh="默认值与 torch 的 AdamW 相同，输入不变，float32 也行。",
       close=Tolerance(absolute=5e-6, relative=3e-4))  # fmt: skip
def defaults_are_those_of_adamw(adam_step, rng):
    w, grad, m, v = (value.astype(np.float32) for value in _state(rng, (5,)))
    kept = arguments_kept(adam_step, 10 * w, *_copies((grad, m, v)), 1)  # so that the decay shows
    pairs = zip(kept.pop("returned"), (10 * w, m, v), strict=True)
    return kept | {"moves": [np.asarray(after) - before for after, before in pairs]}


# --- dropout ------------------------------------------------------------------------------


def _generator(rng):
    import torch

    return torch.Generator().manual_seed(int(rng.integers(2**31)))


@check("Survivors are scaled by 1 / (1 − p).", zh="留下的元素乘以 1 / (1 − p)。", close=SHARE)
def survivors_are_scaled(dropout, rng):
    import torch

    dropped, scales, generator = [], [], _generator(rng)
    for p in (0.1, 0.3, rng.uniform(0.6, 0.8)):
        x = torch.tensor(rng.uniform(0.5, 1.5, (200, 300)))
        ratio = (dropout(x, p, generator) / x).detach()
        kept = ratio[ratio != 0]
        dropped.append(1 - len(kept) / x.numel())
        scales += [kept.quantile(q).item() for q in (0.01, 0.99)]
    return {"dropped": dropped, "scales": scales}


@check("p = 0, p = 1 and evaluation are right.", zh="p = 0、p = 1 和推理时都对。", close=1e-6)
def edges_of_dropout(dropout, rng):
    import torch

    x, generator = torch.tensor(rng.normal(size=(4, 5))), _generator(rng)
    return [
        dropout(x, 0.7, generator, training=False),
        dropout(x, 1.0, generator, training=False),
        dropout(x, 0.0, generator),
        dropout(x, 1.0, generator),
    ]


@check("Each element is dropped on its own.", zh="每个元素独立丢弃。", close=SHARE)
def elements_are_independent(dropout, rng):
    import torch

    alike, generator, few = [], _generator(rng), torch.ones(40)
    for axis, p in enumerate(rng.choice([0.1, 0.2, 0.3, 0.4], 3).tolist()):
        dropped = np.asarray(dropout(torch.ones(40, 50, 40), p, generator).detach()) == 0
        alike.append(float(np.mean(np.diff(dropped, axis=axis) == 0)))
    counts = {int((dropout(few, 0.5, generator) == 0).sum()) for _ in range(20)}
    return {"neighbours alike": alike, "as many each time": len(counts) == 1}


@check("The generator alone decides on the mask.", zh="掩码只由 generator 决定。", close=0)
def generator_alone_decides(dropout, rng):
    import torch

    x, state, masks = torch.ones(50, 20), torch.get_rng_state(), []
    seeds = rng.integers(2**31, size=3)
    for seed in rng.choice(seeds, 6):
        generator = torch.Generator().manual_seed(int(seed))
        masks += [dropout(x, 0.5, generator) == 0 for _ in range(2)]
    return {
        "first of the same mask": first_alike(masks),
        "global state": bool(torch.get_rng_state().equal(state)),
    }


@check("Gradients flow through the survivors with the same scale; `x`, shape and dtype stay.",
       zh="梯度从留下的元素流过，放大倍数相同；x、形状和 dtype 不变。", close=SHARE)  # fmt: skip
def gradients_flow_through_survivors(dropout, rng):
    import torch

    p = rng.uniform(0.4, 0.6)
    x = torch.tensor(rng.uniform(1, 2, (20, 30)).astype(np.float32))
    before, x = x.clone(), x.requires_grad_()
    y = dropout(x, p, _generator(rng))
    y.sum().backward()
    gradient = x.grad
    return {
        "scale": [gradient[gradient != 0].min().item(), gradient.max().item()],
        "same elements": bool(((gradient != 0) == (y != 0)).all()),
        "unchanged": bool(x.detach().equal(before)),
        "shape": list(y.shape),
        "dtypes": _dtypes(dropout, p, _generator(rng)),
    }


def _dtypes(dropout, p, generator):
    """The types that come out for each type of `x`, in training and outside."""
    import torch

    types = torch.float16, torch.bfloat16, torch.float32, torch.float64
    calls = [(torch.ones(3, dtype=kind), training) for kind in types for training in (True, False)]
    return [str(dropout(x, p, generator, training).dtype) for x, training in calls]


# --- mixup --------------------------------------------------------------------------------


def _batch(rng, shape, rows=6, classes=5):
    """Inputs, classes, a share well off one half, and an order that is not its own inverse."""
    x, y = rng.normal(size=(rows, *shape)), rng.permutation(np.arange(rows) % (classes - 1))
    order = np.roll(np.arange(rows), int(rng.integers(1, rows // 2)))
    return x, y, rng.uniform(0.6, 0.9), order, classes


@check("Row i is mixed with row order[i].", zh="第 i 行与第 order[i] 行混合。", close=CLOSE)
def inputs_are_mixed(mixup, rng):
    x, y, lam, order, classes = _batch(rng, (3,))
    mixed = [mixup(x, y, share, order, classes)[0] for share in (lam, lam / 3, 1.0)]
    return [*mixed, *(mixup(*_batch(rng, shape))[0] for shape in ((), (3, 4), (1, 3, 2)))]


@check("Targets are mixed like the inputs.", zh="目标与输入同样混合。", close=CLOSE)
def targets_are_mixed(mixup, rng):
    x, y, lam, order, classes = _batch(rng, (2,))
    return [mixup(x, y, share, order, classes)[1] for share in (lam, lam / 3)]


@check("Partners of one class keep it whole.", zh="两行同类时，该类仍得全部份额。", close=CLOSE)
def one_class_stays_whole(mixup, rng):
    x, y, lam, order, classes = _batch(rng, (2,))
    kinds = rng.permutation(classes)
    return [mixup(x, np.full_like(y, kind), lam, order, classes)[1] for kind in kinds]


@check("Whole pixels become floating point.", zh="整数像素变成浮点数。", close=CLOSE)
def pixels_become_floating_point(mixup, rng):
    _, y, lam, order, classes = _batch(rng, ())
    x = rng.integers(0, 256, (6, 1, 2, 2)).astype(np.uint8)
    kept = arguments_kept(mixup, x, y, lam, order, classes)
    return {"mixed": kept["returned"][0], "changed": kept["changed"]}


# --- label_smoothing_loss -----------------------------------------------------------------


@check("The true class gets 1 − ε + ε / K and every other ε / K; the rows are averaged.",
       zh="真实类别得 1 − ε + ε / K，其余各得 ε / K；各行求平均。", close=CLOSE)  # fmt: skip
def epsilon_is_shared_by_all(label_smoothing_loss, rng):
    seen = []
    for rows, classes in ((7, 2), (4, 3), (9, 10)):
        logits, y = rng.normal(size=(rows, classes)) * 2, rng.integers(0, classes, rows)
        seen += [label_smoothing_loss(logits, y, epsilon) for epsilon in (0.0, 0.1, 0.5, 1.0)]
    kept = arguments_kept(label_smoothing_loss, logits[:5].astype(np.float32), y[:5], 0.2)
    return {"losses": [*seen, kept["returned"]], "changed": kept["changed"]}


@check("Huge logits give an exact loss.", zh="logits 极大时损失仍准确。", close=CLOSE)
def huge_logits_are_finite(label_smoothing_loss, rng):
    logits, y = 2 * rng.normal(size=(9, 6)), np.arange(9) % 6
    # In the last rows another class is far above the true one and above all others.
    logits[4:, :] += np.eye(6)[(y[4:] + 1) % 6] * rng.uniform(780, 980, (5, 1))
    return [label_smoothing_loss(logits[i : i + 1], y[i : i + 1], 0.1) for i in range(9)]


@check("Rows far apart do not disturb each other.", zh="各行数值相差悬殊也互不影响。", close=CLOSE)
def rows_far_apart(label_smoothing_loss, rng):
    logits, y = 2 * rng.normal(size=(4, 6)), rng.integers(0, 6, 4)
    return label_smoothing_loss(logits + np.array([[900.0], [0.0], [-900.0], [0.0]]), y, 0.1)


# --- focal_loss ---------------------------------------------------------------------------


def _rare(rng, rows=30):
    """Logits and targets of which one in five is 1."""
    return rng.normal(size=rows) * 2, rng.permutation(np.arange(rows) % 5 == 0).astype(int)


@check("Easy examples count less, by γ.", zh="容易的样本少算，由 γ 决定。", close=CLOSE)
def easy_examples_count_less(focal_loss, rng):
    logits, targets = _rare(rng)
    kept = arguments_kept(focal_loss, logits, targets, 3.0, None)
    found = [focal_loss(logits, targets, gamma, None) for gamma in (0.0, 0.5, 1.0, 2.0, 5.0)]
    return {"losses": [*found, kept["returned"]], "changed": kept["changed"]}


@check("α weighs class 1, 1 − α class 0.", zh="类别 1 乘 α，类别 0 乘 1 − α。", close=CLOSE)
def alpha_weighs_the_classes(focal_loss, rng):
    logits, targets = _rare(rng)
    alpha = rng.uniform(0.1, 0.4)
    return [focal_loss(logits, targets, 1.5, a) for a in (alpha, 0.9, 0.0)]


@check("It is the mean over all examples.", zh="对全部样本取平均。", close=CLOSE)
def mean_over_all_examples(focal_loss, rng):
    logits, targets = _rare(rng)
    none = np.zeros_like(targets)  # no example of class 1 at all
    small = logits.astype(np.float32)
    return [focal_loss(logits, targets), focal_loss(small[:7], targets[:7]),
            focal_loss(logits, none)]  # fmt: skip


@check("Huge logits give an exact loss.", zh="logits 极大时损失仍准确。", close=CLOSE)
def huge_margins_are_finite(focal_loss, rng):
    targets = np.array([1, 0, 1, 0, 1, 0, 1, 0, 1, 0])
    own = [*rng.uniform(-3, 1, 3), *-rng.uniform(750, 1000, 5), *rng.uniform(750, 1000, 2)]
    logits = np.where(targets == 1, own, -np.array(own))  # three near 0, five wrong, two right
    return [focal_loss(logits[i : i + 1], targets[i : i + 1], 2.0, None) for i in range(10)]


# --- ensemble_probabilities ---------------------------------------------------------------


@check("Probabilities are averaged.", zh="平均的是概率。", close=CLOSE)
def probabilities_are_averaged(ensemble_probabilities, rng):
    shapes = (3, 4, 5), (4, 4, 4), (2, 5, 3), (1, 3, 4)
    logits = [(rng.normal(size=shape) * 2).astype(np.float32) for shape in shapes]
    kept = arguments_kept(ensemble_probabilities, logits[0].astype(float))
    found = [ensemble_probabilities(some) for some in logits]
    return {"probabilities": [*found, kept["returned"]], "changed": kept["changed"]}


@check("Its log loss is never above the members' mean log loss.",
       zh="集成的对数损失不高于各成员的平均对数损失。",
       close=Tolerance(absolute=1e-5, relative=1e-4))  # fmt: skip
def no_worse_than_the_mean_member(ensemble_probabilities, rng):
    truth, rows = rng.integers(0, 4, 12), np.arange(12)
    logits = rng.normal(size=(5, 12, 4)) + 1.5 * np.eye(4)[truth]

    def log_loss(members):
        chances = np.asarray(ensemble_probabilities(members))[rows, truth]
        return float(-np.log(np.maximum(chances, 1e-12)).mean())

    alone = np.mean([log_loss(logits[m : m + 1]) for m in range(5)])
    return {"ensemble": log_loss(logits), "mean of members": alone}


@check("Sure members share, without overflow.", zh="确信的成员平分，不溢出。", close=CLOSE)
def sure_members_share(ensemble_probabilities, rng):
    size, (a, b, c) = rng.uniform(750, 1000, (3, 2)), rng.permutation(5)[:3]
    logits = np.zeros((3, 2, 5))
    for member, (own, other) in enumerate(((a, b), (a, c), (b, c))):
        logits[member, 0, own], logits[member, 1, other] = size[member]
    far = np.array([0.0, -900.0, 0.0]).reshape(3, 1, 1)  # the same probabilities
    return [ensemble_probabilities(logits), ensemble_probabilities(logits * 0.9 + far)]
