"""Samples of ``fused``: one output and several, broadcasting operands, a scalar operand, an op that is no single ufunc."""

from __future__ import annotations

from typing import Any

import numpy

from graphs.codegen.fused import fused as fused
from graphs.core.function import Function, trace
from graphs.core.spec import Spec
from graphs.ops.activations import sigmoid
from graphs.ops.functions import exp, square
from tests.samples.table import case, normal, samples


_ARRAY = Spec(None, numpy.float64)
_SCALAR = Spec((), numpy.float64)


def _body(fn: Any, *specs: Spec) -> Function:
    return trace(fn, *specs)[0]


def gate(x: Any, y: Any) -> Any:
    return sigmoid(x) * y - 0.5


def wave(x: Any, y: Any, scale: Any) -> Any:
    return exp(x * scale) - y, square(x) * y, y * 1.5


_REFERENCES = {
    "gate": lambda x, y: y / (1 + numpy.exp(-x)) - 0.5,
    "wave": lambda x, y, scale: (numpy.exp(x * scale) - y, x * x * y, y * 1.5),
}

_gate = _body(gate, _ARRAY, _ARRAY)
_wave = _body(wave, _ARRAY, _ARRAY, _SCALAR)

samples(
    "fused",
    lambda *arrays, body, label="": _REFERENCES[body.name](*arrays),
    case(normal(3, 4), normal(3, 4, seed=1), body=_gate, label="Gate"),
    case(normal(3, 4), normal(3, 1, seed=1), body=_gate),
    case(normal(2, 3), normal(2, 3, seed=1), numpy.asarray(0.5), body=_wave),
    case(normal(2, 3), normal(3, seed=1), numpy.asarray(0.5), body=_wave),
    kinds="if",
)
