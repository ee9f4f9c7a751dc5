"""Cells whose variables are a block each; here they are as fast as the plain ones, and are there for their names."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import at_line
from graphs.ops import add, stop_gradient
from static.array import split
from static.clipping import clip_by_value
from static.initializers import constant_initializer
from static.math import matmul, sigmoid, tanh
from static.rnn.cells import LayerRNNCell, LSTMStateTuple
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
            # The block's gradient knows nothing of the clipping: it goes through as if there were none.
            new_c = stop_gradient(clip_by_value(new_c, -self._clip, self._clip)) + (new_c - stop_gradient(new_c))
        new_h = sigmoid(o if w_o is None else o + w_o * new_c) * tanh(new_c)
        return new_h, LSTMStateTuple(new_c, new_h)


class GRUBlockCell(LayerRNNCell):
    """The gated recurrent unit with its two kernels and biases as blocks: ``w_ru``, ``b_ru``, ``w_c`` and ``b_c``.

    ``cell_size`` is an older name of ``num_units``. Raises ValueError unless one of them is given.
    """

    _names = ("w_ru", "b_ru", "w_c", "b_c")

    def __init__(
        self, num_units: int | None = None, cell_size: int | None = None, reuse: bool | None = None, name: str = "gru_cell"
    ) -> None:
        super().__init__(_reuse=reuse, name=name)
        if (cell_size is None) == (num_units is None):
            raise ValueError(f"Exactly one of num_units or cell_size must be provided.{at_line()}")
        self._num_units: Any = cell_size if num_units is None else num_units

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
        gate_kernel, gate_bias, candidate_kernel, candidate_bias = self._names
        self._gate_kernel = self.add_weight(gate_kernel, [rows, 2 * units])
        self._gate_bias = self.add_weight(gate_bias, [2 * units], initializer=constant_initializer(1.0))
        self._candidate_kernel = self.add_weight(candidate_kernel, [rows, units])
        self._candidate_bias = self.add_weight(candidate_bias, [units], initializer=constant_initializer(0.0))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The new state, which is the output too."""
        gates = sigmoid(matmul(self._parts(inputs, state), self._gate_kernel) + self._gate_bias)
        r, u = split(gates, 2, 1)
        candidate = tanh(matmul(self._parts(inputs, r * state), self._candidate_kernel) + self._candidate_bias)
        output = u * state + (1 - u) * candidate
        return output, output


class GRUBlockCellV2(GRUBlockCell):
    """``GRUBlockCell`` whose variables have the names that ``GRUCell`` gives them."""

    _names = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")
