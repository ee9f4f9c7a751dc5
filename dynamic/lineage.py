"""What a gradient is made of: ``explaining`` takes note of backward calls, and ``provenance`` tells what came with each."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy

from dynamic import tape
from dynamic.apply import Carried
from dynamic.autograd.engine import _bare
from dynamic.history import Names
from dynamic.tape import Record, leaf
from graphs.core.errors import GradientError, Where, at_line, user_line
from graphs.core.node import ancestors


class _Account:
    """What is known of a leaf's gradient: its parts so far, and the gradient as they left it."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = weakref.ref(tensor)
        self.parts: list[Any] = []
        self.left: Any = None
        self.pending: list[Any] = []
        self.notes: list[str] = []


class Explaining:
    """Takes note of backward calls while it is entered; what it knows stays known afterwards."""

    def __init__(self) -> None:
        self._inspection = import_module("graphs.inspection.provenance")
        self._flowing = import_module("graphs.inspection.flowing")
        self._accounts: dict[int, _Account] = {}
        self._calls = 0
        self.names = Names()

    def began(self, roots: Any, wrt: Any) -> None:
        """Take note of a backward pass that is about to begin."""
        nodes = ancestors([edge.node for edge, _ in roots])
        wanted = None if wrt is None else set(wrt)
        leaves = [node for node in nodes if node.op is leaf and (wanted is None or node in wanted)]
        self._calls += 1
        where = user_line(2)
        seeds = [(edge, seed._array if isinstance(seed, Carried) else seed) for edge, seed in roots]
        try:
            found = self._flowing.contributions(seeds, set(leaves), _bare, _single, call=(self._calls, str(where or "")))
        except GradientError:
            return  # the pass itself will say what is wrong
        for record in leaves:
            tensor = record.owner() if record.owner is not None else None
            if tensor is not None and found[record]:
                account = self._account(tensor)
                self._settle(account)
                account.pending = found[record]

    def _account(self, tensor: Any) -> _Account:
        account = self._accounts.get(id(tensor))
        if account is None or account.tensor() is not tensor:
            account = self._accounts[id(tensor)] = _Account(tensor)
            if tensor.grad is not None:
                account.left = numpy.zeros_like(tensor.grad._array)
        return account

    def _settle(self, account: _Account) -> None:
        """Compare a leaf's gradient with what is known of it, and explain what has changed it."""
        tensor = account.tensor()
        grad: Any = None if tensor is None else tensor.grad
        now: Any = None if grad is None else grad._array
        pending, account.pending = account.pending, []
        if now is None:
            account.parts, account.left, account.notes = [], None, []
            return
        before = numpy.zeros_like(now) if account.left is None or account.left.shape != now.shape else account.left
        if pending:
            added = before + sum((part.value for part in pending[1:]), pending[0].value)
            fresh = sum((part.value for part in pending[1:]), pending[0].value)
            if _near(now, added):
                account.parts, before = [*account.parts, *pending], now
            elif _near(now, fresh):  # the gradients were reset before
                account.parts, account.notes, before = pending, [], now
            elif not numpy.array_equal(now, before, equal_nan=True):
                account.parts, before = [*account.parts, *pending], added
        if not numpy.array_equal(now, before, equal_nan=True):
            counter = grad._counter or ()
            at = str(Where(*counter[2:])) if len(counter) == 4 else ""
            factor = _factor(before, now)
            if not now.any():
                account.parts, account.notes = [], []
            elif account.parts and factor is not None:
                account.parts = [replace(part, value=part.value * factor) for part in account.parts]
                account.notes.append(f"scaled by {factor:.4g} at {at}")
            else:
                word = "changed in place" if account.parts else "from before explaining()"
                part = self._inspection.Contribution(0, at, word, at, (), 1, now - before)
                account.parts = [*account.parts, part]
        account.left = now.copy()

    def of(self, grad: Any) -> Any:
        """What the gradient ``grad``, a leaf's ``grad`` or the leaf itself, is made of; None where nothing is known."""
        for account in self._accounts.values():
            tensor = account.tensor()
            if tensor is not None and (tensor is grad or tensor.grad is grad):
                self._settle(account)
                if tensor.grad is None:
                    return None
                name = self.names.of(tensor) or f"a leaf of shape {tuple(tensor._array.shape)}"
                return self._inspection.Provenance(
                    name, tensor.grad._array.copy(), tuple(account.parts), notes=tuple(account.notes)
                )
        return None


def _factor(before: Any, now: Any) -> Any:
    """By what a gradient was multiplied, as clipping does; None where it was something else."""
    size = numpy.vdot(before, before).real
    factor = (numpy.vdot(before, now).real / size).astype(before.dtype) if size else before.dtype.type(0)
    return factor if factor and _near(now, before * factor) else None


def _near(x: Any, y: Any) -> bool:
    scale = float(numpy.abs(y).max(initial=0))
    eps = float(numpy.finfo(y.dtype).eps) if y.dtype.kind in "fc" else 0.0
    return bool(numpy.allclose(x, y, rtol=64 * eps, atol=64 * eps * scale, equal_nan=True))


def _single(edge: Any) -> bool:
    record: Record = edge.node
    spec = record.specs[edge.index] if record.shape is not None or record.outs[edge.index] is not None else None
    size = 1
    for n in spec.shape if spec is not None else ():
        size *= n
    return spec is not None and size == 1


_latest: Explaining | None = None


@contextmanager
def explaining() -> Iterator[Explaining]:
    """Inside, backward calls are taken note of, so that ``provenance(p.grad)`` can tell what a gradient is made of.

    Gradients have the bits that they have without it; each backward call takes several times as long, and every leaf's
    gradient is kept once more for each of its parts.
    """
    global _latest
    if tape.begun is not None:
        raise GradientError(f"backward passes are looked at already{at_line()}")
    _latest = made = Explaining()
    tape.begun = made.began
    try:
        with made.names.listening():
            yield made
    finally:
        tape.begun = None


def provenance(grad: Any) -> Any:
    """What a gradient is made of: parts by backward call, by term of the loss and by path, which sum to it.

    Args:
        grad: the ``grad`` of a leaf, or the leaf. The backward calls that filled it took place inside ``explaining()``.

    The result has ``contributions`` (each with call, line, term, path, norm and value), ``by_call()``, ``by_term()``,
    ``by_path()``, ``difference`` (what rounding makes between their sum and the gradient), ``as_dict()``, and prints as a
    table. What filled the gradient before, or changed it in between, clipping say, is a part of its own. Raises RuntimeError
    for a gradient that nothing is known of.
    """
    if not isinstance(grad, Carried):
        kind = "None: no backward call has filled it" if grad is None else type(grad).__name__
        raise TypeError(f"provenance is asked of p.grad or of p, and this is {kind}{at_line()}")
    found = None if _latest is None else _latest.of(grad)
    if found is None:
        raise GradientError(
            f"nothing is known of this gradient: run the backward calls inside `with explaining():`, and ask for the "
            f"grad of a leaf{at_line()}"
        )
    return found
