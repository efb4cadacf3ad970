"""Known-wrong answers for `gpt-generation`, each one misconception; many are the documents' own."""

import itertools
import os

import numpy as np
import torch

from autograder.checks import wrong

from .checks import (
    HEAT,
    LOGITS,
    SURVIVING,
    SURVIVORS,
    TEMPERATURES,
    fits,
    odds_are_kept,
    reaches_the_tail,
    sampled_at,
    softmax,
    tally,
)

OFF = -torch.inf


def _likeliest(logits):
    return int(logits.argmax())


@torch.no_grad()
def _walk(model, ids, count, end, *, choose=_likeliest, view=lambda ids: ids, keep_end=False):
    """Greedy search with one thing done otherwise."""
    tokens = []
    while len(tokens) < count:
        token = choose(model(view(ids)).logits[0, -1])
        if token == end:
            return [*tokens, end] if keep_end else tokens
        tokens.append(token)
        ids = torch.cat([ids, torch.tensor([[token]])], dim=1)
    return tokens


# --- greedy -------------------------------------------------------------------------------


@wrong(
    "greedy",
    "Draws the token by chance instead of taking the likeliest.",
    zh="按概率随机抽词元，而不是取概率最大的。",
    caught_by="repeats_itself",
    step="Greedy means argmax: nothing is left to chance.",
    step_zh="贪心就是 argmax：没有任何随机。",
    looks_like=lambda seen: len(seen) == 3 and not seen[0] == seen[1] == seen[2],
)
def draws_by_chance(model, ids, max_new_tokens, end):
    return _walk(
        model, ids, max_new_tokens, end,
        choose=lambda logits: int(torch.multinomial(logits.softmax(-1), 1)),
    )  # fmt: skip


@wrong(
    "greedy",
    "Counts the prompt in the length.",
    zh="把提示也算进了长度。",
    caught_by="prompt_does_not_count",
    errata=("E152",),
    step="max_new_tokens limits what is new: count only the tokens that you append.",
    step_zh="max_new_tokens 限制的是新内容：只数接上去的词元。",
)
def prompt_counts(model, ids, max_new_tokens, end):
    return _walk(model, ids, max_new_tokens - ids.shape[1], end)


@wrong(
    "greedy",
    "Writes one token more than allowed.",
    zh="多写了一个词元。",
    caught_by="prompt_does_not_count",
    step="Check the number before you ask the model, so that 0 gives nothing.",
    step_zh="先检查数目，再问模型；数目为 0 时什么也不写。",
)
def one_too_many(model, ids, max_new_tokens, end):
    return _walk(model, ids, max_new_tokens + 1, end)


@wrong(
    "greedy",
    "Returns the prompt together with the new tokens.",
    zh="把提示和新词元一起返回了。",
    caught_by="takes_the_likeliest",
    step="Return only what comes after the prompt.",
    step_zh="只返回提示之后的部分。",
)
def prompt_returned(model, ids, max_new_tokens, end):
    return ids[0].tolist() + _walk(model, ids, max_new_tokens, end)


@wrong(
    "greedy",
    "Calls generate with max_length and returns all of it: the prompt counts, and comes back too.",
    zh="用 max_length 调用 generate 并原样返回：提示被算进长度，又被一起返回。",
    caught_by="takes_the_likeliest",
    errata=("E152",),
    step="max_length is prompt plus new tokens: say max_new_tokens, and cut the prompt off.",
    step_zh="max_length 是提示加新词元：改用 max_new_tokens，并切掉提示。",
)
def generates_with_max_length(model, ids, max_new_tokens, end):
    out = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_length=max_new_tokens,
        temperature=0.95,
        pad_token_id=end,
    )
    return out[0].tolist()


@wrong(
    "greedy",
    "Goes on after the end token, into the next document.",
    zh="遇到结束词元还接着写，写进了下一篇文档。",
    caught_by="stops_at_the_end",
    step="Leave the loop when the likeliest token is the end.",
    step_zh="概率最大的词元是结束词元时，就离开循环。",
)
def runs_past_the_end(model, ids, max_new_tokens, end):
    return _walk(model, ids, max_new_tokens, None)


@wrong(
    "greedy",
    "Looks for the end token in the whole text, so that one in the prompt stops everything.",
    zh="在整段文本里找结束词元，提示里有一个就什么也不写了。",
    caught_by="the_prompt_may_hold_an_end",
    step="Look only at the token that the model has just given.",
    step_zh="只看模型刚给出的那个词元。",
)
def an_end_in_the_prompt_stops(model, ids, max_new_tokens, end):
    return [] if end in ids[0] else _walk(model, ids, max_new_tokens, end)


@wrong(
    "greedy",
    "Counts the end token as part of the text.",
    zh="把结束词元当成了文本的一部分。",
    caught_by="stops_at_the_end",
    step="Look at the token before you append it.",
    step_zh="先看是不是结束词元，再决定接不接。",
)
def keeps_the_end(model, ids, max_new_tokens, end):
    return _walk(model, ids, max_new_tokens, end, keep_end=True)


@wrong(
    "greedy",
    "Shows the model only the newest token after the first step, so that it forgets all before it.",
    zh="第一步之后只给模型看最新的一个词元，前文全忘了。",
    caught_by="takes_the_likeliest",
    step="Without a cache the whole text must go in each time.",
    step_zh="没有缓存时，每次都要把全文送进去。",
)
def sees_only_the_last(model, ids, max_new_tokens, end):
    length = ids.shape[1]

    def view(text):
        return text if text.shape[1] == length else text[:, -1:]

    return _walk(model, ids, max_new_tokens, end, view=view)


@wrong(
    "greedy",
    "Reads the logits of the first position, not of the last.",
    zh="读的是第一个位置的 logits，而不是最后一个。",
    caught_by="takes_the_likeliest",
    step="Position t speaks of token t + 1: the next one is told at -1.",
    step_zh="位置 t 说的是第 t + 1 个词元：下一个词元要看位置 -1。",
)
def reads_the_first_position(model, ids, max_new_tokens, end):
    return _walk(model, ids, max_new_tokens, end, view=lambda ids: ids[:, :1])


# --- temperature_probabilities ------------------------------------------------------------


def _at(logits, temperature):
    if temperature <= 0:
        raise ValueError
    return (logits / temperature).softmax(-1)


@wrong(
    "temperature_probabilities",
    "Multiplies by the temperature instead of dividing.",
    zh="乘以了温度，而不是除以温度。",
    caught_by="divides_the_logits",
    step="A low temperature must make the likeliest token likelier.",
    step_zh="温度低，概率最大的词元应当更大。",
)
def multiplies(logits, temperature):
    return _at(logits, 1 / temperature if temperature > 0 else 0)


@wrong(
    "temperature_probabilities",
    "Takes no notice of the temperature.",
    zh="根本没有用到温度。",
    caught_by="divides_the_logits",
    step="Divide the logits by it before the softmax; probabilities divided by it and "
    "normalised again are the old ones.",
    step_zh="在 softmax 之前把 logits 除以它；若先得到概率再除、再归一化，等于没做。",
)
def no_temperature(logits, temperature):
    return _at(logits, 1.0 if temperature > 0 else 0)


@wrong(
    "temperature_probabilities",
    "Divides the probabilities instead of the logits.",
    zh="除的是概率，不是 logits。",
    caught_by="divides_the_logits",
    step="Divide first, softmax afterwards: then the sum is 1.",
    step_zh="先除，后 softmax：总和才是 1。",
)
def divides_probabilities(logits, temperature):
    return _at(logits, 1.0 if temperature > 0 else 0) / temperature


@wrong(
    "temperature_probabilities",
    "Normalises over the wrong dimension.",
    zh="归一化的维度不对。",
    caught_by="each_row_sums_to_one",
    step="The vocabulary is the last dimension, whatever stands before it.",
    step_zh="词表是最后一维，不管前面有几维。",
)
def normalises_the_first_dimension(logits, temperature):
    return _at(logits.transpose(0, -1), temperature).transpose(0, -1)


@wrong(
    "temperature_probabilities",
    "Normalises the whole batch together.",
    zh="把整个批次放在一起归一化。",
    caught_by="each_row_sums_to_one",
    step="Sum along the last dimension only, and keep it for the division.",
    step_zh="只沿最后一维求和，并保留该维再相除。",
)
def normalises_everything(logits, temperature):
    return _at(logits.flatten(), temperature).view_as(logits)


@wrong(
    "temperature_probabilities",
    "Exponentiates large numbers as they are: infinity over infinity is nan.",
    zh="直接对很大的数取指数：无穷除以无穷得到 nan。",
    caught_by="large_logits_stay_finite",
    step="Subtract the row's largest value first, or use torch's softmax, which does.",
    step_zh="先减去该行最大值；torch 的 softmax 就是这样做的。",
)
def overflows(logits, temperature):
    if temperature <= 0:
        raise ValueError
    powers = (logits / temperature).exp()
    return powers / powers.sum(-1, keepdim=True)


@wrong(
    "temperature_probabilities",
    "Divides by a temperature of zero.",
    zh="温度为 0 时照样做除法。",
    caught_by="zero_is_no_temperature",
    step="Raise ValueError before you divide.",
    step_zh="先抛出 ValueError，再谈相除。",
)
def divides_by_zero(logits, temperature):
    return (logits / temperature).softmax(-1)


@wrong(
    "temperature_probabilities",
    "Answers a temperature of zero with the likeliest token.",
    zh="温度为 0 时返回了概率最大的词元。",
    caught_by="zero_is_no_temperature",
    step="Many services read 0 as greedy. Here the caller should say greedy if that is meant.",
    step_zh="不少服务把 0 当作贪心。这里约定：想要贪心就直接用贪心。",
)
def zero_means_greedy(logits, temperature):
    if temperature <= 0:
        return torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    return _at(logits, temperature)


# --- top_k --------------------------------------------------------------------------------


def _cut(logits, out, value=OFF):
    return logits.masked_fill(out, value)


def _kth(logits, k):
    return logits.topk(min(k, logits.shape[-1])).values[..., -1:]


@wrong(
    "top_k",
    "Sets what is out to 0, which is a logit like any other.",
    zh="把去掉的设为 0，而 0 也是一个普通的 logit。",
    caught_by="keeps_the_k_largest",
    step="Only minus infinity becomes exactly 0 in a softmax.",
    step_zh="只有负无穷经过 softmax 才恰好为 0。",
)
def top_k_sets_zero(logits, k):
    return _cut(logits, logits < _kth(logits, k), 0.0)


@wrong(
    "top_k",
    "Keeps the k smallest.",
    zh="保留了最小的 k 个。",
    caught_by="keeps_the_k_largest",
    step="Sort in descending order.",
    step_zh="要按从大到小排序。",
)
def keeps_the_smallest(logits, k):
    return -_cut(-logits, -logits < _kth(-logits, k), torch.inf)


@wrong(
    "top_k",
    "Loses the k-th: keeps only what is above it.",
    zh="丢了第 k 个：只保留了比它大的。",
    caught_by="keeps_the_k_largest",
    step="The k-th belongs to the k largest: only what is below it goes.",
    step_zh="第 k 个也属于前 k 个：只去掉比它小的。",
)
def loses_the_kth(logits, k):
    return _cut(logits, logits <= _kth(logits, k))


@wrong(
    "top_k",
    "Takes the k largest of the whole batch.",
    zh="在整个批次里取了最大的 k 个。",
    caught_by="each_row_keeps_k",
    step="Each row has a threshold of its own: work along the last dimension.",
    step_zh="每一行有自己的阈值：沿最后一维处理。",
)
def top_k_of_the_batch(logits, k):
    return _cut(logits, logits < _kth(logits.flatten(), k))


@wrong(
    "top_k",
    "Keeps more tokens of one row than of another: the rows share a threshold.",
    zh="各行留下的词元数不同：所有行共用了一个阈值。",
    caught_by="each_row_keeps_k",
    looks_like=lambda seen: len(set(np.isfinite(seen).sum(axis=-1).tolist())) > 1,
    step="Keep the last dimension, values[..., -1:], so that each row meets its own threshold.",
    step_zh="保留最后一维，用 values[..., -1:]，让每一行对上自己的阈值。",
)
def one_threshold_for_all(logits, k):
    return _cut(logits, logits < _kth(logits, k).min())


@wrong(
    "top_k",
    "Fails for a k beyond the vocabulary.",
    zh="k 超过词表大小时报错。",
    caught_by="a_large_k_keeps_all",
    step="Take the smaller of k and the vocabulary's size.",
    step_zh="取 k 和词表大小中较小的一个。",
)
def large_k_fails(logits, k):
    return _cut(logits, logits < logits.topk(k).values[..., -1:])


@wrong(
    "top_k",
    "Overwrites the logits that were passed in.",
    zh="改写了传入的 logits。",
    caught_by="top_k_leaves_its_input",
    step="Fill a copy: masked_fill without the trailing underscore.",
    step_zh="填副本：用不带下划线的 masked_fill。",
)
def top_k_in_place(logits, k):
    return logits.masked_fill_(logits < _kth(logits, k), OFF)


@wrong(
    "top_k",
    "Returns the k values alone, so nobody knows which tokens they belong to.",
    zh="只返回了 k 个值，不知道它们属于哪些词元。",
    caught_by="keeps_the_k_largest",
    step="Keep the shape (B, V): a token's place is its id.",
    step_zh="形状保持 (B, V)：位置就是词元编号。",
)
def values_alone(logits, k):
    return logits.topk(min(k, logits.shape[-1])).values


# --- top_p --------------------------------------------------------------------------------


def _nucleus(logits, p, out=lambda total, own, p: total - own >= p, descending=True, value=OFF):
    own, order = logits.softmax(-1).sort(descending=descending)
    marks = out(own.cumsum(-1), own, p)
    return _cut(logits, torch.zeros_like(marks).scatter(-1, order, marks), value)


def _kept(seen):
    """How many tokens are left for p of 0.3, 0.6, 0.8 and 0.95; it should be 1, 2, 3 and 4."""
    return [int(np.isfinite(logits).sum()) for logits in seen]


@wrong(
    "top_p",
    "Throws out the token that crosses p.",
    zh="把累计越过 p 的那个词元也去掉了。",
    caught_by="keeps_the_nucleus",
    step="Compare p with what the better tokens have together, without the token itself.",
    step_zh="拿 p 去比排在前面的总和，不含它自己。",
    looks_like=lambda seen: _kept(seen) in ([0, 1, 2, 3], [1, 1, 2, 3]),  # one may always stay
)
def drops_the_crossing_token(logits, p):
    return _nucleus(logits, p, lambda total, own, p: total > p)


@wrong(
    "top_p",
    "Keeps one token more than it takes to reach p.",
    zh="比达到 p 所需的多留了一个词元。",
    caught_by="keeps_the_nucleus",
    step="The token that crosses p is the last to stay: shift the marks by one place at most, or "
    "compare p with the sum before the token.",
    step_zh="越过 p 的那个词元是最后一个留下的：标记最多右移一位，或者拿 p 去比它之前的总和。",
    looks_like=lambda seen: _kept(seen) == [2, 3, 4, 4],
)
def keeps_one_more(logits, p):
    def out(total, own, p):
        return torch.cat([torch.zeros_like(total[:, :1]), total - own], dim=1)[:, :-1] >= p

    return _nucleus(logits, p, out)


@wrong(
    "top_p",
    "Keeps fewer tokens the larger p is: it compares each probability by itself, as min-p does.",
    zh="p 越大，留下的词元反而越少：比的是单个概率，像 min-p 那样。",
    caught_by="keeps_the_nucleus",
    step="Top-p adds probabilities up; no single one is compared with p.",
    step_zh="Top-p 比较的是累计概率，不是单个概率。",
    looks_like=lambda seen: _kept(seen)[0] > _kept(seen)[-1],
)
def min_p(logits, p):
    own = logits.softmax(-1)
    return _cut(logits, own < p * own.max(-1, keepdim=True).values)


@wrong(
    "top_p",
    "Adds up in the order of the vocabulary, without sorting.",
    zh="没有排序，直接按词表顺序累加。",
    caught_by="keeps_the_nucleus",
    step="Sort by probability, the largest first, before the running sum.",
    step_zh="先按概率从大到小排序，再累加。",
)
def adds_unsorted(logits, p):
    own = logits.softmax(-1)
    return _cut(logits, own.cumsum(-1) - own >= p)


@wrong(
    "top_p",
    "Sorts, but forgets to carry the result back to the tokens' places.",
    zh="排了序，却忘了把结果搬回词元原来的位置。",
    caught_by="keeps_the_nucleus",
    step="The sort returns indices too: scatter the marks along them.",
    step_zh="排序同时返回下标：用 scatter 把标记放回去。",
)
def forgets_the_way_back(logits, p):
    own = logits.softmax(-1).sort(descending=True).values
    return _cut(logits, own.cumsum(-1) - own >= p)


@wrong(
    "top_p",
    "The least likely tokens stay and the likeliest goes: it adds up from the tail.",
    zh="最不可能的留下了，概率最大的反而去掉了：是从尾巴开始累加的。",
    caught_by="keeps_the_nucleus",
    step="The largest probability comes first.",
    step_zh="最大的概率排在最前。",
    looks_like=lambda seen: _kept(seen)[0] > 1 and np.exp(seen[0]).max() < 0.4,
)
def keeps_the_tail(logits, p):
    return _nucleus(logits, p, descending=False)


@wrong(
    "top_p",
    "Sets what is out to 0, which is a logit like any other.",
    zh="把去掉的设为 0，而 0 也是一个普通的 logit。",
    caught_by="keeps_the_nucleus",
    step="Only minus infinity becomes exactly 0 in a softmax.",
    step_zh="只有负无穷经过 softmax 才恰好为 0。",
)
def top_p_sets_zero(logits, p):
    return _nucleus(logits, p, value=0.0)


@wrong(
    "top_p",
    "Makes one nucleus for the whole batch.",
    zh="整个批次共用了一个候选集。",
    caught_by="each_row_has_its_nucleus",
    step="Softmax, sort and sum along the last dimension.",
    step_zh="softmax、排序、累加都沿最后一维。",
)
def top_p_of_the_batch(logits, p):
    return _nucleus(logits.flatten()[None], p).view_as(logits)


@wrong(
    "top_p",
    "Overwrites the logits that were passed in.",
    zh="改写了传入的 logits。",
    caught_by="top_p_leaves_its_input",
    step="Fill a copy: masked_fill without the trailing underscore.",
    step_zh="填副本：用不带下划线的 masked_fill。",
)
def top_p_in_place(logits, p):
    return logits.copy_(_nucleus(logits, p))


# --- next_tokens --------------------------------------------------------------------------


def _pick(logits, temperature=1.0, k=0, p=1.0):
    logits = logits / temperature
    if k > 0:
        logits = _cut(logits, logits < _kth(logits, k))
    if p < 1:
        logits = _nucleus(logits, p)
    return torch.multinomial(logits.softmax(-1), 1)[:, 0]


def _drawn(probabilities):
    """Whether the draws at every temperature follow these instead."""

    def looks(seen):
        return all(
            fits(counts, probabilities(t)) for counts, t in zip(seen, TEMPERATURES, strict=True)
        )

    return looks


def _one_token_each(seen, everywhere):
    batches = np.concatenate([np.asarray(counts) for counts in seen])
    constant = ((batches > 0).sum(axis=1) == 1).all()
    used = (batches.sum(axis=0) > 0).sum()
    return bool(constant and (used == 1) == everywhere)


@wrong(
    "next_tokens",
    "Sets a temperature, but takes the likeliest token all the same: nothing is drawn.",
    zh="设了温度，却仍取概率最大的词元：根本没有采样。",
    caught_by="drawn_as_often_as_probable",
    errata=("E151",),
    step="No temperature moves the maximum. Draw with torch.multinomial.",
    step_zh="温度改变不了谁最大。用 torch.multinomial 采样。",
    looks_like=lambda seen: (
        _one_token_each(seen, everywhere=True) and np.asarray(seen[0])[0, LOGITS.argmax()] > 0
    ),
)
def temperature_without_drawing(logits, temperature, k, p):
    return logits.argmax(-1)


@wrong(
    "next_tokens",
    "Draws, but at temperature 1 whatever is asked for.",
    zh="采样了，但不管要求多少，温度总是 1。",
    caught_by="drawn_as_often_as_probable",
    step="Divide the logits by the temperature before anything else.",
    step_zh="先把 logits 除以温度，再做别的。",
    looks_like=_drawn(lambda t: softmax(LOGITS)),
)
def draws_at_one(logits, temperature, k, p):
    return _pick(logits, 1.0, k, p)


@wrong(
    "next_tokens",
    "Multiplies by the temperature instead of dividing.",
    zh="乘以了温度，而不是除以温度。",
    caught_by="drawn_as_often_as_probable",
    step="A high temperature must make the draws more even.",
    step_zh="温度高，采样应当更均匀。",
    looks_like=_drawn(lambda t: softmax(LOGITS, 1 / t)),
)
def draws_at_the_inverse(logits, temperature, k, p):
    return _pick(logits, 1 / temperature, k, p)


@wrong(
    "next_tokens",
    "Draws evenly among the tokens that are left, whatever their probability.",
    zh="在剩下的词元里均匀地抽，没有按概率。",
    caught_by="drawn_as_often_as_probable",
    step="Give multinomial the softmax of the logits as weights.",
    step_zh="把 logits 的 softmax 作为权重交给 multinomial。",
    looks_like=_drawn(lambda t: np.full(len(LOGITS), 1 / len(LOGITS))),
)
def draws_evenly(logits, temperature, k, p):
    return torch.randint(logits.shape[-1], (len(logits),)) if k == 0 and p == 1 else _pick(
        logits, temperature, k, p
    )  # fmt: skip


@wrong(
    "next_tokens",
    "Draws once and gives every row the same token.",
    zh="只抽一次，把同一个词元给了所有行。",
    caught_by="drawn_as_often_as_probable",
    step="Draw for each row, independently.",
    step_zh="每一行各自独立地抽。",
    looks_like=lambda seen: _one_token_each(seen, everywhere=False),
)
def one_draw_for_all(logits, temperature, k, p):
    return _pick(logits[:1], temperature, k, p).expand(len(logits))


def _repeats_itself(seen):
    batches = [np.asarray(counts) for counts in seen]
    alike = all((counts == counts[0]).all() for counts in batches)
    return bool(alike and all((counts[0] > 0).sum() > 1 for counts in batches))


@wrong(
    "next_tokens",
    "Sets the seed itself, so that every call draws the same tokens again.",
    zh="在函数里自己设了种子，于是每次调用抽到的都一样。",
    caught_by="drawn_as_often_as_probable",
    step="Leave the seed to whoever calls: a function that draws must not reset the generator.",
    step_zh="种子由调用者来设：采样的函数不能重置随机数发生器。",
    looks_like=_repeats_itself,
)
def seeds_itself(logits, temperature, k, p):
    torch.manual_seed(42)
    return _pick(logits, temperature, k, p)


@wrong(
    "next_tokens",
    "Takes no notice of k.",
    zh="没有用到 k。",
    caught_by="draws_the_top_k",
    step="If k is above 0, keep only the k largest logits before you draw.",
    step_zh="k 大于 0 时，先只保留最大的 k 个 logits 再抽。",
)
def no_top_k(logits, temperature, k, p):
    return _pick(logits, temperature, 0, p)


@wrong(
    "next_tokens",
    "Takes no notice of p.",
    zh="没有用到 p。",
    caught_by="draws_the_nucleus",
    step="If p is below 1, keep only the nucleus before you draw.",
    step_zh="p 小于 1 时，先只保留候选集再抽。",
)
def no_top_p(logits, temperature, k, p):
    return _pick(logits, temperature, k, 1.0)


@wrong(
    "next_tokens",
    "Cuts the nucleus first and applies the temperature afterwards.",
    zh="先截取候选集，后用温度。",
    caught_by="temperature_comes_first",
    step="Divide by the temperature first: a hot distribution has a wider nucleus.",
    step_zh="先除以温度：温度高，候选集更宽。",
)
def nucleus_before_temperature(logits, temperature, k, p):
    return _pick(_nucleus(logits, p) if p < 1 else logits, temperature, k)


@wrong(
    "next_tokens",
    "Cuts the nucleus before top-k, or by probabilities that are not normalised again after it.",
    zh="先截取了候选集再做 top-k，或者 top-k 之后没有重新归一化就累加。",
    caught_by="top_k_comes_before_top_p",
    step="First top-k; then top-p on the softmax of what is left, in which the shares are larger.",
    step_zh="先 top-k；再对剩下的重新做 softmax，在那上面做 top-p，每个词元的份额都变大了。",
)
def nucleus_before_top_k(logits, temperature, k, p):
    logits = logits / temperature
    return _pick(_nucleus(logits, p) if p < 1 else logits, k=k)


@wrong(
    "next_tokens",
    "Leaves p out when k is given: one of the two is applied, never both.",
    zh="有 k 就不管 p：两者只用了一个，没有一起用。",
    caught_by="top_k_comes_before_top_p",
    step="Write two ifs, one after the other, not if and elif.",
    step_zh="写成先后两个 if，不要写成 if 和 elif。",
)
def k_shuts_out_p(logits, temperature, k, p):
    return _pick(logits, temperature, k, 1.0 if k > 0 else p)


@wrong(
    "next_tokens",
    "Leaves k out when p is given: one of the two is applied, never both.",
    zh="有 p 就不管 k：两者只用了一个，没有一起用。",
    caught_by="top_k_comes_before_top_p",
    step="Write two ifs, one after the other, not if and elif.",
    step_zh="写成先后两个 if，不要写成 if 和 elif。",
)
def p_shuts_out_k(logits, temperature, k, p):
    return _pick(logits, temperature, k if p == 1 else 0, p)


def _even_odds(seen):
    """Whether the survivors that are drawn are drawn equally often wherever k is given."""
    limited = [part for part, (_, k, _) in zip(seen, SURVIVING, strict=True) if k]
    for counts in (np.asarray(part)[:, SURVIVORS] for part in limited):
        counts = counts[:, counts.sum(axis=0) > 0]
        if counts.shape[1] < 2 or not fits(counts, np.full(counts.shape[1], 1 / counts.shape[1])):
            return False
    return True


@wrong(
    "next_tokens",
    "Draws evenly among the tokens that k and p leave, as if all were equally likely.",
    zh="在 k 和 p 留下的词元里均匀地抽，好像它们概率都一样。",
    caught_by="what_is_left_keeps_its_odds",
    step="What is left keeps its logits: draw by their softmax.",
    step_zh="留下的词元保留各自的 logits：按它们的 softmax 来抽。",
    looks_like=_even_odds,
)
def survivors_drawn_evenly(logits, temperature, k, p):
    if k == 0 and p == 1:
        return _pick(logits, temperature)
    logits = logits / temperature
    logits = _cut(logits, logits < _kth(logits, k)) if k > 0 else logits
    kept = _nucleus(logits, p).isfinite() if p < 1 else logits.isfinite()
    return torch.multinomial(kept.float(), 1)[:, 0]


@wrong(
    "next_tokens",
    "Takes the logits as they came for top-k, so the temperature is lost when k is given.",
    zh="top-k 用的是原来的 logits，给了 k 温度就丢了。",
    caught_by="what_is_left_keeps_its_odds",
    step="Hand on what the last step gave: top-k gets the logits that are divided already.",
    step_zh="每一步都接着上一步的结果：交给 top-k 的应当是已经除过温度的 logits。",
    looks_like=lambda seen: all(
        odds_are_kept(counts, 1.0 if k else t)
        for counts, (t, k, _) in zip(seen, SURVIVING, strict=True)
    ),
)
def temperature_lost_with_k(logits, temperature, k, p):
    return _pick(logits, 1.0 if k > 0 else temperature, k, p)


@wrong(
    "next_tokens",
    "Returns a column, (B, 1), as multinomial does.",
    zh="返回的是一列，形状 (B, 1)，multinomial 给什么就返回什么。",
    caught_by="one_token_a_row",
    step="Drop the last dimension: squeeze(-1), or [:, 0].",
    step_zh="去掉最后一维：squeeze(-1) 或 [:, 0]。",
)
def returns_a_column(logits, temperature, k, p):
    return _pick(logits, temperature, k, p)[:, None]


@wrong(
    "next_tokens",
    "Draws for every row from the logits of the first.",
    zh="每一行都用第一行的 logits 来抽。",
    caught_by="one_token_a_row",
    step="multinomial takes a matrix: one distribution for each row.",
    step_zh="multinomial 可以接收矩阵：一行一个分布。",
)
def first_row_for_all(logits, temperature, k, p):
    return _pick(logits[:1].expand_as(logits), temperature, k, p)


# --- beam_search --------------------------------------------------------------------------


def _steps(logits):
    return logits.log_softmax(-1)


@torch.no_grad()
def _beams(
    model, ids, beams, length, *, score=_steps, rank=lambda totals, steps: totals, each=None
):
    """Beam search with one thing done otherwise."""
    texts, scores = ids, torch.zeros(1)
    for _ in range(length):
        steps = score(model(texts).logits[:, -1])
        totals = scores[:, None] + steps
        ranks = rank(totals, steps)
        if each is not None and len(texts) > 1:
            best_of = ranks.topk(each).values[:, -1:]
            ranks = ranks.masked_fill(ranks < best_of, OFF)
        best = ranks.flatten().topk(min(beams, ranks.isfinite().sum().item())).indices
        scores = totals.flatten()[best]
        texts = torch.cat([texts[best // steps.shape[1]], best[:, None] % steps.shape[1]], dim=1)
    return texts[:, ids.shape[1] :].tolist(), scores.tolist()


@wrong(
    "beam_search",
    "Follows one text only: greedy search.",
    zh="只跟踪一段文本：那是贪心搜索。",
    caught_by="escapes_the_garden_path",
    step="Keep several texts in each step; copies of one text are no alternatives.",
    step_zh="每一步保留多段文本；同一段的几份拷贝不算。",
)
def one_beam_only(model, ids, beams, length):
    texts, scores = _beams(model, ids, 1, length)
    return texts[0], scores[0]


@wrong(
    "beam_search",
    "Lets every text have one child only, so the first choice is never revised.",
    zh="每段文本只许有一个后代，第一步的选择再也改不了。",
    caught_by="siblings_may_survive",
    step="Choose among all children of all texts at once.",
    step_zh="在所有文本的所有后代里一起选。",
)
def one_child_each(model, ids, beams, length):
    texts, scores = _beams(model, ids, beams, length, each=1)
    return texts[int(np.argmax(scores))], max(scores)


@wrong(
    "beam_search",
    "Adds up logits instead of log-probabilities.",
    zh="累加的是 logits，不是对数概率。",
    caught_by="escapes_the_garden_path",
    step="Logits of different texts cannot be compared: take the log-softmax first.",
    step_zh="不同文本的 logits 不可比：先取 log-softmax。",
)
def adds_logits(model, ids, beams, length):
    texts, scores = _beams(model, ids, beams, length, score=lambda logits: logits)
    return texts[0], scores[0]


@wrong(
    "beam_search",
    "Adds up probabilities, where they must be multiplied.",
    zh="把概率相加了，而概率应当相乘。",
    caught_by="escapes_the_garden_path",
    step="Add log-probabilities: that multiplies, and does not underflow.",
    step_zh="相加对数概率：等于相乘，又不会下溢。",
)
def adds_probabilities(model, ids, beams, length):
    texts, scores = _beams(model, ids, beams, length, score=lambda logits: logits.softmax(-1))
    return texts[0], scores[0]


@wrong(
    "beam_search",
    "Returns the mean log-probability of a token, not the sum.",
    zh="返回的是每个词元的平均对数概率，不是总和。",
    caught_by="one_beam_is_greedy",
    step="That is a length penalty; here all texts are equally long, and the sum is asked for.",
    step_zh="那是长度惩罚；这里长度都相同，要的是总和。",
)
def returns_the_mean(model, ids, beams, length):
    texts, scores = _beams(model, ids, beams, length)
    return texts[0], scores[0] / length


@wrong(
    "beam_search",
    "Returns the probability, not its logarithm.",
    zh="返回的是概率，不是它的对数。",
    caught_by="one_beam_is_greedy",
    step="Leave the score as it is: long texts have probabilities that no float can hold.",
    step_zh="分数保持原样：长文本的概率小到浮点数存不下。",
)
def returns_the_probability(model, ids, beams, length):
    texts, scores = _beams(model, ids, beams, length)
    return texts[0], float(np.exp(scores[0]))


@wrong(
    "beam_search",
    "Returns the last of the survivors, which is the worst.",
    zh="返回了幸存者中的最后一个，也就是最差的。",
    caught_by="escapes_the_garden_path",
    step="Return the text with the highest score.",
    step_zh="返回分数最高的那段。",
)
def returns_the_worst(model, ids, beams, length):
    texts, scores = _beams(model, ids, beams, length)
    return texts[-1], scores[-1]


@wrong(
    "beam_search",
    "Ranks children by their last step alone and forgets how they got there.",
    zh="只按最后一步给后代排名，忘了前面的分数。",
    caught_by="siblings_may_survive",
    step="Add the parent's score before you compare.",
    step_zh="比较之前，先加上前缀的分数。",
)
def forgets_the_parents_score(model, ids, beams, length):
    texts, scores = _beams(model, ids, beams, length, rank=lambda totals, steps: steps)
    return texts[int(np.argmax(scores))], max(scores)


@torch.no_grad()
def _beams_with_an_end(model, ids, beams, length, extend):
    """Beam search in which a text that holds the end is extended otherwise, or there is none."""
    end = model.config.eos_token_id
    alive = [(0.0, [])]
    for _ in range(length):
        children = []
        for score, tokens in alive:
            if end in tokens:
                children.append((score, tokens))
                continue
            text = torch.cat([ids, torch.tensor([tokens], dtype=torch.long)], dim=1)
            steps = extend(model(text).logits[0, -1].log_softmax(-1), end)
            values, best = steps.topk(min(beams, len(steps)))
            children += [
                (score + value, [*tokens, token])
                for value, token in zip(values.tolist(), best.tolist(), strict=True)
            ]
        alive = sorted(children, key=lambda child: -child[0])[:beams]
    score, tokens = alive[0]
    return tokens, score


@wrong(
    "beam_search",
    "Lets a text that holds the end token stand, and extends it no more.",
    zh="文本里一有结束词元就不再往下接。",
    caught_by="the_end_is_a_token_like_any",
    step="Extend every text in every step: all have `length` new tokens.",
    step_zh="每一步都接每一段文本：新词元都是 `length` 个。",
)
def a_text_with_an_end_stands(model, ids, beams, length):
    return _beams_with_an_end(model, ids, beams, length, lambda steps, end: steps)


@wrong(
    "beam_search",
    "Never takes the end token, so texts that hold it are missed.",
    zh="从不选结束词元，含有它的文本就漏掉了。",
    caught_by="the_end_is_a_token_like_any",
    step="Leave its log-probability as it is.",
    step_zh="它的对数概率保持原样。",
)
def never_takes_the_end(model, ids, beams, length):
    def without(steps, end):
        return steps if end is None else steps.index_fill(0, torch.tensor([end]), OFF)

    return _beams_with_an_end(model, ids, beams, length, without)


# --- greedy_cached ------------------------------------------------------------------------


@torch.no_grad()
def _cached(model, ids, count, end, *, cache=None, feed=lambda ids, token: token, **how):
    tokens, step = [], ids
    while len(tokens) < count:
        out = model(step, past_key_values=cache, use_cache=True, **(how if tokens else {}))
        cache, token = out.past_key_values, _likeliest(out.logits[0, -1])
        if token == end:
            break
        tokens.append(token)
        new = torch.tensor([[token]])
        ids = torch.cat([ids, new], dim=1)
        step = feed(ids, new)
    return tokens


@wrong(
    "greedy_cached",
    "Computes the whole text anew for every token: there is no cache.",
    zh="每个词元都把全文重算一遍：没有用缓存。",
    caught_by="feeds_one_token_at_a_time",
    step="Hand past_key_values back to the model and feed only the new token.",
    step_zh="把 past_key_values 交还给模型，只送新词元。",
    looks_like=lambda seen: (
        len(seen["fed"]) > 1
        and all(b[1] == a[1] + 1 for a, b in zip(seen["fed"], seen["fed"][1:], strict=False))
    ),
)
def recomputes_everything(model, ids, max_new_tokens, end):
    return _walk(model, ids, max_new_tokens, end)


@wrong(
    "greedy_cached",
    "Feeds the whole text although the cache holds it already, so it is there twice.",
    zh="缓存里已经有前文，却又把全文送了一遍，前文就出现了两次。",
    caught_by="cached_equals_uncached",
    step="After the first call feed only the token just found.",
    step_zh="第一次之后，只送刚得到的那个词元。",
)
def feeds_all_with_the_cache(model, ids, max_new_tokens, end):
    return _cached(model, ids, max_new_tokens, end, feed=lambda ids, _: ids)


@wrong(
    "greedy_cached",
    "Feeds only the new token but hands no cache back, so the model forgets the rest.",
    zh="只送新词元，却没有交还缓存，模型忘了前文。",
    caught_by="cached_equals_uncached",
    step="Pass the past_key_values that the last call returned.",
    step_zh="传入上一次返回的 past_key_values。",
)
def forgets_the_cache(model, ids, max_new_tokens, end):
    tokens, step = [], ids
    with torch.no_grad():
        while len(tokens) < max_new_tokens:
            token = _likeliest(model(step).logits[0, -1])
            if token == end:
                break
            tokens.append(token)
            step = torch.tensor([[token]])
    return tokens


@wrong(
    "greedy_cached",
    "Tells the model that every new token stands at position 0.",
    zh="告诉模型每个新词元都在位置 0。",
    caught_by="cached_equals_uncached",
    step="Leave position_ids to the model, which counts on from the cache, or count on yourself.",
    step_zh="position_ids 交给模型，它会接着缓存往下数；自己给就要接着数。",
)
def every_position_is_zero(model, ids, max_new_tokens, end):
    return _cached(
        model, ids, max_new_tokens, end, position_ids=torch.zeros(1, 1, dtype=torch.long)
    )


@wrong(
    "greedy_cached",
    "Counts the new tokens' positions one too far.",
    zh="新词元的位置多数了一个。",
    caught_by="cached_equals_uncached",
    step="Positions begin with 0: the first new token stands at the length of the prompt.",
    step_zh="位置从 0 数起：第一个新词元的位置就是提示的长度。",
)
@torch.no_grad()
def positions_one_too_far(model, ids, max_new_tokens, end):
    tokens, step, cache, place = [], ids, None, torch.arange(ids.shape[1])[None]
    while len(tokens) < max_new_tokens:
        out = model(step, past_key_values=cache, use_cache=True, position_ids=place)
        cache, token = out.past_key_values, _likeliest(out.logits[0, -1])
        if token == end:
            break
        tokens.append(token)
        step, place = torch.tensor([[token]]), torch.tensor([[ids.shape[1] + len(tokens)]])
    return tokens


@wrong(
    "greedy_cached",
    "Feeds the last token of the prompt twice: the cache holds it already.",
    zh="提示的最后一个词元送了两遍：缓存里已经有它了。",
    caught_by="cached_equals_uncached",
    step="The first call answers already: read its last logits, then feed the token that it found.",
    step_zh="第一次调用就已经给出答案：读它最后位置的 logits，再送入由此得到的词元。",
)
@torch.no_grad()
def feeds_the_last_twice(model, ids, max_new_tokens, end):
    out = model(ids, use_cache=True)
    return _cached(model, ids[:, -1:], max_new_tokens, end, cache=out.past_key_values)


_KEPT = {}


@wrong(
    "greedy_cached",
    "Keeps the cache from one call to the next, so an old text speaks along.",
    zh="缓存从上一次调用留到了下一次，旧文本也掺了进来。",
    caught_by="calls_share_nothing",
    step="Begin every call with None.",
    step_zh="每次调用都从 None 开始。",
    # Nothing is left to chance, so whatever differs comes from the calls before.
    looks_like=lambda seen: len(seen) == 3 and seen[0] != seen[2],
)
@torch.no_grad()
def cache_of_the_last_call(model, ids, max_new_tokens, end):
    if _KEPT.get("model") is not model:
        _KEPT.update(model=model, cache=None)
    tokens, step = [], ids
    while len(tokens) < max_new_tokens:
        out = model(step, past_key_values=_KEPT["cache"], use_cache=True)
        _KEPT["cache"], token = out.past_key_values, _likeliest(out.logits[0, -1])
        if token == end:
            break
        tokens.append(token)
        step = torch.tensor([[token]])
    return tokens


@wrong(
    "greedy_cached",
    "Goes on after the end token.",
    zh="遇到结束词元还接着写。",
    caught_by="cached_stops_too",
    step="Leave the loop when the likeliest token is the end.",
    step_zh="概率最大的词元是结束词元时，就离开循环。",
)
def cached_runs_past_the_end(model, ids, max_new_tokens, end):
    return _cached(model, ids, max_new_tokens, None)


# --- left_pad -----------------------------------------------------------------------------


def _pad(prompts, pad, *, left=True, width=None):
    width = width or max(map(len, prompts))
    ids, mask = [], []
    for prompt in prompts:
        gap = [pad] * (width - len(prompt))
        ones, zeros = [1] * len(prompt), [0] * len(gap)
        ids.append([*gap, *prompt] if left else [*prompt, *gap])
        mask.append([*zeros, *ones] if left else [*ones, *zeros])
    return torch.tensor(ids), torch.tensor(mask)


@wrong(
    "left_pad",
    "Pads on the right, so that new tokens are appended to padding.",
    zh="在右侧填充，新词元就接在了填充后面。",
    caught_by="pads_on_the_left",
    errata=("E153",),
    step="The last token of each prompt belongs at the right end of its row.",
    step_zh="每个提示的最后一个词元应当在该行最右端。",
)
def pads_on_the_right(prompts, pad):
    return _pad(prompts, pad, left=False)


@wrong(
    "left_pad",
    "Makes a mask of ones: padding counts as text.",
    zh="mask 全为 1：填充也被当成了文本。",
    caught_by="pads_on_the_left",
    errata=("E153",),
    step="The mask is 0 where you filled up.",
    step_zh="补上的位置 mask 要为 0。",
)
def masks_nothing(prompts, pad):
    ids, mask = _pad(prompts, pad)
    return ids, torch.ones_like(mask)


@wrong(
    "left_pad",
    "Turns the mask around: 1 for padding.",
    zh="mask 弄反了：填充处为 1。",
    caught_by="pads_on_the_left",
    step="1 means: attend to this token.",
    step_zh="1 的意思是：要注意这个词元。",
)
def mask_turned_around(prompts, pad):
    ids, mask = _pad(prompts, pad)
    return ids, 1 - mask


@wrong(
    "left_pad",
    "Tells padding by the token's id, so a real token that looks like it is lost.",
    zh="按词元编号判断填充，与之相同的真实词元就丢了。",
    caught_by="real_tokens_count",
    step="Make the mask from the lengths of the prompts, not from the ids.",
    step_zh="mask 要由提示的长度得出，不能由编号得出。",
)
def mask_by_id(prompts, pad):
    ids, _ = _pad(prompts, pad)
    return ids, (ids != pad).long()


@wrong(
    "left_pad",
    "Cuts all prompts to the shortest instead of padding.",
    zh="没有填充，而是把所有提示截到最短的长度。",
    caught_by="pads_on_the_left",
    step="Nothing of a prompt may be lost: fill up to the longest.",
    step_zh="提示一个词元都不能丢：补齐到最长的长度。",
    looks_like=lambda seen: {len(row) for row in seen[0]} == {1},
)
def cuts_to_the_shortest(prompts, pad):
    return _pad([prompt[: min(map(len, prompts))] for prompt in prompts], pad)


@wrong(
    "left_pad",
    "Pads everything to one fixed length, even a single prompt.",
    zh="一律补到固定长度，连单个提示也补。",
    caught_by="one_length_needs_no_padding",
    errata=("E155",),
    step="Pad to the longest prompt of the batch; a single one needs none.",
    step_zh="补到批次中最长的提示即可；单个提示不用补。",
)
def pads_to_a_fixed_length(prompts, pad):
    return _pad(prompts, pad, width=16 + max(map(len, prompts)))


# --- greedy_batch -------------------------------------------------------------------------


@torch.no_grad()
def _together(
    model, prompts, count, end, *,
    masked=True, placed=True, wait=True, leave=torch.all, keep=False, mask_of=lambda _, mask: mask,
):  # fmt: skip
    """Batched greedy search with one thing done otherwise."""
    ids, mask = _pad(prompts, end)
    mask = mask_of(ids, mask)
    width, done = ids.shape[1], torch.zeros(len(prompts), dtype=torch.bool)
    for _ in range(count):
        how = {"attention_mask": mask} if masked else {}
        if placed:
            how["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)
        tokens = model(ids, **how).logits[:, -1].argmax(-1)
        if wait:
            tokens = tokens.masked_fill(done, end)
        done |= tokens == end
        ids = torch.cat([ids, tokens[:, None]], dim=1)
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
        if leave(done):
            break
    texts = ids[:, width:].tolist()
    if not wait:
        return [[token for token in text if token != end] for text in texts]
    return texts if keep else [t[: t.index(end)] if end in t else t for t in texts]


@wrong(
    "greedy_batch",
    "Asks for one prompt after the other: that is no batch.",
    zh="一个提示一个提示地跑：那不叫批次。",
    caught_by="one_pass_for_all",
    step="Pad the prompts and run the model on all rows at once.",
    step_zh="把提示补齐，一次对所有行运行模型。",
    looks_like=lambda seen: all(row == 1 for row, _ in seen["fed"]) and seen["prompts"] > 1,
)
def one_after_the_other(model, prompts, max_new_tokens, end):
    return [_walk(model, torch.tensor([prompt]), max_new_tokens, end) for prompt in prompts]


@wrong(
    "greedy_batch",
    "Passes no attention mask, so the prompts attend to their padding.",
    zh="没有传 attention mask，提示会注意到自己的填充。",
    caught_by="each_as_if_alone",
    errata=("E153",),
    step="Pass attention_mask in every call, with a 1 more for each new token.",
    step_zh="每次都传 attention_mask，新词元各补一个 1。",
)
def no_attention_mask(model, prompts, max_new_tokens, end):
    return _together(model, prompts, max_new_tokens, end, masked=False)


@wrong(
    "greedy_batch",
    "Makes the mask from the ids, so an end token inside a prompt is taken for padding.",
    zh="mask 由词元编号得出，提示里的结束词元就被当成了填充。",
    caught_by="an_end_inside_is_text",
    step="Use the mask of left_pad, which knows the lengths, and append a 1 for each new token.",
    step_zh="用 left_pad 给出的 mask，它知道长度；每个新词元再补一个 1。",
)
def masks_by_id(model, prompts, max_new_tokens, end):
    return _together(
        model, prompts, max_new_tokens, end, mask_of=lambda ids, _: (ids != end).long()
    )


@wrong(
    "greedy_batch",
    "Writes one token more than allowed.",
    zh="多写了一个词元。",
    caught_by="as_many_as_asked_for",
    step="Run the model max_new_tokens times at most: with 0 not at all.",
    step_zh="模型最多运行 max_new_tokens 次；为 0 时一次也不运行。",
)
def batch_one_too_many(model, prompts, max_new_tokens, end):
    return _together(model, prompts, max_new_tokens + 1, end)


@wrong(
    "greedy_batch",
    "Leaves the positions to the model, which counts the padding too.",
    zh="位置编号交给模型，它把填充也数了进去。",
    caught_by="each_as_if_alone",
    step="Pass position_ids: the running sum of the mask, minus 1.",
    step_zh="传入 position_ids：mask 的累计和减 1。",
)
def no_position_ids(model, prompts, max_new_tokens, end):
    return _together(model, prompts, max_new_tokens, end, placed=False)


@wrong(
    "greedy_batch",
    "Stops all prompts as soon as the first is finished.",
    zh="第一个提示一写完，就让所有提示都停下。",
    caught_by="the_finished_wait",
    step="Leave the loop when all rows are done, not when one is.",
    step_zh="所有行都完成才离开循环，而不是有一行完成。",
    looks_like=lambda seen: 0 < max(map(len, seen)) < min(14, min(map(len, seen)) + 2),
)
def stops_with_the_first(model, prompts, max_new_tokens, end):
    return _together(model, prompts, max_new_tokens, end, leave=torch.any)


@wrong(
    "greedy_batch",
    "Lets finished prompts talk on while the others are being written.",
    zh="写完的提示还在继续写，没有等其他提示。",
    caught_by="the_finished_wait",
    step="Cut each row at its first end token.",
    step_zh="每一行都在第一个结束词元处截断。",
)
def the_finished_talk_on(model, prompts, max_new_tokens, end):
    return _together(model, prompts, max_new_tokens, end, wait=False)


@wrong(
    "greedy_batch",
    "Returns the end tokens with the text.",
    zh="把结束词元也一起返回了。",
    caught_by="the_finished_wait",
    step="Cut each row before its first end token.",
    step_zh="每一行都在第一个结束词元之前截断。",
)
def returns_end_tokens(model, prompts, max_new_tokens, end):
    return _together(model, prompts, max_new_tokens, end, keep=True)


# --- stream_text --------------------------------------------------------------------------


def _growing(tokenizer, tokens):
    return [tokenizer.decode(tokens[:n]).rstrip("\ufffd") for n in range(len(tokens) + 1)]


@wrong(
    "stream_text",
    "Decodes every token by itself, so characters fall into pieces.",
    zh="逐个词元单独解码，字符就碎了。",
    caught_by="characters_come_whole",
    errata=("E154",),
    step="Decode the tokens so far together: bytes find each other only there.",
    step_zh="把到目前为止的词元合起来解码，字节才能拼到一起。",
)
def decodes_each_alone(tokenizer, tokens):
    return [tokenizer.decode([token]) for token in tokens]


@wrong(
    "stream_text",
    "Hands out � where the bytes of a character are not all there yet.",
    zh="字符的字节还没到齐，就输出了 �。",
    caught_by="characters_come_whole",
    errata=("E154",),
    step="What decodes to � at the end is only early: hold it back until it is whole.",
    step_zh="解码结果末尾的 � 只是还没到齐：先扣住，完整了再输出。",
    looks_like=lambda seen: "\ufffd" in seen["text"],
)
def differences_of_the_text(tokenizer, tokens):
    shown = [tokenizer.decode(tokens[:n]) for n in range(len(tokens) + 1)]
    return [after[len(before) :] for before, after in itertools.pairwise(shown)]


@wrong(
    "stream_text",
    "Drops every piece of a character, so whole characters are missing.",
    zh="把字符的碎片都丢掉了，于是整个字都没了。",
    caught_by="characters_come_whole",
    step="Incomplete bytes are not wrong, only early: hold them until the rest comes.",
    step_zh="不完整的字节并没有错，只是来早了：先扣住，等剩下的到齐。",
)
def drops_broken_pieces(tokenizer, tokens):
    return [tokenizer.decode([token]).replace("\ufffd", "") for token in tokens]


@wrong(
    "stream_text",
    "Waits for the end and hands out everything at once.",
    zh="等到最后才一次性全部输出。",
    caught_by="characters_come_whole",
    step="A character comes out with the token that completes it.",
    step_zh="字符应当随补齐它的那个词元一起输出。",
)
def waits_for_the_end(tokenizer, tokens):
    return [*[""] * (len(tokens) - 1), _growing(tokenizer, tokens)[-1]] if len(tokens) else []


@wrong(
    "stream_text",
    "Holds back whole characters too, while another one is incomplete.",
    zh="后一个字符还不完整，就连前面已经完整的字符也一起扣住。",
    caught_by="characters_come_whole",
    step="A token may end one character and begin the next: the first comes out with it.",
    step_zh="一个词元可能补齐前一个字符又带出下一个的开头：前一个应当立即输出。",
)
def holds_back_whole_ones(tokenizer, tokens):
    pieces, shown = [], ""
    for count in range(1, len(tokens) + 1):
        text = tokenizer.decode(tokens[:count])
        ready = shown if text.endswith("\ufffd") else text
        pieces.append(ready[len(shown) :])
        shown = ready
    return pieces


@wrong(
    "stream_text",
    "Hands out the whole text so far each time, not only what is new.",
    zh="每次都输出到目前为止的全文，而不是新增的部分。",
    caught_by="characters_come_whole",
    step="Leave out what has been shown already.",
    step_zh="去掉已经显示过的部分。",
)
def repeats_what_was_shown(tokenizer, tokens):
    return _growing(tokenizer, tokens)[1:]


@wrong(
    "stream_text",
    "Hands out the broken bytes at the end.",
    zh="最后把残缺的字节也输出了。",
    caught_by="no_half_character_at_the_end",
    errata=("E154",),
    step="What is still incomplete at the end stays inside.",
    step_zh="到最后仍不完整的，就不要输出。",
)
def flushes_the_rest(tokenizer, tokens):
    shown = _growing(tokenizer, tokens)
    pieces = [after[len(before) :] for before, after in itertools.pairwise(shown)]
    rest = tokenizer.decode(tokens)[len(shown[-1]) :]
    return [*pieces[:-1], pieces[-1] + rest] if pieces else []


@wrong(
    "stream_text",
    "Strips the blanks off every piece, so words run together.",
    zh="把每一段的空白都去掉了，单词连成一片。",
    caught_by="blanks_stay",
    step="Blanks and line ends are part of the text: the blank of “ lived” belongs to its token.",
    step_zh="空格和换行也是文本：“ lived”前面的空格就属于这个词元。",
)
def strips_blanks(tokenizer, tokens):
    shown = _growing(tokenizer, tokens)
    return [after[len(before) :].strip() for before, after in itertools.pairwise(shown)]


@wrong(
    "stream_text",
    "Leaves out the empty pieces, so that pieces and tokens no longer match.",
    zh="省略了空的段，段与词元就对不上了。",
    caught_by="one_piece_a_token",
    step="Return a string for every token, an empty one too.",
    step_zh="每个词元都要有一个字符串，空的也要。",
)
def leaves_out_empty_pieces(tokenizer, tokens):
    shown = _growing(tokenizer, tokens)
    pieces = [after[len(before) :] for before, after in itertools.pairwise(shown)]
    return [piece for piece in pieces if piece]


# --- ask ----------------------------------------------------------------------------------


def _failed(status):
    return {"status": status, "text": "", "finish": ""}


def _asked(question, base_url, model, max_tokens, timeout, *, key=None, retries=1, names=None):
    """A right call with one thing done otherwise."""
    import openai

    names = names or {
        openai.APITimeoutError: "timeout",
        openai.AuthenticationError: "unauthorized",
        openai.RateLimitError: "rate_limited",
        openai.InternalServerError: "server_error",
    }
    if not (key or os.environ.get("OPENAI_API_KEY")):
        return _failed("no_key")
    client = openai.OpenAI(base_url=base_url, api_key=key, timeout=timeout, max_retries=retries)
    try:
        answer = client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": question}],
            max_tokens=max_tokens,
        )
    except tuple(names) as error:
        return _failed(next(text for kind, text in names.items() if isinstance(error, kind)))
    choice = answer.choices[0]
    return {"status": "ok", "text": choice.message.content, "finish": choice.finish_reason}


@wrong(
    "ask",
    "Calls openai.Completion.create, which was removed in version 1.0 of the client.",
    zh="调用了 openai.Completion.create，客户端 1.0 起已经删除。",
    caught_by="answers_and_says_whether_cut",
    errata=("E099",),
    step="Make a client, openai.OpenAI(…), and call its chat.completions.create.",
    step_zh="先建客户端 openai.OpenAI(…)，再调用它的 chat.completions.create。",
)
def removed_call(question, *, base_url, model, max_tokens, timeout):
    import openai

    openai.api_key = os.environ.get("OPENAI_API_KEY")
    answer = openai.Completion.create(engine=model, prompt=question, max_tokens=max_tokens)
    return {"status": "ok", "text": answer.choices[0].text, "finish": "stop"}


@wrong(
    "ask",
    "Says engine= where today's client takes model=.",
    zh="写了 engine=，而现在的客户端用 model=。",
    caught_by="asks_the_model_named",
    errata=("E101",),
    step="The parameter is called model.",
    step_zh="这个参数叫 model。",
)
def engine_for_model(question, *, base_url, model, max_tokens, timeout):
    import openai

    client = openai.OpenAI(base_url=base_url, timeout=timeout, max_retries=1)
    messages = [{"role": "user", "content": question}]
    answer = client.chat.completions.create(engine=model, messages=messages)
    choice = answer.choices[0]
    return {"status": "ok", "text": choice.message.content, "finish": choice.finish_reason}


@wrong(
    "ask",
    "Asks for a model that was retired, whatever name is given.",
    zh="不管给的是什么名字，都去请求一个早已下线的模型。",
    caught_by="asks_the_model_named",
    errata=("E088", "E100"),
    step="Pass the model's name on: which models live changes faster than code.",
    step_zh="把模型名原样传下去：哪些模型在线，变得比代码快。",
)
def retired_model(question, *, base_url, model, max_tokens, timeout):
    return _asked(question, base_url, "text-davinci-002", max_tokens, timeout)


def _sending(question, base_url, model, max_tokens, timeout, messages):
    """The plain call, with other messages."""
    import openai

    if not os.environ.get("OPENAI_API_KEY"):
        return _failed("no_key")
    client = openai.OpenAI(base_url=base_url, timeout=timeout, max_retries=1)
    answer = client.chat.completions.create(model=model, messages=messages, max_tokens=max_tokens)
    choice = answer.choices[0]
    return {"status": "ok", "text": choice.message.content, "finish": choice.finish_reason}


@wrong(
    "ask",
    "Puts a message of the system before the question, which nobody asked for.",
    zh="在问题前面加了一条 system 消息，而题目没有要它。",
    caught_by="sends_one_message_of_the_user",
    step="Send one message: the role is user, the content is the question.",
    step_zh="只发一条消息：role 是 user，content 是问题。",
)
def adds_a_system_message(question, *, base_url, model, max_tokens, timeout):
    system = {"role": "system", "content": "You are a helpful assistant."}
    messages = [system, {"role": "user", "content": question}]
    return _sending(question, base_url, model, max_tokens, timeout, messages)


@wrong(
    "ask",
    "Lets another than the user ask: the question has the role of the system or the assistant.",
    zh="提问的不是 user：问题的 role 写成了 system 或 assistant。",
    caught_by="sends_one_message_of_the_user",
    step='Whoever asks is the user: {"role": "user", "content": question}.',
    step_zh='提问的人是 user：{"role": "user", "content": question}。',
    looks_like=lambda seen: all(len(r["roles"]) == 1 and r["roles"] != ["user"] for r in seen),
)
def another_than_the_user_asks(question, *, base_url, model, max_tokens, timeout):
    messages = [{"role": "system", "content": question}]
    return _sending(question, base_url, model, max_tokens, timeout, messages)


@wrong(
    "ask",
    "Speaks HTTP by hand, without the openai client.",
    zh="自己手写 HTTP 请求，没有用 openai 客户端。",
    caught_by="sends_one_message_of_the_user",
    step="Make a client, openai.OpenAI(…): it brings time-outs, retries and exceptions along.",
    step_zh="用 openai.OpenAI(…) 建客户端：超时、重试和异常它都带着。",
)
def without_the_client(question, *, base_url, model, max_tokens, timeout):
    import json
    import urllib.request

    messages = [{"role": "user", "content": question}]
    body = {"model": model, "messages": messages, "max_tokens": max_tokens}
    headers = {
        "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"],
        "Content-Type": "application/json",
    }
    address = base_url + "/chat/completions"
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        choice = json.load(answer)["choices"][0]
    text = choice["message"]["content"]
    return {"status": "ok", "text": text, "finish": choice["finish_reason"]}


@wrong(
    "ask",
    "Writes the key into the source.",
    zh="把密钥写进了源代码。",
    caught_by="key_from_the_environment",
    errata=("E103",),
    step="Read OPENAI_API_KEY from the environment; the client does so by itself.",
    step_zh="从环境变量 OPENAI_API_KEY 读取；客户端自己就会读。",
)
def key_in_the_source(question, *, base_url, model, max_tokens, timeout):
    return _asked(question, base_url, model, max_tokens, timeout, key="your-api-key")


@wrong(
    "ask",
    "Does not ask whether there is a key, and fails when there is none.",
    zh="没有检查密钥是否存在，没有时就出错。",
    caught_by="key_from_the_environment",
    step="Return no_key if OPENAI_API_KEY is missing.",
    step_zh="缺少 OPENAI_API_KEY 时返回 no_key。",
)
def key_taken_for_granted(question, *, base_url, model, max_tokens, timeout):
    import openai

    openai.OpenAI(base_url=base_url)  # raises where there is none
    return _asked(question, base_url, model, max_tokens, timeout)


@wrong(
    "ask",
    "Always says that the answer is complete.",
    zh="总说回答是完整的。",
    caught_by="answers_and_says_whether_cut",
    step="Return the finish reason of the choice: length means that it was cut.",
    step_zh="返回 choice 的 finish_reason：length 表示被截断。",
)
def always_complete(question, *, base_url, model, max_tokens, timeout):
    answer = _asked(question, base_url, model, max_tokens, timeout)
    return {**answer, "finish": "stop"} if answer["status"] == "ok" else answer


@wrong(
    "ask",
    "Sends no limit of tokens, so a long answer is paid in full.",
    zh="没有发送词元上限，再长的回答也照单付费。",
    caught_by="answers_and_says_whether_cut",
    step="Pass max_tokens on.",
    step_zh="把 max_tokens 传下去。",
)
def no_limit(question, *, base_url, model, max_tokens, timeout):
    return _asked(question, base_url, model, None, timeout)


@wrong(
    "ask",
    "Handles no error at all.",
    zh="完全没有处理错误。",
    caught_by="a_refused_key_is_reported",
    step="Catch the client's exceptions and return their status.",
    step_zh="捕获客户端的异常，返回对应的状态。",
)
def no_error_handled(question, *, base_url, model, max_tokens, timeout):
    if not os.environ.get("OPENAI_API_KEY"):
        return _failed("no_key")
    return _asked(question, base_url, model, max_tokens, timeout, names={KeyError: ""})


@wrong(
    "ask",
    "Gives every failure the same name.",
    zh="所有失败都用同一个名字。",
    caught_by="a_refused_key_is_reported",
    step="Tell them apart: a wrong key needs another key, a rate limit needs patience.",
    step_zh="要分清：密钥错了得换密钥，限流只需要等。",
)
def one_name_for_all(question, *, base_url, model, max_tokens, timeout):
    return _asked(question, base_url, model, max_tokens, timeout, names={Exception: "server_error"})


@wrong(
    "ask",
    "Takes a time-out for an error of the server.",
    zh="把超时当成了服务器出错。",
    caught_by="silence_is_reported",
    step="APITimeoutError is an APIError too: catch it before the general one.",
    step_zh="APITimeoutError 也是一种 APIError：要在捕获通用异常之前先捕获它。",
)
def timeout_is_a_server_error(question, *, base_url, model, max_tokens, timeout):
    import openai

    names = {
        openai.AuthenticationError: "unauthorized",
        openai.RateLimitError: "rate_limited",
        openai.APIError: "server_error",
    }
    return _asked(question, base_url, model, max_tokens, timeout, names=names)


@wrong(
    "ask",
    "Knows the server's error 500 only: others of 5xx, such as 503, escape.",
    zh="服务器错误只认得 500，503 之类其他 5xx 都漏了。",
    caught_by="what_stays_is_reported",
    step="Catch InternalServerError, which is every 5xx, or ask whether the code is 500 or above.",
    step_zh="捕获 InternalServerError，它包括全部 5xx；或者判断状态码是否不小于 500。",
)
def knows_500_only(question, *, base_url, model, max_tokens, timeout):
    import openai

    try:
        return _asked(
            question, base_url, model, max_tokens, timeout, names={
                openai.APITimeoutError: "timeout",
                openai.AuthenticationError: "unauthorized",
                openai.RateLimitError: "rate_limited",
            },
        )  # fmt: skip
    except openai.APIStatusError as error:
        if error.status_code == 500:
            return _failed("server_error")
        raise


@wrong(
    "ask",
    "Gives up at the first failure that would have passed.",
    zh="遇到本来会过去的失败，第一次就放弃了。",
    caught_by="what_passes_is_waited_out",
    step="Allow the client at least one retry.",
    step_zh="至少允许客户端重试一次。",
)
def never_tries_again(question, *, base_url, model, max_tokens, timeout):
    return _asked(question, base_url, model, max_tokens, timeout, retries=0)


@wrong(
    "ask",
    "Hammers on a server that has said no, again and again.",
    zh="服务器已经拒绝，还一遍又一遍地请求。",
    caught_by="what_stays_is_reported",
    step="Let the client do it (max_retries), or bound your loop: by a number of tries, with a "
    "pause that grows, and by the seconds that all of it may take.",
    step_zh="交给客户端（max_retries），或者给自己的循环设上限：限定次数，间隔逐次加长，总时间也要限定。",
)
def tries_again_and_again(question, *, base_url, model, max_tokens, timeout):
    for _ in range(6):
        answer = _asked(question, base_url, model, max_tokens, timeout)
        if answer["status"] not in ("rate_limited", "server_error"):
            break
    return answer


@wrong(
    "ask",
    "Asks again with a key that was refused.",
    zh="密钥已被拒绝，还拿它再问。",
    caught_by="a_refused_key_is_reported",
    step="A 401 does not pass by itself: report it at once.",
    step_zh="401 不会自己好：立刻报告。",
)
def tries_a_refused_key_again(question, *, base_url, model, max_tokens, timeout):
    answer = _asked(question, base_url, model, max_tokens, timeout)
    if answer["status"] == "unauthorized":
        answer = _asked(question, base_url, model, max_tokens, timeout)
    return answer


@wrong(
    "ask",
    "Leaves the retries to the client, which tries twice more: three waits for one time-out.",
    zh="重试次数用客户端的默认值，会再试两次：一次超时要等三遍。",
    caught_by="silence_is_reported",
    step="Pass max_retries=1 to the client.",
    step_zh="给客户端传 max_retries=1。",
)
def waits_three_times(question, *, base_url, model, max_tokens, timeout):
    return _asked(question, base_url, model, max_tokens, timeout, retries=2)


@wrong(
    "ask",
    "Takes no notice of the time-out, and waits longer: the client's own is ten minutes.",
    zh="没有用到给定的超时，等得更久：客户端默认是十分钟。",
    caught_by="silence_is_reported",
    step="Pass the time-out to the client, or to the call.",
    step_zh="把超时传给客户端，或传给这次调用。",
)
def no_timeout(question, *, base_url, model, max_tokens, timeout):
    return _asked(question, base_url, model, max_tokens, 600.0)


@wrong(
    "ask",
    "Has a short time-out of its own, and gives up on an answer that would have come in time.",
    zh="自己定了一个很短的超时，本来能按时到的回答也不等了。",
    caught_by="silence_is_reported",
    step="Pass the time-out that was given to the client, or to the call.",
    step_zh="把给定的超时传给客户端，或传给这次调用。",
)
def a_timeout_of_its_own(question, *, base_url, model, max_tokens, timeout):
    return _asked(question, base_url, model, max_tokens, 0.4)


# --- write_texts --------------------------------------------------------------------------


def _mended(
    model, tokenizer, prompts, count, temperature, *,
    left=True, masked=True, draw=True, top_k=0, top_p=1.0, new=True, whole=True, skip=True,
    extra=True,
):  # fmt: skip
    """The mended program, with the faults that are left in."""
    end = tokenizer.eos_token_id
    ids, mask = _pad([tokenizer(prompt).input_ids for prompt in prompts], end, left=left)
    length = {"max_new_tokens": count} if extra else {"max_length": count}
    how = {"do_sample": True, "top_k": top_k, "top_p": top_p, "temperature": temperature}
    how = how if draw else {}
    if masked:
        how["attention_mask"] = mask
    texts = model.generate(ids, pad_token_id=end, **length, **how)
    texts = tokenizer.batch_decode(texts[:, ids.shape[1] * new :], skip_special_tokens=skip)
    return [text.rstrip("\ufffd") if whole else text for text in texts]


@wrong(
    "write_texts",
    "Leaves the program as it was found, with all its faults.",
    zh="程序原样没动，所有错都还在。",
    caught_by="lengths_do_not_matter",
    step="Begin with the length: max_length counts the prompt.",
    step_zh="先改长度：max_length 把提示也算在内。",
)
def as_it_was_found(model, tokenizer, prompts, max_new_tokens, temperature):
    return _mended(
        model, tokenizer, prompts, max_new_tokens, temperature,
        left=False, masked=False, draw=False, new=False, whole=False, skip=False, extra=False,
    )  # fmt: skip


def _temperature_fits(temperature_of):
    def looks(seen):
        return sampled_at(seen, seen, [temperature_of(t) for t in (0.5, 1.5)])

    return looks


@wrong(
    "write_texts",
    "Fault left in: a temperature, but no sampling. generate is greedy unless told otherwise.",
    zh="还有一处没修：有温度，却没有采样。generate 默认是贪心。",
    caught_by="draws_at_its_temperature",
    errata=("E151",),
    step="Say do_sample=True.",
    step_zh="加上 do_sample=True。",
    looks_like=lambda seen: len({text for part in seen for text in part["texts"]}) == 1,
)
def fault_no_sampling(model, tokenizer, prompts, max_new_tokens, temperature):
    return _mended(model, tokenizer, prompts, max_new_tokens, temperature, draw=False)


@wrong(
    "write_texts",
    "Fault left in: samples at temperature 1, whatever is asked for.",
    zh="还有一处没修：不管要求多少，都按温度 1 采样。",
    caught_by="draws_at_its_temperature",
    step="Pass the temperature on to generate.",
    step_zh="把 temperature 传给 generate。",
    looks_like=_temperature_fits(lambda _: 1.0),
)
def fault_temperature_lost(model, tokenizer, prompts, max_new_tokens, temperature):
    return _mended(model, tokenizer, prompts, max_new_tokens, 1.0)


def _cold_and_hot(seen):
    """For each temperature the texts, and what the model says of them there."""
    return [(part["texts"], part["chances"][f"{t:g}"]) for part, t in zip(seen, HEAT, strict=True)]


def _only_fifty(seen):
    """At the low temperature 50 tokens are nearly all; at the high one they are a few."""
    (cold, cold_chances), (hot, _) = _cold_and_hot(seen)
    return 1 < len(set(hot)) <= 50 and fits(*tally(cold, cold_chances))


def _tail_is_cut(seen):
    """The likeliest texts have their odds, many occur, and none of the rarest."""
    parts = _cold_and_hot(seen)
    if len(set(parts[1][0])) <= 50 or reaches_the_tail(*parts[1]):
        return False
    for texts, chances in parts:
        visible = {text: chance for text, chance in chances.items() if text}
        best = sorted(visible, key=visible.get, reverse=True)[:4]
        counts = np.array([[texts.count(text) for text in best]])
        odds = np.array([chances[text] for text in best])
        if not fits(counts, odds / odds.sum()):
            return False
    return True


@wrong(
    "write_texts",
    "Fault left in: the rarest tokens are never drawn, as with top_p below 1 or with any top_k.",
    zh="还有一处没修：最罕见的词元永远抽不到，top_p 小于 1 或设了 top_k 就会这样。",
    caught_by="draws_at_its_temperature",
    step="The whole vocabulary means top_k=0 and top_p=1.",
    step_zh="整个词表就是 top_k=0 且 top_p=1。",
    looks_like=_tail_is_cut,
)
def fault_nucleus_left_on(model, tokenizer, prompts, max_new_tokens, temperature):
    return _mended(model, tokenizer, prompts, max_new_tokens, temperature, top_p=0.95)


@wrong(
    "write_texts",
    "Fault left in: the seed is set inside, so that every call writes the same texts again.",
    zh="还有一处没修：在函数里设了种子，于是每次调用写出的都一样。",
    caught_by="every_token_is_drawn",
    step="Leave the seed to whoever calls.",
    step_zh="种子由调用者来设。",
    looks_like=lambda seen: len(seen) == 2 and seen[0] == seen[1] and len(set(seen[0])) > 1,
)
def fault_seed_inside(model, tokenizer, prompts, max_new_tokens, temperature):
    torch.manual_seed(42)
    return _mended(model, tokenizer, prompts, max_new_tokens, temperature)


def _apart_at_first_only(seen):
    """Calls differ, yet each has only as many texts as there are likely first tokens."""
    return seen[0] != seen[1] and all(1 < len(set(texts)) <= 15 for texts in seen)


@wrong(
    "write_texts",
    "Fault left in: only the first token is drawn, and every later one is the likeliest.",
    zh="还有一处没修：只有第一个词元是抽的，后面都取概率最大的。",
    caught_by="every_token_is_drawn",
    step="Draw in every round of the loop, at the temperature, as you do in the first.",
    step_zh="循环的每一轮都要按温度采样，和第一轮一样。",
    looks_like=_apart_at_first_only,
)
def fault_first_drawn_only(model, tokenizer, prompts, max_new_tokens, temperature):
    first = _mended(model, tokenizer, prompts, 1, temperature, whole=False)
    begun = [prompt + text for prompt, text in zip(prompts, first, strict=True)]
    if max_new_tokens == 1:
        return [text.rstrip("\ufffd") for text in first]
    rest = _mended(model, tokenizer, begun, max_new_tokens - 1, temperature, draw=False)
    return [a + b for a, b in zip(first, rest, strict=True)]


@wrong(
    "write_texts",
    "Fault left in: samples only among the 50 likeliest tokens, which is generate's default.",
    zh="还有一处没修：只在概率最大的 50 个词元里采样，这是 generate 的默认值。",
    caught_by="draws_at_its_temperature",
    step="Say top_k=0 to draw from the whole vocabulary.",
    step_zh="写明 top_k=0，才是从整个词表中采样。",
    looks_like=lambda seen: _only_fifty(seen),
)
def fault_top_k_left_on(model, tokenizer, prompts, max_new_tokens, temperature):
    return _mended(model, tokenizer, prompts, max_new_tokens, temperature, top_k=50)


@wrong(
    "write_texts",
    "Fault left in: the length counts the prompt.",
    zh="还有一处没修：长度把提示也算在内。",
    caught_by="the_prompt_is_extra",
    errata=("E152",),
    step="Say max_new_tokens, not max_length.",
    step_zh="用 max_new_tokens，不用 max_length。",
)
def fault_prompt_counted(model, tokenizer, prompts, max_new_tokens, temperature):
    return _mended(model, tokenizer, prompts, max_new_tokens, temperature, extra=False)


@wrong(
    "write_texts",
    "Fault left in: padding on the right, so short prompts are continued after padding.",
    zh="还有一处没修：在右侧填充，短提示就接在填充后面续写。",
    caught_by="lengths_do_not_matter",
    errata=("E153",),
    step='Say padding_side="left".',
    step_zh='设置 padding_side="left"。',
)
def fault_right_padding(model, tokenizer, prompts, max_new_tokens, temperature):
    return _mended(model, tokenizer, prompts, max_new_tokens, temperature, left=False)


@wrong(
    "write_texts",
    "Fault left in: no attention mask, so padding is read as text.",
    zh="还有一处没修：没有 attention mask，填充被当成文本来读。",
    caught_by="lengths_do_not_matter",
    errata=("E153",),
    step="Pass the tokenizer's whole output to generate, mask included.",
    step_zh="把 tokenizer 的全部输出（含 mask）传给 generate。",
)
def fault_no_mask(model, tokenizer, prompts, max_new_tokens, temperature):
    return _mended(model, tokenizer, prompts, max_new_tokens, temperature, masked=False)


@wrong(
    "write_texts",
    "Faults left in: padding on the right, and no attention mask.",
    zh="还有两处没修：在右侧填充，又没有 attention mask。",
    caught_by="lengths_do_not_matter",
    errata=("E153",),
    step='Say padding_side="left", and pass the tokenizer\'s whole output to generate.',
    step_zh='设置 padding_side="left"，并把 tokenizer 的全部输出传给 generate。',
)
def fault_right_padding_and_no_mask(model, tokenizer, prompts, max_new_tokens, temperature):
    return _mended(model, tokenizer, prompts, max_new_tokens, temperature, left=False, masked=False)


@wrong(
    "write_texts",
    "Fault left in: bytes cut in the midst of a character are shown as �.",
    zh="还有一处没修：被截断的字符显示成了 �。",
    caught_by="no_half_characters",
    errata=("E154",),
    step="Take incomplete bytes off the end after decoding.",
    step_zh="解码后去掉结尾不完整的字节。",
)
def fault_half_characters(model, tokenizer, prompts, max_new_tokens, temperature):
    return _mended(model, tokenizer, prompts, max_new_tokens, temperature, whole=False)


@wrong(
    "write_texts",
    "Fault left in: the prompt is returned with the text.",
    zh="还有一处没修：返回的文本里带着提示。",
    caught_by="the_prompt_is_extra",
    step="Cut the prompt off before decoding, by the width of the batch.",
    step_zh="解码之前，按批次的宽度切掉提示。",
)
def fault_prompt_repeated(model, tokenizer, prompts, max_new_tokens, temperature):
    return _mended(model, tokenizer, prompts, max_new_tokens, temperature, new=False)


@wrong(
    "write_texts",
    "Fault left in: end tokens are shown as text.",
    zh="还有一处没修：结束词元被当成文字显示了出来。",
    caught_by="the_end_is_not_shown",
    step="Decode with skip_special_tokens=True.",
    step_zh="解码时加上 skip_special_tokens=True。",
)
def fault_end_shown(model, tokenizer, prompts, max_new_tokens, temperature):
    return _mended(model, tokenizer, prompts, max_new_tokens, temperature, skip=False)
