"""Other right answers for `speech`, in styles that must pass."""

import itertools
import unicodedata

import numpy as np
import torch
from scipy import signal, special
from torch import nn

from autograder.checks import right


@right("resample", "by Fourier transform", zh="用傅里叶变换")
def by_fourier(samples, rate, target_rate):
    count = -(-len(samples) * target_rate // rate)
    # Padded at both ends, so that what the transform takes for a circle does not ring.
    pad = -(-len(samples) // rate) * rate
    padded = np.pad(np.asarray(samples, float), (pad, 2 * pad - len(samples)), mode="reflect"
                    if len(samples) > pad else "constant")  # fmt: skip
    whole = signal.resample(padded, len(padded) * target_rate // rate)
    start = pad * target_rate // rate
    return whole[start : start + count] if rate != target_rate else samples


@right("resample", "a low-pass between zeros", zh="补零之后低通")
def filter_between_zeros(samples, rate, target_rate):
    if rate == target_rate:
        return torch.from_numpy(samples.copy())
    shared = np.gcd(rate, target_rate)
    up, down = target_rate // shared, rate // shared
    taps = signal.firwin(40 * max(up, down) + 1, 1 / max(up, down), window=("kaiser", 7))
    return (
        signal.upfirdn(taps * up, samples, up, down)[20 * max(up, down) // down :][
            : -(-len(samples) * up // down)
        ]
        if max(up, down) % down == 0
        else signal.resample_poly(samples, up, down, window=taps)
    )


@right("log_mel", "torch's transform, in float32 and decibels", zh="torch 的变换，float32，分贝")
def in_float32(samples, rate, n_fft=256, hop=128, n_mels=32, low=300, high=2000):
    spectrum = torch.stft(
        torch.as_tensor(samples, dtype=torch.float32), n_fft, hop, window=torch.hann_window(n_fft),
        center=False, return_complex=True,
    )  # fmt: skip
    mel = torch.tensor([low, high]).div(700).add(1).log10().mul(2595)
    edges = 700 * (10 ** (torch.linspace(mel[0], mel[1], n_mels + 2) / 2595) - 1)
    hertz = torch.linspace(0, rate / 2, n_fft // 2 + 1)[None]
    rise = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    energy = torch.minimum(rise, fall).clamp(min=0) @ spectrum.abs() ** 2
    x = 10 * energy.clamp(min=1e-10).log10().T
    return (x - x.mean()) / x.std() if x.std() > 1e-5 else torch.zeros_like(x)


@right("ctc_collapse", "itertools.groupby", zh="itertools.groupby")
def by_groups(path, blank=0):
    path = torch.as_tensor(path).tolist()
    return [label for label, _ in itertools.groupby(path) if label != blank]


@right("ctc_collapse", "masks of an array", zh="用数组掩码")
def by_masks(path, blank=0):
    path = np.asarray(path)
    begins = np.ones(len(path), bool)
    begins[1:] = path[1:] != path[:-1]
    return path[begins & (path != blank)]


@right("ctc_loss", "backwards, by logsumexp", zh="从后往前，用 logsumexp")
def backwards(log_probs, target, blank=0):
    log_probs = np.asarray(log_probs)
    places = [blank, *(p for label in target for p in (label, blank))]
    size = len(places)
    left = np.full(size + 2, -np.inf)
    left[max(0, size - 2) : size] = 0
    for frame in log_probs[:0:-1]:
        come = left[:size] + frame[places]
        come = np.concatenate([come, [-np.inf] * 2])
        left = np.full(size + 2, -np.inf)
        for s in range(size):
            jump = s + 2 < size and places[s + 2] not in (blank, places[s])
            left[s] = special.logsumexp([come[s], come[s + 1], come[s + 2] if jump else -np.inf])
    return np.float32(-special.logsumexp(left[:2][: min(2, size)] + log_probs[0, places[:2]]))


@right("normalise_text", "character by character", zh="逐字符处理")
def by_letters(text):
    letters = list(unicodedata.normalize("NFKC", text).lower())
    said = []
    for i, letter in enumerate(letters):
        if letter in "'\u2019":
            inside = (
                0 < i < len(letters) - 1 and letters[i - 1].isalnum() and letters[i + 1].isalnum()
            )
            said.append("'" if inside else " ")
        else:
            said.append(" " if unicodedata.category(letter) in {
                "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps"} else letter)  # fmt: skip
    return " ".join("".join(said).split())


def _table(units, references, hypotheses):
    if len(references) != len(hypotheses):
        raise ValueError("lists differ")
    edits, total = 0, 0
    for said, heard in zip(map(units, references), map(units, hypotheses), strict=True):
        table = np.add.outer(np.arange(len(said) + 1), np.arange(len(heard) + 1))
        for i, j in np.ndindex(len(said), len(heard)):
            table[i + 1, j + 1] = min(
                table[i, j + 1] + 1, table[i + 1, j] + 1, table[i, j] + (said[i] != heard[j])
            )
        edits, total = edits + table[-1, -1], total + len(said)
    return edits / total


@right("wer", "the whole table", zh="整张表")
def by_table(references, hypotheses):
    return _table(lambda text: text.split(), references, hypotheses)


@right("cer", "the whole table", zh="整张表")
def letters_by_table(references, hypotheses):
    return _table(lambda text: [c for c in text if not c.isspace()], references, hypotheses)


@right("train_recogniser", "padded targets, a loader", zh="填充标签，用 DataLoader")
def with_a_loader(model, features, labels, steps=200, batch_size=16, lr=1e-2):
    def collate(rows):
        x, y = ([row[i] for row in rows] for i in (0, 1))
        pad = nn.utils.rnn.pad_sequence
        sizes = [torch.tensor(list(map(len, some))) for some in (x, y)]
        return pad(x, batch_first=True), pad(y, batch_first=True), *sizes

    pairs = list(zip(features, labels, strict=True))
    loader = torch.utils.data.DataLoader(pairs, batch_size, shuffle=True, collate_fn=collate)
    optimizer = torch.optim.AdamW(model.parameters(), lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=0.15)
    losses = []
    model.train()
    while len(losses) < steps:
        for x, y, frames, sizes in itertools.islice(loader, steps - len(losses)):
            scores = model(x).permute(1, 0, 2).log_softmax(2)
            loss = nn.functional.ctc_loss(scores, y, model.frames(frames), sizes)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5)
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
    return losses
