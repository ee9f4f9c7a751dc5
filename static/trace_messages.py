"""``RunMetadata`` as the protocol buffer that TensorBoard reads from event files: time and memory by node."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from static.metadata import NodeExecStats, RunMetadata
from static.protos import missing


_FIELDS = {
    "RunMetadata": {"step_stats": (1, "StepStats", False)},
    "StepStats": {"dev_stats": (1, "DeviceStepStats", True)},
    "DeviceStepStats": {"device": (1, "string", False), "node_stats": (2, "NodeExecStats", True)},
    "NodeExecStats": {
        "node_name": (1, "string", False),
        "all_start_micros": (2, "int64", False),
        "op_start_rel_micros": (3, "int64", False),
        "op_end_rel_micros": (4, "int64", False),
        "all_end_rel_micros": (5, "int64", False),
        "memory": (6, "AllocatorMemoryUsed", True),
        "output": (7, "NodeOutput", True),
        "timeline_label": (8, "string", False),
        "scheduled_micros": (9, "int64", False),
        "thread_id": (10, "int64", False),
    },
    "AllocatorMemoryUsed": {"allocator_name": (1, "string", False), "total_bytes": (2, "int64", False)},
    "NodeOutput": {"slot": (1, "int64", False), "tensor_description": (3, "TensorDescription", False)},
    "TensorDescription": {"shape": (2, "Shape", False)},
    "Shape": {"dim": (2, "Dim", True)},
    "Dim": {"size": (1, "int64", False)},
}
"""TensorFlow's messages as far as they are needed here: for each field its number, its type, and whether it repeats."""


@cache
def _message() -> Any:
    """The class of the message. Raises ImportError, saying what to install."""
    try:
        parts = ("descriptor_pb2", "descriptor_pool", "message_factory")
        descriptor_pb2, descriptor_pool, message_factory = (import_module(f"google.protobuf.{part}") for part in parts)
    except ImportError as error:
        raise ImportError(missing) from error
    file = descriptor_pb2.FileDescriptorProto(name="diptych_trace.proto", package="diptych", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in _FIELDS.items():
        entry = file.message_type.add(name=name)
        for field, (number, kind, repeats) in fields.items():
            made = entry.field.add(name=field, number=number, label=3 if repeats else 1)
            if kind in _FIELDS:
                made.type, made.type_name = kinds.TYPE_MESSAGE, f".diptych.{kind}"
            else:
                made.type = kinds.TYPE_STRING if kind == "string" else kinds.TYPE_INT64
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("diptych.RunMetadata"))


def serialized(metadata: RunMetadata) -> bytes:
    """The message, as bytes. Raises ImportError, saying what to install, where the package behind it is missing."""
    made = _message()()
    for device in metadata.step_stats.dev_stats:
        entry = made.step_stats.dev_stats.add(device=device.device)
        for node in device.node_stats:
            _add(entry.node_stats, node)
    return made.SerializeToString()


def _add(nodes: Any, node: NodeExecStats) -> None:
    entry = nodes.add()
    for field, (_, kind, _) in _FIELDS["NodeExecStats"].items():
        if kind not in _FIELDS:
            setattr(entry, field, getattr(node, field))
    for used in node.memory:
        entry.memory.add(allocator_name=used.allocator_name, total_bytes=used.total_bytes)
    for output in node.output:
        shape = entry.output.add(slot=output.slot).tensor_description.shape
        for dim in output.tensor_description.shape.dim:
            shape.dim.add(size=dim.size)
