"""Other right answers for `pretraining`, in styles that must pass."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from autograder.checks import right

# --- cross_entropy ------------------------------------------------------------------------


@right("cross_entropy", "log_softmax, a mask and two sums", zh="log_softmax、掩码和两个求和")
def by_masked_sums(logits, targets, ignore_index=-100):
    keep = (targets != ignore_index).float()
    safe = torch.where(targets == ignore_index, torch.zeros_like(targets), targets)
    picked = functional.log_softmax(logits, dim=-1)[torch.arange(len(targets)), safe]
    return (-(picked * keep).sum() / keep.sum()).item()


@right("cross_entropy", "NumPy in float64, row by row", zh="NumPy 的 float64，逐行计算")
def by_rows(logits, targets, ignore_index=-100):
    losses = []
    for row, target in zip(np.asarray(logits, float), targets.tolist(), strict=True):
        if target != ignore_index:
            top = row.max()
            losses.append(top + np.log(np.exp(row - top).sum()) - row[target])
    return np.mean(losses) if losses else np.nan


# --- mse_loss -----------------------------------------------------------------------------


@right("mse_loss", "torch's own, after a look at the shapes", zh="比较形状后用 torch 自带的")
def by_torch(predictions, targets):
    if predictions.size() != targets.size():
        raise ValueError
    return nn.MSELoss()(predictions, targets)


@right("mse_loss", "a sum over the number of elements", zh="求和除以元素个数")
def by_numel(predictions, targets):
    if tuple(predictions.shape) != tuple(targets.shape):
        raise ValueError("not of one shape")
    return sum((p - t) ** 2 for p, t in zip(predictions.flatten().tolist(),
               targets.flatten().tolist(), strict=True)) / targets.numel()  # fmt: skip


# --- mask_tokens --------------------------------------------------------------------------


@right(
    "mask_tokens",
    "Bernoulli draws, half of the rest, as in transformers",
    zh="像 transformers 那样用伯努利抽样",
)
def by_bernoulli(ids, special, mask_id, size, p=0.15, generator=None):
    corrupted, labels = ids.clone(), ids.clone()
    chances = torch.full(ids.shape, float(p)).masked_fill(special.bool(), 0.0)
    chosen = torch.bernoulli(chances, generator=generator).bool()
    labels[~chosen] = -100
    masked = torch.bernoulli(torch.full(ids.shape, 0.8), generator=generator).bool() & chosen
    corrupted[masked] = mask_id
    half = torch.bernoulli(torch.full(ids.shape, 0.5), generator=generator).bool()
    lucky = half & chosen & ~masked
    corrupted[lucky] = torch.randint(0, size, (int(lucky.sum()),), generator=generator)
    return corrupted, labels


@right("mask_tokens", "one draw decides everything", zh="一次抽样决定一切")
def by_one_draw(ids, special, mask_id, size, p=0.15, generator=None):
    share = torch.rand(ids.shape, generator=generator, dtype=torch.float64) / max(p, 1e-12)
    share = share.masked_fill(special == 1, 2.0)
    words = torch.randint(size, ids.shape, generator=generator)
    corrupted = torch.where(share < 0.9, words, ids)
    corrupted[share < 0.8] = mask_id
    return corrupted, torch.where(share < 1, ids, -100)


@right("mask_tokens", "NumPy, seeded by the generator", zh="NumPy，种子取自 generator")
def by_numpy(ids, special, mask_id, size, p=0.15, generator=None):
    seed = int(torch.randint(2**62, (1,), generator=generator))
    draw, before = np.random.default_rng(seed), ids.numpy()
    chosen = (draw.random(before.shape) < p) & (special.numpy() == 0)
    actions = draw.choice(3, before.shape, p=[0.8, 0.1, 0.1])
    words = draw.integers(0, size, before.shape)
    after = np.select([chosen & (actions == 0), chosen & (actions == 1)], [mask_id, words], before)
    return torch.from_numpy(after), torch.from_numpy(np.where(chosen, before, -100))


# --- mlm_loss -----------------------------------------------------------------------------


@right("mlm_loss", "vocabulary to the middle, as torch wants it", zh="把词表维换到中间")
def by_transposing(logits, labels):
    return functional.cross_entropy(logits.transpose(1, 2), labels)


@right("mlm_loss", "only the chosen places", zh="只取选中的位置")
def by_choosing(logits, labels):
    chosen = labels != -100
    logs = logits[chosen].log_softmax(-1)
    return -logs[torch.arange(len(logs)), labels[chosen]].mean().item()


# --- next_sentence_loss -------------------------------------------------------------------


@right("next_sentence_loss", "a logistic loss of the difference", zh="对两者之差用逻辑损失")
def by_difference(logits, is_next):
    margin = (logits[:, 0] - logits[:, 1]) * (2 * is_next.to(logits.dtype) - 1)
    return functional.softplus(-margin).mean()


@right("next_sentence_loss", "torch's loss", zh="torch 的损失")
def by_classes(logits, is_next):
    return nn.CrossEntropyLoss()(logits, torch.where(is_next, 0, 1)).item()


# --- causal_lm_loss -----------------------------------------------------------------------


@right("causal_lm_loss", "labels moved, −100 at the end", zh="移动标签，末尾补 −100")
def by_moving(logits, labels):
    targets = functional.pad(labels[:, 1:], (0, 1), value=-100)
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


@right("causal_lm_loss", "text by text", zh="逐条文本计算")
def by_texts(logits, labels):
    total, count = 0.0, 0
    for z, y in zip(logits, labels, strict=True):
        for t in range(len(y) - 1):
            if y[t + 1] != -100:
                total, count = total - float(z[t].log_softmax(0)[y[t + 1]]), count + 1
    return total / count


# --- perplexity ---------------------------------------------------------------------------


@right("perplexity", "log-probabilities gathered and masked", zh="取出对数概率，再用掩码")
@torch.inference_mode()
def by_gathering(model, batches):
    mode = model.training
    model.eval()
    try:
        logs = []
        for batch in batches:
            z = model(**batch).logits[:, :-1].double().log_softmax(-1)
            picked = z.gather(2, batch["input_ids"][:, 1:, None])[..., 0]
            logs += picked[batch["attention_mask"][:, 1:].bool()].tolist()
    finally:
        model.train(mode)
    return math.exp(-sum(logs) / len(logs))


@right("perplexity", "the model's own loss, times targets", zh="模型自带的损失乘目标个数")
def by_own_loss(model, batches):
    modes, nats, count = [(m, m.training) for m in model.modules()], 0.0, 0
    model.eval()
    for batch in batches:
        targets = batch["attention_mask"][:, 1:].sum()
        if targets > 0:
            labels = torch.where(batch["attention_mask"] == 1, batch["input_ids"], -100)
            nats = nats + model(**batch, labels=labels).loss.detach() * targets
            count = count + targets
    for part, was in modes:
        part.training = was
    return torch.exp(nats / count)


# --- training_days ------------------------------------------------------------------------


@right("training_days", "forward and backward apart", zh="前向、反向分开算")
def by_parts(parameters, tokens, devices, peak_flops, utilization):
    per_day = np.float64(peak_flops) * utilization * devices * 3600 * 24
    return (2 * parameters * tokens + 4 * parameters * tokens) / per_day


# --- compute_optimal ----------------------------------------------------------------------


@right("compute_optimal", "a fine grid", zh="细网格搜索")
def by_grid(flops, A, B, alpha, beta):
    sizes = np.exp(np.linspace(0, np.log(flops / 6), 100_001))
    tokens = flops / 6 / sizes
    best = np.argmin(A / sizes**alpha + B / tokens**beta)
    return sizes[best], tokens[best]


@right("compute_optimal", "ternary search", zh="三分搜索")
def by_ternary_search(flops, A, B, alpha, beta):
    low, high = 0.0, math.log(flops / 6)

    def loss(x):
        return A * math.exp(-alpha * x) + B * math.exp(-beta * (math.log(flops / 6) - x))

    for _ in range(100):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, b) if loss(a) < loss(b) else (a, high)
    parameters = torch.tensor(low, dtype=torch.float64).exp()
    return [parameters, flops / (6 * parameters)]
