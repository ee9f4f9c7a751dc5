"""What a run's feeds say of shapes: dimensions that are unknown in the graph are known in a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphs.core.node import Value
from graphs.core.spec import Spec
from graphs.rewrite import Choice, Log, Program, Rewritten, origins
from graphs.rewrite.narrow import specialised
from static.state import placeholder_op


def standins(fed: Sequence[Value], specs: Sequence[Spec], kind: type[Rewritten]) -> list[Any]:
    """For each fed tensor a value of the spec that this plan is for: itself, where that says nothing new."""
    made = []
    for tensor, spec in zip(fed, specs, strict=True):
        if spec == tensor.spec:
            made.append(tensor)
            continue
        node: Any = tensor.node
        new = kind(placeholder_op, (), {"spec": spec}, (spec,), node.name, where=node.where, origins=origins([node]))
        made.append(new.outputs[0])
    return made


def specialise(fed: Sequence[Value], given: Sequence[Any]) -> Callable[[Program, Log, Choice], Program]:
    """The pass that puts ``given`` in the place of the tensors ``fed``, and works out what follows for all other shapes."""

    def specialise(program: Program, log: Log, choice: Choice) -> Program:
        pairs = [(old, new) for old, new in zip(fed, given, strict=True) if old is not new]
        return specialised(program, pairs) if pairs else program

    return specialise
