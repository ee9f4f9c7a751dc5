"""Every op that PyTorch has, with operands that nobody chose: values, dtypes, shapes, NaNs, infinities, signs of zero."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings, strategies as st

import dynamic
from graphs.codegen import fused  # noqa: F401 (an op that comes late)
from graphs.core.op import OPS
from tests.dynamic.fuzzed import CALLS, EITHER, ELSEWHERE, NEARER, Call
from tests.dynamic.oracle import flat, plain, pytorch


pytestmark = pytest.mark.oracle

ULPS, RELATIVE = 4, 1e-5
SMALLEST = float(np.finfo("f4").tiny)
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-30, -1e-40, 100.0], "f4")


def _array(kind: str, shape: tuple[int, ...], r: Any, special: bool) -> np.ndarray:
    if kind == "b":
        return r.integers(0, 2, shape).astype(bool)
    if kind in "ij":
        return r.integers(-9 if kind == "i" else 1, 9, shape)
    if kind == "u":
        return r.uniform(0.01, 0.99, shape).astype("f4")
    x = np.asarray(r.normal(size=shape) * r.choice([0.1, 1.0, 10.0]), "f4")
    if kind == "p":
        return np.abs(x) + np.float32(0.05)
    if special and kind == "f":
        return np.where(r.random(shape) < 0.4, r.choice(SPECIAL, shape), x)
    return np.where(r.random(shape) < 0.2, np.round(x), x)


def _shapes(call: Call, r: Any, dims: list[int], axis: int) -> tuple[list[tuple[int, ...]], dict[str, Any]]:
    if callable(call.form):
        return call.form(r)  # type: ignore[no-any-return]
    shape = tuple(dims)
    if call.form == "each":
        shapes = [
            tuple(1 if r.integers(4) == 0 else n for n in shape)[int(r.integers(0, len(shape) + 1)) :] for _ in call.of
        ]
        return [shape, *shapes[1:]], {}
    if call.form == "axis":
        shape = tuple(max(n, 1) for n in shape) or (2,)
        return [shape] * len(call.of), {"dim": axis % len(shape) - (len(shape) if axis % 2 else 0), "keepdim": axis % 3 == 1}
    return [shape] * len(call.of), {}


def _laid_out(x: np.ndarray, way: int) -> Any:
    """The values of ``x`` as one tensor in each library, laid out in one of three ways."""

    def made(t: Any) -> Any:
        if way == 1 and x.ndim > 1:
            return t.from_numpy(np.ascontiguousarray(x.T)).permute(*reversed(range(x.ndim)))
        if way == 2 and x.ndim:
            return t.from_numpy(np.repeat(x, 2, -1))[..., ::2]
        return t.from_numpy(x.copy())

    return made


def _compared(ours: Any, theirs: Any, room: float, signs: bool) -> None:
    ours, theirs = np.asarray(plain(ours)), np.asarray(plain(theirs))
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    if ours.dtype.kind != "f":
        np.testing.assert_array_equal(ours, theirs)
        return
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    there = ~np.isnan(theirs)
    ours, theirs = ours[there], theirs[there]
    np.testing.assert_array_equal(np.where(np.isinf(ours), ours, 0), np.where(np.isinf(theirs), theirs, 0))
    zeros = (ours == 0) & (theirs == 0)
    if signs and not room:
        np.testing.assert_array_equal(np.signbit(ours[zeros]), np.signbit(theirs[zeros]))
    finite = np.isfinite(theirs)
    apart = np.abs(ours[finite].astype("f8") - theirs[finite])
    with np.errstate(over="ignore"):
        spacing = np.minimum(np.spacing(np.abs(theirs[finite])).astype("f8"), 1e32)
    most = np.maximum(ULPS * spacing, RELATIVE * np.abs(theirs[finite].astype("f8"))) + room + SMALLEST
    assert (apart <= most).all(), f"{apart.max()} apart, where {theirs[finite][apart.argmax()]} is right"


@st.composite
def examples(draw: Any, call: Call) -> tuple[list[np.ndarray], list[int], dict[str, Any]]:
    r = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    dims = draw(st.lists(st.integers(0, 4), max_size=3))
    shapes, settings = _shapes(call, r, dims, draw(st.integers(0, 11)))
    special = draw(st.booleans())
    arrays = [np.asarray(_array(kind, shape, r, special)) for kind, shape in zip(call.of, shapes, strict=True)]
    return arrays, [draw(st.integers(0, 2)) for _ in arrays], settings


@pytest.mark.parametrize("name", CALLS)
def test_it_gives_what_pytorch_gives(name: str, pytestconfig: pytest.Config) -> None:
    torch, call = pytorch(), CALLS[name]
    count = 200 if pytestconfig.getoption("--long") else 6

    @seed(0)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(examples(call))
    def tried(example: Any) -> None:
        arrays, ways, given_settings = example
        made = [_laid_out(x, way) for x, way in zip(arrays, ways, strict=True)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                wanted = list(flat(call.build(torch, *[each(torch) for each in made], **given_settings)))
            except (RuntimeError, IndexError, ValueError):
                with pytest.raises((RuntimeError, IndexError, ValueError, TypeError)):
                    call.build(dynamic, *[each(dynamic) for each in made], **given_settings)
                return
            found = list(flat(call.build(dynamic, *[each(dynamic) for each in made], **given_settings)))
        sizes = [float(np.abs(x[np.isfinite(x)], dtype="f8").sum()) for x in arrays if x.dtype.kind == "f"]
        room = 1e-6 * max([1.0, *sizes]) ** (2 if len(sizes) > 1 else 1) if call.sums else 1e-6 * (name in NEARER)
        for ours, theirs in zip(found, wanted, strict=True):
            _compared(ours, theirs, room, name not in EITHER)

    tried()


def test_every_op_is_called_or_said_to_be_elsewhere() -> None:
    elsewhere = {name for names in ELSEWHERE.values() for name in names}
    assert not elsewhere & CALLS.keys()
    ours = {name for name, op in OPS.items() if op.kernel.__module__.startswith("graphs.")}
    assert elsewhere | CALLS.keys() == ours
