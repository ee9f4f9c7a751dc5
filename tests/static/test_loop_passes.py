"""The passes over loops on whole programs: the same numbers, what is left in the loops, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy
import pytest

import static as tf
from graphs.control import bodies
from graphs.core.arrays import to_numpy
from graphs.core.random import Draws, Stream
from graphs.core.spec import Spec
from graphs.rewrite import Choice, UncheckedError, check
from static.passes import Pass, count, cse, fold, hoist, hoist_exactly, merge, narrow, simplify, unpack_arrays
from static.plan import Plan
from tests.helpers import calls_in
from tests.static.loop_programs import CELLS, OPEN, PROGRAMS, Built, fed, numbers, recurrent, variable, zeros


FIRST: tuple[Pass, ...] = (fold, narrow, cse, simplify, cse)
EXACT: tuple[Pass, ...] = (*FIRST, count, unpack_arrays, hoist_exactly, cse, merge, fold, cse, simplify)
WITHIN: tuple[Pass, ...] = (*FIRST, count, unpack_arrays, hoist, cse, merge, fold, cse, simplify)
OURS = ("count", "unpack_arrays", "hoist", "hoist_exactly", "merge")


@pytest.fixture(autouse=True)
def _fresh_graph() -> Iterable[None]:
    with tf.Graph().as_default(), numpy.errstate(all="ignore"):
        yield


def planned(built: Built, passes: Sequence[Pass], known: bool = True, **choice: Any) -> Plan:
    """The plan of a run; with ``known`` for the shapes that are fed."""
    fetches, feeds = built
    given = [Spec.of(x) for x in feeds.values()] if known else None
    return Plan(fetches, list(feeds), passes, Choice(**choice), given)


def state() -> dict[Any, Any]:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return dict(session._state)


def ran(plan: Plan, built: Built, variables: dict[Any, Any]) -> list[numpy.ndarray]:
    """What is fetched, and what variables become; random streams begin alike."""
    values, written = plan(variables, list(built[1].values()), Draws(Stream(7)))
    ordered = sorted(written, key=lambda node: node.serial)
    return [to_numpy(x) for x in (*values, *(written[variable] for variable in ordered))]


def loops(plan: Plan) -> list[Any]:
    """The loops of a plan, those inside bodies too."""
    found, stack = [], list(plan.outcome.program.nodes)[::-1]
    while stack:
        node = stack.pop()
        if node.op.name == "loop":
            found.append(node)
        if "control" in node.op.traits:
            stack.extend(inner for body in bodies(node) for inner in body.nodes)
    return found


def inside(node: Any) -> list[str]:
    return sorted(each.op.name for each in node.params["body"].nodes)


def exact(x: numpy.ndarray, y: numpy.ndarray) -> None:
    if x.size == y.size == 0:
        return  # what no round has made has the shape that is known of it, and a plan may know more
    numpy.testing.assert_array_equal(x, y, strict=True)
    if x.dtype.kind == "f":
        numpy.testing.assert_array_equal(numpy.signbit(x), numpy.signbit(y))


def near(x: numpy.ndarray, y: numpy.ndarray) -> None:
    assert x.dtype == y.dtype
    if x.size or y.size:
        scale = max(1e-300, float(abs(x).max())) if x.dtype.kind == "f" else 0.0
        numpy.testing.assert_allclose(y, x, rtol=0, atol=1e-13 * scale, strict=True)


# The same numbers


@pytest.mark.parametrize("known", [True, False], ids=["known shapes", "unknown shapes"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_numbers_are_the_same(name: str, known: bool) -> None:
    built = PROGRAMS[name]()
    variables = state()
    wanted = ran(planned(built, (), known), built, variables)
    for passes, same in ((EXACT, exact), (WITHIN, near)):
        for x, y in zip(wanted, ran(planned(built, passes, known), built, variables), strict=True):
            same(x, y)


@pytest.mark.parametrize("rounds", [0, 1])
@pytest.mark.parametrize("name", sorted(OPEN))
def test_few_rounds_give_the_same(name: str, rounds: int) -> None:
    fetches, feeds = PROGRAMS[name]()
    first = next(iter(feeds))
    built = fetches, {**feeds, first: feeds[first][:rounds]}
    variables = state()
    for known in (True, False):
        wanted = ran(planned(built, (), known), built, variables)
        for passes, same in ((EXACT, exact), (WITHIN, near)):
            for x, y in zip(wanted, ran(planned(built, passes, known), built, variables), strict=True):
                same(x, y)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_record_holds(name: str) -> None:
    plan = planned(PROGRAMS[name](), WITHIN)
    for record in plan.outcome.log.records:
        if record.stage in OURS:
            try:
                found = check(record)
            except UncheckedError:
                continue  # none of the inputs tried suits it: arrays of tensors, say
            assert found is None, str(found)


@pytest.mark.parametrize("each", [count, unpack_arrays, hoist, hoist_exactly, merge, narrow])
@pytest.mark.parametrize("name", ["lstm_cell", "while_with_arrays", "two_scans_over_one_sequence", "scan_in_a_scan"])
def test_each_pass_works_alone(name: str, each: Pass) -> None:
    built = PROGRAMS[name]()
    variables = state()
    wanted = ran(planned(built, ()), built, variables)
    for x, y in zip(wanted, ran(planned(built, (each,)), built, variables), strict=True):
        near(x, y)


@pytest.mark.parametrize("limit", [0, 1, 3, 7, 12, 20])
def test_any_number_of_rewrites_may_be_made(limit: int) -> None:
    for name in ("lstm_cell", "while_with_arrays", "whiles_with_one_condition"):
        with tf.Graph().as_default():
            built = PROGRAMS[name]()
            variables = state()
            wanted = ran(planned(built, ()), built, variables)
            passes = (narrow, count, unpack_arrays, hoist, merge)
            for x, y in zip(wanted, ran(planned(built, passes, limit=limit), built, variables), strict=True):
                near(x, y)


# fmt: off
RULES = [
    "invariant", "all_rounds", "all_rounds_reordered", "split_product", "split_columns", "sum_of_fixed", "over_rounds",
    "after_rounds", "after_rounds_reordered", "stacked", "counted", "counter", "read_of_array", "written_array",
]
# fmt: on


@pytest.mark.parametrize("rule", RULES)
def test_each_rewrite_can_be_refused(rule: str) -> None:
    for name in ("gru_cell", "while_with_arrays", "projected_in_each_round"):
        with tf.Graph().as_default():
            built = PROGRAMS[name]()
            variables = state()
            wanted = ran(planned(built, ()), built, variables)
            plan = planned(built, WITHIN, refuse=frozenset([rule]))
            assert rule not in plan.outcome.log.counts
            for x, y in zip(wanted, ran(plan, built, variables), strict=True):
                near(x, y)


# What is left in the loops


LEFT = {
    "tanh_net": [["add", "matmul", "tanh"], ["add", "matmul", "multiply"]],
    "while_with_arrays": [["add", "matmul", "tanh"], ["add", "matmul", "multiply"]],
    "mapped": [],
    "mapped_with_views": [],
    "backwards": [["add", "matmul", "tanh"], ["add", "matmul", "multiply"]],
}


@pytest.mark.parametrize("name", LEFT)
def test_all_that_need_not_be_in_a_loop_is_outside(name: str) -> None:
    plan = planned(PROGRAMS[name](), WITHIN)
    assert [inside(node) for node in loops(plan)] == LEFT[name]


PRODUCTS = {
    "basic_cell": [1, 1],
    "lstm_cell": [1, 1],
    "lstm_cell_with_lengths": [1, 1],
    "lstm_cell_both_ways": [2, 2],
    "gru_cell": [2, 2],
    "gru_cell_both_ways": [4, 4],
    "two_loops_one_after_the_other": [1, 2, 2, 1],
    "one_weight_many_times": [2, 2],
    "projected_in_each_round": [1, 1],
    "embedded": [1, 1],
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_in_loops_are_those_with_states(name: str) -> None:
    """Weights' gradients, products with inputs and for outputs are all outside."""
    found = loops(planned(PROGRAMS[name](), WITHIN))
    assert [inside(node).count("matmul") for node in found] == PRODUCTS[name]
    assert all(node.params["sums"] == 0 for node in found)


APART = {"branch_in_a_scan", "while_with_an_array_that_grows"}
"""Programs with loops that keep loops' or branches' values, or arrays of other lengths in each round."""


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - APART))
def test_nothing_is_kept_apart_that_has_one_shape(name: str) -> None:
    for node in loops(planned(PROGRAMS[name](), WITHIN)):
        assert not node.params.get("boxed")
        assert not node.params.get("boxes")


def test_weights_gradients_are_not_put_together_of_copies() -> None:
    """A cell's input and state are side by side in each round; for the gradient each has a product of its own."""
    plan = planned(PROGRAMS["lstm_cell"](), WITHIN)
    joined = [node for node in plan.outcome.program.nodes if node.op.name == "concat"]
    assert [node.outputs[0].spec.dims for node in joined] == [(9, 16)]


def test_counters_and_arrays_are_gone() -> None:
    plan = planned(PROGRAMS["while_with_arrays"](), WITHIN)
    names = {node.op.name for node in plan.outcome.program.nodes}
    assert not {name for name in names if name.startswith("tensor_array")}
    assert all(node.params.get("cond") is None for node in loops(plan))


def test_conditions_on_values_stay() -> None:
    first, *_ = loops(planned(PROGRAMS["while_until_it_is_large"](), WITHIN))
    assert first.params["cond"] is not None
    assert inside(first) == ["add", "multiply"]
    assert (
        sorted(node.op.name for node in first.params["cond"].nodes) == ["less", "multiply", "sum"]
        or len(first.params["cond"].nodes) == 3
    )


def test_what_might_fail_waits_for_its_round() -> None:
    """A division by zero in a loop of no round is none."""
    n, by = tf.placeholder("int32", ()), tf.placeholder("int32", ())
    total = tf.while_loop(lambda i, _: i < n, lambda i, s: (i + 1, s + 10 // by), [0, 0])[1]
    for known in (True, False):
        plan = planned(([total], {n: numpy.array(0, "int32"), by: numpy.array(0, "int32")}), WITHIN, known)
        assert plan({}, [numpy.array(0, "int32"), numpy.array(0, "int32")])[0] == (0,)
        assert plan({}, [numpy.array(3, "int32"), numpy.array(5, "int32")])[0] == (6,)


def test_a_sequence_may_be_longer_than_the_rounds() -> None:
    x, w = fed(None, 2, 3), variable("w", 3, 3)
    longer = tf.concat([x, x], 0)
    y = tf.scan(lambda s, e: tf.tanh(tf.matmul(e[0], w) + tf.matmul(e[1], w) * e[0]), (x, longer), zeros(2, 3))
    built = [y], {x: numbers(4, 2, 3)}
    variables = state()
    for known in (True, False):
        (wanted,) = ran(planned(built, (), known), built, variables)
        (got,) = ran(planned(built, WITHIN, known), built, variables)
        near(wanted, got)


# Merging


def merged(name: str) -> tuple[int, list[int]]:
    plan = planned(PROGRAMS[name](), WITHIN)
    return plan.outcome.log.counts["merge"], [len(node.params["body"].nodes) for node in loops(plan)]


def test_scans_over_one_sequence_become_one_and_so_do_their_gradients() -> None:
    assert merged("two_scans_over_one_sequence") == (2, [5, 5])


def test_loops_that_need_each_other_stay_apart() -> None:
    times, left = merged("two_pairs_that_need_each_other")
    assert times == 2
    assert len(left) == 6


def test_while_loops_with_one_condition_become_one() -> None:
    times, left = merged("whiles_with_one_condition")
    assert times == 2
    assert len(left) == 4


def test_loops_that_draw_stay_apart() -> None:
    assert merged("drawing_in_scans")[0] <= 1  # their gradients draw nothing


# Records


def test_records_from_inside_bodies_name_the_user_s_lines() -> None:
    plan = planned(PROGRAMS["scan_in_a_scan"](), WITHIN)
    records = [record for record in plan.outcome.log.records if record.stage == "hoist"]
    assert records
    for record in records:
        assert any("loop_programs.py" in line for line in record.lines), record


def test_records_say_how_far_results_may_differ() -> None:
    plan = planned(PROGRAMS["lstm_cell"](), WITHIN)
    bounds = {record.rule: record.bound for record in plan.outcome.log.records}
    assert bounds["over_rounds"] == "close, 256 ulps of the largest number on the way"
    assert bounds["all_rounds_reordered"] == "close, 64 ulps of the largest number on the way"
    assert bounds["stacked"] == bounds["after_rounds"] == "exact"


def test_records_count_the_rounds() -> None:
    plan = planned(PROGRAMS["tanh_net"](), WITHIN)
    (record,) = [record for record in plan.outcome.log.records if record.rule == "all_rounds_reordered"]
    before, after = record.costs
    assert before.kernels >= 6
    assert after.kernels == 1


def test_the_work_grows_with_the_loops_and_no_faster() -> None:
    def work(count: int) -> int:
        x = fed(3, 2)
        outs = [tf.scan(lambda s, e, k=k: tf.tanh(s + e * float(k)), x, zeros(2)) for k in range(count)]
        plans = []
        found = calls_in(lambda: plans.append(planned(([sum(outs)], {x: numbers(3, 2)}), WITHIN)))
        assert len(loops(plans[0])) == 1
        return found

    assert work(40) < 2.2 * work(20)


def test_cells_are_taken_apart_in_any_batch() -> None:
    built = recurrent(CELLS["lstm"])
    for known in (True, False):
        assert planned(built, WITHIN, known).outcome.log.counts["split_product"] == 1
