"""Recurrent layers over whole sequences; the cells for single steps are in ``cells``."""

from __future__ import annotations

import math
import warnings
from typing import Any

from dynamic.apply import Carried
from dynamic.functions.creation import empty
from dynamic.names import lacking
from dynamic.nn import init
from dynamic.nn.modules.cells import (
    GRUCell as GRUCell,
    LSTMCell as LSTMCell,
    RNNCell as RNNCell,
    RNNCellBase as RNNCellBase,
)
from dynamic.nn.modules.module import Module
from dynamic.nn.parameter import Parameter
from dynamic.nn.recurrent import run
from dynamic.nn.utils.rnn import PackedSequence
from graphs.core.errors import DtypeError, ShapeError, at_line


_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def apply_permutation(tensor: Any, permutation: Any, dim: int = 1) -> Any:
    """``tensor`` with its slices along ``dim`` in the order of ``permutation``."""
    return tensor.index_select(dim, permutation)


class RNNBase(Module):
    """What recurrent layers share: parameters, checks, and the run.

    Args:
        mode: ``LSTM``, ``GRU``, ``RNN_TANH`` or ``RNN_RELU``.
        input_size, hidden_size: numbers of inputs and of units.
        num_layers: how many layers, each on the outputs of the one before.
        bias: whether there are biases.
        batch_first: inputs and outputs are (batch, steps, ...) and not (steps, batch, ...).
        dropout: how much of the outputs of all layers but the last to drop in training.
        bidirectional: each layer has a second half that goes from the last step to the first.
        proj_size: PyTorch's projection of the states; only 0 works here.

    Raises ValueError or TypeError for settings that make no layer.
    """

    __constants__ = (
        "mode",
        "input_size",
        "hidden_size",
        "num_layers",
        "bias",
        "batch_first",
        "dropout",
        "bidirectional",
        "proj_size",
    )

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check(mode, hidden_size, num_layers, dropout, proj_size)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._all_weights: list[list[str]] = []
        gates = _GATES[mode] * hidden_size
        for layer in range(num_layers):
            inputs = input_size if layer == 0 else hidden_size * (2 if bidirectional else 1)
            for suffix in ("", "_reverse") if bidirectional else ("",):
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, inputs), "weight_hh": (gates, hidden_size)}
                if bias:
                    shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
                self._all_weights.append([f"{name}_l{layer}{suffix}" for name in shapes])
                for name, shape in zip(self._all_weights[-1], shapes.values(), strict=True):
                    setattr(self, name, Parameter(empty(*shape, device=device, dtype=dtype)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew, uniform within one over the root of the number of units."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Nothing: that parameters lie one behind the other gains nothing here."""

    @property
    def all_weights(self) -> list[list[Any]]:
        """Per layer and direction ``weight_ih, weight_hh`` and the two biases, if any."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Any]:
        return [weight for weights in self.all_weights for weight in weights]

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    # Checks

    def check_input(self, input: Any, batch_sizes: Any) -> None:
        """Raise RuntimeError where inputs have not the layer's size, ValueError where they have another dtype."""
        array = input._array
        weight = getattr(self, self._all_weights[0][0])
        if array.dtype != weight._array.dtype:
            raise DtypeError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). Convert input: "
                f"input.to({weight.dtype}), or convert model: model.to({input.dtype}){at_line()}"
            )
        expected = 2 if batch_sizes is not None else 3
        if array.ndim != expected:
            raise ShapeError(f"input must have {expected} dimensions, got {array.ndim}{at_line()}")
        if array.shape[-1] != self.input_size:
            raise ShapeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {array.shape[-1]}{at_line()}"
            )

    def get_expected_hidden_size(self, input: Any, batch_sizes: Any) -> tuple[int, int, int]:
        """The shape of the states for ``input``: (layers · directions, batch, units)."""
        batch = input._array.shape[0 if self.batch_first else 1] if batch_sizes is None else int(batch_sizes[0])
        return len(self._all_weights), batch, self.hidden_size

    def check_hidden_size(
        self, hx: Any, expected_hidden_size: tuple[int, int, int], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """Raise RuntimeError where a state has another shape."""
        if hx._array.shape != tuple(expected_hidden_size):
            raise ShapeError(msg.format(tuple(expected_hidden_size), list(hx._array.shape)) + at_line())

    def check_forward_args(self, input: Any, hidden: Any, batch_sizes: Any) -> None:
        """Raise RuntimeError or ValueError where inputs and states do not fit the layer."""
        self.check_input(input, batch_sizes)
        self._check_states(self._states(hidden), self.get_expected_hidden_size(input, batch_sizes)[1])

    def _states(self, hx: Any) -> tuple[Any, ...]:
        """The first states, none where they are zeros."""
        return () if hx is None else tuple(hx) if self.mode == "LSTM" else (hx,)

    def _check_states(self, states: tuple[Any, ...], batch: int) -> None:
        expected = (len(self._all_weights), batch, self.hidden_size)
        for i, state in enumerate(states):
            name = f"hidden[{i}]" if self.mode == "LSTM" else "hidden"
            self.check_hidden_size(state, expected, f"Expected {name} size {{}}, got {{}}")

    def permute_hidden(self, hx: Any, permutation: Any) -> Any:
        """The states with the batch in another order; themselves for None."""
        if permutation is None:
            return hx
        if self.mode == "LSTM":
            return tuple(apply_permutation(state, permutation) for state in hx)
        return apply_permutation(hx, permutation)

    # The run

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """The outputs of the last layer at each step, and the last states of all layers.

        Args:
            input: (steps, batch, inputs), (steps, inputs) for a single sequence, or a PackedSequence.
            hx: the first states, (layers · directions, batch, units), without the batch for a single sequence; a pair
                ``(h, c)`` for an LSTM. By default zeros.

        Raises RuntimeError, ValueError or TypeError where shapes, dtypes or states do not fit.
        """
        if self.mode == "LSTM" and hx is not None and (isinstance(hx, Carried) or len(hx) != 2):
            raise TypeError(f"an LSTM's states are a pair (h, c), not {type(hx).__name__}{at_line()}")
        if isinstance(input, PackedSequence):
            return self._packed(input, hx)
        ndim = input._array.ndim
        if ndim not in (2, 3):
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {ndim}D instead{at_line()}")
        self._check_rank(ndim, hx)
        single = ndim == 2
        if single:
            input = input.unsqueeze(1)
            hx = None if hx is None else self._each(hx, "unsqueeze")
        elif self.batch_first:
            input = input.transpose(0, 1)
        self.check_input(input, None)
        steps, batch, _ = input._array.shape
        if not steps:
            raise ShapeError(f"Expected sequence length to be larger than 0 in RNN{at_line()}")
        out, last = self._run(input, None, hx, batch)
        if single:
            return out.squeeze(1), self._each(last, "squeeze")
        return (out.transpose(0, 1) if self.batch_first else out), last

    def _packed(self, input: PackedSequence, hx: Any) -> tuple[Any, Any]:
        data, batch_sizes, order, back = input
        sizes = tuple(batch_sizes.tolist())
        self.check_input(data, sizes)
        out, last = self._run(data, sizes, None if hx is None else self.permute_hidden(hx, order), sizes[0])
        return PackedSequence(out, batch_sizes, order, back), self.permute_hidden(last, back)

    def _run(self, data: Any, sizes: Any, hx: Any, batch: int) -> tuple[Any, Any]:
        states = self._states(hx)
        self._check_states(states, batch)
        settings = (self.dropout, self.training, bool(self.bidirectional))
        out, last = run(self.mode, data, sizes, states, self.all_weights, *settings)
        return out, last if self.mode == "LSTM" else last[0]

    def _each(self, hx: Any, method: str) -> Any:
        """What a method of tensors makes of the batch's axis of each state."""
        made = tuple(getattr(state, method)(1) for state in self._states(hx))
        return made if self.mode == "LSTM" else made[0]

    def _check_rank(self, ndim: int, hx: Any) -> None:
        ranks = [state._array.ndim for state in self._states(hx)]
        if any(rank != ndim for rank in ranks):
            what = "hx and cx" if self.mode == "LSTM" else "hx"
            kind = "unbatched 2-D" if ndim == 2 else "batched 3-D"
            found = ", ".join(f"{rank}-D" for rank in ranks)
            raise ShapeError(f"For {kind} input, {what} should also be {ndim}-D but got {found}{at_line()}")

    def extra_repr(self) -> str:
        """Sizes, and settings other than the usual ones."""
        usual = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        special = [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join([str(self.input_size), str(self.hidden_size), *special])


def _check(mode: str, hidden_size: Any, num_layers: Any, dropout: Any, proj_size: int) -> None:
    """Raise ValueError or TypeError for settings that make no layer."""
    if mode not in _GATES:
        raise ValueError(f"Unrecognized RNN mode: {mode}")
    if isinstance(dropout, bool) or not 0 <= float(dropout) <= 1:
        raise ValueError(f"dropout is a number in [0, 1], the probability that an element is zeroed, not {dropout!r}")
    if float(dropout) > 0 and num_layers == 1:
        warnings.warn(
            f"dropout is added behind all but the last layer, so dropout={dropout} does nothing with num_layers=1",
            UserWarning,
            stacklevel=4,
        )
    if not isinstance(hidden_size, int):
        raise TypeError(f"hidden_size should be of type int, got: {type(hidden_size).__name__}")
    if hidden_size <= 0:
        raise ValueError("hidden_size must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if proj_size:
        if mode != "LSTM":
            raise ValueError("proj_size is only for LSTM, not RNN or GRU")
        if not 0 < proj_size < hidden_size:
            raise ValueError(f"proj_size is positive and smaller than hidden_size, not {proj_size}")
        raise NotImplementedError(
            "an LSTM with proj_size, whose states are projected at each step, is not there; a Linear on the outputs is"
        )


class RNN(RNNBase):
    """The plain recurrent net of Elman (1990): ``h' = tanh(w_ih x + b_ih + w_hh h + b_hh)``; arguments as in ``RNNBase``.

    ``nonlinearity`` is ``tanh`` or ``relu``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *settings: Any,
        **named: Any,
    ) -> None:
        if "proj_size" in named:
            raise ValueError("proj_size is only for LSTM, not RNN or GRU")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, *settings, **named)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber 1997); arguments as in ``RNNBase``, without the mode."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__("LSTM", *args, **named)

    def get_expected_cell_size(self, input: Any, batch_sizes: Any) -> tuple[int, int, int]:
        """The shape of the cells for ``input``: (layers · directions, batch, units)."""
        return self.get_expected_hidden_size(input, batch_sizes)


class GRU(RNNBase):
    """Gated recurrent units (Cho et al. 2014), the reset gate behind the product; arguments as in ``RNNBase``."""

    def __init__(self, *args: Any, **named: Any) -> None:
        if "proj_size" in named:
            raise ValueError("proj_size is only for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **named)


__getattr__ = lacking(__name__)
