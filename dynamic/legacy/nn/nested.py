"""Tables: tensors in lists, and in lists of those."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dynamic.apply import Carried


def flat(table: Any) -> Iterator[Any]:
    """The tensors of a table, in order; a tensor is a table of one."""
    if isinstance(table, (list, tuple)):
        for item in table:
            yield from flat(item)
    else:
        yield table


def mapped(function: Callable[..., Any], table: Any, *others: Any) -> Any:
    """A table of the same form, of what ``function`` makes of each tensor (and of those at its place in ``others``)."""
    if isinstance(table, (list, tuple)):
        return [mapped(function, *items) for items in zip(table, *others, strict=True)]
    return function(table, *others)


def like(table: Any, values: Iterator[Any]) -> Any:
    """A table of the form of ``table``, of the next ``values``."""
    return mapped(lambda _: next(values), table)


def same(one: Any, other: Any) -> bool:
    """Whether two tables hold the same tensors (or others over the same memory)."""
    if isinstance(one, Carried) and isinstance(other, Carried):
        return one._array is other._array
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one is other


def added(one: Any, other: Any) -> Any:
    """The sums of two tables of one form; None counts as zero."""
    if one is None or other is None:
        return other if one is None else one
    return mapped(lambda x, y: x + y, one, other)
