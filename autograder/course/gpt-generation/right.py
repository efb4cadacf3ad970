"""Other valid answers for `gpt-generation`: loops, NumPy, caches, the library's own functions."""

import codecs
import heapq
import os
from collections import defaultdict

import numpy as np
import torch

from autograder.checks import right

# --- greedy -------------------------------------------------------------------------------


@right("greedy", "generate of transformers", zh="transformers 的 generate")
def greedy_by_generate(model, ids, max_new_tokens, end):
    if max_new_tokens < 1:
        return torch.empty(0, dtype=torch.long)
    out = model.generate(
        input_ids=ids, max_new_tokens=max_new_tokens, do_sample=False, num_beams=1,
        eos_token_id=end, pad_token_id=end, attention_mask=torch.ones_like(ids),
    )  # fmt: skip
    new = out[0, ids.size(1) :]
    return new[:-1] if len(new) and new[-1] == end else new


@right("greedy", "lists, with gradients on", zh="用列表，且不关梯度")
def greedy_by_lists(model, ids, max_new_tokens, end):
    text, start = ids.squeeze(0).tolist(), ids.shape[1]
    for _ in range(max_new_tokens):
        scores = model(input_ids=torch.tensor([text])).logits.squeeze(0)[-1].tolist()
        best = max(range(len(scores)), key=scores.__getitem__)
        if best == end:
            break
        text += [best]
    return tuple(text[start:])


@right("greedy", "recursion", zh="递归")
@torch.inference_mode()
def greedy_by_recursion(model, ids, max_new_tokens, end):
    if max_new_tokens == 0:
        return []
    token = model(ids).logits[:, -1].softmax(-1).argmax(-1)
    if token.item() == end:
        return []
    longer = torch.hstack([ids, token[None]])
    return [token.item(), *greedy_by_recursion(model, longer, max_new_tokens - 1, end)]


# --- temperature_probabilities ------------------------------------------------------------


@right("temperature_probabilities", "by hand, largest value subtracted", zh="手写，先减最大值")
def temperature_by_hand(logits, temperature):
    if not temperature > 0:
        raise ValueError(f"temperature {temperature}")
    scaled = logits / temperature
    powers = torch.exp(scaled - scaled.amax(dim=-1, keepdim=True))
    return powers / powers.sum(dim=-1, keepdim=True)


@right("temperature_probabilities", "NumPy, through logarithms", zh="NumPy，先算对数")
def temperature_by_numpy(logits, temperature):
    if temperature <= 0:
        raise ValueError
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    top = scaled.max(axis=-1, keepdims=True)
    total = top + np.log(np.exp(scaled - top).sum(axis=-1, keepdims=True))
    return np.exp(scaled - total)


# --- top_k --------------------------------------------------------------------------------


@right("top_k", "scatter of the best", zh="把最好的 scatter 回去")
def top_k_by_scatter(logits, k):
    values, places = torch.topk(logits, min(k, logits.size(-1)), dim=-1)
    return torch.full_like(logits, float("-inf")).scatter_(-1, places, values)


@right("top_k", "rows in a loop", zh="逐行循环")
def top_k_by_rows(logits, k):
    rows = []
    for row in logits.tolist():
        best = set(heapq.nlargest(k, range(len(row)), key=row.__getitem__))
        rows.append([value if i in best else -np.inf for i, value in enumerate(row)])
    return rows


@right("top_k", "-1e9 for minus infinity", zh="用 -1e9 代替负无穷")
def top_k_by_large_number(logits, k):
    best = logits.argsort(dim=-1, descending=True)[..., :k]
    kept = torch.full_like(logits, -1e9)
    return kept.scatter(-1, best, logits.gather(-1, best))


# --- top_p --------------------------------------------------------------------------------


@right("top_p", "rows in a loop, in double precision", zh="逐行循环，双精度")
def top_p_by_rows(logits, p):
    result = torch.full_like(logits, -torch.inf)
    for row, out in zip(logits, result, strict=True):
        chances = row.double().softmax(-1)
        total = 0.0
        for place in chances.argsort(descending=True).tolist():
            out[place] = row[place]
            total += chances[place].item()
            if total >= p:
                break
    return result


@right("top_p", "ascending, as transformers does", zh="升序，与 transformers 相同")
def top_p_ascending(logits, p):
    values, places = torch.sort(logits)
    gone = values.softmax(-1).cumsum(-1) <= 1 - p
    gone[..., -1] = False
    return logits.masked_fill(gone.scatter(1, places, gone), float("-inf"))


@right("top_p", "shifted marks", zh="把标记右移一位")
def top_p_shifted(logits, p):
    values, places = logits.sort(dim=-1, descending=True)
    over = values.softmax(dim=-1).cumsum(dim=-1) >= p
    over = torch.cat([torch.zeros_like(over[:, :1]), over[:, :-1]], dim=-1)
    return logits.where(~over[torch.arange(len(over))[:, None], places.argsort(-1)], -torch.inf)


@right("top_p", "sums gathered back to the tokens' places", zh="用 gather 把累计和搬回原位")
def top_p_by_gather(logits, p):
    chances = logits.softmax(-1)
    order = chances.argsort(-1, descending=True)
    sums = chances.gather(-1, order).cumsum(-1).gather(-1, order.argsort(-1))
    return torch.where(sums - chances < p, logits, torch.finfo(logits.dtype).min)


# --- next_tokens --------------------------------------------------------------------------


@right("next_tokens", "Gumbel noise and a maximum", zh="加 Gumbel 噪声后取最大")
def next_tokens_by_gumbel(logits, temperature, k, p):
    logits = _cut(logits / temperature, k, p)
    noise = -torch.empty_like(logits).exponential_().log()
    return (logits + noise).argmax(-1)


@right("next_tokens", "Categorical of torch.distributions", zh="torch.distributions 的 Categorical")
def next_tokens_by_categorical(logits, temperature, k, p):
    return torch.distributions.Categorical(logits=_cut(logits / temperature, k, p)).sample()


@right("next_tokens", "NumPy's choice, row by row", zh="NumPy 的 choice，逐行")
def next_tokens_by_choice(logits, temperature, k, p):
    chances = _cut(logits / temperature, k, p).double().softmax(-1).numpy()
    return [np.random.choice(len(row), p=row) for row in chances]


@right("next_tokens", "from sorted probabilities", zh="在排好序的概率上抽")
def next_tokens_sorted(logits, temperature, k, p):
    chances, order = (logits / temperature).softmax(-1).sort(-1, descending=True)
    if k > 0:
        chances[:, k:] = 0
        chances /= chances.sum(-1, keepdim=True)
    if p < 1:
        chances = chances.where(chances.cumsum(-1) - chances < p, 0)
    return order.gather(-1, torch.multinomial(chances, 1)).squeeze(-1)


def _cut(logits, k, p):
    logits = top_k_by_scatter(logits, k) if k else logits
    return top_p_ascending(logits, p) if p < 1.0 else logits


# --- beam_search --------------------------------------------------------------------------


@right("beam_search", "a heap of lists", zh="用堆和列表")
@torch.no_grad()
def beam_search_by_heap(model, ids, beams, length):
    start, alive = ids[0].tolist(), [(0.0, [])]
    for _ in range(length):
        children = []
        for score, tokens in alive:
            logits = model(torch.tensor([start + tokens])).logits[0, -1]
            values, best = torch.log_softmax(logits, -1).topk(min(beams, logits.numel()))
            children += [
                (score + value, [*tokens, token])
                for value, token in zip(values.tolist(), best.tolist(), strict=True)
            ]
        alive = heapq.nlargest(beams, children)
    score, tokens = max(alive)
    return tokens, score


@right("beam_search", "NumPy, scores in double precision", zh="NumPy，双精度分数")
def beam_search_by_numpy(model, ids, beams, length):
    texts, scores = np.asarray(ids), np.zeros(1)
    for _ in range(length):
        logits = model(torch.from_numpy(texts)).logits[:, -1].detach().numpy().astype(float)
        steps = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        totals = (scores[:, None] + steps).ravel()
        best = np.argsort(-totals, kind="stable")[:beams]
        texts = np.c_[texts[best // steps.shape[1]], best % steps.shape[1]]
        scores = totals[best]
    return texts[0, ids.shape[1] :], scores[0]


@right("beam_search", "a cache that follows the beams", zh="缓存跟着束走")
@torch.no_grad()
def beam_search_cached(model, ids, beams, length):
    out = model(ids, use_cache=True, logits_to_keep=1)
    scores, new = torch.zeros(1), ids[:, :0]  # (N,), (N, t)
    for step in range(length):
        totals = scores[:, None] + out.logits.squeeze(1).log_softmax(-1)
        scores, best = totals.flatten().topk(min(beams, totals.numel()))
        parents, tokens = best // totals.shape[1], best[:, None] % totals.shape[1]
        new = torch.cat([new[parents], tokens], dim=1)
        if step + 1 < length:
            cache = out.past_key_values
            cache.reorder_cache(parents)
            out = model(tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return new[0], scores[0]


# --- greedy_cached ------------------------------------------------------------------------


@right("greedy_cached", "generate of transformers", zh="transformers 的 generate")
def greedy_cached_by_generate(model, ids, max_new_tokens, end):
    return greedy_by_generate(model, ids, max_new_tokens, end)


@right("greedy_cached", "an explicit cache and positions", zh="显式的缓存和位置")
@torch.inference_mode()
def greedy_cached_explicit(model, ids, max_new_tokens, end):
    from transformers import DynamicCache

    cache, new = DynamicCache(), []
    logits = model(ids, past_key_values=cache, use_cache=True).logits
    for place in range(ids.shape[1], ids.shape[1] + max_new_tokens):
        token = logits[:, -1:].argmax(-1)  # (1, 1)
        if token.item() == end:
            break
        new.append(token.item())
        logits = model(
            token, past_key_values=cache, use_cache=True, position_ids=torch.tensor([[place]])
        ).logits
    return new


# --- left_pad, greedy_batch ---------------------------------------------------------------


@right("left_pad", "the tokenizer's way: flip, pad, flip", zh="翻转、补齐、再翻转")
def left_pad_by_flipping(prompts, pad):
    from torch.nn.utils.rnn import pad_sequence

    flipped = [torch.tensor(prompt).flip(0) for prompt in prompts]
    ids = pad_sequence(flipped, batch_first=True, padding_value=pad).flip(1)
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    return ids, torch.arange(ids.shape[1]) >= ids.shape[1] - lengths[:, None]


@right("left_pad", "NumPy", zh="NumPy")
def left_pad_by_numpy(prompts, pad):
    width = max(len(prompt) for prompt in prompts)
    rows = [np.pad(prompt, (width - len(prompt), 0), constant_values=pad) for prompt in prompts]
    marks = [np.pad(np.ones(len(p), int), (width - len(p), 0)) for p in prompts]
    return np.stack(rows), np.stack(marks)


@right("greedy_batch", "generate of transformers", zh="transformers 的 generate")
def greedy_batch_by_generate(model, prompts, max_new_tokens, end):
    if max_new_tokens < 1:
        return [[]] * len(prompts)
    ids, mask = left_pad_by_flipping(prompts, end)
    out = model.generate(
        input_ids=ids, attention_mask=mask.long(), max_new_tokens=max_new_tokens,
        do_sample=False, eos_token_id=end, pad_token_id=end,
    )  # fmt: skip
    rows = out[:, ids.shape[1] :].tolist()
    return [row[: [*row, end].index(end)] for row in rows]


@right("greedy_batch", "with a cache", zh="带缓存")
@torch.no_grad()
def greedy_batch_cached(model, prompts, max_new_tokens, end):
    step, mask = (torch.tensor(np.array(part)) for part in left_pad_by_numpy(prompts, end))
    new, going, cache = defaultdict(list), set(range(len(prompts))), None
    places = (mask.cumsum(1) - 1).clamp(min=0)
    for _ in range(max_new_tokens):
        out = model(
            step, attention_mask=mask, position_ids=places, past_key_values=cache, use_cache=True
        )
        cache, best = out.past_key_values, out.logits[:, -1].argmax(-1)
        going -= {row for row in going if best[row] == end}
        for row in going:
            new[row].append(best[row].item())
        if not going:
            break
        step, places = best[:, None], places[:, -1:] + 1
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)
    return [new[row] for row in range(len(prompts))]


# --- stream_text --------------------------------------------------------------------------


@right("stream_text", "Python's incremental decoder", zh="Python 的增量解码器")
def stream_text_incremental(tokenizer, tokens):
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in visible]
    byte_of = {chr(b): b for b in visible} | {chr(256 + n): b for n, b in enumerate(others)}
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for token in tokens:
        letters = tokenizer.convert_ids_to_tokens(int(token))
        yield decoder.decode(bytes(byte_of[letter] for letter in letters))


@right("stream_text", "a buffer of pending tokens", zh="缓冲未完成的词元")
def stream_text_buffered(tokenizer, tokens):
    pieces, pending, shown = [], [], ""
    for token in tokens:
        pending.append(token)
        text = tokenizer.decode(pending)
        whole = text.rstrip("\ufffd")
        pieces.append(whole[len(shown) :])
        pending, shown = ([], "") if whole == text else (pending, whole)
    return pieces


# --- ask ----------------------------------------------------------------------------------


@right("ask", "by status code, retries by hand", zh="按状态码区分，自己重试")
def ask_by_status(question, *, base_url, model, max_tokens, timeout):
    import openai

    try:
        client = openai.OpenAI(base_url=base_url, max_retries=0)
    except openai.OpenAIError:
        return {"status": "no_key", "text": "", "finish": ""}
    message = {"role": "user", "content": question}
    status = ""
    for _ in range(2):
        try:
            answer = client.with_options(timeout=timeout).chat.completions.create(
                messages=[message], model=model, max_completion_tokens=max_tokens
            )
        except openai.APITimeoutError:
            status = "timeout"
            break
        except openai.APIStatusError as error:
            known = {401: "unauthorized", 429: "rate_limited"}
            status = known.get(error.status_code, "server_error")
            if status == "unauthorized":
                break
        else:
            choice = answer.choices[0]
            text = choice.message.content
            return {"status": "ok", "text": text, "finish": choice.finish_reason}
    return {"status": status, "text": "", "finish": ""}


@right("ask", "a loop with growing pauses and a deadline", zh="间隔逐次加长、带截止时间的循环")
def ask_until_a_deadline(question, *, base_url, model, max_tokens, timeout):
    import time

    import openai

    def failed(status):
        return {"status": status, "text": "", "finish": ""}

    if not os.getenv("OPENAI_API_KEY"):
        return failed("no_key")
    client = openai.OpenAI(base_url=base_url, timeout=timeout, max_retries=0)
    messages, pause, over = [{"role": "user", "content": question}], 0.05, time.monotonic() + 1
    while True:
        try:
            answer = client.chat.completions.create(
                model=model, messages=messages, max_tokens=max_tokens
            )
            choice = answer.choices[0]
            text = choice.message.content
            return {"status": "ok", "text": text, "finish": choice.finish_reason}
        except openai.APITimeoutError:
            return failed("timeout")
        except openai.AuthenticationError:
            return failed("unauthorized")
        except (openai.RateLimitError, openai.InternalServerError) as error:
            if time.monotonic() + pause > over:
                return failed("rate_limited" if error.status_code == 429 else "server_error")
            time.sleep(pause)
            pause *= 2


@right("ask", "the asynchronous client", zh="异步客户端")
def ask_asynchronously(question, *, base_url, model, max_tokens, timeout):
    import asyncio

    import openai

    if "OPENAI_API_KEY" not in os.environ:
        return {"status": "no_key", "text": "", "finish": ""}

    async def talk():
        async with openai.AsyncOpenAI(base_url=base_url, max_retries=1) as client:
            return await client.chat.completions.create(
                messages=[{"role": "user", "content": question}],
                model=model,
                max_tokens=max_tokens,
                timeout=timeout,
            )

    with asyncio.Runner() as runner:
        try:
            choice = runner.run(talk()).choices[0]
            return {"status": "ok", "text": choice.message.content, "finish": choice.finish_reason}
        except openai.OpenAIError as error:
            names = {
                "APITimeoutError": "timeout",
                "AuthenticationError": "unauthorized",
                "RateLimitError": "rate_limited",
            }
            status = names.get(type(error).__name__, "server_error")
            return {"status": status, "text": "", "finish": ""}


# --- write_texts --------------------------------------------------------------------------


@right("write_texts", "own loop over the padded batch", zh="在补齐的批次上自己写循环")
@torch.no_grad()
def write_texts_by_loop(model, tokenizer, prompts, max_new_tokens, temperature):
    end = tokenizer.eos_token_id
    step, mask = left_pad_by_flipping([tokenizer(prompt).input_ids for prompt in prompts], end)
    mask, cache = mask.long(), None
    places = (mask.cumsum(1) - 1).clamp(min=0)
    rows = [[] for _ in prompts]
    for _ in range(max_new_tokens):
        out = model(
            step, attention_mask=mask, position_ids=places, past_key_values=cache, use_cache=True
        )
        cache = out.past_key_values
        tokens = torch.multinomial((out.logits[:, -1] / temperature).softmax(-1), 1)  # (B, 1)
        for row, token in zip(rows, tokens[:, 0].tolist(), strict=True):
            row.append(token)
        step, places = tokens, places[:, -1:] + 1
        mask = torch.cat([mask, torch.ones_like(tokens)], dim=1)
    cut = [row[: row.index(end)] if end in row else row for row in rows]
    return [tokenizer.decode(row).rstrip("\ufffd") for row in cut]


@right("write_texts", "generate, one prompt at a time", zh="generate，一次一个提示")
def write_texts_one_by_one(model, tokenizer, prompts, max_new_tokens, temperature):
    texts = []
    for prompt in prompts:
        encoding = tokenizer(prompt, return_tensors="pt")
        out = model.generate(
            **encoding, do_sample=True, temperature=temperature, top_k=None, top_p=1.0,
            max_length=encoding.input_ids.shape[1] + max_new_tokens,
            pad_token_id=tokenizer.eos_token_id,
        )  # fmt: skip
        new = out[0, encoding.input_ids.shape[1] :].tolist()
        new = [token for token in new if token != tokenizer.eos_token_id]
        texts.append("".join(stream_text_incremental(tokenizer, new)).strip())
    return texts
