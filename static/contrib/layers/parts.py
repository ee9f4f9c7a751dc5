"""What the layers of ``tf.contrib.layers`` share: how their variables are called, and in which collections they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from static.contrib.framework.variables import model_variable
from static.graph import get_default_graph


def getter(names: Mapping[str, str] | None = None) -> Callable[..., Any]:
    """A getter of variables that puts them in the collection of models' variables, those in ``names`` under other names."""
    renamed = names or {}

    def made(plain: Callable[..., Any], name: str, *args: Any, **settings: Any) -> Any:
        head, slash, last = name.rpartition("/")
        for dropped in ("reuse", "validate_shape", "constraint"):
            settings.pop(dropped, None)
        return model_variable(f"{head}{slash}{renamed.get(last, last)}", *args, custom_getter=plain, **settings)

    return made


def collections_of(variables_collections: Any, name: str) -> Any:
    """The collections for the variables called ``name``, from a dict by such names or a list for all."""
    return variables_collections.get(name) if isinstance(variables_collections, Mapping) else variables_collections


def collect(variable: Any, variables_collections: Any, name: str) -> None:
    """Put a variable in the collections for ``name``, in each of them once."""
    graph = get_default_graph()
    for collection in collections_of(variables_collections, name) or ():
        if not any(variable is other for other in graph.get_collection(collection)):
            graph.add_to_collection(collection, variable)


def collected(outputs_collections: Any, outputs: Any) -> Any:
    """``outputs``, which are put in these collections (one or a list of them)."""
    for collection in [outputs_collections] if isinstance(outputs_collections, str) else outputs_collections or ():
        get_default_graph().add_to_collection(collection, outputs)
    return outputs


def finished(outputs: Any, normalizer_fn: Any, normalizer_params: Any, activation_fn: Any, outputs_collections: Any) -> Any:
    """``outputs`` normalised, through the activation, and in their collections."""
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(normalizer_params or {}))
    if activation_fn is not None:
        outputs = activation_fn(outputs)
    return collected(outputs_collections, outputs)
