"""Probes for `inference`: bytes that are counted, tiles that are let go, a scheduler on a trace."""

import numpy as np

from autograder.checks import Tolerance, check, fixture, outcome_of, relative, that
from autograder.probes import arguments_kept

COUNT = relative(1e-6)  # bytes and seconds from formulas
CLOSE = Tolerance(absolute=1e-4, relative=1e-4)  # float32, on values of about 1
LAYER = Tolerance(absolute=1e-3, relative=1e-4)  # float32, on sums of many values of about 1
SHARE = 1e-6
RARE = 1e-6  # chance to turn down a right sampler
DRAWS = 1500
NEARLY_GREEDY = 1e-4  # a temperature at which only the likeliest token is ever drawn


def _numbers(*values):
    """Plain numbers, whichever library's they were."""
    return [value.item() if hasattr(value, "item") else value for value in values]


@fixture
def lab(rng):
    """What the probes measure with, and torch; `rng` keeps it from being copied."""
    from . import instruments

    return instruments


# --- kv_cache_bytes -----------------------------------------------------------------------


@check(
    "Keys and values of every layer count, for key-value heads alone, at any bytes per number.",
    zh="每一层的键和值都要算，只算键值头，每个数几个字节都行。",
    close=COUNT,
)
def key_value_heads_alone(kv_cache_bytes, rng, lab):
    cases = [(lab.llama(rng), int(rng.integers(9, 999)), size) for size in (2, 1, 0.5, 4)]
    return _numbers(*[kv_cache_bytes(*case) for case in cases], kv_cache_bytes(*cases[0][:2]))


@check(
    "Without key-value heads of its own, or with None, every attention head counts, as in GPT-2.",
    zh="没有单独的键值头（或为 None）时，每个注意力头都算，GPT-2 就是这样。",
    close=COUNT,
)
def every_head_has_its_own(kv_cache_bytes, rng, lab):
    from transformers import GPT2Config

    heads, layers = int(rng.integers(3, 7)), int(rng.integers(2, 6))
    none = lab.llama(rng)
    none.num_key_value_heads = None
    gpt = GPT2Config(n_embd=heads * 16, n_head=heads, n_layer=layers, vocab_size=96)
    cases = (gpt, int(rng.integers(50, 500))), (none, 31)
    return [outcome_of(kv_cache_bytes, *case) for case in cases]


@check(
    "A head is as wide as head_dim says, also where it is not the quotient; None says nothing.",
    zh="头的宽度以 head_dim 为准，哪怕它不等于那个商；为 None 则等于没给。",
    close=COUNT,
)
def head_dim_counts(kv_cache_bytes, rng, lab):
    from transformers import Qwen3Config

    sizes = {"hidden_size": 64, "num_attention_heads": 8, "num_key_value_heads": 2,
             "head_dim": int(rng.choice([24, 32, 48])), "intermediate_size": 64,
             "vocab_size": 96, "num_hidden_layers": int(rng.integers(2, 5))}  # fmt: skip
    none = lab.llama(rng)
    none.head_dim = None
    cases = (Qwen3Config(**sizes), 77), (none, 31)
    return [outcome_of(kv_cache_bytes, *case) for case in cases]


# --- step_time ----------------------------------------------------------------------------


@fixture
def chip(rng):
    """A model on a chip: more than 100 operations in the time of a byte, as on real ones."""
    bandwidth = float(rng.uniform(1e12, 4e12))
    ridge = float(rng.uniform(150, 300))
    return {"parameters": float(rng.uniform(5e9, 9e9)), "bandwidth": bandwidth, "ridge": ridge}


def _step(step_time, chip, tokens, cache_bytes=0.0, **rest):
    speeds = chip["bandwidth"], chip["bandwidth"] * chip["ridge"]
    seen = step_time(chip["parameters"], tokens, cache_bytes, *speeds, **rest)
    return {"seconds": _numbers(seen["seconds"])[0], "bound": str(seen["bound"])}


@check(
    "Decoding reads every weight once a step, however many requests there are, and the cache.",
    zh="解码一步把每个权重读一遍，与请求多少无关；缓存也要读。",
    close=COUNT,
)
def bytes_are_read_once(step_time, chip, rng):
    cache = [float(rng.uniform(5e9, 4e10)) for _ in range(2)]
    steps = [(1, 0.0), (2, 0.0), (8, 0.0), (32, 0.0), (16, cache[0]), (16, cache[1])]
    steps += [(round(1.2 * chip["ridge"]), chip["parameters"])]  # bound by memory with its cache
    return [_step(step_time, chip, *step) for step in steps]


@check(
    "Weights in fewer bits make a step shorter that is bound by memory, and none that computes.",
    zh="权重位数少了，受内存限制的一步变短，受计算限制的一步不变。",
    close=COUNT,
    weight=2,
)
def fewer_bits_move_fewer_bytes(step_time, chip):
    sizes = (4, 1, 0.5)
    return [_step(step_time, chip, n, bytes_per_weight=size) for n in (1, 4000) for size in sizes]


@check(
    "A step takes the longer of reading and computing, 2 operations a parameter and token.",
    zh="一步的用时，取读取和计算中较长的；每个参数、每个词元 2 次运算。",
    close=COUNT,
)
def reading_and_computing_overlap(step_time, chip):
    return [_step(step_time, chip, round(chip["ridge"] * n)) for n in (0.8, 0.95, 1.05, 1.3, 16)]


# --- fuse_conv_bn -------------------------------------------------------------------------


@check(
    "One convolution does what convolution and normalisation did, with a bias or without.",
    zh="一个卷积做到了卷积加归一化做的事，原来有没有偏置都行。",
    close=CLOSE,
)
def one_does_what_two_did(fuse_conv_bn, torch_rng, lab):
    with_bias = lab.fused(fuse_conv_bn, torch_rng, 4, 4, 3, padding=1)
    return [with_bias, lab.fused(fuse_conv_bn, torch_rng, 3, 5, 3, bias=False)]


@check(
    "Stride, padding, its mode, dilation and groups stay; missing γ, β and a large ε are minded.",
    zh="步幅、填充及其方式、空洞、分组保持不变；没有 γ、β，或 ε 较大，也照样正确。",
    close=CLOSE,
)
def settings_stay(fuse_conv_bn, torch_rng, lab):
    grouped = {"stride": 2, "padding": (1, 2), "groups": 4}
    wide = {"dilation": 2, "padding": 2, "padding_mode": "circular"}
    sizes = [(4, 8, 3, grouped), (2, 3, (1, 3), wide)]
    sizes += [(3, 4, 1, change) for change in ({"affine": False}, {"eps": 0.5})]
    return [outcome_of(lab.fused, fuse_conv_bn, torch_rng, *size, **how) for *size, how in sizes]


@check(
    "Both layers stay as they were, also when the new one is changed later.",
    zh="原来的两层保持原样；以后改动新的卷积，也不影响它们。",
    close=CLOSE,
)
def both_layers_stay(fuse_conv_bn, torch_rng, lab):
    conv, bn = lab.conv_and_bn(torch_rng, 3, 4, 3)
    before = [value.clone() for part in (conv, bn) for value in part.state_dict().values()]
    x = lab.torch.randn(1, 3, 4, 4, generator=torch_rng)
    fused = fuse_conv_bn(conv, bn)
    with lab.torch.no_grad():
        y = fused(x)
        for values in fused.parameters():
            values.add_(1)
    after = [value for part in (conv, bn) for value in part.state_dict().values()]
    return {"moved": lab.moved(after, before), "y": y}


@that(
    "no call of torch.nn.utils.fusion, and the right y",
    zh="没有调用 torch.nn.utils.fusion，且 y 正确",
)
def by_ones_own_hand(seen, reference):
    return seen["calls"] == 0 and np.allclose(seen["y"], reference["y"], rtol=1e-4, atol=1e-4)


@check(
    "The weights are folded by your own code, not by torch's fusion.",
    zh="权重由自己的代码合并，不用 torch 自带的融合函数。",
    expect=by_ones_own_hand,
    close=CLOSE,
)
def folded_by_hand(fuse_conv_bn, torch_rng, lab):
    with lab.calls_of_torchs_fusion() as calls:
        seen = lab.fused(fuse_conv_bn, torch_rng, 2, 3, 1)
    return {"calls": len(calls), "y": seen["y"]}


# --- tiled_attention ----------------------------------------------------------------------


@check(
    "The result is that of all keys in one piece, however they are cut; what comes in stays.",
    zh="无论怎么切，结果都和全部键一整块时相同；传入的东西保持原样。",
    close=CLOSE,
)
def as_in_one_piece(tiled_attention, torch_rng, rng, lab):
    given = [lab.query_and_tiles(torch_rng, [int(n) for n in rng.integers(1, 9, 6)], scale=3.0)]
    given += [
        lab.query_and_tiles(torch_rng, sizes, d=4, d_v=4) for sizes in ([5], [1, 1, 1], [4, 4])
    ]
    return [
        arguments_kept(lambda query, tiles: tiled_attention(query, iter(tiles)), *some)
        for some in given
    ]


@check(
    "Scores of thousands, or minus thousands, overflow nowhere, whichever tile holds the largest.",
    zh="分数高达几千或低到负几千都不出错，无论最大值在哪一块。",
    close=0.01,
)
def nothing_overflows(tiled_attention, torch_rng, lab):
    found = []
    for largest in (0, 1, 2):
        query, tiles = lab.query_and_tiles(torch_rng, [3, 4, 2], dtype=lab.torch.float64)
        tiles[largest][0][1] = 600 * query[0] + 600 * query[1]
        found.append(tiled_attention(query, iter(tiles)))
    query, tiles = lab.query_and_tiles(torch_rng, [3, 2, 4], rows=2, dtype=lab.torch.float64)
    query[:, 0] = 400.0
    for key, _ in tiles:
        key[:, 0] = key[:, 0].abs() * 0.01 - 40
    return [*found, tiled_attention(query, iter(tiles))]


@that("no more held from tile to tile, and the right result", zh="占用的内存逐块不增，且结果正确")
def level_and_right(seen, reference):
    right = np.allclose(seen["result"], reference["result"], rtol=1e-4, atol=1e-4)
    return right and seen["tiles' worth more for each tile"] == 0


@check(
    "What is held when the next tile is asked for does not grow with the number of tiles.",
    zh="索取下一块时手里占用的内存，不随块数增长。",
    expect=level_and_right,
    close=Tolerance(absolute=0.5, relative=1e-3),
    weight=3,
)
def memory_stays_level(tiled_attention, torch_rng, lab):
    query, [tile] = lab.query_and_tiles(torch_rng, [16], d=8, d_v=32, rows=64)
    held, count = lab.Held(), 24

    def tiles():
        for _ in range(count):
            held.note()
            yield tuple(part.clone() for part in tile)

    with held.watching():
        result = tiled_attention(query, tiles())
    growth = (held.notes[-1] - held.notes[count // 2]) / (count - 1 - count // 2)
    more = max(0, round(growth / sum(part.nbytes for part in tile)))
    return {"tiles' worth more for each tile": more, "result": result}


# --- tensor_parallel_mlp ------------------------------------------------------------------


def _own_and_others(results):
    """Each rank's numbers, and at how many places they were made of what another one owns."""
    numbers = [np.asarray(result, dtype=float) for result in results]
    return {"places that are nan": [int(np.isnan(some).sum()) for some in numbers],
            "results": [np.nan_to_num(some) for some in numbers]}  # fmt: skip


@check(
    "Every rank returns what the whole layer would, from its own weights alone.",
    zh="每个 rank 只用自己的权重，返回的都是整层的结果。",
    close=LAYER,
    weight=2,
)
def every_rank_has_the_whole(tensor_parallel_mlp, torch_rng, lab):
    layers = lab.x_and_layers(torch_rng, 5, 12)
    found = [lab.on_all_ranks(tensor_parallel_mlp, *layers, ranks)[0] for ranks in (2, 3)]
    return [_own_and_others(results) for results in found]


@check(
    "On a single rank it is the plain layer; the layers and x stay as they were.",
    zh="只有一个 rank 时，就是原来那一层；两层和 x 保持原样。",
    close=LAYER,
)
def one_rank_is_the_plain_layer(tensor_parallel_mlp, torch_rng, lab):
    x, up, down = lab.x_and_layers(torch_rng, 4, 6)
    given = [x, *up.parameters(), *down.parameters()]
    before = [part.detach().clone() for part in given]
    with lab.torch.no_grad():
        result = tensor_parallel_mlp(x, up, down, 0, 1, lambda t: lab.torch.as_tensor(t).clone())
    return {"moved": lab.moved(given, before), "result": result}


@check(
    "The ranks talk once, and hand in a tensor of the shape of the result.",
    zh="各 rank 只通信一次，交出的张量与结果同形状。",
    close=LAYER,
)
def ranks_talk_once(tensor_parallel_mlp, torch_rng, lab):
    results, handed = lab.on_all_ranks(tensor_parallel_mlp, *lab.x_and_layers(torch_rng, 4, 16), 4)
    shapes = [[list(part.shape) for part in parts] for parts in handed]
    return {"shapes handed in": shapes, "first": _own_and_others(results[:1])}


# --- accept_drafts ------------------------------------------------------------------------


def _accepted(accept_drafts, *given):
    count, left = accept_drafts(*given)
    return {"accepted": int(count), "next": np.asarray(left, dtype=float)}


@check(
    "A draft is accepted if u < p / q: always where p > q, never where p is 0, not even at u = 0.",
    zh="u < p / q 就接受：p > q 时总会接受，p 为 0 时绝不接受，u = 0 也不行。",
    close=CLOSE,
)
def accepted_below_the_ratio(accept_drafts, torch_rng, lab):
    found = []
    for _ in range(30):
        q, p = lab.chances(torch_rng, 4, 5), lab.chances(torch_rng, 5, 5)
        tokens = lab.torch.multinomial(q + p[:4], 1, generator=torch_rng)[:, 0]
        given = tokens, q, p, lab.torch.rand(4, generator=torch_rng)
        found.append(_accepted(accept_drafts, *given)["accepted"])
    q, p = q[:1], p[:2]
    p[0, 1] = 0
    impossible = lab.torch.tensor([1]), q, p / p.sum(dim=1, keepdim=True), lab.torch.zeros(1)
    return [*found, _accepted(accept_drafts, *impossible)["accepted"]]


@check(
    "After a rejection the next token comes from max(p − q, 0) of that place, made to sum to one.",
    zh="被拒绝之后，下一个词元来自该位置的 max(p − q, 0)，归一到总和为一。",
    close=CLOSE,
)
def remainder_after_a_rejection(accept_drafts, torch_rng, lab):
    found = []
    for place in (0, 1, 2):
        given = _, q, p, _ = lab.drafts(torch_rng, 3, [place])
        seen = arguments_kept(_accepted, accept_drafts, *given)
        chances = np.resize(seen["returned"]["next"], p.shape[1])
        enough = (p[place] <= q[place]).numpy()
        found.append({**seen, "chance where p ≤ q": float(chances[enough].sum())})
    return found


@check(
    "If all drafts are accepted, the next token comes from the target's last row.",
    zh="草稿全部被接受时，下一个词元来自目标模型的最后一行。",
    close=CLOSE,
)
def all_accepted(accept_drafts, torch_rng, lab):
    return [_accepted(accept_drafts, *lab.drafts(torch_rng, count)) for count in (1, 4)]


@check(
    "The first rejection ends it: what comes after it is not even looked at.",
    zh="第一次拒绝就到此为止，后面的草稿不再看。",
    close=CLOSE,
)
def first_rejection_ends(accept_drafts, torch_rng, lab):
    return [_accepted(accept_drafts, *lab.drafts(torch_rng, 5, at)) for at in ([2], [1, 3], [0, 1])]


@check(
    "Draft, acceptance and remainder together are the target's distribution, exactly.",
    zh="打草稿、接受、重抽合起来，恰好就是目标模型的分布。",
    close=1e-3,
)
def distribution_is_kept(accept_drafts, torch_rng, lab):
    q, p = lab.chances(torch_rng, 1, 4), lab.chances(torch_rng, 2, 4)
    total, draws = np.zeros(4), (lab.torch.arange(80) + 0.5) / 80  # every draw that there can be
    for token in range(4):
        for u in draws:
            seen = _accepted(accept_drafts, lab.torch.tensor([token]), q, p, u[None])
            goes_to = np.eye(4)[token] if seen["accepted"] else seen["next"]
            total += q[0, token].item() * goes_to / len(draws)
    return total


# --- speculative_generate -----------------------------------------------------------------


@fixture
def pair(lab):
    """The tiny GPT as the target, and its own first layer as the draft."""
    from transformers import AutoModelForCausalLM, logging

    from autograder.models import locate

    logging.disable_progress_bar()
    target = AutoModelForCausalLM.from_pretrained(locate("gpt")).eval()
    return target, lab.first_layer_of(target)


def _ids(seen):
    return np.asarray(seen).astype(int).ravel().tolist()


@check(
    "Where nothing is left to chance, the text is the one that the target writes alone.",
    zh="没有随机余地时，写出的文本就是目标模型独自写的那一段。",
    close=0,
    rests_on=("accept_drafts",),
    weight=2,
)
def text_of_the_target_alone(speculative_generate, pair, rng, lab):
    prompt = lab.torch.tensor([int(n) for n in rng.integers(20, 900, 5)])
    target, draft = (lab.Network(network, NEARLY_GREEDY) for network in pair)
    text = speculative_generate(target, draft, prompt, 14, 3, lab.seeded(1))
    return {"text": _ids(text), "calls of the target": target.calls}


@check(
    "The target is called once a round: seldom for a good draft, once a token for a useless one.",
    zh="每轮只调用一次目标模型：草稿准就调用得少，草稿全错就每个词元一次。",
    close=0,
    rests_on=("accept_drafts",),
)
def one_call_a_round(speculative_generate, rng, lab):
    steps, found = (
        lab.torch.roll(lab.torch.eye(7), 1, dims=1),
        [],
    )  # after k comes k + 1, for certain
    for rows in (steps, steps.T):
        gamma = int(rng.integers(2, 5))
        target, draft = lab.Table(steps), lab.Table(rows.contiguous())
        text = speculative_generate(
            target, draft, lab.torch.tensor([0, 1]), gamma * (gamma + 1), gamma, lab.seeded(2)
        )
        found.append({"calls": target.calls, "text": _ids(text)})
    return found


@check(
    "The prompt comes first, unchanged, and exactly max_new_tokens follow.",
    zh="开头是原样的提示，后面恰好 max_new_tokens 个词元。",
    close=0,
)
def exactly_as_many_as_asked(speculative_generate, torch_rng, rng, lab):
    rows, found = lab.chances(torch_rng, 6, 6), []
    for new, gamma in ((1, 4), (5, 1), (7, 3), (2, 2)):
        prompt = lab.torch.tensor([int(n) for n in rng.integers(0, 6, 4)])
        text = speculative_generate(
            lab.Table(rows), lab.Table(rows), prompt, new, gamma, lab.seeded(3)
        )
        found.append({"begins with": _ids(text)[:4], "length": len(_ids(text))})
    return found


def fits(counts, chances):
    """Whether (V, V, V) counts are of three independent draws: exact tests, places and pairs."""
    from scipy.stats import binom

    p = np.asarray(chances, dtype=float)
    law = p[:, None, None] * p[:, None] * p
    axes = [(1, 2), (0, 2), (0, 1), (2,), (0,)]
    seen, law = (
        np.concatenate([np.asarray(values).sum(axis).ravel() for axis in axes])
        for values in (counts, law)
    )
    tails = np.minimum(binom.cdf(seen, DRAWS, law), binom.sf(seen - 1, DRAWS, law))
    return bool(np.sum(counts) == DRAWS and (tails > RARE / 2 / len(seen)).all())


@that(
    "binomial tests on 1,500 texts, together wrong less than once in a million times",
    zh="对 1,500 段文本做二项检验，合起来误判的概率不到百万分之一",
)
def drawn_as_by_the_target(seen):
    return fits(seen["counts"], seen["p"])


@check(
    "Texts are distributed as if the target had drawn every token alone.",
    zh="文本的分布，和目标模型独自逐个抽取时一样。",
    expect=drawn_as_by_the_target,
    rests_on=("accept_drafts",),
    weight=3,
)
def texts_are_those_of_the_target(speculative_generate, rng, lab):
    p, q, order = [0.6, 0.2, 0.12, 0.08], [0.2, 0.6, 0.06, 0.14], rng.permutation(4)
    target, draft = (  # after token k all is shifted by order[k], so the shifts are independent
        lab.torch.tensor(np.stack([np.roll(row, k) for k in order])).float() for row in (p, q)
    )
    start, generator = int(rng.integers(4)), lab.seeded(rng.integers(2**31))
    counts = np.zeros((4, 4, 4), dtype=int)
    for _ in range(DRAWS):
        given = lab.Table(target), lab.Table(draft), lab.torch.tensor([start])
        text = np.array(_ids(speculative_generate(*given, 3, 2, generator)))
        counts[tuple((text[1:] - order[text[:-1]]) % 4)] += 1
    return {"counts": counts, "p": p, "q": q}


@check(
    "All chance comes from the generator: equal seeds give equal texts, others other texts.",
    zh="随机性全部来自 generator：种子相同，文本相同；种子不同，文本不同。",
    close=0,
)
def chance_comes_from_the_generator(speculative_generate, torch_rng, lab):
    rows, guesses = lab.chances(torch_rng, 9, 9), lab.chances(torch_rng, 9, 9)
    before, texts = lab.torch.get_rng_state(), []
    for seed in (5, 5, 6):
        given = lab.Table(rows), lab.Table(guesses), lab.torch.tensor([0])
        texts.append(_ids(speculative_generate(*given, 30, 3, lab.seeded(seed))))
    untouched = lab.torch.get_rng_state().equal(before)
    return {"same": texts[0] == texts[1], "other": texts[0] != texts[2], "untouched": untouched}


# --- cache_waste --------------------------------------------------------------------------


@check(
    "Empty slots of whole pages are waste, over all steps together; full pages waste nothing.",
    zh="整页里空着的位置是浪费，所有步合在一起算；恰好放满的页没有浪费。",
    close=SHARE,
)
def whole_pages_over_all_steps(cache_waste, rng, lab):
    history = [*lab.random_history(rng), {}, *lab.random_history(rng, most=9)]
    full = [dict(enumerate((4 * row).tolist())) for row in rng.integers(1, 9, (4, 3))]
    waste = [cache_waste(history, size) for size in (3, 16, 2048)]
    return _numbers(*waste, cache_waste(full, 4), cache_waste([{3: 1}, {5: 12}], 4))


@check(
    "Where nothing was reserved, nothing was wasted: 0.",
    zh="什么都没预留，就没有浪费：0。",
    close=SHARE,
)
def nothing_reserved(cache_waste):
    return [outcome_of(lambda h: _numbers(cache_waste(h, 4)), h) for h in ([], [{}], [{}, {1: 3}])]


# --- continuous_batching ------------------------------------------------------------------


def _run(continuous_batching, requests, num_pages, page_size):
    """For each step: how many run, and the tokens of each request in the cache, 0 if it is out."""
    history = continuous_batching(list(requests), num_pages, page_size)
    return [[len(s), *(int(s.get(i, 0)) for i in range(len(requests)))] for s in history]


@check(
    "With pages enough, each runs from its arrival until it is done; idle steps are recorded too.",
    zh="页够用时，每个请求一到就运行，直到完成；没有请求运行的步也有记录。",
    close=0,
)
def each_runs_when_it_arrives(continuous_batching, rng, lab):
    first, second = (int(n) for n in rng.integers(2, 5, 2))
    gaps = [(first, 3, 2), (first + 2 + second, 5, 3)]
    traces = gaps, lab.random_requests(rng, 7, 2), lab.random_requests(rng, 60, 0)
    return [_run(continuous_batching, some, 500, 4) for some in traces]


@check(
    "Nobody overtakes: a small request waits behind a large one that does not fit yet.",
    zh="不许插队：大请求暂时放不下时，后面的小请求也要等。",
    close=0,
)
def nobody_overtakes(continuous_batching, rng):
    requests = [(0, 8, int(rng.integers(12, 24))), (1, 24, 3), (1, 1, 2), (2, 2, 2)]
    return _run(continuous_batching, requests, 8, 4)


@check(
    "A page is taken when the first token needs it, no earlier, and freed for the next step.",
    zh="第一个词元用得着时才拿新页，不提前拿；完成后，页从下一步起空闲。",
    close=0,
)
def pages_are_taken_when_needed(continuous_batching, rng):
    size, new = int(rng.integers(2, 6)), int(rng.integers(2, 6))
    traces = [([(0, size - 1, 1), (0, size, 2), (0, 3 * size, 1)], 6, size),
              ([(0, 2, 3), (0, 3, 4), (1, 1, 2)], 8, 1),
              ([(0, 6, new), (0, 9, 2), (0, 5, 1)], 3, 4)]  # fmt: skip
    return [_run(continuous_batching, *trace) for trace in traces]


@check(
    "When pages run out the largest number goes, with all its pages; it keeps its count of tokens.",
    zh="页用完时，编号最大的请求出局，交还全部页，保留词元计数。",
    close=0,
    weight=2,
)
def largest_number_is_preempted(continuous_batching, rng):
    new = int(rng.integers(7, 11))
    requests = [(0, 3, new), (0, 4, new + 1), (1, 5, new - 2), (2, 1, 4)]
    return _run(continuous_batching, requests, 6, 3)


@check(
    "On a long trace, with short and with long pages, every step is as the rules say.",
    zh="在一段长的请求序列上，页长也好页短也好，每一步都符合规则。",
    close=0,
    weight=2,
)
def a_long_trace(continuous_batching, rng, lab):
    caches = {(14, 1): (12, 3), (12, 0): (28, 1), (9, 3): (4, 8)}
    return [
        _run(continuous_batching, lab.random_requests(rng, count, every), pages, size)
        for (count, every), (pages, size) in caches.items()
    ]


@check(
    "Pages in use never exceed num_pages, all tokens are written, and the list of requests stays.",
    zh="用着的页从不超过总数，每个请求都写完全部词元，请求列表保持原样。",
    close=0,
)
def pages_are_never_exceeded(continuous_batching, rng, lab):
    requests = lab.random_requests(rng, 16, 1)
    seen = arguments_kept(continuous_batching, requests, 10, 3)
    history = seen["returned"]
    used = [sum(-(-int(n) // 3) for n in step.values()) for step in history]
    last = {int(i): int(n) for step in history for i, n in step.items()}
    left = [i for i, (_, prompt, new) in enumerate(requests) if last.get(i) != prompt + new]
    return {"steps beyond the pages": sum(n > 10 for n in used), "unfinished": left,
            "steps": len(history), "changed": seen["changed"]}  # fmt: skip
