"""Datasets, samplers and the loader that makes batches of them."""

from __future__ import annotations

from dynamic.names import lacking
from dynamic.utils.data.collate import default_collate as default_collate, default_convert as default_convert
from dynamic.utils.data.dataloader import DataLoader as DataLoader
from dynamic.utils.data.dataset import (
    ChainDataset as ChainDataset,
    ConcatDataset as ConcatDataset,
    Dataset as Dataset,
    IterableDataset as IterableDataset,
    StackDataset as StackDataset,
    Subset as Subset,
    TensorDataset as TensorDataset,
    random_split as random_split,
)
from dynamic.utils.data.distributed import DistributedSampler as DistributedSampler
from dynamic.utils.data.sampler import (
    BatchSampler as BatchSampler,
    RandomSampler as RandomSampler,
    Sampler as Sampler,
    SequentialSampler as SequentialSampler,
    SubsetRandomSampler as SubsetRandomSampler,
    WeightedRandomSampler as WeightedRandomSampler,
)
from dynamic.utils.data.worker import WorkerInfo as WorkerInfo, get_worker_info as get_worker_info


__getattr__ = lacking(__name__)
