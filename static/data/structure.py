"""The form of a dataset's elements: tuples, named tuples and dicts of ``Spec``. A list is no part of it but one tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphs.core.spec import Spec
from static.dtypes import as_dtype
from static.nest import flatten, map_structure
from static.shapes import TensorShape, dims_of
from static.tensor import Tensor, convert_to_tensor


def converted(value: Any) -> Any:
    """``value`` with a tensor at each leaf."""
    if isinstance(value, Mapping):
        return type(value)((key, converted(item)) for key, item in value.items())  # type: ignore[call-arg]
    if isinstance(value, tuple):
        items = [converted(item) for item in value]
        return type(value)._make(items) if hasattr(value, "_make") else tuple(items)
    return convert_to_tensor(value, name="component")


def beside(element: Any, other: Any, what: str) -> list[Any]:
    """What ``other`` has at each leaf of ``element``. Raises TypeError or ValueError where it has not that form."""
    if isinstance(element, Mapping):
        if not isinstance(other, Mapping) or set(other) != set(element):
            raise TypeError(f"{what} has to be a dict with the keys {sorted(element)}, not {other!r}")
        return [leaf for key in sorted(element) for leaf in beside(element[key], other[key], what)]
    if isinstance(element, tuple):
        if not isinstance(other, (tuple, list)) or len(other) != len(element):
            raise TypeError(f"{what} has to be a tuple of {len(element)}, not {other!r}")
        return [leaf for item, part in zip(element, other, strict=True) for leaf in beside(item, part, what)]
    if isinstance(other, (Mapping, tuple)) and not hasattr(other, "as_list") and any(map(_is_structure, [other])):
        raise TypeError(f"{what} has to be one for a single tensor, not {other!r}")
    return [other]


def _is_structure(x: Any) -> bool:
    """Whether ``x`` holds more than the numbers of a shape."""
    return isinstance(x, Mapping) or any(isinstance(item, (tuple, list, Mapping, TensorShape)) for item in x)


def declared(output_types: Any, output_shapes: Any) -> Any:
    """The element of these dtypes and shapes (None: unknown)."""
    types = map_structure(as_dtype, output_types)
    shapes = [None] * len(flatten(types)) if output_shapes is None else beside(types, output_shapes, "output_shapes")
    specs = iter([Spec(dims_of(shape), dtype.dtype) for dtype, shape in zip(flatten(types), shapes, strict=True)])
    return map_structure(lambda _: next(specs), types)


def specs_of(structure: Any) -> Any:
    """The element whose leaves are tensors like those of ``structure``."""
    return map_structure(lambda x: x.spec, structure)


def types(element: Any) -> Any:
    """The dtypes of the leaves."""
    return map_structure(lambda spec: as_dtype(spec.dtype), element)


def shapes(element: Any) -> Any:
    """The shapes of the leaves."""
    return map_structure(lambda spec: TensorShape(spec.dims), element)


def classes(element: Any) -> Any:
    """What the leaves are: tensors, all of them."""
    return map_structure(lambda _: Tensor, element)


def grown(element: Any, dim: int | None) -> Any:
    """The element with one more dimension before those of each leaf."""
    return map_structure(lambda spec: Spec(None if spec.dims is None else (dim, *spec.dims), spec.dtype), element)


def rows(element: Any) -> Any:
    """The element of one row of each leaf. Raises ValueError for a scalar."""

    def row(spec: Spec) -> Spec:
        if spec.dims == ():
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return Spec(None if spec.dims is None else spec.dims[1:], spec.dtype)

    return map_structure(row, element)


def common(one: Any, other: Any) -> Any:
    """The element that admits what both admit, where they differ in shapes only."""
    return map_structure(_common, one, other)


def _common(x: Spec, y: Spec) -> Spec:
    if x.dims is None or y.dims is None or len(x.dims) != len(y.dims):
        return Spec(None, x.dtype)
    return Spec([a if a == b else None for a, b in zip(x.dims, y.dims, strict=True)], x.dtype)


def show(element: Any) -> str:
    """The element's shapes and types, as datasets print them."""
    return f"shapes: {_text(shapes(element), str)}, types: {_text(types(element), repr)}"


def _text(structure: Any, leaf: Any) -> str:
    if isinstance(structure, Mapping):
        return "{" + ", ".join(f"{key}: {_text(item, leaf)}" for key, item in sorted(structure.items())) + "}"
    if isinstance(structure, tuple):
        return "(" + ", ".join(_text(item, leaf) for item in structure) + ")"
    return str(leaf(structure))


def several(args: Any) -> tuple[Any, ...]:
    """An element as the arguments of a function: a tuple's items one by one, anything else as one."""
    return args if type(args) is tuple else (args,)


def fits(row: Sequence[Any], specs: Sequence[Spec]) -> bool:
    """Whether arrays are of these dtypes and shapes."""
    return len(row) == len(specs) and all(
        x.dtype == spec.dtype and spec.admits(x.shape) for x, spec in zip(row, specs, strict=True)
    )
