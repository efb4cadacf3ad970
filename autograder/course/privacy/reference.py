"""Oracles for `privacy`: autograd one example at a time, opacus, scikit-learn, NumPy."""

import math
import warnings
from collections import Counter

import numpy as np
import torch
from opacus.accountants.analysis import rdp
from sklearn.metrics import roc_auc_score, roc_curve
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters


def private_gradient(
    model, x, y, max_norm, noise_multiplier, expected_batch_size, generator=None
):  # fmt: skip
    names, parameters = zip(*model.named_parameters(), strict=True)
    total = torch.zeros_like(parameters_to_vector(parameters))
    for i in range(len(x)):
        loss = cross_entropy(model(x[i : i + 1]), y[i : i + 1])
        own = parameters_to_vector(torch.autograd.grad(loss, parameters))
        length = own.norm().item()
        total = total + (own * (max_norm / length) if length > max_norm else own)
    spread = torch.full_like(total, noise_multiplier * max_norm)
    total = (total + torch.normal(torch.zeros_like(total), spread, generator=generator)).detach()
    parts = [torch.empty_like(parameter).detach() for parameter in parameters]
    vector_to_parameters(total / expected_batch_size, parts)
    return dict(zip(names, parts, strict=True))


_private_gradient = private_gradient


def epsilon(noise_multiplier, sample_rate, steps, delta):
    orders = list(range(2, 65))
    spent = rdp.compute_rdp(
        q=sample_rate, noise_multiplier=noise_multiplier, steps=steps, orders=orders
    )
    if np.isinf(spent).all():
        return math.inf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the best order is the first or the last
        return float(rdp.get_privacy_spent(orders=orders, rdp=spent, delta=delta)[0])


def train_privately(
    model, x, y, optimizer, steps, sample_rate, max_norm, noise_multiplier, generator=None,
    *, private_gradient=None,
):  # fmt: skip
    for _ in range(steps):
        # As most draw, so that what is built on another's gradient draws the same people.
        rows = (torch.rand(len(x), generator=generator) < sample_rate).nonzero().flatten()
        found = (private_gradient or _private_gradient)(
            model, x[rows], y[rows], max_norm, noise_multiplier, sample_rate * len(x), generator
        )
        for name, parameter in model.named_parameters():
            parameter.grad = torch.as_tensor(found[name])
        optimizer.step()
    return model


def membership_attack(model, members, others, max_fpr=0.01):
    mode = model.training
    model.eval()
    with torch.no_grad():
        losses = [
            cross_entropy(model(x), y, reduction="none").double().numpy()
            for x, y in (members, others)
        ]
    model.train(mode)
    is_member = np.repeat([1, 0], [len(part) for part in losses])
    scores = -np.concatenate(losses)
    fpr, tpr, _ = roc_curve(is_member, scores, drop_intermediate=False)
    return {"auc": roc_auc_score(is_member, scores), "tpr": tpr[fpr <= max_fpr + 1e-12].max()}


def leak(gradients):
    weight, bias, last = (np.asarray(gradients[i]) for i in (0, 1, -1))
    image, *_ = np.linalg.lstsq(bias[:, None], weight, rcond=None)
    return {"image": image[0], "label": np.flatnonzero(last == last.min())[0]}


def federated_average(states, sizes):
    average = {}
    for name, first in states[0].items():
        average[name] = first.clone()
        if first.is_floating_point():
            stacked = np.stack([state[name].double().numpy() for state in states])
            average[name] = torch.tensor(np.average(stacked, axis=0, weights=sizes)).to(first.dtype)
    return average


def anonymous_counts(rows, quasi, k, sensitive=None, l=1):  # noqa: E741
    own = [tuple(row[name] for name in quasi) for row in rows]
    published = {}
    for values, number in Counter(own).items():
        people = [row for row, group in zip(rows, own, strict=True) if group == values]
        secrets = np.unique([row[sensitive] for row in people]) if sensitive is not None else ()
        if number >= k and (sensitive is None or len(secrets) >= l):
            published[values] = number
    return published
