"""Known-wrong answers for `attention`: the documents' own first, then those people really have."""

import numpy as np
import torch
from torch import nn

from autograder.checks import wrong

# --- softmax ------------------------------------------------------------------------------


def _shares(powers, dim):
    total = powers.sum(dim, keepdim=True)
    return powers / total.masked_fill(total == 0, 1)


def _softmax(scores, dim=-1):
    return torch.softmax(scores, dim).nan_to_num(0)


@wrong(
    "softmax", "Exponentiates the scores as they are: they overflow, or all vanish.",
    zh="直接对分数取指数：要么溢出，要么全部变成 0。", caught_by="any_size_of_score",
    step="Subtract the largest score along dim first; it cancels.",
    step_zh="先减去沿 dim 的最大分数，它会约掉。",
)  # fmt: skip
def no_maximum(scores, dim=-1):
    return _shares(scores.exp(), dim)


@wrong(
    "softmax", "Subtracts the largest score of the whole tensor, so that lower rows vanish.",
    zh="减的是整个张量的最大值，分数低的行就全部归零了。", caught_by="any_size_of_score",
    step="Each slice along dim has a maximum of its own.",
    step_zh="沿 dim 的每一条都有自己的最大值。",
)  # fmt: skip
def maximum_of_everything(scores, dim=-1):
    return _shares((scores - scores.max()).exp(), dim)


@wrong(
    "softmax", "Returns float32 (or float64) whatever came in.",
    zh="无论输入是什么类型，都返回 float32。", caught_by="type_is_kept",
    step="Compute as exactly as you like, and return the dtype of the scores.",
    step_zh="中间可以提高精度，返回时要转回分数的 dtype。",
)  # fmt: skip
def always_float32(scores, dim=-1):
    return _softmax(scores.float(), dim)


@wrong(
    "softmax", "Calls PyTorch's own softmax.", zh="调用了 PyTorch 自带的 softmax。",
    caught_by="softmax_by_hand", step="Write it with a maximum, exp and a sum.",
    step_zh="用取最大值、exp 和求和写出来。",
)  # fmt: skip
def calls_pytorch(scores, dim=-1):
    return torch.softmax(scores, dim).nan_to_num(0)


@wrong(
    "softmax", "A row of −∞ only is shared out evenly: −∞ was replaced by a finite number.",
    zh="整行都是 −∞ 时变成了平均分配：−∞ 被换成了有限的数。",
    caught_by="minus_infinity_gets_nothing",
    step="Leave −∞ in the scores; only the maximum that is subtracted has to be finite.",
    step_zh="分数里的 −∞ 保留，只有要减去的最大值必须是有限的。",
)  # fmt: skip
def nothing_is_shared_evenly(scores, dim=-1):
    return _softmax(scores.clamp(min=torch.finfo(scores.dtype).min), dim)


@wrong(
    "softmax", "Divides by the sum of the whole tensor: all of it sums to 1, not each slice.",
    zh="除以的是整个张量的和：合计为 1 的是全体，而不是沿 dim 的每一条。",
    caught_by="shares_along_dim", step="Sum along dim, with keepdim=True.",
    step_zh="沿 dim 求和，并保留这一维（keepdim=True）。",
)  # fmt: skip
def sum_of_everything(scores, dim=-1):
    highest = scores.amax(dim, keepdim=True)
    powers = (scores - highest.masked_fill(highest == -torch.inf, 0)).exp()
    return powers / powers.sum()


# --- scaled_dot_product_attention ---------------------------------------------------------


def _scores(query, key, scale=None):
    return query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)


def _hidden(scores, mask):
    return scores if mask is None else scores.masked_fill(~mask, -torch.inf)


def _shared(scores, value, mask=None):
    scores = _hidden(scores, mask)
    highest = scores.amax(-1, keepdim=True)
    weights = _shares((scores - highest.masked_fill(highest == -torch.inf, 0)).exp(), -1)
    return weights @ value, weights


def _attend(query, key, value, mask=None):
    return _shared(_scores(query, key), value, mask)


@wrong(
    "scaled_dot_product_attention",
    "Gives each key one weight for all queries, its “importance”, as the document says.",
    zh="像原文说的那样按「重要程度」加权：每个 key 只有一个权重，所有 query 共用。",
    caught_by="weights_for_each_pair", errata=("E196",),
    step="Each query has a row of weights of its own.", step_zh="每个 query 都有自己的一行权重。",
)  # fmt: skip
def importance_of_each_element(query, key, value, mask=None):
    scores = _scores(query, key).mean(-2, keepdim=True).expand(*query.shape[:-1], key.shape[-2])
    return _shared(scores, value, mask)


@wrong(
    "scaled_dot_product_attention", "Does not scale the scores.", zh="没有缩放分数。",
    caught_by="divides_by_root_of_d", errata=("E197",),
    step="Divide the scores by the root of the last dimension of the query.",
    step_zh="分数要除以 query 最后一维大小的平方根。",
)  # fmt: skip
def no_root(query, key, value, mask=None):
    return _shared(_scores(query, key, 1), value, mask)


@wrong(
    "scaled_dot_product_attention", "Divides by d, not by its root.",
    zh="除以了 d，而不是 d 的平方根。", caught_by="divides_by_root_of_d",
    step="The variance of a score is d, its deviation the root of d.",
    step_zh="分数的方差是 d，标准差才是根号 d。",
)  # fmt: skip
def divides_by_d(query, key, value, mask=None):
    return _shared(_scores(query, key, 1 / query.shape[-1]), value, mask)


@wrong(
    "scaled_dot_product_attention",
    "Applies the softmax over the queries, so that columns sum to 1.",
    zh="沿 query 方向做 softmax，结果是各列的和为 1。", caught_by="weights_for_each_pair",
    step="A query shares itself out over the keys: the last dimension.",
    step_zh="每个 query 在各个 key 之间分配：沿最后一维。",
)  # fmt: skip
def over_the_queries(query, key, value, mask=None):
    scores = _hidden(_scores(query, key), mask)
    highest = scores.amax(-2, keepdim=True)
    weights = _shares((scores - highest.masked_fill(highest == -torch.inf, 0)).exp(), -2)
    return weights @ value, weights


@wrong(
    "scaled_dot_product_attention", "Reads True as “hidden”, as nn.MultiheadAttention does.",
    zh="把 True 当成「遮住」，那是 nn.MultiheadAttention 的约定。",
    caught_by="hidden_keys_get_nothing", step="Here True means that the key may be seen.",
    step_zh="这里 True 表示可以看。",
)  # fmt: skip
def true_is_hidden(query, key, value, mask=None):
    return _attend(query, key, value, None if mask is None else ~mask)


@wrong(
    "scaled_dot_product_attention", "Sets hidden scores to 0, which still have a weight.",
    zh="把被遮住的分数设成 0，它们仍然分到了权重。", caught_by="hidden_keys_get_nothing",
    step="e⁰ is 1. A score that shall have no weight is −inf.",
    step_zh="e 的 0 次方是 1。不该有权重的分数要设为 −inf。",
)  # fmt: skip
def hides_with_zero(query, key, value, mask=None):
    scores = _scores(query, key)
    return _shared(scores if mask is None else scores * mask, value)


@wrong(
    "scaled_dot_product_attention",
    "Masks after the softmax, so that the visible keys no longer share all of it.",
    zh="在 softmax 之后才遮，看得见的 key 没能分完全部权重。", caught_by="hidden_keys_get_nothing",
    step="Hide first, then share out.", step_zh="先遮住，再分配。",
)  # fmt: skip
def hides_afterwards(query, key, value, mask=None):
    _, weights = _attend(query, key, value)
    weights = weights if mask is None else weights * mask
    return weights @ value, weights


@wrong(
    "scaled_dot_product_attention",
    "Hides with a large finite number: a query that may see nothing sees everything evenly.",
    zh="用一个很大的有限负数来遮：什么都不该看到的 query 反而平均地看到了一切。",
    caught_by="blind_query_gets_zeros",
    step="Use −inf, and say what a row of nothing else shall give.",
    step_zh="用 −inf，并且规定整行都是 −inf 时得什么。",
)  # fmt: skip
def hides_with_a_number(query, key, value, mask=None):
    scores = _scores(query, key)
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return _shared(scores, value)


@wrong(
    "scaled_dot_product_attention", "Calls PyTorch's own attention.",
    zh="调用了 PyTorch 自带的注意力。", caught_by="attention_by_hand",
    step="Write it with matmul, a mask and your softmax.",
    step_zh="用 matmul、掩码和自己写的 softmax 写出来。",
)  # fmt: skip
def calls_pytorch_attention(query, key, value, mask=None):
    units = torch.eye(key.shape[-2], dtype=key.dtype).expand(*key.shape[:-1], key.shape[-2])
    attend = nn.functional.scaled_dot_product_attention
    return attend(query, key, value, attn_mask=mask), attend(query, key, units, attn_mask=mask)


@wrong(
    "scaled_dot_product_attention",
    "Divides by the root of another size than d: of the keys, the queries or the values.",
    zh="除以的不是 √d，而是 key 的个数、query 的个数或 value 维度的平方根。",
    caught_by="divides_by_root_of_d",
    step="A score is a sum over the d numbers of a query: its last dimension.",
    step_zh="一个分数是对 query 的 d 个数求和：用 query 最后一维的大小。",
)  # fmt: skip
def root_of_the_keys(query, key, value, mask=None):
    return _shared(_scores(query, key, key.shape[-2] ** -0.5), value, mask)


@wrong(
    "scaled_dot_product_attention", "Adds the boolean mask to the scores: True counts as 1.",
    zh="把布尔掩码直接加到分数上：True 只当成了 1。", caught_by="hidden_keys_get_nothing",
    step="Turn it into numbers first: 0 where a key may be seen, −∞ where not; or masked_fill.",
    step_zh="先变成数：可以看处为 0，否则为 −∞；或者用 masked_fill。",
)  # fmt: skip
def adds_the_mask(query, key, value, mask=None):
    scores = _scores(query, key)
    return _shared(scores if mask is None else scores + mask, value)


@wrong(
    "scaled_dot_product_attention", "Returns the scores in place of the weights.",
    zh="该返回权重的地方返回了 softmax 之前的分数。", caught_by="weights_for_each_pair",
    step="The second of the pair is what the values are multiplied by: after the softmax.",
    step_zh="第二个返回值是和 value 相乘的那个矩阵：softmax 之后的。",
)  # fmt: skip
def scores_for_weights(query, key, value, mask=None):
    return _attend(query, key, value, mask)[0], _hidden(_scores(query, key), mask)


# --- causal_mask --------------------------------------------------------------------------


def _places(num_queries, num_keys):
    return torch.arange(num_keys - num_queries, num_keys)[:, None], torch.arange(num_keys)


def _within(query, key, window):
    return (key <= query) & (key > query - (query.max() + 1 if window is None else window))


@wrong(
    "causal_mask", "Hides a query's own position.", zh="连自己的位置也遮住了。",
    caught_by="own_and_earlier_positions",
    step="A word may see itself; the target is what comes next.",
    step_zh="词可以看到自己，要预测的是它的下一个。",
)  # fmt: skip
def not_even_itself(num_queries, num_keys, window=None):
    query, key = _places(num_queries, num_keys)
    return _within(query, key, window) & (key < query)


@wrong(
    "causal_mask", "Marks what is hidden with True.", zh="把要遮住的标成了 True。",
    caught_by="own_and_earlier_positions",
    step="True means that the key may be seen: the lower triangle.",
    step_zh="True 表示可以看：应为下三角。",
)  # fmt: skip
def marks_the_hidden(num_queries, num_keys, window=None):
    return ~_within(*_places(num_queries, num_keys), window)


@wrong(
    "causal_mask",
    "Lets the first query stand at position 0, so that with a cache it sees one key only.",
    zh="让第一个 query 站在位置 0，有缓存时就只看得到一个 key。",
    caught_by="queries_are_the_last_positions",
    step="The queries are the last positions: query i stands at S − L + i.",
    step_zh="query 是最后几个位置：第 i 个在 S − L + i。",
)  # fmt: skip
def queries_start_at_zero(num_queries, num_keys, window=None):
    return _within(torch.arange(num_queries)[:, None], torch.arange(num_keys), window)


@wrong(
    "causal_mask", "A window of w shows w positions besides the query's own.",
    zh="窗口为 w 时，除了自己还能看到 w 个位置。", caught_by="window_counts_itself",
    step="The query's own position is one of the w.", step_zh="自己的位置也算在 w 个之内。",
)  # fmt: skip
def window_besides_itself(num_queries, num_keys, window=None):
    return _within(*_places(num_queries, num_keys), None if window is None else window + 1)


@wrong(
    "causal_mask", "Lets the window follow the query's row, not its position: wrong with a cache.",
    zh="窗口跟着 query 的行号走，而不是它的位置：有缓存时就错了。",
    caught_by="window_follows_the_cache",
    step="Both ends of the window count from p = S − L + i.",
    step_zh="窗口的两头都从 p = S − L + i 算起。",
)  # fmt: skip
def window_follows_the_row(num_queries, num_keys, window=None):
    query, key = _places(num_queries, num_keys)
    row = torch.arange(num_queries)[:, None]
    return (key <= query) & (key > row - (num_keys if window is None else window))


@wrong(
    "causal_mask", "A window of w shows only w − 1 positions.",
    zh="窗口为 w 时，只看得到 w − 1 个位置。", caught_by="window_counts_itself",
    step="With a window of 1 a query sees itself: j > p − window.",
    step_zh="窗口为 1 时能看到自己：条件是 j > p − window。",
)  # fmt: skip
def window_one_short(num_queries, num_keys, window=None):
    return _within(*_places(num_queries, num_keys), None if window is None else window - 1)


# --- padding_mask -------------------------------------------------------------------------


def _real(lengths, size, side):
    lengths, places = torch.as_tensor(lengths)[:, None], torch.arange(size)
    return places < lengths if side == "right" else places >= size - lengths  # (B, S)


@wrong(
    "padding_mask", "Marks the padding with True, in place of the real keys.",
    zh="True 标在了填充处，而不是真实的 key 处。", caught_by="real_keys_come_first",
    step="True means that a key may be seen.", step_zh="True 表示可以看。",
)  # fmt: skip
def marks_the_padding(lengths, size, side="right"):
    return ~_real(lengths, size, side)[:, None, None]


@wrong(
    "padding_mask", "Shows one place of padding with the real keys.",
    zh="多放进来一个填充位置。", caught_by="real_keys_come_first",
    step="With length 3 the real places are 0, 1 and 2: <, not ≤.",
    step_zh="长度为 3 时，真实的位置是 0、1、2：用 <，不是 ≤。",
)  # fmt: skip
def one_place_too_many(lengths, size, side="right"):
    return _real(torch.as_tensor(lengths) + 1, size, side)[:, None, None]


@wrong(
    "padding_mask", "Takes side for the side of the real tokens: it is that of the padding.",
    zh="把 side 当成了真实词元在哪一侧，其实它说的是填充在哪一侧。",
    caught_by="real_keys_come_last",
    step='With side="right" the padding stands behind the real tokens.',
    step_zh='side="right" 时，填充在真实词元的后面。',
)  # fmt: skip
def sides_are_swapped(lengths, size, side="right"):
    return _real(lengths, size, "left" if side == "right" else "right")[:, None, None]


@wrong(
    "padding_mask", "On the left it shows the places from `length` on: as many as there are pads.",
    zh="左侧填充时，从第 length 个位置起算作真实，个数成了填充的个数。",
    caught_by="real_keys_come_last",
    step="On the left the first size − length places are padding.",
    step_zh="左侧填充时，前 size − length 个位置是填充。",
)  # fmt: skip
def left_is_what_right_hides(lengths, size, side="right"):
    real = _real(lengths, size, "right")[:, None, None]
    return real if side == "right" else ~real


# --- MultiHeadAttention -------------------------------------------------------------------


class _Heads(nn.Module):
    """Right but for the methods and attributes that a misconception replaces."""

    names = ("q_proj", "k_proj", "v_proj", "out_proj")
    attend = staticmethod(_attend)

    def __init__(self, d_model, num_heads):
        super().__init__()
        self.check(d_model, num_heads)
        self.num_heads = num_heads
        for name in self.names:
            setattr(self, name, nn.Linear(d_model, d_model))

    def check(self, d_model, num_heads):
        if d_model % num_heads:
            raise ValueError("the heads cannot share that evenly")

    def split(self, x):
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def join(self, heads):
        return heads.transpose(1, 2).flatten(2)

    def sources(self, x, memory):
        return x, memory, memory

    def forward(self, x, memory=None, mask=None):
        query, key, value = self.sources(x, x if memory is None else memory)
        parts = self.q_proj(query), self.k_proj(key), self.v_proj(value)
        return self.out_proj(self.join(self.attend(*map(self.split, parts), mask)[0]))


@wrong(
    "MultiHeadAttention",
    "Reshapes to (B, H, L, d) without a transpose: heads get pieces of other positions.",
    zh="直接 reshape 成 (B, H, L, d)，没有转置：各个头拿到了别的位置的片段。",
    caught_by="heads_have_their_own_slices",
    step="Split the last axis first, to (B, L, H, d), then swap L and H.",
    step_zh="先拆最后一维得到 (B, L, H, d)，再交换 L 和 H。",
)  # fmt: skip
class SplitsWithoutTranspose(_Heads):
    def split(self, x):
        return x.reshape(len(x), self.num_heads, x.shape[1], -1)

    def join(self, heads):
        return heads.reshape(len(heads), heads.shape[2], -1)


@wrong(
    "MultiHeadAttention", "Joins the heads without swapping heads and positions back.",
    zh="拼接之前，没有把头和位置换回来。", caught_by="heads_have_their_own_slices",
    step="From (B, H, L, d) back to (B, L, H, d), then flatten.",
    step_zh="先从 (B, H, L, d) 换回 (B, L, H, d)，再展平。",
)  # fmt: skip
class JoinsWithoutTranspose(_Heads):
    def join(self, heads):
        return heads.reshape(len(heads), heads.shape[2], -1)


@wrong(
    "MultiHeadAttention", "Divides by the root of d_model, not of the size of a head.",
    zh="除以了 d_model 的平方根，而不是每个头维度的平方根。",
    caught_by="heads_have_their_own_slices",
    step="A score sums d products, d being the size of one head.",
    step_zh="一个分数是 d 个乘积之和，d 是单个头的维度。",
)  # fmt: skip
class RootOfTheModel(_Heads):
    def attend(self, query, key, value, mask=None):
        return _attend(query / self.num_heads**0.5, key, value, mask)


@wrong(
    "MultiHeadAttention", "Leaves the output map out.", zh="漏了最后的输出层。",
    caught_by="heads_have_their_own_slices",
    step="Pass the joined heads through out_proj: only there do heads meet.",
    step_zh="拼好的结果要过 out_proj：各个头只在这里交流。",
)  # fmt: skip
class NoOutputMap(_Heads):
    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        parts = self.q_proj(x), self.k_proj(memory), self.v_proj(memory)
        return self.join(self.attend(*map(self.split, parts), mask)[0])


@wrong(
    "MultiHeadAttention", "Ignores memory: cross-attention looks at x itself.",
    zh="没有用 memory：交叉注意力看的还是 x 自己。", caught_by="memory_gives_keys_and_values",
    step="Keys and values come from memory where there is one.",
    step_zh="给了 memory，key 和 value 就来自 memory。",
)  # fmt: skip
class IgnoresMemory(_Heads):
    def sources(self, x, memory):
        return x, x, x


@wrong(
    "MultiHeadAttention", "Does not pass the mask on.", zh="没有把掩码传下去。",
    caught_by="mask_reaches_every_head", step="The mask belongs to the attention of every head.",
    step_zh="每个头做注意力时都要用掩码。",
)  # fmt: skip
class DropsTheMask(_Heads):
    def attend(self, query, key, value, mask=None):
        return _attend(query, key, value)


@wrong(
    "MultiHeadAttention", "Accepts heads that cannot share the numbers evenly.",
    zh="维度不能平均分给各头时也照单全收。", caught_by="uneven_heads_are_refused",
    step="Raise ValueError in __init__.", step_zh="在 __init__ 里抛出 ValueError。",
)  # fmt: skip
class AcceptsAnything(_Heads):
    def check(self, d_model, num_heads):
        pass


@wrong(
    "MultiHeadAttention", "Calls PyTorch's own attention.", zh="调用了 PyTorch 自带的注意力。",
    caught_by="heads_by_hand", step="Use your own scaled_dot_product_attention.",
    step_zh="用自己写的 scaled_dot_product_attention。",
)  # fmt: skip
class CallsPytorch(_Heads):
    def attend(self, query, key, value, mask=None):
        attend = nn.functional.scaled_dot_product_attention
        return (attend(query, key, value, attn_mask=mask),)


@wrong(
    "MultiHeadAttention",
    "Deals the columns out to the heads in turn, not in slices that stand side by side.",
    zh="各列轮流分给各个头，而不是每个头拿相邻的一段。", caught_by="heads_have_their_own_slices",
    step="Split the last axis into (H, d), heads first, not into (d, H).",
    step_zh="最后一维拆成 (H, d)，头在前，而不是 (d, H)。",
)  # fmt: skip
class DealsColumnsInTurn(_Heads):
    def split(self, x):
        return x.unflatten(-1, (-1, self.num_heads)).permute(0, 3, 1, 2)

    def join(self, heads):
        return heads.permute(0, 2, 3, 1).flatten(2)


# --- sinusoidal_positions -----------------------------------------------------------------


def _angles(length, d_model, base, first=0, step=2):
    rates = base ** (-step * torch.arange(d_model // 2) / d_model)
    return torch.arange(first, first + length)[:, None] * rates


def _alternate(even, odd):
    return torch.stack([even, odd], -1).flatten(-2)


@wrong(
    "sinusoidal_positions", "Puts all sines first and all cosines behind.",
    zh="正弦全在前，余弦全在后。", caught_by="sines_and_cosines_alternate",
    step="Column 2i is the sine and column 2i + 1 the cosine of one angle.",
    step_zh="第 2i 列是正弦，第 2i + 1 列是同一角度的余弦。",
)  # fmt: skip
def sines_first(length, d_model, base=10000.0):
    angles = _angles(length, d_model, base)
    return torch.cat([angles.sin(), angles.cos()], -1)


@wrong(
    "sinusoidal_positions",
    "Gives each column a speed of its own, so that a cosine has not the angle of its sine.",
    zh="每一列都有自己的速度，余弦和它的正弦不是同一个角度。",
    caught_by="sines_and_cosines_alternate", step="Columns 2i and 2i + 1 share the exponent 2i/d.",
    step_zh="第 2i 列和第 2i + 1 列共用指数 2i/d。",
)  # fmt: skip
def every_column_its_speed(length, d_model, base=10000.0):
    angles = torch.arange(length)[:, None] * base ** (-torch.arange(d_model) / d_model)
    return _alternate(angles[:, ::2].sin(), angles[:, 1::2].cos())


def _other_multiples(seen):
    """Whether the angles have exponents in proportion to i, but not 2i/d."""
    first, *_ = (np.asarray(table["value"]) for table in seen)
    places = np.arange(1, first.shape[1] // 2)
    rates = np.arctan2(first[1, 2::2], first[1, 3::2])
    found = -np.log(rates) / np.log(1e4) / (2 * places / first.shape[1])
    return np.ptp(found) < 0.01 < abs(found.mean() - 1)


@wrong(
    "sinusoidal_positions", "The exponent is another multiple of i than 2i/d: half or twice that.",
    zh="指数不是 2i/d，而是 i 的别的倍数，例如差了一倍。",
    caught_by="sines_and_cosines_alternate", looks_like=_other_multiples,
    step="The last pair has nearly the speed 1/base: its exponent is (d − 2)/d.",
    step_zh="最后一对的速度接近 1/base：指数是 (d − 2)/d。",
)  # fmt: skip
def another_exponent(length, d_model, base=10000.0):
    angles = _angles(length, d_model, base, step=1)
    return _alternate(angles.sin(), angles.cos())


# --- apply_rotary -------------------------------------------------------------------------


def _turns(x, positions, base=10000.0, step=2):
    d = x.shape[-1]
    angles = positions[:, None] * base ** (-step * torch.arange(d // 2) / d)
    return angles.cos().to(x.dtype), angles.sin().to(x.dtype)


def _turned(x, cos, sin):
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


@wrong(
    "apply_rotary",
    "Pairs neighbours, 2i with 2i + 1, as the paper and GPT-J do; Llama's weights need halves.",
    zh="把相邻的 2i 与 2i + 1 配对，那是论文和 GPT-J 的形式；Llama 的权重要前后两半配对。",
    caught_by="halves_turn_together", step="Number i goes with number i + d/2.",
    step_zh="第 i 个数与第 i + d/2 个数配对。",
)  # fmt: skip
def neighbours_turn(x, positions, base=10000.0):
    cos, sin = _turns(x, positions, base)
    even, odd = x[..., ::2], x[..., 1::2]
    return _alternate(even * cos - odd * sin, odd * cos + even * sin)


@wrong(
    "apply_rotary", "Mixes the two forms: pairs of halves, angles repeated for neighbours.",
    zh="两种形式混在了一起：按前后两半配对，角度却按相邻两个重复。",
    caught_by="halves_turn_together",
    step="Both numbers of a pair turn by the same angle: repeat the row of angles whole.",
    step_zh="一对里的两个数转同样的角度：角度要整体重复，不是逐个重复。",
)  # fmt: skip
def forms_are_mixed(x, positions, base=10000.0):
    cos, sin = (part.repeat_interleave(2, -1) for part in _turns(x, positions, base))
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


@wrong(
    "apply_rotary", "Turns the other way round.", zh="转反了方向。",
    caught_by="halves_turn_together", step="The minus belongs to the first half.",
    step_zh="负号在前一半的公式里。",
)  # fmt: skip
def turns_backwards(x, positions, base=10000.0):
    cos, sin = _turns(x, positions, base)
    return _turned(x, cos, -sin)


@wrong(
    "apply_rotary", "Adds in both halves: the minus is missing.", zh="两半都用了加号，漏了负号。",
    caught_by="halves_turn_together",
    step="The first half is x cos θ − partner · sin θ: a turn has one minus.",
    step_zh="前一半是 x cos θ 减去配对的数乘 sin θ：旋转里有一个负号。",
)  # fmt: skip
def without_the_minus(x, positions, base=10000.0):
    cos, sin = _turns(x, positions, base)
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos + second * sin, second * cos + first * sin], -1)


@wrong(
    "apply_rotary", "Turns the second half with a first half that has been turned already.",
    zh="前一半已经转过了，算后一半时用的是转过之后的值。", caught_by="halves_turn_together",
    step="Compute both halves from x as it came; then put them together.",
    step_zh="两半都要从原来的 x 算，算完再拼。",
)  # fmt: skip
def turned_too_early(x, positions, base=10000.0):
    cos, sin = _turns(x, positions, base)
    first, second = x.chunk(2, -1)
    first = first * cos - second * sin
    return torch.cat([first, second * cos + first * sin], -1)


@wrong(
    "apply_rotary", "Takes row l to stand at position l, whatever positions says.",
    zh="不管 positions 是什么，都让第 l 行站在位置 l。", caught_by="positions_are_those_given",
    step="With a cache the only row may stand at 1001: use positions.",
    step_zh="用缓存时，仅有的一行可能在位置 1001：要用 positions。",
)  # fmt: skip
def rows_are_positions(x, positions, base=10000.0):
    return _turned(x, *_turns(x, torch.arange(x.shape[-2]), base))


@wrong(
    "apply_rotary",
    "Computes the angles in the dtype of x: in half precision far positions coincide.",
    zh="角度用 x 的 dtype 来算：半精度下，远处的位置分不开。", caught_by="angles_are_exact_enough",
    step="Positions and rates in float32; only cosine and sine in the dtype of x.",
    step_zh="位置和频率用 float32，算出余弦正弦之后再转成 x 的 dtype。",
)  # fmt: skip
def angles_in_half(x, positions, base=10000.0):
    d = x.shape[-1]
    rates = (base ** (-torch.arange(0, d, 2) / d)).to(x.dtype)
    angles = positions.to(x.dtype)[:, None] * rates
    return _turned(x, angles.cos(), angles.sin())


@wrong(
    "apply_rotary", "The exponent is not −2i/d but half or twice that.",
    zh="指数不是 −2i/d，差了一倍。", caught_by="halves_turn_together",
    step="There are d/2 pairs: arange(0, d, 2) / d, or arange(d/2) / (d/2).",
    step_zh="一共 d/2 对：arange(0, d, 2) / d，或 arange(d/2) / (d/2)。",
)  # fmt: skip
def another_exponent_of_rotary(x, positions, base=10000.0):
    return _turned(x, *_turns(x, positions, base, step=1))


# --- grouped_query_attention --------------------------------------------------------------


def _refuse(query, key):
    if query.shape[1] % key.shape[1]:
        raise ValueError("the groups cannot be of equal size")


def _grouped(query, key, value, mask, heads):
    return _attend(query, key[:, heads], value[:, heads], mask)[0]


@wrong(
    "grouped_query_attention",
    "Deals the key heads out in turn, so that heads G apart share and not neighbours.",
    zh="轮流分发 key 头，结果共用的是相隔 G 的头，而不是相邻的头。", caught_by="neighbours_share",
    step="repeat_interleave, not repeat: 0, 0, 1, 1 and not 0, 1, 0, 1.",
    step_zh="用 repeat_interleave 而不是 repeat：0, 0, 1, 1，而不是 0, 1, 0, 1。",
)  # fmt: skip
def dealt_in_turn(query, key, value, mask=None):
    _refuse(query, key)
    return _grouped(query, key, value, mask, [h % key.shape[1] for h in range(query.shape[1])])


@wrong(
    "grouped_query_attention", "Calls PyTorch's own attention with enable_gqa.",
    zh="调用了 PyTorch 自带的注意力（enable_gqa）。", caught_by="groups_by_hand",
    step="Say yourself which query head reads which key head.",
    step_zh="哪个 query 头读哪个 key 头，要自己写出来。",
)  # fmt: skip
def calls_enable_gqa(query, key, value, mask=None):
    _refuse(query, key)
    attend = nn.functional.scaled_dot_product_attention
    return attend(query, key, value, attn_mask=mask, enable_gqa=True)


@wrong(
    "grouped_query_attention", "Returns the weights as well, or the pair as it is.",
    zh="连权重也返回了：直接返回了那一对值。", caught_by="both_ends",
    step="Return the output alone: take the first of the pair.",
    step_zh="只返回输出：取这一对里的第一个。",
)  # fmt: skip
def returns_the_pair(query, key, value, mask=None):
    _refuse(query, key)
    share = query.shape[1] // key.shape[1]
    return _attend(query, key.repeat_interleave(share, 1), value.repeat_interleave(share, 1), mask)


# --- cache_bytes --------------------------------------------------------------------------


def _cached(config, tokens, batch_size, bytes_per_value, **instead):
    heads = config["num_attention_heads"]
    size = {
        "tensors": 2, "layers": config["num_hidden_layers"],
        "heads": config.get("num_key_value_heads", heads),
        "dim": config.get("head_dim", config["hidden_size"] // heads),
        "tokens": tokens, "batch": batch_size, "bytes": bytes_per_value, **instead,
    }  # fmt: skip
    total = 1
    for factor in size.values():
        total *= factor
    return total


@wrong(
    "cache_bytes",
    "It comes out as if every query head had keys of its own: too many heads, or heads too wide.",
    zh="结果和每个 query 头各有自己的 key 一样：头数多了，或每个头太宽。",
    caught_by="groups_are_counted",
    step="num_key_value_heads heads, each hidden_size // num_attention_heads wide.",
    step_zh="num_key_value_heads 个头，每个宽 hidden_size // num_attention_heads。",
)  # fmt: skip
def all_heads_cached(config, tokens, batch_size=1, bytes_per_value=2):
    heads = config["num_attention_heads"]
    return _cached(config, tokens, batch_size, bytes_per_value, heads=heads)


@wrong(
    "cache_bytes", "Takes hidden_size over heads where the configuration has a head_dim.",
    zh="配置里写了 head_dim，却仍用 hidden_size 除以头数。", caught_by="what_is_left_out_follows",
    step="head_dim, where given, goes first: Qwen3 and Gemma have one of their own.",
    step_zh="写了 head_dim 就以它为准：Qwen3、Gemma 都有自己的取值。",
)  # fmt: skip
def no_head_dim(config, tokens, batch_size=1, bytes_per_value=2):
    dim = config["hidden_size"] // config["num_attention_heads"]
    return _cached(config, tokens, batch_size, bytes_per_value, dim=dim)


# --- count_parameters ---------------------------------------------------------------------


def _layers(count, d, inner, bias=1, norm=2):
    linear = 4 * (d * d + bias * d) + 2 * d * inner + bias * (inner + d)
    return count * (linear + 2 * norm * d)


def _bert(config, bias=1, norm=2, pooler=1, tables=3, layers=None):
    d, inner = config["hidden_size"], config["intermediate_size"]
    rows = [config[n] for n in ("vocab_size", "max_position_embeddings", "type_vocab_size")]
    layers = config["num_hidden_layers"] if layers is None else layers
    body = _layers(layers, d, inner, bias, norm)
    return sum(rows[:tables]) * d + norm * d + body + pooler * (d * d + bias * d)


def _gpt2(config, final=1, tied=True):
    d, inner = config["n_embd"], config["n_inner"] or 4 * config["n_embd"]
    rows = (1 if tied else 2) * config["vocab_size"] + config["n_positions"]
    return rows * d + _layers(config["n_layer"], d, inner) + final * 2 * d


@wrong(
    "bert_parameters", "Says “billions” without counting, as the documents do.",
    zh="不数就说「数十亿」，和原始资料一样。", caught_by="bert_of_any_size", errata=("E001",),
    step="Count: BERT-base has 109 million.", step_zh="数一数：BERT-base 是 1.09 亿。",
)  # fmt: skip
def says_billions(config):
    return 3_000_000_000


@wrong(
    "bert_parameters", "Forgets the pooler.", zh="漏了 pooler。", caught_by="bert_of_any_size",
    step="One more linear map above the layers.", step_zh="各层之上还有一个线性层。",
)  # fmt: skip
def bert_without_pooler(config):
    return _bert(config, pooler=0)


@wrong(
    "gpt2_parameters", "Counts the shared matrix of tokens twice.",
    zh="共用的词元矩阵算了两次。", caught_by="gpt2_of_any_size",
    step="The output layer is the table of tokens: count it once.",
    step_zh="输出层就是词元嵌入表，只算一次。",
)  # fmt: skip
def gpt2_untied(config):
    return _gpt2(config, tied=False)


@wrong(
    "gpt2_parameters", "Forgets the final LayerNorm.", zh="漏了最后的 LayerNorm。",
    caught_by="gpt2_of_any_size", step="One norm stands above the last layer: 2 · n_embd.",
    step_zh="最后一层之上还有一个归一化：2 · n_embd。",
)  # fmt: skip
def gpt2_without_final_norm(config):
    return _gpt2(config, final=0)
