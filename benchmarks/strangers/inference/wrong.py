# %% kv_cache_bytes · multiplies by the query heads (num_attention_heads) although num_key_value_heads is given
def kv_cache_bytes(config, tokens, bytes_per_value=2):
    dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * config.num_attention_heads * dim * tokens * bytes_per_value

# %% kv_cache_bytes · counts one vector for each token and head, not a key and a value (factor 2 missing)
def kv_cache_bytes(config, tokens, bytes_per_value=2):
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return config.num_hidden_layers * heads * dim * tokens * bytes_per_value

# %% kv_cache_bytes · takes defaults by getattr only, so that a head_dim or num_key_value_heads held as None raises TypeError
def kv_cache_bytes(config, tokens, bytes_per_value=2):
    heads = getattr(config, "num_key_value_heads", config.num_attention_heads)
    dim = getattr(config, "head_dim", config.hidden_size // config.num_attention_heads)
    return 2 * config.num_hidden_layers * heads * dim * tokens * bytes_per_value

# %% kv_cache_bytes · always takes hidden_size / num_attention_heads and ignores a given head_dim
def kv_cache_bytes(config, tokens, bytes_per_value=2):
    heads = getattr(config, "num_key_value_heads", None)
    if heads is None:
        heads = config.num_attention_heads
    dim = config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * dim * tokens * bytes_per_value

# %% step_time · adds reading and computing instead of taking the longer of the two
def step_time(parameters, tokens, cache_bytes, bandwidth, peak_flops, bytes_per_weight=2):
    memory = (parameters * bytes_per_weight + cache_bytes) / bandwidth
    compute = 2 * parameters * tokens / peak_flops
    return {"seconds": memory + compute, "bound": "memory" if memory > compute else "compute"}

# %% step_time · reads the weights once for each token
def step_time(parameters, tokens, cache_bytes, bandwidth, peak_flops, bytes_per_weight=2):
    memory = (parameters * bytes_per_weight * tokens + cache_bytes) / bandwidth
    compute = 2 * parameters * tokens / peak_flops
    return {"seconds": max(memory, compute), "bound": "memory" if memory > compute else "compute"}

# %% step_time · counts one operation for each parameter and token instead of two
def step_time(parameters, tokens, cache_bytes, bandwidth, peak_flops, bytes_per_weight=2):
    memory = (parameters * bytes_per_weight + cache_bytes) / bandwidth
    compute = parameters * tokens / peak_flops
    return {"seconds": max(memory, compute), "bound": "memory" if memory > compute else "compute"}

# %% step_time · lets weights in fewer bits be multiplied faster: peak_flops times 2 / bytes_per_weight
def step_time(parameters, tokens, cache_bytes, bandwidth, peak_flops, bytes_per_weight=2):
    memory = (parameters * bytes_per_weight + cache_bytes) / bandwidth
    compute = 2 * parameters * tokens / (peak_flops * 2 / bytes_per_weight)
    return {"seconds": max(memory, compute), "bound": "memory" if memory > compute else "compute"}

# %% fuse_conv_bn · drops the convolution's own bias: b' = β − s μ
def fuse_conv_bn(conv, bn):
    fused = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride,
        conv.padding, conv.dilation, conv.groups, bias=True, padding_mode=conv.padding_mode,
    )
    gamma = bn.weight if bn.weight is not None else torch.ones_like(bn.running_mean)
    beta = bn.bias if bn.bias is not None else torch.zeros_like(bn.running_mean)
    scale = gamma / torch.sqrt(bn.running_var + bn.eps)
    fused.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
    fused.bias = nn.Parameter(beta - scale * bn.running_mean)
    return fused

# %% fuse_conv_bn · hands over stride and padding only; dilation and groups of the new convolution are 1
def fuse_conv_bn(conv, bn):
    fused = nn.Conv2d(
        conv.in_channels, conv.out_channels, kernel_size=conv.kernel_size,
        stride=conv.stride, padding=conv.padding, bias=True,
    )
    gamma = bn.weight if bn.weight is not None else torch.ones_like(bn.running_mean)
    beta = bn.bias if bn.bias is not None else torch.zeros_like(bn.running_mean)
    bias = conv.bias if conv.bias is not None else torch.zeros_like(bn.running_mean)
    scale = gamma / torch.sqrt(bn.running_var + bn.eps)
    fused.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
    fused.bias = nn.Parameter(scale * (bias - bn.running_mean) + beta)
    return fused

# %% fuse_conv_bn · changes weight and bias of the convolution that was passed in and returns that one, not a new one
def fuse_conv_bn(conv, bn):
    gamma = bn.weight if bn.weight is not None else torch.ones_like(bn.running_mean)
    beta = bn.bias if bn.bias is not None else torch.zeros_like(bn.running_mean)
    bias = conv.bias if conv.bias is not None else torch.zeros_like(bn.running_mean)
    scale = gamma / torch.sqrt(bn.running_var + bn.eps)
    conv.weight.data = conv.weight.data * scale.view(-1, 1, 1, 1)
    conv.bias = nn.Parameter(scale * (bias - bn.running_mean) + beta)
    return conv

# %% fuse_conv_bn · reads bn.weight and bn.bias without asking whether they are there: affine=False raises TypeError
def fuse_conv_bn(conv, bn):
    fused = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride,
        conv.padding, conv.dilation, conv.groups, bias=True, padding_mode=conv.padding_mode,
    )
    scale = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    bias = conv.bias if conv.bias is not None else torch.zeros_like(bn.running_mean)
    fused.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
    fused.bias = nn.Parameter(scale * (bias - bn.running_mean) + bn.bias)
    return fused

# %% tiled_attention · when a larger score turns up only the sum of exponentials shrinks, not the weighted sum of values
def tiled_attention(query, tiles):
    largest = torch.full((query.shape[0], 1), -torch.inf)
    total = torch.zeros(query.shape[0], 1)
    output = 0
    for key, value in tiles:
        scores = query @ key.T / math.sqrt(query.shape[1])
        now = torch.maximum(largest, scores.max(dim=-1, keepdim=True).values)
        powers = torch.exp(scores - now)
        total = total * torch.exp(largest - now) + powers.sum(dim=-1, keepdim=True)
        output = output + powers @ value
        largest = now
    return output / total

# %% tiled_attention · collects all tiles in a list and joins them, so memory grows with their number
def tiled_attention(query, tiles):
    tiles = list(tiles)
    key = torch.cat([k for k, _ in tiles])
    value = torch.cat([v for _, v in tiles])
    weights = torch.softmax(query @ key.T / math.sqrt(query.shape[1]), dim=-1)
    return weights @ value

# %% tiled_attention · takes a softmax within each tile and averages the tiles' outputs
def tiled_attention(query, tiles):
    output, number = 0, 0
    for key, value in tiles:
        weights = torch.softmax(query @ key.T / math.sqrt(query.shape[1]), dim=-1)
        output = output + weights @ value
        number += 1
    return output / number

# %% tiled_attention · sums up the exponentials of the raw scores without a maximum: large scores overflow to nan
def tiled_attention(query, tiles):
    total = torch.zeros(query.shape[0], 1)
    output = 0
    for key, value in tiles:
        powers = torch.exp(query @ key.T / math.sqrt(query.shape[1]))
        total = total + powers.sum(dim=-1, keepdim=True)
        output = output + powers @ value
    return output / total

# %% tensor_parallel_mlp · every rank adds down.bias before the all-reduce, so that it is counted world_size times
def tensor_parallel_mlp(x, up, down, rank, world_size, all_reduce):
    width = up.out_features // world_size
    own = slice(rank * width, (rank + 1) * width)
    hidden = F.gelu(F.linear(x, up.weight[own], up.bias[own]))
    return all_reduce(F.linear(hidden, down.weight[:, own], down.bias))

# %% tensor_parallel_mlp · computes all hidden units and multiplies those of the others by 0, but nan times 0 is nan
def tensor_parallel_mlp(x, up, down, rank, world_size, all_reduce):
    width = up.out_features // world_size
    mask = torch.zeros(up.out_features)
    mask[rank * width : (rank + 1) * width] = 1
    hidden = F.gelu(up(x)) * mask
    return all_reduce(hidden @ (down.weight * mask).T) + down.bias

# %% tensor_parallel_mlp · only rank 0 adds down.bias, and it does so after the all-reduce, so the other ranks return the sum without it
def tensor_parallel_mlp(x, up, down, rank, world_size, all_reduce):
    width = up.out_features // world_size
    own = slice(rank * width, (rank + 1) * width)
    hidden = F.gelu(F.linear(x, up.weight[own], up.bias[own]))
    output = all_reduce(F.linear(hidden, down.weight[:, own]))
    if rank == 0:
        output = output + down.bias
    return output

# %% tensor_parallel_mlp · deals the hidden units out in turn (rank, rank + w, …) instead of in contiguous blocks
def tensor_parallel_mlp(x, up, down, rank, world_size, all_reduce):
    own = slice(rank, None, world_size)
    hidden = F.gelu(F.linear(x, up.weight[own], up.bias[own]))
    return all_reduce(F.linear(hidden, down.weight[:, own])) + down.bias

# %% accept_drafts · counts every accepted draft, also those after the first rejection
def accept_drafts(drafted, draft_probabilities, target_probabilities, uniforms):
    places = torch.arange(len(drafted))
    ratio = target_probabilities[places, drafted] / draft_probabilities[places, drafted]
    count = int((uniforms < ratio).sum())
    if count == len(drafted):
        return count, target_probabilities[-1]
    rest = (target_probabilities[count] - draft_probabilities[count]).clamp(min=0)
    if rest.sum() == 0:
        return count, target_probabilities[count]
    return count, rest / rest.sum()

# %% accept_drafts · after a rejection gives the target's own distribution p_i instead of what it has above q_i
def accept_drafts(drafted, draft_probabilities, target_probabilities, uniforms):
    count = 0
    for x, q, p, u in zip(drafted, draft_probabilities, target_probabilities, uniforms):
        if u >= p[x] / q[x]:
            break
        count += 1
    return count, target_probabilities[count]

# %% accept_drafts · does not divide max(p − q, 0) by its sum
def accept_drafts(drafted, draft_probabilities, target_probabilities, uniforms):
    for i, x in enumerate(drafted.tolist()):
        p, q = target_probabilities[i], draft_probabilities[i]
        if not uniforms[i] < p[x] / q[x]:
            return i, torch.clamp(p - q, min=0)
    return len(drafted), target_probabilities[-1]

# %% accept_drafts · accepts where u ≤ p/q, so that u = 0 lets in a draft to which the target gives probability 0
def accept_drafts(drafted, draft_probabilities, target_probabilities, uniforms):
    for i, x in enumerate(drafted.tolist()):
        p, q = target_probabilities[i], draft_probabilities[i]
        if uniforms[i] <= torch.clamp(p[x] / q[x], max=1):
            continue
        rest = torch.relu(p - q)
        return i, rest / rest.sum()
    return len(drafted), target_probabilities[-1]

# %% speculative_generate · the draft takes its likeliest token (argmax) instead of drawing, though the rule divides by q
def speculative_generate(target, draft, ids, max_new_tokens, gamma, generator):
    text = ids.clone()
    end = len(ids) + max_new_tokens
    while len(text) < end:
        longer, rows = text, []
        for _ in range(gamma):
            q = draft(longer)[-1]
            longer = torch.cat([longer, q.argmax().reshape(1)])
            rows.append(q)
        p = target(longer)[len(text) - 1 :]
        uniforms = torch.rand(gamma, generator=generator)
        count, after = accept_drafts(longer[len(text) :], torch.stack(rows), p, uniforms)
        token = torch.multinomial(torch.as_tensor(after), 1, generator=generator)
        text = torch.cat([longer[: len(text) + int(count)], token])
    return text[:end]

# %% speculative_generate · calls the target once for each draft (on each prefix) instead of once a round
def speculative_generate(target, draft, ids, max_new_tokens, gamma, generator):
    text = ids.clone()
    end = len(ids) + max_new_tokens
    while len(text) < end:
        longer, rows = text, []
        for _ in range(gamma):
            q = draft(longer)[-1]
            longer = torch.cat([longer, torch.multinomial(q, 1, generator=generator)])
            rows.append(q)
        p = torch.stack([target(longer[:n])[-1] for n in range(len(text), len(longer) + 1)])
        uniforms = torch.rand(gamma, generator=generator)
        count, after = accept_drafts(longer[len(text) :], torch.stack(rows), p, uniforms)
        token = torch.multinomial(torch.as_tensor(after), 1, generator=generator)
        text = torch.cat([longer[: len(text) + int(count)], token])
    return text[:end]

# %% speculative_generate · draws the numbers for acceptance from torch's global state, so equal seeds of the generator give unequal texts
def speculative_generate(target, draft, ids, max_new_tokens, gamma, generator):
    text = ids.clone()
    end = len(ids) + max_new_tokens
    while len(text) < end:
        longer, rows = text, []
        for _ in range(gamma):
            q = draft(longer)[-1]
            longer = torch.cat([longer, torch.multinomial(q, 1, generator=generator)])
            rows.append(q)
        p = target(longer)[len(text) - 1 :]
        count, after = accept_drafts(longer[len(text) :], torch.stack(rows), p, torch.rand(gamma))
        token = torch.multinomial(torch.as_tensor(after), 1, generator=generator)
        text = torch.cat([longer[: len(text) + int(count)], token])
    return text[:end]

# %% speculative_generate · takes the target's rows one place too late: row t of a draft's own position instead of the one before it
def speculative_generate(target, draft, ids, max_new_tokens, gamma, generator):
    text = ids.clone()
    end = len(ids) + max_new_tokens
    while len(text) < end:
        longer, rows = text, []
        for _ in range(gamma):
            q = draft(longer)[-1]
            longer = torch.cat([longer, torch.multinomial(q, 1, generator=generator)])
            rows.append(q)
        p = target(longer)[len(text) :]
        p = torch.cat([p, p[-1:]])
        uniforms = torch.rand(gamma, generator=generator)
        count, after = accept_drafts(longer[len(text) :], torch.stack(rows), p, uniforms)
        token = torch.multinomial(torch.as_tensor(after), 1, generator=generator)
        text = torch.cat([longer[: len(text) + int(count)], token])
    return text[:end]

# %% cache_waste · averages the shares of the steps instead of dividing the sums over all steps
def cache_waste(history, page_size):
    shares = []
    for step in history:
        slots = sum(-(-n // page_size) * page_size for n in step.values())
        if slots:
            shares.append(1 - sum(step.values()) / slots)
    return sum(shares) / len(shares) if shares else 0

# %% cache_waste · reserves tokens // page_size + 1 pages, one too many where the tokens fill their pages exactly
def cache_waste(history, page_size):
    slots = held = 0
    for step in history:
        for tokens in step.values():
            slots += (tokens // page_size + 1) * page_size
            held += tokens
    return 1 - held / slots if slots else 0

# %% cache_waste · rounds the tokens of all requests of a step up together, as if requests shared their last page
def cache_waste(history, page_size):
    held = [sum(step.values()) for step in history]
    slots = sum(math.ceil(n / page_size) * page_size for n in held)
    if slots == 0:
        return 0.0
    return (slots - sum(held)) / slots

# %% continuous_batching · skips a request that does not fit and admits later ones that do (they overtake)
def continuous_batching(requests, num_pages, page_size):
    size = [prompt for _, prompt, _ in requests]
    waiting, pages, history, done = list(range(len(requests))), {}, [], 0
    while done < len(requests):
        for i in sorted(waiting):
            need = -(-size[i] // page_size)
            if requests[i][0] <= len(history) and need <= num_pages - sum(pages.values()):
                pages[i] = need
                waiting.remove(i)
        for i in sorted(pages):
            if i not in pages:
                continue
            if size[i] == pages[i] * page_size:
                while i in pages and sum(pages.values()) == num_pages:
                    victim = max(pages)
                    del pages[victim]
                    waiting.append(victim)
                if i not in pages:
                    continue
                pages[i] += 1
            size[i] += 1
        history.append({i: size[i] for i in sorted(pages)})
        for i in list(pages):
            if size[i] == requests[i][1] + requests[i][2]:
                del pages[i]
                done += 1
    return history

# %% continuous_batching · a preempted request loses what it had generated and starts again from its prompt
def continuous_batching(requests, num_pages, page_size):
    size = [prompt for _, prompt, _ in requests]
    waiting, pages, history, done = list(range(len(requests))), {}, [], 0
    while done < len(requests):
        waiting.sort()
        while waiting and requests[waiting[0]][0] <= len(history):
            need = -(-size[waiting[0]] // page_size)
            if need > num_pages - sum(pages.values()):
                break
            pages[waiting.pop(0)] = need
        for i in sorted(pages):
            if i not in pages:
                continue
            if size[i] == pages[i] * page_size:
                while i in pages and sum(pages.values()) == num_pages:
                    victim = max(pages)
                    del pages[victim]
                    size[victim] = requests[victim][1]
                    waiting.append(victim)
                if i not in pages:
                    continue
                pages[i] += 1
            size[i] += 1
        history.append({i: size[i] for i in sorted(pages)})
        for i in list(pages):
            if size[i] == requests[i][1] + requests[i][2]:
                del pages[i]
                done += 1
    return history

# %% continuous_batching · preempts the request that needs the page itself, not the running one with the largest number
def continuous_batching(requests, num_pages, page_size):
    size = [prompt for _, prompt, _ in requests]
    waiting, pages, history, done = list(range(len(requests))), {}, [], 0
    while done < len(requests):
        waiting.sort()
        while waiting and requests[waiting[0]][0] <= len(history):
            need = -(-size[waiting[0]] // page_size)
            if need > num_pages - sum(pages.values()):
                break
            pages[waiting.pop(0)] = need
        for i in sorted(pages):
            if size[i] == pages[i] * page_size:
                if sum(pages.values()) == num_pages:
                    del pages[i]
                    waiting.append(i)
                    continue
                pages[i] += 1
            size[i] += 1
        history.append({i: size[i] for i in sorted(pages)})
        for i in list(pages):
            if size[i] == requests[i][1] + requests[i][2]:
                del pages[i]
                done += 1
    return history

# %% continuous_batching · records nothing for steps in which no request runs, so steps spent waiting for an arrival are missing
def continuous_batching(requests, num_pages, page_size):
    size = [prompt for _, prompt, _ in requests]
    waiting, pages, history, done, step = list(range(len(requests))), {}, [], 0, 0
    while done < len(requests):
        waiting.sort()
        while waiting and requests[waiting[0]][0] <= step:
            need = -(-size[waiting[0]] // page_size)
            if need > num_pages - sum(pages.values()):
                break
            pages[waiting.pop(0)] = need
        for i in sorted(pages):
            if i not in pages:
                continue
            if size[i] == pages[i] * page_size:
                while i in pages and sum(pages.values()) == num_pages:
                    victim = max(pages)
                    del pages[victim]
                    waiting.append(victim)
                if i not in pages:
                    continue
                pages[i] += 1
            size[i] += 1
        if pages:
            history.append({i: size[i] for i in sorted(pages)})
        for i in list(pages):
            if size[i] == requests[i][1] + requests[i][2]:
                del pages[i]
                done += 1
        step += 1
    return history

# %% continuous_batching · reserves pages for prompt plus new tokens at admission, so nobody is ever preempted
def continuous_batching(requests, num_pages, page_size):
    size = [prompt for _, prompt, _ in requests]
    waiting, pages, history = list(range(len(requests))), {}, []
    while waiting or pages:
        while waiting:
            arrival, prompt, new = requests[waiting[0]]
            need = -(-(prompt + new) // page_size)
            if arrival > len(history) or need > num_pages - sum(pages.values()):
                break
            pages[waiting.pop(0)] = need
        for i in pages:
            size[i] += 1
        history.append({i: size[i] for i in sorted(pages)})
        for i in list(pages):
            if size[i] == requests[i][1] + requests[i][2]:
                del pages[i]
    return history
