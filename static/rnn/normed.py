"""LSTM cells with layer normalisation: one with recurrent dropout, one whose input and forget gates are one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from static.array import concat, split
from static.clipping import clip_by_value
from static.dropout import dropout
from static.initializers import constant_initializer, zeros_initializer
from static.math import matmul, rsqrt, sigmoid, square, tanh
from static.reductions import reduce_mean
from static.rnn.cells import LSTMStateTuple, RNNCell
from static.scopes import variable_scope
from static.store import get_variable


def normed(x: Any, scope: str, gain: float, shift: float) -> Any:
    """``x`` with mean 0 and variance 1 along its last axis, times gamma plus beta, which start at ``gain`` and ``shift``."""
    shape = [x.shape.as_list()[-1]]
    with variable_scope(scope):
        gamma = get_variable("gamma", shape, x.dtype, constant_initializer(gain))
        beta = get_variable("beta", shape, x.dtype, constant_initializer(shift))
    centred = x - reduce_mean(x, -1, keepdims=True)
    variance = reduce_mean(square(centred), -1, keepdims=True)
    return centred * rsqrt(variance + 1e-12) * gamma + beta


class LayerNormBasicLSTMCell(RNNCell):
    """An LSTM cell with layer normalisation (Ba et al. 2016) and recurrent dropout (Semeniuta et al. 2016)."""

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        input_size: Any = None,
        activation: Callable[[Any], Any] = tanh,
        layer_norm: bool = True,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        dropout_keep_prob: Any = 1.0,
        dropout_prob_seed: int | None = None,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._activation = activation
        self._forget_bias = forget_bias
        self._keep_prob = dropout_keep_prob
        self._seed = dropout_prob_seed
        self._layer_norm = layer_norm
        self._start = (norm_gain, norm_shift)

    @property
    def state_size(self) -> Any:
        """The sizes of ``c`` and ``h``."""
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> Any:
        """The number of units."""
        return self._num_units

    def call(self, inputs: Any, state: Any) -> Any:
        """The output and the new state."""
        c, h = state
        args = concat([inputs, h], 1)
        kernel = get_variable("kernel", [args.shape.as_list()[-1], 4 * self._num_units], args.dtype)
        sums = matmul(args, kernel)
        if not self._layer_norm:
            sums = sums + get_variable("bias", [4 * self._num_units], args.dtype)
        i, j, f, o = split(sums, 4, 1)
        if self._layer_norm:
            i, j, f, o = (
                normed(x, name, *self._start)
                for x, name in zip((i, j, f, o), ("input", "transform", "forget", "output"), strict=True)
            )
        g = self._activation(j)
        if not isinstance(self._keep_prob, (int, float)) or self._keep_prob < 1:
            g = dropout(g, keep_prob=self._keep_prob, seed=self._seed)
        new_c = c * sigmoid(f + self._forget_bias) + sigmoid(i) * g
        if self._layer_norm:
            new_c = normed(new_c, "state", *self._start)
        new_h = self._activation(new_c) * sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h)


class CoupledInputForgetGateLSTMCell(RNNCell):
    """An LSTM cell that takes in as much as it forgets (Greff et al. 2015); other arguments are those of ``LSTMCell``.

    With ``layer_norm`` the gates' sums and ``c`` are normalised, starting from ``norm_gain`` and ``norm_shift``.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: int = 1,
        num_proj_shards: int = 1,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Callable[[Any], Any] = tanh,
        reuse: bool | None = None,
        layer_norm: bool = False,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
    ) -> None:
        super().__init__(_reuse=reuse)
        if num_unit_shards != 1 or num_proj_shards != 1:
            raise ValueError("a variable stays in one piece: num_unit_shards and num_proj_shards are 1")
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation
        self._layer_norm = layer_norm
        self._start = (norm_gain, norm_shift)

    @property
    def state_size(self) -> Any:
        """The sizes of ``c`` and ``h``, or their sum."""
        sizes = LSTMStateTuple(self._num_units, self.output_size)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        """The number of units, or of what they are projected to."""
        return self._num_proj or self._num_units

    def call(self, inputs: Any, state: Any) -> Any:
        """The output and the new state."""
        units, dtype = self._num_units, inputs.dtype
        c, h = state if self._state_is_tuple else split(state, [units, self.output_size], 1)
        args = concat([inputs, h], 1)
        sums = matmul(args, get_variable("W_0", [args.shape.as_list()[-1], 3 * units], dtype))
        bias = get_variable("B", [3 * units], dtype, zeros_initializer())
        j, f, o = split(sums if self._layer_norm else sums + bias, 3, 1)
        if self._layer_norm:
            names = ("transform", "forget", "output")
            j, f, o = (normed(x, name, *self._start) for x, name in zip((j, f, o), names, strict=True))
        forget = f + self._forget_bias
        if self._use_peepholes:
            forget = forget + get_variable("W_F_diag", [units], dtype) * c
            w_o = get_variable("W_O_diag", [units], dtype)
        gate = sigmoid(forget)
        new_c = gate * c + (1 - gate) * self._activation(j)
        if self._layer_norm:
            new_c = normed(new_c, "state", *self._start)
        new_h = sigmoid(o + w_o * new_c if self._use_peepholes else o) * self._activation(new_c)
        if self._num_proj is not None:
            new_h = matmul(new_h, get_variable("W_P_0", [units, self._num_proj], dtype))
            if self._proj_clip is not None:
                new_h = clip_by_value(new_h, -self._proj_clip, self._proj_clip)
        return new_h, LSTMStateTuple(new_c, new_h) if self._state_is_tuple else concat([new_c, new_h], 1)
