"""``tf.get_variable``: a variable of the current scope under a name, made or shared as the scope's ``reuse`` says."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from graphs.core.errors import at_line
from static.dtypes import as_dtype
from static.graph import Graph, GraphKeys, get_default_graph
from static.initializers import GlorotUniform, Zeros
from static.scopes import scopes_of
from static.shapes import TensorShape
from static.tensor import convert_to_tensor
from static.variables import Variable


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Callable[[Any], Any] | None = None,
    trainable: bool | None = None,
    collections: Iterable[Any] | None = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Callable[..., Any] | None = None,
    constraint: Callable[[Any], Any] | None = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Any:
    """The variable ``name`` of the current variable scope: a new one, or with the scope's ``reuse`` the one there is.

    Args:
        name: the name, to which the scope puts its prefix.
        shape: the shape; None where ``initializer`` is a value.
        dtype: the dtype, by default the scope's.
        initializer: a function or class of initialisers, or the value itself (a number, array or tensor). By default the
            scope's, then ``glorot_uniform_initializer`` for floats and zeros for the rest.
        regularizer: a function of the variable whose result goes to the collection ``REGULARIZATION_LOSSES``.
        trainable, collections, validate_shape, constraint: as for ``tf.Variable``.
        custom_getter: is called in place of this function with it as the first argument, and says what comes back.
        caching_device, partitioner, use_resource, synchronization, aggregation: handed on to ``custom_getter``, else
            without effect: a variable stays in one piece.

    Raises ValueError for a variable that exists where a new one is asked for, for one that does not exist where it is to be
    shared, and for a shape or dtype that is not the variable's.
    """
    graph = get_default_graph()
    scope = scopes_of(graph).current
    full = f"{scope.name}/{name}" if scope.name else name
    with graph.name_scope(None):
        if dtype is not None and initializer is not None and not callable(initializer):
            found = convert_to_tensor(initializer).dtype
            if found != as_dtype(dtype):
                raise ValueError(
                    f"Initializer type '{found}' and explicit dtype '{as_dtype(dtype)}' don't match.{at_line()}"
                )
        settings: dict[str, Any] = {
            "shape": shape,
            "dtype": as_dtype(dtype or scope.dtype),
            "initializer": scope.initializer if initializer is None else initializer,
            "regularizer": scope.regularizer if regularizer is None else regularizer,
            "reuse": scope.reuse,
            "trainable": True if trainable is None else trainable,
            "collections": collections,
            "caching_device": caching_device or scope.caching_device,
            "partitioner": partitioner or scope.partitioner,
            "validate_shape": validate_shape,
            "use_resource": scope.use_resource if use_resource is None else use_resource,
            "synchronization": synchronization,
            "aggregation": aggregation,
        }
        constraint = constraint or scope.constraint
        getter = custom_getter or scope.custom_getter
        if getter is None:
            return _stored(full, **settings, constraint=constraint)
        if _takes(getter, "constraint"):
            settings["constraint"] = constraint
        return getter(_stored, name=full, **settings)


def get_local_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Callable[[Any], Any] | None = None,
    trainable: bool | None = False,
    collections: Iterable[Any] | None = None,
    **settings: Any,
) -> Any:
    """``get_variable`` of a variable that goes to the collection ``LOCAL_VARIABLES`` and is not trained."""
    kept = [*(collections or ()), GraphKeys.LOCAL_VARIABLES]
    return get_variable(name, shape, dtype, initializer, regularizer, False, kept, **settings)


def _stored(
    name: str,
    shape: Any = None,
    dtype: Any = "float32",
    initializer: Any = None,
    regularizer: Callable[[Any], Any] | None = None,
    reuse: Any = None,
    trainable: bool | None = None,
    collections: Iterable[Any] | None = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    constraint: Callable[[Any], Any] | None = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Any:
    """The variable of the default graph whose whole name is ``name``, which is what custom getters call in the end."""
    if shape is not None and initializer is not None and not callable(initializer):
        raise ValueError(f"If initializer is a constant, do not specify shape: {name}{at_line()}")
    graph = get_default_graph()
    variables = scopes_of(graph).variables
    dtype = as_dtype(dtype)
    if name in variables:
        return _shared(variables[name], name, None if shape is None else TensorShape(shape), dtype, reuse)
    if reuse is True:
        raise ValueError(
            f"Variable {name} does not exist, or was not created with tf.get_variable(). Did you mean to set "
            f"reuse=tf.AUTO_REUSE in VarScope?{at_line()}"
        )
    initial, given = _initial(name, shape, dtype, initializer)
    made = Variable(
        initial,
        trainable=trainable is not False,
        collections=collections,
        validate_shape=validate_shape,
        name=name,
        dtype=given,
        constraint=constraint,
    )
    variables[name] = made
    if regularizer is not None:
        _regularize(graph, name, made, regularizer)
    return made


def _shared(found: Any, name: str, shape: TensorShape | None, dtype: Any, reuse: Any) -> Any:
    if reuse is False:
        raise ValueError(
            f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in "
            f"VarScope? Originally defined at:\n  {found.op.where}{at_line()}"
        )
    clash = ""
    if shape is not None and not shape.is_compatible_with(found.shape):
        clash = f"shape {shape} and found shape {found.shape}"
    elif dtype != found.dtype:
        clash = f"dtype {dtype.name} and found dtype {found.dtype.name}"
    if clash:
        raise ValueError(
            f"Trying to share variable {name}, but specified {clash}. Originally defined at:\n  {found.op.where}{at_line()}"
        )
    return found


def _initial(name: str, shape: Any, dtype: Any, initializer: Any) -> tuple[Any, Any]:
    """What ``Variable`` takes as the initial value and the dtype."""
    if initializer is None:
        if dtype.is_floating:
            initializer = GlorotUniform()
        elif dtype.is_integer or dtype.kind == "b":
            initializer = Zeros()
        else:
            raise ValueError(f"An initializer for variable {name} of {dtype!r} is required{at_line()}")
    if not callable(initializer):
        return initializer, None
    if inspect.isclass(initializer):
        initializer = initializer()
    known = None if shape is None else TensorShape(shape)
    if known is not None and known.is_fully_defined():
        whole = {"partition_info": None} if "partition_info" in inspect.signature(initializer).parameters else {}
        return partial(initializer, known.as_list(), dtype=dtype, **whole), dtype
    if shape is None and _needs_nothing(initializer):
        return initializer, None
    raise ValueError(
        f"Shape of a new variable ({name}) must be fully defined, but instead was "
        f"{'<unknown>' if known is None else known}: an initializer that takes a shape has to be given one{at_line()}"
    )


def _needs_nothing(function: Callable[..., Any]) -> bool:
    empty, named = inspect.Parameter.empty, (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not empty or p.kind in named for p in inspect.signature(function).parameters.values())


def _takes(function: Callable[..., Any], argument: str) -> bool:
    parameters = inspect.signature(function).parameters
    return argument in parameters or any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())


def no_regularizer(_: Any) -> None:
    """No penalty, as a regularizer: within a scope that has one."""


def _regularize(graph: Graph, name: str, variable: Any, regularizer: Callable[[Any], Any]) -> None:
    inside: AbstractContextManager[Any] = graph.name_scope(f"{name}/Regularizer/")
    with graph.inside(None), inside:
        loss = regularizer(variable)
    if loss is not None:
        graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
