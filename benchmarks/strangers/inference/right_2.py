# %% kv_cache_bytes · getattr with or
def kv_cache_bytes(config, tokens, bytes_per_value=2):
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * dim * tokens * bytes_per_value

# %% step_time · max of two
def step_time(parameters, tokens, cache_bytes, bandwidth, peak_flops, bytes_per_weight=2):
    memory = (parameters * bytes_per_weight + cache_bytes) / bandwidth
    compute = 2 * parameters * tokens / peak_flops
    return {"seconds": max(memory, compute), "bound": "memory" if memory >= compute else "compute"}

# %% fuse_conv_bn · a new module, vectorised
def fuse_conv_bn(conv, bn):
    fused = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, stride=conv.stride,
        padding=conv.padding, dilation=conv.dilation, groups=conv.groups, bias=True,
        padding_mode=conv.padding_mode, device=conv.weight.device, dtype=conv.weight.dtype,
    )
    gamma = torch.ones_like(bn.running_mean) if bn.weight is None else bn.weight
    beta = torch.zeros_like(bn.running_mean) if bn.bias is None else bn.bias
    bias = torch.zeros_like(bn.running_mean) if conv.bias is None else conv.bias
    scale = gamma * torch.rsqrt(bn.running_var + bn.eps)
    with torch.no_grad():
        fused.weight.copy_(conv.weight * scale[:, None, None, None])
        fused.bias.copy_((bias - bn.running_mean) * scale + beta)
    return fused.eval()

# %% tiled_attention · online softmax as in the lesson
def tiled_attention(query, tiles):
    scale = query.shape[-1] ** -0.5
    largest = query.new_full((len(query), 1), -torch.inf)
    total = query.new_zeros(len(query), 1)
    summed = 0
    for key, value in tiles:
        scores = (query * scale) @ key.T
        now = torch.maximum(largest, scores.amax(-1, keepdim=True))
        shrink, powers = (largest - now).exp(), (scores - now).exp()
        total = total * shrink + powers.sum(-1, keepdim=True)
        summed = summed * shrink + powers @ value
        largest = now
    return summed / total

# %% tensor_parallel_mlp · F.linear on slices
def tensor_parallel_mlp(x, up, down, rank, world_size, all_reduce):
    width = up.out_features // world_size
    own = slice(rank * width, (rank + 1) * width)
    hidden = F.gelu(F.linear(x, up.weight[own], up.bias[own]))
    return all_reduce(F.linear(hidden, down.weight[:, own])) + down.bias

# %% accept_drafts · gather, cumprod
def accept_drafts(drafted, draft_probabilities, target_probabilities, uniforms):
    places = torch.arange(len(drafted))
    ratio = target_probabilities[places, drafted] / draft_probabilities[places, drafted]
    count = int((uniforms < ratio).long().cumprod(0).sum())
    if count == len(drafted):
        return count, target_probabilities[-1]
    rest = (target_probabilities[count] - draft_probabilities[count]).clamp(min=0)
    return count, rest / rest.sum()

# %% speculative_generate · drafts no more than are needed
def speculative_generate(target, draft, ids, max_new_tokens, gamma, generator):
    text, end = ids, len(ids) + max_new_tokens
    while len(text) < end:
        now = min(gamma, end - len(text) - 1)
        drafts, q = text, []
        for _ in range(now):
            q.append(draft(drafts)[-1])
            drafts = torch.cat([drafts, torch.multinomial(q[-1], 1, generator=generator)])
        p = target(drafts)[-now - 1 :]
        if now:
            new = drafts[-now:]
            kept, after = accept_drafts(new, torch.stack(q), p, torch.rand(now, generator=generator))
        else:
            new, kept, after = drafts[:0], 0, p[-1]
        text = torch.cat([text, new[:kept], torch.multinomial(after, 1, generator=generator)])
    return text if max_new_tokens else ids.clone()

# %% cache_waste · ceil division and two sums
def cache_waste(history, page_size):
    held = [n for step in history for n in step.values()]
    slots = sum(-(-n // page_size) * page_size for n in held)
    return 1 - sum(held) / slots if slots else 0.0

# %% continuous_batching · a free-page counter and a heap
def continuous_batching(requests, num_pages, page_size):
    import heapq

    def ceil(n):
        return (n + page_size - 1) // page_size

    size = [prompt for _, prompt, _ in requests]
    goal = [prompt + new for _, prompt, new in requests]
    queue, running, free, history, left = list(range(len(requests))), [], num_pages, [], len(requests)
    heapq.heapify(queue)
    while left:
        step = len(history)
        while queue and requests[queue[0]][0] <= step and ceil(size[queue[0]]) <= free:
            free -= ceil(size[queue[0]])
            running.append(heapq.heappop(queue))
        running.sort()
        i = 0
        while i < len(running):
            n = running[i]
            if size[n] % page_size == 0:
                while not free and i < len(running):
                    out = running.pop()
                    free += ceil(size[out])
                    heapq.heappush(queue, out)
                if i == len(running):
                    break
                free -= 1
            size[n] += 1
            i += 1
        history.append({n: size[n] for n in running})
        done = [n for n in running if size[n] == goal[n]]
        free += sum(ceil(goal[n]) for n in done)
        running = [n for n in running if size[n] < goal[n]]
        left -= len(done)
    return history
