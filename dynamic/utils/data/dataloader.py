"""The DataLoader: a dataset in batches, made here or by worker processes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import dynamic
from dynamic.multiprocessing.contexts import get_context
from dynamic.names import lacking
from dynamic.utils.data.collate import default_collate as default_collate, default_convert as default_convert
from dynamic.utils.data.dataset import Dataset, IterableDataset
from dynamic.utils.data.fetching import Plan, fetcher
from dynamic.utils.data.pinning import pinned
from dynamic.utils.data.sampler import BatchSampler, Endless, RandomSampler, Sampler, SequentialSampler
from dynamic.utils.data.worker import get_worker_info as get_worker_info
from dynamic.utils.data.workers import WorkersIterator


T_co = TypeVar("T_co", covariant=True)


class DataLoader(Generic[T_co]):
    """Batches of a dataset's examples; each iteration goes through all of it.

    Args:
        dataset: examples by number, or an ``IterableDataset``.
        batch_size: how many make a batch; None for examples one by one, converted but not batched.
        shuffle: take the examples in random order, another each time.
        sampler: in which order to take them (or which at all).
        batch_sampler: which to take together, in place of the four arguments above and ``drop_last``.
        num_workers: how many processes make batches; with 0 they are made here. Arrays come back in shared memory.
        collate_fn: makes a batch of a list of examples; ``default_collate``.
        pin_memory: copy batches to pinned memory, from which a GPU reads them faster, and while others work; without one a
            warning says that nothing is pinned.
        drop_last: leave out a last batch that is shorter.
        timeout: seconds to wait for a worker before a RuntimeError; 0 for ever.
        worker_init_fn: called in each worker with its number.
        multiprocessing_context: how workers are started: a method's name or a context.
        generator: what orders and the workers' seeds are drawn from.
        prefetch_factor: how many batches each worker is ahead, at most 32; 2.
        persistent_workers: keep the workers from one iteration to the next.
        in_order: with False, batches are given as they are ready.

    An exception in a worker is raised here, with its class, the worker's traceback in the message; RuntimeError where a
    worker has died. When the iteration ends, or nobody has the iterator any more, the workers end.

    Raises ValueError for settings that do not go together.
    """

    _initialized = False
    _promised: int | None = None

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset, self.num_workers, self.timeout = dataset, num_workers, timeout
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.worker_init_fn, self.in_order, self.persistent_workers = worker_init_fn, in_order, persistent_workers
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        if isinstance(dataset, IterableDataset):
            for name, given in (("shuffle", shuffle), ("sampler", sampler), ("batch_sampler", batch_sampler)):
                if given not in ((None, False) if name == "shuffle" else (None,)):
                    raise ValueError(f"DataLoader with an IterableDataset takes no {name}, but got {name}={given!r}")
        if sampler is not None and shuffle:
            raise ValueError("a sampler says in which order: it goes with no shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("a batch_sampler goes with no batch_size, shuffle, sampler or drop_last")
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None makes no batches of which drop_last could leave one out")
        self.sampler: Any = self._sampler(shuffle, generator) if sampler is None else sampler
        if batch_size is not None:
            batch_sampler = BatchSampler(self.sampler, batch_size, drop_last)
        self.batch_size, self.drop_last, self.batch_sampler = batch_size, drop_last, batch_sampler
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self._iterator: WorkersIterator | None = None
        self._initialized = True

    def _sampler(self, shuffle: bool | None, generator: Any) -> Sampler[Any]:
        if isinstance(self.dataset, IterableDataset):
            return Endless()
        data: Any = self.dataset
        return RandomSampler(data, generator=generator) if shuffle else SequentialSampler(data)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in _FIXED:
            raise ValueError(f"{name} cannot be changed once there is a {type(self).__name__}")
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> Any:
        """How workers are started."""
        return self._multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, given: Any) -> None:
        if given is not None:
            if not self.num_workers:
                raise ValueError("multiprocessing_context is for num_workers > 0")
            if isinstance(given, str):
                given = get_context(given)
            if not hasattr(given, "Process"):
                raise TypeError(f"multiprocessing_context is a start method's name or a context, not {given!r}")
        self._multiprocessing_context = given

    def _context(self) -> Any:
        return get_context() if self._multiprocessing_context is None else self._multiprocessing_context

    def _plan(self) -> Plan:
        return Plan(self.dataset, self.batch_sampler is not None, self.collate_fn, self.drop_last)

    @property
    def _index_sampler(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __iter__(self) -> Iterator[Any]:
        iterator = pinned(self._begun()) if self.pin_memory else self._begun()
        return iterator if self._promised is None else self._counted(iterator, self._promised)

    def _begun(self) -> Iterator[Any]:
        # Drawn in any case, so that what is drawn later does not depend on who makes the batches.
        seed = int(dynamic.randint(1 << 62, (1,), generator=self.generator).item())
        if not self.num_workers:
            return HereIterator(self)
        if not self.persistent_workers:
            return WorkersIterator(self, seed)
        if self._iterator is None or not self._iterator._close.alive:
            self._iterator = WorkersIterator(self, seed)
        else:
            self._iterator.again()
        return self._iterator

    def _counted(self, iterator: Iterator[Any], promised: int) -> Iterator[Any]:
        """``iterator`` with a warning where there is more than the length that somebody has asked for."""
        for count, batch in enumerate(iterator, 1):
            if count == promised + 1:
                shares = (
                    "" if not self.num_workers else "; with several workers each has to take its share (get_worker_info)"
                )
                warnings.warn(
                    f"an iterable dataset of length {promised} (in batches) has yielded more{shares}", stacklevel=2
                )
            yield batch

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        length = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is not None:
            length = length // self.batch_size if self.drop_last else -(-length // self.batch_size)
        self._promised = length
        return length


_FIXED = frozenset(["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"])


class HereIterator:
    """Batches made in this process."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        if loader.timeout:
            raise AssertionError("timeout is for loaders with workers")
        self._sampler = loader._index_sampler
        self._numbers = iter(self._sampler)
        self._fetch = fetcher(loader._plan())

    def __iter__(self) -> HereIterator:
        return self

    def __next__(self) -> Any:
        return self._fetch(next(self._numbers))

    def __len__(self) -> int:
        return len(self._sampler)


def _check_workers(num_workers: int, timeout: float, prefetch_factor: int | None, persistent: bool) -> None:
    if num_workers < 0:
        raise ValueError("num_workers is not negative; num_workers=0 makes batches in this process")
    if timeout < 0:
        raise ValueError("timeout is not negative")
    if not num_workers and prefetch_factor is not None:
        raise ValueError("prefetch_factor is for num_workers > 0")
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor is not negative")
    if persistent and not num_workers:
        raise ValueError("persistent_workers is for num_workers > 0")


__getattr__ = lacking(__name__)
