"""A training step as numbers: the work of each node, when each gradient is ready, what the update does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from graphs.core.node import Value
from graphs.placing.cluster import PlacementError
from graphs.placing.costs import Work, work_of
from graphs.rewrite.costs import Shapes
from graphs.rewrite.program import Program


class Gradient(NamedTuple):
    """A gradient: after how many of the works it is ready, and its bytes."""

    after: int
    size: int


class Training(NamedTuple):
    """One step for a batch of a certain size.

    Attributes:
        works: what is done up to the last gradient, in order.
        gradients: in the order in which they get ready.
        updates: what is done once they are averaged; it doesn't depend on the batch.
    """

    works: tuple[Work, ...]
    gradients: tuple[Gradient, ...]
    updates: tuple[Work, ...]

    @property
    def size(self) -> int:
        """Bytes of all gradients."""
        return sum(each.size for each in self.gradients)

    @property
    def operations(self) -> int:
        """Scalar operations of a step."""
        return sum(work.dense + work.other for work in (*self.works, *self.updates))


def training(program: Program, shapes: Shapes | None = None) -> Training:
    """The numbers of a program that changes variables by gradients.

    A gradient is what the node that makes a variable's new value reads besides variables, of the variable's size. The
    program is to be made without the pass ``accumulate``, which leaves no gradient. Raises PlacementError without any.
    """
    shapes = shapes or Shapes()
    owners: dict[Any, list[Any]] = {}
    for node in program.nodes:
        if "update" in node.op.traits and len(node.inputs) > 1 and isinstance(node.inputs[1], Value):
            owners.setdefault(node.inputs[1].node, []).append(node.inputs[0].node)
    gradients: dict[Any, int] = {}
    updating: set[Any] = set()
    for maker, variables in owners.items():
        sizes = {shapes.outputs(variable)[0].size for variable in variables}
        found = [x for x in maker.inputs if isinstance(x, Value) and shapes.of(x).size in sizes and not _of_variable(x.node)]
        if found:
            updating.add(maker)
            gradients[found[0].node] = _bytes(shapes, found[0])
    if not gradients:
        raise PlacementError("no variable of this program is changed by a gradient")
    behind = set(updating)
    for node in program.nodes:
        if any(isinstance(x, Value) and x.node in behind for x in node.inputs) or "update" in node.op.traits:
            behind.add(node)
    kept = [node for node in program.nodes if node not in behind]
    counts = {node: at + 1 for at, node in enumerate(kept)}
    made = sorted((Gradient(counts[node], size) for node, size in gradients.items()), key=lambda each: each.after)
    last = made[-1].after  # what comes later is the optimiser's, such as this step's rate
    works = [work_of(node, shapes) for node in kept]
    updates = [work_of(node, shapes) for node in program.nodes if node in behind]
    return Training(tuple(works[:last]), tuple(made), (*works[last:], *updates))


def _of_variable(node: Any) -> bool:
    return "mutable" in node.op.traits or node.op.name == "read" or "constant" in node.op.traits


def _bytes(shapes: Shapes, x: Any) -> int:
    spec = shapes.of(x)
    return int(spec.size or 0) * spec.dtype.itemsize


class Scaled(NamedTuple):
    """A training step for any batch, from those for two sizes: work grows in a straight line with the batch.

    Attributes:
        small, large: the batches that were counted.
        of_small, of_large: their steps, node by node the same.
    """

    small: int
    large: int
    of_small: Training
    of_large: Training

    @classmethod
    def of(cls, small: tuple[int, Training], large: tuple[int, Training]) -> Scaled:
        """From (batch, step) twice. Raises PlacementError where the steps are not node by node the same."""
        (one, few), (other, many) = small, large
        if one == other or len(few.works) != len(many.works) or few.gradients != many.gradients:
            raise PlacementError(f"the steps for batches of {one} and {other} are different programs")
        return cls(one, other, few, many)

    def at(self, batch: float) -> Training:
        """The step for a batch of ``batch`` examples, which need not be whole: what remains of a batch cut in parts."""
        share = (batch - self.small) / (self.large - self.small)
        works = [
            Work(few.kernels, *(max(0, round(a + (b - a) * share)) for a, b in zip(few[1:], many[1:], strict=True)))
            for few, many in zip(self.of_small.works, self.of_large.works, strict=True)
        ]
        return self.of_small._replace(works=tuple(works))


def buckets(gradients: Sequence[Gradient], most: float) -> list[Gradient]:
    """Gradients put together, in order, until ``most`` bytes are reached; a bucket is ready with its last gradient."""
    made: list[Gradient] = []
    held = 0
    for each in gradients:
        held += each.size
        if held >= most:
            made.append(Gradient(each.after, held))
            held = 0
    if held:
        made.append(Gradient(gradients[-1].after, held))
    return made


__all__ = ["Gradient", "Scaled", "Training", "buckets", "training"]
