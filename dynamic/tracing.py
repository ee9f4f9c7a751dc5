"""The bridge to the other mode: ``trace`` runs a function once and keeps what it did as a graph.

What Python decides on the way is decided for good: a branch taken, the rounds of a loop, a number read from a tensor.
Each such place is *baked in*: it is listed with the user's line, drawn as a node, and where the graph is run with values for
which Python would have decided otherwise, that is an error that names the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from dynamic.apply import Carried
from dynamic.following import Baked as Baked, Graph, Recorder, TraceError as TraceError, draws
from dynamic.functions.products import trace as diagonal_sum
from dynamic.random import next_key
from dynamic.tensor import Tensor
from graphs.core.arrays import is_array
from graphs.core.node import Value
from graphs.core.notebook import Shown


class Traced(Shown):
    """A function's graph: call it on tensors of this mode, on ``static``'s (which grow their graph by it), or on arrays.

    Attributes:
        function: the graph, for ``graphs.draw`` too; its inputs are the arguments and then what was captured.
        captured: the tensors from outside that collect gradients, such as a module's parameters.
        names: a name for each of them.
        baked: what Python has decided, in order.
        changed: the captured tensors and arguments that the function changes in place; their new values are outputs behind
            the function's own.
    """

    def __init__(self, graph: Graph) -> None:
        self.function, self.captured, self.names, self.baked, self.changed, self._form = graph

    @property
    def parameters(self) -> dict[str, numpy.ndarray]:
        """The captured tensors' values now, by name: what to make variables of in ``static``."""
        return {name: numpy.array(x.detach().numpy()) for name, x in zip(self.names, self.captured, strict=True)}

    def __call__(self, *args: Any, captured: Sequence[Any] | None = None) -> Any:
        """What the function returns for ``args``, by the graph.

        Args:
            args: one for each tensor among the examples.
            captured: what stands for the captured tensors: variables of ``static``, say. Default: themselves, and in a graph
                of ``static`` their values.

        Raises TraceError where Python would have decided otherwise (for ``static``, when it is run).
        """
        outs = self.outputs(*args, captured=captured)
        return self._form(outs[: len(outs) - len(self.changed)])

    def outputs(self, *args: Any, captured: Sequence[Any] | None = None) -> tuple[Any, ...]:
        """All outputs, the new values of what is ``changed`` among them."""
        width = len(self.function.inputs) - len(self.captured)
        if len(args) != width:
            raise TraceError(f"{self.function.name} was traced with {width} tensors and is given {len(args)}")
        ours = all(isinstance(x, (Carried, int, float)) or is_array(x) for x in args)
        if captured is None:
            plain = any(isinstance(x, Carried) for x in args)
            captured = [x if plain else x.detach().numpy() for x in self.captured]
        if len(captured) != len(self.captured):
            raise TraceError(f"{self.function.name} captured {len(self.captured)} tensors and is given {len(captured)}")
        values: dict[Any, Any] = {}
        for value, arg in zip(self.function.inputs, (*args, *captured), strict=True):
            values[value.node, value.index] = arg
        for node in self.function.nodes:
            given = [values[x.node, x.index] if isinstance(x, Value) else x for x in node.inputs]
            params = {**node.params, "key": next_key()} if ours and draws(node.op, node.params) else node.params
            out = node.op(*given, **params)
            for index, each in enumerate(out if node.width > 1 else (out,)):
                values[node, index] = each
        return tuple(values[x.node, x.index] if isinstance(x, Value) else x for x in self.function.outputs)

    def __repr__(self) -> str:
        lines = [f"<traced {self.function.name}: {len(self.function.nodes)} nodes, {len(self.captured)} captured>"]
        return "\n".join([*lines, *(f"  baked in: {each}" for each in self.baked)])


def trace(fn: Any, *examples: Any) -> Any:
    """Run ``fn(*examples)`` once and keep what it did as a graph that either mode runs: a ``Traced``.

    Args:
        fn: a function, or a module. It returns a tensor, or tuples, lists and dictionaries of them. Given a tensor, this is
            PyTorch's function of the same name: the sum of a matrix's diagonal.
        examples: its arguments. Tensors among them become the graph's inputs, with their shapes and dtypes; anything else is
            as it is for good.

    Backward passes inside ``fn`` are part of the graph, and so are changes in place. Raises TraceError where the function
    returns no tensors, and where the graph does not give again, bit for bit, what the function gave.
    """
    if isinstance(fn, Carried):
        return diagonal_sum(fn, *examples)
    recorder = Recorder([x for x in examples if isinstance(x, Tensor)])
    before = [numpy.array(x.numpy(force=True)) for x in recorder.examples]
    with recorder.following():
        result = fn(*examples)
        made = Traced(recorder.finish(result, getattr(fn, "__name__", None) or type(fn).__name__, fn))
    if not any(draws(node.op, node.params) for node in made.function.nodes) and not made.changed:
        _check(made, before, recorder.found)
    return made


def _check(made: Traced, before: Sequence[Any], found: Sequence[Any]) -> None:
    again = made.outputs(*before)
    for i, (x, y) in enumerate(zip(again, found, strict=True)):
        if not numpy.array_equal(x, y, equal_nan=numpy.asarray(y).dtype.kind in "fc"):
            raise TraceError(f"the graph of {made.function.name} gives another output {i} than the function gave")
