"""What Python generators yield, on its way into a dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from graphs.core.errors import DtypeError
from graphs.core.spec import Spec, show
from static.conversion import as_strings
from static.data import structure
from static.data.stages import Row
from static.dtypes import as_dtype
from static.errors import InvalidArgumentError
from static.nest import flatten


def yielded(element: Any) -> Callable[[Any], Row]:
    """What makes a row of a yielded value: copies in the dtypes of ``element``.

    It raises InvalidArgumentError where the value is of another form, cannot be converted, or has another shape.
    """
    specs: list[Spec] = flatten(element)

    def convert(value: Any) -> Row:
        try:
            leaves = structure.beside(element, value, "the value") if isinstance(element, (tuple, dict)) else [value]
        except TypeError:
            raise InvalidArgumentError(
                None,
                "TypeError: `generator` yielded an element that did not match the expected structure. The expected "
                f"structure was {structure.types(element)}, but the yielded element was {value}.",
            ) from None
        return tuple([_array(x, spec) for x, spec in zip(leaves, specs, strict=True)])

    return convert


def _array(value: Any, spec: Spec) -> Any:
    try:
        array = as_strings(value) if spec.dtype.kind == "O" else numpy.array(value, spec.dtype)
    except (TypeError, ValueError, OverflowError, DtypeError) as error:
        raise InvalidArgumentError(
            None,
            "TypeError: `generator` yielded an element that could not be converted to the expected type. The expected type "
            f"was {as_dtype(spec.dtype).name}, but the yielded element was {value}.",
        ) from error
    if not spec.admits(array.shape):
        raise InvalidArgumentError(
            None,
            f"ValueError: `generator` yielded an element of shape {show(array.shape)} where an element of shape "
            f"{show(spec.dims)} was expected.",
        )
    return array
