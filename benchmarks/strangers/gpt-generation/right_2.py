# %% greedy · tensors, torch.cat
@torch.no_grad()
def greedy(model, ids, max_new_tokens, end):
    start = ids.shape[1]
    for _ in range(max_new_tokens):
        token = model(ids).logits[:, -1].argmax(dim=-1, keepdim=True)
        if token.item() == end:
            break
        ids = torch.cat([ids, token], dim=1)
    return ids[0, start:].tolist()

# %% temperature_probabilities · torch.softmax
def temperature_probabilities(logits, temperature):
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, not {temperature}")
    return torch.softmax(logits / temperature, dim=-1)

# %% top_k · topk and masked_fill
def top_k(logits, k):
    k = min(k, logits.shape[-1])
    bound = logits.topk(k, dim=-1).values[..., -1:]
    return logits.masked_fill(logits < bound, float("-inf"))

# %% top_p · sort, exclusive cumulative sum, scatter back
def top_p(logits, p):
    if p >= 1:
        return logits.clone()
    ordered, places = logits.sort(dim=-1, descending=True)
    chances = ordered.softmax(dim=-1)
    out_sorted = chances.cumsum(dim=-1) - chances >= p
    out_sorted[:, 0] = False
    out = torch.zeros_like(out_sorted).scatter(-1, places, out_sorted)
    return logits.masked_fill(out, float("-inf"))

# %% next_tokens · torch.multinomial on the batch
def next_tokens(logits, temperature, k, p):
    logits = logits / temperature
    if k > 0:
        logits = top_k(logits, k)
    if p < 1:
        logits = top_p(logits, p)
    return torch.multinomial(logits.softmax(dim=-1), num_samples=1).squeeze(1)

# %% beam_search · one batch of beams, topk over the flattened children
@torch.no_grad()
def beam_search(model, ids, beams, length):
    start = ids.shape[1]
    scores = torch.zeros(1)
    for _ in range(length):
        logp = model(ids).logits[:, -1].log_softmax(dim=-1)
        children = (scores[:, None] + logp).flatten()
        scores, flat = children.topk(min(beams, children.numel()))
        parent = torch.div(flat, logp.shape[-1], rounding_mode="floor")
        ids = torch.cat([ids[parent], (flat % logp.shape[-1])[:, None]], dim=1)
    return ids[0, start:].tolist(), scores[0].item()

# %% greedy_cached · for loop, step and cache carried along
@torch.no_grad()
def greedy_cached(model, ids, max_new_tokens, end):
    new, step, cache = [], ids, None
    for _ in range(max_new_tokens):
        output = model(step, past_key_values=cache, use_cache=True)
        step, cache = output.logits[:, -1:].argmax(dim=-1), output.past_key_values
        if step.item() == end:
            break
        new.append(step.item())
    return new

# %% greedy_batch · tensors with a mask of finished rows
def left_pad(prompts, pad):
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    width = int(lengths.max())
    mask = (torch.arange(width) >= width - lengths[:, None]).long()
    ids = torch.full((len(prompts), width), pad)
    ids[mask.bool()] = torch.tensor([token for prompt in prompts for token in prompt])
    return ids, mask


@torch.no_grad()
def greedy_batch(model, prompts, max_new_tokens, end):
    ids, mask = left_pad(prompts, end)
    done = torch.zeros(len(prompts), dtype=torch.bool)
    columns = []
    for _ in range(max_new_tokens):
        positions = (mask.cumsum(dim=-1) - 1).clamp_min(0)
        token = model(ids, attention_mask=mask, position_ids=positions).logits[:, -1].argmax(dim=-1)
        done |= token == end
        if done.all():
            break
        token = torch.where(done, end, token)
        columns.append(token)
        ids = torch.cat([ids, token[:, None]], dim=1)
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
    if not columns:
        return [[] for _ in prompts]
    return [[t for t in row if t != end] for row in torch.stack(columns, dim=1).tolist()]

# %% stream_text · incremental decoder of codecs
import codecs


def stream_text(tokenizer, tokens):
    alphabet = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    table = {chr(b): b for b in alphabet}
    table |= {chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in alphabet)}
    decoder = codecs.getincrementaldecoder("utf-8")()
    return [
        decoder.decode(bytes(table[c] for c in piece))
        for piece in tokenizer.convert_ids_to_tokens([int(token) for token in tokens])
    ]

# %% ask · the client's own retry, one for everything
def ask(question, *, base_url, model, max_tokens, timeout):
    import os

    import openai

    nothing = {"text": "", "finish": ""}
    if not os.environ.get("OPENAI_API_KEY"):
        return {"status": "no_key", **nothing}
    client = openai.OpenAI(base_url=base_url, timeout=timeout, max_retries=1)
    try:
        choice = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": question}], max_tokens=max_tokens
        ).choices[0]
    except openai.APITimeoutError:
        return {"status": "timeout", **nothing}
    except openai.AuthenticationError:
        return {"status": "unauthorized", **nothing}
    except openai.RateLimitError:
        return {"status": "rate_limited", **nothing}
    except openai.InternalServerError:
        return {"status": "server_error", **nothing}
    return {"status": "ok", "text": choice.message.content, "finish": choice.finish_reason}

# %% write_texts · model.generate, padded on the left
def write_texts(model, tokenizer, prompts, max_new_tokens, temperature):
    if max_new_tokens < 1:
        return ["" for _ in prompts]
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    batch = tokenizer(list(prompts), padding=True, padding_side="left", return_tensors="pt")
    written = model.generate(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        do_sample=True,
        temperature=float(temperature),
        top_k=0,
        top_p=1.0,
        max_new_tokens=max_new_tokens,
        pad_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    texts = tokenizer.batch_decode(written[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return [text.rstrip().rstrip("\ufffd").rstrip() for text in texts]
