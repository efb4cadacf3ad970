# %% box_iou · broadcasting
def box_iou(boxes1, boxes2):
    low = torch.maximum(boxes1[:, None, :2], boxes2[None, :, :2])
    high = torch.minimum(boxes1[:, None, 2:], boxes2[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(dim=2)
    area1 = (boxes1[:, 2:] - boxes1[:, :2]).prod(dim=1)
    area2 = (boxes2[:, 2:] - boxes2[:, :2]).prod(dim=1)
    union = area1[:, None] + area2[None, :] - shared
    return torch.where(union > 0, shared / union, torch.zeros_like(union))


# %% batched_nms · one matrix, a mask of those left
def batched_nms(boxes, scores, idxs, iou_threshold):
    order = torch.sort(scores, descending=True, stable=True).indices
    clash = (box_iou(boxes, boxes) > iou_threshold) & (idxs[:, None] == idxs[None, :])
    gone = torch.zeros(len(boxes), dtype=torch.bool)
    kept = []
    for i in order.tolist():
        if not gone[i]:
            kept.append(i)
            gone |= clash[i]
    return torch.tensor(kept, dtype=torch.int64)


# %% box_coding · tensors
def _centres(boxes):
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def encode_boxes(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    (centre, size), (anchor, extent) = _centres(boxes), _centres(anchors)
    deltas = torch.cat([(centre - anchor) / extent, torch.log(size / extent)], dim=1)
    return deltas * torch.tensor(weights, dtype=deltas.dtype)


def decode_boxes(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    anchor, extent = _centres(anchors)
    deltas = deltas / torch.tensor(weights, dtype=deltas.dtype)
    centre = anchor + deltas[:, :2] * extent
    size = extent * deltas[:, 2:].clamp(max=math.log(1000 / 16)).exp()
    return torch.cat([centre - size / 2, centre + size / 2], dim=1)


# %% detection_target · tensors and a mask
def detection_target(annotations, category_ids):
    numbers = {category: k for k, category in enumerate(category_ids, start=1)}
    good = [a for a in annotations if not a["iscrowd"] and min(a["bbox"][2:]) > 0]
    boxes = torch.tensor([a["bbox"] for a in good], dtype=torch.float32).view(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    labels = torch.tensor([numbers[a["category_id"]] for a in good], dtype=torch.int64)
    return {"boxes": boxes, "labels": labels}


def collate(batch):
    return tuple(zip(*batch))


# %% train_step · sum of the values
def train_step(model, optimizer, images, targets):
    model.train()
    loss = sum(model(images, targets).values())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


# %% average_precision · cumulative sums, envelope and searchsorted
def average_precision(predictions, targets, label, iou_threshold=0.5):
    scores, hits, count = [], [], 0
    for found, truth in zip(predictions, targets, strict=True):
        truths = truth["boxes"][truth["labels"] == label]
        mine = found["labels"] == label
        order = found["scores"][mine].argsort(descending=True)
        ious = box_iou(found["boxes"][mine][order], truths)
        free = torch.ones(len(truths), dtype=torch.bool)
        for row in ious:
            row = row.where(free, torch.full_like(row, -1.0))
            hit = len(row) > 0 and bool(row.max() >= iou_threshold)
            if hit:
                free[row.argmax()] = False
            hits.append(hit)
        scores.append(found["scores"][mine][order])
        count += len(truths)
    if count == 0:
        return float("nan")
    if not hits:
        return 0.0
    order = torch.cat(scores).argsort(descending=True)
    hits = torch.tensor(hits)[order].double().cumsum(0)
    precision = hits / torch.arange(1, len(hits) + 1)
    recall = hits / count
    envelope = precision.flip(0).cummax(0).values.flip(0)
    place = torch.searchsorted(recall, torch.linspace(0, 1, 101, dtype=torch.float64) - 1e-9)
    return torch.cat([envelope, torch.zeros(1)])[place].mean()


def mean_average_precision(predictions, targets, iou_thresholds=None):
    if iou_thresholds is None:
        iou_thresholds = torch.linspace(0.5, 0.95, 10, dtype=torch.float64).tolist()
    labels = torch.cat([truth["labels"] for truth in targets]).unique().tolist()
    table = [[float(average_precision(predictions, targets, k, t)) for t in iou_thresholds] for k in labels]
    return torch.tensor(table).mean()


# %% draw_detections · subplots and zip
def draw_detections(image, prediction, categories, threshold=0.5):
    _, axes = plt.subplots()
    axes.imshow(image.detach().permute(1, 2, 0))
    axes.axis("off")
    keep = prediction["scores"] >= threshold
    parts = (prediction[name][keep] for name in ("boxes", "labels", "scores"))
    for box, label, score in zip(*parts):
        x1, y1, x2, y2 = (box - 0.5).tolist()
        axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, ec="lime", lw=1.5))
        axes.text(x1, y1 - 0.5, f"{categories[label]} {score:.2f}", color="lime")
    return axes


# %% mended_program · of the functions above
def mended_program(build, train, photos, categories, epochs=4, batch_size=8):
    model = build(len(categories))
    number = {name: k for k, name in enumerate(categories)}
    pairs = [
        (image, {"boxes": t["boxes"], "labels": torch.tensor([number[n] for n in t["names"]]).long()})
        for image, t in train
    ]
    loader = DataLoader(pairs, batch_size=batch_size, shuffle=True, collate_fn=collate)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=epochs * len(loader))
    model.train()
    for _ in range(epochs):
        for images, targets in loader:
            train_step(model, optimizer, list(images), list(targets))
            schedule.step()
    model.eval()
    found = []
    with torch.no_grad():
        for photo in photos:
            image = torch.from_numpy(photo.copy()).permute(2, 0, 1).flip(0) / 255
            prediction = model([image])[0]
            names = [categories[label] for label in prediction["labels"].tolist()]
            found.append({"boxes": prediction["boxes"], "scores": prediction["scores"], "names": names})
    return found
