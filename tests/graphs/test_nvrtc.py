"""NVIDIA's compiler takes the text of every kernel, for Ampere and Hopper, and keeps to the rounding that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from numpy import dtype

from graphs.codegen.cuda import NUMBER, fits, geometry, kernel, source
from graphs.codegen.cuda_calls import PREAMBLE
from graphs.codegen.primitives import Call, Scalars, scalars
from graphs.codegen.together import MOST_SETS, program
from graphs.core.function import trace
from graphs.core.op import OPS, Op
from graphs.core.spec import Spec
from graphs.updates import SGD, Adam, RMSProp
from tests.graphs import cuda_regions, nvrtc
from tests.graphs.cuda_bodies import (
    ELEMENTWISE,
    EXACT,
    PARTLY,
    SMOOTH,
    UNTRACED,
    alone,
    bodies,
    calls,
    flat,
    homogeneous,
    settings,
    text,
    updates,
)


pytestmark = nvrtc.here

both = pytest.mark.parametrize("architecture", [pytest.param("sm_80", marks=pytest.mark.long), "sm_90"])


def distinct(every: Sequence[Scalars]) -> str:
    """One program of the kernels that differ."""
    texts = dict.fromkeys(kernel(each, flat(each), "NAME") for each in every)
    return PREAMBLE + "".join(each.replace(" NAME(", f" k{i}(", 1) for i, each in enumerate(texts))


def key(call: Call) -> Any:
    return call.name, call.dtypes, call.dtype


@cache
def float_calls() -> set[Any]:
    """The calls that are compiled with the ops of floats."""
    return {key(call) for char in "fd" for each in homogeneous(char).values() for call in each.calls}


def takes(op: Op, char: str) -> bool:
    """Whether ``op`` has a rule for operands that all have one dtype."""
    try:
        op.infer(*[Spec((), char)] * len(op.names), **settings(op))
    except (TypeError, ValueError):
        return False
    return True


def compiles(source_text: str, architecture: str) -> bool:
    return nvrtc.cubin(source_text, architecture).startswith(b"\x7fELF")


@both
@pytest.mark.parametrize("char", ["f", "d"])
def test_every_op_of_floats(char: str, architecture: str) -> None:
    assert compiles(text(list(homogeneous(char).values())), architecture)


@both
def test_every_op_of_whole_numbers_and_truths(architecture: str) -> None:
    """All but those that cast their operands and do what the kernels of floats do."""
    every = [each for char in "?il" for each in homogeneous(char).values()]
    own = [each for each in every if any(call.name != "cast" and key(call) not in float_calls() for call in each.calls)]
    assert len(own) > 100
    assert compiles(text(own), architecture)


def test_no_op_is_left_out() -> None:
    """An op with a fusion text is compiled above in each dtype that it takes, or is in a list with the reason."""
    compiled_in = {char: set(homogeneous(char)) for char in "fd?il"}
    assert set().union(*compiled_in.values()) == set(ELEMENTWISE) - set(UNTRACED)
    for char, names in compiled_in.items():
        kind = dtype(char).kind
        refused = {name for name, op in ELEMENTWISE.items() if name not in names and takes(op, char)}
        assert refused <= set(UNTRACED) | set(PARTLY if kind != "f" else ()), char


@both
def test_every_other_call(architecture: str) -> None:
    """Of mixed dtypes, and casts."""
    done = {
        (call.name, call.dtypes, call.dtype)
        for char in "fd?bhilBHIL"
        for x in homogeneous(char).values()
        for call in x.calls
    }
    others = [alone(call) for key, call in calls().items() if key not in done]
    assert compiles(text(others), architecture)


@both
def test_regions_of_the_demos(architecture: str) -> None:
    made, refused = cuda_regions.written(cuda_regions.of_demos())
    assert len(made) > 100
    assert not refused
    assert compiles(distinct(made), architecture)


@both
def test_regions_of_random_programs(architecture: str) -> None:
    made, refused = cuda_regions.written(cuda_regions.of_random_programs())
    assert len(made) > 30
    assert not refused
    assert compiles(distinct(made), architecture)


@both
def test_updates_of_all_optimisers(architecture: str) -> None:
    every = updates()
    assert len(every) > 60
    assert all(fits(each) for each in every)
    assert compiles(distinct(every), architecture)


@both
def test_updates_of_many_parameters_at_once(architecture: str) -> None:
    texts = []
    for rule in (
        Adam(),
        Adam(amsgrad=True, weight_decay=True, decoupled=True),
        RMSProp(),
        SGD(momentum=True, nesterov=True),
    ):
        function, slots = rule.function("float32"), range(2, 2 + len(rule.slots))
        inputs = range(len(function.inputs))
        arrays, numbers = [[i for i in inputs if (function.inputs[i].dims == ()) == single] for single in (False, True)]
        body = scalars(function)
        assert body is not None
        texts += [program(body, arrays, numbers, (0, *slots), count) for count in (1, MOST_SETS)]
    kernels = [each.removeprefix(PREAMBLE).replace(" kernel(", f" k{i}(", 1) for i, each in enumerate(texts)]
    assert compiles(PREAMBLE + "".join(kernels), architecture)


@both
def test_rules_of_gradients(architecture: str) -> None:
    made, refused = cuda_regions.written(cuda_regions.of_rules())
    assert len(made) > 60
    assert not refused
    assert compiles(distinct(made), architecture)


@both
def test_random_bodies(architecture: str) -> None:
    every = [each for each in map(scalars, bodies(24, EXACT + SMOOTH, seed=2)) if each is not None]
    assert len(every) == 24
    assert compiles(text(every), architecture)


@both
def test_all_forms_of_operands(architecture: str) -> None:
    c_order = ((8, 10), (10, 1))
    forms = [
        geometry([c_order, ((10,), (1,)), NUMBER], [c_order, c_order]).form,
        geometry([((8, 10), (1, 8)), ((8, 1), (1, 1)), ((), ())], [c_order, ((8, 10), (1, 8))]).form,
        geometry([((4, 8, 10), (160, 20, 2)), ((8, 1), (1, 1)), None], [((4, 8, 10), (800, 100, 10))] * 2).form,
        geometry([((2**16, 2**16), (2**16, 1)), ((2**16,), (3,)), NUMBER], [((2**16, 2**16), (2**16, 1))] * 2).form,
    ]
    assert [(form.axes, form.wide) for form in forms] == [(2, False), (2, False), (3, False), (2, True)]
    body = scalars(trace(lambda x, y, s: [x * y, y > 0.5], *[Spec(None, "float32")] * 3)[0])
    assert body is not None
    assert compiles(PREAMBLE + "".join(kernel(body, form, f"k{i}") for i, form in enumerate(forms)), architecture)


def rounding() -> Scalars:
    found = scalars(trace(lambda x, y: [x * y + x, x / y, OPS["sqrt"](x)], *[Spec(None, "float32")] * 2)[0])
    assert found is not None
    return found


def test_nothing_is_contracted_or_flushed() -> None:
    written = nvrtc.ptx(source(rounding(), flat(rounding())))
    for instruction in ("mul.rn.f32", "add.rn.f32", "div.rn.f32", "sqrt.rn.f32"):
        assert instruction in written
    assert "fma" not in written
    assert "ftz" not in written


def test_the_last_option_counts() -> None:
    """So an option that cupy puts behind ours would flush small numbers to zero; that is why it is not left to do so."""
    assert "div.rn.ftz.f32" in nvrtc.ptx(source(rounding(), flat(rounding())), "-ftz=true")
