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
    "Enlarges the mask bilinearly: between class 1 and class 7 appear classes that are not there.",
    zh="用双线性放大掩码：1 类和 7 类之间冒出了并不存在的类别。",
    caught_by="every_id_stays_an_id",
    errata=("E026",),
    step="Repeat ids, don't average them: mode='nearest', or a tv_tensors.Mask.",
    step_zh="编号只能重复，不能求平均：用最近邻，或用 tv_tensors.Mask。",
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
    "Scales the pixels to 0 … 1 and never normalises them.",
    zh="像素只缩放到 0 … 1，没有归一化。",
    caught_by="picture_is_cut_enlarged_and_normalised",
    errata=("E027",),
    step="Subtract the mean and divide by the std, channel by channel.",
    step_zh="逐通道减均值、除以标准差。",
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


# --- cross_entropy ------------------------------------------------------------------------


def _per_pixel(logits, target):
    """Minus log probability of each target (N, H, W); ids that are none count as 0."""
    ids = target.long()
    ids = torch.where((ids >= 0) & (ids < logits.shape[1]), ids, 0)
    return -logits.log_softmax(1).gather(1, ids[:, None])[:, 0]


@wrong(
    "cross_entropy",
    "Counts void pixels as background.",
    zh="把 void 像素当作背景来计算。",
    caught_by="mean_of_what_counts",
    errata=("E031",),
    step="Leave the pixels out whose target is ignore_index, above and below the line.",
    step_zh="目标为 ignore_index 的像素，分子分母里都要去掉。",
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


@wrong(
    "cross_entropy",
    "Takes the logarithm of the probability, with a small number against infinity.",
    zh="先求概率再取对数，还加一个很小的数防止无穷大。",
    caught_by="sure_and_wrong",
    step="Never form the probability: log_softmax, or logsumexp minus the logit.",
    step_zh="不要先算出概率：用 log_softmax，或 logsumexp 减去 logit。",
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


@wrong(
    "mean_iou",
    "Averages the IoU of the batches.",
    zh="把各批次的 IoU 求了平均。",
    caught_by="counted_over_all",
    step="Add up counts over all batches and divide once, at the end.",
    step_zh="跨批次累计计数，最后只除一次。",
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
    "Counts void pixels as background.",
    zh="把 void 像素算成背景。",
    caught_by="void_does_not_count",
    errata=("E031",),
    step="Drop the pixels whose target is ignore_index, with their predictions.",
    step_zh="目标为 ignore_index 的像素连同预测一起去掉。",
)
def void_counts_as_background(batches, num_classes, ignore_index=255):
    return _result(_counts(batches, num_classes, ignore_index, void_as=0))


@wrong(
    "mean_iou",
    "Gives a class that is nowhere an IoU of 0.",
    zh="给哪里都没有的类别记 IoU 为 0。",
    caught_by="a_class_that_is_nowhere",
    step="Zero over zero is no score: nan, left out of the mean.",
    step_zh="零除以零不是成绩：记 nan，不进平均。",
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
    "Divides by the pixels that are the class alone: that is recall, false finds cost nothing.",
    zh="只除以真正属于该类的像素数：那是召回率，误报不受任何惩罚。",
    caught_by="counted_over_all",
    step="The union: actual plus predicted minus both.",
    step_zh="除以并集：实际加预测，再减去两者的交集。",
)
def recall_for_iou(batches, num_classes, ignore_index=255):
    counts = _counts(batches, num_classes, ignore_index)
    with np.errstate(invalid="ignore"):
        recall = counts.diagonal() / counts.sum(1)
    return {**_result(counts), "iou": recall, "miou": np.nanmean(recall)}


# --- dice_loss ----------------------------------------------------------------------------


def _soft(logits, target, ignore_index, smooth, *, times=2, above=1, first=0, union=False,
          void_in_p=False):  # fmt: skip
    counted = target != ignore_index
    p = logits.softmax(1).movedim(1, -1)
    t = functional.one_hot(target.long().where(counted, 0), logits.shape[1]) * counted[..., None]
    said = p if void_in_p else p * counted[..., None]
    both, said, true = ((v.flatten(0, 2).sum(0)) for v in (said * t, said, t))
    below = said + true - both * union + smooth
    return 1 - ((times * both + above * smooth) / below)[first:].mean()


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
    "Takes void out of the target, but lets the probabilities there count.",
    zh="目标里去掉了 void，但那里的概率仍被计入。",
    caught_by="void_is_in_no_sum",
    errata=("E031",),
    step="Drop the void pixels from both, before any sum.",
    step_zh="求和之前，把 void 像素从两边都去掉。",
)
def void_in_the_probabilities(logits, target, ignore_index=255, smooth=1.0):
    return _soft(logits, target, ignore_index, smooth, void_in_p=True)


@wrong(
    "dice_loss",
    "Has smooth below the line only: an absent class that is not predicted scores 0, not 1.",
    zh="smooth 只加在分母上：没出现也没被预测的类别得 0 分而不是 1 分。",
    caught_by="smooth_and_absent_classes",
    step="Add smooth above as well.",
    step_zh="分子上也加 smooth。",
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


# --- build_deeplab and train_deeplab ------------------------------------------------------


class _Coarse(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.backbone, self.classifier = model.backbone, model.classifier

    def forward(self, x):
        return {"out": self.classifier(self.backbone(x)["out"])}


@wrong(
    "build_deeplab",
    "Returns logits as coarse as the features, half the size of the picture.",
    zh="返回的 logits 和特征图一样粗，只有图片的一半大。",
    caught_by="out_is_as_large_as_the_picture",
    step="Let torchvision's DeepLabV3 enlarge them to the picture's size.",
    step_zh="用 torchvision 的 DeepLabV3，它会放大到原图大小。",
)
def logits_left_coarse(num_classes, rates=(2, 4, 6)):
    return _Coarse(reference.build_deeplab(num_classes, rates))


@wrong(
    "build_deeplab",
    "Takes the paper's rates 12, 24, 36, which look past the edges of so small a map.",
    zh="照搬论文的膨胀率 12、24、36，在这么小的特征图上全看到边界外面去了。",
    caught_by="parts_are_those_asked_for",
    step="Pass on the rates that are given.",
    step_zh="用传入的 rates。",
)
def rates_of_the_paper(num_classes, rates=(2, 4, 6)):
    return reference.build_deeplab(num_classes, (12, 24, 36))


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


def _train(model, x, y, steps=180, batch_size=10, lr=5e-3, *, key="out", mode=True, zero=True,
           shuffle=True, together=True, moving=True):  # fmt: skip
    """A training loop; each keyword puts a fault in."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=0.2)
    model.train(mode)
    losses, order = [], []
    for _ in range(steps):
        if not order:
            places = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
            order = list(places.split(batch_size))
        rows = order.pop()
        ids = y[rows if together else torch.randint(len(y), (len(rows),))]
        loss = functional.cross_entropy(model(x[rows])[key], ids.long(), ignore_index=VOID)
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
)
def never_shuffles(*given, **options):
    return _train(*given, **options, shuffle=False)


@wrong(
    "train_deeplab",
    "Draws pictures and masks separately: the pairs do not belong together.",
    zh="图片和掩码各抽各的，配不成对。",
    caught_by="segments_unseen_digits",
    looks_like=lambda seen: seen < 0.3,
    step="One set of row numbers for both.",
    step_zh="两者用同一组下标。",
)
def pairs_torn_apart(*given, **options):
    return _train(*given, **options, together=False)


@wrong(
    "train_deeplab",
    "Makes the schedule and never steps it: the rate stays at its small beginning.",
    zh="建了学习率计划却从不 step：学习率一直停在很小的初始值。",
    caught_by="losses_step_by_step",
    step="schedule.step() after every batch.",
    step_zh="每个批次之后调用 schedule.step()。",
)
def schedule_stands_still(*given, **options):
    return _train(*given, **options, moving=False)


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


@wrong(
    "predict_masks",
    "Does not normalise the pictures, though the model was trained on normalised ones.",
    zh="没有归一化，而模型是在归一化的图片上训练的。",
    caught_by="highest_of_out",
    errata=("E033",),
    step="Prepare test pictures just as in training.",
    step_zh="测试图片的处理要与训练时完全一样。",
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


@wrong(
    "predict_masks",
    "Cuts the ids at one half, which makes one class of all digits.",
    zh="用 0.5 去截断编号，所有数字变成了一类。",
    caught_by="highest_of_out",
    errata=("E035",),
    step="An id is a name, not a probability: leave it as argmax gives it.",
    step_zh="编号是名字，不是概率：argmax 给出什么就是什么。",
)
def ids_cut_at_one_half(*given, **options):
    return (_predict(*given, **options) > 0.5).long()


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


@wrong(
    "colour_mask",
    "The right colours in a type that is no picture's: viewers expect uint8.",
    zh="颜色对，类型不对：看图软件要的是 uint8。",
    caught_by="every_id_its_colour",
    errata=("E036",),
    step="Make the array uint8.",
    step_zh="把数组转成 uint8。",
)
def not_eight_bits(mask, palette, void=(224, 224, 192)):
    return reference.colour_mask(mask, palette, void).astype(np.int64)


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
    "Cuts the shift down to a whole number instead of rounding it to the nearest.",
    zh="位移直接截断取整，而不是四舍五入。",
    caught_by="milliseconds_and_rounding",
    step="round(), not int() or //.",
    step_zh="用 round()，不要用 int() 或 //。",
)
def shift_cut_off(mask, speed, latency_ms, pixels_per_degree):
    shift = int(speed * latency_ms / 1000 * pixels_per_degree)
    return reference.late_iou(mask, shift, 1000, 1)


# --- mended_segmentation ------------------------------------------------------------------


def _program(
    model, examples, test_images, palette, mean, std, lr=0.1, *,
    masks="nearest", raw=False, raw_test=False, void="ignored", key="out", evaluation=True,
    half=False, times_255=False,
):  # fmt: skip
    """The program mended; each keyword leaves one of its faults in."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    model.train()
    losses = []
    for start in range(0, len(examples), 2):
        batch = examples[start : start + 2]
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
    "Still trains on pictures that are not normalised.",
    zh="训练图片仍没有归一化。",
    caught_by="losses_of_the_masks",
    errata=("E027",),
    step="Subtract the mean, divide by the std.",
    step_zh="减均值，除以标准差。",
)
def still_not_normalised(*given, **options):
    return _program(*given, **options, raw=True, raw_test=True)


@wrong(
    "mended_segmentation",
    "Test pictures are still prepared otherwise than those trained on.",
    zh="测试图片的处理仍与训练时不同。",
    caught_by="ids_of_the_test_pictures",
    errata=("E033",),
    step="Normalise the test pictures too.",
    step_zh="测试图片也要归一化。",
)
def still_raw_at_test(*given, **options):
    return _program(*given, **options, raw_test=True)


@wrong(
    "mended_segmentation",
    "Still predicts in training mode: batch normalisation uses the picture at hand.",
    zh="仍在训练模式下预测：批归一化用的是眼前这张图的统计量。",
    caught_by="ids_of_the_test_pictures",
    errata=("E034",),
    step="model.eval() before predicting.",
    step_zh="预测之前调用 model.eval()。",
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
