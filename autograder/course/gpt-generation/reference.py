"""The oracle for `gpt-generation`: transformers' own search and warpers, or the slow obvious way.

Answers that a learner may build on earlier ones take those as keyword arguments.
"""

import codecs
import functools

import torch
from transformers import (
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)


@torch.no_grad()
def greedy(model, ids, max_new_tokens, end):
    """Return the new tokens of ``generate`` without sampling, up to the end token."""
    if max_new_tokens == 0:
        return []
    out = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=max_new_tokens,
        eos_token_id=end,
        pad_token_id=end,
    )
    return _up_to(out[0, ids.shape[1] :].tolist(), end)


def greedy_cached(model, ids, max_new_tokens, end):
    """Return the same: ``generate`` keeps a cache unless told otherwise."""
    return greedy(model, ids, max_new_tokens, end)


def _up_to(tokens, end):
    return tokens[: tokens.index(end)] if end in tokens else tokens


def temperature_probabilities(logits, temperature):
    """Return the softmax of what transformers' warper makes of the logits."""
    if temperature <= 0:
        raise ValueError("a temperature is above 0")
    return TemperatureLogitsWarper(float(temperature))(None, logits.double()).softmax(-1)


def top_k(logits, k):
    """Return the logits with all but the k largest of each row at minus infinity."""
    return TopKLogitsWarper(k)(None, logits)


def top_p(logits, p):
    """Return the logits with all but the nucleus of each row at minus infinity."""
    return TopPLogitsWarper(p)(None, logits)


_top_k, _top_p = top_k, top_p


def next_tokens(logits, temperature, k, p, *, top_k=None, top_p=None):
    """Draw one token a row by inverting the cumulative distribution, in double precision."""
    scores = logits / temperature
    if k > 0:
        scores = (top_k or _top_k)(scores, k)
    if p < 1:
        scores = (top_p or _top_p)(scores, p)
    shares = torch.as_tensor(scores).double().softmax(-1)  # (B, V)
    if shares.isnan().any():  # where nothing is left nobody can draw; torch says it in its words
        torch.multinomial(shares, 1)
    cumulative = shares.cumsum(-1)
    draws = torch.rand(len(cumulative), 1, dtype=torch.float64) * cumulative[:, -1:]
    return torch.searchsorted(cumulative, draws, right=True)[:, 0]


@torch.no_grad()
def beam_search(model, ids, beams, length):
    """Score every child of every survivor on its own, one sequence at a time."""
    survivors = [((), 0.0)]
    for _ in range(length):
        children = []
        for tokens, score in survivors:
            text = torch.cat([ids, torch.tensor([tokens], dtype=torch.long)], dim=1)  # (1, T)
            steps = model(text).logits[0, -1].double().log_softmax(-1).tolist()
            children += [((*tokens, token), score + step) for token, step in enumerate(steps)]
        survivors = sorted(children, key=lambda child: -child[1])[:beams]
    tokens, score = survivors[0]
    return list(tokens), score


def left_pad(prompts, pad):
    """Return tokens and mask as nested lists."""
    width = max(len(prompt) for prompt in prompts)
    ids = [[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return ids, mask


_left_pad = left_pad


@torch.no_grad()
def greedy_batch(model, prompts, max_new_tokens, end, *, left_pad=None):
    """Return the new tokens of each prompt, from one ``generate`` over the padded batch."""
    if max_new_tokens == 0:
        return [[] for _ in prompts]
    ids, mask = (torch.as_tensor(part) for part in (left_pad or _left_pad)(prompts, end))
    mask = mask.long()
    out = model.generate(
        ids.long(),
        attention_mask=mask,
        # By themselves they are these only where the padding is left_pad's: a learner's may not be.
        position_ids=(mask.cumsum(1) - 1).clamp(min=0),
        do_sample=False,
        max_new_tokens=max_new_tokens,
        eos_token_id=end,
        pad_token_id=end,
    )
    return [_up_to(row, end) for row in out[:, ids.shape[1] :].tolist()]


def stream_text(tokenizer, tokens):
    """Return the text that each token completes, by Python's incremental decoder of UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    return [decoder.decode(_bytes(tokenizer, [token])) for token in tokens]


def _bytes(tokenizer, tokens):
    byte_of = _byte_alphabet()
    written = "".join(tokenizer.convert_ids_to_tokens(list(tokens)))
    return bytes(byte_of[letter] for letter in written)


@functools.cache
def _byte_alphabet():
    """How GPT-2 writes bytes as letters: the visible ones as they are, the rest from 256 on."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in visible]
    letters = {chr(256 + n): byte for n, byte in enumerate(hidden)}
    return {**{chr(byte): byte for byte in visible}, **letters}


def ask(question, *, base_url, model, max_tokens, timeout):
    """Ask the endpoint with the official client; return status, text and finish reason."""
    import openai

    failures = {
        openai.AuthenticationError: "unauthorized",
        openai.RateLimitError: "rate_limited",
        openai.APITimeoutError: "timeout",
        openai.InternalServerError: "server_error",
    }
    try:
        with openai.OpenAI(base_url=base_url, timeout=timeout, max_retries=1) as client:
            answer = client.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": question}],
                max_completion_tokens=max_tokens,
            )
    except tuple(failures) as error:
        return {"status": failures[type(error)], "text": "", "finish": ""}
    except openai.OpenAIError:
        return {"status": "no_key", "text": "", "finish": ""}
    choice = answer.choices[0]
    return {"status": "ok", "text": choice.message.content, "finish": choice.finish_reason}


@torch.no_grad()
def write_texts(model, tokenizer, prompts, max_new_tokens, temperature):
    """Draw token by token, one prompt at a time; equal prompts share their first step."""
    first, texts = {}, []
    for prompt in prompts:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        if prompt not in first:
            first[prompt] = model(ids).logits[0, -1]
        tokens, logits = [], first[prompt]
        while len(tokens) < max_new_tokens:
            chances = (logits.double() / temperature).softmax(-1)
            tokens.append(int(torch.multinomial(chances, 1)))
            if tokens[-1] == tokenizer.eos_token_id or len(tokens) == max_new_tokens:
                break
            logits = model(torch.cat([ids, torch.tensor([tokens])], dim=1)).logits[0, -1]
        tokens = [token for token in tokens if token != tokenizer.eos_token_id]
        texts.append(_bytes(tokenizer, tokens).decode("utf-8", "ignore"))
    return texts
