"""The oracle for `pretraining`: torch's losses, transformers' own, its collator, SciPy.

Answers that a learner may build on earlier ones take those as keyword arguments.
"""

import math
from functools import partial

import numpy as np
import torch
from scipy import optimize, special
from torch.nn import functional
from transformers import DataCollatorForLanguageModeling
from transformers.loss.loss_utils import ForCausalLMLoss, ForMaskedLMLoss


def cross_entropy(logits, targets, ignore_index=-100):
    """Return it from SciPy's log_softmax: the task forbids torch's own, which agrees."""
    keep = np.asarray(targets) != ignore_index
    if not keep.any():
        return math.nan
    logs = special.log_softmax(np.asarray(logits, dtype=float)[keep], axis=1)
    return -logs[np.arange(len(logs)), np.asarray(targets)[keep]].mean()


def mse_loss(predictions, targets):
    """Return torch's own, for equal shapes only."""
    if predictions.shape != targets.shape:
        raise ValueError("the shapes differ")
    return functional.mse_loss(predictions.double(), targets.double())


class _Vocabulary:
    """As much of a tokenizer as the collator asks for."""

    mask_token = "[MASK]"

    def __init__(self, mask_token_id, size):
        self.mask_token_id, self.size = mask_token_id, size

    def __len__(self):
        return self.size

    def convert_tokens_to_ids(self, _):
        return self.mask_token_id


def mask_tokens(
    input_ids, special_tokens_mask, mask_token_id, vocab_size, mlm_probability=0.15, generator=None
):
    """Return what transformers' collator makes of a copy."""
    tokenizer = _Vocabulary(mask_token_id, vocab_size)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=mlm_probability)
    collator.generator = generator
    return collator.torch_mask_tokens(input_ids.clone(), special_tokens_mask)


def mlm_loss(logits, labels, *, cross_entropy=None):
    """Return the loss of transformers' masked language models."""
    if cross_entropy is not None:
        return cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))
    return ForMaskedLMLoss(logits.contiguous(), labels.contiguous(), logits.shape[-1])


def next_sentence_loss(logits, is_next, *, cross_entropy=None):
    """Return the loss of transformers' BertForNextSentencePrediction."""
    return (cross_entropy or functional.cross_entropy)(logits, 1 - is_next.long())


def causal_lm_loss(logits, labels, *, cross_entropy=None, mlm_loss=None):
    """Return the loss of transformers' causal language models."""
    if mlm_loss is not None:
        return mlm_loss(logits[:, :-1], labels[:, 1:])
    if cross_entropy is not None:
        return cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
    return ForCausalLMLoss(logits.contiguous(), labels.contiguous(), logits.shape[-1])


_causal_lm_loss = causal_lm_loss


@torch.no_grad()
def perplexity(model, batches, *, causal_lm_loss=None, mlm_loss=None, cross_entropy=None):
    """Return it text by text, by the model's own loss."""
    if causal_lm_loss is None and (mlm_loss or cross_entropy):
        causal_lm_loss = partial(_causal_lm_loss, mlm_loss=mlm_loss, cross_entropy=cross_entropy)
    mode, total, count = model.training, 0.0, 0
    model.eval()
    for batch in batches:
        ids, mask = batch["input_ids"], batch["attention_mask"]
        if causal_lm_loss is not None:
            targets = int(mask[:, 1:].sum())
            logits = model(input_ids=ids, attention_mask=mask).logits
            if targets:
                loss = causal_lm_loss(logits, ids.masked_fill(mask == 0, -100))
                total, count = total + float(loss) * targets, count + targets
            continue
        for row, length in zip(ids, mask.sum(dim=1).tolist(), strict=True):
            if length > 1:
                text = row[None, :length]
                total += model(input_ids=text, labels=text).loss.item() * (length - 1)
                count += length - 1
    model.train(mode)
    return float(np.exp(total / count))


def training_days(parameters, tokens, devices, peak_flops, utilization):
    """Return days, step by step."""
    per_token = 2 * parameters + 4 * parameters  # forward, backward
    per_second = devices * utilization * peak_flops
    return per_token * (tokens / per_second) / (24 * 60 * 60)


def compute_optimal(flops, A, B, alpha, beta):
    """Return what SciPy finds along the line of equal compute."""
    product = math.log(flops / 6)

    def loss(log_n):
        terms = math.log(A) - alpha * log_n, math.log(B) - beta * (product - log_n)
        return math.log(math.exp(terms[0]) + math.exp(terms[1]))

    found = optimize.minimize_scalar(
        loss, bounds=(0.0, product), method="bounded", options={"xatol": 1e-10}
    )
    return math.exp(found.x), math.exp(product - found.x)
