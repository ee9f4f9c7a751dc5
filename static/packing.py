"""What a run fetches, as it was asked for: lists, tuples and dicts of tensors and operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from graphs.core.errors import at_line
from static.graph import Graph, Operation
from static.tensor import Tensor


def packer(graph: Graph, fetches: Any, found: dict[Any, int]) -> Callable[[Sequence[Any]], Any]:
    """How to put the values of ``found`` (to which it adds what ``fetches`` needs) into the structure of ``fetches``.

    The values come with a None at their end, which is what an operation gives.
    """
    if isinstance(fetches, (list, tuple)):
        parts = [packer(graph, item, found) for item in fetches]
        kind = type(fetches)
        make = kind._make if hasattr(kind, "_make") else kind
        if len(parts) > 1 and all(type(part) is itemgetter for part in parts):
            pick = itemgetter(*(part.__reduce__()[1][0] for part in parts))
            return lambda values: make(pick(values))
        return lambda values: make([part(values) for part in parts])
    if isinstance(fetches, Mapping):
        named = {name: packer(graph, item, found) for name, item in fetches.items()}
        return lambda values: {name: part(values) for name, part in named.items()}
    if hasattr(type(fetches), "_fetched"):
        inner, make_of = fetches._fetched()
        pieces = [packer(graph, item, found) for item in inner]
        return lambda values: make_of(*[piece(values) for piece in pieces])
    if not isinstance(fetches, (str, Operation, Tensor)) and not hasattr(type(fetches), "_as_graph_element"):
        raise TypeError(
            f"Fetch argument {fetches!r} has invalid type {type(fetches).__name__}, must be a string or Tensor. "
            f"(Can not convert it into a Tensor or Operation.){at_line()}"
        )
    try:
        element = graph.as_graph_element(fetches)
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"Fetch argument {fetches!r} cannot be interpreted as a Tensor. ({error.args[0]}){at_line()}"
        ) from None
    node = element if isinstance(element, Operation) else element.node
    if node.body is not None:
        raise ValueError(
            f"Operation {node.name!r} has been marked as not fetchable: it is in a {node.body.kind} "
            f"({node.body.name!r}), which has no value of it outside.{at_line()}"
        )
    if isinstance(element, Operation):
        found.setdefault(element, -1)
        return itemgetter(-1)
    place = found.get(element)
    if place is None:
        place = found[element] = sum(isinstance(x, Tensor) for x in found)
    return itemgetter(place)


__all__ = ["packer"]
