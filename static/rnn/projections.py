"""Cells around cells with variables of their own: projections, embeddings, highways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from static.array import reshape
from static.embedding import embedding_lookup
from static.initializers import constant_initializer, random_uniform_initializer, zeros_initializer
from static.math import matmul, sigmoid
from static.nest import assert_same_structure, flatten, map_structure
from static.rnn.cells import RNNCell
from static.rnn.wrappers import Wrapper
from static.scopes import get_variable_scope
from static.store import get_variable


class _Scoped(Wrapper):
    """A wrapper with a variable scope of its own, named after its class."""

    def __init__(self, cell: Any, reuse: Any = None) -> None:
        RNNCell.__init__(self, _reuse=reuse)
        if not hasattr(cell, "state_size") or not callable(cell):
            raise TypeError(f"The argument 'cell' ({cell!r}) is not an RNNCell")
        self._cell = cell

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output and the new state."""
        return RNNCell.__call__(self, inputs, state, scope=scope)


class InputProjectionWrapper(_Scoped):
    """A cell whose inputs go through a linear layer of ``num_proj`` units first."""

    def __init__(
        self,
        cell: Any,
        num_proj: int,
        activation: Callable[[Any], Any] | None = None,
        input_size: Any = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(cell, reuse)
        self._num_proj = num_proj
        self._activation = activation

    def call(self, inputs: Any, state: Any) -> Any:
        """The output and the new state."""
        projected = _linear(inputs, self._num_proj)
        return self._cell(self._activation(projected) if self._activation else projected, state)


class OutputProjectionWrapper(_Scoped):
    """A cell whose outputs go through a linear layer of ``output_size`` units."""

    def __init__(
        self, cell: Any, output_size: int, activation: Callable[[Any], Any] | None = None, reuse: Any = None
    ) -> None:
        super().__init__(cell, reuse)
        if output_size < 1:
            raise ValueError(f"Parameter output_size must be > 0: {output_size}.")
        self._size = output_size
        self._activation = activation

    @property
    def output_size(self) -> Any:
        """The number of units that the outputs are projected to."""
        return self._size

    def call(self, inputs: Any, state: Any) -> Any:
        """The output and the new state."""
        output, new = self._cell(inputs, state)
        projected = _linear(output, self._size)
        return self._activation(projected) if self._activation else projected, new


class EmbeddingWrapper(_Scoped):
    """A cell whose inputs are classes, which are embedded first.

    Without ``initializer`` the embedding starts as the variable scope says, else uniform with variance 1.
    """

    def __init__(
        self, cell: Any, embedding_classes: int, embedding_size: int, initializer: Any = None, reuse: Any = None
    ) -> None:
        super().__init__(cell, reuse)
        if embedding_classes <= 0 or embedding_size <= 0:
            raise ValueError(
                f"Both embedding_classes and embedding_size must be > 0: {embedding_classes}, {embedding_size}."
            )
        self._shape = [embedding_classes, embedding_size]
        self._initializer = initializer

    def call(self, inputs: Any, state: Any) -> Any:
        """The output and the new state."""
        spread = random_uniform_initializer(-(3**0.5), 3**0.5)
        start = self._initializer or get_variable_scope().initializer or spread
        first = state[0] if isinstance(state, tuple) else state
        table = get_variable("embedding", self._shape, first.dtype, start)
        return self._cell(embedding_lookup(table, reshape(inputs, [-1])), state)


def _linear(x: Any, units: int) -> Any:
    kernel = get_variable("kernel", [x.shape.as_list()[-1], units], x.dtype)
    return matmul(x, kernel) + get_variable("bias", [units], x.dtype, zeros_initializer())


class HighwayWrapper(Wrapper):
    """A cell with gates that let inputs past it (Srivastava et al. 2015); outputs have the inputs' shape.

    With ``couple_carry_transform_gates`` what is not carried is taken from the cell, else that has a gate too.
    """

    def __init__(self, cell: Any, couple_carry_transform_gates: bool = True, carry_bias_init: float = 1.0) -> None:
        super().__init__(cell)
        self._coupled = couple_carry_transform_gates
        self._bias = carry_bias_init

    def _around(self, inputs: Any, state: Any, cell: Callable[[Any, Any], Any]) -> Any:
        outputs, new = cell(inputs, state)
        assert_same_structure(inputs, outputs)
        for x, y in zip(flatten(inputs), flatten(outputs), strict=True):
            x.shape.assert_is_compatible_with(y.shape)
        return map_structure(self._mixed, inputs, outputs), new

    def _mixed(self, x: Any, y: Any) -> Any:
        carry = self._gate(x, "carry", self._bias)
        return x * carry + y * (1 - carry if self._coupled else self._gate(x, "transform", -self._bias))

    def _gate(self, x: Any, name: str, bias: float) -> Any:
        size = x.shape.as_list()[-1]
        weights = get_variable(f"{name}_w", [size, size], x.dtype)
        return sigmoid(matmul(x, weights) + get_variable(f"{name}_b", [size], x.dtype, constant_initializer(bias)))
