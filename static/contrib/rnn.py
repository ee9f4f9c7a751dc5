"""``tf.contrib.rnn``: cells and what runs them, under the names that they had there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphs.ops import add
from static.array import concat, reshape, split
from static.clipping import clip_by_value
from static.dropout import dropout
from static.embedding import embedding_lookup
from static.initializers import constant_initializer, random_uniform_initializer, zeros_initializer
from static.math import matmul, rsqrt, sigmoid, square, tanh
from static.reductions import reduce_mean
from static.rnn.cell import (
    BasicLSTMCell as BasicLSTMCell,
    BasicRNNCell as BasicRNNCell,
    DeviceWrapper as DeviceWrapper,
    DropoutWrapper as DropoutWrapper,
    GRUCell as GRUCell,
    LSTMCell as LSTMCell,
    LSTMStateTuple as LSTMStateTuple,
    MultiRNNCell as MultiRNNCell,
    ResidualWrapper as ResidualWrapper,
    RNNCell as RNNCell,
)
from static.rnn.cells import LayerRNNCell
from static.rnn.running import (
    bidirectional_dynamic_rnn,
    static_bidirectional_rnn as static_bidirectional_rnn,
    static_rnn as static_rnn,
)
from static.rnn.wrappers import Wrapper
from static.scopes import variable_scope
from static.store import get_variable
from static.tensor import apply


class LSTMBlockCell(LayerRNNCell):
    """The LSTM cell whose kernel and bias are one block; numbers and variables are those of ``LSTMCell`` with peepholes."""

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        dtype: Any = None,
        reuse: bool | None = None,
        name: str = "lstm_cell",
    ) -> None:
        super().__init__(_reuse=reuse, dtype=dtype, name=name)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._clip = cell_clip
        self._use_peephole = use_peephole

    @property
    def state_size(self) -> Any:
        """The sizes of ``c`` and ``h``."""
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> Any:
        """The number of units."""
        return self._num_units

    def build(self, inputs_shape: Any) -> None:
        """Make kernel, bias and peepholes."""
        units = self._num_units
        self._kernel = self.add_weight("kernel", [self._depth(inputs_shape) + units, 4 * units])
        self._bias = self.add_weight("bias", [4 * units], initializer=constant_initializer(0.0))
        if self._use_peephole:
            self._peepholes = [self.add_weight(f"w_{gate}_diag", [units]) for gate in "ifo"]
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The output and the new state."""
        c, h = state
        i, j, f, o = split(apply(add, matmul(self._parts(inputs, h), self._kernel), self._bias, node="BiasAdd"), 4, 1)
        w_i, w_f, w_o = (w * 1.0 for w in self._peepholes) if self._use_peephole else (None, None, None)
        forget = f + self._forget_bias if w_f is None else f + self._forget_bias + w_f * c
        new_c = sigmoid(forget) * c + sigmoid(i if w_i is None else i + w_i * c) * tanh(j)
        if self._clip is not None and self._clip > 0:
            new_c = clip_by_value(new_c, -self._clip, self._clip)
        new_h = sigmoid(o if w_o is None else o + w_o * new_c) * tanh(new_c)
        return new_h, LSTMStateTuple(new_c, new_h)


class GRUBlockCellV2(LayerRNNCell):
    """The gated recurrent unit with its two kernels and biases as blocks."""

    def __init__(self, num_units: int, reuse: bool | None = None, name: str = "gru_cell", dtype: Any = None) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units = num_units

    @property
    def state_size(self) -> Any:
        """The number of units."""
        return self._num_units

    @property
    def output_size(self) -> Any:
        """The number of units."""
        return self._num_units

    def build(self, inputs_shape: Any) -> None:
        """Make the gates' and the candidate's kernel and bias."""
        units, rows = self._num_units, self._depth(inputs_shape) + self._num_units
        self._gate_kernel = self.add_weight("gates/kernel", [rows, 2 * units])
        self._gate_bias = self.add_weight("gates/bias", [2 * units], initializer=constant_initializer(1.0))
        self._candidate_kernel = self.add_weight("candidate/kernel", [rows, units])
        self._candidate_bias = self.add_weight("candidate/bias", [units], initializer=constant_initializer(0.0))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The new state, which is the output too."""
        gates = sigmoid(matmul(self._parts(inputs, state), self._gate_kernel) + self._gate_bias)
        r, u = split(gates, 2, 1)
        candidate = tanh(matmul(self._parts(inputs, r * state), self._candidate_kernel) + self._candidate_bias)
        output = u * state + (1 - u) * candidate
        return output, output


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
        self._norm_gain = norm_gain
        self._norm_shift = norm_shift

    @property
    def state_size(self) -> Any:
        """The sizes of ``c`` and ``h``."""
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> Any:
        """The number of units."""
        return self._num_units

    def _norm(self, x: Any, scope: str) -> Any:
        shape = [x.shape.as_list()[-1]]
        with variable_scope(scope):
            gamma = get_variable("gamma", shape, x.dtype, constant_initializer(self._norm_gain))
            beta = get_variable("beta", shape, x.dtype, constant_initializer(self._norm_shift))
        centred = x - reduce_mean(x, -1, keepdims=True)
        variance = reduce_mean(square(centred), -1, keepdims=True)
        return centred * rsqrt(variance + 1e-12) * gamma + beta

    def call(self, inputs: Any, state: Any) -> Any:
        """The output and the new state."""
        c, h = state
        args = concat([inputs, h], 1)
        kernel = get_variable("kernel", [args.shape.as_list()[-1], 4 * self._num_units], args.dtype)
        sums = matmul(args, kernel)
        if not self._layer_norm:
            sums = sums + get_variable("bias", [4 * self._num_units], args.dtype, zeros_initializer())
        i, j, f, o = split(sums, 4, 1)
        if self._layer_norm:
            i, j, f, o = (
                self._norm(x, name) for x, name in zip((i, j, f, o), ("input", "transform", "forget", "output"), strict=True)
            )
        g = self._activation(j)
        if not isinstance(self._keep_prob, (int, float)) or self._keep_prob < 1:
            g = dropout(g, keep_prob=self._keep_prob, seed=self._seed)
        new_c = c * sigmoid(f + self._forget_bias) + sigmoid(i) * g
        if self._layer_norm:
            new_c = self._norm(new_c, "state")
        new_h = self._activation(new_c) * sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h)


class InputProjectionWrapper(Wrapper):
    """A cell whose inputs go through a linear layer of ``num_proj`` units first."""

    def __init__(
        self,
        cell: Any,
        num_proj: int,
        activation: Callable[[Any], Any] | None = None,
        input_size: Any = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(cell)
        self._num_proj = num_proj
        self._activation = activation

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output and the new state."""
        with variable_scope(scope or "input_projection_wrapper"):
            projected = _linear(inputs, self._num_proj)
            return self._cell(self._activation(projected) if self._activation else projected, state)


class OutputProjectionWrapper(Wrapper):
    """A cell whose outputs go through a linear layer of ``output_size`` units."""

    def __init__(
        self, cell: Any, output_size: int, activation: Callable[[Any], Any] | None = None, reuse: Any = None
    ) -> None:
        super().__init__(cell)
        if output_size < 1:
            raise ValueError(f"Parameter output_size must be > 0: {output_size}.")
        self._size = output_size
        self._activation = activation

    @property
    def output_size(self) -> Any:
        """The number of units that the outputs are projected to."""
        return self._size

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output and the new state."""
        with variable_scope(scope or "output_projection_wrapper"):
            output, new = self._cell(inputs, state)
            projected = _linear(output, self._size)
        return self._activation(projected) if self._activation else projected, new


class EmbeddingWrapper(Wrapper):
    """A cell whose inputs are classes, which are embedded first."""

    def __init__(
        self, cell: Any, embedding_classes: int, embedding_size: int, initializer: Any = None, reuse: Any = None
    ) -> None:
        super().__init__(cell)
        if embedding_classes <= 0 or embedding_size <= 0:
            raise ValueError(
                f"Both embedding_classes and embedding_size must be > 0: {embedding_classes}, {embedding_size}."
            )
        self._shape = [embedding_classes, embedding_size]
        self._initializer = initializer

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output and the new state."""
        with variable_scope(scope or "embedding_wrapper"):
            start = self._initializer or random_uniform_initializer(-(3**0.5), 3**0.5)
            first = state[0] if isinstance(state, tuple) else state
            table = get_variable("embedding", self._shape, first.dtype, start)
            return self._cell(embedding_lookup(table, reshape(inputs, [-1])), state)


def _linear(x: Any, units: int) -> Any:
    kernel = get_variable("kernel", [x.shape.as_list()[-1], units], x.dtype)
    return matmul(x, kernel) + get_variable("bias", [units], x.dtype, zeros_initializer())


def stack_bidirectional_dynamic_rnn(
    cells_fw: Sequence[Any],
    cells_bw: Sequence[Any],
    inputs: Any,
    initial_states_fw: Any = None,
    initial_states_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    parallel_iterations: int | None = None,
    time_major: bool = False,
    scope: Any = None,
    swap_memory: bool = False,
) -> tuple[Any, Any, Any]:
    """Bidirectional layers one upon another: the outputs of the last, side by side, and all last states of both ways."""
    if not isinstance(cells_fw, list) or not isinstance(cells_bw, list) or not cells_fw or len(cells_fw) != len(cells_bw):
        raise ValueError("cells_fw and cells_bw are lists of cells (one or more), as long as each other")
    states_fw, states_bw = [], []
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for i, (forward, back) in enumerate(zip(cells_fw, cells_bw, strict=True)):
            with variable_scope(f"cell_{i}"):
                outputs, (last_fw, last_bw) = bidirectional_dynamic_rnn(
                    forward,
                    back,
                    inputs,
                    sequence_length,
                    initial_states_fw[i] if initial_states_fw else None,
                    initial_states_bw[i] if initial_states_bw else None,
                    dtype,
                    time_major=time_major,
                )
                inputs = concat(list(outputs), 2)
            states_fw.append(last_fw)
            states_bw.append(last_bw)
    return inputs, tuple(states_fw), tuple(states_bw)
