"""``tf.data.experimental``: transformations to be used with ``Dataset.apply``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from static.calls import cast
from static.data import stages, structure
from static.data.dataset import AUTOTUNE as AUTOTUNE, Dataset
from static.dtypes import as_dtype


Transformation = Callable[[Dataset], Dataset]


def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: Any = None) -> Transformation:
    """``shuffle(buffer_size, seed)``, then ``repeat(count)``."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def map_and_batch(
    map_func: Callable[..., Any],
    batch_size: Any,
    num_parallel_batches: Any = None,
    drop_remainder: Any = False,
    num_parallel_calls: Any = None,
) -> Transformation:
    """``map(map_func)``, then ``batch(batch_size, drop_remainder)``."""
    return lambda dataset: dataset.map(map_func).batch(batch_size, drop_remainder)


def parallel_interleave(
    map_func: Callable[..., Any], cycle_length: Any, block_length: Any = 1, sloppy: bool = False, **_: Any
) -> Transformation:
    """``interleave(map_func, cycle_length, block_length)``."""
    return lambda dataset: dataset.interleave(map_func, cycle_length, block_length)


def take_while(predicate: Callable[..., Any]) -> Transformation:
    """The elements before the first for which ``predicate`` is not True."""
    return lambda dataset: dataset._filtered(predicate, "TakeWhileDataset", until=True)


def unbatch() -> Transformation:
    """``unbatch()``."""
    return lambda dataset: dataset.unbatch()


def enumerate_dataset(start: Any = 0) -> Transformation:
    """``enumerate(start)``."""
    return lambda dataset: dataset.enumerate(start)


def ignore_errors() -> Transformation:
    """The elements without those on whose way something failed."""
    return lambda dataset: dataset._made(lambda run: stages.Tolerant(dataset._open(run)))


def Counter(start: Any = 0, step: Any = 1, dtype: Any = "int64") -> Dataset:  # noqa: N802 (TensorFlow's name)
    """The numbers from ``start`` on, without end, ``step`` apart."""
    numbers = Dataset.range(0, (1 << 63) - 1)
    first, apart = structure.converted(start), structure.converted(step)
    found = numbers.map(lambda i: i * cast(apart, "int64") + cast(first, "int64"))
    return found if as_dtype(dtype) == "int64" else found.map(lambda i: cast(i, dtype))
