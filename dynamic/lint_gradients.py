"""What a lint knows of gradients: which backward pass filled them, which step used them, who threw them away."""

from __future__ import annotations

import sys
import weakref
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import CO_OPTIMIZED
from typing import Any, NamedTuple

import numpy

from dynamic import tape
from dynamic.apply import Carried
from dynamic.nn.modules.module import Module
from dynamic.tape import leaf
from graphs.core.errors import Where
from graphs.inspection.lint import Findings, place, several


_MOST_RECORDS = 100_000
"""Tapes of more records than this are not asked where they could be cut."""


def checksum(array: Any) -> int:
    """A number that tells whether an array's elements have changed; 0 for one that is no numpy array of numbers."""
    if array.__class__ is not numpy.ndarray or array.dtype.hasobject:
        return 0
    return zlib.crc32(numpy.ascontiguousarray(array).data)


class Cut(NamedTuple):
    """Where a tape could be cut: records by position, each with its parents, the leaf it is, and whether data led to it."""

    records: list[tuple[tuple[int, ...], int | None, bool, Where]]

    @classmethod
    def of(cls, nodes: Sequence[Any]) -> Cut | None:
        """What is to be known of a tape before it is freed."""
        if len(nodes) > _MOST_RECORDS:
            return None
        at = {node: i for i, node in enumerate(nodes)}
        made = []
        for node in nodes:
            owner = node.owner() if node.op is leaf and node.owner is not None else None
            data = any(
                edge is None and len(getattr(x, "shape", ())) > 0
                for edge, x in zip(node.edges, node.saved or (), strict=False)
            )
            parents = tuple(at[edge.node] for edge in node.edges if edge is not None)
            made.append((parents, None if owner is None else id(owner), data, node.where))
        return cls(made)

    def before(self, leaves: set[int]) -> Where | None:
        """The line of what could be detached so that no gradient reaches ``leaves``, and nothing else is lost.

        None where the leaves' gradient is on the way to others', or where no net of its own, with data of its own, is behind
        the cut: weights that are scaled or normalised before they are used, say.
        """
        behind: list[frozenset[int]] = []
        inside: list[bool] = []
        data: list[bool] = []
        cuts: set[int] = set()
        for parents, owner, own_data, _ in self.records:
            mine = frozenset([owner]) if owner is not None else frozenset().union(*(behind[p] for p in parents))
            only = bool(mine) and mine <= leaves
            behind.append(mine if only else frozenset())
            inside.append(only and all(inside[p] for p in parents))
            data.append(own_data or any(data[p] for p in parents))
            if not inside[-1]:
                cuts.update(p for p in parents if inside[p])
        if not cuts or any(len(behind[p]) < 2 or not data[p] for p in cuts):
            return None
        return self.records[min(cuts)][3]


class Site:
    """A line that starts backward passes."""

    def __init__(self, where: Where | None) -> None:
        self.where = where
        self.cut: Cut | None = None
        self.times = 0
        self.used: set[int] = set()
        self.wasted: Counter[int] = Counter()
        self.mixed: dict[int, Where | None] = {}
        self.roots: list[weakref.ref[Any]] = []


class Pass:
    """One backward pass: where it began, and which optimizers have used what it gave."""

    __slots__ = ("site", "used_by")

    def __init__(self, site: Site) -> None:
        self.site = site
        self.used_by: set[int] = set()


class Leaf:
    """What is known of a parameter."""

    def __init__(self, tensor: Any, name: str) -> None:
        self.ref = weakref.ref(tensor)
        self.name = name
        record = tensor._edge
        self.where: Where | None = None if record is None else record.where
        self.serial: int = 0 if record is None else record.serial
        self.owners: set[int] = set()
        self.pending: list[Pass] = []
        self.mixed: list[tuple[Site, Where | None]] = []
        self.tainted: Where | None = None
        self.value = self.after = 0
        self.stepped: int | None = None
        self.reached = False
        self.missed = 0


class Gradients:
    """The account of gradients."""

    def __init__(self, found: Findings) -> None:
        self.found = found
        self.leaves: dict[int, Leaf] = {}
        self.gone: list[Leaf] = []
        self.sites: dict[Any, Site] = {}
        self._optimizers: dict[int, Any] = {}
        self._erased: Counter[Any] = Counter()
        self._lines: dict[Any, Where | None] = {}

    def site(self, where: Where | None) -> Site:
        """The account of a line."""
        key = None if where is None else (where.code, where.lasti)
        if key not in self.sites:
            self.sites[key] = Site(where)
        return self.sites[key]

    def leaf(self, tensor: Any) -> Leaf:
        """The account of a parameter."""
        known = self.leaves.get(id(tensor))
        if known is None or known.ref() is not tensor:
            if known is not None:
                self.gone.append(known)
            known = self.leaves[id(tensor)] = Leaf(tensor, _name_of(tensor))
        return known

    # Events

    def arrive(self, given: Iterable[tuple[Any, Any]], site: Site) -> None:
        """A backward pass is about to add gradients to the ``grad`` of leaves: pairs of tensor and array."""
        event = Pass(site)
        for tensor, g in given:
            self._arrive(self.leaf(tensor), tensor, g, event)

    def _arrive(self, known: Leaf, tensor: Any, g: Any, event: Pass) -> None:
        known.reached = True
        before = None if tensor.grad is None else tensor.grad._array
        value, where = checksum(tensor._array), event.site.where
        if before is not None and before.any():
            now = checksum(before)
            if known.stepped == now:
                known.tainted = where
            elif not known.owners and known.after == now and known.value != value:  # changed by hand, then used once more
                if known.tainted is not None:
                    self._not_zeroed(known.tainted, [known.name])
                known.tainted = where
            for each in known.pending:
                if each.site is not event.site and each.used_by - known.owners:
                    known.mixed.append((each.site, where))
        else:
            for each in known.pending:
                if each.used_by and not each.used_by & known.owners:
                    each.site.wasted[id(tensor)] += 1
            known.pending, known.mixed, known.tainted = [], [], None
        if g.any():
            known.pending.append(event)
        known.value, known.stepped = value, None
        known.after = checksum(g if before is None else before + g)

    def step(self, optimizer: Any, where: Where | None) -> None:
        """An optimizer has made a step."""
        key = id(optimizer)
        self._optimizers[key] = optimizer  # kept, so that no other has the same id
        pairs = [(p, self.leaf(p)) for group in optimizer.param_groups for p in group["params"] if p._edge is not None]
        live = [(p, known) for p, known in pairs if p.grad is not None and p.grad._array.any()]
        for _, known in pairs:
            known.owners.add(key)
        if not live and any(known.pending for _, known in pairs):
            at = None if where is None else (where.code, where.lasti)
            self._erased[at] += 1
            self._lines[at] = where
        tainted: dict[Where | None, list[str]] = {}
        for p, known in pairs:
            if p.grad is None:
                known.missed += 1
                continue
            if not p.grad._array.any():
                continue
            if known.tainted is not None:
                tainted.setdefault(known.tainted, []).append(known.name)
            for site, with_ in known.mixed:
                site.mixed[id(p)] = with_
            for event in known.pending:
                event.used_by.add(key)
                event.site.used.add(id(p))
            known.pending, known.mixed, known.tainted = [], [], None
            known.stepped = checksum(p.grad._array)
        for line, names in tainted.items():
            self._not_zeroed(line, names)

    def _not_zeroed(self, where: Where | None, names: Sequence[str]) -> None:
        verb = "add" if len(names) > 1 else "adds"
        self.found.add(
            "gradients-not-zeroed",
            "dynamic",
            where,
            f"the gradient{'s' * (len(names) > 1)} of {several(names)} {verb} up: this pass adds to what a step has used",
            names,
        )

    # Afterwards

    def finish(self) -> None:
        """Report what only the whole run tells."""
        for site in self.sites.values():
            self._leaks(site)
        for key, times in self._erased.items():
            if times > 1:
                message = (
                    "every gradient is zero or None at this step, although a backward pass has given some since the last"
                )
                self.found.add("zeroed-before-step", "dynamic", self._lines[key], message)
        unreached: dict[Any, list[Leaf]] = {}
        every = [*self.gone, *self.leaves.values()]
        training = {owner for known in every if known.reached for owner in known.owners}
        for known in every:
            if known.owners & training and not known.reached and known.missed > 1:
                key = None if known.where is None else (known.where.file, known.where.line)
                unreached.setdefault(key, []).append(known)
        for group in unreached.values():
            names, steps = [known.name for known in group], max(known.missed for known in group)
            message = f"{several(names)}: an optimizer has made {steps} steps, and no gradient ever came"
            self.found.add("disconnected-parameter", "dynamic", group[0].where, message, names)

    def _leaks(self, site: Site) -> None:
        """Report a loss whose gradient goes into parameters that another optimizer changes, without use."""
        wasted = {key for key, times in site.wasted.items() if times > 1 and key not in site.used}
        into = {key for key in wasted | set(site.mixed) if key in self.leaves and self.leaves[key].owners}
        cut = None if site.cut is None or not into else site.cut.before(into)
        if cut is None:
            return
        names = [known.name for key, known in sorted(self.leaves.items(), key=_serial) if key in into]
        lines = [line for line in site.mixed.values() if line is not None]
        fate = f"mixes with that of {place(lines[0])}" if lines else "is thrown away"
        remedy = f"detach() what {place(cut)} makes ({cut.text}) before this loss is computed from it"
        message = (
            f"this loss also fills the gradients of {several(names)}, which another optimizer changes: what it adds {fate}"
        )
        self.found.add("generator-gradient", "dynamic", site.where, message, names, remedy)


def _serial(item: tuple[int, Leaf]) -> int:
    return item[1].serial


# Names


def _name_of(tensor: Any) -> str:
    """What the program calls a tensor: its own name, or that of a variable, an entry or a module's parameter."""
    own = getattr(tensor, "name", None)
    if own:
        return str(own)
    frame: Any = tape.user_frame(sys._getframe(1))
    for _ in range(8):
        if frame is None:
            break
        own = frame.f_locals
        names = [name for space in (own, frame.f_globals) for name, value in _named(space) if value is tensor]
        if frame.f_code.co_flags & CO_OPTIMIZED and type(own) is dict:
            own.clear()  # until Python 3.12 a copy, which would hold what it names for as long as the function runs
        if names:
            return names[0]
        frame = frame.f_back
    shape = "x".join(map(str, tensor._array.shape)) or "no dimensions"
    return f"a parameter of {shape}"


def _named(space: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The tensors that names lead to."""
    for name, value in tuple(space.items()):
        if isinstance(value, Carried):
            yield name, value
        elif isinstance(value, Module):
            for inner, each in value.named_parameters():
                yield f"{name}.{inner}", each
        elif type(value) is dict and len(value) < 1000:
            for inner, each in tuple(value.items()):
                if isinstance(each, Carried) and isinstance(inner, str):
                    yield inner, each
