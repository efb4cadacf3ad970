"""The oracle for `detection`: torchvision's own operators, and pycocotools for AP.

Answers that a learner may build on earlier ones take those as keyword arguments; then the slow
obvious way is gone, with the learner's own.
"""

import contextlib
import io
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Rectangle
from torch.utils.data import DataLoader
from torchvision import ops
from torchvision.models.detection._utils import BoxCoder


def box_iou(boxes1, boxes2):
    """Return the IoU of all pairs (N, M); 0 where the union is empty."""
    return ops.box_iou(boxes1, boxes2).nan_to_num(0)


_box_iou = box_iou


def batched_nms(boxes, scores, idxs, iou_threshold, *, box_iou=None):
    """Return the indices that are kept, by falling score."""
    order = scores.argsort(descending=True, stable=True)
    if box_iou is None:
        kept = set()
        for kind in idxs.unique():
            of_kind = order[idxs[order] == kind]
            best = ops.nms(boxes[of_kind], scores[of_kind], iou_threshold)
            kept |= set(of_kind[best].tolist())
        return [i for i in order.tolist() if i in kept]
    kept = []
    for i in order.tolist():
        rivals = [j for j in kept if idxs[j] == idxs[i]]
        if all(float(box_iou(boxes[i : i + 1], boxes[j : j + 1])[0][0]) <= iou_threshold
               for j in rivals):  # fmt: skip
            kept.append(i)
    return kept


def encode_boxes(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    """Return the way from the anchors to the boxes."""
    return BoxCoder(weights).encode_single(boxes, anchors)


def decode_boxes(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    """Return the boxes that lie that way from the anchors."""
    return BoxCoder(weights).decode_single(deltas, anchors)


def detection_target(annotations, category_ids):
    """Return boxes and labels of one picture, of its annotations in COCO's form."""
    found = [
        (a["bbox"], list(category_ids).index(a["category_id"]) + 1)
        for a in annotations
        if a["iscrowd"] == 0 and a["bbox"][2] > 0 and a["bbox"][3] > 0
    ]
    corners = torch.tensor([box for box, _ in found]).reshape(-1, 4).float()
    boxes = ops.box_convert(corners, "xywh", "xyxy")
    return {"boxes": boxes, "labels": torch.tensor([k for _, k in found], dtype=torch.int64)}


def collate(batch):
    """Return the pictures and the targets of a list of pairs."""
    return [image for image, _ in batch], [target for _, target in batch]


def train_step(model, optimizer, images, targets):
    """Minimise the sum of all losses by one step, and return it."""
    losses = model.train()(images, targets)
    total = torch.stack(list(losses.values())).sum()
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    return total.item()


def _coco(predictions, targets, label, thresholds):
    """COCO's own AP of one class, the mean over thresholds."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def rows(groups):
        for place, group in enumerate(groups):
            keep = group["labels"] == label
            scores = group.get("scores", group["labels"])[keep].tolist()
            sized = ops.box_convert(group["boxes"][keep], "xyxy", "xywh").tolist()
            for box, score in zip(sized, scores, strict=True):
                yield {"image_id": place, "category_id": 1, "bbox": box, "score": score}

    truths = [{**row, "id": number, "iscrowd": 0, "area": row["bbox"][2] * row["bbox"][3]}
              for number, row in enumerate(rows(targets), start=1)]  # fmt: skip
    if not truths:
        return math.nan
    found = list(rows(predictions))
    if not found:
        return 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        images = [{"id": place} for place in range(len(targets))]
        truth.dataset = {"images": images, "annotations": truths,
                         "categories": [{"id": 1}], "info": {}}  # fmt: skip
        truth.createIndex()
        judge = COCOeval(truth, truth.loadRes(found), "bbox")
        judge.params.iouThrs = np.array(thresholds, dtype=float)
        judge.evaluate()
        judge.accumulate()
    return float(judge.eval["precision"][:, :, 0, 0, -1].mean())


def average_precision(predictions, targets, label, iou_threshold=0.5, *, box_iou=None):
    """Return COCO's AP of one class; nan if it has no targets."""
    if box_iou is None:
        return _coco(predictions, targets, label, [iou_threshold])
    ranked = []
    for place, found in enumerate(predictions):
        for box, kind, score in zip(*(found[k] for k in ("boxes", "labels", "scores")),
                                    strict=True):  # fmt: skip
            if int(kind) == label:
                ranked.append((float(score), place, box))
    ranked.sort(key=lambda row: row[0], reverse=True)
    taken = [[int(kind) != label for kind in target["labels"]] for target in targets]
    total = sum(not flag for flags in taken for flag in flags)
    if not total:
        return math.nan
    curve, hits = [], 0
    for number, (_, place, box) in enumerate(ranked, start=1):
        best, which = 0.0, None
        for k, other in enumerate(targets[place]["boxes"]):
            iou = float(box_iou(box[None], other[None])[0][0])
            if not taken[place][k] and iou >= iou_threshold and iou >= best:
                best, which = iou, k
        if which is not None:
            taken[place][which] = True
            hits += 1
        curve.append((hits / total, hits / number))
    levels = np.linspace(0, 1, 101)
    return float(np.mean([max([p for r, p in curve if r >= level] or [0]) for level in levels]))


_average_precision = average_precision


def mean_average_precision(
    predictions, targets, iou_thresholds=None, *, average_precision=None, box_iou=None
):
    """Return the mean over thresholds and over the classes that have targets."""
    thresholds = np.linspace(0.5, 0.95, 10) if iou_thresholds is None else list(iou_thresholds)
    labels = sorted({int(label) for target in targets for label in target["labels"]})
    if average_precision is None and box_iou is None:
        return float(np.mean([_coco(predictions, targets, k, thresholds) for k in labels]))
    one = average_precision or (lambda *a: _average_precision(*a, box_iou=box_iou))
    return float(np.mean([[float(one(predictions, targets, k, t)) for t in thresholds]
                          for k in labels]))  # fmt: skip


def draw_detections(image, prediction, categories, threshold=0.5):
    """Draw the picture and what was found on it; return the axes."""
    axes = plt.figure().subplots()
    axes.imshow(np.moveaxis(image.numpy(), 0, -1))
    sizes = ops.box_convert(prediction["boxes"], "xyxy", "xywh")
    for i in (prediction["scores"] >= threshold).nonzero().flatten().tolist():
        x, y, width, height = sizes[i].tolist()
        axes.add_patch(Rectangle((x, y), width, height, fill=False))
        name = categories[int(prediction["labels"][i])]
        axes.text(x + width / 2, y + height / 2, f"{name} {float(prediction['scores'][i]):.2f}")
    return axes


def mended_program(
    build, train, photos, categories, epochs=4, batch_size=8, *, collate=None, train_step=None
):
    """Train on the pairs, and return what is found on each photograph."""
    model = build(len(categories))
    rows = [
        (image, {"boxes": t["boxes"],
                 "labels": torch.tensor([list(categories).index(n) for n in t["names"]])})
        for image, t in train
    ]  # fmt: skip
    loader = DataLoader(rows, batch_size, shuffle=True, collate_fn=collate or _collate)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    steps = epochs * len(loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    for _ in range(epochs):
        for images, targets in loader:
            (train_step or _train_step)(model, optimizer, images, targets)
            schedule.step()
    model.eval()
    found = []
    for photo in photos:
        rgb = torch.from_numpy(photo[:, :, ::-1].copy()).permute(2, 0, 1) / 255
        with torch.no_grad():
            one = model([rgb])[0]
        names = [categories[int(label)] for label in one["labels"]]
        found.append({"boxes": one["boxes"], "scores": one["scores"], "names": names})
    return found


_collate, _train_step = collate, train_step
