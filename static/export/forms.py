"""What the parts of a graph's file look like: the checks that reading one makes, and specs as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from graphs.core.errors import GraphsError
from graphs.core.node import infer
from graphs.core.op import Op
from graphs.core.spec import Shape, Spec
from static.dtypes import as_dtype
from static.registry import known, name_of


class GraphFileError(GraphsError, ValueError):
    """A graph that cannot be written to a file, or a file that describes none."""


def op_name(op: Op, about: str) -> str:
    """What files call ``op``. Raises GraphFileError where they have no name for it."""
    name = name_of(op)
    if name is None:
        raise GraphFileError(f"{about}: the op {op.name!r} exists in this process only and cannot be written to a file")
    return name


def found_op(name: Any, about: str) -> Any:
    """The op called ``name``. Raises GraphFileError where there is none."""
    found = known(name) if isinstance(name, str) else None
    if found is None:
        raise GraphFileError(f"{about}: there is no op {name!r}")
    return found


def inferred(op: Any, inputs: Sequence[Any], params: Mapping[str, Any], about: str) -> tuple[Spec, ...]:
    """The specs that ``op`` gives. Raises GraphFileError where it does not take these inputs or attributes."""
    try:
        return infer(op, inputs, params)
    except Exception as error:  # a rule may trip over anything that an attribute should not have been
        raise GraphFileError(f"{about}: {said(error)}") from None


def agreed(inferred: Sequence[Spec], written: Any, about: str) -> tuple[Spec, ...]:
    """The written specs. Raises GraphFileError where they say something else than those inferred, or more."""
    specs = [spec_from(data, f"{about}: output {i}") for i, data in enumerate(listed(written, f"{about}: 'output'"))]
    if len(specs) != len(inferred):
        raise GraphFileError(f"{about}: it yields {len(inferred)} outputs, not {len(specs)}")
    for i, (mine, theirs) in enumerate(zip(inferred, specs, strict=True)):
        if mine.dtype != theirs.dtype or not _covers(theirs.dims, mine.dims):
            raise GraphFileError(f"{about}: output {i} is {mine}, not {theirs}")
    return tuple(specs)


def _covers(wide: Shape | None, narrow: Shape | None) -> bool:
    """Whether what is known of the shape ``wide`` is known of ``narrow`` as well."""
    if wide is None:
        return True
    return narrow is not None and len(wide) == len(narrow) and all(a in (None, b) for a, b in zip(wide, narrow, strict=True))


def fields(data: Any, about: str, *needed: str, optional: Sequence[str] = ()) -> dict[str, Any]:
    """``data``, which has to be an object with these fields."""
    if not isinstance(data, dict):
        raise GraphFileError(f"{about}: it has to be an object, not {str(data)[:80]!r}")
    missing = [name for name in needed if name not in data]
    odd = [name for name in data if name not in needed and name not in optional]
    if missing or odd:
        what = f"the field {missing[0]!r} is missing" if missing else f"there is no field {odd[0]!r}"
        raise GraphFileError(f"{about}: {what}")
    return data


def listed(data: Any, about: str) -> Sequence[Any]:
    """``data``, which has to be a list."""
    if not isinstance(data, (list, tuple)):
        raise GraphFileError(f"{about} has to be a list, not {str(data)[:80]!r}")
    return data


def printable(data: Any, about: str) -> str:
    """``data``, which has to be text of one line: names go into the text of plans, as comments."""
    if not isinstance(data, str) or not data.isprintable():
        raise GraphFileError(f"{about} has to be text of one line, not {data!r}")
    return data


def spec_to(spec: Spec) -> list[Any]:
    """A spec as JSON."""
    return [as_dtype(spec.dtype).name, None if spec.dims is None else list(spec.dims)]


def spec_from(data: Any, about: str) -> Spec:
    """The spec that JSON stands for."""
    try:
        name, dims = data
        return Spec(None if dims is None else dims_from(dims), dtype_from(name))
    except (TypeError, ValueError) as error:
        raise GraphFileError(f"{about}: {data!r} is no dtype and shape: {said(error)}") from None


def dims_from(data: Any) -> Shape:
    """A shape: sizes, None where one is not known."""
    if not isinstance(data, list) or not all(d is None or (type(d) is int and d >= 0) for d in data):
        raise ValueError(f"{data!r:.80} is no shape")
    if math.prod(d or 1 for d in data) >= 1 << 63:
        raise ValueError(f"{data!r:.80} is a shape that no array can have")
    return tuple(data)


def said(error: Exception) -> str:
    """What an error says, in one line."""
    if isinstance(error, KeyError):
        return f"the field {error} is missing"
    return str(error).partition("\n")[0] or type(error).__name__


def dtype_from(name: Any) -> Any:
    """The dtype, numpy's, that TensorFlow calls ``name``."""
    if not isinstance(name, str):
        raise ValueError(f"{name!r} is no dtype")
    return as_dtype(name).dtype
