# %% greedy · generator and itertools
from itertools import islice, takewhile


def greedy(model, ids, max_new_tokens, end):
    def says(text):
        while True:
            with torch.inference_mode():
                best = np.argmax(model(input_ids=text).logits[0, -1].numpy())
            yield int(best)
            text = torch.cat((text, torch.tensor([[int(best)]])), dim=-1)

    return list(takewhile(lambda token: token != end, islice(says(ids.clone()), max_new_tokens)))

# %% temperature_probabilities · exp(log_softmax)
def temperature_probabilities(logits, temperature):
    if not temperature > 0:
        raise ValueError("temperature > 0 wanted")
    scaled = logits * (1.0 / temperature)
    return (scaled - scaled.logsumexp(-1, keepdim=True)).exp()

# %% top_k · scatter into a fresh tensor
def top_k(logits, k):
    best = logits.topk(min(k, logits.shape[-1]), dim=-1)
    return torch.full_like(logits, -torch.inf).scatter_(-1, best.indices, best.values)

# %% top_p · NumPy, searchsorted for each row
def top_p(logits, p):
    result = np.full(logits.shape, -np.inf)
    for row, z in zip(result, logits.double().numpy()):
        order = np.argsort(z)[::-1]
        chances = np.exp(z[order] - z[order[0]])
        sums = np.cumsum(chances / chances.sum())
        n = len(z) if p >= 1 else 1 + np.searchsorted(sums, p, side="left")
        row[order[:n]] = z[order[:n]]
    return torch.from_numpy(result).to(logits.dtype)

# %% next_tokens · Gumbel noise
def next_tokens(logits, temperature, k, p):
    z = logits / temperature
    z = top_k(z, k) if k > 0 else z
    z = top_p(z, p) if p < 1 else z
    noise = -torch.log(torch.empty_like(z, dtype=torch.float64).exponential_())
    return (z.double() + noise).argmax(dim=-1)

# %% beam_search · heapq over the beams' own best children
import heapq


def beam_search(model, ids, beams, length):
    alive = [(0.0, ())]
    for _ in range(length):
        texts = torch.cat([ids.expand(len(alive), -1), torch.tensor([new for _, new in alive], dtype=torch.long).view(len(alive), -1)], dim=1)
        with torch.no_grad():
            logp = torch.nn.functional.log_softmax(model(texts).logits[:, -1], dim=-1)
        values, tokens = logp.topk(min(beams, logp.shape[1]), dim=1)
        children = (
            (score + value, (*new, token))
            for (score, new), vs, ts in zip(alive, values.tolist(), tokens.tolist())
            for value, token in zip(vs, ts)
        )
        alive = heapq.nlargest(beams, children, key=lambda child: child[0])
    score, new = alive[0]
    return list(new), np.float64(score)

# %% greedy_cached · DynamicCache made by hand
from transformers import DynamicCache


def greedy_cached(model, ids, max_new_tokens, end):
    cache = DynamicCache()
    text = ids
    done = 0
    with torch.no_grad():
        while text.shape[1] - ids.shape[1] < max_new_tokens:
            out = model(input_ids=text[:, done:], past_key_values=cache, use_cache=True)
            cache, done = out.past_key_values, text.shape[1]
            best = out.logits[:, -1].argmax(-1)
            if int(best) == end:
                break
            text = torch.hstack([text, best[:, None]])
    return text[0, ids.shape[1]:].tolist()

# %% greedy_batch · pad_sequence on reversed rows, and a cache
from torch.nn.utils.rnn import pad_sequence


def left_pad(prompts, pad):
    rows = [torch.tensor(prompt[::-1]) for prompt in map(list, prompts)]
    ids = pad_sequence(rows, batch_first=True, padding_value=pad).flip(1)
    mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True).flip(1)
    return ids, mask


def greedy_batch(model, prompts, max_new_tokens, end):
    step, mask = left_pad(prompts, end)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    new, done, cache = [[] for _ in prompts], set(), None
    with torch.no_grad():
        for _ in range(max_new_tokens):
            out = model(step, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            best = out.logits[:, -1].argmax(-1)
            for i, token in enumerate(best.tolist()):
                if token == end:
                    done.add(i)
                elif i not in done:
                    new[i].append(token)
            if len(done) == len(prompts):
                break
            step = best[:, None]
            mask = torch.cat([mask, torch.ones_like(step)], dim=1)
            positions = positions[:, -1:] + 1
    return new

# %% stream_text · prefixes of the bytes, half characters ignored, difference of the texts
def stream_text(tokenizer, tokens):
    def byte_level():
        keep = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
        rest = [b for b in range(256) if b not in keep]
        return dict(zip([chr(b) for b in keep] + [chr(256 + i) for i in range(len(rest))], keep + rest))

    table, data, texts = byte_level(), bytearray(), [""]
    for token in tokens:
        data += bytearray(table[c] for c in tokenizer.convert_ids_to_tokens([int(token)])[0])
        texts.append(data.decode("utf-8", errors="ignore"))
    return [after[len(before):] for before, after in zip(texts, texts[1:])]

# %% ask · statuses in a table, by the code of the answer
def ask(question, *, base_url, model, max_tokens, timeout):
    import os

    from openai import APIStatusError, APITimeoutError, OpenAI

    result = dict.fromkeys(("status", "text", "finish"), "")
    try:
        key = os.environ["OPENAI_API_KEY"]
    except KeyError:
        return result | {"status": "no_key"}

    def once(retries):
        with OpenAI(api_key=key, base_url=base_url, timeout=timeout, max_retries=retries) as client:
            answer = client.chat.completions.create(
                model=model, messages=[dict(role="user", content=str(question))], max_tokens=max_tokens, stream=False
            )
        choice = answer.choices[0]
        return result | {"status": "ok", "text": choice.message.content or "", "finish": choice.finish_reason}

    try:
        return once(1)
    except APITimeoutError:
        return result | {"status": "timeout"}
    except APIStatusError as error:
        names = {401: "unauthorized", 429: "rate_limited"}
        if error.status_code >= 500:
            return result | {"status": "server_error"}
        if error.status_code not in names:
            raise
        return result | {"status": names[error.status_code]}

# %% write_texts · batch with left padding and an own loop that draws
def write_texts(model, tokenizer, prompts, max_new_tokens, temperature):
    end = tokenizer.eos_token_id
    rows = [tokenizer(prompt).input_ids for prompt in prompts]
    width = max(map(len, rows), default=0)
    ids = torch.tensor([[end] * (width - len(r)) + r for r in rows])
    mask = torch.tensor([[0] * (width - len(r)) + [1] * len(r) for r in rows])
    new, done = [[] for _ in rows], [False] * len(rows)
    with torch.no_grad():
        for _ in range(max_new_tokens):
            positions = (mask.cumsum(-1) - 1).clamp(min=0)
            logits = model(ids, attention_mask=mask, position_ids=positions).logits[:, -1]
            drawn = torch.distributions.Categorical(logits=logits / temperature).sample()
            for i, token in enumerate(drawn.tolist()):
                done[i] = done[i] or token == end
                if not done[i]:
                    new[i].append(token)
            if all(done):
                break
            ids = torch.cat([ids, drawn[:, None]], -1)
            mask = torch.cat([mask, torch.ones_like(drawn)[:, None]], -1)
    texts = []
    for row in new:
        text = tokenizer.decode(row)
        while text and (text[-1] == "\ufffd" or text[-1].isspace()):
            text = text[:-1]
        texts.append(text)
    return texts
