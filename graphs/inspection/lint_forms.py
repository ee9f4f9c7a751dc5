"""Forms that are faults wherever they stand, read off a node: a graph's or a tape's."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple


class Saturation(NamedTuple):
    """A logarithm whose argument can be exactly 0.

    Attributes:
        text: how it is written.
        source: the node of the sigmoid or softmax.
        direct: whether the form alone is the fault; where not, 0 has to have come of it.
    """

    text: str
    source: Any
    direct: bool


_LOGARITHMS = {"log": 0, "log2": 0, "log10": 0, "xlogy": 1}
"""Logarithms, and which of their arguments it is of."""

_SATURATING = frozenset(["sigmoid", "softmax"])

_STEPS = 8
"""So far behind a logarithm a sigmoid or softmax is looked for."""

_TWICE = {
    ("softmax_cross_entropy_with_logits", "softmax"),
    ("sparse_softmax_cross_entropy_with_logits", "softmax"),
    ("sigmoid_cross_entropy_with_logits", "sigmoid"),
    ("log_softmax", "softmax"),
    ("nll_loss", "softmax"),
}
"""Ops that take logits or logarithms, and what must not have made them."""

_PAIRED = frozenset(["subtract", "multiply", "squared_difference", "mse_loss", "smooth_l1_loss", "huber_loss"])
"""Ops that compare each prediction with its target."""


def saturation(node: Any) -> Saturation | None:
    """What saturates in the logarithm ``node``: log(sigmoid(x)), log(1 - sigmoid(x)), log1p(-sigmoid(x)), or softmax.

    Where that is not written so, a sigmoid or softmax a few steps away, which values have to confirm.
    """
    name = node.op.name
    x = _behind(node, _LOGARITHMS.get(name, 0)) if name in _LOGARITHMS or name == "log1p" else None
    if x is None:
        return None
    if name == "log1p":
        return _saturated("log1p(-{}(x))", _behind(x, 0)) if x.op.name == "negative" else None
    if x.op.name == "subtract" and _is_one(x, 0):
        return _saturated("log(1 - {}(x))", _behind(x, 1))
    return _saturated("log({}(x))", x) or _further(x)


def _saturated(text: str, node: Any) -> Saturation | None:
    if node is None or node.op.name not in _SATURATING:
        return None
    return Saturation(text.format(node.op.name), node, True)


def _further(node: Any) -> Saturation | None:
    """A sigmoid or softmax behind ``node``, by views, products and sums."""
    for _ in range(_STEPS):
        inner = [x for i in range(len(node.edges)) if (x := _behind(node, i)) is not None]
        if not (node.op.view or reduces(node) or node.op.name.startswith(("take", "gather", "index"))) or not inner:
            return None
        node = next((x for x in inner if x.op.name in _SATURATING), inner[0])
        if node.op.name in _SATURATING:
            return Saturation(f"the logarithm of what comes of {node.op.name}(x)", node, False)
    return None


def saturated(out: Any) -> bool:
    """Whether a sigmoid or softmax has given exactly 0 or 1; no if its result is not to be had."""
    return hasattr(out, "any") and bool(((out == 0) | (out == 1)).any())


def probabilities(node: Any) -> Any:
    """The node of the softmax or sigmoid whose result ``node`` takes for logits, None where none is."""
    if not any(name == node.op.name for name, _ in _TWICE):
        return None
    x = _behind(node, 0)
    return x if x is not None and (node.op.name, x.op.name) in _TWICE else None


def crossed(node: Any, shapes: Iterable[Any]) -> bool:
    """Whether ``node`` compares a column (n, 1) with a vector (n,), which gives n by n."""
    if node.op.name not in _PAIRED:
        return False
    one, other = islice(shapes, 2)
    if one is None or other is None or len(one) == len(other):
        return False
    if len(one) > len(other):
        one, other = other, one
    return len(one) == 1 and len(other) == 2 and other[1] == 1 and one[0] == other[0] and one[0] != 1


def reduces(node: Any) -> bool:
    """Whether ``node`` leaves a loss the loss of what it is given: element-wise work, a cast, a sum, a mean."""
    op = node.op
    return op.elementwise or op.name in ("sum", "mean", "identity", "mse_loss", "smooth_l1_loss", "huber_loss")


def _behind(node: Any, position: int) -> Any:
    """The node of an argument, looked for behind views of it; None for an array or a number."""
    edge = node.edges[position] if position < len(node.edges) else None
    while edge is not None and edge.node.edges and (edge.node.op.view or edge.node.op.name == "identity"):
        edge = edge.node.edges[0]
    return None if edge is None else edge.node


def _is_one(node: Any, position: int) -> bool:
    """Whether an argument is the number 1, or an array of ones."""
    edge = node.edges[position]
    if edge is not None:
        source = edge.node
        return source.op.name == "ones_like" or bool("constant" in source.op.traits and (source.params["value"] == 1).all())
    given = node.inputs if hasattr(node, "inputs") else node.saved
    x = None if given is None else given[position]
    return not isinstance(x, tuple) and x is not None and bool(getattr(x == 1, "all", lambda: x == 1)())
