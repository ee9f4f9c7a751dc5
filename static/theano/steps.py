"""What ``scan`` is given and what its function returns, in one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graphs import ops
from graphs.core.errors import at_line
from static.tensor import constant_value
from static.theano.substitution import pairs_of
from static.theano.variable import TensorVariable, as_tensor_variable


class until:  # noqa: N801 (Theano's name)
    """Beside the outputs of a step: the condition, a scalar, under which this round is the last."""

    def __init__(self, condition: Any) -> None:
        self.condition = as_tensor_variable(condition)


class Found(NamedTuple):
    """What a step returns."""

    outputs: list[Any]
    updates: list[tuple[Any, Any]]
    condition: Any


def found_by(result: Any) -> Found:
    """The parts of what a step returns. Raises TypeError for something else."""
    outputs: list[Any] = []
    updates: list[tuple[Any, Any]] = []
    condition = None
    parts = result if _in_parts(result) else [result]
    for part in parts:
        if isinstance(part, until):
            condition = part.condition
        elif isinstance(part, Mapping) or _is_updates(part):
            updates = [(shared, as_tensor_variable(new)) for shared, new in pairs_of(part)]
        elif part is not None:
            try:
                outputs = [as_tensor_variable(x) for x in (part if isinstance(part, (list, tuple)) else [part])]
            except (TypeError, ValueError) as error:
                raise TypeError(f"fn returns outputs, updates and until(condition), not {part!r}: {error}") from None
    return Found(outputs, updates, condition)


def _is_updates(part: Any) -> bool:
    """Whether it is a list of pairs (a pair of variables alone is two outputs)."""
    return (
        isinstance(part, (list, tuple))
        and len(part) > 0
        and all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in part)
        and all(isinstance(pair[0], TensorVariable) for pair in part)
    )


def _in_parts(result: Any) -> bool:
    """Whether ``result`` is outputs beside updates or a condition, not outputs alone."""
    if not isinstance(result, (list, tuple)) or not 0 < len(result) <= 3 or _is_updates(result):
        return False
    return any(isinstance(part, (until, Mapping)) or _is_updates(part) for part in result) or (
        any(isinstance(part, (list, tuple)) and all(isinstance(x, TensorVariable) for x in part) for part in result)
        and all(isinstance(part, (list, tuple, TensorVariable)) for part in result)
    )


def listed(given: Any) -> list[Any]:
    """None, one thing or several as a list."""
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple)) else [given]


class Past:
    """What is read of an output's past.

    Attributes:
        before: the values before the first round, the oldest first: as many as the farthest tap goes back.
    """

    def __init__(self, info: Any) -> None:
        settings = dict(info) if isinstance(info, Mapping) else {"initial": info}
        initial = settings.pop("initial", None)
        taps = settings.pop("taps", None)
        for key in ("inplace", "return_steps", "store_steps"):
            settings.pop(key, None)
        if settings:
            raise ValueError(f"an entry of outputs_info has initial and taps, not {', '.join(settings)}{at_line()}")
        self.taps: list[int] = [] if initial is None else [-1] if taps is None else [int(tap) for tap in listed(taps)]
        self.before: list[Any] = []
        if initial is None:
            if taps:
                raise ValueError(f"outputs_info has taps {taps} for an output without an initial value{at_line()}")
            return
        if any(tap >= 0 for tap in self.taps) or not self.taps:
            raise ValueError(f"the taps of an output are negative; got {taps}{at_line()}")
        start = as_tensor_variable(initial)
        depth = -min(self.taps)
        self.before = [start] if self.taps == [-1] else [start[i] for i in range(depth)]

    def seen(self, states: Sequence[Any]) -> list[Any]:
        """What the step is given of the states."""
        return [states[len(states) + tap] for tap in self.taps]

    def checked(self, out: Any, place: int) -> Any:
        """An output of the step. Raises ValueError where it is of another type than the values before."""
        if not self.before:
            return out
        state = self.before[0]
        if out.dtype != state.dtype:
            raise ValueError(
                f"The initial state (`outputs_info` in scan nomenclature) of output {place} has dtype {state.dtype}, while "
                f"the result of the inner function (`fn`) has dtype {out.dtype}. This can happen if the inner function of "
                f"scan results in an upcast or downcast.{at_line()}"
            )
        if out.ndim != state.ndim:
            raise ValueError(
                f"When compiling the inner function of scan: the initial state of output {place} has {state.ndim} "
                f"dimension(s), while the result of the inner function has {out.ndim}.{at_line()}"
            )
        return out


class Windows:
    """The sequences, shifted for each of their taps and cut to one length.

    Attributes:
        parts: a variable for each tap of each sequence, whose slice in a round is what the step is given.
        length: how many rounds there are: an int, or a scalar variable.
    """

    def __init__(self, sequences: Sequence[Any], n_steps: Any, go_backwards: bool) -> None:
        groups = [self._shifted(sequence, go_backwards) for sequence in sequences]
        sizes = [_length(group[0]) for group in groups]
        if n_steps is not None:
            known = constant_value(n_steps)
            sizes = [as_tensor_variable(n_steps).astype("int64") if known is None else int(known)]
            if known is not None and int(known) < 0:
                raise ValueError(f"n_steps is the number of rounds, not {int(known)}{at_line()}")
        if not sizes:
            raise ValueError(f"scan goes over sequences, or is given n_steps; both are missing{at_line()}")
        self.length: Any = sizes[0]
        for size in sizes[1:]:
            both = isinstance(size, int) and isinstance(self.length, int)
            self.length = min(size, self.length) if both else ops.minimum(as_tensor_variable(self.length), size)
        self.parts: list[Any] = [part for group in groups for part in group]
        if n_steps is not None or len(groups) > 1:
            self.parts = [x if _length(x) is self.length else self._cut(x) for x in self.parts]

    def _cut(self, x: Any) -> Any:
        size = _length(x)
        if isinstance(size, int) and isinstance(self.length, int):
            if size < self.length:
                raise ValueError(f"a sequence of {size} slices is shorter than the {self.length} rounds{at_line()}")
            if size == self.length:
                return x
        return x[: self.length]

    @staticmethod
    def _shifted(sequence: Any, go_backwards: bool) -> list[Any]:
        settings = dict(sequence) if isinstance(sequence, Mapping) else {"input": sequence}
        if not settings.keys() <= {"input", "taps"} or "input" not in settings:
            raise ValueError(f"a sequence is a variable or has input and taps, not {', '.join(settings)}{at_line()}")
        x = as_tensor_variable(settings["input"])
        if not x.ndim:
            raise ValueError(f"scan goes over the first axis of sequences, and {x} has none{at_line()}")
        taps = [0] if settings.get("taps") is None else [int(tap) for tap in listed(settings["taps"])]
        first, last = min(*taps, 0) if len(taps) > 1 else min(taps[0], 0), max(0, *taps)
        parts = [x[tap - first : (tap - last) or None] if first or last else x for tap in taps]
        return [part[::-1] for part in parts] if go_backwards else parts


def _length(x: Any) -> Any:
    size = x.tensor.spec.shape[0]
    return x.shape[0] if size is None else size
