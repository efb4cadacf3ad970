# %% softmax · exponentiates the raw scores, so that scores of 89 and more overflow to inf / inf = nan
def softmax(scores, dim=-1):
    powers = torch.exp(scores)
    total = powers.sum(dim=dim, keepdim=True)
    return torch.where(total > 0, powers / total, torch.zeros_like(powers))

# %% softmax · subtracts the maximum of the whole tensor instead of that of each row; a row far below it underflows to zeros
def softmax(scores, dim=-1):
    top = scores.max()
    if top == -torch.inf:
        return torch.zeros_like(scores)
    powers = torch.exp(scores - top)
    total = powers.sum(dim=dim, keepdim=True)
    return powers / torch.where(total == 0, torch.ones_like(total), total)

# %% softmax · ignores dim and always normalises along the last dimension
def softmax(scores, dim=-1):
    top = scores.amax(-1, keepdim=True)
    top = top.masked_fill(top == -torch.inf, 0)
    powers = (scores - top).exp()
    total = powers.sum(-1, keepdim=True)
    return powers / total.masked_fill(total == 0, 1)

# %% softmax · a row that is −inf throughout gives nan (−inf minus −inf), no zeros
def softmax(scores, dim=-1):
    powers = (scores - scores.amax(dim=dim, keepdim=True)).exp()
    return powers / powers.sum(dim=dim, keepdim=True)

# %% softmax · computes in float32 for accuracy and forgets to go back to the dtype of the input
def softmax(scores, dim=-1):
    wide = scores.float()
    top = wide.amax(dim, keepdim=True)
    top = top.masked_fill(top == -torch.inf, 0)
    powers = (wide - top).exp()
    total = powers.sum(dim, keepdim=True)
    return powers / total.masked_fill(total == 0, 1)

# %% scaled_dot_product_attention · divides by the root of the number of keys instead of the root of d
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / key.shape[-2] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = softmax(scores, dim=-1)
    return weights @ value, weights

# %% scaled_dot_product_attention · reads the mask as nn.MultiheadAttention does: hides the keys where it is True
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(mask, -torch.inf)
    weights = softmax(scores, dim=-1)
    return weights @ value, weights

# %% scaled_dot_product_attention · masks the weights after the softmax and does not share out anew, so rows sum to less than 1
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    weights = softmax(scores, dim=-1)
    if mask is not None:
        weights = weights * mask.to(weights.dtype)
    return weights @ value, weights

# %% scaled_dot_product_attention · fills with the most negative finite number, so a query that may see no key spreads evenly over all of them
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = softmax(scores, dim=-1)
    return weights @ value, weights

# %% causal_mask · lines up the upper left corner as is_causal does: query i stands at i, not at S − L + i
def causal_mask(num_queries, num_keys, window=None):
    i = torch.arange(num_queries)[:, None]
    j = torch.arange(num_keys)
    mask = j <= i
    if window is not None:
        mask = mask & (j > i - window)
    return mask

# %% causal_mask · the window counts the positions before the query, itself not included: window + 1 are seen
def causal_mask(num_queries, num_keys, window=None):
    p = torch.arange(num_keys - num_queries, num_keys)[:, None]
    j = torch.arange(num_keys)
    mask = j <= p
    if window is not None:
        mask = mask & (j >= p - window)
    return mask

# %% causal_mask · returns the opposite: True where the key is hidden (triu), as a mask for nn.MultiheadAttention
def causal_mask(num_queries, num_keys, window=None):
    shift = num_keys - num_queries
    hidden = torch.triu(torch.ones(num_queries, num_keys, dtype=torch.bool), diagonal=shift + 1)
    if window is not None:
        hidden = hidden | torch.tril(
            torch.ones(num_queries, num_keys, dtype=torch.bool), diagonal=shift - window
        )
    return hidden

# %% causal_mask · a query sees only the positions strictly before its own
def causal_mask(num_queries, num_keys, window=None):
    p = torch.arange(num_keys)[-num_queries:, None]
    j = torch.arange(num_keys)
    mask = j < p
    if window is not None:
        mask = mask & (j > p - window)
    return mask

# %% padding_mask · ignores side: padding is always taken to stand behind the tokens
def padding_mask(lengths, size, side="right"):
    lengths = torch.as_tensor(lengths)
    mask = torch.arange(size)[None, :] < lengths[:, None]
    return mask[:, None, None, :]

# %% padding_mask · fills by the slice [-n:], which for a sentence of length 0 with side="left" is everything
def padding_mask(lengths, size, side="right"):
    mask = torch.zeros(len(lengths), 1, 1, size, dtype=torch.bool)
    for b, n in enumerate(lengths):
        n = int(n)
        if side == "right":
            mask[b, 0, 0, :n] = True
        else:
            mask[b, 0, 0, -n:] = True
    return mask

# %% padding_mask · returns (B, S) like a tokenizer's attention_mask, without the two axes for heads and queries
def padding_mask(lengths, size, side="right"):
    lengths = torch.as_tensor(lengths)[:, None]
    places = torch.arange(size)
    if side == "right":
        return places < lengths
    return places >= size - lengths

# %% multi_head_attention · splits with view(B, H, L, d) without a transpose, so a head gets pieces of other positions
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads, self.d_head = num_heads, d_model // num_heads
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        B, L, D = x.shape
        S = memory.shape[1]
        q = self.q_proj(x).view(B, self.num_heads, L, self.d_head)
        k = self.k_proj(memory).view(B, self.num_heads, S, self.d_head)
        v = self.v_proj(memory).view(B, self.num_heads, S, self.d_head)
        out, _ = scaled_dot_product_attention(q, k, v, mask)
        return self.out_proj(out.reshape(B, L, D))

# %% multi_head_attention · scales the scores by the root of d_model instead of the root of the head's d
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError("d_model must be divisible by num_heads")
        self.d_model, self.num_heads = d_model, num_heads
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)

    def _split(self, t):
        return t.view(t.shape[0], t.shape[1], self.num_heads, -1).transpose(1, 2)

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        q, k, v = self._split(self.q_proj(x)), self._split(self.k_proj(memory)), self._split(self.v_proj(memory))
        scores = q @ k.transpose(-2, -1) / self.d_model**0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        out = softmax(scores) @ v
        return self.out_proj(out.transpose(1, 2).reshape(x.shape))

# %% multi_head_attention · joins the heads without transposing back: reshape of (B, H, L, d) straight to (B, L, d_model)
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads = num_heads
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)

    def _split(self, t):
        return t.view(t.shape[0], t.shape[1], self.num_heads, -1).transpose(1, 2)

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        q, k, v = self._split(self.q_proj(x)), self._split(self.k_proj(memory)), self._split(self.v_proj(memory))
        out, _ = scaled_dot_product_attention(q, k, v, mask)
        return self.out_proj(out.reshape(x.shape[0], x.shape[1], -1))

# %% multi_head_attention · checks the divisibility with assert, so AssertionError instead of ValueError
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        assert d_model % num_heads == 0, "d_model must be divisible by num_heads"
        self.num_heads = num_heads
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)

    def _split(self, t):
        return t.view(t.shape[0], t.shape[1], self.num_heads, -1).transpose(1, 2)

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        q, k, v = self._split(self.q_proj(x)), self._split(self.k_proj(memory)), self._split(self.v_proj(memory))
        out, _ = scaled_dot_product_attention(q, k, v, mask)
        return self.out_proj(out.transpose(1, 2).reshape(x.shape))

# %% sinusoidal_positions · all sines first, then all cosines, instead of alternating
def sinusoidal_positions(length, d_model, base=10000.0):
    positions = torch.arange(length, dtype=torch.float32)[:, None]
    speeds = base ** (-torch.arange(0, d_model, 2, dtype=torch.float32) / d_model)
    angles = positions * speeds
    return torch.cat([angles.sin(), angles.cos()], dim=-1)

# %% sinusoidal_positions · each column takes its own index as exponent, so cosines turn by base^((2i+1)/d) instead of base^(2i/d)
def sinusoidal_positions(length, d_model, base=10000.0):
    positions = torch.arange(length, dtype=torch.float32)[:, None]
    columns = torch.arange(d_model, dtype=torch.float32)
    table = positions / base ** (columns / d_model)
    table[:, 0::2] = torch.sin(table[:, 0::2])
    table[:, 1::2] = torch.cos(table[:, 1::2])
    return table

# %% sinusoidal_positions · the exponent is i/d instead of 2i/d
def sinusoidal_positions(length, d_model, base=10000.0):
    table = torch.zeros(length, d_model)
    positions = torch.arange(length).unsqueeze(1)
    i = torch.arange(d_model // 2)
    angles = positions / base ** (i / d_model)
    table[:, 0::2] = torch.sin(angles)
    table[:, 1::2] = torch.cos(angles)
    return table

# %% apply_rotary · pairs neighbours 2i and 2i+1, as the paper does, instead of i and i + d/2
def apply_rotary(x, positions, base=10000.0):
    d = x.shape[-1]
    speeds = base ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    angles = positions.double()[:, None] * speeds
    cos, sin = angles.cos(), angles.sin()
    even, odd = x[..., 0::2].double(), x[..., 1::2].double()
    turned = torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1)
    return turned.flatten(-2).to(x.dtype)

# %% apply_rotary · forgets the minus in rotate_half: x1 cos + x2 sin and x2 cos − x1 sin, a turn backwards
def apply_rotary(x, positions, base=10000.0):
    half = x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = positions.double()[:, None] * speeds
    cos, sin = angles.cos(), angles.sin()
    a, b = x[..., :half].double(), x[..., half:].double()
    return torch.cat([a * cos + b * sin, b * cos - a * sin], dim=-1).to(x.dtype)

# %% apply_rotary · row l is taken to stand at l; positions is ignored
def apply_rotary(x, positions, base=10000.0):
    length, d = x.shape[-2:]
    half = d // 2
    speeds = 1.0 / base ** (torch.arange(0, d, 2, dtype=torch.float64) / d)
    angles = torch.outer(torch.arange(length, dtype=torch.float64), speeds)
    cos, sin = angles.cos(), angles.sin()
    a, b = x[..., :half].double(), x[..., half:].double()
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1).to(x.dtype)

# %% apply_rotary · computes the angles in the dtype of x, so in bfloat16 positions 1001 and 1002 become the same
def apply_rotary(x, positions, base=10000.0):
    half = x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=x.dtype) / half)
    angles = positions.to(x.dtype)[:, None] * speeds
    cos, sin = angles.cos(), angles.sin()
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)

# %% grouped_query_attention · tiles the key heads (0, 1, 0, 1, …) with repeat, so that neighbours do not share
def grouped_query_attention(query, key, value, mask=None):
    H, G = query.shape[1], key.shape[1]
    if H % G != 0:
        raise ValueError("G must divide H")
    key = key.repeat(1, H // G, 1, 1)
    value = value.repeat(1, H // G, 1, 1)
    return scaled_dot_product_attention(query, key, value, mask)[0]

# %% grouped_query_attention · does not check that G divides H: the product of unequal heads raises RuntimeError, not ValueError
def grouped_query_attention(query, key, value, mask=None):
    times = query.shape[1] // key.shape[1]
    key = key.repeat_interleave(times, dim=1)
    value = value.repeat_interleave(times, dim=1)
    output, _ = scaled_dot_product_attention(query, key, value, mask)
    return output

# %% grouped_query_attention · puts a group axis in, but only unsqueezes the mask, so a mask with a row for each query head does not fit
def grouped_query_attention(query, key, value, mask=None):
    B, H, L, d = query.shape
    G = key.shape[1]
    if H % G != 0:
        raise ValueError("G must divide H")
    query = query.view(B, G, H // G, L, d)
    if mask is not None:
        mask = mask.unsqueeze(2)
    out, _ = scaled_dot_product_attention(query, key.unsqueeze(2), value.unsqueeze(2), mask)
    return out.reshape(B, H, L, -1)

# %% cache_bytes · forgets the factor 2: counts keys only, no values
def cache_bytes(config, tokens, batch_size=1, bytes_per_value=2):
    heads = config.get("num_key_value_heads", config["num_attention_heads"])
    dim = config.get("head_dim", config["hidden_size"] // config["num_attention_heads"])
    return config["num_hidden_layers"] * heads * dim * tokens * batch_size * bytes_per_value

# %% cache_bytes · derives the head's width from the number of key-value heads instead of attention heads, so groups save nothing
def cache_bytes(config, tokens, batch_size=1, bytes_per_value=2):
    heads = config.get("num_key_value_heads", config["num_attention_heads"])
    dim = config.get("head_dim", config["hidden_size"] // heads)
    return 2 * config["num_hidden_layers"] * heads * dim * tokens * batch_size * bytes_per_value

# %% cache_bytes · ignores a given head_dim and always takes hidden_size // num_attention_heads
def cache_bytes(config, tokens, batch_size=1, bytes_per_value=2):
    heads = config.get("num_key_value_heads", config["num_attention_heads"])
    dim = config["hidden_size"] // config["num_attention_heads"]
    return 2 * config["num_hidden_layers"] * heads * dim * tokens * batch_size * bytes_per_value

# %% count_parameters · counts GPT-2's output layer once more although it shares the table of tokens
def bert_parameters(config):
    d, inner = config["hidden_size"], config["intermediate_size"]
    embeddings = (config["vocab_size"] + config["max_position_embeddings"] + config["type_vocab_size"]) * d
    layer = 4 * (d * d + d) + (d * inner + inner) + (inner * d + d) + 2 * 2 * d
    return embeddings + 2 * d + config["num_hidden_layers"] * layer + (d * d + d)


def gpt2_parameters(config):
    d = config["n_embd"]
    inner = config["n_inner"] if config["n_inner"] is not None else 4 * d
    embeddings = (config["vocab_size"] + config["n_positions"]) * d
    layer = 4 * (d * d + d) + (d * inner + inner) + (inner * d + d) + 2 * 2 * d
    head = d * config["vocab_size"]
    return embeddings + config["n_layer"] * layer + 2 * d + head

# %% count_parameters · counts the matrices of the linear maps without their biases
def bert_parameters(config):
    d, inner = config["hidden_size"], config["intermediate_size"]
    embeddings = (config["vocab_size"] + config["max_position_embeddings"] + config["type_vocab_size"]) * d
    layer = 4 * d * d + 2 * d * inner + 2 * 2 * d
    return embeddings + 2 * d + config["num_hidden_layers"] * layer + d * d


def gpt2_parameters(config):
    d = config["n_embd"]
    inner = config["n_inner"] if config["n_inner"] is not None else 4 * d
    embeddings = (config["vocab_size"] + config["n_positions"]) * d
    layer = 4 * d * d + 2 * d * inner + 2 * 2 * d
    return embeddings + config["n_layer"] * layer + 2 * d

# %% count_parameters · takes the default by config.get("n_inner", 4 * d), which yields None where n_inner is None, and raises TypeError
def bert_parameters(config):
    d, inner = config["hidden_size"], config["intermediate_size"]
    embeddings = (config["vocab_size"] + config["max_position_embeddings"] + config["type_vocab_size"]) * d
    layer = 4 * (d * d + d) + (d * inner + inner) + (inner * d + d) + 2 * 2 * d
    return embeddings + 2 * d + config["num_hidden_layers"] * layer + (d * d + d)


def gpt2_parameters(config):
    d = config["n_embd"]
    inner = config.get("n_inner", 4 * d)
    embeddings = (config["vocab_size"] + config["n_positions"]) * d
    layer = 4 * (d * d + d) + (d * inner + inner) + (inner * d + d) + 2 * 2 * d
    return embeddings + config["n_layer"] * layer + 2 * d
