"""The oracle for `robustness`: the slow obvious way, picture by picture, on a copy of the model.

Integrated gradients go by 300 midpoints, Grad-CAM by a hook on the way back as its paper has it,
calibration by scikit-learn.
"""

import copy

import numpy as np
import torch
from sklearn.calibration import calibration_curve
from torch import nn

MIDPOINTS = 300


def _twin(model):
    return copy.deepcopy(model).eval()


def _slope(twin, image, label):
    """The gradient (C, H, W) of one picture's loss, by its pixels."""
    x = image.detach().clone()[None].requires_grad_()
    nn.CrossEntropyLoss()(twin(x), label[None]).backward()
    return x.grad[0]


def fgsm(model, images, labels, epsilon, low=0.0, high=16.0):
    """Return the pictures after one step up the loss."""
    twin = _twin(model)
    moved = [x + epsilon * _slope(twin, x, y).sign() for x, y in zip(images, labels, strict=True)]
    return torch.stack(moved).clip(low, high)


def _project(x, image, epsilon, low, high):
    near, far = (image - epsilon).clip(low, high), (image + epsilon).clip(low, high)
    return torch.minimum(torch.maximum(x, near), far)


def pgd(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    """Return the pictures after `steps` steps, each projected into the ball."""
    twin, found = _twin(model), []
    if start is None:
        start = images + torch.empty_like(images).uniform_(-epsilon, epsilon)
    for image, label, begin in zip(images, labels, start, strict=True):
        x = _project(begin, image, epsilon, low, high)
        for _ in range(steps):
            x = _project(x + step * _slope(twin, x, label).sign(), image, epsilon, low, high)
        found.append(x)
    return torch.stack(found)


@torch.no_grad()
def robust_accuracy(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    """Return the share of pictures for which the list of failures is empty."""
    twin = _twin(model)
    views = [images]
    for attack in attacks:
        with torch.enable_grad():
            views.append(attack(twin, images, labels))
    for view in views[1:]:
        for before, after in zip(images.flatten().tolist(), view.flatten().tolist(), strict=True):
            if abs(before - after) > epsilon + 1e-4 or not low - 1e-4 <= after <= high + 1e-4:
                raise ValueError("outside the ball")
    failures = [
        [view for view in views if twin(view[i : i + 1]).argmax() != labels[i]]
        for i in range(len(images))
    ]
    return failures.count([]) / len(images)


def integrated_gradients(model, images, targets, baseline, steps=100):
    """Return attributions by 300 midpoints, unless so few steps are asked for that they count."""
    twin, found = _twin(model), []
    whole = baseline.expand_as(images)
    points = MIDPOINTS if steps >= 50 else steps
    share = ((torch.arange(points) + 0.5) / points).reshape(-1, 1, 1, 1).to(images.dtype)
    for image, target, begin in zip(images, targets, whole, strict=True):
        path = (begin + share * (image - begin)).detach().requires_grad_()
        twin(path)[:, target].sum().backward()
        found.append((image - begin) * path.grad.mean(dim=0))
    return torch.stack(found)


def grad_cam(model, layer, images, targets):
    """Return one map (H', W') for each picture, by a full backward hook."""
    place = [part is layer for part in model.modules()].index(True)
    twin = _twin(model)
    there = list(twin.modules())[place]
    seen = {}
    there.register_forward_hook(lambda *given: seen.update(maps=given[2].detach().clone()))
    there.register_full_backward_hook(lambda *given: seen.update(slope=given[2][0]))
    found = []
    for image, target in zip(images, targets, strict=True):
        twin(image.detach().clone()[None].requires_grad_())[0, target].backward()
        maps, slope = seen["maps"][0].numpy(), seen["slope"][0].numpy()
        weighted = sum(a * b.mean() for a, b in zip(maps, slope, strict=True))
        found.append(np.maximum(weighted, 0))
    return np.stack(found)


@torch.no_grad()
def occlusion(model, input_ids, position, target, mask_id):
    """Return the fall of the score for each token, one sentence at a time."""
    twin = _twin(model)

    def score(ids):
        odds = twin(input_ids=torch.tensor([ids])).logits[0, position].double()
        return float(odds[target] - torch.logsumexp(odds, 0))

    ids = input_ids.tolist()
    return [
        score(ids) - score([*ids[:place], mask_id, *ids[place + 1 :]]) for place in range(len(ids))
    ]


def deletion_curve(score, input_ids, importance, mask_id, keep=()):
    """Return the scores, asking one sentence at a time."""
    kept = {int(place) for place in keep}
    places = [place for place in range(len(input_ids)) if place not in kept]
    places.sort(key=lambda place: float(importance[place]), reverse=True)
    scores = []
    for count in range(len(places) + 1):
        gone = set(places[:count])
        ids = [mask_id if i in gone else int(token) for i, token in enumerate(input_ids)]
        scores.append(float(score(torch.tensor([ids]))[0]))
    return scores


def adversarial_training(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    """Train on attacked pictures with a data loader; return the mean loss of each epoch."""
    pairs = torch.utils.data.TensorDataset(images, labels)
    loader = torch.utils.data.DataLoader(pairs, batch_size=batch_size, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    means = []
    for _ in range(epochs):
        seen = []
        for x, y in loader:
            attacked = attack(model, x, y).detach()
            each = nn.functional.cross_entropy(model.train()(attacked), y, reduction="none")
            optimizer.zero_grad()
            each.mean().backward()
            optimizer.step()
            seen += each.tolist()
        means.append(np.mean(seen))
    model.eval()
    return means


def calibration_under_shift(model, shifts, labels, temperature=1.0, bins=10):
    """Return accuracy, confidence and calibration error of each shift."""
    twin, found = _twin(model), {}
    for name, images in shifts.items():
        with torch.no_grad():
            chances = torch.softmax(twin(images).double() / temperature, dim=1).numpy()
        sure, right = chances.max(axis=1), chances.argmax(axis=1) == labels.numpy()
        shares, means = calibration_curve(right, sure, n_bins=bins)
        # As scikit-learn bins them: closed on the right.
        which = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], sure)
        counts = np.bincount(which, minlength=bins)
        weights = counts[counts > 0] / len(sure)
        found[name] = {
            "accuracy": right.mean(),
            "confidence": sure.mean(),
            "ece": float(weights @ abs(shares - means)),
        }
    return found
