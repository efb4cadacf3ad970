# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] id="intro" lang="en"
# # From logits to text
#
# A language model does not write. It answers one question, again and again: *given all this, how
# likely is each token to come next?* Everything that one calls "generation" is what **you** do
# with that answer: take the best, roll dice, cut the tail, look ahead, remember, pad, stop,
# and turn bytes into characters.
#
# Here you write that part yourself, for a real GPT-2 of 450,000 parameters that runs on your CPU.
# It tells little stories in English and Chinese. In the end you talk to a model behind an
# OpenAI-compatible endpoint, and mend a program that gets at least five things wrong.
#
# Write each answer in the cell that says so, then run the check below it. Stuck? `hint("greedy")`
# gives a nudge, and two more if you ask again.

# %% [markdown] id="intro" lang="zh"
# # 从 logits 到文本
#
# 语言模型并不会「写」。它只反复回答一个问题：**有了前面这些，下一个词元是谁，各有多大可能**？所谓「生成」，全是**你**拿这个答案做的事：取最大、掷骰子、砍掉尾巴、多看几步、记住算过的、补齐、停下，
# 最后把字节变回字符。
#
# 这一部分就由你亲手来写。用的是一个真正的 GPT-2，45 万参数，在 CPU 上就能跑，会用中英文讲小故事。
# 最后你还要调用一个兼容 OpenAI 的接口，并改好一个至少有五处错的程序。
#
# 在标明的单元里作答，再运行下面的检查。卡住了就运行 `hint("greedy")`，先给一点提醒，再问还有两级。

# %% id="setup"
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, logging

from autograder import check, hint, lesson, solution, status
from autograder.models import locate

EXERCISE, LANGUAGE = "gpt-generation", "en"
# en: "tiny" needs nothing; "gpt2", or a folder, runs the same notebook on another model: run
# en: everything again after a change. Grading takes the tiny one; see touchstone grade --model.
# zh: "tiny" 什么都不用准备；写 "gpt2" 或某个文件夹，同一份 notebook 就换成别的模型，
# zh: 换了之后把全部单元重新运行一遍。评分用的仍是 tiny，除非 touchstone grade 加上 --model。
MODEL = "tiny"

logging.disable_progress_bar()
# en: So that this page stays quiet. Task 11 says what you would otherwise be warned of.
# zh: 让页面安静一些。本来会有哪些警告，第 11 题再说。
logging.set_verbosity_error()
# en: Nothing is trained here.
# zh: 这里不训练任何东西。
torch.set_grad_enabled(False)
model = AutoModelForCausalLM.from_pretrained(locate("gpt", MODEL)).eval()
tokenizer = AutoTokenizer.from_pretrained(locate("gpt", MODEL))
end = tokenizer.eos_token_id

# %% [markdown] id="look" lang="en"
# ## What the model says
#
# `model(ids).logits` has the shape (B, T, V): for each text of the batch, each of its tokens and
# each token of the vocabulary, a score for "this comes next". The last position, `[:, -1]`, is
# about the token that is not there yet. Below is its softmax for one prompt, at three
# temperatures: the very same logits, divided by another number.

# %% [markdown] id="look" lang="zh"
# ## 模型说了什么
#
# `model(ids).logits` 的形状是 (B, T, V)：对批次里的每段文本、文本里的每个词元、词表里的每个词元，
# 给出「下一个是它」的分数。最后一个位置 `[:, -1]` 说的就是还没写出来的那个词元。
# 下图是同一个提示在三个温度下的 softmax：logits 完全一样，只是除以不同的数。

# %% id="look-plot"
ids = tokenizer("Lily wanted a", return_tensors="pt").input_ids  # (1, T)
scores = model(ids).logits[0, -1]  # (V,)
best = scores.topk(12).indices
names = [repr(tokenizer.decode([token])) for token in best]

figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), sharey=True)
for axis, temperature in zip(axes, (0.5, 1.0, 2.0), strict=True):
    chances = (scores / temperature).softmax(-1)
    axis.bar(names, chances[best], color="#8fb8de")
    axis.set_title(f"temperature {temperature}; other tokens: {1 - chances[best].sum():.0%}")
    axis.title.set_fontsize(9)
    axis.tick_params(axis="x", rotation=90)
axes[0].set_ylabel("probability")
plt.show()

# %% [markdown] id="conventions" lang="en"
# **Conventions, for every task.** `ids` is a tensor (1, T) of the prompt's tokens. `model` and
# `tokenizer` are arguments: use those, not the ones above. `end` is the id of the token that ends
# a text. "New tokens" are those after the prompt, without `end`; return them as a list of
# integers. In tasks 1, 6, 7 and 8 write the loop yourself: `model.generate` is what you are
# compared with, so it would show nothing of what you know.

# %% [markdown] id="conventions" lang="zh"
# **全部任务的约定。** `ids` 是提示的词元，形状为 (1, T) 的张量。`model` 和 `tokenizer` 是参数，
# 请用传进来的，不要用上面的全局变量。`end` 是结束词元的编号。「新词元」指提示之后、不含 `end` 的词元，
# 以整数列表返回。第 1、6、7、8 题请自己写循环：`model.generate` 是用来核对你的答案的，用它就显不出你会什么。

# %% [markdown] id="greedy-task" lang="en"
# ## 1. Greedy
#
# Take the likeliest token, append it, ask again with **the whole text**. Stop when the model says
# `end`, or when there are `max_new_tokens` new tokens. The prompt does not count, even if it holds
# an `end`, and neither does the `end` that the model says. Write the loop yourself.

# %% [markdown] id="greedy-task" lang="zh"
# ## 1. 贪心
#
# 取概率最大的词元，接到后面，带着**全部文本**再问一次。模型给出 `end`，或新词元达到
# `max_new_tokens` 个时停止。提示不计入数目，里面即使有 `end` 也不算；模型给出的 `end` 也不计入。
# 循环请自己写。


# %% id="greedy"
def greedy(model, ids, max_new_tokens, end):
    # en: ids: (1, T) → list of at most max_new_tokens new tokens
    # zh: ids：(1, T) → 新词元的列表，最多 max_new_tokens 个
    ### BEGIN SOLUTION
    tokens = []
    while len(tokens) < max_new_tokens:
        logits = model(ids).logits[0, -1]  # (V,)
        token = int(logits.argmax())
        if token == end:
            break
        tokens.append(token)
        ids = torch.cat([ids, torch.tensor([[token]])], dim=1)  # (1, T + 1)
    return tokens
    ### END SOLUTION


# %% id="greedy-try"
# en: Empty until the task is solved; play with it as you like.
# zh: 完成任务后才会有输出；可以随意改动试验。
with suppress(NotImplementedError):
    for prompt in ("Once upon a time, Mia", "从前，", "Q: What is 3 plus 4?\nA:"):
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        print(prompt + tokenizer.decode(greedy(model, ids, 40, end)), end="\n\n")

# %% id="greedy-check"
check("greedy")

# %% [markdown] id="temperature_probabilities-task" lang="en"
# ## 2. Temperature
#
# $$p_i = \frac{e^{z_i / T}}{\sum_j e^{z_j / T}}$$
#
# Below 1 the good get better, above 1 all become alike. The logits may have any shape (…, V);
# each row gets its own probabilities. Keep in mind that $e^{1000}$ is infinite. A temperature of
# 0 or below raises `ValueError`: in the limit it means greedy, but one cannot divide by it.

# %% [markdown] id="temperature_probabilities-task" lang="zh"
# ## 2. 温度
#
# $$p_i = \frac{e^{z_i / T}}{\sum_j e^{z_j / T}}$$
#
# 低于 1，强者更强；高于 1，趋于平均。logits 的形状可以是任意的 (…, V)，每一行各有自己的概率。
# 别忘了 $e^{1000}$ 是无穷大。温度为 0 或负数时抛出 `ValueError`：极限情况就是贪心，但 0 不能做除数。


# %% id="temperature_probabilities"
def temperature_probabilities(logits, temperature):
    # en: logits: (..., V) → probabilities: (..., V)
    # zh: logits：(..., V) → 概率：(..., V)
    ### BEGIN SOLUTION
    if temperature <= 0:
        raise ValueError("the temperature must be above 0")
    return torch.softmax(logits / temperature, dim=-1)
    ### END SOLUTION


# %% id="temperature_probabilities-check"
check("temperature_probabilities")

# %% [markdown] id="top_k-task" lang="en"
# ## 3. Top-k
#
# The tail is long: a thousand tokens with a chance of 0.01% each come up every tenth time, and
# one is enough to spoil the sentence. Keep the `k` largest logits of each row and set all others
# to $-\infty$, so that a softmax gives them exactly 0. A `k` beyond the vocabulary keeps
# everything. Return new logits; leave those that came in as they are. (No two logits of a row
# are equal here.)

# %% [markdown] id="top_k-task" lang="zh"
# ## 3. Top-k
#
# 尾巴很长：一千个概率各为万分之一的词元，每十次就会抽到一次，而一个就足以毁掉整句话。
# 每一行只保留最大的 `k` 个 logits，其余设为 $-\infty$，softmax 之后恰好为 0。`k` 超过词表大小时全部保留。
# 返回新的 logits，不要改动传入的那份。（这里同一行没有相等的 logits。）


# %% id="top_k"
def top_k(logits, k):
    # en: logits: (B, V) → (B, V), minus infinity where a token is out
    # zh: logits：(B, V) → (B, V)，被去掉的位置为负无穷
    ### BEGIN SOLUTION
    kth = logits.topk(min(k, logits.shape[-1])).values[..., -1:]  # (B, 1)
    return logits.masked_fill(logits < kth, -torch.inf)
    ### END SOLUTION


# %% id="top_k-check"
check("top_k")

# %% [markdown] id="top_p-task" lang="en"
# ## 4. Top-p (nucleus)
#
# After "Once upon a" one token is enough; after "Lily wanted a" dozens make sense. A fixed `k` is
# wrong for one of them. So sort by probability and keep **the fewest tokens whose probabilities
# add up to at least `p`**: the token that crosses `p` belongs to them, so at least one always
# stays. All other logits become $-\infty$; everything stays in its place.

# %% [markdown] id="top_p-task" lang="zh"
# ## 4. Top-p（核采样）
#
# 「Once upon a」之后一个词元就够了，「Lily wanted a」之后几十个都说得通，固定的 `k` 总有一头不合适。
# 于是按概率从大到小排序，保留**概率之和达到 `p` 的最少词元**：使累计越过 `p` 的那一个也在内，
# 因此至少保留一个。其余 logits 设为 $-\infty$，各自的位置不变。


# %% id="top_p"
def top_p(logits, p):
    # en: logits: (B, V); p in (0, 1] → (B, V), minus infinity where a token is out
    # zh: logits：(B, V)；p 在 (0, 1] 内 → (B, V)，被去掉的位置为负无穷
    ### BEGIN SOLUTION
    chances, order = logits.softmax(-1).sort(descending=True)  # (B, V) each
    before = chances.cumsum(-1) - chances  # what the better tokens have together
    out = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(out, -torch.inf)
    ### END SOLUTION


# %% id="top_p-try"
with suppress(NotImplementedError):
    for prompt in ("Once upon a", "Lily wanted a", "从前，"):
        logits = model(tokenizer(prompt, return_tensors="pt").input_ids).logits[:, -1]
        kept = [int(top_p(logits, p).isfinite().sum()) for p in (0.5, 0.9, 0.99)]
        print(f"{prompt!r}: {kept[0]} tokens for p = 0.5, {kept[1]} for 0.9, {kept[2]} for 0.99")

# %% id="top_p-check"
check("top_p")

# %% [markdown] id="next_tokens-task" lang="en"
# ## 5. Draw
#
# Now draw one token for each row of a batch, independently: first divide by the temperature, then
# top-k (if `k` is above 0), then top-p (if `p` is below 1), then draw by what is left. That is
# the order of transformers; another one gives another distribution.
#
# It is judged by 20,000 draws for each setting and a chi-squared test that turns down a right
# answer less than once in 100,000 times.

# %% [markdown] id="next_tokens-task" lang="zh"
# ## 5. 采样
#
# 现在为批次的每一行独立地抽一个词元：先除以温度，再 top-k（`k` 大于 0 时），再 top-p（`p` 小于 1 时），
# 最后按剩下的概率抽。这是 transformers 的顺序，换个顺序分布就变了。
#
# 评判方式：每组设置抽 20,000 次做卡方检验，正确答案被误判的概率低于十万分之一。


# %% id="next_tokens"
def next_tokens(logits, temperature, k, p):
    # en: logits: (B, V); k = 0: no top-k; p = 1.0: no top-p → (B,) tokens
    # zh: logits：(B, V)；k = 0 不做 top-k；p = 1.0 不做 top-p → (B,) 个词元
    ### BEGIN SOLUTION
    logits = logits / temperature
    if k > 0:
        logits = top_k(logits, k)
    if p < 1:
        logits = top_p(logits, p)
    return torch.multinomial(logits.softmax(-1), num_samples=1)[:, 0]
    ### END SOLUTION


# %% id="next_tokens-try"
def tell(prompt, length, **how):
    text = tokenizer(prompt, return_tensors="pt").input_ids
    for _ in range(length):
        token = next_tokens(model(text).logits[:, -1], **how)  # (1,)
        text = torch.cat([text, token[:, None]], dim=1)
        if token == end:
            break
    return tokenizer.decode(text[0], skip_special_tokens=True)


with suppress(NotImplementedError):
    torch.manual_seed(1)
    settings = [(0.7, 0, 1.0), (1.0, 0, 1.0), (2.0, 0, 1.0), (2.0, 5, 1.0), (2.0, 0, 0.7)]
    for temperature, k, p in settings:
        print(f"T = {temperature}, k = {k}, p = {p}")
        print(tell("Once upon a time, Mia", 45, temperature=temperature, k=k, p=p), end="\n\n")

# %% id="next_tokens-check"
check("next_tokens")

# %% [markdown] id="beam_search-task" lang="en"
# ## 6. Beam search
#
# Greed may walk into a garden path: the best first word, and no good second one. Beam search
# keeps the `beams` likeliest texts so far. At each step it extends every one of them by every
# token and keeps the `beams` best of all these children, by the **sum of their log-probabilities**.
#
# Extend the prompt by exactly `length` tokens; for once, `end` is a token like any other. Return
# `(tokens, score)`: the new tokens of the best text, and the sum of their log-probabilities.
# Again, write the search yourself.

# %% [markdown] id="beam_search-task" lang="zh"
# ## 6. 束搜索
#
# 贪心可能走进死胡同：第一个词最好，后面却无词可接。束搜索保留目前最可能的 `beams` 段文本：
# 每一步给每一段接上每个词元，在所有这些后代里，按**对数概率之和**留下最好的 `beams` 个。
#
# 在提示之后恰好接 `length` 个词元；这一题里 `end` 与其他词元一视同仁。
# 返回 `(tokens, score)`：最好那段的新词元，以及它们的对数概率之和。搜索同样请自己写。


# %% id="beam_search"
def beam_search(model, ids, beams, length):
    # en: ids: (1, T) → (list of `length` tokens, sum of their log-probabilities)
    # zh: ids：(1, T) → （`length` 个词元的列表，它们的对数概率之和）
    ### BEGIN SOLUTION
    texts, scores = ids, torch.zeros(1)  # (N, T), (N,): N texts so far
    for _ in range(length):
        steps = model(texts).logits[:, -1].log_softmax(-1)  # (N, V)
        totals = scores[:, None] + steps
        scores, best = totals.flatten().topk(min(beams, totals.numel()))
        parents, tokens = best // steps.shape[1], best % steps.shape[1]
        texts = torch.cat([texts[parents], tokens[:, None]], dim=1)
    return texts[0, ids.shape[1] :].tolist(), float(scores[0])
    ### END SOLUTION


# %% id="beam_search-try"
with suppress(NotImplementedError):
    ids = tokenizer("Lily lost her", return_tensors="pt").input_ids
    for beams in (1, 2, 4, 8):
        tokens, score = beam_search(model, ids, beams, 10)
        print(f"{beams} beams: {score:7.3f}  {tokenizer.decode(tokens)!r}")

# %% id="beam_search-check"
check("beam_search")

# %% [markdown] id="greedy_cached-task" lang="en"
# ## 7. With a cache
#
# Greedy as you wrote it computes the whole text anew for every token. But what the attention
# needs of earlier tokens, their keys and values, never changes. The model returns them as
# `past_key_values`; hand them back, and you need to feed **only the new token**:
#
# `model(step, past_key_values=cache, use_cache=True)` returns the logits and the next
# `past_key_values`.
#
# Same contract as `greedy`, with a loop of your own, and the same text, token for token.

# %% [markdown] id="greedy_cached-task" lang="zh"
# ## 7. 使用缓存
#
# 前面写的贪心，每出一个词元都要把整段文本重算一遍。可是注意力要用到的前文的 key 和 value 根本不会变。
# 模型会把它们放在 `past_key_values` 里返回；下次交还给它，就**只需送入新的那一个词元**：
#
# `model(step, past_key_values=cache, use_cache=True)` 返回 logits 和下一次要用的 `past_key_values`。
#
# 约定与 `greedy` 相同，循环也要自己写，得到的文本逐词元相同。


# %% id="greedy_cached"
def greedy_cached(model, ids, max_new_tokens, end):
    # en: ids: (1, T) → list of at most max_new_tokens new tokens
    # zh: ids：(1, T) → 新词元的列表，最多 max_new_tokens 个
    ### BEGIN SOLUTION
    tokens, step, cache = [], ids, None
    while len(tokens) < max_new_tokens:
        out = model(step, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        token = int(out.logits[0, -1].argmax())
        if token == end:
            break
        tokens.append(token)
        step = torch.tensor([[token]])  # (1, 1)
    return tokens
    ### END SOLUTION


# %% id="greedy_cached-try"
with suppress(NotImplementedError):
    ids = tokenizer("Once upon a time, Mia", return_tensors="pt").input_ids
    figure, axis = plt.subplots(figsize=(6, 2.6))
    for function in (greedy, greedy_cached):
        fed = []
        hook = model.get_input_embeddings().register_forward_hook(
            lambda _, args, out: fed.append(args[0].shape[1])
        )
        function(model, ids, 60, end)
        hook.remove()
        axis.plot(
            range(1, len(fed) + 1), np.cumsum(fed), label=f"{function.__name__}: {sum(fed)} in all"
        )
    axis.set(xlabel="new tokens", ylabel="tokens through the model")
    axis.legend(frameon=False)
    plt.show()

# %% id="greedy_cached-check"
check("greedy_cached")

# %% [markdown] id="greedy_batch-task" lang="en"
# ## 8. A batch of unequal prompts
#
# One prompt needs no padding. Several of different lengths do, and new tokens go to the right end,
# so the padding belongs on the **left**.
#
# - `left_pad(prompts, pad)` takes lists of tokens and returns `(ids, mask)`, both (B, T) of
#   integers: `pad` fills up the left, and the mask is 0 exactly there. GPT-2 has no padding token;
#   one uses `end`, so a prompt may well hold that token for real.
# - `greedy_batch(model, prompts, max_new_tokens, end)` continues all prompts together, in one loop
#   of your own, and returns a list of lists of new tokens, each the same as if that prompt were
#   alone: at most `max_new_tokens`, and none if that is 0.
#
# The model takes `attention_mask` (1 for every real token, old or new) and `position_ids`. GPT-2
# learned an embedding for every position, and if you say nothing it counts from the left edge,
# padding included.

# %% [markdown] id="greedy_batch-task" lang="zh"
# ## 8. 一批长短不一的提示
#
# 只有一个提示不需要填充；几个长短不一的才需要。新词元接在右端，所以填充放在**左边**。
#
# - `left_pad(prompts, pad)` 接收词元列表的列表，返回 `(ids, mask)`，都是 (B, T) 的整数：
#   左边用 `pad` 补齐，mask 恰好在补的位置为 0。GPT-2 没有填充词元，通常借用 `end`，
#   所以提示里也可能真的含有这个词元。
# - `greedy_batch(model, prompts, max_new_tokens, end)` 用你自己写的一个循环把所有提示放在一起续写，
#   返回新词元列表的列表，每一个都与该提示单独续写时相同：最多 `max_new_tokens` 个，为 0 时一个也没有。
#
# 模型接受 `attention_mask`（每个真实词元为 1，新旧都算）和 `position_ids`。
# GPT-2 的每个位置都有学出来的嵌入，你若不说，它就从最左端数起，连填充也数进去。


# %% id="greedy_batch"
def left_pad(prompts, pad):
    # en: prompts: B lists of tokens → ids: (B, T), mask: (B, T)
    # zh: prompts：B 个词元列表 → ids：(B, T)，mask：(B, T)
    ### BEGIN SOLUTION
    width = max(map(len, prompts))
    ids = torch.full((len(prompts), width), pad)
    mask = torch.zeros((len(prompts), width), dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    return ids, mask
    ### END SOLUTION


def greedy_batch(model, prompts, max_new_tokens, end):
    # en: prompts: B lists of tokens → B lists of new tokens
    # zh: prompts：B 个词元列表 → B 个新词元列表
    ### BEGIN SOLUTION
    ids, mask = left_pad(prompts, end)  # (B, T) each
    width, done = ids.shape[1], torch.zeros(len(prompts), dtype=torch.bool)
    for _ in range(max_new_tokens):
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
        logits = model(ids, attention_mask=mask, position_ids=positions).logits[:, -1]
        tokens = logits.argmax(dim=-1).masked_fill(done, end)  # (B,)
        done = done | (tokens == end)
        if done.all():
            break
        ids = torch.cat([ids, tokens[:, None]], dim=1)
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
    texts = ids[:, width:].tolist()
    return [text[: text.index(end)] if end in text else text for text in texts]
    ### END SOLUTION


# %% id="greedy_batch-try"
with suppress(NotImplementedError):
    prompts = ["Q: What colour is the sky?\nA:", "从前，", "Once upon a time, in a house by"]
    batch = [tokenizer(prompt).input_ids for prompt in prompts]
    for prompt, tokens in zip(prompts, greedy_batch(model, batch, 20, end), strict=True):
        print(repr(prompt + tokenizer.decode(tokens)))

# %% id="greedy_batch-check"
check("greedy_batch")

# %% [markdown] id="stream_text-task" lang="en"
# ## 9. Characters, not bytes
#
# GPT-2's tokens are pieces of **bytes**, and a Chinese character is three of them, an emoji four.
# So a character may span tokens, and a text that stops in its midst decodes to `�` (U+FFFD). Chat
# programs show text while it is being written, and must never show that.
#
# Return a list of one string for each token: what has become readable with it. A character comes
# out whole, with the token that completes it, also where that token begins the next one; while no
# character is completed the piece is `""`. If the text was cut off inside a character, its bytes never come out. The bytes come from a valid text;
# only its end may be missing.

# %% [markdown] id="stream_text-task" lang="zh"
# ## 9. 要字符，不要字节
#
# GPT-2 的词元是**字节**的片段，一个汉字三个字节，一个 emoji 四个。于是一个字符可能跨几个词元，
# 文本若停在它中间，解码就得到 `�`（U+FFFD）。聊天程序边生成边显示，绝不能让用户看到它。
#
# 返回一个列表，每个词元对应一个字符串：因它而变得可读的那部分。字符要完整输出，
# 随补齐它的那个词元一起出来，哪怕这个词元又带着下一个字符的开头；没有补齐任何字符时输出 `""`。如果文本在某个字符中间被截断，它的字节就不再输出。
# 字节都来自合法文本，只可能缺了结尾。


# %% id="stream_text"
def stream_text(tokenizer, tokens):
    # en: tokens: N tokens → N strings
    # zh: tokens：N 个词元 → N 个字符串
    ### BEGIN SOLUTION
    pieces, shown = [], ""
    for count in range(1, len(tokens) + 1):
        ready = tokenizer.decode(tokens[:count]).rstrip("\ufffd")
        pieces.append(ready[len(shown) :])
        shown = ready
    return pieces
    ### END SOLUTION


# %% id="stream_text-try"
tokens = tokenizer("小明有一只铃铛🔔。").input_ids
print([tokenizer.decode([token]) for token in tokens])
with suppress(NotImplementedError):
    print(stream_text(tokenizer, tokens))

# %% id="stream_text-check"
check("stream_text")

# %% [markdown] id="ask-task" lang="en"
# ## 10. Ask an endpoint
#
# Most models are not on your disk but behind HTTP, and most servers speak OpenAI's protocol. Here
# is one on your own machine: it serves the tiny GPT, and fails on demand. Talk to it with the real
# `openai` client (1.x and later): `openai.OpenAI(base_url=…, timeout=…, max_retries=…)` and its
# `chat.completions.create(model=…, messages=[…])`. The question is the one message, from the
# `user`, as a text; the server does not stream. Import `openai` inside the function.
#
# Return `{"status": …, "text": …, "finish": …}`:
#
# | what happens | `status` |
# |---|---|
# | an answer | `"ok"`; `text` is the answer, `finish` its finish reason: `"stop"`, or `"length"` if it was cut at `max_tokens` |
# | no `OPENAI_API_KEY` in the environment | `"no_key"`; nothing is sent |
# | 401: the key is refused | `"unauthorized"`; asking again is no use |
# | 429: too many requests | try again at least once (the client can), at most nine times and within ten seconds, then `"rate_limited"` |
# | 5xx: the server fails | the same, then `"server_error"` |
# | no answer within `timeout` seconds | `"timeout"` (one retry at most) |
#
# Without an answer `text` and `finish` are `""`. The key never stands in the source.

# %% [markdown] id="ask-task" lang="zh"
# ## 10. 调用接口
#
# 多数模型不在你的硬盘上，而在 HTTP 的另一端，多数服务都兼容 OpenAI 的接口。
# 这里就有一个，跑在你自己的机器上：它背后是那个小 GPT，还能按需出错。请用真正的 `openai` 客户端
# （1.x 及以后）与它对话：`openai.OpenAI(base_url=…, timeout=…, max_retries=…)`，再用
# `chat.completions.create(model=…, messages=[…])`。问题作为唯一一条消息，角色是 `user`，内容是文本；服务器不支持流式输出。
# 请在函数里面导入 `openai`。
#
# 返回 `{"status": …, "text": …, "finish": …}`：
#
# | 情况 | `status` |
# |---|---|
# | 得到回答 | `"ok"`；`text` 是回答，`finish` 是结束原因：`"stop"`，或在 `max_tokens` 处截断的 `"length"` |
# | 环境变量里没有 `OPENAI_API_KEY` | `"no_key"`；什么也不发送 |
# | 401：密钥被拒绝 | `"unauthorized"`；再问也没用 |
# | 429：请求太多 | 至少重试一次（客户端自带），最多九次，十秒之内，仍不行则 `"rate_limited"` |
# | 5xx：服务器出错 | 同上，仍不行则 `"server_error"` |
# | `timeout` 秒内没有回答 | `"timeout"`（最多重试一次） |
#
# 没有回答时 `text` 和 `finish` 都是 `""`。密钥绝不写进源代码。


# %% id="ask"
def ask(question, *, base_url, model, max_tokens, timeout):
    # en: → {"status": …, "text": …, "finish": …}
    # zh: → {"status": …, "text": …, "finish": …}
    ### BEGIN SOLUTION
    import os

    import openai

    def failed(status):
        return {"status": status, "text": "", "finish": ""}

    if not os.environ.get("OPENAI_API_KEY"):
        return failed("no_key")
    client = openai.OpenAI(base_url=base_url, timeout=timeout, max_retries=1)
    messages = [{"role": "user", "content": question}]
    try:
        answer = client.chat.completions.create(
            model=model, messages=messages, max_tokens=max_tokens
        )
    except openai.APITimeoutError:
        return failed("timeout")
    except openai.AuthenticationError:
        return failed("unauthorized")
    except openai.RateLimitError:
        return failed("rate_limited")
    except openai.InternalServerError:
        return failed("server_error")
    choice = answer.choices[0]
    return {"status": "ok", "text": choice.message.content, "finish": choice.finish_reason}
    ### END SOLUTION


# %% id="ask-try"
import os

from autograder.exercise.catalog import exercise
from autograder.exercise.suite import load

server = load(exercise(EXERCISE), "server")
os.environ["OPENAI_API_KEY"] = "sk-of-this-machine"
with (
    suppress(NotImplementedError),
    server.Endpoint(server.answering(model, tokenizer), key="sk-of-this-machine") as endpoint,
):
    where = {"base_url": endpoint.url, "model": server.NAME, "timeout": 20}
    for question in ("What is the opposite of hot?", "Which day comes after Sunday?"):
        print(question, ask(question, max_tokens=32, **where))
    print(ask("Tell me a story.", max_tokens=4, **where))
del os.environ["OPENAI_API_KEY"]

# %% id="ask-check"
check("ask")

# %% [markdown] id="write_texts-task" lang="en"
# ## 11. Mend this program
#
# This program runs, prints text, and gets at least five things wrong; each is common, and one of
# the source documents has most of them. The same call with warnings on would have told of some.

# %% [markdown] id="write_texts-task" lang="zh"
# ## 11. 改好这个程序
#
# 这段程序能跑，也能打印出文字，却至少有五处错；每一处都很常见，其中大半就出现在一份原始资料里。
# 如果打开警告，同样的调用会提示其中几处。


# %% id="as-found"
def write_texts_as_found(model, tokenizer, prompts, max_new_tokens, temperature):
    tokenizer.pad_token = tokenizer.eos_token
    batch = tokenizer(prompts, padding=True, return_tensors="pt").input_ids
    texts = model.generate(batch, max_length=max_new_tokens, temperature=temperature)
    return [tokenizer.decode(text) for text in texts]


broken = AutoTokenizer.from_pretrained(locate("gpt", MODEL))
for text in write_texts_as_found(
    model, broken, ["小明想学游泳。", "Once upon a time, Mia"], 20, 2.0
):
    print(repr(text))

# %% [markdown] id="mend" lang="en"
# Write it as it should be. You may use `model.generate` (and your own functions, or not).
# Return one text for each prompt, such that
#
# - each token is **drawn** at the temperature (above 0), from the **whole** vocabulary, and anew
#   in every call;
# - at most `max_new_tokens` tokens are new, however long the prompt is;
# - each prompt of a batch is continued as if it were alone;
# - the text holds only what is new: not the prompt, not the end token, no padding;
# - no text ends in half a character.
#
# Blanks at either end do not matter.

# %% [markdown] id="mend" lang="zh"
# 写出它应有的样子。可以用 `model.generate`（也可以用你自己写的函数）。每个提示返回一段文本，要求：
#
# - 每个词元都按给定温度（大于 0）**采样**得到，范围是**整个**词表，每次调用都重新抽；
# - 提示再长，新词元也最多 `max_new_tokens` 个；
# - 批次里的每个提示，续写与单独时相同；
# - 文本只含新内容：没有提示，没有结束词元，没有填充；
# - 不以半个字符结尾。
#
# 首尾的空白无关紧要。


# %% id="write_texts"
def write_texts(model, tokenizer, prompts, max_new_tokens, temperature):
    # en: prompts: B strings → B strings, only what is new
    # zh: prompts：B 个字符串 → B 个字符串，只含新内容
    ### BEGIN SOLUTION
    tokenizer.pad_token_id = pad = tokenizer.eos_token_id
    batch = tokenizer(prompts, padding=True, padding_side="left", return_tensors="pt")
    # Without top_k=0 generate draws from the 50 likeliest tokens only.
    how = {"do_sample": True, "temperature": temperature, "top_k": 0}
    out = model.generate(**batch, **how, max_new_tokens=max_new_tokens, pad_token_id=pad)
    decoded = tokenizer.batch_decode(out[:, batch.input_ids.shape[1] :], skip_special_tokens=True)
    return [text.rstrip("\ufffd") for text in decoded]
    ### END SOLUTION


# %% id="write_texts-try"
with suppress(NotImplementedError):
    torch.manual_seed(0)
    for written in write_texts(model, broken, ["小明想学游泳。", "Once upon a time, Mia"], 40, 0.8):
        print(repr(written))

# %% id="write_texts-check"
check("write_texts")

# %% [markdown] id="end" lang="en"
# ## Say it aloud
#
# A colleague says: "I set the temperature to 0.95 and still get the same text every time." What
# do you ask to see first? The lesson has the answers to check yourself by.

# %% [markdown] id="end" lang="zh"
# ## 说出来
#
# 同事说：「我把 temperature 设成 0.95，每次出来的还是同一段文本。」你首先要看什么？课文里有要点可以对照。
