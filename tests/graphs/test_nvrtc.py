"""NVIDIA's compiler takes the text of every kernel, for Ampere and Hopper, and keeps to the rounding that is asked for."""

from __future__ import annotations

import pytest

from graphs.codegen.cuda import NUMBER, fits, geometry, kernel, source
from graphs.codegen.cuda_calls import PREAMBLE
from graphs.codegen.primitives import Scalars, scalars
from graphs.core.function import trace
from graphs.core.op import OPS
from graphs.core.spec import Spec
from tests.graphs import nvrtc
from tests.graphs.cuda_bodies import ELEMENTWISE, EXACT, SMOOTH, UNTRACED, alone, bodies, calls, flat, made, text, updates


pytestmark = nvrtc.here

both = pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])


def compiles(program: str, architecture: str) -> bool:
    return nvrtc.cubin(program, architecture).startswith(b"\x7fELF")


@both
def test_every_call(architecture: str) -> None:
    assert compiles(text([alone(call) for call in calls().values()]), architecture)


@both
def test_every_op(architecture: str) -> None:
    every = [made(name)[-1] for name in sorted(set(ELEMENTWISE) - set(UNTRACED))]
    assert compiles(text(every), architecture)


@both
def test_updates_of_all_optimisers(architecture: str) -> None:
    every = updates()
    assert len(every) > 60
    assert all(fits(each) for each in every)
    assert compiles(text(every), architecture)


@both
def test_random_bodies(architecture: str) -> None:
    every = [each for each in map(scalars, bodies(40, EXACT + SMOOTH, seed=2)) if each is not None]
    assert len(every) == 40
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
