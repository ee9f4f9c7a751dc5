"""``theano.ifelse``: a choice between two values by a scalar."""

from __future__ import annotations

from typing import Any

from graphs.core.errors import at_line
from static.branches import cond
from static.theano.tensor.elementwise import neq
from static.theano.variable import as_tensor_variable, wrapped


def ifelse(condition: Any, then_branch: Any, else_branch: Any, name: str | None = None) -> Any:
    """``then_branch`` where the scalar ``condition`` is not zero, else ``else_branch``: variables, or lists of as many.

    Both are computed: what a branch depends on was made outside of it. Raises TypeError where two of them have different
    dtypes or numbers of dimensions.
    """
    test = as_tensor_variable(condition)
    if test.ndim:
        raise TypeError(
            f"Condition given to the op has to be a scalar with 0 standing for False, anything else for True{at_line()}"
        )
    test = test if test.dtype == "bool" else neq(test, 0)
    several = isinstance(then_branch, (list, tuple))
    then, other = (
        [as_tensor_variable(x) for x in (branch if isinstance(branch, (list, tuple)) else [branch])]
        for branch in (then_branch, else_branch)
    )
    if len(then) != len(other):
        raise ValueError(
            f"The number of values on the `then` branch is {len(then)}, on the `else` branch {len(other)}{at_line()}"
        )
    for x, y in zip(then, other, strict=True):
        if (x.dtype, x.ndim) != (y.dtype, y.ndim):
            raise TypeError(
                f"The two branches should have identical types, but they are {x.type} and {y.type} respectively.{at_line()}"
            )
    found = wrapped(
        cond(test.tensor, lambda: [x.tensor for x in then], lambda: [y.tensor for y in other], strict=True, name=name)
    )
    return found if several else found[0]
