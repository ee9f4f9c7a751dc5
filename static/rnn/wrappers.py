"""Cells around cells: dropout, residuals, devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from static.dropout import dropout
from static.graph import device as device_scope
from static.nest import assert_same_structure, flatten, is_sequence, map_structure, pack_sequence_as
from static.random import random_uniform
from static.rnn.cells import LSTMStateTuple, RNNCell, sizes_of
from static.tensor import convert_to_tensor


class Wrapper(RNNCell):
    """A cell around another, whose sizes, variables and zeros it has."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        self._cell = cell

    @property
    def wrapped_cell(self) -> Any:
        """The cell inside."""
        return self._cell

    @property
    def state_size(self) -> Any:
        """The size of the cell's state."""
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        """The size of the cell's output."""
        return self._cell.output_size

    @property
    def trainable_weights(self) -> list[Any]:
        """The cell's variables that optimizers change."""
        return list(self._cell.trainable_weights)

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The cell's other variables."""
        return list(self._cell.non_trainable_weights)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The cell's state of zeros."""
        return self._cell.zero_state(batch_size, dtype)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output and the new state. The cell's variables get no other names for being wrapped."""
        return self._around(inputs, state, lambda x, old: self._cell(x, old, scope=scope))

    def _around(self, inputs: Any, state: Any, cell: Callable[[Any, Any], Any]) -> Any:
        return cell(inputs, state)


class DropoutWrapper(Wrapper):
    """Dropout on a cell's inputs, outputs and states.

    Args:
        input_keep_prob, output_keep_prob, state_keep_prob: how much is kept, numbers or tensors.
        variational_recurrent: drop the same units at every step; then ``dtype`` is needed, and with dropped inputs
            ``input_size``.
        dropout_state_filter_visitor: says of each part of the state whether it is dropped; by default all are but
            an LSTM's ``c``.
    """

    def __init__(
        self,
        cell: Any,
        input_keep_prob: Any = 1.0,
        output_keep_prob: Any = 1.0,
        state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False,
        input_size: Any = None,
        dtype: Any = None,
        seed: int | None = None,
        dropout_state_filter_visitor: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(cell)
        keeps = {"input": input_keep_prob, "state": state_keep_prob, "output": output_keep_prob}
        for what, keep in keeps.items():
            if isinstance(keep, (int, float)) and not 0.0 <= keep <= 1.0:
                raise ValueError(f"Parameter {what}_keep_prob must be between 0 and 1: {keep}")
        self._keeps = keeps
        self._seed = seed
        self._filter = dropout_state_filter_visitor or _all_but_c
        self._noise: dict[str, list[Any]] = {}
        if variational_recurrent:
            if dtype is None:
                raise ValueError("When variational_recurrent=True, dtype must be provided")
            if self._drops("input") and input_size is None:
                raise ValueError("When variational_recurrent=True and input_keep_prob < 1.0, input_size must be provided")
            sizes = {"input": input_size, "state": cell.state_size, "output": cell.output_size}
            self._noise = {
                what: [self._drawn(what, i, size, dtype) for i, size in enumerate(_sizes(sizes[what]))]
                for what in sizes
                if self._drops(what)
            }

    def _drops(self, what: str) -> bool:
        keep = self._keeps[what]
        return not isinstance(keep, (int, float)) or keep < 1.0

    def _drawn(self, what: str, index: int, size: Any, dtype: Any) -> Any:
        return random_uniform([1, *sizes_of(size)], seed=self._salted(what, index), dtype=dtype)

    def _salted(self, what: str, index: int) -> int | None:
        """A seed of its own for each part."""
        if self._seed is None:
            return None
        import hashlib  # takes 5 ms, which other programs do without

        digest = hashlib.md5(f"{self._seed}{what}_{index}".encode()).hexdigest()
        return int(digest[:8], 16) & 0x7FFFFFFF

    def _around(self, inputs: Any, state: Any, cell: Callable[[Any, Any], Any]) -> Any:
        inputs = self._dropped("input", inputs, [True] * len(flatten(inputs)))
        output, new = cell(inputs, state)
        new = self._dropped("state", new, _chosen(self._filter, new))
        return self._dropped("output", output, [True] * len(flatten(output))), new

    def _dropped(self, what: str, values: Any, chosen: list[bool]) -> Any:
        if not self._drops(what):
            return values
        keep = self._keeps[what]
        flat = []
        for i, (x, drops) in enumerate(zip(flatten(values), chosen, strict=True)):
            if not drops:
                flat.append(x)
            elif self._noise:
                floor = convert_to_tensor(keep, x.dtype) + self._noise[what][i]
                flat.append(x / keep * (floor // 1.0))
            else:
                flat.append(dropout(x, keep_prob=keep, seed=self._salted(what, i)))
        return pack_sequence_as(values, flat)


def _sizes(structure: Any) -> list[Any]:
    """The sizes in a structure; a list of sizes it is not."""
    return flatten(structure) if is_sequence(structure) else [structure]


def _all_but_c(state: Any) -> Any:
    """True for a part of the state; of an LSTM's two, for ``h`` only."""
    return LSTMStateTuple(False, True) if isinstance(state, LSTMStateTuple) else True


def _chosen(visitor: Callable[[Any], Any], state: Any) -> list[bool]:
    """For each part of ``state``, whether ``visitor`` says that it is dropped."""
    found = visitor(state)
    if isinstance(state, (list, tuple)) and found is True:
        return [drops for part in state for drops in _chosen(visitor, part)]
    if isinstance(state, (list, tuple)):
        return [bool(x) for x in flatten(found)]
    return [bool(found)] * len(flatten(state))


class ResidualWrapper(Wrapper):
    """A cell whose inputs are added to its outputs (or joined to them by ``residual_fn(inputs, outputs)``)."""

    def __init__(self, cell: Any, residual_fn: Callable[[Any, Any], Any] | None = None) -> None:
        super().__init__(cell)
        self._residual_fn = residual_fn

    def _around(self, inputs: Any, state: Any, cell: Callable[[Any, Any], Any]) -> Any:
        outputs, new = cell(inputs, state)
        if self._residual_fn is not None:
            return self._residual_fn(inputs, outputs), new
        assert_same_structure(inputs, outputs)
        for x, y in zip(flatten(inputs), flatten(outputs), strict=True):
            x.shape.assert_is_compatible_with(y.shape)
        return map_structure(lambda x, y: x + y, inputs, outputs), new


class DeviceWrapper(Wrapper):
    """A cell that runs on a device: accepted so that programs run."""

    def __init__(self, cell: Any, device: Any) -> None:
        super().__init__(cell)
        self._device = device

    def _around(self, inputs: Any, state: Any, cell: Callable[[Any, Any], Any]) -> Any:
        with device_scope(self._device):
            return cell(inputs, state)
