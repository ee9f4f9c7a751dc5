"""Variables of models: made in the collection ``MODEL_VARIABLES``, found by scope, name or pattern, given values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy

from graphs.core.errors import at_line
from static.checkpoint_state import latest_checkpoint
from static.contrib.framework.arguments import add_arg_scope
from static.flow import group
from static.graph import GraphKeys, get_collection, get_default_graph
from static.saver import Saver
from static.scopes import VariableScope, get_variable_scope
from static.store import get_variable
from static.tensor import placeholder
from static.variables import Variable


@add_arg_scope
def variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Callable[[Any], Any] | None = None,
    trainable: bool = True,
    collections: Iterable[Any] | None = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Any = None,
    custom_getter: Callable[..., Any] | None = None,
    use_resource: bool | None = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Any:
    """The variable of that name, made or shared as the scope's ``reuse`` says, on ``device`` where one is given."""
    kept = list(dict.fromkeys(collections if collections is not None else (GraphKeys.GLOBAL_VARIABLES,)))
    settings: dict[str, Any] = {
        "shape": shape,
        "dtype": dtype,
        "initializer": initializer,
        "regularizer": regularizer,
        "trainable": trainable,
        "collections": kept,
        "caching_device": caching_device,
        "partitioner": partitioner,
        "use_resource": use_resource,
        "synchronization": synchronization,
        "aggregation": aggregation,
    }
    with get_default_graph().device(device or ""):
        if custom_getter is None:
            return get_variable(name, **settings)
        return custom_getter(name, reuse=get_variable_scope().reuse, **settings)


@add_arg_scope
def model_variable(name: str, *args: Any, collections: Iterable[Any] | None = None, **settings: Any) -> Any:
    """``variable`` that also goes to the collection ``MODEL_VARIABLES``."""
    kept = [*(collections or ()), GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES]
    return variable(name, *args, **{**settings, "collections": kept})


def local_variable(
    initial_value: Any, validate_shape: bool = True, name: str | None = None, use_resource: Any = None
) -> Any:
    """A variable that is not trained, in the collection ``LOCAL_VARIABLES``."""
    kept = [GraphKeys.LOCAL_VARIABLES]
    return Variable(initial_value, trainable=False, collections=kept, validate_shape=validate_shape, name=name)


def global_variable(
    initial_value: Any, validate_shape: bool = True, name: str | None = None, use_resource: Any = None
) -> Any:
    """A variable that is not trained, in the collection ``GLOBAL_VARIABLES``."""
    kept = [GraphKeys.GLOBAL_VARIABLES]
    return Variable(initial_value, trainable=False, collections=kept, validate_shape=validate_shape, name=name)


def add_model_variable(var: Any) -> None:
    """Put ``var`` in the collection ``MODEL_VARIABLES``, once."""
    graph = get_default_graph()
    if not any(var is other for other in graph.get_collection(GraphKeys.MODEL_VARIABLES)):
        graph.add_to_collection(GraphKeys.MODEL_VARIABLES, var)


# Finding them


def get_variables(scope: Any = None, suffix: str | None = None, collection: Any = GraphKeys.GLOBAL_VARIABLES) -> list[Any]:
    """The variables of a collection whose names begin with ``scope`` (a name or a scope) and end in ``suffix``."""
    name = scope.name if isinstance(scope, VariableScope) else scope
    if suffix is not None:
        if ":" not in suffix:
            suffix += ":"
        pattern = f"{re.escape(name) if name else ''}.*{suffix}"
        return [v for v in get_collection(collection) if re.match(pattern, v.name)]
    return get_collection(collection, name)


def get_model_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The variables of models."""
    return get_variables(scope, suffix, GraphKeys.MODEL_VARIABLES)


def get_local_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The local variables."""
    return get_variables(scope, suffix, GraphKeys.LOCAL_VARIABLES)


def get_trainable_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The variables that optimizers change."""
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)


def get_variables_by_suffix(suffix: str, scope: Any = None) -> list[Any]:
    """The global variables whose names end in ``suffix``."""
    return get_variables(scope, suffix)


def get_variables_by_name(given_name: str, scope: Any = None) -> list[Any]:
    """The global variables called ``given_name``, in whatever scope."""
    return get_variables(scope, f"/{given_name}:|^{given_name}:")


def get_unique_variable(var_op_name: str) -> Any:
    """The global variable of that whole name. Raises ValueError where there is none."""
    found = [v for v in get_collection(GraphKeys.GLOBAL_VARIABLES) if v.op.name == var_op_name]
    if not found:
        raise ValueError(f"Couldn't find variable {var_op_name}{at_line()}")
    return found[0]


def get_variables_to_restore(include: Sequence[str] | None = None, exclude: Sequence[str] | None = None) -> list[Any]:
    """The global variables in the scopes ``include`` (all, without it), without those in the scopes ``exclude``."""
    for what, given in (("include", include), ("exclude", exclude)):
        if given is not None and not isinstance(given, (list, tuple)):
            raise TypeError(f"{what} is provided but is not a list or a tuple.")
    chosen = get_variables() if include is None else [v for scope in include for v in get_variables(scope)]
    left_out = {id(v) for scope in exclude or () for v in get_variables(scope)}
    return [v for v in chosen if id(v) not in left_out]


def filter_variables(
    var_list: Iterable[Any],
    include_patterns: Sequence[str] | None = None,
    exclude_patterns: Sequence[str] | None = None,
    reg_search: bool = True,
) -> list[Any]:
    """Those of ``var_list`` in whose names one of ``include_patterns`` is found and none of ``exclude_patterns``.

    Without ``reg_search`` only at the start of a name.
    """
    find = re.search if reg_search else re.match

    def named(v: Any, patterns: Sequence[str]) -> bool:
        return any(find(pattern, v.name) for pattern in patterns)

    included = [v for v in var_list if include_patterns is None or named(v, include_patterns)]
    return [v for v in included if exclude_patterns is None or not named(v, exclude_patterns)]


# Giving them values


def assign_from_values(var_names_to_values: Mapping[str, Any]) -> tuple[Any, dict[Any, Any]]:
    """An operation that assigns arrays to variables by their names, and what to feed it."""
    feeds: dict[Any, Any] = {}
    assigned = []
    for name, value in var_names_to_values.items():
        found = [v for v in get_collection(GraphKeys.GLOBAL_VARIABLES) if v.op.name == name]
        if not found:
            raise ValueError(f"Variable {name} wasn't found{at_line()}")
        fed = placeholder(found[0].dtype, found[0].shape, f"placeholder/{name}")
        assigned.append(found[0].assign(fed))
        feeds[fed] = numpy.reshape(value, found[0].shape.as_list())
    return group(*assigned), feeds


def assign_from_values_fn(var_names_to_values: Mapping[str, Any]) -> Callable[[Any], Any]:
    """A function of a session that assigns arrays to variables by their names."""
    op, feeds = assign_from_values(var_names_to_values)
    return lambda session: session.run(op, feeds)


def assign_from_checkpoint_fn(
    model_path: str, var_list: Any, ignore_missing_vars: bool = False, reshape_variables: bool = False
) -> Callable[[Any], Any]:
    """A function of a session that restores ``var_list``, a list or a dict by the names in the checkpoint."""
    if not var_list:
        raise ValueError("var_list cannot be empty")
    saver = Saver(var_list)
    return lambda session: saver.restore(session, latest_checkpoint(model_path) or model_path)
