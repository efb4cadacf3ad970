"""Other right answers for `applications`, in styles that must pass."""

import bisect
import math
from collections import Counter, defaultdict

import numpy as np
import torch
from scipy import optimize, special
from sklearn.metrics import ndcg_score

from autograder.checks import right


@right("time_split", "lists and a set of blocked cards", zh="列表推导，加一个冻结卡号的集合")
def split_by_lists(times, cards, frauds, cutoff, delay):
    rows = list(zip(times, cards.tolist(), frauds.tolist(), strict=True))
    train = [i for i, (time, _, _) in enumerate(rows) if time <= cutoff - delay]
    blocked = {rows[i][1] for i in train if rows[i][2]}
    test = [
        i for i, (time, card, _) in enumerate(rows) if not time < cutoff and card not in blocked
    ]
    return train, test


@right("time_split", "tensors", zh="用张量")
def split_by_tensors(times, cards, frauds, cutoff, delay):
    times, cards, frauds = map(torch.as_tensor, (times, cards, frauds))
    known = times + delay <= cutoff
    blocked = torch.isin(cards, cards[known & frauds.bool()])
    return known.nonzero()[:, 0], ((times >= cutoff) & ~blocked).nonzero()[:, 0]


@right("card_features", "one sorted list for each card", zh="每张卡一个有序列表")
def features_by_card(times, cards, amounts, window):
    history = defaultdict(list)
    for i in np.argsort(times, kind="stable"):
        history[int(cards[i])].append((times[i], amounts[i]))
    found = []
    for time, card in zip(times, cards, strict=True):
        moments = [moment for moment, _ in history[int(card)]]
        low, high = (bisect.bisect_left(moments, edge) for edge in (time - window, time))
        spent = [amount for _, amount in history[int(card)][low:high]]
        found.append((len(spent), sum(spent) / len(spent) if spent else 0))
    return found


@right("card_features", "tensors in float32", zh="float32 张量")
def features_in_float32(times, cards, amounts, window):
    times, amounts = (torch.as_tensor(part).float() for part in (times, amounts))
    cards = torch.as_tensor(cards)
    ago = times[:, None] - times
    seen = ((cards[:, None] == cards) & (ago > 0) & (ago <= window)).float()
    count = seen.sum(dim=1)
    return torch.stack([count, seen @ amounts / count.clamp(min=1)], dim=1)


@right("cheapest_threshold", "sorting once, with running sums", zh="排序一次，用累计和")
def threshold_by_sorting(frauds, scores, amounts, review_cost):
    order = np.argsort(-scores, kind="stable")
    saved = np.cumsum((amounts * frauds)[order])
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    lost = (amounts * frauds).sum()
    costs = [lost, *(lost - saved[ends] + review_cost * (ends + 1))]
    best = int(np.argmin(costs))
    return (math.inf if best == 0 else scores[order][ends[best - 1]]), costs[best]


@right("cheapest_threshold", "a loop from the top, in float32", zh="从高到低循环，float32")
def threshold_by_loop(frauds, scores, amounts, review_cost):
    scores, amounts = scores.astype(np.float32), amounts.astype(np.float32)
    best = math.inf, amounts[frauds == 1].sum()
    for threshold in np.unique(scores)[::-1]:
        alarm = scores >= threshold
        cost = alarm.sum() * review_cost + amounts[(frauds == 1) & ~alarm].sum()
        if cost < best[1]:
            best = threshold, cost
    return best


@right("ewma_scores", "weights of all samples at once", zh="一次写出所有采样点的权重")
def scores_by_matrix(healthy, signal, weight):
    t = np.arange(len(signal))
    ago = t[:, None] - t
    weights = np.where(ago >= 0, weight * (1 - weight) ** np.maximum(ago, 0), 0)
    mean, deviation = (
        healthy.mean(),
        np.sqrt(((healthy - healthy.mean()) ** 2).sum() / (len(healthy) - 1)),
    )
    return np.abs(weights @ (signal - mean)) / (deviation * np.sqrt((weights**2).sum(axis=1)))


@right("ewma_scores", "torch in float32, and NumPy's root at the end", zh="用 float32 的 torch")
def scores_in_float32(healthy, signal, weight):
    healthy, signal = (torch.tensor(part, dtype=torch.float32) for part in (healthy, signal))
    z, path = healthy.mean(), []
    for x in signal:
        z = z + weight * (x - z)
        path.append(z)
    t = torch.arange(1, len(signal) + 1)
    variance = healthy.var() * weight / (2 - weight) * (1 - (1 - weight) ** (2 * t))
    return (torch.stack(path) - healthy.mean()).abs() / variance.sqrt()


@right("score_alarms", "a loop over the faults", zh="对故障循环")
def alarms_by_loop(alarms, faults, lead, horizon):
    counts, good = Counter({"caught": 0, "late": 0, "missed": 0}), set()
    for fault in faults.tolist():
        mine = {alarm for alarm in alarms.tolist() if fault - horizon <= alarm <= fault}
        good |= mine
        kind = "missed" if not mine else "caught" if min(mine) <= fault - lead else "late"
        counts[kind] += 1
    return {**counts, "false_alarms": sum(alarm not in good for alarm in alarms.tolist())}


@right("estimate_ability", "a root of the slope, by SciPy", zh="用 SciPy 求斜率的根")
def ability_by_root(answers, difficulty, discrimination, prior_std=1.0):
    keep = np.isfinite(answers)
    y, b, a = (part[keep] for part in (answers, difficulty, discrimination))
    if prior_std == math.inf and y.sum() in (0, len(y)):
        return np.inf if y.any() else -np.inf

    def slope(theta):
        return np.dot(a, y - special.expit(a * (theta - b))) - theta / prior_std**2

    return optimize.brentq(slope, -60, 60)


@right("estimate_ability", "L-BFGS in torch, float32", zh="用 torch 的 L-BFGS，float32")
def ability_by_torch(answers, difficulty, discrimination, prior_std=1.0):
    y, b, a = (
        torch.tensor(part, dtype=torch.float32) for part in (answers, difficulty, discrimination)
    )
    keep = ~y.isnan()
    y, b, a = y[keep], b[keep], a[keep]
    if math.isinf(prior_std) and y.unique().numel() == 1:
        return math.copysign(math.inf, y[0].item() - 0.5)
    low, high = torch.tensor(-50.0), torch.tensor(50.0)
    while high - low > 1e-5 * max(1.0, float(abs(low))):
        theta = (low + high) / 2
        up = (a * (y - torch.sigmoid(a * (theta - b)))).sum() > theta / prior_std**2
        low, high = (theta, high) if up else (low, theta)
    return theta


@right("fit_rasch", "Newton steps by turns until nothing moves", zh="轮流做牛顿步，直到不再变化")
def rasch_by_turns(responses, prior_std=1.0):
    asked, y, tight = ~np.isnan(responses), np.nan_to_num(responses), 1 / prior_std**2
    theta, b, moved = np.zeros(len(y)), np.zeros(y.shape[1]), math.inf
    while moved > 1e-8:
        p = asked * special.expit(theta[:, None] - b)
        up = ((y - p).sum(1) - tight * theta) / ((p * (1 - p)).sum(1) + tight)
        theta = theta + up
        p = asked * special.expit(theta[:, None] - b)
        down = ((y - p).sum(0) + tight * b) / ((p * (1 - p)).sum(0) + tight)
        b = b - down
        moved = max(abs(up).max(), abs(down).max())
    return theta, b


@right("fit_rasch", "SciPy's minimiser, without a gradient", zh="用 SciPy 的优化器，不给梯度")
def rasch_by_scipy(responses, prior_std=1.0):
    n = len(responses)
    row, column = np.nonzero(~np.isnan(responses))
    sign = 2 * responses[row, column] - 1

    def loss(both):
        fit = np.logaddexp(0, -sign * (both[row] - both[n + column])).sum()
        return fit + (both**2).sum() / (2 * prior_std**2)

    found = optimize.minimize(loss, np.zeros(sum(responses.shape)), method="L-BFGS-B",
                              options={"ftol": 1e-12, "maxfun": 100_000}).x  # fmt: skip
    return found[:n].tolist(), found[n:].tolist()


@right("bm25_scores", "a table of counts", zh="先做词频表")
def bm25_by_table(query, documents, k1=1.2, b=0.75):
    words = sorted({token for document in documents for token in document})
    counts = np.array(
        [[Counter(document)[word] for word in words] for document in documents], float
    )
    lengths = counts.sum(axis=1, keepdims=True)
    idf = np.log1p((len(documents) - (counts > 0).sum(0) + 0.5) / ((counts > 0).sum(0) + 0.5))
    gains = idf * counts / (counts + k1 * (1 - b + b * lengths / lengths.mean()) + (counts == 0))
    return gains @ np.array([query.count(word) for word in words], float)


@right("bm25_scores", "plain loops, in float32", zh="普通循环，float32")
def bm25_by_loops(query, documents, k1=1.2, b=0.75):
    total, mean = len(documents), sum(len(document) for document in documents) / len(documents)
    scores = np.zeros(total, dtype=np.float32)
    for token, times in Counter(query).items():
        holding = sum(1 for document in documents if token in document)
        weight = math.log((total + 1) / (holding + 0.5))
        for i, document in enumerate(documents):
            often = document.count(token)
            if often:
                rest = k1 * (1 - b + b * len(document) / mean)
                scores[i] += times * weight / (1 + rest / often)
    return scores


@right(
    "ranking_metrics",
    "scikit-learn's nDCG, ties broken first",
    zh="先打破同分，再用 scikit-learn 的 nDCG",
)
def metrics_by_sklearn(scores, relevance, k):
    rows = np.flatnonzero(relevance.max(axis=1) > 0)
    order = np.lexsort((np.broadcast_to(np.arange(scores.shape[1]), scores.shape), -scores))[rows]
    places = np.argsort(order, axis=1)  # the place of each document, from 0
    good = relevance[rows] > 0
    first = np.where(good, places, 10**9).min(axis=1)
    return {
        "recall": float(((places < k) & good).sum(1) @ (1 / good.sum(1)) / len(rows)),
        "mrr": float(np.where(first < k, 1 / (first + 1.0), 0).mean()),
        "ndcg": ndcg_score(relevance[rows].astype(float), -places.astype(float), k=k),
    }


@right("ranking_metrics", "torch, query by query", zh="用 torch，逐个查询")
def metrics_by_torch(scores, relevance, k):
    scores, relevance = torch.as_tensor(scores).float(), torch.as_tensor(relevance).float()
    rows = []
    for s, r in zip(scores, relevance, strict=True):
        if r.sum() == 0:
            continue
        ranked = r[s.argsort(descending=True, stable=True)]
        discount = torch.log2(torch.arange(len(r)) + 2.0)
        hits = (ranked[:k] > 0).nonzero()
        dcg, ideal = ((x / discount)[:k].sum() for x in (ranked, r.sort(descending=True).values))
        rows.append(
            [len(hits) / (r > 0).sum(), 1 / (hits[0, 0] + 1) if len(hits) else 0, dcg / ideal]
        )
    return dict(zip(["recall", "mrr", "ndcg"], torch.tensor(rows).mean(dim=0), strict=True))


@right("pipeline_latency", "request by request, with sorted()", zh="逐个请求，用 sorted()")
def latency_by_request(stages, plan, budget):
    totals = []
    for request in zip(*stages.values(), strict=True):
        spent = dict(zip(stages, request, strict=True))
        totals.append(
            sum(spent[s] if isinstance(s, str) else max(spent[n] for n in s) for s in plan)
        )
    totals.sort()
    p50, p99 = (totals[-(-percent * len(totals) // 100) - 1] for percent in (50, 99))
    return {"p50": p50, "p99": p99, "within": sum(t <= budget for t in totals) / len(totals)}


@right("pipeline_latency", "torch in float32", zh="用 float32 的 torch")
def latency_by_torch(stages, plan, budget):
    columns = {name: torch.tensor(values, dtype=torch.float32) for name, values in stages.items()}
    total = sum(
        columns[s] if isinstance(s, str) else torch.stack([columns[n] for n in s]).amax(dim=0)
        for s in plan
    )
    share = torch.arange(1, len(total) + 1).double() / len(total)
    ordered = total.sort().values
    p50, p99 = (ordered[(share >= p - 1e-9).nonzero()[0, 0]] for p in (0.5, 0.99))
    return {"p50": p50, "p99": p99, "within": (total <= budget).float().mean()}


@right("stopping_distance", "plain Python, halving an interval", zh="纯 Python，区间二分")
def stopping_by_halving(latencies, speed, deceleration, sight):
    ordered = sorted(float(ms) for ms in latencies)
    wait = ordered[-(-99 * len(ordered) // 100) - 1] / 1000
    low, high = 0.0, 1000.0
    for _ in range(60):
        v = (low + high) / 2
        low, high = (v, high) if v * wait + v * v / (2 * deceleration) <= sight else (low, v)
    v = speed / 3.6
    return {"reaction": v * wait, "braking": v * v / (2 * deceleration), "top_speed": low * 3.6}


@right("stopping_distance", "torch in float32, the root in another form", zh="float32 的 torch")
def stopping_by_torch(latencies, speed, deceleration, sight):
    slowest = torch.tensor(latencies).float().sort(descending=True).values
    wait = slowest[len(latencies) // 100] / 1000  # at most one in a hundred is slower
    v, a = torch.tensor(speed / 3.6), deceleration
    top = 2 * sight / (wait + (wait**2 + 2 * sight / a).sqrt())
    return {"reaction": v * wait, "braking": v**2 / (2 * a), "top_speed": 3.6 * top}
