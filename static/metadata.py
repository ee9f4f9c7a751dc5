"""``tf.RunOptions`` and ``tf.RunMetadata``: how long each node of a run took, and what it yielded."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from graphs.codegen.links import Traffic
from graphs.core.node import Value
from graphs.rewrite import origins
from static.config import Message
from static.dtypes import DType, as_dtype
from static.graph import Operation


_CPU = "/job:localhost/replica:0/task:0/device:CPU:0"


class RunOptions(Message):
    """What is asked of a run beside its fetches. A ``trace_level`` other than ``NO_TRACE`` fills the run's metadata.

    The other fields are kept and checked, and have no effect.
    """

    NO_TRACE, SOFTWARE_TRACE, HARDWARE_TRACE, FULL_TRACE = 0, 1, 2, 3
    FIELDS: ClassVar[dict[str, Any]] = {
        "trace_level": 0,
        "timeout_in_ms": 0,
        "inter_op_thread_pool": 0,
        "output_partition_graphs": False,
        "report_tensor_allocations_upon_oom": False,
    }


@dataclass(slots=True)
class Dim:
    """One dimension of a shape."""

    size: int


@dataclass(slots=True)
class Shape:
    """The shape of an array."""

    dim: list[Dim]


@dataclass(slots=True)
class AllocationDescription:
    """The memory that an array takes; ``ptr`` is its address."""

    requested_bytes: int
    allocated_bytes: int
    allocator_name: str
    ptr: int


@dataclass(slots=True)
class TensorDescription:
    """An array without its elements."""

    dtype: DType
    shape: Shape
    allocation_description: AllocationDescription


@dataclass(slots=True)
class NodeOutput:
    """What a node yielded as its output number ``slot``."""

    slot: int
    tensor_description: TensorDescription


@dataclass(slots=True)
class AllocatorMemoryUsed:
    """The memory that a node took for its outputs."""

    allocator_name: str
    total_bytes: int
    peak_bytes: int
    live_bytes: int


@dataclass(slots=True)
class NodeExecStats:
    """One node of a run. Times are whole microseconds, or nanoseconds: ``all_start`` since 1970, the others since that.

    Where passes have made it of several nodes, ``origins`` has their names, each with the line that made it.
    """

    node_name: str
    timeline_label: str
    thread_id: int
    all_start_nanos: int
    op_start_rel_nanos: int
    op_end_rel_nanos: int
    all_end_rel_nanos: int
    scheduled_nanos: int
    memory: list[AllocatorMemoryUsed] = field(default_factory=list)
    output: list[NodeOutput] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)

    @property
    def all_start_micros(self) -> int:
        """When it began."""
        return self.all_start_nanos // 1000

    @property
    def op_start_rel_micros(self) -> int:
        """When its kernel began."""
        return self.op_start_rel_nanos // 1000

    @property
    def op_end_rel_micros(self) -> int:
        """When its kernel ended."""
        return self.op_end_rel_nanos // 1000

    @property
    def all_end_rel_micros(self) -> int:
        """When it ended."""
        return self.all_end_rel_nanos // 1000

    @property
    def scheduled_micros(self) -> int:
        """When it could begin."""
        return self.scheduled_nanos // 1000


@dataclass(slots=True)
class DeviceStepStats:
    """The nodes that ran on a device, in order."""

    device: str
    node_stats: list[NodeExecStats] = field(default_factory=list)


@dataclass(slots=True)
class StepStats:
    """The nodes of a run by device; there is one device."""

    dev_stats: list[DeviceStepStats] = field(default_factory=list)


@dataclass(slots=True)
class RunMetadata:
    """What ``Session.run(..., options=RunOptions(trace_level=...), run_metadata=...)`` tells of the run.

    Attributes:
        step_stats: time and memory by node; empty where no trace was asked for.
        traffic: what crossed between the host and GPUs in the run.
    """

    step_stats: StepStats = field(default_factory=StepStats)
    traffic: Traffic = field(default_factory=Traffic)


def traced(session: Any, fetches: Any, feed_dict: Mapping[Any, Any] | None, options: Any, run_metadata: RunMetadata) -> Any:
    """The values of ``session.run(fetches, feed_dict)``; ``run_metadata`` is filled anew as ``options`` ask."""
    if not isinstance(run_metadata, RunMetadata):
        raise TypeError(f"run_metadata has to be a RunMetadata, not a {type(run_metadata).__name__}")
    if not getattr(options, "trace_level", 0):
        run_metadata.step_stats = StepStats()
        session.traffic = Traffic()
        results = session.run(fetches, feed_dict)
        run_metadata.traffic = session.traffic
        return results
    recorder = _Recorder()
    results = session.interpret(fetches, feed_dict, recorder.observe)
    run_metadata.step_stats = StepStats([DeviceStepStats(_CPU, recorder.found)])
    return results


class _Recorder:
    """Notes when each node has run. What it does itself falls between nodes and is not counted."""

    def __init__(self) -> None:
        self.found: list[NodeExecStats] = []
        self._offset = time.time_ns() - time.perf_counter_ns()
        self._thread = threading.get_ident()
        self._from = time.perf_counter_ns()

    def observe(self, node: Operation, operands: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        """Enter a node that has just run."""
        took = time.perf_counter_ns() - self._from
        start = self._from + self._offset
        described = [
            NodeOutput(slot, _described(value, spec.dtype))
            for slot, (value, spec) in enumerate(zip(outputs, node.specs, strict=False))
        ]
        taken = 0 if node.op.view else sum(x.tensor_description.allocation_description.requested_bytes for x in described)
        stats = NodeExecStats(node.name, _label(node), self._thread, start, 0, took, took, start, output=described)
        meant = origins([node])
        if len(meant) > 1:
            stats.origins += [f"{each.name}, {each.where}" for each in meant]
        if taken:
            stats.memory.append(AllocatorMemoryUsed("cpu", taken, taken, taken))
        self.found.append(stats)
        self._from = time.perf_counter_ns()


def _described(value: Any, dtype: Any) -> TensorDescription:
    shape = Shape([Dim(int(n)) for n in getattr(value, "shape", ())])
    size = int(getattr(value, "nbytes", 0))
    interface = getattr(value, "__array_interface__", None)
    memory = AllocationDescription(size, size, "cpu", interface["data"][0] if interface else 0)
    return TensorDescription(as_dtype(dtype), shape, memory)


def _label(node: Operation) -> str:
    """The node as TensorFlow labels it: ``name = Type(inputs)``."""
    inputs = [x.node.name + (f":{x.index}" if x.index else "") for x in node.inputs if isinstance(x, Value)]
    return f"{node.name} = {node.type}({', '.join(inputs)})"
