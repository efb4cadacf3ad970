"""Known-wrong answers for `segmentation`, each one misconception; many are the documents' own."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from autograder.checks import wrong

from . import bent, reference

VOID = 255


# --- joint_transform ----------------------------------------------------------------------


def _are_ids(seen):
    return all(np.isin(one["y"], [0, 1, 4, 7, VOID]).all() for one in seen)


@wrong(
    "joint_transform",
    "Ids appear in the mask that are not there, as when it is enlarged bilinearly: between class 1 "
    "and class 7 there is nothing.",
    zh="掩码里冒出了并不存在的编号，例如用了双线性放大：1 类和 7 类之间什么也没有。",
    caught_by="every_id_stays_an_id",
    errata=("E026",),
    step="Repeat ids, don't average them: mode='nearest', or a tv_tensors.Mask.",
    step_zh="编号只能重复，不能求平均：用最近邻，或用 tv_tensors.Mask。",
    looks_like=lambda seen: not _are_ids(seen),
)
def mask_enlarged_bilinearly(*given):
    return bent.joint(*given, mode="bilinear")


@wrong(
    "joint_transform",
    "Mirrors the picture and forgets its mask.",
    zh="图片翻转了，掩码没有翻。",
    caught_by="every_id_stays_an_id",
    errata=("E026",),
    step="Draw the transform once and apply it to both.",
    step_zh="变换只抽一次，两者都用。",
)
def mask_not_mirrored(*given):
    return bent.joint(*given, turn=False)


@wrong(
    "joint_transform",
    "Ids stay ids, but the mask is not cut, enlarged and mirrored as asked: it is resized whole, "
    "or its rows and columns are exchanged.",
    zh="编号没有变，但掩码没有按要求裁剪、放大和翻转：例如整张缩放，或行列弄反了。",
    caught_by="every_id_stays_an_id",
    errata=("E026",),
    step="Cut the same rows (second last axis) and columns (last) as out of the picture, then "
    "enlarge.",
    step_zh="裁出与图片相同的行（倒数第二轴）和列（最后一轴），再放大。",
    looks_like=lambda seen: (
        _are_ids(seen)
        and {one["type"] for one in seen} == {"int64"}
        and any(np.max(one["y"]) == VOID for one in seen)
    ),
)
def mask_not_cut(*given):
    return bent.joint(*given, cut=False)


def _brightness(seen):
    return [np.asarray(one["x * std + mean"]) for one in seen]


def _is_the_colour(picture):
    return np.allclose(picture[:, 0, 0], [0.0, 1.0, 0.2], atol=5e-3)


@wrong(
    "joint_transform",
    "A picture of one colour does not come out as (x − mean) / std: normalised otherwise, or not.",
    zh="纯色图片得到的不是 (x − mean) / std：归一化没做，或做得不对。",
    caught_by="picture_is_cut_enlarged_and_normalised",
    errata=("E027",),
    step="To 0 … 1 first; then subtract the mean and divide by the std, channel by channel.",
    step_zh="先缩放到 0 … 1，再逐通道减均值、除以标准差。",
    looks_like=lambda seen: not _is_the_colour(_brightness(seen)[0]),
)
def picture_not_normalised(image, mask, crop, size, flip, mean, std):
    return reference.joint_transform(image, mask, crop, size, flip, [0.0] * 3, [1.0] * 3)


def _is_enlarged_otherwise(seen):
    """Whether the square that is enlarged begins as it should, and the rest of it is different."""
    whole, _, part = map(torch.tensor, _brightness(seen)[1:])
    right = functional.interpolate(whole[None, :, 6:10, :4], size=(12, 12), mode="bilinear")[0]
    begins = torch.allclose(part[:, 0, 0], right[:, 0, 0], atol=5e-3)
    return begins and not torch.allclose(part, right, atol=5e-3)


@wrong(
    "joint_transform",
    "Enlarges the picture otherwise than bilinearly with pixel centres aligned: by nearest "
    "neighbour, like the mask, or with align_corners=True.",
    zh="图片的放大方式不对，应是像素中心对齐的双线性：像掩码那样用了最近邻，或用了 "
    "align_corners=True。",
    caught_by="picture_is_cut_enlarged_and_normalised",
    step="Brightness may be averaged: mode='bilinear', align_corners=False.",
    step_zh="亮度可以求平均：用双线性，align_corners=False。",
    looks_like=_is_enlarged_otherwise,
)
def picture_by_nearest(image, mask, crop, size, flip, mean, std):
    _, y = reference.joint_transform(image, mask, crop, size, flip, mean, std)
    top, left, side = crop
    x = image[None, :, top : top + side, left : left + side] / 255
    x = functional.interpolate(x, size=(size, size), mode="nearest")[0]
    return ((x.flip(-1) if flip else x) - bent.channels(mean)) / bent.channels(std), y


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


def _widths(seen):
    return [one["width"] for one in seen]


@wrong(
    "receptive_field",
    "One layer is right, several in a row are not: strides are left out, or one widens its own "
    "layer's taps; each layer should add (k − 1) × d times the product of the strides before it.",
    zh="单层是对的，多层相接就错了：漏了步幅，或步幅拉大了本层的采样间隔；"
    "每层应加上 (k − 1) × d 再乘以它之前所有步幅之积。",
    caught_by="stride_counts_afterwards",
    step="Go from the input on: first add (k − 1) × d × step, then multiply step by the stride.",
    step_zh="从输入端往后走：先加上 (k − 1) × d × 步距，再把步距乘以步幅。",
    looks_like=lambda seen: _widths(seen)[1] == 5 and _widths(seen)[2:6] != [7, 5, 15, 7],
)
def ignores_stride(layers):
    return reference.receptive_field([(k, 1, d) for k, _, d in layers])


# --- cross_entropy ------------------------------------------------------------------------


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
    return reference.cross_entropy(logits, target.long().where(target != ignore_index, 0), -1)


def _is_weighed(seen):
    """Whether void gets nothing, and the others 1, or 1 over all pixels, or not all the same."""
    weights = np.asarray(seen["weights"])
    is_loss = np.abs(np.asarray(seen["gradient"]).sum(1)).max() < 1e-5 and weights.min() > 0
    known = [np.allclose(weights, one, 1e-3) for one in (1, 1 / seen["gradient"][:, 0].size)]
    return seen["at void"] < 1e-6 and is_loss and (any(known) or np.ptp(weights) > 1e-4)


@wrong(
    "cross_entropy",
    "Void is left out, but the others are not averaged over their number: it divides by all "
    "pixels, averages picture by picture, or does not divide.",
    zh="void 去掉了，但其余像素没有按它们的个数平均：除以了全部像素数，先逐图平均，或没有除。",
    caught_by="void_teaches_nothing",
    errata=("E031",),
    step="One sum over the batch, divided once by the number of pixels that count.",
    step_zh="整个批次求一个总和，只除一次，除以参与计算的像素数。",
    looks_like=_is_weighed,
)
def divides_by_all_pixels(logits, target, ignore_index=255):
    share = (target != ignore_index).float().mean()
    return share * reference.cross_entropy(logits, target, ignore_index)


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
    looks_like=lambda seen: _is_lost(seen["off by 10"], seen["off by 1000"]),
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
    "A number added to all logits of a pixel changes the loss: no softmax over the classes.",
    zh="给一个像素的全部 logits 加同一个数，损失就变了：没有沿类别做 softmax。",
    caught_by="mean_of_what_counts",
    looks_like=lambda seen: abs(seen[1] - seen[0]) > 1e-3,
    step="The classes are dimension 1 of (N, K, H, W): log_softmax(dim=1).",
    step_zh="类别在 (N, K, H, W) 的第 1 维：log_softmax(dim=1)。",
)
def softmax_over_another_axis(logits, target, ignore_index=255):
    counted = target != ignore_index
    loss = -logits.log_softmax(-1).gather(1, target.long().where(counted, 0)[:, None])[:, 0]
    return (loss * counted).sum() / counted.sum().clamp(min=1)


# --- mean_iou -----------------------------------------------------------------------------


def _with_iou(pairs, num_classes, ignore_index, iou):
    found = reference.mean_iou(pairs, num_classes, ignore_index)
    return {**found, "iou": iou, "miou": np.nanmean(iou)}


def _unlike(one, other):
    """Whether two results differ in the IoU of a class or in their mean."""
    one, other = ([*found["iou"], found["miou"]] for found in (one, other))
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
    pairs = list(batches)
    iou = [reference.mean_iou([pair], num_classes, ignore_index)["iou"] for pair in pairs]
    return _with_iou(pairs, num_classes, ignore_index, np.nanmean(iou, axis=0))


@wrong(
    "mean_iou",
    "mIoU is not the mean of the IoUs returned: it is the share of right pixels, which background "
    "alone makes high, leaves classes out, or weighs them by their size.",
    zh="mIoU 不是返回的各类 IoU 的平均：用了像素准确率（光靠背景就很高），漏了类别，"
    "或按大小加权了。",
    caught_by="counted_over_all",
    errata=("E037",),
    looks_like=lambda seen: abs(np.nanmean(seen["list"]["iou"]) - seen["list"]["miou"]) > 1e-5,
    step="For each class: intersection over union; then the plain mean over all classes.",
    step_zh="逐类求交并比，再对全部类别取简单平均。",
)
def pixel_accuracy(batches, num_classes, ignore_index=255):
    found = reference.mean_iou(batches, num_classes, ignore_index)
    return {**found, "miou": found["accuracy"]}


@wrong(
    "mean_iou",
    "Accuracy changes with the batches, or with void: it is averaged over batches, taken from one "
    "of them, or void pixels count.",
    zh="准确率随分批或 void 而变：对批次求了平均，只取了一个批次，或 void 像素也计入了。",
    caught_by="accuracy_of_what_counts",
    looks_like=lambda seen: abs(seen["pairs"] - seen["in one batch"]) > 1e-5,
    step="All right pixels over all that count, added up over the batches.",
    step_zh="跨批次累计：预测正确的像素总数除以参与计数的像素总数。",
)
def accuracy_of_batches(batches, num_classes, ignore_index=255):
    pairs = list(batches)
    found = reference.mean_iou(pairs, num_classes, ignore_index)
    accuracies = [(p == t)[t != ignore_index].float().mean() for p, t in pairs]
    return {**found, "accuracy": float(np.mean(accuracies))}


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
    filled = [(p, t.long().where(t != ignore_index, 0)) for p, t in batches]
    return reference.mean_iou(filled, num_classes, -1)


def _counts_who_is_nowhere(seen):
    iou = np.asarray(seen["iou"], dtype=float)
    return not np.isnan(iou[-1]) or abs(np.nansum(iou) / len(iou) - seen["miou"]) < 1e-6


@wrong(
    "mean_iou",
    "A class that is nowhere counts: it has a number for IoU, such as 0 or 1, or is one more by "
    "which the mean is divided.",
    zh="哪里都没有的类别也算进去了：记了 IoU（例如 0 或 1），或求平均时除数里有它。",
    caught_by="nowhere_is_not_never_right",
    step="Zero over zero is no score: nan, left out of the mean.",
    step_zh="零除以零不是成绩：记 nan，不进平均。",
    looks_like=_counts_who_is_nowhere,
)
def nowhere_is_zero(batches, num_classes, ignore_index=255):
    pairs = list(batches)
    iou = reference.mean_iou(pairs, num_classes, ignore_index)["iou"]
    return _with_iou(pairs, num_classes, ignore_index, np.nan_to_num(iou))


@wrong(
    "mean_iou",
    "Leaves out a class that is predicted but never there, and with it all those mistakes.",
    zh="类别从未出现却被预测，就把它和这些错误一起略过。",
    caught_by="nowhere_is_not_never_right",
    step="Its union is not empty: its IoU is 0.",
    step_zh="它的并集不为空：IoU 是 0。",
)
def only_classes_that_are_there(batches, num_classes, ignore_index=255):
    pairs = list(batches)
    there = torch.cat([t[t != ignore_index] for _, t in pairs])
    iou = reference.mean_iou(pairs, num_classes, ignore_index)["iou"]
    iou = np.where(np.isin(range(num_classes), there), iou, np.nan)
    return _with_iou(pairs, num_classes, ignore_index, iou)


@wrong(
    "mean_iou",
    "Divides by something else than the union: by the sum of both sizes, in which what is in both "
    "stands twice (doubled above, that is Dice), or by one of them alone (recall or precision).",
    zh="除的不是并集：除以两者大小之和，重叠部分算了两次（分子再乘 2 就是 Dice）；"
    "或只除以其中一方（召回率或精确率）。",
    caught_by="counted_over_all",
    step="The union: actual plus predicted minus both.",
    step_zh="除以并集：实际加预测，再减去两者的交集。",
    looks_like=lambda seen: abs(seen["one of three"] - 1 / 3) > 0.01,
)
def dice_for_iou(batches, num_classes, ignore_index=255):
    pairs = list(batches)
    iou = reference.mean_iou(pairs, num_classes, ignore_index)["iou"]
    return _with_iou(pairs, num_classes, ignore_index, 2 * iou / (1 + iou))


@wrong(
    "mean_iou",
    "Counts in whole numbers of eight bits: with many classes or pixels they begin anew at 256.",
    zh="用八位整数计数：类别或像素一多，到 256 就从头开始。",
    caught_by="many_classes",
    step="Turn the ids into int64 before you calculate with them.",
    step_zh="先把编号转成 int64 再计算。",
)
def ids_in_eight_bits(batches, num_classes, ignore_index=255):
    spoilt = []
    for said, true in batches:
        kept = true != ignore_index
        both = (num_classes * true[kept] + said[kept]).long() % num_classes**2
        spoilt.append((both % num_classes, both // num_classes))
    return reference.mean_iou(spoilt, num_classes, ignore_index=-1)


# --- dice_loss ----------------------------------------------------------------------------


def _is_another_quotient(loss, pixels):
    """Whether it is what intersection over union gives, or Dice without the 2."""
    known = 1 / (pixels + 1), 1 - (0.5 + (pixels - 1) / pixels + 1) / 4
    return min(abs(loss - one) for one in known) < 1e-3


@wrong(
    "dice_loss",
    "Computes another quotient than Dice: intersection over union, or the 2 above is missing, so "
    "that even a perfect answer has a loss of one half.",
    zh="算的比值不是 Dice：算成了交并比，或漏了分子的 2（完全正确时损失也有一半）。",
    caught_by="dice_of_sure_answers",
    step="Twice the intersection over the sum of both sizes.",
    step_zh="交集的两倍，除以两者大小之和。",
    looks_like=lambda seen: _is_another_quotient(**seen),
)
def jaccard_loss(logits, target, ignore_index=255, smooth=1.0):
    return bent.soft(logits, target, ignore_index, smooth, union=True)


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
    return bent.soft(logits, target, ignore_index, smooth, void_in_p=True)


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
    looks_like=lambda seen: _is_lopsided(seen["losses"][-1]) and seen["right and sure"] < 0.99,
)
def smooth_below_only(logits, target, ignore_index=255, smooth=1.0):
    return bent.soft(logits, target, ignore_index, smooth, above=0)


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
    "What all classes of a pixel get in addition changes the loss: no softmax over the classes.",
    zh="给一个像素的全部 logits 加同一个数，损失就变了：没有沿类别做 softmax。",
    caught_by="one_minus_mean_dice",
    looks_like=lambda seen: abs(seen[1] - seen[0]) > 1e-3,
    step="logits.softmax(dim=1) is the p of the formula.",
    step_zh="公式里的 p 是 logits.softmax(dim=1)。",
)
def probabilities_by_sigmoid(logits, target, ignore_index=255, smooth=1.0):
    p = logits.sigmoid().clamp(1e-6, 1 - 1e-6)
    return bent.soft(logits, target, ignore_index, smooth, p=p)


def _is_no_mean(loss, pixels):
    """Whether it is the mean of three classes, of four, or two pixels of all are wrong."""
    return min(abs(loss - 2 / 3 / pixels), abs(loss - 2 / (4 * pixels + 3))) < 1e-3


@wrong(
    "dice_loss",
    "Is no mean over all classes: the background, or those that do not occur, are left out, or "
    "one quotient is taken of what all classes sum up to.",
    zh="不是全部类别的平均：漏了背景，只算出现了的类别，或把各类的和加在一起只求一个比值。",
    caught_by="dice_of_sure_answers",
    step="A quotient for each class, divided by K: class 0 counts, and an absent one has a Dice "
    "as well, thanks to smooth.",
    step_zh="每类各求一个比值，再除以 K：第 0 类也算；没出现的类别因为有 smooth 也有 Dice。",
    looks_like=lambda seen: _is_no_mean(**seen),
)
def only_classes_that_occur(logits, target, ignore_index=255, smooth=1.0):
    return bent.soft(logits, target, ignore_index, smooth, present=True)


# --- build_deeplab and train_deeplab ------------------------------------------------------


def _other_parts(seen):
    """Whether the rates are those asked for, and something else is another."""
    return all(set(one["rates"]) <= set(one["dilations"]) for one in seen)


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
def bias_before_the_norm(num_classes, rates=(2, 4, 6)):
    model = reference.build_deeplab(num_classes, rates)
    model.classifier[1] = nn.Conv2d(32, 32, 3, padding=1)
    return model


@wrong(
    "build_deeplab",
    "No logit is below 0: something stands after the last convolution, such as softmax or ReLU.",
    zh="没有一个 logit 小于 0：最后的卷积之后还有别的层，例如 softmax 或 ReLU。",
    caught_by="computes_what_its_parts_do",
    looks_like=lambda seen: min(np.min(one) for one in seen) >= 0,
    step="Logits are what the last convolution gives; the loss has its own softmax.",
    step_zh="logits 就是最后一个卷积的输出；softmax 在损失里。",
)
def softmax_at_the_end(num_classes, rates=(2, 4, 6)):
    model = reference.build_deeplab(num_classes, rates)
    model.classifier.append(nn.Softmax(dim=1))
    return model


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
    return bent.train(*given, **options, key="aux")


@wrong(
    "train_deeplab",
    "Never clears the gradients, so that every step repeats all those before it.",
    zh="从不清零梯度，每一步都叠加了之前的全部梯度。",
    caught_by="losses_step_by_step",
    step="optimizer.zero_grad() before each backward().",
    step_zh="每次 backward() 之前调用 optimizer.zero_grad()。",
)
def gradients_pile_up(*given, **options):
    return bent.train(*given, **options, zero=False)


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
    return bent.train(*given, **options, mode=False)


@wrong(
    "train_deeplab",
    "Takes the pictures in the same order every round, or one again before all have been seen.",
    zh="每一轮都按同样的顺序取图片，或还没把所有图片过一遍就有图片重复出现。",
    caught_by="each_picture_once",
    step="Each time all have been seen, draw a new order for a whole round (torch.randperm), and "
    "cut it into batches.",
    step_zh="每过完一轮，重新抽一个完整的顺序（torch.randperm），再切成批次。",
    looks_like=lambda seen: seen["same order each round"] or seen["again too soon"],
)
def never_shuffles(*given, **options):
    return bent.train(*given, **options, shuffle=False)


@wrong(
    "train_deeplab",
    "The learning rates are not those of the schedule, a step of each after every batch.",
    zh="各步的学习率与题目给的计划不符：应当每个批次之后两者各走一步。",
    caught_by="rates_of_the_schedule",
    step="OneCycleLR with the arguments of the text; optimizer.step(), then schedule.step().",
    step_zh="按题目的参数建 OneCycleLR；先 optimizer.step()，再 schedule.step()。",
    looks_like=lambda seen: seen["AdamW"] and set(seen["decay"]) == {0.01},
)
def schedule_stands_still(*given, **options):
    return bent.train(*given, **options, moving=False)


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
    return bent.train(model, x, y[torch.randperm(len(y))], *given, **options)


# --- predict_masks ------------------------------------------------------------------------


def _prepared_otherwise(pixels):
    """Whether some first pixel is none that a byte becomes by the `TWO` of `drawn`."""
    pixels = np.asarray(pixels, dtype=float) * [0.2, 0.31] + [0.3, 0.45]
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
    looks_like=lambda seen: _prepared_otherwise(seen["first pixels"]),
)
def raw_at_test(*given, **options):
    return bent.predict(*given, **options, normalised=False)


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
    return bent.predict(*given, **options, evaluation=False)


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
    return (bent.predict(*given, **options) > 0.5).long()


@wrong(
    "predict_masks",
    "Takes another output of the model than “out”, such as the first of the dict.",
    zh="用的不是模型的 out，而是别的输出，例如字典里的第一个。",
    caught_by="highest_of_out",
    step="The model returns a dict: take its “out”.",
    step_zh="模型返回字典：取其中的 out。",
)
def first_of_the_dict(*given, **options):
    return bent.predict(*given, **options, key="aux")


@wrong(
    "predict_masks",
    "Keeps gradients while it predicts.",
    zh="预测时仍在记录梯度。",
    caught_by="no_batch_is_larger",
    looks_like=lambda seen: seen["gradients"],
    step="Predict under torch.no_grad() or torch.inference_mode().",
    step_zh="在 torch.no_grad() 或 torch.inference_mode() 下预测。",
)
def keeps_gradients(*given, **options):
    return bent.predict(*given, **options, gradients=True)


# --- colour_mask --------------------------------------------------------------------------


def _is_grey(picture):
    return np.ptp(np.asarray(picture), axis=-1).max() == 0


@wrong(
    "colour_mask",
    "Has no colours, only greys, as when a mask is multiplied by 255 (which makes whole numbers of "
    "64 bits besides).",
    zh="没有颜色，只有灰度，例如把掩码乘以 255（还成了 64 位整数）。",
    caught_by="every_id_its_colour",
    errata=("E036",),
    step="Look the ids up in the palette, and make the result uint8.",
    step_zh="编号到调色板里查颜色，结果为 uint8。",
    looks_like=lambda seen: all(_is_grey(one["picture"]) for one in seen),
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
    "What leaves the picture still counts: it comes in on the other side, or stays in the union.",
    zh="移出画面的仍被计入：从另一侧绕了回来，或还留在并集里。",
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
    "Moves the picture to the left where it should go to the right, and the other way round.",
    zh="方向反了：该向右移的向左移，该向左移的向右移。",
    caught_by="what_leaves_is_gone",
    looks_like=lambda seen: np.allclose(seen["at the left edge, by 1 and -1"], [2 / 3, 1 / 2]),
    step="Column j of the mask stands in column j + s: now[:, s:] = mask[:, :-s].",
    step_zh="掩码的第 j 列移到第 j + s 列：now[:, s:] = mask[:, :-s]。",
)
def moves_to_the_left(mask, speed, latency_ms, pixels_per_degree):
    return reference.late_iou(mask, -speed, latency_ms, pixels_per_degree)


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


# --- mended_segmentation ------------------------------------------------------------------


_program = reference.mended_segmentation


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
    return _program(
        *given, **options, cross_entropy=lambda z, y: functional.cross_entropy(z, y[:, 0, 0].long())
    )


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
    def of_blurred(logits, y):
        y = functional.interpolate(y[:, None, ::2, ::2].float(), scale_factor=2, mode="bilinear")
        return functional.cross_entropy(logits, y[:, 0].long(), ignore_index=VOID)

    return _program(*given, **options, cross_entropy=of_blurred)


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
    return _program(*given, **options, cross_entropy=void_is_background)


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
    return _program(
        *given, **options, cross_entropy=lambda z, y: functional.cross_entropy({"out": z}, y.long())
    )


@wrong(
    "mended_segmentation",
    "Pixels do not reach the model as (x / 255 − mean) / std: of the pictures that are trained on, "
    "or of the test pictures.",
    zh="送进模型的像素不是 (x / 255 − mean) / std：训练图片不是，或测试图片不是。",
    caught_by="what_the_model_gets",
    errata=("E027", "E033"),
    step="Divide by 255, subtract the mean, divide by the std: in training and in the test alike.",
    step_zh="除以 255、减均值、除以标准差：训练和测试都一样。",
    looks_like=lambda seen: any(map(_prepared_otherwise, (seen["trained on"], seen["tested on"]))),
)
def still_not_normalised(model, examples, test_images, palette, mean, std, lr=0.1):
    return _program(model, examples, test_images, palette, (0.0, 0.0), (1.0, 1.0), lr)


def _in_one_mode(seen):
    """Whether all nine pictures came in one of both modes, the six of the examples two by two."""
    rows, tested = seen["rows"], len(seen["tested on"])
    return tested == 9 if not rows else rows[:3] == [2, 2, 2] and sum(rows) == 9 and not tested


@wrong(
    "mended_segmentation",
    "Still predicts in training mode, in which batch normalisation uses the picture at hand, or "
    "trains in evaluation mode, in which it learns nothing.",
    zh="仍在训练模式下预测（批归一化用的是眼前这张图的统计量），或在评估模式下训练（它什么也学不到）。",
    caught_by="what_the_model_gets",
    errata=("E034",),
    step="model.train() before the examples, model.eval() before the test pictures.",
    step_zh="训练之前调用 model.train()，预测之前调用 model.eval()。",
    looks_like=_in_one_mode,
)
def still_no_eval(*given, **options):
    def one_by_one(*of):
        return no_evaluation_mode(*of, batch_size=1)

    return _program(*given, **options, predict_masks=one_by_one)


@wrong(
    "mended_segmentation",
    "Still cuts the ids at one half.",
    zh="仍用 0.5 截断编号。",
    caught_by="ids_of_the_test_pictures",
    errata=("E035",),
    step="Keep what argmax gives.",
    step_zh="保留 argmax 的结果。",
    looks_like=lambda seen: _only_two({"ids": seen["untrained"]}),
)
def still_cut_at_one_half(*given, **options):
    return _program(*given, **options, predict_masks=ids_cut_at_one_half)


@wrong(
    "mended_segmentation",
    "The pictures still have no colours, only greys: a mask times 255, in 64 bits.",
    zh="图片仍没有颜色，只有灰度：掩码乘以 255，64 位。",
    caught_by="pictures_in_colour",
    errata=("E036",),
    step="Look the ids up in the palette; uint8.",
    step_zh="编号到调色板里查颜色，结果为 uint8。",
    looks_like=lambda seen: _is_grey(seen["pictures"]),
)
def still_times_255(*given, **options):
    return _program(*given, **options, colour_mask=black_and_white)
