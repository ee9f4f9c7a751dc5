"""``tf.make_template``: a function whose variables are made at its first call and shared by the later ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from graphs.core.errors import at_line, user_line
from static.graph import GraphKeys, get_collection
from static.scopes import VariableScope, pure_variable_scope, variable_scope


class Template:
    """A function and the variable scope that its calls share (see ``make_template``)."""

    def __init__(
        self, name: str, function: Callable[..., Any], create_scope_now: bool, unique_name: str | None, custom_getter: Any
    ) -> None:
        if name is None:
            raise ValueError(f"name cannot be None.{at_line()}")
        self._name = name
        self._function = function
        self._unique_name = unique_name
        self._custom_getter = custom_getter
        self._where = user_line(3)
        self._called = False
        self._scope: VariableScope | None = None
        if create_scope_now:
            with pure_variable_scope(unique_name, name, custom_getter) as scope:
                self._scope = scope

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives, with variables from the template's scope.

        Raises ValueError where a call after the first makes a variable to train.
        """
        if self._scope is not None:
            with variable_scope(self._scope, reuse=self._called):
                return self._call(args, kwargs)
        with variable_scope(self._unique_name, self._name, custom_getter=self._custom_getter) as scope:
            self._scope = scope
            return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        before = len(get_collection(GraphKeys.TRAINABLE_VARIABLES))
        try:
            out = self._function(*args, **kwargs)
        except Exception as error:
            error.add_note(f"in the template {self._name!r}, originally defined at {self._where}")
            raise
        made = get_collection(GraphKeys.TRAINABLE_VARIABLES)[before:]
        if self._called and made:
            raise ValueError(
                "Trainable variable created when calling a template after the first time, perhaps you used tf.Variable when "
                f"you meant tf.get_variable: {made}{at_line()}"
            )
        self._called = True
        return out

    @property
    def name(self) -> str:
        """The name that it was given."""
        return self._name

    @property
    def func(self) -> Callable[..., Any]:
        """The function."""
        return self._function

    @property
    def variable_scope(self) -> VariableScope | None:
        """The scope of the variables; None before it is made."""
        return self._scope

    @property
    def variable_scope_name(self) -> str | None:
        """The prefix of its variables' names, with the slash at its end; None before the scope is made."""
        if self._scope is None:
            return None
        return f"{self._scope.name}/" if self._scope.name else ""

    @property
    def global_variables(self) -> list[Any]:
        """Its global variables."""
        return self._scope.global_variables() if self._scope else []

    @property
    def local_variables(self) -> list[Any]:
        """Its local variables."""
        return self._scope.local_variables() if self._scope else []

    @property
    def variables(self) -> list[Any]:
        """Its variables, global and local."""
        return self.global_variables + self.local_variables

    @property
    def trainable_variables(self) -> list[Any]:
        """Those that optimizers change."""
        return self._scope.trainable_variables() if self._scope else []

    trainable_weights = trainable_variables
    weights = variables

    @property
    def non_trainable_variables(self) -> list[Any]:
        """Those that optimizers leave alone."""
        trained = set(self.trainable_variables)
        return [variable for variable in self.variables if variable not in trained]

    def __repr__(self) -> str:
        return f"<tf.Template '{self._name}' of {self._function}>"


def make_template(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Callable[..., Any] | None = None,
    **kwargs: Any,
) -> Template:
    """``func_`` with variables of its own: the first call makes what it gets by ``tf.get_variable``, others share them.

    Args:
        name_: the name of the variable scope, with ``_1``, ``_2`` and so on where it has been used.
        func_: the function; ``kwargs`` are handed to it at each call.
        create_scope_now_: whether the scope's name is settled now rather than at the first call.
        unique_name_: the name of the scope as it is, in place of ``name_``.
        custom_getter_: as for ``tf.variable_scope``.
    """
    function = partial(func_, **kwargs) if kwargs else func_
    return Template(name_, function, create_scope_now_, unique_name_, custom_getter_)
