"""The ops that only a session can run: what is given to a run, and what a run changes.

They are not in the registry of ``graphs``: nothing but a plan gives them meaning (see ``static.schedule``). An op with the
trait ``update`` takes a variable first; its kernel is handed the variable's value at that point of the run and returns the
new one. For those with the trait ``uncalled`` a plan calls no kernel: they name a value that is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from graphs.codegen.accumulate import accumulated
from graphs.core.errors import GraphsError, PositionError, ShapeError
from graphs.core.op import Op, first_dtype, like_first
from graphs.core.portable import combine_at
from graphs.core.spec import Shape, Spec, show
from static.registry import registered


def _session_op(
    name: str, shape: Callable[..., Any], dtype: Callable[..., Any], *traits: str
) -> Callable[[Callable[..., Any]], Op]:
    return lambda kernel: registered(Op(kernel, name=name, shape=shape, dtype=dtype, traits=traits))


@_session_op("placeholder", lambda *, spec: spec.dims, lambda *, spec: spec.dtype, "source", "uncalled")
def placeholder_op(xp: Any, *, spec: Spec) -> Any:
    """What a run is given through ``feed_dict``."""
    raise GraphsError(f"a placeholder of {spec} was not fed")


def _default_shape(x: Spec, *, dims: Shape | None) -> Shape | None:
    return dims


@_session_op("placeholder_with_default", _default_shape, first_dtype, "view")
def placeholder_with_default_op(xp: Any, x: Any, *, dims: Shape | None) -> Any:
    """What a run is given, else ``x``."""
    return x


placeholder_with_default_op.vjp(lambda g, _out, _x: g)


@_session_op("constant", lambda *, value: value.shape, lambda *, value: value.dtype, "source", "constant")
def constant_op(xp: Any, *, value: Any) -> Any:
    """The array ``value``."""
    return value


@_session_op("variable", lambda *, spec, **_: spec.dims, lambda *, spec, **_: spec.dtype, "source", "mutable", "uncalled")
def variable_op(xp: Any, *, spec: Spec, optional: bool = False) -> Any:
    """What the session holds for a variable; None for an ``optional`` one that has no value."""
    raise GraphsError(f"a variable of {spec} is read from a session only")


@_session_op("read", like_first, first_dtype, "view")
def read_op(xp: Any, variable: Any) -> Any:
    """The variable's value: as the run found it, or as the assignments that the node runs after have left it."""
    return variable


read_op.vjp(lambda g, _out, _variable: g)


@_session_op("initialized_value", like_first, first_dtype, "view")
def initialized_value_op(xp: Any, variable: Any, initial: Any) -> Any:
    """The variable's value as the run found it, ``initial`` where it had none."""
    return initial if variable is None else variable


initialized_value_op.vjp(None, None)


@_session_op("is_initialized", lambda variable: (), lambda variable: numpy.dtype(numpy.bool_))
def is_initialized_op(xp: Any, variable: Any) -> Any:
    """Whether the variable had a value when the run began."""
    return xp.asarray(variable is not None)


is_initialized_op.vjp(None)


def _names(*_: Any, **__: Any) -> Any:
    return numpy.dtype(object)


@_session_op("report_uninitialized", lambda *_, names: (None,), _names)
def report_uninitialized_op(xp: Any, *variables: Any, names: tuple[str, ...]) -> Any:
    """The names (bytes, as TensorFlow gives strings) of those variables that had no value when the run began."""
    missing = [name.encode() for name, variable in zip(names, variables, strict=True) if variable is None]
    return numpy.array(missing, dtype=object)


@_session_op("no_op", lambda: (), lambda: (), "uncalled")
def no_op_op(xp: Any) -> Any:
    """Nothing: it stands for the operations it runs after."""
    return ()


# Updates


def _assigned(variable: Spec, value: Spec, *, validate_shape: bool = True) -> Shape | None:
    if validate_shape and variable.dims is not None and value.dims is not None and not compatible(variable, value):
        raise ShapeError(f"a value of shape {show(value.dims)} is assigned to a variable of shape {show(variable.dims)}")
    return value.dims if variable.dims is None or not validate_shape else variable.dims


def compatible(x: Spec, y: Spec) -> bool:
    """Whether some array fits both specs' shapes."""
    if x.dims is None or y.dims is None:
        return True
    return len(x.dims) == len(y.dims) and all(a is None or b is None or a == b for a, b in zip(x.dims, y.dims, strict=True))


@_session_op("assign", _assigned, first_dtype, "update", "uncalled")
def assign_op(xp: Any, _variable: Any, value: Any, *, validate_shape: bool = True) -> Any:
    """``value``, which becomes the variable's."""
    return value


def assigned_shape(xp: Any, value: Any, *, dims: Shape) -> Any:
    """``value``. Raises ShapeError where it has not the shape of the variable it is assigned to."""
    if not Spec(dims, value.dtype).admits(value.shape):
        raise ShapeError(f"a value of shape {show(value.shape)} is assigned to a variable of shape {show(dims)}")
    return value


def _changed_by(variable: Spec, value: Spec) -> Shape | None:
    if not compatible(variable, value):
        raise ShapeError(f"a variable of shape {show(variable.dims)} is changed by a value of shape {show(value.dims)}")
    return variable.dims


def _check_same(variable: Any, value: Any) -> None:
    if variable.shape != value.shape:
        shapes = show(variable.shape), show(value.shape)
        raise ShapeError(f"a variable of shape {shapes[0]} is changed by a value of shape {shapes[1]}")


@_session_op("assign_add", _changed_by, first_dtype, "update")
def assign_add_op(xp: Any, variable: Any, value: Any) -> Any:
    """The variable's value plus ``value``, of the same shape."""
    _check_same(variable, value)
    return xp.add(variable, value)


@_session_op("assign_sub", _changed_by, first_dtype, "update")
def assign_sub_op(xp: Any, variable: Any, value: Any) -> Any:
    """The variable's value minus ``value``, of the same shape."""
    _check_same(variable, value)
    return xp.subtract(variable, value)


def _check_rows(xp: Any, variable: Any, indices: Any, updates: Any) -> None:
    """Raise where rows do not fit. A GPU is not asked what is in ``indices``: that would wait for it."""
    shape, given = (x.shape if hasattr(x, "shape") else numpy.shape(x) for x in (indices, updates))
    rows, wanted = len(variable), (*shape, *variable.shape[1:])
    if given not in ((), wanted):
        raise ShapeError(f"updates of shape {show(given)} are given for rows of shape {show(wanted)}")
    if xp is not numpy:
        return
    places = numpy.ravel(indices)
    if places.size and (places.min() < 0 or places.max() >= rows):
        wrong = places[(places < 0) | (places >= rows)][0]
        raise PositionError(f"row {wrong} is not one of the {rows} of the variable")


@_session_op("scatter_update", like_first, first_dtype, "update")
def scatter_update_op(xp: Any, variable: Any, indices: Any, updates: Any) -> Any:
    """The variable's value with the rows at ``indices`` replaced."""
    _check_rows(xp, variable, indices, updates)
    out = variable.copy()
    out[indices] = updates
    return out


def _product_added(variable: Spec, x: Spec, y: Spec, scale: Spec, *, sign: float) -> Shape | None:
    return variable.dims


@_session_op("assign_product", _product_added, first_dtype, "update")
def assign_product_op(xp: Any, variable: Any, x: Any, y: Any, scale: Any, *, sign: float) -> Any:
    """The variable's value plus ``sign * scale * (x @ y)``, on numpy added up by BLAS in one call; only a pass makes it."""
    if xp is not numpy:
        return (variable + xp.matmul(x, y) * (scale * sign)).astype(variable.dtype, copy=False)
    return accumulated(variable, x, y, sign * float(scale))


@_session_op("scatter_add", like_first, first_dtype, "update")
def scatter_add_op(xp: Any, variable: Any, indices: Any, updates: Any) -> Any:
    """The variable's value with ``updates`` added to the rows at ``indices``, once for each time an index occurs."""
    _check_rows(xp, variable, indices, updates)
    out = variable.copy()
    combine_at(xp, "add", out, indices, updates)
    return out


for _op in (assign_op, assign_add_op, assign_sub_op):
    _op.vjp(None, None)
assign_product_op.vjp(None, None, None, None)
for _op in (scatter_update_op, scatter_add_op):
    _op.vjp(None, None, None)
