"""The transformer (Vaswani et al. 2017): layers of encoder and decoder, stacks of them, and both together.

Sequences are (L, N, E), or (N, L, E) with ``batch_first``, or (L, E) alone. Masks are bools, true where attention may *not*
go, or numbers that are added.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy

from dynamic.elsewhere import beside
from dynamic.functions.making import finished, kind_of
from dynamic.names import lacking
from dynamic.nn import init
from dynamic.nn.activations import gelu, relu
from dynamic.nn.attention import canonical_mask
from dynamic.nn.modules.attention import MultiheadAttention
from dynamic.nn.modules.container import ModuleList
from dynamic.nn.modules.dropout import Dropout
from dynamic.nn.modules.linear import Linear
from dynamic.nn.modules.module import Module
from dynamic.nn.modules.normalization import LayerNorm
from graphs.core.errors import ShapeError, at_line


Activation = str | Callable[[Any], Any]


def _activation(given: Activation) -> Callable[[Any], Any]:
    if not isinstance(given, str):
        return given
    if given not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {given}")
    return relu if given == "relu" else gelu


def _causal_mask(size: int, dtype: Any) -> Any:
    return numpy.triu(numpy.full((size, size), -numpy.inf, dtype), 1)


def _is_causal(mask: Any, said: bool | None, size: int) -> bool:
    """Whether ``mask`` is causal: as it was said, or as it is."""
    if said is not None or mask is None:
        return bool(said)
    array = mask._array
    if array.shape[-2:] != (size, size):
        return False
    return bool((array == beside(_causal_mask(size, numpy.float32).astype(array.dtype), array)).all())


class _Layer(Module):
    """What layers of encoder and decoder have in common: attention to itself, and two linear maps."""

    attentions: tuple[str, ...] = ("self_attn",)

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        super().__init__()
        for name in self.attentions:
            attention = MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **where)
            self.add_module(name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **where)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **where)
        self.norm_first = norm_first
        count = len(self.attentions) + 1
        for number in range(1, count + 1):
            self.add_module(f"norm{number}", LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **where))
        for number in range(1, count + 1):
            self.add_module(f"dropout{number}", Dropout(dropout))
        self.activation = _activation(activation)

    def _sa_block(self, x: Any, attn_mask: Any, key_padding_mask: Any, is_causal: bool = False) -> Any:
        how: dict[str, Any] = {"attn_mask": attn_mask, "key_padding_mask": key_padding_mask, "is_causal": is_causal}
        return self.dropout1(self.self_attn(x, x, x, **how, need_weights=False)[0])

    def _feed(self, x: Any) -> Any:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """Attention of a sequence to itself, then two linear maps at each place, both added to what came in and normalised.

    Args:
        d_model: the size of each place.
        nhead: how many heads attend.
        dim_feedforward: the size between the two linear maps.
        dropout: of weights, of what is added and between the linear maps.
        activation: between the linear maps: "relu", "gelu" or a function.
        layer_norm_eps: what the normalisation adds to variances.
        batch_first: (N, L, E) in place of (L, N, E).
        norm_first: normalise what goes in rather than what comes out.
        bias: whether maps and normalisations have one.
    """

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """The sequence that ``src`` becomes, in its shape; ``is_causal`` is a hint that ``src_mask`` is."""
        padding = canonical_mask(src_key_padding_mask, "src_key_padding_mask", src, src_mask)
        mask = canonical_mask(src_mask, "src_mask", src)
        if self.norm_first:
            src = src + self._sa_block(self.norm1(src), mask, padding, is_causal)
            return src + self._ff_block(self.norm2(src))
        src = self.norm1(src + self._sa_block(src, mask, padding, is_causal))
        return self.norm2(src + self._ff_block(src))

    def _ff_block(self, x: Any) -> Any:
        return self.dropout2(self._feed(x))


class TransformerDecoderLayer(_Layer):
    """``TransformerEncoderLayer`` with attention to another sequence, the memory, in the middle."""

    attentions = ("self_attn", "multihead_attn")

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """The sequence that ``tgt`` becomes, in its shape."""
        own = tgt_mask, tgt_key_padding_mask, tgt_is_causal
        across = memory, memory_mask, memory_key_padding_mask, memory_is_causal
        if self.norm_first:
            tgt = tgt + self._sa_block(self.norm1(tgt), *own)
            tgt = tgt + self._mha_block(self.norm2(tgt), *across)
            return tgt + self._ff_block(self.norm3(tgt))
        tgt = self.norm1(tgt + self._sa_block(tgt, *own))
        tgt = self.norm2(tgt + self._mha_block(tgt, *across))
        return self.norm3(tgt + self._ff_block(tgt))

    def _mha_block(self, x: Any, mem: Any, attn_mask: Any, key_padding_mask: Any, is_causal: bool = False) -> Any:
        how: dict[str, Any] = {"attn_mask": attn_mask, "key_padding_mask": key_padding_mask, "is_causal": is_causal}
        return self.dropout2(self.multihead_attn(x, mem, mem, **how, need_weights=False)[0])

    def _ff_block(self, x: Any) -> Any:
        return self.dropout3(self._feed(x))


def _length(layer: Module, x: Any) -> int:
    """How many places a sequence has."""
    attention = layer.self_attn
    return int(x._array.shape[1 if attention.batch_first and x._array.ndim == 3 else 0])


class TransformerEncoder(Module):
    """``num_layers`` copies of ``encoder_layer`` one after the other, and ``norm``, if any, after the last.

    ``enable_nested_tensor`` and ``mask_check`` are taken and have no effect: they are about how PyTorch skips padding.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None) -> Any:
        """The sequence that ``src`` becomes, in its shape; whether ``mask`` is causal is seen where it is not said."""
        padding = canonical_mask(src_key_padding_mask, "src_key_padding_mask", src, mask)
        mask = canonical_mask(mask, "mask", src)
        causal = _is_causal(mask, is_causal, _length(self.layers[0], src))
        for layer in self.layers:
            src = layer(src, src_mask=mask, is_causal=causal, src_key_padding_mask=padding)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """``num_layers`` copies of ``decoder_layer`` one after the other, and ``norm``, if any, after the last."""

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """The sequence that ``tgt`` becomes, in its shape; whether ``tgt_mask`` is causal is seen where it is not said."""
        causal = _is_causal(tgt_mask, tgt_is_causal, _length(self.layers[0], tgt))
        for layer in self.layers:
            tgt = layer(
                tgt,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder and a decoder that attends to what it gives; arguments as for ``TransformerEncoderLayer``.

    ``custom_encoder`` and ``custom_decoder`` take the place of the stacks.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        settings = (dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **where)

        if custom_encoder is None:
            custom_encoder = TransformerEncoder(
                TransformerEncoderLayer(d_model, nhead, *settings, **where), num_encoder_layers, norm()
            )
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(
                TransformerDecoderLayer(d_model, nhead, *settings, **where), num_decoder_layers, norm()
            )
        self.encoder, self.decoder = custom_encoder, custom_decoder
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def _reset_parameters(self) -> None:
        for parameter in self.parameters():
            if parameter._array.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """The sequence that ``tgt`` becomes, in its shape. Raises RuntimeError for other sizes of batch or places."""
        shapes = src._array.shape, tgt._array.shape
        axis = 0 if self.batch_first else 1
        if len(shapes[0]) == 3 and shapes[0][axis] != shapes[1][axis]:
            raise ShapeError(f"the batch number of src and tgt must be equal: {shapes}{at_line()}")
        if {shape[-1] for shape in shapes} != {self.d_model}:
            raise ShapeError(f"the feature number of src and tgt must be {self.d_model}: {shapes}{at_line()}")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Any:
        """A causal mask: (sz, sz), minus infinity above the diagonal, else 0."""
        return finished(_causal_mask(sz, kind_of(dtype)), device=device)


__getattr__ = lacking(__name__)
