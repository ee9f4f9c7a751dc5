"""Every rule fires on its samples and holds, to its bound, on ordinary and on edge inputs."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from graphs.core.function import Function, trace
from graphs.core.spec import Spec
from graphs.rewrite import LEVELS, SIMPLIFY, Choice, Log, Program, Rule, Rules, check, rewrite
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
