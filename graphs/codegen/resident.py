"""Steps over arrays that stay where they are: run once, then captured and replayed, with what they change changed in place.

Where ``capture.Replay`` copies arguments in and results out, nothing is copied here: a graph is for these very arrays, and
is launched again as long as it is called with them. What a step is to change is changed at the end of the graph, by the
graph, so that one launch does all of it or none. The rules of ``capture`` hold otherwise; random draws may be part of it,
since captured kernels read their keys from an array that is filled before each launch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import is_
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen.capture import MOST_GRAPHS, Captured, UncapturableError
from graphs.codegen.links import Link, pinned
from graphs.core.random import DeviceKey, Key, words


Draw = Callable[[Key | None, int], Any]

Site = tuple[Key | None, int]
"""What a draw is asked for: the op's own key, and which op it is."""

MOST_CAPTURES = 8 * MOST_GRAPHS
"""Captures of a step, after which it is seen to be another each time, and is run."""

FIRST = "it is the first run"


class Rows:
    """What a step makes of an array by replacing some of its ``rows``: those at ``indices``."""

    __slots__ = ("indices", "rows")

    def __init__(self, indices: Any, rows: Any) -> None:
        self.indices = indices
        self.rows = rows

    def __array__(self, dtype: Any = None, copy: Any = None) -> ndarray:
        return numpy.asarray(self.rows, dtype)


class _Noted:
    """Stands for a run's draws while it is found out which there are; the numbers do not matter."""

    def __init__(self, xp: Any) -> None:
        self.sites: list[Site] = []
        self._key = DeviceKey(xp.zeros(3, numpy.uint64))

    def __call__(self, own: Key | None, site: int) -> DeviceKey:
        self.sites.append((own, site))
        return self._key


class _Held:
    """Stands for the draws while they are captured: the keys are in an array of the device."""

    def __init__(self, sites: Sequence[Site], keys: Any) -> None:
        self._sites = iter(sites)
        self._keys = keys
        self._at = 0

    def __call__(self, own: Key | None, site: int) -> DeviceKey:
        if next(self._sites, None) != (own, site):
            raise UncapturableError("its draws differ from run to run")
        key = DeviceKey(self._keys[self._at])
        self._at += 1
        return key


class _Graph(Captured):
    """A capture for the arrays ``args``; ``pairs`` say which results go into which of them."""

    def __init__(self, part: Resident, args: Sequence[Any], pairs: Sequence[tuple[int, int]]) -> None:
        xp = part.xp
        super().__init__(xp)
        self.args = tuple(args)
        self.pairs = tuple(pairs)
        self.sites: list[Site] = []
        self.keys: Any = None
        self.filled: ndarray | None = None
        self.sent: list[int] = []
        self.brought: dict[int, tuple[Any, ndarray]] = {}
        self.copies = bool(part.downs)
        self.own = False
        self.results: list[Any] = []

        targets = {target for _, target in self.pairs}
        for x in args:
            here = part.link.waiting(x)
            if here is not None:
                part.link.send(x, here)

        def warm() -> None:
            noted = _Noted(xp)
            part.function(noted, *[None if at in targets else x for at, x in enumerate(args)])
            self.sites = noted.sites
            if self.sites:
                self.keys = xp.empty((len(self.sites), 3), numpy.uint64)
                self.filled = pinned(xp, (len(self.sites), 3), numpy.uint64)

        def step() -> list[Any]:
            if self.copies:
                self._send(part.link, args)
            outs = part.computed(_Held(self.sites, self.keys), args, self.pairs)
            for out, target in self.pairs:
                if outs[out] is not args[target]:
                    _put(args[target], outs[out])
            self._bring(part, outs)
            return outs

        self.make(warm, step)
        if part.fresh <= {out for out, _ in self.pairs}:  # nobody needs a copy of his own
            self.results = part._given(self.outs, self.args, self.pairs)

    def _send(self, link: Link, args: Sequence[Any]) -> None:
        """Have the graph copy what is fed, and the keys, from pinned memory."""
        for x in args:
            here = link.waiting(x)
            if here is not None:
                _up(x, here)
                self.sent.append(id(x))
        if self.filled is not None:
            _up(self.keys, self.filled)

    def _bring(self, part: Resident, outs: Sequence[Any]) -> None:
        """Have it copy what is fetched to pinned memory."""
        for at, slot in part.downs.items():
            out = outs[at]
            if isinstance(out, part.xp.ndarray):
                here = part.link.below(slot, out)
                if here.nbytes:
                    out.data.copy_to_host_async(here.ctypes.data, here.nbytes, part.xp.cuda.get_current_stream())
                self.brought[id(out)] = (out, here)

    def fits(self, link: Link, args: Sequence[Any], pairs: Sequence[tuple[int, int]]) -> bool:
        return self.pairs == tuple(pairs) and link.waits(self.sent) and self.is_for(args)

    def is_for(self, args: Sequence[Any]) -> bool:
        return all(map(is_, self.args, args))

    def replay(self, part: Resident, draw: Draw | None, link: Link) -> None:
        stream = self.begin()
        link.flush(self.sent)
        if self.filled is not None:
            assert draw is not None
            self.filled[...] = [words(draw(*site)) for site in self.sites]
            if not self.copies:
                link.send(self.keys, self.filled)
            link.traffic.keys_bytes += self.filled.nbytes
        self.launch(stream)
        part.committed = bool(self.pairs)
        self.done.record(stream)
        if self.copies:
            link.brought(self.brought, self.done)


class Resident:
    """A function ``(draw, *arrays) -> results`` on GPU number ``device``, replayed as said above.

    Args:
        xp: cupy's module.
        function: changes none of its arguments, but may write into the last, where it is given them: to these it commits,
            nothing reads them, and it gets them while it is captured. Numbers of Python's in it are those of the capture.
        device: the number of the GPU.
        link: how keys get there.
        refusal: why it cannot be captured, as far as that is known.
        commits: pairs (result, argument): what the argument is to hold afterwards, where that is asked for.
        fresh: the results that nothing else may hold.

    Attributes:
        reason: why the last call was no replay; empty where it was.
        launches: how many graphs have been launched.
        committed: whether arguments have been changed; whoever asks sets it back.
        stable: of each argument whether the same array may be expected again; others are copied. Empty: all are.
        downs: results that are fetched from the device, by number, each with its slot of the link. Where there are any, the
            graph does all the copying itself, since it is waited for then.
        blame: what to say of where a capture went wrong.
    """

    def __init__(
        self,
        xp: Any,
        function: Callable[..., tuple[Any, ...]],
        device: int,
        link: Link,
        refusal: str = "",
        commits: Sequence[tuple[int, int]] = (),
        fresh: Sequence[int] = (),
    ) -> None:
        self.xp = xp
        self.function = function
        self.reason = refusal
        self.launches = 0
        self.committed = False
        self.stable: tuple[bool, ...] = ()
        self.downs: dict[int, Any] = {}
        self._refusal = refusal
        self._device = device
        self.link = link
        self._commits = tuple(commits)
        self.width = min([target for _, target in commits], default=1 << 30)
        self.fresh = frozenset(fresh)
        self._graphs: list[_Graph] = []
        self._buffers: dict[Any, Any] = {}
        self.blame: Callable[[BaseException], str] = lambda error: ""
        self._begun = False
        self._made = 0
        self._last: _Graph | None = None

    @property
    def graphs(self) -> int:
        """How many graphs there are."""
        return len(self._graphs)

    def forget(self) -> None:
        """Let go of all graphs, once the device is through with them."""
        graphs, self._graphs, self._last = self._graphs, [], None
        for graph in graphs:
            graph.done.synchronize()

    def __call__(self, draw: Draw | None, own: bool, args: Sequence[Any]) -> list[Any]:
        """The results; with ``own`` those that are committed are in their arguments, and these stand for them.

        Args:
            draw: makes the keys of random draws.
            own: whether the arguments that are committed to may be changed.
            args: arrays of the device.
        """
        graph = self._last
        if graph is not None and graph.own == own and self._here() and graph.is_for(args) and self.link.waits(graph.sent):
            self.reason = ""
            graph.replay(self, draw, self.link)
            self.launches += 1
            return graph.results or self._given(graph.outs, graph.args, graph.pairs, copies=True)
        return self._looked_for(draw, own, args)

    def _here(self) -> bool:
        return bool(self.xp.cuda.get_device_id() == self._device)

    def _looked_for(self, draw: Draw | None, own: bool, args: Sequence[Any]) -> list[Any]:
        """As a call, where the last graph is not the one."""
        with self.xp.cuda.Device(self._device):
            pairs = [pair for pair in self._commits if own and args[pair[1]] is not None]
            if self._refusal or not self._begun:
                self.reason = self._refusal or FIRST
                self._begun = True
                return self._run(draw, args, pairs)
            stable: Sequence[bool] = self.stable or (True,) * len(args)
            if self._made > MOST_GRAPHS:  # what should have stayed has not: rather copy than capture again and again
                changed = {target for _, target in pairs}
                stable = [at in changed for at in range(len(args))]
            given = [x if kept else self._buffered(at, x) for at, (x, kept) in enumerate(zip(args, stable, strict=True))]
            try:
                graph = self._graph(given, pairs)
            except UncapturableError as error:
                self._refusal = self.reason = f"{self.blame(error)}{error}"
                return self._run(draw, args, pairs)
            if graph is None:
                return self._run(draw, args, pairs)
            self.reason = ""
            graph.own = own
            self._last = graph if graph.is_for(args) else None
            graph.replay(self, draw, self.link)
            self.launches += 1
            return self._given(graph.outs, given, pairs, copies=True)

    def _graph(self, args: Sequence[Any], pairs: Sequence[tuple[int, int]]) -> _Graph | None:
        for graph in self._graphs:
            if graph.fits(self.link, args, pairs):
                return graph
        odd = [x for x in args if x is not None and not isinstance(x, self.xp.ndarray)]
        if odd:
            self.reason = f"it reads a {type(odd[0]).__name__} that is no array of the device"
            return None
        if self._made >= MOST_CAPTURES:
            self._refusal = self.reason = "it has been captured for one shape after another"
            return None
        self._made += 1
        made = _Graph(self, args, pairs)
        if any(not _fits(args[target], made.outs[out]) for out, target in pairs):
            self.reason = "a variable changes its shape"
            return None
        if len(self._graphs) >= MOST_GRAPHS:
            self._graphs.pop(0).done.synchronize()
        self._graphs.append(made)
        return made

    def _buffered(self, at: int, x: Any) -> Any:
        """An array that holds ``x`` and is the same one for each value of its shape."""
        if not isinstance(x, self.xp.ndarray):
            return x
        key = (at, x.shape, x.dtype)
        found = self._buffers.get(key)
        if found is None:
            found = self._buffers[key] = self.xp.empty(x.shape, x.dtype)
        found[...] = x
        return found

    def _run(self, draw: Draw | None, args: Sequence[Any], pairs: Sequence[tuple[int, int]]) -> list[Any]:
        self.link.flush()
        # What fails on the way must not have changed anything: it is all computed first.
        outs = self.computed(draw, [*args[: self.width], *[None] * (len(args) - self.width)])
        fitting = [(out, target) for out, target in pairs if _fits(args[target], outs[out])]
        for out, target in fitting:
            _put(args[target], outs[out])
        self.committed = bool(fitting)
        return self._given(outs, args, fitting)

    def _given(
        self, outs: Sequence[Any], args: Sequence[Any], pairs: Sequence[tuple[int, int]], copies: bool = False
    ) -> list[Any]:
        """What a call gives: the arguments that hold results, and copies where the graph will write again."""
        into = dict(pairs)
        return [
            args[into[at]] if at in into else _copied(x) if copies and at in self.fresh else x for at, x in enumerate(outs)
        ]

    def computed(self, draw: Any, args: Sequence[Any], pairs: Sequence[tuple[int, int]] = ()) -> list[Any]:
        """The results, in C's order, none of which shares memory with an argument, unless it is to be put there anyway."""
        into = dict(pairs)
        outs = self.function(draw, *args)
        return [x if at in into and x is args[into[at]] else self._kept(x, args) for at, x in enumerate(outs)]

    def _kept(self, x: Any, args: Sequence[Any]) -> Any:
        if isinstance(x, Rows):
            return Rows(self._kept(x.indices, args), self._kept(x.rows, args))
        if isinstance(x, numpy.generic):
            return self.xp.asarray(x)
        if not isinstance(x, self.xp.ndarray):
            return x
        if x.base is not None or any([x is arg for arg in args]):  # noqa: C419 (faster)
            return x.copy()
        return x if x.flags.c_contiguous else self.xp.ascontiguousarray(x)


def _up(there: Any, here: ndarray) -> None:
    if here.nbytes:
        there.data.copy_from_host_async(here.ctypes.data, here.nbytes)


def _put(target: Any, value: Any) -> None:
    if isinstance(value, Rows):
        target[value.indices] = value.rows
    else:
        target[...] = value


def _fits(target: Any, value: Any) -> bool:
    if isinstance(value, Rows):
        return True
    return bool(value.shape == target.shape and value.dtype == target.dtype)


def _copied(x: Any) -> Any:
    if isinstance(x, Rows):
        return Rows(x.indices.copy(), x.rows.copy())
    return x.copy() if hasattr(x, "copy") else x


__all__ = ["FIRST", "Resident", "Rows"]
