"""``tf.nn.rnn_cell``: cells, which make an output and a new state of an input and the state before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from graphs.core.errors import at_line
from graphs.ops import add
from static.array import concat, shape, split, zeros
from static.clipping import clip_by_value
from static.graph import get_default_graph
from static.initializers import constant_initializer, zeros_initializer
from static.layers.base import Layer
from static.math import matmul, sigmoid, tanh
from static.nest import flatten, is_sequence, map_structure
from static.scopes import variable_scope
from static.shapes import TensorShape
from static.tensor import apply


class RNNCell(Layer):
    """What all cells share: ``cell(inputs, state)`` gives ``(output, new state)``.

    A subclass says in ``state_size`` and ``output_size`` (numbers, shapes or structures of them) what it keeps and yields,
    makes variables in ``build(inputs_shape)`` and computes in ``call(inputs, state)``; or it does both in ``call`` by
    ``tf.get_variable``.
    """

    _zeros: tuple[Any, Any] | None = None

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output and the new state. Variables are made in the scope of the cell's name, or in ``scope``."""
        return super().__call__(inputs, state, scope=scope)

    @property
    def state_size(self) -> Any:
        """The size of the state: a number, a shape, or a structure of them."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        """The size of the output: a number or a shape."""
        raise NotImplementedError("Abstract method")

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The state of zeros, in the structure of ``state_size``; for one ``batch_size`` and dtype it is made once."""
        key = (batch_size, dtype, get_default_graph().body)
        if self._zeros is not None and all(a is b for a, b in zip(self._zeros[0], key, strict=True)):
            return self._zeros[1]
        with get_default_graph().name_scope(f"{type(self).__name__}ZeroState"):
            made = zero_state(self.state_size, batch_size, dtype)
        self._zeros = (key, made)
        return made

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """The state of zeros for ``inputs`` (batch first), or for a batch size and dtype."""
        if inputs is not None:
            batch_size, dtype = batch_of(inputs), inputs.dtype
        return self.zero_state(batch_size, dtype)


def zero_state(state_size: Any, batch_size: Any, dtype: Any) -> Any:
    """Zeros in the structure of ``state_size``, with ``batch_size`` before each size."""
    return map_structure_of_sizes(lambda size: zeros([batch_size, *sizes_of(size)], dtype), state_size)


def map_structure_of_sizes(function: Callable[[Any], Any], sizes: Any) -> Any:
    """``function`` of each size in a structure; a ``TensorShape`` is one size."""
    return map_structure(function, sizes) if is_sequence(sizes) else function(sizes)


def sizes_of(size: Any) -> list[Any]:
    """A size as a list of dimensions."""
    return list(size.as_list()) if isinstance(size, TensorShape) else [size]


def batch_of(x: Any) -> Any:
    """The number of examples: known, or a tensor."""
    size = x.shape.as_list()[0] if x.shape.ndims is not None else None
    return shape(x)[0] if size is None else size


class LayerRNNCell(RNNCell):
    """A cell that makes its variables in ``build``, like other layers."""

    def _depth(self, inputs_shape: Any) -> int:
        shape = TensorShape(inputs_shape)
        depth = None if shape.ndims is None else shape.as_list()[-1]
        if depth is None:
            raise ValueError(f"Expected inputs.shape[-1] to be known, saw shape: {shape}{at_line()}")
        return int(depth)

    def _parts(self, inputs: Any, state: Any) -> Any:
        return concat([inputs, state], 1)


def _biased(x: Any, bias: Any) -> Any:
    return apply(add, x, bias, node="BiasAdd")


class BasicRNNCell(LayerRNNCell):
    """The plain recurrent cell: ``activation([inputs, state] @ kernel + bias)``, by default tanh."""

    def __init__(
        self,
        num_units: int,
        activation: Callable[[Any], Any] | None = None,
        reuse: bool | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._activation = activation or tanh

    @property
    def state_size(self) -> Any:
        """The number of units."""
        return self._num_units

    @property
    def output_size(self) -> Any:
        """The number of units."""
        return self._num_units

    def build(self, inputs_shape: Any) -> None:
        """Make kernel and bias."""
        depth = self._depth(inputs_shape)
        self._kernel = self.add_weight("kernel", [depth + self._num_units, self._num_units])
        self._bias = self.add_weight("bias", [self._num_units], initializer=zeros_initializer(dtype=self.dtype))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The new state, which is the output too."""
        output = self._activation(_biased(matmul(self._parts(inputs, state), self._kernel), self._bias))
        return output, output


class GRUCell(LayerRNNCell):
    """The gated recurrent unit (Cho et al. 2014)."""

    def __init__(
        self,
        num_units: int,
        activation: Callable[[Any], Any] | None = None,
        reuse: bool | None = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._activation = activation or tanh
        self._kernel_initializer = kernel_initializer
        self._bias_initializer = bias_initializer

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
        gates = self._bias_initializer or constant_initializer(1.0, dtype=self.dtype)
        candidate = self._bias_initializer or zeros_initializer(dtype=self.dtype)
        self._gate_kernel = self.add_weight("gates/kernel", [rows, 2 * units], initializer=self._kernel_initializer)
        self._gate_bias = self.add_weight("gates/bias", [2 * units], initializer=gates)
        self._candidate_kernel = self.add_weight("candidate/kernel", [rows, units], initializer=self._kernel_initializer)
        self._candidate_bias = self.add_weight("candidate/bias", [units], initializer=candidate)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The new state, which is the output too."""
        gates = sigmoid(_biased(matmul(self._parts(inputs, state), self._gate_kernel), self._gate_bias))
        r, u = split(gates, 2, 1)
        candidate = _biased(matmul(self._parts(inputs, r * state), self._candidate_kernel), self._candidate_bias)
        output = u * state + (1 - u) * self._activation(candidate)
        return output, output


class LSTMStateTuple(NamedTuple):
    """The state of an LSTM cell: ``c``, and ``h``, which is the output too."""

    c: Any
    h: Any

    @property
    def dtype(self) -> Any:
        """The dtype of both. Raises TypeError where they differ."""
        if self.c.dtype != self.h.dtype:
            raise TypeError(f"Inconsistent internal state: {self.c.dtype} vs {self.h.dtype}")
        return self.c.dtype


class BasicLSTMCell(LayerRNNCell):
    """Long short-term memory without peepholes or projection (Zaremba et al. 2014).

    ``forget_bias`` is added to the forget gate's sum; with ``state_is_tuple`` false the state is one tensor, ``c`` and ``h``
    side by side.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Callable[[Any], Any] | None = None,
        reuse: bool | None = None,
        name: str | None = None,
        dtype: Any = None,
        input_size: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation or tanh

    @property
    def state_size(self) -> Any:
        """The sizes of ``c`` and ``h``, or their sum."""
        return LSTMStateTuple(self._num_units, self._num_units) if self._state_is_tuple else 2 * self._num_units

    @property
    def output_size(self) -> Any:
        """The number of units."""
        return self._num_units

    def build(self, inputs_shape: Any) -> None:
        """Make kernel and bias."""
        units = self._num_units
        self._kernel = self.add_weight("kernel", [self._depth(inputs_shape) + units, 4 * units])
        self._bias = self.add_weight("bias", [4 * units], initializer=zeros_initializer(dtype=self.dtype))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The output and the new state."""
        c, h = state if self._state_is_tuple else split(state, 2, 1)
        sums = _biased(matmul(self._parts(inputs, h), self._kernel), self._bias)
        i, j, f, o = split(sums, 4, 1)
        new_c = c * sigmoid(f + self._forget_bias) + sigmoid(i) * self._activation(j)
        new_h = self._activation(new_c) * sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h) if self._state_is_tuple else concat([new_c, new_h], 1)


class LSTMCell(LayerRNNCell):
    """Long short-term memory with peepholes, clipping and a projection of the output, as asked for (Sak et al. 2014)."""

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: int | None = None,
        num_proj_shards: int | None = None,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Callable[[Any], Any] | None = None,
        reuse: bool | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._initializer = initializer
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation or tanh

    @property
    def state_size(self) -> Any:
        """The sizes of ``c`` and ``h``, or their sum."""
        sizes = LSTMStateTuple(self._num_units, self.output_size)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        """The number of units, or of what they are projected to."""
        return self._num_proj or self._num_units

    def build(self, inputs_shape: Any) -> None:
        """Make kernel, bias, and what else is asked for."""
        units, start = self._num_units, self._initializer
        rows = self._depth(inputs_shape) + self.output_size
        self._kernel = self.add_weight("kernel", [rows, 4 * units], initializer=start)
        bias = zeros_initializer if start is None else zeros_initializer(dtype=self.dtype)
        self._bias = self.add_weight("bias", [4 * units], initializer=bias)
        if self._use_peepholes:
            self._w_f_diag = self.add_weight("w_f_diag", [units], initializer=start)
            self._w_i_diag = self.add_weight("w_i_diag", [units], initializer=start)
            self._w_o_diag = self.add_weight("w_o_diag", [units], initializer=start)
        if self._num_proj is not None:
            self._projection = self.add_weight("projection/kernel", [units, self._num_proj], initializer=start)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The output and the new state."""
        c, h = state if self._state_is_tuple else split(state, [self._num_units, self.output_size], 1)
        i, j, f, o = split(_biased(matmul(self._parts(inputs, h), self._kernel), self._bias), 4, 1)
        if self._use_peepholes:
            forget = sigmoid(f + self._forget_bias + self._w_f_diag * c) * c
            new_c = forget + sigmoid(i + self._w_i_diag * c) * self._activation(j)
        else:
            new_c = sigmoid(f + self._forget_bias) * c + sigmoid(i) * self._activation(j)
        if self._cell_clip is not None:
            new_c = clip_by_value(new_c, -self._cell_clip, self._cell_clip)
        gate = sigmoid(o + self._w_o_diag * new_c) if self._use_peepholes else sigmoid(o)
        new_h = gate * self._activation(new_c)
        if self._num_proj is not None:
            new_h = matmul(new_h, self._projection)
            if self._proj_clip is not None:
                new_h = clip_by_value(new_h, -self._proj_clip, self._proj_clip)
        return new_h, LSTMStateTuple(new_c, new_h) if self._state_is_tuple else concat([new_c, new_h], 1)


class MultiRNNCell(RNNCell):
    """Cells one upon another: each has the output of the one below as its input.

    With ``state_is_tuple`` the state is a tuple of theirs, else they stand side by side in one tensor.
    """

    def __init__(self, cells: Any, state_is_tuple: bool = True) -> None:
        super().__init__()
        if not isinstance(cells, (list, tuple)):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if len({id(cell) for cell in cells}) < len(cells):
            raise ValueError(
                "At least two cells provided to MultiRNNCell are the same object and would share weights: make one cell for "
                f"each layer.{at_line()}"
            )
        self._cells = list(cells)
        self._state_is_tuple = state_is_tuple
        if not state_is_tuple and any(is_sequence(cell.state_size) for cell in self._cells):
            raise ValueError(f"Some cells return tuples of states, but the flag state_is_tuple is not set: {cells}")

    @property
    def state_size(self) -> Any:
        """The sizes of the cells' states."""
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        """The size of the last cell's output."""
        return self._cells[-1].output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Zeros for each of the cells."""
        with get_default_graph().name_scope("MultiRNNCellZeroState"):
            if self._state_is_tuple:
                return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)
            return zero_state(self.state_size, batch_size, dtype)

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables of all cells that optimizers change."""
        return [variable for cell in self._cells for variable in cell.trainable_weights]

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other variables of all cells."""
        return [variable for cell in self._cells for variable in cell.non_trainable_weights]

    def call(self, inputs: Any, state: Any) -> Any:
        """The last cell's output, and the new states."""
        sizes = [cell.state_size for cell in self._cells]
        states = state if self._state_is_tuple else split(state, sizes, 1)
        if len(flatten(states)) != len(flatten(sizes)):
            raise ValueError(f"Expected state to be a tuple of length {len(sizes)}, but received: {state}{at_line()}")
        new = []
        for i, (cell, own) in enumerate(zip(self._cells, states, strict=True)):
            with variable_scope(f"cell_{i}"):
                inputs, now = cell(inputs, own)
                new.append(now)
        return inputs, tuple(new) if self._state_is_tuple else concat(new, 1)
