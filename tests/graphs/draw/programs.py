"""Small programs to draw. Nothing in them depends on what ran before."""

from __future__ import annotations

from typing import Any

import graphs.ops.activations
import graphs.ops.linalg
import graphs.ops.logic
import graphs.ops.reduction
import graphs.ops.shape
import graphs.ops.trigonometric  # noqa: F401  (these fill the registry)
from graphs.core.function import Function, trace
from graphs.core.node import Node, Value, new_parameter
from graphs.core.op import OPS, Op
from graphs.core.spec import Spec


def net() -> Function:
    """The loss of a two-layer net, with an unknown batch."""

    def loss(x: Any, y: Any, w1: Any, w2: Any) -> Any:
        hidden = OPS["maximum"](x @ w1, 0.0)
        difference = hidden @ w2 - y
        return OPS["sum"](OPS["square"](difference))

    shapes = ((None, 1000), (None, 10), (1000, 100), (100, 10))
    return trace(loss, *(Spec(shape, "float32") for shape in shapes))[0]


_update = Op(
    lambda xp, variable, value: value,
    name="assign_sub",
    shape=lambda variable, value: variable.dims,
    dtype=lambda variable, value: variable,
    traits=("update",),
)


def node(name: str, inputs: tuple[Any, ...], *, scope: str) -> Value:
    """A node of the op ``name`` in ``scope``."""
    made = OPS[name]
    specs = made.infer(*(x.spec for x in inputs))
    return Node(made, inputs, {}, specs, f"{scope}/{name}", value=Value).outputs[0]


def training() -> list[Any]:
    """Forward, gradients under a scope of that name, and an update, written out by hand."""
    x, w, rate = (
        new_parameter(Spec(shape, "float32"), name) for name, shape in (("x", (4, 3)), ("w", (3, 2)), ("rate", ()))
    )
    out = node("matmul", (x, w), scope="net")
    loss = node("multiply", (out, out), scope="net")
    g = node("ones_like", (loss,), scope="gradients/multiply_grad")
    g = node("multiply", (g, out), scope="gradients/multiply_grad")
    g = node("matmul", (node("matrix_transpose", (x,), scope="gradients/matmul_grad"), g), scope="gradients/matmul_grad")
    scaled = Node(OPS["multiply"], (g, rate), {}, (g.spec,), "scaled", value=Value).outputs[0]
    return [loss, Node(_update, (w, scaled), {}, (w.spec,), "change", value=Value)]


def deep(layers: int) -> list[Any]:
    """A chain of layers, each with its own weight."""
    h = new_parameter(Spec((8, 8), "float32"), "x")
    for layer in range(layers):
        w = new_parameter(Spec((8, 8), "float32"), f"layer_{layer}/w")
        h = node("tanh", (node("matmul", (h, w), scope=f"layer_{layer}"),), scope=f"layer_{layer}")
    return [h]
