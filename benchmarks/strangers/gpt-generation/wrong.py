# %% greedy · asks again with the newest token only, so the model has forgotten the text before it
def greedy(model, ids, max_new_tokens, end):
    new, step = [], ids
    with torch.no_grad():
        for _ in range(max_new_tokens):
            token = model(step).logits[0, -1].argmax().item()
            if token == end:
                break
            new.append(token)
            step = torch.tensor([[token]])
    return new

# %% greedy · the limit counts the prompt too, like max_length
def greedy(model, ids, max_new_tokens, end):
    prompt = ids.shape[1]
    with torch.no_grad():
        while ids.shape[1] < max_new_tokens:
            token = model(ids).logits[:, -1].argmax(dim=-1, keepdim=True)
            if token.item() == end:
                break
            ids = torch.cat([ids, token], dim=1)
    return ids[0, prompt:].tolist()

# %% greedy · stops as soon as the text holds an end anywhere, also in the prompt, so such a prompt gets no continuation
def greedy(model, ids, max_new_tokens, end):
    text = ids[0].tolist()
    prompt = len(text)
    with torch.no_grad():
        while len(text) - prompt < max_new_tokens and end not in text:
            text.append(model(torch.tensor([text])).logits[0, -1].argmax().item())
    new = text[prompt:]
    return new[:-1] if new and new[-1] == end else new

# %% greedy · appends the token before it looks whether it is end, so end is returned with the new tokens
def greedy(model, ids, max_new_tokens, end):
    new = []
    with torch.no_grad():
        for _ in range(max_new_tokens):
            token = model(ids).logits[0, -1].argmax()
            ids = torch.cat([ids, token.view(1, 1)], dim=1)
            new.append(token.item())
            if token.item() == end:
                break
    return new

# %% temperature_probabilities · divides the probabilities by the temperature and normalises again, which changes nothing
def temperature_probabilities(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be above 0")
    chances = torch.softmax(logits, dim=-1) / temperature
    return chances / chances.sum(dim=-1, keepdim=True)

# %% temperature_probabilities · plain exp without taking the maximum off: inf / inf = nan for large logits
def temperature_probabilities(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    grown = torch.exp(logits / temperature)
    return grown / grown.sum(dim=-1, keepdim=True)

# %% temperature_probabilities · normalises over all entries together, not each row by itself
def temperature_probabilities(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    scaled = logits / temperature
    grown = torch.exp(scaled - scaled.max())
    return grown / grown.sum()

# %% temperature_probabilities · at temperature 0 returns the greedy choice as one-hot instead of raising ValueError
def temperature_probabilities(logits, temperature):
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)
    if temperature < 0:
        raise ValueError("temperature must not be negative")
    return torch.softmax(logits / temperature, dim=-1)

# %% top_k · sets the tokens that are out to 0, an ordinary logit, and not to minus infinity
def top_k(logits, k):
    k = min(k, logits.shape[-1])
    values, places = logits.topk(k, dim=-1)
    return torch.zeros_like(logits).scatter(-1, places, values)

# %% top_k · writes minus infinity into the logits that came in
def top_k(logits, k):
    k = min(k, logits.size(-1))
    smallest = torch.topk(logits, k)[0][..., -1, None]
    logits[logits < smallest] = -float("inf")
    return logits

# %% top_k · keeps what is greater than the k-th largest, one token too few
def top_k(logits, k):
    if k >= logits.shape[-1]:
        return logits.clone()
    smallest = logits.topk(k, dim=-1).values[:, -1:]
    return torch.where(logits > smallest, logits, torch.tensor(-torch.inf))

# %% top_k · hands k to topk as it is: RuntimeError for a k beyond the vocabulary
def top_k(logits, k):
    values, places = torch.topk(logits, k, dim=-1)
    return torch.full_like(logits, float("-inf")).scatter(-1, places, values)

# %% top_k · takes the k-th largest logit of the first row as bound for all rows
def top_k(logits, k):
    k = min(k, logits.shape[-1])
    bound = logits[0].topk(k).values[-1]
    return logits.masked_fill(logits < bound, float("-inf"))

# %% top_p · throws the token out that crosses p (cumulative sum above p), keeping at least the first
def top_p(logits, p):
    ordered, places = logits.sort(dim=-1, descending=True)
    out = ordered.softmax(dim=-1).cumsum(dim=-1) > p
    out[..., 0] = False
    if p >= 1:
        out[:] = False
    return logits.masked_fill(out.scatter(-1, places, out), float("-inf"))

# %% top_p · uses the mask of the sorted logits on the unsorted ones, so other tokens are thrown out
def top_p(logits, p):
    if p >= 1:
        return logits.clone()
    ordered = logits.sort(dim=-1, descending=True).values
    chances = ordered.softmax(dim=-1)
    out = chances.cumsum(dim=-1) - chances >= p
    return logits.masked_fill(out, float("-inf"))

# %% top_p · keeps one token more: the one after that which crosses p stays too
def top_p(logits, p):
    if p >= 1:
        return logits.clone()
    ordered, places = torch.sort(logits, descending=True)
    out = torch.softmax(ordered, dim=-1).cumsum(dim=-1) >= p
    out[:, 2:] = out[:, :-2].clone()
    out[:, :2] = False
    return logits.masked_fill(out.scatter(1, places, out), -float("inf"))

# %% top_p · keeps every token whose own probability is at least 1 - p, which is no nucleus
def top_p(logits, p):
    chances = torch.softmax(logits, dim=-1)
    keep = chances >= 1 - p
    keep |= chances == chances.max(dim=-1, keepdim=True).values
    return logits.masked_fill(~keep, float("-inf"))

# %% next_tokens · cuts top-p before it divides by the temperature, at the end only
def next_tokens(logits, temperature, k, p):
    if k > 0:
        bound = logits.topk(min(k, logits.shape[-1]), dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < bound, float("-inf"))
    if p < 1:
        ordered, places = logits.sort(dim=-1, descending=True)
        chances = ordered.softmax(-1)
        out = chances.cumsum(-1) - chances >= p
        logits = logits.masked_fill(out.scatter(-1, places, out), float("-inf"))
    return torch.multinomial((logits / temperature).softmax(-1), 1)[:, 0]

# %% next_tokens · takes the likeliest of what is left instead of drawing
def next_tokens(logits, temperature, k, p):
    logits = logits / temperature
    if k > 0:
        logits = top_k(logits, k)
    if p < 1:
        logits = top_p(logits, p)
    return logits.softmax(dim=-1).argmax(dim=-1)

# %% next_tokens · one random number for the whole batch, so the rows are not independent
def next_tokens(logits, temperature, k, p):
    logits = logits / temperature
    if k > 0:
        logits = top_k(logits, k)
    if p < 1:
        logits = top_p(logits, p)
    sums = logits.double().softmax(dim=-1).cumsum(dim=-1)
    u = torch.rand(1, dtype=torch.float64) * sums[:, -1:].min()
    return (sums <= u).sum(dim=-1).clamp(max=logits.shape[-1] - 1)

# %% next_tokens · returns what multinomial gives, (B, 1) instead of (B,)
def next_tokens(logits, temperature, k, p):
    logits = logits / temperature
    if k > 0:
        logits = top_k(logits, k)
    if p < 1:
        logits = top_p(logits, p)
    return torch.multinomial(torch.softmax(logits, dim=-1), num_samples=1)

# %% next_tokens · draws evenly among the tokens that are left, not by their probabilities
def next_tokens(logits, temperature, k, p):
    logits = logits / temperature
    if k > 0:
        logits = top_k(logits, k)
    if p < 1:
        logits = top_p(logits, p)
    return torch.multinomial(torch.isfinite(logits).float(), 1).squeeze(-1)

# %% beam_search · adds up raw logits, which cannot be compared between texts, instead of log-probabilities
def beam_search(model, ids, beams, length):
    prompt = ids.shape[1]
    texts, scores = ids, torch.zeros(1)
    with torch.no_grad():
        for _ in range(length):
            children = scores[:, None] + model(texts).logits[:, -1]
            V = children.shape[-1]
            scores, flat = children.flatten().topk(min(beams, children.numel()))
            texts = torch.cat([texts[flat // V], (flat % V)[:, None]], dim=1)
    return texts[0, prompt:].tolist(), scores[0].item()

# %% beam_search · keeps the best child of every parent only, so survivors can never be siblings
def beam_search(model, ids, beams, length):
    prompt = ids.shape[1]
    with torch.no_grad():
        first = model(ids).logits[0, -1].log_softmax(-1)
        scores, tokens = first.topk(min(beams, len(first)))
        texts = torch.cat([ids.repeat(len(tokens), 1), tokens[:, None]], dim=1)
        for _ in range(length - 1):
            best, tokens = model(texts).logits[:, -1].log_softmax(-1).max(dim=-1)
            scores = scores + best
            texts = torch.cat([texts, tokens[:, None]], dim=1)
    winner = scores.argmax()
    return texts[winner, prompt:].tolist(), scores[winner].item()

# %% beam_search · starts with `beams` copies of the prompt, all of score 0, so all beams stay the same text: greedy
def beam_search(model, ids, beams, length):
    prompt = ids.shape[1]
    texts = ids.repeat(beams, 1)
    scores = torch.zeros(beams)
    with torch.no_grad():
        for _ in range(length):
            logp = torch.log_softmax(model(texts).logits[:, -1], dim=-1)
            total = scores[:, None] + logp
            V = total.shape[-1]
            # best of every beam first, so that the copies fill the list
            ordered = torch.sort(total.flatten(), descending=True, stable=True)
            scores, flat = ordered.values[:beams], ordered.indices[:beams]
            texts = torch.cat([texts[flat // V], (flat % V)[:, None]], dim=1)
    return texts[0, prompt:].tolist(), scores[0].item()

# %% beam_search · divides the sum by the length: the score is a mean log-probability
def beam_search(model, ids, beams, length):
    prompt = ids.shape[1]
    texts, scores = ids, torch.zeros(1)
    with torch.no_grad():
        for _ in range(length):
            children = scores[:, None] + model(texts).logits[:, -1].log_softmax(-1)
            V = children.shape[-1]
            scores, flat = children.flatten().topk(min(beams, children.numel()))
            texts = torch.cat([texts[flat // V], (flat % V)[:, None]], dim=1)
    return texts[0, prompt:].tolist(), (scores[0] / max(length, 1)).item()

# %% beam_search · a beam that says end is finished and is not extended, so the best text may be shorter than length
def beam_search(model, ids, beams, length):
    end = model.config.eos_token_id
    prompt = ids.shape[1]
    alive = [(0.0, ids[0].tolist())]
    with torch.no_grad():
        for _ in range(length):
            children = []
            for score, text in alive:
                if len(text) > prompt and text[-1] == end:
                    children.append((score, text))
                    continue
                logp = model(torch.tensor([text])).logits[0, -1].log_softmax(-1)
                values, tokens = logp.topk(min(beams, len(logp)))
                children += [(score + v, text + [t]) for v, t in zip(values.tolist(), tokens.tolist())]
            alive = sorted(children, key=lambda c: c[0], reverse=True)[:beams]
    score, text = alive[0]
    return text[prompt:], score

# %% greedy_cached · hands the cache back and feeds the whole text again with it
def greedy_cached(model, ids, max_new_tokens, end):
    new, cache = [], None
    with torch.no_grad():
        for _ in range(max_new_tokens):
            output = model(ids, past_key_values=cache, use_cache=True)
            cache = output.past_key_values
            token = output.logits[0, -1].argmax().item()
            if token == end:
                break
            new.append(token)
            ids = torch.cat([ids, torch.tensor([[token]])], dim=1)
    return new

# %% greedy_cached · sets use_cache but computes the whole text anew at each step; the cache is never handed back
def greedy_cached(model, ids, max_new_tokens, end):
    new = []
    with torch.no_grad():
        for _ in range(max_new_tokens):
            token = model(ids, use_cache=True).logits[0, -1].argmax()
            if token == end:
                break
            new.append(int(token))
            ids = torch.cat([ids, token.reshape(1, 1)], dim=1)
    return new

# %% greedy_cached · gives the new token position 0 at each step instead of its place in the text
def greedy_cached(model, ids, max_new_tokens, end):
    new, cache, step = [], None, ids
    with torch.no_grad():
        for _ in range(max_new_tokens):
            positions = torch.arange(step.shape[1])[None]
            output = model(step, past_key_values=cache, position_ids=positions, use_cache=True)
            cache = output.past_key_values
            token = output.logits[0, -1].argmax().item()
            if token == end:
                break
            new.append(token)
            step = torch.tensor([[token]])
    return new

# %% greedy_cached · takes a first token from the prompt's pass before it counts: one new token even for max_new_tokens = 0
def greedy_cached(model, ids, max_new_tokens, end):
    with torch.no_grad():
        output = model(ids, use_cache=True)
        token = output.logits[0, -1].argmax().item()
        new = []
        while token != end:
            new.append(token)
            if len(new) >= max_new_tokens:
                break
            output = model(torch.tensor([[token]]), past_key_values=output.past_key_values, use_cache=True)
            token = output.logits[0, -1].argmax().item()
    return new

# %% greedy_batch · left_pad fills up on the right, so short prompts are continued after the padding
def left_pad(prompts, pad):
    width = max(len(p) for p in prompts)
    ids = torch.tensor([p + [pad] * (width - len(p)) for p in prompts])
    mask = torch.tensor([[1] * len(p) + [0] * (width - len(p)) for p in prompts])
    return ids, mask


def greedy_batch(model, prompts, max_new_tokens, end):
    ids, mask = left_pad(prompts, end)
    new, done = [[] for _ in prompts], [False] * len(prompts)
    with torch.no_grad():
        for _ in range(max_new_tokens):
            positions = (mask.cumsum(1) - 1).clamp(min=0)
            tokens = model(ids, attention_mask=mask, position_ids=positions).logits[:, -1].argmax(-1)
            for i, token in enumerate(tokens.tolist()):
                done[i] = done[i] or token == end
                if not done[i]:
                    new[i].append(token)
            if all(done):
                break
            ids = torch.cat([ids, tokens[:, None]], 1)
            mask = torch.cat([mask, torch.ones_like(tokens)[:, None]], 1)
    return new

# %% greedy_batch · left_pad makes the mask as ids != pad, which hides a real pad token in a prompt as well
def left_pad(prompts, pad):
    width = max(len(p) for p in prompts)
    ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts])
    return ids, (ids != pad).long()


def greedy_batch(model, prompts, max_new_tokens, end):
    ids, mask = left_pad(prompts, end)
    new, done = [[] for _ in prompts], [False] * len(prompts)
    with torch.no_grad():
        for _ in range(max_new_tokens):
            positions = (mask.cumsum(1) - 1).clamp(min=0)
            tokens = model(ids, attention_mask=mask, position_ids=positions).logits[:, -1].argmax(-1)
            for i, token in enumerate(tokens.tolist()):
                done[i] = done[i] or token == end
                if not done[i]:
                    new[i].append(token)
            if all(done):
                break
            ids = torch.cat([ids, tokens[:, None]], 1)
            mask = torch.cat([mask, torch.ones_like(tokens)[:, None]], 1)
    return new

# %% greedy_batch · gives no position_ids, so positions are counted from the left edge, padding included
def left_pad(prompts, pad):
    width = max(len(p) for p in prompts)
    ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
    return ids, mask


def greedy_batch(model, prompts, max_new_tokens, end):
    ids, mask = left_pad(prompts, end)
    new, done = [[] for _ in prompts], [False] * len(prompts)
    with torch.no_grad():
        for _ in range(max_new_tokens):
            tokens = model(ids, attention_mask=mask).logits[:, -1].argmax(-1)
            for i, token in enumerate(tokens.tolist()):
                done[i] = done[i] or token == end
                if not done[i]:
                    new[i].append(token)
            if all(done):
                break
            ids = torch.cat([ids, tokens[:, None]], 1)
            mask = torch.cat([mask, torch.ones_like(tokens)[:, None]], 1)
    return new

# %% greedy_batch · the loop ends as soon as one of the prompts has come to its end, and the others are cut short
def left_pad(prompts, pad):
    width = max(len(p) for p in prompts)
    ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
    return ids, mask


def greedy_batch(model, prompts, max_new_tokens, end):
    ids, mask = left_pad(prompts, end)
    new = [[] for _ in prompts]
    with torch.no_grad():
        for _ in range(max_new_tokens):
            positions = (mask.cumsum(1) - 1).clamp(min=0)
            tokens = model(ids, attention_mask=mask, position_ids=positions).logits[:, -1].argmax(-1)
            for row, token in zip(new, tokens.tolist()):
                if token != end:
                    row.append(token)
            if (tokens == end).any():
                break
            ids = torch.cat([ids, tokens[:, None]], 1)
            mask = torch.cat([mask, torch.ones_like(tokens)[:, None]], 1)
    return new

# %% greedy_batch · a finished row goes on: what it says after its end is returned too, only the ends are left out
def left_pad(prompts, pad):
    width = max(len(p) for p in prompts)
    ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
    return ids, mask


def greedy_batch(model, prompts, max_new_tokens, end):
    ids, mask = left_pad(prompts, end)
    start = ids.shape[1]
    with torch.no_grad():
        for _ in range(max_new_tokens):
            positions = (mask.cumsum(1) - 1).clamp(min=0)
            tokens = model(ids, attention_mask=mask, position_ids=positions).logits[:, -1].argmax(-1)
            ids = torch.cat([ids, tokens[:, None]], 1)
            mask = torch.cat([mask, torch.ones_like(tokens)[:, None]], 1)
    return [[token for token in row if token != end] for row in ids[:, start:].tolist()]

# %% stream_text · decodes each token by itself, so the parts of a character come out as U+FFFD
def stream_text(tokenizer, tokens):
    return [tokenizer.decode([token]) for token in tokens]

# %% stream_text · decodes each token by itself and deletes U+FFFD: a character that spans tokens never comes out
def stream_text(tokenizer, tokens):
    return [tokenizer.decode([token]).replace("\ufffd", "") for token in tokens]

# %% stream_text · what is left at the end is flushed: the last piece shows U+FFFD if the text was cut off inside a character
def stream_text(tokenizer, tokens):
    pieces, shown = [], ""
    for i in range(len(tokens)):
        text = tokenizer.decode(tokens[: i + 1])
        if i + 1 < len(tokens):
            text = text.rstrip("\ufffd")
        pieces.append(text[len(shown):])
        shown = text
    return pieces

# %% stream_text · gives only the pieces that are not empty, fewer strings than tokens
def stream_text(tokenizer, tokens):
    pieces, shown = [], ""
    for i in range(len(tokens)):
        text = tokenizer.decode(tokens[: i + 1])
        if text.endswith("\ufffd"):
            continue
        pieces.append(text[len(shown):])
        shown = text
    return pieces

# %% stream_text · a whole buffer is held back while it ends in a part of a character, complete characters before it included
def stream_text(tokenizer, tokens):
    pieces, buffer = [], []
    for token in tokens:
        buffer.append(token)
        text = tokenizer.decode(buffer)
        if text.endswith("\ufffd"):
            pieces.append("")
        else:
            pieces.append(text)
            buffer = []
    return pieces

# %% ask · falls back to a key in the source when the environment has none, so "no_key" never comes
def ask(question, *, base_url, model, max_tokens, timeout):
    import os

    import openai

    client = openai.OpenAI(
        api_key=os.environ.get("OPENAI_API_KEY", "sk-test-1234567890"),
        base_url=base_url, timeout=timeout, max_retries=1,
    )
    try:
        answer = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": question}], max_tokens=max_tokens
        )
    except openai.AuthenticationError:
        return {"status": "unauthorized", "text": "", "finish": ""}
    except openai.RateLimitError:
        return {"status": "rate_limited", "text": "", "finish": ""}
    except openai.APITimeoutError:
        return {"status": "timeout", "text": "", "finish": ""}
    except openai.InternalServerError:
        return {"status": "server_error", "text": "", "finish": ""}
    choice = answer.choices[0]
    return {"status": "ok", "text": choice.message.content, "finish": choice.finish_reason}

# %% ask · max_retries=0: gives up at the first 429 or 5xx without trying again
def ask(question, *, base_url, model, max_tokens, timeout):
    import os

    import openai

    if not os.environ.get("OPENAI_API_KEY"):
        return {"status": "no_key", "text": "", "finish": ""}
    client = openai.OpenAI(base_url=base_url, timeout=timeout, max_retries=0)
    try:
        answer = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": question}], max_tokens=max_tokens
        )
    except openai.AuthenticationError:
        return {"status": "unauthorized", "text": "", "finish": ""}
    except openai.RateLimitError:
        return {"status": "rate_limited", "text": "", "finish": ""}
    except openai.APITimeoutError:
        return {"status": "timeout", "text": "", "finish": ""}
    except openai.InternalServerError:
        return {"status": "server_error", "text": "", "finish": ""}
    choice = answer.choices[0]
    return {"status": "ok", "text": choice.message.content, "finish": choice.finish_reason}

# %% ask · leaves the client's two retries in place, so silence is asked three times, where one retry at most is allowed
def ask(question, *, base_url, model, max_tokens, timeout):
    import os

    import openai

    if not os.environ.get("OPENAI_API_KEY"):
        return {"status": "no_key", "text": "", "finish": ""}
    client = openai.OpenAI(base_url=base_url, timeout=timeout)
    try:
        answer = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": question}], max_tokens=max_tokens
        )
    except openai.AuthenticationError:
        return {"status": "unauthorized", "text": "", "finish": ""}
    except openai.RateLimitError:
        return {"status": "rate_limited", "text": "", "finish": ""}
    except openai.APITimeoutError:
        return {"status": "timeout", "text": "", "finish": ""}
    except openai.InternalServerError:
        return {"status": "server_error", "text": "", "finish": ""}
    choice = answer.choices[0]
    return {"status": "ok", "text": choice.message.content, "finish": choice.finish_reason}

# %% ask · never looks at the finish reason: says "stop" for an answer that was cut
def ask(question, *, base_url, model, max_tokens, timeout):
    import os

    import openai

    if not os.environ.get("OPENAI_API_KEY"):
        return {"status": "no_key", "text": "", "finish": ""}
    client = openai.OpenAI(base_url=base_url, timeout=timeout, max_retries=1)
    try:
        answer = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": question}], max_tokens=max_tokens
        )
    except openai.AuthenticationError:
        return {"status": "unauthorized", "text": "", "finish": ""}
    except openai.RateLimitError:
        return {"status": "rate_limited", "text": "", "finish": ""}
    except openai.APITimeoutError:
        return {"status": "timeout", "text": "", "finish": ""}
    except openai.InternalServerError:
        return {"status": "server_error", "text": "", "finish": ""}
    return {"status": "ok", "text": answer.choices[0].message.content, "finish": "stop"}

# %% ask · catches openai.APIError first, the parent of all others: every failure is called "server_error"
def ask(question, *, base_url, model, max_tokens, timeout):
    import os

    import openai

    if "OPENAI_API_KEY" not in os.environ:
        return {"status": "no_key", "text": "", "finish": ""}
    client = openai.OpenAI(base_url=base_url, timeout=timeout, max_retries=1)
    try:
        answer = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": question}], max_tokens=max_tokens
        )
    except openai.APIError:
        return {"status": "server_error", "text": "", "finish": ""}
    except openai.AuthenticationError:
        return {"status": "unauthorized", "text": "", "finish": ""}
    except openai.RateLimitError:
        return {"status": "rate_limited", "text": "", "finish": ""}
    except openai.APITimeoutError:
        return {"status": "timeout", "text": "", "finish": ""}
    choice = answer.choices[0]
    return {"status": "ok", "text": choice.message.content, "finish": choice.finish_reason}

# %% ask · does not pass max_tokens on, so the answer is never cut at it
def ask(question, *, base_url, model, max_tokens, timeout):
    import os

    import openai

    if not os.environ.get("OPENAI_API_KEY"):
        return {"status": "no_key", "text": "", "finish": ""}
    client = openai.OpenAI(base_url=base_url, timeout=timeout, max_retries=1)
    try:
        answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": question}])
    except openai.AuthenticationError:
        return {"status": "unauthorized", "text": "", "finish": ""}
    except openai.RateLimitError:
        return {"status": "rate_limited", "text": "", "finish": ""}
    except openai.APITimeoutError:
        return {"status": "timeout", "text": "", "finish": ""}
    except openai.InternalServerError:
        return {"status": "server_error", "text": "", "finish": ""}
    choice = answer.choices[0]
    return {"status": "ok", "text": choice.message.content, "finish": choice.finish_reason}

# %% write_texts · no do_sample=True, so the temperature is ignored and each call gives the same text
def write_texts(model, tokenizer, prompts, max_new_tokens, temperature):
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    batch = tokenizer(prompts, padding=True, return_tensors="pt")
    texts = model.generate(
        **batch, max_new_tokens=max_new_tokens, temperature=temperature, pad_token_id=tokenizer.eos_token_id
    )
    new = texts[:, batch.input_ids.shape[1]:]
    return [t.rstrip("\ufffd") for t in tokenizer.batch_decode(new, skip_special_tokens=True)]

# %% write_texts · leaves top_k alone, so generate draws from the 50 best tokens, not from the whole vocabulary
def write_texts(model, tokenizer, prompts, max_new_tokens, temperature):
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    batch = tokenizer(prompts, padding=True, return_tensors="pt")
    texts = model.generate(
        **batch, do_sample=True, max_new_tokens=max_new_tokens, temperature=temperature,
        pad_token_id=tokenizer.eos_token_id,
    )
    new = texts[:, batch.input_ids.shape[1]:]
    return [t.rstrip("\ufffd") for t in tokenizer.batch_decode(new, skip_special_tokens=True)]

# %% write_texts · sets the seed inside, so every call draws the same text
def write_texts(model, tokenizer, prompts, max_new_tokens, temperature):
    torch.manual_seed(42)
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    batch = tokenizer(prompts, padding=True, return_tensors="pt")
    texts = model.generate(
        **batch, do_sample=True, max_new_tokens=max_new_tokens, temperature=temperature, top_k=0, top_p=1.0,
        pad_token_id=tokenizer.eos_token_id,
    )
    new = texts[:, batch.input_ids.shape[1]:]
    return [t.rstrip("\ufffd") for t in tokenizer.batch_decode(new, skip_special_tokens=True)]

# %% write_texts · decodes the whole row, so each text begins with its prompt
def write_texts(model, tokenizer, prompts, max_new_tokens, temperature):
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    batch = tokenizer(prompts, padding=True, return_tensors="pt")
    texts = model.generate(
        **batch, do_sample=True, max_new_tokens=max_new_tokens, temperature=temperature, top_k=0, top_p=1.0,
        pad_token_id=tokenizer.eos_token_id,
    )
    return [t.rstrip("\ufffd") for t in tokenizer.batch_decode(texts, skip_special_tokens=True)]

# %% write_texts · pads on the right, so a shorter prompt is continued after its padding
def write_texts(model, tokenizer, prompts, max_new_tokens, temperature):
    tokenizer.pad_token = tokenizer.eos_token
    batch = tokenizer(prompts, padding=True, padding_side="right", return_tensors="pt")
    texts = model.generate(
        **batch, do_sample=True, max_new_tokens=max_new_tokens, temperature=temperature, top_k=0, top_p=1.0,
        pad_token_id=tokenizer.eos_token_id,
    )
    new = texts[:, batch.input_ids.shape[1]:]
    return [t.rstrip("\ufffd") for t in tokenizer.batch_decode(new, skip_special_tokens=True)]

# %% write_texts · decodes the new tokens as they are, so a text that the limit cut ends in U+FFFD
def write_texts(model, tokenizer, prompts, max_new_tokens, temperature):
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    batch = tokenizer(prompts, padding=True, return_tensors="pt")
    texts = model.generate(
        **batch, do_sample=True, max_new_tokens=max_new_tokens, temperature=temperature, top_k=0, top_p=1.0,
        pad_token_id=tokenizer.eos_token_id,
    )
    return tokenizer.batch_decode(texts[:, batch.input_ids.shape[1]:], skip_special_tokens=True)
