"""Other right answers for `privacy`, in styles that must pass."""

import math

import numpy as np
import torch
from scipy.special import gammaln, logsumexp
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.func import functional_call, grad, vmap

from autograder.checks import right

# --- private_gradient ---------------------------------------------------------------------


@right("private_gradient", "a loop with backward", zh="逐个样本 backward")
def by_backward(model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None):
    total = {name: torch.zeros_like(value) for name, value in model.named_parameters()}
    for image, target in zip(x, y, strict=True):
        model.zero_grad()
        nn.CrossEntropyLoss()(model(image.unsqueeze(0)), target.unsqueeze(0)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        for name, value in model.named_parameters():
            total[name] += value.grad
    model.zero_grad()
    for value in total.values():
        value += torch.normal(
            0.0, float(noise_multiplier * max_norm), value.shape, generator=generator,
            dtype=value.dtype,
        )  # fmt: skip
        value /= expected_batch_size
    return total


@right("private_gradient", "jacobian rows in one matrix", zh="拼成一个矩阵处理")
def by_one_matrix(model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None):
    parameters = {name: value.detach() for name, value in model.named_parameters()}
    flat = torch.zeros(1, sum(value.numel() for value in parameters.values()))
    if x.shape[0] > 0:

        def loss(own, image, hot):
            return -(functional_call(model, own, (image[None],)).log_softmax(1)[0] * hot).sum()

        hot = nn.functional.one_hot(y, model(x).shape[1])
        each = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, x, hot)
        flat = torch.cat([g.flatten(1) for g in each.values()], dim=1)
        flat = flat / (flat.norm(dim=1, keepdim=True) / max_norm).clamp(min=1)
    total = flat.sum(dim=0)
    noise = torch.empty_like(total).normal_(generator=generator)
    total = (total + noise_multiplier * max_norm * noise) / expected_batch_size
    parts = total.split([value.numel() for value in parameters.values()])
    return {
        name: part.view_as(value)
        for part, (name, value) in zip(parts, parameters.items(), strict=True)
    }


# --- epsilon ------------------------------------------------------------------------------


@right("epsilon", "scipy, all at once", zh="用 scipy 一次算完")
def by_scipy(noise_multiplier, sample_rate, steps, delta):
    if not noise_multiplier:
        return np.inf
    found = []
    for alpha in np.arange(2, 65):
        j = np.arange(alpha + 1)
        binomial = gammaln(alpha + 1) - gammaln(j + 1) - gammaln(alpha - j + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            stay = np.where(j == alpha, 0, (alpha - j) * np.log1p(-sample_rate))
        terms = binomial + stay + j * np.log(sample_rate) + (j * j - j) / 2 / noise_multiplier**2
        rho = logsumexp(terms) / (alpha - 1)
        found.append(
            steps * rho
            + np.log((alpha - 1) / alpha)
            - (np.log(delta) + np.log(alpha)) / (alpha - 1)
        )
    return np.min(found)


# --- train_privately ----------------------------------------------------------------------


@right("train_privately", "Bernoulli draws and copied gradients", zh="伯努利抽样，复制梯度")
def by_bernoulli(
    model, x, y, optimizer, steps, sample_rate, max_norm, noise_multiplier, generator=None
):  # fmt: skip
    rate = torch.full((len(x),), float(sample_rate))
    for _ in range(steps):
        rows = torch.bernoulli(rate, generator=generator).bool().nonzero()[:, 0]
        optimizer.zero_grad()
        found = by_backward(
            model, x[rows], y[rows], max_norm, noise_multiplier, sample_rate * len(x), generator
        )
        for name, value in model.named_parameters():
            value.grad = found[name].clone()
        optimizer.step()
    return model


# --- membership_attack --------------------------------------------------------------------


@right("membership_attack", "scikit-learn and a loop over thresholds", zh="scikit-learn 加遍历阈值")
def by_thresholds(model, members, others, max_fpr=0.01):
    mode = model.training
    model.eval()
    losses = []
    for x, y in (members, others):
        with torch.inference_mode():
            log_p = model(x).log_softmax(dim=-1)
            losses.append([-float(row[k]) for row, k in zip(log_p, y, strict=True)])
    model.train(mode)
    inside, outside = map(np.array, losses)
    best = 0.0
    for bound in inside:
        if (outside <= bound).mean() <= max_fpr:
            best = max(best, (inside <= bound).mean())
    labels = [True] * len(inside) + [False] * len(outside)
    return {"auc": roc_auc_score(labels, -np.r_[inside, outside]), "tpr": best}


# --- leak ---------------------------------------------------------------------------------


@right("leak", "least squares over all units", zh="对所有单元做最小二乘")
def by_projection(gradients):
    weight, bias, *_, last = (*gradients[:2], gradients[-1])
    image = bias @ weight / (bias @ bias)
    return {"image": image.numpy(), "label": torch.argsort(last)[0]}


@right("leak", "the first unit that is alive", zh="第一个活着的单元")
def by_living_unit(gradients):
    unit = torch.nonzero(gradients[1]).flatten()[0].item()
    label = next(k for k, value in enumerate(gradients[-1].tolist()) if value < 0)
    return {"label": label, "image": (gradients[0][unit] / gradients[1][unit]).tolist()}


# --- federated_average --------------------------------------------------------------------


@right("federated_average", "a running average", zh="滚动平均")
def by_running_average(states, sizes):
    seen, average = sizes[0], {name: value.clone() for name, value in states[0].items()}
    for state, size in zip(states[1:], sizes[1:], strict=True):
        seen += size
        for name, value in average.items():
            if torch.is_floating_point(value):
                value.lerp_(state[name], size / seen)
    return average


@right("federated_average", "einsum", zh="用 einsum")
def by_einsum(states, sizes):
    shares = torch.tensor(sizes, dtype=torch.double) / math.fsum(sizes)
    average = {}
    for name, value in states[0].items():
        stacked = torch.stack([state[name] for state in states])
        if value.dtype in (torch.float32, torch.float64):
            average[name] = torch.einsum("k,k...->...", shares, stacked.double()).to(value.dtype)
        else:
            average[name] = stacked[0].clone()
    return average


# --- anonymous_counts ---------------------------------------------------------------------


@right("anonymous_counts", "sets of secrets", zh="用集合记秘密")
def by_sets(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    counts, secrets = {}, {}
    for row in rows:
        key = tuple(map(row.__getitem__, quasi))
        counts[key] = counts.get(key, 0) + 1
        secrets.setdefault(key, set()).add(row.get(sensitive))
    if sensitive is None:
        l = 0  # noqa: E741
    return {key: n for key, n in counts.items() if not (n < k or len(secrets[key]) < l)}
