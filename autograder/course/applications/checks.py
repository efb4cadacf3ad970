"""Probes for `applications`: small drawn cases, times and amounts in exact steps."""

import math

import numpy as np

from autograder.checks import Tolerance, check, fixture

from .instruments import kept, parts_of, plain, priced, ratios, sharp_one_wrong, whose

# Right answers in float32 differ by less than these, the nearest misconception by far more.
CLOSE = Tolerance(absolute=1e-4, relative=1e-4)
FITTED = 2e-3  # what is asked for within 0.001, from either side
SCORES = Tolerance(absolute=2e-3, relative=1e-3)


# --- time_split ---------------------------------------------------------------------------


@fixture
def history(rng):
    """60 payments in any order: times in quarter days, few cards, some frauds."""
    times = rng.integers(0, 200, 60) / 4
    cards, frauds = rng.integers(0, 25, 60), (rng.random(60) < 0.12).astype(int)
    first, last = times.argmin(), times.argmax()
    cards[last], frauds[first], frauds[last] = cards[first], 1, 0  # one card is blocked for sure
    return times, cards, frauds


@check("The model learns from payments whose label is known at the cutoff, and from all of them.",
       zh="模型用到 cutoff 时标签已知的交易来训练，一笔不少，一笔不多。", close=0)  # fmt: skip
def learns_from_known_labels(time_split, history):
    times, cards, _ = history
    return parts_of(time_split, times, cards, np.zeros(60, int), 30.0, 6.0)


@check(
    "What lies exactly at the edge counts: a label that becomes known at the cutoff, a payment at "
    "the cutoff; either part may be empty.",
    zh="恰好在边界上的也算：cutoff 那一刻才知道的标签，cutoff 那一刻发生的交易；两组都可能为空。",
    close=0,
)
def edges_count(time_split, rng):
    cutoff = float(rng.integers(10, 20))
    times = rng.permutation(cutoff + np.array([-3.0, -2.25, -2.0, -1.75, -0.25, 0.0, 0.25, 2.0]))
    cards, frauds = np.arange(8), np.zeros(8, int)
    found = [time_split(times, cards, frauds, cutoff, delay) for delay in (2.0, 0.25)]
    outside = [time_split(times, cards, frauds, cutoff + days, 2.0) for days in (-9, 9)]
    return {
        "from the cutoff": [
            [np.sort(times[plain(part)] - cutoff) for part in parts] for parts in found
        ],
        "how many, before and after all": [[len(plain(part)) for part in x] for x in outside],
    }


@check("Cards with a fraud that is known at the cutoff are not tested on.",
       zh="到 cutoff 时已知有过欺诈的卡，不参与测试。", close=0)  # fmt: skip
def blocked_cards_are_left_out(time_split, history):
    return parts_of(time_split, *history, 30.0, 1.0)


@check("A fraud of which nobody knows yet blocks no card; the arguments stay as they are.",
       zh="还没有人知道的欺诈，不会让卡被冻结；传入的数组不变。", close=0)  # fmt: skip
def unknown_frauds_block_nothing(time_split, rng):
    cards = rng.permutation(6)
    times = np.array([8.0, 9.5, 11.0, 12.0, 12.5, 14.0, 15.0, 16.0, 17.0])
    who = cards[[0, 1, 2, 0, 1, 2, 3, 3, 4]]
    frauds = np.array([1, 1, 0, 0, 1, 1, 1, 0, 0])
    order = rng.permutation(9)

    def tested(parts):
        return sorted(times[order][plain(parts[1])].tolist())

    return kept(tested, time_split, times[order], who[order], frauds[order], 11.0, 2.0)


# --- card_features ------------------------------------------------------------------------


@fixture
def spending(rng):
    """40 payments of six cards in any order, in quarter days; whole amounts."""
    return (
        rng.integers(0, 60, 40) / 4,
        rng.integers(0, 6, 40),
        rng.integers(1, 90, 40).astype(float),
    )


@check("Each payment is given the number and the mean amount of its card's earlier payments.",
       zh="每笔交易得到的是同一张卡更早交易的笔数和平均金额。", close=CLOSE)  # fmt: skip
def counts_earlier_payments(card_features, spending):
    return np.asarray(card_features(*spending, 4.0))


@check("What comes later changes nothing: the features of the first days stay as they are.",
       zh="后来发生的事不影响先前的特征。", close=CLOSE)  # fmt: skip
def later_payments_change_nothing(card_features, spending, rng):
    times, cards, amounts = (part[np.argsort(spending[0], kind="stable")] for part in spending)
    then = [np.asarray(card_features(times[:n], cards[:n], amounts[:n], 6.0)) for n in (20, 40)]
    later = amounts.copy()
    later[20:] += rng.integers(50, 500, 20)
    changed = np.asarray(card_features(times, cards, later, 6.0))
    early = times[:20] < times[20]
    return [part[:20][early] for part in (*then, changed)]


@check(
    "The window begins exactly that many days before; a payment of the same time is not earlier.",
    zh="窗口恰好从那么多天前开始，时间相同的不算更早。",
    close=CLOSE,
)
def edges_of_the_window(card_features, rng):
    roles = ["itself", "same time", "window's begin", "before it", "within", "later", "other card"]
    times = rng.integers(10, 90) + np.array([0, 0, -2, -2.25, -1.75, 1.5, -1])
    cards, amounts = np.array([7, 7, 7, 7, 7, 7, 8]), 5.0 ** np.arange(7)
    found = np.asarray(card_features(times, cards, amounts, 2.0))
    count, mean = np.nan_to_num(found[0, :2]).tolist()
    return {"all": found, "count": count, "whose": whose(count, mean, roles)}


@check("Where there is no earlier payment both are 0, and the arguments stay as they are.",
       zh="没有更早的交易时两个数都是 0；传入的数组不变。", close=CLOSE)  # fmt: skip
def nothing_earlier_is_zero(card_features, rng):
    times, cards = rng.permutation(8) / 4 + 3.0, np.arange(8) % 5
    amounts = rng.integers(1, 9, 8).astype(float)
    return kept(np.asarray, card_features, times, cards, amounts, 0.5)


# --- cheapest_threshold -------------------------------------------------------------------


@fixture
def cases(rng):
    """80 payments with whole amounts and scores that tell something: 25 levels, on no grid."""
    frauds = (rng.random(80) < 0.2).astype(int)
    levels = np.sort(rng.normal(size=25))
    scores = levels[np.clip(np.rint(rng.normal(9 + 7 * frauds, 5)).astype(int), 0, 24)]
    return frauds, scores, rng.integers(5, 100, 80).astype(float)


def _pair(found):
    threshold, cost = found
    return [float(threshold), float(cost)]


@check(
    "Alarms are paid for, missed frauds cost their amounts, and the sum is as small as it can be.",
    zh="报警要花钱，漏掉的欺诈损失金额，总和达到最小。",
    close=CLOSE,
)
def total_is_least(cheapest_threshold, cases):
    return [priced(cheapest_threshold, cases, review) for review in (3.0, 10.0, 25.0, 60.0)]


@check(
    "If reviews cost more than they save, the threshold is infinite and there is no alarm; the "
    "arguments stay as they are.",
    zh="审核比它挽回的还贵时，阈值为无穷大，一次也不报；传入的数组不变。",
    close=CLOSE,
)
def no_alarm_may_be_cheapest(cheapest_threshold, cases):
    return kept(_pair, cheapest_threshold, *cases, 1e4)


@check("Of equally cheap thresholds the highest is taken, and equal scores are not torn apart.",
       zh="代价相同取最高的阈值；分数相同的交易不能拆开。", close=CLOSE)  # fmt: skip
def highest_of_the_cheapest(cheapest_threshold, rng):
    frauds, scores = np.array([1, 0, 1, 0, 0, 1]), np.array([0.9, 0.7, 0.7, 0.7, 0.4, 0.4])
    found = []
    for amounts in ([20.0, 1, 30, 1, 1, 20], [20.0, 1, 29, 1, 1, 8], [10.0, 1, 30, 1, 1, 20]):
        order = rng.permutation(6)
        order = order[np.argsort(-frauds[order], kind="stable")]  # who tears ties gains by it
        values = (part[order] for part in (frauds, scores, np.array(amounts)))
        found.append(_pair(cheapest_threshold(*values, 10.0)))
    return found


# --- ewma_scores --------------------------------------------------------------------------


@fixture
def recording(rng):
    """12 healthy samples and 30 that follow, which drift."""
    level = rng.uniform(3, 6)
    return rng.normal(level, 1, 12), rng.normal(level, 1, 30) + np.linspace(0, 2, 30)


@check(
    "The score is the distance of the moving average from the healthy mean, in its own deviations.",
    zh="分数是移动平均离健康均值的距离，以它自身的标准差为单位。",
    close=SCORES,
)
def distance_in_deviations(ewma_scores, recording):
    return [np.asarray(ewma_scores(*recording, weight)) for weight in (0.1, 0.4)]


@check("A weight of 1 leaves the plain distance of each sample, and the first sample counts.",
       zh="权重为 1 时就是每个采样点自身的距离；第一个采样点也算在内。", close=SCORES)  # fmt: skip
def weight_one_is_the_sample(ewma_scores, recording, rng):
    level, scale = rng.uniform(3, 6), rng.uniform(0.3, 0.6)
    healthy = level + scale * np.array([-1.0, 0, 1])
    once, always = (level + scale * np.array(x) for x in ([1.0, 0, 0, 0, 0], [1.0] * 5))
    at_once, at_always = (np.asarray(ewma_scores(healthy, x, 0.25)) for x in (once, always))
    with np.errstate(all="ignore"):
        path = at_once / at_always  # the root cancels
    return {
        "weight 1": np.asarray(ewma_scores(healthy, level + scale * np.arange(1.0, 6), 1.0)),
        "path": path,
        "scores": at_always,
        "first": np.asarray(ewma_scores(*recording, 0.2))[:2],
    }


@check("No score looks ahead: what comes later does not change it.",
       zh="分数不偷看未来：之后的数据怎么变都不影响它。", close=SCORES)  # fmt: skip
def no_score_looks_ahead(ewma_scores, recording, rng):
    healthy, signal = recording
    other = np.concatenate([signal[:12], signal[12:] + rng.uniform(5, 9)])
    return [
        np.asarray(ewma_scores(healthy, part, 0.3))[:12] for part in (signal, other, signal[:12])
    ]


@check("Falling is as suspicious as rising, in any unit; the arguments stay as they are.",
       zh="下降和上升同样可疑，换什么单位都一样；传入的数组不变。", close=SCORES)  # fmt: skip
def unit_and_direction_do_not_matter(ewma_scores, recording):
    healthy, signal = recording
    return [
        kept(np.asarray, ewma_scores, m * healthy + c, m * signal + c, 0.25)
        for m, c in ((1, 0), (-4, 9))
    ]


# --- score_alarms -------------------------------------------------------------------------


def _counted(result):
    return {name: result[name] for name in ("caught", "late", "missed", "false_alarms")}


@check("Faults are caught, late or missed, and alarms that announce none are false.",
       zh="故障分为及时、太晚和漏报；没有预告任何故障的报警是误报。", close=0)  # fmt: skip
def each_fault_has_its_verdict(score_alarms, rng):
    found = []
    for _ in range(4):
        faults = rng.choice(np.arange(100.0, 1500.0, 90.0), 7, replace=False)
        alarms = rng.integers(0, 6000, 22) / 4
        near = rng.choice(faults, 6, replace=False) - np.array([3.0, 5.0, 30.0, 55.0, 61.0, -4.0])
        found.append(_counted(score_alarms(np.append(alarms, near), faults, 24.0, 60.0)))
    return found


@check(
    "Many alarms before one fault catch it once and are not false; each false alarm counts, and "
    "the arguments stay as they are.",
    zh="一次故障前的多次报警只算抓到一次，也不是误报；误报逐个计数；传入的数组不变。",
    close=0,
)
def repeats_catch_once(score_alarms, rng):
    fault = float(rng.integers(200, 400))
    before = fault - np.array([50.0, 49.0, 40.0, 30.0, 10.0, 2.0])
    wild = fault - np.array([90.0, 90.0, 75.0])
    alarms = np.concatenate([wild, before])[rng.permutation(9)]
    alarms[:2] = alarms[:2].max(), alarms[:2].min()  # in no order
    return kept(_counted, score_alarms, alarms, np.array([fault + 500, fault]), 24.0, 60.0)


@check("An alarm after the fault announces nothing; one just in time does.",
       zh="故障之后的报警什么也没预告；刚好来得及的算数。", close=0)  # fmt: skip
def edges_of_the_notice(score_alarms, rng):
    fault = float(rng.integers(200, 400))
    return [
        _counted(score_alarms(np.array([fault - ahead]), np.array([fault]), 24.0, 60.0))
        for ahead in (60.25, 60.0, 24.0, 23.75, 0.0, -0.25)
    ]


@check("One alarm may announce two faults, and no alarm at all misses every one.",
       zh="一个报警可以预告两次故障；一次都没报，就全部漏报。", close=0)  # fmt: skip
def one_alarm_two_faults(score_alarms, rng):
    start = float(rng.integers(100, 200))
    faults = start + np.array([50.0, 30.0, 10.0])
    return [_counted(score_alarms(np.array(a), faults, 24.0, 60.0)) for a in ([start], [])]


# --- estimate_ability ---------------------------------------------------------------------


@fixture
def exam(rng):
    """Answers of one student to twelve questions, both kinds among them, and the questions."""
    difficulty, discrimination = rng.normal(0.4, 1, 12), rng.uniform(0.4, 2, 12)
    answers = (rng.random(12) < 0.6).astype(float)
    answers[:3] = rng.permutation([0.0, 1.0, 1.0])
    return answers, difficulty, discrimination


@check("The ability maximises the posterior under the standard normal prior.",
       zh="求出的能力在标准正态先验下使后验最大。", close=FITTED)  # fmt: skip
def posterior_is_highest(estimate_ability, exam):
    answers, *questions = exam
    return [estimate_ability(a, *questions) for a in (answers, 1 - answers, np.ones(12))]


@check("Without a prior it maximises the likelihood.",
       zh="没有先验时，使似然最大。", close=FITTED)  # fmt: skip
def likelihood_without_prior(estimate_ability, exam):
    answers, difficulty, discrimination = exam
    drawn = [
        estimate_ability(answers, difficulty + shift, discrimination, prior_std=math.inf)
        for shift in (0, 7.0, -7.0)
    ]
    return {"a sharp one wrong": sharp_one_wrong(estimate_ability), "drawn": drawn}


@check("All right or all wrong without a prior has no finite maximum: inf and -inf.",
       zh="没有先验时，全对或全错没有有限的最大值：inf 和 -inf。", close=FITTED)  # fmt: skip
def all_alike_is_infinite(estimate_ability, exam):
    _, b, a = exam
    some = np.array([np.nan, 1.0, 1.0] + [np.nan] * 9)
    one = np.array([0.0] + [np.nan] * 11)
    alike = (np.ones(12), 0 * b, some, one)
    found = [estimate_ability(y, b, a, prior_std=math.inf) for y in alike]
    return [*map(float, found), *(float(estimate_ability(y, b, a)) for y in (some, one))]


@check("A question that was not asked says nothing, and the arguments stay as they are.",
       zh="没考到的题不提供任何信息；传入的数组不变。", close=FITTED)  # fmt: skip
def not_asked_says_nothing(estimate_ability, exam, rng):
    answers, *questions = exam
    gaps = answers.copy()
    gaps[rng.choice(np.arange(3, 12), 5, replace=False)] = np.nan
    return [
        kept(float, estimate_ability, gaps.copy(), *questions, prior_std=s) for s in (1.0, math.inf)
    ]


@check("The prior is as wide as its standard deviation says.",
       zh="先验的宽度由标准差决定。", close=FITTED)  # fmt: skip
def prior_has_its_width(estimate_ability, exam):
    found = [float(estimate_ability(*exam, prior_std=s)) for s in (0.3, 2.0, 8.0)]
    return {"widths": found, "without": sharp_one_wrong(estimate_ability)}


# --- fit_rasch ----------------------------------------------------------------------------


@fixture
def responses(rng):
    """14 students and 6 questions: 1 and 0."""
    chance = 1 / (1 + np.exp(rng.normal(0.5, 1, 6) - rng.normal(0, 1.2, (14, 1))))
    return (rng.random((14, 6)) < chance).astype(float)


def _fit(found):
    abilities, difficulties = found
    return {"abilities": np.asarray(abilities), "difficulties": np.asarray(difficulties)}


@check(
    "Abilities and difficulties together maximise the posterior, also of students who are right "
    "everywhere and questions that nobody solves.",
    zh="能力和难度一起使后验最大，全对的学生、无人答对的题也不例外。",
    close=FITTED,
)
def joint_posterior_is_highest(fit_rasch, responses):
    lopsided = responses.copy()
    lopsided[0], lopsided[:, 1] = 1.0, 0.0
    return [_fit(fit_rasch(answers)) for answers in (responses, lopsided)]


@check(
    "Who was asked harder questions is the abler for the same answers; gaps say nothing, and stay "
    "where they are.",
    zh="答对比例相同，考难题的人能力更高；空缺不提供信息，传入的数组不变。",
    close=FITTED,
)
def gaps_say_nothing(fit_rasch, responses, rng):
    gaps = np.where(rng.random(responses.shape) < 0.35, np.nan, responses)
    gaps[-1] = gaps[:, -1] = np.nan  # of whom the prior alone speaks
    return kept(_fit, fit_rasch, gaps)


@check("Both priors are as wide as the standard deviation says.",
       zh="两组先验的宽度都由标准差决定。", close=FITTED)  # fmt: skip
def both_priors_have_their_width(fit_rasch, responses):
    alone = [_fit(fit_rasch(np.ones((1, 1)), prior_std=s)) for s in (1.0, 2.0)]
    # The wide ones take long to reach: steps that only nearly fit may be near one by chance.
    widths = [_fit(fit_rasch(responses, prior_std=s)) for s in (0.5, 2.0, 6.0, 10.0)]
    return {"one answer": [[float(x[0]) for x in fit.values()] for fit in alone], "widths": widths}


# --- bm25_scores --------------------------------------------------------------------------


def _texts(rng, count, words=8, longest=12):
    """Documents of drawn tokens; `w0` stands in nearly all of them."""
    lengths = rng.integers(2, longest, count)
    return [["w0", *(f"w{i}" for i in rng.zipf(1.6, size) % words)] for size in lengths]


@check("Scores follow the formula, with the given constants.",
       zh="分数符合公式，并使用给定的常数。", close=CLOSE)  # fmt: skip
def follows_the_formula(bm25_scores, rng):
    documents = _texts(rng, 12)
    found = [bm25_scores(["w1", "w3", "w5"], documents)]
    for k1, b in ((0.4, 0.9), (2.0, 0.0)):
        found.append(bm25_scores(["w1", "w2"], documents, k1=k1, b=b))
    return [np.asarray(scores) for scores in found]


@check("Common tokens add something, rare ones more; each further occurrence less; length counts.",
       zh="常见的词也加分，罕见的更多；再次出现加得更少；篇幅有影响。", close=CLOSE)  # fmt: skip
def common_tokens_add_something(bm25_scores, rng):
    documents = _texts(rng, 7)
    return {**ratios(bm25_scores), "scores": np.asarray(bm25_scores(["w0"], documents))}


@check("A token that the query repeats counts each time, one that no document holds adds nothing.",
       zh="查询里重复的词每次都算；哪篇文档都没有的词不加分。", close=CLOSE)  # fmt: skip
def repeated_tokens_count(bm25_scores, rng):
    documents = _texts(rng, 9)
    queries = (["w1", "w1", "w2"], ["nowhere", "w2"], ["nowhere"])
    return [np.asarray(bm25_scores(query, documents)) for query in queries]


@check("Tokens are compared whole, and an empty document scores 0.",
       zh="词要整个相同才算；空文档得 0 分。", close=CLOSE)  # fmt: skip
def tokens_are_whole(bm25_scores, rng):
    documents = [["cat", "sat"], ["wildcat", "cats"], [], ["a", "cat", "a", "cat"]]
    documents += [["a"] * int(rng.integers(1, 9))]
    return np.asarray(bm25_scores(["cat", "a"], documents))


# --- ranking_metrics ----------------------------------------------------------------------


@fixture
def rankings(rng):
    """Eight queries, 15 documents, graded relevance; scores without ties."""
    relevance = rng.choice([0, 0, 0, 1, 2, 3], (8, 15))
    relevance[:, 0] = rng.integers(1, 4, 8)
    return rng.permuted(np.tile(np.arange(15.0), (8, 1)), axis=1), relevance


def _measured(result):
    return {name: float(result[name]) for name in ("recall", "mrr", "ndcg")}


@check("Recall, reciprocal rank and nDCG are means over the queries.",
       zh="召回率、倒数排名和 nDCG 都是对查询取平均。", close=CLOSE)  # fmt: skip
def means_over_queries(ranking_metrics, rankings):
    return [_measured(ranking_metrics(*rankings, k)) for k in (1, 4, 10)]


@check("The first relevant document counts only within the first k, and k may be greater than N.",
       zh="第一篇相关文档要在前 k 名内才算；k 可以大于 N。", close=CLOSE)  # fmt: skip
def cut_at_k(ranking_metrics, rng):
    scores = -np.tile(np.arange(9.0), (3, 1))
    relevance = np.zeros((3, 9), int)
    for row, rank in enumerate(rng.permutation([1, 4, 7])):
        relevance[row, rank] = row + 1
        relevance[row, 8] = 1
    found = [_measured(ranking_metrics(scores, relevance, k)) for k in (2, 5, 30)]
    grades = np.array([[0, 3, 0, 1, 0, 2]])  # in the order of their ranks
    return {"one query": _measured(ranking_metrics(scores[:1, :6], grades, 2)), "more": found}


@check("Of equal scores the lower index comes first.",
       zh="分数相同，下标小的在前。", close=CLOSE)  # fmt: skip
def ties_keep_their_order(ranking_metrics, rng):
    scores = rng.integers(0, 3, (6, 24)) / 2
    relevance = rng.choice([0, 0, 1, 2], (6, 24))
    relevance[:, 5] = 2
    return [_measured(ranking_metrics(scores, relevance, k)) for k in (2, 5)]


@check("Queries without a relevant document are left out, and the arguments stay as they are.",
       zh="没有相关文档的查询不计入；传入的数组不变。", close=CLOSE)  # fmt: skip
def empty_queries_are_left_out(ranking_metrics, rankings):
    scores, relevance = rankings
    relevance[[1, 4, 5]] = 0
    return kept(_measured, ranking_metrics, scores, relevance, 3)


# --- pipeline_latency ---------------------------------------------------------------------


@fixture
def stages(rng):
    """Five stages in 200 requests, whole milliseconds; a slow request is slow all over."""
    slow = rng.exponential(1, 200)
    return {
        name: np.rint(ms * np.exp(0.6 * rng.normal(size=200)) + ms * slow)
        for name, ms in (("ask", 20), ("bm25", 50), ("vectors", 60), ("rerank", 40), ("tell", 90))
    }


@fixture
def apart(stages, rng):
    """The same times, of which each stage is slow in other requests."""
    return {name: rng.permutation(values) for name, values in stages.items()}


def _timed(result):
    return {name: float(result[name]) for name in ("p50", "p99", "within")}


@check(
    "Percentiles are those of whole requests, not sums of percentiles; the arguments stay as they "
    "are.",
    zh="百分位是整个请求的百分位，不是各阶段百分位之和；传入的数组不变。",
    close=CLOSE,
)
def whole_requests(pipeline_latency, stages, apart):
    plan = ["ask", "rerank", "tell"]
    return [kept(_timed, pipeline_latency, s, plan, 250.0) for s in (stages, apart)]


@check("Of what runs at the same time, the slowest is waited for in each request.",
       zh="同时运行的阶段，每个请求都要等最慢的那个。", close=CLOSE)  # fmt: skip
def slowest_is_waited_for(pipeline_latency, apart):
    plans = (
        ["ask", ["bm25", "vectors"], "tell"],
        [["ask", "bm25", "vectors", "rerank"]],
        [["bm25"], ["vectors", "rerank"], "ask"],
    )
    one = {"a": np.array([30.0]), "b": np.array([50.0]), "c": np.array([7.0])}
    return {
        "50 beside 30, then 7": _timed(pipeline_latency(one, [["a", "b"], "c"], 99.0))["p50"],
        "plans": [_timed(pipeline_latency(apart, plan, 200.0)) for plan in plans],
    }


@check("A percentile is a latency that occurred: the smallest with enough requests at or below it.",
       zh="百分位是真实出现过的延迟：不超过它的请求达到比例的最小值。", close=CLOSE)  # fmt: skip
def nearest_rank(pipeline_latency, rng):
    found = []
    for count in (1, 4, 7, 150):
        values = rng.permutation(np.cumsum(rng.integers(1, 400, count))).astype(float)
        told = _timed(pipeline_latency({"tell": values}, ["tell"], float(values.max())))
        ranks = {p: int((values <= told[p] * (1 + 1e-6)).sum()) for p in ("p50", "p99")}
        occurred = all(np.isclose(values, told[p]).any() for p in ranks)
        found.append({**told, "ranks": ranks, "occurred": bool(occurred)})
    return found


@check("Within the budget is what takes at most so long; stages outside the plan do not run.",
       zh="不超过预算的才算在内；不在 plan 里的阶段不运行。", close=CLOSE)  # fmt: skip
def within_the_budget(pipeline_latency, stages):
    total = np.sort(stages["bm25"] + stages["tell"])
    return [
        _timed(pipeline_latency(stages, ["bm25", "tell"], total[place])) for place in (20, 120, 199)
    ]


# --- stopping_distance --------------------------------------------------------------------


@fixture
def drives(rng):
    """Latencies with a tail, a speed, a deceleration and a sight; none simple."""
    found = []
    for frames in (100, 130, 150):
        latencies = 20 + 60 * np.exp(rng.normal(0, 0.6, frames))
        speed, deceleration = float(rng.integers(31, 119)), float(rng.uniform(3, 8))
        found.append((latencies, speed, deceleration, rng.uniform(20, 90)))
    return found


@check("The car drives on during the p99 latency, then it brakes: both in metres.",
       zh="车在 p99 延迟里照常前进，然后制动：都以米计。", close=CLOSE)  # fmt: skip
def waits_then_brakes(stopping_distance, drives):
    told = [kept(dict, stopping_distance, *drive) for drive in drives]
    reaction, braking = ([float(t["returned"][n]) for t in told] for n in ("reaction", "braking"))
    speeds = [speed / 3.6 for _, speed, _, _ in drives]
    halves = [b * d[2] / v**2 for b, d, v in zip(braking, drives, speeds, strict=True)]
    waits = [1000 * r / v for r, v in zip(reaction, speeds, strict=True)]
    return {
        "reaction": reaction,
        "braking": braking,
        "v² / a times": halves,
        "waited": waits,
        "changed": [name for t in told for name in t["changed"]],
    }


@check("At the top speed, in km/h, waiting and braking take just the sight, whatever the speed.",
       zh="最高速度（km/h）下，等待加制动恰好用完视距，与当前车速无关。", close=CLOSE)  # fmt: skip
def stops_within_sight(stopping_distance, drives):
    return [float(stopping_distance(*drive)["top_speed"]) for drive in drives]
