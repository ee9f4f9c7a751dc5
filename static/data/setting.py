"""Numbers that a dataset is made with: Python's, or tensors whose value is there when an iterator is initialised."""

from __future__ import annotations

from typing import Any

import numpy

from static.data.opening import Opening
from static.tensor import constant_value, convert_to_tensor


class Setting:
    """A scalar, or a tensor of one.

    Attributes:
        known: its value as a Python number where it is known while the graph is being built, else None.
        tensors: the tensor, where it is not.
    """

    def __init__(self, value: Any) -> None:
        found = constant_value(value)
        self.known: Any = None if found is None else found.item()
        self.tensors = [convert_to_tensor(value)] if found is None else []

    def __call__(self, run: Opening) -> Any:
        """The value."""
        if self.known is not None:
            return self.known
        return numpy.asarray(run.values[self.tensors[0]]).item()
