"""The normal distribution's tails and quantiles: scaled complementary error function, log of the distribution, inverses.

They are computed in float64 and rounded to the argument's dtype. The quantiles are those of M. J. Wichura, "Algorithm
AS 241: The percentage points of the normal distribution", Applied Statistics 37 (1988).
"""

from __future__ import annotations

import math
from typing import Any

from graphs.core.op import elementwise
from graphs.ops.dtypes import real
from graphs.ops.functions import ERFC_P, ERFC_Q, exp, polynomial, square
from graphs.ops.special import double, erfc, erfc_far


# Highest power first.
_A = (
    2.5090809287301226727e3,
    3.3430575583588128105e4,
    6.7265770927008700853e4,
    4.5921953931549871457e4,
    1.3731693765509461125e4,
    1.9715909503065514427e3,
    1.3314166789178437745e2,
    3.3871328727963666080e0,
)
_B = (
    5.2264952788528545610e3,
    2.8729085735721942674e4,
    3.9307895800092710610e4,
    2.1213794301586595867e4,
    5.3941960214247511077e3,
    6.8718700749205790830e2,
    4.2313330701600911252e1,
    1.0,
)
_C = (
    7.74545014278341407640e-4,
    2.27238449892691845833e-2,
    2.41780725177450611770e-1,
    1.27045825245236838258e0,
    3.64784832476320460504e0,
    5.76949722146069140550e0,
    4.63033784615654529590e0,
    1.42343711074968357734e0,
)
_D = (
    1.05075007164441684324e-9,
    5.47593808499534494600e-4,
    1.51986665636164571966e-2,
    1.48103976427480074590e-1,
    6.89767334985100004550e-1,
    1.67638483018380384940e0,
    2.05319162663775882187e0,
    1.0,
)
_E = (
    2.01033439929228813265e-7,
    2.71155556874348757815e-5,
    1.24266094738807843860e-3,
    2.65321895265761230930e-2,
    2.96560571828504891230e-1,
    1.78482653991729133580e0,
    5.46378491116411436990e0,
    6.65790464350110377720e0,
)
_F = (
    2.04426310338993978564e-15,
    1.42151175831644588870e-7,
    1.84631831751005468180e-5,
    7.86869131145613259100e-4,
    1.48753612908506148525e-2,
    1.36929880922735805310e-1,
    5.99832206555887937690e-1,
    1.0,
)


def _quantile(xp: Any, centred: Any, tail: Any) -> Any:
    """The normal quantile of a probability, told as its distance from 1/2 and as its distance from the nearer end."""
    near = xp.absolute(centred) <= 0.425
    r = 0.180625 - xp.square(xp.where(near, centred, 0.0))
    middle = centred * polynomial(r, _A) / polynomial(r, _B)
    depth = xp.sqrt(-xp.log(xp.where(near | ~(tail > 0), 0.25, tail)))
    low, high = depth - 1.6, depth - 5.0
    out = xp.where(depth <= 5.0, polynomial(low, _C) / polynomial(low, _D), polynomial(high, _E) / polynomial(high, _F))
    out = xp.where(tail == 0, xp.inf, xp.where(tail > 0, out, xp.nan))
    return xp.where(near, middle, xp.copysign(out, centred))


@elementwise("erfinv(x)", dtype=real)
def erfinv(xp: Any, x: Any) -> Any:
    """The inverse of ``erf``: infinite at -1 and 1, NaN beyond."""
    given, dtype = double(xp, x)
    return (_quantile(xp, given / 2, (1.0 - xp.absolute(given)) / 2) / math.sqrt(2)).astype(dtype)


erfinv.vjp(lambda g, out, _x: g * (exp(square(out)) * (math.sqrt(math.pi) / 2)))


@elementwise("ndtri(x)", dtype=real)
def ndtri(xp: Any, x: Any) -> Any:
    """The normal distribution's quantile: infinite at 0 and 1, NaN beyond."""
    given, dtype = double(xp, x)
    return _quantile(xp, given - 0.5, xp.minimum(given, 1.0 - given)).astype(dtype)


ndtri.vjp(lambda g, out, _x: g * (exp(square(out) / 2) * math.sqrt(2 * math.pi)))


def _scaled(xp: Any, given: Any) -> Any:
    """``exp(x²) · erfc(x)`` of float64 numbers."""
    size = xp.absolute(given)
    capped = xp.minimum(size, 26.0)
    small = xp.exp(xp.square(xp.minimum(size, 1.0))) * erfc.kernel(xp, xp.minimum(size, 1.0))
    middle = polynomial(capped, ERFC_P) / polynomial(capped, ERFC_Q)
    out = xp.where(size <= 0.46875, small, xp.where(size > 4.0, erfc_far(xp, size), middle))
    rounded = xp.trunc(capped * 16.0) / 16.0  # the square of which is exact, so that exp loses nothing
    grown = 2.0 * xp.exp(rounded * rounded) * xp.exp((capped - rounded) * (capped + rounded)) - out
    return xp.where(given < 0, xp.where(size > 26.7, xp.inf, xp.where(size > 26, 2 * xp.exp(size * size), grown)), out)


@elementwise("erfcx(x)", dtype=real)
def erfcx(xp: Any, x: Any) -> Any:
    """Scaled complementary error function ``exp(x²) · erfc(x)``."""
    given, dtype = double(xp, x)
    return _scaled(xp, given).astype(dtype)


erfcx.vjp(lambda g, out, x: g * (x * out * 2 - 2 / math.sqrt(math.pi)))


@elementwise("log_ndtr(x)", dtype=real)
def log_ndtr(xp: Any, x: Any) -> Any:
    """Logarithm of the normal distribution function, exact where that is next to 0 or 1."""
    given, dtype = double(xp, x)
    scaled = given / math.sqrt(2)
    left = xp.log(_scaled(xp, -xp.minimum(scaled, 0.0)) / 2) - xp.square(xp.minimum(scaled, 0.0))
    right = xp.log1p(-erfc.kernel(xp, scaled) / 2)
    return xp.where(given < -1, left, right).astype(dtype)


log_ndtr.vjp(lambda g, out, x: g * (exp(-square(x) / 2 - out) / math.sqrt(2 * math.pi)))
