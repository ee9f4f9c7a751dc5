"""What dtypes hold and what becomes of two: ``finfo``, ``iinfo``, ``can_cast``, ``promote_types``, ``result_type``."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.apply import _promoted, default_dtype, result_type as _result_type
from dynamic.dtypes import dtype as Dtype, dtype_of


class finfo:  # noqa: N801 (PyTorch's name)
    """The limits of a floating-point dtype (of a complex one's parts); by default of the default dtype.

    Attributes:
        bits, eps, max, min, tiny, smallest_normal, resolution: as numpy's.
        dtype: the dtype's name.

    Raises TypeError for other dtypes.
    """

    def __init__(self, type: Any = None) -> None:
        kind = default_dtype.get() if type is None else dtype_of(type).to_real().numpy
        if kind.kind != "f":
            raise TypeError(f"finfo takes a floating-point dtype, not {dtype_of(kind).name}: there is iinfo")
        of = numpy.finfo(kind)
        self.bits, self.dtype = int(of.bits), dtype_of(kind).name
        self.eps, self.max, self.min, self.tiny = float(of.eps), float(of.max), float(of.min), float(of.tiny)
        self.smallest_normal = self.tiny
        self.resolution = 10.0**-of.precision

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return f"finfo({', '.join(f'{name}={getattr(self, name):g}' for name in names)}, dtype={self.dtype})"


class iinfo:  # noqa: N801 (PyTorch's name)
    """The limits of an integer dtype.

    Attributes:
        bits, max, min: as numpy's.
        dtype: the dtype's name.

    Raises TypeError for other dtypes.
    """

    def __init__(self, type: Any) -> None:
        kind = dtype_of(type).numpy
        if kind.kind not in "iu":
            raise TypeError(f"iinfo takes an integer dtype, not {dtype_of(kind).name}: there is finfo")
        of = numpy.iinfo(kind)
        self.bits, self.max, self.min, self.dtype = int(of.bits), int(of.max), int(of.min), dtype_of(kind).name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


def can_cast(from_: Any, to: Any) -> bool:
    """Whether PyTorch casts one dtype to the other by itself, in place: not from a higher kind to a lower one."""
    one, other = dtype_of(from_).numpy, dtype_of(to).numpy
    order = "b", "iu", "f", "c"
    return _place(one.kind, order) <= _place(other.kind, order)


def _place(kind: str, order: tuple[str, ...]) -> int:
    return next(i for i, kinds in enumerate(order) if kind in kinds)


def promote_types(type1: Any, type2: Any) -> Dtype:
    """The dtype of what comes of tensors of two dtypes."""
    return dtype_of(_promoted(dtype_of(type1).numpy, dtype_of(type2).numpy))


def result_type(tensor1: Any, tensor2: Any) -> Dtype:
    """The dtype of what comes of two tensors or numbers: tensors with dimensions count before others, numbers last."""
    return dtype_of(_result_type((tensor1, tensor2)))


FUNCTIONS = {each.__name__: each for each in (can_cast, promote_types, result_type)}
"""Functions of the package."""
