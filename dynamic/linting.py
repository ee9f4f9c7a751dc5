"""Watching a program for faults: ``dynamic.lint`` runs it as it is, and says what is wrong, with the line and the remedy.

Whoever is not watched pays nothing. Watching changes no number: operations, backward passes and optimizers' steps are looked
at, each from the hook that it has.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dynamic import apply as applying, tape, volatile
from dynamic.apply import Carried
from dynamic.autograd import engine
from dynamic.following import Recorder
from dynamic.lint_gradients import Cut, Gradients, checksum
from dynamic.lint_operations import Operations
from dynamic.optim.optimizer import register_optimizer_step_post_hook
from dynamic.tape import leaf
from graphs.core.errors import GradientError, Where, user_line
from graphs.core.node import ancestors
from graphs.core.op import Op
from graphs.inspection.lint import Enough, Findings, place


_ALIVE = 20
"""Losses of one line of which so many are kept, each with its tape."""

_BAKED = {
    "branch": "the branch that was taken",
    "number": "a number that Python has read",
    "array": "an array that Python has read",
    "rounds": "the number of rounds of a loop",
    "random": "random numbers, drawn once",
}
"""What of a trace's decisions is a fault, and how it is called."""


def lint(fn: Callable[..., Any] | None = None, *args: Any, steps: int | None = None, **settings: Any) -> Any:
    """What is wrong with a program in this mode, found by running it.

    ``with dynamic.lint() as found:`` watches what runs inside; ``found``, a list of ``graphs.inspection.lint.Finding``, is
    whole when the block has ended. ``dynamic.lint(fn, *args)`` runs ``fn(*args)`` and returns the list. Printed, it shows
    each finding with the line and the remedy. Watching changes no result.

    Args:
        fn: a function to run, None for the context manager.
        steps: end the program (``SystemExit``) when as many backward passes have been made and another begins.

    An error that a finding explains (a saved value was changed) is not raised again by ``dynamic.lint(fn)``.
    """
    if fn is None:
        return watching(steps)
    with watching(steps) as found:
        try:
            fn(*args, **settings)
        except Enough:
            pass
        except GradientError:
            if not any(each.rule == "changed-after-save" for each in found):
                raise
    return found


@contextmanager
def watching(limit: int | None = None) -> Iterator[Findings]:
    """Watch what runs inside, for so many backward passes; the findings are whole at the end."""
    watcher = Watcher(limit)
    run, finish = engine._run, Recorder.finish
    handle = register_optimizer_step_post_hook(watcher.stepped)
    engine._run = watcher.backward
    Recorder.finish = watcher.traced  # type: ignore[method-assign]
    watcher.attach(run, finish)
    try:
        yield watcher.found
    finally:
        engine._run, Recorder.finish = run, finish  # type: ignore[method-assign]
        handle.remove()
        watcher.detach()
        watcher.finish()


class Watcher:
    """What has been seen of a program."""

    def __init__(self, limit: int | None) -> None:
        self.found = Findings()
        self.gradients = Gradients(self.found)
        self._limit = limit
        self._passes = 0
        self.operations = Operations(self.found)
        self._inside = False
        self._thread = threading.get_ident()
        self._inner: Any = None
        self._steps: dict[int, tuple[int, Where | None]] = {}

    # The hooks

    def attach(self, run: Callable[..., Any], finish: Callable[..., Any]) -> None:
        """Begin to look at operations; ``run`` and ``finish`` are what stood in the places of ours."""
        self._run, self._finish = run, finish
        self._hook()

    def _hook(self) -> None:
        """Be the one that operations go through; an era that was switched on since is called from there."""
        if applying.around != self.call and tape.followed is None:
            self._inner, applying.around = applying.around, self.call

    def detach(self) -> None:
        """Look no more."""
        if applying.around == self.call:
            applying.around = self._inner or (volatile.spreading if volatile.begun else None)

    def call(self, op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
        """Run an operation as it would be run, and look at it."""
        if self._inner is not None:
            result = self._inner(op, args, params)
        elif volatile.begun:
            result = volatile.spreading(op, args, params)
        else:
            result = applying.apply(op, args, params, plainly=True)
        if not self._inside and threading.get_ident() == self._thread:
            self.operations.look(op, args, result)
        return result

    def backward(self, roots: list[tuple[Any, Any]], wrt: Any, retain: Any, create: bool) -> Any:
        """Run a backward pass, and look at the tape before it and at the gradients after it."""
        collects = sys._getframe(1).f_code is engine.backward.__code__
        if tape.followed is not None or threading.get_ident() != self._thread or self._inside:
            return self._run(roots, wrt, retain, create)
        self._hook()
        if collects and self._limit is not None and self._passes >= self._limit:
            raise Enough
        self._passes += collects
        where = user_line(2)
        nodes = ancestors({edge.node for edge, _ in roots})
        silent, told = self._changes(nodes)
        self.operations.crossings(nodes, roots)
        site = self.gradients.site(where)
        if collects:
            site.times += 1
            if site.cut is None:
                site.cut = Cut.of(nodes)
            self._kept(site, roots)
        self._inside = True
        try:
            found = self._run(roots, wrt, retain, create)
        except GradientError:
            self._report_changes(told, where)
            raise
        finally:
            self._inside = False
        self._report_silent(silent, where)
        if collects:
            given = []
            for record, gs in found.items():
                tensor = record.owner() if record.op is leaf and record.owner is not None else None
                if tensor is not None and gs[0] is not None:
                    given.append((tensor, gs[0]._array if isinstance(gs[0], Carried) else gs[0]))
            self.gradients.arrive(given, site)
            self.operations.generation += not create
        return found

    def stepped(self, optimizer: Any, args: Any, settings: Any) -> None:
        """Look at an optimizer that has made a step."""
        if threading.get_ident() != self._thread:
            return
        where = user_line(1)
        self.operations.clock += 1
        for group in optimizer.param_groups:
            for p in group["params"]:
                self._steps[id(p._array)] = (self.operations.clock, where)
        self.gradients.step(optimizer, where)

    @property
    def traced(self) -> Callable[..., Any]:
        """What ends a trace, with a look at what it has baked in."""

        def finish(recorder: Any, result: Any, name: str, fn: Any) -> Any:
            graph = self._finish(recorder, result, name, fn)
            for each in graph.baked:
                if each.kind in _BAKED:
                    value = "" if each.kind == "random" else f" ({each.value})"
                    message = f"{_BAKED[each.kind]}{value}: {name} has it for good, whatever it is given later"
                    self.found.add("baked-value", "dynamic", each.where, message, (name,))
            return graph

        return finish

    # A backward pass

    def _changes(self, nodes: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Records that saved what has changed since: those that the tape cannot know of, and those it will refuse."""
        silent, told = [], []
        for node in nodes:
            if node.saved is None or node.op is leaf:
                continue
            counters = [held if held.__class__ is list else held._counter for held in node.held]
            late = [counter for counter in counters if counter is not None and counter[0] > node.serial]
            if late:
                told.append((node, late[0]))
                continue
            mark = vars(node).get("lint")
            arrays = (*node.saved, *node.outs)
            if mark is None or len(arrays) != len(mark.sums):
                continue
            for array, before in zip(arrays, mark.sums, strict=True):
                if before and checksum(array) != before:
                    silent.append((node, mark, array))
                    break
        return silent, told

    def _report_changes(self, told: Sequence[Any], where: Where | None) -> None:
        for node, counter in told:
            at = Where(*counter[2:]) if len(counter) == 4 else None
            message = (
                f"this changes in place what {node.label} saved at {place(node.where)}, before backward at {place(where)}"
            )
            self.found.add("changed-after-save", "dynamic", at or node.where, message, (node.name,))

    def _report_silent(self, silent: Sequence[Any], where: Where | None) -> None:
        for node, mark, array in silent:
            step = self._steps.get(id(array))
            by, remedy = "through .data or numpy", ""
            if step is not None and step[0] > mark.clock:
                by = f"by the optimizer's step at {place(step[1])}"
                remedy = "go back before the step, or compute this again after it"
            message = (
                f"what {node.label} saved here was changed {by} before backward at {place(where)}, which then computed a "
                "wrong gradient without a word"
            )
            self.found.add("changed-after-save", "dynamic", node.where, message, (node.name,), remedy)

    def _kept(self, site: Any, roots: Sequence[Any]) -> None:
        """Report a line whose losses are all kept, each with its tape."""
        site.roots = [*site.roots[1 - _ALIVE :], weakref.ref(roots[0][0].node)]
        alive = [root for reference in site.roots if (root := reference()) is not None]
        if len(alive) == _ALIVE and not any(each.rule == "growing-tape" for each in self.found):
            message = f"the last {_ALIVE} tensors made here are all kept, each with its tape"
            self.found.add("growing-tape", "dynamic", alive[-1].where, message, (alive[-1].name,))

    # Afterwards

    def finish(self) -> None:
        """Report what only the whole run tells."""
        self.gradients.finish()
        self.operations.finish()
