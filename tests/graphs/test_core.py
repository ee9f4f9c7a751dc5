"""The core: specs, ops and their errors, nodes, functions with captures, array modules, streams, lines."""

from __future__ import annotations

import inspect
import itertools
import types
from collections.abc import Iterator

import numpy
import pytest

import dynamic as torch
import static as tf
from graphs.autodiff import adjoint, symbolic
from graphs.core.arrays import MODULES, register_module, spread, xp_of
from graphs.core.errors import DtypeError, GradientError, ShapeError, user_line
from graphs.core.function import Function, trace
from graphs.core.node import Value, ancestors, new_parameter
from graphs.core.op import OPS, Ghost, Op, Signature, op
from graphs.core.random import Stream, generator
from graphs.core.spec import Spec, axes_of, broadcast, show


SHAPES: list[tuple[int, ...]] = [(), (1,), (3,), (2, 1), (2, 3), (0,), (4, 1, 3)]


def value(*dims: int | None, dtype: str = "float64") -> Value:
    return new_parameter(Spec(dims, dtype))


# Specs


@pytest.mark.parametrize("shapes", list(itertools.product(SHAPES, repeat=2)), ids=str)
def test_broadcasting_is_numpys(shapes: tuple[tuple[int, ...], ...]) -> None:
    try:
        expected = numpy.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(ShapeError, match="do not broadcast"):
            broadcast(*shapes)
    else:
        assert broadcast(*shapes) == expected


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (((None, 3), (3,)), (None, 3)),
        (((None,), (4,)), (4,)),
        (((None,), (1,)), (None,)),
        (((None,), (None,)), (None,)),
        (((2, None), (None, 1)), (2, None)),
    ],
)
def test_unknown_dimensions_broadcast(shapes: tuple, expected: tuple) -> None:
    assert broadcast(*shapes) == expected


def test_what_a_spec_admits_and_says() -> None:
    spec = Spec((None, 3), "float32")
    assert spec.admits((5, 3))
    assert not spec.admits((5, 4))
    assert not spec.admits((3,))
    assert Spec(None, "int64").admits((1, 2, 3))
    assert (str(spec), show((2,)), show(None)) == ("float32(?, 3)", "(2,)", "<unknown>")
    assert (spec.size, Spec((2, 3), "int8").size, spec.known) == (None, 6, False)
    assert axes_of((-1, 0), 3) == (0, 2)
    with pytest.raises(ShapeError, match="names one axis twice"):
        axes_of((0, -2), 2)


# Ops


def test_a_spec_equals_specs_alone() -> None:
    spec = Spec((2, None), "float32")
    assert spec == Spec((2, None), "float32")
    for other in (Spec((2, 3), "float32"), Spec((2, None), "float64"), (2, None), 3, None):
        assert spec != other


def test_unknown_rank_leaves_the_shape_open() -> None:
    (spec,) = OPS["matmul"].infer(Spec(None, "float32"), Spec((3, 2), "float32"))
    assert (spec.dims, spec.dtype) == (None, numpy.dtype("float32"))


def test_wrong_calls_name_the_op() -> None:
    with pytest.raises(ShapeError, match=r"matmul: inner dimensions 3 and 4 differ \(given float32\(2, 3\), "):
        OPS["matmul"].infer(Spec((2, 3), "float32"), Spec((4, 2), "float32"))
    with pytest.raises(DtypeError, match="logical_not"):
        OPS["logical_not"].infer(Spec((2,), "float32"))
    with pytest.raises(TypeError, match="sum has the attributes axis, keepdims; got axes"):
        OPS["sum"].infer(Spec((2,), "float32"), axes=0)
    with pytest.raises(ShapeError, match="add takes 2 arrays"):
        OPS["add"].infer(Spec((2,), "float32"))
    with pytest.raises(TypeError, match="takes 1 arrays and was given 2 rules"):
        Op(lambda xp, x: x, name="one", shape=None, dtype=None).vjp(None, None)


def test_a_name_stands_for_one_op() -> None:
    with pytest.raises(ValueError, match="there is an op matmul already"):
        op(lambda x: x.dims, name="matmul")(lambda xp, x: x)


def test_what_an_adjoint_takes_is_of_the_shape_that_its_op_gives() -> None:
    tiled, one = Spec((6,), "float64"), Spec((2,), "float64")
    assert OPS["tile_adjoint"].infer(tiled, one, reps=(3,)) == (one,)
    with pytest.raises(ShapeError, match="tile_adjoint"):
        OPS["tile_adjoint"].infer(Spec((5,), "float64"), one, reps=(3,))


def test_a_ghost_is_no_array_to_compute_with() -> None:
    ghost = Ghost(((2, 3), numpy.dtype("float32")))
    assert (ghost.shape, ghost.ndim, ghost.dtype) == ((2, 3), 2, "float32")
    assert numpy.isnan(numpy.ones((2, 3), "float32") * ghost).all()
    assert not numpy.asarray(Ghost(((2,), numpy.dtype("int64")))).any()


def test_values_of_two_modes_do_not_mix() -> None:
    with tf.Graph().as_default():
        symbol = tf.constant([1.0])
    tensor = torch.ones(1)
    for mixed in (lambda: symbol + tensor, lambda: tensor + symbol, lambda: OPS["add"](value(1), tensor)):
        with pytest.raises(TypeError, match=r"do not mix") as error:
            mixed()
        assert "dynamic.Tensor" in str(error.value)


def test_signatures_are_read_off_the_code_as_inspect_reads_them():
    def wrapped(x, /, y, *rest, a, b=None, **more): ...

    functions = [each for op in OPS.values() for each in (op.kernel, op.joint, *(op.rules or ())) if each is not None]
    for function in (wrapped, *functions):
        other = type("Callable", (), {"__call__": staticmethod(function), "__signature__": inspect.signature(function)})()
        assert Signature.of(function) == Signature.of(other)
    assert Signature.of(wrapped) == (("x", "y"), True, {"a": inspect.Parameter.empty, "b": None}, True)


# Nodes and functions


def test_a_node_does_not_change() -> None:
    total = value(2) + 1.0
    with pytest.raises(AttributeError, match="does not change"):
        total.node.name = "other"
    assert total.node.where.text == "total = value(2) + 1.0"
    with pytest.raises(TypeError, match="not known while the graph is being built"):
        bool(total)


def test_ancestors_do_not_recurse() -> None:
    end = start = value(2)
    for _ in range(20_000):
        end = -end
    order = ancestors([end.node])
    assert len(order) == 20_001
    assert order[0] is start.node
    (gradient,) = symbolic([end], [None], [start])
    assert len(ancestors([gradient.node])) > 20_000


def test_a_trace_takes_what_it_captures_as_inputs() -> None:
    scale, shift = value(3), value(3)
    inner_scale = scale * 2.0
    body, captured = trace(lambda x: x * inner_scale + shift, Spec((None, 3), "float64"))
    assert [c.node for c in captured] == [shift.node, inner_scale.node]
    x, a, b = numpy.ones((2, 3)), numpy.arange(3.0), numpy.full(3, 2.0)
    (out,) = body(x, a, b)
    numpy.testing.assert_array_equal(out, x * b + a)
    (taped,) = body(torch.from_numpy(x).requires_grad_(), torch.from_numpy(a), torch.from_numpy(b))
    assert taped.grad_fn is not None
    (inlined,) = body(value(2, 3), value(3), value(3))
    assert inlined.dims == (2, 3)
    with pytest.raises(ValueError, match="not closed"):
        Function([], [value(1) + value(1)])


def test_an_adjoint_gives_zeros_where_nothing_flows() -> None:
    body, _ = trace(lambda x, y: x * 3.0, Spec((2,), "float64"), Spec((2,), "float64"))
    dx, dy = adjoint(body, (True, True))(numpy.ones(2), numpy.ones(2), numpy.array([1.0, 2.0]))
    numpy.testing.assert_array_equal(dx, [3.0, 6.0])
    numpy.testing.assert_array_equal(dy, [0.0, 0.0])


def test_an_op_without_gradient_on_the_way_is_named() -> None:
    x = value(4)
    with pytest.raises(GradientError, match="floor_like_no_rule"):
        symbolic([Op(lambda xp, x: x, name="floor_like_no_rule", shape=lambda x: x.dims, dtype=lambda x: x)(x)], [None], [x])


# Array modules


class Other:
    """An array of another module, which would not become numpy's."""

    def __init__(self, data: numpy.ndarray) -> None:
        self.data = data
        self.shape, self.dtype = data.shape, data.dtype

    def __array__(self, *_: object, **__: object) -> numpy.ndarray:
        raise TypeError("no silent copies to the host")


@pytest.fixture
def other() -> Iterator[types.ModuleType]:
    module = types.ModuleType("other")
    module.add = lambda x, y: Other(x.data + (y.data if isinstance(y, Other) else y))  # type: ignore[attr-defined]
    register_module(Other, module)
    yield module
    del MODULES[Other]


def test_kernels_get_the_module_of_their_arrays(other: types.ModuleType) -> None:
    x = Other(numpy.ones(2))
    assert xp_of((1.0, x)) is other
    assert xp_of((numpy.ones(2),)) is numpy
    numpy.testing.assert_array_equal(OPS["add"](x, 2.0).data, [3.0, 3.0])
    third = types.ModuleType("third")
    register_module(type("Third", (), {}), third)
    kind = next(kind for kind, module in MODULES.items() if module is third)
    try:
        with pytest.raises(TypeError, match="arrays of other and of third in one call"):
            xp_of((x, kind()))
    finally:
        del MODULES[kind]


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 2)])
def test_spreading_one_element_is_broadcasting(shape: tuple[int, ...]) -> None:
    one = numpy.full((), 2.5, "float32")
    out = spread(numpy, one, shape)
    numpy.testing.assert_array_equal(out, numpy.broadcast_to(one, shape))
    assert out.dtype == one.dtype
    assert not out.flags.writeable


# Streams and lines


def test_a_key_draws_the_same_numbers_whatever_was_drawn_before() -> None:
    first = generator((1, 2, 3)).standard_normal(5)
    generator((9, 9, 9)).random(7, numpy.float32)
    numpy.testing.assert_array_equal(generator((1, 2, 3)).standard_normal(5), first)
    others = [generator(key).standard_normal(5) for key in ((2, 2, 3), (1, 3, 3), (1, 2, 4))]
    assert all(not numpy.array_equal(other, first) for other in others)


def test_a_stream_counts_draws_within_a_step() -> None:
    stream = Stream(7)
    assert [stream.key(), stream.key()] == [(7, 0, 0), (7, 0, 1)]
    stream.advance()
    assert stream.key() == (7, 1, 0)
    with stream.at(40):
        stream.advance()  # a pinned step stays
        assert stream.key() == (7, 40, 0)
    assert stream.key() == (7, 1, 1)


def test_the_users_line_is_the_nearest_outside() -> None:
    where = user_line()
    assert where is not None
    assert where.file == __file__
    assert where.text == "where = user_line()"
