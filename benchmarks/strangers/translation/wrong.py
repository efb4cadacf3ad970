# %% collate · fills the labels up with pad instead of -100
def collate(examples, source_code, pad, eos):
    sources = [list(s) + [eos, source_code] for s, _, _ in examples]
    targets = [list(t) + [eos, code] for _, t, code in examples]
    S = max(map(len, sources))
    T = max(map(len, targets))
    return {
        "input_ids": torch.tensor([row + [pad] * (S - len(row)) for row in sources]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (S - len(row)) for row in sources]),
        "labels": torch.tensor([row + [pad] * (T - len(row)) for row in targets]),
    }


# %% collate · mBART-50's format: the language code in front of both sides, eos at the end
def collate(examples, source_code, pad, eos):
    sources = [[source_code, *s, eos] for s, _, _ in examples]
    targets = [[code, *t, eos] for _, t, code in examples]
    S = max(map(len, sources))
    T = max(map(len, targets))
    input_ids = torch.full((len(examples), S), pad)
    attention_mask = torch.zeros((len(examples), S), dtype=torch.long)
    labels = torch.full((len(examples), T), -100)
    for i, (s, t) in enumerate(zip(sources, targets)):
        input_ids[i, : len(s)] = torch.tensor(s)
        attention_mask[i, : len(s)] = 1
        labels[i, : len(t)] = torch.tensor(t)
    return {"input_ids": input_ids, "attention_mask": attention_mask, "labels": labels}


# %% collate · ends the targets with the source's code too, as a tokenizer without tgt_lang does
def collate(examples, source_code, pad, eos):
    def encode(rows, fill):
        rows = [list(row) + [eos, source_code] for row in rows]
        longest = max(len(row) for row in rows)
        return torch.tensor([row + [fill] * (longest - len(row)) for row in rows])

    input_ids = encode([e[0] for e in examples], pad)
    labels = encode([e[1] for e in examples], -100)
    lengths = torch.tensor([len(e[0]) + 2 for e in examples])
    mask = (torch.arange(input_ids.shape[1])[None] < lengths[:, None]).long()
    return {"input_ids": input_ids, "attention_mask": mask, "labels": labels}


# %% collate · appends eos and code with += to the lists of the examples themselves, so the arguments are changed
def collate(examples, source_code, pad, eos):
    sources, targets = [], []
    for source, target, code in examples:
        source += [eos, source_code]
        target += [eos, code]
        sources.append(torch.tensor(source))
        targets.append(torch.tensor(target))
    input_ids = nn.utils.rnn.pad_sequence(sources, batch_first=True, padding_value=pad)
    mask = nn.utils.rnn.pad_sequence([torch.ones_like(s) for s in sources], batch_first=True)
    labels = nn.utils.rnn.pad_sequence(targets, batch_first=True, padding_value=-100)
    return {"input_ids": input_ids, "attention_mask": mask, "labels": labels}


# %% collate · the mask is made from the lengths before the ending, so eos and code of each source get 0
def collate(examples, source_code, pad, eos):
    sources, targets, codes = zip(*examples)
    lengths = [len(s) for s in sources]
    S = max(lengths) + 2
    T = max(len(t) for t in targets) + 2
    input_ids = [list(s) + [eos, source_code] + [pad] * (S - 2 - len(s)) for s in sources]
    mask = [[1] * n + [0] * (S - n) for n in lengths]
    labels = [list(t) + [eos, c] + [-100] * (T - 2 - len(t)) for t, c in zip(targets, codes)]
    return {
        "input_ids": torch.tensor(input_ids),
        "attention_mask": torch.tensor(mask),
        "labels": torch.tensor(labels),
    }


# %% shift_tokens_right · rolls the row by one, so a padded row starts with pad (its last column) and not with its code
def shift_tokens_right(labels, pad):
    shifted = labels.roll(1, dims=1)
    return shifted.masked_fill(shifted == -100, pad)


# %% shift_tokens_right · replaces -100 in the caller's labels themselves (no clone before masked_fill_)
def shift_tokens_right(labels, pad):
    labels.masked_fill_(labels == -100, pad)
    last = (labels != pad).sum(dim=1) - 1
    shifted = torch.empty_like(labels)
    shifted[:, 1:] = labels[:, :-1]
    shifted[:, 0] = labels[torch.arange(len(labels)), last]
    return shifted


# %% shift_tokens_right · replaces the code where it is moved along in a padded row by pad, though the text keeps it there
def shift_tokens_right(labels, pad):
    out = torch.full_like(labels, pad)
    for b, row in enumerate(labels):
        n = int((row != -100).sum())
        out[b, 0] = row[n - 1]
        out[b, 1:n] = row[: n - 1]
    return out


# %% shift_tokens_right · puts pad at the first place of each row, as T5's decoder_start_token_id does, and not the code
def shift_tokens_right(labels, pad):
    shifted = labels.new_zeros(labels.shape)
    shifted[:, 1:] = labels[:, :-1].clone()
    shifted[:, 0] = pad
    shifted.masked_fill_(shifted == -100, pad)
    return shifted


# %% teacher_forced_loss · means over the sentences' own means, so a label in a short sentence weighs more
def teacher_forced_loss(model, batch, pad):
    labels = batch["labels"]
    logits = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        decoder_input_ids=shift_tokens_right(labels, pad),
    ).logits
    losses = nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    real = (labels != -100).float()
    return ((losses * real).sum(dim=1) / real.sum(dim=1)).mean()


# %% teacher_forced_loss · shifts logits and labels against each other once more, as for a decoder-only model
def teacher_forced_loss(model, batch, pad):
    labels = batch["labels"]
    logits = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        decoder_input_ids=shift_tokens_right(labels, pad),
    ).logits
    shift_logits = logits[:, :-1].contiguous()
    shift_labels = labels[:, 1:].contiguous()
    return nn.functional.cross_entropy(
        shift_logits.view(-1, shift_logits.size(-1)), shift_labels.view(-1), ignore_index=-100
    )


# %% teacher_forced_loss · divides the sum of the losses by B times T, the places with -100 included
def teacher_forced_loss(model, batch, pad):
    labels = batch["labels"]
    logits = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        decoder_input_ids=shift_tokens_right(labels, pad),
    ).logits
    losses = nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=-100, reduction="none"
    )
    return losses.mean()


# %% teacher_forced_loss · switches the model to training mode and leaves it so
def teacher_forced_loss(model, batch, pad):
    model.train()
    labels = batch["labels"]
    output = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        decoder_input_ids=shift_tokens_right(labels, pad),
    )
    return nn.CrossEntropyLoss()(output.logits.view(-1, output.logits.size(-1)), labels.view(-1))


# %% greedy_decode · stops as soon as any sentence has written eos, so the others are cut off
@torch.no_grad()
def greedy_decode(model, input_ids, attention_mask, codes, eos, max_length):
    was_training = model.training
    model.eval()
    ids = torch.tensor(codes).unsqueeze(1)
    for _ in range(max_length):
        logits = model(
            input_ids=input_ids, attention_mask=attention_mask, decoder_input_ids=ids
        ).logits
        next_token = logits[:, -1].argmax(dim=-1)
        ids = torch.cat([ids, next_token.unsqueeze(1)], dim=1)
        if (next_token == eos).any():
            break
    model.train(was_training)
    result = []
    for row in ids[:, 1:].tolist():
        result.append(row[: row.index(eos)] if eos in row else row)
    return result


# %% greedy_decode · filters eos out of each row instead of cutting there, so what is written after the end stays
@torch.no_grad()
def greedy_decode(model, input_ids, attention_mask, codes, eos, max_length):
    was_training = model.training
    model.eval()
    ids = torch.tensor(codes)[:, None]
    finished = torch.zeros(len(codes), dtype=torch.bool)
    for _ in range(max_length):
        logits = model(
            input_ids=input_ids, attention_mask=attention_mask, decoder_input_ids=ids
        ).logits
        next_ids = logits[:, -1].argmax(-1)
        ids = torch.cat([ids, next_ids[:, None]], dim=1)
        finished |= next_ids == eos
        if finished.all():
            break
    model.train(was_training)
    return [[token for token in row if token != eos] for row in ids[:, 1:].tolist()]


# %% greedy_decode · counts the language code against max_length, so it writes one token too few
def greedy_decode(model, input_ids, attention_mask, codes, eos, max_length):
    training = model.training
    model.eval()
    ids = torch.as_tensor(codes).view(-1, 1)
    with torch.no_grad():
        while ids.shape[1] < max_length:
            logits = model(
                input_ids=input_ids, attention_mask=attention_mask, decoder_input_ids=ids
            ).logits
            ids = torch.cat([ids, logits[:, -1:].argmax(dim=-1)], dim=1)
            if (ids == eos).any(dim=1).all():
                break
    model.train(training)
    rows = [row[1:] for row in ids.tolist()]
    return [row[: row.index(eos)] if eos in row else row for row in rows]


# %% greedy_decode · leaves the model in evaluation mode even when it came in training mode
def greedy_decode(model, input_ids, attention_mask, codes, eos, max_length):
    model.eval()
    written = [[] for _ in codes]
    done = [False] * len(codes)
    decoder = torch.tensor([[c] for c in codes])
    with torch.no_grad():
        for _ in range(max_length):
            out = model(
                input_ids=input_ids, attention_mask=attention_mask, decoder_input_ids=decoder
            )
            token = out.logits[:, -1, :].argmax(-1)
            for i, t in enumerate(token.tolist()):
                if t == eos:
                    done[i] = True
                if not done[i]:
                    written[i].append(t)
            if all(done):
                break
            decoder = torch.cat([decoder, token[:, None]], 1)
    return written


# %% greedy_decode · calls the model without the attention mask, so padding of the source is read like words
@torch.no_grad()
def greedy_decode(model, input_ids, attention_mask, codes, eos, max_length):
    mode = model.training
    model.eval()
    ids = torch.tensor(codes).reshape(-1, 1)
    done = torch.zeros(ids.shape[0], dtype=torch.bool)
    for _ in range(max_length):
        step = model(input_ids=input_ids, decoder_input_ids=ids).logits[:, -1].argmax(dim=-1)
        ids = torch.cat([ids, step[:, None]], dim=1)
        done = done | (step == eos)
        if bool(done.all()):
            break
    model.train(mode)
    out = []
    for row in ids[:, 1:].tolist():
        out.append(row[: row.index(eos)] if eos in row else row)
    return out


# %% beam_search · finished hypotheses take a place: only the best children that do not end among the first beams live on
def beam_search(log_probs, code, eos, beams, max_length, length_penalty=1.0):
    live = [([code], 0.0)]
    finished = []
    for _ in range(max_length):
        if not live:
            break
        table = log_probs([ids for ids, _ in live])
        children = []
        for (ids, score), row in zip(live, table):
            for token, value in enumerate(row.tolist()):
                children.append((ids + [token], score + value))
        children = sorted(children, key=lambda c: -c[1])[:beams]
        finished += [c for c in children if c[0][-1] == eos]
        live = [c for c in children if c[0][-1] != eos]
    ids, score = max(finished + live, key=lambda c: c[1] / (len(c[0]) - 1) ** length_penalty)
    score = score / (len(ids) - 1) ** length_penalty
    ids = ids[1:]
    return (ids[:-1] if ids[-1] == eos else ids), score


# %% beam_search · leaves eos out of the length that the sum of a finished hypothesis is divided by
def beam_search(log_probs, code, eos, beams, max_length, length_penalty=1.0):
    live = [([], 0.0)]
    candidates = []
    for _ in range(max_length):
        table = log_probs([[code] + ids for ids, _ in live])
        children = [
            (ids, token, total + table[i, token].item())
            for i, (ids, total) in enumerate(live)
            for token in range(table.shape[1])
        ]
        children.sort(key=lambda c: c[2], reverse=True)
        candidates += [(ids, total) for ids, token, total in children[:beams] if token == eos]
        live = [(ids + [token], total) for ids, token, total in children if token != eos][:beams]
    candidates += live
    scored = [(ids, total / max(len(ids), 1) ** length_penalty) for ids, total in candidates]
    return max(scored, key=lambda c: c[1])


# %% beam_search · compares only the finished hypotheses at the end, the live ones only if none has finished
def beam_search(log_probs, code, eos, beams, max_length, length_penalty=1.0):
    live, finished = [([code], 0.0)], []
    for _ in range(max_length):
        rows = log_probs([prefix for prefix, _ in live])
        children = []
        for (prefix, total), row in zip(live, rows):
            for token in range(len(row)):
                children.append((prefix + [token], total + float(row[token])))
        children.sort(key=lambda child: child[1], reverse=True)
        finished.extend(child for child in children[:beams] if child[0][-1] == eos)
        live = [child for child in children if child[0][-1] != eos][:beams]

    def normalised(hypothesis):
        return hypothesis[1] / (len(hypothesis[0]) - 1) ** length_penalty

    best = max(finished or live, key=normalised)
    ids = [token for token in best[0][1:] if token != eos]
    return ids, normalised(best)


# %% beam_search · stops as soon as there are as many finished hypotheses as beams (early stopping), before max_length steps
def beam_search(log_probs, code, eos, beams, max_length, length_penalty=1.0):
    live, finished = [([code], 0.0)], []
    for _ in range(max_length):
        scores = log_probs([p for p, _ in live])
        V = scores.shape[1]
        totals = (torch.tensor([s for _, s in live])[:, None] + scores).flatten()
        order = totals.argsort(descending=True).tolist()
        children = [(live[i // V][0] + [i % V], totals[i].item()) for i in order]
        finished += [c for c in children[:beams] if c[0][-1] == eos]
        live = [c for c in children if c[0][-1] != eos][:beams]
        if len(finished) >= beams:
            break
    final = [(s / (len(p) - 1) ** length_penalty, p[1:]) for p, s in finished + live]
    score, ids = max(final, key=lambda f: f[0])
    if ids[-1] == eos:
        ids = ids[:-1]
    return ids, score


# %% beam_search · divides by the length penalty of GNMT, ((5 + n) / 6) ** alpha, in place of n ** alpha
def beam_search(log_probs, code, eos, beams, max_length, length_penalty=1.0):
    def lp(n):
        return ((5 + n) / 6) ** length_penalty

    live = [([code], 0.0)]
    done = []
    for _ in range(max_length):
        table = log_probs([ids for ids, _ in live])
        children = []
        for (ids, total), row in zip(live, table.tolist()):
            children += [(ids + [token], total + value) for token, value in enumerate(row)]
        children.sort(key=lambda c: c[1], reverse=True)
        for ids, total in children[:beams]:
            if ids[-1] == eos:
                done.append((ids[1:-1], total / lp(len(ids) - 1)))
        live = [c for c in children if c[0][-1] != eos][:beams]
    done += [(ids[1:], total / lp(len(ids) - 1)) for ids, total in live]
    return max(done, key=lambda c: c[1])


# %% corpus_scores · bleu is the mean of the sentences' own BLEU scores, not of the counts of the corpus
from collections import Counter


def _grams(items, n):
    return Counter(tuple(items[i : i + n]) for i in range(len(items) - n + 1))


def _sentence_bleu(hypothesis, reference):
    product = 1.0
    for n in range(1, 5):
        said, meant = _grams(hypothesis, n), _grams(reference, n)
        matched, total = sum((said & meant).values()), sum(said.values())
        if matched == 0 or total == 0:
            return 0.0
        product *= matched / total
    return 100 * min(1.0, exp(1 - len(reference) / len(hypothesis))) * product**0.25


def bleu(hypotheses, references):
    return sum(_sentence_bleu(h, r) for h, r in zip(hypotheses, references)) / len(hypotheses)


def chrf(hypotheses, references):
    hypotheses = ["".join(h.split()) for h in hypotheses]
    references = ["".join(r.split()) for r in references]
    ps, rs = [], []
    for n in range(1, 7):
        pairs = [(_grams(h, n), _grams(r, n)) for h, r in zip(hypotheses, references)]
        matched = sum(sum((a & b).values()) for a, b in pairs)
        said = sum(sum(a.values()) for a, _ in pairs)
        meant = sum(sum(b.values()) for _, b in pairs)
        if said and meant:
            ps.append(matched / said)
            rs.append(matched / meant)
    if not ps:
        return 0.0
    p, r = sum(ps) / len(ps), sum(rs) / len(rs)
    return 100 * 5 * p * r / (4 * p + r) if p + r else 0.0


# %% corpus_scores · bleu leaves orders without n-grams out of the mean (effective order), so a short sentence is not 0
from collections import Counter


def _grams(items, n):
    return Counter(tuple(items[i : i + n]) for i in range(len(items) - n + 1))


def _counts(hypotheses, references, n):
    matched = said = meant = 0
    for h, r in zip(hypotheses, references):
        a, b = _grams(h, n), _grams(r, n)
        matched += sum((a & b).values())
        said += sum(a.values())
        meant += sum(b.values())
    return matched, said, meant


def bleu(hypotheses, references):
    precisions = []
    for n in range(1, 5):
        matched, total, _ = _counts(hypotheses, references, n)
        if total == 0:
            continue
        if matched == 0:
            return 0.0
        precisions.append(matched / total)
    if not precisions:
        return 0.0
    h, r = sum(map(len, hypotheses)), sum(map(len, references))
    mean = exp(sum(log(p) for p in precisions) / len(precisions))
    return 100 * min(1.0, exp(1 - r / h)) * mean


def chrf(hypotheses, references):
    hypotheses = ["".join(h.split()) for h in hypotheses]
    references = ["".join(r.split()) for r in references]
    counts = [_counts(hypotheses, references, n) for n in range(1, 7)]
    counts = [c for c in counts if c[1] and c[2]]
    if not counts:
        return 0.0
    p = sum(m / a for m, a, _ in counts) / len(counts)
    r = sum(m / b for m, _, b in counts) / len(counts)
    return 100 * 5 * p * r / (4 * p + r) if p + r else 0.0


# %% corpus_scores · chrf removes only the space character, so tabs, line breaks and ideographic spaces are counted
from collections import Counter


def _grams(items, n):
    return Counter(tuple(items[i : i + n]) for i in range(len(items) - n + 1))


def _counts(hypotheses, references, n):
    matched = said = meant = 0
    for h, r in zip(hypotheses, references):
        a, b = _grams(h, n), _grams(r, n)
        matched += sum((a & b).values())
        said += sum(a.values())
        meant += sum(b.values())
    return matched, said, meant


def bleu(hypotheses, references):
    product = 1.0
    for n in range(1, 5):
        matched, total, _ = _counts(hypotheses, references, n)
        if not matched or not total:
            return 0.0
        product *= matched / total
    h, r = sum(map(len, hypotheses)), sum(map(len, references))
    return 100 * min(1.0, exp(1 - r / h)) * product**0.25


def chrf(hypotheses, references):
    hypotheses = [h.replace(" ", "") for h in hypotheses]
    references = [r.replace(" ", "") for r in references]
    counts = [_counts(hypotheses, references, n) for n in range(1, 7)]
    counts = [c for c in counts if c[1] and c[2]]
    if not counts:
        return 0.0
    p = sum(m / a for m, a, _ in counts) / len(counts)
    r = sum(m / b for m, _, b in counts) / len(counts)
    return 100 * 5 * p * r / (4 * p + r) if p + r else 0.0


# %% corpus_scores · chrf has P and R swapped in the denominator, (beta² R + P), so precision weighs more than recall
from collections import Counter


def _grams(items, n):
    return Counter(tuple(items[i : i + n]) for i in range(len(items) - n + 1))


def _counts(hypotheses, references, n):
    matched = said = meant = 0
    for h, r in zip(hypotheses, references):
        a, b = _grams(h, n), _grams(r, n)
        matched += sum((a & b).values())
        said += sum(a.values())
        meant += sum(b.values())
    return matched, said, meant


def bleu(hypotheses, references):
    product = 1.0
    for n in range(1, 5):
        matched, total, _ = _counts(hypotheses, references, n)
        if not matched or not total:
            return 0.0
        product *= matched / total
    h, r = sum(map(len, hypotheses)), sum(map(len, references))
    return 100 * min(1.0, exp(1 - r / h)) * product**0.25


def chrf(hypotheses, references, beta=2):
    hypotheses = ["".join(h.split()) for h in hypotheses]
    references = ["".join(r.split()) for r in references]
    precisions, recalls = [], []
    for n in range(1, 7):
        matched, said, meant = _counts(hypotheses, references, n)
        if said and meant:
            precisions.append(matched / said)
            recalls.append(matched / meant)
    if not precisions or not (sum(precisions) + sum(recalls)):
        return 0.0
    P, R = np.mean(precisions), np.mean(recalls)
    return 100 * (1 + beta**2) * P * R / (beta**2 * R + P)


# %% corpus_scores · bleu clips against the n-grams of all references together instead of those of the sentence's own
from collections import Counter


def _grams(items, n):
    return Counter(tuple(items[i : i + n]) for i in range(len(items) - n + 1))


def bleu(hypotheses, references):
    product = 1.0
    for n in range(1, 5):
        said, meant = Counter(), Counter()
        for h in hypotheses:
            said += _grams(h, n)
        for r in references:
            meant += _grams(r, n)
        matched, total = sum((said & meant).values()), sum(said.values())
        if matched == 0 or total == 0:
            return 0.0
        product *= matched / total
    h, r = sum(len(x) for x in hypotheses), sum(len(x) for x in references)
    return 100 * min(1, exp(1 - r / h)) * product ** (1 / 4)


def chrf(hypotheses, references):
    hypotheses = ["".join(h.split()) for h in hypotheses]
    references = ["".join(r.split()) for r in references]
    ps, rs = [], []
    for n in range(1, 7):
        pairs = [(_grams(h, n), _grams(r, n)) for h, r in zip(hypotheses, references)]
        matched = sum(sum((a & b).values()) for a, b in pairs)
        said = sum(sum(a.values()) for a, _ in pairs)
        meant = sum(sum(b.values()) for _, b in pairs)
        if said and meant:
            ps.append(matched / said)
            rs.append(matched / meant)
    if not ps:
        return 0.0
    p, r = sum(ps) / len(ps), sum(rs) / len(rs)
    return 100 * 5 * p * r / (4 * p + r) if p + r else 0.0


# %% train · never clears the gradients, so those of all steps before add up
def train(model, batches, learning_rate, pad):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=len(batches), pct_start=0.15, cycle_momentum=False
    )
    model.train()
    losses = []
    for batch in batches:
        loss = teacher_forced_loss(model, batch, pad)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    model.eval()
    return losses


# %% train · clips the gradient of each parameter by itself to a norm of 1, not that of all together
def train(model, batches, learning_rate, pad):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=len(batches), pct_start=0.15, cycle_momentum=False
    )
    model.train()
    losses = []
    for batch in batches:
        optimizer.zero_grad()
        loss = teacher_forced_loss(model, batch, pad)
        loss.backward()
        for parameter in model.parameters():
            nn.utils.clip_grad_norm_(parameter, 1.0)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    model.eval()
    return losses


# %% train · warms the rate up over 15% of the steps and then keeps it constant, so it does not fall by the last step
def train(model, batches, learning_rate, pad):
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98))
    warmup = max(1, int(0.15 * len(batches)))
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 0.05) / warmup))
    model.train()
    losses = []
    for batch in batches:
        optimizer.zero_grad()
        loss = teacher_forced_loss(model, batch, pad)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    model.eval()
    return losses


# %% train · leaves the model in training mode at the end
def train(model, batches, learning_rate, pad):
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=learning_rate, total_steps=len(batches), pct_start=0.15, cycle_momentum=False
    )
    losses = []
    for batch in batches:
        loss = teacher_forced_loss(model, batch, pad)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


# %% mended_program · scores with tokenize="13a" for Chinese as well as for French
def mended_program(model, train_pairs, test_pairs, batch_size=64, learning_rate=5e-3):
    batches = [
        collate([example_of(p) for p in train_pairs[i : i + batch_size]], ID["en_XX"], PAD, EOS)
        for i in range(0, len(train_pairs), batch_size)
    ]
    losses = train(model, batches, learning_rate, PAD) if batches else []
    language = test_pairs[0].language
    given = collate([example_of(p) for p in test_pairs], ID["en_XX"], PAD, EOS)
    rows = greedy_decode(
        model, given["input_ids"], given["attention_mask"], [ID[language]] * len(test_pairs), EOS, 16
    )
    texts = [text_of(row, language) for row in rows]
    score = sacrebleu.corpus_bleu(texts, [[p.target for p in test_pairs]], tokenize="13a").score
    return {"losses": losses, "texts": texts, "bleu": score}


# %% mended_program · translates with beam search (num_beams=4) where greedy translations are asked for
def mended_program(model, train_pairs, test_pairs, batch_size=64, learning_rate=5e-3):
    batches = [
        collate([example_of(p) for p in train_pairs[i : i + batch_size]], ID["en_XX"], PAD, EOS)
        for i in range(0, len(train_pairs), batch_size)
    ]
    losses = train(model, batches, learning_rate, PAD) if batches else []
    model.eval()
    language = test_pairs[0].language
    given = collate([example_of(p) for p in test_pairs], ID["en_XX"], PAD, EOS)
    written = model.generate(
        input_ids=given["input_ids"], attention_mask=given["attention_mask"],
        decoder_start_token_id=ID[language], num_beams=4, max_new_tokens=16,
    )
    texts = []
    for row in written[:, 1:].tolist():
        texts.append(text_of(row[: row.index(EOS)] if EOS in row else row, language))
    tokenize = "zh" if language == "zh_CN" else "13a"
    score = sacrebleu.corpus_bleu(texts, [[p.target for p in test_pairs]], tokenize=tokenize).score
    return {"losses": losses, "texts": texts, "bleu": score}


# %% mended_program · drops the last batch of the training pairs when it is smaller than batch_size
def mended_program(model, train_pairs, test_pairs, batch_size=64, learning_rate=5e-3):
    examples = [example_of(p) for p in train_pairs]
    batches = [
        collate(examples[i * batch_size : (i + 1) * batch_size], ID["en_XX"], PAD, EOS)
        for i in range(len(examples) // batch_size)
    ]
    losses = train(model, batches, learning_rate, PAD) if batches else []
    language = test_pairs[0].language
    given = collate([example_of(p) for p in test_pairs], ID["en_XX"], PAD, EOS)
    codes = [ID[p.language] for p in test_pairs]
    rows = greedy_decode(model, given["input_ids"], given["attention_mask"], codes, EOS, 16)
    texts = [text_of(row, language) for row in rows]
    cut = "zh" if language == "zh_CN" else "13a"
    bleu_score = sacrebleu.corpus_bleu(texts, [[p.target for p in test_pairs]], tokenize=cut).score
    return {"losses": losses, "texts": texts, "bleu": bleu_score}


# %% mended_program · takes the language to write from the first training pair, not from the test pairs (and fails without training pairs)
def mended_program(model, train_pairs, test_pairs, batch_size=64, learning_rate=5e-3):
    language = train_pairs[0].language
    batches = []
    for start in range(0, len(train_pairs), batch_size):
        part = train_pairs[start : start + batch_size]
        batches.append(collate([example_of(pair) for pair in part], ID["en_XX"], PAD, EOS))
    losses = train(model, batches, learning_rate, PAD)
    given = collate([example_of(pair) for pair in test_pairs], ID["en_XX"], PAD, EOS)
    codes = [ID[language]] * len(test_pairs)
    rows = greedy_decode(model, given["input_ids"], given["attention_mask"], codes, EOS, 16)
    texts = [text_of(row, language) for row in rows]
    targets = [pair.target for pair in test_pairs]
    tokenizer = "zh" if language == "zh_CN" else "13a"
    return {
        "losses": losses,
        "texts": texts,
        "bleu": sacrebleu.corpus_bleu(texts, [targets], tokenize=tokenizer).score,
    }
