"""Ways of calling ``Session.run``: how feeds are checked, results are put together, and which plans there are for them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy
from numpy import ndarray

from graphs.core.arrays import is_array, to_numpy
from graphs.core.errors import DtypeError
from graphs.core.node import Value
from graphs.core.spec import Spec, show
from static.conversion import as_strings
from static.errors import place
from static.plan import Plan
from static.tensor import Tensor


class Feed:
    """What a fed tensor takes."""

    __slots__ = ("tensor", "dtype", "dims")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.dtype = tensor.spec.dtype
        self.dims = tensor.spec.dims

    def array(self, value: Any) -> ndarray:
        """``value`` as an array that fits the tensor. Raises ValueError or TypeError, with the tensor's name and line."""
        if type(value) is not ndarray or value.dtype != self.dtype:
            value = self._converted(value)
        self.check(value)
        return value

    def check(self, value: ndarray) -> None:
        """Raises ValueError where the shape does not fit, with the tensor's name and line."""
        if self.tensor.spec.admits(value.shape):
            return
        raise ValueError(
            f"Cannot feed value of shape {show(value.shape)} for Tensor {self.tensor.name!r}, which has shape "
            f"'{show(self.dims)}'\n  {place(self.tensor.op)}"
        )

    def _converted(self, value: Any) -> Any:
        name = self.tensor.name
        if is_array(value) and not isinstance(value, numpy.generic):  # on a GPU, where it may stay if that is used
            if value.dtype == self.dtype and getattr(self.tensor.graph, "accelerated", False):
                return value
            value = to_numpy(value)
        if isinstance(value, Value) or hasattr(type(value), "__bind__"):
            raise TypeError(
                f"The value of a feed cannot be a {type(value).__name__}: {name!r} takes scalars, lists or numpy arrays."
                f"\n  {place(self.tensor.op)}"
            )
        try:
            array = as_strings(value) if self.dtype.kind == "O" else numpy.asarray(value)
        except DtypeError as error:
            raise TypeError(f"Cannot feed {name!r}: {error}\n  {place(self.tensor.op)}") from None
        except ValueError:
            raise ValueError(
                f"Cannot feed {name!r}: rows of different lengths are no array\n  {place(self.tensor.op)}"
            ) from None
        if not numpy.can_cast(array.dtype, self.dtype, "same_kind") and array.size:
            raise DtypeError(
                f"Cannot feed values of dtype {array.dtype.name} for Tensor {name!r}, which has dtype {self.dtype.name}"
                f"\n  {place(self.tensor.op)}"
            )
        if type(value) is int and self.dtype.kind in "iu" and not _holds(self.dtype, value):
            raise TypeError(
                f"Cannot feed {value} for Tensor {name!r}: it does not fit in {self.dtype.name}\n  {place(self.tensor.op)}"
            )
        return array.astype(self.dtype, copy=False)


def _holds(dtype: Any, value: int) -> bool:
    limits = numpy.iinfo(dtype)
    return bool(limits.min <= value <= limits.max)


MOST_PLANS = 8
"""Plans for shapes of their own that one way of calling ``run`` has; shapes beyond share one plan that knows none."""


class Call:
    """A way of calling ``run``: its plans, how feeds are checked, and how results are put together.

    Attributes:
        dtypes: those of the feeds.
        plans: the plan for the shapes of feeds of each run so far.
        shared: the plan for shapes beyond these.
    """

    __slots__ = ("dtypes", "feeds", "fetches", "pack", "plans", "shared")

    def __init__(self, fetches: Sequence[Any], feeds: Sequence[Feed], pack: Callable[[Sequence[Any]], Any]) -> None:
        self.fetches = fetches
        self.feeds = feeds
        self.pack = pack
        self.dtypes = [feed.dtype for feed in feeds]
        self.plans: dict[tuple[tuple[int, ...], ...], Plan] = {}
        self.shared: Plan | None = None

    @property
    def made(self) -> list[Plan]:
        """All plans that there are."""
        return [*self.plans.values(), *([] if self.shared is None else [self.shared])]


def changed(call: Call, last: Plan, specs: Sequence[Spec]) -> str:
    """In which feeds ``specs`` differ from what the plan before was for."""
    pairs = zip(call.feeds, last.given, specs, strict=True)
    return "; ".join(f"{feed.tensor.name} {show(was.dims)} -> {show(now.dims)}" for feed, was, now in pairs if was != now)


def frozen(fetches: Any) -> Any:
    """A key for a structure of fetches; what cannot be hashed is no fetch, and is found out when the call is made ready."""
    if isinstance(fetches, (list, tuple)):
        return (type(fetches), *map(frozen, fetches))
    if isinstance(fetches, Mapping):
        return (type(fetches), *((name, frozen(item)) for name, item in fetches.items()))
    return fetches if isinstance(fetches, Hashable) else type(fetches)
