"""One replica: the whole graph in a session of its own, whose runs stop at the gradients to put them together with others'.

What a run writes is kept aside until all replicas have come through: the next message says up to which run it counts.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy
from numpy import ndarray

from graphs.core.parts import split_as, threads
from graphs.core.random import Draws, Key, Stream
from static.calling import Call
from static.distributed.replicas_reduce import Kind, Swap, joined
from static.distributed.running import Stopped, told
from static.distributed.tensors import GarbledError, Message, packed, unpacked
from static.export.definitions import GraphDef
from static.export.reading import import_graph_def
from static.graph import Graph
from static.passes import PIPELINE, Pass
from static.session import Session
from static.tensor import Tensor, placeholder


_APART = 1 << 48
"""Between the ordinals of one replica's draws and the next one's: no run draws so often."""


class OwnDraws(Draws):
    """The keys of one replica's draws: those of rank 0 are a plain session's, and no two replicas have the same."""

    __slots__ = ("_rank",)

    def __init__(self, stream: Stream, rank: int) -> None:
        super().__init__(stream)
        self._rank = rank

    def __call__(self, own: Key | None, site: int) -> Key:
        """As for a plain run, with the rank in the upper bits of the ordinal."""
        seed, step, ordinal = super().__call__(own, site)
        return seed, step, ordinal + self._rank * _APART


class Way:
    """A way of running on a replica, cut in two: the calls of the programs before and after what is put together.

    Args:
        about: ``fed``, ``carried`` and ``fetches``, as names, and ``joint``: tensor, indices or None, whether summed.
    """

    def __init__(self, session: Session, about: Mapping[str, Any]) -> None:
        fed = list(about["fed"])
        joint = [[name, indices] if indices else [name] for name, indices, _ in about["joint"]]
        cut = [name for names in joint for name in names]
        carried = list(about["carried"])
        self.kinds = [Kind(name, indices is not None, summed) for name, indices, summed in about["joint"]]
        self.joint = len(cut)
        self.before = _call(session, [*cut, *carried], fed) if cut else None
        self.after = _call(session, about["fetches"], [*fed, *cut, *carried])


def _call(session: Session, fetches: Sequence[str], fed: Sequence[str]) -> Call:
    return session._call(list(fetches), dict.fromkeys(fed))


class Replica:
    """What runs on a worker for one of several replicas.

    Args:
        rank: which one it is.
        swap: what takes arrays to others and back.
        passes, refuse: as for a session.
        parts: in how many parts large work is done, by default as many as this process has threads for.

    Attributes:
        session: what holds the variables.
    """

    def __init__(
        self, rank: int, swap: Swap, passes: Sequence[Pass] = PIPELINE, refuse: Iterable[str] = (), parts: int | None = None
    ) -> None:
        self.rank = rank
        self._parts = threads() if parts is None else parts
        self._swap = swap
        self._passes, self._refuse = passes, refuse
        self.session = self._opened(Graph())
        self._ways: dict[int, Way] = {}
        self._staged: tuple[int, Any] | None = None

    def _opened(self, graph: Graph) -> Session:
        return Session(graph=graph, passes=self._passes, refuse=self._refuse, check=False)

    def build(self, graph: str, loose: Iterable[str]) -> None:
        """Take the graph (JSON as ``GraphDef`` has it) in place of the one before; variables keep their values.

        The leading dimension of the placeholders ``loose`` becomes unknown.
        """
        made = built(graph, loose)
        session = self._opened(made)
        held = {node.name: value for node, value in self.session._state.items()}
        session._state = {node: held[node.name] for node in made.get_operations() if node.name in held}
        self.session, self._ways = session, {}

    def prepare(self, number: int, about: Mapping[str, Any]) -> None:
        """Know a way of running under ``number``. Raises as ``Session.run`` does for fetches and feeds that are wrong."""
        self._ways[number] = Way(self.session, about)

    def settle(self, decided: int) -> None:
        """What the run ``decided`` has written counts; what a later one has does not."""
        staged, self._staged = self._staged, None
        if staged and staged[0] == decided:
            self.session._commit(staged[1])

    def run(
        self, run: int, number: int, feeds: Sequence[ndarray], shares: Sequence[int], draw: Sequence[int], own: bool
    ) -> tuple[list[Any], int | None]:
        """What is fetched, and the ordinal of the next draw, None where nothing was drawn.

        What it writes is kept aside (see ``settle``).

        Args:
            run: the number of the run.
            number: the way of running.
            feeds: this replica's part of what is fed.
            shares: the rows that each replica has.
            draw: seed, step and next ordinal of the random stream.
            own: whether each replica draws numbers of its own.

        Raises OpError as a session's run does, and where what replicas have cannot be put together.
        """
        way, session = self._ways[number], self.session
        stream = Stream(draw[0])
        stream.step, stream.ordinal = draw[1:]
        draws = OwnDraws(stream, self.rank if own else 0)
        random = False
        later: Sequence[Any] = list(feeds)
        with numpy.errstate(all="ignore"), split_as(self._parts):
            if way.before is not None:
                plan = session._planned(way.before, feeds)
                random |= plan.random
                found, _ = plan(session._state, feeds, draws)
                mine = [numpy.asarray(value) for value in found[: way.joint]]
                carried = map(numpy.asarray, found[way.joint :])
                later = [*feeds, *joined(way.kinds, mine, shares, self._swap), *carried]
            plan = session._planned(way.after, later)
            random |= plan.random
            values, written = plan(session._state, later, draws)
        if written:
            self._staged = (run, written)
        return list(values), stream.ordinal if random else None

    # Variables

    def digests(self) -> dict[str, str]:
        """A digest of each variable's dtype, shape and bytes."""
        held = sorted((node.name, value) for node, value in self.session._state.items())
        return {name: _digest(value) for name, value in held}

    def load(self, values: Mapping[str, Any]) -> None:
        """Give variables values, by their names."""
        named = {self.session.graph.get_operation_by_name(name): value for name, value in values.items()}
        self.session._state = {**self.session._state, **named}

    # As messages

    def answer(self, method: str, about: Mapping[str, Any]) -> dict[str, Any]:
        """What a message of the session gets: plain data, under ``error`` what went wrong."""
        try:
            self.settle(int(about.get("decided", 0)))
            if method == "run":
                return self._ran(about)
            if method == "build":
                self.build(about["graph"], about["loose"])
            elif method == "prepare":
                self.prepare(about["way"], about["about"])
            elif method == "load":
                self.load({name: unpacked(message) for name, message in about["values"].items()})
            elif method == "digests":
                return {"digests": self.digests()}
            elif method == "values":
                held = self.session._state.items()
                return {"values": {node.name: packed(value)[0] for node, value in held}}
            else:
                return {"error": {"kind": "InternalError", "message": f"a replica has no method {method!r}"}}
        except (Exception, Stopped) as error:
            return {"error": told(error)}
        return {}

    def _ran(self, about: Mapping[str, Any]) -> dict[str, Any]:
        start = time.time()
        self._swap.begin(int(about["run"]))
        try:
            feeds = [unpacked(message) for message in about["feeds"]]
        except GarbledError as error:
            raise Stopped("DataLossError", str(error)) from None
        values, draws = self.run(about["run"], about["way"], feeds, about["shares"], about["draw"], about["own"])
        shown: list[Message | None] = [packed(values[i])[0] if i in about["wanted"] else None for i in range(len(values))]
        made = {"values": shown, "draws": draws, "times": [start, time.time()], "sent": self._swap.sent}
        return {**made, "spans": [list(span) for span in self._swap.spans]}


def _digest(value: Any) -> str:
    array = numpy.asarray(value)
    data = repr(array.tolist()).encode() if array.dtype.kind == "O" else numpy.ascontiguousarray(array).tobytes()
    return hashlib.sha256(f"{array.dtype.str}{array.shape}".encode() + data).hexdigest()


def built(text: str, loose: Iterable[str]) -> Graph:
    """The graph of a description in JSON, in which the leading dimension of the placeholders ``loose`` is not known."""
    made = Graph()
    description = GraphDef.from_json(text)
    with made.as_default():
        given = _loosened(description, set(loose))
        import_graph_def(description, given or None, name="")
    return made


def _loosened(description: GraphDef, loose: set[str]) -> dict[str, Tensor]:
    """Placeholders of the default graph for those of the description whose leading dimension is to be unknown.

    Theirs take other names: what stands in for a tensor may be of another shape, and so may what is computed from it.
    """
    given = {}
    aside = {name: f"{name}/whole" for name in loose}
    for node in description.node:
        if node.name in loose:
            (spec,) = node.specs
            assert spec.dims
            given[f"{aside[node.name]}:0"] = placeholder(spec.dtype, (None, *spec.dims[1:]), node.name)
            node.name = aside[node.name]
        for i, x in enumerate(node.operands):
            if isinstance(x, str) and x.removesuffix(":0") in aside:
                node.operands[i] = f"{aside[x.removesuffix(':0')]}:0"
        node.control = [aside.get(name, name) for name in node.control]
    return given
