"""``tf.debugging``: checks of tensors' values, ranks and dtypes.

What is known while the graph is being built is checked then, and the rest in the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy

from graphs.core.errors import at_line
from graphs.core.node import Value
from static import array, math
from static.dtypes import DType, as_dtype, float32
from static.effects import (
    Assert as Assert,
    add_check_numerics_ops as add_check_numerics_ops,
    check_numerics as check_numerics,
    verify_tensor_all_finite as verify_tensor_all_finite,
)
from static.errors import InvalidArgumentError
from static.extras import is_non_decreasing as is_non_decreasing, is_strictly_increasing as is_strictly_increasing
from static.flow import no_op
from static.graph import get_default_graph
from static.math import is_finite as is_finite, is_inf as is_inf, is_nan as is_nan
from static.summarize import summary
from static.tensor import constant_value, convert_to_tensor


assert_all_finite = verify_tensor_all_finite


def _checked(condition: Any, known: Any, data: Sequence[Any], summarize: int | None) -> Any:
    """The operation that fails with ``data`` unless ``condition`` (whose value is ``known``, or None) holds everywhere."""
    if known is None:
        return Assert(math.reduce_all(condition), data, summarize)
    if not numpy.all(known):
        values = [x if constant_value(x) is None else constant_value(x) for x in data]
        shown = "\n".join(str(x) if isinstance(x, Value) else summary(x, summarize or 3) for x in values)
        raise InvalidArgumentError(None, f"{shown}{at_line()}")
    return no_op("static_checks_determined_all_ok")


def _compared(name: str, symbol: str, op: Callable[..., Any], by_numpy: Callable[..., Any], what: str) -> Callable[..., Any]:
    """The function that checks that a comparison of two tensors holds everywhere."""
    usual = name

    def check(
        x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
    ) -> Any:
        with get_default_graph().name_scope(name or usual):
            x = convert_to_tensor(x, name="x")
            y = convert_to_tensor(y, x.dtype, name="y")
            if data is None:
                data = [f"Condition x {symbol} y did not hold element-wise:", f"x ({x.name}) = ", x, f"y ({y.name}) = ", y]
                data = [message, *data] if message else data
            values = constant_value(x), constant_value(y)
            known = None if values[0] is None or values[1] is None else by_numpy(*values)
            return _checked(op(x, y), known, data, summarize)

    check.__name__ = check.__qualname__ = name
    check.__doc__ = f"""An operation that fails with InvalidArgumentError, showing ``data``, unless ``x {symbol} y`` {what}.

    Raises InvalidArgumentError at once where both are constants for which that is not so.
    """
    return check


_EVERYWHERE = "everywhere"
assert_equal = _compared("assert_equal", "==", math.equal, numpy.equal, _EVERYWHERE)
assert_none_equal = _compared("assert_none_equal", "!=", math.not_equal, numpy.not_equal, _EVERYWHERE)
assert_less = _compared("assert_less", "<", math.less, numpy.less, _EVERYWHERE)
assert_less_equal = _compared("assert_less_equal", "<=", math.less_equal, numpy.less_equal, _EVERYWHERE)
assert_greater = _compared("assert_greater", ">", math.greater, numpy.greater, _EVERYWHERE)
assert_greater_equal = _compared("assert_greater_equal", ">=", math.greater_equal, numpy.greater_equal, _EVERYWHERE)


def _signed(name: str, symbol: str, comparison: Callable[..., Any]) -> Callable[..., Any]:
    """The function that checks that a tensor's elements all compare so with zero."""
    usual = name

    def check(
        x: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
    ) -> Any:
        with get_default_graph().name_scope(name or usual):
            x = convert_to_tensor(x, name="x")
            if data is None:
                data = [message or "", f"Condition x {symbol} 0 did not hold element-wise:", f"x ({x.name}) = ", x]
            return comparison(x, convert_to_tensor(numpy.zeros((), x.spec.dtype)), data=data, summarize=summarize)

    check.__name__ = check.__qualname__ = name
    check.__doc__ = (
        f"An operation that fails with InvalidArgumentError, showing ``data``, unless ``x {symbol} 0`` everywhere."
    )
    return check


assert_positive = _signed("assert_positive", ">", assert_greater)
assert_negative = _signed("assert_negative", "<", assert_less)
assert_non_negative = _signed("assert_non_negative", ">=", assert_greater_equal)
assert_non_positive = _signed("assert_non_positive", "<=", assert_less_equal)


def assert_near(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """An operation that fails unless ``|x - y| <= atol + rtol |y|`` everywhere; both are ten epsilons where not given."""
    with get_default_graph().name_scope(name or "assert_near"):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, x.dtype, name="y")
        usual = 10 * float(numpy.finfo(x.spec.dtype).eps)
        rtol, atol = (usual if tol is None else tol for tol in (rtol, atol))
        if data is None:
            head = f"x and y not equal to tolerance rtol = {rtol}, atol = {atol}"
            data = [message or "", head, f"x ({x.name}) = ", x, f"y ({y.name}) = ", y]
        return _checked(abs(x - y) <= atol + rtol * abs(y), None, data, summarize)


# Ranks


def _ranked(
    x: Any, holds: Callable[[Any], Any], wanted: str, given: Sequence[Any], message: str | None, summarize: Any, data: Any
) -> Any:
    """The check that ``holds`` of the rank of ``x``: at once where it is known."""
    x = convert_to_tensor(x)
    ranks = [constant_value(rank) for rank in given]
    for rank in ranks:
        if rank is not None and (rank.ndim or rank.dtype.kind not in "iu"):
            raise ValueError("Rank must be a scalar integer.")
    if x.ndim is not None and all(rank is not None for rank in ranks):
        if not holds(x.ndim):
            prefix = f"{message}.  " if message else ""
            shown = f"({', '.join(str(rank) for rank in ranks)})" if wanted == "in" else ranks[0]
            raise ValueError(
                f"{prefix}Tensor {x.name} must have rank {f'{wanted} ' if wanted else ''}{shown}.  Received rank {x.ndim}, "
                f"shape {x.shape}{at_line()}"
            )
        return no_op("static_checks_determined_all_ok")
    rank = array.rank(x)
    if data is None:
        head = f"Tensor {x.name} must have rank{f' {wanted}' if wanted else ''}"
        data = [message or "", head, *given, "Received shape: ", array.shape(x)]
    return _checked(holds(rank), None, data, summarize)


def assert_rank(
    x: Any, rank: Any, data: Any = None, summarize: Any = None, message: str | None = None, name: str | None = None
) -> Any:
    """An operation that fails unless ``x`` has ``rank`` dimensions. Raises ValueError where that is known already."""
    with get_default_graph().name_scope(name or "assert_rank"):
        return _ranked(
            x,
            lambda found: math.equal(found, rank) if isinstance(found, Value) else found == rank,
            "",
            [rank],
            message,
            summarize,
            data,
        )


def assert_rank_at_least(
    x: Any, rank: Any, data: Any = None, summarize: Any = None, message: str | None = None, name: str | None = None
) -> Any:
    """An operation that fails unless ``x`` has ``rank`` dimensions or more. Raises ValueError where known already."""
    with get_default_graph().name_scope(name or "assert_rank_at_least"):
        return _ranked(x, lambda found: found >= rank, "at least", [rank], message, summarize, data)


def assert_rank_in(
    x: Any,
    ranks: Iterable[Any],
    data: Any = None,
    summarize: Any = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """An operation that fails unless the rank of ``x`` is among ``ranks``. Raises ValueError where that is known already."""
    wanted = list(ranks)

    def holds(found: Any) -> Any:
        if not isinstance(found, Value):
            return found in wanted
        return math.reduce_any(array.stack([math.equal(found, rank) for rank in wanted]))

    with get_default_graph().name_scope(name or "assert_rank_in"):
        return _ranked(x, holds, "in", wanted, message, summarize, data)


def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Any:
    """``tensor``. Raises ValueError where it is known not to be a scalar."""
    with get_default_graph().name_scope(name or "assert_scalar"):
        x = convert_to_tensor(tensor)
        if x.ndim != 0:
            prefix = f"{message}.  " if message else ""
            raise ValueError(f"{prefix}Expected scalar shape for {x.name}, saw shape: {x.shape}.{at_line()}")
        return x


# Dtypes


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Any:
    """An operation that does nothing. Raises TypeError where ``tensor`` has another dtype than ``tf_type``."""
    with get_default_graph().name_scope(name or "assert_type"):
        x, wanted = convert_to_tensor(tensor), as_dtype(tf_type)
        if x.dtype != wanted:
            raise TypeError(f"{message or ''}  {x.name} must be of type {wanted!r}; got {x.dtype!r}{at_line()}".lstrip())
        return no_op("statically_determined_correct_type")


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Any:
    """An operation that does nothing. Raises TypeError where ``x`` is not of an integer dtype."""
    with get_default_graph().name_scope(name or "assert_integer"):
        x = convert_to_tensor(x, name="x")
        if not x.dtype.is_integer:
            said = message or 'Expected "x" to be integer type.'
            raise TypeError(f"{said}  Found: {x.name} of dtype {x.dtype}{at_line()}")
        return no_op("statically_determined_was_integer")


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> DType:
    """The dtype that all of ``tensors`` (and ``dtype``) have, float32 without any. Raises ValueError where they differ or
    are not floating."""
    found = None if dtype is None else as_dtype(dtype)
    for x in tensors or ():
        if x is not None and found is not None and x.dtype != found:
            raise ValueError(f"Tensor type mismatch: expected {found!r}, got {x.dtype!r} for {x.name}{at_line()}")
        found = x.dtype if x is not None else found
    found = found or float32
    if not found.is_floating:
        raise ValueError(f"Expected floating point type, got {found!r}.{at_line()}")
    return found


def assert_proper_iterable(values: Any) -> None:
    """Nothing. Raises TypeError for what is not to be iterated over: tensors, arrays, strings, and what cannot be."""
    if isinstance(values, (Value, numpy.ndarray, bytes, str)) or not hasattr(values, "__iter__"):
        raise TypeError(f'Expected argument "values" to be a "proper" iterable.  Found: {type(values)}{at_line()}')


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether ``tensor`` is a tensor of numbers."""
    return isinstance(tensor, Value) and tensor.dtype.kind in "iufc"
