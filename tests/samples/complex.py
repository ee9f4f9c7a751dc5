"""Samples of complex numbers; references are formulas in Python's own, and sums over all pairs of elements."""

from __future__ import annotations

import cmath

import numpy

from tests.samples.table import case, normal, samples


def number(*shape):
    return normal(*shape) + 1j * normal(*shape, seed=1)


def each(function, *, real=False):
    def reference(x):
        out = numpy.array([function(complex(v)) for v in x.reshape(-1)]).reshape(x.shape)
        return out.real.astype(x.real.dtype) if real else out.astype(x.dtype)

    return reference


def dft(x, *, axes, inverse=False, norm="backward"):
    out = x.astype(complex)
    for axis in axes:
        n = x.shape[axis]
        turn = (2j if inverse else -2j) * cmath.pi / n
        factors = numpy.array([[cmath.exp(turn * i * k) for i in range(n)] for k in range(n)]).reshape(n, n)
        out = numpy.moveaxis(numpy.tensordot(factors, out, axes=(1, axis)), 0, axis)
        if inverse == (norm == "backward"):
            out = out / n
    return out


samples(
    "complex",
    lambda x, y: (x + numpy.array(1j, "complex64") * y).astype("complex64" if x.dtype == numpy.float32 else complex),
    case(normal(3, 2), normal(3, 2, seed=1)),
    case(normal(3, 1), normal(2)),
)
samples("real", each(lambda z: z.real, real=True), case(number(2, 3)), kinds="", refuses=(case(normal(2)),))
samples("imag", each(lambda z: z.imag, real=True), case(number(2, 3)), kinds="", refuses=(case(normal(2)),))
samples("conj", each(lambda z: z.real - 1j * z.imag), case(number(2, 3)), kinds="", refuses=(case(normal(2)),))
samples(
    "view_as_real",
    lambda z: numpy.stack([z.real, z.imag], -1),
    case(number(2, 3)),
    case(number(3, 2).T),
    kinds="",
    refuses=(case(normal(2)),),
)
samples(
    "view_as_complex",
    lambda x: (x[..., 0] + numpy.array(1j, "complex64") * x[..., 1]).astype(
        "complex64" if x.dtype == numpy.float32 else complex
    ),
    case(normal(3, 2)),
    case(normal(2, 3).T),
    case(normal(2)),
    refuses=(case(normal(3)), case(normal())),
)
samples(
    "fft",
    dft,
    case(number(5), axes=(-1,)),
    case(number(2, 4, 3), axes=(-2, -1)),
    case(number(2, 6), axes=(-1,), inverse=True),
    case(number(4), axes=(0,), inverse=True, norm="forward"),
    kinds="",
    refuses=(case(normal(3), axes=(-1,)), case(number(3), axes=(-2,))),
)
