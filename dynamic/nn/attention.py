"""Attention as functions: one head's product, and the projections of several heads around it (Vaswani et al. 2017)."""

from __future__ import annotations

import math
from typing import Any

import numpy

from dynamic.apply import apply, binary, wrap
from dynamic.dtypes import type_name
from dynamic.elsewhere import beside
from dynamic.functions.reductions import softmax
from dynamic.names import lacking
from dynamic.nn.dropping import dropout
from dynamic.nn.linear import linear
from dynamic.nn.padding import pad
from dynamic.nn.reducing import warn
from graphs.core.arrays import xp_of
from graphs.core.errors import DtypeError, ShapeError, at_line
from graphs.ops import concat, matmul


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """``softmax(scale * query @ key.T + mask) @ value``, of shape (..., L, Ev).

    Args:
        query, key, value: (..., L, E), (..., S, E), (..., S, Ev), of one dtype.
        attn_mask: bools, true where attention may go, or numbers to add, broadcast to (..., L, S). A place from which it
            may go nowhere gets zeros.
        dropout_p: the probability with which a weight is dropped, in training or not.
        is_causal: have each place attend to itself and to what is before it, in place of a mask.
        scale: by default ``1 / sqrt(E)``.
        enable_gqa: let several heads (the third dimension from the last) share one of key and value.

    Raises RuntimeError where shapes, dtypes or settings do not fit.
    """
    arrays = query._array, key._array, value._array
    if min(array.ndim for array in arrays) < 2:
        raise ShapeError(f"attention takes two dimensions or more, not {[array.shape for array in arrays]}{at_line()}")
    if len({array.dtype for array in arrays}) > 1:
        raise DtypeError(f"attention takes one dtype, not {[type_name(array.dtype) for array in arrays]}{at_line()}")
    if is_causal and attn_mask is not None:
        raise ShapeError(f"attention takes a mask, or is causal{at_line()}")
    if not 0 <= dropout_p <= 1:
        raise ShapeError(f"a probability is between 0 and 1, not {dropout_p}{at_line()}")
    if enable_gqa:
        heads = arrays[0].shape[-3]
        key, value = (_shared(each, heads) for each in (key, value))
    factor = 1 / math.sqrt(arrays[0].shape[-1]) if scale is None else scale
    scores = binary(matmul, query * factor, key.transpose(-2, -1))
    nowhere = None
    if is_causal:
        rows, columns = scores._array.shape[-2:]
        allowed = numpy.tri(rows, columns, dtype=bool)
        scores = scores + _bias(beside(allowed, scores._array), arrays[0].dtype)
    elif attn_mask is not None:
        bias, nowhere = _additive(attn_mask, arrays[0].dtype)
        scores = scores + bias
    weights = softmax(scores, -1)
    if nowhere is not None:
        weights = weights.masked_fill(nowhere, 0.0)
    return binary(matmul, dropout(weights, dropout_p) if dropout_p else weights, value)


def _bias(allowed: Any, dtype: Any) -> Any:
    """0 where attention may go, minus infinity elsewhere."""
    xp: Any = xp_of((allowed,))
    return wrap(xp.where(allowed, dtype.type(0), dtype.type(-numpy.inf)).astype(dtype, copy=False))


def _additive(mask: Any, dtype: Any) -> tuple[Any, Any]:
    """A mask as what is added, and the rows (None for none) that may go nowhere, in which nothing is masked."""
    array = mask._array
    if array.dtype.kind == "b":
        nowhere = ~array.any(-1, keepdims=True)
        mask = _bias(array | nowhere, dtype)
    elif array.dtype in (dtype, numpy.float32):
        xp: Any = xp_of((array,))
        nowhere = xp.isneginf(array).all(-1, keepdims=True)
        if nowhere.any():
            mask = mask.masked_fill(wrap(nowhere), 0.0)
        mask = mask.to(dtype)
    else:
        raise DtypeError(f"a mask holds bools or numbers of the query's dtype, not {type_name(array.dtype)}{at_line()}")
    return mask, wrap(nowhere) if nowhere.any() else None


def _shared(tensor: Any, heads: int) -> Any:
    """``tensor`` with each of its heads repeated, so that there are ``heads``."""
    *before, own, length, width = tensor._array.shape
    if heads % own:
        raise ShapeError(f"{heads} heads cannot share {own}{at_line()}")
    return tensor.unsqueeze(-3).expand(*before, own, heads // own, length, width).reshape(*before, heads, length, width)


def _need(fits: bool, message: str) -> None:
    """Raise AssertionError, as PyTorch does here, where something does not fit."""
    if not fits:
        raise AssertionError(message + at_line())


def canonical_mask(mask: Any, name: str, like: Any, other: Any = None) -> Any:
    """A mask as numbers to add: bools, true where attention may not go, become minus infinity.

    Warns where ``other`` is a mask of another kind. Raises AssertionError for a mask of integers.
    """
    if mask is None:
        return None
    kind = mask._array.dtype.kind
    _need(kind in "bf", f"only bool and floating types of {name} are supported")
    if other is not None and other._array.dtype != mask._array.dtype:
        warn(f"{name} and the other mask are of one dtype, or will have to be")
    return _bias(~mask._array, like._array.dtype) if kind == "b" else mask


def _check_shapes(query: Any, key: Any, value: Any, padding: Any, mask: Any, heads: int) -> bool:
    """Whether there is a batch."""
    rank = query._array.ndim
    _need(rank in (2, 3), f"query should be unbatched 2D or batched 3D tensor but received {rank}-D query tensor")
    ranks = key._array.ndim, value._array.ndim
    _need(ranks == (rank, rank), f"key and value have the query's {rank} dimensions, not {ranks}")
    if padding is not None:
        _need(padding._array.ndim == rank - 1, f"key_padding_mask is of {rank - 1} dimensions here")
    if mask is not None:
        _need(mask._array.ndim in (2, 3), f"attn_mask is of 2 or 3 dimensions, not of {mask._array.ndim}")
        if rank == 2 and mask._array.ndim == 3:
            _need(len(mask._array) == heads, f"attn_mask is one for each of {heads} heads here")
    return rank == 3


def _projected(query: Any, key: Any, value: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any]:
    """The three projections by the thirds of one weight, in as few products as possible."""
    size = query._array.shape[-1]
    if key is value and query is key:
        joint = linear(query, weight, bias)
        return joint[..., :size], joint[..., size : 2 * size], joint[..., 2 * size :]

    def part(x: Any, begin: int, end: int) -> Any:
        return linear(x, weight[begin:end], None if bias is None else bias[begin:end])

    q = part(query, 0, size)
    if key is value:
        joint = part(key, size, 3 * size)
        return q, joint[..., :size], joint[..., size:]
    return q, part(key, size, 2 * size), part(value, 2 * size, 3 * size)


def multi_head_attention_forward(
    query: Any,
    key: Any,
    value: Any,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Any,
    out_proj_bias: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Any, Any]:
    """What ``nn.MultiheadAttention`` computes: its output, and the weights of attention or None.

    Args:
        query, key, value: (L, N, E), (S, N, Ek), (S, N, Ev), or without N.
        key_padding_mask: (N, S), true (or minus infinity) where keys are padding.
        attn_mask: (L, S) or (N · heads, L, S), true (or minus infinity) where attention may not go.
        is_causal: a hint that ``attn_mask`` is causal, which has to be given all the same.

    Raises AssertionError and RuntimeError where shapes and dtypes do not fit, as PyTorch does.
    """
    batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        same = query is key, key is value
        query = query.unsqueeze(1)
        key = query if same[0] else key.unsqueeze(1)
        value = key if same[1] else value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, batch, size = query._array.shape
    padding = canonical_mask(key_padding_mask, "key_padding_mask", query, attn_mask)
    if is_causal and attn_mask is None:
        raise ShapeError(f"is_causal is a hint about attn_mask, which has to be given{at_line()}")
    hinted = is_causal and padding is None and not need_weights
    mask = None if hinted else canonical_mask(attn_mask, "attn_mask", query)
    _need(size == embed_dim_to_check, f"was expecting embedding dimension of {embed_dim_to_check}, but got {size}")
    _need(size % num_heads == 0, f"embed_dim {size} not divisible by num_heads {num_heads}")
    shapes = key._array.shape, value._array.shape
    if use_separate_proj_weight:
        _need(shapes[0][:2] == shapes[1][:2], f"key and value are of shapes {shapes}")
        biases = (None,) * 3
        if in_proj_bias is not None:
            biases = tuple(in_proj_bias[i * size : (i + 1) * size] for i in range(3))
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        q, k, v = (linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True))
    else:
        _need(shapes[0] == shapes[1], f"key shape {shapes[0]} does not match value shape {shapes[1]}")
        q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias)
    if mask is not None:
        wanted = (length, len(k._array)) if mask._array.ndim == 2 else (batch * num_heads, length, len(k._array))
        if mask._array.shape != wanted:
            raise ShapeError(f"attn_mask is of shape {mask._array.shape}, and should be {wanted}{at_line()}")
        mask = mask.unsqueeze(0) if mask._array.ndim == 2 else mask
    if bias_k is not None and bias_v is not None:
        k = apply(concat, (k, bias_k.expand(1, batch, size)), {"axis": 0})
        v = apply(concat, (v, bias_v.expand(1, batch, size)), {"axis": 0})
        mask, padding = _longer(mask), _longer(padding)
    width = size // num_heads
    q, k, v = (x.reshape(len(x._array), batch * num_heads, width).transpose(0, 1) for x in (q, k, v))
    k, v = k if static_k is None else static_k, v if static_v is None else static_v
    if add_zero_attn:
        nothing = k.new_zeros((batch * num_heads, 1, width))
        k, v = (apply(concat, (x, nothing), {"axis": 1}) for x in (k, v))
        mask, padding = _longer(mask), _longer(padding)
    steps = k._array.shape[1]
    if padding is not None:
        _need(padding._array.shape == (batch, steps), f"key_padding_mask is of shape {(batch, steps)} here")
        rows = padding.view(batch, 1, 1, steps).expand(batch, num_heads, 1, steps).reshape(batch * num_heads, 1, steps)
        mask = rows if mask is None else mask + rows
    attended, attention = _attend(q, k, v, mask, dropout_p if training else 0.0, hinted, need_weights)
    out = linear(attended.transpose(0, 1).reshape(length, batch, size), out_proj_weight, out_proj_bias)
    if attention is not None:
        attention = attention.view(batch, num_heads, length, steps)
        attention = attention.mean(1) if average_attn_weights else attention
        attention = attention if batched else attention.squeeze(0)
    return (out if batched else out.squeeze(1)), attention


def _attend(q: Any, k: Any, v: Any, mask: Any, p: float, causal: bool, need_weights: bool) -> tuple[Any, Any]:
    if not need_weights:
        return scaled_dot_product_attention(q, k, v, mask, p, causal), None
    scores = binary(matmul, q * math.sqrt(1.0 / q._array.shape[-1]), k.transpose(-2, -1))
    attention = softmax(scores if mask is None else scores + mask, -1)
    attention = dropout(attention, p) if p else attention
    return binary(matmul, attention, v), attention


def _longer(mask: Any) -> Any:
    """``mask`` for one key more, which is not masked."""
    return None if mask is None else pad(mask, (0, 1))


__getattr__ = lacking(__name__)
