"""``tf.custom_gradient``: a function with a gradient of its own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from graphs.core.node import ancestors, next_serial
from graphs.core.op import Op
from graphs.core.spec import Spec
from graphs.ops import identity, zeros_like
from static.state import read_op
from static.tensor import apply, convert_to_tensor


class Backward:
    """The user's gradient function as an attribute of a node.

    Attributes:
        function: takes the gradient of each result (and, where ``variables`` is not empty, these by keyword).
        variables: those that the user's function read.
    """

    def __init__(self, function: Callable[..., Any], variables: Sequence[Any]) -> None:
        self.function = function
        self.variables = variables

    def __call__(self, gs: Sequence[Any], count: int) -> list[Any]:
        """The gradients of ``count`` arguments and of the variables. Raises ValueError where their number is another."""
        if not self.variables:
            return _exactly(self.function(*gs), count, "arguments")
        found, of_variables = self.function(*gs, variables=self.variables)
        return _exactly(found, count, "arguments") + _exactly(of_variables, len(self.variables), "variables")


def _exactly(grads: Any, count: int, what: str) -> list[Any]:
    listed = list(grads) if isinstance(grads, (list, tuple)) else [grads]
    if len(listed) != count:
        raise ValueError(f"custom_gradient: the gradient function gave {len(listed)} gradients for {count} {what}")
    return listed


def _shapes(*specs: Spec, count: int, **_: Any) -> tuple[Any, ...]:
    return tuple(spec.dims for spec in specs[:count])


def _dtypes(*dtypes: Any, count: int, **_: Any) -> tuple[Any, ...]:
    return dtypes[:count]


def _first(xp: Any, *arrays: Any, count: int, backward: Backward) -> Any:
    """The first ``count`` arrays; gradients go to the others."""
    return arrays[0] if count == 1 else arrays[:count]


identity_n_op = Op(_first, name="identity_n", shape=_shapes, dtype=_dtypes, traits={"view"})


@identity_n_op.joint_vjp
def _identity_n_gradient(
    needs: Any, gs: Sequence[Any], outs: Sequence[Any], args: Sequence[Any], *, count: int, backward: Backward
) -> list[Any]:
    given = [zeros_like(out) if g is None else g for g, out in zip(gs, outs, strict=True)]
    return [None] * count + backward(given, len(args) - count - len(backward.variables))


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Make ``f``, which returns its result (a tensor or a list of them) and a gradient function, use that gradient.

    The gradient function takes the gradient of each result and returns that of each argument. Where ``f`` reads trainable
    variables, it takes them as ``variables`` too, and returns a pair: the arguments' gradients, and theirs.

    The function that is returned raises ValueError for keyword arguments, TypeError where ``f`` reads variables and its
    gradient function does not take them.
    """

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            raise ValueError("custom_gradient: keyword arguments are not supported")
        given = [apply(identity, convert_to_tensor(x)) for x in args]
        start = next_serial()
        result, function = f(*given)
        several = isinstance(result, (list, tuple))
        results = [convert_to_tensor(y) for y in (result if several else [result])]
        reads = _reads(results, start)
        takes = inspect.signature(function).parameters
        if reads and "variables" not in takes and not any(p.kind is p.VAR_KEYWORD for p in takes.values()):
            raise TypeError(
                f"custom_gradient: {getattr(f, '__name__', f)} uses variables, so its gradient function has to take the "
                "keyword argument 'variables'"
            )
        backward = Backward(function, list(reads))
        out = apply(identity_n_op, *results, *given, *reads.values(), count=len(results), backward=backward)
        return out if len(results) == 1 and not several else [out] if len(results) == 1 else list(out)

    return decorated


def _reads(results: Sequence[Any], start: int) -> dict[Any, Any]:
    """The trainable variables that ``results`` read in nodes made since ``start``, each with a tensor of its value."""
    found: dict[Any, Any] = {}
    inside = {y.node for y in results if y.node.serial >= start}
    for node in ancestors(inside, stop=lambda node: node.serial < start):
        if node.op is read_op:
            variable = node.graph.variables.get(node.inputs[0].node)
            if variable is not None and variable.trainable:
                found.setdefault(variable, node.outputs[0])
    return found
