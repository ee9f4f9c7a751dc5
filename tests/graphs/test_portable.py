"""What kernels do where cupy lacks what numpy has: the same numbers on either, and constants that are sent once."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

import graphs.ops  # noqa: F401 - enters the ops in the registry
from graphs.codegen import contract
from graphs.codegen.capture import Capturable, captured
from graphs.core import portable
from graphs.core.errors import DivisionError, PositionError
from graphs.core.op import OPS
from tests.graphs import fake_driver


@pytest.mark.parametrize("shape", [(3, 4), (0, 4), (3, 0), (0,)])
def test_maxima_of_something_and_of_nothing(cp: Any, shape: tuple[int, ...]) -> None:
    x = numpy.random.default_rng(0).standard_normal(shape).astype("float32")
    for axis, keepdims in ((None, False), (0, False), (-1, True)):
        wanted = x.max(axis=axis, keepdims=keepdims, initial=-0.25)
        found = portable.largest(cp, cp.asarray(x), -0.25, axis, keepdims)
        assert found.dtype == x.dtype
        numpy.testing.assert_array_equal(found.get(), wanted)


SPREAD = {
    "add": "?bBhHilefdFD",
    "multiply": "?bhilfdFD",
    "maximum": "?bBhilefd",
    "minimum": "?bBhilefd",
}


@pytest.mark.parametrize("name", SPREAD)
def test_many_values_at_one_position(cp: Any, name: str) -> None:
    random = numpy.random.default_rng(1)
    at = random.integers(-3, 6, 40)
    for char in SPREAD[name]:
        values = random.integers(0, 3, (40, 2)).astype(char)
        for place, given in ((at, values), ((at, 1), values[:, 0]), (at[:0], values[:0]), (at[:1], values.dtype.type(2))):
            wanted = numpy.ones((6, 2), char)
            getattr(numpy, name).at(wanted, place, given)
            there = (cp.asarray(at), 1) if type(place) is tuple else cp.asarray(place)
            out = cp.ones((6, 2), char)
            before = fake_driver.state().syncs
            portable.combine_at(cp, name, out, there, cp.asarray(given))
            assert fake_driver.state().syncs == before
            numpy.testing.assert_array_equal(out.get(), wanted, strict=True)


def test_running_combinations(cp: Any) -> None:
    x = numpy.random.default_rng(2).standard_normal((5, 7, 2))
    for axis in range(3):
        found = portable.running(cp, "logaddexp", cp.asarray(x), axis).get()
        numpy.testing.assert_allclose(found, numpy.logaddexp.accumulate(x, axis), rtol=1e-13)


def test_constants_are_sent_once(fake: Any) -> None:
    value = numpy.arange(5)
    before = fake_driver.state().uploads
    first = portable.constant(fake, value)
    assert portable.constant(fake, value.copy()) is first
    assert portable.constant(fake, (0, 1, 2, 3, 4), "int64") is first
    assert portable.constant(fake, value.astype("float32")) is not first
    assert fake_driver.state().uploads == before + 2
    made = captured(lambda x: (x + portable.constant(Capturable(fake), [7.0, 8.0]),), (fake.ones(2),))
    assert made.reason == ""
    assert made(fake.ones(2))[0].tolist() == [8.0, 9.0]


LOOKED = {
    "nll_loss": (PositionError, lambda xp, op: op(xp.zeros((2, 3)), xp.asarray(numpy.array([0, 3])))),
    "embedding": (IndexError, lambda xp, op: op(xp.zeros((2, 3)), xp.asarray(numpy.array([0, 2])))),
    "floor_divide": (DivisionError, lambda xp, op: op(xp.asarray(numpy.array([1])), xp.asarray(numpy.array([0])))),
    "from_front": (PositionError, lambda xp, op: op(xp.asarray(numpy.array([-1])))),
}


@pytest.mark.parametrize("name", LOOKED)
def test_arrays_of_a_device_are_looked_at_where_that_is_asked_for(
    fake: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, call = LOOKED[name]
    before = fake_driver.state().syncs
    call(fake, OPS[name])
    assert fake_driver.state().syncs == before
    monkeypatch.setenv("DIPTYCH_CHECK_VALUES", "1")
    with pytest.raises(error):
        call(fake, OPS[name])
    with pytest.raises(error):
        call(numpy, OPS[name])


EQUATIONS = ["ij,jk->ik", "bij,bjk->bik", "ij,ij->", "ij,ij->i", "...ij,...jk->...ik", "ii->i", "ii", "iij->j", "i,j->ij"]
EQUATIONS += ["ij,jk,kl->il", "i,i,i->i", "...i,i->...", "ijk->j", "abab->ab", "a...,b...->ab...", "i,ij,j", "iijj->ij"]
EQUATIONS += ["bhqd,bhkd->bhqk", "ab,ab,bc->c", "->", ",->", "...->...", "ji", "b...i,i...->b..."]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_sums_of_products_by_matrix_products(equation: str) -> None:
    random = numpy.random.default_rng(3)
    for round_ in range(4):
        sizes = {letter: 1 + (ord(letter) + round_) % 4 for letter in equation if letter.isalpha()}
        rest = (2, 3)[: round_ % 3]
        operands = []
        for n, labels in enumerate(equation.partition("->")[0].split(",")):
            before, ellipsis, after = labels.partition("...")
            shape = [*(sizes[c] for c in before), *(rest if ellipsis else ()), *(sizes[c] for c in after)]
            if n and ellipsis and rest:
                shape[len(before)] = 1
            operands.append(numpy.asarray(random.standard_normal(shape)))
        found = contract.einsum(numpy, equation, *operands)
        wanted = numpy.einsum(equation, *operands)
        assert found.shape == wanted.shape
        numpy.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)
