"""What the probes of `pretraining` measure with: random logits, sentences, and censuses."""

import numpy as np

SIGMAS = 5.2  # two-sided tail 2e-7

PAD, CLS, SEP, FIRST_WORD = 0, 1, 2, 20


def tensor(array):
    import torch

    return torch.as_tensor(np.asarray(array))


def draw_logits(rng, *shape, scale=2.0):
    return tensor(rng.normal(scale=scale, size=shape).astype(np.float32))


def sentences(rng, rows, columns, size):
    """Ids (rows, columns) of sentences with [CLS], [SEP] and padding, and where these stand."""
    ids = rng.integers(FIRST_WORD, size, (rows, columns))
    ends = rng.integers(columns // 2, columns, rows)[:, None]
    places = np.arange(columns)
    ids = np.where(places == ends, SEP, np.where(places > ends, PAD, ids))
    ids[:, 0] = CLS
    return tensor(ids), tensor((ids < FIRST_WORD).astype(np.int64))


def within(counts, chances, trials):
    """Whether each count is one that so many trials with its chance come to."""
    pairs = zip(counts, chances, strict=True)
    return all(abs(n - trials * p) <= SIGMAS * (trials * p * (1 - p)) ** 0.5 for n, p in pairs)


def sparse_labels(rng, rows, columns, size):
    """Labels (rows, columns): many in the first row, one in the second, few in the others."""
    keep = rng.random((rows, columns)) < np.linspace(0.9, 0.2, rows)[:, None]
    keep[1] = False
    keep[1, int(rng.integers(columns))] = keep[0, 1] = True
    return tensor(np.where(keep, rng.integers(0, size, (rows, columns)), -100))


def pairs_for_bert(rng):
    """Pairs of passages for tiny BERT, padded, some tokens masked; labels; is_next."""
    import torch
    from transformers import AutoTokenizer

    from autograder.models import locate

    tokenizer = AutoTokenizer.from_pretrained(locate("bert"))
    first = ["the hotel was lovely .", "the film was too long and boring .", "酒店很干净。"]
    second = ["the room was clean and quiet .", "the soup was cold .", "房间安静。"]
    batch = tokenizer(first, second, padding=True, return_special_tokens_mask=True,
                      return_tensors="pt")  # fmt: skip
    special = batch.pop("special_tokens_mask").bool()
    chosen = tensor(rng.random(special.shape) < 0.4) & ~special
    chosen[:, 1] = True
    labels = batch["input_ids"].masked_fill(~chosen, -100)
    batch["input_ids"] = batch["input_ids"].masked_fill(chosen, tokenizer.mask_token_id)
    return batch, labels, torch.tensor([True, False, True])


def texts(rng, lengths, *, words=()):
    """A batch of ids drawn at random, or tokens of a story, padded at the end."""
    width = max(lengths)
    ids, mask = np.zeros((2, len(lengths), width), dtype=np.int64)
    for i, length in enumerate(lengths):
        ids[i, :length] = words[:length] if len(words) else rng.integers(0, 1023, length)
        mask[i, :length] = 1
    # Padding is any token: what stands there must not matter.
    ids[mask == 0] = rng.integers(0, 1023, int((mask == 0).sum()))
    return {"input_ids": tensor(ids), "attention_mask": tensor(mask)}
