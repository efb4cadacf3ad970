# %% greedy · plain loop over a Python list
def greedy(model, ids, max_new_tokens, end):
    text = ids[0].tolist()
    new = []
    while len(new) < max_new_tokens:
        with torch.no_grad():
            logits = model(torch.tensor([text])).logits
        token = int(logits[0, -1].argmax())
        if token == end:
            break
        text.append(token)
        new.append(token)
    return new

# %% temperature_probabilities · by hand in float64, maximum taken off
def temperature_probabilities(logits, temperature):
    if temperature <= 0:
        raise ValueError("the temperature must be above 0")
    z = logits.double()
    z = (z - z.max(dim=-1, keepdim=True).values) / temperature
    grown = torch.exp(z)
    return grown / grown.sum(dim=-1, keepdim=True)

# %% top_k · row by row
def top_k(logits, k):
    out = torch.full_like(logits, float("-inf"))
    for b in range(logits.shape[0]):
        order = sorted(range(logits.shape[1]), key=lambda v: float(logits[b, v]), reverse=True)
        for v in order[:k]:
            out[b, v] = logits[b, v]
    return out

# %% top_p · row by row, adding up until p is reached
def top_p(logits, p):
    out = torch.full_like(logits, float("-inf"))
    for b in range(logits.shape[0]):
        chances = torch.softmax(logits[b].double(), dim=-1).tolist()
        order = sorted(range(len(chances)), key=lambda v: chances[v], reverse=True)
        total = 0.0
        for v in order:
            out[b, v] = logits[b, v]
            total += chances[v]
            if total >= p and p < 1:
                break
    return out

# %% next_tokens · one row after the other in NumPy, inverse of the cumulative distribution
def next_tokens(logits, temperature, k, p):
    tokens = []
    for row in logits.double().numpy():
        z = row / temperature
        order = np.argsort(-z)  # the best first
        if k > 0:
            order = order[:k]
        chances = np.exp(z[order] - z[order[0]])
        chances = chances / chances.sum()
        if p < 1:
            kept, total = 0, 0.0
            while kept < len(order) and total < p:
                total += chances[kept]
                kept += 1
            order, chances = order[:kept], chances[:kept] / chances[:kept].sum()
        u = float(torch.rand(1, dtype=torch.float64))
        place = int(np.searchsorted(np.cumsum(chances), u, side="right"))
        tokens.append(int(order[min(place, len(order) - 1)]))
    return torch.tensor(tokens)

# %% beam_search · list of (score, text), every child looked at
def beam_search(model, ids, beams, length):
    alive = [(0.0, [])]
    prompt = ids[0].tolist()
    for _ in range(length):
        children = []
        for score, new in alive:
            with torch.no_grad():
                logits = model(torch.tensor([prompt + new])).logits[0, -1].double()
            logp = torch.log_softmax(logits, dim=-1).tolist()
            for token, value in enumerate(logp):
                children.append((score + value, new + [token]))
        children.sort(key=lambda child: child[0], reverse=True)
        alive = children[:beams]
    score, new = alive[0]
    return new, score

# %% greedy_cached · prompt first, then one token at a time
def greedy_cached(model, ids, max_new_tokens, end):
    new = []
    cache = None
    step = ids
    while len(new) < max_new_tokens:
        with torch.no_grad():
            output = model(step, past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        token = int(output.logits[0, -1].argmax())
        if token == end:
            break
        new.append(token)
        step = torch.tensor([[token]])
    return new

# %% greedy_batch · lists, padded anew at each step
def left_pad(prompts, pad):
    width = max(len(prompt) for prompt in prompts)
    ids, mask = [], []
    for prompt in prompts:
        missing = width - len(prompt)
        ids.append([pad] * missing + list(prompt))
        mask.append([0] * missing + [1] * len(prompt))
    return torch.tensor(ids), torch.tensor(mask)


def greedy_batch(model, prompts, max_new_tokens, end):
    new = [[] for _ in prompts]
    open_rows = list(range(len(prompts)))
    for _ in range(max_new_tokens):
        if not open_rows:
            break
        ids, mask = left_pad([list(prompts[i]) + new[i] for i in open_rows], end)
        positions = torch.clamp(mask.cumsum(dim=1) - 1, min=0)
        with torch.no_grad():
            logits = model(ids, attention_mask=mask, position_ids=positions).logits[:, -1]
        still = []
        for i, token in zip(open_rows, logits.argmax(dim=-1).tolist()):
            if token != end:
                new[i].append(token)
                still.append(i)
        open_rows = still
    return new

# %% stream_text · bytes by the GPT-2 alphabet, length of a character from its first byte
def stream_text(tokenizer, tokens):
    visible = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    byte_of = {chr(b): b for b in visible}
    n = 0
    for b in range(256):
        if b not in visible:
            byte_of[chr(256 + n)] = b
            n += 1
    pieces, waiting = [], []
    for token in tokens:
        for letter in tokenizer.convert_ids_to_tokens(int(token)):
            waiting.append(byte_of[letter])
        piece = ""
        while waiting:
            first = waiting[0]
            need = 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
            if len(waiting) < need:
                break
            piece += bytes(waiting[:need]).decode("utf-8")
            waiting = waiting[need:]
        pieces.append(piece)
    return pieces

# %% ask · own loop of retries, client without any
def ask(question, *, base_url, model, max_tokens, timeout):
    import os
    import time

    import openai

    def failed(status):
        return {"status": status, "text": "", "finish": ""}

    key = os.environ.get("OPENAI_API_KEY")
    if not key:
        return failed("no_key")
    client = openai.OpenAI(api_key=key, base_url=base_url, timeout=timeout, max_retries=0)
    status = "server_error"
    for pause in (0.3, 0.8, None):
        try:
            answer = client.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": question}],
                max_tokens=max_tokens,
            )
            choice = answer.choices[0]
            return {"status": "ok", "text": choice.message.content or "", "finish": choice.finish_reason}
        except openai.AuthenticationError:
            return failed("unauthorized")
        except openai.APITimeoutError:
            return failed("timeout")
        except openai.RateLimitError:
            status = "rate_limited"
        except openai.InternalServerError:
            status = "server_error"
        if pause is not None:
            time.sleep(pause)
    return failed(status)

# %% write_texts · one prompt after the other, own loop, no padding at all
def write_texts(model, tokenizer, prompts, max_new_tokens, temperature):
    texts = []
    for prompt in prompts:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        new = []
        while len(new) < max_new_tokens:
            with torch.no_grad():
                logits = model(ids).logits[0, -1].double()
            token = torch.multinomial(torch.softmax(logits / temperature, dim=-1), 1)
            if token.item() == tokenizer.eos_token_id:
                break
            new.append(token.item())
            ids = torch.cat([ids, token[None]], dim=1)
        text = tokenizer.decode(new).strip()
        while text.endswith("\ufffd"):
            text = text[:-1].strip()
        texts.append(text)
    return texts
