"""Known-wrong answers for `detection`, each one misconception; many are the documents' own."""

import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Rectangle
from torch import nn
from torch.utils.data import DataLoader

from autograder.checks import wrong

CUT = math.log(1000 / 16)

# --- box_iou ------------------------------------------------------------------------------


def _iou(boxes1, boxes2, *, plus=0, clamped=True, union="both"):
    a, b = boxes1[:, None], boxes2[None]
    sizes = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2]) + plus
    shared = (sizes.clamp(min=0) if clamped else sizes).prod(-1)
    first, second = ((x[..., 2:] - x[..., :2] + plus).prod(-1) for x in (a, b))
    smaller = torch.minimum(first, second)
    whole = {"both": first + second - shared, "sum": first + second, "smaller": smaller}[union]
    return shared / whole.clamp(min=1e-12)


@wrong(
    "box_iou",
    "Adds one to widths and heights, as for corners that are pixels and still inside.",
    zh="宽和高都加了一，把角点当成了含在框内的像素。",
    caught_by="every_pair_has_an_iou",
    step="The right and lower edges are exclusive: the width is x2 − x1.",
    step_zh="右边界和下边界不含在内：宽就是 x2 − x1。",
)
def adds_one(boxes1, boxes2):
    return _iou(boxes1, boxes2, plus=1)


@wrong(
    "box_iou",
    "Does not cut negative sizes at zero: two of them make a positive area.",
    zh="没有把负的宽高截到零：负负得正，不相交的框也有了公共面积。",
    caught_by="boxes_apart_share_nothing",
    step="Cut width and height of the shared part at zero before you multiply.",
    step_zh="相乘之前，先把公共部分的宽和高截到不小于零。",
)
def negative_sizes(boxes1, boxes2):
    return _iou(boxes1, boxes2, clamped=False)


@wrong(
    "box_iou",
    "Divides by the sum of both areas, in which the shared part counts twice.",
    zh="除以两个面积之和，公共部分被算了两遍。",
    caught_by="a_box_within_another",
    step="Subtract the shared area from the sum once.",
    step_zh="从面积之和里减去一次公共面积。",
)
def shared_counts_twice(boxes1, boxes2):
    return _iou(boxes1, boxes2, union="sum")


@wrong(
    "box_iou",
    "Divides by the smaller of the two areas: a box within another shares 1.",
    zh="除以两个面积中较小的那个：被包含的框得到 1。",
    caught_by="a_box_within_another",
    step="Divide by the union: both areas together, the shared part once.",
    step_zh="除以并集：两个面积之和，减去一次公共面积。",
)
def over_the_smaller(boxes1, boxes2):
    return _iou(boxes1, boxes2, union="smaller")


# --- batched_nms --------------------------------------------------------------------------


def _nms(boxes, scores, idxs, threshold, *, classes=True, strict=True, chain=False,
         order=None):  # fmt: skip
    ious = _iou(boxes, boxes)
    order = scores.argsort(descending=True, stable=True).tolist() if order is None else order
    kept, seen = [], []
    for i in order:
        rivals = [j for j in (seen if chain else kept) if not classes or idxs[i] == idxs[j]]
        over = [ious[i, j] > threshold if strict else ious[i, j] >= threshold for j in rivals]
        seen.append(i)
        if not any(over):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


@wrong(
    "batched_nms",
    "Lets boxes of one class suppress those of another.",
    zh="让一个类别的框抑制了另一个类别的框。",
    caught_by="classes_do_not_meet",
    step="Compare with kept boxes of the same class only.",
    step_zh="只与已保留的同类框比较。",
)
def ignores_classes(boxes, scores, idxs, iou_threshold):
    return _nms(boxes, scores, idxs, iou_threshold, classes=False)


@wrong(
    "batched_nms",
    "Drops a box whose IoU is just the threshold.",
    zh="IoU 恰好等于阈值的框也丢掉了。",
    caught_by="the_threshold_itself_is_not_too_much",
    step="Drop only where the IoU is greater than the threshold.",
    step_zh="只有 IoU 大于阈值才丢。",
)
def at_the_threshold(boxes, scores, idxs, iou_threshold):
    return _nms(boxes, scores, idxs, iou_threshold, strict=False)


@wrong(
    "batched_nms",
    "Lets boxes suppress others although they were dropped themselves.",
    zh="自己已被丢掉的框，还在抑制别的框。",
    caught_by="the_dropped_suppress_nothing",
    step="Compare with the boxes kept so far, not with all surer ones.",
    step_zh="只与目前保留下来的框比较，而不是与所有分数更高的框比较。",
)
def the_dropped_suppress(boxes, scores, idxs, iou_threshold):
    return _nms(boxes, scores, idxs, iou_threshold, chain=True)


@wrong(
    "batched_nms",
    "Of equal scores takes the last of the list first.",
    zh="分数相同时先处理列表里靠后的。",
    caught_by="the_first_of_equals",
    step="Sort stably by falling score; do not sort upwards and turn it round.",
    step_zh="用稳定的降序排序，不要先升序再反转。",
)
def the_last_of_equals(boxes, scores, idxs, iou_threshold):
    order = scores.argsort(stable=True).flip(0).tolist()
    return _nms(boxes, scores, idxs, iou_threshold, order=order)


@wrong(
    "batched_nms",
    "Begins with the lowest score: sure boxes are dropped for unsure ones.",
    zh="从分数最低的开始处理：有把握的框反而被没把握的挤掉。",
    caught_by="surer_boxes_suppress",
    step="Sort by falling score: descending=True.",
    step_zh="按分数从高到低排序：descending=True。",
)
def unsure_boxes_first(boxes, scores, idxs, iou_threshold):
    return _nms(boxes, scores, idxs, iou_threshold, order=scores.argsort(stable=True).tolist())


# --- box_coding ---------------------------------------------------------------------------


def _parts(boxes):
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def _encode(boxes, anchors, weights, *, corner=False, log=True):
    (centre, size), (anchor, span) = _parts(boxes), _parts(anchors)
    if corner:
        centre, anchor = boxes[:, :2], anchors[:, :2]
    shift = (centre - anchor) / span
    scale = (size / span).log() if log else size / span
    return torch.cat([shift, scale], 1) * torch.tensor(weights, dtype=shift.dtype)


@wrong(
    "encode_boxes",
    "Takes the way between upper left corners, not centres.",
    zh="算的是左上角之间的位移，不是中心之间的。",
    caught_by="deltas_are_relative_to_the_anchor",
    step="Use the centres of box and anchor.",
    step_zh="用框和锚框的中心。",
)
def corners_for_centres(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return _encode(boxes, anchors, weights, corner=True)


@wrong(
    "encode_boxes",
    "Takes the ratio of sizes without the logarithm.",
    zh="尺寸之比没有取对数。",
    caught_by="deltas_are_relative_to_the_anchor",
    step="Take its natural logarithm: an equal size is 0, half and double are opposite.",
    step_zh="取自然对数：尺寸相同为 0，一半和两倍互为相反数。",
)
def ratios_without_logarithm(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return _encode(boxes, anchors, weights, log=False)


@wrong(
    "encode_boxes",
    "Measures the way in sizes of the box, not of the anchor.",
    zh="位移以目标框的尺寸为单位，而不是以锚框的尺寸为单位。",
    caught_by="deltas_are_relative_to_the_anchor",
    step="Divide by the anchor's width and height: the box's are not known when decoding.",
    step_zh="除以锚框的宽和高：解码时并不知道目标框的尺寸。",
)
def in_sizes_of_the_box(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    deltas = _encode(boxes, anchors, weights)
    return torch.cat([deltas[:, :2] * _parts(anchors)[1] / _parts(boxes)[1], deltas[:, 2:]], 1)


def _decode(deltas, anchors, weights, *, cut=CUT, early=False, corners=True,
            least=-math.inf):  # fmt: skip
    if early:
        deltas = torch.cat([deltas[:, :2], deltas[:, 2:].clamp(max=cut)], 1)
    deltas = deltas / torch.tensor(weights, dtype=deltas.dtype)
    anchor, span = _parts(anchors)
    centre = anchor + deltas[:, :2] * span
    size = span * deltas[:, 2:].clamp(least, math.inf if early else cut).exp()
    half = size / 2 if corners else 0 * size
    return torch.cat([centre - half, centre + half if corners else size], 1)


@wrong(
    "decode_boxes",
    "Lets a size grow without bounds, to infinity in the end.",
    zh="尺寸没有上限，最后会变成无穷大。",
    caught_by="sizes_are_cut",
    step="Cut the last two deltas at ln(1000 / 16) before the exponential.",
    step_zh="取指数之前，把后两项截到不超过 ln(1000 / 16)。",
)
def sizes_without_bounds(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return _decode(deltas, anchors, weights, cut=math.inf)


@wrong(
    "decode_boxes",
    "Cuts before the weights have been divided out, five times too early.",
    zh="还没除以权重就截断了，上限小了五倍。",
    caught_by="sizes_are_cut",
    step="Divide by the weights first, then cut.",
    step_zh="先除以权重，再截断。",
)
def cuts_too_early(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return _decode(deltas, anchors, weights, early=True)


@wrong(
    "decode_boxes",
    "Returns centre and size where corners were asked for.",
    zh="要的是角点，返回的却是中心和尺寸。",
    caught_by="decoding_gives_corners",
    step="Subtract and add half of the size.",
    step_zh="中心减去、加上半个尺寸。",
)
def centre_and_size(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return _decode(deltas, anchors, weights, corners=False)


@wrong(
    "decode_boxes",
    "Does not divide by the weights.",
    zh="没有除以权重。",
    caught_by="there_and_back",
    step="Encoding multiplied by the weights: divide by them first.",
    step_zh="编码时乘过权重：先除回来。",
)
def forgets_the_weights(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return _decode(deltas, anchors, (1.0, 1.0, 1.0, 1.0))


@wrong(
    "decode_boxes",
    "Cuts small sizes too, below at −ln(1000 / 16).",
    zh="对很小的尺寸也截断了，下限为 −ln(1000 / 16)。",
    caught_by="sizes_are_cut",
    step="Cut from above only: clamp(max=…).",
    step_zh="只从上面截断：clamp(max=…)。",
)
def cuts_on_both_sides(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return _decode(deltas, anchors, weights, least=-CUT)


# --- detection_target ---------------------------------------------------------------------


def _target(annotations, ids, *, xywh=False, first=1, own=False, crowd=False, flat=False,
            empty=True):  # fmt: skip
    kept = [a for a in annotations
            if (crowd or not a["iscrowd"]) and (not empty or min(a["bbox"][2:]) > 0)]  # fmt: skip
    boxes = torch.tensor([a["bbox"] for a in kept], dtype=torch.float32)
    boxes = boxes if flat and not kept else boxes.reshape(-1, 4)
    if not xywh and len(kept):
        boxes[:, 2:] += boxes[:, :2]
    places = [a["category_id"] if own else list(ids).index(a["category_id"]) + first for a in kept]
    return {"boxes": boxes, "labels": torch.tensor(places, dtype=torch.int64)}


@wrong(
    "detection_target",
    "Takes COCO's corner, width and height for two corners.",
    zh="把 COCO 的「角点加宽高」当成了两个角点。",
    caught_by="corners_and_classes_from_one",
    errata=("E039",),
    step="x2 is x plus the width, y2 is y plus the height.",
    step_zh="x2 等于 x 加宽，y2 等于 y 加高。",
)
def sizes_as_corners(annotations, category_ids):
    return _target(annotations, category_ids, xywh=True)


@wrong(
    "detection_target",
    "Counts classes from 0, which is the background: the first class is never found.",
    zh="类别从 0 开始编号，而 0 是背景：第一类永远检测不到。",
    caught_by="corners_and_classes_from_one",
    errata=("E039",),
    step="The first category is class 1.",
    step_zh="第一个类别编号为 1。",
)
def first_class_is_background(annotations, category_ids):
    return _target(annotations, category_ids, first=0)


@wrong(
    "detection_target",
    "Takes the data set's ids for classes, gaps and all.",
    zh="把数据集的编号连同空缺直接当成了类别。",
    caught_by="corners_and_classes_from_one",
    step="A class is the place of the id in category_ids, from 1.",
    step_zh="类别是编号在 category_ids 中的位置，从 1 开始。",
)
def ids_as_classes(annotations, category_ids):
    return _target(annotations, category_ids, own=True)


@wrong(
    "detection_target",
    "Counts classes by rising id, not in the order of category_ids.",
    zh="按编号大小给类别排号，而不是按 category_ids 的顺序。",
    caught_by="corners_and_classes_from_one",
    step="Take the ids in the order given.",
    step_zh="按给定的顺序使用这些编号。",
)
def by_rising_id(annotations, category_ids):
    return _target(annotations, sorted(category_ids))


@wrong(
    "detection_target",
    "Without objects returns boxes of the shape (0,), at which training stops.",
    zh="没有物体时 boxes 的形状是 (0,)，训练到这里会报错。",
    caught_by="shapes_and_types",
    step="Reshape to (−1, 4).",
    step_zh="变形成 (−1, 4)。",
)
def flat_when_empty(annotations, category_ids):
    return _target(annotations, category_ids, flat=True)


@wrong(
    "detection_target",
    "Keeps crowds, whose box holds many things at once.",
    zh="留下了成群标注，它的一个框里有许多物体。",
    caught_by="crowds_and_empty_boxes_are_left_out",
    step="Leave out annotations whose iscrowd is 1.",
    step_zh="去掉 iscrowd 为 1 的标注。",
)
def keeps_crowds(annotations, category_ids):
    return _target(annotations, category_ids, crowd=True)


@wrong(
    "detection_target",
    "Keeps boxes without area, at which torchvision's training stops.",
    zh="留下了没有面积的框，torchvision 训练时遇到会报错停下。",
    caught_by="crowds_and_empty_boxes_are_left_out",
    step="Keep a box only if its width and its height are above 0.",
    step_zh="宽和高都大于 0 才保留。",
)
def keeps_empty_boxes(annotations, category_ids):
    return _target(annotations, category_ids, empty=False)


@wrong(
    "collate",
    "Stacks the pictures into one tensor, as the default does: they differ in size.",
    zh="像默认方式那样把图片堆成一个张量，可图片大小不一。",
    caught_by="nothing_is_stacked",
    errata=("E040",),
    step="Return two lists: the pictures and the targets.",
    step_zh="返回两个列表：图片和目标。",
)
def stacks_the_pictures(batch):
    return torch.utils.data.default_collate(batch)


# --- train_step ---------------------------------------------------------------------------


def _step(model, optimizer, images, targets, *, total=None, zero=True, mode=True):
    if mode:
        model.train()
    losses = model(images, targets)
    loss = sum(losses.values()) if total is None else total(losses)
    if zero:
        optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@wrong(
    "train_step",
    "Calls cross entropy on the dict of losses.",
    zh="对损失字典求交叉熵。",
    caught_by="all_losses_are_minimised",
    errata=("E043", "E049"),
    step="The model has computed its losses already: add them up.",
    step_zh="损失模型已经算好了：加起来即可。",
)
def cross_entropy_of_a_dict(model, optimizer, images, targets):
    criterion = nn.CrossEntropyLoss()
    return _step(model, optimizer, images, targets, total=lambda out: criterion(out, targets))


@wrong(
    "train_step",
    "Minimises the classifier's cross entropy alone; boxes and proposals learn nothing.",
    zh="只最小化分类器的交叉熵；框和候选框什么都没学到。",
    caught_by="all_losses_are_minimised",
    errata=("E049",),
    step="Add up all the losses of the dict.",
    step_zh="把字典里的损失全部相加。",
)
def only_the_classifier(model, optimizer, images, targets):
    def total(losses):
        return losses.get("loss_classifier", next(iter(losses.values())))

    return _step(model, optimizer, images, targets, total=total)


@wrong(
    "train_step",
    "Never clears the gradients: each step repeats the ones before.",
    zh="从不清梯度：每一步都叠加了之前的梯度。",
    caught_by="old_gradients_are_gone",
    step="Call optimizer.zero_grad() before backward().",
    step_zh="在 backward() 之前调用 optimizer.zero_grad()。",
)
def never_clears(model, optimizer, images, targets):
    return _step(model, optimizer, images, targets, zero=False)


@wrong(
    "train_step",
    "Leaves the model in whatever mode it came: in evaluation mode it returns predictions.",
    zh="没有切到训练模式：评估模式下模型返回的是预测。",
    caught_by="evaluation_mode_is_left",
    step="Call model.train() first.",
    step_zh="先调用 model.train()。",
)
def in_whatever_mode(model, optimizer, images, targets):
    return _step(model, optimizer, images, targets, mode=False)


# --- average_precision --------------------------------------------------------------------


def _hits(predictions, targets, label, threshold, *, per_image=False, again=False, voc=False,
          strict=False, anywhere=False):  # fmt: skip
    """Hits by falling score, and how many there are to find."""
    rows = [(float(s), place, box) for place, one in enumerate(predictions)
            for box, s, k in zip(one["boxes"], one["scores"], one["labels"], strict=True)
            if k == label]  # fmt: skip
    if not per_image:
        rows.sort(key=lambda row: -row[0])
    truth = [t["boxes"][t["labels"] == label] for t in targets]
    if anywhere:
        truth = [torch.cat(truth)]
        rows = [(score, 0, box) for score, _, box in rows]
    taken = [torch.zeros(len(boxes), dtype=torch.bool) for boxes in truth]
    hits = []
    for _, place, box in rows:
        ious = _iou(box[None], truth[place])[0]
        free = ious if again or voc else ious.masked_fill(taken[place], -1)
        best = int(free.argmax()) if len(free) else None
        good = best is not None and (free[best] > threshold if strict else free[best] >= threshold)
        hits.append(bool(good and not (voc and taken[place][best])))
        if hits[-1]:
            taken[place][best] = True
    return hits, sum(map(len, truth))


def _ap(
    predictions,
    targets,
    label,
    threshold,
    *,
    points=101,
    absent=math.nan,
    area=False,
    envelope=True,
    **how,
):
    hits, total = _hits(predictions, targets, label, threshold, **how)
    if not total:
        return absent
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    recall = np.cumsum(hits) / total
    if area:
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        return float((precision * np.array(hits, dtype=float)).sum() / total)
    levels = np.linspace(0, 1, points)
    if not envelope:
        return float(np.mean([next(iter(precision[recall >= r]), 0) for r in levels]))
    return float(np.mean([max(precision[recall >= level], default=0) for level in levels]))


@wrong(
    "average_precision",
    "Lets several predictions find the same target.",
    zh="同一个目标被多个预测重复命中。",
    caught_by="each_target_is_found_once",
    step="A target that was taken is no longer free: the second is a false alarm.",
    step_zh="被匹配过的目标不再可用：第二个预测算误报。",
)
def found_again_and_again(predictions, targets, label, iou_threshold=0.5):
    return _ap(predictions, targets, label, iou_threshold, again=True)


@wrong(
    "average_precision",
    "Matches as PASCAL VOC does: whose best target is taken does not get the next best.",
    zh="按 PASCAL VOC 的方式匹配：最佳目标已被占用时，不再考虑次佳的。",
    caught_by="each_target_is_found_once",
    step="Look for the highest IoU among the targets that are still free.",
    step_zh="在还没被匹配的目标里找 IoU 最高的。",
)
def matches_as_voc(predictions, targets, label, iou_threshold=0.5):
    return _ap(predictions, targets, label, iou_threshold, voc=True)


@wrong(
    "average_precision",
    "Goes through the predictions picture by picture, not by score.",
    zh="一张图一张图地处理预测，没有按分数统一排序。",
    caught_by="ap_is_that_of_coco",
    step="Sort the predictions of all pictures together by falling score.",
    step_zh="把所有图片的预测放在一起，按分数从高到低排序。",
)
def picture_by_picture(predictions, targets, label, iou_threshold=0.5):
    return _ap(predictions, targets, label, iou_threshold, per_image=True)


@wrong(
    "average_precision",
    "Reads the curve at 11 points, as PASCAL VOC did until 2009.",
    zh="只在 11 个点上读曲线（PASCAL VOC 2009 年以前的做法）。",
    caught_by="ap_is_that_of_coco",
    step="Use the 101 levels 0, 0.01, …, 1.",
    step_zh="用 0、0.01、…、1 这 101 个点。",
)
def eleven_points(predictions, targets, label, iou_threshold=0.5):
    return _ap(predictions, targets, label, iou_threshold, points=11)


@wrong(
    "average_precision",
    "Takes the area under the curve, all points, where COCO reads 101.",
    zh="求了曲线下的面积（取所有点），而 COCO 取 101 个点。",
    caught_by="ap_is_that_of_coco",
    step="Both are in use and differ by up to a hundredth or so; here 101 points are asked for.",
    step_zh="两种都有人用，相差可达百分之一左右；这里要的是 101 个点。",
)
def area_under_all_points(predictions, targets, label, iou_threshold=0.5):
    return _ap(predictions, targets, label, iou_threshold, area=True)


@wrong(
    "average_precision",
    "Wants the IoU to be greater than the threshold.",
    zh="要求 IoU 严格大于阈值。",
    caught_by="just_enough",
    step="At least the threshold is enough.",
    step_zh="不低于阈值即可。",
)
def more_than_the_threshold(predictions, targets, label, iou_threshold=0.5):
    return _ap(predictions, targets, label, iou_threshold, strict=True)


@wrong(
    "average_precision",
    "Gives a class without targets an AP of 0, as if all had been missed.",
    zh="没有目标的类别记为 0，好像全漏了一样。",
    caught_by="nothing_found_and_nothing_to_find",
    step="Where there is nothing to find, AP is not defined: nan.",
    step_zh="没有东西可找，AP 就没有定义：返回 nan。",
)
def absent_class_is_zero(predictions, targets, label, iou_threshold=0.5):
    return _ap(predictions, targets, label, iou_threshold, absent=0.0)


@wrong(
    "average_precision",
    "Takes the precision where a recall is first reached, not the highest from there on.",
    zh="取的是刚达到该召回率时的精确率，而不是其后最高的精确率。",
    caught_by="ap_is_that_of_coco",
    step="At each level take the highest precision at any recall that is as large or larger.",
    step_zh="每个点取召回率不小于它处的最高精确率。",
)
def precision_as_it_comes(predictions, targets, label, iou_threshold=0.5):
    return _ap(predictions, targets, label, iou_threshold, envelope=False)


@wrong(
    "average_precision",
    "Matches predictions with targets of other pictures.",
    zh="拿预测去匹配了别的图片上的目标。",
    caught_by="ap_is_that_of_coco",
    step="Rank over all pictures, but match on the prediction's own picture only.",
    step_zh="排序跨全部图片，匹配只在预测自己的那张图上进行。",
)
def on_any_picture(predictions, targets, label, iou_threshold=0.5):
    return _ap(predictions, targets, label, iou_threshold, anywhere=True)


def _mean(predictions, targets, thresholds, labels):
    values = [_ap(predictions, targets, k, t, absent=0.0) for k in labels for t in thresholds]
    return float(np.mean(values))


def _labels(groups):
    return sorted({int(k) for one in groups for k in one["labels"]})


@wrong(
    "mean_average_precision",
    "Means over classes at an IoU of 0.5 only, whatever thresholds there are.",
    zh="不管阈值，只在 IoU 0.5 上对类别求平均。",
    caught_by="mean_over_thresholds_and_classes",
    errata=("E050",),
    step="COCO's mAP is a mean over ten thresholds, too.",
    step_zh="COCO 的 mAP 还要对十个阈值求平均。",
)
def only_at_one_half(predictions, targets, iou_thresholds=None):
    return _mean(predictions, targets, [0.5], _labels(targets))


@wrong(
    "mean_average_precision",
    "Counts classes that were predicted but have no targets, each as 0.",
    zh="把只有预测、没有目标的类别也算进来，各记 0。",
    caught_by="mean_over_thresholds_and_classes",
    step="Take the classes that occur in the targets.",
    step_zh="只取目标中出现过的类别。",
)
def over_predicted_classes(predictions, targets, iou_thresholds=None):
    thresholds = np.linspace(0.5, 0.95, 10) if iou_thresholds is None else iou_thresholds
    return _mean(predictions, targets, thresholds, _labels([*predictions, *targets]))


@wrong(
    "mean_average_precision",
    "Takes nine thresholds, 0.50 to 0.90: the last of COCO's, 0.95, is missing.",
    zh="只取了 0.50 到 0.90 九个阈值：漏了 COCO 的最后一个 0.95。",
    caught_by="mean_over_thresholds_and_classes",
    step="arange leaves the end out: linspace(0.5, 0.95, 10).",
    step_zh="arange 不含终点：用 linspace(0.5, 0.95, 10)。",
)
def nine_thresholds(predictions, targets, iou_thresholds=None):
    thresholds = np.linspace(0.5, 0.9, 9) if iou_thresholds is None else iou_thresholds
    return _mean(predictions, targets, thresholds, _labels(targets))


# --- draw_detections ----------------------------------------------------------------------


def _draw(image, prediction, categories, threshold, *, size=True, cut=True, name=None,
          flip=False):  # fmt: skip
    axes = plt.figure().subplots()
    axes.imshow((image.flip(0) if flip else image).permute(1, 2, 0))
    for box, label, score in zip(*(prediction[k].tolist() for k in ("boxes", "labels", "scores")),
                                 strict=True):  # fmt: skip
        if cut and score < threshold:
            continue
        x1, y1, x2, y2 = box
        width, height = (x2 - x1, y2 - y1) if size else (x2, y2)
        axes.add_patch(Rectangle((x1, y1), width, height, fill=False))
        said = categories[label] if name is None else name(label)
        axes.text(x1, y1, f"{said} {score:.2f}")
    return axes


@wrong(
    "draw_detections",
    "Looks the name up among the predicted labels, not in the list of names.",
    zh="到预测出的 labels 里查名字，而不是查类别表。",
    caught_by="each_box_has_its_name",
    errata=("E046",),
    step="The name of a label is categories[label].",
    step_zh="标签对应的名字是 categories[label]。",
)
def labels_shadowed(image, prediction, categories, threshold=0.5):
    labels = prediction["labels"].tolist()
    return _draw(image, prediction, categories, threshold,
                 name=lambda k: labels[k] if k < len(labels) else labels[-1])  # fmt: skip


@wrong(
    "draw_detections",
    "Gives Rectangle the second corner where it wants width and height.",
    zh="Rectangle 要的是宽和高，给的却是另一个角点。",
    caught_by="each_box_has_its_name",
    step="Width is x2 − x1, height y2 − y1.",
    step_zh="宽是 x2 − x1，高是 y2 − y1。",
)
def corner_for_size(image, prediction, categories, threshold=0.5):
    return _draw(image, prediction, categories, threshold, size=False)


@wrong(
    "draw_detections",
    "Draws every detection, however unsure.",
    zh="不管分数多低，全都画了出来。",
    caught_by="unsure_ones_are_not_drawn",
    step="Leave out those whose score is below the threshold.",
    step_zh="分数低于阈值的不画。",
)
def draws_everything(image, prediction, categories, threshold=0.5):
    return _draw(image, prediction, categories, threshold, cut=False)


@wrong(
    "draw_detections",
    "Swaps red and blue: the picture is taken for one of OpenCV's.",
    zh="红蓝颠倒：把图片当成了 OpenCV 的。",
    caught_by="colours_are_kept",
    errata=("E048",),
    step="The picture is RGB, and so is matplotlib: leave the channels in their order.",
    step_zh="图片是 RGB，matplotlib 也是：通道顺序不要动。",
)
def red_for_blue(image, prediction, categories, threshold=0.5):
    return _draw(image, prediction, categories, threshold, flip=True)


@wrong(
    "draw_detections",
    "Hands on the model's tensor, channels first, which cannot be drawn on.",
    zh="把通道在前的模型输入直接拿去画。",
    caught_by="colours_are_kept",
    errata=("E047",),
    step="A picture to draw on has its channels last: permute(1, 2, 0).",
    step_zh="要画的图片通道在最后：permute(1, 2, 0)。",
)
def tensor_as_picture(image, prediction, categories, threshold=0.5):
    return _draw(image.permute(2, 0, 1)[None], prediction, categories, threshold)


# --- mended_program -----------------------------------------------------------------------


def _program(build, train, photos, categories, epochs=4, batch_size=8, *, first=1,
             gather=None, total=None, evaluation=True, turned=True, shadowed=False,
             background=True, most=255):  # fmt: skip
    model = build(len(categories) - (not background))
    place = {name: k for k, name in enumerate(categories[1:], start=first)}
    pairs = [(image, {"boxes": t["boxes"], "labels": torch.tensor([place[n] for n in t["names"]])})
             for image, t in train]  # fmt: skip
    gather = gather or (lambda batch: tuple(zip(*batch, strict=True)))
    loader = DataLoader(pairs, batch_size=batch_size, shuffle=True, collate_fn=gather)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 5e-3, total_steps=epochs * len(loader)
    )
    for _ in range(epochs):
        for images, targets in loader:
            _step(model, optimizer, images, targets, total=total and total(targets))
            schedule.step()
    if evaluation:
        model.eval()
    found = []
    for photo in photos:
        image = torch.from_numpy(photo).permute(2, 0, 1).float() / most
        with torch.no_grad():
            one = model([image.flip(0) if turned else image])[0]
        labels = one["labels"]
        names = [str(labels[int(k)]) if shadowed else categories[int(k) + 1 - first]
                 for k in labels]  # fmt: skip
        found.append({"boxes": one["boxes"], "scores": one["scores"], "names": names})
    return found


@wrong(
    "mended_program",
    "Still counts labels from 0: what is 0 is background, so the first class is never learned.",
    zh="标签仍从 0 开始：0 是背景，第一类永远学不到。",
    caught_by="background_is_class_zero",
    errata=("E044",),
    step="Labels are places in categories, whose first is the background.",
    step_zh="标签就是在 categories 中的位置，第一个是背景。",
)
def still_from_zero(*given, **options):
    return _program(*given, **options, first=0)


@wrong(
    "mended_program",
    "Still builds the head for the classes without the background.",
    zh="建预测头时仍没有把背景算进类别数。",
    caught_by="background_is_class_zero",
    errata=("E044",),
    step="num_classes includes the background: as many as there are categories.",
    step_zh="num_classes 含背景：categories 有几个就是几。",
)
def still_no_room_for_background(*given, **options):
    return _program(*given, **options, background=False)


@wrong(
    "mended_program",
    "Still gathers batches with the default, which stacks pictures of different sizes.",
    zh="仍用默认方式凑批次，把大小不同的图片堆叠起来。",
    caught_by="the_program_minimises_every_loss",
    errata=("E040",),
    step="Give the loader collate_fn=collate.",
    step_zh="给 DataLoader 传 collate_fn=collate。",
)
def still_the_default_collate(*given, **options):
    return _program(*given, **options, gather=torch.utils.data.default_collate)


@wrong(
    "mended_program",
    "Still calls cross entropy on the dict of losses.",
    zh="仍然对损失字典求交叉熵。",
    caught_by="the_program_minimises_every_loss",
    errata=("E043", "E049"),
    step="Minimise the sum of the losses that the model returns.",
    step_zh="最小化模型返回的各项损失之和。",
)
def still_cross_entropy(*given, **options):
    criterion = nn.CrossEntropyLoss()
    return _program(*given, **options, total=lambda targets: lambda out: criterion(out, targets))


@wrong(
    "mended_program",
    "Minimises the loss of the classifier alone.",
    zh="只最小化了分类器的损失。",
    caught_by="finds_digits_by_their_colour",
    errata=("E049",),
    step="Add up all four losses.",
    step_zh="四项损失全部相加。",
)
def now_only_the_classifier(*given, **options):
    return _program(*given, **options, total=lambda targets: lambda out: out["loss_classifier"])


@wrong(
    "mended_program",
    "Still asks for predictions in training mode, where the model wants targets.",
    zh="仍在训练模式下做预测，而这时模型要的是目标。",
    caught_by="names_come_from_the_list",
    errata=("E045",),
    step="Call model.eval() before the photographs.",
    step_zh="处理照片之前调用 model.eval()。",
)
def still_in_training_mode(*given, **options):
    return _program(*given, **options, evaluation=False)


@wrong(
    "mended_program",
    "Still gives the model blue for red: OpenCV reads blue, green, red.",
    zh="仍把蓝当红交给模型：OpenCV 读入的顺序是蓝、绿、红。",
    caught_by="photographs_are_turned_round",
    errata=("E048",),
    step="Turn the channels round before the model sees the photograph.",
    step_zh="照片进模型之前，把通道顺序倒过来。",
)
def still_blue_for_red(*given, **options):
    return _program(*given, **options, turned=False)


@wrong(
    "mended_program",
    "Still looks names up among the predicted labels.",
    zh="仍然到预测出的 labels 里查名字。",
    caught_by="names_come_from_the_list",
    errata=("E046",),
    step="Look names up in categories.",
    step_zh="到 categories 里查名字。",
)
def still_shadowed(*given, **options):
    return _program(*given, **options, shadowed=True)


@wrong(
    "mended_program",
    "Gives the model photographs from 0 to 255, though it was trained on 0 to 1.",
    zh="交给模型的照片取值 0 到 255，而训练时是 0 到 1。",
    caught_by="photographs_are_turned_round",
    step="Divide the photograph by 255.",
    step_zh="照片要除以 255。",
)
def photographs_not_scaled(*given, **options):
    return _program(*given, **options, most=1)
