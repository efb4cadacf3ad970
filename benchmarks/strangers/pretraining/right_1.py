# %% cross_entropy · plain Python loop, float64
def cross_entropy(logits, targets, ignore_index=-100):
    import math

    rows = logits.detach().double().tolist()
    total, count = 0.0, 0
    for row, y in zip(rows, targets.tolist()):
        if y == ignore_index:
            continue
        top = max(row)
        log_sum = top + math.log(sum(math.exp(v - top) for v in row))
        total += log_sum - row[y]
        count += 1
    if count == 0:
        return float("nan")
    return total / count

# %% mse_loss · plain Python loop, float64
def mse_loss(predictions, targets):
    if tuple(predictions.shape) != tuple(targets.shape):
        raise ValueError("predictions and targets must have the same shape")
    p = predictions.detach().double().reshape(-1).tolist()
    t = targets.detach().double().reshape(-1).tolist()
    total = 0.0
    for a, b in zip(p, t):
        total += (a - b) ** 2
    return total / len(p)

# %% mask_tokens · a coin for each token in two loops
def mask_tokens(
    input_ids, special_tokens_mask, mask_token_id, vocab_size, mlm_probability=0.15, generator=None
):
    corrupted = input_ids.clone()
    labels = torch.full_like(input_ids, -100)
    B, T = input_ids.shape
    for b in range(B):
        for t in range(T):
            if bool(special_tokens_mask[b, t]):
                continue
            if torch.rand((), generator=generator).item() >= mlm_probability:
                continue
            labels[b, t] = input_ids[b, t]
            u = torch.rand((), generator=generator).item()
            if u < 0.8:
                corrupted[b, t] = mask_token_id
            elif u < 0.9:
                corrupted[b, t] = torch.randint(0, vocab_size, (), generator=generator)
    return corrupted, labels

# %% mlm_loss · NumPy, one place after the other
def mlm_loss(logits, labels):
    z = logits.detach().double().numpy()
    y = labels.numpy()
    costs = []
    for b in range(y.shape[0]):
        for t in range(y.shape[1]):
            if y[b, t] != -100:
                row = z[b, t]
                top = row.max()
                costs.append(top + np.log(np.exp(row - top).sum()) - row[y[b, t]])
    return np.mean(costs) if costs else float("nan")

# %% next_sentence_loss · NumPy logaddexp in a loop
def next_sentence_loss(logits, is_next):
    total = 0.0
    for (follows, elsewhere), yes in zip(logits.detach().double().tolist(), is_next.tolist()):
        norm = np.logaddexp(follows, elsewhere)
        total += norm - (follows if yes else elsewhere)
    return total / len(logits)

# %% causal_lm_loss · three loops over texts, positions and vocabulary
def causal_lm_loss(logits, labels):
    z = logits.detach().double().numpy()
    y = labels.numpy()
    total, count = 0.0, 0
    for b in range(y.shape[0]):
        for t in range(y.shape[1] - 1):
            target = y[b, t + 1]
            if target == -100:
                continue
            row = z[b, t] - z[b, t].max()
            total += np.log(np.exp(row).sum()) - row[target]
            count += 1
    return total / count if count else float("nan")

# %% perplexity · text after text, target after target, float64
def perplexity(model, batches):
    import math

    was_training = model.training
    model.eval()
    total, count = 0.0, 0
    try:
        with torch.no_grad():
            for batch in batches:
                ids, mask = batch["input_ids"], batch["attention_mask"]
                z = model(input_ids=ids, attention_mask=mask).logits.double()
                for b in range(ids.shape[0]):
                    for t in range(1, ids.shape[1]):
                        if int(mask[b, t]) == 1:
                            row = z[b, t - 1]
                            total += (torch.logsumexp(row, 0) - row[ids[b, t]]).item()
                            count += 1
    finally:
        model.train(was_training)
    return math.exp(total / count)

# %% training_days · step by step
def training_days(parameters, tokens, devices, peak_flops, utilization):
    operations = 6 * parameters * tokens
    per_second = devices * peak_flops * utilization
    seconds = operations / per_second
    return seconds / 60 / 60 / 24

# %% compute_optimal · ternary search over log N
def compute_optimal(flops, A, B, alpha, beta):
    import math

    log_c = math.log(flops / 6)

    def loss(u):
        return A * math.exp(-alpha * u) + B * math.exp(-beta * (log_c - u))

    low, high = -60.0, log_c + 60.0
    for _ in range(400):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    n = math.exp((low + high) / 2)
    return n, flops / 6 / n
