# %% time_split · plain loops over Python lists
def time_split(times, cards, frauds, cutoff, delay):
    blocked = set()
    training, test = [], []
    for i in range(len(times)):
        if times[i] + delay <= cutoff:
            training.append(i)
            if frauds[i] == 1:
                blocked.add(cards[i])
    for i in range(len(times)):
        if times[i] >= cutoff and cards[i] not in blocked:
            test.append(i)
    return training, test

# %% card_features · two nested loops, list of lists
def card_features(times, cards, amounts, window):
    rows = []
    for i in range(len(times)):
        count, total = 0, 0.0
        for j in range(len(times)):
            if cards[j] == cards[i] and times[i] - window <= times[j] and times[j] < times[i]:
                count += 1
                total += float(amounts[j])
        rows.append([count, total / count if count > 0 else 0.0])
    return rows

# %% cheapest_threshold · tries every candidate from the highest down
def cheapest_threshold(frauds, scores, amounts, review_cost):
    candidates = [math.inf] + sorted({float(s) for s in scores}, reverse=True)
    best, best_cost = None, None
    for threshold in candidates:
        alarms, losses = 0, []
        for i in range(len(scores)):
            if scores[i] >= threshold:
                alarms += 1
            elif frauds[i] == 1:
                losses.append(float(amounts[i]))
        cost = alarms * review_cost + math.fsum(losses)
        if best is None or cost < best_cost:
            best, best_cost = threshold, cost
    return best, best_cost

# %% ewma_scores · plain loop, statistics by hand
def ewma_scores(healthy, signal, weight):
    n = len(healthy)
    mu = sum(float(x) for x in healthy) / n
    s = math.sqrt(sum((float(x) - mu) ** 2 for x in healthy) / (n - 1))
    z, result = mu, []
    for t in range(1, len(signal) + 1):
        z = weight * float(signal[t - 1]) + (1 - weight) * z
        root = math.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t)))
        result.append(abs(z - mu) / (s * root))
    return result

# %% score_alarms · loops and counters
def score_alarms(alarms, faults, lead, horizon):
    result = {"caught": 0, "late": 0, "missed": 0, "false_alarms": 0}
    for f in faults:
        early = late = False
        for a in alarms:
            if f - horizon <= a <= f - lead:
                early = True
            elif f - lead < a <= f:
                late = True
        if early:
            result["caught"] += 1
        elif late:
            result["late"] += 1
        else:
            result["missed"] += 1
    for a in alarms:
        announces = False
        for f in faults:
            if f - horizon <= a <= f:
                announces = True
        if not announces:
            result["false_alarms"] += 1
    return result

# %% estimate_ability · bisection on the slope, by hand
def estimate_ability(answers, difficulty, discrimination, prior_std=1.0):
    asked = [j for j in range(len(answers)) if not math.isnan(answers[j])]
    right = sum(1 for j in asked if answers[j] == 1)
    if math.isinf(prior_std):
        if right == len(asked):
            return math.inf
        if right == 0:
            return -math.inf

    def sigmoid(x):
        if x >= 0:
            return 1 / (1 + math.exp(-x))
        e = math.exp(x)
        return e / (1 + e)

    def slope(theta):
        total = 0.0
        for j in asked:
            a, b = float(discrimination[j]), float(difficulty[j])
            total += a * (float(answers[j]) - sigmoid(a * (theta - b)))
        if not math.isinf(prior_std):
            total -= theta / prior_std**2
        return total

    low, high = -1.0, 1.0
    while slope(low) < 0:
        low *= 2
    while slope(high) > 0:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        if slope(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2

# %% fit_rasch · Newton's method on all unknowns, Hessian filled by loops, step halved when needed
def fit_rasch(responses, prior_std=1.0):
    N, M = responses.shape
    cells = [(i, j) for i in range(N) for j in range(M) if not np.isnan(responses[i, j])]
    x = np.zeros(N + M)

    def value(x):
        total = -np.sum(x**2) / (2 * prior_std**2)
        for i, j in cells:
            d = x[i] - x[N + j]
            total += responses[i, j] * d - np.logaddexp(0, d)
        return total

    current = value(x)
    for _ in range(100):
        gradient = -x / prior_std**2
        hessian = -np.eye(N + M) / prior_std**2
        for i, j in cells:
            p = 1 / (1 + math.exp(-(x[i] - x[N + j])))
            gradient[i] += responses[i, j] - p
            gradient[N + j] -= responses[i, j] - p
            w = p * (1 - p)
            hessian[i, i] -= w
            hessian[N + j, N + j] -= w
            hessian[i, N + j] += w
            hessian[N + j, i] += w
        step = np.linalg.solve(hessian, -gradient)
        size = 1.0
        while size > 1e-6 and value(x + size * step) < current:
            size /= 2
        x = x + size * step
        current = value(x)
        if np.abs(step).max() < 1e-9:
            break
    return x[:N], x[N:]

# %% bm25_scores · loops and list.count
def bm25_scores(query, documents, k1=1.2, b=0.75):
    N = len(documents)
    L = sum(len(d) for d in documents) / N
    result = []
    for d in documents:
        score = 0.0
        for q in query:
            n = sum(1 for e in documents if q in e)
            f = d.count(q)
            idf = math.log(1 + (N - n + 0.5) / (n + 0.5))
            score += idf * f / (f + k1 * (1 - b + b * len(d) / L))
        result.append(score)
    return result

# %% ranking_metrics · loops, sorted() with a key
def ranking_metrics(scores, relevance, k):
    recalls, ranks, ndcgs = [], [], []
    for row, rel in zip(scores, relevance):
        total = sum(1 for r in rel if r > 0)
        if total == 0:
            continue
        order = sorted(range(len(row)), key=lambda i: (-row[i], i))[:k]
        hits, first, dcg = 0, 0.0, 0.0
        for rank, i in enumerate(order, start=1):
            if rel[i] > 0:
                hits += 1
                if first == 0.0:
                    first = 1 / rank
            dcg += float(rel[i]) / math.log2(rank + 1)
        ideal = 0.0
        for rank, r in enumerate(sorted(rel, reverse=True)[:k], start=1):
            ideal += float(r) / math.log2(rank + 1)
        recalls.append(hits / total)
        ranks.append(first)
        ndcgs.append(dcg / ideal)
    n = len(recalls)
    return {"recall": sum(recalls) / n, "mrr": sum(ranks) / n, "ndcg": sum(ndcgs) / n}

# %% pipeline_latency · request by request, sorted list
def pipeline_latency(stages, plan, budget):
    n = len(next(iter(stages.values())))
    totals = []
    for i in range(n):
        total = 0.0
        for step in plan:
            if isinstance(step, str):
                total += float(stages[step][i])
            else:
                total += max(float(stages[name][i]) for name in step)
        totals.append(total)
    totals.sort()
    rank50 = -(-50 * n // 100)
    rank99 = -(-99 * n // 100)
    return {
        "p50": totals[rank50 - 1],
        "p99": totals[rank99 - 1],
        "within": sum(1 for t in totals if t <= budget) / n,
    }
