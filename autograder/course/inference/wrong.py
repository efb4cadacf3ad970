"""Known-wrong answers for `inference`, each one misconception; some are the documents' own."""

import copy
import math

import numpy as np
import torch
from torch import nn
from torch.nn.functional import gelu, linear
from torch.nn.utils.fusion import fuse_conv_bn_eval

from autograder.checks import wrong

# --- kv_cache_bytes -----------------------------------------------------------------------


def _heads(config):
    return getattr(config, "num_key_value_heads", None) or config.num_attention_heads


def _width(config):
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


@wrong(
    "kv_cache_bytes",
    "Counts all attention heads, though several of them share their keys and values.",
    zh="按全部注意力头计算，其实几个头共用一组键和值。",
    caught_by="key_value_heads_alone",
    step="With grouped queries only num_key_value_heads heads are kept.",
    step_zh="分组查询时，只保存 num_key_value_heads 个头。",
)
def counts_attention_heads(config, tokens, bytes_per_value=2):
    heads = config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * _width(config) * tokens * bytes_per_value


@wrong(
    "kv_cache_bytes",
    "Counts the queries as well as the keys and values.",
    zh="除了键和值，把查询也算进去了。", caught_by="every_head_has_its_own",
    step="A query is used once, by its own token: it is never kept.",
    step_zh="查询只在自己那个词元上用一次，从不保存。",
)  # fmt: skip
def keeps_queries(config, tokens, bytes_per_value=2):
    kept = (2 * _heads(config) + config.num_attention_heads) * _width(config)
    return config.num_hidden_layers * kept * tokens * bytes_per_value


@wrong(
    "kv_cache_bytes",
    "Keeps one result for each token, the last layer's, instead of keys and values of every layer.",
    zh="每个词元只存最后一层的一个结果，而不是每一层的键和值。",
    caught_by="key_value_heads_alone",
    errata=("E097",),
    step="What the next token needs is the keys and the values of every layer.",
    step_zh="下一个词元要用的，是每一层的键和值。",
)
def keeps_results(config, tokens, bytes_per_value=2):
    return config.hidden_size * tokens * bytes_per_value


@wrong(
    "kv_cache_bytes",
    "Always divides hidden_size by the heads, even if head_dim says otherwise.",
    zh="总用 hidden_size 除以头数，哪怕 head_dim 另有规定。",
    caught_by="head_dim_counts",
    step="Where head_dim is given, it counts: Qwen3's heads are wider than the quotient.",
    step_zh="给了 head_dim 就以它为准：Qwen3 的头就比商更宽。",
)
def width_is_the_quotient(config, tokens, bytes_per_value=2):
    width = config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * _heads(config) * width * tokens * bytes_per_value


# --- step_time ----------------------------------------------------------------------------


def _roofline(parameters, tokens, cache_bytes, bandwidth, peak_flops, bytes_per_weight=2, *,
             read=1, stored=None, caches=1, operations=2, seconds=max):  # fmt: skip
    """The roofline, with one of its parts replaced on request."""
    weights = parameters * (stored or bytes_per_weight)
    reading = (weights * read + cache_bytes * caches) / bandwidth
    computing = operations * parameters * tokens / peak_flops
    bound = "memory" if reading > computing else "compute"
    return {"seconds": seconds((reading, computing)), "bound": bound}


@wrong(
    "step_time",
    "Lets weights in fewer bits need fewer operations.",
    zh="以为权重位数少了，运算次数也会变少。",
    caught_by="fewer_bits_move_fewer_bytes",
    errata=("E095",),
    step="As many multiplications as before: only the bytes that are read get fewer.",
    step_zh="乘法次数没变，变少的只是读取的字节。",
)
def fewer_bits_fewer_operations(*given, bytes_per_weight=2):
    return _roofline(*given, bytes_per_weight, operations=bytes_per_weight)


@wrong(
    "step_time",
    "Takes fewer bits for a saving of storage only: the step stays as long as it was.",
    zh="以为减少位数只省存储，一步的时间不变。",
    caught_by="fewer_bits_move_fewer_bytes",
    errata=("E138",),
    step="What is stored has to be read: multiply the weights by bytes_per_weight.",
    step_zh="存着的就要读：权重数乘以 bytes_per_weight。",
)
def bits_save_storage_only(*given, **how):
    return _roofline(*given, **how, stored=2)


@wrong(
    "step_time",
    "Reads the weights once for each request, as if each ran in a thread of its own.",
    zh="每个请求都把权重读一遍，就像各跑各的线程。",
    caught_by="bytes_are_read_once",
    errata=("E098",),
    step="A batch shares one reading of the weights; that is what it is good for.",
    step_zh="一个批次共用一次权重读取，批处理的好处就在这里。",
)
def weights_for_each_request(*given, **how):
    return _roofline(*given, **how, read=given[1])


@wrong(
    "step_time",
    "Multiplies the bytes of the cache by the tokens.",
    zh="把缓存的字节数又乘了词元数。", caught_by="bytes_are_read_once",
    step="cache_bytes is the sum of all requests already.",
    step_zh="cache_bytes 已经是所有请求之和。",
)  # fmt: skip
def caches_for_each_token(*given, **how):
    return _roofline(*given, **how, caches=given[1])


@wrong(
    "step_time",
    "Adds the time of reading to that of computing.",
    zh="把读取时间和计算时间相加了。", caught_by="reading_and_computing_overlap",
    step="They overlap: take the longer.", step_zh="两者同时进行：取较长的。",
)  # fmt: skip
def adds_both(*given, **how):
    return _roofline(*given, **how, seconds=sum)


@wrong(
    "step_time",
    "Counts one operation for each parameter and token.",
    zh="每个参数、每个词元只算了 1 次运算。", caught_by="reading_and_computing_overlap",
    step="A multiplication and an addition are two.", step_zh="一乘一加，是 2 次。",
)  # fmt: skip
def one_operation(*given, **how):
    return _roofline(*given, **how, operations=1)


# --- fuse_conv_bn -------------------------------------------------------------------------


def _folded(conv, bn, scale=None, bias=None):
    """A copy of the convolution with this scale, and this bias before β; right by default."""
    fused, one = copy.deepcopy(conv), torch.ones_like(bn.running_var)
    if scale is None:
        scale = (bn.weight if bn.affine else one) / (bn.running_var + bn.eps).sqrt()
    if bias is None:
        bias = ((0 if conv.bias is None else conv.bias) - bn.running_mean) * scale
    fused.weight = nn.Parameter((conv.weight * scale.reshape(-1, 1, 1, 1)).detach())
    fused.bias = nn.Parameter((bias + (bn.bias if bn.affine else 0)).detach())
    return fused


def _does_as_the_two(seen):
    """In which of the cases the fused one did what the two had done."""
    return [one.get("returned", {}).get("as the two") for one in seen]


@wrong(
    "fuse_conv_bn",
    "Adds the convolution's bias without scaling it.",
    zh="卷积的偏置没有缩放就加上了。",
    caught_by="one_does_what_two_did",
    step="The bias goes through the whole normalisation, as x does.",
    step_zh="偏置和 x 一样，要走完整个归一化。",
)
def bias_is_not_scaled(conv, bn):
    scale = (bn.weight if bn.affine else 1) / (bn.running_var + bn.eps).sqrt()
    return _folded(conv, bn, bias=(0 if conv.bias is None else conv.bias) - bn.running_mean * scale)


@wrong(
    "fuse_conv_bn",
    "Loses the convolution's own bias.",
    zh="丢掉了卷积自己的偏置。",
    caught_by="one_does_what_two_did",
    step="Where conv.bias is not None, subtract the mean from it and go on with that.",
    step_zh="conv.bias 不是 None 时，先从它减去均值，再往下算。",
)
def loses_the_bias(conv, bn):
    scale = (bn.weight if bn.affine else 1) / (bn.running_var + bn.eps).sqrt()
    return _folded(conv, bn, bias=-bn.running_mean * scale)


@wrong(
    "fuse_conv_bn",
    "Goes wrong only where ε is large: it is left out, or not added under the root.",
    zh="只有 ε 较大时才出错：漏掉了 ε，或没有加在根号里。", caught_by="settings_stay",
    step="ε stands under the root, beside the variance.", step_zh="ε 在根号里，和方差相加。",
    looks_like=lambda seen: _does_as_the_two(seen) == [True, True, True, False],
)  # fmt: skip
def leaves_eps_out(conv, bn):
    one = torch.ones_like(bn.running_var)
    return _folded(conv, bn, (bn.weight if bn.affine else one) / bn.running_var.sqrt())


@wrong(
    "fuse_conv_bn",
    "Divides by the variance and not by its root.",
    zh="除以了方差，没有开根号。", caught_by="one_does_what_two_did",
    step="Divide by the root of variance plus ε.", step_zh="除以（方差 + ε）的平方根。",
)  # fmt: skip
def divides_by_the_variance(conv, bn):
    return _folded(conv, bn, (bn.weight if bn.affine else 1) / (bn.running_var + bn.eps))


@wrong(
    "fuse_conv_bn",
    "Writes the new weights into the convolution that came in.",
    zh="把新权重写进了传入的卷积。", caught_by="both_layers_stay",
    step="Make a new convolution, or a deep copy.", step_zh="新建一个卷积，或者深拷贝一份。",
)  # fmt: skip
def overwrites_the_convolution(conv, bn):
    fused = _folded(conv, bn)
    conv.weight.data.copy_(fused.weight)
    conv.bias = fused.bias
    return conv


@wrong(
    "fuse_conv_bn",
    "Goes wrong only where the convolution has a stride, a padding, a padding mode, a dilation or "
    "groups: what is new lacks one of them.",
    zh="只有卷积带步幅、填充、填充方式、空洞或分组时才出错：新的卷积没有全带上。",
    caught_by="settings_stay",
    step="Copy the convolution, and replace its weights only.",
    step_zh="复制原来的卷积，只换权重。",
    looks_like=lambda seen: (
        _does_as_the_two(seen)[2:] == [True, True] and not all(_does_as_the_two(seen)[:2])
    ),
)
def loses_settings(conv, bn):
    old = _folded(conv, bn)
    new = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride,
                    conv.padding, groups=conv.groups)  # fmt: skip
    new.weight, new.bias = old.weight, old.bias
    return new


@wrong(
    "fuse_conv_bn",
    "Leaves the work to torch's own fusion.",
    zh="交给 torch 自带的融合函数去做。",
    caught_by="folded_by_hand",
    step="Compute weight and bias from the formula.",
    step_zh="按公式自己算权重和偏置。",
    looks_like=lambda seen: seen["calls"] > 0,
)
def by_torchs_own(conv, bn):
    return fuse_conv_bn_eval(conv, bn)


# --- tiled_attention ----------------------------------------------------------------------


def _walk(query, tiles, *, shrink_mixed=True, shrink=True, start=-math.inf):
    """The recurrence, with mistakes on request."""
    largest = query.new_full((len(query), 1), start)
    total, mixed = 0, 0
    for key, value in tiles:
        scores = query @ key.T / math.sqrt(query.shape[1])
        now = torch.maximum(largest, scores.amax(dim=1, keepdim=True))
        weights = torch.exp(scores - now)
        factor = torch.exp(largest - now) if shrink else 1
        total = total * factor + weights.sum(dim=1, keepdim=True)
        mixed = mixed * (factor if shrink_mixed else 1) + weights @ value
        largest = now
    return mixed / total


@wrong(
    "tiled_attention",
    "Holds more with every tile: all tiles, all scores, or a partial result of each.",
    zh="每多一块，手里就多占一份：攒下了各块、各块的分数，或各块的部分结果。",
    caught_by="memory_stays_level",
    errata=("E137",),
    step="Let each tile go before the next: carry the largest score and two sums.",
    step_zh="取下一块之前放掉这一块，只带着最大分数和两个和。",
    looks_like=lambda seen: seen["tiles' worth more for each tile"] > 0,
)
def puts_tiles_together(query, tiles):
    keys, values = (torch.cat(parts) for parts in zip(*tiles, strict=True))
    return torch.softmax(query @ keys.T / math.sqrt(query.shape[1]), dim=1) @ values


@wrong(
    "tiled_attention",
    "Does not shrink the earlier sums when a larger score turns up.",
    zh="出现更大的分数时，没有缩小前面的和。",
    caught_by="as_in_one_piece",
    step="Multiply both sums by exp(old largest − new largest).",
    step_zh="两个和都乘以 exp(旧最大 − 新最大)。",
)
def never_shrinks(query, tiles):
    return _walk(query, tiles, shrink=False)


@wrong(
    "tiled_attention",
    "Shrinks the sum of the weights, but not the weighted sum of the values.",
    zh="只缩小了权重之和，没有缩小值的加权和。",
    caught_by="as_in_one_piece",
    step="Both sums are relative to the largest score, so both shrink.",
    step_zh="两个和都相对于最大分数，所以都要缩小。",
)
def shrinks_one_sum(query, tiles):
    return _walk(query, tiles, shrink_mixed=False)


@wrong(
    "tiled_attention",
    "Takes exponentials of the raw scores, which overflow.",
    zh="直接对原始分数取指数，会溢出。",
    caught_by="nothing_overflows",
    step="Subtract the largest score so far before the exponential.",
    step_zh="取指数之前，先减去到目前为止的最大分数。",
)
def raw_exponentials(query, tiles):
    total = mixed = 0
    for key, value in tiles:
        weights = torch.exp(query @ key.T / math.sqrt(query.shape[1]))
        total, mixed = total + weights.sum(dim=1, keepdim=True), mixed + weights @ value
    return mixed / total


@wrong(
    "tiled_attention",
    "Starts with a largest score of 0, so that low scores vanish.",
    zh="最大分数的初值取了 0，分数都很低时全成了零。", caught_by="nothing_overflows",
    step="Start with minus infinity.", step_zh="初值取负无穷。",
)  # fmt: skip
def starts_at_zero(query, tiles):
    return _walk(query, tiles, start=0.0)


@wrong(
    "tiled_attention",
    "Averages the results of the tiles, as if each had the same weight.",
    zh="对各块的结果直接取平均，好像每块权重相同。",
    caught_by="as_in_one_piece",
    step="A tile counts by the sum of its exponentials: carry that sum along.",
    step_zh="每一块的权重是它的指数之和：要带着这个和往下走。",
)
def averages_the_tiles(query, tiles):
    parts = [torch.softmax(query @ k.T / math.sqrt(k.shape[1]), dim=1) @ v for k, v in tiles]
    return sum(parts) / len(parts)


@wrong(
    "tiled_attention",
    "Does not divide the scores by the root of d.",
    zh="分数没有除以 √d。", caught_by="as_in_one_piece",
    step="Divide query times key by the root of d first.", step_zh="query 乘 key 之后要除以 √d。",
)  # fmt: skip
def no_root_of_d(query, tiles):
    return _walk(query * math.sqrt(query.shape[1]), tiles)


# --- tensor_parallel_mlp ------------------------------------------------------------------


def _mine(up, rank, world_size):
    share = up.out_features // world_size
    return slice(rank * share, (rank + 1) * share)


def _hidden(x, up, mine):
    return gelu(linear(x, up.weight[mine], up.bias[mine]))


@wrong(
    "tensor_parallel_mlp",
    "Adds the last bias on every rank, so that it is counted world_size times.",
    zh="每个 rank 都加了最后的偏置，于是它被算了 world_size 遍。",
    caught_by="every_rank_has_the_whole",
    step="Add down.bias once: after the all-reduce, or on one rank only.",
    step_zh="down.bias 只加一次：all-reduce 之后加，或只在一个 rank 上加。",
)
def bias_on_every_rank(x, up, down, rank, world_size, all_reduce):
    mine = _mine(up, rank, world_size)
    return all_reduce(linear(_hidden(x, up, mine), down.weight[:, mine], down.bias))


@wrong(
    "tensor_parallel_mlp",
    "Joins the hidden units of all ranks first: two exchanges where one is enough.",
    zh="先把各 rank 的隐藏单元拼齐：本来通信一次就够，用了两次。",
    caught_by="ranks_talk_once",
    errata=("E136",),
    step="Use your own hidden units only; exchange the partial results.",
    step_zh="只用自己的隐藏单元，交换的是部分结果。",
)
def talks_twice(x, up, down, rank, world_size, all_reduce):
    mine = _mine(up, rank, world_size)
    hidden = x.new_zeros(len(x), up.out_features)
    hidden[:, mine] = _hidden(x, up, mine)
    hidden = all_reduce(hidden)
    return all_reduce(linear(hidden[:, mine], down.weight[:, mine])) + down.bias


@wrong(
    "tensor_parallel_mlp",
    "The ranks return different results: their own parts, or some the last bias and others not.",
    zh="各 rank 返回的结果不同：返回了各自的部分，或最后的偏置有的加了、有的没加。",
    caught_by="every_rank_has_the_whole",
    step="Hand your part to all_reduce, go on with what it returns, and add down.bias everywhere.",
    step_zh="把自己的部分交给 all_reduce，用它返回的结果继续，每个 rank 都加上 down.bias。",
    looks_like=lambda seen: (
        not _is_of_others(seen)
        and any(np.ptp(some["results"], axis=0).max() > 0.01 for some in seen)
    ),
)
def returns_its_part(x, up, down, rank, world_size, all_reduce):
    mine = _mine(up, rank, world_size)
    return linear(_hidden(x, up, mine), down.weight[:, mine], down.bias)


def _is_of_others(seen):
    return any(sum(some["places that are nan"]) for some in seen)


@wrong(
    "tensor_parallel_mlp",
    "Takes weights that another rank owns: nan comes out.",
    zh="取了别的 rank 的权重，结果出现了 nan。",
    caught_by="every_rank_has_the_whole",
    step="Rank r owns the slice from r H / w up to, not including, (r + 1) H / w.",
    step_zh="rank r 拥有的是从 r H / w 到 (r + 1) H / w（不含）的一段。",
    looks_like=_is_of_others,
)
def every_so_many(x, up, down, rank, world_size, all_reduce):
    mine = slice(rank, None, world_size)
    return all_reduce(linear(_hidden(x, up, mine), down.weight[:, mine])) + down.bias


@wrong(
    "tensor_parallel_mlp",
    "Leaves the bias of up out.",
    zh="漏掉了 up 的偏置。", caught_by="one_rank_is_the_plain_layer",
    step="Add your entries of up.bias before gelu.",
    step_zh="gelu 之前加上 up.bias 里自己的那一段。",
)  # fmt: skip
def forgets_the_first_bias(x, up, down, rank, world_size, all_reduce):
    mine = _mine(up, rank, world_size)
    hidden = gelu(linear(x, up.weight[mine]))
    return all_reduce(linear(hidden, down.weight[:, mine])) + down.bias


@wrong(
    "tensor_parallel_mlp",
    "Leaves the last bias out.",
    zh="漏掉了最后的偏置。", caught_by="one_rank_is_the_plain_layer",
    step="Add down.bias after the all-reduce.", step_zh="all-reduce 之后加上 down.bias。",
)  # fmt: skip
def forgets_the_last_bias(x, up, down, rank, world_size, all_reduce):
    mine = _mine(up, rank, world_size)
    return all_reduce(linear(_hidden(x, up, mine), down.weight[:, mine]))


# --- accept_drafts ------------------------------------------------------------------------


def _judged(drafted, q, p, uniforms, *, falls=None, left=None):
    """The rule, with another test or another remainder on request."""
    falls = falls or (lambda u, p, q: u >= p / q)
    left = left or (lambda p, q: (p - q).clamp_min(0))
    for i, token in enumerate(drafted):
        if falls(uniforms[i], p[i, token], q[i, token]):
            rest = left(p[i], q[i])
            return i, rest / rest.sum()
    return len(drafted), p[-1]


@wrong(
    "accept_drafts",
    "After a rejection draws from the target's distribution itself.",
    zh="被拒绝之后，直接从目标模型的分布里抽。",
    caught_by="remainder_after_a_rejection",
    step="What the draft covered is already counted: draw from max(p − q, 0), normalised.",
    step_zh="草稿覆盖的部分已经算过了：应从归一化的 max(p − q, 0) 里抽。",
)
def draws_from_the_target(*given):
    return _judged(*given, left=lambda p, q: p)


@wrong(
    "accept_drafts",
    "After a rejection gives a chance to tokens of which the draft has enough, where p ≤ q.",
    zh="被拒绝之后，给草稿已经覆盖够了的词元（p ≤ q）也留了概率。",
    caught_by="remainder_after_a_rejection",
    step="Only what is positive of p − q counts: 0 for all other tokens, then divide by the sum.",
    step_zh="只留 p − q 的正部，其余词元为 0，再除以总和。",
    looks_like=lambda seen: (
        [one["returned"]["accepted"] for one in seen] == [0, 1, 2]
        and min(one["chance where p ≤ q"] for one in seen) > 1e-3
    ),
)
def takes_the_difference(*given):
    return _judged(*given, left=lambda p, q: (p - q).abs())


@wrong(
    "accept_drafts",
    "Counts the draft that is not accepted as well.",
    zh="把没有被接受的那个草稿也数进去了。", caught_by="first_rejection_ends",
    step="Behind two accepted drafts the third falls: two are accepted.",
    step_zh="前两个被接受、第三个落选，那就是接受了两个。",
)  # fmt: skip
def counts_the_rejected(drafted, *given):
    count, left = _judged(drafted, *given)
    return min(count + 1, len(drafted)), left


@wrong(
    "accept_drafts",
    "Does not divide max(p − q, 0) by its sum: it is no distribution.",
    zh="max(p − q, 0) 没有除以总和，不是一个分布。", caught_by="remainder_after_a_rejection",
    step="Divide by the sum, so that it sums to one.", step_zh="除以总和，使它的和为 1。",
)  # fmt: skip
def not_normalised(drafted, q, p, uniforms):
    count, left = _judged(drafted, q, p, uniforms)
    return count, (left if count == len(drafted) else (p[count] - q[count]).clamp_min(0))


@wrong(
    "accept_drafts",
    "Accepts with the target's probability p, without dividing by q.",
    zh="接受概率用了 p，没有除以 q。",
    caught_by="accepted_below_the_ratio",
    step="The draft was already drawn with probability q: compare u with p / q.",
    step_zh="草稿本来就是以概率 q 抽出的：拿 u 与 p / q 比。",
)
def accepts_with_p(*given):
    return _judged(*given, falls=lambda u, p, q: u >= p)


@wrong(
    "accept_drafts",
    "Has the ratio upside down: q / p.",
    zh="比值弄反了：q / p。", caught_by="accepted_below_the_ratio",
    step="The target's probability stands above: p / q.", step_zh="目标模型的概率在分子上：p / q。",
)  # fmt: skip
def ratio_upside_down(*given):
    return _judged(*given, falls=lambda u, p, q: u * p >= q)


@wrong(
    "accept_drafts",
    "Accepts at u = p / q as well, and so at u = 0 what the target holds impossible.",
    zh="u = p / q 时也接受，于是 u = 0 时接受了目标模型认为不可能的词元。",
    caught_by="accepted_below_the_ratio",
    step="Strictly below: u < p / q.", step_zh="要严格小于：u < p / q。",
)  # fmt: skip
def accepts_at_the_edge(*given):
    return _judged(*given, falls=lambda u, p, q: u > p / q)


@wrong(
    "accept_drafts",
    "Counts the drafts that pass, also those behind a rejection.",
    zh="把被拒绝之后仍通过的草稿也算进去了。",
    caught_by="first_rejection_ends",
    step="What follows a rejected token was drafted for another text: stop there.",
    step_zh="被拒绝的词元之后，草稿是为另一段文本打的：到此为止。",
)
def counts_all_that_pass(drafted, q, p, uniforms):
    count, left = _judged(drafted, q, p, uniforms)
    places = torch.arange(len(drafted))
    ratios = p[places, drafted] / q[places, drafted]
    return (int((uniforms < ratios).sum()) if count < len(drafted) else count), left


@wrong(
    "accept_drafts",
    "If all are accepted, hands back the row of the last draft and not the one after it.",
    zh="全部接受时，返回的是最后一个草稿那一行，而不是它后面的一行。", caught_by="all_accepted",
    step="There is one row more than drafts: the last one.", step_zh="行数比草稿多一：用最后一行。",
)  # fmt: skip
def row_of_the_last_draft(drafted, q, p, uniforms):
    count, left = _judged(drafted, q, p, uniforms)
    return count, (p[-2] if count == len(drafted) else left)


# --- speculative_generate -----------------------------------------------------------------


def _generate(target, draft, ids, max_new_tokens, gamma, generator, *,
             guess=None, rows=None, bonus=True, cut=True):  # fmt: skip
    """The loop, with one part replaced on request."""
    length = len(ids) + max_new_tokens

    def draw(p):
        return torch.multinomial(p, 1, generator=generator)

    while len(ids) < length:
        text, guesses = ids, []
        for _ in range(gamma):
            guesses.append(draft(text)[-1])
            text = torch.cat([text, (guess or draw)(guesses[-1])])
        p = rows(text) if rows else target(text)[-gamma - 1 :]
        uniforms = torch.rand(gamma, generator=generator)
        count, left = _judged(text[len(ids) :], torch.stack(guesses), p, uniforms)
        more = [draw(left)] if bonus or count < gamma else []
        ids = torch.cat([text[: len(ids) + count], *more])
    return ids[:length] if cut else ids


def _first_token(chances):
    """Whether first tokens are drawn by what `chances` makes of p and q, and not by p."""

    def looks(seen):
        from scipy.stats import binom

        law = chances(*(torch.tensor(seen[name]).double() for name in "pq")).numpy()
        counts = torch.tensor(seen["counts"]).sum((1, 2)).numpy()
        tails = binom.cdf(counts, counts.sum(), law), binom.sf(counts - 1, counts.sum(), law)
        return bool((tails[0] > 1e-6).all() and (tails[1] > 1e-6).all())

    return looks


def _drafted_greedily(p, q):
    token = q.argmax()
    accepted = (p[token] / q[token]).clamp_max(1)
    left = (p - q).clamp_min(0)
    return (1 - accepted) * left / left.sum() + accepted * torch.eye(len(p))[token].double()


@wrong(
    "speculative_generate",
    "Drafts the likeliest token instead of drawing it.",
    zh="打草稿时取了概率最大的词元，而不是抽样。",
    caught_by="texts_are_those_of_the_target",
    step="The rule holds for drafts that are drawn from q: use torch.multinomial.",
    step_zh="规则只对从 q 抽出的草稿成立：用 torch.multinomial。",
    looks_like=_first_token(_drafted_greedily),
)
def drafts_greedily(*given):
    return _generate(*given, guess=lambda q: q.argmax()[None])


@wrong(
    "speculative_generate",
    "Takes the target's rows one place too late.",
    zh="目标模型的各行取晚了一个位置。",
    caught_by="text_of_the_target_alone",
    step="The row at position t speaks of the token after t: start one before the first draft.",
    step_zh="位置 t 的那一行说的是 t 之后的词元：要从第一个草稿的前一个位置取起。",
)
def rows_too_late(target, draft, ids, max_new_tokens, gamma, generator):
    def rows(text):
        p = target(text)[-gamma:]
        return torch.cat([p, p[-1:]])

    return _generate(target, draft, ids, max_new_tokens, gamma, generator, rows=rows)


@wrong(
    "speculative_generate",
    "Calls the target once for each new token, as if it wrote alone.",
    zh="每个新词元都调用一次目标模型，等于让它独自写。",
    caught_by="one_call_a_round",
    errata=("E139",),
    step="Draft gamma tokens first, and let one call of the target judge them.",
    step_zh="先打 gamma 个草稿，再用一次目标模型调用来裁决。",
)
def target_writes_alone(target, draft, ids, max_new_tokens, gamma, generator):
    for _ in range(max_new_tokens):
        token = torch.multinomial(target(ids)[-1], 1, generator=generator)
        ids = torch.cat([ids, token])
    return ids


def _is_called_too_often(seen):
    """Whether all texts are right, and the target was called more often than there are rounds."""
    right = all((np.diff(some["text"]) % 7 == 1).all() for some in seen)
    new = len(seen[0]["text"]) - 2
    return right and (seen[0]["calls"] > math.isqrt(new) or seen[1]["calls"] > new)


@wrong(
    "speculative_generate",
    "The text is right, but the target is called more often than there are rounds.",
    zh="文本没错，但调用目标模型的次数多于所需的轮数。",
    caught_by="one_call_a_round",
    step="One call on the text with all drafts has the row of each, and one more.",
    step_zh="对接上全部草稿的文本调用一次，每个草稿的行就都有了，还多一行。",
    looks_like=_is_called_too_often,
)
def calls_for_each_draft(target, draft, ids, max_new_tokens, gamma, generator):
    def rows(text):
        return torch.stack(
            [target(text[:end])[-1] for end in range(len(text) - gamma, len(text) + 1)]
        )

    return _generate(target, draft, ids, max_new_tokens, gamma, generator, rows=rows)


@wrong(
    "speculative_generate",
    "Draws no further token when all drafts are accepted.",
    zh="草稿全部被接受时，没有再抽一个词元。",
    caught_by="one_call_a_round",
    step="The target's last row is there already: a token for free.",
    step_zh="目标模型的最后一行已经有了：白得一个词元。",
)
def no_token_for_free(*given):
    return _generate(*given, bonus=False)


@wrong(
    "speculative_generate",
    "Returns what the last round has too many as well.",
    zh="最后一轮多出来的词元也一起返回了。",
    caught_by="exactly_as_many_as_asked",
    step="Cut the text to the prompt and max_new_tokens.",
    step_zh="把文本截到提示加 max_new_tokens 个词元。",
)
def never_cuts(*given):
    return _generate(*given, cut=False)


@wrong(
    "speculative_generate",
    "Returns the new tokens without the prompt.",
    zh="只返回了新词元，没有提示。", caught_by="exactly_as_many_as_asked",
    step="The prompt's ids come first in what is returned.", step_zh="返回值开头是提示的 id。",
)  # fmt: skip
def leaves_the_prompt_out(target, draft, ids, *given):
    return _generate(target, draft, ids, *given)[len(ids) :]


@wrong(
    "speculative_generate",
    "Draws, all or some of it, from torch's global state and not from the generator.",
    zh="抽取（全部或部分）用的是 torch 的全局随机状态，而不是 generator。",
    caught_by="chance_comes_from_the_generator",
    step="Pass generator to torch.multinomial and torch.rand.",
    step_zh="把 generator 传给 torch.multinomial 和 torch.rand。",
)
def ignores_the_generator(target, draft, ids, max_new_tokens, gamma, generator):
    return _generate(target, draft, ids, max_new_tokens, gamma, None)


# --- cache_waste --------------------------------------------------------------------------


def _slots(tokens, page_size):
    return -(-tokens // page_size) * page_size


@wrong(
    "cache_waste",
    "Averages shares, of requests or of steps, instead of adding up slots and tokens.",
    zh="对各请求或各步的比例取平均，而不是先累加位置和词元。",
    caught_by="whole_pages_over_all_steps",
    step="Add up all slots and all tokens, then divide once.",
    step_zh="先累加全部位置和全部词元，最后除一次。",
    looks_like=lambda seen: abs(seen[-1] - (3 / 4 + 0) / 2) < 1e-6,
)
def averages_shares(history, page_size):
    shares = [1 - n / _slots(n, page_size) for step in history for n in step.values()]
    return sum(shares) / len(shares) if shares else 0.0


@wrong(
    "cache_waste",
    "Divides the empty slots by the tokens, not by all slots.",
    zh="空位除以了词元数，而不是全部位置数。", caught_by="whole_pages_over_all_steps",
    step="A share of what is reserved: divide by all slots.",
    step_zh="要的是占预留的比例：除以全部位置数。",
)  # fmt: skip
def share_of_the_tokens(history, page_size):
    held = [n for step in history for n in step.values()]
    return sum(_slots(n, page_size) - n for n in held) / sum(held) if held else 0.0


@wrong(
    "cache_waste",
    "Reserves one more page where the last one is exactly full.",
    zh="最后一页恰好放满时，多预留了一页。",
    caught_by="whole_pages_over_all_steps",
    step="Round up: eight tokens on pages of four need two.",
    step_zh="向上取整：八个词元、页长为四，需要两页。",
)
def one_page_more(history, page_size):
    held = [n for step in history for n in step.values()]
    slots = sum((n // page_size + 1) * page_size for n in held)
    return 1 - sum(held) / slots if slots else 0.0


# --- continuous_batching ------------------------------------------------------------------


def _simulate(requests, num_pages, page_size, *, static=False, overtake=False, reserve=False,
             out=lambda held, i: max(held), forget=False, early=0, idle=True, late=0,
             line=sorted):  # fmt: skip
    """The rules, with one of them broken on request."""

    def pages(i):
        return -(-(sum(requests[i][1:]) if reserve else tokens[i] + early) // page_size)

    tokens = [prompt for _, prompt, _ in requests]
    waiting, running, history = list(range(len(requests))), [], []
    held, step = {}, 0
    while (waiting or running) and step < 2000:
        for i in list(waiting) if not (static and running) else ():
            if requests[i][0] + late <= step and sum(held.values()) + pages(i) <= num_pages:
                waiting.remove(i)
                running.append(i)
                held[i] = pages(i)
            elif not overtake:
                break
        for i in running if overtake else sorted(running):
            while i in held and (tokens[i] + 1 + early) > held[i] * page_size and not reserve:
                if sum(held.values()) < num_pages:
                    held[i] += 1
                    continue
                loser = out(held, i)
                del held[loser]
                waiting = line([*waiting, loser])
                tokens[loser] = requests[loser][1] if forget else tokens[loser]
            tokens[i] += i in held
        running = [i for i in running if i in held]
        if running or idle:
            history.append({i: tokens[i] for i in running})
        step += 1
        for i in [i for i in running if tokens[i] == sum(requests[i][1:])]:
            running.remove(i)
            del held[i]
    return history


@wrong(
    "continuous_batching",
    "Admits nobody until the whole batch has finished: static batching.",
    zh="整批完成之前谁也不接纳：这是静态批处理。", caught_by="each_runs_when_it_arrives",
    errata=("E139",),
    step="Admit at every step, whoever still runs.", step_zh="每一步都接纳，不管还有谁在运行。",
)  # fmt: skip
def waits_for_the_batch(*given):
    return _simulate(*given, static=True)


@wrong(
    "continuous_batching",
    "Reserves pages for all the tokens that a request will ever have.",
    zh="一开始就为请求将来的全部词元预留了页。",
    caught_by="pages_are_taken_when_needed",
    step="Take pages for the tokens that are there, and one more when they are full.",
    step_zh="只为已有的词元拿页，放满了再拿一页。",
)
def reserves_to_the_end(*given):
    return _simulate(*given, reserve=True)


@wrong(
    "continuous_batching",
    "Lets small requests overtake one that does not fit yet.",
    zh="让小请求越过了暂时放不下的请求。",
    caught_by="nobody_overtakes",
    step="The first that cannot be admitted ends the admission.",
    step_zh="遇到第一个不能接纳的，就停止接纳。",
)
def lets_overtake(*given):
    return _simulate(*given, overtake=True)


@wrong(
    "continuous_batching",
    "Preempts the smallest number, the one that has waited longest.",
    zh="抢占了编号最小的，也就是等得最久的请求。",
    caught_by="largest_number_is_preempted",
    step="Preempt the largest number: the oldest request always gets on.",
    step_zh="抢占编号最大的：最早的请求总能往前走。",
)
def preempts_the_oldest(*given):
    return _simulate(*given, out=lambda held, i: min(held))


@wrong(
    "continuous_batching",
    "Lets a preempted request start again from its prompt.",
    zh="被抢占的请求又从提示开始重新生成。",
    caught_by="largest_number_is_preempted",
    step="Its cache is lost, not its text: it keeps its count of tokens.",
    step_zh="丢的是缓存，不是文本：词元计数要保留。",
)
def starts_again(*given):
    return _simulate(*given, forget=True)


@wrong(
    "continuous_batching",
    "Puts a preempted request at the end of the line.",
    zh="把被抢占的请求排到了队尾。",
    caught_by="largest_number_is_preempted",
    step="Who waits is taken in the order of numbers: the preempted goes before all larger ones.",
    step_zh="等待的请求按编号顺序接纳：被抢占的排在编号更大的前面。",
)
def waits_at_the_end(*given):
    return _simulate(*given, line=list)


@wrong(
    "continuous_batching",
    "Takes a page one token too early.",
    zh="早一个词元就拿了新页。",
    caught_by="pages_are_taken_when_needed",
    step="Take a page when the token to be written finds no room.",
    step_zh="要写的词元放不下时，才拿新页。",
)
def a_token_too_early(*given):
    return _simulate(*given, early=1)


@wrong(
    "continuous_batching",
    "Leaves out steps in which nothing runs.",
    zh="没有请求运行的步没有记录。",
    caught_by="each_runs_when_it_arrives",
    step="Record {} and count the step.", step_zh="记下 {}，步数照样加一。",
)  # fmt: skip
def skips_idle_steps(*given):
    return _simulate(*given, idle=False)


@wrong(
    "continuous_batching",
    "Starts a request one step after its arrival.",
    zh="请求到达之后晚一步才开始。",
    caught_by="each_runs_when_it_arrives",
    step="Admit where arrival ≤ step, counting steps from 0, and write in the same step.",
    step_zh="步数从 0 数起，arrival ≤ 当前步就接纳，当步就写。",
)
def a_step_late(*given):
    return _simulate(*given, late=1)


@wrong(
    "continuous_batching",
    "Preempts the request that needs the page, not the one with the largest number.",
    zh="谁缺页就抢占谁，而不是编号最大的。",
    caught_by="largest_number_is_preempted",
    step="Look for the largest number among all that run; only then see whether it is this one.",
    step_zh="在所有运行的请求里找编号最大的，再看是不是自己。",
)
def preempts_itself(*given):
    return _simulate(*given, out=lambda held, i: i)
