"""Every op of the registry with shapes, ranks and dtypes that are wrong for it: what is refused is refused in our words.

In ``static`` when the operation is built, in ``dynamic`` when it is called; each error names the op and the user's line.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pytest

import dynamic
import static
from dynamic.apply import settled
from graphs.core.errors import GraphsError, ShapeError
from graphs.core.op import OPS, Op
from static.names import node_name
from tests import helpers
from tests.samples.table import Case


HERE = __file__
DTYPES = ("bool", "uint8", "int64", "float16", "float64", "complex128")
VALUES = {
    **dict.fromkeys(
        ("take", "take_adjoint", "take_along_axis", "take_along_axis_adjoint", "embedding", "index", "index_adjoint"),
        "whether positions are in range",
    ),
    **dict.fromkeys(("index_put", "getitem_at", "put_at_like", "bincount"), "whether positions are in range"),
    **dict.fromkeys((f"scatter{kind}" for kind in ("", "_add", "_prod", "_min", "_max")), "whether positions are in range"),
    **dict.fromkeys((f"segment_{kind}" for kind in ("take", "sum", "prod", "min", "max")), "which segments there are"),
    **dict.fromkeys(("sparse_softmax_cross_entropy_with_logits", "nll_loss", "nll_loss_adjoint"), "which classes there are"),
    **dict.fromkeys(("ctc_loss", "ctc_occupancy", "reverse_sequence"), "how long sequences are, and which labels they have"),
    **dict.fromkeys(("reshape_to", "tile_to_adjoint"), "the shape, which is an operand"),
    **dict.fromkeys(("solve", "inverse"), "whether a matrix is singular"),
    "loop": "the number of rounds, which is an operand",
    "sample_weighted": "how many classes have a positive weight",
}
"""Ops which refuse some operands for their values: what those are is known in the run only, and the error comes then."""
PYTORCHS = {
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor", "logical_not"), "numbers are true where they are not 0"),
    **dict.fromkeys(("convolution", "convolution_transpose"), "integers are taken"),
    "sign": "complex numbers are taken",
}
"""Ops which ``dynamic`` takes more dtypes for than ``static``, as PyTorch does than TensorFlow."""
ALIEN = (
    *("zip(", "index out of range", "out of range for", "to unpack", "could not be broadcast", "cannot reshape array"),
    *("axis remapping", "has no attribute", "unsupported operand", "shape mismatch", "boolean index", "ufunc", "NoneType"),
    *(
        "substring not found",
        "numpy boolean",
        "0-dimensional arrays",
        "is not defined",
        "out of bounds for array of dimension",
    ),
)
"""What Python and numpy say, and we never do."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with numpy.errstate(all="ignore"):
        yield


def wrong(x: numpy.ndarray) -> Iterator[numpy.ndarray]:
    """``x`` in other ranks, other shapes and other dtypes."""
    yield x[None]
    yield x.reshape((1,) * (9 - x.ndim) + x.shape)
    if x.ndim:
        yield numpy.asarray(x[0] if len(x) else x.sum(0))
    if x.ndim > 1:
        yield numpy.zeros((), x.dtype)
    for axis, size in enumerate(x.shape):
        yield numpy.concatenate([x, numpy.take(x, [0], axis) if size else numpy.zeros_like(x, shape=_one(x, axis))], axis)
        if size > 1:
            yield numpy.take(x, range(size - 1), axis)
    for dtype in DTYPES:
        if x.dtype != dtype:
            yield (x.real if x.dtype.kind == "c" else x).astype(dtype)
    yield numpy.full(x.shape, b"a", object)


def _one(x: numpy.ndarray, axis: int) -> tuple[int, ...]:
    return (*x.shape[:axis], 1, *x.shape[axis + 1 :])


def calls(op: Op, case: Case) -> Iterator[Case]:
    """The case with something wrong in one place."""
    for i in helpers.arrays(case):
        for x in wrong(case.args[i]):
            yield helpers.replaced(case, {i: x})
    if len(helpers.arrays(case)) > 1 and not op.variadic:
        yield Case(case.args[1:], case.params)
        yield Case((*case.args, numpy.ones(2)), case.params)
    if helpers.arrays(case):
        yield Case(case.args, {**case.params, "colour": "red"})


def refusal(call: Callable[[], Any]) -> Exception | None:
    """The error that ``call`` raises of those that are for users, None where it raises none."""
    try:
        call()
    except GraphsError as error:
        return error
    return None


def check_words(op: Op, error: Exception) -> None:
    """The op is named and the line, and nothing is said that Python or numpy would say."""
    text = str(error)
    assert op.name in text or node_name(op.name) in text
    assert f"\n  at {helpers.__file__}:" in text or f"\n  at {HERE}:" in text
    assert not [each for each in ALIEN if each in text], text


def statically(op: Op, case: Case) -> Exception | None:
    with static.Graph().as_default():
        made = {i: static.placeholder(x.dtype if x.dtype != object else "string", x.shape) for i, x in _given(case)}
        return refusal(functools.partial(helpers.run, op, helpers.replaced(case, made)))


def dynamically(op: Op, case: Case) -> tuple[Exception | None, bool]:
    """What is raised, and whether the op's rules refuse the operands in the dtypes that PyTorch would compute in."""
    tensors = helpers.replaced(case, {i: dynamic.from_numpy(x.copy()) for i, x in _given(case)})
    error = refusal(functools.partial(helpers.run, op, tensors))
    try:
        operands = settled(op, tensors.args, tensors.params)
        bare = tuple(x.numpy() if isinstance(x, dynamic.Tensor) else x for x in operands)
        return error, refusal(functools.partial(helpers.inferred, op, Case(bare, case.params))) is not None
    except GraphsError:
        return error, True


def _given(case: Case) -> list[tuple[int, numpy.ndarray]]:
    return [(i, case.args[i]) for i in helpers.arrays(case)]


def tried(op: Op, case: Case) -> int:
    """Try every wrong call of a case; how many there were."""
    count = 0
    for each in calls(op, case):
        count += 1
        built = statically(op, each)
        if built is not None:
            check_words(op, built)
        if any(x.dtype == object for _, x in _given(each)):
            continue
        error, refused = dynamically(op, each)
        if error is not None:
            check_words(op, error) if refused else _named(op, error)
            assert refused or op.name in VALUES, f"static builds {each}, and it fails when it is run: {error}"
        elif refused:
            text = str(built)
            assert op.name in PYTORCHS or "of a value with 0 dimensions" in text, f"{each} has a result in spite of: {text}"
    return count


def _named(op: Op, error: Exception) -> None:
    assert op.name in str(error)
    assert "\n  at " in str(error)


@pytest.mark.parametrize("name", OPS)
def test_wrong_shapes_ranks_and_dtypes_are_refused_in_our_words(name: str, many: Callable[[int], int]) -> None:
    cases = [case for each, case in helpers.calls() if each == name]
    shortest = sorted(cases, key=lambda case: sum(x.size for _, x in _given(case)) < 2)  # such with dimensions first
    for case in shortest[: many(1000) // 100]:
        tried(OPS[name], case)


def test_what_is_told_is_what_was_given_and_what_is_wanted() -> None:
    x, y = numpy.ones((2, 3)), numpy.ones((2, 4))
    with static.Graph().as_default():
        a, b = static.placeholder(static.float64, x.shape, name="a"), static.placeholder(static.float64, y.shape, name="b")
        with pytest.raises(ShapeError, match=r"add: add: shapes \(2, 3\) and \(2, 4\) do not broadcast[\s\S]*at .*  a \+ b"):
            a + b
    t, u = dynamic.from_numpy(x), dynamic.from_numpy(y)
    with pytest.raises(ShapeError, match=r"add: shapes \(2, 3\) and \(2, 4\) do not broadcast[\s\S]*at .*  t \+ u"):
        t + u
