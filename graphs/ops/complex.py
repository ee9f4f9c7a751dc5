"""Complex numbers from their parts and back, and discrete Fourier transforms.

The gradient of a real loss with regard to ``z = x + iy`` is ``dL/dx + i dL/dy``, as in TensorFlow and PyTorch. A holomorphic
op's own rule gives it where it is handed the conjugates of what it was computed from.
"""

from __future__ import annotations

from typing import Any

import numpy

from graphs.core.errors import DtypeError, ShapeError
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


@op(like_first, dtype=_part, traits={"lenient", "view"})
def real(xp: Any, x: Any) -> Any:
    """The real part (a view)."""
    return x.real


@op(like_first, dtype=_part, traits={"lenient", "view"})
def imag(xp: Any, x: Any) -> Any:
    """The imaginary part (a view)."""
    return x.imag


@op(like_first, dtype=_complex)
def conj(xp: Any, x: Any) -> Any:
    """The conjugate: the imaginary part with its sign changed."""
    return xp.conj(x)


def _with_parts(x: Spec) -> Shape | None:
    return None if x.dims is None else (*x.dims, 2)


@op(_with_parts, dtype=_part, traits={"view"})
def view_as_real(xp: Any, x: Any) -> Any:
    """The real and imaginary parts side by side, along a new last dimension (a view)."""
    return x[..., None].view(_part(x.dtype))


def _of_parts(x: Spec) -> Shape | None:
    if x.dims is None:
        return None
    if not x.dims or x.dims[-1] not in (2, None):
        raise ShapeError(f"the last dimension holds the two parts of a complex number, which {x} has not")
    return x.dims[:-1]


@op(_of_parts, dtype=_joined, traits={"view", "complex"})
def view_as_complex(xp: Any, x: Any) -> Any:
    """The complex numbers whose parts lie side by side along the last dimension (a view where these are neighbours)."""
    dtype = _joined(x.dtype)
    beside = x.strides[-1] == x.itemsize and not any(step % dtype.itemsize for step in x.strides[:-1])
    return (x if beside else xp.ascontiguousarray(x)).view(dtype)[..., 0]


view_as_real.vjp(lambda g, _out, _x: view_as_complex(g))
view_as_complex.vjp(lambda g, _out, _x: view_as_real(g))
complex_.vjp(lambda g, _out, _x, _y: fit(real(g), _x), lambda g, _out, _x, _y: fit(imag(g), _y))
real.vjp(lambda g, _out, _x: complex_(g, zeros_like(g)))
imag.vjp(lambda g, _out, _x: complex_(zeros_like(g), g))
conj.vjp(lambda g, _out, _x: conj(g))


def _transformed(x: Spec, *, axes: tuple[int, ...], **_: Any) -> Shape | None:
    if x.dims is not None:
        for axis in axes:
            if x.dims[axis_of(axis, x.ndim)] == 0:
                raise ShapeError("nothing to transform along an empty axis")
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
