"""Where the steps of a run are done, and where variables live: on the host or on a GPU, as ``tf.device`` asks.

Nobody's GPU is used unasked. In a graph that names a GPU anywhere, or a session whose configuration asks for one
(``device_count={"GPU": 1}``), TensorFlow's rule holds: what nobody has placed goes to a GPU if it can.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graphs.control import bodies
from graphs.core.node import Value
from graphs.rewrite import origins
from static.devices import DeviceSpec
from static.errors import InvalidArgumentError
from static.gpus import LOCAL, Gpus, mapping
from static.operation import Operation
from static.schedule import PEEKING, Schedule, Step


HOST = -1
"""The place that is no GPU; others are the numbers of GPUs, as the session counts them."""

DRAWN = frozenset(
    ["random_normal", "random_uniform", "random_normal_like", "random_uniform_like", "dropout_mask", "bernoulli"]
)
"""Ops whose random numbers a GPU draws itself (``graphs.codegen.draws``)."""

SHAPES = frozenset(["shape_of", "size_of"])
"""Ops that look at nothing but the shape: it is known to the host wherever the array is."""

READ_BY_HOST = {
    "arange_to": 0, "getitem_at": 1, "put_at_like": 2, "tile_to": 1, "tile_to_adjoint": 2, "pad_to": 1, "pad_to_adjoint": 1,
}  # fmt: skip
"""Ops that need numbers from some operand on to know the shape of their result. (``loop`` needs its first operand.)"""

ARRAYS = "arrays of tensors are kept by the host"
"""Why what works on them is not done on a GPU."""

CHECKS = frozenset(["assert", "check_numerics", "check_preds"])
"""Effects that TensorFlow has on a GPU too."""

_SMALL = 64
"""Elements of whole numbers that nobody brings to a GPU to compute with, unasked: they are shapes, or parts of them."""


def place_name(place: int) -> str:
    """``CPU:0`` or ``GPU:1``."""
    return "CPU:0" if place == HOST else f"GPU:{place}"


@dataclass(slots=True)
class Placement:
    """Where each step and each variable of a run is.

    Attributes:
        places: by node; ``HOST`` for those that are not in it.
        numbers: CUDA's number of each GPU.
        reasons: why nodes that asked for a GPU are on the host, by name.
    """

    numbers: list[int]
    places: dict[Any, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def of(self, node: Any) -> int:
        """The place of a step's node, or of a variable."""
        return self.places.get(node, HOST)

    def name(self, node: Any) -> str:
        """The place as TensorFlow names it."""
        return LOCAL + place_name(self.of(node))

    @property
    def used(self) -> list[int]:
        """The GPUs that have something to do."""
        return sorted({place for place in self.places.values() if place != HOST})


class Placer:
    """What a session's configuration says of places. The GPUs are looked for when a run first asks for one."""

    def __init__(self, config: Any = None) -> None:
        self._config = config
        self._gpus: Gpus | None = None
        self._logged: set[str] = set()
        self.soft = bool(config is not None and config.allow_soft_placement)
        self.logs = bool(config is not None and config.log_device_placement)
        self._asks = config is not None and config.device_count.get("GPU", 0) > 0

    @property
    def gpus(self) -> Gpus:
        """The GPUs that there are for the session."""
        if self._gpus is None:
            self._gpus = Gpus(self._config)
        return self._gpus

    def concerns(self, graph: Any) -> bool:
        """Whether runs of ``graph`` have to be placed: otherwise all of it is on the host, unasked."""
        return self._asks or bool(graph.accelerated)

    def place(self, made: Schedule) -> Placement:
        """Where the steps of a schedule are done.

        Raises InvalidArgumentError for what asks for a device that there is not, or that has no kernel for it, unless the
        configuration allows soft placement.
        """
        out = Placement(self.gpus.numbers)
        for variable in dict.fromkeys([*made.reads.values(), *made.peeks.values(), *made.writes]):
            self._enter(out, variable, 0 if self.gpus.numbers else HOST)
        places = {register: out.of(variable) for register, variable in (*made.reads.items(), *made.peeks.items())}
        ends = {register: out.of(variable) for variable, (register, _) in made.writes.items()}
        for step in made.steps:
            default = next((ends[register] for register in step.outs if register in ends), None)
            self._enter(out, step.node, self._default(out, step, places) if default is None else default)
            places.update(dict.fromkeys(step.outs, out.of(step.node)))
        return out

    def _default(self, out: Placement, step: Step, places: dict[str, int]) -> int:
        """Where a step is done that nobody has placed."""
        if not self.gpus.numbers:
            return HOST
        if "update" in step.node.op.traits:
            return out.of(step.node.inputs[0].node)
        found = {places.get(arg, HOST) for arg in step.args if arg[0] not in "c0123456789-TF"}
        there = sorted(place for place in found if place != HOST)
        if there:
            return there[0]
        specs = step.node.specs
        if found and all(spec.dtype.kind in "iub" and spec.known and (spec.size or 0) <= _SMALL for spec in specs):
            return HOST
        return 0

    def _enter(self, out: Placement, node: Any, default: int) -> None:
        asked = wanted(node)
        missing = without_kernel(node)
        place: int = default if asked is None else asked
        if asked is not None and asked != HOST:
            reason = ""
            if asked >= len(self.gpus.numbers):
                reason = self._unavailable(asked)
            elif missing:
                reason = f"no supported kernel for GPU devices is available: {missing}"
            told = asked < len(self.gpus.numbers) and _elsewhere_too(node)
            if reason and not self.soft and not told:
                raise InvalidArgumentError(_named(node), self._message(node, asked, reason))
            if reason:
                out.reasons[node.name] = reason
                place = HOST
        if place != HOST and not missing and node.op.name not in SHAPES:
            out.places[node] = place

    def _unavailable(self, asked: int) -> str:
        count = len(self.gpus.numbers)
        return f"there are {count} GPUs" if count else self.gpus.reason

    def _message(self, node: Any, asked: int, reason: str) -> str:
        head = f"Cannot assign a device for operation {node.name}: it was explicitly assigned to {node.device}"
        devices = ", ".join(self.gpus.names())
        if asked >= len(self.gpus.numbers):
            return (
                f"{head} but available devices are [ {devices} ]. Make sure the device specification refers to a valid "
                f"device ({reason}), or allow another one: tf.ConfigProto(allow_soft_placement=True)."
            )
        return f"{head}, but {reason}. tf.ConfigProto(allow_soft_placement=True) has it done on the host."

    def log(self, plan: Any) -> None:
        """Write to the standard error where a plan's nodes are, each once, as TensorFlow does; and why not as asked."""
        if not self._logged:
            print(mapping(self.gpus), file=sys.stderr)
            self._logged.add("")
        made, placement = plan.schedule, plan.placement
        nodes: list[Any] = [*made.reads.values(), *made.peeks.values(), *made.writes, *(step.node for step in made.steps)]
        for node in dict.fromkeys(nodes):
            meants: Sequence[Any] = origins([node])
            for meant in meants:
                if meant.name in self._logged:
                    continue
                self._logged.add(meant.name)
                name = LOCAL + place_name(HOST) if placement is None else placement.name(node)
                print(f"{meant.name}: ({meant.type}): {name}", file=sys.stderr)
            reason = placement.reasons.get(node.name) if placement is not None else None
            if reason:
                print(f"  {node.name} asked for {node.device}: {reason}", file=sys.stderr)


def wanted(node: Any) -> int | None:
    """The place that a node's device names, None where it names no type of device."""
    if not node.device:
        return None
    spec = DeviceSpec.from_string(node.device)
    if spec.device_type is None:
        return None
    if spec.device_type == "CPU":
        return HOST
    # TensorFlow has other accelerators, of which there is none here: as a GPU that does not exist.
    return (spec.device_index or 0) if spec.device_type == "GPU" else sys.maxsize


def without_kernel(node: Any) -> str:
    """Why a node cannot be done on a GPU; empty where it can."""
    reason = _never(node)
    if reason or "control" not in node.op.traits:
        return reason or _dtypes(node)
    # What a loop has kept of each round, for its gradient, stays where it was made; arrays of tensors are another matter.
    first = 1 + node.params.get("states", 0) + node.params.get("sums", 0)
    kept = {first + at for at in node.params.get("boxes", ())} if node.op.name == "loop" else set(range(len(node.inputs)))
    if any(isinstance(x, Value) and x.dtype.kind == "O" and at not in kept for at, x in enumerate(node.inputs)):
        return ARRAYS
    return _inside(node)


def _inside(node: Any) -> str:
    for body in bodies(node):
        for inner in body.nodes:
            control = "control" in inner.op.traits
            reason = _never(inner) or (_inside(inner) if control else _dtypes(inner))
            if reason:
                return reason if reason == ARRAYS else f"{inner.name} inside it: {reason}"
    return ""


def _never(node: Any) -> str:
    op = node.op
    if "stateful" in op.traits:
        return "it has effects"
    if op.name == "py_func_stateless":
        return "a Python function is called with arrays of the host"
    if op in PEEKING:
        return "it asks whether a variable has a value"
    if "random" in op.traits and not (op.name in DRAWN and node.specs[0].dtype.kind == "f"):
        return f"{op.name} is drawn by the host"
    return ARRAYS if op.name.startswith("tensor_array") else ""


def _dtypes(node: Any) -> str:
    for spec in (*node.specs, *(x.spec for x in node.inputs if isinstance(x, Value))):
        dtype = spec.dtype
        if not (dtype.kind in "biufc" and dtype.itemsize <= (16 if dtype.kind == "c" else 8)):
            return f"there are no {'string' if dtype.kind == 'O' else dtype.name} values there"
    return ""


def _elsewhere_too(node: Any) -> bool:
    """Whether TensorFlow has a kernel on GPUs for what is done on the host here: no program is refused for it."""
    op = node.op
    quiet = "random" in op.traits or "control" in op.traits or op in PEEKING or op.name in CHECKS
    return quiet or op.name.startswith("tensor_array")


def _named(node: Any) -> Any:
    return node if isinstance(node, Operation) else node.origins[-1]


__all__ = ["DRAWN", "HOST", "READ_BY_HOST", "SHAPES", "Placement", "Placer", "place_name", "wanted", "without_kernel"]
