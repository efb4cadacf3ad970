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


def _is_in_time(seen):
    return seen["trained on the future"] == seen["tested on the past"] == 0


def _is_mixed(seen):
    """Whether both parts hold payments of before and of after the cutoff."""
    later, sooner = seen["trained on the future"], seen["tested on the past"]
    return 0 < later < len(seen["train"]) and 0 < sooner < len(seen["test"])


@wrong(
    "time_split", "Splits at random, so that the model has seen the future and the same campaigns.",
    zh="随机划分，模型等于见过未来，也见过同一波欺诈。", caught_by="learns_from_known_labels",
    errata=("E007",), step="Train on what is known at the cutoff, test on what comes from it on.",
    step_zh="用 cutoff 时已知的来训练，用 cutoff 及以后的来测试。", looks_like=_is_mixed,
)  # fmt: skip
def splits_at_random(times, cards, frauds, cutoff, delay):
    order = np.random.default_rng().permutation(len(times))
    cut = int((times + delay <= cutoff).sum())
    return np.sort(order[:cut]), np.sort(order[cut:])


@wrong(
    "time_split", "Trains on labels that nobody can know yet at the cutoff.",
    zh="用到了 cutoff 时还没有人知道的标签。", caught_by="learns_from_known_labels",
    errata=("E007",),
    step="A label is known `delay` days after its payment: time + delay ≤ cutoff.",
    step_zh="标签在交易之后 delay 天才知道：时间 + delay ≤ cutoff。",
    looks_like=lambda seen: seen["trained on the unknown"] > 0 == seen["tested on the past"],
)  # fmt: skip
def forgets_the_delay(times, cards, frauds, cutoff, delay):
    return _parts(times, cards, frauds, cutoff, times < cutoff)


@wrong(
    "time_split", "Tests on cards that are blocked long since.", zh="连早就冻结的卡也拿来测试。",
    caught_by="blocked_cards_are_left_out",
    step="Leave out the cards of frauds that are known at the cutoff.",
    step_zh="去掉到 cutoff 时已知有过欺诈的卡。",
    looks_like=lambda seen: _is_in_time(seen) and seen["tested on blocked cards"] > 0,
)  # fmt: skip
def tests_blocked_cards(times, cards, frauds, cutoff, delay):
    return _parts(times, cards, frauds, cutoff, times + delay <= cutoff, reveal=times < -np.inf)


@wrong(
    "time_split", "Returns places in the list sorted by time, not in the list as it was given.",
    zh="返回的是按时间排序之后的位置，而不是原来的下标。", caught_by="learns_from_known_labels",
    step="Leave the order as it is, or turn the places back through the order of sorting.",
    step_zh="不要排序，或者用排序的次序把位置换回原来的下标。",
)  # fmt: skip
def places_in_the_sorted(times, cards, frauds, cutoff, delay):
    order = np.argsort(times, kind="stable")
    known = (times + delay <= cutoff)[order]
    return _parts(times[order], cards[order], frauds[order], cutoff, known)


@wrong(
    "time_split", "Returns a truth value for each payment, not the indices of those that are true.",
    zh="返回的是每笔交易一个真假值，而不是为真的下标。", caught_by="learns_from_known_labels",
    step="Turn each mask into indices: `np.flatnonzero`.",
    step_zh="用 `np.flatnonzero` 把掩码变成下标。",
)  # fmt: skip
def masks_for_indices(times, cards, frauds, cutoff, delay):
    parts = _parts(times, cards, frauds, cutoff, times + delay <= cutoff)
    return tuple(np.isin(np.arange(len(times)), part) for part in parts)


@wrong(
    "time_split", "Leaves the blocked cards out of the training too: the model never sees a fraud.",
    zh="训练里也去掉了冻结的卡：模型一笔欺诈也见不到。", caught_by="blocked_cards_are_left_out",
    step="Blocked cards leave the test only.", step_zh="冻结的卡只从测试里去掉。",
)  # fmt: skip
def trains_without_blocked_cards(times, cards, frauds, cutoff, delay):
    train, test = _parts(times, cards, frauds, cutoff, times + delay <= cutoff)
    return train[~np.isin(cards[train], cards[train][frauds[train] == 1])], test


@wrong(
    "time_split", "Leaves out what lies exactly at an edge: < for ≤, or > for ≥.",
    zh="恰好在边界上的没有算：≤ 写成了 <，或 ≥ 写成了 >。", caught_by="edges_count",
    step="Known is time + delay ≤ cutoff; the test begins with time ≥ cutoff.",
    step_zh="已知是 时间 + delay ≤ cutoff；测试从 时间 ≥ cutoff 开始。",
    looks_like=lambda seen: (
        max(seen[0][0]) < 0 <= min(seen[0][1]) and (0 not in seen[0][1] or -2 not in seen[0][0])
    ),
)  # fmt: skip
def edge_is_left_out(times, cards, frauds, cutoff, delay):
    return _parts(times, cards, frauds, cutoff, times + delay < cutoff)


@wrong(
    "time_split",
    "Leaves cards out of the test that are not blocked, such as all that were trained on.",
    zh="测试里去掉了没有冻结的卡，例如凡是训练里出现过的都去掉了。",
    caught_by="learns_from_known_labels", step="Only cards with a known fraud are blocked.",
    step_zh="只有已知有过欺诈的卡才冻结。",
    looks_like=lambda seen: _is_in_time(seen) and seen["open, not tested"] > 3,
)  # fmt: skip
def no_card_twice(times, cards, frauds, cutoff, delay):
    return _parts(times, cards, np.ones_like(frauds), cutoff, times + delay <= cutoff)


@wrong(
    "time_split", "Blocks cards for frauds of which nobody has heard yet: the test looks ahead.",
    zh="用还没有人知道的欺诈来冻结卡：测试集的构造偷看了未来的标签。",
    caught_by="unknown_frauds_block_nothing", errata=("E007",),
    step="Block only what the known labels say.", step_zh="只按已知的标签冻结。",
    looks_like=lambda seen: (
        min(seen["returned"]) > 10 and not {12.5, 14, 15, 16} <= set(seen["returned"])
    ),
)  # fmt: skip
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


def _begins_elsewhere(seen):
    """Whether only the window's begin, or what lies before it, is decided wrongly."""
    return seen["whose"] in (["within"], ["window's begin", "before it", "within"])


@wrong(
    "card_features",
    "Takes all payments of the card, later ones too: the feature knows the future.",
    zh="用了这张卡的全部交易，连后来的也算：特征知道了未来。", caught_by="edges_of_the_window",
    errata=("E007",), step="Take only what is strictly earlier and within the window.",
    step_zh="只取严格更早且在窗口之内的。", looks_like=lambda seen: "later" in seen["whose"],
)  # fmt: skip
def knows_the_future(times, cards, amounts, window):
    return _features(cards, amounts, ~np.eye(len(times), dtype=bool))


@wrong(
    "card_features", "Counts the payment itself among the earlier ones.",
    zh="把这笔交易自己也算进去了。", caught_by="edges_of_the_window", step="Earlier means t' < t.",
    step_zh="更早是指 t' < t。", looks_like=lambda seen: "itself" in seen["whose"],
)  # fmt: skip
def counts_itself(times, cards, amounts, window):
    ago = _ago(times)
    return _features(cards, amounts, (ago >= 0) & (ago <= window))


@wrong(
    "card_features", "Counts other payments of the very same time.",
    zh="把时间完全相同的其他交易也算作更早。", caught_by="edges_of_the_window",
    step="Earlier means t' < t, not t' ≤ t.", step_zh="更早是指 t' < t，而不是 t' ≤ t。",
    looks_like=lambda seen: seen["whose"][:1] == ["same time"],
)  # fmt: skip
def counts_the_same_time(times, cards, amounts, window):
    ago = _ago(times)
    others = ~np.eye(len(times), dtype=bool)
    return _features(cards, amounts, (ago >= 0) & (ago <= window) & others)


@wrong(
    "card_features",
    "Takes the rows above for the earlier payments, as if they were sorted by time.",
    zh="把排在前面的行当作更早的交易，以为数据按时间排好。", caught_by="edges_of_the_window",
    step="Compare the times; the rows come in any order.", step_zh="要比较时间；行的顺序是任意的。",
    looks_like=lambda seen: (
        seen["count"] == 0 and sorted(seen["all"][:, 0]) != [0, 0, 1, 2, 2, 2, 2]
    ),
)  # fmt: skip
def takes_the_rows_above(times, cards, amounts, window):
    above = np.tri(len(times), k=-1, dtype=bool)
    return _features(cards, amounts, above & (_ago(times) <= window))


@wrong(
    "card_features",
    "Counts the right payments, but the second number is not the mean of their amounts.",
    zh="笔数对，但第二个数不是这些交易金额的平均。", caught_by="edges_of_the_window",
    step="Sum the amounts of just these payments and divide by their number.",
    step_zh="只对这几笔求金额之和，再除以笔数。",
    looks_like=lambda seen: (
        seen["all"].shape == (7, 2) and seen["count"] == 2 and seen["whose"] == ["nobody's"]
    ),
)  # fmt: skip
def no_mean_of_these(times, cards, amounts, window):
    ago = _ago(times)
    count, mean = _features(cards, amounts, (ago > 0) & (ago <= window)).T
    return np.stack([count, count * mean], axis=1)


@wrong(
    "card_features",
    "The window begins in the wrong place: it leaves out what lies exactly `window` days before, "
    "or takes what is older.",
    zh="窗口的起点不对：漏了恰好 `window` 天前的，或算进了更早的。",
    caught_by="edges_of_the_window",
    step="The window begins with t' = t − window, that moment included.",
    step_zh="窗口从 t' = t − window 开始，这一刻也算。", looks_like=_begins_elsewhere,
)  # fmt: skip
def window_begins_elsewhere(times, cards, amounts, window):
    ago = _ago(times)
    return _features(cards, amounts, (ago > 0) & (ago < window))


@wrong(
    "card_features", "Counts payments of other cards.",
    zh="把别的卡的交易也算进去了。", caught_by="edges_of_the_window", step="Compare the cards too.",
    step_zh="卡号也要比较。", looks_like=lambda seen: "other card" in seen["whose"],
)  # fmt: skip
def mixes_cards(times, cards, amounts, window):
    ago = _ago(times)
    return _features(np.zeros_like(cards), amounts, (ago > 0) & (ago <= window))


# --- cheapest_threshold -------------------------------------------------------------------


def _cheapest(scores, cost_of, candidates=None):
    """Threshold and cost; the highest of the cheapest."""
    if candidates is None:
        candidates = [math.inf, *sorted(set(scores.tolist()), reverse=True)]
    costs = [float(cost_of(threshold)) for threshold in candidates]
    best = int(np.argmin(costs))
    return candidates[best], costs[best]


def _is_off_the_scores(seen):
    return not any(row["is a score"] for row in seen) and all(map(_is_consistent, seen))


def _is_no_cost_of_it(seen):
    """Whether a cost is off, and the two have not merely changed places: scores are small."""
    exchanged = all(10 < row["pair"][0] < math.inf for row in seen)
    return not exchanged and not all(map(_is_consistent, seen))


def _is_consistent(row):
    return abs(row["off by"]) < 1e-3


def _cost(frauds, scores, amounts, review_cost):
    def cost_of(threshold):
        alarm = scores >= threshold
        return review_cost * alarm.sum() + amounts[~alarm & (frauds == 1)].sum()

    return cost_of


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


@wrong(
    "cheapest_threshold",
    "Counts the cost of its threshold rightly, but another one costs less: as with F1 or accuracy.",
    zh="这个阈值的代价算得对，但有更便宜的：例如按 F1 或准确率选的阈值。",
    caught_by="total_is_least", errata=("E010",), step="Minimise the total cost itself.",
    step_zh="直接最小化总代价。",
    looks_like=lambda seen: all(abs(row["off by"]) < 1e-3 and row["is a score"] for row in seen),
)  # fmt: skip
def maximises_f1(frauds, scores, amounts, review_cost):
    def minus_f1(t):
        alarm = scores >= t
        return -2 * (alarm & (frauds == 1)).sum() / (alarm.sum() + frauds.sum())

    threshold, _ = _cheapest(scores, minus_f1)
    return threshold, _cost(frauds, scores, amounts, review_cost)(threshold)


@wrong(
    "cheapest_threshold", "Does not return infinity where no alarm at all is cheapest.",
    zh="一次都不报最便宜时，返回的不是无穷大。", caught_by="no_alarm_may_be_cheapest",
    step="Add infinity to the candidates.", step_zh="把无穷大也列为候选。",
    looks_like=lambda seen: all(map(math.isfinite, seen["returned"])),
)  # fmt: skip
def always_some_alarm(frauds, scores, amounts, review_cost):
    candidates = sorted(set(scores.tolist()), reverse=True)
    return _cheapest(scores, _cost(frauds, scores, amounts, review_cost), candidates)


@wrong(
    "cheapest_threshold", "Takes the lowest of equally cheap thresholds.",
    zh="代价相同时取了最低的阈值。", caught_by="highest_of_the_cheapest",
    step="Go through the candidates from the highest down, and replace only by what is cheaper.",
    step_zh="从高到低看候选，严格更便宜才替换。",
)  # fmt: skip
def lowest_of_the_cheapest(frauds, scores, amounts, review_cost):
    candidates = [*sorted(set(scores.tolist())), math.inf]
    return _cheapest(scores, _cost(frauds, scores, amounts, review_cost), candidates)


@wrong(
    "cheapest_threshold", "Returns a cost that is not the one of its threshold.",
    zh="返回的代价不是这个阈值的代价。", caught_by="total_is_least",
    step="The cost: `review_cost` for each score ≥ threshold, and the amounts of the frauds "
    "below it.",
    step_zh="代价：分数 ≥ 阈值的每笔一次 `review_cost`，加上低于阈值的欺诈的金额。",
    looks_like=_is_no_cost_of_it,
)  # fmt: skip
def cost_of_something_else(frauds, scores, amounts, review_cost):
    def cost_of(t):
        return review_cost * (scores >= t).sum() + ((scores < t) & (frauds == 1)).sum()

    return _cheapest(scores, cost_of)


@wrong(
    "cheapest_threshold",
    "Returns a threshold that is none of the scores that occur: 0.5, a grid, a midpoint.",
    zh="返回的阈值不是出现过的分数：0.5、等距网格或中点。", caught_by="total_is_least",
    step="Candidates are the scores that occur, and infinity.",
    step_zh="候选只有出现过的分数和无穷大。", looks_like=_is_off_the_scores,
)  # fmt: skip
def threshold_off_the_scores(frauds, scores, amounts, review_cost):
    candidates = np.linspace(1, 0, 101).tolist()
    return _cheapest(scores, _cost(frauds, scores, amounts, review_cost), candidates)


# --- ewma_scores --------------------------------------------------------------------------


def _ewma(signal, mean, weight, start=None):
    z, found = mean if start is None else start, []
    for x in signal:
        z = weight * x + (1 - weight) * z
        found.append(z)
    return np.array(found)


def _baseline_is_off(seen):
    """Whether the first sample, one deviation away, is told otherwise; 0 is an average's fault."""
    first = seen["weight 1"][0]
    return np.isfinite(first) and not np.isclose(first, [0, 1], atol=5e-3).any()


def _path_is_off(seen):
    t = np.arange(2, 6)
    right = 0.25 * 0.75 ** (t - 1) / (1 - 0.75**t)
    known = any(np.allclose(seen["path"][1:], x, rtol=5e-3) for x in (right, right**2))
    return not known and not _baseline_is_off(seen)


def _root_is_off(seen):
    """Whether only the scores are wrong, not the path, from which the root cancels."""
    return not (_baseline_is_off(seen) or _path_is_off(seen))


def _spread(count, weight):
    t = np.arange(1, count + 1)
    return np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t)))


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
    "Takes mean and deviation of the whole recording, the faulty part included: it looks ahead.",
    zh="均值和标准差取自整段信号，连故障部分也算：偷看了未来。", caught_by="no_score_looks_ahead",
    errata=("E010",), step="Only `healthy` says what normal is.",
    step_zh="什么是正常，只由 healthy 决定。",
)  # fmt: skip
def normal_is_everything(healthy, signal, weight):
    everything = np.concatenate([healthy, signal])
    mean, deviation = everything.mean(), everything.std(ddof=1)
    return abs(_ewma(signal, mean, weight) - mean) / (deviation * _spread(len(signal), weight))


@wrong(
    "ewma_scores", "Keeps the sign, so that a falling signal never gives an alarm.",
    zh="保留了符号，信号下降时永远不会报警。", caught_by="unit_and_direction_do_not_matter",
    step="Take the absolute value.", step_zh="取绝对值。",
)  # fmt: skip
def keeps_the_sign(healthy, signal, weight):
    z = _ewma(signal, healthy.mean(), weight)
    return (z - healthy.mean()) / (healthy.std(ddof=1) * _spread(len(signal), weight))


@wrong(
    "ewma_scores", "The moving average is right, the root it is divided by is not, or is missing.",
    zh="移动平均是对的，除的那个根号不对，或者漏了。", caught_by="weight_one_is_the_sample",
    step="Divide by s · √(λ / (2 − λ) · (1 − (1 − λ)^(2t))), t from 1 on.",
    step_zh="要除以 s · √(λ / (2 − λ) · (1 − (1 − λ)^(2t)))，t 从 1 开始。",
    looks_like=_root_is_off,
)  # fmt: skip
def another_root(healthy, signal, weight):
    limit = np.sqrt(weight / (2 - weight))  # of late steps
    distance = abs(_ewma(signal, healthy.mean(), weight) - healthy.mean())
    return distance / (healthy.std(ddof=1) * limit)


@wrong(
    "ewma_scores",
    "The moving average is another one: its start, its weights, or what it runs over.",
    zh="移动平均不对：起点、权重或参与平均的数据有误。", caught_by="weight_one_is_the_sample",
    step="z begins at the mean of `healthy`; each sample of `signal` enters with λ, the old z "
    "with 1 − λ, before its score is taken.",
    step_zh="z 从 `healthy` 的均值开始；每个采样点以 λ 计入，旧的 z 以 1 − λ 计入，然后才算分数。",
    looks_like=_path_is_off,
)  # fmt: skip
def another_average(healthy, signal, weight):
    z = _ewma(signal, healthy.mean(), weight, start=healthy[-1])
    return abs(z - healthy.mean()) / (healthy.std(ddof=1) * _spread(len(signal), weight))


@wrong(
    "ewma_scores",
    "The distance of a single sample (weight 1) is wrong: the deviation or the mean of `healthy` "
    "is not as asked for.",
    zh="权重为 1 时单个采样点的距离就不对：`healthy` 的标准差或均值没按题目算。",
    caught_by="weight_one_is_the_sample",
    step="With weight 1 the score is |x − μ| / s: s divides by n − 1 and is no variance.",
    step_zh="权重为 1 时分数是 |x − μ| / s；s 除以 n − 1，而且不是方差。",
    looks_like=_baseline_is_off,
)  # fmt: skip
def baseline_of_something_else(healthy, signal, weight):
    z = _ewma(signal, healthy.mean(), weight)
    return abs(z - healthy.mean()) / (healthy.std() * _spread(len(signal), weight))


# --- score_alarms -------------------------------------------------------------------------


def _edge_is_off(seen):
    """Whether one of three edges is wrong, and what lies beyond them is right."""
    told = ["".join(str(int(value)) for value in row.values()) for row in seen]
    beyond = (told[0], told[3], told[5]) == ("0011", "0100", "0011")
    return beyond and told[1:3] + told[4:5] != ["1000", "1000", "0100"]


def _verdicts(ahead, lead, horizon, *, false=None):
    """Counts from how many hours each alarm is ahead of each fault (F, A)."""
    caught = ((ahead >= lead) & (ahead <= horizon)).any(axis=1)
    announced = (ahead >= 0) & (ahead <= horizon)
    late = announced.any(axis=1) & ~caught
    false = ~(announced if false is None else false).any(axis=0)
    counts = caught.sum(), late.sum(), len(ahead) - (caught | late).sum(), false.sum()
    return dict(zip(("caught", "late", "missed", "false_alarms"), map(int, counts), strict=True))


@wrong(
    "score_alarms", "Counts a fault as caught that was announced too late to act.",
    zh="报得太晚、来不及处理的，也算成及时。", caught_by="edges_of_the_notice", errata=("E010",),
    step="In time means at least `lead` hours ahead.", step_zh="及时是指至少提前 lead 小时。",
    looks_like=lambda seen: seen[3]["caught"] == 1,
)  # fmt: skip
def late_is_in_time(alarms, faults, lead, horizon):
    return _verdicts(faults[:, None] - alarms, 0, horizon)


@wrong(
    "score_alarms",
    "Caught, late and missed do not add up to the number of faults: one is counted twice, or not "
    "at all.",
    zh="及时、太晚、漏报加起来不等于故障数：有的故障数了几次，或没有数。",
    caught_by="each_fault_has_its_verdict", errata=("E010",),
    step="Each fault has one verdict: caught, else late, else missed.",
    step_zh="每次故障只有一个结论：先看及时，再看太晚，否则漏报。",
    looks_like=lambda seen: any(sum(list(row.values())[:3]) != 7 for row in seen),
)  # fmt: skip
def counts_alarms_for_faults(alarms, faults, lead, horizon):
    ahead = faults[:, None] - alarms
    in_time = int(((ahead >= lead) & (ahead <= horizon)).sum())
    return {**_verdicts(ahead, lead, horizon), "caught": in_time}


@wrong(
    "score_alarms", "Judges the faults rightly, but counts the false alarms wrongly.",
    zh="故障判断得对，误报数得不对。", caught_by="repeats_catch_once",
    step="False is each alarm that no fault's horizon holds, from `horizon` to 0 hours ahead; "
    "count each once.",
    step_zh="不在任何故障的提前 0 到 `horizon` 小时之内的报警才是误报，每个只数一次。",
    looks_like=lambda seen: (
        [seen["returned"][k] for k in ("caught", "late", "missed")] == [1, 0, 1]
    ),
)  # fmt: skip
def late_is_false(alarms, faults, lead, horizon):
    ahead = faults[:, None] - alarms
    return _verdicts(ahead, lead, horizon, false=(ahead >= lead) & (ahead <= horizon))


@wrong(
    "score_alarms",
    "Lets one alarm decide, the nearest or the first it meets, where an earlier one was in time.",
    zh="只凭一个报警（最近的或碰到的第一个）下结论，可更早的那个是及时的。",
    caught_by="repeats_catch_once", step="A fault is caught if any of its alarms is in time.",
    step_zh="只要有一个报警及时，故障就算及时。",
    looks_like=lambda seen: (seen["returned"]["caught"], seen["returned"]["late"]) == (0, 1),
)  # fmt: skip
def one_alarm_decides(alarms, faults, lead, horizon):
    nearest = [[min((f - a for a in alarms if a <= f), default=np.inf)] for f in faults]
    false = _verdicts(faults[:, None] - alarms, lead, horizon)["false_alarms"]
    return {**_verdicts(np.array(nearest), lead, horizon), "false_alarms": false}


@wrong(
    "score_alarms", "An alarm far too early counts too: `horizon` is not looked at.",
    zh="早得离谱的报警也算：没有看 `horizon`。", caught_by="edges_of_the_notice",
    step="An alarm more than `horizon` hours ahead says nothing of the fault, and is false.",
    step_zh="提前超过 `horizon` 小时的报警与故障无关，是误报。",
    looks_like=lambda seen: seen[0]["missed"] == 0 or seen[0]["false_alarms"] == 0,
)  # fmt: skip
def no_horizon(alarms, faults, lead, horizon):
    return _verdicts(faults[:, None] - alarms, lead, np.inf)


@wrong(
    "score_alarms",
    "Decides an edge the other way: an alarm exactly `horizon`, `lead` or 0 hours ahead.",
    zh="边界判断反了：恰好提前 `horizon`、`lead` 或 0 小时的报警。",
    caught_by="edges_of_the_notice",
    step="All three edges belong to the fault: ≤ and ≥; exactly `lead` is in time.",
    step_zh="三个边界都算预告了故障，用 ≤ 和 ≥；恰好 `lead` 算及时。", looks_like=_edge_is_off,
)  # fmt: skip
def edge_of_the_notice(alarms, faults, lead, horizon):
    ahead = faults[:, None] - alarms
    return _verdicts(np.where(ahead == lead, lead - 1e-3, ahead), lead, horizon)


@wrong(
    "score_alarms",
    "Takes the distance without its direction: an alarm after the fault counts as a warning.",
    zh="只看距离，不看先后：故障之后的报警也成了预警。", caught_by="edges_of_the_notice",
    errata=("E010",), step="Only what comes before the fault, or with it, announces it.",
    step_zh="只有在故障之前或同时的报警才算预告。", looks_like=lambda seen: seen[5]["missed"] == 0,
)  # fmt: skip
def after_is_before(alarms, faults, lead, horizon):
    return _verdicts(abs(faults[:, None] - alarms), lead, horizon)


@wrong(
    "score_alarms", "Uses an alarm up: once it has announced a fault, it announces no other.",
    zh="报警用过就作废：预告了一次故障，就不能再预告另一次。", caught_by="one_alarm_two_faults",
    step="Judge each fault by all alarms.", step_zh="每次故障都要对照全部报警来判断。",
)  # fmt: skip
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


_SHARP_ONE_WRONG = optimize.brentq(lambda x: special.expit(-x) - 3 * special.expit(3 * x), -9, 9)


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
    "Forgets the prior.",
    zh="忘了先验。",
    caught_by="posterior_is_highest",
    step="Subtract θ² / (2 σ²) from the log-likelihood.",
    step_zh="对数似然还要减去 θ² / (2 σ²)。",
)
def forgets_the_prior(answers, difficulty, discrimination, prior_std=1.0):
    return _ability(answers, difficulty, discrimination, math.inf)


@wrong(
    "estimate_ability", "Counts a question that was not asked as an answer, such as a wrong one.",
    zh="没考到的题也算成了作答，例如答错。", caught_by="all_alike_is_infinite", errata=("E010",),
    step="Leave out what is nan.", step_zh="去掉值为 nan 的题。",
    looks_like=lambda seen: all(map(math.isinf, seen[:2])) and not math.isinf(seen[2]),
)  # fmt: skip
def not_asked_is_wrong(answers, difficulty, discrimination, prior_std=1.0):
    return _ability(np.nan_to_num(answers), difficulty, discrimination, prior_std)


@wrong(
    "estimate_ability", "Takes the log-odds of the share of right answers, whatever the questions.",
    zh="只看答对比例的对数几率，不管考的是什么题。", caught_by="posterior_is_highest",
    errata=("E010",), step="Let difficulty and discrimination enter through P(θ).",
    step_zh="让难度和区分度通过 P(θ) 进入计算。",
)  # fmt: skip
def share_is_ability(answers, difficulty, discrimination, prior_std=1.0):
    share = np.nanmean(answers)
    with np.errstate(divide="ignore"):
        return float(np.log(share) - np.log1p(-share))


@wrong(
    "estimate_ability", "Turns the difficulty round: hard questions are taken for easy ones.",
    zh="把难度弄反了：难题当成了容易的题。", caught_by="posterior_is_highest",
    step="The exponent is a (θ − b): a hard question has a high b.",
    step_zh="指数是 a (θ − b)：题越难，b 越大。",
)  # fmt: skip
def hard_is_easy(answers, difficulty, discrimination, prior_std=1.0):
    return _ability(answers, -difficulty, discrimination, prior_std)


@wrong(
    "estimate_ability", "The likelihood is right, the prior is missing or has another width.",
    zh="似然是对的，先验漏了，或者宽度不对。", caught_by="prior_has_its_width",
    step="Subtract θ² / (2 σ²) from the log-likelihood; its slope is −θ / σ².",
    step_zh="对数似然要减去 θ² / (2 σ²)，它的斜率是 −θ / σ²。",
    looks_like=lambda seen: abs(seen["without"] - _SHARP_ONE_WRONG) < 2e-3,
)  # fmt: skip
def another_prior(answers, difficulty, discrimination, prior_std=1.0):
    return _ability(answers, difficulty, discrimination, prior_std, penalty=1 / prior_std)


@wrong(
    "estimate_ability", "Leaves the discrimination out, of P or as a factor of the slope.",
    zh="漏了区分度：P 里没有，或斜率里少了因子 a。", caught_by="likelihood_without_prior",
    step="The exponent is −a (θ − b), and the slope of the log-likelihood has the factor a, too.",
    step_zh="指数是 −a (θ − b)，对数似然的斜率里也有因子 a。",
    looks_like=lambda seen: abs(seen["a sharp one wrong"]) < 0.01,
)  # fmt: skip
def all_questions_alike_sharp(answers, difficulty, discrimination, prior_std=1.0):
    return _ability(answers, difficulty, np.ones_like(discrimination), prior_std)


@wrong(
    "estimate_ability", "Returns a finite number where the maximum lies at infinity.",
    zh="最大值在无穷远时，返回了有限的数。", caught_by="all_alike_is_infinite",
    step="All right or all wrong without a prior: return inf or -inf.",
    step_zh="没有先验时，全对返回 inf，全错返回 -inf。",
    looks_like=lambda seen: any(map(math.isfinite, seen[:2])),
)  # fmt: skip
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
    "fit_rasch", "Counts what was not asked as a wrong answer.", zh="没考到的算成了答错。",
    caught_by="gaps_say_nothing", errata=("E010",), step="Leave nan out of every sum.",
    step_zh="所有求和都要去掉 nan。",
)  # fmt: skip
def gaps_are_wrong(responses, prior_std=1.0):
    return _rasch(np.nan_to_num(responses), prior_std**-2, prior_std**-2)


@wrong(
    "fit_rasch", "Returns easiness: the difficulties have the wrong sign.",
    zh="返回的是容易程度：难度的符号反了。", caught_by="joint_posterior_is_highest",
    step="A question that few solve has a high b.", step_zh="答对的人越少，b 越大。",
)  # fmt: skip
def easiness_for_difficulty(responses, prior_std=1.0):
    theta, b = _rasch(responses, prior_std**-2, prior_std**-2)
    return theta, -b


@wrong(
    "fit_rasch",
    "Takes log-odds of the shares of right answers, as if everybody had met the same questions.",
    zh="直接用正确率的对数几率，好像人人考的都是同样的题。", caught_by="gaps_say_nothing",
    errata=("E010",), step="Fit abilities and difficulties together.",
    step_zh="能力和难度要一起估计。",
)  # fmt: skip
def shares_for_parameters(responses, prior_std=1.0):
    with np.errstate(divide="ignore"):
        return special.logit(np.nanmean(responses, 1)), -special.logit(np.nanmean(responses, 0))


def _prior_is_off(seen):
    """Whether one right answer moves both alike, but too far or not far enough."""
    both = seen["one answer"]
    right = [optimize.brentq(lambda x, s=s: special.expit(-2 * x) - x / s**2, 0, 9) for s in (1, 2)]
    is_off = any(abs(both[i][0] - right[i]) > 0.01 for i in (0, 1))
    return is_off and all(theta > 0 and abs(theta + b) < 0.01 for theta, b in both)


@wrong(
    "fit_rasch", "The priors are missing or have another width than `prior_std`.",
    zh="先验漏了，或者宽度不是 `prior_std`。", caught_by="both_priors_have_their_width",
    step="Each slope has the term −θ / σ² (or −b / σ²): the square of `prior_std`.",
    step_zh="每个斜率都有 −θ / σ²（或 −b / σ²）一项：`prior_std` 要平方。",
    looks_like=_prior_is_off,
)  # fmt: skip
def priors_of_another_width(responses, prior_std=1.0):
    return _rasch(responses, 1 / prior_std, 1 / prior_std)


@wrong(
    "fit_rasch",
    "Does not put the same prior on both: on the abilities or the difficulties alone, or unlike.",
    zh="能力和难度的先验不一样，或者只有一边加了先验。", caught_by="both_priors_have_their_width",
    step="Abilities and difficulties have the same prior.", step_zh="能力和难度用同样的先验。",
    looks_like=lambda seen: any(abs(x + b) > 0.01 and x * b != 0 for x, b in seen["one answer"]),
)  # fmt: skip
def prior_on_abilities_only(responses, prior_std=1.0):
    return _rasch(responses, prior_std**-2, 1e-6)


@wrong(
    "fit_rasch", "Shifts the result, so that one of the two has the mean 0.",
    zh="求出后又作了平移，让其中一组均值为 0。", caught_by="both_priors_have_their_width",
    step="The priors hold the scale; return what maximises the posterior.",
    step_zh="刻度由先验固定；后验最大的值原样返回。",
    looks_like=lambda seen: all(x * b == 0 for x, b in seen["one answer"]),
)  # fmt: skip
def centres_afterwards(responses, prior_std=1.0):
    theta, b = _rasch(responses, prior_std**-2, prior_std**-2)
    return theta - b.mean(), b - b.mean()


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


_RATIOS = {
    "by rarity": math.log(1 + 3.5 / 1.5) / math.log(1 + 1.5 / 3.5),
    "by count": 3 / (3 + 1.2) * (1 + 1.2),
    "by length": (1 + 1.2 * (0.25 + 0.75 * 5 / 3)) / (1 + 1.2 * (0.25 + 0.75 / 3)),
}


def _differs(name):
    """Whether this is the first ratio of scores that is not right."""
    return lambda seen: (
        [n for n in _RATIOS if not np.isclose(seen[n], _RATIOS[n], rtol=1e-3)][:1] == [name]
    )


@wrong(
    "bm25_scores", "Multiplies by k1 + 1, as other BM25s do.",
    zh="多乘了 k1 + 1，那是别的 BM25 版本。", caught_by="follows_the_formula",
    step="Take the formula of the text: Lucene dropped this constant, which changes no ranking.",
    step_zh="按题目的公式：Lucene 已去掉这个常数，它不影响排序。",
)  # fmt: skip
def with_the_constant(query, documents, k1=1.2, b=0.75):
    return (k1 + 1) * _bm25(query, documents, k1, b)


@wrong(
    "bm25_scores", "A document's length counts otherwise than in the formula.",
    zh="文档长度的影响和公式不符。", caught_by="common_tokens_add_something",
    step="k1 is multiplied by 1 − b + b · |d| / L, L the mean length.",
    step_zh="k1 要乘 1 − b + b · |d| / L，L 是平均长度。", looks_like=_differs("by length"),
)  # fmt: skip
def another_length(query, documents, k1=1.2, b=0.75):
    return _bm25(query, documents, k1, 1 - b)


@wrong(
    "bm25_scores",
    "A token that occurs three times gains too much or too little against one that occurs once.",
    zh="出现三次的词和出现一次的相比，加得太多或太少。", caught_by="common_tokens_add_something",
    step="The gain is f / (f + k1 · …): it saturates.", step_zh="增益是 f / (f + k1 · …)，会饱和。",
    looks_like=_differs("by count"),
)  # fmt: skip
def another_saturation(query, documents, k1=1.2, b=0.75):
    return _bm25(query, documents, k1, b, gain=lambda f, norm: f)


@wrong(
    "bm25_scores",
    "The weight of a token is another one: rare against common tokens are out of proportion.",
    zh="词的权重不对：罕见词和常见词的比例有误。", caught_by="common_tokens_add_something",
    step="ln(1 + (N − n + 0.5) / (n + 0.5)), n the number of documents that hold the token.",
    step_zh="权重是 ln(1 + (N − n + 0.5) / (n + 0.5))，n 是含有该词的文档数。",
    looks_like=_differs("by rarity"),
)  # fmt: skip
def another_weight(query, documents, k1=1.2, b=0.75):
    return _bm25(query, documents, k1, b, idf=lambda n: math.log(len(documents) / n) if n else 0)


@wrong(
    "bm25_scores", "Takes each query token once.", zh="查询里重复的词只算了一次。",
    caught_by="repeated_tokens_count", step="Go through the query as it is, repeats included.",
    step_zh="按原样遍历查询，重复的也要算。",
)  # fmt: skip
def each_token_once(query, documents, k1=1.2, b=0.75):
    return _bm25(dict.fromkeys(query), documents, k1, b)


@wrong(
    "bm25_scores", "Finds tokens inside other tokens: “cat” in “wildcat”.",
    zh="在别的词里面找词：「wildcat」里也找到了「cat」。", caught_by="tokens_are_whole",
    step="Compare whole tokens; do not join the document to a string.",
    step_zh="比较整个词；不要把文档拼成字符串再找。",
)  # fmt: skip
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


def _only(name):
    """Whether of one query, ranked 0 3 0 1 0 2 and cut at 2, or of more, this alone is wrong."""
    best = 3 + 2 / math.log2(3)
    one = {"recall": 1 / 3, "mrr": 0.5, "ndcg": 3 / math.log2(3) / best}
    more = {"recall": 1.0, "mrr": (1 / 2 + 1 / 5 + 1 / 8) / 3}

    def predicate(seen):
        off = {n for n in one if not math.isclose(seen["one query"][n], one[n], rel_tol=1e-3)}
        first = [row["mrr"] for row in seen["more"]]
        is_off = not np.allclose(first, [1 / 6, (1 / 2 + 1 / 5) / 3, more["mrr"]], rtol=1e-3)
        return (off | ({"mrr"} if is_off else set())) == {name}

    return predicate


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
    "mrr and nDCG are right, recall is not: it is another share, such as precision.",
    zh="mrr 和 nDCG 对，召回率不对：算成了别的比例，例如精确率。", errata=("E200",),
    caught_by="cut_at_k",
    step="Relevant documents among the first k, over all relevant ones of the query.",
    step_zh="前 k 名里的相关文档数，除以该查询全部的相关文档数。", looks_like=_only("recall"),
)  # fmt: skip
def precision_for_recall(scores, relevance, k):
    return _ranking(scores, relevance, k, hits_over=k)


@wrong(
    "ranking_metrics",
    "Recall and nDCG are right, the reciprocal rank of the first relevant document is not.",
    zh="recall 和 nDCG 对，第一篇相关文档的倒数排名不对。", caught_by="cut_at_k",
    step="1 over the first rank, from 1 on, with relevance above 0; 0 if none is among the first "
    "k.",
    step_zh="取第一个相关度大于 0 的名次（从 1 数）的倒数；前 k 名里没有就是 0。",
    looks_like=_only("mrr"),
)  # fmt: skip
def another_mrr(scores, relevance, k):
    whole = _ranking(scores, relevance, relevance.shape[1])
    return {**_ranking(scores, relevance, k), "mrr": whole["mrr"]}


@wrong(
    "ranking_metrics", "Recall and mrr are right, nDCG is not: gain, discount or the best order.",
    zh="recall 和 mrr 对，nDCG 不对：增益、折扣或理想排列有误。", caught_by="cut_at_k",
    step="Gain: the relevance; discount: log2(rank + 1); best order: all documents, its first k.",
    step_zh="增益就是相关度；折扣是 log2(名次 + 1)；理想排列取全部文档，再截前 k。",
    looks_like=_only("ndcg"),
)  # fmt: skip
def another_ndcg(scores, relevance, k):
    return _ranking(scores, relevance, k, gain=lambda r: r**2)


@wrong(
    "ranking_metrics",
    "Compares with the best order of what was found, so that what was missed costs nothing.",
    zh="理想排名只在找到的文档里排，漏掉的一点不扣分。", caught_by="means_over_queries",
    errata=("E200",), step="The ideal orders all documents of the query.",
    step_zh="理想排名要在该查询的全部文档里排。",
)  # fmt: skip
def ideal_of_the_found(scores, relevance, k):
    return _ranking(scores, relevance, k, ideal_of="found")


@wrong(
    "ranking_metrics", "Turns a sorted list round, and with it the order of equal scores.",
    zh="升序排完再整个反转，分数相同的顺序也被反了过来。", caught_by="ties_keep_their_order",
    step="Sort stably by the negative scores.", step_zh="对分数的相反数做稳定排序。",
)  # fmt: skip
def turns_ties_round(scores, relevance, k):
    turned = scores[:, ::-1], relevance[:, ::-1]
    return _ranking(*turned, k)


@wrong(
    "ranking_metrics", "Counts queries without a relevant document as failures.",
    zh="没有相关文档的查询算成了失败。", caught_by="empty_queries_are_left_out",
    step="Leave them out of all three means.", step_zh="三项平均都不计入这些查询。",
)  # fmt: skip
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
    zh="把各阶段的百分位相加，可各阶段慢的并不是同一批请求。", caught_by="whole_requests",
    step="Add up each request first, then take the percentile.",
    step_zh="先逐个请求求和，再取百分位。",
)  # fmt: skip
def adds_percentiles(stages, plan, budget):
    found = [_told(_totals(stages, [step]), budget) for step in plan]
    whole = _told(_totals(stages, plan), budget)
    return {**whole, **{p: sum(part[p] for part in found) for p in ("p50", "p99")}}


@wrong(
    "pipeline_latency",
    "Does not wait for just the slowest of the stages that run at the same time.",
    zh="同时运行的阶段，没有只等最慢的那个。", caught_by="slowest_is_waited_for",
    step="Of parallel stages take the slowest, request by request.",
    step_zh="并行的阶段要逐个请求取最慢的。",
    looks_like=lambda seen: 57 != round(seen["50 beside 30, then 7"]) < 900,
)  # fmt: skip
def adds_the_parallel(stages, plan, budget):
    return _told(_totals(stages, plan, np.sum), budget)


@wrong(
    "pipeline_latency",
    "Returns a percentile that no request took: interpolated, as by default, or a mean.",
    zh="返回的百分位没有哪个请求真的花过：做了插值（NumPy 默认），或用了平均。",
    caught_by="nearest_rank",
    step="A nearest-rank percentile occurred: inverted_cdf is the method.",
    step_zh="最近秩百分位是真实出现过的值：method 用 inverted_cdf。",
    looks_like=lambda seen: not all(row["occurred"] for row in seen),
)  # fmt: skip
def interpolates(stages, plan, budget):
    return _told(_totals(stages, plan), budget, "linear")


@wrong(
    "pipeline_latency", "Takes a latency that occurred, but not the one of that rank.",
    zh="取的是真实出现过的延迟，但名次不对。", caught_by="nearest_rank",
    step="Sort; the place is the share of n, rounded up, counted from one.",
    step_zh="排序后取第 ⌈比例 × n⌉ 个，从 1 数起。",
    looks_like=lambda seen: all(row["occurred"] and row["within"] == 1 for row in seen),
)  # fmt: skip
def neighbouring_rank(stages, plan, budget):
    return _told(_totals(stages, plan), budget, "higher")


@wrong(
    "pipeline_latency", "Leaves out a request that takes exactly the budget.",
    zh="恰好用完预算的请求没有算在内。", caught_by="within_the_budget",
    step="At most the budget: ≤.", step_zh="不超过预算：≤。",
)  # fmt: skip
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
    "stopping_distance",
    "Does not wait for the p99 by nearest rank, but for another latency of the frames.",
    zh="等的不是 p99（最近秩），而是这些帧的别的延迟，例如平均值或插值。",
    caught_by="waits_then_brakes",
    step="Take the p99 of the latencies, one that occurred, not the mean.",
    step_zh="取延迟的 p99，要真实出现过的值，不是平均。",
    looks_like=lambda seen: (
        all(20 < wait < 2000 for wait in seen["waited"])
        and np.allclose(seen["v² / a times"], 0.5, rtol=1e-3)
    ),
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
