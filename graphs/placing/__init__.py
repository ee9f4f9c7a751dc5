"""Placing a graph on many machines, and predicting what a run there takes: pure functions over networkx graphs.

    cluster = Cluster.uniform(["worker:0", "worker:1"], Link(latency=3e-4, bandwidth=1e9))
    found = heft(graph, cluster, fixed={w: "worker:1"}, together=[{w, step}])
    found.assignment[node], found.makespan, found.reason

``graph`` is a ``networkx.DiGraph`` in the order of a run; nodes have ``seconds``, edges ``bytes`` or, where one value has
several readers, ``values``: see ``graphs.placing.problem``. Seconds and bytes everywhere.
"""

from graphs.placing.cluster import Cluster, Link, PlacementError, Worker
from graphs.placing.costs import Rates, Work, by_device, calibrated, measured_share, task_graph, work_of, written
from graphs.placing.devices import Device
from graphs.placing.heft import Placement, heft, ranks
from graphs.placing.parallel import Fabric, Step, pipeline, replicas
from graphs.placing.simulate import Runtime, simulate
from graphs.placing.timeline import Run, Timeline, Transfer, chrome_trace
from graphs.placing.training import Gradient, Scaled, Training, training


__all__ = [
    "Cluster",
    "Device",
    "Fabric",
    "Gradient",
    "Link",
    "Rates",
    "Placement",
    "PlacementError",
    "Run",
    "Runtime",
    "Scaled",
    "Step",
    "Timeline",
    "Training",
    "Transfer",
    "Work",
    "Worker",
    "by_device",
    "calibrated",
    "chrome_trace",
    "heft",
    "measured_share",
    "pipeline",
    "ranks",
    "replicas",
    "simulate",
    "task_graph",
    "training",
    "work_of",
    "written",
]
