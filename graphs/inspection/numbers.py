"""Why a number is what it is: for each op with a domain, the operands at which it has no finite result, in words.

``LAWS`` is the table. A law of the first kind says why an element is NaN or infinite although no operand is NaN; one of the
second kind (``lost``) why a finite one has lost what it was made of: a sigmoid that is exactly 0, a product that underflows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import copysign, isfinite, isinf, isnan
from typing import Any, NamedTuple

import numpy

from graphs.core.op import Op


class Moment(NamedTuple):
    """One element of a result: the operands' values there, what came of them, and how far the dtype reaches."""

    values: tuple[float, ...]
    out: float
    dtype: Any
    params: Mapping[str, Any]

    @property
    def x(self) -> float:
        """The first operand."""
        return self.values[0]

    @property
    def y(self) -> float:
        """The second operand."""
        return self.values[1]

    @property
    def top(self) -> float:
        """The largest finite number of the dtype."""
        return float(numpy.finfo(self.dtype).max) if self.dtype.kind == "f" else float("inf")

    @property
    def finite(self) -> bool:
        """Whether all operands are finite."""
        return all(map(isfinite, self.values))

    @property
    def overflow(self) -> bool:
        """Whether finite operands have come to infinity."""
        return isinf(self.out) and self.finite


@dataclass(frozen=True)
class Law:
    """Why some ops give what they give.

    Attributes:
        ops: their names.
        when: whether it is the reason, for a ``Moment``.
        say: the reason; ``{x}``, ``{y}``, ``{out}``, ``{top}`` and ``{dtype}`` stand for the values.
        example: operands for which it is.
        blame: which operand the reason lies in; None where that depends.
        lost: whether the result is finite.
        params: the attributes of the example.
        dtype: that of the example.
    """

    ops: tuple[str, ...]
    when: Callable[[Moment], bool]
    say: str
    example: tuple[float, ...]
    blame: int | None = 0
    lost: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "float32"


_INF, _NAN = float("inf"), float("nan")
_LOGS = ("log", "log2", "log10")
_SHARES = ("divide", "floor_divide", "remainder", "fmod")


def _opposite(x: float, y: float) -> bool:
    """Whether two numbers are infinities of other signs."""
    return isinf(x) and isinf(y) and x != y


def _whole(x: float) -> bool:
    return isfinite(x) and x == int(x)


_BOUNDS = {"min": -3.0, "max": 3.0}

LAWS = (
    # Logarithms
    Law(_LOGS, lambda m: m.x == 0, "log of 0 is -inf", (0.0,)),
    Law(_LOGS, lambda m: m.x < 0, "log of a negative number, {x}", (-2.0,)),
    Law((*_LOGS, "log1p"), lambda m: m.x == _INF, "log of inf", (_INF,)),
    Law(("log1p",), lambda m: m.x == -1, "log1p of -1: log of 0 is -inf", (-1.0,)),
    Law(("log1p",), lambda m: m.x < -1, "log1p of {x}: log of a negative number", (-2.0,)),
    Law(("xlogy",), lambda m: m.y == 0, "log of 0 is -inf", (1.0, 0.0), 1),
    Law(("xlogy",), lambda m: m.y < 0, "log of a negative number, {y}", (1.0, -1.0), 1),
    Law(("xlog1py",), lambda m: m.y == -1, "log1p of -1: log of 0 is -inf", (1.0, -1.0), 1),
    Law(("xlog1py",), lambda m: m.y < -1, "log1p of {y}: log of a negative number", (1.0, -2.0), 1),
    Law(("entr",), lambda m: m.x < 0, "the entropy of a negative share, {x}, is -inf", (-1.0,)),
    Law(("binary_cross_entropy",), lambda m: not 0 <= m.x <= 1, "{x} is no probability: log of a negative", (2.0, 0.5)),
    # Roots, quotients, powers
    Law(("sqrt", "rsqrt"), lambda m: m.x < 0, "square root of a negative number, {x}", (-1.0,)),
    Law(("rsqrt", "reciprocal"), lambda m: m.x == 0, "1 divided by {root}0", (0.0,)),
    Law(("divide",), lambda m: m.x == 0 and m.y == 0, "0 divided by 0", (0.0, 0.0), 1),
    Law(("divide",), lambda m: m.y == 0, "{x} divided by 0", (3.0, 0.0), 1),
    Law(("divide",), lambda m: isinf(m.x) and isinf(m.y), "inf divided by inf", (_INF, _INF), None),
    Law(("floor_divide", "remainder", "fmod"), lambda m: m.y == 0, "{x} divided by 0", (3.0, 0.0), 1),
    Law(("floor_divide", "remainder", "fmod"), lambda m: isinf(m.x), "no remainder of {x} divided by {y}", (_INF, 2.0)),
    Law(("power",), lambda m: m.x == 0 and m.y < 0, "0 to the negative power {y}: 1 divided by 0", (0.0, -1.0)),
    Law(
        ("power",),
        lambda m: m.x < 0 and isfinite(m.y) and not _whole(m.y),
        "the negative number {x} to the power {y}, which is not whole",
        (-2.0, 0.5),
    ),
    # Infinities against each other
    Law(("add", "logaddexp"), lambda m: _opposite(m.x, m.y), "inf - inf", (_INF, -_INF), None),
    Law(
        ("subtract", "squared_difference", "lerp"),
        lambda m: isinf(m.x) and m.x == m.y,
        "inf - inf",
        (_INF, _INF),
        None,
    ),
    Law(("multiply",), lambda m: 0.0 in m.values and any(map(isinf, m.values)), "0 times inf", (0.0, _INF), None),
    Law(
        ("sigmoid_cross_entropy_with_logits",),
        lambda m: isinf(m.x) and isnan(m.out),
        "inf - inf: a logit is {x}",
        (_INF, 1.0),
    ),
    Law(("silu", "mish", "gelu", "hard_swish"), lambda m: m.x == -_INF, "-inf times 0: the input is -inf", (-_INF,)),
    Law(("softsign",), lambda m: isinf(m.x), "inf divided by inf: the input is {x}", (_INF,)),
    Law(("frac",), lambda m: isinf(m.x), "inf - inf: there is no fraction of {x}", (_INF,)),
    Law(("soft_shrink", "hard_shrink"), lambda m: isinf(m.x), "the input is {x}", (_INF,)),
    Law(
        ("xlogy", "xlog1py", "binary_cross_entropy", "sigmoid_cross_entropy_with_logits"),
        lambda m: isnan(m.out) and any(map(isinf, m.values)),
        "infinities against each other: the operands are {x} and {y}",
        (0.0, _INF),
        None,
    ),
    # Angles and the like
    Law(("sin", "cos", "tan", "sinc"), lambda m: isinf(m.x), "an angle of {x}", (_INF,)),
    Law(("asin", "acos"), lambda m: abs(m.x) > 1, "{x} is beyond [-1, 1], where {op} is defined", (2.0,)),
    Law(("acosh",), lambda m: m.x < 1, "{x} is below 1, where acosh begins", (0.5,)),
    Law(("atanh", "erfinv"), lambda m: abs(m.x) == 1, "{op} of {x} is infinite", (1.0,)),
    Law(("atanh", "erfinv"), lambda m: abs(m.x) > 1, "{x} is beyond (-1, 1), where {op} is defined", (2.0,)),
    Law(("ndtri",), lambda m: m.x in (0.0, 1.0), "the quantile of {x} is infinite", (0.0,)),
    Law(("ndtri",), lambda m: not 0 <= m.x <= 1, "{x} is no probability", (2.0,)),
    Law(("lgamma", "polygamma"), lambda m: m.x <= 0 and _whole(m.x), "{op} has a pole at {x}", (-1.0,), params={}),
    # Overflow, where the bound is worth knowing
    Law(
        ("exp", "expm1", "sinh", "cosh"),
        lambda m: m.overflow,
        "{op} of {x} overflows {dtype}, which goes up to {op} of {log_top}",
        (100.0,),
    ),
    Law(("i0", "i1", "erfcx"), lambda m: m.overflow, "{op} of {x} overflows {dtype} ({top})", (-200.0,)),
    Law(("exp2",), lambda m: m.overflow, "2 to the power {x} overflows {dtype}", (200.0,)),
    Law(("square",), lambda m: m.overflow, "the square of {x} overflows {dtype} ({top})", (1e30,)),
    Law(("power",), lambda m: m.overflow, "{x} to the power {y} overflows {dtype} ({top})", (1e20, 3.0)),
    Law(
        ("multiply",),
        lambda m: m.overflow,
        "the product {x} · {y} overflows {dtype} ({top})",
        (1e30, 1e30),
        None,
    ),
    Law(("divide",), lambda m: m.overflow, "the quotient {x} / {y} overflows {dtype} ({top})", (1e30, 1e-20), 1),
    Law(("reciprocal",), lambda m: m.overflow, "1 divided by {x} overflows {dtype} ({top})", (1e-39,)),
    Law(
        ("add", "subtract"),
        lambda m: m.overflow,
        "the sum of {x} and {y} overflows {dtype} ({top})",
        (3e38, 3e38),
        None,
    ),
    Law(
        ("cast", "cast_like"),
        lambda m: isinf(m.out) and isfinite(m.x),
        "{x} is beyond {dtype} ({top})",
        (1e6,),
        params={"dtype": "float16"},
    ),
    # What is lost in a finite result
    Law(
        ("sigmoid", "hard_sigmoid"),
        lambda m: m.out in (0.0, 1.0),
        "saturated {op}: at {x} it is exactly {out} in {dtype}",
        (-120.0,),
        lost=True,
    ),
    Law(
        ("tanh", "erf", "softsign", "hard_tanh"),
        lambda m: abs(m.out) == 1,
        "saturated {op}: at {x} it is exactly {out} in {dtype}",
        (30.0,),
        lost=True,
    ),
    Law(("exp", "exp2"), lambda m: m.out == 0, "{op} of {x} underflows to 0 in {dtype}", (-200.0,), lost=True),
    Law(("softplus", "log_sigmoid"), lambda m: m.out == 0, "{op} of {x} is exactly 0 in {dtype}", (200.0,), lost=True),
    Law(("relu", "relu6"), lambda m: m.x <= 0, "dead {op}: its input is {x}", (-3.0,), lost=True),
    Law(("relu6",), lambda m: m.x >= 6, "{op} at its upper end: its input is {x}", (9.0,), lost=True),
    Law(("erfc",), lambda m: m.out == 0, "{op} of {x} underflows to 0 in {dtype}", (30.0,), lost=True),
    Law(
        ("multiply",),
        lambda m: m.out == 0 and 0.0 not in m.values,
        "the product {x} · {y} underflows to 0 in {dtype}",
        (1e-30, 1e-30),
        None,
        lost=True,
    ),
    Law(("multiply",), lambda m: m.out == 0, "a factor is 0", (0.0, 5.0), None, lost=True),
    Law(("square",), lambda m: m.out == 0 and m.x != 0, "the square of {x} underflows to 0 in {dtype}", (1e-30,), lost=True),
    Law(("subtract",), lambda m: m.out == 0 and m.x == m.y, "{x} - {y} cancel", (2.0, 2.0), lost=True),
    Law(("add",), lambda m: m.out == 0 and m.x == -m.y and m.x != 0, "{x} and {y} cancel", (2.0, -2.0), lost=True),
    Law(
        ("divide",),
        lambda m: m.out == 0 and m.x != 0,
        "the quotient {x} / {y} underflows to 0 in {dtype}",
        (1e-30, 1e30),
        lost=True,
    ),
    Law(("reciprocal", "rsqrt"), lambda m: m.out == 0, "1 divided by {x}", (_INF,), lost=True),
    Law(("power",), lambda m: m.out == 0 and m.x != 0, "{x} to the power {y} underflows to 0", (0.1, 60.0), lost=True),
    Law(("maximum", "minimum"), lambda m: m.out != m.x, "cut off: {x} becomes {out}", (9.0, 3.0), lost=True),
    Law(
        ("clip",), lambda m: m.out != m.x, "cut off: {x} becomes {out}", (9.0,), lost=True, params={"min": -3.0, "max": 3.0}
    ),
    Law(("log",), lambda m: m.x == 1, "log of 1 is 0", (1.0,), lost=True),
    Law(
        ("cast", "cast_like"),
        lambda m: m.out == 0 and m.x != 0,
        "{x} underflows to 0 in {dtype}",
        (1e-9,),
        params={"dtype": "float16"},
        lost=True,
    ),
)
"""Every known reason, the particular before the general."""

_BY_OP: dict[str, list[Law]] = {}
for _law in LAWS:
    for _name in _law.ops:
        _BY_OP.setdefault(_name, []).append(_law)


class Reason(NamedTuple):
    """A reason in words, and the position of the operand that it lies in, None where no single one."""

    text: str
    operand: int | None = None


def law_of(op: Op, moment: Moment) -> Law | None:
    """The first law that holds of an op's element, None where none is known or an operand is NaN already."""
    if any(map(isnan, moment.values)):
        return None
    finite = isfinite(moment.out)
    for law in _BY_OP.get(op.name, ()):
        if law.lost == finite and len(moment.values) >= len(law.example) and law.when(moment):
            return law
    return None


def element_reason(op: Op, moment: Moment) -> Reason | None:
    """Why an element of an element-wise op's result is what it is, as far as there is anything to say.

    For a finite one there is where it has lost what it was made of; for one that is not, where no operand is NaN.
    """
    if any(map(isnan, moment.values)):
        return None
    law = law_of(op, moment)
    if law is not None:
        return Reason(law.say.format(**_words(op, moment)), law.blame)
    if isfinite(moment.out):
        return None
    if not moment.finite:
        return Reason(
            f"{op.name} of {' and '.join(map(shown, moment.values))} is {shown(moment.out)}", _infinite(moment.values)
        )
    wide = _wider(op, moment)
    if wide is not None and isfinite(wide) and abs(wide) > moment.top:
        return Reason(f"the result overflows {moment.dtype}: {shown(wide)} is beyond {shown(moment.top)}", None)
    given = " and ".join(map(shown, moment.values))
    return Reason(f"{op.name} has no finite value at {given}", None)


def _infinite(values: Sequence[float]) -> int | None:
    return next((i for i, x in enumerate(values) if isinf(x)), None)


def _wider(op: Op, moment: Moment) -> float | None:
    """The result as a wider dtype has it, None where the op does not take one."""
    kind = numpy.float64 if moment.dtype.itemsize < 8 else numpy.longdouble
    try:
        with numpy.errstate(all="ignore"):
            out = op.kernel(numpy, *[numpy.asarray(x, kind) for x in moment.values], **moment.params)
        return float(out) if abs(out) <= numpy.finfo(numpy.float64).max else None
    except (TypeError, ValueError):
        return None


def _words(op: Op, moment: Moment) -> dict[str, str]:
    values = [shown(x) for x in moment.values]
    names = {name: values[i] if i < len(values) else "" for i, name in enumerate("xyz")}
    log_top = shown(float(numpy.log(numpy.finfo(moment.dtype).max))) if moment.dtype.kind == "f" else ""
    root = "the square root of " if op.name == "rsqrt" else ""
    about = {"op": op.name, "out": shown(moment.out), "top": shown(moment.top), "dtype": str(moment.dtype)}
    return {**names, **about, "log_top": log_top, "root": root}


def shown(x: Any) -> str:
    """A number in few digits: ``-120``, ``3.4e+38``, ``nan``."""
    if isinstance(x, (bool, numpy.bool_)):
        return str(bool(x))
    if isinstance(x, (complex, numpy.complexfloating)):
        return f"{complex(x):.4g}"
    try:
        number = float(x)
    except (TypeError, ValueError):
        return str(x)
    if number == 0:
        return "-0" if copysign(1, number) < 0 else "0"
    return f"{number:.4g}"
