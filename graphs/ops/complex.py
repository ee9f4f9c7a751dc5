"""Complex numbers from their parts and back, and discrete Fourier transforms.

The gradient of a real loss with regard to ``z = x + iy`` is ``dL/dx + i dL/dy``, as in TensorFlow and PyTorch. A holomorphic
op's own rule gives it where it is handed the conjugates of what it was computed from.
"""

from __future__ import annotations

from typing import Any

import numpy

from graphs.core.errors import DtypeError
from graphs.core.op import broadcasted, like_first, op
from graphs.core.spec import Shape, Spec, axis_of, promote
from graphs.ops.shape import fit, zeros_like


_OF_PARTS = {"float32": numpy.dtype("complex64"), "float64": numpy.dtype("complex128")}
_PART = {"complex64": numpy.dtype("float32"), "complex128": numpy.dtype("float64")}


def _joined(*dtypes: Any) -> Any:
    dtype = promote(*dtypes)
    if dtype.name not in _OF_PARTS:
        raise DtypeError(f"{dtype} is not the dtype of a complex number's parts")
    return _OF_PARTS[dtype.name]


def _part(dtype: Any) -> Any:
    if dtype.name not in _PART:
        raise DtypeError(f"{dtype} is not complex")
    return _PART[dtype.name]


def _complex(dtype: Any, **_: Any) -> Any:
    _part(dtype)
    return dtype


@op(broadcasted, dtype=_joined, traits={"complex"}, name="complex")
def complex_(xp: Any, x: Any, y: Any) -> Any:
    """The complex number ``x + iy``."""
    dtype = _joined(x.dtype, y.dtype)
    out = xp.empty(numpy.broadcast_shapes(x.shape, y.shape), dtype)
    out.real, out.imag = x, y
    return out


@op(like_first, dtype=_part, traits={"view"})
def real(xp: Any, x: Any) -> Any:
    """The real part (a view)."""
    return x.real


@op(like_first, dtype=_part, traits={"view"})
def imag(xp: Any, x: Any) -> Any:
    """The imaginary part (a view)."""
    return x.imag


@op(like_first, dtype=_complex)
def conj(xp: Any, x: Any) -> Any:
    """The conjugate: the imaginary part with its sign changed."""
    return xp.conj(x)


complex_.vjp(lambda g, _out, _x, _y: fit(real(g), _x), lambda g, _out, _x, _y: fit(imag(g), _y))
real.vjp(lambda g, _out, _x: complex_(g, zeros_like(g)))
imag.vjp(lambda g, _out, _x: complex_(zeros_like(g), g))
conj.vjp(lambda g, _out, _x: conj(g))


def _transformed(x: Spec, *, axes: tuple[int, ...], **_: Any) -> Shape | None:
    if x.dims is not None:
        for axis in axes:
            axis_of(axis, x.ndim)
    return x.dims


@op(_transformed, dtype=_complex)
def fft(xp: Any, x: Any, *, axes: tuple[int, ...], inverse: bool = False, norm: str = "backward") -> Any:
    """The discrete Fourier transform along ``axes``, or its inverse.

    ``norm`` says which of the two is divided by the number of elements: the inverse (backward) or the other (forward).
    """
    return (xp.fft.ifftn if inverse else xp.fft.fftn)(x, axes=axes, norm=norm)


fft.vjp(
    lambda g, _out, _x, *, axes, inverse, norm: fft(
        g, axes=axes, inverse=not inverse, norm="forward" if norm == "backward" else "backward"
    )
)
