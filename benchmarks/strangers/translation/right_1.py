# %% collate · plain loops over lists
def collate(examples, source_code, pad, eos):
    sources = []
    targets = []
    for source, target, code in examples:
        sources.append(list(source) + [eos, source_code])
        targets.append(list(target) + [eos, code])
    longest_source = max(len(row) for row in sources)
    longest_target = max(len(row) for row in targets)
    input_ids, mask, labels = [], [], []
    for row in sources:
        missing = longest_source - len(row)
        input_ids.append(row + [pad] * missing)
        mask.append([1] * len(row) + [0] * missing)
    for row in targets:
        labels.append(row + [-100] * (longest_target - len(row)))
    return {
        "input_ids": torch.tensor(input_ids, dtype=torch.int64),
        "attention_mask": torch.tensor(mask, dtype=torch.int64),
        "labels": torch.tensor(labels, dtype=torch.int64),
    }


# %% shift_tokens_right · plain loops over rows
def shift_tokens_right(labels, pad):
    width = labels.shape[1]
    rows = []
    for row in labels.tolist():
        real = [number for number in row if number != -100]
        moved = [real[-1]] + real
        moved = moved + [pad] * width
        rows.append(moved[:width])
    return torch.tensor(rows, dtype=torch.int64)


# %% teacher_forced_loss · loops over every label, float64
def teacher_forced_loss(model, batch, pad):
    labels = batch["labels"]
    logits = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        decoder_input_ids=shift_tokens_right(labels, pad),
    ).logits.double()
    total = 0.0
    count = 0
    for b in range(labels.shape[0]):
        for t in range(labels.shape[1]):
            label = int(labels[b, t])
            if label == -100:
                continue
            row = logits[b, t]
            total = total + torch.logsumexp(row, dim=0) - row[label]
            count += 1
    return total / count


# %% greedy_decode · one sentence after the other
def greedy_decode(model, input_ids, attention_mask, codes, eos, max_length):
    was_training = model.training
    model.eval()
    results = []
    try:
        with torch.no_grad():
            for b in range(len(input_ids)):
                prefix = [int(codes[b])]
                words = []
                while len(prefix) - 1 < max_length:
                    logits = model(
                        input_ids=input_ids[b : b + 1],
                        attention_mask=attention_mask[b : b + 1],
                        decoder_input_ids=torch.tensor([prefix], dtype=torch.int64),
                    ).logits
                    best = int(logits[0, -1].argmax())
                    if best == eos:
                        break
                    words.append(best)
                    prefix.append(best)
                results.append(words)
    finally:
        model.train(was_training)
    return results


# %% beam_search · lists and sorted
def beam_search(log_probs, code, eos, beams, max_length, length_penalty=1.0):
    live = [([code], 0.0)]
    finished = []
    for _ in range(max_length):
        table = np.asarray(log_probs([list(prefix) for prefix, _ in live]), dtype=np.float64)
        children = []
        for (prefix, total), row in zip(live, table):
            for token in range(len(row)):
                children.append((prefix + [token], total + float(row[token])))
        children.sort(key=lambda child: child[1], reverse=True)
        for child in children[:beams]:
            if child[0][-1] == eos:
                finished.append(child)
        live = [child for child in children if child[0][-1] != eos][:beams]
    best_ids, best_score = None, None
    for prefix, total in finished + live:
        score = total / (len(prefix) - 1) ** length_penalty
        if best_score is None or score > best_score:
            best_ids, best_score = prefix[1:], score
    if best_ids and best_ids[-1] == eos:
        best_ids = best_ids[:-1]
    return best_ids, best_score


# %% corpus_scores · dictionaries and loops
def count_ngrams(items, n):
    counts = {}
    for start in range(len(items) - n + 1):
        gram = tuple(items[start : start + n])
        counts[gram] = counts.get(gram, 0) + 1
    return counts


def count_matches(said, meant):
    matched = 0
    for gram in said:
        if gram in meant:
            matched += min(said[gram], meant[gram])
    return matched


def bleu(hypotheses, references):
    product = 1.0
    for n in (1, 2, 3, 4):
        matched, possible = 0, 0
        for hypothesis, reference in zip(hypotheses, references):
            said = count_ngrams(hypothesis, n)
            matched += count_matches(said, count_ngrams(reference, n))
            possible += sum(said.values())
        if matched == 0 or possible == 0:
            return 0.0
        product *= matched / possible
    h = sum(len(hypothesis) for hypothesis in hypotheses)
    r = sum(len(reference) for reference in references)
    brevity = 1.0 if h >= r else exp(1 - r / h)
    return 100 * brevity * product**0.25


def chrf(hypotheses, references):
    def bare(text):
        return "".join(letter for letter in text if not letter.isspace())

    precisions, recalls = [], []
    for n in range(1, 7):
        matched, in_said, in_meant = 0, 0, 0
        for hypothesis, reference in zip(hypotheses, references):
            said = count_ngrams(bare(hypothesis), n)
            meant = count_ngrams(bare(reference), n)
            matched += count_matches(said, meant)
            in_said += sum(said.values())
            in_meant += sum(meant.values())
        if in_said > 0 and in_meant > 0:
            precisions.append(matched / in_said)
            recalls.append(matched / in_meant)
    if not precisions:
        return 0.0
    p = sum(precisions) / len(precisions)
    r = sum(recalls) / len(recalls)
    if p + r == 0:
        return 0.0
    return 100 * (1 + 2**2) * p * r / (2**2 * p + r)


# %% train · the rate set by hand at each step
def train(model, batches, learning_rate, pad):
    model.train()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, betas=(0.9, 0.98))
    steps = len(batches)
    warm = max(1, round(0.15 * steps))
    losses = []
    for step in range(steps):
        if step <= warm:
            factor = 0.02 + 0.98 * step / warm
        else:
            factor = 1 - 0.99 * (step - warm) / (steps - 1 - warm)
        if step == steps - 1:
            factor = 0.01
        for group in optimizer.param_groups:
            group["lr"] = factor * learning_rate
        optimizer.zero_grad()
        loss = teacher_forced_loss(model, batches[step], pad)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    return losses


# %% mended_program · built on the other tasks
def mended_program(model, train_pairs, test_pairs, batch_size=64, learning_rate=5e-3):
    batches = []
    for start in range(0, len(train_pairs), batch_size):
        part = train_pairs[start : start + batch_size]
        batches.append(collate([example_of(pair) for pair in part], ID["en_XX"], PAD, EOS))
    losses = []
    if batches:
        losses = train(model, batches, learning_rate, PAD)
    language = test_pairs[0].language
    texts = []
    for start in range(0, len(test_pairs), batch_size):
        part = test_pairs[start : start + batch_size]
        given = collate([example_of(pair) for pair in part], ID["en_XX"], PAD, EOS)
        codes = [ID[language]] * len(part)
        rows = greedy_decode(model, given["input_ids"], given["attention_mask"], codes, EOS, 16)
        for row in rows:
            texts.append(text_of(row, language))
    wanted = [pair.target for pair in test_pairs]
    cut = "zh" if language == "zh_CN" else "13a"
    return {
        "losses": losses,
        "texts": texts,
        "bleu": sacrebleu.corpus_bleu(texts, [wanted], tokenize=cut).score,
    }
