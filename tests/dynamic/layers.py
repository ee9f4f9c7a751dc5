"""A layer of ours with the parameters of PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, pytorch


def twin(build: Callable[[Any], Any], dtype: str = "float64") -> Callable[[Any], Any]:
    """A function that gives ``build(t)`` for either library ``t``: ours has the values of PyTorch's state."""
    torch = pytorch()

    def made(t: Any) -> Any:
        torch.manual_seed(0)
        theirs = build(torch).to(getattr(torch, dtype))
        if t is torch:
            return theirs
        ours = build(dynamic).to(getattr(dynamic, dtype))
        state = {name: dynamic.from_numpy(np.array(value.numpy())) for name, value in theirs.state_dict().items()}
        ours.load_state_dict(state)
        return ours

    return made


def layers_agree(
    build: Callable[[Any], Any],
    *arrays: np.ndarray,
    rtol: float = 1e-10,
    orders: int = 2,
    calls: int = 1,
    mode: str = "train",
) -> None:
    """Assert that a layer of both libraries gives the same outputs, gradients and states, and the same text.

    Gradients are those of the inputs and of all parameters. The inputs of call number ``i`` are times ``i``.
    """
    dtype = arrays[0].dtype.name if arrays[0].dtype.kind == "f" else "float64"
    make = twin(lambda t: getattr(build(t), mode)(), dtype)

    def call(layer: Any, inputs: Any) -> list[Any]:
        return [layer(*(x * (i + 1) if x.is_floating_point() else x for x in inputs)) for i in range(calls)]

    def forward(t: Any, *inputs: Any) -> Any:
        layer = make(t)
        outs = call(layer, inputs)
        state = layer.state_dict()
        return [*outs, [value.clone() for value in state.values()], list(state), repr(layer)]

    def backward(t: Any, *inputs: Any) -> Any:
        layer = make(t)
        outs = [out for out in call(layer, inputs) if out.requires_grad]
        parameters = [p for p in layer.parameters() if p.requires_grad]
        if not (outs and parameters):
            return []
        total = sum((out * out).sum() for out in outs)
        gs = t.autograd.grad(total, parameters, create_graph=orders > 1, allow_unused=True)
        return [g for g in gs if g is not None]

    agree(forward, *arrays, rtol=rtol, orders=orders)
    agree(backward, *arrays, rtol=rtol, orders=orders - 1)


def net(t: Any) -> Any:
    """Two blocks with a parameter, buffers, and a linear map in each."""

    class Block(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = t.nn.Parameter(t.full((3,), 2.0))
            self.register_parameter("none", None)
            self.register_buffer("shift", t.arange(3.0))
            self.register_buffer("hidden", t.ones(3), persistent=False)
            self.map = t.nn.Linear(3, 3)
            with t.no_grad():
                self.map.weight.copy_(t.arange(9.0).view(3, 3) / 10)
                self.map.bias.copy_(t.arange(3.0))

        def forward(self, x, factor=1.0):
            return self.map(x * self.scale + self.shift) * factor

        def extra_repr(self):
            return "size=3"

    class Net(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = Block(), Block()

        def forward(self, x):
            return self.second(self.first(x), factor=0.5)

    return Net().double()


def names(pairs: Any) -> list[str]:
    """The names in pairs of name and value."""
    return [name for name, _ in pairs]


def refused(function: Callable[..., Any], *args: Any) -> str:
    """The built-in class of the error that a call raises: for an AttributeError, which ``agree`` takes for a wrong test."""
    with pytest.raises(Exception) as error:  # noqa: PT011 (which one it is, is the question)
        function(*args)
    return next(kind.__name__ for kind in error.type.__mro__ if kind.__module__ == "builtins")
