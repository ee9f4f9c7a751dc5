"""Examples made one batch: tensors stacked, numbers made tensors, containers kept."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy

import dynamic
from dynamic.apply import Carried
from dynamic.names import lacking


Functions = Mapping[Any, Callable[..., Any]]


def _tensors(batch: Any, *, collate_fn_map: Any = None) -> Any:
    return dynamic.stack(batch, 0)


def _arrays(batch: Any, *, collate_fn_map: Any = None) -> Any:
    if batch[0].dtype.kind not in "biufc":
        raise TypeError(_message("default_collate", batch[0].dtype))
    return dynamic.stack([dynamic.as_tensor(each) for each in batch], 0)


def _numpy_scalars(batch: Any, *, collate_fn_map: Any = None) -> Any:
    return dynamic.as_tensor(numpy.array(batch))


def _floats(batch: Any, *, collate_fn_map: Any = None) -> Any:
    return dynamic.as_tensor(list(batch), dtype="float64")


def _integers(batch: Any, *, collate_fn_map: Any = None) -> Any:
    return dynamic.as_tensor(list(batch))


def _as_they_are(batch: Any, *, collate_fn_map: Any = None) -> Any:
    return batch


default_collate_fn_map: dict[Any, Callable[..., Any]] = {
    Carried: _tensors,
    numpy.ndarray: _arrays,
    (numpy.bool_, numpy.number): _numpy_scalars,
    float: _floats,
    int: _integers,
    str: _as_they_are,
    bytes: _as_they_are,
}
"""What makes a batch of examples of a type, or of one of several."""


def _message(name: str, found: Any) -> str:
    return f"{name}: a batch is of tensors, numpy arrays, numbers, dicts or lists; found {found}"


def collate(batch: Any, *, collate_fn_map: Functions | None = None) -> Any:
    """A batch of the examples in ``batch``; ``collate_fn_map`` says what is done with which type.

    Mappings, named tuples and sequences are batched item by item, a tuple becoming a list. Raises TypeError for examples
    that cannot be batched, RuntimeError for sequences of several lengths.
    """
    first = batch[0]
    kind = type(first)
    if collate_fn_map is not None:
        function = collate_fn_map.get(kind)
        if function is None:
            function = next((each for types, each in collate_fn_map.items() if isinstance(first, types)), None)
        if function is not None:
            return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        items = {key: collate([each[key] for each in batch], collate_fn_map=collate_fn_map) for key in first}
        return like_mapping(first, items)
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return kind(*(collate(each, collate_fn_map=collate_fn_map) for each in zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        if any(len(each) != len(first) for each in batch):
            raise RuntimeError("the examples of a batch are sequences of one length")
        found = [collate(each, collate_fn_map=collate_fn_map) for each in zip(*batch, strict=True)]
        return found if isinstance(first, tuple) else like_sequence(first, found)
    raise TypeError(_message("default_collate", kind))


def like_mapping(first: Any, items: dict[Any, Any]) -> Any:
    """A mapping of the class of ``first`` with these items; a dict where that class cannot be made of them."""
    try:
        if isinstance(first, MutableMapping):
            made = copy.copy(first)
            made.update(items)
            return made
        return type(first)(items)
    except TypeError:
        return items


def like_sequence(first: Any, items: list[Any]) -> Any:
    """A sequence of the class of ``first`` with these items; a list where that class cannot be made of them."""
    try:
        if isinstance(first, MutableSequence):
            made = copy.copy(first)
            for i, item in enumerate(items):
                made[i] = item
            return made
        return type(first)(items)
    except TypeError:
        return items


def default_collate(batch: Any) -> Any:
    """A batch of examples: tensors and arrays stacked, numbers as a tensor (floats as float64), strings in a list."""
    return collate(batch, collate_fn_map=default_collate_fn_map)


def default_convert(data: Any) -> Any:
    """``data`` with the numpy arrays and scalars in it, at any depth, as tensors; a tuple becomes a list."""
    if isinstance(data, Carried):
        return data
    if isinstance(data, (numpy.ndarray, numpy.generic)):
        return dynamic.as_tensor(data) if data.dtype.kind in "biufc" else data
    if isinstance(data, Mapping):
        return like_mapping(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple):
        found = [default_convert(each) for each in data]
        return type(data)(*found) if hasattr(data, "_fields") else found
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return like_sequence(data, [default_convert(each) for each in data])
    return data


__getattr__ = lacking(__name__)
