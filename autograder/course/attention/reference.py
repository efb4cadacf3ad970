"""The oracle for `attention`: PyTorch's own attention, and transformers' models on `meta`.

Answers that a learner may build on earlier ones take those as keyword arguments.
"""

import torch
from torch import nn
from torch.nn.functional import multi_head_attention_forward
from torch.nn.functional import scaled_dot_product_attention as attend
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
)
from transformers.masking_utils import sliding_window_overlay
from transformers.models.distilbert.modeling_distilbert import create_sinusoidal_embeddings
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

# The probes watch which of PyTorch's functions an answer calls. The oracle's calls are its own
# affair.
_unwatched = torch._C.DisableTorchFunction


def softmax(scores, dim=-1):
    """Return shares along `dim`, zeros where there is nothing to share."""
    with _unwatched():
        return torch.softmax(scores, dim).nan_to_num(0)


def scaled_dot_product_attention(query, key, value, mask=None, *, softmax=None):
    """Return PyTorch's output, and its output for the unit vectors: the weights themselves."""
    if softmax is not None:
        scores = torch.einsum("...ld,...sd->...ls", query, key) * query.shape[-1] ** -0.5
        if mask is not None:
            scores = torch.where(mask, scores, -torch.inf)
        weights = softmax(scores)
        return torch.einsum("...ls,...sv->...lv", weights, value), weights
    size = key.shape[-2]
    units = torch.eye(size, dtype=key.dtype).expand(*key.shape[:-2], size, size)
    with _unwatched():
        return (
            attend(query, key, value, attn_mask=mask),
            attend(query, key, units, attn_mask=mask),
        )


def causal_mask(num_queries, num_keys, window=None):
    """Ask transformers' rule about every query and key, one by one."""
    inside = sliding_window_overlay(num_keys if window is None else window)
    return torch.tensor([
        [key <= query and inside(0, 0, query, key) for key in range(num_keys)]
        for query in range(num_keys - num_queries, num_keys)
    ])  # fmt: skip


def padding_mask(lengths, size, side="right"):
    """Write real and padded places down, sentence by sentence."""
    rows = []
    for length in map(int, lengths):
        real, padded = [True] * length, [False] * (size - length)
        rows.append(real + padded if side == "right" else padded + real)
    return torch.tensor(rows).reshape(len(rows), 1, 1, size)


class MultiHeadAttention(nn.Module):
    """PyTorch's multi-head attention with separate weights."""

    def __init__(self, d_model, num_heads, *, scaled_dot_product_attention=None):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("embed_dim must be divisible by num_heads")
        self.d_model, self.num_heads = d_model, num_heads
        self.attend = scaled_dot_product_attention
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, name, nn.Linear(d_model, d_model))

    def forward(self, x, memory=None, mask=None):
        """Return (B, L, d_model)."""
        memory = x if memory is None else memory
        return self._by_pytorch(x, memory, mask) if self.attend is None else self._by(
            self.attend, x, memory, mask
        )  # fmt: skip

    def _by(self, attend, x, memory, mask):
        parts = self.q_proj(x), self.k_proj(memory), self.v_proj(memory)
        split = (torch.stack(part.chunk(self.num_heads, -1), 1) for part in parts)
        output, _ = attend(*split, mask)
        return self.out_proj(torch.cat(output.unbind(1), -1))

    def _by_pytorch(self, x, memory, mask):
        batch, length, size = len(x), x.shape[1], memory.shape[1]
        if mask is not None:  # PyTorch: (B·H, L, S), True = hidden
            whole = mask.expand(batch, self.num_heads, length, size)
            mask = ~whole.reshape(-1, length, size)
        first = self.q_proj, self.k_proj, self.v_proj
        with _unwatched():
            return multi_head_attention_forward(
                x.transpose(0, 1), memory.transpose(0, 1), memory.transpose(0, 1),
                self.d_model, self.num_heads, None,
                torch.cat([linear.bias for linear in first]), None, None, False, 0.0,
                self.out_proj.weight, self.out_proj.bias, attn_mask=mask, need_weights=False,
                use_separate_proj_weight=True, q_proj_weight=self.q_proj.weight,
                k_proj_weight=self.k_proj.weight, v_proj_weight=self.v_proj.weight,
            )[0].transpose(0, 1)  # fmt: skip


def sinusoidal_positions(length, d_model, base=10000.0):
    """Return DistilBERT's table, which knows one base only; else number by number."""
    table = torch.empty(length, d_model)
    if base == 10000:
        return create_sinusoidal_embeddings(length, d_model, table)
    angle = torch.arange(length).double()
    for i in range(d_model // 2):
        table[:, 2 * i] = torch.sin(angle / base ** (2 * i / d_model))
        table[:, 2 * i + 1] = torch.cos(angle / base ** (2 * i / d_model))
    return table


def apply_rotary(x, positions, base=10000.0):
    """Turn as Llama does."""
    d = x.shape[-1]
    config = LlamaConfig(
        hidden_size=d, num_attention_heads=1,
        rope_parameters={"rope_type": "default", "rope_theta": base},
    )  # fmt: skip
    cos, sin = LlamaRotaryEmbedding(config)(x, torch.as_tensor(positions)[None])
    return apply_rotary_pos_emb(x, x, cos[0], sin[0], unsqueeze_dim=0)[0].reshape(x.shape)


def grouped_query_attention(query, key, value, mask=None, *, scaled_dot_product_attention=None):
    """Return PyTorch's output for grouped queries."""
    if query.shape[1] % key.shape[1]:
        raise ValueError("Number of heads in key and value must divide that in query")
    if scaled_dot_product_attention is not None:
        share = query.shape[1] // key.shape[1]
        order = [head // share for head in range(query.shape[1])]
        return scaled_dot_product_attention(query, key[:, order], value[:, order], mask)[0]
    with _unwatched():
        return attend(query, key, value, attn_mask=mask, enable_gqa=True)


def cache_bytes(config, tokens, batch_size=1, bytes_per_value=2):
    """Run a Llama without numbers and measure the cache that it leaves behind."""
    names = "num_hidden_layers", "num_attention_heads", "hidden_size"
    more = {name: config[name] for name in ("num_key_value_heads", "head_dim") if name in config}
    sizes = {name: config[name] for name in names}
    dtype = {1: torch.int8, 2: torch.float16, 4: torch.float32, 8: torch.float64}[bytes_per_value]
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(**sizes, **more, vocab_size=8, intermediate_size=8))
        cache = model(torch.zeros(batch_size, tokens, dtype=torch.long)).past_key_values
    kept = [part for layer in cache.layers for part in (layer.keys, layer.values)]
    return sum(part.to(dtype).nbytes for part in kept)


def _size(kind, config):
    with torch.device("meta"):
        return sum(weight.numel() for weight in kind(config).parameters())


def bert_parameters(config):
    """Count the parameters of a BertModel."""
    return _size(BertModel, BertConfig(**config))


def gpt2_parameters(config):
    """Count the parameters of a GPT-2 with its output layer."""
    # Its own special tokens lie beyond a small vocabulary, of which it would warn.
    return _size(GPT2LMHeadModel, GPT2Config(**config, bos_token_id=None, eos_token_id=None))
