# %% softmax · amax, exp, sum in the input's own dtype
def softmax(scores, dim=-1):
    if scores.numel() == 0:
        return scores.clone()
    top = scores.amax(dim, keepdim=True)
    top = top.masked_fill(top == -torch.inf, 0)
    powers = (scores - top).exp()
    total = powers.sum(dim, keepdim=True)
    return powers / total.masked_fill(total == 0, 1)

# %% scaled_dot_product_attention · masked_fill with −inf, then the softmax of task 1
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = (query / query.shape[-1] ** 0.5) @ key.mT
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = softmax(scores)
    return weights @ value, weights

# %% causal_mask · comparison of two ranges
def causal_mask(num_queries, num_keys, window=None):
    keys = torch.arange(num_keys)
    queries = keys[num_keys - num_queries :, None]
    mask = keys <= queries
    if window is not None:
        mask &= keys > queries - window
    return mask

# %% padding_mask · comparison by broadcasting
def padding_mask(lengths, size, side="right"):
    lengths = torch.as_tensor(lengths)[:, None, None, None]
    places = torch.arange(size)
    return places < lengths if side == "right" else places >= size - lengths

# %% multi_head_attention · view and transpose
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"{num_heads} heads do not divide {d_model}")
        self.num_heads = num_heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            nn.Linear(d_model, d_model) for _ in range(4)
        )

    def split(self, x):
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        q, k, v = self.split(self.q_proj(x)), self.split(self.k_proj(memory)), self.split(self.v_proj(memory))
        scores = q @ k.mT * q.shape[-1] ** -0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        heads = softmax(scores) @ v
        return self.out_proj(heads.transpose(1, 2).flatten(2))

# %% sinusoidal_positions · slices with step two
def sinusoidal_positions(length, d_model, base=10000.0):
    positions = torch.arange(length, dtype=torch.float64)[:, None]
    angles = positions / base ** (torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)
    table = torch.empty(length, d_model)
    table[:, 0::2] = angles.sin()
    table[:, 1::2] = angles.cos()
    return table

# %% apply_rotary · rotate_half as in transformers
def apply_rotary(x, positions, base=10000.0):
    half = x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = positions.double()[:, None] * speeds
    wide = torch.promote_types(x.dtype, torch.float32)
    cos = torch.cat([angles, angles], -1).cos().to(wide)
    sin = torch.cat([angles, angles], -1).sin().to(wide)
    rotated = torch.cat([-x[..., half:], x[..., :half]], -1)
    return (x * cos + rotated * sin).to(x.dtype)

# %% grouped_query_attention · repeat_interleave
def grouped_query_attention(query, key, value, mask=None):
    heads, groups = query.shape[1], key.shape[1]
    if heads % groups:
        raise ValueError(f"{groups} groups do not divide {heads} heads")
    key, value = (t.repeat_interleave(heads // groups, dim=1) for t in (key, value))
    return scaled_dot_product_attention(query, key, value, mask)[0]

# %% cache_bytes · get with a default
def cache_bytes(config, tokens, batch_size=1, bytes_per_value=2):
    heads = config.get("num_key_value_heads", config["num_attention_heads"])
    dim = config.get("head_dim", config["hidden_size"] // config["num_attention_heads"])
    return 2 * config["num_hidden_layers"] * heads * dim * tokens * batch_size * bytes_per_value

# %% count_parameters · one formula
def bert_parameters(config):
    d, inner = config["hidden_size"], config["intermediate_size"]
    rows = config["vocab_size"] + config["max_position_embeddings"] + config["type_vocab_size"]
    layer = 4 * (d * d + d) + 2 * d * inner + inner + d + 4 * d
    return rows * d + 2 * d + config["num_hidden_layers"] * layer + d * d + d


def gpt2_parameters(config):
    d = config["n_embd"]
    inner = config["n_inner"] or 4 * d
    layer = 4 * (d * d + d) + 2 * d * inner + inner + d + 4 * d
    return (config["vocab_size"] + config["n_positions"]) * d + config["n_layer"] * layer + 2 * d
