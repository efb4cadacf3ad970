# %% softmax · NumPy in float64, one row at a time
def softmax(scores, dim=-1):
    array = scores.detach().double().numpy()
    if array.ndim == 0:
        return torch.where(scores == -torch.inf, torch.zeros_like(scores), torch.ones_like(scores))
    moved = np.moveaxis(array, dim, -1)
    result = np.zeros(moved.shape)
    for place in np.ndindex(*moved.shape[:-1]):
        row = moved[place]
        if row.size == 0 or row.max() == -np.inf:
            continue
        powers = np.exp(row - row.max())
        result[place] = powers / powers.sum()
    back = np.ascontiguousarray(np.moveaxis(result, -1, dim))
    return torch.from_numpy(back).to(scores.dtype)

# %% scaled_dot_product_attention · everything in float64, row by row
def scaled_dot_product_attention(query, key, value, mask=None):
    d = query.shape[-1]
    q, k, v = query.double(), key.double(), value.double()
    scores = torch.matmul(q, k.transpose(-2, -1)) / math_sqrt(d)
    if mask is None:
        mask = torch.ones((), dtype=torch.bool)
    seen = mask.expand(scores.shape)
    weights = torch.zeros(scores.shape, dtype=torch.float64)
    for place in np.ndindex(*scores.shape[:-1]):
        visible = torch.nonzero(seen[place])[:, 0]
        if len(visible) == 0:
            continue
        row = scores[place][visible]
        powers = torch.exp(row - row.max())
        weights[place + (visible,)] = powers / powers.sum()
    output = torch.matmul(weights, v)
    return output.to(query.dtype), weights.to(query.dtype)


def math_sqrt(number):
    import math

    return math.sqrt(number)

# %% causal_mask · two loops
def causal_mask(num_queries, num_keys, window=None):
    mask = torch.zeros(num_queries, num_keys, dtype=torch.bool)
    for i in range(num_queries):
        p = num_keys - num_queries + i
        for j in range(num_keys):
            if j <= p and (window is None or j > p - window):
                mask[i, j] = True
    return mask

# %% padding_mask · loops over sentences and places
def padding_mask(lengths, size, side="right"):
    mask = torch.zeros(len(lengths), 1, 1, size, dtype=torch.bool)
    for b in range(len(lengths)):
        n = int(lengths[b])
        for j in range(size):
            if side == "right":
                mask[b, 0, 0, j] = j < n
            else:
                mask[b, 0, 0, j] = j >= size - n
    return mask

# %% multi_head_attention · a loop over heads
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError("num_heads must divide d_model")
        self.num_heads = num_heads
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)

    def forward(self, x, memory=None, mask=None):
        if memory is None:
            memory = x
        q, k, v = self.q_proj(x), self.k_proj(memory), self.v_proj(memory)
        B, L, D = q.shape
        S = k.shape[1]
        d = D // self.num_heads
        if mask is None:
            mask = torch.ones(L, S, dtype=torch.bool)
        mask = mask.expand(B, self.num_heads, L, S)
        parts = []
        for h in range(self.num_heads):
            columns = slice(h * d, (h + 1) * d)
            scores = q[:, :, columns] @ k[:, :, columns].transpose(1, 2) / d**0.5
            scores = scores.masked_fill(~mask[:, h], -torch.inf)
            top = scores.max(dim=-1, keepdim=True).values
            top = torch.where(top == -torch.inf, torch.zeros_like(top), top)
            powers = torch.exp(scores - top)
            total = powers.sum(dim=-1, keepdim=True)
            total = torch.where(total == 0, torch.ones_like(total), total)
            parts.append((powers / total) @ v[:, :, columns])
        return self.out_proj(torch.cat(parts, dim=-1))

# %% sinusoidal_positions · math.sin in two loops
def sinusoidal_positions(length, d_model, base=10000.0):
    import math

    table = torch.zeros(length, d_model, dtype=torch.float32)
    for p in range(length):
        for i in range(d_model // 2):
            angle = p / base ** (2 * i / d_model)
            table[p, 2 * i] = math.sin(angle)
            table[p, 2 * i + 1] = math.cos(angle)
    return table

# %% apply_rotary · loops over rows and pairs, float64
def apply_rotary(x, positions, base=10000.0):
    import math

    d = x.shape[-1]
    wide = x.double()
    result = torch.zeros_like(wide)
    for row in range(x.shape[-2]):
        p = int(positions[row])
        for i in range(d // 2):
            theta = p * base ** (-2 * i / d)
            a, b = wide[..., row, i], wide[..., row, i + d // 2]
            result[..., row, i] = a * math.cos(theta) - b * math.sin(theta)
            result[..., row, i + d // 2] = b * math.cos(theta) + a * math.sin(theta)
    return result.to(x.dtype)

# %% grouped_query_attention · one query head after the other
def grouped_query_attention(query, key, value, mask=None):
    B, H, L, d = query.shape
    G, S = key.shape[1], key.shape[2]
    if H % G:
        raise ValueError("the number of key heads must divide the number of query heads")
    if mask is not None:
        mask = mask.expand(B, H, L, S)
    heads = []
    for h in range(H):
        g = h // (H // G)
        part = None if mask is None else mask[:, h]
        heads.append(scaled_dot_product_attention(query[:, h], key[:, g], value[:, g], part)[0])
    return torch.stack(heads, dim=1)

# %% cache_bytes · if and else
def cache_bytes(config, tokens, batch_size=1, bytes_per_value=2):
    if "num_key_value_heads" in config:
        heads = config["num_key_value_heads"]
    else:
        heads = config["num_attention_heads"]
    if "head_dim" in config:
        dim = config["head_dim"]
    else:
        dim = config["hidden_size"] // config["num_attention_heads"]
    numbers = 0
    for _ in range(config["num_hidden_layers"]):
        numbers += heads * dim  # keys
        numbers += heads * dim  # values
    return numbers * tokens * batch_size * bytes_per_value

# %% count_parameters · adds up part by part
def bert_parameters(config):
    d, inner = config["hidden_size"], config["intermediate_size"]
    total = config["vocab_size"] * d
    total += config["max_position_embeddings"] * d
    total += config["type_vocab_size"] * d
    total += 2 * d
    for _ in range(config["num_hidden_layers"]):
        for _ in range(4):
            total += d * d + d
        total += d * inner + inner
        total += inner * d + d
        total += 2 * d
        total += 2 * d
    total += d * d + d
    return total


def gpt2_parameters(config):
    d = config["n_embd"]
    inner = config["n_inner"]
    if inner is None:
        inner = 4 * d
    total = config["vocab_size"] * d + config["n_positions"] * d
    for _ in range(config["n_layer"]):
        for _ in range(4):
            total += d * d + d
        total += d * inner + inner
        total += inner * d + d
        total += 4 * d
    return total + 2 * d
