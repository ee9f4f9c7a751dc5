"""Every rule fires on its samples and holds, to its bound, on ordinary and on edge inputs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import product
from typing import Any

import numpy
import pytest

from graphs.core.errors import GraphsError
from graphs.core.function import Function, trace
from graphs.core.node import Node, Value, infer, new_parameter
from graphs.core.spec import Spec
from graphs.rewrite import LEVELS, SIMPLIFY, Choice, Log, Program, Rule, Rules, UncheckedError, check, rewrite
from tests.graphs.rewrite.samples import SAMPLES, Sample


BY_NAME = {rule.name: rule for rule in SIMPLIFY}
EACH = [(name, sample) for name, samples in SAMPLES.items() for sample in samples]
WIDE = {numpy.dtype(numpy.float32): numpy.dtype(numpy.float64)}


def body(sample: Sample, *, wide: bool = False) -> Function:
    expression, specs = sample
    if wide:
        specs = tuple(Spec(spec.dims, WIDE.get(spec.dtype, spec.dtype)) for spec in specs)
    return trace(expression, *specs, name="sample")[0]


def applied(function: Function, rule: Rule) -> tuple[Program, Log]:
    log = Log()
    return rewrite(Program.of(function), Rules("one", [rule]), log, Choice("fast")), log


def test_every_rule_has_a_sample() -> None:
    assert set(SAMPLES) == set(BY_NAME)


def test_there_are_many_rules() -> None:
    assert len(SIMPLIFY) >= 60
    assert sum(rule.level == "exact" for rule in SIMPLIFY) >= 60


@pytest.mark.parametrize(("name", "sample"), EACH, ids=[name for name, _ in EACH])
def test_a_rule_fires_on_its_sample_and_holds(name: str, sample: Sample) -> None:
    for wide in (False, True):
        function = body(sample, wide=wide)
        if any(spec.dtype.kind == "f" for spec in sample[1]) or not wide:
            program, log = applied(function, BY_NAME[name])
            assert name in log.counts
            assert [spec.dtype for spec in function.specs] == [spec_of_root(root).dtype for root in program.roots]
            for record in log:
                assert check(record) is None, str(check(record))


def holds(function: Function, rule: Rule) -> None:
    """Where the rule fires, it holds; what no inputs suit is passed over."""
    for record in applied(function, rule)[1]:
        with suppress(UncheckedError):
            assert check(record) is None, str(check(record))


@pytest.mark.parametrize(("name", "sample"), EACH, ids=[name for name, _ in EACH])
def test_a_rule_holds_among_several_dtypes(name: str, sample: Sample) -> None:
    expression, specs = sample
    floating = [place for place, spec in enumerate(specs) if spec.dtype.kind == "f"]
    for dtypes in product(("float32", "float64", "int64"), repeat=len(floating)):
        if len(set(dtypes)) < 2:
            continue
        mixed = list(specs)
        for place, dtype in zip(floating, dtypes, strict=True):
            mixed[place] = Spec(specs[place].dims, numpy.dtype(dtype))
        with suppress(TypeError):  # raised where the op does not take them
            holds(trace(expression, *mixed, name="sample")[0], BY_NAME[name])


@pytest.mark.parametrize(("name", "sample"), EACH, ids=[name for name, _ in EACH])
def test_a_rule_holds_for_plain_numbers_and_constants(name: str, sample: Sample, many: Callable[[int], int]) -> None:
    """Any operand of an element-wise op may be a number, and what a pattern says to be a number an array."""
    function = body(sample)
    for number in (0, -1.0, 2.0, 0.0, -0.0, 1, True, False, 0.5)[: max(2, many(9))]:
        for chosen in product((False, True), repeat=len(function.inputs)):
            given = [x for x, taken in zip(function.inputs, chosen, strict=True) if taken]
            for constants in (False, True) if given else (True,):
                changed = with_numbers(function, given, number, constants)
                if changed is not None:
                    holds(changed, BY_NAME[name])


def with_numbers(function: Function, given: list[Value], number: float, constants: bool) -> Function | None:
    """The function with ``number`` for ``given``, and arrays for its numbers; None where no graph has such nodes."""
    values: dict[Any, Any] = {(x.node, x.index): number if x in given else new_parameter(x.spec) for x in function.inputs}

    def look(x: Any) -> Any:
        if isinstance(x, Value):
            return values.get((x.node, x.index), x)
        return numpy.asarray(x, "float32" if isinstance(x, float) else None) if constants and not isinstance(x, tuple) else x

    for node in function.nodes:
        inputs = tuple(map(look, node.inputs))
        arrays = [isinstance(x, (Value, tuple, numpy.ndarray)) for x in inputs]
        if inputs and not (any if "elementwise" in node.op.traits else all)(arrays):
            return None
        try:
            specs = infer(node.op, inputs, node.params)
        except (GraphsError, TypeError):
            return None
        made = Node(node.op, inputs, node.params, specs, node.name, value=Value)
        values.update({(node, index): out for index, out in enumerate(made.outputs)})
    left = [values[x.node, x.index] for x in function.inputs if x not in given]
    return Function(left, [look(x) for x in function.outputs], "sample")


def spec_of_root(root: Any) -> Spec:
    return root.spec if hasattr(root, "spec") else Spec.of(root)


@pytest.mark.parametrize("rule", list(SIMPLIFY), ids=lambda rule: rule.name)
def test_a_rule_states_its_law_and_its_bound(rule: Rule) -> None:
    assert "->" in rule.law
    assert rule.level in LEVELS
    assert (rule.level == "exact") == (rule.ulps == 0)


@pytest.mark.parametrize(("name", "sample"), EACH, ids=[name for name, _ in EACH])
def test_a_refused_rule_does_not_fire(name: str, sample: Sample) -> None:
    log = Log()
    rewrite(Program.of(body(sample)), SIMPLIFY, log, Choice("fast", frozenset([name])))
    assert name not in log.counts
