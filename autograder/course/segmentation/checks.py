"""Probes for `segmentation`: scenes of real digits, small models, and a DeepLab that is trained."""

import copy

import numpy as np

from autograder.checks import Tolerance, at_least, check, fixture, outcome_of
from autograder.probes import are_whole, arguments_kept, in_modes, moved, state_of, watch

from . import drawn, instruments
from .drawn import TWO, VOID

# `python benchmarks/spread segmentation` measures: right answers lie far within, mistakes outside.
BRIGHT = 0.005  # from 0 to 1; a picture may be rounded to whole pixels when it is enlarged
LOSS = Tolerance(absolute=1e-4, relative=1e-4)
SHARE = 1e-6
# Held-out mIoU of the trained model, which right answers exceed with every seed.
LEARNED = 0.75


@fixture
def guesses(rng):
    return drawn.logits_and_targets(rng)


@fixture
def net(torch_rng):
    """A small network, with batch normalisation and dropout, that returns "out" and "aux".

    So many classes tell more: of a few ids, most are right by chance.
    """
    return drawn.small_net(torch_rng, classes=40, dropout=0.3)


@fixture
def photographs(rng):
    return drawn.photographs(rng)


# --- joint_transform ----------------------------------------------------------------------


PRESET = (0.41, 0.52, 0.13), (0.21, 0.35, 0.28)
CROPS = ((0, 0, 12), 12, False), ((3, 5, 6), 12, True), ((6, 0, 4), 12, False)


@check(
    "The picture is cut, enlarged bilinearly, mirrored from left to right if asked, normalised by "
    "channel, float32.",
    zh="图片被裁剪、双线性放大、按要求左右翻转，并逐通道归一化，类型为 float32。",
    close=BRIGHT,
)
def picture_is_cut_enlarged_and_normalised(joint_transform, rng):
    image, mask = drawn.colourful(rng)
    plain = image.new_tensor([0, 255, 51])[:, None, None].expand_as(image)  # of one colour
    given = (plain, *CROPS[-1]), *((image, *how) for how in CROPS)
    seen = [np.asarray(joint_transform(one, mask, *how, *PRESET)[0]) for one, *how in given]
    mean, std = (np.reshape(values, (-1, 1, 1)) for values in PRESET)
    # Normalisation undone: what is left out or done twice is easier to tell there.
    return [{"x * std + mean": x * std + mean, "type": str(x.dtype)} for x in seen]


@check(
    "The mask is cut and mirrored likewise, every id stays an id, 255 stays 255, in int64.",
    zh="掩码同样被裁剪和翻转；编号还是编号，255 还是 255，类型为 int64。",
    close=0,
)
def every_id_stays_an_id(joint_transform, rng):
    image, mask = drawn.colourful(rng)
    masks = [np.asarray(joint_transform(image, mask, *how, *PRESET)[1]) for how in CROPS]
    return [{"y": y, "type": str(y.dtype)} for y in masks]


@check(
    "The arguments stay as they were, and masks of int64 will do as well.",
    zh="传入的参数保持原样；int64 的掩码也能用。",
    close=0,
)
def arguments_stay(joint_transform, rng):
    image, mask = drawn.colourful(rng)
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
    "A stride widens the steps of the layers after it, not its own: whole networks are right, and "
    "without layers it is 1.",
    zh="步幅拉大的是它之后各层的步距，不是它自己的：整个网络都要算对；一层也没有时是 1。",
    close=0,
)
def stride_counts_afterwards(receptive_field, rng):
    first, last, dilated = [(3, 2, 1), (3, 1, 1)], [(3, 1, 1), (3, 2, 1)], (3, 1, 2)
    several = first, last, [*first, (3, 2, 2)], [dilated, (3, 1, 1)], *drawn.networks(rng)
    widths = [receptive_field(layers) for layers in ([], [dilated], *several)]
    return [{"width": width, "whole": are_whole([width])} for width in widths]


# --- cross_entropy ------------------------------------------------------------------------


@check(
    "The loss is the mean over the pixels that count, and only over these.",
    zh="损失是参与计算的像素的平均值，也只对它们平均。",
    close=LOSS,
)
def mean_of_what_counts(cross_entropy, guesses, torch_rng):
    import torch

    logits, target = guesses
    # Softmax over the classes does not feel what all classes of a pixel get.
    more = 3 * torch.randn(2, 1, 5, 6, generator=torch_rng)
    return [
        cross_entropy(logits, target),
        cross_entropy(logits + more, target),
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
    gone, kept = target == VOID, target.clone()
    logits.requires_grad_()
    cross_entropy(logits, target).backward()
    void = logits.grad.movedim(1, -1)[gone]
    # Of a pixel that counts as some class, what its classes get adds up to 0.
    return {"at void": void.abs().max(), "left over": void.sum(1).abs().max(),
            "weights": instruments.weights_of(logits, kept), "gradient": logits.grad}  # fmt: skip


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
    off_by = {f"off by {number}": cross_entropy(number * pair, zero) for number in (10, 1000)}
    return {**off_by, "times 100": cross_entropy(100 * logits, target),
            "times -400": cross_entropy(-400 * logits, target)}  # fmt: skip


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
        return 0.0 if logits.grad is None else logits.grad.abs().max()

    return {"loss": loss, "largest gradient": outcome_of(largest_gradient)}


@check(
    "ignore_index is what it is given as, also the id of a class or a number below 0.",
    zh="ignore_index 由参数决定，也可以是某个类别的编号，或负数。",
    close=LOSS,
)
def any_index_can_be_ignored(cross_entropy, guesses):
    logits, target = guesses[0], guesses[1].long()
    of = {index: target.where(target != VOID, min(index, 0)) for index in (2, 0, 1, -100)}
    return [cross_entropy(logits, ids, ignore_index=index) for index, ids in of.items()]


@check(
    "It is written out: torch's ready-made loss is not called.",
    zh="是自己写的：没有调用 torch 现成的损失。",
    close=LOSS,
)
def written_out(cross_entropy, guesses):
    called, loss = instruments.ready_made_losses(lambda: cross_entropy(*guesses))
    return {"ready-made": bool(called), "loss": loss}


# --- mean_iou -----------------------------------------------------------------------------


SIZES = (9, 12, 14), (1, 3, 4), (2, 4, 3)  # the first has more than 255 pixels of a class


@check(
    "IoU is counted over all pixels of all batches, gone through once, then divided once.",
    zh="IoU 在所有批次的全部像素上累计，只遍历一次，最后只除一次。",
    close=SHARE,
)
def counted_over_all(mean_iou, rng):
    import torch

    pairs = drawn.answered(rng, SIZES)
    given = {"list": pairs, "iterator": ((p.long(), t.long()) for p, t in pairs),
             "in one batch": [drawn.in_one_batch(pairs, void=True)]}  # fmt: skip
    found = {name: _ious(mean_iou, some) for name, some in given.items()}
    # Of three pixels that are 0 or are said to be, one is both.
    said, true = torch.tensor([[0, 0, 1, 1], [0, 1, 0, 1]])[:, None, None]
    return {**found, "one of three": _ious(mean_iou, [(said, true)], 2)["iou"][0]}


def _ious(mean_iou, pairs, classes=5):
    found = mean_iou(pairs, classes)
    return {"iou": list(found["iou"]), "miou": found["miou"]}


@check(
    "Accuracy is the share of right pixels among all that count.",
    zh="准确率是参与计数的全部像素中预测正确的比例。",
    close=SHARE,
)
def accuracy_of_what_counts(mean_iou, rng):
    pairs = drawn.answered(rng, SIZES)
    filled = [(p.where(t != VOID, 0), t) for p, t in pairs]
    given = {"pairs": pairs, "the later": pairs[1:], "background at void": filled,
             "in one batch": [drawn.in_one_batch(pairs)]}  # fmt: skip
    return {name: mean_iou(some, 5)["accuracy"] for name, some in given.items()}


@check(
    "Void pixels do not count, whatever is predicted there.",
    zh="void 像素不计，不管那里预测成什么。",
    close=SHARE,
)
def void_does_not_count(mean_iou, rng):
    pairs = drawn.answered(rng, SIZES)
    found = []
    for said in (0, 3):
        filled = [(p.where(t != VOID, said), t) for p, t in pairs]
        found.append(_ious(mean_iou, filled))
    other = mean_iou([(p, t.long().where(t != VOID, -1)) for p, t in pairs], 5, ignore_index=-1)
    a_class = mean_iou([drawn.in_one_batch(pairs)], 5, ignore_index=1)  # it may be predicted
    return {"0 said": found[0], "3 said": found[1], "of -1": other["miou"],
            "of a class": a_class["miou"]}  # fmt: skip


@check(
    "It holds for any number of classes, also where ids come as uint8.",
    zh="类别再多也成立，编号是 uint8 时也一样。",
    close=SHARE,
)
def many_classes(mean_iou, rng):
    return [
        _ious(mean_iou, drawn.answered(rng, [(2, 9, 9)], classes=n, wrong=0.9), n) for n in (21, 40)
    ]


@check(
    "A class that is nowhere has no IoU: nan, left out of the mean. One that is predicted and "
    "never there has 0, and so has one that is never found.",
    zh="哪里都没有的类别谈不上 IoU：记为 nan，不进平均。从未出现却被预测的类别 IoU 为 0；"
    "从未被找到的也是。",
    close=SHARE,
)
def nowhere_is_not_never_right(mean_iou, rng):
    return _ious(mean_iou, drawn.never_right(rng, SIZES), 8)


# --- dice_loss ----------------------------------------------------------------------------


@check(
    "The loss is one minus the mean of the classes' Dice coefficients.",
    zh="损失等于 1 减去各类 Dice 系数的平均。",
    close=LOSS,
)
def one_minus_mean_dice(dice_loss, guesses, torch_rng):
    import torch

    logits, target = guesses
    # Softmax over the classes does not feel what all classes of a pixel get.
    more = 2 * torch.randn(2, 1, 5, 6, generator=torch_rng)
    return [
        dice_loss(logits, target),
        dice_loss(logits + more, target),
        dice_loss(logits, target.long(), smooth=0.01),
    ]


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
    logits, target, pixels = drawn.two_confused(rng)
    return {"loss": dice_loss(logits, target, smooth=1e-6), "pixels": pixels}


@check(
    "smooth stands above and below; a class that does not occur counts too.",
    zh="smooth 上下都有；没有出现的类别也要算。",
    close=LOSS,
)
def smooth_and_absent_classes(dice_loss, guesses):
    logits, target = guesses
    few = target.where((target == VOID) | (target < 2), 0)
    losses = [dice_loss(logits, few, smooth=smooth) for smooth in (0.5, 3.0, 1e4)]
    return {"losses": losses, "right and sure": dice_loss(drawn.sure_of(few), few)}


# --- train_deeplab ------------------------------------------------------------------------


@check(
    "It has the parts asked for: so many parameters, and convolutions with the given rates.",
    zh="部件符合要求：参数个数正确，空洞卷积的膨胀率就是给定的那几个。",
    close=0,
)
def parts_are_those_asked_for(build_deeplab, rng):
    drawn = [tuple(sorted(rng.permutation(np.arange(3, 13))[:n].tolist())) for n in (2, 4)]
    asked = zip((5, 3, 4), [(2, 4, 6), *drawn], strict=True)
    return [
        {"rates": list(r), **instruments.parts_of(build_deeplab(classes, r))}
        for classes, r in asked
    ]


@check(
    "Its “out” is as large as the picture: with the same weights, the logits that the parts asked "
    "for give one after the other.",
    zh="out 与图片一样大；权重相同时，它与题目要求的各部件依次相接所得一致。",
    close=Tolerance(absolute=1e-3, relative=1e-3),
)
def computes_what_its_parts_do(build_deeplab, torch_rng):
    import torch

    found = []
    for size in ((12, 16), (20, 10)):
        model = drawn.with_drawn_weights(build_deeplab(3, (1, 3)), torch_rng)
        with torch.no_grad():
            found.append(model(torch.randn(1, 1, *size, generator=torch_rng))["out"])
    return found


@fixture
def lesson(rng):
    return drawn.lesson(rng)


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
        train_deeplab(
            drawn.small_net(torch_rng, norm=False), *lesson, steps=12, batch_size=12, lr=0.1
        )
    )


@check(
    "AdamW takes every step, at the rates of the one-cycle schedule, with the weight decay given.",
    zh="每一步都由 AdamW 完成，学习率按 one-cycle 变化，权重衰减是给定的值。",
    close=1e-6,
)
def rates_of_the_schedule(train_deeplab, torch_rng, lesson):
    steps = instruments.watched_steps(
        lambda: train_deeplab(drawn.small_net(torch_rng), *lesson, steps=10, batch_size=4, lr=0.01)
    )
    seen = {name: [step[name] for step in steps] for name in ("rate", "decay")}
    return {"AdamW": {step["optimizer"] for step in steps} == {"AdamW"}, **seen}


@check(
    "Each picture comes once before any comes again, in training mode, in another order.",
    zh="每张图先各用一次再重新打乱；训练模式；每轮顺序不同。",
    close=0,
)
def each_picture_once(train_deeplab, net, lesson):
    calls = watch(net.eval(), lambda batch: [instruments.which_of(one, lesson[0]) for one in batch])
    losses = train_deeplab(net, *lesson, steps=9, batch_size=4, lr=1e-3)
    modes = {"losses": len(losses), "in training mode": all(call["training"] for call in calls)}
    return modes | instruments.told_of_rounds([call["rows"] for call in calls])


@check(
    "The trained model segments digits that it has not seen: held-out mIoU.",
    zh="训练好的模型能分割没见过的数字：看测试集上的 mIoU。",
    expect=at_least(LEARNED),
    weight=2,
    costly=True,
)
def segments_unseen_digits(train_deeplab, build_deeplab, rng):
    return instruments.held_out_miou(build_deeplab, train_deeplab, rng)


# --- predict_masks ------------------------------------------------------------------------


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
    pictures = colour_mask(mask, palette), colour_mask(mask, palette, void=(1, 200, 3))
    return [{"picture": one, "type": str(np.asarray(one).dtype)} for one in pictures]


@check(
    "Masks and palettes of any whole type will do, tensors too.",
    zh="任何整数类型的掩码和调色板都能用，张量也行。",
    close=0,
)
def any_type_of_mask(colour_mask, rng):
    return [colour_mask(*form) for form in drawn.masks_and_palettes(rng)]


# --- late_iou -----------------------------------------------------------------------------


@check(
    "A later mask fits worse, as far as the picture has moved.",
    zh="来得越迟，错位越大，吻合越差。",
    close=SHARE,
)
def later_fits_worse(late_iou, rng):
    return [
        late_iou(hand, speed, latency, 20)
        for hand in drawn.hands(rng).numpy()
        for speed, latency in ((0, 50), (20, 5), (20, 20), (-45, 10), (100, 2.6))
    ]


@check(
    "What leaves the picture is gone, and nothing comes in at the other side.",
    zh="移出画面的就没有了，另一侧也不会有东西进来。",
    close=SHARE,
)
def what_leaves_is_gone(late_iou, rng):
    hand = rng.random((4, 10)) < 0.6
    moves = (2, 5, -3, -7, 9, 10, 14, -40)
    found = [late_iou(hand, 100 * move, 10, 1) for move in moves]
    edge = np.arange(10)[None] < 3
    by_one = [late_iou(edge, 100 * move, 10, 1) for move in (1, -1)]
    return {"of a hand": found, "at the left edge, by 1 and -1": by_one}


@check(
    "Latency is in milliseconds; the shift is rounded; tensors will do.",
    zh="延迟以毫秒计；位移取整；张量也可以。",
    close=SHARE,
)
def milliseconds_and_rounding(late_iou, rng):
    hands = drawn.hands(rng)
    found = [late_iou(hands[0], 10, latency, 10) for latency in (13, 17, 24, 26, 38)]
    wide = np.arange(4000)[None] % 7 < 2
    return [*found, late_iou(wide, 1000, 1000, 1), late_iou(wide, 1000, 999, 1)]


# --- mended_segmentation ------------------------------------------------------------------


@fixture
def task(rng, torch_rng):
    return drawn.program_task(rng, torch_rng)


@check(
    "Its losses are those of the examples' own masks, in training mode.",
    zh="损失来自样本自己的掩码，并且是在训练模式下得到的。",
    close=LOSS,
    rests_on=("cross_entropy",),
    weight=2,
)
def losses_of_the_masks(mended_segmentation, task, torch_rng):
    again, plain = copy.deepcopy(task), copy.deepcopy(task)
    without_norm = drawn.small_net(torch_rng, norm=False)  # feels how bright the pictures are
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
    untrained = mended_segmentation(*copy.deepcopy(task), lr=0.0)["ids"]
    ids = mended_segmentation(*task)["ids"]
    kind = "whole" if are_whole(ids[0]) else "not whole"
    both = [np.stack([np.asarray(one) for one in some]) for some in (untrained, ids)]
    return {"untrained": both[0], "ids": both[1], "types": kind}


@check(
    "Each id has its colour of the palette, in whole numbers of eight bits.",
    zh="每个编号用调色板里的颜色，八位整数。",
    close=0,
    rests_on=("predict_masks", "colour_mask"),
)
def pictures_in_colour(mended_segmentation, task):
    pictures = mended_segmentation(*task, lr=0.0)["pictures"]  # whatever it has learned
    return {"pictures": pictures, "type": str(np.asarray(pictures[0]).dtype)}
