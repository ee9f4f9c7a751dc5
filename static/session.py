"""Sessions: they hold the variables' values and run graphs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen.links import Traffic
from graphs.core.arrays import to_numpy
from graphs.core.errors import at_line
from graphs.core.random import Draws, Stream
from graphs.core.spec import Spec
from graphs.rewrite import Choice
from static.calling import MOST_PLANS, Call, Feed, changed, frozen
from static.defaults import session_scope
from static.devices import DeviceAttributes
from static.distributed.targets import is_cluster, session_class
from static.errors import closed
from static.gpus import attributes
from static.graph import Graph, Operation, get_default_graph
from static.growth import Growth
from static.inspection import Inspection
from static.metadata import traced
from static.packing import packer
from static.passes import PIPELINE, Pass
from static.passes.accumulate import accumulate
from static.passes.choosing import checking, refused
from static.placed_runs import run_placed
from static.placement import Placer
from static.plan import FIRST, Plan, State
from static.rows import Commit


class Session(Inspection):
    """Runs operations of one graph and keeps the values of its variables.

    Random operations draw from ``stream``: the same seed (``tf.set_random_seed``) gives the same numbers, run by run, in
    every session; without a seed each session has its own.

    Args:
        graph: the graph, by default the default one.
        passes: what a run's nodes go through before they are run, in order (``static.passes``).
        refuse: names of rules and passes that do not fire. Raises ValueError for names that nothing has.
        check: whether each rewrite is held to its rule's bound as a plan is made, on random inputs and on those at which
            rules go wrong; ``graphs.rewrite.WrongRewriteError`` has the counterexample. By default what the environment's
            ``DIPTYCH_CHECK`` says.
    """

    def __new__(cls, target: Any = "", *_: Any, **settings: Any) -> Any:
        """A session on a cluster where ``target`` names one (``static.distributed``), of ``replicas`` where asked for."""
        if target and is_cluster(target):
            cls = session_class(cls, target, settings.get("replicas") is not None)
        return object.__new__(cls)

    def __init__(
        self,
        target: str = "",
        graph: Graph | None = None,
        config: Any = None,
        passes: Sequence[Pass] = PIPELINE,
        refuse: Iterable[str] = (),
        check: bool | None = None,
    ) -> None:
        self.graph = graph or get_default_graph()
        self.passes = tuple(passes)
        self.refuse = refused(refuse, self.passes)
        self.check = checking() if check is None else check
        self._limit: int | None = None
        self._state: State = {}
        self._rows = False
        self._own: dict[Any, ndarray] = {}
        self._changes = 0
        self._calls: dict[Any, Call] = {}
        self._growth = Growth(self.graph)
        self._lock = threading.RLock()
        self._planning = threading.RLock()
        self._closed = False
        self._placer = Placer(config)
        self.traffic = Traffic()
        self._stream: Stream | None = None
        self._entered: list[Any] = []

    def run(
        self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """The values of ``fetches``, in the structure in which they were asked for; None for an operation.

        Args:
            fetches: a tensor, variable, operation or name of one, or lists, tuples, named tuples and dicts of them.
            feed_dict: values to use for tensors in place of computing them.
            options, run_metadata: ``RunOptions`` and the ``RunMetadata`` that tells of the run what they ask for.

        All variables are read as they were when the run began (see ``Variable``), and change together when it ends; a run
        that fails or is interrupted changes none, and what it has drawn the next run draws.

        Raises ``tf.errors.OpError`` naming the node where an operation fails, ValueError or TypeError for wrong feeds and
        fetches.
        """
        if run_metadata is not None:
            return traced(self, fetches, feed_dict, options, run_metadata)
        kind = type(fetches)
        asked: Any = tuple(fetches) if kind is list else fetches
        try:
            key = (kind, asked, *feed_dict) if feed_dict else (kind, asked)
            call = self._calls.get(key)
        except TypeError:
            key = (kind, frozen(fetches), *(feed_dict or ()))
            call = self._calls.get(key)
        if call is None:
            call = self._calls.setdefault(key, self._call(fetches, feed_dict or {}))
        feeds: Sequence[Any] = ()
        if feed_dict:
            feeds = list(feed_dict.values())
            for value, dtype in zip(feeds, call.dtypes, strict=True):
                if type(value) is not ndarray or value.dtype is not dtype:
                    feeds = [feed.array(value) for feed, value in zip(call.feeds, feeds, strict=True)]
                    break
        plan = call.plans.get(tuple([value.shape for value in feeds])) or self._planned(call, feeds)
        if plan.silent:
            values = self._follow(plan, feeds)
        else:
            with numpy.errstate(all="ignore"):
                values = self._follow(plan, feeds)
        return call.pack((*values, None))

    def _follow(self, plan: Plan, feeds: Sequence[Any]) -> tuple[Any, ...]:
        """What a run of ``plan`` fetches; the variables have changed.

        Runs that change nothing take no lock; where values were being changed in place meanwhile, they are done again.
        """
        changes, state = self._changes, self._state  # in this order
        if not (plan.locked or self._rows or changes & 1):
            if self._closed:  # afterwards: what was there before it was closed may still be used
                raise closed()
            try:
                values, _ = plan(state, feeds)
                if self._changes == changes:
                    return values
            except Exception:  # which may be of values of which some had changed and some had not
                if self._changes == changes:
                    raise
        with self._lock:
            draw = place = own = None
            state = self._state
            self._check_open()
            try:
                if plan.random:
                    place = (self.stream.step, self.stream.ordinal)
                    draw = self._draws()
                if plan.placed:
                    return run_placed(self, plan, feeds, draw)
                if plan.inplace and self._owns(plan.inplace):
                    self._changes |= 1
                    own = True
                    values, _ = plan(state, feeds, draw, own)
                    self._changes += 1
                    return values
                values, written = plan(state, feeds, draw)
                if plan.rows:
                    self._commit(written)
                else:
                    self._state = {**state, **written}
                    if plan.inplace:
                        self._own.update(written)
            except BaseException as error:
                if place is not None and self._state is state and not plan.completed(error, own):
                    self.stream.step, self.stream.ordinal = place
                raise
            if self._closed:  # meanwhile
                self._state, self._own = {}, {}
        return values

    def _owns(self, variables: Sequence[Any]) -> bool:
        """Whether nothing but this session can be reading the arrays of these variables."""
        own, state = self._own, self._state
        return all([own.get(variable) is state.get(variable) for variable in variables])  # noqa: C419 (faster)

    def make_callable(
        self, fetches: Any, feed_list: Sequence[Any] | None = None, accept_options: bool = False
    ) -> Callable[..., Any]:
        """A function that runs ``fetches``, given values for the tensors of ``feed_list`` in their order."""
        fed = [self.graph.as_graph_element(tensor, allow_operation=False) for tensor in feed_list or ()]
        self._call(fetches, dict.fromkeys(fed))

        def function(*values: Any, options: Any = None, run_metadata: Any = None) -> Any:
            if len(values) != len(fed):
                raise TypeError(f"{len(values)} values are given for the {len(fed)} tensors of the feed list{at_line()}")
            return self.run(fetches, dict(zip(fed, values, strict=True)), options, run_metadata)

        return function

    def list_devices(self) -> list[DeviceAttributes]:
        """The processor, and the GPUs that the session may use."""
        return attributes(self._placer.gpus)

    @property
    def graph_def(self) -> Any:
        """The graph as data (see ``Graph.as_graph_def``)."""
        return self.graph.as_graph_def()

    def plan(self, fetches: Any, feed_dict: Mapping[Any, Any] | Sequence[Any] = ()) -> Plan:
        """The plan that ``run`` follows for these fetches and fed tensors.

        Given a mapping it is that for the shapes of the values, which ``run`` has made if it has run with such; given
        tensors alone, the one that holds for all shapes.
        """
        if not isinstance(feed_dict, Mapping):
            return self._made(self._call(fetches, dict.fromkeys(feed_dict)), None, "asked for")
        call = self._called(fetches, feed_dict)
        feeds = [feed.array(value) for feed, value in zip(call.feeds, feed_dict.values(), strict=True)]
        return self._planned(call, feeds)

    def interpret(
        self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None, observe: Any = None, commit: bool = True
    ) -> Any:
        """As ``run``, node by node and slower, with the same results to the last bit.

        ``observe(node, operands, outputs)`` is told of each node; with ``commit`` false the variables and the random stream
        stay as they were.
        """
        call = self._called(fetches, feed_dict or {})
        feeds = [feed.array(value) for feed, value in zip(call.feeds, (feed_dict or {}).values(), strict=True)]
        with self._lock, numpy.errstate(all="ignore"):
            state, place = self._state, (self.stream.step, self.stream.ordinal)
            try:
                plan = self._planned(call, feeds)
                values, written = plan.interpret(state, feeds, self._draws() if plan.random else None, observe)
                if commit:
                    self._commit(written)
            finally:
                if not commit or self._state is state:
                    self.stream.step, self.stream.ordinal = place
        return call.pack((*values, None))

    def _commit(self, written: State) -> None:
        """Make ``written`` the variables' values, where some of it may be rows: all of it, or nothing if interrupted."""
        made = Commit(self._state, self._own)
        try:
            made.put(written)
            self._state = made.state
        except BaseException:
            if self._state is not made.state:
                made.undo()
            raise

    def _draws(self) -> Draws:
        """The keys of one more run's random operations."""
        self.stream.advance()
        return Draws(self.stream)

    @property
    def stream(self) -> Stream:
        """Where the session's random draws stand; ``with session.stream.at(n)`` draws as in step ``n``."""
        if self._stream is None:
            self._stream = Stream(self.graph.seed)
        return self._stream

    def load(self, values: Mapping[Any, Any]) -> None:
        """Give variables values, all at once. Raises ValueError or TypeError where one does not fit."""
        arrays = {variable.op: Feed(variable._as_graph_element()).array(value).copy() for variable, value in values.items()}
        with self._lock:
            self._state = {**self._state, **arrays}

    def _twin(
        self, passes: Sequence[Pass] | None = None, refuse: Iterable[str] | None = None, limit: int | None = None
    ) -> Session:
        """A session that stands where this one does, with a copy of all it holds, to try things in. It checks nothing."""
        made = Session(graph=self.graph, passes=self.passes if passes is None else passes, check=False)
        made.refuse = self.refuse if refuse is None else frozenset(refuse)
        made._limit = limit
        made._placer = self._placer
        made._take_over(self)
        return made

    def _take_over(self, other: Session, names: Mapping[Operation, Operation] | None = None) -> None:
        """Hold copies of what ``other`` holds. Where it is of another graph, ``names`` has its variable for each of ours."""
        with other._lock:
            held = other._state
            pairs = ((mine, held[theirs]) for mine, theirs in names.items()) if names is not None else held.items()
            self._state = {key: to_numpy(x).copy() if hasattr(x, "dtype") else x for key, x in pairs}
            self._stream = copy(other.stream)

    # Making a call ready

    def _check_open(self) -> None:
        if self._closed:
            raise closed()

    def _call(self, fetches: Any, feed_dict: Mapping[Any, Any]) -> Call:
        self._check_open()
        self._growth.look()
        found: dict[Any, int] = {}
        pack = packer(self.graph, fetches, found)
        if not self.graph.version:
            raise RuntimeError(f"The Session graph is empty. Add operations to the graph before calling run().{at_line()}")
        feeds = []
        for position, fed in enumerate(feed_dict):
            try:
                tensor = self.graph.as_graph_element(fed, allow_operation=False)
            except (TypeError, ValueError, KeyError) as error:
                message = error.args[0] if error.args else error
                raise TypeError(f"Cannot interpret feed_dict key {position} as Tensor: {message}{at_line()}") from None
            if tensor.node.body is not None:
                raise ValueError(f"Tensor {tensor.name} may not be fed: it is in a {tensor.node.body.kind}{at_line()}")
            feeds.append(Feed(tensor))
        return Call(list(found), feeds, pack)

    def _called(self, fetches: Any, feed_dict: Mapping[Any, Any]) -> Call:
        """The way of calling that ``run`` takes for these fetches and feeds."""
        key = (list, tuple(fetches)) if type(fetches) is list else (type(fetches), fetches)
        try:
            found = self._calls.get((*key, *feed_dict))
        except TypeError:
            key = (type(fetches), frozen(fetches))
            found = self._calls.get((*key, *feed_dict))
        if found is None or self._closed:
            found = self._calls[(*key, *feed_dict)] = self._call(fetches, feed_dict)
        return found

    def _planned(self, call: Call, feeds: Sequence[ndarray]) -> Plan:
        """The plan of ``call`` for feeds of these shapes, made now if it is not there."""
        for feed, array in zip(call.feeds, feeds, strict=True):
            feed.check(array)
        with self._planning:  # one thread makes it, those who want the same wait
            return self._found(call, feeds)

    def _found(self, call: Call, feeds: Sequence[ndarray]) -> Plan:
        shapes = tuple([array.shape for array in feeds])
        plan = call.plans.get(shapes)
        if plan is not None:
            return plan
        if len(call.plans) < MOST_PLANS:
            last = next(reversed(call.plans.values()), None)
            specs = [Spec(array.shape, feed.dtype) for feed, array in zip(call.feeds, feeds, strict=True)]
            reason = FIRST if last is None else changed(call, last, specs)
            plan = call.plans[shapes] = self._made(call, specs, reason)
            return plan
        if call.shared is None:
            call.shared = self._made(call, None, f"shapes beyond the {MOST_PLANS} that have plans of their own")
        return call.shared

    def _made(self, call: Call, specs: Sequence[Spec] | None, reason: str) -> Plan:
        choice = Choice(refuse=self.refuse, limit=self._limit, check=self.check)
        placer = self._placer if self._placer.concerns(self.graph) else None
        passes = self.passes if placer is None else tuple([each for each in self.passes if each is not accumulate])
        plan = Plan(call.fetches, [feed.tensor for feed in call.feeds], passes, choice, specs, reason, placer)
        if self._placer.logs:
            self._placer.log(plan)
        self._rows |= plan.rows and not plan.placed
        return plan

    # As a context

    def as_default(self) -> Any:
        """A context in which this session is the default one."""
        return session_scope(self)

    def __enter__(self) -> Session:
        contexts = [self.graph.as_default(), session_scope(self)]
        for context in contexts:
            context.__enter__()
        self._entered.append(contexts)
        return self

    def __exit__(self, *exc: Any) -> None:
        for context in reversed(self._entered.pop()):
            context.__exit__(*exc)
        if not self._entered:
            self.close()

    def close(self) -> None:
        """Give up the variables' values; running afterwards is an error."""
        self._closed = True
        for call in list(self._calls.values()):
            for plan in call.made:
                if plan.device is not None:
                    plan.device.forget()
        self._calls.clear()
        self._state, self._own = {}, {}


class InteractiveSession(Session):
    """A session that makes itself the default one until it is closed."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None, **settings: Any) -> None:
        super().__init__(target, graph, config, **settings)
        self._default = [session_scope(self)] + ([] if graph is None else [graph.as_default()])
        for context in self._default:
            context.__enter__()

    def close(self) -> None:
        """Give up the variables' values and stop being the default session."""
        super().close()
        while self._default:
            self._default.pop().__exit__(None, None, None)
