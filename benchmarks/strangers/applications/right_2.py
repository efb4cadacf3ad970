# %% time_split · torch masks, LongTensors out
import torch


def time_split(times, cards, frauds, cutoff, delay):
    times = torch.from_numpy(np.array(times))
    known = times + delay <= cutoff
    bad = np.unique(np.asarray(cards)[known.numpy() & (np.asarray(frauds) == 1)])
    blocked = torch.from_numpy(np.isin(cards, bad))
    train = known.nonzero().flatten()
    test = ((times >= cutoff) & ~blocked).nonzero().flatten()
    return train, test

# %% card_features · (N, N) mask and matrix product in torch, float32 out
import torch


def card_features(times, cards, amounts, window):
    t = torch.tensor(times, dtype=torch.float64)
    same = torch.from_numpy(np.asarray(cards)[:, None] == np.asarray(cards)[None, :])
    mask = same & (t[None, :] < t[:, None]) & (t[None, :] >= t[:, None] - window)
    count = mask.sum(dim=1)
    total = mask.double() @ torch.tensor(amounts, dtype=torch.float64)
    return torch.stack([count, total / count.clamp(min=1)], dim=1).float()

# %% cheapest_threshold · candidates × payments in torch
import torch


def cheapest_threshold(frauds, scores, amounts, review_cost):
    s = torch.tensor(scores, dtype=torch.float64)
    loss = torch.tensor(amounts, dtype=torch.float64) * torch.tensor(frauds, dtype=torch.float64)
    candidates = torch.cat([torch.tensor([torch.inf], dtype=torch.float64), s.unique().flip(0)])
    alarm = s[None, :] >= candidates[:, None]
    cost = review_cost * alarm.sum(dim=1) + torch.where(alarm, 0.0, loss).sum(dim=1)
    best = int((cost == cost.min()).nonzero()[0])
    return candidates[best], cost[best]

# %% ewma_scores · closed form: matrix of weights times the signal, torch
import torch


def ewma_scores(healthy, signal, weight):
    healthy = torch.tensor(healthy, dtype=torch.float64)
    signal = torch.tensor(signal, dtype=torch.float64)
    mean, std = healthy.mean(), healthy.std(unbiased=True)
    t = torch.arange(1, len(signal) + 1, dtype=torch.float64)
    age = t[:, None] - t[None, :]
    weights = torch.where(age >= 0, weight * (1 - weight) ** age.clamp(min=0), 0.0)
    drift = weights @ (signal - mean)  # z_t - mean, since the weights and (1 - weight)^t sum to 1
    root = torch.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t)))
    return (drift.abs() / (std * root)).float()

# %% score_alarms · broadcasting over alarms and faults
import torch


def score_alarms(alarms, faults, lead, horizon):
    a = torch.tensor(np.asarray(alarms, dtype=float))[None, :]
    f = torch.tensor(np.asarray(faults, dtype=float))[:, None]
    early = (f - horizon <= a) & (a <= f - lead)
    late = (f - lead < a) & (a <= f)
    caught = early.any(dim=1)
    tardy = late.any(dim=1) & ~caught
    return {
        "caught": caught.sum(),
        "late": tardy.sum(),
        "missed": (~caught & ~tardy).sum(),
        "false_alarms": (~(early | late).any(dim=0)).sum(),
    }

# %% estimate_ability · torch, bracket doubled and halved on the gradient
import torch


def estimate_ability(answers, difficulty, discrimination, prior_std=1.0):
    answers = torch.tensor(answers, dtype=torch.float64)
    asked = ~answers.isnan()
    y = answers[asked]
    b = torch.tensor(difficulty, dtype=torch.float64)[asked]
    a = torch.tensor(discrimination, dtype=torch.float64)[asked]
    if prior_std == math.inf and bool((y == y[0]).all()):
        return torch.tensor(math.inf if y[0] == 1 else -math.inf)
    precision = 1 / prior_std**2

    def slope(theta):
        return float((a * (y - torch.sigmoid(a * (theta - b)))).sum() - theta * precision)

    reach = 1.0
    while slope(reach) > 0 or slope(-reach) < 0:
        reach *= 2
    low, high = -reach, reach
    while high - low > 1e-8:
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return torch.tensor((low + high) / 2)

# %% fit_rasch · torch.optim.LBFGS on the negative log-posterior
import torch


def fit_rasch(responses, prior_std=1.0):
    r = torch.tensor(responses, dtype=torch.float64)
    asked = ~r.isnan()
    target = r[asked]
    theta = torch.zeros(r.shape[0], dtype=torch.float64, requires_grad=True)
    b = torch.zeros(r.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [theta, b], max_iter=2000, tolerance_grad=1e-10, tolerance_change=1e-14,
        history_size=50, line_search_fn="strong_wolfe",
    )

    def closure():
        optimiser.zero_grad()
        logits = (theta[:, None] - b[None, :])[asked]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="sum")
        loss = loss + (theta.square().sum() + b.square().sum()) / (2 * prior_std**2)
        loss.backward()
        return loss

    optimiser.step(closure)
    return theta.detach().float(), b.detach().float()

# %% bm25_scores · matrix of counts in torch, float32 out
import torch


def bm25_scores(query, documents, k1=1.2, b=0.75):
    if not query:
        return torch.zeros(len(documents))
    counts = torch.tensor([[d.count(q) for q in query] for d in documents], dtype=torch.float64)
    lengths = torch.tensor([len(d) for d in documents], dtype=torch.float64)
    n = (counts > 0).double().sum(dim=0)
    idf = torch.log1p((len(documents) - n + 0.5) / (n + 0.5))
    norm = k1 * (1 - b + b * lengths / lengths.mean())
    return (counts / (counts + norm[:, None]) @ idf).float()

# %% ranking_metrics · stable torch.sort, gather, float32
import torch


def ranking_metrics(scores, relevance, k):
    s = torch.tensor(scores, dtype=torch.float64)
    rel = torch.tensor(relevance, dtype=torch.float32)
    some = (rel > 0).any(dim=1)
    s, rel = s[some], rel[some]
    order = s.sort(dim=1, descending=True, stable=True).indices
    top = rel.gather(1, order)[:, :k]
    ideal = rel.sort(dim=1, descending=True).values[:, :k]
    ranks = torch.arange(1, top.shape[1] + 1)
    discount = 1 / torch.log2(ranks + 1.0)
    hit = (top > 0).float()
    return {
        "recall": (hit.sum(1) / (rel > 0).sum(1)).mean(),
        "mrr": (hit / ranks).max(dim=1).values.mean(),
        "ndcg": ((top @ discount) / (ideal @ discount)).mean(),
    }

# %% pipeline_latency · torch stack and sort
import torch


def pipeline_latency(stages, plan, budget):
    steps = []
    for step in plan:
        names = [step] if isinstance(step, str) else step
        steps.append(torch.stack([torch.tensor(stages[n], dtype=torch.float64) for n in names]).amax(0))
    total = torch.stack(steps).sum(dim=0).sort().values
    n = len(total)
    return {
        "p50": total[(n + 1) // 2 - 1],
        "p99": total[(99 * n + 99) // 100 - 1],
        "within": (total <= budget).double().mean(),
    }
