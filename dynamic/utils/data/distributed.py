"""The share of each of several processes that train together."""

from __future__ import annotations

from collections.abc import Iterator, Sized

import dynamic
from dynamic.distributed.starting import get_rank, get_world_size
from dynamic.names import lacking
from dynamic.utils.data.sampler import Sampler


class DistributedSampler(Sampler[int]):
    """Every ``num_replicas``-th number from ``rank`` on, of all or of all in random order.

    All replicas draw the same order, from ``seed`` and the epoch that ``set_epoch`` tells. So that each has as many, some
    are repeated, or left out with ``drop_last``.

    Replicas and rank are those of the default process group, unless they are given. Raises ValueError for a rank beyond the
    replicas, and where either is missing and there is no process group.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        num_replicas = get_world_size() if num_replicas is None else num_replicas
        rank = get_rank() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise ValueError(f"rank {rank} of {num_replicas} replicas")
        self.dataset, self.num_replicas, self.rank, self.epoch = dataset, num_replicas, rank, 0
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last
        n = len(dataset)
        self.num_samples = n // num_replicas if drop_last else -(-n // num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        order = list(range(n))
        if self.shuffle:
            order = dynamic.randperm(n, generator=dynamic.Generator().manual_seed(self.seed + self.epoch)).tolist()
        if not self.drop_last:
            order = (order * -(-self.total_size // max(n, 1)))[: self.total_size]
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Have another order from now on."""
        self.epoch = epoch


__getattr__ = lacking(__name__)
