"""What a module computed last, with its tape: gradients come from there, so that a module states its forward alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dynamic.autograd import enable_grad, grad
from dynamic.functions.creation import zeros_like
from dynamic.legacy.nn.nested import flat, mapped, same
from dynamic.tensor import Tensor


def _leaf(x: Any) -> Any:
    """A tensor over the memory of ``x`` that gradients can be asked for; anything without gradients as it is."""
    if not isinstance(x, Tensor):
        return x
    return Tensor(x, requires_grad=True) if x._array.dtype.kind in "fc" else x.detach()


class Recorded:
    """One call of ``function(input, *parameters)``."""

    __slots__ = ("input", "given", "held", "result")

    def __init__(self, function: Callable[..., Any], input: Any, parameters: Sequence[Any]) -> None:
        self.input = input
        with enable_grad():
            self.given = mapped(_leaf, input)
            self.held = [_leaf(x) for x in parameters]
            self.result = function(self.given, *self.held)

    def output(self) -> Any:
        """What came out, without history."""
        return mapped(lambda y: y.detach() if isinstance(y, Tensor) else y, self.result)

    def of(self, input: Any) -> bool:
        """Whether it was called on ``input``."""
        return same(self.input, input)

    def gradients(self, out: Any, parameters: bool) -> tuple[list[Any], list[Any]]:
        """Gradients with respect to the tensors of the input and, if asked for, the parameters; zeros where none flow."""
        inputs, held = list(flat(self.given)), [x for x in self.held if x is not None] if parameters else []
        ends = [(y, g) for y, g in zip(flat(self.result), flat(out), strict=True) if y.requires_grad]
        wanted = [x for x in (*inputs, *held) if x.requires_grad]
        if not ends or not wanted:
            return [zeros_like(x) for x in inputs], [zeros_like(x) for x in held]
        ys, gs = zip(*ends, strict=True)
        found = iter(grad(ys, wanted, gs, retain_graph=True, allow_unused=True))
        return _filled(inputs, found), _filled(held, found)


def _filled(tensors: Iterable[Any], found: Any) -> list[Any]:
    """For each tensor its gradient, or zeros."""
    out = []
    for x in tensors:
        g = next(found) if x.requires_grad else None
        out.append(zeros_like(x.detach()) if g is None else g)
    return out
