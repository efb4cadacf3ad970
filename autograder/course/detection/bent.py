"""Answers for `detection` of which a keyword bends one thing each; see `wrong.py`."""

import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Rectangle
from torch.utils.data import DataLoader

CUT = math.log(1000 / 16)


def iou(boxes1, boxes2, *, plus=0, clamped=True, union="both"):
    a, b = boxes1[:, None], boxes2[None]
    sizes = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2]) + plus
    shared = (sizes.clamp(min=0) if clamped else sizes).prod(-1)
    first, second = ((x[..., 2:] - x[..., :2] + plus).prod(-1) for x in (a, b))
    smaller = torch.minimum(first, second)
    whole = {"both": first + second - shared, "sum": first + second, "smaller": smaller}[union]
    return shared / whole.clamp(min=1e-12)


def nms(boxes, scores, idxs, threshold, *, classes=True, strict=True, chain=False,
         order=None):  # fmt: skip
    ious = iou(boxes, boxes)
    order = scores.argsort(descending=True, stable=True).tolist() if order is None else order
    kept, seen = [], []
    for i in order:
        rivals = [j for j in (seen if chain else kept) if not classes or idxs[i] == idxs[j]]
        over = [ious[i, j] > threshold if strict else ious[i, j] >= threshold for j in rivals]
        seen.append(i)
        if not any(over):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def parts(boxes):
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def encode(boxes, anchors, weights, *, corner=False, log=True):
    (centre, size), (anchor, span) = parts(boxes), parts(anchors)
    if corner:
        centre, anchor = boxes[:, :2], anchors[:, :2]
    shift = (centre - anchor) / span
    scale = (size / span).log() if log else size / span
    return torch.cat([shift, scale], 1) * torch.tensor(weights, dtype=shift.dtype)


def decode(deltas, anchors, weights, *, cut=CUT, corners=True):
    deltas = deltas / torch.tensor(weights, dtype=deltas.dtype)
    anchor, span = parts(anchors)
    centre = anchor + deltas[:, :2] * span
    size = span * deltas[:, 2:].clamp(max=cut).exp()
    half = size / 2 if corners else 0 * size
    return torch.cat([centre - half, centre + half if corners else size], 1)


def target(annotations, ids, *, xywh=False, first=1, own=False, crowd=False, flat=False,
            empty=True):  # fmt: skip
    kept = [a for a in annotations
            if (crowd or not a["iscrowd"]) and (not empty or min(a["bbox"][2:]) > 0)]  # fmt: skip
    boxes = torch.tensor([a["bbox"] for a in kept], dtype=torch.float32)
    boxes = boxes if flat and not kept else boxes.reshape(-1, 4)
    if not xywh and len(kept):
        boxes[:, 2:] += boxes[:, :2]
    places = [a["category_id"] if own else list(ids).index(a["category_id"]) + first for a in kept]
    return {"boxes": boxes, "labels": torch.tensor(places, dtype=torch.int64)}


def step(model, optimizer, images, targets, *, total=None, zero=True, late=False, mode=True):
    if mode:
        model.train()
    losses = model(images, targets)
    loss = sum(losses.values()) if total is None else total(losses)
    if zero:
        optimizer.zero_grad()
    loss.backward()
    if late:
        optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def ranked_hits(predictions, targets, label, threshold, *, per_image=False, again=False,
                voc=False, first=False, strict=False, anywhere=False):  # fmt: skip
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
        ious = iou(box[None], truth[place])[0]
        free = ious if again or voc else ious.masked_fill(taken[place], -1)
        near = (free >= threshold).int() if first else free
        best = int(near.argmax()) if len(free) else None
        good = best is not None and (free[best] > threshold if strict else free[best] >= threshold)
        hits.append(bool(good and not (voc and taken[place][best])))
        if hits[-1]:
            taken[place][best] = True
    return hits, sum(map(len, truth))


def ap(
    predictions, targets, label, threshold, *,
    points=101, absent=math.nan, area=False, envelope=True, **how,
):  # fmt: skip
    hits, total = ranked_hits(predictions, targets, label, threshold, **how)
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


def mean_ap(predictions, targets, thresholds, labels):
    values = [ap(predictions, targets, k, t, absent=0.0) for k in labels for t in thresholds]
    return float(np.mean(values))


def labels_of(groups):
    return sorted({int(k) for one in groups for k in one["labels"]})


def draw(image, prediction, categories, threshold, *, size=True, cut=True, name=None, fill=False,
         form="{} {:.2f}", flip=False):  # fmt: skip
    axes = plt.figure().subplots()
    axes.imshow((image.flip(0) if flip else image).permute(1, 2, 0))
    for box, label, score in zip(*(prediction[k].tolist() for k in ("boxes", "labels", "scores")),
                                 strict=True):  # fmt: skip
        if cut and score < threshold:
            continue
        x1, y1, x2, y2 = box
        width, height = (x2 - x1, y2 - y1) if size else (x2, y2)
        axes.add_patch(Rectangle((x1, y1), width, height, fill=fill))
        said = categories[label] if name is None else name(label)
        axes.text(x1, y1, form.format(said, score))
    return axes


def program(build, train, photos, categories, epochs=4, batch_size=8, *, first=1,
             gather=None, total=None, evaluation=True, turned=True, shadowed=False,
             background=True, most=255, shuffle=True, least=0.0):  # fmt: skip
    model = build(len(categories) - (not background))
    place = {name: k for k, name in enumerate(categories[1:], start=first)}
    pairs = [(image, {"boxes": t["boxes"], "labels": torch.tensor([place[n] for n in t["names"]])})
             for image, t in train]  # fmt: skip
    gather = gather or (lambda batch: tuple(zip(*batch, strict=True)))
    loader = DataLoader(pairs, batch_size=batch_size, shuffle=shuffle, collate_fn=gather)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 5e-3, total_steps=epochs * len(loader)
    )
    for _ in range(epochs):
        for images, targets in loader:
            step(model, optimizer, images, targets, total=total and total(targets))
            schedule.step()
    if evaluation:
        model.eval()
    found = []
    for photo in photos:
        image = torch.from_numpy(photo).permute(2, 0, 1).float() / most
        with torch.no_grad():
            one = model([image.flip(0) if turned else image])[0]
        one = {key: value[one["scores"] >= least] for key, value in one.items()}
        labels = one["labels"]
        names = [str(labels[int(k)]) if shadowed else categories[int(k) + 1 - first]
                 for k in labels]  # fmt: skip
        found.append({"boxes": one["boxes"], "scores": one["scores"], "names": names})
    return found
