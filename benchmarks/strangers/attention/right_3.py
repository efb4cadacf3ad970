# %% softmax · logsumexp in float32 or wider, empty rows neutralised first
def softmax(scores, dim=-1):
    wide = scores.to(torch.promote_types(scores.dtype, torch.float32))
    hopeless = (wide == -torch.inf).all(dim=dim, keepdim=True)
    wide = wide.masked_fill(hopeless, 0.0)
    shares = torch.exp(wide - torch.logsumexp(wide, dim=dim, keepdim=True))
    return shares.masked_fill(hopeless, 0.0).to(scores.dtype)

# %% scaled_dot_product_attention · einsum, an additive mask, upcast
def scaled_dot_product_attention(query, key, value, mask=None):
    wide = torch.promote_types(query.dtype, torch.float32)
    scores = torch.einsum("...ld,...sd->...ls", query.to(wide), key.to(wide))
    scores = scores * query.size(-1) ** -0.5
    if mask is not None:
        bias = torch.zeros(mask.shape, dtype=wide).masked_fill(mask.logical_not(), float("-inf"))
        scores = scores + bias
    weights = softmax(scores, dim=-1)
    output = torch.einsum("...ls,...sv->...lv", weights, value.to(wide))
    return output.to(query.dtype), weights.to(query.dtype)

# %% causal_mask · tril and triu with diagonals
def causal_mask(num_queries, num_keys, window=None):
    shift = num_keys - num_queries
    mask = torch.ones(num_queries, num_keys, dtype=torch.bool).tril(diagonal=shift)
    if window is not None:
        mask = mask.triu(diagonal=shift - window + 1)
    return mask

# %% padding_mask · right mask, flipped for left
def padding_mask(lengths, size, side="right"):
    rows = [[place < int(n) for place in range(size)] for n in lengths]
    mask = torch.tensor(rows, dtype=torch.bool).reshape(len(rows), 1, 1, size)
    return mask.flip(-1) if side == "left" else mask

# %% multi_head_attention · einsum over head axes, builds on task 2
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        if d_model % num_heads != 0:
            raise ValueError("d_model must be a multiple of num_heads")
        super().__init__()
        self.h = num_heads
        self.d = d_model // num_heads
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, name, nn.Linear(d_model, d_model))

    def forward(self, x, memory=None, mask=None):
        source = memory if memory is not None else x

        def heads(linear, t):
            return linear(t).reshape(t.size(0), t.size(1), self.h, self.d).permute(0, 2, 1, 3)

        out, _ = scaled_dot_product_attention(
            heads(self.q_proj, x), heads(self.k_proj, source), heads(self.v_proj, source), mask
        )
        out = out.permute(0, 2, 1, 3).reshape(x.size(0), x.size(1), self.h * self.d)
        return self.out_proj(out)

# %% sinusoidal_positions · NumPy, stack and reshape
def sinusoidal_positions(length, d_model, base=10000.0):
    i = np.arange(d_model // 2)
    angle = np.arange(length)[:, None] * np.exp(-np.log(base) * 2 * i / d_model)
    table = np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(length, d_model)
    return torch.tensor(table, dtype=torch.float32)

# %% apply_rotary · complex numbers
def apply_rotary(x, positions, base=10000.0):
    first, second = x.double().chunk(2, dim=-1)
    half = first.size(-1)
    speeds = 1.0 / base ** (2 * torch.arange(half, dtype=torch.float64) / x.size(-1))
    angles = torch.outer(positions.to(torch.float64), speeds)
    turned = torch.complex(first, second) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat((turned.real, turned.imag), dim=-1).to(x.dtype)

# %% grouped_query_attention · a group axis of its own, nothing repeated
def grouped_query_attention(query, key, value, mask=None):
    B, H, L, d = query.shape
    G, S = key.size(1), key.size(2)
    if H % G != 0:
        raise ValueError("G must divide H")
    if mask is not None:
        mask = mask.expand(B, H, L, S).reshape(B, G, H // G, L, S)
    out, _ = scaled_dot_product_attention(
        query.reshape(B, G, H // G, L, d), key.unsqueeze(2), value.unsqueeze(2), mask
    )
    return out.reshape(B, H, L, -1)

# %% cache_bytes · math.prod
def cache_bytes(config, tokens, batch_size=1, bytes_per_value=2):
    from math import prod

    n = config["num_attention_heads"]
    kv = config.get("num_key_value_heads")
    dim = config.get("head_dim")
    return int(prod([
        2,
        config["num_hidden_layers"],
        n if kv is None else kv,
        config["hidden_size"] // n if dim is None else dim,
        tokens, batch_size, bytes_per_value,
    ]))

# %% count_parameters · small helpers, linear() and norm()
def linear(rows, columns):
    return rows * columns + columns


def norm(width):
    return width + width


def block(width, inner):
    attention = sum(linear(width, width) for _ in "qkvo")
    feed_forward = linear(width, inner) + linear(inner, width)
    return attention + feed_forward + 2 * norm(width)


def bert_parameters(config):
    d = config["hidden_size"]
    tables = sum(config[k] for k in ("vocab_size", "max_position_embeddings", "type_vocab_size")) * d
    layers = config["num_hidden_layers"] * block(d, config["intermediate_size"])
    return tables + norm(d) + layers + linear(d, d)


def gpt2_parameters(config):
    d = config["n_embd"]
    inner = 4 * d if config.get("n_inner") is None else config["n_inner"]
    tables = (config["vocab_size"] + config["n_positions"]) * d
    return tables + config["n_layer"] * block(d, inner) + norm(d)
