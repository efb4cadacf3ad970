"""Known-wrong answers for `segmentation`, each one misconception; many are the documents' own."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from autograder.checks import wrong

from . import reference

VOID = 255


def _channels(values):
    return torch.tensor(values).reshape(-1, 1, 1)


# --- joint_transform ----------------------------------------------------------------------


def _joint(image, mask, crop, size, flip, mean, std, *, cut=True, turn=True, mode="nearest"):
    """A pair of transforms; each keyword leaves something out for the mask."""
    x, _ = reference.joint_transform(image, mask, crop, size, flip, mean, std)
    top, left, side = crop if cut else (0, 0, len(mask))
    y = mask[top : top + side, left : left + side].float()[None, None]
    y = functional.interpolate(y, size=(size, size), mode=mode)[0, 0].long()
    return x, y.flip(1) if flip and turn else y


@wrong(
    "joint_transform",
    "Ids appear in the mask that are not there, as when it is enlarged bilinearly: between class 1 "
    "and class 7 there is nothing.",
    zh="掩码里冒出了并不存在的编号，例如用了双线性放大：1 类和 7 类之间什么也没有。",
    caught_by="every_id_stays_an_id",
    errata=("E026",),
    step="Repeat ids, don't average them: mode='nearest', or a tv_tensors.Mask.",
    step_zh="编号只能重复，不能求平均：用最近邻，或用 tv_tensors.Mask。",
    looks_like=lambda seen: not np.isin(np.concatenate(seen["masks"]), [0, 1, 4, 7, VOID]).all(),
)
def mask_enlarged_bilinearly(*given):
    return _joint(*given, mode="bilinear")


@wrong(
    "joint_transform",
    "Mirrors the picture and forgets its mask.",
    zh="图片翻转了，掩码没有翻。",
    caught_by="ink_lies_under_the_mask",
    errata=("E026",),
    step="Draw the transform once and apply it to both.",
    step_zh="变换只抽一次，两者都用。",
)
def mask_not_mirrored(*given):
    return _joint(*given, turn=False)


@wrong(
    "joint_transform",
    "Cuts the picture and resizes the whole mask.",
    zh="图片裁剪了，掩码却是整张缩放的。",
    caught_by="every_id_stays_an_id",
    errata=("E026",),
    step="Cut the same rows and columns out of the mask, then enlarge.",
    step_zh="从掩码里裁出同样的行和列，再放大。",
)
def mask_not_cut(*given):
    return _joint(*given, cut=False)


@wrong(
    "joint_transform",
    "A picture of one colour does not come out as (x − mean) / std: normalised otherwise, or not.",
    zh="纯色图片得到的不是 (x − mean) / std：归一化没做，或做得不对。",
    caught_by="one_colour_is_normalised",
    errata=("E027",),
    step="To 0 … 1 first; then subtract the mean and divide by the std, channel by channel.",
    step_zh="先缩放到 0 … 1，再逐通道减均值、除以标准差。",
    looks_like=lambda seen: True,
)
def picture_not_normalised(image, mask, crop, size, flip, mean, std):
    return reference.joint_transform(image, mask, crop, size, flip, [0.0] * 3, [1.0] * 3)


@wrong(
    "joint_transform",
    "Takes the row that the square begins at for the column, and the column for the row.",
    zh="把正方形起始的行当成了列，列当成了行。",
    caught_by="every_id_stays_an_id",
    step="Rows are the second last axis, columns the last: image[:, top:…, left:…].",
    step_zh="行是倒数第二轴，列是最后一轴：image[:, top:…, left:…]。",
)
def row_and_column_exchanged(image, mask, crop, *given):
    top, left, side = crop
    return reference.joint_transform(image, mask, (left, top, side), *given)


@wrong(
    "joint_transform",
    "Enlarges the picture with align_corners=True: corners meet corners, not centres centres.",
    zh="放大图片时用了 align_corners=True：对齐的是角，而不是像素中心。",
    caught_by="picture_is_cut_enlarged_and_normalised",
    step="Leave align_corners at False.",
    step_zh="align_corners 保持 False。",
)
def corners_aligned(image, mask, crop, size, flip, mean, std):
    _, y = reference.joint_transform(image, mask, crop, size, flip, mean, std)
    top, left, side = crop
    x = image[None, :, top : top + side, left : left + side].float() / 255
    x = functional.interpolate(x, size=(size, size), mode="bilinear", align_corners=True)[0]
    x = x.flip(-1) if flip else x
    return (x - _channels(mean)) / _channels(std), y


def _enlarged(image, mask, crop, size, flip, mean, std, *, first=False, mode="bilinear"):
    _, y = reference.joint_transform(image, mask, crop, size, flip, mean, std)
    top, left, side = crop
    times = size // side
    x = image[None] if first else image[None, :, top : top + side, left : left + side]
    x = functional.interpolate(x.float() / 255, scale_factor=times, mode=mode)[0]
    if first:
        x = x[:, top * times : top * times + size, left * times : left * times + size]
    return ((x.flip(-1) if flip else x) - _channels(mean)) / _channels(std), y


@wrong(
    "joint_transform",
    "Enlarges the whole picture and cuts then: pixels outside the square show at its edge.",
    zh="先放大整张图再裁剪：方框之外的像素渗进了边缘。",
    caught_by="picture_is_cut_enlarged_and_normalised",
    step="Cut first, then enlarge what is left.",
    step_zh="先裁剪，再放大。",
)
def enlarged_before_it_is_cut(*given):
    return _enlarged(*given, first=True)


@wrong(
    "joint_transform",
    "Enlarges the picture by nearest neighbour, like the mask.",
    zh="图片也像掩码一样用了最近邻放大。",
    caught_by="picture_is_cut_enlarged_and_normalised",
    step="Brightness may be averaged: mode='bilinear'.",
    step_zh="亮度可以求平均：用双线性。",
)
def picture_by_nearest(*given):
    return _enlarged(*given, mode="nearest")


# --- receptive_field ----------------------------------------------------------------------


@wrong(
    "receptive_field",
    "Leaves the dilation out.",
    zh="没有考虑膨胀率。",
    caught_by="one_layer",
    step="Neighbouring taps are `dilation` pixels apart.",
    step_zh="相邻两个采样点相隔 dilation 个像素。",
)
def ignores_dilation(layers):
    return reference.receptive_field([(k, s, 1) for k, s, _ in layers])


@wrong(
    "receptive_field",
    "Takes kernel × dilation for the span of an atrous kernel.",
    zh="把空洞卷积核的跨度当成 kernel × dilation。",
    caught_by="one_layer",
    step="k taps have k − 1 gaps between them: (k − 1) × d + 1.",
    step_zh="k 个采样点之间只有 k − 1 个间隔：(k − 1) × d + 1。",
)
def kernel_times_dilation(layers):
    return reference.receptive_field([(k * d, s, 1) for k, s, d in layers])


@wrong(
    "receptive_field",
    "Leaves the strides out.",
    zh="没有考虑步幅。",
    caught_by="stride_counts_afterwards",
    step="After a stride of 2, one step of the next layer is two input pixels.",
    step_zh="经过步幅 2 之后，下一层走一步就是两个输入像素。",
)
def ignores_stride(layers):
    return reference.receptive_field([(k, 1, d) for k, _, d in layers])


@wrong(
    "receptive_field",
    "Lets a layer's stride widen its own taps.",
    zh="让某一层的步幅拉大了它自己的采样间隔。",
    caught_by="stride_counts_afterwards",
    step="First add (k − 1) × d × step, then multiply step by the stride.",
    step_zh="先加上 (k − 1) × d × 步距，再把步距乘以步幅。",
)
def stride_too_early(layers):
    width, step = 1, 1
    for kernel, stride, dilation in layers:
        step *= stride
        width += (kernel - 1) * dilation * step
    return width


@wrong(
    "receptive_field",
    "One layer is right, several in a row are not: each should add (k − 1) × d times the product "
    "of the strides before it.",
    zh="单层是对的，多层相接就错了：每层应加上 (k − 1) × d 再乘以它之前所有步幅之积。",
    caught_by="stride_counts_afterwards",
    looks_like=lambda seen: seen["one layer"] == 5,
    step="Go from the input on, and multiply the step by every stride.",
    step_zh="从输入端往后走，每经过一层都把步距乘以它的步幅。",
)
def only_the_last_stride(layers):
    width, step = 1, 1
    for kernel, stride, dilation in layers:
        width += (kernel - 1) * dilation * step
        step = stride
    return width


@wrong(
    "receptive_field",
    "Counts k gaps for k taps in every layer.",
    zh="每层 k 个采样点，却算了 k 个间隔。",
    caught_by="one_layer",
    step="k taps have k − 1 gaps between them.",
    step_zh="k 个采样点之间只有 k − 1 个间隔。",
)
def as_many_gaps_as_taps(layers):
    return reference.receptive_field([(k + 1, s, d) for k, s, d in layers])


# --- cross_entropy ------------------------------------------------------------------------


def _per_pixel(logits, target):
    """Minus log probability of each target (N, H, W); ids that are none count as 0."""
    ids = target.long()
    ids = torch.where((ids >= 0) & (ids < logits.shape[1]), ids, 0)
    return -logits.log_softmax(1).gather(1, ids[:, None])[:, 0]


@wrong(
    "cross_entropy",
    "Void pixels get a gradient: they count as background, or as some other class.",
    zh="void 像素有梯度：它们被当作背景或别的类别计算了。",
    caught_by="void_teaches_nothing",
    errata=("E031",),
    step="Leave the pixels out whose target is ignore_index, above and below the line.",
    step_zh="目标为 ignore_index 的像素，分子分母里都要去掉。",
    looks_like=lambda seen: seen["at void"] > 1e-6 > 0.1 * seen["left over"],
)
def void_is_background(logits, target, ignore_index=255):
    return _per_pixel(logits, target.where(target != ignore_index, 0)).mean()


@wrong(
    "cross_entropy",
    "Leaves void pixels out of the sum, but divides by all pixels.",
    zh="求和时去掉了 void 像素，却除以全部像素数。",
    caught_by="mean_of_what_counts",
    errata=("E031",),
    step="Divide by the number of pixels that count.",
    step_zh="除以参与计算的像素数。",
)
def divides_by_all_pixels(logits, target, ignore_index=255):
    return (_per_pixel(logits, target) * (target != ignore_index)).mean()


def _is_lost(off_by_10, off_by_1000):
    return abs(off_by_10 - 10) < 0.01 and not abs(off_by_1000 - 1000) < 1


@wrong(
    "cross_entropy",
    "Off by 10 the loss is right, off by 1000 it is not: the probability whose logarithm is taken "
    "is 0 there, or was kept from it by a small number or a clamp.",
    zh="logit 差 10 时损失是对的，差 1000 就错了：取对数的概率在那里是 0，或被一个很小的数垫住了。",
    caught_by="sure_and_wrong",
    step="Never form the probability: log_softmax, or logsumexp minus the logit.",
    step_zh="不要先算出概率：用 log_softmax，或 logsumexp 减去 logit。",
    looks_like=lambda seen: _is_lost(*seen["off by 10 and 1000"]),
)
def logarithm_with_an_epsilon(logits, target, ignore_index=255):
    counted = target != ignore_index
    ids = target.long().where(counted, 0)
    chance = logits.softmax(1).gather(1, ids[:, None])[:, 0]
    return -((chance + 1e-8).log() * counted).sum() / counted.sum().clamp(min=1)


@wrong(
    "cross_entropy",
    "Calls torch's ready-made loss.",
    zh="直接调用了 torch 现成的损失。",
    caught_by="written_out",
    step="Write it out with log_softmax; the formula is in the text.",
    step_zh="用 log_softmax 自己写出来，公式就在题目里。",
)
def ready_made(logits, target, ignore_index=255):
    if not (target != ignore_index).any():
        return 0 * logits.sum()
    return functional.cross_entropy(logits, target.long(), ignore_index=ignore_index)


@wrong(
    "cross_entropy",
    "Averages picture by picture, then over the pictures: pixels of a picture with much void weigh "
    "more.",
    zh="先对每张图求平均，再对各图求平均：void 多的图，每个像素的权重就更大。",
    caught_by="mean_of_what_counts",
    step="One sum and one number over all pixels of the batch, divided once.",
    step_zh="整个批次只求一个总和、一个个数，只除一次。",
)
def each_picture_for_itself(logits, target, ignore_index=255):
    counted = target != ignore_index
    losses = _per_pixel(logits, target) * counted
    return (losses.sum((1, 2)) / counted.sum((1, 2)).clamp(min=1)).mean()


@wrong(
    "cross_entropy",
    "A number added to all logits of a pixel changes the loss: no softmax over the classes.",
    zh="给一个像素的全部 logits 加同一个数，损失就变了：没有沿类别做 softmax。",
    caught_by="same_for_all_classes_changes_nothing",
    looks_like=lambda seen: abs(seen["change"]) > 1e-3,
    step="The classes are dimension 1 of (N, K, H, W): log_softmax(dim=1).",
    step_zh="类别在 (N, K, H, W) 的第 1 维：log_softmax(dim=1)。",
)
def softmax_over_another_axis(logits, target, ignore_index=255):
    counted = target != ignore_index
    loss = -logits.log_softmax(-1).gather(1, target.long().where(counted, 0)[:, None])[:, 0]
    return (loss * counted).sum() / counted.sum().clamp(min=1)


# --- mean_iou -----------------------------------------------------------------------------


def _counts(batches, num_classes, ignore_index, *, void_as=None):
    counts = np.zeros((num_classes, num_classes))
    for said, true in batches:
        said, true = (np.asarray(v).ravel().astype(int) for v in (said, true))
        if void_as is not None:
            true = np.where(true == ignore_index, void_as, true)
        kept = true != ignore_index
        np.add.at(counts, (true[kept], said[kept]), 1)
    return counts


def _result(counts, *, twice=False, absent=np.nan):
    both, true, said = counts.diagonal(), counts.sum(1), counts.sum(0)
    with np.errstate(invalid="ignore"):
        iou = 2 * both / (true + said) if twice else both / (true + said - both)
    iou = np.where(true + said == 0, absent, iou)
    return {"iou": iou, "miou": np.nanmean(iou), "accuracy": both.sum() / counts.sum()}


def _unlike(one, other):
    """Whether two results differ, where a result is a number or has IoU and their mean."""
    one, other = ([*r["iou"], r["miou"]] if isinstance(r, dict) else [r] for r in (one, other))
    return not np.allclose(one, other, atol=1e-5, equal_nan=True)


@wrong(
    "mean_iou",
    "What it gives depends on how the pixels are divided into batches: it averages over batches "
    "or pictures, or keeps only some.",
    zh="同样的像素，分批不同结果就不同：对批次或图片求了平均，或只保留了其中一些。",
    caught_by="counted_over_all",
    step="Add up counts over all batches and divide once, at the end.",
    step_zh="跨批次累计计数，最后只除一次。",
    looks_like=lambda seen: _unlike(seen["list"], seen["in one batch"]),
)
def averages_the_batches(batches, num_classes, ignore_index=255):
    counts = [_counts([pair], num_classes, ignore_index) for pair in batches]
    every = [_result(one) for one in counts]
    iou = [
        np.mean(v) if (v := [e["iou"][k] for e in every if e["iou"][k] == e["iou"][k]]) else np.nan
        for k in range(num_classes)
    ]
    return {"iou": iou, "miou": np.nanmean(iou), "accuracy": _result(sum(counts))["accuracy"]}


@wrong(
    "mean_iou",
    "Reports the share of right pixels as mIoU: background alone makes it high.",
    zh="把像素准确率当成 mIoU：光靠背景就很高。",
    caught_by="counted_over_all",
    errata=("E037",),
    step="For each class: intersection over union; then the mean over the classes.",
    step_zh="逐类求交并比，再对类别取平均。",
)
def pixel_accuracy(batches, num_classes, ignore_index=255):
    found = _result(_counts(batches, num_classes, ignore_index))
    return {**found, "miou": found["accuracy"]}


@wrong(
    "mean_iou",
    "What is predicted at void pixels changes the IoU: they still count.",
    zh="void 处的预测影响了 IoU：这些像素仍被计入。",
    caught_by="void_does_not_count",
    errata=("E031",),
    step="Drop the pixels whose target is ignore_index, with their predictions.",
    step_zh="目标为 ignore_index 的像素连同预测一起去掉。",
    looks_like=lambda seen: _unlike(seen["0 said"], seen["3 said"]),
)
def void_counts_as_background(batches, num_classes, ignore_index=255):
    return _result(_counts(batches, num_classes, ignore_index, void_as=0))


def _counts_who_is_nowhere(seen):
    iou = np.asarray(seen["iou"], dtype=float)
    return not np.isnan(iou[-1]) or abs(np.nansum(iou) / len(iou) - seen["miou"]) < 1e-6


@wrong(
    "mean_iou",
    "A class that is nowhere counts: it has a number for IoU, such as 0 or 1, or is one more by "
    "which the mean is divided.",
    zh="哪里都没有的类别也算进去了：记了 IoU（例如 0 或 1），或求平均时除数里有它。",
    caught_by="a_class_that_is_nowhere",
    step="Zero over zero is no score: nan, left out of the mean.",
    step_zh="零除以零不是成绩：记 nan，不进平均。",
    looks_like=_counts_who_is_nowhere,
)
def nowhere_is_zero(batches, num_classes, ignore_index=255):
    return _result(_counts(batches, num_classes, ignore_index), absent=0.0)


@wrong(
    "mean_iou",
    "Leaves out a class that is predicted but never there, and with it all those mistakes.",
    zh="类别从未出现却被预测，就把它和这些错误一起略过。",
    caught_by="never_right_is_zero",
    step="Its union is not empty: its IoU is 0.",
    step_zh="它的并集不为空：IoU 是 0。",
)
def only_classes_that_are_there(batches, num_classes, ignore_index=255):
    counts = _counts(batches, num_classes, ignore_index)
    found = _result(counts)
    iou = np.where(counts.sum(1) == 0, np.nan, found["iou"])
    return {**found, "iou": iou, "miou": np.nanmean(iou)}


@wrong(
    "mean_iou",
    "Computes Dice, 2·∩ / (a + b), which is never below IoU.",
    zh="算的是 Dice，即 2·∩ / (a + b)，它不会低于 IoU。",
    caught_by="counted_over_all",
    step="Divide the intersection by the union: a + b minus the intersection.",
    step_zh="交集除以并集：a + b 再减去交集。",
)
def dice_for_iou(batches, num_classes, ignore_index=255):
    return _result(_counts(batches, num_classes, ignore_index), twice=True)


@wrong(
    "mean_iou",
    "Divides by the sum of both sizes, in which what is in both stands twice.",
    zh="除以两者大小之和，重叠的像素被算了两次。",
    caught_by="counted_over_all",
    step="The union: actual plus predicted minus both.",
    step_zh="并集：实际加预测，再减去两者的交集。",
)
def union_without_subtraction(batches, num_classes, ignore_index=255):
    found = _result(_counts(batches, num_classes, ignore_index), twice=True)
    return {**found, "iou": found["iou"] / 2, "miou": found["miou"] / 2}


@wrong(
    "mean_iou",
    "Prediction and target exchanged give another IoU: it divides by the pixels of one of them "
    "alone, which is recall or precision.",
    zh="预测和目标互换，IoU 就变了：只除以其中一方的像素数，那是召回率或精确率。",
    caught_by="counted_over_all",
    step="The union: actual plus predicted minus both.",
    step_zh="除以并集：实际加预测，再减去两者的交集。",
    looks_like=lambda seen: _unlike(seen["in one batch"], seen["exchanged"]),
)
def recall_for_iou(batches, num_classes, ignore_index=255):
    counts = _counts(batches, num_classes, ignore_index)
    with np.errstate(invalid="ignore"):
        recall = counts.diagonal() / counts.sum(1)
    return {**_result(counts), "iou": recall, "miou": np.nanmean(recall)}


@wrong(
    "mean_iou",
    "Right for a list of batches, wrong for an iterator: it goes through them more than once.",
    zh="给列表是对的，给迭代器就错了：遍历了不止一次。",
    caught_by="counted_over_all",
    looks_like=lambda seen: _unlike(seen["list"], seen["iterator"]),
    step="Count everything in a single loop, or keep the pairs in a list first.",
    step_zh="一次循环数完，或先把各对存进列表。",
)
def goes_through_twice(batches, num_classes, ignore_index=255):
    total = sum(float((t != ignore_index).sum()) for _, t in batches)
    found = _result(_counts(batches, num_classes, ignore_index) if total else np.eye(num_classes))
    return {**found, "accuracy": found["accuracy"] if total else 0.0}


@wrong(
    "mean_iou",
    "Counts in whole numbers of eight bits: with many classes or pixels they begin anew at 256.",
    zh="用八位整数计数：类别或像素一多，到 256 就从头开始。",
    caught_by="many_classes",
    step="Turn the ids into int64 before you calculate with them.",
    step_zh="先把编号转成 int64 再计算。",
)
def ids_in_eight_bits(batches, num_classes, ignore_index=255):
    counts = 0
    for said, true in batches:
        kept = true != ignore_index
        pairs = torch.bincount(num_classes * true[kept] + said[kept], minlength=num_classes**2)
        counts = counts + pairs[: num_classes**2].reshape(num_classes, num_classes).numpy()
    return _result(counts)


@wrong(
    "mean_iou",
    "Accuracy depends on void pixels, or on how the others are divided into batches.",
    zh="准确率受 void 像素影响，或随分批方式而变。",
    caught_by="accuracy_of_what_counts",
    looks_like=lambda seen: _unlike(seen["pairs"], seen["in one batch"]),
    step="Right pixels that count over all pixels that count, in all batches together.",
    step_zh="所有批次合起来：参与计数且正确的像素数，除以参与计数的像素数。",
)
def accuracy_over_all_pixels(batches, num_classes, ignore_index=255):
    pairs = list(batches)
    found = _result(_counts(pairs, num_classes, ignore_index))
    right = sum(int((p == t).sum()) for p, t in pairs)
    return {**found, "accuracy": right / sum(t.numel() for _, t in pairs)}


# --- dice_loss ----------------------------------------------------------------------------


def _soft(logits, target, ignore_index, smooth, *, times=2, above=1, first=0, union=False,
          void_in_p=False, pooled=False, present=False, p=None, power=1):  # fmt: skip
    counted = target != ignore_index
    p = logits.softmax(1).movedim(1, -1) if p is None else p
    t = functional.one_hot(target.long().where(counted, 0), logits.shape[1]) * counted[..., None]
    said = p if void_in_p else p * counted[..., None]
    both, said, true = ((v.flatten(0, 2).sum(0)) for v in (said * t, said**power, t))
    if pooled:
        both, said, true = (v.sum()[None] for v in (both, said, true))
    below = said + true - both * union + smooth
    dice = (times * both + above * smooth) / below
    return 1 - (dice[true > 0] if present else dice[first:]).mean()


@wrong(
    "dice_loss",
    "Computes intersection over union instead of Dice.",
    zh="算成了交并比，而不是 Dice。",
    caught_by="dice_of_sure_answers",
    step="Twice the intersection over the sum of both sizes.",
    step_zh="交集的两倍，除以两者大小之和。",
)
def jaccard_loss(logits, target, ignore_index=255, smooth=1.0):
    return _soft(logits, target, ignore_index, smooth, times=1, union=True)


@wrong(
    "dice_loss",
    "Forgets the 2: even a perfect answer has a loss of one half.",
    zh="漏了 2：完全正确时损失也有一半。",
    caught_by="one_minus_mean_dice",
    step="The pixels of the intersection stand twice in the denominator: double them above too.",
    step_zh="交集的像素在分母里算了两次，分子也要乘 2。",
)
def forgets_the_two(logits, target, ignore_index=255, smooth=1.0):
    return _soft(logits, target, ignore_index, smooth, times=1)


@wrong(
    "dice_loss",
    "Void pixels get a gradient: their probabilities still count.",
    zh="void 像素有梯度：那里的概率仍被计入。",
    caught_by="void_is_in_no_sum",
    errata=("E031",),
    step="Drop the void pixels from both, before any sum.",
    step_zh="求和之前，把 void 像素从两边都去掉。",
    looks_like=lambda seen: seen["gradient in void"] > 1e-5,
)
def void_in_the_probabilities(logits, target, ignore_index=255, smooth=1.0):
    return _soft(logits, target, ignore_index, smooth, void_in_p=True)


def _is_lopsided(loss):
    """Whether smooth is below alone (Dice is 0), above alone (without bound) or above twice (2)."""
    return 0.95 < loss < 1 or loss < -50 or -1.05 < loss < -0.95


@wrong(
    "dice_loss",
    "A smooth that outweighs all sums does not make Dice 1: it is not added once above and once "
    "below the line.",
    zh="smooth 大到盖过所有求和时，Dice 仍不是 1：分子和分母没有各加一次。",
    caught_by="smooth_and_absent_classes",
    step="Add smooth once above and once below.",
    step_zh="分子、分母各加一次 smooth。",
    looks_like=lambda seen: _is_lopsided(seen["smooth outweighs all"]),
)
def smooth_below_only(logits, target, ignore_index=255, smooth=1.0):
    return _soft(logits, target, ignore_index, smooth, above=0)


@wrong(
    "dice_loss",
    "Takes Dice for each picture and averages, where the sums go over the whole batch.",
    zh="每张图各算一个 Dice 再平均，而求和应在整个批次上进行。",
    caught_by="one_minus_mean_dice",
    step="Sum over the pictures too, before dividing.",
    step_zh="先把各张图也加起来，再相除。",
)
def dice_of_each_picture(logits, target, ignore_index=255, smooth=1.0):
    pairs = zip(logits.split(1), target.split(1), strict=True)
    return sum(reference.dice_loss(*p, ignore_index, smooth) for p in pairs) / len(logits)


@wrong(
    "dice_loss",
    "Leaves the background out of the mean.",
    zh="求平均时漏掉了背景类。",
    caught_by="one_minus_mean_dice",
    step="The mean is over all K classes, class 0 among them.",
    step_zh="对全部 K 个类别求平均，包括第 0 类。",
)
def without_background(logits, target, ignore_index=255, smooth=1.0):
    return _soft(logits, target, ignore_index, smooth, first=1)


@wrong(
    "dice_loss",
    "What all classes of a pixel get in addition changes the loss: no softmax over the classes.",
    zh="给一个像素的全部 logits 加同一个数，损失就变了：没有沿类别做 softmax。",
    caught_by="one_minus_mean_dice",
    looks_like=lambda seen: abs(seen["change"]) > 1e-3,
    step="logits.softmax(dim=1) is the p of the formula.",
    step_zh="公式里的 p 是 logits.softmax(dim=1)。",
)
def probabilities_by_sigmoid(logits, target, ignore_index=255, smooth=1.0):
    p = logits.sigmoid().clamp(1e-6, 1 - 1e-6)
    return _soft(logits, target, ignore_index, smooth, p=p.movedim(1, -1))


@wrong(
    "dice_loss",
    "Adds up all classes before it divides: one Dice for all, in which the background drowns "
    "the others.",
    zh="先把所有类别加在一起再相除：只得到一个总的 Dice，背景盖过了其他类。",
    caught_by="one_minus_mean_dice",
    step="Keep the classes apart in the three sums; the mean over them comes last.",
    step_zh="三个求和都按类别分开，最后才对类别取平均。",
)
def one_dice_for_all(logits, target, ignore_index=255, smooth=1.0):
    return _soft(logits, target, ignore_index, smooth, pooled=True)


@wrong(
    "dice_loss",
    "Takes the mean over the classes that occur, not over all.",
    zh="只对出现了的类别求平均，而不是全部。",
    caught_by="smooth_and_absent_classes",
    step="Divide by K; an absent class has a Dice as well, thanks to smooth.",
    step_zh="除以 K；没出现的类别因为有 smooth 也有 Dice。",
)
def only_classes_that_occur(logits, target, ignore_index=255, smooth=1.0):
    return _soft(logits, target, ignore_index, smooth, present=True)


@wrong(
    "dice_loss",
    "Squares the probabilities below the line, as V-Net does.",
    zh="分母里用了概率的平方，那是 V-Net 的写法。",
    caught_by="one_minus_mean_dice",
    step="Below the line stand the sums of p and of t themselves.",
    step_zh="分母是 p 与 t 本身的和。",
)
def squares_below(logits, target, ignore_index=255, smooth=1.0):
    return _soft(logits, target, ignore_index, smooth, power=2)


# --- build_deeplab and train_deeplab ------------------------------------------------------


def _other_parts(seen):
    """Whether the rates are those asked for, and something else is another."""
    rates = (2, 4, 6), (1, 3), (3, 6, 9, 12)
    return all(set(r) <= set(one["dilations"]) for r, one in zip(rates, seen, strict=True))


@wrong(
    "build_deeplab",
    "The rates are right, the parts are not: one is missing, too many or of another size, or has a "
    "bias that it should not have.",
    zh="膨胀率对，部件不对：少了或多了一个，或大小不同，或带了不该有的偏置。",
    caught_by="parts_are_those_asked_for",
    looks_like=_other_parts,
    step="Print the classifier, and compare it with the list in the text.",
    step_zh="打印分类头，和题目里的清单逐项对照。",
)
def a_class_more(num_classes, rates=(2, 4, 6)):
    return reference.build_deeplab(num_classes + 1, rates)


@wrong(
    "build_deeplab",
    "Leaves ReLU out between the last two convolutions.",
    zh="最后两个卷积之间漏了 ReLU。",
    caught_by="computes_what_its_parts_do",
    step="After BatchNorm2d comes ReLU.",
    step_zh="BatchNorm2d 之后要有 ReLU。",
)
def no_relu(num_classes, rates=(2, 4, 6)):
    model = reference.build_deeplab(num_classes, rates)
    model.classifier[3] = nn.Identity()
    return model


@wrong(
    "build_deeplab",
    "No logit is below 0: something stands after the last convolution, such as softmax or ReLU.",
    zh="没有一个 logit 小于 0：最后的卷积之后还有别的层，例如 softmax 或 ReLU。",
    caught_by="computes_what_its_parts_do",
    looks_like=lambda seen: np.asarray(seen).min() >= 0,
    step="Logits are what the last convolution gives; the loss has its own softmax.",
    step_zh="logits 就是最后一个卷积的输出；softmax 在损失里。",
)
def softmax_at_the_end(num_classes, rates=(2, 4, 6)):
    model = reference.build_deeplab(num_classes, rates)
    model.classifier.append(nn.Softmax(dim=1))
    return model


def _train(model, x, y, steps=180, batch_size=10, lr=5e-3, *, key="out", mode=True, zero=True,
           shuffle=True, rounds=True, moving=True, optimizer=torch.optim.AdamW):  # fmt: skip
    """A training loop; each keyword puts a fault in."""
    optimizer = optimizer(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=0.2)
    model.train(mode)
    losses, order = [], []
    for _ in range(steps):
        if not order:
            places = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
            order = list(places.split(batch_size))
        rows = order.pop() if rounds else torch.randint(len(x), (batch_size,))
        loss = functional.cross_entropy(model(x[rows])[key], y[rows].long(), ignore_index=VOID)
        if zero:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if moving:
            schedule.step()
        losses.append(loss.item())
    return losses


@wrong(
    "train_deeplab",
    "Trains another head than “out”.",
    zh="训练的不是 out 这一头。",
    caught_by="losses_step_by_step",
    errata=("E030",),
    step="The model returns a dict: take its “out”.",
    step_zh="模型返回字典：取其中的 out。",
)
def trains_another_head(*given, **options):
    return _train(*given, **options, key="aux")


@wrong(
    "train_deeplab",
    "Never clears the gradients, so that every step repeats all those before it.",
    zh="从不清零梯度，每一步都叠加了之前的全部梯度。",
    caught_by="losses_step_by_step",
    step="optimizer.zero_grad() before each backward().",
    step_zh="每次 backward() 之前调用 optimizer.zero_grad()。",
)
def gradients_pile_up(*given, **options):
    return _train(*given, **options, zero=False)


@wrong(
    "train_deeplab",
    "Trains in evaluation mode: batch normalisation never learns its statistics.",
    zh="在评估模式下训练：批归一化学不到统计量。",
    caught_by="each_picture_once",
    step="model.train() before the loop.",
    step_zh="循环之前调用 model.train()。",
    looks_like=lambda seen: not seen["in training mode"],
)
def trains_in_evaluation_mode(*given, **options):
    return _train(*given, **options, mode=False)


@wrong(
    "train_deeplab",
    "Takes the pictures in the same order every round.",
    zh="每一轮都按同样的顺序取图片。",
    caught_by="each_picture_once",
    step="Draw a new order each time all have been seen: torch.randperm, or shuffle=True.",
    step_zh="每过完一轮重新打乱：torch.randperm 或 shuffle=True。",
    looks_like=lambda seen: seen["same order each round"] and not seen["again too soon"],
)
def never_shuffles(*given, **options):
    return _train(*given, **options, shuffle=False)


@wrong(
    "train_deeplab",
    "The learning rates are not those of the schedule, a step of each after every batch.",
    zh="各步的学习率与题目给的计划不符：应当每个批次之后两者各走一步。",
    caught_by="rates_of_the_schedule",
    step="OneCycleLR with the arguments of the text; optimizer.step(), then schedule.step().",
    step_zh="按题目的参数建 OneCycleLR；先 optimizer.step()，再 schedule.step()。",
    looks_like=lambda seen: set(seen["optimizer"]) == {"AdamW"} and set(seen["decay"]) == {0.01},
)
def schedule_stands_still(*given, **options):
    return _train(*given, **options, moving=False)


@wrong(
    "train_deeplab",
    "Another optimizer takes the steps than AdamW with the weight decay given, or none does.",
    zh="走步的不是题目给的 AdamW（含权重衰减），或者根本没有走步。",
    caught_by="rates_of_the_schedule",
    looks_like=lambda seen: set(seen["optimizer"]) != {"AdamW"} or set(seen["decay"]) != {0.01},
    step="torch.optim.AdamW with weight_decay=0.01; optimizer.step() for every batch.",
    step_zh="用 torch.optim.AdamW，weight_decay=0.01；每个批次 optimizer.step()。",
)
def by_adam(*given, **options):
    return _train(*given, **options, optimizer=torch.optim.Adam)


@wrong(
    "train_deeplab",
    "A picture comes again before all have been seen.",
    zh="还没把所有图片过一遍，就有图片重复出现。",
    caught_by="each_picture_once",
    looks_like=lambda seen: seen["again too soon"],
    step="Draw one order for a whole round, and cut it into batches.",
    step_zh="每一轮抽一个完整的顺序，再切成批次。",
)
def drawn_anew_each_step(*given, **options):
    return _train(*given, **options, rounds=False)


@wrong(
    "train_deeplab",
    "Learns next to nothing, as when pictures and masks that are no pairs are taken, or when no "
    "step has any effect.",
    zh="几乎什么也没学到：例如图片和掩码各抽各的、配不成对，或每一步都不起作用。",
    caught_by="segments_unseen_digits",
    looks_like=lambda seen: seen < 0.3,
    step="One set of row numbers for both; then backward(), then the optimizer's step.",
    step_zh="两者用同一组下标；先 backward()，再让优化器走一步。",
)
def pairs_torn_apart(model, x, y, *given, **options):
    return _train(model, x, y[torch.randperm(len(y))], *given, **options)


# --- predict_masks ------------------------------------------------------------------------


def _predict(model, images, mean, std, batch_size=50, *, normalised=True, evaluation=True):
    x = images / 255
    x = (x - _channels(mean)) / _channels(std) if normalised else x
    mode = model.training
    model.train(mode and not evaluation)
    with torch.no_grad():
        ids = torch.cat([model(part)["out"].argmax(1) for part in x.split(batch_size)])
    model.train(mode)
    return ids


def _prepared_otherwise(seen):
    """Whether some first pixel is none that a byte becomes by the `TWO` of the checks."""
    pixels = np.asarray(seen["first pixels"], dtype=float) * [0.2, 0.31] + [0.3, 0.45]
    return np.abs(255 * pixels - np.round(255 * pixels)).max(initial=0.0) > 0.05 or not (
        -0.001 < pixels.min(initial=0.0) <= pixels.max(initial=0.0) < 1.001
    )


@wrong(
    "predict_masks",
    "Pixels do not reach the model as (x / 255 − mean) / std, as those did that it was trained on.",
    zh="送进模型的像素不是 (x / 255 − mean) / std，与训练时不同。",
    caught_by="highest_of_out",
    errata=("E033",),
    step="Prepare test pictures just as in training.",
    step_zh="测试图片的处理要与训练时完全一样。",
    looks_like=_prepared_otherwise,
)
def raw_at_test(*given, **options):
    return _predict(*given, **options, normalised=False)


@wrong(
    "predict_masks",
    "Never switches to evaluation mode: a picture's mask depends on its neighbours.",
    zh="没有切到评估模式：一张图的掩码受同批图片影响。",
    caught_by="neighbours_change_nothing",
    errata=("E034",),
    step="model.eval() first, the old mode again afterwards.",
    step_zh="先 model.eval()，用完还原。",
)
def no_evaluation_mode(*given, **options):
    return _predict(*given, **options, evaluation=False)


def _only_two(seen):
    return set(np.unique(np.asarray(seen["ids"]))) <= {0, 1}


@wrong(
    "predict_masks",
    "Only the ids 0 and 1 come out: cut at one half, all classes but the background become one.",
    zh="结果里只有 0 和 1：用 0.5 截断之后，除背景外的所有类别变成了一类。",
    caught_by="highest_of_out",
    errata=("E035",),
    step="An id is a name, not a probability: leave it as argmax gives it.",
    step_zh="编号是名字，不是概率：argmax 给出什么就是什么。",
    looks_like=_only_two,
)
def ids_cut_at_one_half(*given, **options):
    return (_predict(*given, **options) > 0.5).long()


@wrong(
    "predict_masks",
    "Keeps gradients while it predicts.",
    zh="预测时仍在记录梯度。",
    caught_by="no_batch_is_larger",
    looks_like=lambda seen: seen["gradients"],
    step="Predict under torch.no_grad() or torch.inference_mode().",
    step_zh="在 torch.no_grad() 或 torch.inference_mode() 下预测。",
)
def keeps_gradients(model, images, mean, std, batch_size=50):
    with torch.enable_grad():
        mode, x = model.training, (images / 255 - _channels(mean)) / _channels(std)
        model.eval()
        ids = torch.cat([model(part)["out"].argmax(1) for part in x.split(batch_size)])
    model.train(mode)
    return ids


# --- colour_mask --------------------------------------------------------------------------


@wrong(
    "colour_mask",
    "Multiplies a mask by 255 into whole numbers of 64 bits, black and white.",
    zh="掩码乘以 255，得到 64 位整数的黑白图。",
    caught_by="every_id_its_colour",
    errata=("E036",),
    step="Look the ids up in the palette, and make the result uint8.",
    step_zh="编号到调色板里查颜色，结果为 uint8。",
)
def black_and_white(mask, palette, void=(224, 224, 192)):
    return np.repeat((np.asarray(mask) > 0.5)[..., None] * 255, 3, axis=2)


# --- late_iou -----------------------------------------------------------------------------


@wrong(
    "late_iou",
    "Says that it fits, whatever the speed and the delay.",
    zh="不管速度和延迟多大，都说吻合。",
    caught_by="later_fits_worse",
    errata=("E010",),
    step="Move the mask by speed × latency × pixels per degree, then compare.",
    step_zh="把掩码移动 速度 × 延迟 × 每度像素数，再比较。",
)
def always_fits(mask, speed, latency_ms, pixels_per_degree):
    return 1.0


@wrong(
    "late_iou",
    "Takes milliseconds for seconds.",
    zh="把毫秒当成了秒。",
    caught_by="milliseconds_and_rounding",
    step="Divide the latency by 1000.",
    step_zh="延迟要除以 1000。",
)
def milliseconds_as_seconds(mask, speed, latency_ms, pixels_per_degree):
    return reference.late_iou(mask, speed, 1000 * latency_ms, pixels_per_degree)


@wrong(
    "late_iou",
    "Lets what leaves on one side come in on the other.",
    zh="从一侧移出去的，又从另一侧绕了回来。",
    caught_by="what_leaves_is_gone",
    step="np.roll wraps around; fill what comes in with False.",
    step_zh="np.roll 会绕回来；移进来的部分应填 False。",
)
def wraps_around(mask, speed, latency_ms, pixels_per_degree):
    was = np.asarray(mask)
    now = np.roll(was, round(speed * latency_ms / 1000 * pixels_per_degree), axis=1)
    return (was & now).sum() / (was | now).sum()


@wrong(
    "late_iou",
    "Rounds every shift down, or every shift up, instead of to the nearest whole number.",
    zh="位移一律向下（或一律向上）取整，而不是四舍五入。",
    caught_by="milliseconds_and_rounding",
    step="round(), not int() or //.",
    step_zh="用 round()，不要用 int() 或 //。",
    looks_like=lambda seen: seen[0] == seen[1] != seen[2] == seen[3] != seen[4],
)
def shift_cut_off(mask, speed, latency_ms, pixels_per_degree):
    shift = int(speed * latency_ms / 1000 * pixels_per_degree)
    return reference.late_iou(mask, shift, 1000, 1)


@wrong(
    "late_iou",
    "Moves the mask to the left where it goes to the right, and the other way round.",
    zh="移动方向反了：该往右的往左，该往左的往右。",
    caught_by="what_leaves_is_gone",
    step="A positive shift moves to the right: what was in column j is in column j + s.",
    step_zh="位移为正时向右：原来在第 j 列的，现在在第 j + s 列。",
)
def to_the_other_side(mask, speed, latency_ms, pixels_per_degree):
    return reference.late_iou(mask, -speed, latency_ms, pixels_per_degree)


@wrong(
    "late_iou",
    "Divides by one of the masks alone, not by the union.",
    zh="只除以其中一个掩码的像素数，而不是并集。",
    caught_by="later_fits_worse",
    step="Divide by the pixels that are in either.",
    step_zh="除以至少一个为真的像素数。",
)
def over_the_old_mask(mask, speed, latency_ms, pixels_per_degree):
    was = np.asarray(mask)
    shift = round(speed * latency_ms / 1000 * pixels_per_degree)
    places = np.argwhere(was) + np.array([0, shift])
    inside = places[(places[:, 1] >= 0) & (places[:, 1] < was.shape[1])]
    return was[tuple(inside.T)].sum() / was.sum()


# --- mended_segmentation ------------------------------------------------------------------


def _program(
    model, examples, test_images, palette, mean, std, lr=0.1, *,
    masks="nearest", raw=False, raw_test=False, void="ignored", key="out", evaluation=True,
    half=False, times_255=False, rows=2,
):  # fmt: skip
    """The program mended; each keyword leaves one of its faults in."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    model.train()
    losses = []
    for start in range(0, len(examples), rows):
        batch = examples[start : start + rows]
        x = torch.stack([e["image"] for e in batch]) / 255
        x = x if raw else (x - _channels(mean)) / _channels(std)
        y = torch.stack([e["mask"] for e in batch])[:, None].float()
        if masks == "folder":
            y = torch.tensor([e["folder"] for e in batch])
        else:
            y = functional.interpolate(y, size=x.shape[-2:], mode=masks)[:, 0].long()
            y = y.where(y < len(palette), VOID if void == "ignored" else 0)
        outputs = model(x)
        outputs = outputs[key] if key else outputs
        loss = functional.cross_entropy(outputs, y, ignore_index=VOID)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.train(not evaluation)
    y = test_images / 255 if raw_test else (test_images / 255 - _channels(mean)) / _channels(std)
    with torch.no_grad():  # the program shows one picture at a time
        ids = torch.cat([model(one[None])["out"].argmax(1) for one in y])
    ids = (ids > 0.5).long() if half else ids
    pictures = [reference.colour_mask(mask, palette) for mask in ids]
    if times_255:
        pictures = [np.repeat((np.asarray(one) > 0.5)[..., None] * 255, 3, axis=2) for one in ids]
    return {"losses": losses, "ids": ids, "pictures": np.stack(pictures)}


@wrong(
    "mended_segmentation",
    "Still trains on the number of the folder: one label for a picture, not one for a pixel.",
    zh="仍用文件夹编号训练：一张图一个标签，而不是一个像素一个。",
    caught_by="losses_of_the_masks",
    errata=("E025",),
    step="The target is the example's mask, (N, H, W).",
    step_zh="目标是样本的掩码，形状 (N, H, W)。",
)
def still_folders(*given, **options):
    return _program(*given, **options, masks="folder")


@wrong(
    "mended_segmentation",
    "Still enlarges the masks bilinearly: new ids appear between the old ones.",
    zh="掩码仍用双线性放大：编号之间冒出了新的编号。",
    caught_by="losses_of_the_masks",
    errata=("E026",),
    step="Repeat ids: mode='nearest'.",
    step_zh="编号只能重复：用最近邻。",
)
def still_bilinear(*given, **options):
    return _program(*given, **options, masks="bilinear")


@wrong(
    "mended_segmentation",
    "Void pixels still count, as background.",
    zh="void 像素仍被当作背景计算。",
    caught_by="losses_of_the_masks",
    errata=("E031",),
    step="ignore_index=255.",
    step_zh="设置 ignore_index=255。",
)
def still_counts_void(*given, **options):
    return _program(*given, **options, void="background")


@wrong(
    "mended_segmentation",
    "Still hands the whole dict to the loss.",
    zh="仍把整个字典交给损失函数。",
    caught_by="losses_of_the_masks",
    errata=("E030",),
    step="The logits are in outputs['out'].",
    step_zh='logits 在 outputs["out"] 里。',
)
def still_a_dict(*given, **options):
    return _program(*given, **options, key=None)


@wrong(
    "mended_segmentation",
    "Pixels that are trained on do not reach the model as (x / 255 − mean) / std.",
    zh="训练时送进模型的像素不是 (x / 255 − mean) / std。",
    caught_by="what_the_model_gets",
    errata=("E027",),
    step="Subtract the mean, divide by the std.",
    step_zh="减均值，除以标准差。",
    looks_like=lambda seen: _prepared_otherwise({"first pixels": seen["trained on"]}),
)
def still_not_normalised(*given, **options):
    return _program(*given, **options, raw=True, raw_test=True)


@wrong(
    "mended_segmentation",
    "Test pictures are still prepared otherwise than those trained on.",
    zh="测试图片的处理仍与训练时不同。",
    caught_by="what_the_model_gets",
    errata=("E033",),
    step="Normalise the test pictures too.",
    step_zh="测试图片也要归一化。",
    looks_like=lambda seen: _prepared_otherwise({"first pixels": seen["tested on"]}),
)
def still_raw_at_test(*given, **options):
    return _program(*given, **options, raw_test=True)


def _never_in_evaluation(seen):
    return seen["rows"][:3] == [2, 2, 2] and seen["rows"][3:] and not np.size(seen["tested on"])


@wrong(
    "mended_segmentation",
    "Still predicts in training mode: batch normalisation uses the picture at hand.",
    zh="仍在训练模式下预测：批归一化用的是眼前这张图的统计量。",
    caught_by="what_the_model_gets",
    errata=("E034",),
    step="model.eval() before predicting.",
    step_zh="预测之前调用 model.eval()。",
    looks_like=_never_in_evaluation,
)
def still_no_eval(*given, **options):
    return _program(*given, **options, evaluation=False)


@wrong(
    "mended_segmentation",
    "Still cuts the ids at one half.",
    zh="仍用 0.5 截断编号。",
    caught_by="ids_of_the_test_pictures",
    errata=("E035",),
    step="Keep what argmax gives.",
    step_zh="保留 argmax 的结果。",
    looks_like=_only_two,
)
def still_cut_at_one_half(*given, **options):
    return _program(*given, **options, half=True)


@wrong(
    "mended_segmentation",
    "The pictures are still a mask times 255, in 64 bits and without colours.",
    zh="图片仍是掩码乘以 255：64 位，没有颜色。",
    caught_by="pictures_in_colour",
    errata=("E036",),
    step="Look the ids up in the palette; uint8.",
    step_zh="编号到调色板里查颜色，结果为 uint8。",
)
def still_times_255(*given, **options):
    return _program(*given, **options, times_255=True)


@wrong(
    "mended_segmentation",
    "The model does not get the examples two by two, once, in training mode.",
    zh="训练模式下，样本不是每次两个、只过一遍地送进模型的。",
    caught_by="what_the_model_gets",
    looks_like=lambda seen: seen["rows"] != [2, 2, 2] and not _never_in_evaluation(seen),
    step="model.train(); then a step for examples 0 and 1, one for 2 and 3, and so on.",
    step_zh="先 model.train()；样本 0、1 走一步，2、3 走一步，依此类推。",
)
def one_at_a_time(model, examples, *given, **options):
    return _program(model, examples, *given, **options, rows=1)
