"""``tf.train.init_from_checkpoint``: initialisers that give variables the values of a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphs.core.errors import at_line
from graphs.core.spec import show
from static.checkpoints import CheckpointReader, load_checkpoint
from static.graph import get_default_graph
from static.state import assign_op
from static.tensor import apply, constant
from static.variables import Variable


def init_from_checkpoint(ckpt_dir_or_file: str, assignment_map: Mapping[str, Any]) -> None:
    """Have the initialisers of variables of the default graph give them the values that a checkpoint holds.

    The values become constants of the graph. Call it before ``global_variables_initializer``.

    Args:
        ckpt_dir_or_file: a checkpoint, or a directory whose latest to take.
        assignment_map: names in the checkpoint, each with a variable, a variable's name, or, where both end in a slash, the
            scope of the variables that have values under that scope (``/`` for the outermost).

    Raises ValueError for a name that the checkpoint or the graph has not, and for another shape or dtype.
    """
    reader = load_checkpoint(ckpt_dir_or_file)
    for name, variable in [pair for item in assignment_map.items() for pair in _pairs(*item)]:
        _initialize(reader, ckpt_dir_or_file, name, variable)


def _pairs(name: str, target: Any) -> Iterator[tuple[str, Variable]]:
    """The names in the checkpoint and the variables that an item of the map stands for."""
    if isinstance(target, Variable):
        yield name, target
        return
    variables = {variable.op.name: variable for variable in get_default_graph().variables.values()}
    if target in variables:
        yield name, variables[target]
        return
    if not (name.endswith("/") and target.endswith("/")):
        raise ValueError(
            f"Assignment map with scope only name {name} should map to scope only {target}. Should be 'scope/': "
            f"'other_scope/', or the graph has to have a variable {target!r}.{at_line()}"
        )
    prefix, wanted = target.lstrip("/"), name.lstrip("/")
    found = [each for each in sorted(variables) if each.startswith(prefix)]
    if not found:
        raise ValueError(f"The graph has no variable in the scope {target!r}.{at_line()}")
    for each in found:
        yield wanted + each.removeprefix(prefix), variables[each]


def _initialize(reader: CheckpointReader, path: str, name: str, variable: Variable) -> None:
    if not reader.has_tensor(name):
        raise ValueError(f"Tensor {name} ({variable.op.name}) is not found in the checkpoint {path}{at_line()}")
    value = reader.get_tensor(name)
    spec = variable.handle.spec
    if not spec.admits(value.shape) or spec.dtype != value.dtype:
        raise ValueError(
            f"Shape of variable {variable.name} ({show(spec.dims)}, {spec.dtype.name}) doesn't match with shape of tensor "
            f"{name} ({show(value.shape)}, {value.dtype.name}) from checkpoint reader.{at_line()}"
        )
    graph = variable.graph
    with graph.inside(None), graph.name_scope(f"{variable.op.name}/"):
        variable.initial_value = constant(value, name="checkpoint_initializer")
        assigned = apply(
            assign_op, variable.handle, variable.initial_value, name="init_from_checkpoint", validate_shape=True
        )
        variable.initializer = assigned.op
