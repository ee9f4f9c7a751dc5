"""``theano.scan`` and what is made of it: loops over sequences, over earlier outputs, or until something holds.

Each is one node of the shared loop op. An output that reads several of its past values has a state for each of them; a
shared variable that a step updates is a state too; ``until`` is a bool state that the loop's condition looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphs import ops
from graphs.control import loop
from graphs.core.errors import at_line
from graphs.core.function import Function
from graphs.core.node import new_parameter
from graphs.core.spec import Spec
from static.bodies import Traced, trace
from static.graph import Graph, get_default_graph
from static.state import read_op
from static.tensor import apply, constant, constant_value
from static.theano.errors import MissingInputError
from static.theano.sharing import SharedVariable
from static.theano.steps import Past, Windows, found_by, listed, until as until
from static.theano.variable import TensorVariable, as_tensor_variable, wrapped


def scan(
    fn: Callable[..., Any],
    sequences: Any = None,
    outputs_info: Any = None,
    non_sequences: Any = None,
    n_steps: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
    profile: bool = False,
    allow_gc: Any = None,
    strict: bool = False,
    return_list: bool = False,
) -> tuple[Any, dict[Any, Any]]:
    """What ``fn`` yields round after round, stacked, and the updates of shared variables.

    Args:
        fn: called once, with a slice for each tap of each sequence, past values of each output that has taps, and the
            non-sequences; returns the outputs, and beside them updates of shared variables and ``until(condition)`` as
            it likes.
        sequences: variables whose slices along the first axis are gone through, or ``dict(input=..., taps=[...])``.
        outputs_info: for each output its value before the first round, ``dict(initial=..., taps=[...])`` for several (an
            array of as many), or None where no past value is read.
        non_sequences: what stays the same.
        n_steps: how many rounds, by default as many as the sequences have; with ``until`` at most so many.
        truncate_gradient: the number of last rounds that gradients flow through, -1 for all.
        go_backwards: whether the sequences are gone through from their ends.
        strict: whether shared variables have to be among ``non_sequences``.
        return_list: whether a single output is returned in a list.

    Raises ValueError where what ``fn`` returns does not go with ``outputs_info``, and TypeError for something else than
    variables. The gradient runs the loop once forward, keeping what it needs, and once backward.
    """
    if truncate_gradient != -1 and truncate_gradient < 1:
        raise ValueError(f"truncate_gradient is -1 or a number of rounds, not {truncate_gradient}{at_line()}")
    windows = Windows(listed(sequences), n_steps, go_backwards)
    pasts = [Past(info) for info in listed(outputs_info)]
    others = [as_tensor_variable(x) for x in listed(non_sequences)]
    graph = get_default_graph()
    with graph.name_scope(name or "scan") as scope:
        step = _Step(graph, scope, fn, windows, pasts, others, truncate_gradient)
        if strict:
            step.check_strict(others)
        outputs, updates = step.run()
    found = [wrapped(x) for x in outputs]
    whole: Any = found if return_list or len(found) > 1 else found[0] if found else None
    return whole, updates


class _Step:
    """One round, traced, and the loop that is made of it."""

    def __init__(
        self,
        graph: Graph,
        scope: str,
        fn: Callable[..., Any],
        windows: Windows,
        pasts: list[Past],
        others: Sequence[Any],
        truncate: int,
    ) -> None:
        self.graph = graph
        self.scope = scope
        self.windows = windows
        self.pasts = pasts
        self.updates: list[tuple[SharedVariable, TensorVariable]] = []
        self.stops = False
        self._first_kept = None if truncate == -1 else ops.maximum(as_tensor_variable(windows.length) - truncate, 0)
        if truncate != -1:
            windows.parts.append(ops.arange_to(as_tensor_variable(windows.length) * 0, windows.length, 1))
        states = [x for past in pasts for x in past.before]
        specs = [Spec((None,) * x.ndim, x.tensor.spec.dtype) for x in states]
        specs += [Spec(x.tensor.spec.shape[1:], x.tensor.spec.dtype) for x in windows.parts]

        def build(*params: Any) -> tuple[list[Any], list[Any]]:
            given = [TensorVariable(x) for x in params]
            slices, taken = given[len(states) :], iter(given[: len(states)])
            rounds = slices.pop() if truncate != -1 else None
            args = list(slices)
            for past in self.pasts:
                args += past.seen([next(taken) for _ in past.before])
            return self._built(found_by(fn(*args, *others)), rounds), []

        outputs, effects, body, params = trace(graph, "scan loop", scope, specs, build)
        self.states = states
        self.traced = Traced(body, params, outputs, effects)

    def _built(self, found: Any, rounds: Any) -> list[Any]:
        """The tensors that a round yields: outputs, updates, whether there is another round."""
        if not self.pasts:
            self.pasts += [Past(None) for _ in found.outputs]
        if len(found.outputs) != len(self.pasts):
            raise ValueError(
                f"fn returns {len(found.outputs)} outputs, and outputs_info has {len(self.pasts)} entries: give None "
                f"for any output that does not feed back into scan (i.e. it behaves like a map).{at_line()}"
            )
        outputs = [past.checked(x, i) for i, (past, x) in enumerate(zip(self.pasts, found.outputs, strict=True))]
        if rounds is not None:
            if found.condition is not None:
                raise NotImplementedError(f"truncate_gradient goes with a known number of rounds, not with until{at_line()}")
            late = ops.greater_equal(rounds, self._first_kept)
            outputs = [ops.where(late, x, ops.stop_gradient(x)) if x.dtype.startswith("float") else x for x in outputs]
        self.updates = found.updates
        for shared, new in self.updates:
            if not isinstance(shared, SharedVariable) or (new.dtype, new.ndim) != (shared.dtype, shared.ndim):
                raise TypeError(f"fn updates {shared} with {new}: a shared variable, and one of its type{at_line()}")
        self.stops = found.condition is not None
        going = [ops.logical_not(found.condition)] if self.stops else []
        if self.stops and going[0].ndim:
            raise ValueError(f"the condition of until is a scalar; it has {going[0].ndim} dimensions{at_line()}")
        return [x.tensor for x in (*outputs, *(new for _, new in self.updates), *going)]

    def check_strict(self, others: Sequence[Any]) -> None:
        """Raise MissingInputError where a round reads a shared variable that it is not given."""
        given = {x.tensor for x in others}
        for x in self.traced.captured:
            if x.node.op is read_op and x not in given:
                raise MissingInputError(f"strict: fn uses {x.node.name}, which is not among non_sequences{at_line()}")

    def run(self) -> tuple[list[Any], dict[Any, Any]]:
        """The node: the stacked outputs, and what the updated variables are in the end."""
        function, states = self._function()
        first = [x.tensor for x in (*self.states, *(shared for shared, _ in self.updates))]
        if self.stops:
            first.append(constant(True))
        operands = [*first, *(x.tensor for x in self.windows.parts), *self.traced.captured]
        length = self.windows.length
        with self.graph.control_dependencies(self.traced.outer):
            made = apply(
                loop,
                getattr(length, "tensor", length),
                *operands,
                name=self.scope,
                body=function,
                cond=self._test(states, [x.spec for x in (*first, *self.traced.captured)]) if self.stops else None,
                states=states,
                sequences=len(self.windows.parts),
                record=True,
            )
        last = made[1 + len(self.states) :]
        stacked = list(made[1 + states : 1 + states + len(self.pasts)])
        known = None if self.stops else constant_value(length)
        for x in stacked if known is not None else ():
            x.set_shape([int(known), *x.spec.shape[1:]])  # type: ignore[arg-type]
        return stacked, {shared: wrapped(x) for (shared, _), x in zip(self.updates, last, strict=False)}

    def _function(self) -> tuple[Function, int]:
        """The body: states, slices and constants to states and stacked results; and how many states there are."""
        handles = [shared.variable.handle for shared, _ in self.updates]
        closed = self.traced.close(handles, self.traced.captured, self.scope.rstrip("/"))
        count, end = len(self.states), len(self.traced.params)
        own, slices, held = closed.inputs[:count], closed.inputs[count:end], closed.inputs[end : end + len(handles)]
        going = [new_parameter(Spec((), bool))] if self.stops else []
        stacked, rest = closed.outputs[: len(self.pasts)], closed.outputs[len(self.pasts) : len(self.traced.outputs)]
        following: list[Any] = []
        at = 0
        for past, out in zip(self.pasts, stacked, strict=True):
            depth = len(past.before)
            following += [*own[at + 1 : at + depth], out] if depth else []
            at += depth
        ins = [*own, *held, *going, *slices, *closed.inputs[end + len(handles) :]]
        return Function(ins, [*following, *rest, *stacked], closed.name, closed.nodes), count + len(handles) + len(going)

    def _test(self, states: int, specs: Sequence[Spec]) -> Function:
        """The condition: the last of the states."""
        params = [new_parameter(spec) for spec in specs]
        return Function(params, [params[states - 1]], f"{self.scope.rstrip('/')}_cond")


def map(
    fn: Callable[..., Any],
    sequences: Any,
    non_sequences: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, dict[Any, Any]]:
    """``fn`` of each slice, stacked, and the updates."""
    return scan(fn, sequences, [], non_sequences, None, truncate_gradient, go_backwards, mode, name)


def reduce(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, dict[Any, Any]]:
    """What ``fn(slice, before)`` gives after the last slice, and the updates."""
    found, updates = scan(fn, sequences, outputs_info, non_sequences, go_backwards=go_backwards, mode=mode, name=name)
    return ([x[-1] for x in found] if isinstance(found, list) else found[-1]), updates


def foldl(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, dict[Any, Any]]:
    """``reduce`` from the first slice on."""
    return reduce(fn, sequences, outputs_info, non_sequences, False, mode, name)


def foldr(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, dict[Any, Any]]:
    """``reduce`` from the last slice back."""
    return reduce(fn, sequences, outputs_info, non_sequences, True, mode, name)


__all__ = ["foldl", "foldr", "map", "reduce", "scan", "until"]
