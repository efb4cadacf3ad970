"""Known-wrong answers for `detection`, each one misconception; many are the documents' own."""

import math
import re

import numpy as np
import torch
from torch import nn

from autograder.checks import wrong

from . import bent
from .instruments import KINDS

# --- box_iou ------------------------------------------------------------------------------


def _depends_on_the_scale(seen):
    one, other = np.asarray(seen["tensor"]), np.asarray(seen["small"])
    return one.shape == other.shape and not np.allclose(one, other, rtol=0, atol=1.5e-5)


@wrong(
    "box_iou",
    "Boxes 99 times smaller have another IoU: one is added to widths and heights, as for corners "
    "that are pixels and still inside, or a small number to the union.",
    zh="框缩小到 1/99，IoU 就变了：宽和高都加了一（把角点当成了含在框内的像素），"
    "或并集加了一个小数。",
    caught_by="every_pair_has_an_iou",
    looks_like=_depends_on_the_scale,
    step="The width is x2 − x1; and let nothing be added to a union that is not empty.",
    step_zh="宽就是 x2 − x1；并集不为空时，什么都不要加。",
)
def adds_one(boxes1, boxes2):
    return bent.iou(boxes1, boxes2, plus=1)


@wrong(
    "box_iou",
    "Does not cut negative sizes at zero: two of them make a positive area.",
    zh="没有把负的宽高截到零：负负得正，不相交的框也有了公共面积。",
    caught_by="boxes_apart_share_nothing",
    step="Cut width and height of the shared part at zero before you multiply.",
    step_zh="相乘之前，先把公共部分的宽和高截到不小于零。",
)
def negative_sizes(boxes1, boxes2):
    return bent.iou(boxes1, boxes2, clamped=False)


@wrong(
    "box_iou",
    "Divides by the sum of both areas, in which the shared part counts twice.",
    zh="除以两个面积之和，公共部分被算了两遍。",
    caught_by="a_box_within_another",
    step="Subtract the shared area from the sum once.",
    step_zh="从面积之和里减去一次公共面积。",
)
def shared_counts_twice(boxes1, boxes2):
    return bent.iou(boxes1, boxes2, union="sum")


@wrong(
    "box_iou",
    "Divides by the smaller of the two areas: a box within another shares 1.",
    zh="除以两个面积中较小的那个：被包含的框得到 1。",
    caught_by="a_box_within_another",
    step="Divide by the union: both areas together, the shared part once.",
    step_zh="除以并集：两个面积之和，减去一次公共面积。",
)
def over_the_smaller(boxes1, boxes2):
    return bent.iou(boxes1, boxes2, union="smaller")


# --- batched_nms --------------------------------------------------------------------------


@wrong(
    "batched_nms",
    "Lets boxes of one class suppress those of another.",
    zh="让一个类别的框抑制了另一个类别的框。",
    caught_by="classes_do_not_meet",
    step="Compare with kept boxes of the same class only.",
    step_zh="只与已保留的同类框比较。",
)
def ignores_classes(boxes, scores, idxs, iou_threshold):
    return bent.nms(boxes, scores, idxs, iou_threshold, classes=False)


@wrong(
    "batched_nms",
    "Drops a box whose IoU is just the threshold.",
    zh="IoU 恰好等于阈值的框也丢掉了。",
    caught_by="the_threshold_itself_is_not_too_much",
    step="Drop only where the IoU is greater than the threshold.",
    step_zh="只有 IoU 大于阈值才丢。",
)
def at_the_threshold(boxes, scores, idxs, iou_threshold):
    return bent.nms(boxes, scores, idxs, iou_threshold, strict=False)


@wrong(
    "batched_nms",
    "Lets boxes suppress others although they were dropped themselves.",
    zh="自己已被丢掉的框，还在抑制别的框。",
    caught_by="the_dropped_suppress_nothing",
    step="Compare with the boxes kept so far, not with all surer ones.",
    step_zh="只与目前保留下来的框比较，而不是与所有分数更高的框比较。",
)
def the_dropped_suppress(boxes, scores, idxs, iou_threshold):
    return bent.nms(boxes, scores, idxs, iou_threshold, chain=True)


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
    return bent.nms(boxes, scores, idxs, iou_threshold, order=order)


@wrong(
    "batched_nms",
    "Begins with the lowest score: sure boxes are dropped for unsure ones.",
    zh="从分数最低的开始处理：有把握的框反而被没把握的挤掉。",
    caught_by="surer_boxes_suppress",
    step="Sort by falling score: descending=True.",
    step_zh="按分数从高到低排序：descending=True。",
)
def unsure_boxes_first(boxes, scores, idxs, iou_threshold):
    return bent.nms(boxes, scores, idxs, iou_threshold, order=scores.argsort(stable=True).tolist())


# --- box_coding ---------------------------------------------------------------------------


@wrong(
    "encode_boxes",
    "Takes the way between upper left corners, not centres.",
    zh="算的是左上角之间的位移，不是中心之间的。",
    caught_by="deltas_are_relative_to_the_anchor",
    step="Use the centres of box and anchor.",
    step_zh="用框和锚框的中心。",
)
def corners_for_centres(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return bent.encode(boxes, anchors, weights, corner=True)


@wrong(
    "encode_boxes",
    "Takes the ratio of sizes without the logarithm.",
    zh="尺寸之比没有取对数。",
    caught_by="deltas_are_relative_to_the_anchor",
    step="Take its natural logarithm: an equal size is 0, half and double are opposite.",
    step_zh="取自然对数：尺寸相同为 0，一半和两倍互为相反数。",
)
def ratios_without_logarithm(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return bent.encode(boxes, anchors, weights, log=False)


def _weighs_otherwise(seen):
    """Whether weights do more than multiply what comes out where all of them are 1."""
    plain = np.asarray(seen["weights of 1"]) * [10, 10, 5, 5]
    return np.shape(seen["tensor"]) == plain.shape and not np.allclose(seen["tensor"], plain, 1e-3)


@wrong(
    "encode_boxes",
    "Does not multiply by the weights: leaves them out, or divides by them.",
    zh="没有乘以权重：漏了，或除以了权重。",
    caught_by="deltas_are_relative_to_the_anchor",
    looks_like=_weighs_otherwise,
    step="Multiply the four numbers by the four weights.",
    step_zh="四个数分别乘以四个权重。",
)
def divides_by_the_weights(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return bent.encode(boxes, anchors, [1 / weight for weight in weights])


@wrong(
    "encode_boxes",
    "Measures the way in sizes of the box, not of the anchor.",
    zh="位移以目标框的尺寸为单位，而不是以锚框的尺寸为单位。",
    caught_by="deltas_are_relative_to_the_anchor",
    step="Divide by the anchor's width and height: the box's are not known when decoding.",
    step_zh="除以锚框的宽和高：解码时并不知道目标框的尺寸。",
)
def in_sizes_of_the_box(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    deltas = bent.encode(boxes, anchors, weights)
    return torch.cat(
        [deltas[:, :2] * bent.parts(anchors)[1] / bent.parts(boxes)[1], deltas[:, 2:]], 1
    )


def _cut_otherwise(seen):
    times = [np.asarray(one) for one in seen["sizes, in the anchor's"]]
    return not all(62 < one.max() < 63 for one in times) or times[1].min() > 0.01


@wrong(
    "decode_boxes",
    "Sizes are not cut at 62.5 times the anchor's, and from above alone: they grow without bounds, "
    "are cut before the weights are divided out, or small ones are cut too.",
    zh="尺寸没有只从上面截断在锚框的 62.5 倍：没有上限，还没除以权重就截断了，或很小的也截断了。",
    caught_by="sizes_are_cut",
    looks_like=_cut_otherwise,
    step="Divide by the weights, then clamp(max=math.log(1000 / 16)), then the exponential.",
    step_zh="先除以权重，再 clamp(max=math.log(1000 / 16))，最后取指数。",
)
def sizes_without_bounds(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return bent.decode(deltas, anchors, weights, cut=math.inf)


@wrong(
    "decode_boxes",
    "Returns centre and size where corners were asked for.",
    zh="要的是角点，返回的却是中心和尺寸。",
    caught_by="decoding_gives_corners",
    step="Subtract and add half of the size.",
    step_zh="中心减去、加上半个尺寸。",
)
def centre_and_size(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return bent.decode(deltas, anchors, weights, corners=False)


def _divides_otherwise(seen):
    """Whether deltas, divided by the weights before, come out otherwise at weights of 1."""
    one, other = np.asarray(seen["tensor"]), np.asarray(seen["weights of 1"])
    return one.shape == other.shape and not np.allclose(one, other, 1e-3, 1e-2)


@wrong(
    "decode_boxes",
    "Does not divide by the weights: leaves them out, or multiplies by them.",
    zh="没有除以权重：漏了，或乘以了权重。",
    caught_by="decoding_gives_corners",
    looks_like=_divides_otherwise,
    step="Encoding multiplied by the weights: divide by them first.",
    step_zh="编码时乘过权重：先除回来。",
)
def forgets_the_weights(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return bent.decode(deltas, anchors, (1.0, 1.0, 1.0, 1.0))


# --- detection_target ---------------------------------------------------------------------


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
    return bent.target(annotations, category_ids, xywh=True)


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
    return bent.target(annotations, category_ids, first=0)


@wrong(
    "detection_target",
    "Takes the data set's ids for classes, gaps and all.",
    zh="把数据集的编号连同空缺直接当成了类别。",
    caught_by="corners_and_classes_from_one",
    step="A class is the place of the id in category_ids, from 1.",
    step_zh="类别是编号在 category_ids 中的位置，从 1 开始。",
)
def ids_as_classes(annotations, category_ids):
    return bent.target(annotations, category_ids, own=True)


@wrong(
    "detection_target",
    "Counts classes by rising id, not in the order of category_ids.",
    zh="按编号大小给类别排号，而不是按 category_ids 的顺序。",
    caught_by="corners_and_classes_from_one",
    step="Take the ids in the order given.",
    step_zh="按给定的顺序使用这些编号。",
)
def by_rising_id(annotations, category_ids):
    return bent.target(annotations, sorted(category_ids))


@wrong(
    "detection_target",
    "Without objects returns boxes of the shape (0,), at which training stops.",
    zh="没有物体时 boxes 的形状是 (0,)，训练到这里会报错。",
    caught_by="shapes_and_types",
    step="Reshape to (−1, 4).",
    step_zh="变形成 (−1, 4)。",
)
def flat_when_empty(annotations, category_ids):
    return bent.target(annotations, category_ids, flat=True)


@wrong(
    "detection_target",
    "Keeps crowds, whose box holds many things at once.",
    zh="留下了成群标注，它的一个框里有许多物体。",
    caught_by="crowds_and_empty_boxes_are_left_out",
    step="Leave out annotations whose iscrowd is 1.",
    step_zh="去掉 iscrowd 为 1 的标注。",
)
def keeps_crowds(annotations, category_ids):
    return bent.target(annotations, category_ids, crowd=True)


def _has_empty_boxes(seen):
    boxes = np.reshape(seen[0]["returned"]["boxes"], (-1, 4))
    return bool((boxes[:, 2:] <= boxes[:, :2]).any())


@wrong(
    "detection_target",
    "Keeps boxes without area, at which torchvision's training stops.",
    zh="留下了没有面积的框，torchvision 训练时遇到会报错停下。",
    caught_by="crowds_and_empty_boxes_are_left_out",
    looks_like=_has_empty_boxes,
    step="Keep a box only if its width and its height are above 0.",
    step_zh="宽和高都大于 0 才保留。",
)
def keeps_empty_boxes(annotations, category_ids):
    return bent.target(annotations, category_ids, empty=False)


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
    return bent.step(model, optimizer, images, targets, total=lambda out: criterion(out, targets))


def _still(seen):
    return [abs(way) < 1e-6 for way in seen["ways"].values()]


@wrong(
    "train_step",
    "Minimises some of the losses only, such as the classifier's: the others' weights stay.",
    zh="只最小化了一部分损失（例如分类器的），其余损失的权重没有动。",
    caught_by="all_losses_are_minimised",
    errata=("E049",),
    looks_like=lambda seen: any(_still(seen)) and not all(_still(seen)),
    step="Add up all the losses of the dict.",
    step_zh="把字典里的损失全部相加。",
)
def only_the_classifier(model, optimizer, images, targets):
    def total(losses):
        return losses.get("loss_classifier", next(iter(losses.values())))

    return bent.step(model, optimizer, images, targets, total=total)


@wrong(
    "train_step",
    "No weight moves: gradients are cleared after backward(), or the optimizer takes no step.",
    zh="权重都没有动：backward() 之后才清梯度，或优化器没有走一步。",
    caught_by="all_losses_are_minimised",
    looks_like=lambda seen: all(_still(seen)),
    step="In this order: zero_grad(), backward(), step().",
    step_zh="顺序是 zero_grad()、backward()、step()。",
)
def clears_too_late(model, optimizer, images, targets):
    return bent.step(model, optimizer, images, targets, late=True)


@wrong(
    "train_step",
    "Never clears the gradients: each step repeats the ones before.",
    zh="从不清梯度：每一步都叠加了之前的梯度。",
    caught_by="old_gradients_are_gone",
    step="Call optimizer.zero_grad() before backward().",
    step_zh="在 backward() 之前调用 optimizer.zero_grad()。",
)
def never_clears(model, optimizer, images, targets):
    return bent.step(model, optimizer, images, targets, zero=False)


@wrong(
    "train_step",
    "Leaves the model in whatever mode it came: in evaluation mode it returns predictions.",
    zh="没有切到训练模式：评估模式下模型返回的是预测。",
    caught_by="evaluation_mode_is_left",
    step="Call model.train() first.",
    step_zh="先调用 model.train()。",
)
def in_whatever_mode(model, optimizer, images, targets):
    return bent.step(model, optimizer, images, targets, mode=False)


# --- average_precision --------------------------------------------------------------------


@wrong(
    "average_precision",
    "Lets several predictions find the same target.",
    zh="同一个目标被多个预测重复命中。",
    caught_by="each_target_is_found_once",
    step="A target that was taken is no longer free: the second is a false alarm.",
    step_zh="被匹配过的目标不再可用：第二个预测算误报。",
)
def found_again_and_again(predictions, targets, label, iou_threshold=0.5):
    return bent.ap(predictions, targets, label, iou_threshold, again=True)


@wrong(
    "average_precision",
    "Matches as PASCAL VOC does: whose best target is taken does not get the next best.",
    zh="按 PASCAL VOC 的方式匹配：最佳目标已被占用时，不再考虑次佳的。",
    caught_by="each_target_is_found_once",
    step="Look for the highest IoU among the targets that are still free.",
    step_zh="在还没被匹配的目标里找 IoU 最高的。",
)
def matches_as_voc(predictions, targets, label, iou_threshold=0.5):
    return bent.ap(predictions, targets, label, iou_threshold, voc=True)


@wrong(
    "average_precision",
    "Takes a target that is near enough where another free one is nearer.",
    zh="拿到 IoU 够阈值的目标就用，没有选空闲目标里 IoU 最高的。",
    caught_by="each_target_is_found_once",
    looks_like=lambda seen: min(seen[1:]) < 0.6,
    step="Of all free targets take the one with the highest IoU, then ask whether that is enough.",
    step_zh="先在空闲目标里选 IoU 最高的，再看它够不够阈值。",
)
def first_that_is_enough(predictions, targets, label, iou_threshold=0.5):
    return bent.ap(predictions, targets, label, iou_threshold, first=True)


@wrong(
    "average_precision",
    "Goes through the predictions picture by picture, not by score.",
    zh="一张图一张图地处理预测，没有按分数统一排序。",
    caught_by="ap_is_that_of_coco",
    step="Sort the predictions of all pictures together by falling score.",
    step_zh="把所有图片的预测放在一起，按分数从高到低排序。",
)
def picture_by_picture(predictions, targets, label, iou_threshold=0.5):
    return bent.ap(predictions, targets, label, iou_threshold, per_image=True)


@wrong(
    "average_precision",
    "Reads the curve at 11 points, as PASCAL VOC did until 2009.",
    zh="只在 11 个点上读曲线（PASCAL VOC 2009 年以前的做法）。",
    caught_by="ap_is_that_of_coco",
    step="Use the 101 levels 0, 0.01, …, 1.",
    step_zh="用 0、0.01、…、1 这 101 个点。",
)
def eleven_points(predictions, targets, label, iou_threshold=0.5):
    return bent.ap(predictions, targets, label, iou_threshold, points=11)


@wrong(
    "average_precision",
    "Takes the area under the curve, all points, where COCO reads 101.",
    zh="求了曲线下的面积（取所有点），而 COCO 取 101 个点。",
    caught_by="ap_is_that_of_coco",
    step="Both are in use and differ by up to a hundredth or so; here 101 points are asked for.",
    step_zh="两种都有人用，相差可达百分之一左右；这里要的是 101 个点。",
)
def area_under_all_points(predictions, targets, label, iou_threshold=0.5):
    return bent.ap(predictions, targets, label, iou_threshold, area=True)


@wrong(
    "average_precision",
    "Wants the IoU to be greater than the threshold.",
    zh="要求 IoU 严格大于阈值。",
    caught_by="just_enough",
    step="At least the threshold is enough.",
    step_zh="不低于阈值即可。",
)
def more_than_the_threshold(predictions, targets, label, iou_threshold=0.5):
    return bent.ap(predictions, targets, label, iou_threshold, strict=True)


@wrong(
    "average_precision",
    "Gives a class without targets an AP of 0, as if all had been missed.",
    zh="没有目标的类别记为 0，好像全漏了一样。",
    caught_by="nothing_found_and_nothing_to_find",
    step="Where there is nothing to find, AP is not defined: nan.",
    step_zh="没有东西可找，AP 就没有定义：返回 nan。",
)
def absent_class_is_zero(predictions, targets, label, iou_threshold=0.5):
    return bent.ap(predictions, targets, label, iou_threshold, absent=0.0)


@wrong(
    "average_precision",
    "Takes the precision where a recall is first reached, not the highest from there on.",
    zh="取的是刚达到该召回率时的精确率，而不是其后最高的精确率。",
    caught_by="ap_is_that_of_coco",
    step="At each level take the highest precision at any recall that is as large or larger.",
    step_zh="每个点取召回率不小于它处的最高精确率。",
)
def precision_as_it_comes(predictions, targets, label, iou_threshold=0.5):
    return bent.ap(predictions, targets, label, iou_threshold, envelope=False)


@wrong(
    "average_precision",
    "Matches predictions with targets of other pictures.",
    zh="拿预测去匹配了别的图片上的目标。",
    caught_by="ap_is_that_of_coco",
    step="Rank over all pictures, but match on the prediction's own picture only.",
    step_zh="排序跨全部图片，匹配只在预测自己的那张图上进行。",
)
def on_any_picture(predictions, targets, label, iou_threshold=0.5):
    return bent.ap(predictions, targets, label, iou_threshold, anywhere=True)


@wrong(
    "mean_average_precision",
    "Means over classes at an IoU of 0.5 only, where no thresholds are given or whatever they are.",
    zh="没有传阈值时（或不管传了什么）只在 IoU 0.5 上对类别求平均。",
    caught_by="mean_over_thresholds_and_classes",
    looks_like=lambda seen: abs(seen[0] - seen[1]) < 1e-6,
    errata=("E050",),
    step="COCO's mAP is a mean over ten thresholds, too.",
    step_zh="COCO 的 mAP 还要对十个阈值求平均。",
)
def only_at_one_half(predictions, targets, iou_thresholds=None):
    return bent.mean_ap(predictions, targets, [0.5], bent.labels_of(targets))


@wrong(
    "mean_average_precision",
    "Takes the classes that were predicted: those without targets count as 0, or those that nobody "
    "predicted do not count.",
    zh="按预测里的类别求平均：没有目标的类别也算进来记 0，或没有预测的类别被漏掉。",
    caught_by="mean_over_thresholds_and_classes",
    looks_like=lambda seen: abs(seen[4] - seen[3]) < 1e-6 < seen[4],
    step="Take the classes that occur in the targets.",
    step_zh="只取目标中出现过的类别。",
)
def over_predicted_classes(predictions, targets, iou_thresholds=None):
    thresholds = np.linspace(0.5, 0.95, 10) if iou_thresholds is None else iou_thresholds
    return bent.mean_ap(predictions, targets, thresholds, bent.labels_of([*predictions, *targets]))


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
    return bent.mean_ap(predictions, targets, thresholds, bent.labels_of(targets))


# --- draw_detections ----------------------------------------------------------------------


def _each(seen, key):
    """What is said of all boxes of both pictures."""
    return [[box[key] for box in one["boxes"]] for one in seen]


def _other_names(seen):
    right = [["cat", "dog", "fox", "owl"], ["cat", "cat", "dog", "owl"]]
    return _all_near(seen) and list(map(sorted, _each(seen, "name"))) != right


def _all_near(seen):
    return {word for words in _each(seen, "text") for word in words} == {"near"}


def _says_otherwise(seen):
    scores = [score for some in _each(seen, "score") for score in some]
    return not _all_near(seen) or not all(re.fullmatch(r"\d\.\d\d", score) for score in scores)


@wrong(
    "draw_detections",
    "The name at a box is another than categories[label]: looked up among the predicted labels, "
    "one place off, or a number.",
    zh="框上的名字不是 categories[label]：到预测出的 labels 里查了，错了一位，或写的是编号。",
    caught_by="each_box_has_its_name",
    errata=("E046",),
    looks_like=_other_names,
    step="The name of a label is categories[label]: the background is in the list as well.",
    step_zh="标签对应的名字是 categories[label]：背景也在表里。",
)
def labels_shadowed(image, prediction, categories, threshold=0.5):
    labels = prediction["labels"].tolist()
    return bent.draw(image, prediction, categories, threshold,
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
    return bent.draw(image, prediction, categories, threshold, size=False)


@wrong(
    "draw_detections",
    "The rectangles are filled, and hide what is in them.",
    zh="矩形是填充的，把里面的东西遮住了。",
    caught_by="each_box_has_its_name",
    looks_like=lambda seen: any("hidden" in some for some in _each(seen, "inside")),
    step="Rectangle is filled by default: fill=False.",
    step_zh="Rectangle 默认填充：设 fill=False。",
)
def fills_the_boxes(image, prediction, categories, threshold=0.5):
    return bent.draw(image, prediction, categories, threshold, fill=True)


@wrong(
    "draw_detections",
    "No text stands at each box that says its score with two decimals: it is missing, elsewhere, "
    "as in the title, or in another form.",
    zh="不是每个框旁都有带两位小数分数的文字：没有写，写在别处（例如标题），或格式不同。",
    caught_by="each_box_has_its_name",
    looks_like=_says_otherwise,
    step='axes.text at a corner of the box, with f"{name} {score:.2f}".',
    step_zh='用 axes.text 写在框的一角，内容为 f"{name} {score:.2f}"。',
)
def names_without_scores(image, prediction, categories, threshold=0.5):
    return bent.draw(image, prediction, categories, threshold, form="{}")


@wrong(
    "draw_detections",
    "Draws every detection, however unsure.",
    zh="不管分数多低，全都画了出来。",
    caught_by="unsure_ones_are_not_drawn",
    step="Leave out those whose score is below the threshold.",
    step_zh="分数低于阈值的不画。",
)
def draws_everything(image, prediction, categories, threshold=0.5):
    return bent.draw(image, prediction, categories, threshold, cut=False)


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
    return bent.draw(image, prediction, categories, threshold, flip=True)


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
    return bent.draw(image.permute(2, 0, 1)[None], prediction, categories, threshold)


# --- mended_program -----------------------------------------------------------------------


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
    return bent.program(*given, **options, first=0)


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
    return bent.program(*given, **options, background=False)


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
    return bent.program(*given, **options, gather=torch.utils.data.default_collate)


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
    return bent.program(
        *given, **options, total=lambda targets: lambda out: criterion(out, targets)
    )


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
    return bent.program(*given, **options, total=lambda targets: lambda out: out["loss_classifier"])


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
    return bent.program(*given, **options, evaluation=False)


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
    return bent.program(*given, **options, turned=False)


def _others_than(names):
    def look(seen):
        said = {name for rows, *_ in seen for row in rows for name in row[0]}
        return bool(said) and not said <= set(names)

    return look


@wrong(
    "mended_program",
    "Names are not from categories: still looked up among the predicted labels, or numbers.",
    zh="名字不是 categories 里的：仍到预测出的 labels 里查，或直接用编号。",
    caught_by="names_come_from_the_list",
    errata=("E046",),
    looks_like=_others_than(KINDS),
    step="Look names up in categories.",
    step_zh="到 categories 里查名字。",
)
def still_shadowed(*given, **options):
    return bent.program(*given, **options, shadowed=True)


def _misses_some(seen):
    """Whether fewer scores came back than the model gave, and none but these."""
    whole = [np.linspace(0.9, 0.1, count) for count in (5, 6, 4, 5, 6)]
    scores = [np.asarray(row[1]) for row in seen[0][0]]
    found, given = (
        [{*(100 * one).round().astype(int)} for one in some] for some in (scores, whole)
    )
    return found != given and all(map(set.issubset, found, given))


@wrong(
    "mended_program",
    "Leaves out some of what the model finds: by its score, by suppressing once more, or whole "
    "photographs.",
    zh="漏掉了模型找到的一部分：按分数筛了，又做了一遍抑制，或整张照片没有返回。",
    caught_by="names_come_from_the_list",
    looks_like=_misses_some,
    step="Return all that comes out of the model.",
    step_zh="模型输出多少就返回多少。",
)
def leaves_some_out(*given, **options):
    return bent.program(*given, **options, least=0.5)


def _trains_otherwise(seen):
    _, batches, orders, error, also = seen
    rates = also["rates"]
    follows = bool(rates) and max(rates) > 4 and rates[-1] < 0.01
    return not error and (orders == 1 or batches != [2] * 3 + [4] * 6 or not follows)


@wrong(
    "mended_program",
    "Changes what was right: batches come in the same order each round or are not all there, or "
    "the schedule takes no step after each of them.",
    zh="改动了本来正确的部分：每轮顺序都一样，批次不全，或不是每个批次之后学习率都走一步。",
    caught_by="the_program_minimises_every_loss",
    looks_like=_trains_otherwise,
    step="Keep the loader, shuffle=True, the rounds, and schedule.step() after each batch's step.",
    step_zh="保留 DataLoader、shuffle=True 和轮数，每次 optimizer.step() 之后 schedule.step()。",
)
def never_shuffles(*given, **options):
    return bent.program(*given, **options, shuffle=False)


@wrong(
    "mended_program",
    "Gives the model photographs from 0 to 255, though it was trained on 0 to 1.",
    zh="交给模型的照片取值 0 到 255，而训练时是 0 到 1。",
    caught_by="photographs_are_turned_round",
    step="Divide the photograph by 255.",
    step_zh="照片要除以 255。",
)
def photographs_not_scaled(*given, **options):
    return bent.program(*given, **options, most=1)
