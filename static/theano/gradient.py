"""``theano.grad`` and its relatives."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from graphs.core.node import ancestors
from static.custom import custom_gradient
from static.gradients import gradients
from static.tensor import convert_to_tensor
from static.theano.errors import DisconnectedInputError as DisconnectedInputError
from static.theano.scan_module import scan
from static.theano.variable import TensorVariable, as_tensor_variable, floating, wrapped


_SHAPES = (ops.shape_of, ops.size_of, ops.stop_gradient, ops.zeros_like, ops.ones_like)
"""Ops whose results do not count as depending on the values of what they are given."""


def grad(
    cost: Any,
    wrt: Any,
    consider_constant: Sequence[Any] | None = None,
    disconnected_inputs: str = "raise",
    add_names: bool = True,
    known_grads: Mapping[Any, Any] | None = None,
    return_disconnected: str = "zero",
    null_gradients: str = "raise",
) -> Any:
    """The gradient of the scalar ``cost`` with respect to ``wrt``, a variable or a list of them.

    Args:
        consider_constant: variables that no gradient flows through.
        disconnected_inputs: what to do where ``cost`` does not depend on a variable: ``"raise"``, ``"warn"`` or
            ``"ignore"``, which give zeros.
        known_grads: gradients of variables, which flow on from there; ``cost`` may be None beside them.
        return_disconnected: ``"None"`` gives None in place of these zeros.

    The gradient of an integer is zero. Raises TypeError where ``cost`` is no scalar or a variable of ``wrt`` is an integer,
    DisconnectedInputError (a ValueError).
    """
    several = isinstance(wrt, (list, tuple))
    sources = list(wrt) if several else [wrt]
    for x in sources:
        if not isinstance(x, TensorVariable):
            raise TypeError(f"Expected Variable, got {x!r} of type {type(x)}{at_line()}")
    known = list((known_grads or {}).items())
    if cost is None and not known:
        raise ValueError(f"cost and known_grads can't both be None.{at_line()}")
    stops = [x.tensor for x in consider_constant or ()]
    found: list[Any] = [None] * len(sources)
    if cost is not None:
        cost = as_tensor_variable(cost)
        if cost.ndim:
            raise TypeError(f"cost must be a scalar.{at_line()}")
        if cost.dtype.startswith("float"):
            found = _back([cost], None, sources, [*stops, *(x.tensor for x, _ in known)])
    if known:
        more = _back([x for x, _ in known], [g for _, g in known], sources, stops)
        found = [a if b is None else b if a is None else a + b for a, b in zip(found, more, strict=True)]
    behind = _behind([x for x in (cost, *(x for x, _ in known)) if x is not None], stops)
    for i, (x, g) in enumerate(zip(sources, found, strict=True)):
        if g is None:
            if x.tensor.node not in behind:
                _disconnected(x, disconnected_inputs)
            elif not x.dtype.startswith("float") and (cost is None or cost.dtype.startswith("float")):
                raise TypeError(f"gradients are taken with respect to floating variables; {x} is {x.dtype}{at_line()}")
            missing = return_disconnected == "None" and x.tensor.node not in behind
            found[i] = None if missing else floating(ops.zeros_like(x))
    return found if several else found[0]


def _back(ys: Sequence[Any], seeds: Any, xs: Sequence[Any], stops: Sequence[Any]) -> list[Any]:
    given = None if seeds is None else [as_tensor_variable(g).astype(y.dtype).tensor for y, g in zip(ys, seeds, strict=True)]
    found = gradients([y.tensor for y in ys], [x.tensor for x in xs], given, stop_gradients=stops)
    return [None if g is None else TensorVariable(convert_to_tensor(g)) for g in found]


def _behind(ys: Sequence[Any], stops: Sequence[Any]) -> set[Any]:
    ends = {x.node for x in stops}
    reached = ancestors({y.tensor.node for y in ys}, stop=lambda node: node.op in _SHAPES or node in ends)
    return set(reached)


def _disconnected(x: Any, how: str) -> None:
    text = (
        "grad method was asked to compute the gradient with respect to a variable that is not part of the computational "
        f"graph of the cost, or is used only by a non-differentiable operator: {x}"
    )
    if how == "raise":
        raise DisconnectedInputError(f"{text}{at_line()}")
    if how == "warn":
        warnings.warn(text, UserWarning, stacklevel=3)
    elif how != "ignore":
        raise ValueError(f"disconnected_inputs is 'ignore', 'warn' or 'raise', not {how!r}{at_line()}")


def jacobian(expression: Any, wrt: Any, consider_constant: Any = None, disconnected_inputs: str = "raise") -> Any:
    """The gradients of each element of the vector (or scalar) ``expression``, stacked, for each of ``wrt``.

    Raises ValueError where ``expression`` has more dimensions.
    """
    expression = as_tensor_variable(expression)
    if expression.ndim > 1:
        raise ValueError(
            "tensor.jacobian expects a 1 dimensional variable as `expression`. If not use flatten to make it a vector"
            f"{at_line()}"
        )
    if not expression.ndim:
        return grad(expression, wrt, consider_constant, disconnected_inputs)
    several = isinstance(wrt, (list, tuple))

    def row(i: Any) -> list[Any]:
        return grad(expression[i], list(wrt) if several else [wrt], consider_constant, disconnected_inputs)

    count = ops.arange_to(expression.shape[0] * 0, expression.shape[0], 1)
    rows, _ = scan(row, sequences=count, return_list=True)
    return rows if several else rows[0]


def hessian(cost: Any, wrt: Any, consider_constant: Any = None, disconnected_inputs: str = "raise") -> Any:
    """The second derivatives of the scalar ``cost`` with respect to the vector ``wrt``, for each of a list of them.

    Raises ValueError where ``wrt`` is no vector.
    """
    several = isinstance(wrt, (list, tuple))
    found = []
    for x in wrt if several else [wrt]:
        if x.ndim != 1:
            raise ValueError(f"tensor.hessian expects a (list of) 1 dimensional variable as `wrt`{at_line()}")
        found.append(jacobian(grad(cost, x, consider_constant, disconnected_inputs), x, consider_constant, "ignore"))
    return found if several else found[0]


def Lop(  # noqa: N802 (Theano's name)
    f: Any, wrt: Any, eval_points: Any, consider_constant: Any = None, disconnected_inputs: str = "raise"
) -> Any:
    """``eval_points`` times the Jacobian of ``f`` with respect to ``wrt``."""
    ys, vs = (list(x) if isinstance(x, (list, tuple)) else [x] for x in (f, eval_points))
    return grad(None, wrt, consider_constant, disconnected_inputs, known_grads=dict(zip(ys, vs, strict=True)))


def Rop(f: Any, wrt: Any, eval_points: Any) -> Any:  # noqa: N802 (Theano's name)
    """The Jacobian of ``f`` with respect to ``wrt`` times ``eval_points``: the gradient of what ``Lop`` is linear in."""
    ys = list(f) if isinstance(f, (list, tuple)) else [f]
    xs, vs = (list(x) if isinstance(x, (list, tuple)) else [x] for x in (wrt, eval_points))
    found = []
    for y in ys:
        dual = ops.identity(ops.zeros_like(y))
        products = grad(None, xs, disconnected_inputs="ignore", known_grads={y: dual})
        total = sum((g * as_tensor_variable(v)).sum() for g, v in zip(products, vs, strict=True))
        found.append(grad(total, dual, disconnected_inputs="ignore"))
    return found if isinstance(f, (list, tuple)) else found[0]


def disconnected_grad(x: Any) -> Any:
    """``x``, through which no gradient flows: a cost that depends on something through it alone does not depend on it."""
    return ops.stop_gradient(as_tensor_variable(x))


consider_constant = disconnected_grad


def zero_grad(x: Any) -> Any:
    """``x``, through which zeros flow back."""
    return _with_gradient(x, lambda g: g * 0)


def grad_clip(x: Any, lower_bound: float, upper_bound: float) -> Any:
    """``x``, through which gradients flow back clipped to the bounds."""
    return _with_gradient(x, lambda g: ops.minimum(ops.maximum(g, lower_bound), upper_bound))


def grad_scale(x: Any, multiplier: float) -> Any:
    """``x``, through which gradients flow back multiplied."""
    return _with_gradient(x, lambda g: g * multiplier)


def _with_gradient(x: Any, rule: Any) -> Any:
    return wrapped(custom_gradient(lambda y: (ops.identity(y), rule))(as_tensor_variable(x).tensor))
