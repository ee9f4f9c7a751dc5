"""Examples by the numbers that a sampler gives, or as an iterable dataset yields them, made batches."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from dynamic.utils.data.collate import default_collate
from dynamic.utils.data.dataset import IterableDataset, Subset, TensorDataset


class Plan(NamedTuple):
    """What fetching takes: the dataset, whether numbers come in lists, what makes batches, whether a short one counts."""

    dataset: Any
    in_batches: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool


def fetcher(plan: Plan) -> Callable[[Any], Any]:
    """A function from what the sampler gives to a batch. One for an iterable dataset raises StopIteration at its end."""
    dataset, in_batches, collate_fn, drop_last = plan
    if isinstance(dataset, IterableDataset):
        examples = iter(dataset)

        def following(numbers: Any) -> Any:
            if not in_batches:
                return collate_fn(next(examples))
            found = list(itertools.islice(examples, len(numbers)))
            if not found or (drop_last and len(found) < len(numbers)):
                raise StopIteration
            return collate_fn(found)

        return following
    if not in_batches:
        return lambda number: collate_fn(dataset[number])
    if collate_fn is default_collate and _of_rows(dataset):
        return lambda numbers: _rows(dataset, numbers)
    if callable(together := getattr(dataset, "__getitems__", None)):
        return lambda numbers: collate_fn(together(numbers))
    return lambda numbers: collate_fn([dataset[number] for number in numbers])


def _of_rows(dataset: Any) -> bool:
    """Whether the examples are rows of tensors, so that a batch is an index into each: it has the same numbers."""
    while type(dataset) is Subset:
        dataset = dataset.dataset
    return type(dataset) is TensorDataset


def _rows(dataset: Any, numbers: Sequence[Any]) -> list[Any]:
    while type(dataset) is Subset:
        indices = dataset.indices
        numbers, dataset = [indices[number] for number in numbers], dataset.dataset
    return dataset._collated(numbers)
