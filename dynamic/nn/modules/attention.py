"""Attention as a module."""

from __future__ import annotations

from typing import Any

from dynamic.functions.creation import empty
from dynamic.names import lacking
from dynamic.nn import init
from dynamic.nn.attention import multi_head_attention_forward
from dynamic.nn.modules.linear import Linear
from dynamic.nn.modules.module import Module
from dynamic.nn.parameter import Parameter


class NonDynamicallyQuantizableLinear(Linear):
    """``Linear``, by the name that it has in the text of ``MultiheadAttention``."""


class MultiheadAttention(Module):
    """Several heads that attend at once (Vaswani et al. 2017).

    Args:
        embed_dim: the size of the query and of the output; its heads have ``embed_dim / num_heads`` each.
        dropout: of the weights of attention.
        bias: whether the projections have one.
        add_bias_kv: add a key and a value that are learned.
        add_zero_attn: add a key and a value of zeros.
        kdim, vdim: sizes of key and value where they differ from the query's.
        batch_first: (N, L, E) in place of (L, N, E).

    Raises ValueError for sizes that are not positive, AssertionError where the heads do not divide ``embed_dim``.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f"embed_dim and num_heads are greater than 0, not {embed_dim} and {num_heads}")
        super().__init__()
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        sizes: dict[str, tuple[int, ...] | None] = dict.fromkeys(
            ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias", "bias_k", "bias_v")
        )
        if self._qkv_same_embed_dim:
            sizes["in_proj_weight"] = (3 * embed_dim, embed_dim)
        else:
            sizes["q_proj_weight"] = (embed_dim, embed_dim)
            sizes["k_proj_weight"] = (embed_dim, self.kdim)
            sizes["v_proj_weight"] = (embed_dim, self.vdim)
        if bias:
            sizes["in_proj_bias"] = (3 * embed_dim,)
        if add_bias_kv:
            sizes["bias_k"] = sizes["bias_v"] = (1, 1, embed_dim)
        for name, size in sizes.items():
            self.register_parameter(name, None if size is None else Parameter(empty(*size, **where)))
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **where)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """The output, in the query's shape, and the weights of attention, (N, L, S), or None where they are not needed.

        See ``functional.multi_head_attention_forward``; without ``average_attn_weights`` there are weights for each head,
        (N, heads, L, S).
        """
        turned = self.batch_first and query._array.ndim == 3
        if turned:
            same = query is key, key is value
            query = query.transpose(1, 0)
            key = query if same[0] else key.transpose(1, 0)
            value = key if same[1] else value.transpose(1, 0)
        out, weights = multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (out.transpose(1, 0) if turned else out), weights


__getattr__ = lacking(__name__)
