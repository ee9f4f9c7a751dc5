"""Looking for NaNs in a backward pass: which operation of the forward pass they come from, and which line that is."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Self

from dynamic.contributions import contributions
from dynamic.names import lacking
from dynamic.tape import Record
from dynamic.uninterrupted import Inside, at_once
from graphs.core.arrays import has_nan
from graphs.core.errors import GradientError, at_line


anomaly: ContextVar[tuple[bool, bool]] = ContextVar("anomaly mode", default=(False, False))
"""Whether anomalies are looked for, and whether NaNs are among them."""


class set_detect_anomaly:  # noqa: N801 (PyTorch's name)
    """Look for NaNs in backward passes, or stop it: at once, and as a context manager until the block ends."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = anomaly.get()
        anomaly.set((bool(mode), bool(mode and check_nan)))

    def __enter__(self) -> Self:
        return self

    @at_once
    def __exit__(self, *_: object) -> None:
        anomaly.set(self._before)


class detect_anomaly(Inside):  # noqa: N801
    """Inside, a backward pass that makes a NaN is a RuntimeError, which names the operation and the line that made it.

    It takes time: every gradient is looked at, and what the tape kept is freed at the end only.
    """

    _variable = anomaly

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__()
        self._value = True, check_nan
        warnings.warn(
            "Anomaly Detection has been enabled: it makes backward passes slower, and is for debugging only",
            UserWarning,
            stacklevel=2,
        )


def is_anomaly_enabled() -> bool:
    """Whether anomalies are looked for."""
    return anomaly.get()[0]


def is_anomaly_check_nan_enabled() -> bool:
    """Whether NaNs in backward passes are errors."""
    return anomaly.get()[1]


class Watch:
    """Takes note of every gradient of a backward pass, and says where a NaN among them comes from.

    Args:
        residuals: what the tape kept of a record; it must still be there when a NaN is found.
        on_gradient: what else is called with each record and its gradients.
    """

    def __init__(
        self, residuals: Callable[[Record], tuple[Sequence[Any], Sequence[Any]]], on_gradient: Callable[..., Any] | None
    ) -> None:
        self._residuals = residuals
        self._inner = on_gradient
        self.seen: list[tuple[Record, list[Any]]] = []

    def __call__(self, record: Record, gs: list[Any]) -> list[Any]:
        """The gradients as they are. Raises GradientError where one that an operation sent back has a NaN."""
        if any(map(_has_nan, gs)):
            self._explain()
        if self._inner is not None:
            gs = self._inner(record, gs)
        self.seen.append((record, list(gs)))
        return gs

    def _explain(self) -> None:
        for record, gs in self.seen:
            if not record.edges:
                continue
            args, outs = self._residuals(record)
            needs = tuple(edge is not None for edge in record.edges)
            for i, g in enumerate(contributions(record.op, needs, gs, outs, args, record.params)):
                if needs[i] and _has_nan(g):
                    raise GradientError(
                        f"Function '{record.label}' returned nan values in its {i}th output: it is the gradient of what ran "
                        f"at {record.where}{at_line()}"
                    )


def _has_nan(g: Any) -> bool:
    array = getattr(g, "_array", g)
    return array is not None and array.dtype.kind in "fc" and has_nan(array)


__getattr__ = lacking(__name__)
