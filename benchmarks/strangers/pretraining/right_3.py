# %% cross_entropy · logsumexp, weights instead of selection, NumPy scalar
def cross_entropy(logits, targets, ignore_index=-100):
    z = logits.double()
    counts = (targets != ignore_index).double()
    index = torch.where(targets == ignore_index, torch.zeros_like(targets), targets)
    nll = torch.logsumexp(z, dim=1) - z[torch.arange(z.shape[0]), index]
    nll = torch.where(counts.bool(), nll, torch.zeros_like(nll))
    return np.float64((nll.sum() / counts.sum()).item())

# %% mse_loss · torch.nn.MSELoss behind a check, Python float
def mse_loss(predictions, targets):
    if list(predictions.size()) != list(targets.size()):
        raise ValueError("broadcasting is not allowed")
    return torch.nn.MSELoss(reduction="mean")(predictions, targets).item()

# %% mask_tokens · Bernoulli as in transformers' collator, multinomial for what happens
def mask_tokens(
    input_ids, special_tokens_mask, mask_token_id, vocab_size, mlm_probability=0.15, generator=None
):
    odds = torch.full(input_ids.shape, float(mlm_probability))
    odds.masked_fill_(special_tokens_mask.to(torch.bool), 0.0)
    chosen = torch.bernoulli(odds, generator=generator).bool()
    labels = input_ids.clone()
    labels[~chosen] = -100
    corrupted = input_ids.clone()
    n = int(chosen.sum())
    if n:
        fate = torch.multinomial(
            torch.tensor([0.8, 0.1, 0.1]), n, replacement=True, generator=generator
        )
        tokens = input_ids[chosen]
        tokens[fate == 0] = mask_token_id
        drawn = torch.randint(0, vocab_size, (n,), generator=generator)
        tokens[fate == 1] = drawn[fate == 1]
        corrupted[chosen] = tokens
    return [corrupted, labels]

# %% mlm_loss · CrossEntropyLoss module with the classes on axis 1
def mlm_loss(logits, labels):
    return torch.nn.CrossEntropyLoss(ignore_index=-100)(logits.transpose(1, 2), labels).item()

# %% next_sentence_loss · softplus of the difference, since two classes are one sigmoid of it
def next_sentence_loss(logits, is_next):
    margin = (logits[:, 0] - logits[:, 1]) * torch.where(is_next, 1.0, -1.0)
    return float(torch.nn.functional.softplus(-margin.double()).mean())

# %% causal_lm_loss · ignored last label instead of cutting, sum over count
def causal_lm_loss(logits, labels):
    targets = torch.full_like(labels, -100)
    targets[:, :-1] = labels[:, 1:]
    total = torch.nn.functional.cross_entropy(
        logits.permute(0, 2, 1), targets, ignore_index=-100, reduction="sum"
    )
    return (total / (targets != -100).sum()).item()

# %% perplexity · generator of log-probabilities, context manager for the mode
def perplexity(model, batches):
    from contextlib import contextmanager

    @contextmanager
    def judged(module):
        before = module.training
        module.eval()
        try:
            yield module
        finally:
            module.train(before)

    with judged(model), torch.inference_mode():
        surprises = [np.zeros(0)]
        for batch in batches:
            out = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
            logp = out.logits[:, :-1].double().log_softmax(dim=-1)
            nll = -logp.gather(2, batch["input_ids"][:, 1:].unsqueeze(2)).squeeze(2)
            surprises.append(nll[batch["attention_mask"][:, 1:].bool()].numpy())
    return np.exp(np.concatenate(surprises).mean())

# %% training_days · NumPy float with a timedelta's seconds
def training_days(parameters, tokens, devices, peak_flops, utilization):
    from datetime import timedelta

    day = timedelta(days=1).total_seconds()
    forward = 2.0 * parameters * tokens
    return np.float64(forward + 2 * forward) / (day * peak_flops * devices * utilization)

# %% compute_optimal · SciPy's root of the derivative in log N
def compute_optimal(flops, A, B, alpha, beta):
    from scipy.optimize import brentq

    log_c = np.log(flops / 6)

    def slope(u):  # difference of the logarithms of the two slopes
        return (np.log(alpha * A) - alpha * u) - (np.log(beta * B) - beta * (log_c - u))

    u = brentq(slope, -500, 500 + log_c, xtol=1e-12)
    return np.array([np.exp(u), np.exp(log_c - u)])
