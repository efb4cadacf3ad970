"""Known-wrong answers for `applications`, each one misconception.

Many are the oracle's, asked about something else than what was given.
"""

import math

import numpy as np
from scipy import optimize, special

from autograder.checks import wrong

from . import reference

# --- time_split ---------------------------------------------------------------------------


def _is_in_time(seen):
    """Whether the parts are indices, not truth values, and neither is of the other's time."""
    are_indices = max(seen["test"], default=2) > 1
    return are_indices and seen["trained on the future"] == seen["tested on the past"] == 0


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
    return reference.time_split(times, cards, frauds, cutoff, 1e-9)


def _lacks_a_card(seen):
    """Whether an open payment is not tested, and not only since the test begins later."""
    tested, right = seen["returned"], [11, 12.5, 14, 15, 16, 17]
    begins_late = len(tested) > 2 and tested == right[-len(tested) :]
    return min(tested) > 10 and not begins_late and not {12.5, 14, 15, 16} <= set(tested)


@wrong(
    "time_split", "Tests on cards that are blocked long since.", zh="连早就冻结的卡也拿来测试。",
    caught_by="blocked_cards_are_left_out",
    step="Leave out the cards of frauds that are known at the cutoff.",
    step_zh="去掉到 cutoff 时已知有过欺诈的卡。",
    looks_like=lambda seen: _is_in_time(seen) and seen["tested on blocked cards"] > 0,
)  # fmt: skip
def tests_blocked_cards(times, cards, frauds, cutoff, delay):
    return reference.time_split(times, cards, 0 * frauds, cutoff, delay)


@wrong(
    "time_split", "Returns places in the list sorted by time, not in the list as it was given.",
    zh="返回的是按时间排序之后的位置，而不是原来的下标。", caught_by="learns_from_known_labels",
    step="Leave the order as it is, or turn the places back through the order of sorting.",
    step_zh="不要排序，或者用排序的次序把位置换回原来的下标。",
)  # fmt: skip
def places_in_the_sorted(times, cards, frauds, cutoff, delay):
    order = np.argsort(times, kind="stable")
    return reference.time_split(times[order], cards[order], frauds[order], cutoff, delay)


def _edge_is_out(seen):
    """Whether nothing but what lies at an edge is left out."""
    train, test = (set(part) for part in seen["from the cutoff"][0])
    lacking = {-3, -2.25, -2} - train | {0, 0.25, 2} - test
    return len(train | test) + len(lacking) == 6 and set() < lacking <= {-2, 0}


@wrong(
    "time_split", "Leaves out what lies exactly at an edge: < for ≤, or > for ≥.",
    zh="恰好在边界上的没有算：≤ 写成了 <，或 ≥ 写成了 >。", caught_by="edges_count",
    step="Known is time + delay ≤ cutoff; the test begins with time ≥ cutoff.",
    step_zh="已知是 时间 + delay ≤ cutoff；测试从 时间 ≥ cutoff 开始。",
    looks_like=_edge_is_out,
)  # fmt: skip
def edge_is_left_out(times, cards, frauds, cutoff, delay):
    return reference.time_split(times, cards, frauds, cutoff, delay + 1e-9)


@wrong(
    "time_split",
    "Leaves cards out of the test that are not blocked, such as all that were trained on.",
    zh="测试里去掉了没有冻结的卡，例如凡是训练里出现过的都去掉了。",
    caught_by="learns_from_known_labels", step="Only cards with a known fraud are blocked.",
    step_zh="只有已知有过欺诈的卡才冻结。",
    looks_like=lambda seen: _is_in_time(seen) and seen["open, not tested"] > 3,
)  # fmt: skip
def no_card_twice(times, cards, frauds, cutoff, delay):
    return reference.time_split(times, cards, np.ones_like(frauds), cutoff, delay)


@wrong(
    "time_split", "The test begins later than the cutoff, such as `delay` days after it.",
    zh="测试开始得比 cutoff 晚，例如晚了 delay 天。", caught_by="learns_from_known_labels",
    step="The delay is of labels: payments are scored from the cutoff on.",
    step_zh="延迟的是标签：从 cutoff 起的交易都要打分。",
    looks_like=lambda seen: _is_in_time(seen) and seen["open, before the test"] > 3,
)  # fmt: skip
def test_begins_late(times, cards, frauds, cutoff, delay):
    train, test = reference.time_split(times, cards, frauds, cutoff, delay)
    return train, [i for i in test if times[i] >= cutoff + delay]


@wrong(
    "time_split", "Blocks cards for frauds of which nobody has heard yet: the test looks ahead.",
    zh="用还没有人知道的欺诈来冻结卡：测试集的构造偷看了未来的标签。",
    caught_by="unknown_frauds_block_nothing", errata=("E007",),
    step="Block only what the known labels say.", step_zh="只按已知的标签冻结。",
    looks_like=_lacks_a_card,
)  # fmt: skip
def blocks_by_all_frauds(times, cards, frauds, cutoff, delay):
    known, sooner = (reference.time_split(times, cards, frauds, cutoff, d) for d in (delay, 1e-9))
    return known[0], sooner[1]


# --- card_features ------------------------------------------------------------------------


def _features(times, cards, amounts, sees):
    """Counts and means over the pairs of the same card that `sees` marks by their days (N, N)."""
    seen = sees(times[:, None] - times) & (cards[:, None] == cards)
    count = seen.sum(axis=1)
    return np.stack([count, seen @ amounts / np.maximum(count, 1)], axis=1)


def _ends_elsewhere(seen):
    """Whether what lies within the window is taken, and one of its ends decided wrongly."""
    foreign = {"later", "other card"} & set(seen["whose"])
    return not foreign and "within" in seen["whose"] != ["window's begin", "within"]


@wrong(
    "card_features",
    "Takes all payments of the card, later ones too: the feature knows the future.",
    zh="用了这张卡的全部交易，连后来的也算：特征知道了未来。", caught_by="edges_of_the_window",
    errata=("E007",), step="Take only what is strictly earlier and within the window.",
    step_zh="只取严格更早且在窗口之内的。", looks_like=lambda seen: "later" in seen["whose"],
)  # fmt: skip
def knows_the_future(times, cards, amounts, window):
    return _features(times, cards, amounts, lambda ago: ~np.eye(len(ago), dtype=bool))


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
    return _features(times, cards, amounts, lambda ago: above & (ago <= window))


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
    found = _features(times, cards, amounts, lambda ago: (ago > 0) & (ago <= window))
    return found * np.stack([np.ones(len(found)), found[:, 0]], axis=1)  # the sum


@wrong(
    "card_features",
    "An end of the window is not as asked for: it takes the payment itself or others of the same "
    "time, leaves out what lies exactly `window` days before, or takes what is older.",
    zh="窗口的两端不对：算进了自己或同一时间的，漏了恰好 `window` 天前的，或算进了更早的。",
    caught_by="edges_of_the_window",
    step="t − window ≤ t' < t: the begin belongs to the window, the moment itself does not.",
    step_zh="t − window ≤ t' < t：窗口含起点，不含这一刻。", looks_like=_ends_elsewhere,
)  # fmt: skip
def window_ends_elsewhere(times, cards, amounts, window):
    return _features(times, cards, amounts, lambda ago: (ago >= 0) & (ago <= window))


# --- cheapest_threshold -------------------------------------------------------------------


def _cheapest(scores, cost_of, candidates=None):
    """Threshold and cost; the highest of the cheapest."""
    if candidates is None:
        candidates = [math.inf, *sorted(set(scores.tolist()), reverse=True)]
    costs = [float(cost_of(threshold)) for threshold in candidates]
    best = int(np.argmin(costs))
    return candidates[best], costs[best]


def _is_no_cost_of_it(seen):
    """Whether a cost is off, and the two have not merely changed places: scores are small."""
    exchanged = all(10 < row["pair"][0] < math.inf for row in seen)
    return not exchanged and not _are_costs_theirs(seen)


def _are_costs_theirs(seen):
    return all(abs(row["off by"]) < 1e-3 for row in seen)


def _cost(frauds, scores, amounts, review_cost):
    def cost_of(threshold):
        alarm = scores >= threshold
        return (review_cost * alarm).sum() + amounts[~alarm & (frauds == 1)].sum()

    return cost_of


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
    looks_like=lambda seen: _are_costs_theirs(seen) and all(row["is a score"] for row in seen),
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
    "cheapest_threshold",
    "Returns a cost that is not the one of its threshold: right alarms cost a review too, missed "
    "frauds their amounts.",
    zh="返回的代价不是这个阈值的代价：报对了也要花审核费，漏掉的欺诈损失的是金额。",
    caught_by="total_is_least",
    step="The cost: `review_cost` for each score ≥ threshold, and the amounts of the frauds "
    "below it.",
    step_zh="代价：分数 ≥ 阈值的每笔一次 `review_cost`，加上低于阈值的欺诈的金额。",
    looks_like=_is_no_cost_of_it,
)  # fmt: skip
def cost_of_something_else(frauds, scores, amounts, review_cost):
    reviews = np.where(frauds == 1, 0, review_cost)  # a right alarm is free
    return _cheapest(scores, _cost(frauds, scores, amounts, reviews))


@wrong(
    "cheapest_threshold",
    "Returns a threshold that is none of the scores that occur: 0.5, a grid, a midpoint.",
    zh="返回的阈值不是出现过的分数：0.5、等距网格或中点。", caught_by="total_is_least",
    step="Candidates are the scores that occur, and infinity.",
    step_zh="候选只有出现过的分数和无穷大。",
    looks_like=lambda seen: _are_costs_theirs(seen) and not any(
        row["is a score"] for row in seen if math.isfinite(row["pair"][0])
    ),
)  # fmt: skip
def threshold_off_the_scores(frauds, scores, amounts, review_cost):
    candidates = np.linspace(1, 0, 101).tolist()
    return _cheapest(scores, _cost(frauds, scores, amounts, review_cost), candidates)


# --- ewma_scores --------------------------------------------------------------------------


def _ewma(signal, start, weight):
    z, found = start, []
    for x in signal:
        z = weight * x + (1 - weight) * z
        found.append(z)
    return np.array(found)


def _baseline_is_off(seen):
    """Whether the second sample, two deviations away, is told otherwise; 1 is the one before it."""
    second = seen["weight 1"][1]
    return 0 < second < np.inf and not np.isclose(second, [1, 2], atol=5e-3).any()


def _path_error(seen):
    """How far off the average's path is, or its square, as a share: the root cancels in it."""
    t = np.arange(2, 6)
    right = 0.25 * 0.75 ** (t - 1) / (1 - 0.75**t)
    return min(abs(seen["path"][1:] / x - 1).max() for x in (right, right**2))


def _root_is_off(seen):
    """Whether the path is right and the scores are not."""
    right = (1 - 0.75 ** np.arange(1, 6)) / _spread(5, 0.25)
    is_right = np.allclose(seen["scores"], right, rtol=5e-3)
    return _path_error(seen) < 5e-3 and not is_right and not _baseline_is_off(seen)


def _spread(count, weight):
    t = np.arange(1, count + 1)
    return np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t)))


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
    "ewma_scores",
    "The moving average is right, the root it is divided by is not, or is missing: an average "
    "moves far less than a sample.",
    zh="移动平均是对的，除的那个根号不对，或者漏了：平均值的波动比单个采样点小得多。",
    caught_by="weight_one_is_the_sample",
    step="Divide by s · √(λ / (2 − λ) · (1 − (1 − λ)^(2t))), t from 1 on.",
    step_zh="要除以 s · √(λ / (2 − λ) · (1 − (1 − λ)^(2t)))，t 从 1 开始。",
    looks_like=_root_is_off,
)  # fmt: skip
def another_root(healthy, signal, weight):
    return abs(_ewma(signal, healthy.mean(), weight) - healthy.mean()) / healthy.std(ddof=1)


@wrong(
    "ewma_scores",
    "The moving average is another one: it may start at the first sample, or have other weights.",
    zh="移动平均不对：可能从第一个采样点开始，也可能权重不同。",
    caught_by="weight_one_is_the_sample",
    step="z begins at the mean of `healthy`; each sample of `signal` enters with λ, the old z "
    "with 1 − λ, before its score is taken.",
    step_zh="z 从 `healthy` 的均值开始；每个采样点以 λ 计入，旧的 z 以 1 − λ 计入，然后才算分数。",
    looks_like=lambda seen: 0.05 < _path_error(seen) < np.inf and not _baseline_is_off(seen),
)  # fmt: skip
def another_average(healthy, signal, weight):
    z = _ewma(signal, signal[0], weight)
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


def _span_is_off(seen):
    """Whether late and after are told apart, but the span's begin or one of its edges is off."""
    told = ["".join(str(int(value)) for value in row.values()) for row in seen]
    inside = (told[3], told[5]) == ("0100", "0011")
    return inside and told[:3] + told[4:5] != ["0011", "1000", "1000", "0100"]


def _one_by_one(alarms, faults, lead, horizon, heard):
    """The counts where each fault is judged by what `heard` makes of the alarms for it."""
    right = reference.score_alarms(alarms, faults, lead, horizon)
    each = [reference.score_alarms(heard(alarms, f), [f], lead, horizon) for f in faults]
    return {**{name: sum(one[name] for one in each) for name in right},
            "false_alarms": right["false_alarms"]}  # fmt: skip


@wrong(
    "score_alarms", "Counts a fault as caught that was announced too late to act.",
    zh="报得太晚、来不及处理的，也算成及时。", caught_by="edges_of_the_notice", errata=("E010",),
    step="In time means at least `lead` hours ahead.", step_zh="及时是指至少提前 lead 小时。",
    looks_like=lambda seen: seen[3]["caught"] == 1,
)  # fmt: skip
def late_is_in_time(alarms, faults, lead, horizon):
    return reference.score_alarms(alarms, faults, 0, horizon)


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
    return {**reference.score_alarms(alarms, faults, lead, horizon), "caught": in_time}


@wrong(
    "score_alarms", "Judges the faults rightly, but counts the false alarms wrongly.",
    zh="故障判断得对，误报数得不对。", caught_by="repeats_catch_once",
    step="False is each alarm that no fault's horizon holds, from `horizon` to 0 hours ahead; "
    "count each once.",
    step_zh="不在任何故障的提前 0 到 `horizon` 小时之内的报警才是误报，每个只数一次。",
    looks_like=lambda seen: (
        list(seen["returned"].values())[:3] == [1, 0, 1] and seen["returned"]["false_alarms"] != 3
    ),
)  # fmt: skip
def late_is_false(alarms, faults, lead, horizon):
    in_time = reference.score_alarms(alarms, faults - lead, 0, horizon - lead)
    right = reference.score_alarms(alarms, faults, lead, horizon)
    return {**right, "false_alarms": in_time["false_alarms"]}


@wrong(
    "score_alarms",
    "Lets one alarm decide, the nearest or the first it meets, where an earlier one was in time.",
    zh="只凭一个报警（最近的或碰到的第一个）下结论，可更早的那个是及时的。",
    caught_by="repeats_catch_once", step="A fault is caught if any of its alarms is in time.",
    step_zh="只要有一个报警及时，故障就算及时。",
    looks_like=lambda seen: (seen["returned"]["caught"], seen["returned"]["late"]) == (0, 1),
)  # fmt: skip
def one_alarm_decides(*given):
    return _one_by_one(*given, lambda alarms, fault: np.sort(alarms[alarms <= fault])[-1:])


@wrong(
    "score_alarms", "Lets one alarm announce one fault only: the others are missed.",
    zh="一个报警只算预告一次故障，其余故障成了漏报。", caught_by="one_alarm_two_faults",
    step="Judge each fault by all alarms, whatever they announced before.",
    step_zh="每次故障都要看全部报警，不管它们已经预告过什么。",
    looks_like=lambda seen: seen[0]["missed"] == 2,
)  # fmt: skip
def one_fault_each(alarms, faults, lead, horizon):
    left = set(alarms.tolist())

    def heard(_, fault):
        used = {alarm for alarm in left if 0 <= fault - alarm <= horizon}
        left.difference_update(used)
        return used

    return _one_by_one(alarms, faults, lead, horizon, heard)


@wrong(
    "score_alarms",
    "Takes another span of notice: no `horizon`, or an edge decided the other way (exactly "
    "`horizon`, `lead` or 0 hours ahead).",
    zh="提前量的范围不对：没有看 `horizon`，或者恰好提前 `horizon`、`lead`、0 小时的判断反了。",
    caught_by="edges_of_the_notice",
    step="From `horizon` to 0 hours ahead, both edges included; exactly `lead` is in time.",
    step_zh="提前 `horizon` 到 0 小时，两端都算；恰好 `lead` 算及时。", looks_like=_span_is_off,
)  # fmt: skip
def another_span(alarms, faults, lead, horizon):
    return reference.score_alarms(alarms, faults, lead + 1e-9, horizon)


@wrong(
    "score_alarms",
    "Takes the distance without its direction: an alarm after the fault counts as a warning.",
    zh="只看距离，不看先后：故障之后的报警也成了预警。", caught_by="edges_of_the_notice",
    errata=("E010",), step="Only what comes before the fault, or with it, announces it.",
    step_zh="只有在故障之前或同时的报警才算预告。", looks_like=lambda seen: seen[5]["missed"] == 0,
)  # fmt: skip
def after_is_before(alarms, faults, lead, horizon):
    found = _one_by_one(alarms, faults, lead, horizon, lambda a, fault: fault - abs(fault - a))
    nearest = abs(faults[:, None] - alarms).min(axis=0)
    return {**found, "false_alarms": int((nearest > horizon).sum())}


# --- estimate_ability ---------------------------------------------------------------------


_SHARP_ONE_WRONG = optimize.brentq(lambda x: special.expit(-x) - 3 * special.expit(3 * x), -9, 9)


@wrong(
    "estimate_ability", "Counts a question that was not asked as an answer, such as a wrong one.",
    zh="没考到的题也算成了作答，例如答错。", caught_by="all_alike_is_infinite", errata=("E010",),
    step="Leave out what is nan.", step_zh="去掉值为 nan 的题。",
    looks_like=lambda seen: all(map(math.isinf, seen[:2])) and not math.isinf(seen[2]),
)  # fmt: skip
def not_asked_is_wrong(answers, *questions, **how):
    return reference.estimate_ability(np.nan_to_num(answers), *questions, **how)


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
    "estimate_ability",
    "Without a prior it is right, with one it is not, as when the prior is left out or has another "
    "width.",
    zh="没有先验时对，有先验就不对，例如漏了先验，或者宽度不对。", caught_by="prior_has_its_width",
    step="Subtract θ² / (2 σ²) from the log-likelihood; its slope is −θ / σ².",
    step_zh="对数似然要减去 θ² / (2 σ²)，它的斜率是 −θ / σ²。",
    looks_like=lambda seen: abs(seen["without"] - _SHARP_ONE_WRONG) < 2e-3,
)  # fmt: skip
def another_prior(answers, difficulty, discrimination, prior_std=1.0):
    return reference.estimate_ability(answers, difficulty, discrimination, math.inf)


@wrong(
    "estimate_ability", "Leaves the discrimination out, of P or as a factor of the slope.",
    zh="漏了区分度：P 里没有，或斜率里少了因子 a。", caught_by="likelihood_without_prior",
    step="The exponent is −a (θ − b), and the slope of the log-likelihood has the factor a, too.",
    step_zh="指数是 −a (θ − b)，对数似然的斜率里也有因子 a。",
    looks_like=lambda seen: abs(seen["a sharp one wrong"]) < 0.01,
)  # fmt: skip
def all_questions_alike_sharp(answers, difficulty, discrimination, prior_std=1.0):
    alike = np.ones_like(discrimination)
    return reference.estimate_ability(answers, difficulty, alike, prior_std)


@wrong(
    "estimate_ability",
    "Looks no farther than some bound, such as a grid's end: what lies beyond it, or at infinity, "
    "comes out as a finite number.",
    zh="只在某个范围（例如网格）里找：最大值在范围之外或无穷远时，返回了有限的数。",
    caught_by="all_alike_is_infinite",
    step="All right or all wrong without a prior: return inf or -inf.",
    step_zh="没有先验时，全对返回 inf，全错返回 -inf。",
    looks_like=lambda seen: any(map(math.isfinite, seen[:2])),
)  # fmt: skip
def end_of_the_grid(*given, **how):
    return float(np.clip(reference.estimate_ability(*given, **how), -4, 4))


# --- fit_rasch ----------------------------------------------------------------------------


@wrong(
    "fit_rasch", "Counts what was not asked as a wrong answer.", zh="没考到的算成了答错。",
    caught_by="gaps_say_nothing", errata=("E010",), step="Leave nan out of every sum.",
    step_zh="所有求和都要去掉 nan。",
)  # fmt: skip
def gaps_are_wrong(responses, prior_std=1.0):
    return reference.fit_rasch(np.nan_to_num(responses), prior_std)


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


def _lies_elsewhere(seen):
    """Whether one right answer lifts the ability and lowers the difficulty, not as far as asked."""
    lifted = np.array(seen["one answer"]) * [1, -1]  # (2, 2), a row for each width
    right = [optimize.brentq(lambda x, s=s: special.expit(-2 * x) - x / s**2, 0, 9) for s in (1, 2)]
    return (lifted >= 0).all() and (abs(lifted.T - right) > 0.01).any()


@wrong(
    "fit_rasch",
    "After a single right answer, ability and difficulty do not lie where both priors hold them: a "
    "prior is missing or of another width, the result is shifted, or the search ends too early.",
    zh="只有一个答对的回答时，能力和难度没有落在两个先验决定的位置：漏了先验，先验宽度不对，"
    "求出后又平移过，或者没收敛就停了。",
    caught_by="both_priors_have_their_width",
    step="Each slope has the term −θ / σ² (or −b / σ²), σ being `prior_std`; go on until nothing "
    "moves, and return the maximum as it is.",
    step_zh="每个斜率都有 −θ / σ²（或 −b / σ²）一项，σ 就是 `prior_std`；"
    "迭代到不再变化为止，求出的最大点原样返回。",
    looks_like=_lies_elsewhere,
)  # fmt: skip
def lies_elsewhere(responses, prior_std=1.0):
    abilities, difficulties = reference.fit_rasch(responses, prior_std)
    return abilities - difficulties.mean(), difficulties - difficulties.mean()


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


def _off(found, right):
    """The names under which something else was found than what is right."""
    return {name for name, value in right.items() if not np.isclose(found[name], value, rtol=1e-3)}


@wrong(
    "bm25_scores", "Multiplies by k1 + 1, as other BM25s do.",
    zh="多乘了 k1 + 1，那是别的 BM25 版本。", caught_by="follows_the_formula",
    step="Take the formula of the text: Lucene dropped this constant, which changes no ranking.",
    step_zh="按题目的公式：Lucene 已去掉这个常数，它不影响排序。",
)  # fmt: skip
def with_the_constant(query, documents, k1=1.2, b=0.75):
    return (k1 + 1) * np.array(reference.bm25_scores(query, documents, k1, b))


@wrong(
    "bm25_scores", "Counts a token that the query repeats only once.",
    zh="查询里重复的词只算了一次。", caught_by="repeated_tokens_count",
    step="Sum over the tokens of the query as they stand, not over a set of them.",
    step_zh="按查询里的词逐个求和，不要先去重。",
)  # fmt: skip
def each_token_once(query, documents, k1=1.2, b=0.75):
    return reference.bm25_scores(dict.fromkeys(query), documents, k1, b)


@wrong(
    "bm25_scores",
    "What a token's count gains is not as in the formula: how it saturates, or how the document's "
    "length enters.",
    zh="词频带来的增益和公式不符：饱和的方式，或文档长度的影响。",
    caught_by="common_tokens_add_something",
    step="The gain is f / (f + k1 · (1 − b + b · |d| / L)), L the mean length.",
    step_zh="增益是 f / (f + k1 · (1 − b + b · |d| / L))，L 是平均长度。",
    looks_like=lambda seen: bool(_off(seen, _RATIOS)) and "by rarity" not in _off(seen, _RATIOS),
)  # fmt: skip
def another_gain(query, documents, k1=1.2, b=0.75):
    return _bm25(query, documents, k1, b, gain=lambda f, norm: f)


@wrong(
    "bm25_scores",
    "The weight of a token is another one: rare against common tokens are out of proportion.",
    zh="词的权重不对：罕见词和常见词的比例有误。", caught_by="common_tokens_add_something",
    step="ln(1 + (N − n + 0.5) / (n + 0.5)), n the number of documents that hold the token.",
    step_zh="权重是 ln(1 + (N − n + 0.5) / (n + 0.5))，n 是含有该词的文档数。",
    looks_like=lambda seen: "by rarity" in _off(seen, _RATIOS) and not np.isnan(seen["by rarity"]),
)  # fmt: skip
def another_weight(query, documents, k1=1.2, b=0.75):
    return _bm25(query, documents, k1, b, idf=lambda n: math.log(len(documents) / n) if n else 0)


# --- ranking_metrics ----------------------------------------------------------------------


def _ranking(scores, relevance, k, *, hits_over=None, ideal_of=None):
    """Metrics, with what recall divides by, or what the ideal orders."""
    discount = 1 / np.log2(np.arange(2, scores.shape[1] + 2))
    rows = []
    for s, r in zip(scores, relevance, strict=True):
        if not (r > 0).any():
            continue
        found = r[np.argsort(-s, kind="stable")][:k]
        best = -np.sort(-(found if ideal_of == "found" else r))[:k]
        hits = found > 0
        dcg, top = (values @ discount[: len(values)] for values in (found, best))
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
    first = np.cumsum([1 / 2, 1 / 5, 1 / 8]) / 3  # each greater k finds one more

    def predicate(seen):
        is_off = not np.allclose([row["mrr"] for row in seen["more"]], first, rtol=1e-3)
        return _off(seen["one query"], one) | ({"mrr"} if is_off else set()) == {name}

    return predicate


@wrong(
    "ranking_metrics",
    "mrr and nDCG are right, recall is not, as when it is the precision.",
    zh="mrr 和 nDCG 对，召回率不对，例如算成了精确率。", errata=("E200",),
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
    whole = reference.ranking_metrics(scores, relevance, relevance.shape[1])
    return {**reference.ranking_metrics(scores, relevance, k), "mrr": whole["mrr"]}


@wrong(
    "ranking_metrics",
    "Recall and mrr are right, nDCG is not, as when only what was found is put in the best order, "
    "so that what was missed costs nothing.",
    zh="recall 和 mrr 对，nDCG 不对，例如理想排列只排了找到的，漏掉的不扣分。",
    caught_by="cut_at_k", errata=("E200",),
    step="Gain: the relevance; discount: log2(rank + 1); best order: all documents, its first k.",
    step_zh="增益就是相关度；折扣是 log2(名次 + 1)；理想排列取全部文档，再截前 k。",
    looks_like=_only("ndcg"),
)  # fmt: skip
def another_ndcg(scores, relevance, k):
    return _ranking(scores, relevance, k, ideal_of="found")


@wrong(
    "ranking_metrics", "Turns a sorted list round, and with it the order of equal scores.",
    zh="升序排完再整个反转，分数相同的顺序也被反了过来。", caught_by="ties_keep_their_order",
    step="Sort stably by the negative scores.", step_zh="对分数的相反数做稳定排序。",
)  # fmt: skip
def turns_ties_round(scores, relevance, k):
    return reference.ranking_metrics(scores[:, ::-1], relevance[:, ::-1], k)


@wrong(
    "ranking_metrics", "Counts queries without a relevant document as failures.",
    zh="没有相关文档的查询算成了失败。", caught_by="empty_queries_are_left_out",
    step="Leave them out of all three means.", step_zh="三项平均都不计入这些查询。",
)  # fmt: skip
def empty_queries_are_zero(scores, relevance, k):
    share = (relevance > 0).any(axis=1).mean()
    found = reference.ranking_metrics(scores, relevance, k)
    return {name: share * value for name, value in found.items()}


# --- pipeline_latency ---------------------------------------------------------------------


@wrong(
    "pipeline_latency",
    "Adds up the percentiles of the stages; the slow requests of each are not the same ones.",
    zh="把各阶段的百分位相加，可各阶段慢的并不是同一批请求。", caught_by="whole_requests",
    step="Add up each request first, then take the percentile.",
    step_zh="先逐个请求求和，再取百分位。",
)  # fmt: skip
def adds_percentiles(stages, plan, budget):
    found = [reference.pipeline_latency(stages, [step], budget) for step in plan]
    whole = reference.pipeline_latency(stages, plan, budget)
    return {**whole, **{p: sum(part[p] for part in found) for p in ("p50", "p99")}}


@wrong(
    "pipeline_latency",
    "Does not wait for just the slowest of the stages that run at the same time.",
    zh="同时运行的阶段，没有只等最慢的那个。", caught_by="slowest_is_waited_for",
    step="Of parallel stages take the slowest, request by request.",
    step_zh="并行的阶段要逐个请求取最慢的。",
    looks_like=lambda seen: round(seen["50 beside 30, then 7"]) != 57,
)  # fmt: skip
def adds_the_parallel(stages, plan, budget):
    in_turn = [name for step in plan for name in ([step] if isinstance(step, str) else step)]
    return reference.pipeline_latency(stages, in_turn, budget)


@wrong(
    "pipeline_latency",
    "Takes another percentile than the nearest rank: interpolated, as by default, a mean, or a "
    "neighbouring place.",
    zh="百分位不是按最近秩取的：做了插值（NumPy 默认）、用了平均，或名次差了一位。",
    caught_by="nearest_rank",
    step="Sort; the place is the share of n, rounded up, counted from one (method `inverted_cdf`).",
    step_zh="排序后取第 ⌈比例 × n⌉ 个，从 1 数起（method 用 `inverted_cdf`）。",
    looks_like=lambda seen: all(row["within"] == 1 and min(row["ranks"].values()) for row in seen),
)  # fmt: skip
def another_percentile(stages, plan, budget):
    steps = [[step] if isinstance(step, str) else list(step) for step in plan]
    total = sum(np.max([stages[name] for name in step], axis=0) for step in steps)
    p50, p99 = np.percentile(total, [50, 99])
    return {"p50": p50, "p99": p99, "within": (total <= budget).mean()}


@wrong(
    "pipeline_latency", "Leaves out a request that takes exactly the budget.",
    zh="恰好用完预算的请求没有算在内。", caught_by="within_the_budget",
    step="At most the budget: ≤.", step_zh="不超过预算：≤。",
)  # fmt: skip
def below_the_budget(stages, plan, budget):
    return reference.pipeline_latency(stages, plan, budget - 1e-6)


# --- stopping_distance --------------------------------------------------------------------


def _waits_otherwise(seen):
    """Whether the braking is right and the wait some latency; it alone can be what is off."""
    waits = all(20 < wait < 2000 for wait in seen["waited"])
    return waits and not seen["changed"] and np.allclose(seen["v² / a times"], 0.5, rtol=1e-3)


@wrong(
    "stopping_distance",
    "Does not wait for the p99 by nearest rank, but for another latency of the frames.",
    zh="等的不是 p99（最近秩），而是这些帧的别的延迟，例如平均值或插值。",
    caught_by="waits_then_brakes",
    step="Take the p99 of the latencies, one that occurred, not the mean.",
    step_zh="取延迟的 p99，要真实出现过的值，不是平均。",
    looks_like=_waits_otherwise,
)  # fmt: skip
def plans_with_the_mean(latencies, speed, deceleration, sight):
    return reference.stopping_distance([latencies.mean()], speed, deceleration, sight)


@wrong(
    "stopping_distance", "Takes km/h for metres per second, or the other way round.",
    zh="km/h 和米每秒没有换算。", caught_by="waits_then_brakes",
    step="Divide `speed` by 3.6 first, and return the top speed times 3.6.",
    step_zh="先把 `speed` 除以 3.6，最高速度返回前再乘 3.6。",
)  # fmt: skip
def kilometres_for_metres(latencies, speed, deceleration, sight):
    found = reference.stopping_distance(latencies, 3.6 * speed, deceleration, sight)
    return {**found, "top_speed": found["top_speed"] / 3.6}


@wrong(
    "stopping_distance", "Lets the top speed brake at once: the metres of waiting are left out.",
    zh="算最高速度时一看到就刹车，漏了等待时驶过的米数。", caught_by="stops_within_sight",
    step="Solve v²/(2a) + v T = sight for v, not v²/(2a) = sight.",
    step_zh="要解的是 v²/(2a) + v T = sight，而不是 v²/(2a) = sight。",
)  # fmt: skip
def brakes_at_once(latencies, *how):
    at_once = reference.stopping_distance([0.0], *how)["top_speed"]
    return {**reference.stopping_distance(latencies, *how), "top_speed": at_once}
