"""Probes for `segmentation`: scenes of real digits, small models, and a DeepLab that is trained."""

import copy

import numpy as np

from autograder.checks import Tolerance, at_least, check, fixture, outcome_of
from autograder.probes import are_whole, arguments_kept, in_modes, moved, state_of, watch

from .instruments import (
    CLASSES,
    VOID,
    answered,
    colourful,
    in_one_batch,
    mean_iou_of,
    seed_of,
    small_net,
    some_scenes,
    watched_steps,
    which_of,
)

# `python benchmarks/spread segmentation` measures: right answers lie far within, mistakes outside.
PIXELS = 0.02  # normalised; a picture may be rounded to whole pixels when it is enlarged
BRIGHT = 0.005  # from 0 to 1, likewise
LOSS = Tolerance(absolute=1e-4, relative=1e-4)
SHARE = 1e-6
# Held-out mIoU of the trained model, which right answers exceed with every seed.
LEARNED = 0.75

MEAN, STD = (0.163,), (0.268,)


@fixture
def pictures(rng):
    """Twelve pictures and their masks."""
    return some_scenes(12, "test", seed_of(rng))


@fixture
def guesses(rng):
    """Logits (2, 4, 5, 6), and targets (2, 5, 6) of which a third is void and class 3 is rare."""
    import torch

    target = rng.choice([0, 1, 2, 3, VOID], (2, 5, 6), p=[0.3, 0.2, 0.12, 0.03, 0.35])
    target[1, 0, :4] = [0, 1, 2, VOID]
    logits = torch.from_numpy(2 * rng.normal(size=(2, 4, 5, 6))).float()
    return logits, torch.from_numpy(target.astype(np.uint8))


@fixture
def net(torch_rng):
    """A small network, with batch normalisation and dropout, that returns "out" and "aux".

    So many classes tell more: of a few ids, most are right by chance.
    """
    return small_net(torch_rng, classes=40, dropout=0.3)


@fixture
def photographs(rng):
    """Seven pictures (7, 2, 6, 8) of noise, uint8, each brighter than the one before."""
    import torch

    noise = rng.integers(0, 160, (7, 2, 6, 8)) + 13 * np.arange(7)[:, None, None, None]
    return torch.from_numpy(noise.astype(np.uint8))


# --- joint_transform ----------------------------------------------------------------------


PRESET = (0.41, 0.52, 0.13), (0.21, 0.35, 0.28)
CROPS = ((0, 0, 12), 12, False), ((3, 5, 6), 12, True), ((6, 0, 4), 12, False)


@check(
    "The picture is cut, enlarged bilinearly, mirrored if asked, normalised by channel, float32.",
    zh="图片被裁剪、双线性放大、按要求翻转，并逐通道归一化，类型为 float32。",
    close=BRIGHT,
)
def picture_is_cut_enlarged_and_normalised(joint_transform, rng):
    image, mask = colourful(rng)
    seen = [np.asarray(joint_transform(image, mask, *how, *PRESET)[0]) for how in CROPS]
    mean, std = (np.reshape(values, (-1, 1, 1)) for values in PRESET)
    # Normalisation undone: what is left out or done twice is easier to tell there.
    return {"pictures": [x * std + mean for x in seen], "types": [str(x.dtype) for x in seen]}


@check(
    "A picture of one colour comes out as (x − mean) / std of each channel.",
    zh="纯色图片的每个通道都得到 (x − mean) / std。",
    close=BRIGHT,
)
def one_colour_is_normalised(joint_transform):
    import torch

    image = torch.tensor([0, 255, 51], dtype=torch.uint8)[:, None, None].expand(3, 4, 4)
    mask = torch.zeros(4, 4, dtype=torch.uint8)
    return np.asarray(joint_transform(image, mask, (0, 0, 2), 4, False, *PRESET)[0])[:, 0, 0]


@check(
    "The mask is cut and mirrored likewise, every id stays an id, 255 stays 255, in int64.",
    zh="掩码同样被裁剪和翻转；编号还是编号，255 还是 255，类型为 int64。",
    close=0,
)
def every_id_stays_an_id(joint_transform, rng):
    image, mask = colourful(rng)
    masks = [np.asarray(joint_transform(image, mask, *how, *PRESET)[1]) for how in CROPS]
    return {"masks": masks, "types": [str(mask.dtype) for mask in masks]}


@check(
    "Picture and mask fit together: ink lies where the mask has a digit.",
    zh="图片和掩码对得上：掩码说有数字的地方，图上就有墨迹。",
    close=PIXELS,
)
def ink_lies_under_the_mask(joint_transform, pictures):
    ink = []
    for image, mask, flip in zip(*pictures, [True, False] * 6, strict=True):
        x, y = joint_transform(image, mask, (8, 8, 16), 32, flip, (0.0,), (1.0,))
        x, y = np.asarray(x)[0], np.asarray(y)
        ink.append([float(x[y == k].sum()) / 100 for k in range(1, CLASSES)])
    return ink


@check(
    "Mirroring exchanges left and right, and leaves above and below.",
    zh="翻转只交换左右，不动上下。",
    close=BRIGHT,
)
def left_and_right_change_places(joint_transform, rng):
    image, mask = colourful(rng)
    x, y = joint_transform(image, mask, (2, 1, 8), 8, True, (0.0,) * 3, (1.0,) * 3)
    y = np.asarray(y) % VOID
    sides = {"row": -1, "column": -2}  # the mean of each
    return [{of: a.mean(axis) for of, axis in sides.items()} for a in (np.asarray(x), y)]


@check(
    "The arguments stay as they were, and masks of int64 will do as well.",
    zh="传入的参数保持原样；int64 的掩码也能用。",
    close=PIXELS,
)
def arguments_stay(joint_transform, rng):
    image, mask = colourful(rng)
    seen = [
        arguments_kept(joint_transform, image, kind, (4, 2, 6), 12, True, *PRESET)
        for kind in (mask, mask.long())
    ]
    return [{"changed": one["changed"], "y": np.asarray(one["returned"][1])} for one in seen]


# --- receptive_field ----------------------------------------------------------------------


@check(
    "One atrous convolution spans (kernel - 1) × dilation + 1 pixels.",
    zh="单层空洞卷积的跨度是 (kernel − 1) × dilation + 1。",
    close=0,
)
def one_layer(receptive_field, rng):
    layers = [(int(k), 1, int(d)) for k, d in rng.integers([1, 1], [8, 13], (6, 2))]
    return [receptive_field([layer]) for layer in [(3, 1, 1), (3, 1, 6), (5, 1, 2), *layers]]


@check(
    "A stride widens the steps of the layers after it, not its own.",
    zh="步幅拉大的是它之后各层的步距，不是它自己的。",
    close=0,
)
def stride_counts_afterwards(receptive_field):
    first, last = [(3, 2, 1), (3, 1, 1)], [(3, 1, 1), (3, 2, 1)]
    dilated = [(3, 1, 2), (3, 1, 1)]
    several = first, last, first * 2, [*first, (3, 2, 2)], dilated
    return {"one layer": receptive_field(dilated[:1]),
            "several": [receptive_field(layers) for layers in several]}  # fmt: skip


@check(
    "Whole networks, in any order of kernels, strides and dilations, and none at all.",
    zh="任意组合的整个网络都对；一层也没有时是 1。",
    close=0,
)
def whole_networks(receptive_field, rng):
    networks = [
        [tuple(map(int, layer)) for layer in rng.integers([1, 1, 1], [6, 4, 5], (n, 3))]
        for n in (2, 3, 4, 5)
    ]
    fields = [receptive_field(layers) for layers in [[], *networks]]
    return {"fields": fields, "types": "whole" if are_whole(fields) else "not whole"}


# --- cross_entropy ------------------------------------------------------------------------


@check(
    "The loss is the mean over the pixels that count, and only over these.",
    zh="损失是参与计算的像素的平均值，也只对它们平均。",
    close=LOSS,
)
def mean_of_what_counts(cross_entropy, guesses):
    logits, target = guesses
    return [
        cross_entropy(logits, target),
        cross_entropy(logits.double(), target.long()),
        cross_entropy(logits[1:, :, :1, :4], target[1:, :1, :4]),
        cross_entropy(logits[1:, :, :1, 2:4], target[1:, :1, 2:4]),  # of two pixels one counts
    ]


@check(
    "Void pixels get no gradient, the others that of softmax minus target.",
    zh="void 像素的梯度为零，其余像素的梯度是 softmax 减目标。",
    close=LOSS,
)
def void_teaches_nothing(cross_entropy, guesses):
    logits, target = guesses
    logits.requires_grad_()
    cross_entropy(logits, target).backward()
    void = logits.grad.movedim(1, -1)[target == VOID]
    # Of a pixel that counts as some class, what its classes get adds up to 0.
    return {"at void": void.abs().max(), "left over": void.sum(1).abs().max(),
            "gradient": logits.grad}  # fmt: skip


@check(
    "A number added to all logits of a pixel changes nothing.",
    zh="给一个像素的全部 logits 加上同一个数，损失不变。",
    close=LOSS,
)
def same_for_all_classes_changes_nothing(cross_entropy, guesses, torch_rng):
    import torch

    logits, target = guesses
    more = 3 * torch.randn(2, 1, 5, 6, generator=torch_rng)
    return {"loss": (loss := cross_entropy(logits, target)),
            "change": cross_entropy(logits + more, target) - loss}  # fmt: skip


@check(
    "It holds where the model is sure and wrong.",
    zh="模型十分肯定却判错时，损失依然正确。",
    close=LOSS,
)
def sure_and_wrong(cross_entropy, guesses):
    import torch

    pair = torch.tensor([0.0, 1.0]).reshape(1, 2, 1, 1)
    zero = torch.zeros(1, 1, 1, dtype=torch.uint8)
    logits, target = guesses
    return {"off by 10 and 1000": [cross_entropy(times * pair, zero) for times in (10, 1000)],
            "many": [cross_entropy(times * logits, target) for times in (100, -400)]}  # fmt: skip


@check(
    "If no pixel counts, the loss is 0, and so is its gradient.",
    zh="没有像素参与计算时，损失为 0，梯度也为 0。",
    close=LOSS,
)
def nothing_counts(cross_entropy, guesses):
    import torch

    logits = guesses[0].requires_grad_()
    loss = cross_entropy(logits, torch.full((2, 5, 6), VOID))

    def largest_gradient():
        loss.backward()
        return logits.grad.abs().max()

    return {"loss": loss, "largest gradient": outcome_of(largest_gradient)}


@check(
    "ignore_index is what it is given as, also the id of a class.",
    zh="ignore_index 由参数决定，也可以是某个类别的编号。",
    close=LOSS,
)
def any_index_can_be_ignored(cross_entropy, guesses):
    logits, target = guesses[0], guesses[1].long()
    target[target == VOID] = 0
    return [cross_entropy(logits, target, ignore_index=index) for index in (2, 0, 1)]


@check(
    "ignore_index may be a number below 0, such as −100.",
    zh="ignore_index 可以是负数，例如 −100。",
    close=LOSS,
)
def negative_index_is_ignored(cross_entropy, guesses):
    logits, target = guesses[0], guesses[1].long()
    return cross_entropy(logits, target.where(target != VOID, -100), ignore_index=-100)


@check(
    "It is written out: torch's ready-made loss is not called.",
    zh="是自己写的：没有调用 torch 现成的损失。",
    close=LOSS,
)
def written_out(cross_entropy, guesses):
    from torch.utils._python_dispatch import TorchDispatchMode

    called = []

    class Listen(TorchDispatchMode):
        def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
            if "nll_loss" in str(operation) or "cross_entropy" in str(operation):
                called.append(str(operation))
            return operation(*arguments, **(keywords or {}))

    with Listen():
        loss = cross_entropy(*guesses)
    return {"ready-made": bool(called), "loss": loss}


# --- mean_iou -----------------------------------------------------------------------------


SIZES = (9, 12, 14), (1, 3, 4), (2, 4, 3)  # the first has more than 255 pixels of a class


@check(
    "IoU is counted over all pixels of all batches, gone through once, then divided once.",
    zh="IoU 在所有批次的全部像素上累计，只遍历一次，最后只除一次。",
    close=SHARE,
)
def counted_over_all(mean_iou, rng):
    pairs = answered(rng, SIZES)
    said, true = in_one_batch(pairs)
    given = {"list": pairs, "iterator": ((p.long(), t.long()) for p, t in pairs),
             "in one batch": [in_one_batch(pairs, void=True)],
             "exchanged": [(true, said)]}  # fmt: skip
    return {name: _ious(mean_iou, some) for name, some in given.items()}


def _ious(mean_iou, pairs, classes=5):
    found = mean_iou(pairs, classes)
    return {"iou": list(found["iou"]), "miou": found["miou"]}


@check(
    "Accuracy is the share of right pixels among all that count.",
    zh="准确率是参与计数的全部像素中预测正确的比例。",
    close=SHARE,
)
def accuracy_of_what_counts(mean_iou, rng):
    pairs = answered(rng, SIZES)
    filled = [(p.where(t != VOID, 0), t) for p, t in pairs]
    given = {"pairs": pairs, "the later": pairs[1:], "background at void": filled,
             "in one batch": [in_one_batch(pairs)]}  # fmt: skip
    return {name: mean_iou(some, 5)["accuracy"] for name, some in given.items()}


@check(
    "Void pixels do not count, whatever is predicted there.",
    zh="void 像素不计，不管那里预测成什么。",
    close=SHARE,
)
def void_does_not_count(mean_iou, rng):
    pairs = answered(rng, SIZES)
    found = []
    for said in (0, 3):
        filled = [(p.where(t != VOID, said), t) for p, t in pairs]
        found.append(_ious(mean_iou, filled))
    other = mean_iou([(p, t.long().where(t != VOID, -1)) for p, t in pairs], 5, ignore_index=-1)
    a_class = mean_iou([in_one_batch(pairs)], 5, ignore_index=1)  # it may be predicted
    return {"0 said": found[0], "3 said": found[1], "of -1": other["miou"],
            "of a class": a_class["miou"]}  # fmt: skip


@check(
    "A class that is nowhere has no IoU: nan, left out of the mean.",
    zh="哪里都没有的类别谈不上 IoU：记为 nan，不进平均。",
    close=SHARE,
)
def a_class_that_is_nowhere(mean_iou, rng):
    return _ious(mean_iou, answered(rng, SIZES), 8)


@check(
    "It holds for any number of classes, also where ids come as uint8.",
    zh="类别再多也成立，编号是 uint8 时也一样。",
    close=SHARE,
)
def many_classes(mean_iou, rng):
    return [_ious(mean_iou, answered(rng, [(2, 9, 9)], classes=n, wrong=0.9), n) for n in (21, 40)]


@check(
    "A class that is predicted and never there has IoU 0; so has one that is never found.",
    zh="从未出现却被预测的类别 IoU 为 0；从未被找到的也是。",
    close=SHARE,
)
def never_right_is_zero(mean_iou, rng):
    import torch

    pairs = [(p.where(p != 2, 5), t.where(t != 5, 0)) for p, t in answered(rng, SIZES, classes=4)]
    pairs[0][1][0, 0, :2] = torch.tensor([2, 0], dtype=torch.uint8)
    pairs[0][0][0, 0, :2] = torch.tensor([5, 5], dtype=torch.uint8)
    return _ious(mean_iou, pairs, 6)


# --- dice_loss ----------------------------------------------------------------------------


@check(
    "The loss is one minus the mean of the classes' Dice coefficients.",
    zh="损失等于 1 减去各类 Dice 系数的平均。",
    close=LOSS,
)
def one_minus_mean_dice(dice_loss, guesses, torch_rng):
    import torch

    logits, target = guesses
    losses = [dice_loss(logits, target), dice_loss(logits, target.long(), smooth=0.01)]
    # Softmax over the classes does not feel what all classes of a pixel get.
    more = 2 * torch.randn(2, 1, 5, 6, generator=torch_rng)
    return {"losses": losses, "change": dice_loss(logits + more, target) - losses[0]}


@check(
    "Void pixels are in none of the sums, whatever is predicted there.",
    zh="void 像素不进入任何求和，不管那里预测成什么。",
    close=LOSS,
)
def void_is_in_no_sum(dice_loss, guesses):
    import torch

    logits, target = guesses
    void = (target == VOID)[:, None]
    shifted = logits.where(~void, logits.flip(1) * 3)
    filled = target.long().where(target != VOID, -100)
    shifted.requires_grad_()
    loss = dice_loss(shifted, filled, ignore_index=-100)
    loss.backward()
    in_void = torch.where(void, shifted.grad, 0.0).abs().sum()
    return {"loss": loss, "gradient in void": in_void, "gradient": shifted.grad}


@check(
    "For sure answers Dice is 2J / (1 + J), J being the intersection over union.",
    zh="答案十分肯定时，Dice 等于 2J / (1 + J)，J 即交并比。",
    close=LOSS,
)
def dice_of_sure_answers(dice_loss, rng):
    import torch

    ((said, target),) = answered(rng, [(2, 5, 6)], classes=3)
    said[0, 0, :3] = target[0, 0, :3] = torch.arange(3)
    logits = 60.0 * torch.nn.functional.one_hot(said.long(), 3).movedim(-1, 1)
    return dice_loss(logits, target, smooth=1e-6)


@check(
    "smooth stands above and below; a class that does not occur counts too.",
    zh="smooth 上下都有；没有出现的类别也要算。",
    close=LOSS,
)
def smooth_and_absent_classes(dice_loss, guesses):
    logits, target = guesses
    few = target.where((target == VOID) | (target < 2), 0)
    losses = [dice_loss(logits, few, smooth=smooth) for smooth in (0.5, 3.0, 10.0)]
    return {"losses": losses, "smooth outweighs all": dice_loss(logits, few, smooth=1e4)}


# --- train_deeplab ------------------------------------------------------------------------


@check(
    "Logits come in the dict's “out”, one for each class, as large as the picture.",
    zh="logits 在字典的 out 里，每类一层，与图片一样大。",
    close=0,
)
def out_is_as_large_as_the_picture(build_deeplab):
    import torch

    found = []
    for classes, size in ((5, (32, 32)), (3, (24, 40)), (11, (16, 18))):
        model = build_deeplab(classes).eval()
        with torch.no_grad():
            found.append(list(model(torch.zeros(2, 1, *size))["out"].shape))
    return found


@check(
    "It has the parts asked for: so many parameters, and convolutions with the given rates.",
    zh="部件符合要求：参数个数正确，空洞卷积的膨胀率就是给定的那几个。",
    close=0,
)
def parts_are_those_asked_for(build_deeplab):
    from torch import nn

    found = []
    for classes, rates in ((5, (2, 4, 6)), (3, (1, 3)), (4, (3, 6, 9, 12))):
        model = build_deeplab(classes, rates)
        convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
        dilations = sorted(c.dilation[0] for c in convolutions if c.kernel_size == (3, 3))
        count = sum(value.numel() for value in model.parameters())
        dropouts = sum(isinstance(m, nn.Dropout) for m in model.modules())
        found.append({"dilations": dilations, "parameters": count, "dropouts": dropouts})
    return found


@check(
    "With the same weights its logits are those of the parts asked for, one after the other.",
    zh="权重相同时，logits 与题目要求的各部件依次相接所得一致。",
    close=Tolerance(absolute=1e-3, relative=1e-3),
)
def computes_what_its_parts_do(build_deeplab, torch_rng):
    import torch

    model = build_deeplab(3, (1, 3)).eval()
    with torch.no_grad():
        for value in model.parameters():
            spread = value[0].numel() ** -0.5 if value.ndim > 1 else 1.0
            value.normal_(0, spread, generator=torch_rng)
        x = torch.randn(1, 1, 12, 16, generator=torch_rng)
        return model(x)["out"]


@fixture
def lesson(rng):
    """Twelve pictures (12, 2, 6, 8) of noise, normalised, with ids and void (12, 6, 8)."""
    import torch

    x = torch.from_numpy(rng.normal(size=(12, 2, 6, 8))).float()
    y = torch.from_numpy(rng.choice([0, 1, 2, 3, VOID], (12, 6, 8)))
    return x, y.to(torch.uint8)


@check(
    "The losses are those of AdamW under the one-cycle schedule, void left out, step by step.",
    zh="每一步的损失都符合 AdamW 加 one-cycle 学习率、且不计 void 的结果。",
    close=Tolerance(absolute=1e-3, relative=1e-3),
    rests_on=("cross_entropy",),
    weight=2,
)
def losses_step_by_step(train_deeplab, torch_rng, lesson):
    # All pictures in every batch, so that their order makes no difference.
    return list(
        train_deeplab(small_net(torch_rng, norm=False), *lesson, steps=12, batch_size=12, lr=0.1)
    )


@check(
    "AdamW takes every step, at the rates of the one-cycle schedule, with the weight decay given.",
    zh="每一步都由 AdamW 完成，学习率按 one-cycle 变化，权重衰减是给定的值。",
    close=1e-6,
)
def rates_of_the_schedule(train_deeplab, torch_rng, lesson):
    steps = watched_steps(
        lambda: train_deeplab(small_net(torch_rng), *lesson, steps=10, batch_size=4, lr=0.01)
    )
    return {name: [step[name] for step in steps] for name in ("optimizer", "rate", "decay")}


@check(
    "Each picture comes once before any comes again, in training mode, in another order.",
    zh="每张图先各用一次再重新打乱；训练模式；每轮顺序不同。",
    close=0,
)
def each_picture_once(train_deeplab, net, lesson):
    x, y = lesson
    calls = watch(net.eval(), lambda batch: [which_of(one, x) for one in batch])
    losses = train_deeplab(net, x, y, steps=9, batch_size=4, lr=1e-3)
    rounds = [[row for call in calls[i : i + 3] for row in call["rows"]] for i in (0, 3, 6)]
    return {
        "losses": len(losses),
        "in training mode": all(call["training"] for call in calls),
        "again too soon": any(len(set(rows)) < len(rows) for rows in rounds),
        "each round": [sorted(rows) for rows in rounds],
        "same order each round": rounds[0] == rounds[1] == rounds[2],
    }


@check(
    "The trained model segments digits that it has not seen: held-out mIoU.",
    zh="训练好的模型能分割没见过的数字：看测试集上的 mIoU。",
    expect=at_least(LEARNED),
    weight=2,
    costly=True,
)
def segments_unseen_digits(train_deeplab, build_deeplab, rng):
    import torch

    images, masks = some_scenes(400, "train", seed_of(rng))
    model = build_deeplab(CLASSES)
    train_deeplab(model, (images / 255 - MEAN[0]) / STD[0], masks)
    images, masks = some_scenes(200, "test", seed_of(rng))
    with torch.no_grad():
        said = model.eval()((images / 255 - MEAN[0]) / STD[0])["out"].argmax(dim=1)
    return mean_iou_of(said, masks)


# --- predict_masks ------------------------------------------------------------------------

TWO = (0.3, 0.45), (0.2, 0.31)  # mean and std of two channels


@check(
    "Ids are the highest logits of “out”, for pictures prepared as in training.",
    zh="编号取 out 中最大的 logit，图片的处理与训练时相同。",
    close=BRIGHT,  # of pixels; ids are whole numbers
)
def highest_of_out(predict_masks, net, photographs):
    calls = watch(net.eval(), lambda x: x.detach()[:, :, 0, 0].tolist())
    ids = predict_masks(net, photographs, *TWO)
    return {"ids": ids, "types": "whole" if are_whole(ids) else "not whole",
            "first pixels": [row for call in calls for row in call["rows"]]}  # fmt: skip


@check(
    "A picture's ids do not depend on its neighbours, though the model came in training mode.",
    zh="哪怕模型传进来时处于训练模式，一张图的结果也不受同批其他图片影响。",
    close=0,
)
def neighbours_change_nothing(predict_masks, net, photographs):
    sizes = (1, 3, 100)
    return [predict_masks(net.train(), photographs, *TWO, batch_size=size) for size in sizes]


@check(
    "No more than batch_size pictures at a time, and no gradient is kept.",
    zh="一次不超过 batch_size 张，不保留梯度。",
    close=0,
)
def no_batch_is_larger(predict_masks, net, photographs):
    calls = watch(net)
    ids = predict_masks(net, photographs, *TWO, batch_size=3)
    most = max(call["rows"] for call in calls) if calls else 0
    return {"too many": most > 3, "gradients": any(c["grad"] for c in calls), "ids": ids}


@check(
    "The model stays as it was and goes back in the mode in which it came.",
    zh="模型保持不变，用完还原模式。",
    close=0,
)
def model_stays(predict_masks, net, photographs):
    before = state_of(net)
    seen = in_modes(net, lambda: list(np.shape(predict_masks(net, photographs, *TWO))))
    frozen = [name for name, value in net.named_parameters() if not value.requires_grad]
    return {"modes": seen, "changed": moved(net, before) + frozen}


# --- colour_mask --------------------------------------------------------------------------


@check(
    "Every id has its own colour, and void its own, whole numbers from 0 to 255.",
    zh="每个编号一种颜色，void 也有自己的颜色，取值 0 到 255 的整数。",
    close=0,
)
def every_id_its_colour(colour_mask, rng):
    palette = rng.integers(0, 256, (6, 3))
    mask = rng.choice([*range(6), VOID], (4, 7))
    picture = colour_mask(mask, palette)
    other = colour_mask(mask, palette, void=(1, 200, 3))
    return {"picture": picture, "type": str(np.asarray(picture).dtype), "other void": other}


@check(
    "Masks and palettes of any whole type will do, tensors too.",
    zh="任何整数类型的掩码和调色板都能用，张量也行。",
    close=0,
)
def any_type_of_mask(colour_mask, rng):
    import torch

    palette, most = rng.integers(0, 256, (4, 3)), rng.integers(0, 256, (255, 3))
    mask = rng.choice([*range(4), VOID], (3, 5))
    many = rng.choice([*range(200, 256)], (3, 5)).astype(np.uint8)
    forms = (
        (mask.astype(np.uint8), palette.astype(np.uint8)),
        (torch.from_numpy(mask), palette),
        (torch.from_numpy(mask.astype(np.uint8)), torch.from_numpy(palette)),
        (mask, palette.tolist()),
        (many, most),
    )
    return [colour_mask(*form) for form in forms]


# --- late_iou -----------------------------------------------------------------------------


@check(
    "A later mask fits worse, as far as the picture has moved.",
    zh="来得越迟，错位越大，吻合越差。",
    close=SHARE,
)
def later_fits_worse(late_iou, pictures):
    hands = [np.asarray(mask) > 0 for mask in pictures[1][:4]]
    return [
        late_iou(hand, speed, latency, 20)
        for hand in hands
        for speed, latency in ((0, 50), (20, 5), (20, 20), (-45, 10), (100, 2.6))
    ]


@check(
    "What leaves the picture is gone, and nothing comes in at the other side.",
    zh="移出画面的就没有了，另一侧也不会有东西进来。",
    close=SHARE,
)
def what_leaves_is_gone(late_iou):
    hand = np.zeros((4, 10), bool)
    hand[1:3, 6:] = hand[3, :5] = True
    moves = (2, 5, -3, -7, 9, 10, 14, -40)
    return [late_iou(hand, 100 * move, 10, 1) for move in moves]


@check(
    "Latency is in milliseconds; the shift is rounded; tensors will do.",
    zh="延迟以毫秒计；位移取整；张量也可以。",
    close=SHARE,
)
def milliseconds_and_rounding(late_iou, pictures):
    import torch

    hand = torch.as_tensor(pictures[1][0]) > 0
    found = [late_iou(hand, 10, latency, 10) for latency in (13, 17, 24, 26, 38)]
    wide = np.arange(4000)[None] % 7 < 2
    return [*found, late_iou(wide, 1000, 1000, 1), late_iou(wide, 1000, 999, 1)]


# --- mended_segmentation ------------------------------------------------------------------


@fixture
def task(rng, torch_rng):
    """What the program gets: a model, six examples, three pictures, a palette, mean and std."""
    import torch

    def noise(*shape):
        return torch.from_numpy(rng.integers(0, 256, shape).astype(np.uint8))

    examples = []
    for image in noise(6, 2, 8, 10):
        mask = rng.choice([0, 1, 2, 3, VOID], (4, 5), p=[0.3, 0.2, 0.2, 0.2, 0.1])
        mask = torch.from_numpy(mask.astype(np.uint8))
        examples.append({"image": image, "mask": mask, "folder": int(rng.integers(4))})
    palette = rng.integers(0, 256, (4, 3))
    return small_net(torch_rng).eval(), examples, noise(3, 2, 8, 10), palette, *TWO


@check(
    "Its losses are those of the examples' own masks, in training mode.",
    zh="损失来自样本自己的掩码，并且是在训练模式下得到的。",
    close=LOSS,
    rests_on=("cross_entropy",),
    weight=2,
)
def losses_of_the_masks(mended_segmentation, task, torch_rng):
    again, plain = copy.deepcopy(task), copy.deepcopy(task)
    without_norm = small_net(torch_rng, norm=False)  # feels how bright the pictures are
    return [list(mended_segmentation(*task, lr=0.05)["losses"]),
            list(mended_segmentation(*again, lr=0.02)["losses"]),
            list(mended_segmentation(without_norm, *plain[1:], lr=0.02)["losses"])]  # fmt: skip


@check(
    "The model gets the examples two by two, in training mode, then the test pictures; all of "
    "them normalised.",
    zh="模型先在训练模式下每次得到两个样本，再得到测试图片，全都归一化过。",
    close=BRIGHT,
    rests_on=("predict_masks",),
)
def what_the_model_gets(mended_segmentation, task):
    calls = watch(task[0], lambda x: x.detach()[:, :, 0, 0].tolist())
    mended_segmentation(*task)
    first, then = ([c["rows"] for c in calls if c["training"] is mode] for mode in (True, False))
    return {"rows": [len(rows) for rows in first],
            "trained on": [pixel for rows in first for pixel in rows],
            "tested on": [pixel for rows in then for pixel in rows]}  # fmt: skip


@check(
    "Test pictures get ids, as the trained model sees them in evaluation mode.",
    zh="测试图片得到编号，由训练后的模型在评估模式下给出。",
    close=0,
    rests_on=("cross_entropy", "predict_masks"),
)
def ids_of_the_test_pictures(mended_segmentation, task):
    ids = mended_segmentation(*task)["ids"]
    kind = "whole" if are_whole(ids[0]) else "not whole"
    return {"ids": np.stack([np.asarray(one) for one in ids]), "types": kind}


@check(
    "Each id has its colour of the palette, in whole numbers of eight bits.",
    zh="每个编号用调色板里的颜色，八位整数。",
    close=0,
    rests_on=("predict_masks", "colour_mask"),
)
def pictures_in_colour(mended_segmentation, task):
    pictures = mended_segmentation(*task, lr=0.0)["pictures"]  # whatever it has learned
    return {"pictures": pictures, "type": str(np.asarray(pictures[0]).dtype)}
