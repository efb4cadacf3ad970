# %% kv_cache_bytes · ifs and a loop over layers
def kv_cache_bytes(config, tokens, bytes_per_value=2):
    heads = getattr(config, "num_key_value_heads", None)
    if heads is None:
        heads = config.num_attention_heads
    dim = getattr(config, "head_dim", None)
    if dim is None:
        dim = config.hidden_size / config.num_attention_heads
    total = 0
    for _ in range(config.num_hidden_layers):
        keys = heads * dim * tokens
        values = heads * dim * tokens
        total += (keys + values) * bytes_per_value
    return total

# %% step_time · spelled out
def step_time(parameters, tokens, cache_bytes, bandwidth, peak_flops, bytes_per_weight=2):
    bytes_read = parameters * bytes_per_weight + cache_bytes
    reading = bytes_read / bandwidth
    operations = 2 * parameters * tokens
    computing = operations / peak_flops
    if computing > reading:
        return {"seconds": computing, "bound": "compute"}
    return {"seconds": reading, "bound": "memory"}

# %% fuse_conv_bn · a deep copy of the convolution, channel by channel in float64
def fuse_conv_bn(conv, bn):
    fused = copy.deepcopy(conv)
    weight = conv.weight.detach().double().clone()
    bias = torch.zeros(conv.out_channels, dtype=torch.float64)
    for c in range(conv.out_channels):
        gamma = 1.0 if bn.weight is None else float(bn.weight[c])
        beta = 0.0 if bn.bias is None else float(bn.bias[c])
        scale = gamma / math.sqrt(float(bn.running_var[c]) + bn.eps)
        before = 0.0 if conv.bias is None else float(conv.bias[c])
        weight[c] = weight[c] * scale
        bias[c] = scale * (before - float(bn.running_mean[c])) + beta
    fused.weight = nn.Parameter(weight.to(conv.weight.dtype))
    fused.bias = nn.Parameter(bias.to(conv.weight.dtype))
    return fused

# %% tiled_attention · one key after the other, float64
def tiled_attention(query, tiles):
    q = query.double() / math.sqrt(query.shape[1])
    top = total = summed = None
    for keys, values in tiles:
        for key, value in zip(keys, values):
            score = q @ key.double()
            if top is None:
                top = score
                total = torch.ones_like(score)
                summed = torch.ones(len(score), 1, dtype=torch.float64) * value.double()
                continue
            now = torch.maximum(top, score)
            shrink, share = torch.exp(top - now), torch.exp(score - now)
            total = total * shrink + share
            summed = summed * shrink[:, None] + share[:, None] * value.double()
            top = now
    return (summed / total[:, None]).to(query.dtype)

# %% tensor_parallel_mlp · unit by unit
def tensor_parallel_mlp(x, up, down, rank, world_size, all_reduce):
    H = up.weight.shape[0]
    first, last = rank * H // world_size, (rank + 1) * H // world_size
    part = torch.zeros(x.shape[0], down.weight.shape[0], dtype=x.dtype)
    for h in range(first, last):
        hidden = F.gelu(x @ up.weight[h] + up.bias[h])
        part = part + hidden[:, None] * down.weight[:, h][None, :]
    return all_reduce(part) + down.bias

# %% accept_drafts · Python floats and lists
def accept_drafts(drafted, draft_probabilities, target_probabilities, uniforms):
    for i in range(len(drafted)):
        token = int(drafted[i])
        p = target_probabilities[i].double().tolist()
        q = draft_probabilities[i].double().tolist()
        if float(uniforms[i]) < p[token] / q[token]:
            continue
        rest = [max(a - b, 0.0) for a, b in zip(p, q)]
        total = sum(rest)
        return i, torch.tensor([r / total for r in rest], dtype=torch.float64)
    return len(drafted), target_probabilities[len(drafted)].clone()

# %% speculative_generate · a plain while loop
def speculative_generate(target, draft, ids, max_new_tokens, gamma, generator):
    text = ids.clone()
    wanted = len(ids) + max_new_tokens
    while len(text) < wanted:
        longer, rows = text, []
        for _ in range(gamma):
            q = draft(longer)[-1]
            token = torch.multinomial(q, 1, generator=generator)
            longer = torch.cat([longer, token])
            rows.append(q)
        p = target(longer)[len(text) - 1 :]
        drafted = longer[len(text) :]
        uniforms = torch.rand(gamma, generator=generator)
        count, after = accept_drafts(drafted, torch.stack(rows), p, uniforms)
        token = torch.multinomial(after, 1, generator=generator)
        text = torch.cat([text, drafted[:count], token])
    return text[:wanted]

# %% cache_waste · two loops
def cache_waste(history, page_size):
    slots = held = 0
    for step in history:
        for tokens in step.values():
            pages = 0
            while pages * page_size < tokens:
                pages += 1
            slots += pages * page_size
            held += tokens
    if slots == 0:
        return 0
    return (slots - held) / slots

# %% continuous_batching · dicts, one part after the other as in the text
def continuous_batching(requests, num_pages, page_size):
    def pages_for(tokens):
        return -(-tokens // page_size)

    tokens = {i: prompt for i, (_, prompt, _) in enumerate(requests)}
    waiting = list(range(len(requests)))
    pages = {}
    finished = 0
    history = []
    step = 0
    while finished < len(requests):
        # 1. admit
        waiting.sort()
        while waiting:
            first = waiting[0]
            if requests[first][0] > step:
                break
            need = pages_for(tokens[first])
            if need > num_pages - sum(pages.values()):
                break
            pages[first] = need
            waiting.pop(0)
        # 2. write
        for number in sorted(pages):
            if number not in pages:
                continue
            if tokens[number] == pages[number] * page_size:
                while number in pages and sum(pages.values()) == num_pages:
                    victim = max(pages)
                    del pages[victim]
                    waiting.append(victim)
                if number not in pages:
                    continue
                pages[number] += 1
            tokens[number] += 1
        # 3. record
        history.append({number: tokens[number] for number in sorted(pages)})
        # 4. finish
        for number in list(pages):
            if tokens[number] == requests[number][1] + requests[number][2]:
                del pages[number]
                finished += 1
        step += 1
    return history
