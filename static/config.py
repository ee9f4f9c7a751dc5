"""``tf.ConfigProto`` and what it holds: the fields that programs set, under TensorFlow's names and types.

They are kept and checked, and none has an effect: kernels are numpy's, in one process, and run where their arrays are.
"""

from __future__ import annotations

from typing import Any, ClassVar


class Message:
    """Named fields of fixed types. A field that the class does not have raises, as do values of another type."""

    FIELDS: ClassVar[dict[str, Any]] = {}
    """The default of each field; a class stands for a message of that class."""

    def __init__(self, **fields: Any) -> None:
        for name, default in self.FIELDS.items():
            fresh = default() if isinstance(default, type) else type(default)(default)
            object.__setattr__(self, name, fresh)
        for name, value in fields.items():
            if name not in self.FIELDS:
                raise ValueError(f'Protocol message {type(self).__name__} has no "{name}" field.')
            self._put(name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.FIELDS:
            raise AttributeError(
                f"Protocol message {type(self).__name__} has no {name!r} field (it has {', '.join(self.FIELDS)})."
            )
        if isinstance(getattr(self, name), (Message, list, dict)):
            raise AttributeError(
                f'Assignment not allowed to message, map, or repeated field "{name}" in {type(self).__name__}: '
                "change what it holds."
            )
        self._put(name, value)

    def _put(self, name: str, value: Any) -> None:
        now = getattr(self, name)
        takes: Any = {bool: (bool, int), int: int, float: (float, int), list: (list, tuple)}.get(type(now), type(now))
        if value is None:
            return
        if not isinstance(value, takes):
            kind, found = type(now).__name__, type(value).__name__
            raise TypeError(f"{type(self).__name__}.{name} is a {kind}, not a {found}: {value!r}")
        object.__setattr__(self, name, value if isinstance(now, Message) else type(now)(value))

    def CopyFrom(self, other: Any) -> None:  # noqa: N802 (the protocol buffers' name of it)
        """Take every field from ``other``, a message of the same class."""
        if type(other) is not type(self):
            raise TypeError(f"a {type(self).__name__} cannot be copied from a {type(other).__name__}")
        for name in self.FIELDS:
            value = getattr(other, name)
            if isinstance(value, Message):
                getattr(self, name).CopyFrom(value)
            else:
                object.__setattr__(self, name, type(value)(value))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(getattr(self, name) == getattr(other, name) for name in self.FIELDS)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """The fields that differ from their defaults, as text."""
        plain = type(self)()
        changed = [f"{name}={getattr(self, name)!r}" for name in self.FIELDS if getattr(self, name) != getattr(plain, name)]
        return f"{type(self).__name__}({', '.join(changed)})"


class GPUOptions(Message):
    """How much of an accelerator's memory to take."""

    FIELDS: ClassVar[dict[str, Any]] = {
        "per_process_gpu_memory_fraction": 0.0,
        "allow_growth": False,
        "allocator_type": "",
        "deferred_deletion_bytes": 0,
        "visible_device_list": "",
        "polling_active_delay_usecs": 0,
        "polling_inactive_delay_msecs": 0,
        "force_gpu_compatible": False,
    }


class OptimizerOptions(Message):
    """How hard to optimise a graph."""

    DEFAULT, L1, L0 = 0, 0, -1
    OFF, ON_1, ON_2 = -1, 1, 2
    FIELDS: ClassVar[dict[str, Any]] = {
        "do_common_subexpression_elimination": False,
        "do_constant_folding": False,
        "max_folded_constant_in_bytes": 0,
        "do_function_inlining": False,
        "opt_level": 0,
        "global_jit_level": 0,
    }


class RewriterConfig(Message):
    """Which rewrites to make."""

    DEFAULT, ON, OFF, AGGRESSIVE = 0, 1, 2, 3
    FIELDS: ClassVar[dict[str, Any]] = {
        "layout_optimizer": 0,
        "constant_folding": 0,
        "shape_optimization": 0,
        "remapping": 0,
        "arithmetic_optimization": 0,
        "dependency_optimization": 0,
        "loop_optimization": 0,
        "function_optimization": 0,
        "debug_stripper": 0,
        "disable_model_pruning": False,
        "scoped_allocator_optimization": 0,
        "pin_to_host_optimization": 0,
        "implementation_selector": 0,
        "auto_mixed_precision": 0,
        "disable_meta_optimizer": False,
        "meta_optimizer_iterations": 0,
        "min_graph_nodes": 0,
        "memory_optimization": 0,
        "optimizers": [],
    }


class GraphOptions(Message):
    """What to do with a graph before it is run."""

    FIELDS: ClassVar[dict[str, Any]] = {
        "enable_recv_scheduling": False,
        "optimizer_options": OptimizerOptions,
        "build_cost_model": 0,
        "build_cost_model_after": 0,
        "infer_shapes": False,
        "place_pruned_graph": False,
        "enable_bfloat16_sendrecv": False,
        "timeline_step": 0,
        "rewrite_options": RewriterConfig,
    }


class JobDef(Message):
    """A job of a ``ClusterDef``: its name, and the address of each task by its number."""

    FIELDS: ClassVar[dict[str, Any]] = {"name": "", "tasks": {}}


class ClusterDef(Message):
    """A cluster as a message: its jobs."""

    FIELDS: ClassVar[dict[str, Any]] = {"job": []}


class ConfigProto(Message):
    """What a session is configured by. Fields that are messages are changed inside: ``gpu_options.allow_growth = True``."""

    FIELDS: ClassVar[dict[str, Any]] = {
        "device_count": {},
        "intra_op_parallelism_threads": 0,
        "inter_op_parallelism_threads": 0,
        "use_per_session_threads": False,
        "session_inter_op_thread_pool": [],
        "placement_period": 0,
        "device_filters": [],
        "gpu_options": GPUOptions,
        "allow_soft_placement": False,
        "log_device_placement": False,
        "graph_options": GraphOptions,
        "operation_timeout_in_ms": 0,
        "isolate_session_state": False,
        "share_cluster_devices_in_session": False,
        "cluster_def": ClusterDef,
    }
