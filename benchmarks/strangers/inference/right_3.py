# %% kv_cache_bytes · math.prod, NumPy number
def kv_cache_bytes(config, tokens, bytes_per_value=2):
    def given(name, otherwise):
        value = getattr(config, name, None)
        return otherwise if value is None else value

    n = config.num_attention_heads
    factors = (
        2, config.num_hidden_layers, given("num_key_value_heads", n),
        given("head_dim", config.hidden_size / n), tokens, bytes_per_value,
    )
    return np.float64(math.prod(factors))

# %% step_time · max over pairs
def step_time(parameters, tokens, cache_bytes, bandwidth, peak_flops, bytes_per_weight=2):
    times = {
        "memory": (bytes_per_weight * parameters + cache_bytes) / bandwidth,
        "compute": tokens * parameters * 2.0 / peak_flops,
    }
    bound = max(times, key=times.get)
    return dict(bound=bound, seconds=np.float64(times[bound]))

# %% fuse_conv_bn · lets the modules themselves say what the affine map is
def fuse_conv_bn(conv, bn):
    bn = copy.deepcopy(bn).eval().to(conv.weight.dtype)
    channels = conv.out_channels
    zero = conv.weight.new_zeros(1, channels, 1, 1)
    shift = bn(zero).flatten()
    deviation = (bn.running_var + bn.eps).sqrt()
    scale = (1 if bn.weight is None else bn.weight) / deviation
    options = {
        name: getattr(conv, name)
        for name in ("stride", "padding", "dilation", "groups", "padding_mode")
    }
    fused = nn.Conv2d(conv.in_channels, channels, conv.kernel_size, bias=True, **options)
    bias = shift if conv.bias is None else shift + scale * conv.bias
    fused = fused.to(conv.weight)
    fused.load_state_dict({
        "weight": torch.einsum("o,oihw->oihw", scale, conv.weight).detach(), "bias": bias.detach()
    })
    return fused

# %% tiled_attention · log-sum-exp of all so far, a helper for each tile
def merge(state, query, key, value):
    scores = torch.einsum("md,nd->mn", query, key)
    log_total = torch.logsumexp(scores, dim=1, keepdim=True)
    output = torch.exp(scores - log_total) @ value
    if state is None:
        return log_total, output
    before, old = state
    both = torch.logaddexp(before, log_total)
    return both, torch.exp(before - both) * old + torch.exp(log_total - both) * output


def tiled_attention(query, tiles):
    scaled = query.double() / np.sqrt(query.shape[1])
    state = None
    iterator = iter(tiles)
    while True:
        tile = next(iterator, None)
        if tile is None:
            return state[1].to(query.dtype)
        state = merge(state, scaled, tile[0].double(), tile[1].double())

# %% tensor_parallel_mlp · chunk, matmul with transposes
def tensor_parallel_mlp(x, up, down, rank, world_size, all_reduce):
    rows = up.weight.chunk(world_size, dim=0)[rank]
    entries = up.bias.chunk(world_size)[rank]
    columns = down.weight.chunk(world_size, dim=1)[rank]
    partial = torch.matmul(F.gelu(torch.addmm(entries, x, rows.t())), columns.t())
    return torch.add(all_reduce(partial), down.bias)

# %% accept_drafts · NumPy in, NumPy out
def accept_drafts(drafted, draft_probabilities, target_probabilities, uniforms):
    x = np.asarray(drafted)
    q = np.asarray(draft_probabilities, dtype=np.float64)
    p = np.asarray(target_probabilities, dtype=np.float64)
    u = np.asarray(uniforms, dtype=np.float64)
    rows = np.arange(len(x))
    refused = np.flatnonzero(u * q[rows, x] >= p[rows, x])
    if refused.size == 0:
        return np.int64(len(x)), p[len(x)]
    i = refused[0]
    rest = np.maximum(p[i] - q[i], 0)
    return i, rest / rest.sum()

# %% speculative_generate · a list of ids and the rule written out on the spot
def speculative_generate(target, draft, ids, max_new_tokens, gamma, generator):
    def pick(row):
        return int(torch.multinomial(row, 1, generator=generator))

    text = ids.tolist()
    goal = len(text) + max_new_tokens
    while len(text) < goal:
        guesses, qs = [], []
        for _ in range(gamma):
            qs.append(draft(torch.tensor(text + guesses, dtype=ids.dtype))[-1])
            guesses.append(pick(qs[-1]))
        ps = target(torch.tensor(text + guesses, dtype=ids.dtype))[len(text) - 1 :]
        for guess, q, p in zip(guesses, qs, ps):
            if float(torch.rand((), generator=generator)) < float(p[guess] / q[guess]):
                text.append(guess)
            else:
                text.append(pick((p - q).clamp(min=0)))  # multinomial normalises by itself
                break
        else:
            text.append(pick(ps[-1]))
    return torch.tensor(text[:goal], dtype=ids.dtype)

# %% cache_waste · NumPy
def cache_waste(history, page_size):
    tokens = np.array([n for step in history for n in step.values()], dtype=np.int64)
    reserved = np.ceil(tokens / page_size).sum() * page_size
    return np.float64(0) if reserved == 0 else (reserved - tokens.sum()) / reserved

# %% continuous_batching · two classes
class Request:
    def __init__(self, number, arrival, prompt, new):
        self.number, self.arrival, self.tokens, self.left = number, arrival, prompt, new
        self.pages = 0


class Scheduler:
    def __init__(self, requests, num_pages, page_size):
        self.waiting = [Request(i, *request) for i, request in enumerate(requests)]
        self.running = []
        self.free, self.page_size = num_pages, page_size
        self.history = []

    def admit(self):
        self.waiting.sort(key=lambda r: r.number)
        while self.waiting:
            request = self.waiting[0]
            pages = math.ceil(request.tokens / self.page_size)
            if request.arrival > len(self.history) or pages > self.free:
                return
            self.free -= pages
            request.pages = pages
            self.running.append(self.waiting.pop(0))

    def write(self):
        for request in sorted(self.running, key=lambda r: r.number):
            if request not in self.running:
                continue
            if request.tokens == request.pages * self.page_size:
                while self.free == 0 and request in self.running:
                    self.preempt(max(self.running, key=lambda r: r.number))
                if request not in self.running:
                    continue
                self.free -= 1
                request.pages += 1
            request.tokens += 1
            request.left -= 1

    def preempt(self, request):
        self.free += request.pages
        request.pages = 0
        self.running.remove(request)
        self.waiting.append(request)

    def finish(self):
        for request in [r for r in self.running if r.left == 0]:
            self.free += request.pages
            self.running.remove(request)

    def run(self):
        while self.waiting or self.running:
            self.admit()
            self.write()
            self.history.append({r.number: r.tokens for r in self.running})
            self.finish()
        return self.history


def continuous_batching(requests, num_pages, page_size):
    return Scheduler(requests, num_pages, page_size).run()
