"""Answers for `speech` of which a keyword bends one thing each; `wrong.py` says what it means."""

import unicodedata

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from torch import nn


def triangles(rate, n_fft, n_mels, low, high):
    mels = np.linspace(*(2595 * np.log10(1 + np.array([low, high]) / 700)), n_mels + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    hertz = np.arange(n_fft // 2 + 1) * rate / n_fft
    return np.stack([np.interp(hertz, edges[i : i + 3], [0, 1, 0]) for i in range(n_mels)], 1)


def standard(x, axis=None):
    spread = x.std(axis, keepdims=True)
    return (x - x.mean(axis, keepdims=True)) / np.where(spread < 1e-5, np.inf, spread)


def features(
    samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000, *,
    power=2, period=None, padded=False, bands=None, floor=1e-10, after=standard,
):  # fmt: skip
    """The features; each keyword does one thing in another way."""
    samples = np.asarray(samples, float)
    if padded:
        samples = np.pad(samples, n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / (period or n_fft))
    bands = triangles(rate, n_fft, n_mels, low, high) if bands is None else bands
    energy = np.abs(np.fft.rfft(frames * window)) ** power @ bands
    return after(np.log(np.maximum(energy, floor)))


def loss(log_probs, target, blank=0, *, skip=None, begins=slice(2), join=np.logaddexp):
    """The recursion; each keyword does one thing in another way."""
    places = np.array([blank, *(k for label in target for k in (label, blank))])
    differ = (places[2:] != places[:-2]) if skip is None else skip
    may = np.concatenate([[False, False], (places[2:] != blank) & differ])[: len(places)]
    reached = np.full(len(places), -np.inf)
    reached[begins] = log_probs[0, places[begins]]
    for row in log_probs[1:]:
        one = np.concatenate([[-np.inf], reached[:-1]])
        two = np.concatenate([[-np.inf] * 2, reached])[: len(places)]
        reached = join(join(reached, one), np.where(may, two, -np.inf)) + row[places]
    return -join.reduce(reached[-2:])


def normal(text, *, form="NFKC", mark=" ", marks=None, keep=True, spaces=True):
    """The five rules; each keyword bends one of them."""
    text = unicodedata.normalize(form, text).lower().replace("’", "'")
    found = []
    for before, letter, after in zip(" " + text, text, text[1:] + " ", strict=False):
        inside = keep and letter == "'" and before.isalnum() and after.isalnum()
        is_mark = unicodedata.category(letter)[0] == "P" if marks is None else letter in marks
        found.append(mark if is_mark and not inside else letter)
    text = "".join(found)
    return " ".join(text.split()) if spaces else text.strip()


def edits(said, heard, swapped=1):
    return Levenshtein.distance(said, heard, weights=(1, 1, swapped))


def pairs(references, hypotheses, units=str.split):
    return [(units(r), units(h)) for r, h in zip(references, hypotheses, strict=True)]


def letters(text):
    return "".join(text.split())


def share(pairs, edits=edits, size=lambda said, heard: len(said)):
    return sum(edits(*pair) for pair in pairs) / sum(size(*pair) for pair in pairs)


def train(
    model, features, labels, steps=200, batch_size=16, lr=1e-2, *,
    score=lambda logits: logits.log_softmax(-1), true=True, training=True, longest=5.0,
    follows=True, clears=True, anew=True,
):  # fmt: skip
    """The loop; each keyword does one thing in another way."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, max(steps, 2), pct_start=0.15)
    losses, loss_of = [], nn.CTCLoss()
    model.train(training)
    for _ in range(steps):
        order = torch.randperm(len(features)) if anew else torch.arange(len(features))
        rows = order[:batch_size].tolist()
        x = nn.utils.rnn.pad_sequence([features[row] for row in rows], batch_first=True)
        lengths = torch.tensor([len(features[row]) if true else x.shape[1] for row in rows])
        sizes = torch.tensor([len(labels[row]) for row in rows])
        targets = torch.cat([labels[row] for row in rows])
        loss = loss_of(score(model(x)).transpose(0, 1), targets, model.frames(lengths), sizes)
        if clears:
            optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), longest)
        optimizer.step()
        if follows:
            schedule.step()
        losses.append(loss.item())
    return losses
