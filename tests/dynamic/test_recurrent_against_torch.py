"""Recurrent layers, cells and packed sequences: every setting against PyTorch, gradients of both orders included."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import dynamic
from graphs.ops.steps import MANY
from tests.dynamic.oracle import agree, flat, normal, plain, pytorch, same


pytestmark = pytest.mark.oracle

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
FUNCTIONS = list(GATES)
MODULES = {"LSTM": {}, "GRU": {}, "RNN": {}, "relu": {"nonlinearity": "relu"}}
INPUTS, UNITS = 3, 2
DTYPES = ("float64", "float32")


def variants(*names: str) -> list[Any]:
    """Every choice of some switches, as parameters with the names of those that are on."""
    made = []
    for values in itertools.product([False, True], repeat=len(names)):
        on = [name for name, value in zip(names, values, strict=True) if value]
        made.append(pytest.param(dict(zip(names, values, strict=True)), id="-".join(on) or "plain"))
    return made


def parameters(name: str, layers: int, bias: bool, bidirectional: bool, inputs: int = INPUTS) -> list[np.ndarray]:
    """The weights of all layers, in PyTorch's order."""
    arrays = []
    directions = 2 if bidirectional else 1
    for layer in range(layers):
        width = inputs if layer == 0 else directions * UNITS
        for direction in range(directions):
            seed = 10 * layer + 5 * direction
            arrays += [normal(GATES[name] * UNITS, width, seed=seed), normal(GATES[name] * UNITS, UNITS, seed=seed + 1)]
            arrays += [normal(GATES[name] * UNITS, seed=seed + 2 + k) for k in range(2)] if bias else []
    return arrays


def first_states(name: str, count: int, batch: int) -> list[np.ndarray]:
    return [normal(count, batch, UNITS, seed=50 + k) for k in range(2 if name == "lstm" else 1)]


def called(torch: Any, name: str, front: Any, rest: Any, states: int, *settings: Any) -> Any:
    hx = tuple(rest[:states]) if name == "lstm" else rest[0]
    return getattr(torch, name)(*front, hx, list(rest[states:]), *settings)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("switches", variants("bias", "bidirectional", "batch_first"))
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_layers_of_a_batch(name: str, layers: int, switches: dict[str, bool], dtype: str) -> None:
    bias, bidirectional, batch_first = switches.values()
    states = first_states(name, layers * (2 if bidirectional else 1), 2)
    weights = parameters(name, layers, bias, bidirectional)
    x = normal(2, 4, INPUTS) if batch_first else normal(4, 2, INPUTS)
    settings = (bias, layers, 0.0, True, bidirectional, batch_first)

    def build(torch: Any, x: Any, *rest: Any) -> Any:
        return called(torch, name, (x,), rest, len(states), *settings)

    arrays = [a.astype(dtype) for a in (x, *states, *weights)]
    agree(build, *arrays, rtol=1e-11, orders=2 if dtype == "float64" else 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [(3, 3, 2, 1), (2,)], ids=str)
@pytest.mark.parametrize("switches", variants("bias", "bidirectional"))
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_layers_of_packed_sequences(
    name: str, layers: int, switches: dict[str, bool], sizes: tuple[int, ...], dtype: str
) -> None:
    bias, bidirectional = switches.values()
    states = first_states(name, layers * (2 if bidirectional else 1), sizes[0])
    weights = parameters(name, layers, bias, bidirectional)
    settings = (bias, layers, 0.0, True, bidirectional)

    def build(torch: Any, data: Any, *rest: Any) -> Any:
        return called(torch, name, (data, torch.tensor(sizes)), rest, len(states), *settings)

    arrays = [a.astype(dtype) for a in (normal(sum(sizes), INPUTS), *states, *weights)]
    agree(build, *arrays, rtol=1e-11, orders=2 if dtype == "float64" else 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "plain"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_single_steps(name: str, batch: int, bias: bool, dtype: str) -> None:
    states = [a[0] for a in first_states(name, 1, batch)]
    weights = parameters(name, 1, bias, False)

    def build(torch: Any, x: Any, *rest: Any) -> Any:
        hx = rest[:2] if name == "lstm" else rest[0]
        return getattr(torch, f"{name}_cell")(x, hx, *rest[len(states) :])

    agree(build, *(a.astype(dtype) for a in (normal(batch, INPUTS), *states, *weights)), rtol=1e-11)


@pytest.mark.parametrize("wanted", range(6))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_of_one_argument_alone(name: str, wanted: int) -> None:
    """What nobody asks for is not computed, and what is asked for is not mistaken for something else."""
    arrays = [normal(4, 2, INPUTS), first_states("gru", 1, 2)[0], *parameters(name, 1, True, False)]

    def build(torch: Any, *given: Any) -> Any:
        x, h, *weights = [a if i == wanted else a.detach() for i, a in enumerate(given)]
        hx = (h, h * 0.5) if name == "lstm" else h
        return getattr(torch, name)(x, hx, weights, True, 1, 0.0, True, False, False)

    agree(build, *arrays, rtol=1e-11)


@pytest.mark.parametrize("part", range(3))
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "both ways"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_from_one_result_alone(name: str, reverse: bool, part: int) -> None:
    if part == 2 and name != "lstm":
        part = 1
    arrays = [normal(3, 2, INPUTS), *first_states(name, 2 if reverse else 1, 2), *parameters(name, 1, True, reverse)]

    def build(torch: Any, x: Any, *rest: Any) -> Any:
        return called(torch, name, (x,), rest, 2 if name == "lstm" else 1, True, 1, 0.0, True, reverse, False)[part]

    agree(build, *arrays, rtol=1e-11)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_extreme_gates(name: str) -> None:
    """Sigmoids and tanh far out, where a formula may overflow."""
    weights = parameters(name, 1, True, False)
    states = first_states(name, 1, 2)

    def build(torch: Any, x: Any, *rest: Any) -> Any:
        return called(torch, name, (x * 500.0,), rest, len(states), True, 1, 0.0, True, False, False)

    agree(build, normal(3, 2, INPUTS), *states, *weights, rtol=1e-10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("switches", variants("bias", "reverse", "packed", "outputs alone"))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_single_sequences_with_many_units(name: str, switches: dict[str, bool], dtype: str) -> None:
    """Their steps are native, where that is possible."""
    bias, reverse, packed, alone = switches.values()
    units, gates, count = MANY + 3, GATES[name] * (MANY + 3), 2 if reverse else 1
    states = [normal(count, 1, units, seed=k) for k in range(2 if name == "lstm" else 1)]
    weights = []
    for k in range(count):
        weights += [normal(gates, INPUTS, seed=k), normal(gates, units, seed=k + 2) / 4]
        weights += [normal(gates, seed=k), normal(gates, seed=k + 2)] if bias else []
    settings = (bias, 1, 0.0, True, reverse, *([] if packed else [False]))

    def build(torch: Any, x: Any, *rest: Any) -> Any:
        front = (x, torch.tensor([1] * 4)) if packed else (x,)
        made = called(torch, name, front, rest, len(states), *settings)
        return made[0] if alone else made

    x = normal(4, INPUTS) if packed else normal(4, 1, INPUTS)
    arrays = [a.astype(dtype) for a in (x, *states, *weights)]
    agree(build, *arrays, rtol=1e-11, orders=2 if dtype == "float64" else 1)


# Modules


def pair(kind: str, dtype: str = "float64", **settings: Any) -> tuple[Any, Any]:
    """A module of each library, with the same parameters."""
    torch = pytorch()
    made = []
    for library in (torch, dynamic):
        module = getattr(library.nn, "RNN" if kind == "relu" else kind)(INPUTS, UNITS, **MODULES.get(kind, {}), **settings)
        made.append(module.to(getattr(library, dtype)))
    theirs, ours = made
    state = {name: dynamic.from_numpy(value.numpy().copy()) for name, value in theirs.state_dict().items()}
    assert list(state) == list(ours.state_dict())
    assert [tuple(v.shape) for v in state.values()] == [tuple(v.shape) for v in ours.state_dict().values()]
    ours.load_state_dict(state)
    return theirs, ours


def compare_runs(theirs: Any, ours: Any, run: Any, *arrays: np.ndarray, rtol: float = 1e-11) -> None:
    """The same outputs, and the same gradients of inputs and parameters."""
    results = []
    for torch, module in ((pytorch(), theirs), (dynamic, ours)):
        inputs = [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]
        outs = [out for out in flat(run(torch, module, *inputs)) if out is not None]
        loss = sum((out * (k + 1.5)).sin().sum() for k, out in enumerate(outs) if out.is_floating_point())
        loss.backward()
        leaves = [*inputs, *module.parameters()]
        results.append([*map(plain, outs), *(plain(leaf.grad) for leaf in leaves)])
    for x, y in zip(results[1], results[0], strict=True):
        same(x, y, rtol)


@pytest.mark.parametrize("states", ["zeros", "given"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("switches", variants("bidirectional", "batch_first", "single"))
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("kind", MODULES)
def test_modules(kind: str, layers: int, switches: dict[str, bool], dtype: str, states: str) -> None:
    bidirectional, batch_first, single = switches.values()
    theirs, ours = pair(kind, dtype, num_layers=layers, bidirectional=bidirectional, batch_first=batch_first)
    count = layers * (2 if bidirectional else 1)
    shape = (5, INPUTS) if single else (2, 5, INPUTS) if batch_first else (5, 2, INPUTS)
    first = [normal(*((count, UNITS) if single else (count, 2, UNITS)), seed=k) for k in range(2 if kind == "LSTM" else 1)]

    def run(torch: Any, module: Any, x: Any, *hx: Any) -> Any:
        return module(x, tuple(hx) if kind == "LSTM" else hx[0]) if hx else module(x)

    given = [normal(*shape), *(first if states == "given" else [])]
    compare_runs(theirs, ours, run, *(a.astype(dtype) for a in given))


@pytest.mark.parametrize("states", ["zeros", "given"])
@pytest.mark.parametrize("order", ["sorted", "unsorted"])
@pytest.mark.parametrize("switches", variants("bidirectional", "batch_first"))
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", MODULES)
def test_modules_on_packed_sequences(kind: str, layers: int, switches: dict[str, bool], order: str, states: str) -> None:
    bidirectional, batch_first = switches.values()
    theirs, ours = pair(kind, num_layers=layers, bidirectional=bidirectional, batch_first=batch_first)
    lengths = [5, 3, 3, 1] if order == "sorted" else [3, 1, 5, 3]
    count = layers * (2 if bidirectional else 1)
    first = [normal(count, 4, UNITS, seed=k) for k in range(2 if kind == "LSTM" else 1)]

    def run(torch: Any, module: Any, x: Any, *hx: Any) -> Any:
        rnn = torch.nn.utils.rnn
        packed = rnn.pack_padded_sequence(x, lengths, batch_first, enforce_sorted=order == "sorted")
        out, last = module(packed, (tuple(hx) if kind == "LSTM" else hx[0]) if hx else None)
        return rnn.pad_packed_sequence(out, batch_first), last

    shape = (4, 5, INPUTS) if batch_first else (5, 4, INPUTS)
    compare_runs(theirs, ours, run, normal(*shape), *(first if states == "given" else []))


@pytest.mark.parametrize("states", ["zeros", "given"])
@pytest.mark.parametrize("switches", variants("bias", "single"))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", MODULES)
def test_cells(kind: str, dtype: str, switches: dict[str, bool], states: str) -> None:
    bias, single = switches.values()
    torch = pytorch()
    settings = {**MODULES[kind], "bias": bias}
    name = f"{'RNN' if kind == 'relu' else kind}Cell"
    theirs = getattr(torch.nn, name)(INPUTS, UNITS, **settings).to(getattr(torch, dtype))
    ours = getattr(dynamic.nn, name)(INPUTS, UNITS, **settings).to(getattr(dynamic, dtype))
    ours.load_state_dict({k: dynamic.from_numpy(v.numpy().copy()) for k, v in theirs.state_dict().items()})
    front = () if single else (3,)
    first = [normal(*front, UNITS, seed=k) for k in range(2 if kind == "LSTM" else 1)]

    def run(torch: Any, module: Any, x: Any, *hx: Any) -> Any:
        state = (tuple(hx) if kind == "LSTM" else hx[0]) if hx else None
        for _ in range(3):
            state = module(x, state)
        return state

    given = [normal(*front, INPUTS), *(first if states == "given" else [])]
    compare_runs(theirs, ours, run, *(a.astype(dtype) for a in given))


SETTINGS = [
    {},
    {"num_layers": 2},
    {"bias": False},
    {"batch_first": True},
    {"bidirectional": True},
    {"num_layers": 2, "dropout": 0.25, "bidirectional": True, "batch_first": True},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("kind", MODULES)
def test_layers_are_described_alike(kind: str, settings: dict[str, Any]) -> None:
    theirs, ours = pair(kind, **settings)
    assert repr(ours) == repr(theirs)
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    assert [[tuple(w.shape) for w in each] for each in ours.all_weights] == [
        [tuple(w.shape) for w in each] for each in theirs.all_weights
    ]
    for name in ("mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional"):
        assert getattr(ours, name) == getattr(theirs, name)


@pytest.mark.parametrize("settings", [{}, {"bias": False}, {"nonlinearity": "relu"}], ids=str)
@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "RNNCell"])
def test_cells_are_described_alike(kind: str, settings: dict[str, Any]) -> None:
    if "nonlinearity" in settings and kind != "RNNCell":
        settings = {"bias": True}
    theirs, ours = (getattr(library.nn, kind)(3, 4, **settings) for library in (pytorch(), dynamic))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())


# Errors

X, X64 = np.ones((5, 2, INPUTS), "f"), np.ones((5, 2, INPUTS))


def _lstm(torch: Any, x: Any = X, hx: Any = None, **settings: Any) -> Any:
    zeros = None if hx is None else tuple(torch.zeros(*shape) for shape in hx)
    return torch.nn.LSTM(INPUTS, 4, **settings)(torch.from_numpy(x), zeros)


def _gru(torch: Any, x: Any = X, hx: Any = None) -> Any:
    return torch.nn.GRU(INPUTS, 4)(torch.from_numpy(x), None if hx is None else torch.zeros(*hx))


def _cell(torch: Any, x: Any = X[0], hx: Any = None) -> Any:
    zeros = None if hx is None else tuple(torch.zeros(*shape) for shape in hx)
    return torch.nn.LSTMCell(INPUTS, 4)(torch.from_numpy(x), zeros)


def _packed(torch: Any, lengths: Any, x: Any = X, **settings: Any) -> Any:
    return torch.nn.utils.rnn.pack_padded_sequence(torch.from_numpy(x), lengths, **settings)


ERRORS = {
    "another size of inputs": lambda torch: _lstm(torch, X[..., :2]),
    "one dimension": lambda torch: _lstm(torch, X[0, 0]),
    "four dimensions": lambda torch: _gru(torch, X[None]),
    "no step": lambda torch: _lstm(torch, X[:0]),
    "states of too few layers": lambda torch: _lstm(torch, hx=[(1, 2, 4)] * 2, num_layers=2),
    "states of another batch": lambda torch: _lstm(torch, hx=[(1, 3, 4)] * 2),
    "states of another size": lambda torch: _gru(torch, hx=(1, 2, 5)),
    "states without a batch": lambda torch: _lstm(torch, hx=[(1, 4)] * 2),
    "states with a batch": lambda torch: _lstm(torch, X[:, 0], hx=[(1, 1, 4)] * 2),
    "a state without a batch": lambda torch: _gru(torch, hx=(1, 4)),
    "a state with a batch": lambda torch: _gru(torch, X[:, 0], hx=(1, 1, 4)),
    "float64 in a float32 layer": lambda torch: _lstm(torch, X64),
    "integers": lambda torch: _gru(torch, X.astype(int)),
    "no layers": lambda torch: torch.nn.LSTM(3, 4, num_layers=0),
    "no units": lambda torch: torch.nn.GRU(3, 0),
    "units that are no integer": lambda torch: torch.nn.GRU(3, 4.0),
    "dropout above 1": lambda torch: torch.nn.LSTM(3, 4, dropout=2),
    "dropout that is a bool": lambda torch: torch.nn.LSTM(3, 4, dropout=True),
    "dropout that is text": lambda torch: torch.nn.LSTM(3, 4, dropout="a"),
    "a projection that is too large": lambda torch: torch.nn.LSTM(3, 4, proj_size=5),
    "a projection below 0": lambda torch: torch.nn.LSTM(3, 4, proj_size=-1),
    "a projection of a GRU": lambda torch: torch.nn.GRU(3, 4, proj_size=2),
    "a projection of a plain net": lambda torch: torch.nn.RNN(3, 4, proj_size=2),
    "an unknown nonlinearity": lambda torch: torch.nn.RNN(3, 4, nonlinearity="x"),
    "an unknown nonlinearity of a cell": lambda torch: torch.nn.RNNCell(3, 4, nonlinearity="x")(torch.ones(2, 3)),
    "an unknown mode": lambda torch: torch.nn.RNNBase("X", 3, 4),
    "a cell on three dimensions": lambda torch: _cell(torch, X),
    "a cell's inputs of another size": lambda torch: _cell(torch, X[0, :, :2]),
    "a cell's states of another batch": lambda torch: _cell(torch, hx=[(3, 4)] * 2),
    "a cell's states of another size": lambda torch: _cell(torch, hx=[(2, 5)] * 2),
    "a cell's states of three dimensions": lambda torch: _cell(torch, hx=[(1, 2, 4)] * 2),
    "float64 in a float32 cell": lambda torch: _cell(torch, X64[0]),
    "one state for a cell that has two": lambda torch: torch.nn.LSTMCell(3, 4)(torch.ones(2, 3), torch.ones(2, 4)),
    "a length of 0": lambda torch: _packed(torch, [5, 0]),
    "lengths that are not sorted": lambda torch: _packed(torch, [3, 5]),
    "too few lengths": lambda torch: _packed(torch, [5]),
    "too many lengths": lambda torch: _packed(torch, [5, 4, 3]),
    "too many lengths to sort": lambda torch: _packed(torch, [3, 4, 5], enforce_sorted=False),
    "no step to pack": lambda torch: _packed(torch, [1, 1], X[:0]),
    "a total length below the longest": lambda torch: torch.nn.utils.rnn.pad_packed_sequence(
        _packed(torch, [4, 3]), total_length=2
    ),
    "nothing to pad": lambda torch: torch.nn.utils.rnn.pad_sequence([]),
    "a number to pad": lambda torch: torch.nn.utils.rnn.pad_sequence(5),
    "sequences of other sizes": lambda torch: torch.nn.utils.rnn.pad_sequence([torch.ones(2, 3), torch.ones(2, 2)]),
    "padding at the top": lambda torch: torch.nn.utils.rnn.pad_sequence([torch.ones(2)], padding_side="up"),
    "a packed sequence without sizes": lambda torch: torch.nn.utils.rnn.PackedSequence(torch.ones(3, 2)),
    "packed states of another batch": lambda torch: torch.nn.GRU(3, 4)(_packed(torch, [4, 3]), torch.zeros(1, 3, 4)),
    "packed inputs of another size": lambda torch: torch.nn.GRU(4, 4)(_packed(torch, [4, 3])),
}


@pytest.mark.parametrize("what", ERRORS)
def test_errors_are_of_pytorch_s_class(what: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Exception) as wanted:  # noqa: PT011 (whatever PyTorch raises)
            ERRORS[what](pytorch())
        with pytest.raises(wanted.type):
            ERRORS[what](dynamic)


# Padded and packed

LENGTHS = {"falling": [4, 3, 1], "equal": [4, 4, 4], "shorter than the batch": [3, 2, 2], "rising": [1, 2, 4]}


@pytest.mark.parametrize("form", ["list", "tensor"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["steps first", "batch first"])
@pytest.mark.parametrize("tail", [(), (2,), (2, 3)], ids=str)
@pytest.mark.parametrize("which", LENGTHS)
def test_packing(which: str, tail: tuple[int, ...], batch_first: bool, form: str) -> None:
    lengths = LENGTHS[which]

    def build(torch: Any, x: Any) -> Any:
        given = torch.tensor(lengths) if form == "tensor" else lengths
        return torch.nn.utils.rnn.pack_padded_sequence(x, given, batch_first, enforce_sorted=which != "rising")

    agree(build, normal(*((3, 4) if batch_first else (4, 3)), *tail))


@pytest.mark.parametrize("total", [None, 4, 6])
@pytest.mark.parametrize("value", [0.0, -1.5])
@pytest.mark.parametrize("batch_first", [False, True], ids=["steps first", "batch first"])
@pytest.mark.parametrize("which", LENGTHS)
def test_packing_and_padding(which: str, batch_first: bool, value: float, total: int | None) -> None:
    def build(torch: Any, x: Any) -> Any:
        rnn = torch.nn.utils.rnn
        packed = rnn.pack_padded_sequence(x, LENGTHS[which], enforce_sorted=which != "rising")
        return rnn.pad_packed_sequence(packed, batch_first, value, total)

    agree(build, normal(4, 3, 2))


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("value", [0.0, 2.5])
@pytest.mark.parametrize("batch_first", [False, True], ids=["steps first", "batch first"])
@pytest.mark.parametrize("tail", [(), (2,)], ids=str)
@pytest.mark.parametrize("lengths", [(3, 1, 2), (2,), (2, 2)], ids=str)
def test_padding(lengths: Any, tail: Any, batch_first: bool, value: float, side: str) -> None:
    def build(torch: Any, *sequences: Any) -> Any:
        return torch.nn.utils.rnn.pad_sequence(list(sequences), batch_first, value, side)

    agree(build, *(normal(n, *tail, seed=k) for k, n in enumerate(lengths)))


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool", "float32"])
def test_padding_of_every_kind(dtype: str) -> None:
    arrays = [(normal(n, 2, seed=n) * 3 > 0).astype(dtype) for n in (3, 1)]
    agree(lambda torch, *sequences: torch.nn.utils.rnn.pad_sequence(sequences, padding_value=1), *arrays)


@pytest.mark.parametrize("enforce_sorted", [True, False], ids=["sorted", "unsorted"])
@pytest.mark.parametrize("lengths", [(3, 2, 2), (4, 1), (1,)], ids=str)
def test_packing_sequences_and_back(lengths: Any, enforce_sorted: bool) -> None:
    given = lengths if enforce_sorted else lengths[::-1]

    def build(torch: Any, *sequences: Any) -> Any:
        packed = torch.nn.utils.rnn.pack_sequence(list(sequences), enforce_sorted)
        return packed, torch.nn.utils.rnn.unpack_sequence(packed)

    agree(build, *(normal(n, 2, seed=k) for k, n in enumerate(given)))


@pytest.mark.parametrize("batch_first", [False, True], ids=["steps first", "batch first"])
def test_unpadding(batch_first: bool) -> None:
    def build(torch: Any, x: Any) -> Any:
        x = x * 1.0  # PyTorch turns the batch itself around, which a leaf refuses
        return torch.nn.utils.rnn.unpad_sequence(x, torch.tensor([3, 1, 2]), batch_first)

    agree(build, normal(*((3, 4) if batch_first else (4, 3)), 2))


def test_inverse_permutations() -> None:
    agree(lambda torch, p: torch.nn.utils.rnn.invert_permutation(p), np.array([2, 0, 3, 1]))


CASTS = ["double", "float", "half", "long", "int", "short", "char", "byte", "cpu"]


@pytest.mark.parametrize("method", CASTS)
def test_packed_sequences_are_cast(method: str) -> None:
    def build(torch: Any, x: Any) -> Any:
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, [2, 3], enforce_sorted=False)
        return getattr(packed, method)()

    agree(build, np.arange(12.0).reshape(3, 2, 2), orders=1)


@pytest.mark.parametrize("target", ["float64", "float32"])
def test_packed_sequences_are_moved(target: str) -> None:
    def build(torch: Any, x: Any) -> Any:
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, [3, 2])
        made = packed.to(getattr(torch, target))
        return made, made is packed, packed.is_cuda, packed.is_pinned()

    agree(build, normal(3, 2, 2))
