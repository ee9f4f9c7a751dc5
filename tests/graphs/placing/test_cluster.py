"""Workers and links: what lies between whom, what is measured, and files."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest

from graphs.placing import Cluster, Link, PlacementError, Worker


NETWORK, NVLINK = Link(5e-6, 50e9), Link(2e-6, 450e9)


def test_uniform() -> None:
    cluster = Cluster.uniform(3, NETWORK)
    assert cluster.names == ("worker:0", "worker:1", "worker:2")
    assert cluster.link("worker:0", "worker:2") == NETWORK
    assert cluster.seconds("worker:0", "worker:2", 50e9) == pytest.approx(1 + 5e-6)
    assert cluster.seconds("worker:1", "worker:1", 50e9) == 0


def test_nodes_of_gpus() -> None:
    cluster = Cluster.nested((2, 4), (NETWORK, NVLINK))
    assert len(cluster.workers) == 8
    assert cluster.workers[5] == Worker("node:1/gpu:1", 1.0, ("node:1",))
    assert cluster.link("node:0/gpu:0", "node:0/gpu:3") == NVLINK
    assert cluster.link("node:0/gpu:0", "node:1/gpu:0") == NETWORK
    deep = Cluster.nested((2, 2, 2), (Link(1.0), Link(0.1), Link(0.01)), words=("pod", "node", "gpu"))
    seen = [deep.link("pod:0/node:0/gpu:0", f"pod:{at}/gpu:1").latency for at in ("1/node:0", "0/node:1", "0/node:0")]
    assert seen == [1.0, 0.1, 0.01]


def test_a_link_is_measured() -> None:
    made = random.Random(0)
    true = Link(4e-4, 8e8)
    samples = [(2**k, true.seconds(2**k) * made.uniform(0.95, 1.05)) for k in range(0, 28, 2) for _ in range(5)]
    found = Link.measured(samples)
    assert found.latency == pytest.approx(true.latency, rel=0.03)
    assert found.bandwidth == pytest.approx(true.bandwidth, rel=0.03)


def test_no_part_of_a_link_is_negative() -> None:
    assert Link.measured([(0, 1.0), (1000, 0.5)]) == Link(pytest.approx(0.6), math.inf)
    found = Link.measured([(100, 1.0), (1000, 20.0), (2000, 60.0)])
    assert found.latency == 0
    assert 25 < found.bandwidth < 100
    for samples in ([(1, 1.0)], [(1, 1.0), (1, 2.0)], [(1, 0.0), (2, 1.0)], [(1, math.nan), (2, 1.0)]):
        with pytest.raises(PlacementError):
            Link.measured(samples)


def test_a_cluster_is_measured_by_pairs() -> None:
    slow, fast = Link(1e-3, 1e8), Link(1e-4, 1e9)
    samples = {("a", "b"): [(n, slow.seconds(n)) for n in (1, 1e6)], ("b", "a"): [(n, fast.seconds(n)) for n in (1, 1e6)]}
    cluster = Cluster.measured(["a", "b", "c"], samples, speeds={"b": 2.0})
    assert cluster.link("a", "b").bandwidth == pytest.approx(1e8)
    assert cluster.link("b", "a").latency == pytest.approx(1e-4)
    assert 1e-4 < cluster.link("a", "c").latency < 1e-3
    assert [worker.speed for worker in cluster.workers] == [1.0, 2.0, 1.0]
    assert Cluster.measured(2, samples["a", "b"]).link("worker:0", "worker:1").latency == pytest.approx(1e-3)


def test_files_hold_the_whole_cluster(tmp_path: Path) -> None:
    cluster = Cluster.nested((2, 2), (NETWORK, Link(1e-6)))
    cluster = Cluster(cluster.workers, cluster.links, {("node:0/gpu:0", "node:1/gpu:1"): Link(1.0, 2.0)})
    path = cluster.save(tmp_path / "cluster.json")
    assert Cluster.load(path) == cluster
    first = path.read_bytes()
    Cluster.load(path).save(path)
    assert path.read_bytes() == first
    path.write_text(json.dumps({"workers": [{"name": "a"}], "links": [], "pairs": []}))
    with pytest.raises(PlacementError, match="no description of a cluster: KeyError at 'speed'"):
        Cluster.load(path)
    path.write_text("{")
    with pytest.raises(PlacementError, match="is no JSON"):
        Cluster.load(path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Cluster(()), "one worker at least"),
        (lambda: Cluster.uniform(["a", "a"]), "of the same name: a"),
        (lambda: Cluster((Worker("a", 0.0),)), "above zero: a"),
        (lambda: Cluster.uniform(2, Link(-1.0)), "no link"),
        (lambda: Cluster((Worker("a"),), ()), "one link"),
        (lambda: Cluster((Worker("a"),), (Link(),), {("a", "z"): Link()}), "not there: z"),
        (lambda: Cluster.nested((2, 2), (NETWORK,)), "2 levels of workers, 1 links"),
    ],
)
def test_what_is_no_cluster(make, words: str) -> None:
    with pytest.raises(PlacementError, match=words):
        make()
