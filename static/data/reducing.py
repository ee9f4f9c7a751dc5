"""``Dataset.reduce``: one state, carried through all elements in one run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from graphs.core.errors import at_line
from graphs.core.op import Op
from static.data import structure
from static.data.description import Description, numbered
from static.data.function import ElementFunction
from static.data.opening import Opening
from static.effects import operation
from static.nest import assert_same_structure, flatten, pack_sequence_as


def reduced(dataset: Description, initial_state: Any, reduce_func: Callable[..., Any]) -> Any:
    """The tensors of the state after all elements (see ``Dataset.reduce``)."""
    graph = dataset._graph
    with graph.as_default():
        first = structure.converted(initial_state)
        element = structure.specs_of(first)
        while True:
            pair = (element, dataset._element)
            function = ElementFunction(reduce_func, pair, graph, numbered(graph), "ReduceDataset")
            with function.building():
                found = structure.converted(function.result)
            assert_same_structure(first, found)
            if structure.types(structure.specs_of(found)) != structure.types(element):
                raise TypeError(
                    "The element types for the new state must match the initial state. Expected "
                    f"{structure.types(element)}; got {structure.types(structure.specs_of(found))}.{at_line()}"
                )
            wider = structure.common(element, structure.specs_of(found))
            if flatten(wider) == flatten(element):
                break
            element = wider  # a shape that changes on the way is not known: build the function for that
        function.close(flatten(found))
        given = [*flatten(first), *dataset._tensors, *function.captured]
        settings = {"specs": tuple(flatten(element)), "function": function, "dataset": dataset, "seed": graph.seed}
        made = operation(reduce_op, given, "ReduceDataset", **settings)
    return pack_sequence_as(first, made.outputs)


def _reduce(xp: Any, *arrays: Any, specs: Any, function: ElementFunction, dataset: Description, seed: int | None) -> Any:
    """The state after all elements of the dataset, whose tensors have the values that follow the first state."""
    state = tuple(numpy.array(x) for x in arrays[: len(specs)])
    tensors = [*dataset._tensors, *function.captured]
    run = Opening(dict(zip(tensors, map(numpy.asarray, arrays[len(specs) :]), strict=True)), seed)
    for row in dataset._open(run):
        state = function((*state, *row), run)
    return state[0] if len(state) == 1 else state


reduce_op = Op(
    _reduce,
    name="reduce_dataset",
    shape=lambda *_, specs, **__: tuple(spec.dims for spec in specs),
    dtype=lambda *_, specs, **__: tuple(spec.dtype for spec in specs),
    traits=("stateful",),
)
reduce_op.joint_vjp(lambda needs, _gs, _outs, _args: [None] * len(needs))
