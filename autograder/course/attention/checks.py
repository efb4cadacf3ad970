"""Probes for `attention`: small random tensors, masks in every form, and models without weights."""

from autograder.checks import Tolerance, check, fixture, outcome_of
from autograder.probes import are_whole, arguments_kept

# Right answers in float32 differ by some 1e-6, the nearest misconception by more than 1e-2.
CLOSE = Tolerance(absolute=2e-5, relative=1e-4)
HALF = 0.06  # bfloat16 has 8 bits, and its scores lose some before they are shared out
FAR = Tolerance(absolute=2e-5, relative=3e-3)  # a score of 12000 in float32 is known to 5e-4
TURNED = 5e-3  # an angle of 6000 in float32 is known to 5e-4

# PyTorch's own, which an answer has to do without.
LIBRARY = {
    "softmax", "_softmax", "_safe_softmax", "softmin", "special_softmax", "log_softmax",
    "special_log_softmax", "scaled_dot_product_attention", "multi_head_attention_forward",
    "_native_multi_head_attention", "_scaled_dot_product_attention_math",
    "gumbel_softmax", "_transformer_encoder_layer_fwd",
}  # fmt: skip


def _by_hand(function, *arguments):
    """The result, and which of PyTorch's own functions for the same it was made with."""
    from torch.overrides import TorchFunctionMode

    called = set()

    class Watch(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            called.add(getattr(function, "__name__", ""))
            return function(*args, **(kwargs or {}))

    with Watch():
        result = function(*arguments)
    return {"PyTorch's own": sorted(called & LIBRARY), "result": result}


def _typed(value):
    """A tensor's numbers and its dtype."""
    return {"dtype": str(value.dtype), "value": value}


def _pair(result):
    """The two that are asked for; anything else as it is, a tensor above all."""
    return list(result) if isinstance(result, (tuple, list)) else result


@fixture
def draw(rng):
    """Draws a float32 tensor of standard normal numbers."""
    import torch

    return lambda *shape: torch.from_numpy(rng.normal(size=shape)).float()


@fixture
def kinds():
    """float16, bfloat16, float32, float64.

    PyTorch's first conversion to float16 reads /proc/cpuinfo, which a learner's process cannot
    see; one that is made before, with this fixture, serves for good.
    """
    import torch

    torch.ones(1).half()
    return [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@fixture
def triple(draw):
    """Query (2, 3, 4, 7), key (2, 3, 6, 7), value (2, 3, 6, 5)."""
    return 2 * draw(2, 3, 4, 7), draw(2, 3, 6, 7), draw(2, 3, 6, 5)


def _some_seen(rng, *shape):
    """A random mask; every query may see its first key."""
    import torch

    mask = torch.from_numpy(rng.random(shape) < 0.5)
    mask[..., 0] = True
    return mask


# --- softmax ------------------------------------------------------------------------------


@check("Shares along dim, whichever it is.", zh="沿 dim 维分配，无论是哪一维。", close=CLOSE)
def shares_along_dim(softmax, draw):
    cube = draw(3, 3, 3)
    several = [softmax(cube.clone(), **how) for how in ({}, *({"dim": d} for d in (0, 1, 2, -2)))]
    return [*several, softmax(draw(6)), softmax(draw(2, 1, 3, 2), dim=2)]


@check(
    "Scores of any size are fine, also where one row lies far above another.",
    zh="分数多大都行，哪怕某一行远远高于另一行。", close=FAR,
)  # fmt: skip
def any_size_of_score(softmax, draw):
    import torch

    level = torch.tensor([[0.0], [1000.0], [-1000.0], [9e3], [-9e3]])
    return softmax(draw(5, 7) + level)


@check(
    "A score of −inf gets exactly 0, and a row of nothing else gets zeros.",
    zh="分数为 −inf 的位置恰好得 0；整行都是 −inf 时，整行得 0。", close=CLOSE,
)  # fmt: skip
def minus_infinity_gets_nothing(softmax, draw, rng):
    import torch

    scores = draw(4, 6).masked_fill(~_some_seen(rng, 4, 6), -torch.inf)
    scores[2] = -torch.inf
    shares = softmax(scores.clone())
    columns = softmax(torch.where(torch.arange(6) == 4, -torch.inf, scores), dim=0)
    leaks = int(((shares.abs() > 0) & (scores == -torch.inf)).sum())
    return {"shares": shares, "places above 0": leaks, "columns": columns}


@check(
    "The result has the dtype of the scores, and float16 does not overflow.",
    zh="结果与分数的 dtype 相同；float16 也不会溢出。", close=HALF,
)  # fmt: skip
def type_is_kept(softmax, draw, kinds):
    scores = 9 * draw(4, 8)
    return [_typed(softmax(scores.to(kind))) for kind in kinds]


@check("float64 keeps its digits.", zh="float64 输入就有 float64 的精度。", close=1e-12)
def double_is_exact(softmax, rng):
    import torch

    return softmax(torch.from_numpy(rng.normal(size=(3, 5))))


@check(
    "It is written by hand, and the scores are left as they were.",
    zh="自己动手写的，而且没有改动传入的分数。", close=CLOSE, weight=2,
)  # fmt: skip
def softmax_by_hand(softmax, draw):
    return _by_hand(arguments_kept, softmax, draw(2, 5))


# --- scaled_dot_product_attention ---------------------------------------------------------


@check(
    "The output is the weights times the values, a weight for each pair of query and key.",
    zh="输出是权重乘以 value，每一对 query 和 key 有一个权重。", close=CLOSE, rests_on=("softmax",),
)  # fmt: skip
def weights_for_each_pair(scaled_dot_product_attention, triple):
    return _pair(scaled_dot_product_attention(*triple))


@check(
    "Scores are divided by the root of the query's own size, whatever it is.",
    zh="分数除以 query 维度的平方根，维度多大都一样。", close=CLOSE, rests_on=("softmax",),
)  # fmt: skip
def divides_by_root_of_d(scaled_dot_product_attention, draw):
    found = []
    for d in (1, 3, 64):
        query, key, value = draw(5, d), draw(5, d), draw(5, 5)
        found.append(scaled_dot_product_attention(query, key, value)[1])
    return found


@check(
    "Where the mask is False the weight is exactly 0, and the rest still share all of it.",
    zh="掩码为 False 处权重恰好为 0，其余的仍分完全部权重。", close=CLOSE, rests_on=("softmax",),
)  # fmt: skip
def hidden_keys_get_nothing(scaled_dot_product_attention, triple, rng):
    found = []
    for shape in ((4, 6), (2, 1, 1, 6), (2, 3, 4, 6)):
        mask = _some_seen(rng, *shape)
        output, weights = scaled_dot_product_attention(*triple, mask)
        leak = weights[(~mask).expand(weights.shape)].abs().max()
        found.append([output, weights, {"exactly 0": bool(leak == 0)}])
    return found


@check(
    "A query that may see no key gets zeros, and its neighbours are none the worse.",
    zh="一个 key 都看不见的 query 得 0，旁边的 query 不受影响。", close=CLOSE,
    rests_on=("softmax",),
)  # fmt: skip
def blind_query_gets_zeros(scaled_dot_product_attention, triple, rng):
    mask = _some_seen(rng, 4, 6)
    mask[1] = False
    return _pair(scaled_dot_product_attention(*triple, mask=mask))


@check(
    "A hidden key is hidden though all visible scores are far lower.",
    zh="哪怕看得见的分数都低得多，被遮住的 key 也依旧不可见。", close=FAR, rests_on=("softmax",),
)  # fmt: skip
def low_scores_are_no_leak(scaled_dot_product_attention, draw, rng):
    import torch

    key = torch.cat([-1500 + draw(4, 1) / 8, 1500 + draw(2, 1)])  # the last two are hidden
    mask = torch.tensor([[True] * 4 + [False] * 2])
    return _pair(scaled_dot_product_attention(torch.full((3, 1), 8.0), key, draw(6, 2), mask))


@check(
    "Any leading dimensions will do, or none, and one query alone.",
    zh="前置维度任意，没有也行；只有一个 query 也行。", close=CLOSE, rests_on=("softmax",),
)  # fmt: skip
def any_leading_dimensions(scaled_dot_product_attention, draw):
    found = []
    for lead in ((), (3,), (2, 1, 2, 2)):
        parts = draw(*lead, 1, 4), draw(*lead, 5, 4), draw(*lead, 5, 2)
        found.append(_pair(scaled_dot_product_attention(*parts)))
    return found


@check(
    "Output and weights have the dtype of the query, masked or not.",
    zh="有没有掩码，输出和权重都与 query 的 dtype 相同。", close=HALF, rests_on=("softmax",),
)  # fmt: skip
def attention_keeps_the_type(scaled_dot_product_attention, triple, rng, kinds):
    found = []
    mask = _some_seen(rng, 4, 6)
    for kind in kinds:
        parts = [(part / 2).to(kind) for part in triple]
        found.append([_typed(part) for part in scaled_dot_product_attention(*parts, mask)])
        found.append(_typed(scaled_dot_product_attention(*parts)[0]))
    return found


@check(
    "It is written by hand, and leaves its arguments as they were.",
    zh="自己动手写的，而且没有改动传入的参数。", close=CLOSE, rests_on=("softmax",), weight=2,
)  # fmt: skip
def attention_by_hand(scaled_dot_product_attention, triple, rng):
    return _by_hand(arguments_kept, scaled_dot_product_attention, *triple, _some_seen(rng, 4, 6))


# --- causal_mask --------------------------------------------------------------------------


@check(
    "A query sees its own position and those before it; the mask is boolean.",
    zh="query 能看到自己和之前的位置；掩码是布尔型。", close=0,
)  # fmt: skip
def own_and_earlier_positions(causal_mask, rng):
    sizes = rng.integers(3, 12, 2)
    return [_typed(causal_mask(int(size), int(size))) for size in (*sizes, 1)]


@check(
    "With a cache the queries are the last positions, not the first.",
    zh="有缓存时，query 处在最后几个位置，而不是最前面。", close=0,
)  # fmt: skip
def queries_are_the_last_positions(causal_mask, rng):
    keys = int(rng.integers(6, 12))
    return [_typed(causal_mask(queries, keys)) for queries in (1, 2, keys - 1)]


@check(
    "A window of w lets a query see at most w positions, itself included.",
    zh="窗口为 w 时，最多看 w 个位置，包括自己。", close=0,
)  # fmt: skip
def window_counts_itself(causal_mask, rng):
    size = int(rng.integers(8, 12))
    return [_typed(causal_mask(size, size, window=window)) for window in (1, 2, 5)]


@check(
    "The window follows the queries when there is a cache, and one that is wide hides nothing.",
    zh="有缓存时窗口跟着 query 走；窗口足够宽时什么也不遮。", close=0,
)  # fmt: skip
def window_follows_the_cache(causal_mask, rng):
    keys = int(rng.integers(8, 12))
    return [_typed(causal_mask(*sizes)) for sizes in ((1, keys, 3), (4, keys, 3), (4, keys, 99))]


# --- padding_mask -------------------------------------------------------------------------


def _lengths(rng):
    """0 to 6 real tokens, as a list and as a tensor, in as many places and in more."""
    import torch

    lengths = rng.permutation(7)
    return (lengths.tolist(), 6), (torch.from_numpy(lengths), int(rng.integers(7, 10)))


@check(
    "Real keys come first where padding is on the right; shape (B, 1, 1, S), boolean.",
    zh="右侧填充时真实的 key 在前；形状 (B, 1, 1, S)，布尔型。", close=0,
)  # fmt: skip
def real_keys_come_first(padding_mask, rng):
    return [_typed(padding_mask(*given)) for given in _lengths(rng)]


@check("Real keys come last with padding on the left.", zh="左侧填充时真实的 key 在后。", close=0)
def real_keys_come_last(padding_mask, rng):
    found = []
    for given in _lengths(rng):
        left, right = (padding_mask(*given, side=side) for side in ("left", "right"))
        found.append({**_typed(left), "as on the right": bool(left.equal(right))})
    return found


# --- MultiHeadAttention -------------------------------------------------------------------


def _filled(MultiHeadAttention, d_model, num_heads, draw):
    """A module with drawn weights."""
    module = MultiHeadAttention(d_model, num_heads)
    weights = {}
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        weights[f"{name}.weight"] = draw(d_model, d_model) / d_model**0.5
        weights[f"{name}.bias"] = draw(d_model)
    module.load_state_dict(weights)
    return module.eval()


@check(
    "Each head attends within its own slice of the numbers, and the heads stand side by side.",
    zh="每个头在自己那段维度里做注意力，各头的输出并排拼接。", close=CLOSE,
    rests_on=("scaled_dot_product_attention",),
)  # fmt: skip
def heads_have_their_own_slices(MultiHeadAttention, draw):
    x = draw(2, 4, 8)
    return [_filled(MultiHeadAttention, 8, heads, draw)(x) for heads in (1, 2, 4, 8)]


@check(
    "In cross-attention the queries come from x, keys and values from memory.",
    zh="交叉注意力中，query 来自 x，key 和 value 来自 memory。", close=CLOSE,
    rests_on=("scaled_dot_product_attention",),
)  # fmt: skip
def memory_gives_keys_and_values(MultiHeadAttention, draw):
    module = _filled(MultiHeadAttention, 12, 3, draw)
    return [module(draw(2, 4, 12), draw(2, size, 12)) for size in (4, 7, 1)]


@check(
    "A mask holds for every head, be it one for all, one for each sentence or one for each head.",
    zh="掩码对每个头都有效，无论是全体共用、每句一个，还是每个头一个。", close=CLOSE,
    rests_on=("scaled_dot_product_attention",),
)  # fmt: skip
def mask_reaches_every_head(MultiHeadAttention, draw, rng):
    module = _filled(MultiHeadAttention, 8, 2, draw)
    x, memory = draw(3, 4, 8), draw(3, 4, 8)
    masks = [_some_seen(rng, *shape) for shape in ((4, 4), (3, 1, 1, 4), (3, 2, 4, 4))]
    alone = [module(x, mask=mask) for mask in masks]
    return [*alone, *(module(x, memory, mask) for mask in masks)]


@check(
    "Four linear maps with biases that can be trained, and nothing else; float64 passes through.",
    zh="四个能训练的带偏置线性层，没有别的参数；float64 也能用。", close=CLOSE,
    rests_on=("scaled_dot_product_attention",),
)  # fmt: skip
def four_linear_maps(MultiHeadAttention, draw):
    module = _filled(MultiHeadAttention, 6, 2, draw).double()
    shapes = {name: list(weight.shape) for name, weight in module.named_parameters()}
    result = module(draw(1, 3, 6).double())
    result.square().sum().backward()
    moved = {name: weight.grad is not None and bool(weight.grad.abs().max() > 1e-6)
             for name, weight in module.named_parameters() if "bias" not in name}  # fmt: skip
    return {"parameters": shapes, "gradients": moved, **_typed(result)}


@check(
    "Heads that cannot share the numbers evenly raise ValueError.",
    zh="维度不能平均分给各头时，抛出 ValueError。", close=0,
)  # fmt: skip
def uneven_heads_are_refused(MultiHeadAttention):
    def made(d_model, num_heads):
        return sum(w.numel() for w in MultiHeadAttention(d_model, num_heads).parameters())

    return [outcome_of(made, *sizes) for sizes in ((12, 3), (12, 5), (4, 8))]


@check(
    "It is written by hand.", zh="自己动手写的。", close=CLOSE,
    rests_on=("scaled_dot_product_attention",), weight=2,
)  # fmt: skip
def heads_by_hand(MultiHeadAttention, draw):
    return _by_hand(_filled(MultiHeadAttention, 8, 2, draw), draw(2, 4, 8))


# --- sinusoidal_positions -----------------------------------------------------------------


@check(
    "Sines and cosines alternate, each pair slower than the one before; float32.",
    zh="正弦余弦交替，每一对都比前一对慢；类型为 float32。", close=TURNED,
)  # fmt: skip
def sines_and_cosines_alternate(sinusoidal_positions, rng):
    sizes = [int(2 * n) for n in rng.integers(2, 20, 2)]
    return [_typed(sinusoidal_positions(50, size)) for size in (*sizes, 2)]


@check(
    "Far positions are as exact as near ones, and the base is an argument.",
    zh="远处的位置同样精确；base 是参数。", close=TURNED,
)  # fmt: skip
def far_positions_are_exact(sinusoidal_positions, rng):
    some = rng.integers(0, 2000, 8).tolist()
    base = float(rng.integers(100, 5000))
    return [sinusoidal_positions(2000, 16)[some], sinusoidal_positions(40, 8, base)]


# --- apply_rotary -------------------------------------------------------------------------


@check(
    "Number i turns with number i + d/2, by the angle of its position, as in Llama.",
    zh="第 i 个数与第 i + d/2 个数一起转，角度由位置决定，与 Llama 一致。", close=TURNED,
)  # fmt: skip
def halves_turn_together(apply_rotary, draw):
    import torch

    return [apply_rotary(draw(2, 3, 5, d), torch.arange(5)) for d in (8, 2, 12)]


@check(
    "The rows stand at the positions given, in any order, whatever the leading dimensions.",
    zh="每一行的位置由 positions 给出，顺序任意，前置维度也任意。", close=TURNED,
)  # fmt: skip
def positions_are_those_given(apply_rotary, draw, rng):
    import torch

    found = []
    for lead in ((), (2, 4)):
        near, far = rng.integers(1, 2000, 2), rng.integers(5000, 6000)
        positions = torch.from_numpy(rng.permutation([0, *near, far]))
        found.append(apply_rotary(draw(*lead, 4, 6), positions))
    return found


@check(
    "The dot product depends on the distance alone, and lengths do not change.",
    zh="点积只取决于距离，长度保持不变。", close=Tolerance(absolute=2e-2, relative=1e-3),
)  # fmt: skip
def distance_is_all_that_counts(apply_rotary, draw, rng):
    import torch

    query, key = draw(1, 16), draw(1, 16)
    start, apart = rng.integers(1, 200, 2)
    scores = []
    for shift in (0, 1, 57, 900):
        at = torch.tensor([start + apart + shift]), torch.tensor([start + shift])
        turned = apply_rotary(query, at[0]), apply_rotary(key, at[1])
        scores.append([float((turned[0] * turned[1]).sum()), *(float(t.norm()) for t in turned)])
    return scores


@check("The base is an argument.", zh="base 是参数。", close=TURNED)
def base_of_the_angles(apply_rotary, draw):
    import torch

    return [apply_rotary(draw(4, 8), torch.arange(4) * 7, base) for base in (100.0, 500000.0)]


@check(
    "The result has the dtype of x, and the angles are computed in at least float32.",
    zh="结果与 x 的 dtype 相同，而角度至少用 float32 计算。", close=0.06,
)  # fmt: skip
def angles_are_exact_enough(apply_rotary, draw, rng, kinds):
    import torch

    positions = torch.from_numpy(rng.integers(1001, 2000, 6))
    x = draw(2, 6, 8).clamp(-2, 2)
    return [_typed(apply_rotary(x.to(kind), positions)) for kind in kinds]


@check("x and positions are left as they were.", zh="不改动 x 和 positions。", close=TURNED)
def rotary_leaves_no_trace(apply_rotary, draw):
    import torch

    return arguments_kept(apply_rotary, draw(3, 4, 6), torch.arange(2, 6))


# --- grouped_query_attention --------------------------------------------------------------


@check(
    "Neighbouring query heads share a head of keys and values.",
    zh="相邻的 query 头共用一个 key/value 头。", close=CLOSE,
    rests_on=("scaled_dot_product_attention",),
)  # fmt: skip
def neighbours_share(grouped_query_attention, draw):
    return [
        grouped_query_attention(draw(2, heads, 3, 4), draw(2, groups, 5, 4), draw(2, groups, 5, 4))
        for heads, groups in ((4, 2), (6, 3), (6, 2))
    ]


@check(
    "With as many key heads as query heads it is multi-head, with one multi-query attention.",
    zh="key 头与 query 头一样多时是多头注意力，只有一个时是多查询注意力。", close=CLOSE,
    rests_on=("scaled_dot_product_attention",),
)  # fmt: skip
def both_ends(grouped_query_attention, draw):
    query = draw(2, 4, 3, 8)
    return [
        grouped_query_attention(query, draw(2, groups, 6, 8), draw(2, groups, 6, 8))
        for groups in (4, 1)
    ]


@check(
    "A mask holds, also one for each query head; the dtype is kept.",
    zh="掩码有效，每个 query 头一个掩码也行；dtype 不变。", close=HALF,
    rests_on=("scaled_dot_product_attention",),
)  # fmt: skip
def groups_obey_the_mask(grouped_query_attention, draw, rng, kinds):
    query, key, value = draw(2, 4, 3, 4), draw(2, 2, 5, 4), draw(2, 2, 5, 4)
    masks = [_some_seen(rng, *shape) for shape in ((3, 5), (2, 1, 1, 5), (2, 4, 3, 5))]
    return [
        _typed(grouped_query_attention(query.to(kind), key.to(kind), value.to(kind), mask))
        for kind, mask in zip(kinds, [None, *masks], strict=True)
    ]


@check(
    "Key heads that do not divide the query heads raise ValueError.",
    zh="key 头数不能整除 query 头数时，抛出 ValueError。", close=CLOSE,
    rests_on=("scaled_dot_product_attention",),
)  # fmt: skip
def uneven_groups_are_refused(grouped_query_attention, draw):
    return [
        outcome_of(grouped_query_attention, draw(1, heads, 2, 4), *(draw(1, groups, 3, 4),) * 2)
        for heads, groups in ((4, 2), (6, 4), (2, 4))
    ]


@check(
    "It is written by hand, and leaves its arguments as they were.",
    zh="自己动手写的，而且没有改动传入的参数。", close=CLOSE,
    rests_on=("scaled_dot_product_attention",), weight=2,
)  # fmt: skip
def groups_by_hand(grouped_query_attention, draw):
    parts = draw(1, 4, 2, 4), draw(1, 2, 3, 4), draw(1, 2, 3, 4)
    return _by_hand(arguments_kept, grouped_query_attention, *parts)


# --- cache_bytes --------------------------------------------------------------------------


def _llama(rng, **more):
    """A drawn configuration, with keys that do not matter."""
    heads, size = int(rng.choice([4, 8])), int(rng.choice([2, 4, 6]))
    layers = int(rng.integers(1, 4))
    return {"num_hidden_layers": layers, "num_attention_heads": heads, "vocab_size": 99,
            "hidden_size": heads * size, "intermediate_size": 77, **more}  # fmt: skip


@check(
    "Keys and values of every layer, for each head that they have.",
    zh="每一层的 key 和 value 都算，按它们自己的头数算。", close=0,
)  # fmt: skip
def groups_are_counted(cache_bytes, rng):
    tokens = int(rng.integers(5, 30))
    return [cache_bytes(_llama(rng, num_key_value_heads=groups), tokens) for groups in (1, 2, 4)]


@check(
    "What is left out follows from the rest, and a head may have a size of its own.",
    zh="配置里没写的由其余各项推出；每个头的维度也可以单独给定。", close=0,
)  # fmt: skip
def what_is_left_out_follows(cache_bytes, rng):
    tokens = int(rng.integers(5, 30))
    kinds = {}, {"head_dim": 10}, {"head_dim": 10, "num_key_value_heads": 2}
    return [cache_bytes(_llama(rng, **kind), tokens) for kind in kinds]


@check(
    "Sequences and bytes for each number multiply; the result is a whole number.",
    zh="序列条数和每个数的字节数都要乘上；结果是整数。", close=0,
)  # fmt: skip
def batch_and_width_multiply(cache_bytes, rng):
    sizes = (1, 1, 4), (1, 3, 2), (17, 5, 1)
    found = [cache_bytes(_llama(rng, num_key_value_heads=2), *size) for size in sizes]
    return {"bytes": found, "whole numbers": are_whole(found)}


# --- count_parameters ---------------------------------------------------------------------


def _bert(rng):
    """A drawn configuration of a BERT."""
    size, vocabulary, positions, layers, inner = map(int, rng.integers(2, 40, 5))
    return {"hidden_size": 4 * size, "vocab_size": vocabulary, "max_position_embeddings": positions,
            "type_vocab_size": int(rng.integers(1, 5)), "num_hidden_layers": layers % 5 + 1,
            "intermediate_size": inner, "num_attention_heads": 4}  # fmt: skip


def _gpt2(rng, n_inner=None):
    """A drawn configuration of a GPT-2."""
    size, vocabulary, positions, layers = map(int, rng.integers(2, 40, 4))
    return {"n_embd": 4 * size, "vocab_size": vocabulary, "n_positions": positions,
            "n_layer": layers % 5 + 1, "n_head": 4, "n_inner": n_inner}  # fmt: skip


@check("A BERT of any size; a whole number.", zh="任意大小的 BERT 都数得对，返回整数。", close=0)
def bert_of_any_size(bert_parameters, rng):
    found = [bert_parameters(_bert(rng)) for _ in range(3)]
    return {"parameters": found, "whole numbers": are_whole(found)}


@check("A GPT-2 of any size; a whole number.", zh="任意大小的 GPT-2 都数得对，返回整数。", close=0)
def gpt2_of_any_size(gpt2_parameters, rng):
    found = [gpt2_parameters(_gpt2(rng)) for _ in range(3)]
    return {"parameters": found, "whole numbers": are_whole(found)}


@check(
    "A feed-forward net of another width counts as what it is.",
    zh="前馈网络的宽度另有规定时，按实际宽度计算。", close=0,
)  # fmt: skip
def inner_width_counts(gpt2_parameters, rng):
    return [gpt2_parameters(_gpt2(rng, n_inner=int(n))) for n in rng.integers(3, 50, 2)]
