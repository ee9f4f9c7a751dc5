"""A part's share of a run as data, and back as a plan: steps by the names of their ops, with bodies, as in a graph's file.

Nothing in it names a Python object, and nothing is pickled: kernels are those of the receiving process's own registry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphs.core.node import Node, Value, new_parameter
from graphs.core.spec import Spec
from graphs.rewrite.program import Rewritten
from static.distributed.crossing import receive_op, send_op
from static.distributed.tensors import packed, unpacked
from static.export.forms import GraphFileError, found_op, op_name, spec_from, spec_to
from static.export.values import Decoder, Encoder
from static.operation import Operation
from static.passes import Optimised
from static.plan import Plan
from static.rows import changed_rows
from static.schedule import Schedule, Step
from static.state import assigned_shape, constant_op, no_op_op, variable_op


_KERNELS = {"assigned_shape": assigned_shape, "changed_rows": changed_rows}
"""Kernels of steps that are not their op's own."""

FORWARD_ONLY = {"identity_n": ("backward",)}
"""Attributes that only gradients ask for, which are taken before: a part does without."""


@dataclass(slots=True)
class Share:
    """What one part does in a run.

    Attributes:
        place: which part.
        schedule: its steps, with ``send`` and ``receive`` among them.
        specs: of what it fetches; ``fetches`` says which of the run's fetched values these are.
        feeds: which of the run's feeds it is given.
        reuse: whether its plan may be compiled.
        ordinals: by the serial of a node that draws without a key of its own, its place among the run's draws.
        running: the place of the first draw of a loop that draws so.
    """

    place: int
    schedule: Schedule = field(default_factory=Schedule)
    specs: list[Spec] = field(default_factory=list)
    fetches: list[int] = field(default_factory=list)
    feeds: list[int] = field(default_factory=list)
    reuse: bool = False
    ordinals: dict[int, int] = field(default_factory=dict)
    running: int = 0


def exportable(step: Step) -> str:
    """ "" where a step can be run by another process, else why not."""
    try:
        kernel_of(step)
        Encoder().attributes(_params(step.node), step.node.name)
        for x in step.node.inputs:
            if not isinstance(x, Value):
                Encoder().value(x)
    except GraphFileError as error:
        return str(error)
    return ""


def kernel_of(step: Step) -> str:
    """What the data calls a step's kernel: "" for that of its op. Raises GraphFileError where nothing is known of it."""
    for name, kernel in _KERNELS.items():
        if step.kernel is kernel:
            return name
    if step.kernel is not step.node.op.kernel:
        raise GraphFileError(f"{step.node.name}: its kernel exists in this process only")
    op_name(step.node.op, step.node.name)
    return ""


def _params(node: Any) -> Mapping[str, Any]:
    dropped = FORWARD_ONLY.get(node.op.name)
    return {name: value for name, value in node.params.items() if name not in dropped} if dropped else node.params


def written(share: Share) -> dict[str, Any]:
    """``share`` as a message. Raises GraphFileError for a step that exists in this process only."""
    made, encoder = share.schedule, Encoder()
    steps = [_written_step(step, share, encoder) for step in made.steps]
    scalars = {register: value for register, value in made.constants.items() if register[:1] not in "c"}
    about = {
        "steps": steps,
        "feeds": {register: spec_to(spec) for register, spec in made.feeds.items()},
        "reads": {register: _written_variable(node) for register, node in made.reads.items()},
        "peeks": {register: _written_variable(node) for register, node in made.peeks.items()},
        "scalars": {text: encoder.value(value) for text, value in scalars.items()},
        "fetches": made.fetches,
        "specs": [spec_to(spec) for spec in share.specs],
        "writes": [[_written_variable(node), register, own] for node, (register, own) in made.writes.items()],
        "random": made.random,
        "rows": made.rows,
        "reuse": share.reuse,
        "running": share.running,
        "functions": encoder.functions,
    }
    constants = {name: packed(value)[0] for name, value in made.constants.items() if name not in scalars}
    return {"text": json.dumps(about), "constants": constants}


def _written_variable(node: Any) -> list[Any]:
    return [node.name, spec_to(node.specs[0])]


def _written_step(step: Step, share: Share, encoder: Encoder) -> dict[str, Any]:
    node: Any = step.node
    paired = len(step.args) == len(node.inputs)
    inputs = [
        {"value": [step.args[i] if paired else f"?{i}", spec_to(x.node.outputs[x.index].spec)]}
        if isinstance(x, Value)
        else {"literal": encoder.value(x)}
        for i, x in enumerate(node.inputs)
    ]
    kernel = kernel_of(step)
    params = _params(node)
    made = {
        "op": op_name(node.op, node.name),
        "name": node.name,
        "inputs": inputs,
        "attr": encoder.attributes(params, node.name),
        "output": [spec_to(out.spec) for out in node.outputs],
        "args": step.args,
        "outs": step.outs,
        "draws": step.draws,
        "dead": step.dead,
    }
    if kernel:
        made["kernel"] = kernel
        made["own"] = encoder.attributes(step.params, node.name)
    if node.serial in share.ordinals:
        made["ordinal"] = share.ordinals[node.serial]
    if isinstance(node, Rewritten) and node.origins != (node,):
        made["origins"] = [each.name for each in node.origins]
    return made


class Reading:
    """A share as the part that runs it has it.

    Attributes:
        plan: what runs.
        ordinals, running: as of ``Share``, by the serials of the nodes here.
    """

    def __init__(self, about: Mapping[str, Any] | Share, part: Any) -> None:
        share = about if isinstance(about, Share) else read(about, part)
        self.ordinals, self.running = share.ordinals, share.running
        share.schedule.steps[:] = [_bound(step, part) for step in share.schedule.steps]
        self.plan = Plan.of(share.schedule, share.specs, share.reuse)


def _bound(step: Step, part: Any) -> Step:
    """A send or receive with the kernel that the part gives it."""
    params = step.node.params
    if step.node.op is send_op:
        kernel = part.sender(params["edge"], params["place"], params["flag"], params["control"])
    elif step.node.op is receive_op:
        kernel = part.receiver(params["edge"], params["place"], params["spec"], params["control"])
    else:
        return step
    return Step(step.node, kernel, step.args, {}, step.outs, False, step.dead)


def read(about: Mapping[str, Any], part: Any) -> Share:
    """The share that a message describes; ``part.variable`` gives the nodes that stand for variables."""
    data = json.loads(about["text"])
    decoder = Decoder(data["functions"])
    made = Schedule(
        feeds={register: spec_from(spec, register) for register, spec in data["feeds"].items()},
        reads={register: part.variable(*entry) for register, entry in data["reads"].items()},
        peeks={register: part.variable(*entry) for register, entry in data["peeks"].items()},
        constants={text: decoder.value(value) for text, value in data["scalars"].items()},
        random=data["random"],
        fetches=[(register, own) for register, own in data["fetches"]],
        writes={part.variable(*entry): (register, own) for entry, register, own in data["writes"]},
        rows=data["rows"],
    )
    for register, message in about["constants"].items():
        made.constants[register] = value = unpacked(message)
        if hasattr(value, "flags"):
            value.flags.writeable = False
    specs = [spec_from(spec, "fetch") for spec in data["specs"]]
    share = Share(part.place, made, specs, reuse=data["reuse"], running=data["running"])
    values: dict[tuple[str, Spec], Any] = {}
    for entry in data["steps"]:
        made.steps.append(_read_step(entry, decoder, made.constants, values, share))
    return share


def _read_step(
    entry: Mapping[str, Any],
    decoder: Decoder,
    constants: Mapping[str, Any],
    values: dict[tuple[str, Spec], Any],
    share: Share,
) -> Step:
    name = entry["name"]
    op = found_op(entry["op"], name)
    inputs = [_read_input(x, decoder, constants, values) for x in entry["inputs"]]
    params = decoder.attributes(entry["attr"], name)
    specs = tuple([spec_from(spec, name) for spec in entry["output"]])
    origins: tuple[Any, ...] = tuple([Node(no_op_op, (), {}, (), each, value=Value) for each in entry.get("origins", ())])
    node: Any = Optimised(op, tuple(inputs), params, specs, name, origins=origins)
    if not origins:
        object.__setattr__(node, "origins", (node,))
    if "ordinal" in entry:
        share.ordinals[node.serial] = entry["ordinal"]
    kernel = _KERNELS.get(entry.get("kernel", ""), op.kernel)
    own = decoder.attributes(entry["own"], name) if "own" in entry else params
    if entry["draws"]:
        own = {key: value for key, value in own.items() if key != "key"}
    return Step(node, kernel, tuple(entry["args"]), own, tuple(entry["outs"]), entry["draws"], list(entry["dead"]))


def _read_input(
    data: Mapping[str, Any], decoder: Decoder, constants: Mapping[str, Any], values: dict[tuple[str, Spec], Any]
) -> Any:
    if "literal" in data:
        return decoder.value(data["literal"])
    register, spec = data["value"][0], spec_from(data["value"][1], data["value"][0])
    found = values.get((register, spec))
    if found is None:
        value = constants.get(register)
        if hasattr(value, "dtype"):
            found = Node(constant_op, (), {"value": value}, (spec,), register, value=Value).outputs[0]
        else:
            found = new_parameter(spec, register)
        values[register, spec] = found
    return found


def variable_node(name: str, spec: Sequence[Any]) -> Any:
    """What stands for a variable where its graph is not."""
    dtype, dims = spec
    made = spec_from([dtype, None if dims is None else list(dims)], name)  # lists arrive as tuples
    node = Operation(variable_op, (), {"spec": made}, (made,), name, value=Value)
    for slot, value in (("graph", None), ("body", None), ("writes", ()), ("device", "")):
        object.__setattr__(node, slot, value)
    return node


__all__ = ["Reading", "Share", "exportable", "kernel_of", "read", "variable_node", "written"]
