"""Other right answers for `translation`, in styles that must pass."""

import math
from collections import Counter

import numpy as np
import sacrebleu
import torch
from torch import nn

from autograder.checks import right
from autograder.data.numbers import detokenize, tokenize, vocabulary


@right("collate", "full arrays, filled row by row", zh="先建满数组，再逐行填")
def by_rows(examples, source_code, pad, eos):
    s, t = (2 + max(len(example[side]) for example in examples) for side in (0, 1))
    ids = torch.full((len(examples), s), pad)
    mask, labels = torch.zeros_like(ids), torch.full((len(examples), t), -100)
    for row, (source, target, code) in enumerate(examples):
        ids[row, : len(source) + 2] = torch.tensor([*source, eos, source_code])
        mask[row, : len(source) + 2] = 1
        labels[row, : len(target) + 2] = torch.tensor([*target, eos, code])
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


@right("shift_tokens_right", "row by row, with lists", zh="逐行用列表")
def by_lists(labels, pad):
    rows = []
    for row in labels.tolist():
        real = [label for label in row if label != -100]
        read = [real[-1], *row[:-1]]
        rows.append([pad if label == -100 else label for label in read])
    return torch.tensor(rows)


@right("teacher_forced_loss", "log-softmax of the real labels", zh="对真实标签取 log-softmax")
def by_log_softmax(model, batch, pad):
    labels = batch["labels"]
    logits = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        decoder_input_ids=by_lists(labels, pad),
    ).logits
    real = labels.ne(-100)
    scores = logits.double().log_softmax(-1).gather(2, labels.clamp(min=0)[..., None])[..., 0]
    return -(scores * real).sum() / real.sum()


@right("greedy_decode", "one sentence at a time", zh="逐句解码")
def one_by_one(model, input_ids, attention_mask, codes, eos, max_length):
    was, found = model.training, []
    model.eval()
    for ids, mask, code in zip(input_ids, attention_mask, codes, strict=True):
        written = [int(code)]
        while len(written) <= max_length:
            with torch.inference_mode():
                out = model(input_ids=ids[None], attention_mask=mask[None],
                            decoder_input_ids=torch.tensor([written]))  # fmt: skip
            token = int(out.logits[0, -1].argmax())
            if token == eos:
                break
            written.append(token)
        found.append(np.array(written[1:], dtype=int))
    model.train(was)
    return found


@right("beam_search", "topk on a tensor of sums", zh="在张量上用 topk")
def by_topk(log_probs, code, eos, beams, max_length, length_penalty=1.0):
    prefixes, sums, finished = [[code]], torch.zeros(1), []
    for _ in range(max_length):
        scores = log_probs(prefixes).float() + sums[:, None]
        size = scores.shape[1]
        best, places = scores.flatten().topk(min(2 * beams, scores.numel()))
        children = [(prefixes[p // size] + [p % size], s)
                    for s, p in zip(best.tolist(), places.tolist(), strict=True)]  # fmt: skip
        finished += [child for child in children[:beams] if child[0][-1] == eos]
        alive = [child for child in children if child[0][-1] != eos][:beams]
        prefixes, sums = [c[0] for c in alive], torch.tensor([c[1] for c in alive])
    ended = finished + list(zip(prefixes, sums.tolist(), strict=True))
    ids, total = max(ended, key=lambda c: c[1] / (len(c[0]) - 1) ** length_penalty)
    score = torch.tensor(total / (len(ids) - 1) ** length_penalty)
    return torch.tensor([t for t in ids[1:] if t != eos]), score


def _counter(sequence, n):
    return Counter(zip(*(sequence[i:] for i in range(n)), strict=False))


@right("bleu", "counters, as a NumPy number", zh="用 Counter，返回 NumPy 数")
def by_counters(hypotheses, references):
    logs = []
    for n in (1, 2, 3, 4):
        grams = [(_counter(a, n), _counter(b, n))
                 for a, b in zip(hypotheses, references, strict=True)]  # fmt: skip
        hit = sum((a & b).total() for a, b in grams)
        total = sum(a.total() for a, _ in grams)
        if not hit:
            return np.float32(0)
        logs.append(math.log(hit) - math.log(total))
    h, r = sum(map(len, hypotheses)), sum(map(len, references))
    return np.float64(100 * math.exp(min(0, 1 - r / h) + np.mean(logs)))


@right("chrf", "counters of strings", zh="统计字符串切片")
def by_slices(hypotheses, references):
    precisions, recalls = [], []
    for n in range(1, 7):
        hit = said = meant = 0
        for pair in zip(hypotheses, references, strict=True):
            a, b = (Counter(t[i : i + n] for i in range(len(t) - n + 1))
                    for t in ("".join(text.split()) for text in pair))  # fmt: skip
            hit, said, meant = hit + (a & b).total(), said + a.total(), meant + b.total()
        if said and meant:
            precisions.append(hit / said)
            recalls.append(hit / meant)
    p, r = (sum(side) / max(len(side), 1) for side in (precisions, recalls))
    return 500 * p * r / (4 * p + r) if p + r else 0


@right("train", "the model's own loss, a schedule of lambda", zh="模型自带的损失，LambdaLR 调度")
def own_loss(model, batches, learning_rate, pad):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98))
    steps = len(batches)
    warm = max(1, int(0.15 * steps))

    def share(step):
        if step < warm:
            return 0.05 + 0.95 * step / warm
        return max(0.01, 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    model.train()
    losses = []
    for batch in batches:
        out = model(**batch)
        optimizer.zero_grad(set_to_none=False)
        out.loss.backward()
        nn.utils.clip_grad_norm_(list(model.parameters()), max_norm=1)
        optimizer.step()
        schedule.step()
        losses.append(out.loss.detach())
    model.eval()
    return losses


@right("mended_program", "with generate", zh="用 generate")
def by_generate(model, train_pairs, test_pairs, batch_size=64, learning_rate=5e-3):
    words = vocabulary()
    place = {word: index for index, word in enumerate(words)}

    def batch_of(pairs):
        return by_rows(
            [([place[t] for t in tokenize(p.source, "en_XX")],
              [place[t] for t in tokenize(p.target, p.language)], place[p.language])
             for p in pairs],
            place["en_XX"], 1, 2,
        )  # fmt: skip

    parts = [train_pairs[i : i + batch_size] for i in range(0, len(train_pairs), batch_size)]
    losses = own_loss(model, [batch_of(p) for p in parts], learning_rate, 1) if parts else []
    language, given = test_pairs[0].language, batch_of(test_pairs)
    model.eval()
    written = model.generate(
        input_ids=given["input_ids"], attention_mask=given["attention_mask"], do_sample=False,
        num_beams=1, decoder_start_token_id=place[language], max_new_tokens=16,
    )  # fmt: skip
    texts = []
    for row in written[:, 1:].tolist():
        kept = [words[token] for token in row if token not in (1, 2)]
        texts.append(detokenize(kept, language))
    metric = sacrebleu.BLEU(tokenize="zh" if language == "zh_CN" else "13a")
    return {
        "losses": losses,
        "texts": texts,
        "bleu": metric.corpus_score(texts, [[pair.target for pair in test_pairs]]).score,
    }
