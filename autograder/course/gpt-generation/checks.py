"""Probes for `gpt-generation`: a real GPT in miniature, a garden path, and a real endpoint.

Numbers here that decide between right and wrong come from ``benchmarks/spread``;
``benchmarks/spread/gpt-generation.md`` holds what it measured.
"""

import os

import numpy as np

from autograder.checks import check, fixture, outcome_of, that
from autograder.probes import arguments_kept

CLOSE = 1e-5  # probabilities and logits in float32: they spread by less than 2e-6
LIKELY = 1e-3  # sums of log-probabilities: they spread by less than 1e-5
RARE = 1e-6  # chance to turn down a right sampler, in each single test
FEW = 20.0  # outcomes expected less often are pooled, or the bound would not hold

# Pools to draw from. On each greedy path of 24 tokens the best logit leads by 0.02 or more.
STORIES = (
    "Once upon a time, Mia", "Lily lost her red kite. She looked", "小明想学游泳。",
    "Once upon a time, Tom", "Tom lost his blue ball. He looked", "小红想学画画。",
    "Once upon a time, Lily", "Ben lost his kite. He looked", "小红想学游泳。",
    "Mia lost her red ball. She looked", "从前，",
)  # fmt: skip
# The model's answers to these end after 7 to 10 tokens.
QUESTIONS = (
    "Q: What is the opposite of hot?\nA:", "Q: What colour is the sky?\nA:",
    "Q: What is the opposite of big?\nA:", "Q: What colour is grass?\nA:",
    "Q: What colour is snow?\nA:", "Q: What is the opposite of day?\nA:",
    "问：小草是什么颜色的？\n答：", "问：天空是什么颜色的？\n答：", "问：太阳是什么颜色的？\n答：",
)  # fmt: skip
LONG = "Tom found a small dog. It was lost and cold. Tom gave it bread and put a blanket over it."
LONGS = (
    LONG,
    "Mia wanted a big cake. She went to the shop with her mother. They bought eggs and milk.",
    "Ben had a red ball. He played with it in the park. Then it rolled under a car and he was sad.",
    "Mia found a small cat. It was wet and cold. Mia took it home and gave it milk.",
)
# What a cache of another text speaks into, whichever it was.
STARTS = ("Lily wanted a", "Tom wanted a", "Mia wanted a", "Mia found a small")
BEAMED = (*STARTS, "Lily lost her", "Tom lost his")
# What stands before an end and what after it: whoever does not see the end goes on otherwise.
HALVES = (
    ("One day.", "Mia"), ("One day.", "Tom lost his"), ("One day.", "Tom had a red"),
    ("One day.", "Mia wanted a"), ("It was late.", "Ben"), ("It was late.", "Tom had a red"),
    ("It was late.", "小猫看见"), ("The end.", "Tom"), ("The end.", "Lily"),
    ("The end.", "There"), ("故事讲完了。", "Mia"), ("故事讲完了。", "Mia wanted a"),
)  # fmt: skip
# The best of four beams goes on after these where a shorter text would end; after the others it
# holds the end.
GOING_ON = tuple(QUESTIONS[place] for place in (0, 2, 4, 5))
ENDING = tuple(QUESTIONS[place] for place in (1, 6, 8))
NEARLY_GREEDY = 1e-5  # a temperature at which a logit lower by 0.0003 has a chance below 1e-12

# The next token in a vocabulary of eight; the order is no order of probability.
LOGITS = np.array([0.0, 2.0, -1.0, 1.5, 2.5, 0.5, -3.0, 1.0])
BATCHES, ROWS = 40, 500


@fixture
def model():
    """The tiny GPT, or the one that TOUCHSTONE_MODEL names."""
    from transformers import AutoModelForCausalLM, logging

    from autograder.models import locate

    logging.disable_progress_bar()
    return AutoModelForCausalLM.from_pretrained(locate("gpt")).eval()


@fixture
def tokenizer():
    """Its tokenizer. As with GPT-2, there is no padding token, and padding goes to the right."""
    from transformers import AutoTokenizer

    from autograder.models import locate

    return AutoTokenizer.from_pretrained(locate("gpt"))


@fixture
def called(rng):
    """What the six tokens of the garden path are called: a permutation."""
    return rng.permutation(6)


@fixture
def garden_path(called):
    """A bigram model that leads greed astray: the likelier first step has no good second one."""
    import torch

    # No two chances of a row are alike: which of them came first would be for a sort to say.
    rows = {
        0: [0.0, 0.5, 0.4, 0.1, 0.0, 0.0],
        1: [0.0, 0.23, 0.21, 0.19, 0.17, 0.2],
        2: [0.0, 0.06, 0.03, 0.02, 0.85, 0.04],
        3: [0.0, 0.12, 0.11, 0.09, 0.08, 0.6],
        4: [0.0, 0.1, 0.36, 0.04, 0.05, 0.45],
        5: [0.0, 0.3, 0.1, 0.25, 0.2, 0.15],
    }
    table = torch.tensor([rows[token] for token in range(6)]).clamp_min(1e-6).log()
    # A softmax does not feel a shift; a score that is no probability does.
    table += torch.tensor([[0.0], [3.0], [-2.0], [1.0], [-4.0], [2.0]])
    back = np.argsort(called)
    return _bigram(table[back][:, back])


def _bigram(table):
    """A causal model of transformers that knows one token: (B, T) → logits (B, T, V).

    It needs no cache, but takes one and hands one out, so that a search which reorders it runs.
    """
    import torch
    from transformers import DynamicCache, PretrainedConfig
    from transformers.modeling_outputs import CausalLMOutputWithPast

    class Bigram(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Parameter(table, requires_grad=False)
            self.config = PretrainedConfig(vocab_size=len(table))

        @property
        def device(self):
            return self.table.device

        def forward(
            self, input_ids=None, past_key_values=None, use_cache=None, logits_to_keep=0, **_
        ):
            cache, kept = past_key_values, logits_to_keep
            if use_cache and cache is None:
                cache = DynamicCache()
            if isinstance(kept, int):
                kept = slice(-kept, None)
            logits = self.table[input_ids[:, kept]]
            return CausalLMOutputWithPast(logits=logits, past_key_values=cache)

    return Bigram().eval()


def _some(rng, pool, count):
    """So many of a pool of prompts, no two alike."""
    return [pool[i] for i in rng.permutation(len(pool))[:count]]


def _ids(tokenizer, prompt):
    return tokenizer(prompt, return_tensors="pt").input_ids  # (1, T)


def _tokens(answer):
    """A list of tokens as it may come: list, tuple, array or tensor, of any shape."""
    return [int(token) for token in np.asarray(answer).ravel().tolist()]


def _after_an_end(tokenizer, rng):
    """A prompt with the end token in its midst: what stands before and after it counts alike."""
    (halves,) = _some(rng, HALVES, 1)
    before, after = (tokenizer(half).input_ids for half in halves)
    return [*before, tokenizer.eos_token_id, *after]


def _fed(model):
    """The shape of everything that goes into `model` from now on, as it comes."""
    shapes = []
    embedding = model.get_input_embeddings()
    embedding.register_forward_hook(lambda _, args, __: shapes.append(list(args[0].shape)))
    return shapes


# --- greedy -------------------------------------------------------------------------------


@check(
    "Each token is the likeliest one after all that stands before it.",
    zh="每一步都取全部前文之后概率最大的词元。",
    close=0,
)
def takes_the_likeliest(greedy, model, tokenizer, rng):
    end, prompts = tokenizer.eos_token_id, _some(rng, STORIES, 3)
    return [_tokens(greedy(model, _ids(tokenizer, p), 14, end)) for p in prompts]


@check(
    "The same prompt gives the same text each time.",
    zh="同一个提示每次得到同样的文本。",
    expect=that("the same tokens three times", zh="三次得到同样的词元")(
        lambda seen: len(seen) == 3 and len(seen[0]) > 0 and seen[0] == seen[1] == seen[2]
    ),
)
def repeats_itself(greedy, model, tokenizer):
    ids, end = _ids(tokenizer, "从前，"), tokenizer.eos_token_id
    return [_tokens(greedy(model, ids, 10, end)) for _ in range(3)]


@check(
    "At most max_new_tokens tokens are new, however long the prompt is.",
    zh="无论提示多长，新词元最多 max_new_tokens 个。",
    close=0,
)
def prompt_does_not_count(greedy, model, tokenizer, rng):
    # The last prompt is shorter than what may be written: whoever counts it writes a little.
    asked = ((LONG, 0), (LONG, 1), (LONG, rng.integers(2, 13)), ("从前，", rng.integers(6, 15)))
    end = tokenizer.eos_token_id
    return [len(_tokens(greedy(model, _ids(tokenizer, text), int(n), end))) for text, n in asked]


@check(
    "The text ends where the model ends it, and the end token is no part of it.",
    zh="模型给出结束词元时文本就结束，结束词元本身不计入。",
    close=0,
)
def stops_at_the_end(greedy, model, tokenizer, rng):
    end, prompts = tokenizer.eos_token_id, _some(rng, QUESTIONS, 3)
    return [_tokens(greedy(model, _ids(tokenizer, p), 24, end)) for p in prompts]


@check(
    "An end token inside the prompt ends nothing: only the model's answer does.",
    zh="提示里的结束词元不会结束任何东西：只有模型给出的才算。",
    close=0,
)
def the_prompt_may_hold_an_end(greedy, model, tokenizer, rng):
    import torch

    ids = torch.tensor([_after_an_end(tokenizer, rng)])
    return _tokens(greedy(model, ids, 6, tokenizer.eos_token_id))


# --- temperature_probabilities ------------------------------------------------------------


def _probabilities(function, logits, temperature):
    return np.asarray(function(logits, temperature), dtype=float)


@check(
    "Logits are divided by the temperature before the softmax.",
    zh="先把 logits 除以温度，再做 softmax。",
    close=CLOSE,
)
def divides_the_logits(temperature_probabilities, torch_rng):
    import torch

    logits = 2 * torch.randn(9, generator=torch_rng)
    return [_probabilities(temperature_probabilities, logits, t) for t in (0.5, 1.0, 3.0)]


@check(
    "Every row of a batch has probabilities of its own, whatever shape stands before them.",
    zh="批次的每一行各有自己的概率，前面有几维都一样。",
    close=CLOSE,
)
def each_row_sums_to_one(temperature_probabilities, torch_rng):
    import torch

    logits = 2 * torch.randn(2, 3, 5, generator=torch_rng)
    return _probabilities(temperature_probabilities, logits, 0.7)


@check(
    "Large logits at a low temperature give probabilities, not nan.",
    zh="logits 很大、温度很低时，得到的仍是概率，而不是 nan。",
    close=1e-3,  # in float32 the logarithm of a sum near 2000 is off by 0.0001
)
def large_logits_stay_finite(temperature_probabilities, rng):
    import torch

    logits = rng.permutation([1000.0, 1000.0 - rng.uniform(0.2, 0.8), 0.0, -1000.0])
    logits = torch.tensor(logits, dtype=torch.float32)
    far_apart = torch.stack([logits, logits - 2000])  # what is far below one row is all of another
    return [_probabilities(temperature_probabilities, some, 0.5) for some in (logits, far_apart)]


@check(
    "A temperature of 0 or below raises ValueError; one above 0 does not.",
    zh="温度为 0 或负数时抛出 ValueError，大于 0 则不会。",
    close=CLOSE,
)
def zero_is_no_temperature(temperature_probabilities, torch_rng):
    import torch

    logits = torch.randn(3, generator=torch_rng)

    def call(temperature):
        return _probabilities(temperature_probabilities, logits, temperature)

    return [outcome_of(call, t) for t in (0.0, 0, -1.0, 1.0)]


# --- top_k --------------------------------------------------------------------------------


OUT = -1e4  # as good as minus infinity: exp of it is 0, and common code fills in -1e9 or the like


def _filtered(function, logits, limit):
    kept = np.asarray(function(logits, limit), dtype=float)
    return np.where(kept <= OUT, -np.inf, kept)


@check(
    "The k largest logits stay as they are, and all others become minus infinity.",
    zh="最大的 k 个 logits 原样保留，其余变为负无穷。",
    close=CLOSE,
)
def keeps_the_k_largest(top_k, torch_rng):
    import torch

    return _filtered(top_k, torch.randn(1, 11, generator=torch_rng), 4)


@check(
    "Each row keeps its own k.",
    zh="每一行各自保留自己的 k 个。",
    close=CLOSE,
)
def each_row_keeps_k(top_k, torch_rng):
    import torch

    shift = torch.tensor([[0.0], [9.0], [-9.0]])
    return _filtered(top_k, torch.randn(3, 7, generator=torch_rng) + shift, 2)


@check(
    "A k as large as the vocabulary, or larger, keeps everything.",
    zh="k 等于或超过词表大小时全部保留。",
    close=CLOSE,
)
def a_large_k_keeps_all(top_k, torch_rng):
    import torch

    logits = torch.randn(2, 5, generator=torch_rng)
    return [_filtered(top_k, logits, k) for k in (5, 50)]


@check(
    "The logits that were passed in are unchanged afterwards.",
    zh="传入的 logits 之后没有变。",
    close=CLOSE,
)
def top_k_leaves_its_input(top_k, torch_rng):
    import torch

    logits = torch.randn(2, 6, generator=torch_rng)
    return arguments_kept(lambda given: _filtered(top_k, given, 2), logits)


# --- top_p --------------------------------------------------------------------------------


@check(
    "The fewest tokens that reach p together stay, with the one that crosses it.",
    zh="保留加起来达到 p 的最少词元，使累计越过 p 的那一个也在内。",
    close=CLOSE,
)
def keeps_the_nucleus(top_p, rng):
    import torch

    # The likeliest is not the first: whoever takes the vocabulary's order for that of size errs.
    shares = np.insert(rng.permutation([0.1, 0.15, 0.25]), rng.integers(1, 4), 0.5)
    logits = torch.tensor(shares[None], dtype=torch.float32).log()
    return [_filtered(top_p, logits, p) for p in (0.3, 0.6, 0.8, 0.95)]


@check(
    "Each row of a batch has a nucleus of its own, wide or narrow.",
    zh="批次的每一行各有自己的候选集，有宽有窄。",
    close=CLOSE,
)
def each_row_has_its_nucleus(top_p, torch_rng):
    import torch

    spread = torch.tensor([[0.2], [1.0], [1.5], [2.5]])  # none has nearly all of the batch
    return _filtered(top_p, spread * torch.randn(4, 20, generator=torch_rng), 0.8)


@check(
    "However small p is, the likeliest token stays.",
    zh="p 再小，概率最大的词元也会保留。",
    close=CLOSE,
)
def one_always_stays(top_p, torch_rng):
    import torch

    logits = torch.randn(2, 6, generator=torch_rng)
    return [_filtered(top_p, logits, p) for p in (0.01, 1e-6)]


@check(
    "With p = 1 everything stays, and the logits that were passed in are unchanged.",
    zh="p = 1 时全部保留；传入的 logits 也没有变。",
    close=CLOSE,
)
def top_p_leaves_its_input(top_p, torch_rng):
    import torch

    logits = torch.randn(2, 6, generator=torch_rng)
    return [
        arguments_kept(lambda given, p=p: _filtered(top_p, given, p), logits) for p in (1.0, 0.5)
    ]


# --- next_tokens --------------------------------------------------------------------------


def softmax(logits, temperature=1.0):
    """Probabilities of `LOGITS` or the like, in double precision."""
    scaled = np.exp((logits - np.max(logits)) / temperature)
    return scaled / scaled.sum()


def strain(counts, probabilities, rare=RARE):
    """Pearson's chi-squared statistics, as a share of their bounds; a right sampler stays below 1.

    One is of the totals, one of homogeneity between batches; the larger share counts. Each has
    a chance of `rare` to turn down a right sampler, which holds as rare outcomes are pooled.

    Parameters
    ----------
    counts
        (batches, V), how often each token was drawn in each batch.
    probabilities
        (V,).
    """
    counts = np.asarray(counts, dtype=float)
    if counts.ndim != 2 or counts[:, probabilities == 0].any():
        return np.inf
    totals = counts.sum(axis=0, keepdims=True)
    return max(_share(totals, probabilities, rare), _share(counts, probabilities, rare))


def _share(counts, probabilities, rare):
    """The statistic over all cells of (batches, V), as a share of its bound."""
    from scipy.stats import chi2

    sizes = counts.sum(axis=1, keepdims=True)  # (batches, 1)
    order = np.argsort(-probabilities, kind="stable")
    starts, share = [0], 0.0
    for place, chance in enumerate(probabilities[order], 1):
        share += chance
        if share * sizes.min() >= FEW:  # this group is full, in every batch
            starts.append(place)
            share = 0.0
    starts.pop()  # what is left over belongs to the last full group
    counts = np.add.reduceat(counts[:, order], starts, axis=1)
    expected = sizes * np.add.reduceat(probabilities[order], starts)
    degrees = (len(starts) - 1) * len(counts)
    return float(((counts - expected) ** 2 / expected).sum() / chi2.isf(rare, degrees))


def fits(counts, probabilities, rare=RARE):
    """Whether draws follow a distribution, and whether batches of draws are alike."""
    return strain(counts, probabilities, rare) < 1


def _draws(next_tokens, logits, temperature, k, p):
    """How often each token is drawn in each of several batches: (batches, V)."""
    import torch

    rows = torch.tensor(logits, dtype=torch.float32).expand(ROWS, -1).clone()  # (B, V)
    batches = [np.asarray(next_tokens(rows, temperature, k, p)).ravel() for _ in range(BATCHES)]
    return np.stack([np.bincount(b, minlength=len(logits)) for b in batches])


def _support(next_tokens, logits, temperature, k, p):
    """The tokens that are drawn at all in many draws."""
    return np.flatnonzero(_draws(next_tokens, logits, temperature, k, p).sum(axis=0)).tolist()


TEMPERATURES = (0.6, 1.8)


@that(
    "chi-squared tests on 20,000 draws at each of two temperatures, together wrong less than once "
    "in a million times",
    zh="两个温度各抽 20,000 次做卡方检验，合起来误判的概率不到百万分之一",
)
def drawn_by_probability(seen):
    """The draws at each temperature follow the softmax at that temperature."""
    # Two statistics at each of two temperatures share the chance.
    return all(
        fits(counts, softmax(LOGITS, t), RARE / 4)
        for counts, t in zip(seen, TEMPERATURES, strict=True)
    )


@check(
    "Each token is drawn as often as its probability at this temperature says.",
    zh="每个词元被抽中的频率符合它在该温度下的概率。",
    expect=drawn_by_probability,
)
def drawn_as_often_as_probable(next_tokens):
    return [_draws(next_tokens, LOGITS, t, 0, 1.0) for t in TEMPERATURES]


@check(
    "With k > 0 the k likeliest tokens are drawn, each of them, and no other.",
    zh="k > 0 时，抽到的恰好是概率最大的 k 个词元，一个不多，一个不少。",
    close=0,
    rests_on=("top_k",),
)
def draws_the_top_k(next_tokens, rng):
    logits = rng.permutation(LOGITS)
    return [_support(next_tokens, logits, 1.0, k, 1.0) for k in (1, 3, 5)]


@check(
    "With p < 1 the tokens of the nucleus are drawn, each of them, and no other.",
    zh="p < 1 时，抽到的恰好是候选集里的词元，一个不多，一个不少。",
    close=0,
    rests_on=("top_p",),
)
def draws_the_nucleus(next_tokens, rng):
    logits = rng.permutation(LOGITS)
    return [_support(next_tokens, logits, 1.0, 0, p) for p in (0.4, 0.7, 0.9)]


@check(
    "The temperature comes first: what top-p keeps depends on it.",
    zh="温度在先：top-p 保留哪些词元取决于温度。",
    close=0,
    rests_on=("top_p",),
)
def temperature_comes_first(next_tokens, rng):
    logits = rng.permutation(LOGITS)
    return [_support(next_tokens, logits, t, 0, 0.7) for t in (0.4, 4.0)]


# Temperature, k and p. In the first top-p alone would keep four tokens and top-k alone five, but
# top-p of what top-k leaves keeps three; in the second it is three, two and one. Where top-k sets
# what is out to 0, no p falls among these equals: which of them stay is for each sort to say.
TOGETHER = ((1.8, 5, 0.74), (1.8, 2, 0.5))


@check(
    "With k and p together top-k comes first, and top-p adds up the shares of what it leaves.",
    zh="k 和 p 同时给出时，先 top-k；top-p 累加的是 top-k 之后重新归一化的概率。",
    close=0,
    rests_on=("top_k", "top_p"),
)
def top_k_comes_before_top_p(next_tokens, rng):
    logits = rng.permutation(LOGITS)
    return [_support(next_tokens, logits, *how) for how in TOGETHER]


SURVIVING = ((1.8, 5, 0.74), (1.8, 4, 1.0), (1.8, 0, 0.74))
SURVIVORS = [1, 3, 4]  # of LOGITS: the tokens that every one of these leaves
LAST = 7  # the token that all but the first of them leave as well


@that(
    "chi-squared tests on 20,000 draws with each of three settings, together wrong less than "
    "once in a million times",
    zh="三组设置各抽 20,000 次做卡方检验，合起来误判的概率不到百万分之一",
)
def drawn_by_their_odds(seen):
    """Among the survivors that are drawn at all the odds are those of the softmax.

    Where others than these are drawn, or one of them only, there is nothing to tell: it may come
    of a mistaken top_k or top_p that this answer is built on, and is for other checks to say.
    """
    told = [(np.asarray(counts), t) for counts, (t, _, _) in zip(seen, SURVIVING, strict=True)]
    told = [(counts, t) for counts, t in told if _has_a_choice(counts)]
    return bool(told) and all(odds_are_kept(counts, t) for counts, t in told)


def _has_a_choice(counts):
    drawn = set(np.flatnonzero(counts.sum(axis=0)).tolist())
    return len(drawn & {*SURVIVORS}) > 1 and drawn <= {*SURVIVORS, LAST}


def odds_are_kept(counts, temperature):
    """Whether tokens that are left are drawn by the odds that they have at this temperature."""
    return odds_strain(counts, temperature) < 1


def odds_strain(counts, temperature):
    """How far draws are from the odds that what is left has at this temperature, as by `strain`.

    Which tokens are left is for other checks; those that are not drawn at all are passed over.
    """
    counts = np.asarray(counts)[:, SURVIVORS]
    drawn = counts.sum(axis=0) > 0
    chances = softmax(LOGITS[SURVIVORS][drawn], temperature)
    # Two statistics for each setting share the chance of turning down a right sampler.
    if drawn.sum() < 2:
        return np.inf
    return strain(counts[:, drawn], chances, RARE / 2 / len(SURVIVING))


@check(
    "Tokens that k and p leave are drawn by the odds that they have at the temperature.",
    zh="k 和 p 留下的词元，按它们在该温度下的概率之比抽取。",
    expect=drawn_by_their_odds,
    rests_on=("top_k", "top_p"),
)
def what_is_left_keeps_its_odds(next_tokens):
    return [_draws(next_tokens, LOGITS, *how) for how in SURVIVING]


@check(
    "Each row of the batch is drawn from its own logits: one token for each, of shape (B,).",
    zh="批次的每一行按自己的 logits 采样，每行一个词元，形状为 (B,)。",
    close=0,
    rests_on=("top_k",),
)
def one_token_a_row(next_tokens, rng):
    import torch

    rows = [np.roll(LOGITS, n) for n in rng.permutation(len(LOGITS))[:5]]
    logits = torch.tensor(np.stack(rows), dtype=torch.float32)
    # So cold that k = 1 changes nothing: what top_k does amiss with the others is not drawn.
    tokens = np.asarray(next_tokens(logits, 0.01, 1, 1.0))
    return {"tokens": _tokens(tokens), "shape": list(tokens.shape)}


# --- beam_search --------------------------------------------------------------------------


def _beam(answer):
    tokens, score = answer
    return [_tokens(tokens), float(score)]


@check(
    "With more than one beam the likelier sentence is found behind a less likely first word.",
    zh="束宽大于 1 时，能找到第一个词不占优、整体却更可能的句子。",
    close=LIKELY,
)
def escapes_the_garden_path(beam_search, garden_path, called):
    import torch

    start = torch.tensor([[int(called[0])]])
    return [_beam(beam_search(garden_path, start, 3, n)) for n in (2, 3, 4)]


@check(
    "One beam is greedy search, and its score is the log-probability of the text.",
    zh="束宽为 1 就是贪心搜索，分数是整段文本的对数概率。",
    close=LIKELY,
)
def one_beam_is_greedy(beam_search, model, tokenizer, rng):
    return _beam(beam_search(model, _ids(tokenizer, *_some(rng, BEAMED, 1)), 1, 8))


@check(
    "The best of four beams on the GPT, with the sum of its log-probabilities.",
    zh="在 GPT 上用 4 束搜索，得到最好的一束及其对数概率之和。",
    close=LIKELY,
)
def best_of_four_beams(beam_search, model, tokenizer, rng):
    prompts = _some(rng, BEAMED, 2)
    return [_beam(beam_search(model, _ids(tokenizer, p), 4, 10)) for p in prompts]


@check(
    "The end token is one like any other: a text may go on after it, and may hold it.",
    zh="结束词元与其他词元一视同仁：文本里可以有它，有了它也照样往下接。",
    close=LIKELY,
)
def the_end_is_a_token_like_any(beam_search, model, tokenizer, rng):
    # The best of the first text goes on where a shorter one would end; the second's holds the end.
    prompts = [*_some(rng, GOING_ON, 1), *_some(rng, ENDING, 1)]
    return [_beam(beam_search(model, _ids(tokenizer, p), 4, 10)) for p in prompts]


@check(
    "Two survivors may have the same parent: only the total counts.",
    zh="两个幸存者可以出自同一个前缀：只看总分。",
    close=LIKELY,
)
def siblings_may_survive(beam_search, garden_path, called):
    import torch

    starts = [int(called[token]) for token in (4, 5, 3)]
    return [_beam(beam_search(garden_path, torch.tensor([[s]]), 3, 4)) for s in starts]


# --- greedy_cached ------------------------------------------------------------------------


@check(
    "With the cache the text is the same as without.",
    zh="用了缓存，文本与不用时完全相同。",
    close=0,
)
def cached_equals_uncached(greedy_cached, model, tokenizer, rng):
    # The last prompt is one after which every wrong position gives another text.
    end, prompts = tokenizer.eos_token_id, (*_some(rng, STORIES, 3), "Lily wanted a")
    return [_tokens(greedy_cached(model, _ids(tokenizer, p), 8, end)) for p in prompts]


@that(
    "the prompt once, then one token at a time",
    zh="提示只送一次，之后每次只送一个词元",
)
def one_at_a_time(seen):
    """The prompt goes in once, and after it each token alone; a last one may go in too."""
    prompt, new = seen["prompt"], seen["new"]
    fed = [length for rows, length in seen["fed"]]
    return (
        new > 1
        and sum(fed) in (prompt + new - 1, prompt + new)
        and fed[-(new - 1) :] == [1] * (new - 1)
    )


@check(
    "After the prompt only one token at a time goes into the model.",
    zh="提示之后，每次只把一个词元送进模型。",
    expect=one_at_a_time,
)
def feeds_one_token_at_a_time(greedy_cached, model, tokenizer):
    ids, fed = _ids(tokenizer, LONG), _fed(model)
    tokens = _tokens(greedy_cached(model, ids, 9, tokenizer.eos_token_id))
    return {"prompt": ids.shape[1], "new": len(tokens), "fed": fed}


@check(
    "Every call begins with an empty cache.",
    zh="每次调用都从空缓存开始。",
    close=0,
)
def calls_share_nothing(greedy_cached, model, tokenizer, rng):
    end, (first,), (other,) = tokenizer.eos_token_id, _some(rng, STARTS, 1), _some(rng, STORIES, 1)
    order = (first, other, first)
    return [_tokens(greedy_cached(model, _ids(tokenizer, p), 6, end)) for p in order]


@check(
    "It stops at the end token and at max_new_tokens, as greedy does.",
    zh="与 greedy 一样，遇到结束词元或达到 max_new_tokens 就停。",
    close=0,
)
def cached_stops_too(greedy_cached, model, tokenizer, rng):
    end, (first, second) = tokenizer.eos_token_id, _some(rng, QUESTIONS, 2)
    cases = [(first, 12), (second, 12), (LONG, int(rng.integers(2, 9))), (LONG, 0)]
    return [_tokens(greedy_cached(model, _ids(tokenizer, p), n, end)) for p, n in cases]


# --- greedy_batch -------------------------------------------------------------------------


def _padded(answer):
    ids, mask = (np.asarray(part) for part in answer)
    return [ids.astype(int).tolist(), mask.astype(int).tolist()]


@check(
    "Shorter prompts are filled up on the left, and the mask is 0 there.",
    zh="较短的提示在左侧补齐，补上的位置 mask 为 0。",
    close=0,
)
def pads_on_the_left(left_pad, rng):
    a, b, c, d, e, f = rng.integers(1, 100, 6).tolist()
    return _padded(left_pad([[a, b, c], [d], [e, f]], 0))


@check(
    "A token that only looks like padding still counts.",
    zh="与填充词元相同的真实词元照样算数。",
    close=0,
)
def real_tokens_count(left_pad, rng):
    pad, a, b = rng.permutation(np.arange(1, 100))[:3].tolist()
    return _padded(left_pad([[pad, pad, a], [pad, b]], pad))


@check(
    "Prompts of one length need no padding.",
    zh="长度相同的提示不需要填充。",
    close=0,
)
def one_length_needs_no_padding(left_pad, rng):
    alone, pair = rng.integers(1, 100, (1, 3)).tolist(), rng.integers(1, 100, (2, 2)).tolist()
    return [_padded(left_pad(prompts, 0)) for prompts in (alone, pair)]


@check(
    "Every prompt of a batch is continued as it is alone.",
    zh="批次里每个提示的续写，与它单独续写时相同。",
    close=0,
    rests_on=("left_pad",),
)
def each_as_if_alone(greedy_batch, model, tokenizer, rng):
    texts = [text for pool in (STORIES, STARTS, LONGS) for text in _some(rng, pool, 1)]
    prompts = [tokenizer(text).input_ids for text in texts]
    return [_tokens(t) for t in greedy_batch(model, prompts, 12, tokenizer.eos_token_id)]


@check(
    "A prompt that is finished waits for the others and says nothing more.",
    zh="先写完的提示等待其他提示，不再多说。",
    close=0,
    rests_on=("left_pad",),
)
def the_finished_wait(greedy_batch, model, tokenizer, rng):
    (first, last), (story,) = _some(rng, QUESTIONS, 2), _some(rng, STORIES, 1)
    prompts = [tokenizer(text).input_ids for text in (first, story, last)]
    return [_tokens(t) for t in greedy_batch(model, prompts, 14, tokenizer.eos_token_id)]


@check(
    "An end token inside a prompt is text: the model attends to it.",
    zh="提示里的结束词元也是文本：模型要注意到它。",
    close=0,
    rests_on=("left_pad",),
)
def an_end_inside_is_text(greedy_batch, model, tokenizer, rng):
    prompts = [_after_an_end(tokenizer, rng), tokenizer(LONG).input_ids]
    return [_tokens(t) for t in greedy_batch(model, prompts, 6, tokenizer.eos_token_id)]


@check(
    "At most max_new_tokens tokens are new, and none if it is 0.",
    zh="新词元最多 max_new_tokens 个；为 0 时一个也没有。",
    close=0,
    rests_on=("left_pad",),
)
def as_many_as_asked_for(greedy_batch, model, tokenizer, rng):
    prompts = [tokenizer(p).input_ids for p in _some(rng, STORIES, 3)]
    end, numbers = tokenizer.eos_token_id, (0, 1, int(rng.integers(2, 13)))
    return [[len(_tokens(t)) for t in greedy_batch(model, prompts, n, end)] for n in numbers]


@that("all prompts go into the model together", zh="所有提示一起送进模型")
def runs_together(seen):
    """The first pass holds every prompt, and there are no more passes than new tokens."""
    rows = [row for row, _ in seen["fed"]]
    return bool(rows) and rows[0] == seen["prompts"] and len(rows) <= seen["steps"] + 1


@check(
    "One pass through the model serves the whole batch.",
    zh="模型每运行一次，服务整个批次。",
    expect=runs_together,
)
def one_pass_for_all(greedy_batch, model, tokenizer):
    prompts, fed = [tokenizer(p).input_ids for p in STORIES[:3]], _fed(model)
    texts = greedy_batch(model, prompts, 5, tokenizer.eos_token_id)
    return {"prompts": len(texts), "steps": max(len(_tokens(t)) for t in texts), "fed": fed}


# --- stream_text --------------------------------------------------------------------------

# One token of "很香" ends a character and begins the next.
TALE = "从前，{}里住着一个爱笑的{}，星期{}烤的面包很香。"
PARTS = (("森林旁边的木屋", "村子", "城里的大屋"), ("女孩", "小女孩", "老师"), "一二三四五六")
ANIMALS = "🦊🐻🐰🐸🐢🐶"


def _stream(stream_text, tokenizer, tokens):
    """What has come out after every token, some of which end a character and begin another."""
    pieces = list(stream_text(tokenizer, tokens))
    return {
        "pieces": len(pieces),
        "text": "".join(pieces),
        "so far": ["".join(pieces[:n]) for n in range(len(tokens) + 1)],
    }


@check(
    "A character whose bytes span tokens comes out whole, as soon as it is whole.",
    zh="跨词元的字符要等字节齐全才输出，齐全后立即输出。",
    close=0,
)
def characters_come_whole(stream_text, tokenizer, rng):
    tale = TALE.format(*(one for parts in PARTS for one in _some(rng, parts, 1)))
    return _stream(stream_text, tokenizer, tokenizer(tale).input_ids)


@check(
    "Bytes of a character that was cut off at the end do not come out.",
    zh="结尾被截断的字符，其字节不输出。",
    close=0,
)
def no_half_character_at_the_end(stream_text, tokenizer, rng):
    who, animal = (
        *_some(rng, ("Mia", "Tom", "Lily", "Ben", "小明", "小红"), 1),
        *_some(rng, ANIMALS, 1),
    )
    tokens = tokenizer(f"{who} 喜欢{animal}").input_ids
    return [_stream(stream_text, tokenizer, tokens[:-n])["text"] for n in (1, 2, 3)]


@check(
    "An animal of four bytes comes out once, and blanks and line ends stay.",
    zh="四个字节的动物表情只输出一次，空格和换行保持原样。",
    close=0,
)
def blanks_stay(stream_text, tokenizer, rng):
    animal, blanks = *_some(rng, ANIMALS, 1), "  " + " " * rng.integers(3)
    text = f"Once upon a time,\n{blanks}a {animal} lived  here.\n"
    return _stream(stream_text, tokenizer, tokenizer(text).input_ids)


@check(
    "There is one piece for each token, even if it is empty.",
    zh="每个词元对应一段输出，哪怕是空的。",
    close=0,
)
def one_piece_a_token(stream_text, tokenizer, rng):
    last = "铃铛" + "".join(_some(rng, ANIMALS, rng.integers(4)))
    cases = [tokenizer(text).input_ids for text in ("", "Mia", last)]
    return [len(list(stream_text(tokenizer, tokens))) - len(tokens) for tokens in cases] + [
        len(list(stream_text(tokenizer, cases[2])))
    ]


# --- ask ----------------------------------------------------------------------------------

OPPOSITE = "What is the opposite of hot?"
PATIENCE = 20.0  # seconds: a time-out that a right answer never meets


def _ask(
    ask, reply, key, question=OPPOSITE, *,
    accepted=None, timeout=PATIENCE, max_tokens=32, **trouble,
):  # fmt: skip
    """Ask a real endpoint on the loopback; return the answer and what arrived there."""
    from .server import NAME, Endpoint

    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    for name in [name for name in os.environ if name.startswith("OPENAI_")]:
        del os.environ[name]
    if key:
        os.environ["OPENAI_API_KEY"] = key
    with Endpoint(reply, key=accepted or key, **trouble) as endpoint:
        answer = ask(
            question, base_url=endpoint.url, model=NAME, max_tokens=max_tokens, timeout=timeout
        )
        return {name: answer[name] for name in ("status", "text", "finish")}, endpoint.requests


@fixture
def gpt(model, tokenizer):
    """What the endpoint answers with: the tiny GPT."""
    from .server import answering

    return answering(model, tokenizer)


@fixture
def key(rng):
    """A key that no source code holds."""
    return "sk-" + "".join(map(str, rng.integers(0, 10, 24)))


@fixture
def question(rng):
    """One of those which the model answers in 5 to 31 tokens."""
    (text,) = _some(rng, [text for text in QUESTIONS if text.startswith("Q")], 1)
    return text.removeprefix("Q: ").removesuffix("\nA:")


def _briefly(question, limit):
    """An answer that costs nothing, for probes about what goes wrong."""
    return f"You asked: {question}", 9, 9, True


@check(
    "The model's answer comes back, and whether it was cut short.",
    zh="返回模型的回答，以及回答是否被截断。",
    close=0,
)
def answers_and_says_whether_cut(ask, gpt, key, question):
    return [_ask(ask, gpt, key, question, max_tokens=n)[0] for n in (32, 4)]


@check(
    "The model that was named is asked, through a call that today's client has.",
    zh="请求的是参数指定的模型，用的是当前客户端仍有的接口。",
    close=0,
)
def asks_the_model_named(ask, key, question):
    answer, requests = _ask(ask, _briefly, key, question)
    return [answer["text"], [request["model"] for request in requests]]


@check(
    "The question goes out as the one message, from the user, through the openai client.",
    zh="问题作为唯一一条消息发出，角色是 user，经由 openai 客户端。",
    close=0,
)
def sends_one_message_of_the_user(ask, key):
    _, requests = _ask(ask, _briefly, key)
    return [{"roles": r["roles"], "by openai": "OpenAI/Python" in r["client"]} for r in requests]


@check(
    "The key comes from the environment; without one nothing is sent.",
    zh="密钥取自环境变量；没有密钥时什么也不发送。",
    close=0,
)
def key_from_the_environment(ask, key, question):
    answer, requests = _ask(ask, _briefly, key, question)
    none, unsent = _ask(ask, _briefly, "", question)
    return [answer["text"], [r["key"] == key for r in requests], none["status"], len(unsent)]


@check(
    "A key that is refused (401) is reported, after one request.",
    zh="密钥被拒绝（401）时如实报告，只请求一次。",
    close=0,
)
def a_refused_key_is_reported(ask, key):
    answer, requests = _ask(ask, _briefly, "sk-expired", accepted=key)
    return [answer, len(requests)]


@check(
    "A rate limit (429) or an error of the server (500, 503) that passes is waited out.",
    zh="暂时的限流（429）或服务器错误（500、503），重试后能得到回答。",
    close=0,
    costly=True,
)
def what_passes_is_waited_out(ask, key, question):
    codes = ((429, 0), (500, 0), (503, 0))
    return [_ask(ask, _briefly, key, question, failures=code)[0]["text"] for code in codes]


@check(
    "A rate limit or a server's error that stays is reported: ten requests and seconds at most.",
    zh="限流或服务器错误一直不消失时如实报告：最多请求十次，在十秒之内。",
    close=0,
    costly=True,
)
def what_stays_is_reported(ask, key):
    # Errors of the server come as 500 at first and as 503 then: all of 5xx has one name.
    seen = [_ask(ask, _briefly, key, failures=codes) for codes in ((429,), (500, 503))]
    return [
        {"answer": answer, "ten at most": 1 <= len(asked) <= 10, "in time": _span(asked) <= LONGEST}
        for answer, asked in seen
    ]


LONGEST = 11.0  # seconds: the ten of the task, and what a busy machine may need for the last call


def _span(requests):
    """Seconds between the first request and the last."""
    return requests[-1]["at"] - requests[0]["at"] if requests else 0.0


@check(
    "An endpoint that does not answer in time is asked once more at most, and reported; "
    "one that is slow, but in time, is waited for.",
    zh="服务端没有及时回答时，最多再试一次，并如实报告；慢但没有超时的，要等到回答。",
    close=0,
    costly=True,
)
def silence_is_reported(ask, key):
    answer, requests = _ask(ask, _briefly, key, delay=0.6, timeout=0.15)
    # Whoever has a time-out of their own waits too long above, or not long enough here.
    patient, _ = _ask(ask, _briefly, key, delay=0.8)
    return [answer, len(requests) <= 2, patient["status"]]


# --- write_texts --------------------------------------------------------------------------

HEAT = (0.5, 1.5)
COPIES = (600, 1600)  # texts at each temperature: at the high one even the rarest must occur
TAIL = 0.0095  # total probability of the rarest texts, none of which is in a nucleus of 0.98


def _legible(text):
    """A text without what is no whole character; another check looks at those."""
    return text.replace("\ufffd", "").strip()


def _first_pieces(model, tokenizer, prompt, temperature):
    """Probability of each visible text of one token; half characters and the end are ""."""
    import torch

    with torch.no_grad():
        logits = model(_ids(tokenizer, prompt)).logits[0, -1].numpy()  # (V,)
    chances = {}
    for token, chance in enumerate(softmax(logits.astype(float), temperature)):
        text = tokenizer.decode([token], skip_special_tokens=True)
        text = _legible(text)
        chances[text] = chances.get(text, 0.0) + float(chance)
    return chances


def tally(texts, chances):
    """Counts (1, V) and probabilities (V,) of texts; the last is for those not in `chances`."""
    counts = [texts.count(text) for text in chances]
    rest = len(texts) - sum(counts)
    return np.array([[*counts, rest]]), np.array([*chances.values(), 0.0])


def rarest(chances):
    """The texts of least probability, as many as have at most `TAIL` together, and their total."""
    texts, total = set(), 0.0
    for text, chance in sorted(chances.items(), key=lambda item: item[1]):
        if total + chance > TAIL:
            break
        texts.add(text)
        total += chance
    return texts, total


def reaches_the_tail(texts, chances):
    """Whether one of the rarest texts was drawn, or chance alone may have left all of them out."""
    rare, total = rarest(chances)
    all_missed = (1 - total) ** len(texts)  # the chance that a right sampler draws none of them
    return all_missed > RARE / 2 or not rare.isdisjoint(texts)


def sampled_at(seen, reference, heat):
    """Whether the draws of each part of `seen` follow the model at the temperatures `heat`."""
    chances = [part["chances"][f"{t:g}"] for part, t in zip(reference, heat, strict=True)]
    return all(
        len(part["texts"]) == copies
        and reaches_the_tail(part["texts"], known)
        and fits(*tally(part["texts"], known), RARE / 4)
        for part, known, copies in zip(seen, chances, COPIES, strict=True)
    )


@that(
    "chi-squared tests on 600 and 1,600 texts at two temperatures, and the rarest texts among "
    "them; together wrong less than once in a million times",
    zh="两个温度分别写 600 段和 1,600 段做卡方检验，并看最罕见的文本是否出现；"
    "合起来误判的概率不到百万分之一",
)
def sampled_from_the_model(seen, reference):
    """The draws at each temperature follow what the model says at that temperature."""
    return sampled_at(seen, reference, HEAT)


@check(
    "Texts are drawn at the temperature that was asked for, from the whole vocabulary.",
    zh="按指定的温度、从整个词表中采样。",
    expect=sampled_from_the_model,
    costly=True,
)
def draws_at_its_temperature(write_texts, model, tokenizer):
    prompt = "Lily wanted a"
    seen = []
    for heat, copies in zip(HEAT, COPIES, strict=True):
        chances = {f"{t:g}": _first_pieces(model, tokenizer, prompt, t) for t in {heat, 1.0}}
        texts = write_texts(model, tokenizer, [prompt] * copies, 1, heat)
        seen.append({"texts": [_legible(text) for text in texts], "chances": chances})
    return seen


@that(
    "at least half as many different texts as independent draws give, and others in a second call",
    zh="不同的文本至少有独立采样时的一半那么多，第二次调用写出的又不一样",
)
def varied_each_time(seen, reference):
    """Texts go apart after their first token, and two calls are not the same.

    Of 40 texts of a right sampler 33 or more differ; where only the first token is drawn, nine.
    """
    (first, second), usual = seen, min(len(set(texts)) for texts in reference)
    return first != second and all(
        len(texts) == len(reference[0]) and 2 * len(set(texts)) >= usual for texts in seen
    )


@check(
    "Every token is drawn, not only the first, and anew in every call.",
    zh="每个词元都是抽出来的，不只是第一个；每次调用都重新抽。",
    expect=varied_each_time,
    costly=True,
)
def every_token_is_drawn(write_texts, model, tokenizer):
    prompts = ["Lily wanted a"] * 40
    return [list(map(_legible, write_texts(model, tokenizer, prompts, 12, 0.5))) for _ in range(2)]


def _readable(text):
    """Without blanks at either end, and without bytes that the model itself wrote amiss.

    A text may leave these out or show them as U+FFFD. Not so at its end: there a character was
    cut, which is for the text to mend.
    """
    text = text.strip()
    whole = text.rstrip("\ufffd")
    return whole.replace("\ufffd", "") + text[len(whole) :]


@check(
    "After a long prompt, too, as many tokens are new as were asked for; no prompt is repeated.",
    zh="提示再长，新词元的数目也与要求一致；返回的文本不重复提示。",
    close=0,
)
def the_prompt_is_extra(write_texts, model, tokenizer, rng):
    prompts = _some(rng, LONGS, 1)
    return [_readable(write_texts(model, tokenizer, prompts, 8, NEARLY_GREEDY)[0])]


@check(
    "Prompts of different lengths in one batch are continued as each alone.",
    zh="长短不一的提示放在一批里，与各自单独续写的结果相同。",
    close=0,
)
def lengths_do_not_matter(write_texts, model, tokenizer, rng):
    # "从前，" is by far the shortest: it feels its padding most.
    prompts = [*_some(rng, STORIES[:-1], 2), *_some(rng, QUESTIONS, 1), STORIES[-1]]
    return [_readable(text) for text in write_texts(model, tokenizer, prompts, 12, NEARLY_GREEDY)]


@check(
    "No text ends in half a character.",
    zh="任何文本都不以半个字符结尾。",
    close=0,
    costly=True,
)
def no_half_characters(write_texts, model, tokenizer, rng):
    prompts = _some(rng, ("小明想学游泳。", "小红想学画画。", "小红想学游泳。", "从前，"), 1)
    cut = [write_texts(model, tokenizer, prompts, n, NEARLY_GREEDY)[0] for n in range(8, 16)]
    return [_readable(text) for text in cut]


@check(
    "A text ends where the model ends it, and the end token is not shown.",
    zh="模型结束文本就到此为止，结束词元不显示。",
    close=0,
)
def the_end_is_not_shown(write_texts, model, tokenizer, rng):
    texts = write_texts(model, tokenizer, _some(rng, QUESTIONS, 2), 16, NEARLY_GREEDY)
    return [_readable(text) for text in texts]
