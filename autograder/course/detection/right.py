"""Other right answers for `detection`, in styles that must pass."""

import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Rectangle
from torch.utils.data import DataLoader, Dataset

from autograder.checks import right

# --- box_iou, batched_nms -----------------------------------------------------------------


@right("box_iou", "one pair after the other, in plain Python", zh="纯 Python 逐对计算")
def by_pairs(boxes1, boxes2):
    rows = []
    for ax1, ay1, ax2, ay2 in boxes1.tolist():
        row = []
        for bx1, by1, bx2, by2 in boxes2.tolist():
            shared = max(0, min(ax2, bx2) - max(ax1, bx1)) * max(0, min(ay2, by2) - max(ay1, by1))
            union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - shared
            row.append(shared / union if union else 0.0)
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float64).reshape(len(boxes1), len(boxes2))


@right("box_iou", "NumPy, coordinate by coordinate", zh="NumPy，按坐标计算")
def by_coordinates(boxes1, boxes2):
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = boxes1.numpy().T, boxes2.numpy().T
    width = np.minimum.outer(ax2, bx2) - np.maximum.outer(ax1, bx1)
    height = np.minimum.outer(ay2, by2) - np.maximum.outer(ay1, by1)
    shared = np.where((width > 0) & (height > 0), width * height, 0)
    union = np.add.outer((ax2 - ax1) * (ay2 - ay1), (bx2 - bx1) * (by2 - by1)) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


@right("batched_nms", "take the best, drop its rivals, go on", zh="取最好的，删掉对手，继续")
def best_and_rest(boxes, scores, idxs, iou_threshold):
    left, kept = scores.argsort(descending=True, stable=True), []
    while len(left):
        best, rest = left[0], left[1:]
        kept.append(int(best))
        far = torch.as_tensor(by_pairs(boxes[best][None], boxes[rest]))[0] <= iou_threshold
        left = rest[far | (idxs[rest] != idxs[best])]
    return np.array(kept, dtype=int)


@right("batched_nms", "classes moved apart, as in torchvision", zh="像 torchvision 那样平移各类")
def moved_apart(boxes, scores, idxs, iou_threshold):
    if not len(boxes):
        return []
    apart = boxes + (idxs.to(boxes) * (boxes.max() - boxes.min() + 1))[:, None]
    ious, kept = by_pairs(apart, apart), []
    for i in sorted(range(len(scores)), key=lambda i: (-float(scores[i]), i)):
        if all(ious[i, j] <= iou_threshold for j in kept):
            kept.append(i)
    return kept


# --- box_coding ---------------------------------------------------------------------------


@right("encode_boxes", "column by column", zh="逐列计算")
def by_columns(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    (x1, y1, x2, y2), (a1, b1, a2, b2) = boxes.unbind(1), anchors.unbind(1)
    wx, wy, ww, wh = weights
    wide, high = a2 - a1, b2 - b1
    columns = [
        wx * ((x1 + x2) / 2 - (a1 + a2) / 2) / wide,
        wy * ((y1 + y2) / 2 - (b1 + b2) / 2) / high,
        ww * torch.log((x2 - x1) / wide),
        wh * (torch.log(y2 - y1) - torch.log(high)),
    ]
    return torch.stack(columns, dim=1)


@right("decode_boxes", "NumPy, the factor cut instead of its logarithm", zh="NumPy，直接截断倍数")
def factor_cut(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    t, anchor = deltas.numpy() / np.array(weights, dtype=np.float32), anchors.numpy()
    span = anchor[:, 2:] - anchor[:, :2]
    middle = anchor[:, :2] + span / 2 + t[:, :2] * span
    with np.errstate(over="ignore"):
        half = span * np.minimum(np.exp(t[:, 2:]), 1000 / 16) / 2
    return np.hstack([middle - half, middle + half])


# --- detection_target ---------------------------------------------------------------------


@right("detection_target", "rows in a loop", zh="循环逐行")
def rows_in_a_loop(annotations, category_ids):
    boxes, labels = torch.zeros(0, 4), []
    for note in annotations:
        x, y, width, height = note["bbox"]
        if note["iscrowd"] == 1 or width <= 0 or height <= 0:
            continue
        row = torch.tensor([[x, y, x + width, y + height]], dtype=torch.float32)
        boxes = torch.cat([boxes, row])
        labels.append(1 + list(category_ids).index(note["category_id"]))
    return {"boxes": boxes, "labels": torch.tensor(labels).long()}


@right("collate", "tuple(zip(*batch))", zh="tuple(zip(*batch))")
def zipped(batch):
    return tuple(zip(*batch, strict=True))


# --- train_step ---------------------------------------------------------------------------


@right("train_step", "gradients cleared afterwards, a tensor", zh="事后清梯度，返回张量")
def cleared_afterwards(model, optimizer, images, targets):
    model.train()
    optimizer.zero_grad(set_to_none=False)
    total = 0
    for loss in model(list(images), list(targets)).values():
        total = total + loss
    total.backward()
    optimizer.step()
    optimizer.zero_grad()
    return total.detach()


# --- average_precision --------------------------------------------------------------------


@right("average_precision", "flags for what is taken", zh="标记已匹配，先求包络")
def with_flags(predictions, targets, label, iou_threshold=0.5):
    total = sum(int((t["labels"] == label).sum()) for t in targets)
    if total == 0:
        return float("nan")
    rows = []
    for place, (found, target) in enumerate(zip(predictions, targets, strict=True)):
        mine, truth = found["labels"] == label, target["boxes"][target["labels"] == label]
        order = found["scores"][mine].argsort(descending=True)
        ious = torch.as_tensor(by_pairs(found["boxes"][mine][order], truth)).numpy()
        taken = set()
        for score, row in zip(found["scores"][mine][order].tolist(), ious, strict=True):
            free = [k for k in range(len(truth)) if k not in taken and row[k] >= iou_threshold]
            if free:
                taken.add(max(free, key=lambda k: row[k]))
            rows.append((score, place, bool(free)))
    hits = np.array([hit for _, _, hit in sorted(rows, reverse=True)], dtype=float)
    if not len(hits):
        return 0
    precision = hits.cumsum() / np.arange(1, len(hits) + 1)
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0)
    return envelope[np.searchsorted(hits.cumsum() / total, np.arange(101) / 100)].mean()


@right("mean_average_precision", "a mean of means", zh="先类别内平均，再求平均")
def mean_of_means(predictions, targets, iou_thresholds=None):
    if iou_thresholds is None:
        iou_thresholds = [(50 + 5 * k) / 100 for k in range(10)]
    labels = {int(k) for t in targets for k in t["labels"]}
    means = [np.mean([with_flags(predictions, targets, k, t) for t in iou_thresholds])
             for k in labels]  # fmt: skip
    return np.mean(means)


# --- draw_detections ----------------------------------------------------------------------


@right(
    "draw_detections", "Patches as artists, and annotate", zh="用 add_artist 画框，用 annotate 写字"
)
def by_annotate(image, prediction, categories, threshold=0.5):
    axes = plt.figure().gca()
    axes.imshow((image.numpy().transpose(1, 2, 0) * 255).round().astype(np.uint8))
    keep = prediction["scores"] >= threshold
    boxes, labels, scores = (prediction[k][keep] for k in ("boxes", "labels", "scores"))
    for (x1, y1, x2, y2), label, score in zip(boxes - 0.5, labels, scores, strict=True):
        axes.add_artist(Rectangle((x1, y2), x2 - x1, y1 - y2, alpha=0.3, color="red"))
        axes.annotate(f"{categories[label]}: {score:.2f}", (float(x2), float(y1)), (3, 3),
                      textcoords="offset points", fontsize=6)  # fmt: skip
    return axes


# --- mended_program -----------------------------------------------------------------------


class _Pairs(Dataset):
    def __init__(self, train, categories):
        self.train, self.categories = train, list(categories)

    def __len__(self):
        return len(self.train)

    def __getitem__(self, number):
        image, truth = self.train[number]
        labels = [self.categories.index(name) for name in truth["names"]]
        return image, {"boxes": truth["boxes"].clone(), "labels": torch.as_tensor(labels)}


@right(
    "mended_program",
    "a Dataset, all photographs at once",
    zh="自己的 Dataset，照片一次给完",
)
def with_a_dataset(build, train, photos, categories, epochs=4, batch_size=8):
    model = build(num_classes=len(categories)).train()
    loader = DataLoader(_Pairs(train, categories), batch_size, True, collate_fn=zipped)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-3)
    steps = epochs * math.ceil(len(train) / batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, steps)
    for _ in range(epochs):
        for images, targets in loader:
            optimizer.zero_grad()
            losses = model(list(images), list(targets))
            torch.stack([*losses.values()]).sum().backward()
            optimizer.step()
            schedule.step()
    with torch.inference_mode():
        images = [
            torch.tensor(p[..., [2, 1, 0]].transpose(2, 0, 1) / 255.0).float() for p in photos
        ]
        found = model.eval()(images)
    return [{"boxes": one["boxes"].numpy(), "scores": one["scores"].numpy(),
             "names": [categories[k] for k in one["labels"].numpy()]} for one in found]  # fmt: skip
