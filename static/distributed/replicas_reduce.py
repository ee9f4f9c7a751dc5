"""Putting together what replicas have: sums and means in the order of ranks, whatever arrives first.

Each replica adds up one chunk of everything and hands it round (reduce-scatter and all-gather), so that each sends and takes
twice its own size, however many there are. Numbers are added in float64 and rounded once: a mean of float32 is the mean of
what the replicas have to the last bit but one; of float64 it is within ``(n + 2)`` half units of the mean of the magnitudes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy
from numpy import ndarray

from graphs.core.spec import show
from static.errors import DataLossError, InvalidArgumentError


CHUNKS, SUMS, ROWS = range(3)
"""The exchanges of a run."""

AT_ONCE = 1 << 16
"""Up to so many bytes each replica sends all it has to all, and each adds up everything: one journey in place of two."""


class Swap(Protocol):
    """What takes arrays from replica to replica, in a run in which all do the same: ``phase`` numbers the exchanges in it.

    It sends ``out[r]`` to replica r and returns what each has sent here. Raises an OpError where one does not answer.
    """

    rank: int
    size: int
    sent: int
    spans: list[tuple[float, float]]

    def begin(self, run: int) -> None:
        """Go on to the run ``run``: nothing has been ``sent`` in it, and no time been spent waiting (``spans``)."""

    def __call__(self, phase: int, out: Mapping[int, Sequence[ndarray]]) -> Mapping[int, Sequence[ndarray]]:
        """What each replica but this one has sent here."""


class Kind:
    """How values of all replicas become one: ``rows`` are taken one replica's after another's, numbers are added."""

    __slots__ = ("name", "rows", "summed")

    def __init__(self, name: str, rows: bool, summed: bool) -> None:
        self.name = name
        self.rows = rows
        self.summed = summed


def weights(shares: Sequence[int], summed: bool) -> list[float]:
    """What each replica's numbers are multiplied by before they are added, and what the sum is divided by, at the end."""
    if summed:
        return [*(float(share > 0) for share in shares), 1.0]
    common = math.gcd(*shares)
    return [*(float(share // common) for share in shares), float(sum(shares) // common)]


def joined(kinds: Sequence[Kind], values: Sequence[ndarray], shares: Sequence[int], swap: Swap) -> list[ndarray]:
    """What ``values`` become, the same on every replica.

    Args:
        kinds: how; one that is of rows has two values, the rows and their places.
        values: what this replica has.
        shares: the rows of the batch that each replica has; one with none counts for nothing.

    Raises InvalidArgumentError, naming the tensor, where replicas have numbers of different shapes.
    """
    dense: list[tuple[Kind, ndarray]] = []
    rows: list[tuple[Kind, ndarray, ndarray]] = []
    given = iter(values)
    for kind in kinds:
        if kind.rows:
            rows.append((kind, next(given), next(given)))
        else:
            dense.append((kind, next(given)))
    summed = iter(_added(dense, shares, swap))
    gathered = iter(_gathered(rows, shares, swap)) if rows else iter(())
    made: list[ndarray] = []
    for kind in kinds:
        made += next(gathered) if kind.rows else [next(summed)]
    return made


def _added(dense: Sequence[tuple[Kind, ndarray]], shares: Sequence[int], swap: Swap) -> list[ndarray]:
    if not dense:
        return []
    groups: dict[tuple[str, bool], list[int]] = {}
    for i, (kind, value) in enumerate(dense):
        groups.setdefault((value.dtype.str, kind.summed), []).append(i)
    flat = [numpy.concatenate([dense[i][1].reshape(-1) for i in places]) for places in groups.values()]
    header = numpy.array([n for _, value in dense for n in (value.ndim, *value.shape)], numpy.int64)
    n, rank = swap.size, swap.rank
    others = [r for r in range(n) if r != rank]
    at_once = sum(part.nbytes for part in flat) <= AT_ONCE or n == 1
    ends = [[0, part.size] if at_once else [part.size * r // n for r in range(n + 1)] for part in flat]

    def chunks(r: int) -> list[ndarray]:
        return flat if at_once else [part[end[r] : end[r + 1]] for part, end in zip(flat, ends, strict=True)]

    came = swap(CHUNKS, {r: [header, *chunks(r)] for r in others}) if others else {}
    for r in others:
        _check_kind(came[r][:1], [header], r)
        _same_shapes(dense, header, came[r][0], r)
        _check(came[r], [header, *chunks(rank)], r)
    totals = []
    for g, (_, summed) in enumerate(groups):
        parts = [chunks(rank)[g] if r == rank else came[r][1 + g] for r in range(n)]
        totals.append(_total(parts, weights(shares, summed)))
    if not at_once:
        back = swap(SUMS, dict.fromkeys(others, totals))
        for r in others:
            _check(back[r], chunks(r), r)
        every = [totals if r == rank else back[r] for r in range(n)]
        totals = [numpy.concatenate([part[g] for part in every]) for g in range(len(groups))]
    made: list[Any] = [None] * len(dense)
    for total, places in zip(totals, groups.values(), strict=True):
        start = 0
        for i in places:
            shape = dense[i][1].shape
            size = math.prod(shape)
            made[i] = total[start : start + size].reshape(shape)
            start += size
    return made


def _total(parts: Sequence[ndarray], factors: Sequence[float]) -> ndarray:
    """The sum of ``parts``, each times its factor, divided by the last factor: in order, in float64, rounded once."""
    dtype = parts[0].dtype
    if dtype.kind in "iu":
        return sum((part for part, factor in zip(parts, factors, strict=False) if factor), numpy.zeros_like(parts[0]))
    wide = numpy.result_type(dtype, numpy.float64)
    total: Any = None
    with numpy.errstate(all="ignore"):
        for part, factor in zip(parts, factors, strict=False):
            if factor:
                term = part.astype(wide) if factor == 1.0 else numpy.multiply(part, factor, dtype=wide)
                total = term if total is None else numpy.add(total, term, out=total)
        if factors[-1] != 1.0:
            total /= factors[-1]
        return total.astype(dtype, copy=False)


def _gathered(rows: Sequence[tuple[Kind, ndarray, ndarray]], shares: Sequence[int], swap: Swap) -> list[list[ndarray]]:
    """All replicas' rows and places, in order of ranks."""
    mine = [array for _, values, places in rows for array in (values, places)]
    others = [r for r in range(swap.size) if r != swap.rank]
    came = swap(ROWS, dict.fromkeys(others, mine)) if others else {}
    for r in others:
        _check_kind(came[r], mine, r)
        for here, there in zip(mine, came[r], strict=True):
            if here.shape[1:] != there.shape[1:]:
                raise _garbled(r, f"rows of shape {show(there.shape)} in place of {show(here.shape)}")
    made = []
    for i, (kind, _, _) in enumerate(rows):
        *factors, whole = weights(shares, kind.summed)
        parts, places = [], []
        for r in range(swap.size):
            values, at = (mine if r == swap.rank else came[r])[2 * i : 2 * i + 2]
            if factors[r]:
                part = factors[r] / whole
                parts.append(values if part == 1.0 else numpy.multiply(values, part).astype(values.dtype, copy=False))
                places.append(at)
        made.append([numpy.concatenate(parts), numpy.concatenate(places)])
    return made


def _same_shapes(dense: Sequence[tuple[Kind, ndarray]], mine: ndarray, theirs: ndarray, rank: int) -> None:
    if numpy.array_equal(mine, theirs):
        return
    left = list(theirs)
    for kind, value in dense:
        ndim = int(left.pop(0)) if left else 0
        shape = tuple(int(x) for x in left[:ndim])
        del left[:ndim]
        if shape != value.shape:
            raise InvalidArgumentError(
                None,
                f"{kind.name} has shape {show(value.shape)} here and {show(shape)} on replica {rank}: it has no mean",
            )


def _check(came: Sequence[ndarray], wanted: Sequence[ndarray], rank: int) -> None:
    """Raise DataLossError where what has come from a replica is not what its shapes say."""
    _check_kind(came, wanted, rank)
    for there, here in zip(came, wanted, strict=True):
        if there.shape != here.shape:
            raise _garbled(rank, f"shape {show(there.shape)} in place of {show(here.shape)}")


def _check_kind(came: Sequence[ndarray], wanted: Sequence[ndarray], rank: int) -> None:
    if len(came) != len(wanted):
        raise _garbled(rank, f"{len(came)} arrays in place of {len(wanted)}")
    for there, here in zip(came, wanted, strict=True):
        if not isinstance(there, ndarray) or there.dtype != here.dtype or there.ndim != here.ndim:
            found = f"{there.dtype} {show(there.shape)}" if isinstance(there, ndarray) else f"a {type(there).__name__}"
            raise _garbled(rank, f"{found} in place of {here.dtype} {show(here.shape)}")


def _garbled(rank: int, what: str) -> DataLossError:
    return DataLossError(None, f"replica {rank} has sent {what}")
