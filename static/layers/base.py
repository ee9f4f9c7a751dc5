"""The base of layers: names, variables, sharing, penalties and updates."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from graphs.core.errors import at_line
from graphs.core.node import ancestors
from static.array import shape
from static.calls import cast
from static.dtypes import as_dtype
from static.graph import GraphKeys, get_default_graph
from static.layers.arguments import InputSpec
from static.nest import flatten, map_structure
from static.scopes import VariableScope, variable_scope
from static.store import get_variable
from static.tensor import Tensor, convert_to_tensor
from static.variables import global_variables, trainable_variables


class Layer:
    """Something with variables that is applied to tensors: they are made at the first call and shared by later ones.

    Subclasses make their variables in ``build(input_shape)`` by ``add_weight``, and say in ``call(inputs, ...)`` what comes
    out.

    Args:
        trainable: whether optimizers change its variables.
        name: the name of its variable scope, by default that of the class, with ``_1``, ``_2`` and so on.
        dtype: the dtype of its variables, by default that of the first input.
        activity_regularizer: a function of what the layer gives; its value, divided by the number of examples, goes to the
            collection ``REGULARIZATION_LOSSES``.
    """

    def __init__(
        self,
        trainable: bool = True,
        name: Any = None,
        dtype: Any = None,
        activity_regularizer: Callable[[Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        scope = kwargs.pop("_scope", None)
        self._reuse = kwargs.pop("_reuse", None)
        if kwargs:
            raise TypeError(f"{type(self).__name__} does not take {', '.join(kwargs)}{at_line()}")
        self.trainable = trainable
        self.built = False
        self.input_spec: InputSpec | None = None
        self.activity_regularizer = activity_regularizer
        self._dtype = None if dtype is None else as_dtype(dtype)
        self._trainable_weights: list[Any] = []
        self._non_trainable_weights: list[Any] = []
        self._losses: list[Any] = []
        self._updates: list[Any] = []
        default = snake_case(type(self).__name__)
        self._base_name = name.name if isinstance(name, VariableScope) else name or default
        self._name = name if isinstance(name, str) and name else _unique(default)
        self._scope: VariableScope | None = None
        self._current_scope: VariableScope | None = None
        if scope:
            with variable_scope(scope) as captured:
                self._scope = captured

    # What it is made of

    @property
    def name(self) -> str:
        """The layer's name."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The dtype of its variables; None before it is known."""
        return self._dtype

    @property
    def scope_name(self) -> str:
        """The name of its variable scope. Raises ValueError before the first call, which settles it."""
        if self._scope is None:
            raise ValueError(f'No name available for layer scope because the layer "{self.name}" has not been used yet.')
        return self._scope.name

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that optimizers change; none where the layer is not trainable."""
        return list(self._trainable_weights) if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        """Its other variables."""
        fixed = [] if self.trainable else self._trainable_weights
        return [*fixed, *self._non_trainable_weights]

    @property
    def weights(self) -> list[Any]:
        """All its variables, the trainable ones first."""
        return self.trainable_weights + self.non_trainable_weights

    @property
    def variables(self) -> list[Any]:
        """All its variables, the trainable ones first."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Any]:
        """The variables that optimizers change."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Any]:
        """Its other variables."""
        return self.non_trainable_weights

    @property
    def updates(self) -> list[Any]:
        """The operations that keep its averages up to date; none where the layer is not trainable."""
        return list(self._updates) if self.trainable else []

    @property
    def losses(self) -> list[Any]:
        """The penalties on its variables and on what it gave."""
        return list(self._losses)

    def count_params(self) -> int:
        """The number of elements in its variables. Raises ValueError before these are made."""
        if not self.built:
            raise ValueError(f"You tried to call `count_params` on {self.name}, but the layer isn't built.")
        return sum(variable.shape.num_elements() for variable in self.weights)

    # For subclasses

    def build(self, input_shape: Any) -> None:
        """Make the variables for inputs of ``input_shape``."""
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """What the layer gives for ``inputs``."""
        return inputs

    def add_weight(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Callable[[Any], Any] | None = None,
        trainable: bool | None = None,
        constraint: Callable[[Any], Any] | None = None,
        use_resource: bool | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
        partitioner: Any = None,
    ) -> Any:
        """The variable ``name`` of the layer's scope, made or shared as its ``reuse`` says.

        The penalty ``regularizer`` of a new variable is added to the losses. Other arguments are ``tf.get_variable``'s.
        """
        before = {id(variable) for variable in global_variables()}
        dtype = as_dtype(dtype or self._dtype or "float32")
        wanted = self.trainable and trainable is not False
        self._set_scope(None)
        graph = get_default_graph()
        with variable_scope(self._scope, reuse=self.built or self._reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            with graph.name_scope(scope.original_name_scope):
                variable = get_variable(
                    name,
                    () if shape is None else shape,
                    dtype,
                    initializer,
                    trainable=wanted,
                    constraint=constraint,
                    partitioner=partitioner,
                    use_resource=use_resource,
                    synchronization=synchronization,
                    aggregation=aggregation,
                )
                if regularizer is not None and id(variable) not in before:
                    with graph.name_scope(f"{name}/Regularizer"):
                        penalty = regularizer(variable)
                    if penalty is not None:
                        self.add_loss(penalty)
        trained = wanted and any(variable is other for other in trainable_variables())
        (self._trainable_weights if trained else self._non_trainable_weights).append(variable)
        return variable

    add_variable = add_weight

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Add penalties (tensors, or functions that give them) to the losses and to ``REGULARIZATION_LOSSES``."""
        found = [loss() if callable(loss) else loss for loss in flatten(losses)]
        found = [convert_to_tensor(loss) for loss in found if loss is not None]
        self._losses += found
        _collect(found, GraphKeys.REGULARIZATION_LOSSES)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Add operations to the updates, and so to the collection ``UPDATE_OPS`` after the call."""
        for update in flatten(updates):
            made = update() if callable(update) else update
            self._updates.append(made.op if isinstance(made, Tensor) else made)

    def get_updates_for(self, inputs: Any) -> list[Any]:
        """The updates that depend on ``inputs``; for None, those that depend on no input of the layer."""
        return _depending(self.updates, inputs)

    def get_losses_for(self, inputs: Any) -> list[Any]:
        """The losses that depend on ``inputs``; for None, those that depend on no input of the layer."""
        return _depending(self.losses, inputs)

    # Calling it

    def apply(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """What the layer gives for ``inputs``: the same as calling it."""
        return self(inputs, *args, **kwargs)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """What the layer gives for ``inputs``, a tensor or a structure of them.

        Raises ValueError where these are not what the layer asks for (``input_spec``).
        """
        self._set_scope(kwargs.pop("scope", None))
        reuse = True if self.built else self._reuse
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            if "scope" in inspect.signature(self.call).parameters:
                kwargs["scope"] = scope
            graph = get_default_graph()
            with graph.name_scope(scope.original_name_scope):
                inputs = map_structure(_tensor, inputs)
                self._check(inputs)
                if not self.built:
                    first = next((x for x in flatten(inputs) if isinstance(x, Tensor)), None)
                    if self._dtype is None and first is not None:
                        self._dtype = first.dtype
                    self.build(map_structure(lambda x: x.shape, inputs))
                    self._check(inputs)
                    self.built = True
                outputs = self.call(inputs, *args, **kwargs)
                if outputs is None:
                    raise ValueError(f"A layer's `call` method should return a Tensor (layer: {self.name}){at_line()}")
                self._penalise(outputs)
        _collect(self.updates, GraphKeys.UPDATE_OPS)
        return outputs

    def _set_scope(self, scope: Any) -> None:
        if self._scope is None:
            if self._reuse:
                opened = variable_scope(self._base_name if scope is None else scope)
            else:
                opened = variable_scope(scope, default_name=self._base_name)
            with opened as captured:
                self._scope = captured

    def _check(self, inputs: Any) -> None:
        if self.input_spec is not None:
            for x in flatten(inputs):
                self.input_spec.check(x, self.name)

    def _penalise(self, outputs: Any) -> None:
        if self.activity_regularizer is None:
            return
        with get_default_graph().name_scope("ActivityRegularizer"):
            for output in flatten(outputs):
                penalty = self.activity_regularizer(output)
                examples = output.spec.dims[0] if output.spec.dims else None
                if examples is None:
                    self.add_loss(penalty / cast(shape(output)[0], penalty.dtype))
                else:
                    self.add_loss(penalty / examples)

    def __repr__(self) -> str:
        return f"<tf.layers.{type(self).__name__} {self.name!r}>"


def _tensor(x: Any) -> Any:
    convertible = isinstance(x, (numpy.ndarray, float, int)) or hasattr(type(x), "_as_tensor")
    return convert_to_tensor(x) if convertible else x


def snake_case(name: str) -> str:
    """The name of a class as the name of a scope: ``Conv2DTranspose`` gives ``conv2d_transpose``."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    return f"private{name}" if name.startswith("_") else name


_NAMES = ("layer names",)
"""The collection, under a key that is no string, in which a graph counts the names of its layers."""


def _unique(name: str) -> str:
    kept = get_default_graph().get_collection_ref(_NAMES)
    if not kept:
        kept.append(Counter())
    kept[0][name] += 1
    return f"{name}_{kept[0][name]}"


def _collect(elements: Sequence[Any], key: str) -> None:
    kept = get_default_graph().get_collection_ref(key)
    for element in elements:
        if not any(element is other for other in kept):
            kept.append(element)


def _depending(found: Sequence[Any], inputs: Any) -> list[Any]:
    """Those of the tensors or operations that depend on ``inputs``; for None, on no placeholder or other input."""

    def nodes(x: Any) -> set[Any]:
        return set(ancestors({x.node if isinstance(x, Tensor) else x}))

    if inputs is None:
        return [x for x in found if not any(node.op.name.startswith("placeholder") for node in nodes(x))]
    given = {x.node for x in flatten(inputs)}
    return [x for x in found if given & nodes(x)]


def functional(layer: type[Layer], name: str, *, reuse: bool = True) -> Callable[..., Any]:
    """The function ``(inputs, <the layer's arguments>, name, reuse)`` that makes a layer and applies it once."""
    own = [p for p in inspect.signature(layer).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    more = [inspect.Parameter("reuse", kind, default=None)] if reuse else []
    signature = inspect.Signature([inspect.Parameter("inputs", kind), *own, *more])

    def function(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs).arguments
        inputs = given.pop("inputs")
        sharing = {"_scope": given.get("name"), "_reuse": given.pop("reuse", None)} if reuse else {}
        return layer(**given, **sharing).apply(inputs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"``tf.layers.{layer.__name__}``, made with these arguments and applied to ``inputs``.\n\n{layer.__doc__}"
    )
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function
