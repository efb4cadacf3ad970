# %% collate · torch.full filled row by row
def collate(examples, source_code, pad, eos):
    S = max(len(source) for source, *_ in examples) + 2
    T = max(len(target) for _, target, _ in examples) + 2
    B = len(examples)
    batch = dict(
        labels=torch.full((B, T), -100),
        attention_mask=torch.zeros(B, S, dtype=torch.long),
        input_ids=torch.full((B, S), pad),
    )
    for b, (source, target, code) in enumerate(examples):
        s, t = len(source) + 2, len(target) + 2
        batch["input_ids"][b, :s] = torch.tensor(tuple(source) + (eos, source_code))
        batch["attention_mask"][b, :s] = 1
        batch["labels"][b, :t] = torch.tensor(tuple(target) + (eos, code))
    return batch


# %% shift_tokens_right · roll, then write the first column
def shift_tokens_right(labels, pad):
    rows = torch.arange(labels.size(0))
    columns = torch.arange(labels.size(1))
    last = torch.where(labels.eq(-100), -1, columns).amax(dim=1)
    out = labels.roll(1, dims=1)  # roll copies
    out[:, 0] = labels[rows, last]
    return torch.where(out.eq(-100), torch.full_like(out, pad), out)


# %% teacher_forced_loss · NLLLoss over the selected places
def teacher_forced_loss(model, batch, pad):
    labels = batch["labels"]
    given = {key: batch[key] for key in ("input_ids", "attention_mask")}
    output = model(decoder_input_ids=shift_tokens_right(labels, pad), **given)
    real = labels.ne(-100)
    log_p = output.logits[real].log_softmax(dim=-1)
    return nn.NLLLoss(reduction="sum")(log_p, labels[real]) / real.sum()


# %% greedy_decode · a class, a buffer of full length, modes of all modules given back
class GreedyDecoder:
    def __init__(self, model, eos, max_length):
        self.model, self.eos, self.max_length = model, eos, max_length

    def __enter__(self):
        self.modes = [(module, module.training) for module in self.model.modules()]
        self.model.eval()
        return self

    def __exit__(self, *_):
        for module, mode in self.modes:
            module.training = mode

    @torch.inference_mode()
    def __call__(self, input_ids, attention_mask, codes):
        B = input_ids.shape[0]
        buffer = torch.empty(B, self.max_length + 1, dtype=torch.long)
        buffer[:, 0] = torch.tensor([int(code) for code in codes])
        lengths = [self.max_length] * B
        open_rows = set(range(B))
        for step in range(self.max_length):
            out = self.model(
                input_ids=input_ids,
                attention_mask=attention_mask,
                decoder_input_ids=buffer[:, : step + 1],
            )
            best = torch.max(out.logits[:, step, :], dim=1).indices
            buffer[:, step + 1] = best
            for row in list(open_rows):
                if best[row] == self.eos:
                    lengths[row] = step
                    open_rows.discard(row)
            if not open_rows:
                break
        return [buffer[b, 1 : 1 + lengths[b]].tolist() for b in range(B)]


def greedy_decode(model, input_ids, attention_mask, codes, eos, max_length):
    with GreedyDecoder(model, eos, max_length) as decoder:
        return decoder(input_ids, attention_mask, codes)


# %% beam_search · heapq and dataclass
import heapq
from dataclasses import dataclass


@dataclass(frozen=True)
class Hypothesis:
    tokens: tuple
    total: float

    def normalised(self, penalty):
        return self.total / len(self.tokens) ** penalty


def beam_search(log_probs, code, eos, beams, max_length, length_penalty=1.0):
    alive, ended = [Hypothesis((), 0.0)], []
    for _ in range(max_length):
        rows = log_probs([[code, *h.tokens] for h in alive])
        rows = rows.tolist() if hasattr(rows, "tolist") else rows
        children = (
            Hypothesis((*h.tokens, token), h.total + value)
            for h, row in zip(alive, rows, strict=True)
            for token, value in enumerate(row)
        )
        # at most one child of each parent ends: among 2 * beams there are beams that do not
        best = heapq.nlargest(2 * beams, children, key=lambda h: h.total)
        ended.extend(h for h in best[:beams] if h.tokens[-1] == eos)
        alive = [h for h in best if h.tokens[-1] != eos][:beams]
    winner = max((*ended, *alive), key=lambda h: h.normalised(length_penalty))
    ids = [token for token in winner.tokens if token != eos]
    return ids, np.float64(winner.normalised(length_penalty))


# %% corpus_scores · NumPy vectors of counts
from collections import Counter
from functools import reduce


def statistics(hypothesis, reference, orders):
    table = []
    for n in orders:
        said = Counter(zip(*(hypothesis[i:] for i in range(n))))
        meant = Counter(zip(*(reference[i:] for i in range(n))))
        table.append((sum((said & meant).values()), sum(said.values()), sum(meant.values())))
    return np.array(table, dtype=np.int64)


def totals(hypotheses, references, orders):
    start = np.zeros((len(orders), 3), dtype=np.int64)
    pairs = zip(hypotheses, references)
    return reduce(lambda table, pair: table + statistics(*pair, orders), pairs, start).T


def bleu(hypotheses, references):
    matched, said, meant = totals(hypotheses, references, range(1, 5))
    if (matched == 0).any():
        return np.float64(0)
    brevity = min(1.0, np.exp(1 - meant[0] / said[0]))
    return 100 * brevity * np.prod(matched / said) ** (1 / 4)


def chrf(hypotheses, references):
    import re

    def clean(texts):
        return [re.sub(r"\s+", "", text) for text in texts]

    matched, said, meant = totals(clean(hypotheses), clean(references), range(1, 7))
    use = (said > 0) & (meant > 0)
    if matched[use].sum() == 0:
        return np.float64(0)
    precision = (matched[use] / said[use]).mean()
    recall = (matched[use] / meant[use]).mean()
    beta = 2
    return 100 * (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


# %% train · LambdaLR with a triangle, gradients cleared after the step
def train(model, batches, learning_rate, pad):
    n = len(batches)
    peak = max(1, int(0.15 * n))

    def share(step):
        return float(np.interp(step, [0, peak, max(n - 1, peak + 1)], [0.04, 1.0, 0.001]))

    model.zero_grad()
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=learning_rate, betas=(0.9, 0.98)
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    losses = torch.zeros(n)
    model.train()
    for step, batch in enumerate(batches):
        loss = teacher_forced_loss(model, batch, pad)
        losses[step] = loss.detach()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    model.eval()
    return losses.numpy()


# %% mended_program · its own loop and helper functions, sacrebleu for the score
def mended_program(model, train_pairs, test_pairs, batch_size=64, learning_rate=5e-3):
    def tensors(pairs):
        return collate([example_of(pair) for pair in pairs], ID["en_XX"], PAD, EOS)

    def learn():
        starts = range(0, len(train_pairs), batch_size)
        return list(train(model, [tensors(train_pairs[s : s + batch_size]) for s in starts], learning_rate, PAD))

    def translate(pairs):
        batch = tensors(pairs)
        codes = [ID[pair.language] for pair in pairs]
        rows = greedy_decode(model, batch["input_ids"], batch["attention_mask"], codes, EOS, max_length=16)
        return [text_of(row, pair.language) for row, pair in zip(rows, pairs, strict=True)]

    report = {"losses": learn() if len(train_pairs) else []}
    report["texts"] = translate(test_pairs)
    tokenizer = {"zh_CN": "zh", "fr_XX": "13a"}[test_pairs[0].language]
    references = [[pair.target for pair in test_pairs]]
    report["bleu"] = sacrebleu.corpus_bleu(report["texts"], references, tokenize=tokenizer).score
    return report
