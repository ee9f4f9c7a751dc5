"""Recurrent cells: single steps, for loops in Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dynamic.apply import Carried, wrap
from dynamic.functions.creation import empty
from dynamic.names import lacking
from dynamic.nn import init
from dynamic.nn.modules.module import Module
from dynamic.nn.parameter import Parameter
from dynamic.nn.recurrent import gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell
from graphs.core.arrays import xp_of
from graphs.core.errors import at_line


class RNNCellBase(Module):
    """What cells share: ``num_chunks`` gates' weights from inputs and from the state, and biases."""

    __constants__: tuple[str, ...] = ("input_size", "hidden_size", "bias")

    nonlinearity = "tanh"

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        gates = num_chunks * hidden_size
        self.weight_ih = Parameter(empty(gates, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(empty(gates, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(gates, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew, uniform within one over the root of the number of units."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        """Sizes, and settings other than the usual ones."""
        parts = [str(self.input_size), str(self.hidden_size)]
        if self.bias is not True:
            parts.append(f"bias={self.bias}")
        if self.nonlinearity != "tanh":
            parts.append(f"nonlinearity={self.nonlinearity}")
        return ", ".join(parts)

    def _step(self, function: Any, input: Any, states: Sequence[Any] | None, count: int = 1) -> tuple[Any, ...]:
        """The next states from one step of a batch, or of a single sequence."""
        name = type(self).__name__
        ndim = input._array.ndim
        if ndim not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {ndim}D instead{at_line()}")
        for state in states or ():
            if state._array.ndim not in (1, 2):
                raise ValueError(f"{name}: Expected hidden to be 1D or 2D, got {state._array.ndim}D instead{at_line()}")
        if ndim == 1:
            input = input.unsqueeze(0)
            states = None if states is None else [state.unsqueeze(0) for state in states]
        if states is None:
            zeros = wrap(xp_of((input._array,)).zeros((input._array.shape[0], self.hidden_size), input._array.dtype))
            states = [zeros] * count
        held = self._parameters
        weights = [held[n] if n in held else getattr(self, n) for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        made = function(input, states[0] if count == 1 else states, *weights)
        made = (made,) if count == 1 else made
        return tuple(state.squeeze(0) for state in made) if ndim == 1 else made


class RNNCell(RNNCellBase):
    """One step of the plain recurrent net (Elman 1990), with ``tanh`` or ``relu``."""

    __constants__ = ("input_size", "hidden_size", "bias", "nonlinearity")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state, (batch, units) or (units); ``hx`` is the state before, by default zeros."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}{at_line()}")
        function = rnn_tanh_cell if self.nonlinearity == "tanh" else rnn_relu_cell
        return self._step(function, input, None if hx is None else (hx,))[0]


class LSTMCell(RNNCellBase):
    """One step of long short-term memory (Hochreiter and Schmidhuber 1997)."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """The next ``(h, c)``, (batch, units) or (units) each; ``hx`` is the pair before, by default zeros."""
        if isinstance(hx, Carried):
            raise TypeError(f"an LSTMCell's states are a pair (h, c), not a tensor{at_line()}")
        h, c = self._step(lstm_cell, input, hx, 2)
        return h, c


class GRUCell(RNNCellBase):
    """One step of gated recurrent units (Cho et al. 2014)."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state, (batch, units) or (units); ``hx`` is the state before, by default zeros."""
        return self._step(gru_cell, input, None if hx is None else (hx,))[0]


__getattr__ = lacking(__name__)
