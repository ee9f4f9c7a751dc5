"""Samplers: in which order the examples of a dataset are taken, and which together."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import dynamic
from dynamic.names import lacking
from graphs.core.errors import ShapeError


T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """Numbers of examples (or lists of them) in some order: a subclass has ``__iter__``, perhaps ``__len__``."""

    def __init__(self, data_source: Sized | None = None) -> None:
        pass

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} is a sampler without __iter__")


class SequentialSampler(Sampler[int]):
    """All numbers, in order."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Numbers in random order, another each time: all of them, or ``num_samples``; with ``replacement`` each drawn anew.

    Without replacement more than there are begin another round. Raises ValueError where there is nothing to draw.
    """

    def __init__(
        self, data_source: Sized, replacement: bool = False, num_samples: int | None = None, generator: Any = None
    ) -> None:
        self.data_source, self.replacement, self._num_samples, self.generator = (
            data_source,
            replacement,
            num_samples,
            generator,
        )
        _check_bool("replacement", replacement)
        _check_count("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many numbers there will be."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n = len(self.data_source)
        generator = self.generator or _own()
        wanted = self.num_samples
        if self.replacement:
            yield from dynamic.randint(n, (wanted,), generator=generator).tolist()
            return
        while wanted > 0:
            yield from dynamic.randperm(n, generator=generator).tolist()[:wanted]
            wanted -= n

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given numbers in random order."""

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in dynamic.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """``num_samples`` numbers below ``len(weights)``, drawn by these weights, which need not add up to 1."""

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, generator: Any = None) -> None:
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"num_samples is a positive integer, not {num_samples!r}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement is True or False, not {replacement!r}")
        self.weights = dynamic.as_tensor(weights, dtype="float64")
        if self.weights.dim() != 1:
            raise ValueError(f"weights are a vector, not of shape {tuple(self.weights.shape)}")
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        if not self.replacement and self.num_samples > len(self.weights):
            raise ShapeError(f"{self.num_samples} numbers without replacement of {len(self.weights)}")
        return iter(dynamic.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The numbers of another sampler in lists of ``batch_size``; a shorter last one is left out with ``drop_last``."""

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size is a positive integer, not {batch_size!r}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last is True or False, not {drop_last!r}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        numbers = iter(self.sampler)
        while batch := list(itertools.islice(numbers, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        extra = 0 if self.drop_last else self.batch_size - 1
        return (len(self.sampler) + extra) // self.batch_size


class Endless(Sampler[None]):
    """None for ever: what an iterable dataset, which is asked for no numbers, is sampled by."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


def _own() -> Any:
    """A generator that the default one seeds: two samplers that are read by turns then do not disturb each other."""
    return dynamic.Generator().manual_seed(int(dynamic.randint(1 << 62, (1,)).item()))


def _check_bool(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{name} is True or False, not {value!r}")


def _check_count(name: str, value: Any) -> None:
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"{name} is a positive integer, not {value!r}")


Batches = Iterable[Sequence[int]]
__getattr__ = lacking(__name__)
