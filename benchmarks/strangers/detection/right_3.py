# %% box_iou · NumPy, one axis at a time
def box_iou(boxes1, boxes2):
    a, b = np.asarray(boxes1, dtype=np.float64), np.asarray(boxes2, dtype=np.float64)

    def shared(low, high):
        return np.clip(
            np.minimum.outer(a[:, high], b[:, high]) - np.maximum.outer(a[:, low], b[:, low]), 0, None
        )

    def area(x):
        return (x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1])

    both = shared(0, 2) * shared(1, 3)
    union = np.add.outer(area(a), area(b)) - both
    return torch.from_numpy(np.divide(both, union, out=np.zeros_like(both), where=union > 0))


# %% batched_nms · class by class, then sorted, a NumPy array
def batched_nms(boxes, scores, idxs, iou_threshold):
    scores, idxs = np.asarray(scores), np.asarray(idxs)
    kept = []
    for one in np.unique(idxs):
        rest = np.flatnonzero(idxs == one)
        rest = rest[np.argsort(-scores[rest], kind="stable")]
        while len(rest):
            first, rest = rest[0], rest[1:]
            kept.append(first)
            ious = np.asarray(box_iou(boxes[[int(first)]], boxes[torch.from_numpy(rest)]))[0]
            rest = rest[ious <= iou_threshold]
    kept = np.array(sorted(kept), dtype=np.int64)
    return kept[np.argsort(-scores[kept], kind="stable")]


# %% box_coding · a class with two methods
class Coder:
    most = math.log(1000.0 / 16)

    def __init__(self, weights):
        self.weights = weights

    @staticmethod
    def parts(boxes):
        x1, y1, x2, y2 = boxes.unbind(1)
        return x1 + 0.5 * (x2 - x1), y1 + 0.5 * (y2 - y1), x2 - x1, y2 - y1

    def encode(self, boxes, anchors):
        cx, cy, w, h = self.parts(boxes)
        ax, ay, aw, ah = self.parts(anchors)
        wx, wy, ww, wh = self.weights
        parts = wx * (cx - ax) / aw, wy * (cy - ay) / ah, ww * (w.log() - aw.log()), wh * (h.log() - ah.log())
        return torch.stack(parts, dim=1)

    def decode(self, deltas, anchors):
        ax, ay, aw, ah = self.parts(anchors)
        dx, dy, dw, dh = (deltas[:, k] / self.weights[k] for k in range(4))
        cx, cy = ax + dx * aw, ay + dy * ah
        w, h = aw * torch.exp(dw.clamp(max=self.most)), ah * torch.exp(dh.clamp(max=self.most))
        return torch.stack((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), dim=-1)


def encode_boxes(boxes, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return Coder(weights).encode(boxes, anchors)


def decode_boxes(deltas, anchors, weights=(10.0, 10.0, 5.0, 5.0)):
    return Coder(weights).decode(deltas, anchors)


# %% detection_target · torchvision's box_convert, tuples
def detection_target(annotations, category_ids):
    from torchvision.ops import box_convert

    rows = [(*a["bbox"], list(category_ids).index(a["category_id"]) + 1)
            for a in annotations if not a.get("iscrowd", 0)]  # fmt: skip
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    table = table[(table[:, 2] > 0) & (table[:, 3] > 0)]
    boxes = box_convert(torch.from_numpy(table[:, :4]), "xywh", "xyxy").float()
    return {"labels": torch.from_numpy(table[:, 4]).long(), "boxes": boxes}


def collate(batch):
    return [picture for picture, _ in batch], [target for _, target in batch]


# %% train_step · stacked, set_to_none
def train_step(model, optimizer, images, targets):
    optimizer.zero_grad(set_to_none=True)
    total = torch.stack(list(model.train()(images, targets).values())).sum()
    total.backward()
    optimizer.step()
    return np.float32(total.detach().numpy())


# %% average_precision · one NumPy ranking, a class
class Ranking:
    def __init__(self, predictions, targets, label):
        self.truths = [np.asarray(t["boxes"])[np.asarray(t["labels"]) == label] for t in targets]
        self.count = sum(map(len, self.truths))
        rows = [
            (float(p["scores"][k]), n, np.asarray(p["boxes"][k]))
            for n, p in enumerate(predictions)
            for k in range(len(p["scores"]))
            if int(p["labels"][k]) == label
        ]
        self.rows = sorted(rows, key=lambda row: row[0], reverse=True)

    def hits(self, threshold):
        left = [list(range(len(boxes))) for boxes in self.truths]
        for _, picture, box in self.rows:
            options = left[picture]
            hit = False
            if options:
                ious = np.asarray(box_iou(torch.tensor(box[None]), torch.tensor(self.truths[picture][options])))[0]
                best = int(ious.argmax())
                if ious[best] >= threshold:
                    options.pop(best)
                    hit = True
            yield hit

    def ap(self, threshold):
        if self.count == 0:
            return np.nan
        hits = np.fromiter(self.hits(threshold), dtype=bool)
        if hits.size == 0:
            return 0.0
        found = hits.cumsum()
        precision = np.maximum.accumulate((found / np.arange(1, hits.size + 1))[::-1])[::-1]
        first = np.searchsorted(found / self.count, np.arange(101) / 100, side="left")
        return np.append(precision, 0.0)[first].mean()


def average_precision(predictions, targets, label, iou_threshold=0.5):
    return Ranking(predictions, targets, label).ap(iou_threshold)


def mean_average_precision(predictions, targets, iou_thresholds=None):
    thresholds = np.arange(50, 100, 5) / 100 if iou_thresholds is None else np.asarray(iou_thresholds)
    labels = set().union(*(set(np.asarray(t["labels"]).tolist()) for t in targets))
    return np.mean([[Ranking(predictions, targets, k).ap(t) for t in thresholds] for k in labels])


# %% draw_detections · a Figure of its own, uint8, annotate
def draw_detections(image, prediction, categories, threshold=0.5):
    from matplotlib.figure import Figure

    axes = Figure(figsize=(4, 4)).add_subplot()
    axes.imshow((np.moveaxis(image.numpy(), 0, -1).clip(0, 1) * 255).round().astype(np.uint8))
    for box, label, score in zip(
        prediction["boxes"].numpy(), prediction["labels"].numpy(), prediction["scores"].numpy(), strict=True
    ):
        if score >= np.float32(threshold):
            size = box[2:] - box[:2]
            axes.add_patch(Rectangle(box[:2], *size, facecolor="none", edgecolor="red", linewidth=1))
            axes.text(
                box[0] + 0.5, box[1] + 0.5, "{} {:.2f}".format(categories[label], score),
                va="top", bbox={"facecolor": "white", "alpha": 0.6, "pad": 1},
            )  # fmt: skip
    return axes


# %% mended_program · an iterator of batches by hand, two helper functions
def mended_program(build, train, photos, categories, epochs=4, batch_size=8):
    categories = list(categories)

    def fit(model):
        steps = math.ceil(len(train) / batch_size)
        optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=epochs * steps)
        for _ in range(epochs):
            for batch in torch.randperm(len(train)).split(batch_size):
                images, targets = [], []
                for k in batch.tolist():
                    image, truth = train[k]
                    labels = [categories.index(name) for name in truth["names"]]
                    images.append(image)
                    targets.append({"boxes": truth["boxes"], "labels": torch.tensor(labels, dtype=torch.long)})
                model.train()
                loss = sum(model(images, targets).values())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
        return model.eval()

    @torch.inference_mode()
    def read(model, photo):
        picture = np.ascontiguousarray(photo[..., [2, 1, 0]].transpose(2, 0, 1), dtype=np.float32) / 255
        (prediction,) = model([torch.from_numpy(picture)])
        return {
            "boxes": prediction["boxes"].numpy(),
            "scores": prediction["scores"].tolist(),
            "names": [str(categories[k]) for k in prediction["labels"]],
        }

    model = fit(build(len(categories)))
    return [read(model, photo) for photo in photos]
