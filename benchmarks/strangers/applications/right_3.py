# %% time_split · boolean masks and np.where, a tuple of tuples out
def time_split(times, cards, frauds, cutoff, delay):
    known = times + delay <= cutoff
    compromised = set(cards[np.logical_and(known, frauds == 1)].tolist())
    free = np.array([card not in compromised for card in cards.tolist()], dtype=bool)
    (training,) = np.where(known)
    (test,) = np.where(np.logical_and(times >= cutoff, free))
    return tuple(training.tolist()), tuple(test.tolist())

# %% card_features · sort each card's payments, searchsorted and cumulative sums
def card_features(times, cards, amounts, window):
    result = np.zeros((len(times), 2))
    for card in set(np.asarray(cards).tolist()):
        where = np.flatnonzero(cards == card)
        order = where[np.argsort(times[where], kind="stable")]
        t = times[order]
        sums = np.concatenate([[0.0], np.cumsum(amounts[order], dtype=float)])
        start = np.searchsorted(t, t - window, side="left")
        stop = np.searchsorted(t, t, side="left")
        count = stop - start
        result[order, 0] = count
        result[order, 1] = np.where(count > 0, (sums[stop] - sums[start]) / np.maximum(count, 1), 0.0)
    return result

# %% cheapest_threshold · min() over a key with NumPy sums, a list out
def cheapest_threshold(frauds, scores, amounts, review_cost):
    def total(threshold):
        quiet = scores < threshold
        return review_cost * int((~quiet).sum()) + float(amounts[quiet & (frauds == 1)].sum())

    best = min([math.inf, *np.unique(scores)], key=lambda c: (total(c), -c))
    return [best, total(best)]

# %% ewma_scores · scipy.signal.lfilter on the deviations
from scipy.signal import lfilter


def ewma_scores(healthy, signal, weight):
    mu, s = np.mean(healthy), np.std(healthy, ddof=1)
    drift = lfilter([weight], [1, weight - 1], (np.asarray(signal, dtype=float) - mu) / s)
    t = np.arange(1, len(signal) + 1)
    return tuple(np.abs(drift) / np.sqrt(weight * (1 - (1 - weight) ** (2 * t)) / (2 - weight)))

# %% score_alarms · sorted alarms and searchsorted
def score_alarms(alarms, faults, lead, horizon):
    alarms = np.sort(np.asarray(alarms, dtype=float))
    count = {"caught": 0, "late": 0, "missed": 0}
    useful = np.zeros(len(alarms), dtype=bool)
    for fault in faults:
        first = np.searchsorted(alarms, fault - horizon, side="left")
        in_time = np.searchsorted(alarms, fault - lead, side="right")
        end = np.searchsorted(alarms, fault, side="right")
        useful[first:end] = True
        count["caught" if in_time > first else "late" if end > in_time else "missed"] += 1
    return {**count, "false_alarms": np.count_nonzero(~useful)}

# %% estimate_ability · scipy's brentq on the slope, as the lesson does
from scipy.optimize import brentq
from scipy.special import expit


def estimate_ability(answers, difficulty, discrimination, prior_std=1.0):
    asked = np.isfinite(answers)
    y, b, a = answers[asked], difficulty[asked], discrimination[asked]
    if np.isinf(prior_std) and y.mean() in (0, 1):
        return np.inf if y.mean() == 1 else -np.inf

    def slope(theta):
        return np.sum(a * (y - expit(a * (theta - b)))) - theta / prior_std**2

    bound = 10.0
    while slope(-bound) * slope(bound) > 0:
        bound *= 4
    return brentq(slope, -bound, bound, xtol=1e-7)

# %% fit_rasch · scipy.optimize.minimize with the gradient, arrays in a list
from scipy.optimize import minimize
from scipy.special import expit


def fit_rasch(responses, prior_std=1.0):
    n, _ = responses.shape
    asked = ~np.isnan(responses)
    filled = np.nan_to_num(responses)

    def loss(x):
        logit = x[:n, None] - x[None, n:]
        value = (asked * (np.logaddexp(0, logit) - filled * logit)).sum() + (x @ x) / (2 * prior_std**2)
        residual = asked * (expit(logit) - filled)
        slope = np.concatenate([residual.sum(axis=1), -residual.sum(axis=0)]) + x / prior_std**2
        return value, slope

    options = {"maxiter": 10_000, "maxfun": 100_000, "ftol": 1e-15, "gtol": 1e-9, "maxcor": 30}
    x = minimize(loss, np.zeros(sum(responses.shape)), jac=True, method="L-BFGS-B", options=options).x
    return [x[:n], x[n:]]

# %% bm25_scores · class with Counters, as the packages do
from collections import Counter


class BM25:
    def __init__(self, documents, k1, b):
        self.counts = [Counter(document) for document in documents]
        self.lengths = np.array([len(document) for document in documents], dtype=float)
        self.norm = k1 * (1 - b + b * self.lengths / self.lengths.mean())
        self.document_frequency = Counter(token for count in self.counts for token in count)

    def weight(self, token):
        n = self.document_frequency[token]
        return np.log((len(self.counts) + 1) / (n + 0.5))  # the same as ln(1 + (N - n + .5)/(n + .5))

    def score(self, query):
        total = np.zeros(len(self.counts))
        for token, times in Counter(query).items():
            f = np.array([count[token] for count in self.counts])
            total += times * self.weight(token) * (1 - self.norm / (f + self.norm))
        return total


def bm25_scores(query, documents, k1=1.2, b=0.75):
    return BM25(documents, k1, b).score(query)

# %% ranking_metrics · sklearn's ndcg_score on ranks without ties
from sklearn.metrics import ndcg_score


def ranking_metrics(scores, relevance, k):
    some = (np.asarray(relevance) > 0).any(axis=1)
    scores, relevance = np.asarray(scores)[some], np.asarray(relevance)[some]
    order = np.argsort(-scores.astype(float), axis=1, kind="stable")
    rank = np.argsort(order, axis=1) + 1
    hit = (relevance > 0) & (rank <= k)
    blank = np.zeros((len(rank), 1))  # one more document, last and irrelevant: sklearn wants two
    return {
        "recall": np.mean(hit.sum(axis=1) / (relevance > 0).sum(axis=1)),
        "mrr": np.mean(np.where(hit, 1 / rank, 0).max(axis=1)),
        "ndcg": ndcg_score(np.hstack([relevance, blank]), np.hstack([1.0 / rank, blank]), k=int(k)),
    }

# %% pipeline_latency · NumPy's inverted_cdf percentile
def pipeline_latency(stages, plan, budget):
    total = np.sum(
        [stages[s] if isinstance(s, str) else np.max([stages[n] for n in s], axis=0) for s in plan], axis=0
    )
    p50, p99 = np.percentile(total, [50, 99], method="inverted_cdf")
    return dict(p50=p50, p99=p99, within=np.mean(total <= budget))
