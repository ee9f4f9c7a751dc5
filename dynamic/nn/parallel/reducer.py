"""What averages gradients over the ranks while a backward pass is under way.

Before the pass the tape is walked once: that tells which parameters it reaches and which record reads each of them first,
after whose rules the parameter's gradient is complete. The parameter's record is given a place in the order of the pass
right behind that one, so that its hook runs then and not at the end. The hook puts the gradient into its bucket; a bucket
that is full is reduced in the background, while the pass goes on with earlier layers.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy

from dynamic import tape
from dynamic.apply import Carried, wrap
from dynamic.autograd import edges
from dynamic.distributed.announcing import Announcement
from dynamic.distributed.arrays import filled, flat, then
from dynamic.distributed.collectives import carrier
from dynamic.distributed.groups import ProcessGroup
from dynamic.nn.parallel.buckets import Bucket, shared_out
from dynamic.tape import Record, leaf
from graphs.core.arrays import xp_of
from graphs.core.errors import GradientError, at_line
from graphs.core.node import OwnEdge


_reducers: weakref.WeakSet[Reducer] = weakref.WeakSet()
_numbers = itertools.count()


class Reducer:
    """Averages the gradients of parameters over the ranks of a group.

    Args:
        named: the parameters with their names, the same on all ranks.
        group: the ranks.
        limits: bytes of the first bucket and of the others.
        unused: whether parameters that a pass does not reach are to be expected.
        lasting: whether buckets are made anew by the order in which gradients came, although some may be unused.
        views: whether ``grad`` is the bucket's memory.
    """

    def __init__(
        self,
        named: Sequence[tuple[str, Any]],
        group: ProcessGroup,
        limits: Sequence[int],
        unused: bool,
        lasting: bool,
        views: bool,
    ) -> None:
        self.number = next(_numbers)
        self.names = [name for name, _ in named]
        self.parameters = [tensor for _, tensor in named]
        self.group, self.unused, self.views = group, unused, views
        self.limits, self.divisor = limits, group.size()
        self.expecting = True
        self._rebuilding = not unused or lasting
        self.hook: Any = None
        self._arrived: list[int] = []
        self._order: list[int] | None = None
        self._hooked: list[Any] = [None] * len(self.parameters)
        self._handles: list[Any] = [()] * len(self.parameters)
        self._moved: list[tuple[Record, int]] = []
        self._waited: set[int] = set()
        self._done: set[int] = set()
        self._next = 0
        self._active = False
        self._used = numpy.zeros(len(self.parameters), numpy.int32)
        self._set_buckets(range(len(self.parameters) - 1, -1, -1))
        _reducers.add(self)
        tape.hastened = _hasten

    def _set_buckets(self, order: Sequence[int]) -> None:
        arrays = [tensor._array for tensor in self.parameters]
        self.buckets = [Bucket(members, arrays) for members in shared_out(arrays, order, self.limits)]
        self._bucket_of = {i: bucket for bucket in self.buckets for i in bucket.members}

    # Before a pass

    def prepare(self, found: dict[Record, int]) -> None:
        """Get ready for a pass that reaches these records, if parameters are among them.

        Args:
            found: the records of leaves, each with the serial of the record that reads it first.

        Raises GradientError naming parameters that the pass does not reach, unless that is to be expected.
        """
        reached = {i: tensor._edge for i, tensor in enumerate(self.parameters) if tensor._edge in found}
        if not reached:
            return
        missed = [i for i in range(len(self.parameters)) if i not in reached]
        if missed and not self.unused:
            raise GradientError(
                f"the loss does not depend on all parameters of a DistributedDataParallel: {self._some(missed)}. The ranks "
                f"would wait for these gradients; find_unused_parameters=True lets them be missing{at_line()}"
            )
        self._rebuild()
        self._active, self._waited, self._arrived = True, set(reached), []
        edges.finishing.append(self._finish)
        self._next = 0
        for bucket in self.buckets:
            bucket.waiting, bucket.work = len(bucket.members), None
        for i, record in reached.items():
            if self._hooked[i] is not record:
                self._attach(i, record)
            self._moved.append((record, record.serial))
            record.early = True
            record.serial = found[record] - (i + 1) / (len(self.parameters) + 2)
        self._used[:] = 0
        self._used[list(reached)] = 1
        for i in missed:
            self._put(i, None)

    def _some(self, numbers: list[int]) -> str:
        names = [self.names[i] for i in numbers]
        return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

    def _attach(self, i: int, record: Record) -> None:
        itself = weakref.ref(self)
        for handle in self._handles[i]:
            handle.remove()

        def came(g: Any) -> None:
            reducer = itself()
            if reducer is not None and reducer._active:
                reducer._come(i, g)

        def over(tensor: Any) -> None:
            reducer = itself()
            if reducer is not None and i in reducer._done:
                reducer._done.discard(i)
                reducer._give(i)

        self._handles[i] = tape.add_hook(record, 0, came, last=True), tape.add_after(record, over)
        self._hooked[i] = record

    def _rebuild(self) -> None:
        """After the first pass, have buckets by the order in which rank 0's gradients came in it."""
        if self._order is None:
            return
        order = numpy.array(self._order + sorted(set(range(len(self.parameters))) - set(self._order)))
        self._order = None
        about = Announcement("DistributedDataParallel", order.dtype, order.shape, root=0)
        self.group.begin(about, self.group.moves.broadcast(order, 0), None, False)
        self._set_buckets(order.tolist())

    # In the pass

    def _come(self, i: int, g: Any) -> None:
        if i not in self._waited:
            raise GradientError(
                f"parameter {self.names[i]} has a gradient twice in one backward pass, or in a pass within it (checkpoint "
                f"with use_reentrant=True does that): its reduction is under way already{at_line()}"
            )
        self._waited.discard(i)
        self._arrived.append(i)
        self._put(i, g._array if isinstance(g, Carried) else g)

    def _put(self, i: int, g: Any) -> None:
        """Put a gradient in its place, with what has been collected before, and begin what is complete."""
        bucket = self._bucket_of[i]
        view, before = bucket.views[i], self.parameters[i].grad
        xp = xp_of((view,))
        share = 1.0 if self.hook is not None else 1.0 / self.divisor
        if g is None and before is None:
            view[...] = 0
        elif g is None or before is None:
            xp.multiply(before._array if g is None else g, share, out=view)
        else:
            xp.add(before._array, g, out=view)
            view *= share
        if self.views and before is not None:
            self.parameters[i].grad = None  # it may be the bucket's memory, to which the pass would add
        bucket.waiting -= 1
        while self._next < len(self.buckets) and not self.buckets[self._next].waiting:
            self._begin(self._next)
            self._next += 1
        self.group.row.poke()

    def _begin(self, number: int) -> None:
        bucket = self.buckets[number]
        if self.hook is not None:
            bucket.work = self.hook(self, bucket, number, number + 1 == len(self.buckets))
            return
        memory = wrap(bucket.memory)
        moves, native = carrier(self.group, memory)
        values = flat(memory, native)
        steps = then(moves.all_reduce(values, "SUM"), filled(memory, values))
        about = Announcement("DistributedDataParallel", values.dtype, values.shape, reduction="SUM", extra=number)
        bucket.work = self.group.begin(about, steps, None, True)

    # At its end

    def _finish(self, well: bool) -> None:
        self._active = False
        for record, serial in self._moved:
            record.serial, record.early = serial, False
        self._moved.clear()
        if not well:
            return
        for i in sorted(self._waited):  # an operation has sent nothing back
            self._used[i] = 0
            self._put(i, None)
        self._wait()
        self._done = set(self._arrived)
        for i in numpy.flatnonzero(self._used).tolist():
            if i not in self._done:
                self._give(i)

    def _wait(self) -> None:
        """Wait for all reductions, and learn which parameters any rank has used, where some may be unused."""
        if self.unused:
            used = self._used
            about = Announcement("DistributedDataParallel", used.dtype, used.shape, reduction="MAX")
            self.group.begin(about, self.group.moves.all_reduce(used, "MAX"), None, False)
        for bucket in self.buckets:
            bucket.work.wait()
        if self._rebuilding:
            self._rebuilding, self._order = False, self._arrived

    def keep_company(self) -> None:
        """Do what a pass of the other ranks does, with gradients of zeros."""
        self._rebuild()
        self._used[:], self._arrived = 0, []
        for number, bucket in enumerate(self.buckets):
            bucket.memory[...] = 0
            self._begin(number)
        self._wait()

    def _give(self, i: int) -> None:
        """Make what was averaged the parameter's gradient."""
        tensor, view = self.parameters[i], self._bucket_of[i].views[i]
        if self.views:
            tensor.grad = wrap(view)
        elif tensor.grad is None or tensor.grad._edge is not None:
            tensor.grad = wrap(view.copy())
        else:
            tensor.grad._array[...] = view
            tensor.grad._touch()


def _hasten(roots: list[tuple[Any, Any]], wrt: list[Any] | None) -> None:
    """Before a pass: those reducers whose parameters it reaches get ready. ``autograd.grad`` leaves gradients alone."""
    idle = [reducer for reducer in _reducers if reducer.expecting and not reducer._active]
    if wrt is not None or not idle:
        return
    found = first_readers([edge for edge, _ in roots])
    for reducer in sorted(idle, key=attrgetter("number")):
        reducer.prepare(found)


def first_readers(roots: list[Any]) -> dict[Record, int]:
    """The leaves that roots depend on, each with the serial of the earliest record that reads it."""
    found: dict[Record, int] = {}
    seen = set()
    stack = []
    for edge in roots:
        node = edge.node
        if node.op is leaf:
            found[node] = node.serial + 1
        elif node not in seen:
            seen.add(node)
            stack.append(node)
    while stack:
        node = stack.pop()
        serial = node.serial
        flows = node.op.flows
        for position, edge in enumerate(node.edges):
            if edge is None or not flows(position):
                continue
            source: Any = edge if isinstance(edge, OwnEdge) else edge.node
            if source.op is leaf:
                before = found.get(source)
                if before is None or serial < before:
                    found[source] = serial
            elif source not in seen:
                seen.add(source)
                stack.append(source)
    return found
