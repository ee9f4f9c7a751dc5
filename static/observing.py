"""What ``diptych compare`` sees of somebody's TensorFlow script: runs that change variables, losses, the graph of a step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy

from graphs.compare.clock import patched
from graphs.compare.inside import look_inside
from graphs.compare.observed import Observed
from graphs.core.node import Value, ancestors
from graphs.rewrite import origins
from static.around import going_around
from static.session import Session
from static.tensor import Tensor


LOOKED = 100
"""Steps in which a loss that the script does not fetch is worked out beside it; later on every tenth."""

_ASSIGNED = re.compile(r"(?:self\.)?([A-Za-z_]\w*)\s*=[^=]")

SEED = "ones_like"
"""The op that a graph's gradients begin with: a one for the loss."""


@contextmanager
def observing(found: Observed) -> Iterator[None]:
    """Tell ``found`` of every run inside that changes variables which had values before, and of the losses.

    A loss is what the graph has gradients of. Where a run fetches it, that is its value; where no run does, it is worked out
    beside the run from the same feeds, which changes nothing, unless it would draw on something that cannot be put back.
    Of one step the graph is kept, with what its nodes compute when no pass has rewritten them.
    """
    follow = Session._follow
    seen = _Seen(found)
    found.what = "run that changes variables"

    def following(session: Session, plan: Any, feeds: Sequence[Any]) -> tuple[Any, ...]:
        before = session._state
        trains = any(variable in before for variable in plan.schedule.writes)
        values: tuple[Any, ...] = follow(session, plan, feeds)
        seen.ran = (values, trains)
        return values

    def running(run: Any, session: Session, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        seen.ran = None
        with found.looking():
            seen.before(session, fetches, feed_dict)
        out = run(session, fetches, feed_dict, options, run_metadata)
        with found.looking():
            trained = seen.after(session, fetches, feed_dict)
        if trained:
            found.step()
        return out

    with going_around(running), patched((Session, "_follow", following)):
        yield


class _Seen:
    """What the runs of a script are about."""

    def __init__(self, found: Observed) -> None:
        self.found = found
        self.ran: tuple[tuple[Any, ...], bool] | None = None
        self._losses: dict[Any, tuple[int, list[Tensor]]] = {}
        self._steps: set[Any] = set()
        self._pictured: set[Any] = set()
        self._fetched: set[str] = set()
        self._trained: dict[Any, list[Tensor]] = {}

    def before(self, session: Session, fetches: Any, feed_dict: Mapping[Any, Any] | None) -> None:
        """A run is about to begin: if it is known to be a step, losses and values are looked at as they are now."""
        try:
            call = session._called(fetches, feed_dict or {})
        except Exception:
            return  # the run says what is wrong
        if call not in self._steps and not _changes(call, session):
            return
        feed = dict(feed_dict or {})
        step = len(self.found.ends) + 1
        if call not in self._trained:
            behind = [loss for loss in self._of(session) if self._behind(loss, call)]
            self._trained[call] = [] if any(map(_draws_on_more, behind)) else behind
        wanted = [loss for loss in self._trained[call] if loss.name not in self._fetched]
        if wanted and (step <= LOOKED or step % 10 == 0):
            for loss, value in zip(wanted, session.interpret(wanted, feed, commit=False), strict=True):
                self.found.loss(_plain(loss), float(value))
        if call not in self._pictured and not any(map(_draws_on_more, call.fetches)):
            self._pictured.add(call)
            self._picture(session, fetches, feed)

    def after(self, session: Session, fetches: Any, feed_dict: Mapping[Any, Any] | None) -> bool:
        """A run has ended; whether it was a step."""
        if self.ran is None:
            return False
        values, trains = self.ran
        call = session._called(fetches, feed_dict or {})
        tensors = [each for each in call.fetches if isinstance(each, Tensor)]
        losses = self._of(session)
        step = len(self.found.ends) + (1 if trains else 0)
        for tensor, value in zip(tensors, values, strict=False):
            if numpy.ndim(value) == 0 and tensor.spec.dtype.kind == "f" and step:
                known = any((tensor.node, tensor.index) == (loss.node, loss.index) for loss in losses)
                self.found.loss(_plain(tensor), float(value), step, sure=known and trains)
                if trains:
                    self._fetched.add(tensor.name)
        if trains and call not in self._steps:
            self._steps.add(call)
            self.found.roots += [each for each in call.fetches if all(each is not root for root in self.found.roots)]
            self.found.kept.append(session)
        return trains

    def _of(self, session: Session) -> list[Tensor]:
        """What the session's graph has gradients of."""
        graph = session.graph
        version, losses = self._losses.get(graph, (-1, []))
        if version != graph.version:
            seeds = [
                node
                for node in graph.get_operations()
                if node.op.name == SEED and node.name.startswith("gradients") and isinstance(node.inputs[0], Value)
            ]
            losses = list({(x.node, x.index): x for node in seeds for x in node.inputs}.values())
            losses = [x for x in losses if x.spec.dims in ((), None)]
            self._losses[graph] = (graph.version, losses)
        return losses

    def _behind(self, loss: Tensor, call: Any) -> bool:
        """Whether what a call runs depends on the gradient of ``loss``, and so trains it."""
        made = ancestors([each.node if isinstance(each, Value) else each for each in call.fetches])
        return any(node.op.name == SEED and node.inputs[0].node is loss.node for node in made)

    def _picture(self, session: Session, fetches: Any, feed: Mapping[Any, Any]) -> None:
        """Keep what the nodes of a step compute, as the script has written them."""
        log = self.found.log

        def observe(node: Any, operands: tuple[Any, ...], outs: tuple[Any, ...]) -> None:
            log.add(node.op, log.before(operands), outs, node.params, node.name, node.where, origins([node])[-1].serial)
            look_inside(node, operands, log)

        session._twin(passes=()).interpret(fetches, feed, observe, commit=False)


def _changes(call: Any, session: Session) -> bool:
    """Whether a call changes variables that have values."""
    made = ancestors([each.node if isinstance(each, Value) else each for each in call.fetches])
    changed = [node.inputs[0].node for node in made if "update" in node.op.traits]
    changed += [variable for node in made for variable, _ in getattr(node, "writes", ())]
    return any(variable in session._state for variable in changed)


def _plain(tensor: Tensor) -> str:
    """What the script calls a tensor: what its line assigns it to, else its name."""
    text = tensor.node.where.text if tensor.node.where is not None else ""
    found = _ASSIGNED.match(text)
    return found[1] if found else tensor.name.removesuffix(":0")


def _draws_on_more(root: Any) -> bool:
    """Whether a value comes from something outside the session that moves on when it is read, such as a queue of data."""
    return any("stateful" in node.op.traits for node in ancestors([root.node if isinstance(root, Value) else root]))
