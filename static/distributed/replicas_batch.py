"""Which of a run's feeds are a batch, how replicas share it, and how what they fetch becomes one value again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from graphs.core.errors import at_line
from graphs.core.spec import Shape, Spec, show
from static.distributed.replicas_reduce import weights
from static.errors import InvalidArgumentError
from static.passes import Optimised
from static.passes.specialise import standins
from static.schedule import optimised
from static.tensor import Tensor


class Batch(NamedTuple):
    """A batch, shared out.

    Attributes:
        split: the positions of the feeds that are shared out by rows; none: each replica is fed all there is.
        shares: the rows that each replica has. One that has none is fed the first one's, and counts for nothing.
    """

    split: frozenset[int]
    shares: tuple[int, ...]

    def part(self, feeds: Sequence[ndarray], rank: int) -> list[ndarray]:
        """What the replica ``rank`` is fed."""
        if not self.split:
            return list(feeds)
        rank = rank if self.shares[rank] else 0
        start = sum(self.shares[:rank])
        rows = slice(start, start + self.shares[rank])
        return [value[rows] if i in self.split else value for i, value in enumerate(feeds)]

    def __str__(self) -> str:
        return " + ".join(map(str, self.shares))


def shared(
    tensors: Sequence[Tensor], feeds: Sequence[ndarray], replicas: int, chosen: Collection[Tensor] | None = None
) -> Batch:
    """How the feeds of a run are shared out.

    Without ``chosen`` the batch is what is fed to tensors whose first dimension is not known while building, and to those
    where it is known and as large; where all are known, they have to be of one size. The rows are shared out as evenly as
    possible, the first replicas having one more.

    Raises ValueError where it is not clear what the batch is.
    """
    if chosen is not None:
        split = [i for i, tensor in enumerate(tensors) if tensor in chosen]
    else:
        split = [i for i, tensor in enumerate(tensors) if _first(tensor.spec) is None and feeds[i].ndim]
        fixed = [i for i, tensor in enumerate(tensors) if i not in split and feeds[i].ndim and len(feeds[i]) > 1]
        sizes = {len(feeds[i]) for i in split}
        split += fixed if not split else [i for i in fixed if sizes == {len(feeds[i])}]
    sizes = {len(feeds[i]) if feeds[i].ndim else 0 for i in split}
    if len(sizes) > 1:
        told = ", ".join(f"{tensors[i].name} {show(feeds[i].shape)}" for i in sorted(split))
        raise ValueError(
            f"it is not clear what the batch is that {replicas} replicas are to share: numbers of rows differ ({told}). "
            f"Say which feeds are split: tf.Session(..., replicas={replicas}, split=[...]){at_line()}"
        )
    rows = next(iter(sizes), 0)
    if not rows:
        return Batch(frozenset(), (1,) * replicas)
    each, more = divmod(rows, replicas)
    return Batch(frozenset(split), tuple(each + (r < more) for r in range(replicas)))


def _first(spec: Spec) -> int | None:
    """The first dimension: None where it is not known, -1 where there is none."""
    if spec.dims is None:
        return None
    return spec.dims[0] if spec.dims else -1


class Union(NamedTuple):
    """How replicas' values of a fetched tensor become one.

    Attributes:
        name: the tensor's.
        way: ``first``: that of replica 0; ``mean``; ``rows``: one replica's after another's, along ``axis``.
    """

    name: str
    way: str
    axis: int = 0

    def of(self, values: Sequence[Any], shares: Sequence[int], summed: bool) -> Any:
        """The value. ``summed`` has numbers added up in place of their mean."""
        counted = [value for value, share in zip(values, shares, strict=True) if share]
        if self.way == "first" or len(counted) == 1:
            return counted[0]
        if self.way == "rows" and numpy.ndim(counted[0]):
            return numpy.concatenate(counted, self.axis)
        if numpy.asarray(counted[0]).dtype.kind not in "fc":
            raise InvalidArgumentError(None, f"{self.name} differs between replicas, and is no number that has a mean")
        *factors, whole = weights([share for share in shares if share], summed)
        dtype = numpy.asarray(counted[0]).dtype
        if any(numpy.shape(value) != numpy.shape(counted[0]) for value in counted):
            shapes = ", ".join(show(numpy.shape(value)) for value in counted)
            raise InvalidArgumentError(None, f"{self.name} has other shapes on other replicas, and no mean: {shapes}")
        wide = numpy.result_type(dtype, numpy.float64)
        with numpy.errstate(all="ignore"):
            total = sum(numpy.multiply(x, factor, dtype=wide) for x, factor in zip(counted, factors, strict=True))
            return (total / whole).astype(dtype)[()]


def unions(fetches: Sequence[Tensor], tensors: Sequence[Tensor], feeds: Sequence[ndarray], batch: Batch) -> list[Union]:
    """How each of ``fetches``, which differ between replicas, becomes one value.

    Where the size of one dimension hangs on the batch, replicas' values are joined along it; where none does, numbers are
    averaged, each weighted by its replica's share of the batch, and of texts the first replica's is taken.

    Raises InvalidArgumentError naming the tensor where two dimensions hang on the batch, and for integers and bools that are
    no rows of it.
    """
    if not fetches:
        return []
    whole = _shapes(fetches, tensors, feeds)
    part = _shapes(fetches, tensors, batch.part(feeds, 0))
    return [_union(tensor, *each) for tensor, each in zip(fetches, zip(whole, part, strict=True), strict=True)]


def _shapes(fetches: Sequence[Tensor], tensors: Sequence[Tensor], feeds: Sequence[ndarray]) -> list[Shape | None]:
    """The shapes of ``fetches`` for feeds of these shapes, as far as they can be told without running."""
    specs = [Spec(value.shape, tensor.spec.dtype) for tensor, value in zip(tensors, feeds, strict=True)]
    made = optimised(fetches, tensors, standins(tensors, specs, Optimised), ())
    return [root.spec.dims for root in made.program.roots]


def _union(tensor: Tensor, whole: Shape | None, part: Shape | None) -> Union:
    kind = tensor.spec.dtype.kind
    if whole is None or part is None:
        return Union(tensor.name, "rows")
    axes = [i for i, (a, b) in enumerate(zip(whole, part, strict=True)) if a is None or a != b]
    if len(axes) > 1:
        raise _refused(tensor, f"{len(axes)} of its dimensions hang on the batch")
    if axes:
        return Union(tensor.name, "rows", axes[0])
    if kind == "O":
        return Union(tensor.name, "first")
    if kind not in "fc":
        raise _refused(
            tensor, f"values of {tensor.spec.dtype.name} have no mean. Cast it to a float, or fetch what each example gives"
        )
    return Union(tensor.name, "mean")


def _refused(tensor: Tensor, why: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        tensor.op, f"{tensor.name} differs between replicas, and what they have of it cannot be put together: {why}"
    )
