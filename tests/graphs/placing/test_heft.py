"""Placement by earliest finish: the paper's own example, brute force on small graphs, wishes, and when not to spread."""

from __future__ import annotations

import itertools
import random

import networkx
import pytest

from graphs.placing import Cluster, Link, PlacementError, heft, ranks


PAPER = {
    1: (14, 16, 9),
    2: (13, 19, 18),
    3: (11, 13, 19),
    4: (13, 8, 17),
    5: (12, 13, 10),
    6: (13, 16, 9),
    7: (7, 15, 11),
    8: (5, 11, 14),
    9: (18, 12, 20),
    10: (21, 7, 16),
}
"""Cost of each task on each processor: figure 2 of the paper."""

# fmt: off
EDGES = [
    (1, 2, 18), (1, 3, 12), (1, 4, 9), (1, 5, 11), (1, 6, 14), (2, 8, 19), (2, 9, 16), (3, 7, 23),
    (4, 8, 27), (4, 9, 23), (5, 9, 13), (6, 8, 15), (7, 10, 17), (8, 10, 11), (9, 10, 13),
]
# fmt: on
UNIT = Link(0.0, 1.0)


def paper() -> tuple[networkx.DiGraph, Cluster]:
    graph = networkx.DiGraph()
    for task, costs in PAPER.items():
        graph.add_node(task, seconds=dict(zip(("P1", "P2", "P3"), costs, strict=True)), name=f"n{task}")
    graph.add_edges_from((tail, head, {"bytes": size}) for tail, head, size in EDGES)
    return graph, Cluster.uniform(["P1", "P2", "P3"], UNIT)


def test_the_papers_example() -> None:
    graph, cluster = paper()
    found = heft(graph, cluster)
    assert found.makespan == 80
    assert found.method == "HEFT"
    places = {task: (found.assignment[task], run.start, run.end) for run in found.timeline.runs for task in [run.node]}
    # fmt: off
    assert places == {
        1: ("P3", 0, 9), 2: ("P1", 27, 40), 3: ("P3", 9, 28), 4: ("P2", 18, 26), 5: ("P3", 28, 38),
        6: ("P2", 26, 42), 7: ("P3", 38, 49), 8: ("P1", 57, 62), 9: ("P2", 56, 68), 10: ("P2", 73, 80),
    }
    # fmt: on
    assert found.timeline.critical[0].node == 1
    assert found.timeline.critical[-1].node == 10
    assert "against 127 s on one worker" in found.reason


def test_the_papers_ranks() -> None:
    graph, cluster = paper()
    expected = [108, 77, 80, 80, 69, 63.333, 42.667, 35.667, 44.333, 14.667]
    assert list(ranks(graph, cluster).values()) == pytest.approx(expected, abs=1e-3)


def drawn(seed: int, count: int = 6) -> networkx.DiGraph:
    made = random.Random(seed)
    graph = networkx.DiGraph()
    for node in range(count):
        graph.add_node(node, seconds=float(made.randint(1, 9)))
        for tail in range(node):
            if made.random() < 0.4:
                graph.add_edge(tail, node, bytes=made.randint(0, 6))
    return graph


def replayed(graph: networkx.DiGraph, cluster: Cluster, assignment: dict[int, str], order: tuple[int, ...]) -> float:
    """When the last node ends if workers take their nodes in ``order``: a model of its own, to check against."""
    free, end = dict.fromkeys(cluster.names, 0.0), {}
    for node in order:
        home = assignment[node]
        ready = [end[t] + cluster.seconds(assignment[t], home, graph.edges[t, node]["bytes"]) for t in graph.pred[node]]
        end[node] = max(free[home], *ready, 0.0) + graph.nodes[node]["seconds"]
        free[home] = end[node]
    return max(end.values())


def orders(graph: networkx.DiGraph) -> list[tuple[int, ...]]:
    return [tuple(order) for order in networkx.all_topological_sorts(graph)]


@pytest.mark.parametrize("seed", range(12))
def test_no_schedule_is_better_than_the_best_and_heft_is_near_it(seed: int) -> None:
    graph, cluster = drawn(seed), Cluster.uniform(["a", "b"], Link(1.0, 2.0))
    found = heft(graph, cluster)
    every = [dict(enumerate(names)) for names in itertools.product("ab", repeat=len(graph))]
    best = min(replayed(graph, cluster, each, order) for each in every for order in orders(graph)[:60])
    starts = {run.node: run.start for run in found.timeline.runs}
    order = tuple(sorted(graph, key=lambda node: (starts[node], node)))
    assert found.makespan == replayed(graph, cluster, dict(found.assignment), order)
    assert best <= found.makespan <= 1.35 * best
    assert found.makespan <= sum(seconds for _, seconds in graph.nodes(data="seconds")) == found.alone


@pytest.mark.parametrize("seed", range(6))
def test_moving_single_units_makes_it_no_worse(seed: int) -> None:
    graph, cluster = drawn(seed, 30), Cluster.uniform(["a", "b", "c"], Link(1.0, 2.0))
    together, fixed = [[0, 20], [3, 11, 29]], {5: "b"}
    plain, moved = (heft(graph, cluster, fixed, together, refine=tries) for tries in (0, 300))
    assert moved.makespan <= plain.makespan
    assert moved == heft(graph, cluster, fixed, together, refine=300)
    assert moved.assignment[5] == "b"
    assert len({moved.assignment[node] for node in (3, 11, 29)}) == 1
    starts = {run.node: run.start for run in moved.timeline.runs}
    order = tuple(sorted(graph, key=lambda node: (starts[node], node)))
    assert moved.makespan == replayed(graph, cluster, dict(moved.assignment), order)


def test_the_way_back_is_seen_when_units_are_moved() -> None:
    """A greedy step to the faster worker, from where a fixed reader has to have the value back."""
    graph = networkx.DiGraph()
    graph.add_node("a", seconds={"slow": 4.0, "fast": 3.0})
    graph.add_node("z", seconds=1.0)
    graph.add_edge("a", "z", bytes=40)
    cluster = Cluster.uniform(["slow", "fast"], Link(0.0, 10.0))
    assert heft(graph, cluster, {"z": "slow"}).makespan == 5  # all that is free on one worker is the better fallback
    graph.add_node("b", seconds={"slow": 9.0, "fast": 2.0})
    found, moved = (heft(graph, cluster, {"z": "slow"}, refine=tries) for tries in (0, 20))
    assert (found.makespan, moved.makespan) == (8, 5)
    assert "1 moved afterwards" in moved.reason


@pytest.mark.parametrize("seed", range(20))
def test_a_timeline_can_happen(seed: int) -> None:
    graph = drawn(seed, 40)
    cluster = Cluster.nested((2, 2), (Link(2.0, 1.0), Link(0.1, 10.0)))
    shown = heft(graph, cluster).timeline
    runs = {run.node: run for run in shown.runs}
    arrivals = {(reader, each.node): each for each in shown.transfers for reader in each.readers}
    for row in shown.workers:
        mine = [run for run in shown.runs if run.worker == row]
        assert all(one.end <= other.start for one, other in itertools.pairwise(mine))
    for tail, head in graph.edges:
        if runs[tail].worker == runs[head].worker:
            assert runs[tail].end <= runs[head].start
        else:
            sent = arrivals[head, tail]
            assert runs[tail].end <= sent.start <= sent.end <= runs[head].start
            assert sent.end - sent.start >= cluster.seconds(sent.source, sent.target, sent.size) - 1e-9
    path = shown.critical
    assert path[0].start == 0
    assert path[-1].end == shown.makespan
    assert all(one.end == pytest.approx(other.start) for one, other in itertools.pairwise(path))


def branches(cost: float, size: int, count: int = 2) -> networkx.DiGraph:
    graph = networkx.DiGraph()
    graph.add_node("in", seconds=0.0)
    for branch in range(count):
        for depth in range(4):
            graph.add_node((branch, depth), seconds=cost)
            graph.add_edge((branch, depth - 1) if depth else "in", (branch, depth), bytes=size)
        graph.add_edge((branch, 3), "out", bytes=size)
    graph.nodes["out"]["seconds"] = 0.0
    return graph


def test_branches_are_spread_where_that_pays() -> None:
    cluster = Cluster.uniform(2, Link(1e-3, 1e9))
    found = heft(branches(0.1, 1000), cluster)
    assert found.used == ("worker:0", "worker:1")
    assert found.makespan == pytest.approx(0.4 + 1e-3 + 1e-6)
    assert found.size == 2000
    assert len({found.assignment[0, depth] for depth in range(4)}) == 1


def test_branches_stay_where_it_does_not() -> None:
    graph = branches(1e-4, 1000)
    found = heft(graph, Cluster.uniform(2, Link(1e-3, 1e9)))
    assert (found.method, found.used) == ("one worker", ("worker:0",))
    assert found.makespan == found.alone == pytest.approx(8e-4)
    dear = heft(branches(0.1, 1000), Cluster.uniform(2, Link(1e-3, 1e9)), overhead=1.0)
    assert dear.method == "one worker"
    assert "1 s for more workers" in dear.reason


def test_heft_alone_may_lose_and_then_one_worker_is_taken() -> None:
    """Greedy steps apart, whose way back together costs more than they won."""
    graph = networkx.DiGraph()
    graph.add_node("a", seconds=1.0)
    for each in "bc":
        graph.add_node(each, seconds=3.0)
        graph.add_edge("a", each, bytes=0)
    graph.add_node("d", seconds=1.0)
    graph.add_edge("b", "d", bytes=100)
    graph.add_edge("c", "d", bytes=100)
    found = heft(graph, Cluster.uniform(2, Link(0.5, 10.0)))
    assert found.method == "one worker"
    assert found.makespan == 8
    assert "spread out, a run is predicted to take" in found.reason


def test_a_value_is_sent_once_to_each_worker() -> None:
    graph = networkx.DiGraph()
    graph.add_node("a", seconds=1.0)
    for at in range(4):
        graph.add_edge("a", at, values={0: 800})
    found = heft(graph, Cluster.uniform(["x", "y"], Link(1.0, 1e6)), {"a": "x", **dict.fromkeys(range(4), "y")})
    assert found.size == 800
    (sent,) = found.timeline.transfers
    assert sent.readers == (0, 1, 2, 3)
    assert found.method == "asked"


def test_wishes_hold() -> None:
    graph = branches(0.1, 1000)
    cluster = Cluster.uniform(3, Link(1e-3, 1e9))
    found = heft(graph, cluster, {(1, 0): "worker:2"}, [[(1, 0), (1, 3)], [(1, 3), "out"]])
    assert {found.assignment[key] for key in [(1, 0), (1, 3), "out"]} == {"worker:2"}
    assert found.why[1, 0] == "it was asked for"
    assert found.why["out"] == "it stands with (1, 0)"
    free = heft(graph, cluster, together=[[(0, depth) for depth in range(4)], ["in", "out"]])
    assert len({free.assignment[0, depth] for depth in range(4)}) == 1
    assert free.assignment["in"] == free.assignment["out"]


def test_a_variable_goes_where_its_reader_goes() -> None:
    """It costs nothing and comes first: taken for a node like others it would hold all that belongs to it on one worker."""
    graph, together = networkx.DiGraph(), []
    for branch in range(2):
        graph.add_node(("w", branch), seconds=0.0)
        graph.add_node(("read", branch), seconds=0.0)
        graph.add_edge(("w", branch), ("read", branch), bytes=4_000_000)
        for depth in range(3):
            graph.add_node((branch, depth), seconds=0.1)
            graph.add_edge(("read", branch) if depth == 0 else (branch, depth - 1), (branch, depth), bytes=4_000_000)
        graph.add_edge((branch, 2), ("update", branch), bytes=4_000_000)
        graph.nodes["update", branch]["seconds"] = 0.01
        together.append([("w", branch), ("read", branch), ("update", branch)])
    found = heft(graph, Cluster.uniform(2, Link(1e-3, 1e9)), together=together)
    assert found.makespan == pytest.approx(0.31)
    assert found.size == 0
    assert len(found.used) == 2
    alone = networkx.DiGraph()
    alone.add_node("unread", seconds=0.0)
    assert heft(alone, Cluster.uniform(2)).assignment == {"unread": "worker:0"}


def test_wishes_that_contradict_each_other() -> None:
    graph, cluster = branches(0.1, 1), Cluster.uniform(2)
    with pytest.raises(
        PlacementError, match=r"in is to be on worker:0 and out on worker:1, but they have to stand together"
    ):
        heft(graph, cluster, {"in": "worker:0", "out": "worker:1"}, [["in", "out"]])
    with pytest.raises(PlacementError, match=r"no worker 'worker:7'; there are worker:0, worker:1"):
        heft(graph, cluster, {"in": "worker:7"})
    with pytest.raises(PlacementError, match="'nobody' is no node"):
        heft(graph, cluster, together=[["nobody"]])


def test_graphs_that_cannot_run() -> None:
    graph = networkx.DiGraph([("a", "b"), ("b", "a")])
    with pytest.raises(PlacementError, match="goes in a circle"):
        heft(graph, Cluster.uniform(2))
    graph = networkx.DiGraph()
    graph.add_node("a", seconds=-1.0)
    with pytest.raises(PlacementError, match=r"a costs -1\.0 s"):
        heft(graph, Cluster.uniform(2))
    graph.nodes["a"]["seconds"] = {"worker:0": 1.0}
    with pytest.raises(PlacementError, match="a has no cost on worker:1"):
        heft(graph, Cluster.uniform(2))


def test_a_faster_worker_is_preferred() -> None:
    graph = networkx.DiGraph()
    graph.add_node("a", seconds=1.0)
    cluster = Cluster.uniform(["slow", "fast"])
    cluster = Cluster((cluster.workers[0], type(cluster.workers[0])("fast", 4.0)), cluster.links)
    found = heft(graph, cluster)
    assert (found.assignment["a"], found.makespan) == ("fast", 0.25)


def test_the_same_input_gives_the_same_placement() -> None:
    graph = branches(0.1, 1000, 5)
    cluster = Cluster.uniform(3, Link(1e-3, 1e9))
    first, again = heft(graph, cluster), heft(graph.copy(), cluster)
    assert first == again
    assert first.timeline.chrome_trace() == again.timeline.chrome_trace()


def test_a_deep_graph() -> None:
    """No recursion, and no quadratic search for gaps: a chain of 5,000 nodes."""
    graph = networkx.path_graph(5_000, networkx.DiGraph)
    networkx.set_node_attributes(graph, 1e-3, "seconds")
    found = heft(graph, Cluster.uniform(2, Link(1.0)))
    assert found.makespan == pytest.approx(5.0)
    assert len(found.timeline.critical) == 5_000
    assert heft(networkx.DiGraph(), Cluster.uniform(2)).makespan == 0.0
