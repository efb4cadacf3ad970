# %% box_iou · two loops, Python floats
def box_iou(boxes1, boxes2):
    table = torch.zeros(len(boxes1), len(boxes2), dtype=torch.float64)
    for i, (a1, b1, a2, b2) in enumerate(boxes1.tolist()):
        for j, (c1, d1, c2, d2) in enumerate(boxes2.tolist()):
            width, height = min(a2, c2) - max(a1, c1), min(b2, d2) - max(b1, d1)
            shared = width * height if width > 0 and height > 0 else 0.0
            union = (a2 - a1) * (b2 - b1) + (c2 - c1) * (d2 - d1) - shared
            table[i, j] = shared / union if union > 0 else 0.0
    return table


# %% batched_nms · sorted(), a list of those kept
def batched_nms(boxes, scores, idxs, iou_threshold):
    values, classes = scores.tolist(), idxs.tolist()
    kept = []
    for i in sorted(range(len(values)), key=lambda i: (-values[i], i)):
        for k in kept:
            if classes[k] == classes[i]:
                if float(box_iou(boxes[i : i + 1], boxes[k : k + 1])[0, 0]) > iou_threshold:
                    break
        else:
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


# %% box_coding · a loop over the boxes with math
def encode_boxes(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    rows = []
    for (x1, y1, x2, y2), (u1, v1, u2, v2) in zip(boxes.tolist(), anchors.tolist()):
        w, h, wa, ha = x2 - x1, y2 - y1, u2 - u1, v2 - v1
        rows.append([
            weights[0] * ((x1 + x2) / 2 - (u1 + u2) / 2) / wa,
            weights[1] * ((y1 + y2) / 2 - (v1 + v2) / 2) / ha,
            weights[2] * math.log(w / wa),
            weights[3] * math.log(h / ha),
        ])
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)


def decode_boxes(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    most, rows = math.log(1000 / 16), []
    for (tx, ty, tw, th), (u1, v1, u2, v2) in zip(deltas.tolist(), anchors.tolist()):
        wa, ha = u2 - u1, v2 - v1
        cx = (u1 + u2) / 2 + tx / weights[0] * wa
        cy = (v1 + v2) / 2 + ty / weights[1] * ha
        w = wa * math.exp(min(tw / weights[2], most))
        h = ha * math.exp(min(th / weights[3], most))
        rows.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)


# %% detection_target · lists filled in a loop
def detection_target(annotations, category_ids):
    boxes, labels = [], []
    for one in annotations:
        x, y, w, h = one["bbox"]
        if one["iscrowd"] == 1 or w <= 0 or h <= 0:
            continue
        boxes.append([x, y, x + w, y + h])
        labels.append(list(category_ids).index(one["category_id"]) + 1)
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "labels": torch.tensor(labels, dtype=torch.int64),
    }


def collate(batch):
    pictures, targets = [], []
    for picture, target in batch:
        pictures.append(picture)
        targets.append(target)
    return pictures, targets


# %% train_step · added up in a loop
def train_step(model, optimizer, images, targets):
    model.train()
    optimizer.zero_grad()
    losses = model(images, targets)
    total = 0
    for name in losses:
        total = total + losses[name]
    total.backward()
    optimizer.step()
    return total.item()


# %% average_precision · loops, whole numbers for the recall levels
def average_precision(predictions, targets, label, iou_threshold=0.5):
    ranked, count = [], 0
    truths = []
    for picture, (found, truth) in enumerate(zip(predictions, targets)):
        for box, name, score in zip(found["boxes"], found["labels"].tolist(), found["scores"].tolist()):
            if name == label:
                ranked.append((score, picture, box))
        truths.append([box for box, name in zip(truth["boxes"], truth["labels"].tolist()) if name == label])
        count += len(truths[-1])
    if count == 0:
        return float("nan")
    ranked.sort(key=lambda one: -one[0])
    taken = [[False] * len(boxes) for boxes in truths]
    hits, points = 0, []
    for number, (_, picture, box) in enumerate(ranked, start=1):
        best, which = -1.0, None
        for k, other in enumerate(truths[picture]):
            if taken[picture][k]:
                continue
            share = float(box_iou(box[None], other[None])[0, 0])
            if share > best:
                best, which = share, k
        if which is not None and best >= iou_threshold:
            taken[picture][which] = True
            hits += 1
        points.append((hits, hits / number))
    total = 0.0
    for level in range(101):
        total += max((p for h, p in points if 100 * h >= level * count), default=0.0)
    return total / 101


def mean_average_precision(predictions, targets, iou_thresholds=None):
    if iou_thresholds is None:
        iou_thresholds = [(50 + 5 * k) / 100 for k in range(10)]
    names = sorted({name for truth in targets for name in truth["labels"].tolist()})
    values = [
        average_precision(predictions, targets, name, float(t)) for name in names for t in iou_thresholds
    ]
    return sum(values) / len(values)


# %% draw_detections · pyplot
def draw_detections(image, prediction, categories, threshold=0.5):
    plt.figure(figsize=(4, 4))
    plt.imshow(image.permute(1, 2, 0).numpy())
    axes = plt.gca()
    for k in range(len(prediction["scores"])):
        score = prediction["scores"][k]
        if score < threshold:
            continue
        x1, y1, x2, y2 = prediction["boxes"][k].tolist()
        axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor="yellow"))
        name = categories[int(prediction["labels"][k])]
        axes.text(x1, y1, f"{name} {float(score):.2f}", color="yellow", fontsize=8)
    return axes


# %% mended_program · the program, line by line
def mended_program(build, train, photos, categories, epochs=4, batch_size=8):
    model = build(len(categories))
    pairs = []
    for image, truth in train:
        labels = [list(categories).index(name) for name in truth["names"]]
        boxes = truth["boxes"].float().reshape(-1, 4)
        pairs.append((image, {"boxes": boxes, "labels": torch.tensor(labels, dtype=torch.int64)}))
    loader = DataLoader(pairs, batch_size=batch_size, shuffle=True, collate_fn=collate)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=epochs * len(loader))
    for _ in range(epochs):
        for images, targets in loader:
            train_step(model, optimizer, images, targets)
            schedule.step()
    model.eval()
    found = []
    with torch.no_grad():
        for photo in photos:
            rgb = photo[:, :, ::-1].copy()
            image = torch.from_numpy(rgb).permute(2, 0, 1).float() / 255
            prediction = model([image])[0]
            names = [categories[int(label)] for label in prediction["labels"]]
            found.append({"boxes": prediction["boxes"], "scores": prediction["scores"], "names": names})
    return found
