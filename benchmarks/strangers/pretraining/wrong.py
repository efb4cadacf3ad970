# %% cross_entropy · divides by the number of all targets, so the ignored ones still count below the fraction bar
def cross_entropy(logits, targets, ignore_index=-100):
    keep = targets != ignore_index
    if not keep.any():
        return float("nan")
    logp = torch.log_softmax(logits, dim=-1)
    picked = logp[keep].gather(1, targets[keep].unsqueeze(1)).squeeze(1)
    return -picked.sum() / len(targets)

# %% cross_entropy · takes the logarithm of softmax probabilities clipped at 1e-12, so a very unlikely target costs at most 27.6 nats
def cross_entropy(logits, targets, ignore_index=-100):
    keep = targets != ignore_index
    probs = torch.softmax(logits[keep], dim=-1)
    picked = probs.gather(1, targets[keep].unsqueeze(1)).squeeze(1)
    return -torch.log(picked.clamp(min=1e-12)).mean()

# %% cross_entropy · returns 0 instead of nan where every target is ignored
def cross_entropy(logits, targets, ignore_index=-100):
    mask = (targets != ignore_index).to(logits.dtype)
    safe = torch.where(targets != ignore_index, targets, torch.zeros_like(targets))
    logp = torch.log_softmax(logits, dim=-1).gather(1, safe[:, None]).squeeze(1)
    return -(logp * mask).sum() / mask.sum().clamp(min=1)

# %% cross_entropy · always skips -100 and never looks at the argument ignore_index
def cross_entropy(logits, targets, ignore_index=-100):
    keep = targets != -100
    logits, targets = logits[keep], targets[keep]
    logp = logits - torch.logsumexp(logits, dim=-1, keepdim=True)
    return -logp[torch.arange(len(targets)), targets].mean()

# %% cross_entropy · normalises over the batch axis (dim 0) instead of over the classes
def cross_entropy(logits, targets, ignore_index=-100):
    keep = targets != ignore_index
    logp = torch.log_softmax(logits, dim=0)
    return -logp[keep].gather(1, targets[keep].unsqueeze(1)).mean()

# %% mse_loss · returns half the sum of the squared errors instead of their mean
def mse_loss(predictions, targets):
    if predictions.shape != targets.shape:
        raise ValueError("shapes differ")
    return 0.5 * ((predictions - targets) ** 2).sum()

# %% mse_loss · does not compare the shapes, so (N, 1) against (N,) broadcasts to N x N pairs
def mse_loss(predictions, targets):
    return ((predictions - targets) ** 2).mean()

# %% mse_loss · divides by the length of the first axis only, so with two axes it is a sum over each row and a mean over rows
def mse_loss(predictions, targets):
    if predictions.shape != targets.shape:
        raise ValueError(f"{predictions.shape} != {targets.shape}")
    n = predictions.shape[0]
    return torch.sum((predictions - targets) ** 2) / n

# %% mask_tokens · labels only the tokens that were changed; chosen tokens that stay get -100
def mask_tokens(
    input_ids, special_tokens_mask, mask_token_id, vocab_size, mlm_probability=0.15, generator=None
):
    corrupted = input_ids.clone()
    chosen = torch.rand(input_ids.shape, generator=generator) < mlm_probability
    chosen &= ~special_tokens_mask.bool()
    how = torch.rand(input_ids.shape, generator=generator)
    random_ids = torch.randint(0, vocab_size, input_ids.shape, generator=generator)
    corrupted[chosen & (how < 0.8)] = mask_token_id
    swap = chosen & (how >= 0.8) & (how < 0.9)
    corrupted[swap] = random_ids[swap]
    labels = torch.full_like(input_ids, -100)
    changed = chosen & (how < 0.9)
    labels[changed] = input_ids[changed]
    return corrupted, labels

# %% mask_tokens · draws 10 per cent of the 20 per cent left after masking for random tokens, so 2 per cent are random and 18 per cent stay
def mask_tokens(
    input_ids, special_tokens_mask, mask_token_id, vocab_size, mlm_probability=0.15, generator=None
):
    inputs = input_ids.clone()
    labels = input_ids.clone()
    probability_matrix = torch.full(labels.shape, mlm_probability)
    probability_matrix.masked_fill_(special_tokens_mask.bool(), 0.0)
    masked_indices = torch.bernoulli(probability_matrix, generator=generator).bool()
    labels[~masked_indices] = -100
    indices_replaced = (
        torch.bernoulli(torch.full(labels.shape, 0.8), generator=generator).bool() & masked_indices
    )
    inputs[indices_replaced] = mask_token_id
    indices_random = (
        torch.bernoulli(torch.full(labels.shape, 0.1), generator=generator).bool()
        & masked_indices
        & ~indices_replaced
    )
    random_words = torch.randint(vocab_size, labels.shape, generator=generator)
    inputs[indices_random] = random_words[indices_random]
    return inputs, labels

# %% mask_tokens · pays no heed to special_tokens_mask, so [CLS], [SEP] and padding may be chosen
def mask_tokens(
    input_ids, special_tokens_mask, mask_token_id, vocab_size, mlm_probability=0.15, generator=None
):
    chosen = torch.rand(input_ids.shape, generator=generator) < mlm_probability
    labels = torch.where(chosen, input_ids, torch.full_like(input_ids, -100))
    how = torch.rand(input_ids.shape, generator=generator)
    random_ids = torch.randint(vocab_size, input_ids.shape, generator=generator)
    corrupted = torch.where(chosen & (how < 0.8), torch.full_like(input_ids, mask_token_id), input_ids)
    corrupted = torch.where(chosen & (how > 0.9), random_ids, corrupted)
    return corrupted, labels

# %% mask_tokens · chooses a fixed number, round(p times the real tokens), in each text instead of each token by its own chance
def mask_tokens(
    input_ids, special_tokens_mask, mask_token_id, vocab_size, mlm_probability=0.15, generator=None
):
    corrupted = input_ids.clone()
    labels = torch.full_like(input_ids, -100)
    special = special_tokens_mask.bool()
    for b in range(input_ids.shape[0]):
        candidates = torch.nonzero(~special[b]).flatten()
        count = max(1, round(mlm_probability * len(candidates))) if len(candidates) else 0
        order = torch.randperm(len(candidates), generator=generator)[:count]
        for t in candidates[order].tolist():
            labels[b, t] = input_ids[b, t]
            u = torch.rand(1, generator=generator).item()
            if u < 0.8:
                corrupted[b, t] = mask_token_id
            elif u < 0.9:
                corrupted[b, t] = torch.randint(vocab_size, (1,), generator=generator).item()
    return corrupted, labels

# %% mask_tokens · overwrites input_ids itself and returns it as the corrupted text
def mask_tokens(
    input_ids, special_tokens_mask, mask_token_id, vocab_size, mlm_probability=0.15, generator=None
):
    labels = input_ids.clone()
    chosen = torch.rand(input_ids.shape, generator=generator) < mlm_probability
    chosen = chosen & (special_tokens_mask == 0)
    labels[~chosen] = -100
    how = torch.rand(input_ids.shape, generator=generator)
    input_ids[chosen & (how < 0.8)] = mask_token_id
    swap = chosen & (how >= 0.8) & (how < 0.9)
    input_ids[swap] = torch.randint(vocab_size, (int(swap.sum()),), generator=generator)
    return input_ids, labels

# %% mask_tokens · uses the generator for the choice only; what becomes of a chosen token comes from torch's global state
def mask_tokens(
    input_ids, special_tokens_mask, mask_token_id, vocab_size, mlm_probability=0.15, generator=None
):
    corrupted, labels = input_ids.clone(), input_ids.clone()
    p = torch.full(input_ids.shape, mlm_probability)
    p[special_tokens_mask.bool()] = 0.0
    chosen = torch.bernoulli(p, generator=generator).bool()
    labels[~chosen] = -100
    how = torch.rand(input_ids.shape)
    corrupted[chosen & (how < 0.8)] = mask_token_id
    swap = chosen & (how >= 0.8) & (how < 0.9)
    corrupted[swap] = torch.randint(vocab_size, input_ids.shape)[swap]
    return corrupted, labels

# %% mlm_loss · averages within each text first and then over the texts, so a token of a text with few chosen ones counts more
def mlm_loss(logits, labels):
    losses = []
    for z, y in zip(logits, labels):
        if (y != -100).any():
            losses.append(torch.nn.functional.cross_entropy(z, y))
    return torch.stack(losses).mean()

# %% mlm_loss · shifts by one, as for a causal model
def mlm_loss(logits, labels):
    shifted_logits = logits[:, :-1].reshape(-1, logits.shape[-1])
    shifted_labels = labels[:, 1:].reshape(-1)
    return torch.nn.functional.cross_entropy(shifted_logits, shifted_labels, ignore_index=-100)

# %% mlm_loss · brings the classes to axis 1 by reshape instead of transpose, which mixes places and vocabulary
def mlm_loss(logits, labels):
    B, T, V = logits.shape
    return torch.nn.functional.cross_entropy(logits.reshape(B, V, T), labels, ignore_index=-100)

# %% mlm_loss · takes labels > 0 for the chosen places and so leaves out chosen tokens whose id is 0
def mlm_loss(logits, labels):
    chosen = labels > 0
    return torch.nn.functional.cross_entropy(logits[chosen], labels[chosen])

# %% next_sentence_loss · takes is_next itself as the class, so a true pair gets class 1
def next_sentence_loss(logits, is_next):
    return torch.nn.functional.cross_entropy(logits, is_next.long())

# %% next_sentence_loss · puts each of the two logits through its own sigmoid (binary cross entropy) instead of both through one softmax
def next_sentence_loss(logits, is_next):
    wanted = torch.stack([is_next, ~is_next], dim=1).to(logits.dtype)
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted)

# %% next_sentence_loss · adds up the losses of the pairs instead of averaging them
def next_sentence_loss(logits, is_next):
    logp = torch.log_softmax(logits, dim=-1)
    return -torch.where(is_next, logp[:, 0], logp[:, 1]).sum()

# %% causal_lm_loss · does not shift: position t is compared with label t
def causal_lm_loss(logits, labels):
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())

# %% causal_lm_loss · flattens first and shifts afterwards, so the last position of a text must guess the first token of the next text
def causal_lm_loss(logits, labels):
    flat_logits = logits.reshape(-1, logits.shape[-1])[:-1]
    flat_labels = labels.reshape(-1)[1:]
    return torch.nn.functional.cross_entropy(flat_logits, flat_labels)

# %% causal_lm_loss · rolls the labels by one, so the last position has the first token of its own text as target
def causal_lm_loss(logits, labels):
    targets = torch.roll(labels, shifts=-1, dims=1)
    return torch.nn.functional.cross_entropy(logits.transpose(1, 2), targets)

# %% causal_lm_loss · decides by the label at t, and not by the target at t + 1, which places count, so the first token after a masked prompt is left out
def causal_lm_loss(logits, labels):
    logits, seen, targets = logits[:, :-1], labels[:, :-1], labels[:, 1:]
    keep = (seen != -100) & (targets != -100)
    return torch.nn.functional.cross_entropy(logits[keep], targets[keep])

# %% perplexity · averages the mean losses of the batches, so a target in a small batch counts more
def perplexity(model, batches):
    was = model.training
    model.eval()
    losses = []
    with torch.no_grad():
        for batch in batches:
            ids, mask = batch["input_ids"], batch["attention_mask"]
            targets = ids[:, 1:].masked_fill(mask[:, 1:] == 0, -100)
            if (targets == -100).all():
                continue
            z = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
            losses.append(torch.nn.functional.cross_entropy(z.flatten(0, 1), targets.flatten()).item())
    model.train(was)
    return float(np.exp(np.mean(losses)))

# %% perplexity · counts padding as targets, since attention_mask is not used for the labels
def perplexity(model, batches):
    was = model.training
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for batch in batches:
            ids = batch["input_ids"]
            z = model(input_ids=ids, attention_mask=batch["attention_mask"]).logits
            total += torch.nn.functional.cross_entropy(
                z[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="sum"
            ).item()
            count += ids[:, 1:].numel()
    model.train(was)
    return float(np.exp(total / count))

# %% perplexity · goes through the batches twice, first to count the targets and then for the losses, which fails on an iterator
def perplexity(model, batches):
    was = model.training
    model.eval()
    count = sum(int(batch["attention_mask"][:, 1:].sum()) for batch in batches)
    total = 0.0
    with torch.no_grad():
        for batch in batches:
            ids, mask = batch["input_ids"], batch["attention_mask"]
            logp = model(input_ids=ids, attention_mask=mask).logits[:, :-1].log_softmax(-1)
            picked = logp.gather(-1, ids[:, 1:, None]).squeeze(-1)
            total -= (picked * mask[:, 1:]).sum().item()
    model.train(was)
    return float(np.exp(total / count))

# %% perplexity · multiplies each batch's mean loss by its count of targets, so one batch without a target makes everything nan
def perplexity(model, batches):
    was = model.training
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for batch in batches:
            ids, mask = batch["input_ids"], batch["attention_mask"]
            labels = ids.masked_fill(mask == 0, -100)
            n = int((labels[:, 1:] != -100).sum())
            z = model(input_ids=ids, attention_mask=mask).logits
            mean = torch.nn.functional.cross_entropy(
                z[:, :-1].reshape(-1, z.shape[-1]), labels[:, 1:].reshape(-1)
            )
            total += mean.item() * n
            count += n
    model.train(was)
    return float(np.exp(total / count))

# %% perplexity · always switches the model to training mode at the end, also when it came in evaluation mode
def perplexity(model, batches):
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for batch in batches:
            ids, mask = batch["input_ids"], batch["attention_mask"]
            targets = ids[:, 1:].masked_fill(mask[:, 1:] == 0, -100)
            z = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
            total += torch.nn.functional.cross_entropy(
                z.flatten(0, 1), targets.flatten(), reduction="sum"
            ).item()
            count += int((targets != -100).sum())
    model.train()
    return float(np.exp(total / count))

# %% training_days · counts the forward pass only, 2ND operations
def training_days(parameters, tokens, devices, peak_flops, utilization):
    flops = 2 * parameters * tokens
    return flops / (devices * peak_flops * utilization) / 86400

# %% training_days · multiplies the time by the utilisation instead of dividing by it
def training_days(parameters, tokens, devices, peak_flops, utilization):
    seconds = 6 * parameters * tokens / (devices * peak_flops) * utilization
    return seconds / (24 * 60 * 60)

# %% training_days · returns hours instead of days
def training_days(parameters, tokens, devices, peak_flops, utilization):
    seconds = 6 * parameters * tokens / (devices * peak_flops * utilization)
    return seconds / 3600

# %% compute_optimal · makes the two terms A/N^alpha and B/D^beta equal instead of their slopes
def compute_optimal(flops, A, B, alpha, beta):
    c = flops / 6
    n = (A / B * c**beta) ** (1 / (alpha + beta))
    return n, c / n

# %% compute_optimal · gives 20 tokens to each parameter, whatever the law
def compute_optimal(flops, A, B, alpha, beta):
    n = (flops / (6 * 20)) ** 0.5
    return n, 20 * n

# %% compute_optimal · exchanges the exponents of the budget: N grows with C to the alpha/(alpha+beta) instead of beta/(alpha+beta)
def compute_optimal(flops, A, B, alpha, beta):
    g = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    n = g * (flops / 6) ** (alpha / (alpha + beta))
    d = (flops / 6) ** (beta / (alpha + beta)) / g
    return n, d
