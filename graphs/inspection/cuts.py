"""Why a gradient is None, or zero: where the way back from a loss to a value is cut, in words, with the remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from rich.console import Group, RenderableType
from rich.text import Text

from graphs.control import branch, loop
from graphs.core.function import Function
from graphs.core.node import Value, ancestors
from graphs.inspection.flowing import Flow, name_of
from graphs.inspection.numbers import shown
from graphs.inspection.showing import Shown, label, placed


REMEDIES = {
    "stop_gradient": "leave stop_gradient out where the gradient is wanted",
    "detach": "use the tensor itself, without detach() or .data, where the gradient is wanted",
    "no_grad": "compute it outside of no_grad()",
    "cast": "stay in a floating dtype: integers have no gradient",
    "positions": "positions and comparisons are flat almost everywhere: use a soft form (softmax, sigmoid), or where()",
    "steps": "a step is flat almost everywhere: leave it out, or give it a gradient of your own that passes it by",
    "flat": "the op has no derivative by this argument: let the value come in through another",
    "no rule": "the op has no gradient: compute it with ops that have one, or write a Function or custom_gradient for it",
    "leaf": "make it a leaf that requires a gradient: requires_grad_() before it is used",
    "dtype": "only floating values have gradients: make it one",
    "assignment": "take the gradient with respect to what was assigned, or use the expression itself, not the variable",
    "read": "compute with the tensor: a number or an array that Python has read has no history",
    "unused": "nothing leads from it to the loss: use it, or leave it out of the list",
    "other": "take the gradient with respect to what the loss is computed from",
    "not kept": "call retain_grad() on it before the backward pass, or use autograd.grad(loss, w)",
    "not run": "call backward() on the loss",
    "dead": "a smaller learning rate or another initial value keeps it alive; leaky_relu has a slope there",
    "saturated": "keep its input small, or use a loss of logits, which does not saturate",
    "clipped": "widen the bounds, or look at what drives the value beyond them",
    "zero": "look at the other factor",
    "unchosen": "the value was not chosen in this run: another batch may choose it",
}
"""What to do, by what has cut the gradient off."""

_STEPS = frozenset({"floor", "ceil", "round", "trunc", "sign", "floor_divide", "heaviside"})
_POSITIONS = frozenset({"argmax", "argmin", "argsort", "searchsorted", "nonzero", "one_hot"})


@dataclass(frozen=True)
class Cut:
    """Where a gradient ends.

    Attributes:
        kind: a key of ``REMEDIES``.
        op, name: the op and node at whose argument it ends; empty where it is no op.
        argument: the position of the argument, None where it is all of them.
        reason: what happens there.
        where: the user's line.
    """

    kind: str
    op: str
    name: str
    argument: int | None
    reason: str
    where: str = ""

    @property
    def remedy(self) -> str:
        """What to do."""
        return REMEDIES[self.kind]

    def as_dict(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        return {**vars(self), "remedy": self.remedy}


@dataclass(frozen=True)
class WhyNone(Shown):
    """Why a gradient is None, or zero, or that it is neither.

    Attributes:
        status: ``"none"``, ``"zero"`` or ``"flows"``.
        loss, name: of what, with respect to what.
        cuts: where it ends, the ones nearest to the loss first; each would have to be mended.
        note: what else there is to say.
    """

    status: str
    loss: str
    name: str
    cuts: tuple[Cut, ...] = ()
    note: str = ""

    def __bool__(self) -> bool:
        return self.status == "none"

    def as_dict(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        cuts = [cut.as_dict() for cut in self.cuts]
        return {"status": self.status, "loss": self.loss, "name": self.name, "cuts": cuts, "note": self.note}

    def __rich__(self) -> RenderableType:
        words = {"none": "is None", "zero": "is zero", "flows": "is not None"}
        lines = [Text(f"the gradient of {self.loss} with respect to {self.name} ").append(words[self.status], "bold")]
        for cut in self.cuts:
            at = f"{label(cut.op, cut.name)}: " if cut.op else ""
            lines.append(Text("  ").append(at, "bold #d55e00").append(cut.reason))
            if cut.where:
                lines.append(Text(f"    {cut.where}", "dim"))
            lines.append(Text(f"    remedy: {cut.remedy}", "#00805d"))
        if self.note:
            lines.append(Text(f"  {self.note}", "italic"))
        return Group(*lines)


def depends(nodes: Iterable[Any], targets: set[Any]) -> set[Any]:
    """Those of ``nodes``, in order of creation, whose values come from ``targets``, these among them."""
    found: set[Any] = set()
    for node in nodes:
        if node in targets or any(edge is not None and edge.node in found for edge in node.edges):
            found.add(node)
    return found


def cut_of(op: Any, position: int | None, out_dtype: Any, name: str, where: str, steps_are_flat: bool = True) -> Cut:
    """The cut at an op through whose argument no gradient flows."""
    kind = getattr(out_dtype, "kind", "f")
    if op.name == "stop_gradient":
        return Cut("stop_gradient", op.name, name, position, "passes its argument on and lets no gradient back", where)
    if op.name in ("cast", "cast_like") and kind not in "fc":
        return Cut("cast", op.name, name, position, f"a cast to {out_dtype}, which has no gradient", where)
    if op.name in _POSITIONS:
        return Cut("positions", op.name, name, position, "gives positions, not values: no gradient flows through", where)
    if op.name in _STEPS and steps_are_flat:
        return Cut("steps", op.name, name, position, "is a step: its gradient is left out", where)
    if kind not in "fcO":
        return Cut("positions", op.name, name, position, f"gives {out_dtype}, which has no gradient", where)
    if not op.differentiable or op.joint is not None:
        return Cut("no rule", op.name, name, position, "has no gradient", where)
    names = op.names
    which = f"its argument {names[position].lstrip('_')}" if position is not None and position < len(names) else "it"
    return Cut("flat", op.name, name, position, f"has no derivative by {which}", where)


def cuts(
    roots: Sequence[Any], targets: set[Any], flat: Callable[[Any], bool], nodes: Sequence[Any] | None = None
) -> tuple[set[Any], list[Cut]]:
    """The nodes that a gradient of ``roots`` reaches, and where it ends on the ways to ``targets``, nearest first.

    ``flat`` says of nodes that nothing flows through them. Bodies of loops and branches are looked into.
    """
    nodes = ancestors([edge.node for edge in roots]) if nodes is None else nodes
    behind = depends(nodes, targets)
    reached = {edge.node for edge in roots if edge.node in behind}
    found: list[Cut] = []
    for node in sorted(behind, key=lambda node: -node.serial):
        if node not in reached or node in targets:
            continue
        inner = _inside(node, flat)
        for position, edge in enumerate(node.edges):
            if edge is None or edge.node not in behind:
                continue
            smooth = edge.spec.dtype.kind in "fcO"
            if smooth and not flat(node) and node.op.flows(position) and position not in inner and not _mute(node):
                reached.add(edge.node)
            elif smooth or edge.node in targets or not _stepped(edge.node, behind):
                dtype = node.specs[0].dtype if node.specs else None
                own = cut_of(node.op, position, dtype, node.name, placed(node.where))
                found += inner.get(position) or [own]
            else:
                found += _upstream(edge.node, behind, targets)
    return reached, list(dict.fromkeys(found))


def _mute(node: Any) -> bool:
    """Whether a joint rule, one that looks at no value, sends back nothing whatever it is given."""
    op, needs = node.op, (True,) * len(node.edges)
    keeps, keep_out = op.keep(needs) if op.joint is not None else ((True,), True)
    if op in (loop, branch) or any(keeps) or keep_out or "function" in op.traits:
        return False
    try:
        sent = op.joint(needs, [object()] * node.width, [object()] * node.width, [object()] * len(needs), **node.params)
        return all(each is None for each in sent)
    except Exception:  # it does something with what it is given, and these are no values
        return False


def _stepped(node: Any, behind: set[Any]) -> bool:
    """Whether an integer value comes of values that are none, somewhere before."""
    return any(edge is not None and edge.node in behind for edge in node.edges)


def _upstream(node: Any, behind: set[Any], targets: set[Any]) -> Iterator[Cut]:
    """The ops that made integers of what had a gradient, before an integer value."""
    seen, stack = {node}, [node]
    while stack:
        each = stack.pop()
        for position, edge in enumerate(each.edges):
            if edge is None or edge.node not in behind:
                continue
            if edge.spec.dtype.kind in "fc":
                yield cut_of(each.op, position, each.specs[0].dtype, each.name, placed(each.where))
            elif edge.node not in seen:
                seen.add(edge.node)
                stack.append(edge.node)
            if edge.node in targets and edge.spec.dtype.kind not in "fc":
                yield Cut("dtype", "", "", None, f"{edge.node.name} is {edge.spec.dtype}", placed(edge.node.where))


def _inside(node: Any, flat: Callable[[Any], bool]) -> Mapping[int, list[Cut]]:
    """The arguments of a loop or branch into which nothing flows, each with the cuts in the bodies."""
    if node.op is branch:
        params = {**branch.attributes, **node.params}
        found: dict[int, list[list[Cut]]] = {}
        for body in params["branches"]:
            for i in range(len(body.inputs)):
                found.setdefault(1 + i, []).append(_blocked(body, list(range(len(body.outputs))), i, flat))
        return {i: [cut for cuts in each for cut in cuts] for i, each in found.items() if all(each)}
    if node.op is not loop:
        return {}
    params = {**loop.attributes, **node.params}
    body, states, sums = params["body"], params["states"], params["sums"]
    blocked: dict[int, list[Cut]] = {}
    for i in range(len(body.inputs)):
        found_here = _blocked(body, list(range(len(body.outputs))), i, flat)
        if found_here:
            blocked[1 + i if i < states else 1 + sums + i] = found_here
    return blocked


def _blocked(body: Function, outs: Sequence[int], i: int, flat: Callable[[Any], bool]) -> list[Cut]:
    """The cuts between a body's input and its outputs, none where some gradient gets through or it is not used."""
    target = body.inputs[i].node
    roots = [body.outputs[k] for k in outs if isinstance(body.outputs[k], Value)]
    behind = depends([target, *body.nodes], {target})
    every = [root for root in roots if root.node in behind]
    roots = [root for root in every if root.dtype.kind in "fcO"]
    if not every or any(root.node is target for root in roots):
        return []
    if not roots:
        return [cut_of(every[0].node.op, None, every[0].dtype, every[0].node.name, placed(every[0].node.where))]
    reached, found = cuts(roots, {target}, flat, [target, *body.nodes])
    return found if target not in reached else []


def zeros(flowed: Flow, residuals: Callable[[Any], Any]) -> list[Cut]:
    """Where a gradient that is zero became so, nearest to the loss first: ops that had something and sent nothing on."""
    found: dict[tuple[Any, int], Cut] = {}
    before = [node for node in flowed.arrived if any(g is not None and numpy.any(g) for g in flowed.arrived[node])]
    for node in sorted(before, key=lambda node: -node.serial):
        for position in range(len(node.edges)):
            g = flowed.sent.get((node, position))
            if g is not None and not numpy.any(g):
                args, outs = residuals(node)
                found[node, position] = zeroed(node, position, args, outs)
    return list(dict.fromkeys(found.values()))


def zeroed(node: Any, position: int, args: Sequence[Any], outs: Sequence[Any]) -> Cut:
    """Why an op sends nothing but zeros to an argument."""
    op = node.op.name
    x = args[position] if isinstance(args[position], numpy.ndarray) else None
    out = outs[0] if outs and isinstance(outs[0], numpy.ndarray) else None
    count = "" if x is None else f"all {x.size} inputs"
    where, name = placed(node.where), name_of(node)
    if op in ("relu", "relu6") and out is not None and not out.any():
        low = f", from {shown(x.min())} to {shown(x.max())}" if x is not None and x.size else ""
        return Cut("dead", op, name, position, f"is dead: all {out.size} inputs are at most 0{low}", where)
    if op in ("relu", "relu6", "elu", "selu", "hard_sigmoid", "hard_tanh", "threshold", "hard_shrink", "soft_shrink"):
        least = f", from {shown(x.min())} to {shown(x.max())}" if x is not None and x.size else ""
        return Cut("dead", op, name, position, f"is flat at {count or 'all of its inputs'}{least}", where)
    if op in ("sigmoid", "tanh", "softmax", "erf", "softsign", "log_sigmoid", "softplus"):
        ends = (
            f": its results are {', '.join(sorted({shown(v) for v in out.ravel()[:1000]}))[:60]}" if out is not None else ""
        )
        return Cut("saturated", op, name, position, f"is saturated{ends}", where)
    if op in ("clip", "maximum", "minimum"):
        return Cut("clipped", op, name, position, f"{count or 'all inputs'} are beyond its bound", where)
    if op in ("multiply", "matmul", "dot", "linear", "divide", "einsum"):
        return Cut("zero", op, name, position, "the other factor is 0 wherever a gradient comes in", where)
    if op in ("where", "max", "min", "take", "getitem", "max_pool", "take_along_axis", "embedding"):
        return Cut("unchosen", op, name, position, "none of its elements was chosen", where)
    return Cut("zero", op, name, position, "its derivative is 0 at these values", where)
