# %% box_iou · adds one to widths and heights, as if the right and lower edges were inclusive
def box_iou(boxes1, boxes2):
    area1 = (boxes1[:, 2] - boxes1[:, 0] + 1) * (boxes1[:, 3] - boxes1[:, 1] + 1)
    area2 = (boxes2[:, 2] - boxes2[:, 0] + 1) * (boxes2[:, 3] - boxes2[:, 1] + 1)
    low = torch.max(boxes1[:, None, :2], boxes2[:, :2])
    high = torch.min(boxes1[:, None, 2:], boxes2[:, 2:])
    size = (high - low + 1).clamp(min=0)
    inter = size[..., 0] * size[..., 1]
    return inter / (area1[:, None] + area2 - inter)
# %% box_iou · does not cut negative widths and heights at 0, so that boxes apart in both directions share a positive area
def box_iou(boxes1, boxes2):
    area1 = (boxes1[:, 2] - boxes1[:, 0]) * (boxes1[:, 3] - boxes1[:, 1])
    area2 = (boxes2[:, 2] - boxes2[:, 0]) * (boxes2[:, 3] - boxes2[:, 1])
    low = torch.max(boxes1[:, None, :2], boxes2[None, :, :2])
    high = torch.min(boxes1[:, None, 2:], boxes2[None, :, 2:])
    inter = (high - low).prod(-1)
    union = area1[:, None] + area2[None] - inter
    return torch.where(union > 0, inter / union, torch.zeros_like(inter))
# %% box_iou · divides 0 by 0 for two boxes without area and returns nan there
def box_iou(boxes1, boxes2):
    area1 = (boxes1[:, 2:] - boxes1[:, :2]).prod(1)
    area2 = (boxes2[:, 2:] - boxes2[:, :2]).prod(1)
    low = torch.max(boxes1[:, None, :2], boxes2[:, :2])
    high = torch.min(boxes1[:, None, 2:], boxes2[:, 2:])
    inter = (high - low).clamp(min=0).prod(2)
    return inter / (area1[:, None] + area2 - inter)
# %% box_iou · builds the table from Python lists, so that without boxes in the first set the shape is (0,) and not (0, M)
def box_iou(boxes1, boxes2):
    rows = []
    for a in boxes1.tolist():
        row = []
        for b in boxes2.tolist():
            w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
            h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
            union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h
            row.append(w * h / union if union > 0 else 0.0)
        rows.append(row)
    return torch.tensor(rows)
# %% batched_nms · ignores the classes and suppresses across them
def batched_nms(boxes, scores, idxs, iou_threshold):
    order = scores.argsort(descending=True, stable=True)
    keep = []
    while order.numel() > 0:
        i = order[0]
        keep.append(i.item())
        if order.numel() == 1:
            break
        ious = box_iou(boxes[i][None], boxes[order[1:]])[0]
        order = order[1:][ious <= iou_threshold]
    return torch.tensor(keep, dtype=torch.long)
# %% batched_nms · drops a box whose IoU is equal to the threshold, not only greater
def batched_nms(boxes, scores, idxs, iou_threshold):
    order = scores.argsort(descending=True, stable=True).tolist()
    ious = box_iou(boxes, boxes)
    keep = []
    for i in order:
        if all(ious[i, j] < iou_threshold or idxs[i] != idxs[j] for j in keep):
            keep.append(i)
    return torch.tensor(keep, dtype=torch.long)
# %% batched_nms · lets every box of higher score suppress, also those that were themselves dropped (Fast NMS by one upper triangle)
def batched_nms(boxes, scores, idxs, iou_threshold):
    order = scores.argsort(descending=True, stable=True)
    if len(order) == 0:
        return order
    b, c = boxes[order], idxs[order]
    ious = torch.as_tensor(box_iou(b, b)) * (c[:, None] == c[None, :])
    highest = ious.triu(diagonal=1).max(dim=0).values
    return order[highest <= iou_threshold]
# %% batched_nms · goes through the classes one after the other and joins their indices, without sorting all of them by score at the end
def batched_nms(boxes, scores, idxs, iou_threshold):
    keep = []
    for c in idxs.unique():
        members = torch.where(idxs == c)[0]
        members = members[scores[members].argsort(descending=True, stable=True)]
        while len(members) > 0:
            keep.append(int(members[0]))
            ious = box_iou(boxes[members[:1]], boxes[members[1:]])[0]
            members = members[1:][ious <= iou_threshold]
    return torch.tensor(keep, dtype=torch.long)
# %% batched_nms · sorts ascending and turns the order round, so that of equal scores the last in the list goes first
def batched_nms(boxes, scores, idxs, iou_threshold):
    order = np.argsort(np.asarray(scores), kind="stable")[::-1]
    ious = np.asarray(box_iou(boxes, boxes))
    classes = np.asarray(idxs)
    keep = []
    for i in order:
        if not any(classes[i] == classes[j] and ious[i, j] > iou_threshold for j in keep):
            keep.append(int(i))
    return np.array(keep, dtype=np.int64)
# %% box_coding · divides by the weights when encoding and multiplies when decoding, as with the variances of SSD: an inverse pair, with the factors the wrong way round
def encode_boxes(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    w, aw = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    c, ac = boxes[:, :2] + w / 2, anchors[:, :2] + aw / 2
    return torch.cat([(c - ac) / aw, (w / aw).log()], dim=1) / torch.tensor(weights)


def decode_boxes(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    d = deltas * torch.tensor(weights)
    aw = anchors[:, 2:] - anchors[:, :2]
    c = anchors[:, :2] + aw / 2 + d[:, :2] * aw
    w = aw * d[:, 2:].clamp(max=math.log(1000 / 16)).exp()
    return torch.cat([c - w / 2, c + w / 2], dim=1)
# %% box_coding · cuts the deltas at ln(1000 / 16) before dividing by the weights, so that sizes are held at e^(4.135 / 5) times the anchor
def encode_boxes(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    w, aw = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    c, ac = boxes[:, :2] + w / 2, anchors[:, :2] + aw / 2
    return torch.cat([(c - ac) / aw, (w / aw).log()], dim=1) * torch.tensor(weights)


def decode_boxes(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    wx, wy, ww, wh = weights
    size = anchors[:, 2:] - anchors[:, :2]
    centre = anchors[:, :2] + size / 2
    shift = deltas[:, :2] / torch.tensor([wx, wy])
    grow = deltas[:, 2:].clamp(max=math.log(1000 / 16)) / torch.tensor([ww, wh])
    centre, size = centre + shift * size, size * grow.exp()
    return torch.cat([centre - size / 2, centre + size / 2], dim=1)
# %% box_coding · cuts the logarithms at ±ln(1000 / 16), from below as well as from above
def encode_boxes(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    w, aw = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    c, ac = (boxes[:, 2:] + boxes[:, :2]) / 2, (anchors[:, 2:] + anchors[:, :2]) / 2
    return torch.cat([(c - ac) / aw, (w / aw).log()], dim=1) * torch.tensor(weights)


def decode_boxes(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    limit = math.log(1000 / 16)
    deltas = deltas / torch.tensor(weights)
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, 2:] + anchors[:, :2]) / 2 + deltas[:, :2] * size
    size = size * deltas[:, 2:].clamp(-limit, limit).exp()
    return torch.cat([centre - size / 2, centre + size / 2], dim=1)
# %% box_coding · measures the way between upper left corners, not between centres (and decodes it so)
def encode_boxes(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    size, extent = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    move = (boxes[:, :2] - anchors[:, :2]) / extent
    return torch.cat([move, torch.log(size / extent)], 1) * torch.as_tensor(weights)


def decode_boxes(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    deltas = deltas / torch.as_tensor(weights)
    extent = anchors[:, 2:] - anchors[:, :2]
    corner = anchors[:, :2] + deltas[:, :2] * extent
    size = extent * torch.exp(deltas[:, 2:].clamp(max=math.log(1000 / 16)))
    return torch.cat([corner, corner + size], 1)
# %% detection_target · counts the classes from 0, so that the first category becomes the background
def detection_target(annotations, category_ids):
    good = [a for a in annotations if a["iscrowd"] == 0 and a["bbox"][2] > 0 and a["bbox"][3] > 0]
    boxes = [[x, y, x + w, y + h] for x, y, w, h in (a["bbox"] for a in good)]
    labels = [category_ids.index(a["category_id"]) for a in good]
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "labels": torch.tensor(labels, dtype=torch.int64),
    }


def collate(batch):
    return tuple(zip(*batch))
# %% detection_target · returns boxes of the shape (0,) when nothing is left, not (0, 4)
def detection_target(annotations, category_ids):
    boxes, labels = [], []
    for a in annotations:
        x, y, w, h = a["bbox"]
        if a["iscrowd"] or w <= 0 or h <= 0:
            continue
        boxes.append([x, y, x + w, y + h])
        labels.append(category_ids.index(a["category_id"]) + 1)
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32),
        "labels": torch.tensor(labels, dtype=torch.int64),
    }


def collate(batch):
    return tuple(zip(*batch))
# %% detection_target · numbers the categories in sorted order of their ids, not in the order of category_ids
def detection_target(annotations, category_ids):
    number = {c: i + 1 for i, c in enumerate(sorted(category_ids))}
    boxes, labels = [], []
    for a in annotations:
        x, y, w, h = a["bbox"]
        if a["iscrowd"] == 0 and w > 0 and h > 0:
            boxes.append((x, y, x + w, y + h))
            labels.append(number[a["category_id"]])
    return {"boxes": torch.tensor(boxes).float().reshape(-1, 4), "labels": torch.tensor(labels).long()}


def collate(batch):
    return tuple(zip(*batch))
# %% detection_target · leaves out boxes narrower or lower than one pixel, though only those not above 0 are to go
def detection_target(annotations, category_ids):
    boxes, labels = [], []
    for a in annotations:
        x, y, w, h = a["bbox"]
        if a["iscrowd"] == 1 or w < 1 or h < 1:
            continue
        boxes.append([x, y, x + w, y + h])
        labels.append(category_ids.index(a["category_id"]) + 1)
    return {
        "boxes": torch.as_tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "labels": torch.as_tensor(labels, dtype=torch.int64),
    }


def collate(batch):
    images, targets = zip(*batch)
    return list(images), list(targets)
# %% detection_target · keeps crowds (iscrowd = 1) as if they were objects
def detection_target(annotations, category_ids):
    number = {c: i for i, c in enumerate(category_ids, 1)}
    good = [a for a in annotations if a["bbox"][2] > 0 and a["bbox"][3] > 0]
    boxes = torch.tensor([a["bbox"] for a in good], dtype=torch.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return {"boxes": boxes, "labels": torch.tensor([number[a["category_id"]] for a in good], dtype=torch.int64)}


def collate(batch):
    return tuple(zip(*batch))
# %% detection_target · collate stacks the pictures into one tensor, which works only when all are of one size
def detection_target(annotations, category_ids):
    number = {c: i for i, c in enumerate(category_ids, 1)}
    good = [a for a in annotations if not a["iscrowd"] and a["bbox"][2] > 0 and a["bbox"][3] > 0]
    boxes = torch.tensor([a["bbox"] for a in good], dtype=torch.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return {"boxes": boxes, "labels": torch.tensor([number[a["category_id"]] for a in good], dtype=torch.int64)}


def collate(batch):
    images = torch.stack([image for image, _ in batch])
    targets = [target for _, target in batch]
    return images, targets
# %% train_step · adds up only Faster R-CNN's four losses by name and leaves out what other models name, such as loss_mask
def train_step(model, optimizer, images, targets):
    model.train()
    losses = model(images, targets)
    names = ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg")
    loss = sum(losses[name] for name in names if name in losses)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
# %% train_step · minimises and returns the mean of the losses instead of their sum
def train_step(model, optimizer, images, targets):
    model.train()
    losses = model(images, targets)
    loss = torch.stack(list(losses.values())).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
# %% train_step · never sets training mode, so that a model which comes in evaluation mode returns predictions and no losses
def train_step(model, optimizer, images, targets):
    loss = sum(loss for loss in model(images, targets).values())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
# %% train_step · does not clear the old gradients, which add up over the steps
def train_step(model, optimizer, images, targets):
    model.train()
    loss_dict = model(images, targets)
    loss = sum(loss_dict.values())
    loss.backward()
    optimizer.step()
    return float(loss)
# %% average_precision · matches to the best target whether or not it has been taken, and then calls a taken one a false alarm, as PASCAL VOC does
def average_precision(predictions, targets, label, iou_threshold=0.5):
    truths = [t["boxes"][t["labels"] == label] for t in targets]
    count = sum(len(t) for t in truths)
    if count == 0:
        return float("nan")
    rows = [
        (float(s), n, b)
        for n, p in enumerate(predictions)
        for b, k, s in zip(p["boxes"], p["labels"], p["scores"]) if int(k) == label
    ]
    rows.sort(key=lambda row: -row[0])
    taken, hits = set(), []
    for _, n, box in rows:
        hit = False
        if len(truths[n]):
            ious = torch.as_tensor(box_iou(box[None], truths[n]))[0]
            best = int(ious.argmax())
            if ious[best] >= iou_threshold and (n, best) not in taken:
                taken.add((n, best))
                hit = True
        hits.append(hit)
    if not hits:
        return 0.0
    tp = np.cumsum(hits)
    precision, recall = tp / np.arange(1, len(tp) + 1), tp / count
    levels = np.arange(101) / 100
    return float(np.mean([precision[recall >= r].max(initial=0) for r in levels]))


def mean_average_precision(predictions, targets, iou_thresholds=None):
    if iou_thresholds is None:
        iou_thresholds = np.linspace(0.5, 0.95, 10)
    labels = sorted({int(k) for t in targets for k in t["labels"]})
    return np.mean([average_precision(predictions, targets, k, t) for k in labels for t in iou_thresholds])
# %% average_precision · takes the whole area under the envelope (all points), not the mean at 101 levels
def average_precision(predictions, targets, label, iou_threshold=0.5):
    truths = [t["boxes"][t["labels"] == label] for t in targets]
    count = sum(len(t) for t in truths)
    if count == 0:
        return float("nan")
    rows = [
        (float(s), n, b)
        for n, p in enumerate(predictions)
        for b, k, s in zip(p["boxes"], p["labels"], p["scores"]) if int(k) == label
    ]
    rows.sort(key=lambda row: -row[0])
    free, hits = [torch.ones(len(t), dtype=torch.bool) for t in truths], []
    for _, n, box in rows:
        ious = torch.as_tensor(box_iou(box[None], truths[n]))[0].double().masked_fill(~free[n], -1)
        hit = len(ious) > 0 and bool(ious.max() >= iou_threshold)
        if hit:
            free[n][ious.argmax()] = False
        hits.append(hit)
    if not hits:
        return 0.0
    tp = np.cumsum(hits)
    recall = np.concatenate([[0], tp / count, [1]])
    precision = np.concatenate([[0], tp / np.arange(1, len(tp) + 1), [0]])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * precision[1:]))


def mean_average_precision(predictions, targets, iou_thresholds=None):
    if iou_thresholds is None:
        iou_thresholds = np.linspace(0.5, 0.95, 10)
    labels = sorted({int(k) for t in targets for k in t["labels"]})
    return np.mean([average_precision(predictions, targets, k, t) for k in labels for t in iou_thresholds])
# %% average_precision · returns 0 instead of nan for a class without any targets
def average_precision(predictions, targets, label, iou_threshold=0.5):
    truths = [t["boxes"][t["labels"] == label] for t in targets]
    count = sum(len(t) for t in truths)
    rows = [
        (float(s), n, b)
        for n, p in enumerate(predictions)
        for b, k, s in zip(p["boxes"], p["labels"], p["scores"]) if int(k) == label
    ]
    if count == 0 or not rows:
        return 0.0
    rows.sort(key=lambda row: -row[0])
    free, hits = [torch.ones(len(t), dtype=torch.bool) for t in truths], []
    for _, n, box in rows:
        ious = torch.as_tensor(box_iou(box[None], truths[n]))[0].double().masked_fill(~free[n], -1)
        hit = len(ious) > 0 and bool(ious.max() >= iou_threshold)
        if hit:
            free[n][ious.argmax()] = False
        hits.append(hit)
    tp = np.cumsum(hits)
    precision, recall = tp / np.arange(1, len(tp) + 1), tp / count
    return float(np.mean([precision[recall >= k / 100].max(initial=0) for k in range(101)]))


def mean_average_precision(predictions, targets, iou_thresholds=None):
    if iou_thresholds is None:
        iou_thresholds = np.linspace(0.5, 0.95, 10)
    labels = sorted({int(k) for t in targets for k in t["labels"]})
    return np.mean([average_precision(predictions, targets, k, t) for k in labels for t in iou_thresholds])
# %% average_precision · mean_average_precision stops its default thresholds at 0.90: range(50, 95, 5) leaves 0.95 out, nine instead of ten
def average_precision(predictions, targets, label, iou_threshold=0.5):
    truths = [t["boxes"][t["labels"] == label] for t in targets]
    count = sum(len(t) for t in truths)
    if count == 0:
        return float("nan")
    rows = [
        (float(s), n, b)
        for n, p in enumerate(predictions)
        for b, k, s in zip(p["boxes"], p["labels"], p["scores"]) if int(k) == label
    ]
    rows.sort(key=lambda row: -row[0])
    free, hits = [torch.ones(len(t), dtype=torch.bool) for t in truths], []
    for _, n, box in rows:
        ious = torch.as_tensor(box_iou(box[None], truths[n]))[0].double().masked_fill(~free[n], -1)
        hit = len(ious) > 0 and bool(ious.max() >= iou_threshold)
        if hit:
            free[n][ious.argmax()] = False
        hits.append(hit)
    tp = np.cumsum(hits)
    precision, recall = tp / np.arange(1, len(tp) + 1), tp / count
    return float(np.mean([precision[recall >= k / 100].max(initial=0) for k in range(101)]))


def mean_average_precision(predictions, targets, iou_thresholds=None):
    if iou_thresholds is None:
        iou_thresholds = [k / 100 for k in range(50, 95, 5)]
    labels = sorted({int(k) for t in targets for k in t["labels"]})
    return np.mean([average_precision(predictions, targets, k, t) for k in labels for t in iou_thresholds])
# %% average_precision · computes AP for each picture that has targets and averages over the pictures, instead of ranking all pictures together
def _ap_of_one(prediction, target, label, iou_threshold):
    truths = target["boxes"][target["labels"] == label]
    mine = prediction["labels"] == label
    boxes = prediction["boxes"][mine][prediction["scores"][mine].argsort(descending=True)]
    free, hits = torch.ones(len(truths), dtype=torch.bool), []
    for box in boxes:
        ious = torch.as_tensor(box_iou(box[None], truths))[0].double().masked_fill(~free, -1)
        hit = bool(ious.max() >= iou_threshold)
        if hit:
            free[ious.argmax()] = False
        hits.append(hit)
    tp = np.cumsum(hits)
    precision, recall = tp / np.arange(1, len(tp) + 1), tp / len(truths)
    return np.mean([precision[recall >= k / 100].max(initial=0) for k in range(101)])


def average_precision(predictions, targets, label, iou_threshold=0.5):
    values = [
        _ap_of_one(p, t, label, iou_threshold)
        for p, t in zip(predictions, targets) if (t["labels"] == label).any()
    ]
    return float(np.mean(values)) if values else float("nan")


def mean_average_precision(predictions, targets, iou_thresholds=None):
    if iou_thresholds is None:
        iou_thresholds = np.linspace(0.5, 0.95, 10)
    labels = sorted({int(k) for t in targets for k in t["labels"]})
    return np.mean([average_precision(predictions, targets, k, t) for k in labels for t in iou_thresholds])
# %% average_precision · reads at each level the precision where the recall first reaches it, not the highest at that recall or beyond
def average_precision(predictions, targets, label, iou_threshold=0.5):
    truths = [t["boxes"][t["labels"] == label] for t in targets]
    count = sum(len(t) for t in truths)
    if count == 0:
        return float("nan")
    rows = [
        (float(s), n, b)
        for n, p in enumerate(predictions)
        for b, k, s in zip(p["boxes"], p["labels"], p["scores"]) if int(k) == label
    ]
    rows.sort(key=lambda row: -row[0])
    free, hits = [torch.ones(len(t), dtype=torch.bool) for t in truths], []
    for _, n, box in rows:
        ious = torch.as_tensor(box_iou(box[None], truths[n]))[0].double().masked_fill(~free[n], -1)
        hit = len(ious) > 0 and bool(ious.max() >= iou_threshold)
        if hit:
            free[n][ious.argmax()] = False
        hits.append(hit)
    tp = np.cumsum(hits)
    precision, recall = np.append(tp / np.arange(1, len(tp) + 1), 0), tp / count
    return float(precision[np.searchsorted(recall, np.arange(101) / 100)].mean())


def mean_average_precision(predictions, targets, iou_thresholds=None):
    if iou_thresholds is None:
        iou_thresholds = np.linspace(0.5, 0.95, 10)
    labels = sorted({int(k) for t in targets for k in t["labels"]})
    return np.mean([average_precision(predictions, targets, k, t) for k in labels for t in iou_thresholds])
# %% draw_detections · names the class categories[label - 1], as if the list had no background
def draw_detections(image, prediction, categories, threshold=0.5):
    fig, ax = plt.subplots()
    ax.imshow(image.permute(1, 2, 0))
    for box, label, score in zip(prediction["boxes"], prediction["labels"], prediction["scores"]):
        if score >= threshold:
            x1, y1, x2, y2 = box.tolist()
            ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor="r"))
            ax.text(x1, y1, f"{categories[int(label) - 1]} {score:.2f}", color="r")
    return ax
# %% draw_detections · leaves out a detection whose score is exactly the threshold (> instead of >=)
def draw_detections(image, prediction, categories, threshold=0.5):
    fig, ax = plt.subplots()
    ax.imshow(image.permute(1, 2, 0).numpy())
    keep = prediction["scores"] > threshold
    for box, label, score in zip(
        prediction["boxes"][keep], prediction["labels"][keep], prediction["scores"][keep]
    ):
        x1, y1, x2, y2 = box.tolist()
        ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor="r"))
        ax.text(x1, y1, f"{categories[int(label)]} {score:.2f}", color="r")
    return ax
# %% draw_detections · gives Rectangle the lower right corner (x2, y2) as width and height
def draw_detections(image, prediction, categories, threshold=0.5):
    fig, ax = plt.subplots()
    ax.imshow(image.permute(1, 2, 0))
    for i in range(len(prediction["boxes"])):
        score = prediction["scores"][i]
        if score >= threshold:
            x1, y1, x2, y2 = prediction["boxes"][i].tolist()
            ax.add_patch(Rectangle((x1, y1), x2, y2, fill=False, edgecolor="r"))
            ax.text(x1, y1, f"{categories[int(prediction['labels'][i])]} {score:.2f}")
    return ax
# %% mended_program · hands the photographs to the model in OpenCV's order, blue first
def mended_program(build, train, photos, categories, epochs=4, batch_size=8):
    model = build(len(categories))
    pairs = [
        (image, {"boxes": t["boxes"], "labels": torch.tensor([categories.index(n) for n in t["names"]])})
        for image, t in train
    ]
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
            image = torch.from_numpy(photo).permute(2, 0, 1) / 255
            prediction = model([image])[0]
            names = [categories[int(k)] for k in prediction["labels"]]
            found.append({"boxes": prediction["boxes"], "scores": prediction["scores"], "names": names})
    return found
# %% mended_program · still counts the training labels from 0 (first class = background) but names the results by the list with the background
def mended_program(build, train, photos, categories, epochs=4, batch_size=8):
    classes = categories[1:]
    model = build(len(categories))
    pairs = [
        (image, {"boxes": t["boxes"], "labels": torch.tensor([classes.index(n) for n in t["names"]])})
        for image, t in train
    ]
    loader = DataLoader(pairs, batch_size=batch_size, shuffle=True, collate_fn=lambda b: tuple(zip(*b)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=epochs * len(loader))
    model.train()
    for _ in range(epochs):
        for images, targets in loader:
            loss = sum(model(images, targets).values())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    found = []
    with torch.no_grad():
        for photo in photos:
            image = torch.from_numpy(photo[:, :, ::-1].copy()).permute(2, 0, 1) / 255
            prediction = model([image])[0]
            names = [categories[int(k)] for k in prediction["labels"]]
            found.append({"boxes": prediction["boxes"], "scores": prediction["scores"], "names": names})
    return found
# %% mended_program · trains on the classifier's loss alone, the "cross entropy" of the old program
def mended_program(build, train, photos, categories, epochs=4, batch_size=8):
    model = build(len(categories))
    pairs = [
        (image, {"boxes": t["boxes"], "labels": torch.tensor([categories.index(n) for n in t["names"]])})
        for image, t in train
    ]
    loader = DataLoader(pairs, batch_size=batch_size, shuffle=True, collate_fn=lambda b: tuple(zip(*b)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=epochs * len(loader))
    model.train()
    for _ in range(epochs):
        for images, targets in loader:
            loss = model(images, targets)["loss_classifier"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    found = []
    with torch.no_grad():
        for photo in photos:
            image = torch.from_numpy(photo[:, :, ::-1].copy()).permute(2, 0, 1) / 255
            prediction = model([image])[0]
            names = [categories[int(k)] for k in prediction["labels"]]
            found.append({"boxes": prediction["boxes"], "scores": prediction["scores"], "names": names})
    return found
# %% mended_program · returns only detections with a score of at least 0.5, not all that the model finds
def mended_program(build, train, photos, categories, epochs=4, batch_size=8):
    model = build(len(categories))
    pairs = [
        (image, {"boxes": t["boxes"], "labels": torch.tensor([categories.index(n) for n in t["names"]])})
        for image, t in train
    ]
    loader = DataLoader(pairs, batch_size=batch_size, shuffle=True, collate_fn=lambda b: tuple(zip(*b)))
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
            image = torch.from_numpy(photo[:, :, ::-1].copy()).permute(2, 0, 1) / 255
            prediction = model([image])[0]
            keep = prediction["scores"] >= 0.5
            names = [categories[int(k)] for k in prediction["labels"][keep]]
            found.append({"boxes": prediction["boxes"][keep], "scores": prediction["scores"][keep], "names": names})
    return found
