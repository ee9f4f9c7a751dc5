"""Regions that real programs bring: fused bodies of the demos' graphs and of random programs, as bodies for CUDA C++."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy
from hypothesis import HealthCheck, given, settings

from dynamic.kernels import body_of
from graphs.codegen.cuda import fits
from graphs.codegen.fused import fused
from graphs.codegen.primitives import Scalars, scalars
from graphs.compare import load
from graphs.control import bodies
from graphs.core.function import Function
from static.passes import EXACT, PIPELINE
from tests.agree.pipelines import WITHIN
from tests.agree.programs import programs
from tests.agree.runs import as_a_graph
from tests.graphs.cuda_bodies import ELEMENTWISE, settings as attributes


DEMOS = ("two_layer", "gan", "recurrent", "convolutional", "variational")
PASSES = {"PIPELINE": PIPELINE, "EXACT": EXACT, "stabilise": WITHIN["stabilise"], "fast_math": WITHIN["fast_math"]}


def in_plan(plan: Any) -> Iterator[Function]:
    """The bodies of a plan's fused regions, those inside loops and branches too."""
    stack = [step.node for step in plan.schedule.steps]
    while stack:
        node = stack.pop()
        if node.op is fused:
            yield node.params["body"]
        stack += [inner for body in bodies(node) for inner in body.nodes]


def plans_of_demo(name: str, dtype: str, passes: Any) -> Iterator[Any]:
    """The plans of a step of a demo's static program under other passes."""
    twins = load(Path(__file__).parents[2] / "demos" / f"{name}.py")
    setup = twins.begin(dtype)
    program: Any = twins.build("static", setup)
    program.session = program.session._twin(passes=passes)
    yield from program._plans(next(iter(setup.batches)))


@cache
def of_demos() -> list[Function]:
    """The regions of all demos by every pipeline, and in float64 by the usual one."""
    every = [(name, "float32", passes) for name in DEMOS for passes in PASSES.values()]
    every += [(name, "float64", PIPELINE) for name in DEMOS]
    return [body for name, dtype, passes in every for plan in plans_of_demo(name, dtype, passes) for body in in_plan(plan)]


@cache
def of_random_programs() -> list[Function]:
    """The regions of a fixed set of random programs and of their gradients."""
    found: list[Function] = []
    quiet = list(HealthCheck)

    @settings(max_examples=25, derandomize=True, database=None, deadline=None, suppress_health_check=quiet)
    @given(programs(dtypes=("float32", "float64"), special=False))
    def collect(program: Any) -> None:
        built = as_a_graph(program)
        fetches = built.fetches()
        if fetches:
            session = built.session(PIPELINE)
            found.extend(in_plan(session.plan(fetches, built.feed(0))))

    collect()
    return found


@cache
def of_rules() -> list[Function]:
    """The rules of all element-wise ops' gradients, of float32, that a tape on a GPU has as one kernel each."""
    found = []
    for name, op in sorted(ELEMENTWISE.items()):
        arrays: list[Any] = [numpy.zeros(1, "float32")] * len(op.names)
        if name == "where":
            arrays[0] = numpy.zeros(1, bool)
        for i, rule in enumerate(op.rules or ()):
            if rule is not None:
                made = body_of((op, i), partial(_call, rule, attributes(op)), [arrays[-1], arrays[-1], *arrays])
                found += [] if made is None else [made[0]]
    return found


def _call(rule: Any, given: dict[str, Any], *args: Any) -> Any:
    return rule(*args, **given)


def written(regions: Iterable[Function]) -> tuple[list[Scalars], list[Function]]:
    """What kernels are made of, and the regions that are none."""
    made, refused = [], []
    for body in regions:
        each = scalars(body)
        if each is not None and fits(each):
            made.append(each)
        else:
            refused.append(body)
    return made, refused
