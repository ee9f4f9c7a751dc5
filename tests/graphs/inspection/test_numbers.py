"""The table of reasons: every entry tried, and every element-wise op asked at the places where ops go wrong."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy
import pytest

import graphs.ops  # noqa: F401 - enters the ops in the registry
from graphs.core.op import OPS
from graphs.inspection.elements import behind, choose, reason_of
from graphs.inspection.numbers import LAWS, Moment, element_reason, law_of, shown


SPECIAL = (0.0, -1.0, 1.0, -2.5, 0.5, 1e30, -1e30, 1e-30, 200.0, -200.0, math.inf, -math.inf)
NUMBERS_FOR = {"lgamma", "polygamma", "zeta", "igamma", "igammac"}


@pytest.fixture(autouse=True)
def _quiet() -> Iterable[None]:
    with numpy.errstate(all="ignore"):
        yield


def params_for(name: str, params: Any) -> dict[str, Any]:
    op = OPS[name]
    given = {"order": 0, "n": 0} if name == "polygamma" else {}
    return {
        **{k: v for k, v in given.items() if k in op.attributes},
        **{k: v for k, v in params.items() if k in op.attributes},
    }


def moment(name: str, values: tuple[float, ...], params: Any = None, dtype: str = "float32") -> Moment:
    op = OPS[name]
    settings = params_for(name, params or {})
    width = max(len(op.names), 1)
    arrays = [numpy.asarray(x, dtype) for x in (*values, *[2.0] * (width - len(values)))][:width]
    if name == "cast_like":
        arrays[1] = numpy.asarray(0, "float16")
    out = numpy.asarray(op.kernel(numpy, *arrays, **settings))
    return Moment(tuple(float(x) for x in arrays), float(out), out.dtype, settings)


@pytest.mark.parametrize(
    ("law", "name"), [(law, name) for law in LAWS for name in law.ops], ids=lambda x: x if isinstance(x, str) else ""
)
def test_an_entry_holds_of_its_example(law: Any, name: str) -> None:
    values = law.example
    if name in ("erf", "softsign", "tanh") and law.lost:
        values = (1e9,)
    if name == "exp2" and law.lost:
        values = (-400.0,)
    if name == "softplus":
        values = (-200.0,)
    if name in ("xlogy", "xlog1py") and "against" in law.say:
        values = (math.inf, 1.0) if name == "xlogy" else (math.inf, 0.0)
    if name == "maximum":
        values = (3.0, 9.0)
    if name == "subtract" and "sum of" in law.say:
        values = (3e38, -3e38)
    at = moment(name, values, law.params, law.dtype)
    assert law_of(OPS[name], at) is law
    assert math.isfinite(at.out) == law.lost
    reason = element_reason(OPS[name], at)
    assert reason is not None
    assert "{" not in reason.text
    assert law.blame is None or reason.operand == law.blame


def test_an_operand_that_is_nan_explains_itself() -> None:
    assert element_reason(OPS["log"], moment("log", (math.nan,))) is None


ELEMENTWISE = [
    name
    for name, op in OPS.items()
    if op.elementwise and not op.variadic and 1 <= len(op.names) <= 2 and not {"random", "complex"} & op.traits
]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_whatever_is_not_finite_has_a_reason(name: str) -> None:
    op = OPS[name]
    for values in itertools.product(SPECIAL, repeat=len(op.names)):
        try:
            at = moment(name, values)
        except (TypeError, ValueError, KeyError, ZeroDivisionError, RuntimeError):
            continue
        if math.isfinite(at.out):
            continue
        reason = element_reason(op, at)
        assert reason is not None
        if math.isnan(at.out) or all(map(math.isfinite, at.values)):
            assert "has no finite value at" not in reason.text or name in NUMBERS_FOR, f"{values}: {reason.text}"
        if math.isnan(at.out) and law_of(op, at) is None and name not in NUMBERS_FOR:
            pytest.fail(f"{name} of {values} is nan, and the table has no reason: {reason.text}")


ROWS = [
    ("softmax", ([[1.0, math.inf]],), {}, "inf - inf: softmax of a row with inf"),
    ("log_softmax", ([[-math.inf, -math.inf]],), {}, "nothing but -inf"),
    ("softmax", ([[0.0, -200.0]],), {}, "saturated softmax: the value is 200 below the largest"),
    ("sum", ([math.inf, 1.0, -math.inf],), {}, "inf - inf: there are both"),
    ("sum", ([3e38, 3e38],), {}, "the sum of 2 values, up to 3e+38, overflows float32"),
    ("mean", ([3e38, 3e38],), {}, "overflows float32"),
    ("prod", ([1e30, 1e30],), {}, "the product of 2 values"),
    ("mean", ([],), {}, "mean of no element: 0 divided by 0"),
    ("var", ([2.0],), {"correction": 1}, "var of 1 element with a correction of 1: 0 divided by 0"),
    ("std", ([2.0],), {"correction": 1}, "std of 1 element with a correction of 1"),
    ("matmul", ([[0.0, 1.0]], [[math.inf], [1.0]]), {}, "0 times inf"),
    ("matmul", ([[math.inf, 1.0]], [[1.0], [-math.inf]]), {}, "inf - inf"),
    ("matmul", ([[1e30, 1.0]], [[1e30], [1.0]]), {}, "overflows float32"),
    ("dot", ([1e30, 1.0], [1e30, 1.0]), {}, "overflows float32"),
    ("cumsum", ([3e38, 3e38],), {"axis": 0}, "overflows float32"),
    ("logsumexp", ([[math.inf, 1.0]],), {"axis": 1}, "there is inf among"),
    ("norm", ([math.inf, 1.0],), {}, "there is inf among"),
]


@pytest.mark.parametrize(("name", "args", "params", "text"), ROWS, ids=[f"{row[0]}-{i}" for i, row in enumerate(ROWS)])
def test_rows_have_reasons(name: str, args: Any, params: Any, text: str) -> None:
    arrays = [numpy.array(x, "float32") for x in args]
    op = OPS[name]
    out = numpy.asarray(op.kernel(numpy, *arrays, **params))
    bad = numpy.argwhere(~numpy.isfinite(out))
    index = tuple(bad[-1]) if len(bad) else (0, 1)
    settings = {**op.attributes, **params}
    parts = behind(op, arrays, out, 0, index, settings)
    reason = reason_of(op, arrays, out, index, settings, parts)
    assert reason is not None
    assert text in reason.text


MOVED = [
    ("transpose", ([[1.0, 2.0], [3.0, 4.0]],), {"axes": (1, 0)}, (0, 1), (0, 2)),
    ("reshape", ([[1.0, 2.0], [3.0, 4.0]],), {"shape": (4,)}, (3,), (0, 3)),
    ("concat", ([1.0, 2.0], [3.0]), {"axis": 0}, (2,), (1, 0)),
    ("take", ([1.0, 2.0, 3.0], numpy.array([2, 0])), {"axis": 0}, (0,), (0, 2)),
    ("broadcast_to", ([1.0, 2.0],), {"shape": (3, 2)}, (2, 1), (0, 1)),
    ("flip", ([1.0, 2.0, 3.0],), {"axis": 0}, (0,), (0, 2)),
    ("sum", ([[1.0, -9.0], [3.0, 4.0]],), {"axis": 1}, (0,), (0, 1)),
    ("max", ([[1.0, -9.0], [3.0, 4.0]],), {"axis": 1}, (0,), (0, 0)),
    ("add", ([[1.0], [2.0]], [5.0, 30.0]), {}, (1, 1), (1, 1)),
    ("multiply", ([0.0, 1.0], [5.0, 6.0]), {}, (0,), (0, 0)),
    ("divide", ([4.0], [1e-20]), {}, (0,), (1, 0)),
    ("matmul", ([[1.0, 2.0, 3.0]], [[1.0], [50.0], [0.0]]), {}, (0, 0), (1, 1)),
    ("where", (numpy.array([True, False]), [1.0, 2.0], [3.0, 4.0]), {}, (1,), (2, 1)),
]


@pytest.mark.parametrize(("name", "args", "params", "index", "wanted"), MOVED, ids=[row[0] for row in MOVED])
def test_an_element_is_followed_to_the_one_that_matters(name: str, args: Any, params: Any, index: Any, wanted: Any) -> None:
    arrays = [x if isinstance(x, numpy.ndarray) else numpy.array(x, "float32") for x in args]
    op = OPS[name]
    names = {key: value for key, value in params.items() if key in op.attributes}
    out = numpy.asarray(op.kernel(numpy, *arrays, **names))
    settings = {**op.attributes, **names}
    parts = behind(op, arrays, out, 0, index, settings)
    reason = reason_of(op, arrays, out, index, settings, parts)
    found = choose(op, arrays, out, 0, index, settings, parts, reason, ["computed"] * len(arrays))
    assert found is not None
    assert (found.operand, found.place) == wanted


def test_numbers_are_short() -> None:
    assert [shown(x) for x in (0.0, -0.0, 1e38, math.nan, True, 1 + 2j)] == ["0", "-0", "1e+38", "nan", "True", "1+2j"]
