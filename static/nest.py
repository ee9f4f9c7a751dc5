"""Nested structures: lists, tuples, named tuples and dicts (in the order of their sorted keys); anything else is a leaf."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any


def is_sequence(x: Any) -> bool:
    """Whether ``x`` is a structure, not a leaf."""
    return isinstance(x, (list, tuple, Mapping))


is_nested = is_sequence


def flatten(structure: Any) -> list[Any]:
    """The leaves of ``structure`` in order."""
    return list(_leaves(structure))


def _leaves(structure: Any) -> Iterator[Any]:
    if isinstance(structure, Mapping):
        for key in sorted(structure):
            yield from _leaves(structure[key])
    elif isinstance(structure, (list, tuple)):
        for item in structure:
            yield from _leaves(item)
    else:
        yield structure


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any]) -> Any:
    """The leaves ``flat_sequence`` in the form of ``structure``. Raises ValueError where their numbers differ."""
    flat = list(flat_sequence)
    count = len(flatten(structure))
    if len(flat) != count:
        raise ValueError(
            f"Could not pack sequence. Structure had {count} elements, but flat_sequence had {len(flat)} elements."
        )
    leaves = iter(flat)
    return _packed(structure, leaves)


def _packed(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, Mapping):
        found = {key: _packed(structure[key], leaves) for key in sorted(structure)}
        return type(structure)((key, found[key]) for key in structure)  # type: ignore[call-arg]
    if isinstance(structure, (list, tuple)):
        items = [_packed(item, leaves) for item in structure]
        kind = type(structure)
        return kind._make(items) if hasattr(kind, "_make") else kind(items)
    return next(leaves)


def map_structure(func: Callable[..., Any], *structure: Any, check_types: bool = True) -> Any:
    """``func`` of the leaves of the structures, in the form of the first."""
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types)
    results = [func(*each) for each in zip(*map(flatten, structure), strict=True)]
    return pack_sequence_as(structure[0], results)


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True) -> None:
    """Raise ValueError where the two structures differ in form, TypeError where (``check_types``) they differ in type."""
    if is_sequence(nest1) != is_sequence(nest2):
        raise ValueError(f"The two structures don't have the same nested structure: {nest1!r} and {nest2!r}.")
    if not is_sequence(nest1):
        return
    alike = type(nest1) is type(nest2) or (isinstance(nest1, Mapping) and isinstance(nest2, Mapping))
    if check_types and not alike:
        raise TypeError(
            "The two structures don't have the same sequence type: "
            f"{type(nest1).__name__} and {type(nest2).__name__} ({nest1!r} and {nest2!r})."
        )
    if isinstance(nest1, Mapping) != isinstance(nest2, Mapping):
        raise ValueError(f"The two structures don't have the same nested structure: {nest1!r} and {nest2!r}.")
    if len(nest1) != len(nest2) or (isinstance(nest1, Mapping) and set(nest1) != set(nest2)):
        raise ValueError(f"The two structures don't have the same number of elements: {nest1!r} and {nest2!r}.")
    pairs = [(nest1[k], nest2[k]) for k in nest1] if isinstance(nest1, Mapping) else zip(nest1, nest2, strict=True)
    for one, other in pairs:
        assert_same_structure(one, other, check_types)
