"""A value in one line: its extent, mean and spread, and how many zeros, NaNs and infinities it has."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from graphs.core.arrays import all_finite, to_numpy
from graphs.core.spec import Spec


class Statistics(NamedTuple):
    """What ``statistics`` finds. Extent, mean and standard deviation are those of the finite elements, None without any."""

    spec: Spec
    least: float | None
    mean: float | None
    most: float | None
    std: float | None
    zeros: int
    nans: int
    infinities: int

    def __str__(self) -> str:
        numbers = (("min", self.least), ("mean", self.mean), ("max", self.most), ("std", self.std))
        words = [f"{word} {number:.4g}" for word, number in numbers if number is not None]
        words += [
            f"{word} {count:,}" for word, count in (("zeros", self.zeros), ("nan", self.nans), ("inf", self.infinities))
        ]
        return "  ".join(words)


def statistics(value: Any) -> Statistics | None:
    """The statistics of an array or number (sums in float64); None for one without numbers: strings, boxes."""
    array = to_numpy(value)
    if array.dtype.kind not in "biufc":
        return None
    spec = Spec.of(array)
    size = numpy.abs(array) if array.dtype.kind == "c" else array
    with numpy.errstate(all="ignore"):
        nans, infinities = numpy.isnan(size), numpy.isinf(size)
        finite = size[~(nans | infinities)] if array.dtype.kind in "fc" else size
        counts = int(size.size - numpy.count_nonzero(size)), int(nans.sum()), int(infinities.sum())
        if not finite.size:
            return Statistics(spec, None, None, None, None, *counts)
        wide = finite.astype(numpy.float64)
        return Statistics(spec, float(wide.min()), float(wide.mean()), float(wide.max()), float(wide.std()), *counts)


def broken(value: Any) -> bool:
    """Whether an array or number has a NaN or an infinity."""
    array = to_numpy(value)
    return array.dtype.kind in "fc" and not all_finite(array)


def shown(value: Any, elements: int = 24) -> str:
    """A value as text, in its own dtype; the middle of a large one is left out."""
    array = to_numpy(value)
    return numpy.array2string(array, precision=5, threshold=elements, edgeitems=3, max_line_width=100, separator=", ")
