"""Recurrent layers and cells as functions of their weights: what ``torch.lstm`` and its kin compute.

A layer in one direction is one op (``graphs.control.recurrent``), and so is a cell's step: one record on the tape each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphs.codegen.recurrent  # noqa: F401 - steps of a single sequence become native
from dynamic.apply import Carried, apply, wrap
from dynamic.names import lacking
from dynamic.nn.functional import dropout as _dropout
from graphs.control.recurrent import gru as gru_op, lstm as lstm_op, rnn as rnn_op
from graphs.core.arrays import xp_of
from graphs.core.errors import ShapeError, at_line
from graphs.ops import concat, stack


_OPS = {"LSTM": lstm_op, "GRU": gru_op, "RNN_TANH": rnn_op, "RNN_RELU": rnn_op}
_RELU = {"RNN_RELU": {"nonlinearity": "relu"}}


def run(
    mode: str,
    data: Any,
    batch_sizes: tuple[int, ...] | None,
    states: Sequence[Any],
    weights: Sequence[Sequence[Any]],
    dropout: float = 0.0,
    training: bool = False,
    bidirectional: bool = False,
) -> tuple[Any, tuple[Any, ...]]:
    """The outputs of the last layer and the last states of all, ``(layers · directions, batch, units)`` each.

    Args:
        mode: ``LSTM``, ``GRU``, ``RNN_TANH`` or ``RNN_RELU``.
        data: (steps, batch, inputs), or with ``batch_sizes`` the rows of a packed sequence.
        states: the first states, as the last ones; without any they are zeros.
        weights: per layer and direction ``w_ih, w_hh`` and two biases or none.
        dropout: how much to drop between layers, while ``training``.
    """
    op = _OPS[mode]
    count = 2 if mode == "LSTM" else 1
    directions = 2 if bidirectional else 1
    settings = {"batch_sizes": batch_sizes, **_RELU.get(mode, {})}
    if not states:
        batch = data._array.shape[1] if batch_sizes is None else batch_sizes[0]
        zeros = wrap(xp_of((data._array,)).zeros((batch, weights[0][1]._array.shape[1]), data._array.dtype))
    last: list[list[Any]] = [[] for _ in range(count)]
    for layer in range(len(weights) // directions):
        if layer and dropout and training:
            data = _dropout(data, dropout, True)
        outputs = []
        for direction in range(directions):
            place = layer * directions + direction
            first = [state[place] for state in states] if states else [zeros] * count
            params = {**settings, "reverse": True} if direction else settings
            made = apply(op, (data, *first, *weights[place]), params)
            outputs.append(made[0])
            for each, state in zip(last, made[1:], strict=False):
                each.append(state)
        data = outputs[0] if directions == 1 else apply(concat, tuple(outputs), {"axis": -1})
    return data, tuple(each[0].unsqueeze(0) if len(each) == 1 else apply(stack, tuple(each)) for each in last)


def _layer(mode: str, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """A call in one of PyTorch's two forms: on a padded batch, or (with the sizes of steps second) on a packed one."""
    names = ["params", "has_biases", "num_layers", "dropout", "train", "bidirectional"]
    packed = "batch_sizes" in named or (len(args) > 3 and not isinstance(args[3], bool))
    order = ["data", "batch_sizes", "hx", *names] if packed else ["input", "hx", *names, "batch_first"]
    if len(args) > len(order):
        raise TypeError(f"{mode.lower()} takes {', '.join(order)}{at_line()}")
    given = {**dict(zip(order, args, strict=False)), **named}
    hx, params = given["hx"], list(given["params"])
    states = list(hx) if mode == "LSTM" else [hx]
    width = 4 if given["has_biases"] else 2
    weights = [params[i : i + width] for i in range(0, len(params), width)]
    settings = (given["dropout"], given["train"], given["bidirectional"])
    if packed:
        sizes = tuple(given["batch_sizes"].tolist())
        out, last = run(mode, given["data"], sizes, states, weights, *settings)
        return (out, *last)
    first = given["batch_first"]
    data = given["input"].transpose(0, 1) if first else given["input"]
    out, last = run(mode, data, None, states, weights, *settings)
    return (out.transpose(0, 1) if first else out, *last)


def lstm(*args: Any, **named: Any) -> tuple[Any, ...]:
    """Layers of long short-term memory: the outputs, and the last ``h`` and ``c`` of each layer and direction.

    ``lstm(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)``, or on a packed sequence
    ``lstm(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)``.
    """
    return _layer("LSTM", args, named)


def gru(*args: Any, **named: Any) -> tuple[Any, ...]:
    """Layers of gated recurrent units: the outputs, and the last state of each layer and direction; as ``lstm``."""
    return _layer("GRU", args, named)


def rnn_tanh(*args: Any, **named: Any) -> tuple[Any, ...]:
    """Layers of the plain recurrent net with tanh: the outputs, and the last state of each layer; as ``lstm``."""
    return _layer("RNN_TANH", args, named)


def rnn_relu(*args: Any, **named: Any) -> tuple[Any, ...]:
    """Layers of the plain recurrent net with the positive part: the outputs, and the last states; as ``lstm``."""
    return _layer("RNN_RELU", args, named)


# Single steps


def _checked(input: Any, states: Sequence[Any], w_ih: Any, w_hh: Any) -> None:
    inputs, units = w_ih._array.shape[1], w_hh._array.shape[1]
    shape = input._array.shape
    if shape[-1] != inputs:
        raise ShapeError(f"input has inconsistent input_size: got {shape[-1]} expected {inputs}{at_line()}")
    for i, state in enumerate(states):
        found = state._array.shape
        if len(shape) > 1 and found[0] != shape[0]:
            message = f"Input batch size {shape[0]} doesn't match hidden{i} batch size {found[0]}"
            raise ShapeError(message + at_line())
        if found[-1] != units:
            raise ShapeError(f"hidden{i} has inconsistent hidden_size: got {found[-1]}, expected {units}{at_line()}")


def _step(mode: str, input: Any, states: Sequence[Any], w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
    _checked(input, states, w_ih, w_hh)
    biases = () if b_ih is None else (b_ih, b_hh)
    return apply(_OPS[mode], (input, *states, w_ih, w_hh, *biases), _RELU.get(mode, {}))


def lstm_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> tuple[Any, Any]:
    """One step of long short-term memory on ``hx = (h, c)``: the next ``h`` and ``c``, each (batch, units).

    Raises TypeError where ``hx`` is not a pair, RuntimeError for shapes that do not fit.
    """
    if isinstance(hx, Carried) or len(hx) != 2:
        raise TypeError(f"lstm_cell(): hx is a pair of tensors, not {type(hx).__name__}{at_line()}")
    made = _step("LSTM", input, hx, w_ih, w_hh, b_ih, b_hh)
    return made[0], made[2]


def gru_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """One step of gated recurrent units: the next state, (batch, units)."""
    return _step("GRU", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_tanh_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """One step of the plain recurrent net with tanh: the next state, (batch, units)."""
    return _step("RNN_TANH", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """One step of the plain recurrent net with the positive part: the next state, (batch, units)."""
    return _step("RNN_RELU", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


FUNCTIONS = {
    each.__name__: each for each in (lstm, gru, rnn_tanh, rnn_relu, lstm_cell, gru_cell, rnn_tanh_cell, rnn_relu_cell)
}
"""PyTorch's names of these in ``torch`` itself."""

__getattr__ = lacking(__name__)
