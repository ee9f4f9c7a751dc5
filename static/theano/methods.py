"""The methods of Theano's variables that are ops on them and nothing else."""

from __future__ import annotations

from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from graphs.core.node import Operators
from graphs.core.op import Op


class Methods(Operators):
    """Operators, and numpy's methods as Theano has them."""

    __hash__ = Operators.__hash__

    ndim: Any
    shape: Any
    broadcastable: Any
    reshape: Any
    astype: Any

    def __and__(self, other: Any) -> Any:
        return ops.bitwise_and(self, other)

    def __rand__(self, other: Any) -> Any:
        return ops.bitwise_and(other, self)

    def __or__(self, other: Any) -> Any:
        return ops.bitwise_or(self, other)

    def __ror__(self, other: Any) -> Any:
        return ops.bitwise_or(other, self)

    def __xor__(self, other: Any) -> Any:
        return ops.bitwise_xor(self, other)

    def __rxor__(self, other: Any) -> Any:
        return ops.bitwise_xor(other, self)

    def __invert__(self) -> Any:
        return ops.bitwise_not(self)

    # Shapes

    @property
    def T(self) -> Any:  # noqa: N802 (numpy's name)
        """The transpose: all axes reversed."""
        return ops.transpose(self)

    def transpose(self, *axes: Any) -> Any:
        """With the axes in this order, by default reversed."""
        order = axes[0] if len(axes) == 1 and isinstance(axes[0], (list, tuple)) else axes
        return ops.transpose(self, axes=tuple(order) or None)

    def dimshuffle(self, *pattern: Any) -> Any:
        """With the axes in this order, ``"x"`` for a new one of size 1. Raises ValueError where one dropped is not such."""
        order = pattern[0] if len(pattern) == 1 and isinstance(pattern[0], (list, tuple)) else pattern
        kept = [p for p in order if p != "x"]
        dropped = [i for i in range(self.ndim) if i not in kept]
        if any(not self.broadcastable[i] for i in dropped):
            raise ValueError(f"You cannot drop a non-broadcastable dimension of {self}: {tuple(order)}{at_line()}")
        if len(set(kept)) != len(kept) or any(not 0 <= p < self.ndim for p in kept):
            raise ValueError(
                f"new_order {tuple(order)} is none of the dimensions of {self}, which has {self.ndim}{at_line()}"
            )
        out = self if [*dropped, *kept] == list(range(self.ndim)) else ops.transpose(self, axes=(*dropped, *kept))
        out = ops.squeeze(out, axis=tuple(range(len(dropped)))) if dropped else out
        fresh = tuple(i for i, p in enumerate(order) if p == "x")
        for axis in fresh:
            out = ops.expand_dims(out, axis=axis)
        return out

    def flatten(self, ndim: int = 1) -> Any:
        """With the axes from ``ndim - 1`` on made one."""
        lead = [self.shape[i] for i in range(ndim - 1)]
        return self.reshape([*lead, -1])

    ravel = flatten

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """With two axes exchanged."""
        return ops.swapaxes(self, axis1=axis1, axis2=axis2)

    def repeat(self, repeats: int, axis: int | None = None) -> Any:
        """Each slice along ``axis`` (each element, by default) ``repeats`` times."""
        x = self.flatten() if axis is None else self
        return ops.repeat(x, repeats=repeats, axis=axis or 0)

    def squeeze(self) -> Any:
        """Without the axes that are known to be of size 1."""
        return self.dimshuffle([i for i, one in enumerate(self.broadcastable) if not one])

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """The elements where the positions along both axes agree, but for ``offset``."""
        rest = [i for i in range(self.ndim) if i not in (axis1, axis2)]
        return ops.diagonal(self.transpose(*rest, axis1, axis2), offset=offset)

    def nonzero(self) -> tuple[Any, ...]:
        """For each axis the positions of the elements that are not zero."""
        places = ops.nonzero(self)
        return tuple(places[:, i] for i in range(self.ndim))

    # Reductions

    def _reduced(self, op: Op, axis: Any, keepdims: bool, **params: Any) -> Any:
        axis = tuple(int(i) for i in axis) if isinstance(axis, (list, tuple)) else axis
        return op(self, axis=axis, keepdims=keepdims, **params)

    def sum(self, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None) -> Any:
        """The sum over ``axis``, an int or several; over all by default."""
        return self._of(dtype)._reduced(ops.sum, axis, keepdims)

    def prod(self, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None) -> Any:
        """The product over ``axis``."""
        return self._of(dtype)._reduced(ops.prod, axis, keepdims)

    def mean(self, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None) -> Any:
        """The mean over ``axis``; of integers in float64."""
        return self._of(dtype)._reduced(ops.mean, axis, keepdims)

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
        """The variance over ``axis``."""
        return self._reduced(ops.var, axis, keepdims, correction=ddof)

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
        """The standard deviation over ``axis``."""
        return ops.sqrt(self.var(axis, ddof, keepdims))

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The maximum over ``axis``."""
        return self._reduced(ops.max, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The minimum over ``axis``."""
        return self._reduced(ops.min, axis, keepdims)

    def argmax(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The position of the first maximum along ``axis``, by default among all elements."""
        return self._reduced(ops.argmax, axis, keepdims)

    def argmin(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The position of the first minimum along ``axis``."""
        return self._reduced(ops.argmin, axis, keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether all are true along ``axis``."""
        return self._reduced(ops.all, axis, keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether any is true along ``axis``."""
        return self._reduced(ops.any, axis, keepdims)

    def norm(self, L: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: N803 (Theano's name)
        """The norm of order ``L`` over ``axis``."""
        if L == 0:
            return ops.not_equal(self, 0).sum(axis, keepdims=keepdims)
        return (
            (abs(self) ** L).sum(axis, keepdims=keepdims) ** (1.0 / L)
            if L != 2
            else ops.sqrt(ops.square(self).sum(axis, keepdims=keepdims))
        )

    def cumsum(self, axis: int | None = None) -> Any:
        """The running sum along ``axis``, by default over all elements."""
        return ops.cumsum(self.flatten() if axis is None else self, axis=axis or 0)

    def cumprod(self, axis: int | None = None) -> Any:
        """The running product along ``axis``, by default over all elements."""
        return ops.cumprod(self.flatten() if axis is None else self, axis=axis or 0)

    def sort(self, axis: int | None = -1) -> Any:
        """Sorted along ``axis``."""
        return ops.sort(self.flatten() if axis is None else self, axis=-1 if axis is None else axis)[0]

    def argsort(self, axis: int | None = -1) -> Any:
        """The positions in order of the elements along ``axis``."""
        return ops.argsort(self.flatten() if axis is None else self, axis=-1 if axis is None else axis)

    # Elements

    def _of(self, dtype: Any) -> Any:
        return self if dtype is None else self.astype(dtype)

    def clip(self, a_min: Any, a_max: Any) -> Any:
        """With what is below ``a_min`` or above ``a_max`` replaced by it."""
        return ops.minimum(ops.maximum(self, a_min), a_max)

    def zeros_like(self, dtype: Any = None) -> Any:
        """Zeros of the same shape."""
        return ops.zeros_like(self)._of(dtype)

    def ones_like(self, dtype: Any = None) -> Any:
        """Ones of the same shape."""
        return ops.ones_like(self)._of(dtype)

    def copy(self, name: str | None = None) -> Any:
        """The same value as a new variable."""
        out = ops.identity(self)
        out.name = name
        return out

    def round(self) -> Any:
        """The nearest whole numbers."""
        return ops.round(self)

    def trace(self) -> Any:
        """The sum of the diagonal."""
        return ops.trace(self)
