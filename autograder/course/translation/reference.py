"""The oracle for `translation`: transformers' own shift, loss and generation; sacrebleu's scores.

Answers that a learner may build on earlier ones take those as keyword arguments.
"""

import copy
from functools import partial

import numpy as np
import sacrebleu
import torch
from torch.nn.functional import cross_entropy
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput
from transformers.models.mbart import modeling_mbart

from autograder.data.numbers import detokenize, tokenize, vocabulary


def collate(examples, source_code, pad, eos):
    """Return input_ids, attention_mask and labels, row by row into full arrays."""
    rows = len(examples)
    s, t = (max(len(example[side]) for example in examples) + 2 for side in (0, 1))
    ids, mask = np.full((rows, s), pad), np.zeros((rows, s), int)
    labels = np.full((rows, t), -100)
    for row, (source, target, code) in enumerate(examples):
        ids[row, : len(source) + 2] = [*source, eos, source_code]
        mask[row, : len(source) + 2] = 1
        labels[row, : len(target) + 2] = [*target, eos, code]
    arrays = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def shift_tokens_right(labels, pad):
    """Return what mBART's decoder reads."""
    return modeling_mbart.shift_tokens_right(labels, pad)


_shift = shift_tokens_right


def teacher_forced_loss(model, batch, pad, *, shift_tokens_right=None):
    """Return the mean cross entropy over all real labels."""
    read = torch.as_tensor((shift_tokens_right or _shift)(batch["labels"], pad))
    given = {name: batch[name] for name in ("input_ids", "attention_mask")}
    logits = model(**given, decoder_input_ids=read).logits
    real = batch["labels"] != -100
    return cross_entropy(logits[real], batch["labels"][real])


_loss = teacher_forced_loss


def greedy_decode(model, input_ids, attention_mask, codes, eos, max_length):
    """Return ids, by `generate` on one sentence at a time, without padding."""
    model = copy.deepcopy(getattr(model, "mbart", model)).eval()
    rows = []
    for ids, mask, code in zip(input_ids, attention_mask, codes, strict=True):
        written = model.generate(
            input_ids=ids[mask.bool()][None], decoder_start_token_id=int(code), eos_token_id=eos,
            max_new_tokens=max_length, num_beams=1, do_sample=False,
        )  # fmt: skip
        rows.append(_before(written[0, 1:].tolist(), eos))
    return rows


def _before(ids, eos):
    return ids[: ids.index(eos)] if eos in ids else ids


class _Table(PreTrainedModel, GenerationMixin):
    """A language model whose next token is looked up, so that `generate` can search it."""

    config_class = PretrainedConfig

    def __init__(self, log_probs, size):
        super().__init__(PretrainedConfig(is_encoder_decoder=False, vocab_size=size))
        self.anchor = torch.nn.Parameter(torch.zeros(1))
        self.log_probs = log_probs

    def prepare_inputs_for_generation(self, input_ids, attention_mask=None, **_):
        return {"input_ids": input_ids}

    def forward(self, input_ids, **_):
        return CausalLMOutput(logits=self.log_probs(input_ids.tolist())[:, None].float())


def beam_search(log_probs, code, eos, beams, max_length, length_penalty=1.0):
    """Return the best hypothesis and its score."""
    found = _Table(log_probs, log_probs([[code]]).shape[1]).generate(
        torch.tensor([[code]]), attention_mask=torch.ones(1, 1),
        generation_config=GenerationConfig(
            num_beams=beams, max_new_tokens=max_length, length_penalty=length_penalty,
            early_stopping="never", eos_token_id=eos, pad_token_id=eos, do_sample=False,
            use_cache=False, return_dict_in_generate=True, output_scores=True,
        ),
    )  # fmt: skip
    return _before(found.sequences[0, 1:].tolist(), eos), found.sequences_scores[0].item()


def bleu(hypotheses, references):
    """Return sacrebleu's score, without smoothing, of tokens as they are."""
    said, meant = ([" ".join(tokens) for tokens in side] for side in (hypotheses, references))
    return sacrebleu.corpus_bleu(said, [meant], smooth_method="none", tokenize="none").score


def chrf(hypotheses, references):
    """Return sacrebleu's chrF2."""
    return sacrebleu.corpus_chrf(hypotheses, [references]).score


def train(model, batches, learning_rate, pad, *, shift_tokens_right=None, teacher_forced_loss=None):
    """Train with the library's own loss, or with the learner's; return the losses."""
    if shift_tokens_right and not teacher_forced_loss:
        teacher_forced_loss = partial(_loss, shift_tokens_right=shift_tokens_right)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98))
    rise = max(1, round(0.15 * len(batches)))
    fall = len(batches) - rise

    def share(step):
        return (step + 1e-2) / rise if step < rise else max(1e-2, 1 - (step - rise) / max(fall, 1))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    losses = []
    model.train()
    for batch in batches:
        optimizer.zero_grad()
        loss = (
            teacher_forced_loss(model, batch, pad) if teacher_forced_loss else model(**batch).loss
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    model.eval()
    return losses


def mended_program(
    model, train_pairs, test_pairs, batch_size=64, learning_rate=5e-3, *, shift_tokens_right=None
):  # fmt: skip
    """Train, translate and score with the libraries' own means."""
    words = vocabulary()
    place = {token: number for number, token in enumerate(words)}
    pad, eos = place["<pad>"], place["</s>"]

    def batch_of(pairs):
        examples = [
            (
                [place[token] for token in tokenize(pair.source, "en_XX")],
                [place[token] for token in tokenize(pair.target, pair.language)],
                place[pair.language],
            )
            for pair in pairs
        ]
        return collate(examples, place["en_XX"], pad, eos)

    starts = range(0, len(train_pairs), batch_size)
    batches = [batch_of(train_pairs[start : start + batch_size]) for start in starts]
    own = {"shift_tokens_right": shift_tokens_right}
    losses = train(model, batches, learning_rate, pad, **own) if batches else []
    language = test_pairs[0].language
    given = batch_of(test_pairs)
    rows = _generated(model, given["input_ids"], given["attention_mask"], place[language], eos, 16)
    texts = [detokenize([words[number] for number in row], language) for row in rows]
    cut = "zh" if language == "zh_CN" else "13a"
    score = sacrebleu.corpus_bleu(texts, [[pair.target for pair in test_pairs]], tokenize=cut)
    return {"losses": losses, "texts": texts, "bleu": score.score}


def _generated(model, input_ids, attention_mask, code, eos, max_length):
    """Return ids, by `generate` on the whole batch, which is in one language."""
    written = model.eval().generate(
        input_ids=input_ids, attention_mask=attention_mask, eos_token_id=eos, num_beams=1,
        decoder_start_token_id=code, max_new_tokens=max_length, do_sample=False,
    )  # fmt: skip
    return [_before(row[1:], eos) for row in written.tolist()]
