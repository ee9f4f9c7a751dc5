"""``theano.function``: a callable over a part of the graph, with updates of shared variables."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from graphs.core.errors import at_line
from graphs.core.node import ancestors
from static.graph import get_default_graph
from static.state import assign_op
from static.tensor import apply
from static.theano.errors import UnusedInputError
from static.theano.runs import check_given, session_of
from static.theano.settings import config
from static.theano.sharing import SharedVariable, shared_variables
from static.theano.substitution import pairs_of, replacements, substituted
from static.theano.variable import TensorVariable, as_tensor_variable


class In:
    """An input of a function: ``variable``, a ``value`` that it has by default, and a ``name`` to give it by."""

    def __init__(
        self,
        variable: Any,
        name: str | None = None,
        value: Any = None,
        mutable: bool | None = None,
        strict: bool = False,
        allow_downcast: bool | None = None,
        borrow: bool | None = None,
    ) -> None:
        if not isinstance(variable, TensorVariable):
            raise TypeError(f"Unknown parameter type: {type(variable)}{at_line()}")
        self.variable = variable
        self.name = variable.name if name is None else name
        self.value = value
        self.strict = strict
        self.allow_downcast = allow_downcast


Param = In


class Out:
    """An output of a function; ``borrow`` has no effect."""

    def __init__(self, variable: Any, borrow: bool = False) -> None:
        self.variable = variable


class Function:
    """What ``theano.function`` gives: called with values for its inputs, by place or by name, it gives the outputs'.

    A call raises TypeError for a value that an input does not take, for missing ones and for too many.
    """

    def __init__(self, inputs: Sequence[In], fetches: Any, pack: Any, name: str | None, downcast: bool | None) -> None:
        self.name = name
        self._inputs = tuple(inputs)
        self._types = [x.variable.type for x in inputs]
        self._fetches = fetches
        self._pack = pack
        self._downcast = downcast
        self._session = session_of(inputs[0].variable.graph if inputs else get_default_graph())
        self._defaults = [None if x.value is None else self._filtered(i, x.value) for i, x in enumerate(self._inputs)]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The values of the outputs, arrays of the caller's own, once the updates have been made."""
        if len(args) > len(self._inputs):
            raise TypeError(
                f"Too many parameter passed to theano function{self._called()}: {len(args)} for {len(self._inputs)} inputs"
            )
        given = [self._filtered(i, value) for i, value in enumerate(args)] + self._defaults[len(args) :]
        places = {x.name: i for i, x in enumerate(self._inputs) if x.name is not None}
        for key, value in kwargs.items():
            if key not in places:
                raise TypeError(f"Unknown input or state: {key}. The function has the inputs {list(places)}")
            if places[key] < len(args):
                raise TypeError(f"Multiple values for input: {key}")
            given[places[key]] = self._filtered(places[key], value)
        for i, (value, each) in enumerate(zip(given, self._inputs, strict=True)):
            if value is None:
                raise TypeError(f"Missing required input: {each.variable} at index {i}{self._called()}")
        feeds = {each.variable.tensor: value for each, value in zip(self._inputs, given, strict=True)}
        values, _ = self._session.run(self._fetches, feeds)
        return self._pack([numpy.asarray(value) for value in values])

    def _filtered(self, place: int, value: Any) -> Any:
        each = self._inputs[place]
        downcast = self._downcast if each.allow_downcast is None else each.allow_downcast
        try:
            return self._types[place].filter(value, each.strict, downcast, str(each.variable))
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"Bad input argument{f' {each.name!r}' if each.name else ''} to theano function{self._called()} at index "
                f"{place} (0-based). {error}"
            ) from None

    def _called(self) -> str:
        return f' with name "{self.name}"' if self.name else ""

    @property
    def outputs(self) -> list[Any]:
        """The tensors that it computes."""
        return list(self._fetches[0])

    def __repr__(self) -> str:
        return f"<theano function {self.name or ''}({', '.join(str(x.variable) for x in self._inputs)})>"


def function(
    inputs: Sequence[Any] = (),
    outputs: Any = None,
    mode: Any = None,
    updates: Any = None,
    givens: Any = None,
    no_default_updates: Any = False,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: Any = None,
    on_unused_input: str | None = None,
) -> Function:
    """A function of ``inputs`` that computes ``outputs`` and makes ``updates``.

    Args:
        inputs: variables, or ``In`` of them.
        outputs: a variable, a list or a dict of them; None for none.
        updates: pairs or a dict of shared variables and their new values, all computed from the old ones.
        givens: pairs or a dict of variables and what stands in their place.
        allow_input_downcast: whether values may lose precision; None lets Python's floats be ``floatX``.
        on_unused_input: ``"raise"``, ``"warn"`` or ``"ignore"``, by default as ``theano.config`` says.

    Other arguments are taken so that programs run. Raises UnusedInputError, for an input named twice too,
    MissingInputError, and TypeError for updates and givens of other types than what they replace.
    """
    ins = _inputs(inputs)
    flat, pack = _outputs(outputs)
    pairs = _updates(updates)
    replaced = replacements(givens, "givens")
    graph = get_default_graph()
    found = substituted([x.tensor for x in (*flat, *(new for _, new in pairs))], replaced)
    if not no_default_updates:
        more = _default_updates(graph, found, [shared for shared, _ in pairs])
        pairs += more
        found += substituted([new.tensor for _, new in more], replaced)
    made = [
        apply(assign_op, shared.variable.handle, value, name=None).op
        for (shared, _), value in zip(pairs, found[len(flat) :], strict=True)
    ]
    needed = check_given(found, [x.variable.tensor for x in ins], name or "a function's outputs")
    _check_used(ins, needed, on_unused_input or config.on_unused_input)
    return Function(ins, [found[: len(flat)], made], pack, name, allow_input_downcast)


def _inputs(inputs: Any) -> list[In]:
    if not isinstance(inputs, (list, tuple)):
        raise TypeError(
            f"Input variables of a Theano function should be contained in a list, even when there is one{at_line()}"
        )
    found: list[In] = []
    for i, given in enumerate(inputs):
        each = given if isinstance(given, In) else In(given)
        if isinstance(each.variable, SharedVariable):
            raise TypeError(
                f"Cannot use a shared variable ({each.variable}) as explicit input. Consider substituting a non-shared "
                f"variable via the `givens` parameter{at_line()}"
            )
        for j, other in enumerate(found):
            if other.variable.tensor is each.variable.tensor:
                raise UnusedInputError(
                    f"Variable {each.variable} is used twice in inputs to theano.function, at indices {j} and {i}. This "
                    f"would result in values provided for it being ignored.{at_line()}"
                )
        found.append(each)
    return found


def _outputs(outputs: Any) -> tuple[list[Any], Any]:
    """The outputs in a list, and how their values are put together again."""
    if isinstance(outputs, Mapping):
        names = sorted(outputs)
        if not all(isinstance(name, str) for name in names):
            raise AssertionError(f"All the keys of the outputs are strings{at_line()}")
        return _outputs([outputs[key] for key in names])[0], lambda values: dict(zip(names, values, strict=True))
    several = outputs is None or isinstance(outputs, (list, tuple))
    flat = [
        as_tensor_variable(x.variable if isinstance(x, Out) else x) for x in ((outputs or ()) if several else (outputs,))
    ]
    return flat, list if several else lambda values: values[0]


def _updates(updates: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for shared, new in pairs_of(updates):
        if not isinstance(shared, SharedVariable):
            raise TypeError(f"update target must be a SharedVariable, not {shared!r}{at_line()}")
        if any(shared is other for other, _ in found):
            raise ValueError(f"this shared variable already has an update expression: {shared}{at_line()}")
        value = new if isinstance(new, TensorVariable) else as_tensor_variable(shared.type.filter(new, name=str(shared)))
        if value.ndim != shared.ndim or numpy.promote_types(value.dtype, shared.dtype) != shared.dtype:
            raise TypeError(
                f"An update must have the same type as the original shared variable (shared_var={shared}, "
                f"shared_var.type={shared.type}, update_val={value}, update_val.type={value.type}).{at_line()}"
            )
        found.append((shared, value.astype(shared.dtype)))
    return found


def _default_updates(graph: Any, tensors: Sequence[Any], named: Sequence[Any]) -> list[tuple[Any, Any]]:
    """The updates that the shared variables behind ``tensors`` have of their own."""
    waiting = [x for x in shared_variables(graph) if x.default_update is not None and not any(x is y for y in named)]
    if not waiting:
        return []
    behind = set(ancestors({x.node for x in tensors}))
    return _updates([(x, x.default_update) for x in waiting if x.variable.op in behind])


def _check_used(ins: Sequence[In], needed: set[Any], wanted: str) -> None:
    for i, each in enumerate(ins):
        if each.variable.tensor.node in needed or wanted == "ignore":
            continue
        text = (
            f"theano.function was asked to create a function computing outputs given certain inputs, but the provided input "
            f"variable at index {i} is not part of the computational graph needed to compute the outputs: {each.variable}."
        )
        if wanted == "warn":
            warnings.warn(text, UserWarning, stacklevel=3)
            continue
        raise UnusedInputError(
            f"{text}\nTo make this error into a warning, you can pass the parameter on_unused_input='warn' to "
            f"theano.function. To disable it completely, use on_unused_input='ignore'.{at_line()}"
        )
