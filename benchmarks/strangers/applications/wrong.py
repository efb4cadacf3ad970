# %% time_split · trains on all payments before the cutoff, although the label of the last ones is not known yet
def time_split(times, cards, frauds, cutoff, delay):
    known = times + delay <= cutoff
    blocked = np.isin(cards, cards[known & (frauds == 1)])
    train = np.flatnonzero(times < cutoff)
    test = np.flatnonzero((times >= cutoff) & ~blocked)
    return train, test

# %% time_split · blocks the cards of all frauds before the cutoff, also of those nobody has complained of yet
def time_split(times, cards, frauds, cutoff, delay):
    train = np.flatnonzero(times + delay <= cutoff)
    blocked = set(cards[(times < cutoff) & (frauds == 1)])
    test = [i for i in np.flatnonzero(times >= cutoff) if cards[i] not in blocked]
    return train, test

# %% time_split · splits by groups: no card of the training may be in the test, fraud or not
def time_split(times, cards, frauds, cutoff, delay):
    train = np.flatnonzero(times + delay <= cutoff)
    seen = np.isin(cards, cards[train])
    test = np.flatnonzero((times >= cutoff) & ~seen)
    return train, test

# %% time_split · gives the indices in the order of time, not ascending
def time_split(times, cards, frauds, cutoff, delay):
    order = np.argsort(times, kind="stable")
    known = times[order] + delay <= cutoff
    train = order[known]
    blocked = np.unique(cards[train][frauds[train] == 1])
    later = order[times[order] >= cutoff]
    return train, later[~np.isin(cards[later], blocked)]

# %% card_features · counts the payment itself among the earlier ones (t' <= t)
def card_features(times, cards, amounts, window):
    out = np.zeros((len(times), 2))
    for i in range(len(times)):
        mask = (cards == cards[i]) & (times >= times[i] - window) & (times <= times[i])
        out[i] = mask.sum(), amounts[mask].mean()
    return out

# %% card_features · takes a payment of the very same time that stands before it as an earlier one
def card_features(times, cards, amounts, window):
    order = np.argsort(times, kind="stable")
    out = np.zeros((len(times), 2))
    history = {}
    for i in order:
        past = [(t, a) for t, a in history.get(cards[i], []) if t >= times[i] - window]
        if past:
            out[i] = len(past), np.mean([a for _, a in past])
        history.setdefault(cards[i], []).append((times[i], amounts[i]))
    return out

# %% card_features · leaves out the payment that lies exactly one window back, as pandas' rolling does
def card_features(times, cards, amounts, window):
    ago = times[:, None] - times[None, :]
    mask = (cards[:, None] == cards[None, :]) & (ago > 0) & (ago < window)
    count = mask.sum(axis=1)
    return np.stack([count, mask @ amounts / np.maximum(count, 1)], axis=1)

# %% card_features · returns the rows sorted by card and time, not in the order given
def card_features(times, cards, amounts, window):
    order = np.lexsort((times, cards))
    times, cards, amounts = times[order], cards[order], amounts[order]
    rows = []
    for t, card in zip(times, cards):
        mask = (cards == card) & (times >= t - window) & (times < t)
        rows.append([mask.sum(), amounts[mask].mean() if mask.any() else 0.0])
    return np.array(rows)

# %% cheapest_threshold · charges the review for false alarms only, so that a right alarm is free
def cheapest_threshold(frauds, scores, amounts, review_cost):
    best = (np.inf, amounts[frauds == 1].sum())
    for threshold in np.unique(scores)[::-1]:
        alarm = scores >= threshold
        cost = review_cost * (alarm & (frauds == 0)).sum() + amounts[~alarm & (frauds == 1)].sum()
        if cost < best[1]:
            best = (threshold, cost)
    return best

# %% cheapest_threshold · infinity (no alarm at all) is not among the candidates
def cheapest_threshold(frauds, scores, amounts, review_cost):
    thresholds = np.unique(scores)[::-1]
    costs = []
    for threshold in thresholds:
        alarm = scores >= threshold
        costs.append(review_cost * alarm.sum() + amounts[~alarm & (frauds == 1)].sum())
    best = int(np.argmin(costs))
    return thresholds[best], costs[best]

# %% cheapest_threshold · walks through the sorted payments one by one, and so cuts between equal scores
def cheapest_threshold(frauds, scores, amounts, review_cost):
    order = np.argsort(-scores, kind="stable")
    loss = np.where(frauds == 1, amounts, 0.0)[order]
    cost = review_cost * np.arange(len(scores) + 1) + loss.sum() - np.concatenate([[0.0], np.cumsum(loss)])
    best = int(np.argmin(cost))
    threshold = np.inf if best == 0 else scores[order][best - 1]
    return float(threshold), float(cost[best])

# %% cheapest_threshold · of several cheapest thresholds gives the lowest
def cheapest_threshold(frauds, scores, amounts, review_cost):
    best_threshold, best_cost = None, float("inf")
    for threshold in [*np.unique(scores), np.inf]:
        alarm = scores >= threshold
        cost = review_cost * alarm.sum() + (amounts * frauds)[~alarm].sum()
        if cost < best_cost:
            best_threshold, best_cost = threshold, cost
    return best_threshold, best_cost

# %% ewma_scores · divides by the limit of the standard deviation, without the factor for the first steps
def ewma_scores(healthy, signal, weight):
    mu, s = healthy.mean(), healthy.std(ddof=1)
    z, scores = mu, []
    for x in signal:
        z = weight * x + (1 - weight) * z
        scores.append(abs(z - mu) / (s * np.sqrt(weight / (2 - weight))))
    return np.array(scores)

# %% ewma_scores · standard deviation with n, NumPy's default
def ewma_scores(healthy, signal, weight):
    mu, s = np.mean(healthy), np.std(healthy)
    z, scores = mu, []
    for t, x in enumerate(signal, 1):
        z = weight * x + (1 - weight) * z
        scores.append(abs(z - mu) / (s * np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t)))))
    return np.array(scores)

# %% ewma_scores · starts the average at the first number of the signal (as pandas with adjust=False), not at the healthy mean
def ewma_scores(healthy, signal, weight):
    mu, s = healthy.mean(), healthy.std(ddof=1)
    z = [signal[0]]
    for x in signal[1:]:
        z.append(weight * x + (1 - weight) * z[-1])
    t = np.arange(1, len(signal) + 1)
    spread = np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t)))
    return np.abs(np.array(z) - mu) / (s * spread)

# %% ewma_scores · no absolute value, so that a signal that falls has negative scores
def ewma_scores(healthy, signal, weight):
    mu, s = healthy.mean(), healthy.std(ddof=1)
    z, scores = mu, []
    for t, x in enumerate(signal, 1):
        z = weight * x + (1 - weight) * z
        spread = np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t)))
        scores.append((z - mu) / (s * spread))
    return np.array(scores)

# %% score_alarms · an alarm that comes late for its fault is counted as a false alarm, too
def score_alarms(alarms, faults, lead, horizon):
    caught = late = missed = 0
    for f in faults:
        if any(f - horizon <= a <= f - lead for a in alarms):
            caught += 1
        elif any(f - lead < a <= f for a in alarms):
            late += 1
        else:
            missed += 1
    false = sum(not any(f - horizon <= a <= f - lead for f in faults) for a in alarms)
    return {"caught": caught, "late": late, "missed": missed, "false_alarms": false}

# %% score_alarms · each alarm announces only the next fault after it, never two
def score_alarms(alarms, faults, lead, horizon):
    faults = np.sort(faults)
    early, tardy = set(), set()
    false = 0
    for a in alarms:
        i = np.searchsorted(faults, a)
        if i == len(faults) or faults[i] - a > horizon:
            false += 1
        elif faults[i] - a >= lead:
            early.add(i)
        else:
            tardy.add(i)
    late = len(tardy - early)
    return {
        "caught": len(early),
        "late": late,
        "missed": len(faults) - len(early) - late,
        "false_alarms": false,
    }

# %% score_alarms · a fault with an alarm in time and another after that is counted as caught and as late
def score_alarms(alarms, faults, lead, horizon):
    a, f = np.asarray(alarms)[None, :], np.asarray(faults)[:, None]
    in_time = (a >= f - horizon) & (a <= f - lead)
    late = (a > f - lead) & (a <= f)
    return {
        "caught": int(in_time.any(axis=1).sum()),
        "late": int(late.any(axis=1).sum()),
        "missed": int((~(in_time | late).any(axis=1)).sum()),
        "false_alarms": int((~(in_time | late).any(axis=0)).sum()),
    }

# %% estimate_ability · counts a question that was not asked as wrong
def estimate_ability(answers, difficulty, discrimination, prior_std=1.0):
    y = np.nan_to_num(answers)
    if np.isinf(prior_std) and (y == 1).all():
        return np.inf
    if np.isinf(prior_std) and (y == 0).all():
        return -np.inf
    low, high = -100.0, 100.0
    for _ in range(80):
        theta = (low + high) / 2
        p = 0.5 * (1 + np.tanh(discrimination * (theta - difficulty) / 2))
        if (discrimination * (y - p)).sum() - theta / prior_std**2 > 0:
            low = theta
        else:
            high = theta
    return theta

# %% estimate_ability · the prior's slope is theta / std, not theta / std²
from scipy.optimize import brentq
from scipy.special import expit


def estimate_ability(answers, difficulty, discrimination, prior_std=1.0):
    asked = ~np.isnan(answers)
    y, b, a = answers[asked], difficulty[asked], discrimination[asked]
    if math.isinf(prior_std) and y.min() == y.max():
        return math.inf if y[0] == 1 else -math.inf
    return brentq(lambda t: (a * (y - expit(a * (t - b)))).sum() - t / prior_std, -1000, 1000)

# %% estimate_ability · returns the mean of the posterior (EAP, by quadrature) in place of its maximum
from scipy.special import expit


def estimate_ability(answers, difficulty, discrimination, prior_std=1.0):
    asked = ~np.isnan(answers)
    y, b, a = answers[asked], difficulty[asked], discrimination[asked]
    if math.isinf(prior_std) and (y == 1).all():
        return math.inf
    if math.isinf(prior_std) and (y == 0).all():
        return -math.inf
    width = 8 * prior_std if np.isfinite(prior_std) else 30
    theta = np.linspace(-width, width, 4001)
    logit = a * (theta[:, None] - b)
    log_posterior = (y * logit - np.logaddexp(0, logit)).sum(axis=1) - theta**2 / (2 * prior_std**2)
    posterior = np.exp(log_posterior - log_posterior.max())
    return (theta * posterior).sum() / posterior.sum()

# %% estimate_ability · searches between -4 and 4 only, so that all right without a prior gives 4 in place of infinity
from scipy.optimize import minimize_scalar


def estimate_ability(answers, difficulty, discrimination, prior_std=1.0):
    asked = ~np.isnan(answers)
    y, b, a = answers[asked], difficulty[asked], discrimination[asked]

    def loss(theta):
        logit = a * (theta - b)
        return (np.logaddexp(0, logit) - y * logit).sum() + theta**2 / (2 * prior_std**2)

    return minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-6}).x

# %% fit_rasch · a prior on the abilities only, none on the difficulties
from scipy.optimize import minimize
from scipy.special import expit


def fit_rasch(responses, prior_std=1.0):
    n = len(responses)
    asked, y = ~np.isnan(responses), np.nan_to_num(responses)

    def loss(x):
        theta, b = x[:n], x[n:]
        logit = theta[:, None] - b
        value = (asked * (np.logaddexp(0, logit) - y * logit)).sum() + (theta**2).sum() / (2 * prior_std**2)
        error = asked * (expit(logit) - y)
        return value, np.concatenate([error.sum(1) + theta / prior_std**2, -error.sum(0)])

    x = minimize(loss, np.zeros(sum(responses.shape)), jac=True, options={"gtol": 1e-8}).x
    return x[:n], x[n:]

# %% fit_rasch · shifts the difficulties to mean 0 afterwards, and the abilities with them
from scipy.optimize import minimize
from scipy.special import expit


def fit_rasch(responses, prior_std=1.0):
    n = len(responses)
    asked, y = ~np.isnan(responses), np.nan_to_num(responses)

    def loss(x):
        logit = x[:n, None] - x[n:]
        value = (asked * (np.logaddexp(0, logit) - y * logit)).sum() + (x**2).sum() / (2 * prior_std**2)
        error = asked * (expit(logit) - y)
        return value, np.concatenate([error.sum(1), -error.sum(0)]) + x / prior_std**2

    x = minimize(loss, np.zeros(sum(responses.shape)), jac=True, options={"gtol": 1e-8}).x
    shift = x[n:].mean()
    return x[:n] - shift, x[n:] - shift

# %% fit_rasch · stops after 50 small steps of gradient ascent, far from the maximum
def fit_rasch(responses, prior_std=1.0):
    asked, y = ~np.isnan(responses), np.nan_to_num(responses)
    theta, b = np.zeros(responses.shape[0]), np.zeros(responses.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-(theta[:, None] - b)))
        error = np.where(asked, y - p, 0.0)
        theta = theta + 0.01 * (error.sum(axis=1) - theta / prior_std**2)
        b = b + 0.01 * (-error.sum(axis=0) - b / prior_std**2)
    return theta, b

# %% bm25_scores · the classic form with the factor k1 + 1 in the numerator
def bm25_scores(query, documents, k1=1.2, b=0.75):
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for token in query:
            n = sum(token in other for other in documents)
            idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
            f = document.count(token)
            score += idf * f * (k1 + 1) / (f + k1 * (1 - b + b * len(document) / mean))
        scores.append(score)
    return scores

# %% bm25_scores · counts a token that stands twice in the query once (goes over set(query))
def bm25_scores(query, documents, k1=1.2, b=0.75):
    lengths = np.array([len(d) for d in documents])
    norm = k1 * (1 - b + b * lengths / lengths.mean())
    scores = np.zeros(len(documents))
    for token in set(query):
        f = np.array([d.count(token) for d in documents])
        n = np.count_nonzero(f)
        scores += np.log(1 + (len(documents) - n + 0.5) / (n + 0.5)) * f / (f + norm)
    return scores

# %% bm25_scores · n counts how often the token occurs in all documents, not how many documents hold it
def bm25_scores(query, documents, k1=1.2, b=0.75):
    lengths = np.array([len(d) for d in documents])
    norm = k1 * (1 - b + b * lengths / lengths.mean())
    scores = np.zeros(len(documents))
    for token in query:
        f = np.array([d.count(token) for d in documents])
        n = min(f.sum(), len(documents))
        scores += np.log(1 + (len(documents) - n + 0.5) / (n + 0.5)) * f / (f + norm)
    return scores

# %% ranking_metrics · takes the greatest sum over the k documents that were found, not over all of the query
def ranking_metrics(scores, relevance, k):
    recall, mrr, ndcg = [], [], []
    for s, r in zip(scores, relevance):
        if not (r > 0).any():
            continue
        found = r[np.argsort(-s, kind="stable")][:k]
        discount = 1 / np.log2(np.arange(len(found)) + 2)
        ideal = np.sort(found)[::-1] @ discount
        recall.append((found > 0).sum() / (r > 0).sum())
        mrr.append(1 / (1 + np.argmax(found > 0)) if (found > 0).any() else 0.0)
        ndcg.append(found @ discount / ideal if ideal > 0 else 0.0)
    return {"recall": np.mean(recall), "mrr": np.mean(mrr), "ndcg": np.mean(ndcg)}

# %% ranking_metrics · exponential gain 2^rel - 1 in place of the relevance itself
def ranking_metrics(scores, relevance, k):
    recall, mrr, ndcg = [], [], []
    for s, r in zip(scores, relevance):
        if not (r > 0).any():
            continue
        found, best = r[np.argsort(-s, kind="stable")][:k], np.sort(r)[::-1][:k]
        discount = 1 / np.log2(np.arange(len(found)) + 2)
        recall.append((found > 0).sum() / (r > 0).sum())
        mrr.append(1 / (1 + np.argmax(found > 0)) if (found > 0).any() else 0.0)
        ndcg.append((2.0**found - 1) @ discount / ((2.0**best - 1) @ discount))
    return {"recall": np.mean(recall), "mrr": np.mean(mrr), "ndcg": np.mean(ndcg)}

# %% ranking_metrics · queries without a relevant document enter the means as 0
def ranking_metrics(scores, relevance, k):
    total = np.zeros(3)
    for s, r in zip(scores, relevance):
        found, best = r[np.argsort(-s, kind="stable")][:k], np.sort(r)[::-1][:k]
        discount = 1 / np.log2(np.arange(len(found)) + 2)
        first = 1 / (1 + np.argmax(found > 0)) if (found > 0).any() else 0.0
        total += [
            (found > 0).sum() / max((r > 0).sum(), 1),
            first,
            found @ discount / max(best @ discount, 1e-12),
        ]
    return dict(zip(("recall", "mrr", "ndcg"), total / len(scores)))

# %% ranking_metrics · turns an ascending sort round, so that of equal scores the higher index comes first
def ranking_metrics(scores, relevance, k):
    recall, mrr, ndcg = [], [], []
    for s, r in zip(scores, relevance):
        if r.max() == 0:
            continue
        found, best = r[np.argsort(s, kind="stable")[::-1]][:k], np.sort(r)[::-1][:k]
        discount = 1 / np.log2(np.arange(len(found)) + 2)
        hits = np.flatnonzero(found > 0)
        recall.append(len(hits) / (r > 0).sum())
        mrr.append(1 / (hits[0] + 1) if len(hits) else 0.0)
        ndcg.append(found @ discount / (best @ discount))
    return {"recall": np.mean(recall), "mrr": np.mean(mrr), "ndcg": np.mean(ndcg)}

# %% pipeline_latency · adds up the percentiles of the steps in place of taking those of whole requests
def pipeline_latency(stages, plan, budget):
    steps = [stages[p] if isinstance(p, str) else np.max([stages[n] for n in p], axis=0) for p in plan]
    total = np.sum(steps, axis=0)
    return {
        "p50": sum(np.percentile(step, 50, method="inverted_cdf") for step in steps),
        "p99": sum(np.percentile(step, 99, method="inverted_cdf") for step in steps),
        "within": np.mean(total <= budget),
    }

# %% pipeline_latency · interpolated percentiles, NumPy's default, in place of a value that occurred
def pipeline_latency(stages, plan, budget):
    total = 0
    for step in plan:
        names = [step] if isinstance(step, str) else step
        total = total + np.max([stages[name] for name in names], axis=0)
    return {
        "p50": np.percentile(total, 50),
        "p99": np.percentile(total, 99),
        "within": (total <= budget).mean(),
    }

# %% pipeline_latency · adds the later steps to the first stage's array in place, so that the caller's numbers change
def pipeline_latency(stages, plan, budget):
    def latency(step):
        if isinstance(step, str):
            return stages[step]
        return np.maximum.reduce([stages[name] for name in step])

    total = latency(plan[0])
    for step in plan[1:]:
        total += latency(step)
    ordered = np.sort(total)
    n = len(ordered)
    return {
        "p50": ordered[-(-50 * n // 100) - 1],
        "p99": ordered[-(-99 * n // 100) - 1],
        "within": (total <= budget).mean(),
    }
