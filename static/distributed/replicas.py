"""Sessions of replicas: each worker runs the whole graph on its rows of the batch, and all apply one gradient."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy import ndarray

from graphs.core.errors import at_line, listed
from static import errors, logging
from static.calling import Call, Feed
from static.distributed.replicas_batch import Batch, Union, shared, unions
from static.distributed.replicas_cut import Division, divide
from static.distributed.replicas_run import built
from static.distributed.rounds import culprit
from static.distributed.tensors import packed, unpacked
from static.errors import InternalError, OpError
from static.graph import Graph
from static.session import Session
from static.tensor import Tensor


class Group(Protocol):
    """Where replicas are, and how to call them."""

    size: int

    def name(self, rank: int) -> str:
        """What to call a replica in messages."""

    def ask(self, method: str, run: int, about: Mapping[int, dict[str, Any]]) -> Mapping[int, Mapping[str, Any]]:
        """What replicas answer, by rank: plain data, under ``error`` what went wrong."""

    def rebuild(self) -> None:
        """Have new replicas, without values, on the workers that are left."""

    def close(self) -> None:
        """Let the replicas go."""


@dataclass
class _Way:
    """A way of calling, with the same feeds split."""

    number: int
    division: Division
    own: bool
    told: bool = False
    unions: dict[Any, dict[int, Union]] = field(default_factory=dict)


_MOST_SHAPES = 64


class ReplicaSession(Session):
    """A session whose runs are shared by replicas: ``tf.Session("dask://...", replicas=4)``.

    **What is split.** What is fed to tensors whose first dimension is not known while building (``tf.placeholder(tf.float32,
    [None, 784])``) is the batch, and so is what is fed to those where it is known and as large as that; everything else is
    fed to each replica whole. ``split`` names the tensors that are the batch where that does not fit. Replica r has the r-th
    part of the rows, as even as can be, and ``session.split`` says how what was fed last was split.

    **What is averaged.** The gradients that an optimizer applies, each weighted by its replica's share of the batch, in the
    replicas' order, in float64 (with ``reduction="sum"`` they are added up: for losses that are sums over the batch). The
    same update then runs on every replica, so variables stay the same to the last bit (``check_replicas``). Whatever else is
    written to variables and differs between replicas, such as moving averages, is averaged too; what is added to variables
    of the collection ``LOCAL_VARIABLES``, as metrics do, is added up.

    **What is fetched.** Values with a dimension of the batch's are joined along it, in order; other numbers that differ
    between replicas are averaged as gradients are; of texts (summaries) it is replica 0's, and so it is of variables and of
    whatever else is the same everywhere. Integers that differ and are no rows of the batch are refused.

    **What is drawn.** In runs that split a batch or apply gradients each replica draws random numbers of its own, which the
    seed, the run and the rank determine; replica 0 draws a plain session's. In other runs, as of initialisers, all do.

    A run changes the variables of all replicas or of none. One replica gives the bits of a plain session.

    Args:
        group: where the replicas are.
        split: the tensors (or names of some) that are fed a batch, where it is not to be seen from their shapes.
        reduction: ``mean`` or ``sum``.

    Attributes:
        split: how what was fed last was split, by tensor: ``22 + 21 + 21`` or ``whole``.
        sent: the bytes that left each replica for others in the last run.
        broken: why the session is broken, "" as long as it is not.
    """

    def __init__(
        self,
        group: Group,
        graph: Graph | None = None,
        split: Collection[Any] | None = None,
        reduction: str = "mean",
        **settings: Any,
    ) -> None:
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction is 'mean' or 'sum', not {reduction!r}{at_line()}")
        super().__init__("", graph, **settings)
        self.group = group
        self.split: dict[str, str] = {}
        self._chosen = None
        if split is not None:
            self._chosen = {self.graph.as_graph_element(each, allow_operation=False) for each in split}
        self._summed = reduction == "sum"
        self._sent = 0
        self._loose: set[str] = set()
        self._numbers = 0
        self._runs = 0
        self._kept: dict[Call, dict[Any, _Way]] = {}
        self._decided = 0
        self.broken = ""
        self.sent: list[int] = []

    @property
    def replicas(self) -> int:
        """How many there are."""
        return self.group.size

    def run(
        self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """As ``Session.run``, by all replicas; see the class for what is split, averaged and joined.

        Raises ValueError where it is not clear what the batch is, UnavailableError or DeadlineExceededError, naming the
        worker, where a replica does not answer.
        """
        with self._lock:
            call = self._called(fetches, feed_dict or {})
            feeds = [feed.array(value) for feed, value in zip(call.feeds, (feed_dict or {}).values(), strict=True)]
            tensors = [feed.tensor for feed in call.feeds]
            batch = shared(tensors, feeds, self.replicas, self._chosen)
            way = self._way(call, tensors, batch)
            made = self._unions(way, call, tensors, feeds, batch)
            return call.pack((*self._run_way(way, call, tensors, feeds, batch, made), None))

    def interpret(self, *args: Any, **settings: Any) -> Any:
        """Raises UnimplementedError: replicas run plans."""
        raise errors.UnimplementedError(None, f"a session of replicas does not run node by node{at_line()}")

    def check_replicas(self) -> dict[str, str]:
        """A digest of each variable's value, by its name, where all replicas have the same to the last bit.

        Raises InternalError naming the variables in which some differ.
        """
        with self._lock:
            answers = self._ask("digests", {r: {} for r in range(self.replicas)})
        first: dict[str, str] = answers[0]["digests"]
        wrong = {
            name: [r for r in range(self.replicas) if answers[r]["digests"].get(name) != first.get(name)]
            for name in sorted({name for answer in answers.values() for name in answer["digests"]})
        }
        told = [f"{name} (on {', '.join(map(str, ranks))})" for name, ranks in wrong.items() if ranks]
        if told:
            raise InternalError(None, f"variables differ from those of replica 0: {', '.join(told)}")
        return first

    def load(self, values: Mapping[Any, Any]) -> None:
        """Give variables values, all at once, on every replica. Raises ValueError or TypeError where one does not fit."""
        arrays = {v.op.name: Feed(v._as_graph_element()).array(value) for v, value in values.items()}
        with self._lock:
            self._build()
            message = {name: packed(array)[0] for name, array in arrays.items()}
            self._ask("load", {r: {"values": message} for r in range(self.replicas)})

    def close(self) -> None:
        """Let the replicas and their variables go; running afterwards is an error."""
        if not self._closed:
            super().close()
            self._kept.clear()
            self.group.close()

    def rebuild(self) -> bool:
        """Go on with the workers that are left, where one is lost; there is a replica fewer for each.

        Variables keep the values that they had after the last run that came through, where a worker that has them is left;
        the answer is whether that is so. Raises UnavailableError where no worker is left.
        """
        with self._lock:
            held = self._left()
            self.group.rebuild()
            self.broken = ""
            self._sent = self._decided = 0
            self._build()
            if held:
                self._ask("load", {r: {"values": held} for r in range(self.replicas)})
            return bool(held)

    def _left(self) -> Mapping[str, Any]:
        """The variables' values, as messages, of the first replica that still answers."""
        for r in range(self.replicas):
            answer = self.group.ask("values", self._runs, {r: {"decided": self._decided}})[r]
            if "error" not in answer:
                return answer["values"]
        return {}

    # What a copy of it holds

    def _twin(self, *args: Any, **settings: Any) -> Session:
        with self._lock:
            held = self._ask("values", {0: {}})[0]["values"]
            named = {self.graph.get_operation_by_name(name): unpacked(value) for name, value in held.items()}
            self._state = named
            try:
                return super()._twin(*args, **settings)
            finally:
                self._state = {}

    # A run, step by step

    def _way(self, call: Call, tensors: Sequence[Tensor], batch: Batch) -> _Way:
        """The way of running, which the replicas know."""
        loose = {tensors[i].op.name for i in batch.split if (tensors[i].spec.dims or (None,))[0] is not None}
        self._build(loose)
        kept = self._kept.setdefault(call, {})
        way = kept.get(batch.split)
        if way is None:
            division, own = self._divided(call, tensors, [tensors[i] for i in sorted(batch.split)])
            self._numbers += 1
            way = kept[batch.split] = _Way(self._numbers, division, own)
            if own and batch.split:
                each = ", ".join(f"{t.name}{'' if i in batch.split else ' (whole)'}" for i, t in enumerate(tensors))
                logging.info("%d replicas share what is fed to %s", self.replicas, each)
        if tensors:
            self.split = {t.name: str(batch) if i in batch.split else "whole" for i, t in enumerate(tensors)}
        if not way.told:
            names = [x.name for x in call.fetches]
            joint = way.division.joint if self.replicas > 1 else []
            about = {
                "fed": [tensor.name for tensor in tensors],
                "fetches": names,
                "carried": [tensor.name for tensor in way.division.carried] if joint else [],
                "joint": [
                    [j.tensor.name, j.indices.name if j.indices is not None else None, j.summed or self._summed]
                    for j in joint
                ],
            }
            self._ask("prepare", {r: {"way": way.number, "about": about} for r in range(self.replicas)})
            way.told = True
        return way

    def _divided(self, call: Call, tensors: Sequence[Tensor], split: Sequence[Tensor]) -> tuple[Division, bool]:
        """How a run is cut, and whether replicas draw numbers of their own in it."""
        if split:
            return divide(call.fetches, tensors, split), True
        try:
            division = divide(call.fetches, tensors, ())
        except errors.UnimplementedError:
            pass
        else:
            if any(joint.gradient for joint in division.joint):
                return division, True
        return divide(call.fetches, tensors, (), alike=True), False

    def _build(self, loose: Collection[str] = ()) -> None:
        """Let the replicas have the graph, where it has grown since they had it."""
        if self._sent == self.graph.version and self._loose.issuperset(loose):
            return
        self._loose.update(loose)
        graph = self.graph.as_graph_def().to_json()
        self._ask("build", {r: {"graph": graph, "loose": sorted(self._loose)} for r in range(self.replicas)})
        self._sent = self.graph.version
        for ways in self._kept.values():
            for way in ways.values():
                way.told = False

    def _unions(
        self, way: _Way, call: Call, tensors: Sequence[Tensor], feeds: Sequence[ndarray], batch: Batch
    ) -> dict[int, Union]:
        """How what differs of the fetched values becomes one, by the place among them."""
        if not way.division.differing or self.replicas == 1:
            return {}
        key = tuple([value.shape for value in feeds])
        if key not in way.unions:
            if len(way.unions) >= _MOST_SHAPES:
                way.unions.clear()
            places = sorted(way.division.differing)
            fetched = [call.fetches[i] for i in places]
            if self._loose:  # where sizes are known from the graph, those of a part cannot be told in it
                graph = built(self.graph.as_graph_def().to_json(), self._loose)
                fetched = [graph.get_tensor_by_name(tensor.name) for tensor in fetched]
                tensors = [graph.get_tensor_by_name(tensor.name) for tensor in tensors]
            made = unions(fetched, tensors, feeds, batch)
            way.unions[key] = dict(zip(places, made, strict=True))
        return way.unions[key]

    def _run_way(
        self,
        way: _Way,
        call: Call,
        tensors: Sequence[Tensor],
        feeds: Sequence[ndarray],
        batch: Batch,
        joins: Mapping[int, Union],
    ) -> list[Any]:
        """The values of the fetched tensors."""
        count, division = self.replicas, way.division
        if division.writes or division.joint:
            ranks = list(range(count))
        elif joins:
            ranks = [r for r in range(count) if batch.shares[r]]
        else:
            ranks = [0]
        stream = copy(self.stream)
        stream.advance()
        self._runs += 1
        places = [i for i, x in enumerate(call.fetches) if isinstance(x, Tensor)]
        common = {
            "way": way.number,
            "run": self._runs,
            "shares": list(batch.shares),
            "draw": [stream.seed, stream.step, stream.ordinal],
            "own": way.own,
        }
        about = {
            r: {
                **common,
                "feeds": [packed(value)[0] for value in batch.part(feeds, r)],
                "wanted": [place for place, i in enumerate(places) if r == 0 or i in joins],
            }
            for r in ranks
        }
        answers = self._ask("run", about)
        if division.writes:
            self._decided = self._runs
        self.sent = [answers[r]["sent"] for r in ranks]
        drawn = [answers[r]["draws"] for r in ranks if answers[r]["draws"] is not None]
        if drawn:
            self.stream.advance()
            self.stream.ordinal = drawn[0]
        made = []
        for place, i in enumerate(places):
            if i in joins:
                values = [unpacked(answers[r]["values"][place]) for r in ranks]
                made.append(joins[i].of(values, [batch.shares[r] for r in ranks], self._summed))
            else:
                made.append(unpacked(answers[0]["values"][place]))
        return made

    def _ask(self, method: str, about: Mapping[int, dict[str, Any]]) -> Mapping[int, Mapping[str, Any]]:
        """What replicas answer; up to which run they count is told along with it. Raises what is the cause of what fails."""
        if self._closed:
            raise errors.closed()
        if self.broken:
            raise errors.AbortedError(
                None,
                f"this session is broken: {self.broken}. session.rebuild() goes on with those that are left{at_line()}",
            )
        answers = self.group.ask(method, self._runs, {r: {**each, "decided": self._decided} for r, each in about.items()})
        found = culprit(answers)
        if found is not None:
            raise self._error(*found)
        return answers

    def _error(self, rank: int, told: Mapping[str, Any]) -> Exception:
        """An error of replica ``rank`` as it is raised here. Where the replica is lost, the session is broken."""
        kind = getattr(errors, told["kind"], InternalError)
        kind = kind if isinstance(kind, type) and issubclass(kind, OpError) else InternalError
        where = self.group.name(rank)
        if told.get("lost"):
            names = sorted(v.op.name for v in self.graph.variables.values())
            share = next((text for text in self.split.values() if text != "whole"), "")
            rows = f", and its rows of the batch of {share}" if share else ""
            self.broken = (
                f"{where} is lost: {told['message']}. With it went its copies of {listed(names) or 'no variable'}{rows}"
            )
            return kind(None, f"{self.broken}{at_line()}")
        name = told.get("node")
        op = self.graph._operations.get(name) if name else None
        return kind(op, f"{told['message']} (on {where})")
