"""What the probes of `speech` read with: levels, two networks, and the call they listen to."""

import itertools
from contextlib import contextmanager

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook
from transformers.audio_utils import mel_filter_bank, spectrogram

from autograder.data import tones

from . import drawn

MELS = 32
# So many names have marks that every call has some: whoever strips them writes another text.
ENGLISH = ("One", "Two!", "Three", "Four?", "Five", "Six.", "Seven", "Eight,", "Nine",
           "O'clock", "Zero", "Full-stop!")  # fmt: skip
CHINESE = tuple("一二三四五六七八九星零井")


def energies(samples):
    """Energies (T, MELS) of the mel bands of task 2.

    By a library, as all that a submission could read here and is asked to write.
    """
    filters = mel_filter_bank(129, MELS, 300, 2000, 8000, norm=None, mel_scale="htk")
    return spectrogram(
        samples.astype(float), np.hanning(257)[:-1], 256, 128,
        power=2.0, center=False, mel_filters=filters, dtype=np.float64,
    ).T  # fmt: skip


def levels(samples):
    """What the networks here learn from: how loud each band is, (T, MELS).

    Near the features of task 2 and not these, as a submission could read them here: there is no
    floor, and one mean and deviation serve all recordings, each of which is made as loud as the
    others.
    """
    log = np.log(energies(samples / samples.std()))
    return ((log - 2.7) / 2.1).astype(np.float32)


def examples(count, part, rng, **options):
    """Levels (T, MELS) and labels (U,) of recordings, as tensors."""
    made = tones.make(count, part=part, seed=drawn.seed(rng), **options)
    labels = [[tones.KEYS.index(key) + 1 for key in recording.keys] for recording in made]
    return ([torch.from_numpy(levels(recording.samples)) for recording in made],
            [torch.tensor(some) for some in labels])  # fmt: skip


def recogniser(rng):
    """The notebook's `Recogniser`, with first weights of its own."""

    class Recogniser(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Sequential(
                nn.Conv1d(MELS, 48, 5, stride=2, padding=2), nn.BatchNorm1d(48), nn.ReLU(),
                nn.Conv1d(48, 48, 3, padding=1), nn.BatchNorm1d(48), nn.ReLU(),
            )  # fmt: skip
            self.gru = nn.GRU(48, 24, batch_first=True, bidirectional=True)
            self.out = nn.Linear(48, 13)

        def frames(self, lengths):
            return (lengths + 1) // 2

        def forward(self, x):
            return self.out(self.gru(self.conv(x.transpose(1, 2)).transpose(1, 2))[0])

    torch.manual_seed(drawn.seed(rng))
    return Recogniser()


@contextmanager
def steps_of(model):
    """Note of each optimizer's step: its class, the norm of all gradients, the rate."""
    seen = []

    def note(optimizer, _given, _named):
        slopes = [p.grad.norm() for p in model.parameters() if p.grad is not None]
        norm = float(torch.stack(slopes).norm())
        seen.append([type(optimizer).__name__, norm, float(optimizer.param_groups[0]["lr"])])

    handle = register_optimizer_step_pre_hook(note)
    try:
        yield seen
    finally:
        handle.remove()


def slopes(model, train, features, labels):
    """Norms of a bias's gradients in three steps on one recording, in which nothing is learnt."""
    model.out.weight.data /= 1000  # so that clipping, which comes later, hides nothing of a step
    found = []
    model.out.bias.register_post_accumulate_grad_hook(lambda p: found.append(float(p.grad.norm())))
    train(model, features, labels, steps=3, batch_size=len(features), lr=1e-9)
    return found


def error_rate(model, features, labels):
    """Edits over keys, read from the best path."""
    wrong = total = 0
    for x, y in zip(features, labels, strict=True):
        with torch.no_grad():
            path = model.eval()(x[None])[0].argmax(-1).tolist()
        wrong += _edits(y.tolist(), [k for k, _ in itertools.groupby(path) if k])
        total += len(y)
    return wrong / total


def _edits(said, heard):
    # By a library: a submission may read this, and is asked for the algorithm.
    return Levenshtein.distance(list(said), list(heard))


def reader():
    """A network that reads keys frame by frame: least squares on clear recordings."""
    rows, classes = [], []
    for recording in tones.make(150, seed=1, tones=(0.1, 0.14), gaps=(0.06, 0.1), snr=(10, 20)):
        x = np.pad(levels(recording.samples), ((1, 1), (0, 0)))
        rows.append(np.hstack([x[:-2], x[1:-1], x[2:]]))
        middle = (np.arange(len(x) - 2) * 128 + 128) / 8000
        inside = (recording.spans[:, :1] <= middle) & (middle < recording.spans[:, 1:])
        keys = np.array([tones.KEYS.index(key) + 1 for key in recording.keys])
        classes.append((inside * keys[:, None]).sum(axis=0))
    rows, classes = np.vstack(rows), np.concatenate(classes)
    rows = np.hstack([rows, np.ones((len(rows), 1))])
    weights = np.linalg.solve(rows.T @ rows + np.eye(rows.shape[1]), rows.T @ np.eye(13)[classes])

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(MELS, 13, 3, padding=1)
            self.norm = nn.BatchNorm1d(13)  # in training mode it takes away the blank's lead
            kernel = weights[:-1].reshape(3, MELS, 13).transpose(2, 1, 0)
            self.conv.weight.data = torch.tensor(kernel, dtype=torch.float32)
            self.conv.bias.data = torch.tensor(weights[-1], dtype=torch.float32)

        def forward(self, x):
            return self.norm(self.conv(x.transpose(1, 2))).transpose(1, 2)

    return Reader().eval()


def call(reader, rng):
    """A network whose classes are in an order of its own, recordings at three rates, and names.

    Returns ``(network, recordings, vocabulary)``; of the latter two each is a function of the
    language.
    """
    order = rng.permutation(12)
    rows = [0, *(order + 1)]
    reader.conv.weight.data = reader.conv.weight.data[rows]
    reader.conv.bias.data = reader.conv.bias.data[rows]
    clear = {"tones": (0.1, 0.14), "gaps": (0.06, 0.1), "snr": (18, 20)}
    made = tones.make(3, seed=drawn.seed(rng), **clear)
    for count, rate in ((2, 16000), (1, 22050)):
        made += tones.make(count, seed=drawn.seed(rng), rate=rate, whistles=True, **clear)

    def recordings(language):
        return [spoken(recording, language, number) for number, recording in enumerate(made)]

    def vocabulary(language):
        names = ENGLISH if language == "en" else CHINESE
        return ["", *(names[key] for key in order)]

    return reader, recordings, vocabulary


def spoken(recording, language, number):
    """What a person wrote down: for some a word or two too many."""
    names = ENGLISH if language == "en" else CHINESE
    words = [names[tones.KEYS.index(key)] for key in recording.keys]
    words += [names[number]] * (number % 3)
    if language == "en":
        text = ", ".join(word.upper() for word in words) + "."
    else:
        text = "，".join(words) + "。"
    return {"samples": recording.samples, "rate": recording.rate, "spoken": text}
