"""What the laws cannot see of shapes, reductions, indices and matrices: ties, zeros, what a rule costs, written indices."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest

from graphs.autodiff import symbolic
from graphs.core.errors import GradientError, PositionError, ShapeError
from graphs.core.node import ancestors, new_parameter
from graphs.core.op import OPS
from graphs.core.spec import Spec
from graphs.ops import ensure_shape, from_front, getitem, index, logsumexp, matmul, tensordot
from graphs.ops.selection import parted
from graphs.ops.slicing import Slice, frozen
from tests.helpers import by_rules


def gradient(name: str, x: Any, **params: Any) -> Any:
    """The gradient of an op of one array, flowing in as ones."""
    x = numpy.array(x, float)
    with numpy.errstate(all="ignore"):
        out = OPS[name](x, **params)
        return by_rules(OPS[name], (True,), (numpy.ones_like(out),), (out,), (x,), params)[0].tolist()


# Gradients at points that finite differences avoid


@pytest.mark.parametrize(
    ("name", "x", "wanted"),
    [
        ("max", [1.0, 3.0, 3.0, 2.0], [0, 0.5, 0.5, 0]),
        ("min", [1.0, 1.0, 1.0, 1.0], [0.25] * 4),
        ("max", [math.inf, math.inf], [0.5, 0.5]),
        ("norm", [0.0, 0.0], [0, 0]),
        ("logsumexp", [-math.inf, -math.inf], [0, 0]),
        ("logsumexp", [-math.inf, 2.0], [0, 1]),
        ("logsumexp", [1000.0, 1000.0], [0.5, 0.5]),
        ("prod", [0.0, 0.0, 2.0], [0, 0, 0]),
        ("prod", [0.0, 3.0, 2.0], [6, 0, 0]),
    ],
)
def test_gradients_at_ties_and_zeros(name: str, x: list[float], wanted: list[float]) -> None:
    assert gradient(name, x) == pytest.approx(wanted, rel=1e-12)


def test_the_largest_of_tied_magnitudes_share_with_their_signs() -> None:
    assert gradient("norm", [3.0, -3.0, 1.0], ord=math.inf) == [0.5, -0.5, 0]


def test_logsumexp_does_not_overflow() -> None:
    assert logsumexp(numpy.array([1e4, 1e4])) == 1e4 + math.log(2)


# Costs


def test_gradients_of_a_plain_matrix_product_are_one_product_and_one_view_each() -> None:
    x, y = (new_parameter(Spec(dims, "float32")) for dims in ((None, 3), (3, 4)))
    g = new_parameter(Spec((None, 4), "float32"))
    for found in symbolic([matmul(x, y)], [g], [x, y]):
        names = [node.op.name for node in ancestors({found.node}) if node.op.name != "parameter"]
        assert names == ["matrix_transpose", "matmul"]


def test_a_rule_of_ranks_refuses_what_has_none() -> None:
    x, y = (new_parameter(Spec(None, "float64")) for _ in range(2))
    with pytest.raises(GradientError, match="unknown number of dimensions"):
        symbolic([tensordot(x, y, axes=1)], [None], [x])


def test_arrays_are_kept_only_where_a_rule_reads_them() -> None:
    for name, wanted in (("sum", (False,)), ("take", (False, True)), ("index", (False, True)), ("concat", (False, False))):
        needs = (True, False)[: len(wanted)]
        assert OPS[name].keep(needs) == (wanted, False)


# Indices as they are written

CUBE = numpy.arange(60).reshape(3, 4, 5)
ROW = numpy.array([0, 2])
MASK = CUBE[:, :, 0] % 2 == 0


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (ROW, CUBE[[0, 2]]),
        ((slice(1), ROW), CUBE[:1][:, [0, 2]]),
        ((0, slice(None), ROW), CUBE[0][:, [0, 2]]),
        ((ROW, slice(None), ROW), CUBE[[0, 2], :, [0, 2]]),
        ((..., ROW), CUBE[:, :, [0, 2]]),
        ((None, ROW, ..., 1), CUBE[:, :, 1][[0, 2]][None]),
        (MASK, CUBE[MASK]),
        ((None, MASK), CUBE[MASK][None]),
        ((MASK, slice(2)), CUBE[MASK][:, :2]),
        ((..., numpy.array(1), slice(None)), CUBE[:, 1]),
    ],
)
def test_an_index_of_arrays_and_slices_is_taken_in_two_steps(written: Any, wanted: numpy.ndarray) -> None:
    fixed, arrays, axes = parted(written, CUBE.ndim, lambda item: isinstance(item, numpy.ndarray))
    numpy.testing.assert_array_equal(index(getitem(CUBE, index=fixed), *arrays, axes=axes), wanted)


def test_an_array_after_an_ellipsis_wants_a_known_rank() -> None:
    assert parted((..., 0), None, lambda _: False)[0] == (Ellipsis, 0)
    with pytest.raises(ShapeError, match="ellipsis"):
        parted((..., ROW), None, lambda item: item is ROW)


def test_frozen_indices_can_be_hashed_and_refuse_what_is_no_position() -> None:
    assert frozen((numpy.int64(1), slice(None, 2), None, ...)) == (1, Slice(None, 2, None), None, Ellipsis)
    assert hash(frozen(slice(1, 2))) == hash(frozen(slice(1, 2)))
    for wrong in (True, 1.0, [0, 1], slice(0.5)):
        with pytest.raises(TypeError):
            frozen(wrong)


def test_getitem_is_a_view_even_of_one_element() -> None:
    x = numpy.zeros((2, 3))
    getitem(x, index=(1, 2))[...] = 5
    assert x[1, 2] == 5


def test_positions_outside_are_an_error() -> None:
    for name, args in (("take", (ROW + 2,)), ("index", (ROW + 2,)), ("take_along_axis", (CUBE * 0 + 9,))):
        params = {"axis": 0} if name != "index" else {}
        with pytest.raises(IndexError):
            OPS[name](CUBE, *args, **params)


def test_what_only_the_run_can_see() -> None:
    x = numpy.ones((2, 3))
    assert ensure_shape(x, dims=(None, 3)) is x
    with pytest.raises(ShapeError, match=r"a value of shape \(2, 3\) has not the shape \(\?, 4\)"):
        ensure_shape(x, dims=(None, 4))
    for places in (numpy.array([0, 2]), numpy.array(0), numpy.array([], int)):
        assert from_front(places) is places
    for wrong in (numpy.array([0, -2, -1]), numpy.array(-2)):
        with pytest.raises(PositionError, match="position -2 is negative"):
            from_front(wrong)
