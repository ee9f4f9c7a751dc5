"""A run predicted event by event: against times worked out by hand, and against the schedule of HEFT."""

from __future__ import annotations

import itertools
import json

import networkx
import pytest

from graphs.placing import Cluster, Link, PlacementError, Run, Runtime, Timeline, Transfer, heft, simulate


def chain(*seconds: float, size: int = 0) -> networkx.DiGraph:
    graph = networkx.DiGraph()
    for at, cost in enumerate(seconds):
        graph.add_node(at, seconds=cost)
        if at:
            graph.add_edge(at - 1, at, values={0: size})
    return graph


CLUSTER = Cluster.uniform(["a", "b"], Link(1.0, 10.0))


def spans(shown: Timeline, worker: str) -> list[tuple[float, float]]:
    return [(run.start, run.end) for run in shown.runs if run.worker == worker]


def test_a_chain_over_two_workers() -> None:
    shown = simulate(chain(2, 3, 4, size=20), {0: "a", 1: "b", 2: "a"}, CLUSTER)
    assert spans(shown, "a") == [(0, 2), (11, 15)]
    assert spans(shown, "b") == [(5, 8)]
    assert (shown.makespan, shown.size) == (15, 40)
    assert (shown.busy("a"), shown.idle("a"), shown.idle("b")) == (6, 9, 12)
    assert [type(each).__name__ for each in shown.critical] == ["Run", "Transfer", "Run", "Transfer", "Run"]


def test_calls_feeds_and_answers() -> None:
    graph = chain(2, 3, size=20)
    graph.nodes[0]["feeds"] = {"x": 50}
    graph.nodes[1]["fetched"] = 100
    runtime = Runtime(call=0.5, answer=0.25, wire=Link(2.0, 100.0), part=1.0)
    shown = simulate(graph, {0: "a", 1: "b"}, CLUSTER, runtime)
    assert shown.workers == ("session", "a", "b")
    assert spans(shown, "session") == [(0, 0.5), (0.5, 1.0), (8.0, 8.25), (15.0, 15.25)]
    assert spans(shown, "a") == [(3.0, 4.0), (4.0, 6.0)]
    assert spans(shown, "b") == [(3.0, 4.0), (9.0, 12.0)]
    assert shown.makespan == 15.25


def test_a_sender_that_waits() -> None:
    graph = networkx.DiGraph()
    graph.add_node("made", seconds=1.0)
    graph.add_node("own", seconds=5.0)
    graph.add_edge("made", "read", bytes=20)
    graph.nodes["read"]["seconds"] = 1.0
    homes = {"made": "a", "own": "a", "read": "b"}
    assert simulate(graph, homes, CLUSTER).makespan == 6
    shown = simulate(graph, homes, CLUSTER, Runtime(blocking=True))
    assert spans(shown, "a") == [(0, 1), (1, 4), (4, 9)]
    shown = simulate(graph, homes, CLUSTER, Runtime(send=0.5, copy=0.05))
    assert spans(shown, "a") == [(0, 1), (1, 2.5), (2.5, 7.5)]
    assert spans(shown, "b") == [(5.5, 6.5)]


def test_a_value_leaves_before_its_maker_goes_on() -> None:
    graph = chain(1, 5, size=20)
    graph.add_node("far", seconds=1.0)
    graph.add_edge(0, "far", values={1: 20})
    shown = simulate(graph, {0: "a", 1: "a", "far": "b"}, CLUSTER)
    assert [(each.start, each.end) for each in shown.transfers] == [(1, 4)]
    assert shown.makespan == 6


def test_messages_wait_for_each_other() -> None:
    graph = networkx.DiGraph()
    for at in range(3):
        graph.add_node(at, seconds=0.0)
        graph.add_edge(at, ("read", at), bytes=20)
    homes = {node: "b" if isinstance(node, tuple) else "a" for node in graph}
    shown = simulate(graph, homes, CLUSTER)
    assert [each.end for each in shown.transfers] == [3, 5, 7]
    shown = simulate(graph, homes, CLUSTER, Runtime(message=1.0))
    assert [each.end for each in shown.transfers] == [3, 6, 9]


def test_each_worker_keeps_its_order() -> None:
    graph = networkx.DiGraph()
    graph.add_node("x", seconds=1.0)
    graph.add_node("y", seconds=4.0)
    graph.add_node("z", seconds=1.0)
    graph.add_edge("y", "z", bytes=0)
    homes = {"x": "a", "y": "a", "z": "b"}
    assert simulate(graph, homes, CLUSTER).makespan == 7
    assert simulate(graph, homes, CLUSTER, order={"a": ["y", "x"]}).makespan == 6
    with pytest.raises(PlacementError, match="the order of a does not name the nodes"):
        simulate(graph, homes, CLUSTER, order={"a": ["y"]})
    with pytest.raises(PlacementError, match="z has no worker"):
        simulate(graph, {"x": "a", "y": "a"}, CLUSTER)


def test_orders_that_wait_for_each_other() -> None:
    graph = networkx.DiGraph([(0, 1), (2, 3)])
    with pytest.raises(PlacementError, match="wait for each other: 3 on a, 1 on b"):
        simulate(graph, {0: "a", 1: "b", 2: "b", 3: "a"}, CLUSTER, order={"a": [3, 0], "b": [1, 2]})


@pytest.mark.parametrize("count", [1, 2, 4])
def test_without_contention_it_is_hefts_schedule(count: int) -> None:
    """Branches that send nothing at the same time: the event loop and the list scheduler are two ways to one answer."""
    graph = networkx.DiGraph()
    for branch, depth in itertools.product(range(count), range(3)):
        graph.add_node((branch, depth), seconds=1.0 + branch + depth / 8)
        if depth:
            graph.add_edge((branch, depth - 1), (branch, depth), bytes=5)
    found = heft(graph, Cluster.uniform(count, Link(0.5, 10.0)))
    starts = {run.node: run.start for run in found.timeline.runs}
    order = {name: sorted((n for n in graph if found.assignment[n] == name), key=starts.get) for name in found.used}
    shown = simulate(graph, found.assignment, Cluster.uniform(count, Link(0.5, 10.0)), order=order)
    assert {run.node: (run.start, run.end) for run in shown.runs} == {
        run.node: (run.start, run.end) for run in found.timeline.runs
    }


def test_a_deep_graph() -> None:
    graph = chain(*[1e-3] * 5_000, size=8)
    shown = simulate(graph, {at: "ab"[at // 100 % 2] for at in graph}, CLUSTER)
    assert len(shown.transfers) == 49
    assert shown.makespan == pytest.approx(5 + 49 * 1.8)
    assert len(shown.critical) == 5_049


def test_timelines_that_cannot_be() -> None:
    with pytest.raises(PlacementError, match="nothing is known of the workers c"):
        Timeline.of(["a"], [Run(0, "c", 0, 1)])
    with pytest.raises(PlacementError, match="matmul ends before it starts"):
        Timeline.of(["a"], [Run(0, "a", 2, 1, "matmul")])


def test_a_measured_timeline_counts_from_its_beginning() -> None:
    runs = [Run(1, "b", 105.0, 106.0), Run(0, "a", 100.0, 102.0)]
    shown = Timeline.of("ab", runs, [Transfer(0, "a", "b", 8, 102.0, 104.0, readers=(1,))], origin=None)
    assert [(run.node, run.start) for run in shown.runs] == [(0, 0.0), (1, 5.0)]
    assert shown.transfers[0].end == 4.0
    assert [each.node for each in shown.critical] == [0, 0, 1]
    assert shown.as_dict()["busy"] == {"a": 2.0, "b": 1.0}


def test_the_trace_has_a_row_a_worker_and_an_arrow_a_transfer() -> None:
    shown = simulate(chain(2, 3, 4, size=20), {0: "a", 1: "b", 2: "a"}, CLUSTER)
    events = json.loads(shown.chrome_trace())["traceEvents"]
    bars = [event for event in events if event["ph"] == "X"]
    assert sorted(bar["cat"] for bar in bars) == ["kernel"] * 3 + ["transfer"] * 2
    assert sum(bar["args"].get("bytes", 0) for bar in bars) == shown.size
    starts, ends = ([event for event in events if event["ph"] == phase] for phase in "sf")
    assert [event["id"] for event in starts] == [event["id"] for event in ends] == [0, 1]
    assert {event["args"]["name"] for event in events if event["name"] == "thread_name"} >= {"a", "b"}
