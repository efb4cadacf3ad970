# %% collate · pad_sequence
def collate(examples, source_code, pad, eos):
    from torch.nn.utils.rnn import pad_sequence

    sources = [torch.tensor([*source, eos, source_code]) for source, _, _ in examples]
    targets = [torch.tensor([*target, eos, code]) for _, target, code in examples]
    mask = pad_sequence([torch.ones_like(row) for row in sources], batch_first=True)
    return {
        "input_ids": pad_sequence(sources, batch_first=True, padding_value=pad),
        "attention_mask": mask,
        "labels": pad_sequence(targets, batch_first=True, padding_value=-100),
    }


# %% shift_tokens_right · gather the last real label
def shift_tokens_right(labels, pad):
    last = (labels != -100).sum(dim=1, keepdim=True) - 1
    code = labels.gather(1, last)
    shifted = torch.cat([code, labels[:, :-1]], dim=1)
    return shifted.masked_fill(shifted == -100, pad)


# %% teacher_forced_loss · torch's cross entropy
def teacher_forced_loss(model, batch, pad):
    labels = batch["labels"]
    logits = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        decoder_input_ids=shift_tokens_right(labels, pad),
    ).logits
    return nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)


# %% greedy_decode · whole batch, cat and a mask of what is done
@torch.no_grad()
def greedy_decode(model, input_ids, attention_mask, codes, eos, max_length):
    mode = model.training
    model.eval()
    written = torch.as_tensor(codes, dtype=torch.long).reshape(-1, 1)
    done = torch.zeros(len(written), dtype=torch.bool)
    for _ in range(max_length):
        logits = model(
            input_ids=input_ids, attention_mask=attention_mask, decoder_input_ids=written
        ).logits[:, -1]
        following = logits.argmax(dim=-1).masked_fill(done, eos)
        written = torch.cat([written, following[:, None]], dim=1)
        done |= following == eos
        if done.all():
            break
    model.train(mode)
    rows = written[:, 1:].tolist()
    return [row[: row.index(eos)] if eos in row else row for row in rows]


# %% beam_search · flat tensor of scores, sorted
def beam_search(log_probs, code, eos, beams, max_length, length_penalty=1.0):
    prefixes, sums = [[code]], torch.zeros(1)
    finished = []
    for _ in range(max_length):
        table = torch.as_tensor(log_probs(prefixes))
        vocabulary = table.shape[1]
        scores = (sums[:, None] + table).flatten()
        order = scores.argsort(descending=True, stable=True)
        ends = order % vocabulary == eos
        for place in order[:beams][ends[:beams]].tolist():
            finished.append((prefixes[place // vocabulary] + [eos], scores[place].item()))
        stay = order[~ends][:beams]
        prefixes = [prefixes[p // vocabulary] + [p % vocabulary] for p in stay.tolist()]
        sums = scores[stay]
    everything = finished + list(zip(prefixes, sums.tolist()))
    ranked = [(total / (len(ids) - 1) ** length_penalty, ids) for ids, total in everything]
    score, ids = max(ranked, key=lambda pair: pair[0])
    return ids[1:-1] if ids[-1] == eos else ids[1:], score


# %% corpus_scores · Counter with & for clipping
from collections import Counter


def ngrams(items, n):
    return Counter(tuple(items[i : i + n]) for i in range(len(items) - n + 1))


def overlap(hypotheses, references, n):
    matched = said = meant = 0
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        a, b = ngrams(hypothesis, n), ngrams(reference, n)
        matched += (a & b).total()
        said += a.total()
        meant += b.total()
    return matched, said, meant


def bleu(hypotheses, references):
    logs = 0.0
    for n in range(1, 5):
        matched, said, _ = overlap(hypotheses, references, n)
        if not matched or not said:
            return 0.0
        logs += log(matched / said) / 4
    h, r = sum(map(len, hypotheses)), sum(map(len, references))
    return 100 * exp(min(0.0, 1 - r / h) + logs)


def chrf(hypotheses, references):
    hypotheses = ["".join(text.split()) for text in hypotheses]
    references = ["".join(text.split()) for text in references]
    counts = [overlap(hypotheses, references, n) for n in range(1, 7)]
    counts = [(m, a, b) for m, a, b in counts if a and b]
    if not counts:
        return 0.0
    p = sum(m / a for m, a, _ in counts) / len(counts)
    r = sum(m / b for m, _, b in counts) / len(counts)
    return 100 * 5 * p * r / (4 * p + r) if p + r > 0 else 0.0


# %% train · OneCycleLR
def train(model, batches, learning_rate, pad):
    losses = []
    if batches:
        optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98))
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=learning_rate, total_steps=len(batches), pct_start=0.15, cycle_momentum=False
        )
        model.train()
        for batch in batches:
            optimizer.zero_grad(set_to_none=True)
            loss = teacher_forced_loss(model, batch, pad)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
    model.eval()
    return losses


# %% mended_program · with model.generate
def mended_program(model, train_pairs, test_pairs, batch_size=64, learning_rate=5e-3):
    batches = [
        collate([example_of(p) for p in train_pairs[i : i + batch_size]], ID["en_XX"], PAD, EOS)
        for i in range(0, len(train_pairs), batch_size)
    ]
    losses = train(model, batches, learning_rate, PAD) if batches else []

    model.eval()
    language = test_pairs[0].language
    given = collate([example_of(pair) for pair in test_pairs], ID["en_XX"], PAD, EOS)
    with torch.no_grad():
        written = model.generate(
            input_ids=given["input_ids"],
            attention_mask=given["attention_mask"],
            decoder_start_token_id=ID[language],
            do_sample=False,
            num_beams=1,
            max_new_tokens=16,
        )
    texts = []
    for row in written[:, 1:].tolist():
        ids = row[: row.index(EOS)] if EOS in row else row
        texts.append(text_of(ids, language))
    bleu_score = sacrebleu.corpus_bleu(
        texts, [[pair.target for pair in test_pairs]], tokenize="zh" if language == "zh_CN" else "13a"
    ).score
    return {"losses": losses, "texts": texts, "bleu": bleu_score}
