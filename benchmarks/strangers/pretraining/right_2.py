# %% cross_entropy · torch, log_softmax and gather
def cross_entropy(logits, targets, ignore_index=-100):
    keep = targets != ignore_index
    log_probs = torch.log_softmax(logits[keep].float(), dim=-1)
    return -log_probs.gather(1, targets[keep].unsqueeze(1)).mean()

# %% mse_loss · torch, shapes compared first
def mse_loss(predictions, targets):
    if predictions.shape != targets.shape:
        raise ValueError(f"shapes differ: {tuple(predictions.shape)} and {tuple(targets.shape)}")
    return (predictions - targets).square().mean()

# %% mask_tokens · vectorised, one draw for what happens
def mask_tokens(
    input_ids, special_tokens_mask, mask_token_id, vocab_size, mlm_probability=0.15, generator=None
):
    shape = input_ids.shape
    chosen = torch.rand(shape, generator=generator) < mlm_probability
    chosen = chosen & ~special_tokens_mask.bool()
    how = torch.rand(shape, generator=generator)
    random_ids = torch.randint(vocab_size, shape, generator=generator)
    corrupted = torch.where(chosen & (how < 0.8), mask_token_id, input_ids)
    corrupted = torch.where(chosen & (how >= 0.8) & (how < 0.9), random_ids, corrupted)
    labels = torch.where(chosen, input_ids, -100)
    return corrupted, labels

# %% mlm_loss · torch's cross entropy over the flattened batch
def mlm_loss(logits, labels):
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())

# %% next_sentence_loss · torch's cross entropy with the class turned
def next_sentence_loss(logits, is_next):
    return torch.nn.functional.cross_entropy(logits, (~is_next).long())

# %% causal_lm_loss · shift, then flatten
def causal_lm_loss(logits, labels):
    z, y = logits[:, :-1], labels[:, 1:]
    return torch.nn.functional.cross_entropy(z.reshape(-1, z.shape[-1]), y.reshape(-1))

# %% perplexity · sums and counts in torch
@torch.no_grad()
def perplexity(model, batches):
    training = model.training
    model.eval()
    total, count = torch.zeros((), dtype=torch.float64), 0
    for batch in batches:
        ids, mask = batch["input_ids"], batch["attention_mask"]
        labels = ids.masked_fill(mask == 0, -100)[:, 1:]
        z = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
        total += torch.nn.functional.cross_entropy(
            z.reshape(-1, z.shape[-1]), labels.reshape(-1), reduction="sum"
        )
        count += (labels != -100).sum()
    model.train(training)
    return torch.exp(total / count)

# %% training_days · one line
def training_days(parameters, tokens, devices, peak_flops, utilization):
    return 6 * parameters * tokens / (devices * peak_flops * utilization) / 86_400

# %% compute_optimal · closed form
def compute_optimal(flops, A, B, alpha, beta):
    c = flops / 6
    n = (alpha * A / (beta * B) * c**beta) ** (1 / (alpha + beta))
    return n, c / n
