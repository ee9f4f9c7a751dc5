"""Exponentials and logarithms as LLVM text: without branches, so that LLVM computes eight at once, with the same bits.

Each function here gives the text of one LLVM function of float or double. Every rounding is written down (fused
multiply-adds are explicit), nothing depends on how many elements are taken at a time, and what IEEE 754 says of NaN,
infinities, signed zeros, overflow and subnormal results is kept. Unless a source is named, the polynomials are minimax
fits of our own (Remez exchange, Lawson weights), their leading coefficients rounded first and the others fitted again.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class _Format:
    """A floating-point format, and what the functions need to know of it."""

    name: str
    whole: str
    intrinsic: str
    char: str
    mantissa: int
    bias: int
    ln2: tuple[float, float]  # its first part has zeros at the end: a whole exponent times it is exact
    exp: tuple[float, ...]  # (exp(r) - 1 - r) / r² for |r| ≤ ln(2) / 2, lowest power first
    expm1: tuple[float, ...]  # the same, relative to exp(r) - 1
    exp_range: tuple[float, float]  # beyond these exp is 0 and infinity
    expm1_least: float  # below this expm1 is -1
    tanh_most: float  # above this tanh is 1


_SINGLE = _Format(
    name="float",
    whole="i32",
    intrinsic="f32",
    char="f",
    mantissa=23,
    bias=127,
    ln2=(0.693145751953125, 1.428606765330187e-06),
    exp=(0.4999999403953552, 0.1666652113199234, 0.04166816547513008, 0.00836945604532957, 0.0013850867981091142),
    expm1=(0.4999999701976776, 0.1666654348373413, 0.04166772961616516, 0.008366379886865616, 0.0013848193921148777),
    exp_range=(-104.0, 89.0),
    expm1_least=-18.0,
    tanh_most=10.0,
)
_DOUBLE = _Format(
    name="double",
    whole="i64",
    intrinsic="f64",
    char="d",
    mantissa=52,
    bias=1023,
    ln2=(6.93147180369123816490e-01, 1.90821492927058770002e-10),
    exp=(
        0.5000000000000011,
        0.1666666666666641,
        0.041666666666529725,
        0.008333333333494973,
        0.0013888888943760552,
        0.00019841269505783016,
        2.480149294903644e-05,
        2.755758679441055e-06,
        2.7630306458256084e-07,
        2.5000022135427994e-08,
    ),
    expm1=(
        0.5,
        0.16666666666666669,
        0.04166666666666667,
        0.00833333333333114,
        0.001388888888888841,
        0.00019841269855108538,
        2.4801587249206083e-05,
        2.755728681931505e-06,
        2.7557456116433734e-07,
        2.5083990212726993e-08,
        2.080903840741848e-09,
        4.960572571676451e-11,
    ),
    exp_range=(-746.0, 710.0),
    expm1_least=-40.0,
    tanh_most=20.0,
)
FORMATS = {each.char: each for each in (_SINGLE, _DOUBLE)}
"""The formats that there are functions for, by the character of the dtype."""

# (log(1 + f) - f + f²/2) / f³ for √½ ≤ 1 + f ≤ √2, relative to log(1 + f).
_LOG_SINGLE = (
    0.3333333134651184,
    -0.2500081956386566,
    0.2000124156475067,
    -0.166234090924263,
    0.14201579988002777,
    -0.13159610331058502,
    0.12762217223644257,
    -0.07636439055204391,
)
# (2 atanh(s) / s - 2) / s² in powers of s², since log(1 + f) = 2 atanh(s) with s = f / (2 + f).
_LOG_DOUBLE = (
    0.6666666666666734,
    0.3999999999941454,
    0.2857142874243383,
    0.22222198567165635,
    0.1818356469473622,
    0.15314039866606502,
    0.1479606796374867,
)


class _Text:
    """The body of a function of ``%x``, written line by line."""

    def __init__(self, format: _Format) -> None:  # noqa: A002 - the word for it
        self.format = format
        self.lines: list[str] = []
        self.declared: dict[str, None] = {}

    def number(self, value: float) -> str:
        """A constant, by its bits; where the format is float it is rounded first."""
        if self.format is _SINGLE:
            value = struct.unpack("f", struct.pack("f", value))[0] if math.isfinite(value) else value
        return f"0x{struct.unpack('>Q', struct.pack('>d', value))[0]:016X}"

    def emit(self, code: str) -> str:
        name = f"%v{len(self.lines)}"
        self.lines.append(f"  {name} = {code}")
        return name

    def value(self, x: str | float) -> str:
        return x if isinstance(x, str) else self.number(x)

    def arithmetic(self, op: str, x: str | float, y: str | float) -> str:
        return self.emit(f"{op} {self.format.name} {self.value(x)}, {self.value(y)}")

    def whole(self, op: str, x: str, y: str | int) -> str:
        return self.emit(f"{op} {self.format.whole} {x}, {y}")

    def call(self, name: str, *args: str | float) -> str:
        kind, symbol = self.format.name, f"@llvm.{name}.{self.format.intrinsic}"
        self.declared[f"declare {kind} {symbol}({', '.join([kind] * len(args))})"] = None
        return self.emit(f"call {kind} {symbol}({', '.join(f'{kind} {self.value(arg)}' for arg in args)})")

    def fma(self, x: str | float, y: str | float, z: str | float) -> str:
        return self.call("fma", x, y, z)

    def choose(self, relation: str, x: str, y: float, then: str | float, other: str | float) -> str:
        kind = self.format.name
        test = self.emit(f"fcmp {relation} {kind} {x}, {self.value(y)}")
        return self.emit(f"select i1 {test}, {kind} {self.value(then)}, {kind} {self.value(other)}")

    def bits(self, x: str) -> str:
        return self.emit(f"bitcast {self.format.name} {x} to {self.format.whole}")

    def from_bits(self, x: str) -> str:
        return self.emit(f"bitcast {self.format.whole} {x} to {self.format.name}")

    def polynomial(self, x: str, coefficients: tuple[float, ...]) -> str:
        """Horner's rule, lowest power first."""
        *rest, last = coefficients
        value: str | float = last
        for coefficient in reversed(rest):
            value = self.fma(value, x, coefficient)
        return self.value(value)

    def function(self, symbol: str, result: str) -> str:
        kind = self.format.name
        head = f"define internal {kind} @{symbol}({kind} %x) alwaysinline {{"
        return "\n".join([*self.declared, head, *self.lines, f"  ret {kind} {result}", "}", ""])

    # What several functions share

    def reduced(self, x: str, offset: int) -> tuple[str, str, str]:
        """``x = n ln(2) + r`` with |r| ≤ ln(2) / 2: r, n, and a whole number whose last bits are those of n + offset.

        Adding 1.5 times 2 to the number of bits rounds to a whole number, which then stands in the last bits.
        """
        shift = 1.5 * 2.0**self.format.mantissa + offset
        shifted = self.fma(x, 1 / math.log(2), shift)
        n = self.arithmetic("fsub", shifted, shift)
        high, low = self.format.ln2
        r = self.fma(n, -low, self.fma(n, -high, x))
        return r, n, self.bits(shifted)

    def power(self, exponent: str) -> str:
        """Two to what stands in the last bits, less the bias."""
        return self.from_bits(self.whole("shl", exponent, self.format.mantissa))

    def split(self, x: str) -> tuple[str, str, str]:
        """``x = m 2ᵏ`` with √½ ≤ m < √2 for a normal positive x: m, k, and k plus the bias as a whole number."""
        format = self.format  # noqa: A001
        pack, kind = ("f", "I") if format is _SINGLE else ("d", "Q")
        root = struct.unpack(kind, struct.pack(pack, math.sqrt(0.5)))[0]
        moved = self.whole("add", self.bits(x), (format.bias << format.mantissa) - root)
        exponent = self.whole("lshr", moved, format.mantissa)
        mantissa = self.whole("and", moved, (1 << format.mantissa) - 1)
        m = self.from_bits(self.whole("add", mantissa, root))
        # Set into the last bits of 2 to the number of bits, the exponent is a floating-point number without a conversion,
        # which AVX2 has not for 64 bits.
        big = (format.bias + format.mantissa) << format.mantissa
        k = self.arithmetic("fsub", self.from_bits(self.whole("or", exponent, big)), 2.0**format.mantissa + format.bias)
        return m, k, exponent

    def logarithm(self, f: str, k: str) -> str:
        """``k ln(2) + log(1 + f)``, added so that the sum of the two largest parts loses nothing."""
        high, low = self.format.ln2
        if self.format is _SINGLE:
            inner = self.fma(f, self.polynomial(f, _LOG_SINGLE), -0.5)
            rest = self.arithmetic("fmul", self.arithmetic("fmul", f, f), inner)
        else:
            s = self.arithmetic("fdiv", f, self.arithmetic("fadd", f, 2.0))
            squared = self.arithmetic("fmul", s, s)
            half = self.arithmetic("fmul", self.arithmetic("fmul", f, 0.5), f)
            inner = self.fma(squared, self.polynomial(squared, _LOG_DOUBLE), half)
            rest = self.fma(s, inner, self.emit(f"fneg double {half}"))
        rest = self.fma(k, low, rest)
        large = self.arithmetic("fmul", k, high)
        total = self.arithmetic("fadd", large, f)
        lost = self.arithmetic("fadd", self.arithmetic("fsub", large, total), f)
        return self.arithmetic("fadd", total, self.arithmetic("fadd", lost, rest))


def exp(symbol: str, format: _Format) -> str:  # noqa: A002
    """``exp(x)``: a power of two, in two factors so that subnormal results are rounded once, times a polynomial."""
    t = _Text(format)
    least, most = format.exp_range
    x = t.choose("ogt", "%x", most, most, "%x")
    x = t.choose("olt", x, least, least, x)
    r, _, exponent = t.reduced(x, 2 * format.bias)
    p = t.polynomial(r, (1.0, 1.0, *format.exp))
    half = t.whole("lshr", exponent, 1)
    rest = t.whole("sub", exponent, half)
    return t.function(symbol, t.arithmetic("fmul", t.arithmetic("fmul", p, t.power(half)), t.power(rest)))


def expm1(symbol: str, format: _Format) -> str:  # noqa: A002
    """``exp(x) - 1``: half of it is added up, since 2 to the 128 is no float, and doubled."""
    t = _Text(format)
    most = format.exp_range[1]
    x = t.choose("ogt", "%x", most, most, "%x")
    x = t.choose("olt", x, format.expm1_least, format.expm1_least, x)
    r, n, exponent = t.reduced(x, format.bias - 1)
    small = t.fma(t.arithmetic("fmul", r, r), t.polynomial(r, format.expm1), r)
    scale = t.power(exponent)
    half = t.fma(scale, small, t.arithmetic("fadd", scale, -0.5))
    doubled = t.arithmetic("fadd", half, half)
    result = t.choose("oeq", n, 0.0, small, doubled)  # half of a subnormal number would not be exact
    return t.function(symbol, t.call("copysign", result, "%x"))


def log(symbol: str, format: _Format) -> str:  # noqa: A002
    """``log(x)``."""
    t = _Text(format)
    least, lift = 2.0 ** (1 - format.bias), float(format.mantissa)
    x = t.choose("olt", "%x", least, t.arithmetic("fmul", "%x", 2.0**lift), "%x")
    m, k, _ = t.split(x)
    k = t.arithmetic("fsub", k, t.choose("olt", "%x", least, lift, 0.0))
    return t.function(symbol, _edges(t, t.logarithm(t.arithmetic("fadd", m, -1.0), k), 0.0))


def log1p(symbol: str, format: _Format) -> str:  # noqa: A002
    """``log(1 + x)``: what 1 + x loses by rounding is still in ``x 2⁻ᵏ + (2⁻ᵏ - 1)``."""
    t = _Text(format)
    _, k, exponent = t.split(t.arithmetic("fadd", "%x", 1.0))
    # 2 to the 2 - k is a normal number whatever k is; a quarter of it need not be, but is exact.
    negated = t.whole("sub", str(2 * format.bias + 2), exponent)
    scale = t.arithmetic("fmul", t.power(negated), 0.25)
    f = t.fma("%x", scale, t.arithmetic("fadd", scale, -1.0))
    return t.function(symbol, _edges(t, t.call("copysign", t.logarithm(f, k), "%x"), -1.0))


def _edges(t: _Text, result: str, pole: float) -> str:
    """The logarithm's values at infinity, NaN, where it is minus infinity, and below that."""
    result = t.choose("olt", "%x", math.inf, result, "%x")
    result = t.choose("oeq", "%x", pole, -math.inf, result)
    return t.choose("olt", "%x", pole, math.nan, result)


def tanh(symbol: str, format: _Format) -> str:  # noqa: A002
    """``tanh(x)``: ``e / (e + 2)`` with ``e = exp(2|x|) - 1``, which loses no digits near zero."""
    t = _Text(format)
    size = t.call("fabs", "%x")
    x = t.choose("ogt", size, format.tanh_most, format.tanh_most, size)
    r, _, exponent = t.reduced(t.arithmetic("fadd", x, x), format.bias)
    small = t.fma(t.arithmetic("fmul", r, r), t.polynomial(r, format.expm1), r)
    scale = t.power(exponent)
    e = t.fma(scale, small, t.arithmetic("fadd", scale, -1.0))
    result = t.arithmetic("fdiv", e, t.arithmetic("fadd", e, 2.0))
    return t.function(symbol, t.call("copysign", result, "%x"))


WRITERS: dict[str, Callable[[str, _Format], str]] = {"exp": exp, "expm1": expm1, "log": log, "log1p": log1p, "tanh": tanh}
"""What writes the text of a function, by the name of numpy's ufunc."""
