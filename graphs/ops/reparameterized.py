"""Slopes of draws in the parameters of what they are drawn from, where no formula for the draws has one.

They are kernels, not ops: estimates that are good to fewer digits than an op's values, and of which no derivative is known.
"""

from __future__ import annotations

from typing import Any

from graphs.ops.dtypes import real
from graphs.ops.gammas import igamma, igammac
from graphs.ops.special import lgamma, polygamma


_DEEP = 1e-280


def gamma_slope(xp: Any, x: Any, y: Any) -> Any:
    """How a draw ``y`` from the gamma distribution of shape ``x`` and rate 1 moves with ``x``, its quantile staying.

    This is ``-∂F/∂x / f(y)`` for the distribution function ``F`` and the density ``f`` (Figurnov, Mohamed and Mnih 2018),
    where ``F`` or ``1 - F``, whichever is smaller, is differentiated by differences of its logarithm: to about 9 digits.
    """
    dtype = real(xp.result_type(x, y))
    x, y = xp.broadcast_arrays(xp.asarray(x, xp.float64), xp.asarray(y, xp.float64))
    inside = (x > 0) & (y > 0) & xp.isfinite(x) & xp.isfinite(y)
    a, z = xp.where(inside, x, 1.0), xp.where(inside, y, 1.0)
    low = z < a
    step = 2e-3 * a / (1 + xp.sqrt(a))

    def tail(shape: Any) -> Any:
        values = xp.empty_like(z)
        values[low] = igamma.kernel(xp, shape[low], z[low])
        values[~low] = igammac.kernel(xp, shape[~low], z[~low])
        return xp.log(xp.maximum(values, _DEEP))

    near, far = tail(a + step) - tail(a - step), tail(a + 2 * step) - tail(a - 2 * step)
    slope = (8 * near - far) / (12 * step)
    middle = tail(a)
    density = (a - 1) * xp.log(z) - z - lgamma.kernel(xp, a)
    out = xp.where(low, -1.0, 1.0) * slope * xp.exp(middle - density)
    # Close to 0 the distribution function is y^x / Γ(x + 1), whatever is left of it in double precision.
    at_zero = z / a * (polygamma.kernel(xp, a + 1, order=0) - xp.log(z))
    out = xp.where(z < 1e-10, at_zero, out)
    out = xp.where(~low & (middle < -600.0), xp.log(z) - polygamma.kernel(xp, a, order=0), out)
    return xp.where(inside, out, xp.where((y == 0) & (x > 0), 0.0, xp.nan)).astype(dtype)
