"""Other right answers for `robustness`, in styles that must pass."""

import copy
import math

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad
from torch.utils.data import DataLoader, TensorDataset

from autograder.checks import right

# --- fgsm, pgd ----------------------------------------------------------------------------


@right("fgsm", "torch.func.grad, and a mask for the range", zh="torch.func.grad")
def by_functional_gradient(model, images, labels, epsilon, low=0.0, high=16.0):
    mode = model.training
    model.eval()
    state = {name: value.detach() for name, value in model.state_dict().items()}

    def loss(x):
        return nn.functional.nll_loss(functional_call(model, state, x).log_softmax(1), labels)

    slope = grad(loss)(images)
    model.train(mode)
    return torch.clip(images + epsilon * torch.sign(slope), low, high)


@right("fgsm", "backward on a copy of the model", zh="在模型副本上 backward")
def by_a_copy(model, images, labels, epsilon, low=0.0, high=16.0):
    twin, x = copy.deepcopy(model).eval(), images.clone()
    x.requires_grad = True
    nn.CrossEntropyLoss(reduction="sum")(twin(x), labels).backward()
    with torch.no_grad():
        return torch.clamp(x + epsilon * x.grad.sign(), min=low, max=high)


@right("pgd", "a perturbation that is clipped, in NumPy style", zh="对扰动量本身做裁剪")
def by_perturbation(model, images, labels, epsilon, step, steps, start=None, low=0.0, high=16.0):
    twin = copy.deepcopy(model).eval()
    if start is None:
        start = images + torch.empty_like(images).uniform_(-epsilon, epsilon)

    def within(change):
        change = change.clamp(-epsilon, epsilon)
        return (images + change).clamp(low, high) - images

    change = within(start - images)
    for _ in range(steps):
        change = change.detach().requires_grad_(True)
        nn.functional.cross_entropy(twin(images + change), labels).backward()
        change = within(change.detach() + step * change.grad.sign())
    return (images + change).detach()


# --- robust_accuracy ----------------------------------------------------------------------


@right("robust_accuracy", "picture by picture, in plain Python", zh="逐张判断，纯 Python")
def by_sets(model, images, labels, attacks, epsilon, low=0.0, high=16.0):
    mode, held = model.training, set(range(len(images)))
    model.eval()
    try:
        for attack in (None, *attacks):
            x = images if attack is None else attack(model, images, labels)
            if (abs(x - images) > epsilon + 1e-4).any() or not (
                (x >= low - 1e-4) & (x <= high + 1e-4)
            ).all():
                raise ValueError(attack)
            said = model(x).argmax(-1).tolist()
            held &= {i for i, label in enumerate(labels.tolist()) if said[i] == label}
    finally:
        model.train(mode)
    return len(held) / len(images)


# --- integrated_gradients -----------------------------------------------------------------


def _gradients(model, x, targets):
    x = x.detach().requires_grad_()
    outputs = model(x)
    return torch.autograd.grad(outputs[torch.arange(len(x)), targets].sum(), x)[0]


@right("integrated_gradients", "the right ends of the pieces", zh="取每段的右端点")
def by_right_ends(model, images, targets, baseline, steps=100):
    mode, way = model.training, images - baseline
    model.eval()
    slopes = [_gradients(model, baseline + k / steps * way, targets) for k in range(1, steps + 1)]
    model.train(mode)
    return way * torch.stack(slopes).mean(0)


@right("integrated_gradients", "the trapezoidal rule, all points at once", zh="梯形法则，一次算完")
def by_trapezoids(model, images, targets, baseline, steps=100):
    mode = model.training
    model.eval()
    share = torch.linspace(0, 1, steps + 1).to(images).reshape(-1, 1, 1, 1, 1)
    path = baseline + share * (images - baseline)  # (steps + 1, N, C, H, W)
    slopes = _gradients(model, path.flatten(0, 1), targets.repeat(steps + 1)).reshape(path.shape)
    model.train(mode)
    return ((images - baseline) * torch.trapezoid(slopes, dx=1 / steps, dim=0)).numpy()


# --- grad_cam -----------------------------------------------------------------------------


@right("grad_cam", "a hook that keeps the gradient, on a copy", zh="在副本上用 retain_grad")
def by_retain_grad(model, layer, images, targets):
    twin, kept = copy.deepcopy(model).eval(), {}
    name = next(name for name, module in model.named_modules() if module is layer)

    def keep(module, given, output):
        output.retain_grad()
        kept["maps"] = output

    twin.get_submodule(name).register_forward_hook(keep)
    outputs = twin(images)
    nn.functional.one_hot(targets, outputs.shape[1]).mul(outputs).sum().backward()
    maps, slope = kept["maps"].detach().numpy(), kept["maps"].grad.numpy()
    return np.einsum("nk,nkhw->nhw", slope.mean((2, 3)), maps).clip(0)


# --- occlusion, deletion_curve ------------------------------------------------------------


@right("occlusion", "one sentence at a time, as numbers of Python", zh="逐句询问，返回 Python 数")
def by_sentences(model, input_ids, position, target, mask_id):
    mode = model.training
    model.eval()

    def score(ids):
        with torch.inference_mode():
            odds = model(input_ids=ids.unsqueeze(0)).logits[0, position]
        return math.log(odds.double().softmax(-1)[target].item())

    whole, falls = score(input_ids), []
    for place in range(len(input_ids)):
        ids = input_ids.clone()
        ids[place] = mask_id
        falls.append(whole - score(ids))
    model.train(mode)
    return falls


@right("deletion_curve", "a mask of ranks", zh="用名次做掩码")
def by_ranks(score, input_ids, importance, mask_id, keep=()):
    worth = torch.as_tensor(importance).double().clone()
    worth[list(keep)] = -torch.inf
    count = len(input_ids) - len(keep)
    ranks = worth.argsort(descending=True).argsort()
    return [
        score(torch.where(ranks < hidden, mask_id, input_ids)[None]).item()
        for hidden in range(count + 1)
    ]


# --- adversarial_training -----------------------------------------------------------------


@right("adversarial_training", "a data loader", zh="用 DataLoader")
def by_loader(model, images, labels, attack, epochs, learning_rate, batch_size=64):
    loader = DataLoader(TensorDataset(images, labels), batch_size=batch_size, shuffle=True)
    steps = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(epochs):
        model.train()
        parts = []
        for x, y in loader:
            x = attack(model, x, y)
            steps.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            steps.step()
            parts.append((loss.detach(), len(y)))
        losses.append(sum(loss * size for loss, size in parts) / len(images))
    model.eval()
    return torch.stack(losses)


# --- calibration_under_shift --------------------------------------------------------------


@right("calibration_under_shift", "np.digitize, bin by bin", zh="np.digitize，逐箱计算")
def by_digitize(model, shifts, labels, temperature=1.0, bins=10):
    mode, report = model.training, {}
    model.eval()
    for name, images in shifts.items():
        logits = model(images).detach().double().numpy() / temperature
        odds = np.exp(logits - logits.max(1, keepdims=True))
        odds /= odds.sum(1, keepdims=True)
        sure, hit = odds.max(1), odds.argmax(1) == labels.numpy()
        which = np.digitize(sure, np.linspace(0, 1, bins + 1), right=True)
        error = 0.0
        for number in np.unique(which):
            box = which == number
            error += box.mean() * abs(hit[box].mean() - sure[box].mean())
        report[name] = {"ece": error, "accuracy": hit.mean(), "confidence": sure.mean()}
    model.train(mode)
    return report
