"""Known-wrong answers for `applications`, each one misconception."""

import math

import numpy as np
from scipy import optimize, special

from autograder.checks import wrong

# --- time_split ---------------------------------------------------------------------------


def _parts(times, cards, frauds, cutoff, known, *, begin=None, reveal=None):
    """The split, with what counts as known, when the test begins and which frauds block."""
    reveal = known if reveal is None else reveal
    test = (times >= (cutoff if begin is None else begin)) & ~np.isin(
        cards, cards[reveal & (frauds == 1)]
    )
    return np.flatnonzero(known), np.flatnonzero(test)


@wrong(
    "time_split",
    "Splits at random, so that the model has seen the future and the same campaigns.",
    zh="随机划分，模型等于见过未来，也见过同一波欺诈。",
    caught_by="learns_from_known_labels",
    errata=("E007",),
    step="Train on what is known at the cutoff, test on what comes from it on.",
    step_zh="用 cutoff 时已知的来训练，用 cutoff 及以后的来测试。",
    looks_like=lambda seen: seen["trained on the future"] > 0 and seen["tested on the past"] > 0,
)
def splits_at_random(times, cards, frauds, cutoff, delay):
    order = np.random.default_rng().permutation(len(times))
    cut = int((times + delay <= cutoff).sum())
    return np.sort(order[:cut]), np.sort(order[cut:])


@wrong(
    "time_split",
    "Trains on labels that nobody can know yet at the cutoff.",
    zh="用到了 cutoff 时还没有人知道的标签。",
    caught_by="learns_from_known_labels",
    errata=("E007",),
    step="A label is known `delay` days after its payment: time + delay ≤ cutoff.",
    step_zh="标签在交易之后 delay 天才知道：时间 + delay ≤ cutoff。",
)
def forgets_the_delay(times, cards, frauds, cutoff, delay):
    return _parts(times, cards, frauds, cutoff, times < cutoff)


@wrong(
    "time_split",
    "Waits for the delay before testing, although the model scores from the cutoff on.",
    zh="等过了 delay 才开始测试，可模型从 cutoff 起就在打分了。",
    caught_by="edges_count",
    step="The test begins at the cutoff; only training waits for labels.",
    step_zh="测试从 cutoff 开始；要等标签的只是训练。",
)
def tests_after_the_delay(times, cards, frauds, cutoff, delay):
    return _parts(times, cards, frauds, cutoff, times + delay <= cutoff, begin=cutoff + delay)


@wrong(
    "time_split",
    "Tests on cards that are blocked long since.",
    zh="连早就冻结的卡也拿来测试。",
    caught_by="blocked_cards_are_left_out",
    step="Leave out the cards of frauds that are known at the cutoff.",
    step_zh="去掉到 cutoff 时已知有过欺诈的卡。",
)
def tests_blocked_cards(times, cards, frauds, cutoff, delay):
    return _parts(times, cards, frauds, cutoff, times + delay <= cutoff, reveal=times < -np.inf)


@wrong(
    "time_split",
    "Leaves out every card that was trained on, though honest old customers go on paying.",
    zh="凡是训练里出现过的卡都去掉了，正常的卡也不例外，可老客户还会继续付款。",
    caught_by="learns_from_known_labels",
    step="Only cards with a known fraud are blocked.",
    step_zh="只有已知有过欺诈的卡才冻结。",
)
def no_card_twice(times, cards, frauds, cutoff, delay):
    return _parts(times, cards, np.ones_like(frauds), cutoff, times + delay <= cutoff)


@wrong(
    "time_split",
    "Blocks cards for frauds of which nobody has heard yet: the test looks ahead.",
    zh="用还没有人知道的欺诈来冻结卡：测试集的构造偷看了未来的标签。",
    caught_by="unknown_frauds_block_nothing",
    errata=("E007",),
    step="Block only what the known labels say.",
    step_zh="只按已知的标签冻结。",
)
def blocks_by_all_frauds(times, cards, frauds, cutoff, delay):
    return _parts(times, cards, frauds, cutoff, times + delay <= cutoff, reveal=times < cutoff)


# --- card_features ------------------------------------------------------------------------


def _features(cards, amounts, seen):
    """Counts and means over the pairs that `seen` (N, N) marks, of the same card."""
    seen = seen & (cards[:, None] == cards)
    count = seen.sum(axis=1)
    return np.stack([count, seen @ amounts / np.maximum(count, 1)], axis=1)


def _ago(times):
    return times[:, None] - times


@wrong(
    "card_features",
    "Takes all payments of the card, later ones too: the feature knows the future.",
    zh="用了这张卡的全部交易，连后来的也算：特征知道了未来。",
    caught_by="later_payments_change_nothing",
    errata=("E007",),
    step="Take only what is strictly earlier and within the window.",
    step_zh="只取严格更早且在窗口之内的。",
)
def knows_the_future(times, cards, amounts, window):
    return _features(cards, amounts, ~np.eye(len(times), dtype=bool))


@wrong(
    "card_features",
    "Counts the payment itself among the earlier ones.",
    zh="把这笔交易自己也算进去了。",
    caught_by="nothing_earlier_is_zero",
    step="Earlier means t' < t.",
    step_zh="更早是指 t' < t。",
)
def counts_itself(times, cards, amounts, window):
    ago = _ago(times)
    return _features(cards, amounts, (ago >= 0) & (ago <= window))


@wrong(
    "card_features",
    "Counts other payments of the very same time.",
    zh="把时间完全相同的其他交易也算作更早。",
    caught_by="edges_of_the_window",
    step="Earlier means t' < t, not t' ≤ t.",
    step_zh="更早是指 t' < t，而不是 t' ≤ t。",
)
def counts_the_same_time(times, cards, amounts, window):
    ago = _ago(times)
    others = ~np.eye(len(times), dtype=bool)
    return _features(cards, amounts, (ago >= 0) & (ago <= window) & others)


@wrong(
    "card_features",
    "Takes the rows above for the earlier payments, as if they were sorted by time.",
    zh="把排在前面的行当作更早的交易，以为数据按时间排好。",
    caught_by="counts_earlier_payments",
    step="Compare the times; the rows come in any order.",
    step_zh="要比较时间；行的顺序是任意的。",
)
def takes_the_rows_above(times, cards, amounts, window):
    above = np.tri(len(times), k=-1, dtype=bool)
    return _features(cards, amounts, above & (_ago(times) <= window))


# --- cheapest_threshold -------------------------------------------------------------------


def _cheapest(scores, cost_of, candidates=None):
    """Threshold and cost; the highest of the cheapest."""
    if candidates is None:
        candidates = [math.inf, *sorted(set(scores.tolist()), reverse=True)]
    costs = [float(cost_of(threshold)) for threshold in candidates]
    best = int(np.argmin(costs))
    return candidates[best], costs[best]


def _cost(frauds, scores, amounts, review_cost):
    def cost_of(threshold):
        alarm = scores >= threshold
        return review_cost * alarm.sum() + amounts[~alarm & (frauds == 1)].sum()

    return cost_of


@wrong(
    "cheapest_threshold",
    "Takes 0.5, whatever it costs.",
    zh="一律取 0.5，不管代价。",
    caught_by="total_is_least",
    errata=("E010",),
    step="Compute the cost of every candidate and take the least.",
    step_zh="算出每个候选阈值的代价，取最小的。",
)
def takes_one_half(frauds, scores, amounts, review_cost):
    return 0.5, _cost(frauds, scores, amounts, review_cost)(0.5)


@wrong(
    "cheapest_threshold",
    "Maximises F1, which knows no amounts.",
    zh="最大化 F1，可 F1 不认识金额。",
    caught_by="total_is_least",
    errata=("E010",),
    step="Minimise the total cost itself.",
    step_zh="直接最小化总代价。",
)
def maximises_f1(frauds, scores, amounts, review_cost):
    def minus_f1(t):
        alarm = scores >= t
        return -2 * (alarm & (frauds == 1)).sum() / (alarm.sum() + frauds.sum())

    threshold, _ = _cheapest(scores, minus_f1)
    return threshold, _cost(frauds, scores, amounts, review_cost)(threshold)


@wrong(
    "cheapest_threshold",
    "Charges a review only for false alarms, though somebody looks at the right ones too.",
    zh="只有误报才算审核费，可报对了也得有人看。",
    caught_by="total_is_least",
    step="Every alarm costs a review.",
    step_zh="每次报警都要算审核费。",
)
def right_alarms_are_free(frauds, scores, amounts, review_cost):
    def cost_of(t):
        alarm = scores >= t
        return review_cost * (alarm & (frauds == 0)).sum() + amounts[~alarm & (frauds == 1)].sum()

    return _cheapest(scores, cost_of)


@wrong(
    "cheapest_threshold",
    "Never considers giving no alarm at all.",
    zh="没有考虑一次都不报警。",
    caught_by="no_alarm_may_be_cheapest",
    step="Add infinity to the candidates.",
    step_zh="把无穷大也列为候选。",
)
def always_some_alarm(frauds, scores, amounts, review_cost):
    candidates = sorted(set(scores.tolist()), reverse=True)
    return _cheapest(scores, _cost(frauds, scores, amounts, review_cost), candidates)


@wrong(
    "cheapest_threshold",
    "Tears equal scores apart: it cuts the sorted list anywhere, also between two equal ones.",
    zh="把分数相同的交易拆开了：在排好序的列表里任意下刀，哪怕两边分数一样。",
    caught_by="highest_of_the_cheapest",
    step="A threshold raises an alarm for all payments of that score.",
    step_zh="一个阈值会让这个分数的所有交易一起报警。",
)
def tears_ties_apart(frauds, scores, amounts, review_cost):
    order = np.lexsort((-frauds, -scores))
    lost = (amounts * (frauds == 1))[order]
    costs = lost.sum() - np.append(0, lost.cumsum()) + review_cost * np.arange(len(scores) + 1)
    best = int(costs.argmin())
    return (scores[order][best - 1] if best else math.inf), costs[best]


# --- ewma_scores --------------------------------------------------------------------------


def _ewma(signal, mean, weight, start=None):
    z, found = mean if start is None else start, []
    for x in signal:
        z = weight * x + (1 - weight) * z
        found.append(z)
    return np.array(found)


def _spread(count, weight):
    t = np.arange(1, count + 1)
    return np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t)))


@wrong(
    "ewma_scores",
    "Takes mean and deviation of the whole recording, the faulty part included: it looks ahead.",
    zh="均值和标准差取自整段信号，连故障部分也算：偷看了未来。",
    caught_by="no_score_looks_ahead",
    errata=("E010",),
    step="Only `healthy` says what normal is.",
    step_zh="什么是正常，只由 healthy 决定。",
)
def normal_is_everything(healthy, signal, weight):
    everything = np.concatenate([healthy, signal])
    mean, deviation = everything.mean(), everything.std(ddof=1)
    return abs(_ewma(signal, mean, weight) - mean) / (deviation * _spread(len(signal), weight))


@wrong(
    "ewma_scores",
    "Gives the weight to the old average and the rest to the new sample.",
    zh="权重给了旧的平均值，剩下的才给新采样点。",
    caught_by="distance_in_deviations",
    step="The new sample has the weight λ, the old average 1 − λ.",
    step_zh="新采样点的权重是 λ，旧平均值是 1 − λ。",
)
def weight_on_the_old(healthy, signal, weight):
    z = _ewma(signal, healthy.mean(), 1 - weight)
    return abs(z - healthy.mean()) / (healthy.std(ddof=1) * _spread(len(signal), weight))


@wrong(
    "ewma_scores",
    "Starts the average at the first sample, so that a fault at the start is taken for normal.",
    zh="移动平均从第一个采样点开始，一开头就有的故障被当成了正常。",
    caught_by="weight_one_is_the_sample",
    step="Start at the healthy mean, z_0 = μ, and let the first sample count.",
    step_zh="从健康均值开始，z_0 = μ，第一个采样点也要按权重计入。",
)
def starts_at_the_sample(healthy, signal, weight):
    z = _ewma(signal, healthy.mean(), weight, start=signal[0])
    return abs(z - healthy.mean()) / (healthy.std(ddof=1) * _spread(len(signal), weight))


@wrong(
    "ewma_scores",
    "Divides by the deviation of a sample, though an average moves far less.",
    zh="除以单个采样点的标准差，可平均值的波动要小得多。",
    caught_by="distance_in_deviations",
    step="Multiply the deviation by the root of the formula.",
    step_zh="标准差还要乘公式里的根号。",
)
def deviation_of_a_sample(healthy, signal, weight):
    return abs(_ewma(signal, healthy.mean(), weight) - healthy.mean()) / healthy.std(ddof=1)


@wrong(
    "ewma_scores",
    "Keeps the sign, so that a falling signal never gives an alarm.",
    zh="保留了符号，信号下降时永远不会报警。",
    caught_by="unit_and_direction_do_not_matter",
    step="Take the absolute value.",
    step_zh="取绝对值。",
)
def keeps_the_sign(healthy, signal, weight):
    z = _ewma(signal, healthy.mean(), weight)
    return (z - healthy.mean()) / (healthy.std(ddof=1) * _spread(len(signal), weight))


# --- score_alarms -------------------------------------------------------------------------


def _verdicts(ahead, lead, horizon, *, false=None):
    """Counts from how many hours each alarm is ahead of each fault (F, A)."""
    caught = ((ahead >= lead) & (ahead <= horizon)).any(axis=1)
    announced = (ahead >= 0) & (ahead <= horizon)
    late = announced.any(axis=1) & ~caught
    false = ~(announced if false is None else false).any(axis=0)
    counts = caught.sum(), late.sum(), len(ahead) - (caught | late).sum(), false.sum()
    return dict(zip(("caught", "late", "missed", "false_alarms"), map(int, counts), strict=True))


@wrong(
    "score_alarms",
    "Counts a fault as caught that was announced too late to act.",
    zh="报得太晚、来不及处理的，也算成及时。",
    caught_by="each_fault_has_its_verdict",
    errata=("E010",),
    step="In time means at least `lead` hours ahead.",
    step_zh="及时是指至少提前 lead 小时。",
)
def late_is_in_time(alarms, faults, lead, horizon):
    return _verdicts(faults[:, None] - alarms, 0, horizon)


@wrong(
    "score_alarms",
    "Counts every alarm before a fault as a catch, so that one fault is caught many times.",
    zh="故障前的每次报警都算抓到一次，一次故障被抓了好多次。",
    caught_by="repeats_catch_once",
    errata=("E010",),
    step="Count faults, not alarms: a fault is caught once.",
    step_zh="数的是故障而不是报警：一次故障只算一次。",
)
def counts_alarms_for_faults(alarms, faults, lead, horizon):
    ahead = faults[:, None] - alarms
    in_time = int(((ahead >= lead) & (ahead <= horizon)).sum())
    return {**_verdicts(ahead, lead, horizon), "caught": in_time}


@wrong(
    "score_alarms",
    "Counts late alarms as false, though they announce their fault.",
    zh="把太晚的报警算成误报，可它确实预告了故障。",
    caught_by="repeats_catch_once",
    step="False is what lies in no fault's horizon, from 0 hours ahead on.",
    step_zh="误报是不在任何故障 horizon 之内的报警，提前 0 小时也算在内。",
)
def late_is_false(alarms, faults, lead, horizon):
    ahead = faults[:, None] - alarms
    return _verdicts(ahead, lead, horizon, false=(ahead >= lead) & (ahead <= horizon))


@wrong(
    "score_alarms",
    "Takes the distance without its direction: an alarm after the fault counts as a warning.",
    zh="只看距离，不看先后：故障之后的报警也成了预警。",
    caught_by="edges_of_the_notice",
    errata=("E010",),
    step="Only what comes before the fault, or with it, announces it.",
    step_zh="只有在故障之前或同时的报警才算预告。",
)
def after_is_before(alarms, faults, lead, horizon):
    return _verdicts(abs(faults[:, None] - alarms), lead, horizon)


@wrong(
    "score_alarms",
    "Uses an alarm up: once it has announced a fault, it announces no other.",
    zh="报警用过就作废：预告了一次故障，就不能再预告另一次。",
    caught_by="one_alarm_two_faults",
    step="Judge each fault by all alarms.",
    step_zh="每次故障都要对照全部报警来判断。",
)
def uses_alarms_up(alarms, faults, lead, horizon):
    left, counts = list(alarms), dict.fromkeys(("caught", "late", "missed"), 0)
    for fault in sorted(faults):
        ahead = [a for a in left if 0 <= fault - a <= horizon]
        in_time = any(fault - a >= lead for a in ahead)
        counts["caught" if in_time else "late" if ahead else "missed"] += 1
        left = [a for a in left if a not in ahead]
    false = _verdicts(faults[:, None] - alarms, lead, horizon)["false_alarms"]
    return {**counts, "false_alarms": false}


# --- estimate_ability ---------------------------------------------------------------------


def _ability(answers, b, a, prior_std=1.0, *, penalty=None):
    asked = ~np.isnan(answers)
    y, b, a = answers[asked], b[asked], a[asked]
    if math.isinf(prior_std) and y.min() == y.max():
        return math.inf if y[0] == 1 else -math.inf
    if penalty is None:
        penalty = 1 / prior_std**2

    def slope(theta):
        return (a * (y - special.expit(a * (theta - b)))).sum() - penalty * theta

    return optimize.brentq(slope, -1e4, 1e4)


@wrong(
    "estimate_ability",
    "Counts a question that was not asked as a wrong answer.",
    zh="没考到的题算成了答错。",
    caught_by="not_asked_says_nothing",
    errata=("E010",),
    step="Leave out what is nan.",
    step_zh="去掉值为 nan 的题。",
)
def not_asked_is_wrong(answers, difficulty, discrimination, prior_std=1.0):
    return _ability(np.nan_to_num(answers), difficulty, discrimination, prior_std)


@wrong(
    "estimate_ability",
    "Takes the log-odds of the share of right answers, whatever the questions.",
    zh="只看答对比例的对数几率，不管考的是什么题。",
    caught_by="posterior_is_highest",
    errata=("E010",),
    step="Let difficulty and discrimination enter through P(θ).",
    step_zh="让难度和区分度通过 P(θ) 进入计算。",
)
def share_is_ability(answers, difficulty, discrimination, prior_std=1.0):
    share = np.nanmean(answers)
    with np.errstate(divide="ignore"):
        return float(np.log(share) - np.log1p(-share))


@wrong(
    "estimate_ability",
    "Turns the difficulty round: hard questions are taken for easy ones.",
    zh="把难度弄反了：难题当成了容易的题。",
    caught_by="posterior_is_highest",
    step="The exponent is a (θ − b): a hard question has a high b.",
    step_zh="指数是 a (θ − b)：题越难，b 越大。",
)
def hard_is_easy(answers, difficulty, discrimination, prior_std=1.0):
    return _ability(answers, -difficulty, discrimination, prior_std)


@wrong(
    "estimate_ability",
    "Forgets the prior.",
    zh="忘了先验。",
    caught_by="posterior_is_highest",
    step="Subtract θ² / (2 σ²) from the log-likelihood.",
    step_zh="对数似然还要减去 θ² / (2 σ²)。",
)
def forgets_the_prior(answers, difficulty, discrimination, prior_std=1.0):
    return _ability(answers, difficulty, discrimination, math.inf)


@wrong(
    "estimate_ability",
    "Takes the prior's standard deviation for its variance.",
    zh="把先验的标准差当成了方差。",
    caught_by="prior_has_its_width",
    step="The slope of the prior is −θ / σ²: square it.",
    step_zh="先验的斜率是 −θ / σ²：要平方。",
)
def deviation_is_variance(answers, difficulty, discrimination, prior_std=1.0):
    return _ability(answers, difficulty, discrimination, prior_std, penalty=1 / prior_std)


@wrong(
    "estimate_ability",
    "Returns the end of its search grid where the maximum lies at infinity.",
    zh="最大值在无穷远时，返回了搜索区间的端点。",
    caught_by="all_alike_is_infinite",
    step="All right or all wrong without a prior: return inf or -inf.",
    step_zh="没有先验时，全对返回 inf，全错返回 -inf。",
    looks_like=lambda seen: seen[0] == -seen[1] and 2 < seen[0] < 1e9,
)
def end_of_the_grid(answers, difficulty, discrimination, prior_std=1.0):
    return float(np.clip(_ability(answers, difficulty, discrimination, prior_std), -4, 4))


# --- fit_rasch ----------------------------------------------------------------------------


def _rasch(responses, tight_theta=1.0, tight_b=1.0):
    """Joint Newton steps, with one over the variance of each prior."""
    asked, n = ~np.isnan(responses), len(responses)
    y, m = np.nan_to_num(responses), responses.shape[1]
    tight, both = np.repeat([tight_theta, tight_b], [n, m]), np.zeros(n + m)
    for _ in range(60):
        p = asked * special.expit(both[:n, None] - both[n:])
        w = p * (1 - p)
        slope = np.append((y - p).sum(1), (p - y).sum(0)) - tight * both
        bend = np.block([[np.diag(w.sum(1)), -w], [-w.T, np.diag(w.sum(0))]]) + np.diag(tight)
        both = both + np.linalg.solve(bend, slope)
    return both[:n], both[n:]


@wrong(
    "fit_rasch",
    "Counts what was not asked as a wrong answer.",
    zh="没考到的算成了答错。",
    caught_by="gaps_say_nothing",
    errata=("E010",),
    step="Leave nan out of every sum.",
    step_zh="所有求和都要去掉 nan。",
)
def gaps_are_wrong(responses, prior_std=1.0):
    return _rasch(np.nan_to_num(responses), prior_std**-2, prior_std**-2)


@wrong(
    "fit_rasch",
    "Returns easiness: the difficulties have the wrong sign.",
    zh="返回的是容易程度：难度的符号反了。",
    caught_by="joint_posterior_is_highest",
    step="A question that few solve has a high b.",
    step_zh="答对的人越少，b 越大。",
)
def easiness_for_difficulty(responses, prior_std=1.0):
    theta, b = _rasch(responses, prior_std**-2, prior_std**-2)
    return theta, -b


@wrong(
    "fit_rasch",
    "Takes log-odds of the shares of right answers, as if everybody had met the same questions.",
    zh="直接用正确率的对数几率，好像人人考的都是同样的题。",
    caught_by="gaps_say_nothing",
    errata=("E010",),
    step="Fit abilities and difficulties together.",
    step_zh="能力和难度要一起估计。",
)
def shares_for_parameters(responses, prior_std=1.0):
    with np.errstate(divide="ignore"):
        return special.logit(np.nanmean(responses, 1)), -special.logit(np.nanmean(responses, 0))


@wrong(
    "fit_rasch",
    "Puts a prior on the abilities only.",
    zh="只给能力加了先验。",
    caught_by="extremes_stay_finite",
    step="The difficulties have the same prior.",
    step_zh="难度也有同样的先验。",
)
def prior_on_abilities_only(responses, prior_std=1.0):
    return _rasch(responses, prior_std**-2, 1e-6)


# --- bm25_scores --------------------------------------------------------------------------


def _bm25(query, documents, k1, b, *, idf=None, gain=None):
    """BM25 with one part replaced: the weight of a token, or what its count gains."""
    total = len(documents)
    idf = idf or (lambda n: math.log(1 + (total - n + 0.5) / (n + 0.5)))
    gain = gain or (lambda f, norm: f / (f + norm) if f else 0.0)
    mean = sum(map(len, documents)) / total
    scores = np.zeros(total)
    for token in query:
        counts = [document.count(token) for document in documents]
        n = sum(count > 0 for count in counts)
        norms = [k1 * (1 - b + b * len(document) / mean) for document in documents]
        scores += idf(n) * np.array([gain(f, norm) for f, norm in zip(counts, norms, strict=True)])
    return scores


@wrong(
    "bm25_scores",
    "Uses the weight without the 1, which is negative for tokens that most documents hold.",
    zh="权重里少了 1，大多数文档都有的词会得到负分。",
    caught_by="common_tokens_add_something",
    step="ln(1 + …): the 1 keeps it above zero.",
    step_zh="ln(1 + …)：这个 1 保证大于零。",
)
def negative_weights(query, documents, k1=1.2, b=0.75):
    total = len(documents)
    return _bm25(query, documents, k1, b, idf=lambda n: math.log((total - n + 0.5) / (n + 0.5)))


@wrong(
    "bm25_scores",
    "Multiplies by k1 + 1, as other BM25s do.",
    zh="多乘了 k1 + 1，那是别的 BM25 版本。",
    caught_by="follows_the_formula",
    step="Take the formula of the text: Lucene dropped this constant, which changes no ranking.",
    step_zh="按题目的公式：Lucene 已去掉这个常数，它不影响排序。",
)
def with_the_constant(query, documents, k1=1.2, b=0.75):
    return (k1 + 1) * _bm25(query, documents, k1, b)


@wrong(
    "bm25_scores",
    "Takes each query token once.",
    zh="查询里重复的词只算了一次。",
    caught_by="repeated_tokens_count",
    step="Go through the query as it is, repeats included.",
    step_zh="按原样遍历查询，重复的也要算。",
)
def each_token_once(query, documents, k1=1.2, b=0.75):
    return _bm25(dict.fromkeys(query), documents, k1, b)


@wrong(
    "bm25_scores",
    "Multiplies the weight by the bare count (TF-IDF): nothing saturates.",
    zh="权重直接乘次数（TF-IDF），没有饱和。",
    caught_by="follows_the_formula",
    step="Divide the count by the count plus k1 times the length factor.",
    step_zh="次数要除以「次数 + k1 × 长度因子」。",
)
def nothing_saturates(query, documents, k1=1.2, b=0.75):
    return _bm25(query, documents, k1, b, gain=lambda f, norm: f)


@wrong(
    "bm25_scores",
    "Finds tokens inside other tokens: “cat” in “wildcat”.",
    zh="在别的词里面找词：「wildcat」里也找到了「cat」。",
    caught_by="tokens_are_whole",
    step="Compare whole tokens; do not join the document to a string.",
    step_zh="比较整个词；不要把文档拼成字符串再找。",
)
def finds_parts_of_tokens(query, documents, k1=1.2, b=0.75):
    class Joined(list):
        def count(self, token):
            return " ".join(self).count(token)

    return _bm25(query, [Joined(document) for document in documents], k1, b)


# --- ranking_metrics ----------------------------------------------------------------------


def _ranking(scores, relevance, k, *, hits_over=None, gain=None, ideal_of=None, keep_all=False):
    """Metrics with one part replaced: what recall divides by, the gain, what the ideal orders."""
    gain = gain or (lambda r: r)
    discount = 1 / np.log2(np.arange(2, scores.shape[1] + 2))
    rows = []
    for s, r in zip(scores, relevance, strict=True):
        if not (r > 0).any() and not keep_all:
            continue
        found = r[np.argsort(-s, kind="stable")][:k]
        best = -np.sort(-(found if ideal_of == "found" else r))[:k]
        hits = found > 0
        dcg, top = (gain(values) @ discount[: len(values)] for values in (found, best))
        rows.append([
            hits.sum() / (hits_over or max((r > 0).sum(), 1)),
            1 / (hits.argmax() + 1) if hits.any() else 0.0,
            dcg / top if top else 0.0,
        ])  # fmt: skip
    return dict(zip(("recall", "mrr", "ndcg"), np.mean(rows, axis=0), strict=True))


@wrong(
    "ranking_metrics",
    "Divides the hits by k: that is precision.",
    zh="命中数除以了 k：那是精确率。",
    caught_by="means_over_queries",
    errata=("E200",),
    step="Recall divides by all relevant documents of the query.",
    step_zh="召回率要除以该查询全部的相关文档数。",
)
def precision_for_recall(scores, relevance, k):
    return _ranking(scores, relevance, k, hits_over=k)


@wrong(
    "ranking_metrics",
    "Finds the first relevant document beyond the first k.",
    zh="第 k 名之后的相关文档也计入了倒数排名。",
    caught_by="cut_at_k",
    step="Not among the first k means 0.",
    step_zh="不在前 k 名里就是 0。",
)
def never_cut(scores, relevance, k):
    whole = _ranking(scores, relevance, relevance.shape[1])
    return {**_ranking(scores, relevance, k), "mrr": whole["mrr"]}


@wrong(
    "ranking_metrics",
    "Uses the gain 2^rel − 1, which other papers do.",
    zh="增益用了 2^rel − 1，那是另一种定义。",
    caught_by="means_over_queries",
    step="The gain is the relevance itself, as in the formula.",
    step_zh="按公式，增益就是相关度本身。",
)
def exponential_gain(scores, relevance, k):
    return _ranking(scores, relevance, k, gain=lambda r: 2.0**r - 1)


@wrong(
    "ranking_metrics",
    "Compares with the best order of what was found, so that what was missed costs nothing.",
    zh="理想排名只在找到的文档里排，漏掉的一点不扣分。",
    caught_by="means_over_queries",
    errata=("E200",),
    step="The ideal orders all documents of the query.",
    step_zh="理想排名要在该查询的全部文档里排。",
)
def ideal_of_the_found(scores, relevance, k):
    return _ranking(scores, relevance, k, ideal_of="found")


@wrong(
    "ranking_metrics",
    "Turns a sorted list round, and with it the order of equal scores.",
    zh="升序排完再整个反转，分数相同的顺序也被反了过来。",
    caught_by="ties_keep_their_order",
    step="Sort stably by the negative scores.",
    step_zh="对分数的相反数做稳定排序。",
)
def turns_ties_round(scores, relevance, k):
    turned = scores[:, ::-1], relevance[:, ::-1]
    return _ranking(*turned, k)


@wrong(
    "ranking_metrics",
    "Counts queries without a relevant document as failures.",
    zh="没有相关文档的查询算成了失败。",
    caught_by="empty_queries_are_left_out",
    step="Leave them out of all three means.",
    step_zh="三项平均都不计入这些查询。",
)
def empty_queries_are_zero(scores, relevance, k):
    return _ranking(scores, relevance, k, keep_all=True)


# --- pipeline_latency ---------------------------------------------------------------------


def _totals(stages, plan, join=np.max):
    steps = [[step] if isinstance(step, str) else list(step) for step in plan]
    return np.sum([join([stages[name] for name in step], axis=0) for step in steps], axis=0)


def _told(total, budget, method="inverted_cdf"):
    p50, p99 = np.percentile(total, [50, 99], method=method)
    return {"p50": p50, "p99": p99, "within": (total <= budget).mean()}


@wrong(
    "pipeline_latency",
    "Adds up the percentiles of the stages; the slow requests of each are not the same ones.",
    zh="把各阶段的百分位相加，可各阶段慢的并不是同一批请求。",
    caught_by="whole_requests",
    step="Add up each request first, then take the percentile.",
    step_zh="先逐个请求求和，再取百分位。",
)
def adds_percentiles(stages, plan, budget):
    found = [_told(_totals(stages, [step]), budget) for step in plan]
    whole = _told(_totals(stages, plan), budget)
    return {**whole, **{p: sum(part[p] for part in found) for p in ("p50", "p99")}}


@wrong(
    "pipeline_latency",
    "Adds up stages that run at the same time.",
    zh="把同时运行的阶段也相加了。",
    caught_by="slowest_is_waited_for",
    step="Of parallel stages take the slowest, request by request.",
    step_zh="并行的阶段要逐个请求取最慢的。",
)
def adds_the_parallel(stages, plan, budget):
    return _told(_totals(stages, plan, np.sum), budget)


@wrong(
    "pipeline_latency",
    "Interpolates between two latencies, as NumPy does by default.",
    zh="在两个延迟之间做了插值（NumPy 的默认做法）。",
    caught_by="nearest_rank",
    step='A nearest-rank percentile occurred: method="inverted_cdf".',
    step_zh='最近秩百分位是真实出现过的值：method="inverted_cdf"。',
)
def interpolates(stages, plan, budget):
    return _told(_totals(stages, plan), budget, "linear")


@wrong(
    "pipeline_latency",
    "Leaves out a request that takes exactly the budget.",
    zh="恰好用完预算的请求没有算在内。",
    caught_by="within_the_budget",
    step="At most the budget: ≤.",
    step_zh="不超过预算：≤。",
)
def below_the_budget(stages, plan, budget):
    total = _totals(stages, plan)
    return {**_told(total, budget), "within": (total < budget).mean()}


# --- stopping_distance --------------------------------------------------------------------


def _stopping(wait, speed, deceleration, sight, kmh=3.6):
    """Metres and top speed after a wait of so many milliseconds."""
    v, lost = speed / kmh, deceleration * wait / 1000
    top = kmh * (math.sqrt(lost**2 + 2 * deceleration * sight) - lost)
    return {"reaction": v * wait / 1000, "braking": v**2 / (2 * deceleration), "top_speed": top}


def _p99(latencies):
    return np.percentile(latencies, 99, method="inverted_cdf")


@wrong(
    "stopping_distance", "Plans with the mean latency: in the slow frames the car is further on.",
    zh="按平均延迟来算，可慢的那些帧里，车已经开得更远了。", caught_by="waits_then_brakes",
    step="Take the p99 of the latencies.", step_zh="延迟要取 p99。",
)  # fmt: skip
def plans_with_the_mean(latencies, speed, deceleration, sight):
    return _stopping(latencies.mean(), speed, deceleration, sight)


@wrong(
    "stopping_distance", "Takes km/h for metres per second.",
    zh="把 km/h 当成了米每秒。", caught_by="waits_then_brakes",
    step="Divide `speed` by 3.6 first, and return the top speed times 3.6.",
    step_zh="先把 `speed` 除以 3.6，最高速度返回前再乘 3.6。",
)  # fmt: skip
def kilometres_for_metres(latencies, speed, deceleration, sight):
    return _stopping(_p99(latencies), speed, deceleration, sight, kmh=1.0)


@wrong(
    "stopping_distance", "Lets the top speed brake at once: the metres of waiting are left out.",
    zh="算最高速度时一看到就刹车，漏了等待时驶过的米数。", caught_by="stops_within_sight",
    step="Solve v²/(2a) + v T = sight for v, not v²/(2a) = sight.",
    step_zh="要解的是 v²/(2a) + v T = sight，而不是 v²/(2a) = sight。",
)  # fmt: skip
def brakes_at_once(latencies, speed, deceleration, sight):
    top = _stopping(0.0, speed, deceleration, sight)["top_speed"]
    return {**_stopping(_p99(latencies), speed, deceleration, sight), "top_speed": top}
