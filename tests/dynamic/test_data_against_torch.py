"""Datasets, samplers, collation and the loader's settings: the same batches, and errors of the same class, as in PyTorch."""

import collections
import importlib
import warnings

import numpy as np
import pytest

import dynamic
from dynamic.utils import data as ours
from tests.dynamic.oracle import pytorch


pytestmark = pytest.mark.oracle

Point = collections.namedtuple("Point", "x y")


class Frozen(collections.abc.Mapping):
    """A mapping that cannot be changed, made of a dictionary."""

    def __init__(self, items):
        self._items = items

    def __getitem__(self, key):
        return self._items[key]

    def __iter__(self):
        return iter(self._items)

    def __len__(self):
        return len(self._items)


def described(x):
    """A result as plain values that can be compared, with types and dtypes."""
    if hasattr(x, "detach"):
        return ("tensor", str(x.dtype), tuple(x.shape), x.tolist())
    if isinstance(x, collections.abc.Mapping):
        return (type(x).__name__, {key: described(value) for key, value in x.items()})
    if isinstance(x, (list, tuple)):
        return (type(x).__name__, [described(each) for each in x])
    return (type(x).__name__, x)


def same_in_both(build):
    """Run ``build(torch, torch.utils.data)`` in both; the results, or the classes of the errors, are the same."""
    torch = pytorch()
    theirs = importlib.import_module("torch.utils.data")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wanted = described(build(torch, theirs))
        except Exception as error:
            with pytest.raises(type(error)):
                described(build(dynamic, ours))
            return
        assert described(build(dynamic, ours)) == wanted


EXAMPLES = {
    "tensors": lambda torch: [torch.arange(3), torch.arange(3) + 1],
    "scalars": lambda torch: [torch.tensor(1.5), torch.tensor(2.5)],
    "bools": lambda torch: [True, False],
    "ints": lambda torch: [1, 2, 3],
    "floats": lambda torch: [1.0, 2.5],
    "int and float": lambda torch: [1, 2.5],
    "strings": lambda torch: ["a", "b"],
    "bytes": lambda torch: [b"a", b"b"],
    "arrays": lambda torch: [np.arange(3), np.arange(3)],
    "float32 arrays": lambda torch: [np.ones((2, 2), np.float32)],
    "arrays without dimensions": lambda torch: [np.array(3), np.array(4)],
    "numpy floats": lambda torch: [np.float32(3), np.float32(4)],
    "numpy doubles": lambda torch: [np.float64(3), np.float64(4)],
    "numpy ints": lambda torch: [np.int16(3), np.int16(4)],
    "numpy bools": lambda torch: [np.bool_(True), np.bool_(False)],
    "array of strings": lambda torch: [np.array(["a", "b"])],
    "array of objects": lambda torch: [np.array([object()])],
    "tuples": lambda torch: [(1, "a"), (2, "b")],
    "lists": lambda torch: [[1, 2.0], [3, 4.0]],
    "deep": lambda torch: [((1, [2.0]), {"a": torch.ones(2)}), ((3, [4.0]), {"a": torch.zeros(2)})],
    "dicts": lambda torch: [{"a": 1, "b": 2.0}, {"a": 3, "b": 4.0}],
    "ordered dicts": lambda torch: [collections.OrderedDict(b=1, a=2), collections.OrderedDict(b=3, a=4)],
    "default dicts": lambda torch: [collections.defaultdict(int, a=1), collections.defaultdict(int, a=2)],
    "frozen mappings": lambda torch: [Frozen({"a": 1}), Frozen({"a": 2})],
    "integer keys": lambda torch: [{1: 2}, {1: 3}],
    "named tuples": lambda torch: [Point(1, 2.0), Point(3, 4.0)],
    "ranges": lambda torch: [range(3), range(3)],
    "one": lambda torch: [5],
    "nothing": lambda torch: [],
    "none": lambda torch: [None, None],
    "objects": lambda torch: [object(), object()],
    "lengths differ": lambda torch: [[1, 2], [3]],
    "shapes differ": lambda torch: [torch.ones(2), torch.ones(3)],
    "keys differ": lambda torch: [{"a": 1}, {"b": 2}],
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_collation(name):
    same_in_both(lambda torch, data: data.default_collate(EXAMPLES[name](torch)))


@pytest.mark.parametrize(
    "name", [name for name in EXAMPLES if name not in ("objects", "array of objects", "array of strings")]
)
def test_conversion(name):
    same_in_both(lambda torch, data: data.default_convert(EXAMPLES[name](torch)))


def letters(data, kind):
    """Datasets that both libraries can hold."""
    if kind == "iterable":

        class Letters(data.IterableDataset):
            def __iter__(self):
                return iter([1.5, 2.5, 3.5, 4.5, 5.5])

        return Letters()
    if kind == "iterable with length":

        class Numbers(data.IterableDataset):
            def __iter__(self):
                return iter(range(5))

            def __len__(self):
                return 5

        return Numbers()

    class Mapped(data.Dataset):
        def __getitem__(self, i):
            if i >= 7:
                raise IndexError(i)
            return {"number": i, "square": float(i * i)}

        def __len__(self):
            return 7

    if kind == "together":

        class Together(Mapped):
            def __getitems__(self, indices):
                return [{"number": -i} for i in indices]

        return Together()
    return Mapped()


SETTINGS = {
    "defaults": {},
    "batches": {"batch_size": 3},
    "drop last": {"batch_size": 3, "drop_last": True},
    "one by one": {"batch_size": None},
    "collate": {"batch_size": 2, "collate_fn": len},
    "positional": {"batch_size": 4, "shuffle": False},
    "pin memory": {"pin_memory": False},
    "zero": {"batch_size": 0},
    "negative": {"batch_size": -1},
    "half": {"batch_size": 1.5},
    "negative workers": {"num_workers": -1},
    "negative timeout": {"timeout": -1},
    "timeout here": {"timeout": 1},
    "prefetch here": {"prefetch_factor": 2},
    "negative prefetch": {"num_workers": 1, "prefetch_factor": -2},
    "persistent here": {"persistent_workers": True},
    "context here": {"multiprocessing_context": "fork"},
    "unknown context": {"num_workers": 1, "multiprocessing_context": "pigeons"},
    "wrong context": {"num_workers": 1, "multiprocessing_context": 3},
    "drop last one by one": {"batch_size": None, "drop_last": True},
    "sampler": {"sampler": [3, 1, 1], "batch_size": 2},
    "sampler and shuffle": {"sampler": [1], "shuffle": True},
    "batch sampler": {"batch_sampler": [[1, 2], [0], [3, 3, 3]]},
    "batch sampler and size": {"batch_sampler": [[1]], "batch_size": 2},
    "batch sampler and drop last": {"batch_sampler": [[1]], "drop_last": True},
    "batch sampler and shuffle": {"batch_sampler": [[1]], "shuffle": True},
    "batch sampler and sampler": {"batch_sampler": [[1]], "sampler": [1]},
    "sampler one by one": {"batch_size": None, "sampler": [2, 5]},
    "shuffle": {"shuffle": True, "collate_fn": lambda batch: 0},
}


@pytest.mark.parametrize("kind", ["mapped", "together", "iterable", "iterable with length"])
@pytest.mark.parametrize("name", SETTINGS)
def test_loaders(kind, name):
    def build(torch, data):
        loader = data.DataLoader(letters(data, kind), **SETTINGS[name])
        found = [list(loader), list(loader)]
        if kind != "iterable":
            found.append(len(loader))
        return found

    same_in_both(build)


@pytest.mark.parametrize("kind", ["mapped", "iterable"])
@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("name", ["defaults", "batches", "drop last", "one by one", "collate", "sampler", "batch sampler"])
def test_loaders_with_workers(kind, workers, name):
    same_in_both(lambda torch, data: list(data.DataLoader(letters(data, kind), num_workers=workers, **SETTINGS[name])))


CASES = {
    "tensors": lambda torch, data: list(data.TensorDataset(torch.arange(3), torch.ones(3, 2))),
    "tensors slice": lambda torch, data: data.TensorDataset(torch.arange(5))[1:3],
    "tensors length": lambda torch, data: len(data.TensorDataset(torch.arange(5))),
    "tensors differ": lambda torch, data: data.TensorDataset(torch.ones(2), torch.ones(3)),
    "tensors in batches": lambda torch, data: list(data.DataLoader(data.TensorDataset(torch.arange(5), torch.eye(5)), 2)),
    "subset in batches": lambda torch, data: list(
        data.DataLoader(data.Subset(data.Subset(data.TensorDataset(torch.arange(9)), range(3, 9)), [5, 0, 1]), 2)
    ),
    "tensors in batches of one": lambda torch, data: list(data.DataLoader(data.TensorDataset(torch.arange(3)))),
    "tensors out of range": lambda torch, data: list(data.DataLoader(data.TensorDataset(torch.arange(3)), sampler=[5])),
    "tensor as dataset": lambda torch, data: list(data.DataLoader(torch.arange(6).view(3, 2), batch_size=2)),
    "list as dataset": lambda torch, data: list(data.DataLoader([1.0, 2.0, 3.0], batch_size=2)),
    "concat": lambda torch, data: list(data.ConcatDataset([[1, 2], [3], [4, 5]])),
    "concat from the end": lambda torch, data: data.ConcatDataset([[1, 2], [3]])[-1],
    "concat far from the end": lambda torch, data: data.ConcatDataset([[1, 2], [3]])[-4],
    "concat beyond": lambda torch, data: data.ConcatDataset([[1, 2], [3]])[5],
    "concat sizes": lambda torch, data: data.ConcatDataset([[1, 2], [3]]).cumulative_sizes,
    "concat cumsum": lambda torch, data: data.ConcatDataset.cumsum([[1, 2], [3]]),
    "concat nothing": lambda torch, data: data.ConcatDataset([]),
    "concat iterables": lambda torch, data: data.ConcatDataset([letters(data, "iterable")]),
    "add": lambda torch, data: list(letters(data, "mapped") + letters(data, "mapped")),
    "chain": lambda torch, data: list(letters(data, "iterable") + letters(data, "iterable")),
    "chain length": lambda torch, data: len(data.ChainDataset([letters(data, "iterable with length")] * 3)),
    "chain without length": lambda torch, data: len(data.ChainDataset([letters(data, "iterable")])),
    "chain lists": lambda torch, data: list(data.ChainDataset([[1], [2]])),
    "stack": lambda torch, data: list(data.StackDataset([1, 2], [3, 4])),
    "stack by name": lambda torch, data: data.StackDataset(a=[1, 2], b=[3, 4])[1],
    "stack nothing": lambda torch, data: data.StackDataset(),
    "stack both": lambda torch, data: data.StackDataset([1], a=[1]),
    "stack differ": lambda torch, data: data.StackDataset([1], [1, 2]),
    "subset": lambda torch, data: list(data.Subset([5, 6, 7], [2, 0])),
    "subset list": lambda torch, data: data.Subset(data.TensorDataset(torch.arange(5)), [4, 3, 2])[[0, 2]],
    "subset together": lambda torch, data: data.Subset(letters(data, "together"), [4, 3, 2]).__getitems__([0, 2]),
    "subset length": lambda torch, data: len(data.Subset([5, 6, 7], [2, 0])),
    "no items": lambda torch, data: data.Dataset()[0],
    "no length": lambda torch, data: len(data.Dataset()),
    "no iteration": lambda torch, data: list(iter(data.IterableDataset())),
    "dataset of": lambda torch, data: data.Dataset[int].__name__,
    "split": lambda torch, data: [len(part) for part in data.random_split(range(10), [7, 3])],
    "split all": lambda torch, data: sorted(i for part in data.random_split(range(10), [7, 3]) for i in part),
    "split shares": lambda torch, data: [len(part) for part in data.random_split(range(10), [0.33, 0.33, 0.34])],
    "split shares 2": lambda torch, data: [len(part) for part in data.random_split(range(11), [0.5, 0.5])],
    "split shares 3": lambda torch, data: [len(part) for part in data.random_split(range(5), [0.1, 0.1, 0.8])],
    "split to nothing": lambda torch, data: [len(part) for part in data.random_split(range(1), [0.5, 0.5])],
    "split too little": lambda torch, data: data.random_split(range(10), [3, 3]),
    "split too much": lambda torch, data: data.random_split(range(10), [0.5, 0.6]),
    "split negative": lambda torch, data: data.random_split(range(10), [1.5, -0.5]),
    "sequential": lambda torch, data: list(data.SequentialSampler("abc")),
    "random": lambda torch, data: sorted(data.RandomSampler("abc")),
    "random some": lambda torch, data: [len(set(data.RandomSampler("abcde", num_samples=3))), len(data.RandomSampler("ab"))],
    "random rounds": lambda torch, data: sorted(data.RandomSampler("abc", num_samples=6)),
    "random again": lambda torch, data: len(list(data.RandomSampler("ab", replacement=True, num_samples=9))),
    "random of nothing": lambda torch, data: data.RandomSampler(""),
    "random negative": lambda torch, data: data.RandomSampler("a", num_samples=-1),
    "random half": lambda torch, data: data.RandomSampler("a", num_samples=1.5),
    "random replacement": lambda torch, data: data.RandomSampler("a", replacement=3),
    "subset random": lambda torch, data: sorted(data.SubsetRandomSampler([7, 3, 5])),
    "weighted": lambda torch, data: list(data.WeightedRandomSampler([0.0, 2.0], 4)),
    "weighted once": lambda torch, data: sorted(data.WeightedRandomSampler([0.3, 2.0, 5.0], 3, replacement=False)),
    "weighted length": lambda torch, data: len(data.WeightedRandomSampler([0.3, 2.0, 5.0], 5)),
    "weighted too many": lambda torch, data: list(data.WeightedRandomSampler([0.3, 2.0], 3, replacement=False)),
    "weighted none": lambda torch, data: data.WeightedRandomSampler([1.0], 0),
    "weighted bool": lambda torch, data: data.WeightedRandomSampler([1.0], True),
    "weighted replacement": lambda torch, data: data.WeightedRandomSampler([1.0], 1, 3),
    "weighted matrix": lambda torch, data: data.WeightedRandomSampler([[1.0]], 1),
    "batch": lambda torch, data: list(data.BatchSampler(range(5), 2, False)),
    "batch drop": lambda torch, data: list(data.BatchSampler(range(5), 2, True)),
    "batch length": lambda torch, data: [len(data.BatchSampler(range(5), 2, drop)) for drop in (False, True)],
    "batch zero": lambda torch, data: data.BatchSampler([1], 0, False),
    "batch bool": lambda torch, data: data.BatchSampler([1], True, False),
    "batch drop number": lambda torch, data: data.BatchSampler([1], 1, 1),
    "sampler iteration": lambda torch, data: iter(data.Sampler()),
    "sampler length": lambda torch, data: len(data.Sampler()),
    "distributed": lambda torch, data: [list(data.DistributedSampler(range(7), 3, r, shuffle=False)) for r in range(3)],
    "distributed drop": lambda torch, data: [
        list(data.DistributedSampler(range(7), 3, r, shuffle=False, drop_last=True)) for r in range(3)
    ],
    "distributed few": lambda torch, data: [list(data.DistributedSampler(range(2), 5, r, shuffle=False)) for r in range(5)],
    "distributed all": lambda torch, data: sorted(i for r in range(2) for i in data.DistributedSampler(range(6), 2, r)),
    "distributed rank": lambda torch, data: data.DistributedSampler(range(2), 2, 2),
    "distributed length": lambda torch, data: len(data.DistributedSampler(range(7), 2, 1)),
    "set batch size": lambda torch, data: setattr(data.DataLoader([1]), "batch_size", 2),
    "set dataset": lambda torch, data: setattr(data.DataLoader([1]), "dataset", [2]),
    "attributes": lambda torch, data: [
        getattr(data.DataLoader([1, 2], 2), name)
        for name in ("batch_size", "drop_last", "num_workers", "pin_memory", "timeout")
    ],
    "attributes without batches": lambda torch, data: [
        getattr(data.DataLoader([1], None), name) for name in ("batch_size", "batch_sampler", "prefetch_factor", "generator")
    ],
    "sampler kinds": lambda torch, data: [
        type(data.DataLoader([1], shuffle=shuffle).sampler).__name__ for shuffle in (None, False, True)
    ],
    "info": lambda torch, data: data.get_worker_info(),
    "gradients": lambda torch, data: [
        x.requires_grad for (x,) in data.DataLoader(data.TensorDataset(torch.ones(2, requires_grad=True)), 2)
    ],
}


@pytest.mark.parametrize("name", CASES)
def test_datasets_and_samplers(name):
    same_in_both(CASES[name])
