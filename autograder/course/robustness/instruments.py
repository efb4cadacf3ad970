"""What the probes of `robustness` measure with: models that are seen through, and a watched lesson.

Kept apart from the probes because it needs torch at once.
"""

from contextlib import contextmanager
from types import SimpleNamespace

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim.optimizer import register_optimizer_step_pre_hook

from autograder.models import locate
from autograder.models.tiny_resnet import load_classifier, load_pictures
from autograder.probes import in_modes, moved, state_of

RADIUS = 2.0


class Reader(nn.Module):
    """The network of the notebook: pixels in, logits out."""

    def __init__(self):
        super().__init__()
        classifier = load_classifier(locate("resnet"))
        self.network = classifier.model
        self.mean, self.std = classifier.mean[0], classifier.std[0]
        self.eval()

    def forward(self, images):
        return self.network((images / 16 - self.mean) / self.std)


def digits():
    """Digits (N, 1, 8, 8) float32 and the indices of their classes, by part."""
    classifier = load_classifier(locate("resnet"))
    return {
        part: (p.images.float(), torch.tensor([classifier.class_names.index(n) for n in p.names]))
        for part, p in load_pictures(classifier).items()
    }


def linear(weight, bias=0.0):
    """A model whose logits are the sums of the pixels times `weight` (K, C·H·W), and `bias`."""
    weight, bias = torch.as_tensor(weight).double(), torch.as_tensor(bias).double()
    layer = nn.Linear(weight.shape[1], weight.shape[0]).double()
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias.expand(len(weight)))
    return nn.Sequential(nn.Flatten(), layer)


class Squares(nn.Module):
    """Logits that are weighted sums of squared pixels: every share is w (x² − x'²)."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.as_tensor(weight))

    def forward(self, images):
        return images.flatten(1).square() @ self.weight.T


class Bag(nn.Module):
    """A language model that is a table: logits at t are those of its token, and of all tokens."""

    def __init__(self, size, rng):
        super().__init__()
        self.own = nn.Parameter(torch.from_numpy(rng.normal(size=(size, size))))
        self.all = nn.Parameter(torch.from_numpy(rng.normal(size=(size, size))))
        self.drop = nn.Dropout(0.5)

    def forward(self, input_ids):
        others = self.drop(self.all[input_ids]).sum(dim=1, keepdim=True)
        return SimpleNamespace(logits=self.own[input_ids] + others)


def bert():
    """The tiny masked language model, its attention there to be looked at."""
    from transformers import BertForMaskedLM

    return BertForMaskedLM.from_pretrained(locate("bert"), attn_implementation="eager").eval()


def traces(model, call, *given):
    """What a call leaves, and what it finds in each mode, which it is to give back."""
    return {"left": _left_by(model, call, *given), "found": in_modes(model, call)}


def _left_by(model, call, *given):
    """Gradients, hooks, moved numbers, changed arguments."""
    first, *others = model.parameters()
    first.grad = torch.full_like(first, 0.5)
    before, copies = state_of(model), [value.clone() for value in given]
    result = call()
    pairs = list(zip(given, copies, strict=True))
    kept = first.grad is not None and bool((first.grad == 0.5).all())
    return {
        "gradients left": sum(p.grad is not None for p in others) + (not kept),
        "frozen": sum(not p.requires_grad for p in model.parameters()),
        "hooks": sum(len(m._forward_hooks) + len(m._backward_hooks) for m in model.modules()),
        "moved": len(moved(model, before)),
        "changed": [i for i, (now, then) in enumerate(pairs) if not now.equal(then)],
        "arguments want gradients": any(value.requires_grad for value in given),
        "result wants gradients": bool(getattr(result, "requires_grad", False)),
    }


def rises(model, images, targets, baseline):
    """By how much the targets' logits (N,) are higher than at the baseline."""
    with torch.no_grad():
        return (model(images) - model(baseline[None])).gather(1, targets[:, None])[:, 0]


def by(amount, rows=slice(None)):
    """An attack that makes the pictures of `rows` so much brighter."""

    def attack(model, images, labels):
        attacked = images.clone()
        attacked[rows] += amount
        return attacked

    return attack


def push(model, images, labels, steps, step):
    """PGD in a ball of RADIUS from a random start, in evaluation mode: the probe's own."""
    training = model.training
    model.eval()
    near, far = (images - RADIUS).clamp(0, 16), (images + RADIUS).clamp(0, 16)
    x = (images + torch.empty_like(images).uniform_(-RADIUS, RADIUS)).clamp(0, 16)
    for _ in range(steps):
        x.requires_grad_()
        (slope,) = torch.autograd.grad(cross_entropy(model(x), labels), x)
        x = torch.clamp(x.detach() + step * slope.sign(), near, far)
    model.train(training)
    return x


@contextmanager
def optimizer_steps(lesson):
    """Note of each step: optimizer, rate, how many it took, and whether the gradient is its own."""
    seen = []

    def note(optimizer, _given, _named):
        taken = max((int(s["step"]) for s in optimizer.state.values() if "step" in s), default=0)
        weight = lesson.model[1].weight
        with torch.enable_grad():
            images, labels = lesson.batch
            logits = lesson.model[1](images.flatten(1))
            (slope,) = torch.autograd.grad(cross_entropy(logits, labels), weight)
        own = weight.grad is not None and bool(torch.isclose(weight.grad, slope, rtol=1e-3).all())
        rate = optimizer.param_groups[0]["lr"]
        seen.append([type(optimizer).__name__, rate, taken, own])

    handle = register_optimizer_step_pre_hook(note)
    try:
        yield seen
    finally:
        handle.remove()


class Lesson:
    """Pictures that say which they are, a small model, and an attack that notes what it saw.

    They do not fill their batches: the last one of an epoch is smaller.
    """

    def __init__(self, rng):
        self.size = int(rng.integers(5, 10))
        count = self.count = int(self.size * rng.integers(2, 4) + rng.integers(1, self.size))
        self.images = torch.from_numpy(rng.uniform(-1, 1, (count, 1, 2, 2)))
        self.images[:, 0, 0, 0] = torch.arange(count) / count
        self.labels = torch.from_numpy(rng.integers(0, 3, count))
        self.model = linear(rng.normal(size=(3, 4))).eval()
        self.model.register_forward_pre_hook(self._note)
        self.inside, self.paired = False, True
        self.rows, self.sizes, self.learned = [], [], []  # of all batches, in order
        self.weights = [self._weight()]  # as it came, and at each attack

    def _weight(self):
        return float(self.model[1].weight.abs().sum())

    def attack(self, model, images, labels):
        rows = (images[:, 0, 0, 0] * self.count).round().long()
        self.rows += rows.tolist()
        self.sizes.append(len(rows))
        self.paired &= bool(labels.equal(self.labels[rows]))
        self.weights.append(self._weight())
        self.inside, training = True, model.training
        model.eval()
        model(images)
        model.train(training)
        self.inside = False
        self.batch = images + 3, labels  # so that attacked pictures are told from clean ones
        return self.batch[0].clone()

    def _note(self, module, given):
        if not self.inside and torch.is_grad_enabled():
            attacked = given[0][:, 0, 0, 0] > 1.5
            self.learned.append({"attacked": attacked.tolist(), "training": module.training})

    def train(self, adversarial_training, epochs=3, rate=0.01, size=None):
        losses = adversarial_training(
            self.model, self.images, self.labels, self.attack, epochs, rate,
            batch_size=size or self.size,
        )  # fmt: skip
        self.weights.append(self._weight())
        return losses

    def orders(self):
        """The rows of each epoch."""
        return [self.rows[i : i + self.count] for i in range(0, len(self.rows), self.count)]


# --- data -----------------------------------------------------------------------------------


def uniform(rng, low, high, *shape):
    """Random numbers as a float64 tensor."""
    return torch.from_numpy(rng.uniform(low, high, shape))


def classes(rng, count, number):
    """Random classes 0 … count − 1, each of them at least once."""
    drawn = rng.integers(0, count, number)
    drawn[rng.permutation(number)[:count]] = range(count)
    return torch.from_numpy(drawn)


def greys(rng):
    """A model that calls grey above 8 class 1, grey pictures, and labels with some mistakes."""
    levels = torch.cat([uniform(rng, 4, 7.9, 30), uniform(rng, 8.1, 12, 30)])
    levels[0], levels[-1] = 4.0, 12.0
    levels = levels[rng.permutation(60)]
    mistaken = torch.from_numpy(rng.permutation(60) < 9)
    model = linear([[-0.25] * 4, [0.25] * 4], [8.0, -8.0])
    images = levels.reshape(-1, 1, 1, 1).expand(-1, 1, 2, 2).clone()
    return model, images, ((levels > 8) ^ mistaken).long()


def cloze(rng):
    """A sentence (T,) with a hidden word; its place, the word, and the mask's id."""
    from transformers import AutoTokenizer

    from autograder.data.sentiment import load

    tokenizer = AutoTokenizer.from_pretrained(locate("bert"))
    texts = [example.text for example in load("en", "test") if 30 < len(example.text) < 48]
    ids = tokenizer(texts[rng.integers(len(texts))], return_tensors="pt").input_ids[0]
    position = int(rng.integers(2, len(ids) - 2))
    target, ids[position] = int(ids[position]), tokenizer.mask_token_id
    return ids, position, target, tokenizer.mask_token_id


def curve_of(rng):
    """A score that any set of tokens changes, a sentence (9,), and an importance with negatives."""
    worth = torch.from_numpy(rng.normal(size=40))

    def score(rows):
        values = worth[rows] * (1 + torch.arange(rows.shape[1]))
        return values.sum(dim=1) + values.square().sum(dim=1).sqrt()

    importance = rng.permutation([-2.0, -1.5, -0.4, -0.1, 0.2, 0.3, 0.9, 1.4, 2.2])
    return score, torch.from_numpy(rng.permutation(30)[:9]), importance


def spoken(rng):
    """A model whose pictures are its logits, two sets of them, and labels."""
    labels, shifts = classes(rng, 4, 160), {}
    for name, sure in (("plain", 2.0), ("odd", 0.5)):
        logits = torch.from_numpy(rng.normal(size=(160, 4)))
        logits[torch.arange(160), labels] += sure
        shifts[name] = (1.7 * logits).reshape(160, 4, 1, 1)
    return nn.Sequential(nn.Dropout(0.3), nn.Flatten()).eval(), shifts, labels
