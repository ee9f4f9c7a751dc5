"""Edges of the tape as values: what a gradient flows along, where no tensor is at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy

from dynamic.apply import Carried, wrap
from dynamic.names import lacking
from dynamic.tape import Output, Record
from graphs.core.errors import GradientError, at_line


class GradientEdge(NamedTuple):
    """An output of a record; ``autograd.grad`` and ``backward`` take it in place of the tensor.

    Attributes:
        node: the record.
        output_nr: which of its outputs.
        ownership_token: PyTorch's way to keep the graph alive; the node does that here.
    """

    node: Record
    output_nr: int
    ownership_token: Record | None = None


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """The edge that the gradient of ``tensor`` flows along. Raises RuntimeError where it requires none."""
    if not isinstance(tensor, Carried) or tensor._edge is None:
        raise GradientError(f"a tensor that does not require gradients has no gradient edge{at_line()}")
    return GradientEdge(tensor._edge.node, tensor._edge.index)


def standing(edge: GradientEdge) -> Any:
    """A tensor of zeros, without memory of its own, that stands at the edge."""
    node, index = edge.node, edge.output_nr
    spec: Any = node.specs[index]
    tensor = wrap(numpy.broadcast_to(numpy.zeros((), spec.dtype), spec.shape))
    tensor._edge = node if index == 0 else Output(node, index)
    return tensor


finishing: list[Callable[[bool], None]] = []
"""What is called at the end of the backward pass that runs, with whether it came there without an error."""


@contextmanager
def passing() -> Iterator[None]:
    """A backward pass takes place inside; those within hooks have ends of their own."""
    global finishing
    outer, finishing = finishing, []
    done = False
    try:
        yield
        done = True
    finally:
        ending, finishing = finishing, outer
        for each in ending:
            each(done)


__getattr__ = lacking(__name__)
