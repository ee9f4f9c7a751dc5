"""Samples of recurrent layers and of their gradients: the references go through one sequence after the other."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy

import graphs.codegen.recurrent  # noqa: F401 - steps of a single sequence become native
from graphs.control import recurrent as recurrent
from graphs.ops.steps import MANY
from tests.samples.table import case, normal, samples, uniform


GATES = {"lstm": 4, "gru": 3, "rnn": 1}
STATES = {"lstm": 2, "gru": 1, "rnn": 1}


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + numpy.exp(-x))


def _step(name: str, x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, nonlinearity: str) -> tuple[Any, ...]:
    """One sequence's next states and what is kept of the step."""
    a, b = w_ih @ x + b_ih, w_hh @ h[0] + b_hh
    if name == "rnn":
        return ((numpy.tanh if nonlinearity == "tanh" else lambda z: numpy.where(z <= 0, 0 * z, z))(a + b),)
    if name == "lstm":
        i, f, g, o = numpy.split(a + b, 4)
        i, f, g, o = _sigmoid(i), _sigmoid(f), numpy.tanh(g), _sigmoid(o)
        c = f * h[1] + i * g
        return o * numpy.tanh(c), c, c, numpy.concatenate([i, f, g, o])
    (ar, az, an), (br, bz, m) = numpy.split(a, 3), numpy.split(b, 3)
    r, z = _sigmoid(ar + br), _sigmoid(az + bz)
    n = numpy.tanh(an + r * m)
    return (1 - z) * n + z * h[0], numpy.concatenate([r, z, m, n])


def _places(x: Any, batch_sizes: Any) -> list[list[Any]]:
    """For each sequence of the batch, where the rows of its steps are in ``x``."""
    if batch_sizes is not None:
        starts = list(accumulate(batch_sizes, initial=0))
        return [
            [(start + b,) for start, n in zip(starts, batch_sizes, strict=False) if b < n] for b in range(batch_sizes[0])
        ]
    if x.ndim == 2:
        return [[(b,)] for b in range(len(x))]
    return [[(t, b) for t in range(x.shape[0])] for b in range(x.shape[1])]


def _forward(name: str) -> Any:
    def reference(x: Any, *rest: Any, batch_sizes: Any = None, reverse: bool = False, nonlinearity: str = "tanh") -> Any:
        count = STATES[name]
        last = [s.copy() for s in rest[:count]]
        w_ih, w_hh, *biases = rest[count:]
        b_ih, b_hh = biases or [numpy.zeros(len(w_ih), x.dtype)] * 2
        units = w_hh.shape[1]
        widths = {"lstm": (1, 1, 4), "gru": (1, 4), "rnn": (1,)}[name]
        rows = [numpy.zeros((*x.shape[:-1], k * units), x.dtype) for k in widths]
        for b, places in enumerate(_places(x, batch_sizes)):
            for place in reversed(places) if reverse else places:
                new = _step(name, x[place], [s[b] for s in last], w_ih, w_hh, b_ih, b_hh, nonlinearity)
                for state, value in zip(last, new, strict=False):
                    state[b] = value
                for row, value in zip(rows, (new[0], *new[count:]), strict=True):
                    row[place] = value
        return rows[0], *last, *rows[1:]

    return reference


def _backward(name: str) -> Any:
    count, states = 3 + STATES[name], STATES[name]

    def reference(
        *arrays: Any, needs: Any, flows: Any, batch_sizes: Any = None, reverse: bool = False, nonlinearity: str = "tanh"
    ) -> Any:
        x, first, (w_ih, w_hh) = arrays[0], arrays[1 : 1 + states], arrays[1 + states : count]
        width = {"lstm": 3, "gru": 2, "rnn": 1}[name]
        rows, given = arrays[count : count + width], iter(arrays[count + width :])
        like = [rows[0], *first, *rows[1:]]
        gs = [next(given) if flow else numpy.zeros_like(a) for flow, a in zip(flows, like, strict=True)]
        found = [numpy.zeros_like(a) for a in arrays[:count]] + [numpy.zeros(len(w_ih), x.dtype) for _ in range(2)]
        for b, places in enumerate(_places(x, batch_sizes)):
            order = places if reverse else places[::-1]
            d = [g[b] for g in gs[1 : 1 + states]]
            for place, before in zip(order, [*order[1:], None], strict=True):
                h = first[0][b] if before is None else rows[0][before]
                c = None if states == 1 else first[1][b] if before is None else rows[1][before]
                row = [a[place] for a in rows]
                d[0] = d[0] + gs[0][place]
                if name == "rnn":
                    d_in = d_state = d[0] * (1 - row[0] ** 2 if nonlinearity == "tanh" else row[0] > 0)
                    d[0] = d_state @ w_hh
                elif name == "lstm":
                    i, f, g, o = numpy.split(row[2], 4)
                    d_i, d_f, d_g, d_o = numpy.split(gs[4][place], 4)
                    bent = numpy.tanh(row[1])
                    d_c = d[1] + d[0] * o * (1 - bent**2) + gs[3][place]
                    slopes = [(d_c * g + d_i) * i * (1 - i), (d_c * c + d_f) * f * (1 - f)]
                    slopes += [(d_c * i + d_g) * (1 - g**2), (d[0] * bent + d_o) * o * (1 - o)]
                    d_in = d_state = numpy.concatenate(slopes)
                    d = [d_state @ w_hh, d_c * f]
                else:
                    r, z, m, n = numpy.split(row[1], 4)
                    d_r, d_z, d_m, d_n = numpy.split(gs[2][place], 4)
                    d_n = (d[0] * (1 - z) + d_n) * (1 - n**2)
                    gates = [(d_n * m + d_r) * r * (1 - r), (d[0] * (h - n) + d_z) * z * (1 - z)]
                    d_in, d_state = (numpy.concatenate([*gates, last]) for last in (d_n, d_n * r + d_m))
                    d[0] = d[0] * z + d_state @ w_hh
                found[0][place] = d_in @ w_ih
                found[-4] += numpy.outer(d_in, x[place])
                found[-3] += numpy.outer(d_state, h)
                found[-2] += d_in
                found[-1] += d_state
            for state, value in zip(found[1:], d, strict=False):
                state[b] = value
        chosen = tuple(g for g, need in zip(found, needs, strict=False) if need)
        return chosen if len(chosen) > 1 else chosen[0]

    return reference


def _arguments(name: str, x: Any, batch: int, units: int, biased: bool = True) -> list[Any]:
    gates = GATES[name] * units
    states = [normal(batch, units, seed=2 + k) for k in range(STATES[name])]
    weights = [normal(gates, x.shape[-1], seed=4), normal(gates, units, seed=5)]
    return [x, *states, *weights, *([normal(gates, seed=6), normal(gates, seed=7)] if biased else [])]


def _calls(name: str) -> list[Any]:
    settings = {"nonlinearity": "relu"} if name == "rnn" else {}
    return [
        case(*_arguments(name, normal(4, 2, 3), 2, 2)),
        case(*_arguments(name, normal(3, 1, 2), 1, 3, False), reverse=True),
        case(*_arguments(name, normal(2, 3), 2, 2), **settings),
        case(*_arguments(name, normal(7, 2), 3, 2), batch_sizes=(3, 2, 2)),
        case(*_arguments(name, normal(6, 2), 3, 2, False), batch_sizes=(3, 2, 1), reverse=True),
        case(*(0.3 * a for a in _arguments(name, normal(3, 1, 2), 1, MANY))),
    ]


def _ways_back(name: str) -> list[Any]:
    made = []
    every = (True,) * (5 + STATES[name])
    outs = 1 + STATES[name] + {"lstm": 2, "gru": 1, "rnn": 0}[name]
    last = (*[False] * (outs - 1), True)
    some = (False, True, *[False] * (len(every) - 2))
    first = (True, *[False] * (outs - 1))
    flows = [((True,) * outs, every), (first, every), (last, some), ((True,) * outs, every), (first, every)]
    for (flow, needs), each in zip(flows, _calls(name)[:2] + _calls(name)[3:], strict=True):
        x, *rest = each.args[: 3 + STATES[name]]
        units = rest[-1].shape[1]
        rows = [
            uniform(0.1, 0.9, *x.shape[:-1], k * units, seed=k) for k in {"lstm": (1, 2, 4), "gru": (1, 4)}.get(name, (1,))
        ]
        if name == "lstm":
            rows[1] = rows[1][..., :units].copy()
        like = [rows[0], *rest[: STATES[name]], *rows[1:]]
        gs = [normal(*a.shape, seed=20 + k) for k, a in enumerate(like) if flow[k]]
        made.append(case(x, *rest, *rows, *gs, needs=needs, flows=flow, **each.params))
    return made


for _name in ("lstm", "gru", "rnn"):
    _x, *_rest = _calls(_name)[0].args
    samples(
        _name,
        _forward(_name),
        *_calls(_name),
        tolerance=1e-5,
        refuses=(
            case(_x[..., :2], *_rest),
            case(_x[:, :1], *_rest),
            case(_x[:0], *_rest),
            case(_x, *_rest[:-1]),
            case(_x, *_rest[:-1], _rest[-1][:-1]),
            case(_x, _rest[0][0], *_rest[1:]),
            case(_x[0], *_rest, batch_sizes=(1, 2)),
            case(_x[0], *_rest, batch_sizes=(2, 1)),
            case(_x[0], *_rest, batch_sizes=()),
        ),
    )
    samples(f"{_name}_gradient", _backward(_name), *_ways_back(_name), tolerance=1e-5)
