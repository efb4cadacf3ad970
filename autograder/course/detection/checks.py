"""Probes for `detection`: boxes, a model that notes its calls, and a small Faster R-CNN."""

import numpy as np

from autograder.checks import Tolerance, at_least, check
from autograder.probes import are_whole, arguments_kept, in_forms

from .instruments import (
    IDS,
    KINDS,
    LOSSES,
    NAMES,
    annotations,
    drawn_beside_another,
    error_of,
    found_and_true,
    group,
    lessons,
    matched,
    orders_of,
    proposals,
    read,
    shaken,
    some_boxes,
    spied,
    stepped,
    tensor,
    to_draw,
)
from .trained import CATEGORIES, ap50, coloured, tiny_faster_rcnn

# benchmarks/spread/detection.md: right answers lie far within these, mistakes far outside.
SHARE = 1e-5  # IoU and AP, of float32 boxes
CODED = Tolerance(absolute=1e-4, relative=1e-4)  # deltas
PLACES = Tolerance(absolute=1e-3, relative=1e-4)  # coordinates, in pixels
LOSS = 1e-4
DRAWN = 1.6  # pixels: an edge lies half a pixel before its pixel's centre
PIXELS = 0.01  # of 1; a photograph has 256 steps
WEIGHTS, ONES = (10.0, 10.0, 5.0, 5.0), (1.0, 1.0, 1.0, 1.0)
# Mean AP50 of red and blue on held-out photographs, which right answers exceed with every seed.
LEARNED = 0.6


# --- box_iou ------------------------------------------------------------------------------


@check(
    "Each box of the first set meets each of the second, in the order (N, M).",
    zh="第一组的每个框与第二组的每个框两两比较，结果形状为 (N, M)。",
    close=SHARE,
)
def every_pair_has_an_iou(box_iou, rng):
    first = some_boxes(rng, 5)
    second = np.concatenate([shaken(first, rng, 2), some_boxes(rng, 2)])
    seen = in_forms(box_iou, first, second, forms=("tensor", "tensor32"))
    return {**seen, "small": box_iou(tensor(first) / 99, tensor(second) / 99)}


@check(
    "Boxes that touch, or lie apart in one direction or in both, share nothing.",
    zh="只挨着边的、在一个或两个方向上分开的框，交并比为 0。",
    close=SHARE,
)
def boxes_apart_share_nothing(box_iou, rng):
    x, y = rng.integers(20, 30, 2)
    w, h = rng.integers(4, 9, 2)
    box = np.array([[x, y, x + w, y + h]])
    shifts = [(w, 0), (0, h), (-w - 2, 1), (w + 3, h + 2), (-w - 3, h + 5), (w - 1, h - 1)]
    others = np.array([box[0] + [dx, dy, dx, dy] for dx, dy in shifts])
    return box_iou(tensor(box), tensor(others))


@check(
    "A box within another shares its own area over the greater one's; with itself it shares 1.",
    zh="被完全包含的框，交并比是小面积除以大面积；与自己的交并比是 1。",
    close=SHARE,
)
def a_box_within_another(box_iou, rng):
    outer = some_boxes(rng, 3, least=8)
    inner = outer + np.array([1, 2, -3, -1])
    return [box_iou(tensor(outer), tensor(inner)), box_iou(tensor(inner), tensor(inner))]


@check(
    "No boxes give no rows or no columns; an empty union gives 0.",
    zh="没有框时没有行或没有列；并集为空时为 0。",
    close=SHARE,
)
def nothing_shares_nothing(box_iou, rng):
    some, none = tensor(some_boxes(rng, 3)), tensor(np.zeros((0, 4)))
    point = tensor([[3, 3, 3, 3]])
    pairs = (some, none), (none, some), (point, point), (some, point)
    return [_table(box_iou(*pair), *map(len, pair)) for pair in pairs]


def _table(ious, rows, columns):
    """Numbers, and the shape: a list without rows tells of no columns."""
    silent = isinstance(ious, (list, tuple)) and not len(ious) and not rows
    shape = [0, columns] if silent else list(np.shape(ious))
    return {"shape": shape, "ious": np.asarray(ious).ravel().tolist()}


# --- batched_nms --------------------------------------------------------------------------


@check(
    "What overlaps a surer box too much is dropped; indices come by falling score.",
    zh="与更有把握的框重叠过多的被丢掉；下标按分数从高到低返回。",
    close=0,
    rests_on=("box_iou",),
)
def surer_boxes_suppress(batched_nms, rng):
    found = [batched_nms(*proposals(rng), t) for t in (0.3, 0.5, 0.7)]
    return [*found, {"whole numbers": are_whole(found[0])}]


@check(
    "Boxes of different classes never suppress one another.",
    zh="不同类别的框互不抑制。",
    close=0,
    rests_on=("box_iou",),
)
def classes_do_not_meet(batched_nms, rng):
    twice = [proposals(rng, kinds=3) for _ in range(2)]
    boxes, scores, idxs = twice[0]
    large, huge = (tensor([[0, 0, size, size]] * len(boxes)) for size in (300, 30000))
    return [
        batched_nms(*twice[1], 0.4),
        batched_nms(large, scores, 100 * idxs - 70, 0.4),
        batched_nms(huge, scores, idxs, 0.4),
    ]


@check(
    "A box that was itself dropped suppresses nothing.",
    zh="自己已被丢掉的框，不再抑制别的框。",
    close=0,
    rests_on=("box_iou",),
)
def the_dropped_suppress_nothing(batched_nms, rng):
    chain = np.array([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10], [12, 0, 22, 10]])
    order = rng.permutation(4)
    scores = np.sort(rng.uniform(0.1, 0.9, 4))[::-1][order]
    return batched_nms(tensor(chain[order]), tensor(scores), tensor([1] * 4, "int64"), 0.3)


@check(
    "An IoU of just the threshold is not too much.",
    zh="IoU 恰好等于阈值时不丢。",
    close=0,
    rests_on=("box_iou",),
)
def the_threshold_itself_is_not_too_much(batched_nms, rng):
    a, b = (int(n) for n in rng.integers(2, 9, 2))
    boxes = tensor([[0, 0, 4 * a, 2 * b], [0, 0, 4 * a, b], [0, 0, a, b]])  # 1/2, 1/8 and 1/4
    scores, idxs = tensor(rng.permutation([0.9, 0.6, 0.3])), tensor([2, 2, 2], "int64")
    return [batched_nms(boxes, scores, idxs, threshold) for threshold in (0.5, 0.25, 0.125)]


@check(
    "Of equal scores the first in the list goes first; without boxes nothing is kept.",
    zh="分数相同时列表里靠前的先处理；没有框就什么都不留。",
    close=0,
    rests_on=("box_iou",),
)
def the_first_of_equals(batched_nms, rng):
    boxes, scores, idxs = proposals(rng, kinds=2)
    equal = (4 * scores).round() / 4
    none = tensor(np.zeros((0, 4))), scores[:0], idxs[:0]
    kept = batched_nms(*none, 0.4)
    left = boxes[list(kept) if isinstance(kept, tuple) else kept]  # only whole numbers select
    return [batched_nms(boxes, equal, idxs, 0.4), kept, list(left.shape)]


@check(
    "Boxes, scores and classes are left as they were.",
    zh="传入的框、分数和类别保持原样。",
    close=0,
    rests_on=("box_iou",),
)
def nms_leaves_its_arguments(batched_nms, rng):
    return arguments_kept(batched_nms, *proposals(rng, kinds=2), 0.5)


# --- box_coding ---------------------------------------------------------------------------


@check(
    "Centres move in sizes of the anchor, sizes are logarithms of ratios, both times the weights.",
    zh="中心位移以锚框尺寸为单位，尺寸取比值的对数，再乘以权重。",
    close=CODED,
)
def deltas_are_relative_to_the_anchor(encode_boxes, rng):
    near = matched(rng)
    seen = in_forms(encode_boxes, *near, forms=("tensor", "tensor32"))
    other = encode_boxes(*map(tensor, near), tuple(rng.uniform(0.5, 4, 4).round(2).tolist()))
    return {**seen, "weights of 1": encode_boxes(*map(tensor, near), ONES), "other weights": other}


@check(
    "Weights that are given count, when encoding and when decoding.",
    zh="编码和解码都使用传入的权重。",
    close=CODED,
    rests_on=("decode_boxes",),
)
def weights_are_those_given(encode_boxes, decode_boxes, rng):
    boxes, anchors = map(tensor, matched(rng))
    weights = tuple(rng.uniform(0.5, 4, 4).round(2).tolist())
    deltas = tensor(rng.normal(size=(6, 4)))
    given = decode_boxes(deltas, anchors, weights)
    return [encode_boxes(boxes, anchors, weights), encode_boxes(boxes[:0], anchors[:0]), given]


@check(
    "Decoding gives corners: the anchor's centre moved, its size stretched.",
    zh="解码得到角点：锚框中心平移，尺寸缩放。",
    close=PLACES,
)
def decoding_gives_corners(decode_boxes, rng):
    _, anchors = matched(rng)
    near, far = rng.normal(size=(2, 6, 4)) * [6, 6, 2, 2]
    far[:, :2] = rng.uniform(50, 90, (6, 2)) * rng.permutation([1, -1] * 6).reshape(6, 2)
    forms = in_forms(decode_boxes, near, anchors, forms=("tensor", "tensor32"))
    divided = decode_boxes(tensor(near / WEIGHTS), tensor(anchors), ONES)
    return {**forms, "weights of 1": divided, "far": decode_boxes(tensor(far), tensor(anchors))}


@check(
    "A size that is asked for grows to 62.5 times the anchor's at most, and shrinks freely.",
    zh="尺寸最多放大到锚框的 62.5 倍，缩小则不限。",
    close=Tolerance(absolute=1e-3, relative=1e-3),
)
def sizes_are_cut(decode_boxes, rng):
    _, anchors = matched(rng, 4)
    wild = rng.uniform(2, 3, (4, 2)) * [[5, -1], [30, 4], [-8, 21], [3, 3]]
    deltas = np.concatenate([rng.normal(size=(4, 2)), wild], axis=1)
    found = [decode_boxes(tensor(deltas), tensor(anchors), each) for each in (WEIGHTS, ONES)]
    spans = anchors[:, 2:] - anchors[:, :2]
    times = [(boxes[:, 2:] - boxes[:, :2]) / spans for boxes in map(np.asarray, found)]
    return {"boxes": found, "sizes, in the anchor's": times}


@check(
    "Decoding what was encoded gives the boxes back; anchors are left as they were.",
    zh="编码后再解码，还是原来的框；锚框保持原样。",
    close=PLACES,
    rests_on=("encode_boxes",),
)
def there_and_back(decode_boxes, encode_boxes, rng):
    boxes, anchors = map(tensor, matched(rng, 5))
    deltas = encode_boxes(boxes, anchors)
    return arguments_kept(decode_boxes, deltas, anchors)


# --- detection_target ---------------------------------------------------------------------


def _described(target):
    kinds = {key: str(value.dtype).rpartition(".")[2] for key, value in target.items()}
    return {"shape": list(target["boxes"].shape), "types": kinds, **target}


@check(
    "Boxes are corners; classes count from 1 in the order of category_ids.",
    zh="框是角点形式；类别按 category_ids 的顺序从 1 开始编号。",
    close=PLACES,
)
def corners_and_classes_from_one(detection_target, rng):
    order = rng.permutation(IDS).tolist()
    return [detection_target(annotations(rng), ids) for ids in (list(IDS), order)]


@check(
    "Boxes are float32 (n, 4) and labels int64 (n,), also without objects: (0, 4).",
    zh="boxes 是 float32 的 (n, 4)，labels 是 int64 的 (n,)；没有物体时是 (0, 4)。",
    close=PLACES,
)
def shapes_and_types(detection_target, rng):
    whole = [{**a, "bbox": [int(v) for v in a["bbox"]]} for a in annotations(rng, 3)]
    found = [detection_target(some, IDS) for some in (annotations(rng), whole, whole[:1], [])]
    return [_described(target) for target in found]


@check(
    "Crowds and boxes without area are left out, with their labels.",
    zh="成群标注和没有面积的框连同标签一起去掉。",
    close=PLACES,
)
def crowds_and_empty_boxes_are_left_out(detection_target, rng):
    some = annotations(rng, 7)
    some[1]["iscrowd"] = 1
    some[3]["bbox"][2] = 0.0
    some[4]["bbox"][3] = -2.0
    some[5]["bbox"][2] = 0.5
    some[6]["bbox"][:2] = [0.0, 0.0]
    shuffled = [some[i] for i in (2, 1, 0, 5, 4, 6, 3)]  # what may go begins and ends no list
    kept = arguments_kept(detection_target, shuffled, list(IDS))
    return [kept, detection_target([some[1], some[3]], IDS)]


@check(
    "Of a batch come the pictures, as they are, and the targets, nothing stacked.",
    zh="批次拆成图片和目标两部分，原样给出，什么都不堆叠。",
    close=PLACES,
)
def nothing_is_stacked(collate, rng):
    def batch(sizes):
        numbers = [int(n) for n in rng.permutation(len(sizes))]  # one of them has no objects
        return [
            (tensor(rng.random((3, *size))), {"boxes": tensor(some_boxes(rng, n)),
                                               "labels": tensor(range(n), "int64")})
            for size, n in zip(sizes, numbers, strict=True)
        ]  # fmt: skip

    seen = []
    for given in (batch([(4, 5), (6, 3), (5, 5)]), batch([(3, 3), (3, 3)]), batch([(2, 4)])):
        images, targets = collate(given)
        in_lists = [isinstance(part, (list, tuple)) for part in (images, targets)]
        seen.append({"pictures": list(images), "targets": list(targets), "in lists": in_lists})
    return seen


# --- train_step ---------------------------------------------------------------------------


@check(
    "All losses that the model returns are added up and minimised.",
    zh="模型返回的所有损失相加，一起最小化。",
    close=LOSS,
)
def all_losses_are_minimised(train_step, rng):
    seen = stepped(train_step, rng, counted=True)
    return {"ways": seen["ways"], "steps": seen["steps"]}


@check(
    "What is returned is the sum of the losses, before the step.",
    zh="返回的是这一步之前的损失之和。",
    close=LOSS,
)
def the_sum_is_returned(train_step, rng):
    return stepped(train_step, rng)["returned"]


@check(
    "The names of the losses are the model's own, as many as it has.",
    zh="损失的名字和个数由模型决定。",
    close=LOSS,
)
def losses_of_other_models(train_step, rng):
    others = ((*LOSSES, "loss_mask"), ("classification", "bbox_regression"), ("bbox_ctrness",))
    return [stepped(train_step, rng, names) for names in others]


@check(
    "A model that comes in evaluation mode is trained in training mode.",
    zh="传进来时处于评估模式的模型，也在训练模式下训练。",
    close=LOSS,
)
def evaluation_mode_is_left(train_step, rng):
    return stepped(train_step, rng, training=False)


@check(
    "Gradients of the step before are gone.",
    zh="上一步的梯度已经清掉。",
    close=LOSS,
)
def old_gradients_are_gone(train_step, rng):
    return stepped(train_step, rng, steps=3)


# --- average_precision --------------------------------------------------------------------


@check(
    "AP is COCO's, at 101 levels of recall, for each class and threshold.",
    zh="AP 与 COCO 一致（101 个召回点），任何类别、任何阈值都如此。",
    close=SHARE,
    rests_on=("box_iou",),
    weight=2,
)
def ap_is_that_of_coco(average_precision, rng):
    predictions, targets = found_and_true(rng)
    return [average_precision(predictions, targets, *how)
            for how in ((1,), (2,), (1, 0.3), (2, 0.7), (2, 0.6))]  # fmt: skip


@check(
    "Each target is found once; the next prediction may take the next free one.",
    zh="每个目标只能命中一次；后面的预测可以去匹配下一个空闲目标。",
    close=SHARE,
    rests_on=("box_iou",),
)
def each_target_is_found_once(average_precision, rng):
    pair = np.array([[0, 0, 20, 10], [5, 0, 25, 10], [40, 0, 50, 10]]) + rng.integers(0, 9)
    said = np.concatenate([[pair[0] + [2, 0, 2, 0]], [pair[0] + [1, 0, 1, 0]], [pair[0]], pair[2:]])
    targets = [group([(box, 1) for box in pair]), group([])]
    predictions = [{**group([(box, 1) for box in said]), "scores": tensor([0.9, 0.8, 0.7, 0.6])}]
    nothing = {**group([]), "scores": tensor([])}
    # The first lies nearest to one, though near enough to both; the second to the other alone.
    near = pair[[1, 0]] + [[-1, 0, -1, 0], [-3.5, 0, -3.5, 0]]
    two = [{**group([(box, 1) for box in near]), "scores": tensor([0.9, 0.8])}]
    orders = (pair, pair[::-1])
    return [
        average_precision([*predictions, nothing], targets, 1, 0.5),
        *(average_precision(two, [group([(box, 1) for box in some])], 1, 0.5) for some in orders),
    ]


@check(
    "An IoU of just the threshold is enough.",
    zh="IoU 恰好等于阈值就算命中。",
    close=SHARE,
    rests_on=("box_iou",),
)
def just_enough(average_precision, rng):
    a, b = (int(n) for n in rng.integers(2, 9, 2))
    targets = [group([(np.array([0, 0, 4 * a, 2 * b]), 3)])]
    half = group([(np.array([0, 0, 4 * a, b]), 3)])
    return [average_precision([{**half, "scores": tensor([0.4])}], targets, 3, threshold)
            for threshold in (0.5, 0.5625)]  # fmt: skip


@check(
    "No predictions: 0. No targets of the class: nan.",
    zh="没有预测为 0；没有该类目标为 nan。",
    close=SHARE,
    rests_on=("box_iou",),
)
def nothing_found_and_nothing_to_find(average_precision, rng):
    predictions, targets = found_and_true(rng)
    silent = [{key: value[:0] for key, value in one.items()} for one in predictions]
    absent = [{**one, "labels": one["labels"] + 4} for one in predictions]
    return [average_precision(silent, targets, 1), average_precision(absent, targets, 5),
            average_precision(predictions, targets, 9)]  # fmt: skip


@check(
    "mAP is the mean over COCO's ten thresholds, or those given, and over classes with targets.",
    zh="mAP 对 COCO 的十个阈值（或传入的阈值）和有目标的各个类别求平均。",
    close=SHARE,
    rests_on=("average_precision", "box_iou"),
    weight=2,
)
def mean_over_thresholds_and_classes(mean_average_precision, rng):
    predictions, targets = found_and_true(rng, each=(7, 3), images=4, extra=5, by=1.0)
    said, only = ([{key: value[one["labels"] == 1] for key, value in one.items()} for one in some]
                  for some in (predictions, targets))  # fmt: skip
    return [
        mean_average_precision(predictions, targets),
        mean_average_precision(predictions, targets, [0.5]),
        mean_average_precision(predictions, targets, (0.4, 0.8)),
        mean_average_precision(predictions, only, [0.5, 0.75]),
        mean_average_precision(said, targets, [0.5, 0.75]),
    ]


# --- draw_detections ----------------------------------------------------------------------


@check(
    "Each detection has its unfilled box on the picture, the name of its class and its score.",
    zh="每个检测结果在图上都有空心的框、类别名和分数。",
    close=DRAWN,
)
def each_box_has_its_name(draw_detections, rng):
    seen = []
    for labels in ((3, 1, 4, 2), (2, 2, 1, 3)):
        found = drawn_beside_another(draw_detections, *to_draw(rng, labels), NAMES)
        seen.append({key: found[key] for key in ("boxes", "texts", "edges", "own figure")})
    return seen


@check(
    "Detections below the threshold are not drawn; those at it are.",
    zh="分数低于阈值的不画，恰好等于的要画。",
    close=DRAWN,
)
def unsure_ones_are_not_drawn(draw_detections, rng):
    image, prediction = to_draw(rng, (3, 1, 4, 2, 1), (0.0,) * 5)
    prediction["scores"] = tensor([0.375, 0.875, 0.25, 0.75, 0.5])  # in no order
    none = {key: value[:0] for key, value in prediction.items()}
    seen = [read(draw_detections(image, prediction, NAMES)),
            read(draw_detections(image, none, NAMES)),
            read(draw_detections(image, prediction, NAMES, 0.375)),
            read(draw_detections(image, prediction, NAMES, threshold=0.6))]  # fmt: skip
    in_order = [sorted(found["boxes"], key=lambda one: one["score"])[::-1] for found in seen]
    return [[(one["box"], one["score"]) for one in found] for found in in_order]


@check(
    "The picture keeps its colours, and the prediction stays as it was.",
    zh="图片的颜色不变，传入的预测保持原样。",
    close=PIXELS,
)
def colours_are_kept(draw_detections, rng):
    image, prediction = to_draw(rng, (1,), (0.8,))
    call = lambda *given: read(draw_detections(*given, NAMES))["colours"]  # noqa: E731
    faint = 0.2 + image * tensor([0.7, 0.4, 0.1])[:, None, None]  # neither black nor white occurs
    return arguments_kept(call, faint, prediction)


# --- mended_program -----------------------------------------------------------------------


@check(
    "The model is built for all classes and the background, and labels count from 1.",
    zh="建模时类别数含背景，标签从 1 开始。",
    close=0,
    rests_on=("collate", "train_step"),
)
def background_is_class_zero(mended_program, rng):
    seen = [spied(mended_program, rng), spied(mended_program, rng, KINDS[:1] + KINDS[:0:-1])]
    return [{"built": one["built"], **lessons(one["notes"]), **error_of(one["outcome"])}
            for one in seen]  # fmt: skip


@check(
    "Every loss is minimised, in as many rounds of batches as asked for, at the schedule's rates.",
    zh="按要求的轮数和批次，以计划的学习率最小化每一项损失。",
    close=LOSS,
    rests_on=("collate", "train_step"),
)
def the_program_minimises_every_loss(mended_program, rng):
    seen = spied(mended_program, rng, epochs=3, batch_size=4)  # of ten pictures
    steps = [rest for kind, *rest in seen["notes"] if kind == "gradient"]
    ratios = {name: [ratio for other, ratio in steps if other == name] for name in LOSSES}
    batches = lessons(seen["notes"])["batches"]
    shuffled = orders_of(seen["notes"], 3)
    return [ratios, batches, shuffled, error_of(seen["outcome"]), {"rates": seen["rates"]}]


@check(
    "The photograph reaches the model as the training pictures did: RGB, 0 to 1, channels first.",
    zh="照片送进模型时与训练图片一致：RGB、0 到 1、通道在前。",
    close=1e-3,
    rests_on=("collate", "train_step"),
)
def photographs_are_turned_round(mended_program, rng):
    outcome = spied(mended_program, rng)["outcome"]
    found = outcome.get("returned", [])
    return [[np.asarray(one["boxes"])[:1].tolist() for one in found], error_of(outcome)]


@check(
    "Names come from the list of categories, for every model and every photograph, in order.",
    zh="名字来自类别表，对任何模型、任何照片都成立，顺序不变。",
    close=PIXELS,
    rests_on=("collate", "train_step"),
)
def names_come_from_the_list(mended_program, rng):
    seen = []
    for kinds in (KINDS, KINDS[:1] + KINDS[:0:-1]):
        outcome = spied(mended_program, rng, kinds)["outcome"]
        found = outcome.get("returned", [])
        keys = ("scores", "names")
        rows = [[list(map(str, one["names"])), np.asarray(one["scores"])] for one in found]
        seen.append([rows, error_of(outcome), all(set(keys) <= set(one) for one in found)])
    return seen


@check(
    "Trained on 160 scenes, it finds red and blue digits on photographs: mean AP50 of 0.6.",
    zh="用 160 个场景训练后，能在照片上找到红、蓝数字：平均 AP50 不低于 0.6。",
    expect=at_least(LEARNED),
    costly=True,
    rests_on=("collate", "train_step"),
)
def finds_digits_by_their_colour(mended_program, rng, torch_rng):
    import torch

    seed = int(rng.integers(2**31))
    torch.manual_seed(seed)
    test = coloured(60, "test", seed)
    photos = [(image.flip(0).permute(1, 2, 0) * 255).round().byte().numpy() for image, _ in test]
    train = coloured(160, "train", seed)
    found = mended_program(tiny_faster_rcnn, train, photos, CATEGORIES, epochs=5)
    return ap50(found, test)
