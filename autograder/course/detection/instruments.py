"""What the probes of `detection` measure with: boxes, drawings, a model that notes its calls."""

import re

import numpy as np

from autograder.checks import outcome_of

IDS = (3, 7, 18, 44, 90)
LOSSES = ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg")
NAMES = ("background", "owl", "cat", "dog", "fox")
CORNERS = ((4, 6), (44, 10), (8, 40), (48, 44), (30, 26))
KINDS = ("background", "owl", "cat", "dog", "fox", "hen", "bee", "ant", "elk")


def tensor(values, dtype="float32"):
    import torch

    return torch.as_tensor(np.asarray(values), dtype=getattr(torch, dtype))


def some_boxes(rng, count, *, room=30, least=3, most=14):
    """Boxes (n, 4), float64, whose corners have an eighth of a pixel."""
    corners = rng.uniform(0, room, (count, 2))
    sizes = rng.uniform(least, most, (count, 2))
    return np.round(8 * np.concatenate([corners, corners + sizes], axis=1)) / 8


def shaken(boxes, rng, by):
    """The same boxes, each corner moved a little."""
    return boxes + rng.uniform(-by, by, boxes.shape)


def proposals(rng, things=4, each=6, kinds=1):
    """Boxes in heaps, their scores, all different, and classes from 1."""
    centres = np.array([[0, 0], [18, 3], [2, 20], [21, 22]])[:things]
    sizes = rng.uniform(8, 13, (things, 2))
    heaps = np.repeat(np.concatenate([centres, centres + sizes], axis=1), each, axis=0)
    boxes = shaken(heaps, rng, 3)
    order = rng.permutation(len(boxes))
    scores = rng.permutation(np.linspace(0.05, 0.95, len(boxes)))
    idxs = rng.integers(1, kinds + 1, len(boxes))
    return tensor(boxes[order]), tensor(scores), tensor(idxs, "int64")


def matched(rng, count=6):
    """Boxes and the anchors that lie near them, of several sizes."""
    boxes = some_boxes(rng, count)
    return boxes, shaken(boxes, rng, 1.3)


def annotations(rng, count=6):
    """Annotations in COCO's form, classes with gaps."""
    sized = np.concatenate([rng.integers(0, 40, (count, 2)), rng.integers(2, 20, (count, 2))], 1)
    kinds = rng.permutation([*IDS, *rng.choice(IDS, count)])[:count]
    return [
        {"bbox": box, "category_id": int(kind), "iscrowd": 0}
        for box, kind in zip((sized + 0.25).tolist(), kinds, strict=True)
    ]


def detector(names, slopes, notes, predict=None):
    """A model with torchvision's manners and a parameter for each loss; `notes` sees its calls."""
    import torch
    from torch import nn

    class Detector(nn.Module):
        def __init__(self):
            super().__init__()
            self.weights = nn.ParameterDict({name: nn.Parameter(torch.ones(())) for name in names})
            for name, weight in self.weights.items():
                weight.register_post_accumulate_grad_hook(lambda p, name=name: self.note(name, p))
            self.wanted = {}

        def note(self, name, weight):
            """The gradient, in multiples of what the sum of all losses gives."""
            notes.append(("gradient", name, round(float(weight.grad) / self.wanted[name], 3)))

        def forward(self, images, targets=None):
            if not self.training:
                notes.append(("prediction", len(images)))
                return [predict(image) for image in images]
            if targets is None:
                raise AssertionError("targets should not be none when in training mode")
            if not isinstance(targets, (list, tuple)):
                raise TypeError("targets: a list of dicts is wanted")
            pairs = list(zip(images, targets, strict=True))
            notes.append(("training", pairs))
            size = sum(float(image.mean()) + len(t["labels"]) for image, t in pairs) / len(pairs)
            losses = {}
            for (name, weight), slope in zip(self.weights.items(), slopes, strict=True):
                losses[name] = weight**2 * slope * (1 + size)
                self.wanted[name] = 2 * float(weight.detach()) * slope * (1 + size)
            return losses

    return Detector()


def batch_of_three(rng, count=3):
    images = [tensor(rng.random((3, 4, 5 + i))) for i in range(count)]
    targets = [{"boxes": tensor(some_boxes(rng, i + 1)), "labels": tensor([1] * (i + 1), "int64")}
               for i in range(count)]  # fmt: skip
    return images, targets


def stepped(train_step, rng, names=LOSSES, steps=1, training=True, rate=0.01, counted=False):
    """What steps of a plain gradient descent do to a model with a parameter for each loss."""
    import torch

    slopes = rng.uniform(0.5, 2, len(names))
    model = detector(names, slopes, []).train(training)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    taken = []
    optimizer.register_step_post_hook(lambda *given: taken.append(given))
    returned = [float(train_step(model, optimizer, *batch_of_three(rng))) for _ in range(steps)]
    ways = {name: (1 - float(w.detach())) / rate for name, w in model.weights.items()}  # from 1
    seen = {"returned": returned, "ways": ways}
    return {**seen, "steps": len(taken)} if counted else seen


def found_and_true(rng, each=(7, 13), images=6, extra=10, by=2.5):
    """Targets of some classes on some pictures, and predictions: shaken, doubled and made up.

    Numbers of targets have no factor in common with 100, so that no recall is a level's own.
    """
    truth, said = ([[] for _ in range(images)] for _ in range(2))
    for label, count in enumerate(each, start=1):
        for box in some_boxes(rng, count, least=6):  # no shaking turns it inside out
            place = int(rng.integers(images))
            truth[place].append((box, label))
            for _ in range(int(rng.integers(0, 4))):
                said[place].append((shaken(box, rng, by), label))
            if rng.random() < 0.3:
                said[place].append((shaken(box, rng, by), 1 + label % len(each)))
        for box in some_boxes(rng, extra):  # off the grid, so that no IoU is a threshold's own
            said[int(rng.integers(images))].append((shaken(box, rng, 0.1), label))
    scores = iter(rng.permutation(np.linspace(0.02, 0.98, sum(map(len, said)))))
    targets = [group(rows) for rows in truth]
    predictions = [{**group(rows), "scores": tensor([next(scores) for _ in rows])}
                   for rows in said]  # fmt: skip
    return predictions, targets


def group(rows):
    boxes = np.array([box for box, _ in rows]).reshape(-1, 4)
    return {"boxes": tensor(boxes), "labels": tensor([label for _, label in rows], "int64")}


def read(axes):
    """What a reader sees: colours, where the picture lies, each rectangle with its nearest text."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    axes.figure.canvas.draw()
    shown = axes.images[0]
    colours = np.asarray(shown.to_rgba(shown.get_array()))[..., :3]
    colours = colours / 255 if colours.dtype.kind in "iu" else colours
    texts = [(text.get_text(), _anchor(text, axes)) for text in axes.texts if text.get_text()]
    seen = []
    for patch in axes.patches:
        if isinstance(patch, Rectangle):
            x1, y1, x2, y2 = patch.get_extents().transformed(axes.transData.inverted()).extents
            box = [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]
            gaps = [gap(box, anchor) for _, anchor in texts]
            said = texts[int(np.argmin(gaps))][0] if gaps else ""
            # In words, which no tolerance of pixels takes for one another.
            inside = "hidden" if patch.get_facecolor()[3] > 0.9 else "seen"
            text = "near" if gaps and min(gaps) < 4 else "far"
            seen.append({"box": box, **said_in(said), "text": text, "inside": inside})
    plt.close(axes.figure)
    left, right, low, high = map(float, shown.get_extent())
    edges = [*sorted((left, right)), *sorted((low, high))]
    return {"colours": colours, "boxes": sorted(seen, key=lambda one: one["box"]),
            "texts": len(texts), "edges": edges}  # fmt: skip


def drawn_beside_another(draw, *given):
    """What is read of a drawing, and whether it has a figure of its own: another was open."""
    import matplotlib.pyplot as plt

    open_before = plt.figure()
    try:
        axes = draw(*given)
        own = axes.figure is not open_before
        return {**read(axes), "own figure": "yes" if own else "no"}
    finally:
        plt.close(open_before)


def _anchor(text, axes):
    """Where a text stands, or what it points at, in pixels of the picture."""
    if hasattr(text, "xy"):
        return text.xy
    return axes.transData.inverted().transform(text.get_transform().transform(text.get_position()))


def gap(box, point):
    """How far a point lies from a box; 0 inside."""
    x, y = point
    return max(box[0] - x, x - box[2], box[1] - y, y - box[3], 0)


def said_in(text):
    """Name and score of a text such as "red 0.93"."""
    score = re.search(r"\d*\.\d+", text)
    name = re.search(r"[^\W\d_]{2,}", text)
    return {"name": name.group() if name else text, "score": score.group() if score else ""}


def to_draw(rng, labels=(3, 1, 4, 2), scores=(0.9, 0.7, 0.6, 0.55)):
    corners = np.array(CORNERS)[: len(labels)] + rng.integers(0, 3, (len(labels), 2))
    sizes = np.stack([rng.integers(6, 9, len(labels)), rng.integers(9, 13, len(labels))], axis=1)
    exact = np.array(scores) + rng.integers(0, 4, len(labels)) / 100
    prediction = {"boxes": tensor(np.concatenate([corners, corners + sizes], axis=1)),
                  "labels": tensor(labels, "int64"), "scores": tensor(exact)}  # fmt: skip
    return tensor(rng.random((3, 64, 72))), prediction


def spied(mended_program, rng, kinds=KINDS, epochs=2, batch_size=4):
    """Run the program on a model that notes all it is given, and says what it sees."""
    import torch
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    notes, built = [], []
    slopes = rng.uniform(0.5, 2, len(LOSSES))
    # More than there are classes: each label is a place as well.
    labels = {count: torch.from_numpy(rng.integers(1, 4, count)) for count in (4, 5, 6)}

    def predict(image):
        red, green, blue = (float(value) for value in image.mean(dim=(1, 2)))
        count = 4 + image.shape[1] % 3
        boxes = torch.tensor([[red, green, blue, float(image.shape[1])]] * count)
        scores = torch.linspace(0.9, 0.1, count)
        return {"boxes": boxes, "labels": labels[count].clone(), "scores": scores}

    def build(num_classes):
        built.append(int(num_classes))
        return detector(LOSSES, slopes, notes, predict)

    train = []
    for number in range(10):
        boxes = tensor(some_boxes(rng, 1 + number % 3))
        names = [kinds[1 + (number + k) % (len(kinds) - 1)] for k in range(len(boxes))]
        image = (number + 1) / 16 * torch.ones(3, 6, 5 + number % 2)
        train.append((image, {"boxes": boxes, "names": names}))
    shades = rng.integers(0, 256, (5, 3))
    photos = [np.broadcast_to(shade.astype(np.uint8), (4 + i, 6, 3)).copy()
              for i, shade in enumerate(shades)]  # fmt: skip
    rates = []
    heard = register_optimizer_step_pre_hook(
        lambda optimizer, *given: rates.append(1000 * float(optimizer.param_groups[0]["lr"]))
    )
    try:
        outcome = outcome_of(
            mended_program, build, train, photos, kinds, epochs=epochs, batch_size=batch_size
        )
    finally:
        heard.remove()
    return {"built": built, "notes": notes, "outcome": outcome, "rates": rates}


def lessons(notes):
    """Which labels and boxes came with which picture, and how often; in what batches."""
    batches = [pairs for kind, *rest in notes if kind == "training" for pairs in rest]
    rows = [
        [round(16 * float(image.mean())), [int(k) for k in t["labels"]], len(t["boxes"]),
         round(float(t["boxes"].sum()), 2)]
        for pairs in batches for image, t in pairs
    ]  # fmt: skip
    return {"pictures": sorted(rows), "batches": sorted(map(len, batches))}


def orders_of(notes, epochs):
    """How many different orders the pictures came in, of as many as there were rounds."""
    flat = [round(16 * float(image.mean())) for kind, *rest in notes if kind == "training"
            for pairs in rest for image, _ in pairs]  # fmt: skip
    size = max(1, len(flat) // epochs)
    return len({tuple(flat[i : i + size]) for i in range(0, len(flat), size)})


def error_of(outcome):
    return {key: value for key, value in outcome.items() if key == "raised"}
