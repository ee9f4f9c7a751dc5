"""What the laws are made of: samples by op, calls in other dtypes, gradients by each way, finite differences."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy
import pytest

import tests.samples
from graphs.autodiff import backprop, symbolic
from graphs.core.function import Function, trace
from graphs.core.node import Value, infer, new_parameter
from graphs.core.op import OPS, Op
from graphs.core.spec import Spec
from graphs.ops.shape import zeros_like
from tests.samples.table import SAMPLES, Case, Samples


KINDS = {"b": (numpy.bool_,), "i": (numpy.int64,), "f": (numpy.float64, numpy.float32)}


def load_samples() -> dict[str, Samples]:
    """The whole table."""
    for module in pkgutil.iter_modules(tests.samples.__path__):
        importlib.import_module(f"tests.samples.{module.name}")
    return SAMPLES


def arrays(case: Case) -> list[int]:
    """The positions of a case's arrays; the other arguments are Python scalars."""
    return [i for i, x in enumerate(case.args) if isinstance(x, numpy.ndarray)]


def floats(case: Case) -> list[int]:
    """The positions of its float64 arrays: those that are differentiated, and that other dtypes stand in for."""
    return [i for i in arrays(case) if case.args[i].dtype == numpy.float64]


def replaced(case: Case, new: dict[int, Any]) -> Case:
    """The case with the arguments at some positions exchanged."""
    return Case(tuple(new.get(i, x) for i, x in enumerate(case.args)), case.params)


def in_dtype(case: Case, dtype: Any) -> Case:
    """The case with its float64 arrays (with all arrays, where it has none) in another dtype, spread over small integers."""
    positions = floats(case) or arrays(case)
    return replaced(case, {i: _in_dtype(case.args[i], dtype) for i in positions})


def _in_dtype(x: numpy.ndarray, dtype: Any) -> numpy.ndarray:
    kind = numpy.dtype(dtype).kind
    x = x.real if x.dtype.kind == "c" != kind else x
    if kind == "b":
        return numpy.asarray(x > 0.5)
    if kind in "iu" and x.dtype.kind == "f":
        x = numpy.copysign(numpy.ceil(abs(numpy.nan_to_num(x, posinf=9, neginf=-9)) * 2), x)
    return numpy.asarray(abs(x) if kind == "u" else x).astype(dtype)


def in_every_dtype(case: Case, kinds: str) -> Iterator[Case]:
    """The case itself, and in the other dtypes of ``kinds`` where it has float64 arrays."""
    yield case
    if floats(case):
        for dtype in (dtype for kind in kinds for dtype in KINDS[kind]):
            if dtype is not numpy.float64:
                yield in_dtype(case, dtype)


def run(op: Op, case: Case) -> tuple[Any, ...]:
    """The op's outputs, always as a tuple."""
    out = op(*case.args, **case.params)
    return out if isinstance(out, tuple) else (out,)


def inferred(op: Op, case: Case, specs: dict[int, Spec] | None = None) -> tuple[Spec, ...]:
    """What the op infers for a case, with other specs at some positions than those of its arrays."""
    values = {i: new_parameter(spec) for i, spec in (specs or {}).items()}
    return infer(op, replaced(case, values).args, case.params)


def close(actual: Any, wanted: Any, rtol: float, atol: float = 0.0) -> None:
    """Assert equal shapes, NaNs and infinities at the same places, and nearness elsewhere, relative to the largest value."""
    actual, wanted = numpy.asarray(actual), numpy.asarray(wanted)
    assert actual.shape == wanted.shape
    finite = numpy.abs(wanted[numpy.isfinite(wanted)]) if wanted.dtype.kind in "fc" else numpy.abs(wanted.astype(float))
    scale = finite.max(initial=0.0)
    kind = complex if wanted.dtype.kind == "c" else float
    numpy.testing.assert_allclose(actual.astype(kind), wanted.astype(kind), rtol=rtol, atol=atol + rtol * min(scale, 1.0))


def same(actual: Any, wanted: Any) -> None:
    """Assert the same dtype, shape and bits (any NaN is as good as another)."""
    actual, wanted = numpy.asarray(actual), numpy.asarray(wanted)
    assert actual.dtype == wanted.dtype
    numpy.testing.assert_array_equal(actual, wanted, strict=True)


# Gradients


def function_of(op: Op, case: Case, spec: Callable[[Any], Spec] = Spec.of) -> Function:
    """A call of the op as a Function of the case's arrays."""
    positions = arrays(case)

    def call(*values: Any) -> Any:
        return op(*replaced(case, dict(zip(positions, values, strict=True))).args, **case.params)

    return trace(call, *(spec(case.args[i]) for i in positions), name=op.name)[0]


def unknown_sizes(x: Any) -> Spec:
    """The spec of ``x`` with every dimension unknown."""
    return Spec((None,) * numpy.ndim(x), x.dtype)


def float_outputs(function: Function) -> list[int]:
    """The indices of the outputs that can have a gradient."""
    return [i for i, spec in enumerate(function.specs) if spec.dtype.kind == "f"]


def gradient_of(function: Function, wrt: Sequence[int]) -> Function:
    """The Function ``(*inputs, *seeds of the float outputs) -> gradients of the inputs at wrt``, by the symbolic way."""
    width = len(function.inputs)

    def backwards(*values: Any) -> list[Any]:
        outs = function(*values[:width])
        pairs = list(zip((outs[i] for i in float_outputs(function)), values[width:], strict=True))
        depend = [(y, seed) for y, seed in pairs if isinstance(y, Value)]
        found = symbolic([y for y, _ in depend], [seed for _, seed in depend], [values[i] for i in wrt])
        return [zeros_like(values[i]) if g is None else g for i, g in zip(wrt, found, strict=True)]

    specs = [value.spec for value in function.inputs] + [function.specs[i] for i in float_outputs(function)]
    return trace(backwards, *specs, name=f"gradient of {function.name}")[0]


def bare_gradients(function: Function, args: Sequence[Any], seeds: Sequence[Any], wrt: Sequence[int]) -> list[Any]:
    """The same gradients by the way of an eager tape: rules run on bare arrays, each node's own inputs and outputs."""
    values = {(x.node, x.index): arg for x, arg in zip(function.inputs, args, strict=True)}

    def look(x: Any) -> Any:
        return values[x.node, x.index] if isinstance(x, Value) else x

    for node in function.nodes:
        out = node.op(*map(look, node.inputs), **node.params)
        values.update({(node, i): y for i, y in enumerate(out if len(node.specs) > 1 else (out,))})
    roots = [(function.outputs[i], seed) for i, seed in zip(float_outputs(function), seeds, strict=True)]
    targets = [function.inputs[i] for i in wrt]
    found = backprop(
        roots,
        {x.node for x in targets},
        lambda node: ([look(x) for x in node.inputs], [values[node, i] for i in range(len(node.specs))]),
    )
    zeros = (zeros_like(args[i]) for i in wrt)
    return [found[x.node][0] if x.node in found else zero for x, zero in zip(targets, zeros, strict=True)]


def seeds_of(function: Function, args: Sequence[Any]) -> list[numpy.ndarray]:
    """Random gradients for the float outputs."""
    random = numpy.random.default_rng(11)
    outs = function(*args)
    return [numpy.asarray(random.standard_normal(numpy.shape(outs[i]))) for i in float_outputs(function)]


STEP = 1e-5


def check_gradient(function: Function, args: Sequence[Any], wrt: Sequence[int], tolerance: float) -> None:
    """Assert that the gradients of a random sum of the outputs agree with central differences.

    Along one random direction of all inputs together, and along each coordinate of the inputs of up to four elements.
    """
    seeds = seeds_of(function, args)
    gradients = gradient_of(function, wrt)(*args, *seeds)

    def objective(moved: dict[int, Any]) -> float:
        outs = function(*(moved.get(i, x) for i, x in enumerate(args)))
        parts = zip((outs[i] for i in float_outputs(function)), seeds, strict=True)
        return float(sum(numpy.sum(y * seed) for y, seed in parts))

    random = numpy.random.default_rng(12)
    directions = [{i: numpy.asarray(random.standard_normal(args[i].shape)) for i in wrt}]
    for i in wrt:
        if args[i].size <= 4:
            directions += [{i: row.reshape(args[i].shape)} for row in numpy.eye(args[i].size)]
    for direction in directions:
        up = objective({i: args[i] + STEP * d for i, d in direction.items()})
        down = objective({i: args[i] - STEP * d for i, d in direction.items()})
        slope = sum(numpy.sum(g * direction[i]) for i, g in zip(wrt, gradients, strict=True) if i in direction)
        numpy.testing.assert_allclose(slope, (up - down) / (2 * STEP), rtol=tolerance, atol=tolerance * 10)


def calls() -> list[tuple[str, Case]]:
    """Every op of the table with each of its cases."""
    return [(name, case) for name, entry in load_samples().items() for case in entry.cases if name in OPS]


def case_by_case(chosen: Iterable[tuple[Any, ...]]) -> Any:
    """Try the decorated ``test(name, *case)`` on each ``(name, *case)``, all of a name in one test.

    Twenty thousand tests would take longer to hand out than to run. All cases are tried; what fails says which it was.
    """
    cases: dict[str, list[tuple[Any, ...]]] = {}
    for name, *case in chosen:
        cases.setdefault(name, []).append(tuple(case))
    width = max(1 + len(case) for several in cases.values() for case in several)

    def make(test: Callable[..., None]) -> Any:
        def each(name: str, **given: Any) -> None:
            failed: list[BaseException] = []
            for case in cases[name]:
                try:
                    test(name, *case, **given)
                except (Exception, pytest.fail.Exception) as error:
                    error.add_note(f"with {name}-{'-'.join(map(str, case))}")
                    failed.append(error)
            if len(failed) == 1:
                raise failed[0]
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {len(cases[name])} cases", failed)

        parameters = list(inspect.signature(test).parameters.values())
        functools.update_wrapper(each, test, updated=())
        del each.__wrapped__  # type: ignore[attr-defined]
        each.__signature__ = inspect.Signature(parameters[:1] + parameters[width:])  # type: ignore[attr-defined]
        return pytest.mark.parametrize("name", list(cases))(each)

    return make


def by_rules(op: Op, needs: Sequence[bool], gs: Sequence[Any], outs: Sequence[Any], args: Sequence[Any], params: Any) -> Any:
    """What an op's rules give for the arguments marked in ``needs``, None elsewhere, without the engine around them."""
    if op.joint is not None:
        return op.joint(tuple(needs), gs, outs, args, **params)
    assert op.rules is not None
    return [
        rule(gs[0], outs[0], *args, **params) if need and rule is not None else None
        for need, rule in zip(needs, op.rules, strict=True)
    ]


# Work


def calls_in(run: Callable[[], Any]) -> int:
    """How many functions, Python's and built-in ones, ``run`` calls: a measure of its work on any machine, however busy."""
    found = 0

    def count(_frame: Any, kind: str, _arg: Any) -> None:
        nonlocal found
        found += kind in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(before)
    return found
