"""Datasets: things with examples by number, and things that yield their examples."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import dynamic
from dynamic.names import lacking


T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Examples by number: a subclass has ``__getitem__``, and ``__len__`` where its number is known.

    A subclass that has ``__getitems__(indices)`` is asked for the examples of a batch together. Two added are one after the
    other.
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} is a dataset without __getitem__")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], ABC):
    """Examples as they come: a subclass has ``__iter__``.

    With several workers each iterates over a copy; ``get_worker_info()`` tells a copy what its share is.
    """

    @abstractmethod
    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError

    def __add__(self, other: Dataset[T_co]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Any, ...]]):
    """The rows of tensors: example ``i`` is a tuple of row ``i`` of each. AssertionError where they have not as many."""

    def __init__(self, *tensors: Any) -> None:
        if any(tensors[0].size(0) != tensor.size(0) for tensor in tensors):
            raise AssertionError(f"tensors of {', '.join(str(tensor.size(0)) for tensor in tensors)} rows")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].size(0))

    def _collated(self, indices: Sequence[int]) -> list[Any]:
        """What collating the examples of a batch gives, without making each."""
        return [tensor[list(indices)] for tensor in self.tensors]


class StackDataset(Dataset[Any]):
    """Datasets side by side: example ``i`` is a tuple of theirs, or, where they were given by name, a dictionary.

    Raises ValueError where they are not of one length.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError("datasets are stacked by position or by name, not both")
        if not args and not kwargs:
            raise ValueError("at least one dataset is wanted")
        self.datasets: Any = args or kwargs
        lengths = [len(each) for each in args or kwargs.values()]
        self._length = lengths[0]
        if any(length != self._length for length in lengths):
            raise ValueError(f"datasets of {', '.join(map(str, lengths))} examples")

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.datasets, dict):
            return {name: each[index] for name, each in self.datasets.items()}
        return tuple(each[index] for each in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Datasets one after the other.

    Attributes:
        cumulative_sizes: where each of them ends.
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets: list[Any] = list(datasets)
        if not self.datasets:
            raise AssertionError("there are no datasets to concatenate")
        if any(isinstance(each, IterableDataset) for each in self.datasets):
            raise AssertionError("iterable datasets are chained, not concatenated: ChainDataset")
        self.cumulative_sizes = list(itertools.accumulate(map(len, self.datasets)))

    @staticmethod
    def cumsum(sequence: Sequence[Any]) -> list[int]:
        """Where each dataset of ``sequence`` ends."""
        return list(itertools.accumulate(map(len, sequence)))

    @property
    def cummulative_sizes(self) -> list[int]:
        """``cumulative_sizes``, as it was once spelled."""
        return self.cumulative_sizes

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> T_co:
        if idx < 0:
            if -idx > len(self):
                raise ValueError(f"there is no example {idx} of {len(self)}")
            idx += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, idx)
        found: T_co = self.datasets[which][idx - (self.cumulative_sizes[which - 1] if which else 0)]
        return found


class ChainDataset(IterableDataset[Any]):
    """Iterable datasets one after the other. Raises AssertionError, on the way, for one that is not iterable."""

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets: Any = datasets

    def __iter__(self) -> Iterator[Any]:
        for each in self.datasets:
            self._check(each)
            yield from each

    def __len__(self) -> int:
        total = 0
        for each in self.datasets:
            self._check(each)
            total += len(each)
        return total

    @staticmethod
    def _check(dataset: Any) -> None:
        if not isinstance(dataset, IterableDataset):
            raise AssertionError(f"only iterable datasets are chained, not {type(dataset).__name__}")


class Subset(Dataset[T_co]):
    """The examples of ``dataset`` at ``indices``."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, idx: Any) -> T_co:
        found: T_co = self.dataset[[self.indices[i] for i in idx] if isinstance(idx, list) else self.indices[idx]]
        return found

    def __getitems__(self, indices: Sequence[int]) -> list[T_co]:
        if callable(together := getattr(self.dataset, "__getitems__", None)):
            return together([self.indices[i] for i in indices])
        return [self.dataset[self.indices[i]] for i in indices]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[float], generator: Any = None) -> list[Subset[Any]]:
    """Subsets of the given lengths, or, where they add up to 1, of these shares, without overlap, drawn at random.

    What shares leave over goes to the first subsets, one each. Raises ValueError where the lengths do not add up.
    """
    size = len(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for i, share in enumerate(lengths):
            if not 0 <= share <= 1:
                raise ValueError(f"share {i} is {share}, not between 0 and 1")
        counts = [math.floor(size * share) for share in lengths]
        for i in range(size - sum(counts)):
            counts[i % len(counts)] += 1
        for i, count in enumerate(counts):
            if not count:
                warnings.warn(f"subset {i} of {size} examples is empty", stacklevel=2)
        lengths = counts
    if sum(lengths) != size:
        raise ValueError(f"lengths {list(lengths)} do not add up to the {size} examples there are")
    order = dynamic.randperm(size, generator=generator).tolist()
    ends = list(itertools.accumulate(int(n) for n in lengths))
    return [Subset(dataset, order[start:end]) for start, end in zip([0, *ends], ends, strict=False)]


__getattr__ = lacking(__name__)
