"""Variable scopes: where ``tf.get_variable`` takes the prefix of its names from, and the defaults of its arguments."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any

from graphs.core.errors import at_line
from static.dtypes import as_dtype
from static.graph import Graph, GraphKeys, get_default_graph
from static.tensor import common_graph


class ReuseMode(enum.Enum):
    """What ``reuse`` may be besides True, False and None."""

    AUTO_REUSE = 1


AUTO_REUSE = ReuseMode.AUTO_REUSE
"""As ``reuse``: variables that exist are shared, others are made."""

INHERITED = ("initializer", "regularizer", "caching_device", "partitioner", "custom_getter", "dtype", "use_resource")
"""The settings that a scope takes from the one around it where it is given none of its own."""


class VariableScope:
    """What ``tf.get_variable`` goes by: the prefix of names, and defaults of its arguments.

    Args:
        reuse: None or False to make variables, True to share those there are, ``AUTO_REUSE`` for either.
        name: the prefix of variables' names, without the slash at its end.
        name_scope: the name scope of the operations that were made when the scope was opened first.
        initializer, regularizer, partitioner, custom_getter, dtype, constraint: as for ``tf.get_variable``.
        caching_device, use_resource: kept, without effect.
    """

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        name_scope: str = "",
        dtype: Any = "float32",
        use_resource: bool | None = None,
        constraint: Any = None,
    ) -> None:
        self.name = name
        self.reuse = reuse
        self.original_name_scope = name_scope
        self.initializer = initializer
        self.regularizer = regularizer
        self.caching_device = caching_device
        self.partitioner = partitioner
        self.custom_getter = custom_getter
        self.dtype = as_dtype(dtype)
        self.use_resource = use_resource
        self.constraint = constraint

    def reuse_variables(self) -> None:
        """Share variables from here on."""
        self.reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """Make ``initializer`` the default."""
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        """Make ``regularizer`` the default."""
        self.regularizer = regularizer

    def set_caching_device(self, caching_device: Any) -> None:
        """Keep ``caching_device``."""
        self.caching_device = caching_device

    def set_partitioner(self, partitioner: Any) -> None:
        """Make ``partitioner`` the default."""
        self.partitioner = partitioner

    def set_custom_getter(self, custom_getter: Any) -> None:
        """Make ``custom_getter`` the default."""
        self.custom_getter = custom_getter

    def set_dtype(self, dtype: Any) -> None:
        """Make ``dtype`` the default."""
        self.dtype = as_dtype(dtype)

    def set_use_resource(self, use_resource: bool | None) -> None:
        """Keep ``use_resource``."""
        self.use_resource = use_resource

    def get_collection(self, name: Any) -> list[Any]:
        """What the default graph's collection ``name`` holds from this scope and those in it."""
        return get_default_graph().get_collection(name, f"{self.name}/" if self.name else self.name)

    def global_variables(self) -> list[Any]:
        """The scope's global variables."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        """The scope's local variables."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def trainable_variables(self) -> list[Any]:
        """The scope's trainable variables."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def copy(self, **changed: Any) -> VariableScope:
        """A scope with the same settings, except for those in ``changed``."""
        settings = {name: getattr(self, name) for name in INHERITED}
        settings |= {"name": self.name, "reuse": self.reuse, "name_scope": self.original_name_scope}
        return VariableScope(**(settings | changed))


class Scopes(threading.local):
    """What a graph knows of variable scopes: the current one, how often each was opened, and the variables by name.

    The variables are the same for all threads; in scopes each stands by itself, and begins outside of all.
    """

    def __init__(self, variables: dict[str, Any]) -> None:
        self.current = VariableScope(False)
        self.opened: dict[str, int] = {}
        self.variables = variables
        self._within: dict[str, set[str]] = {}

    def open(self, name: str) -> None:
        """Count an opening of the scope ``name``."""
        self.opened[name] = self.opened.get(name, 0) + 1
        while name:
            outer = name.rpartition("/")[0]
            within = self._within.setdefault(outer, set())
            if name in within:
                break
            within.add(name)
            name = outer

    def close_inner(self, name: str) -> None:
        """Forget the openings of the scopes within ``name``: the next opening of it counts them afresh."""
        stack = list(self._within.pop(name, ()))
        while stack:
            inner = stack.pop()
            self.opened.pop(inner, None)
            stack += self._within.pop(inner, ())

    def counts(self) -> tuple[dict[str, int], dict[str, set[str]]]:
        """How often each scope was opened, for ``restore``."""
        return dict(self.opened), {outer: set(within) for outer, within in self._within.items()}

    def restore(self, counts: tuple[dict[str, int], dict[str, set[str]]]) -> None:
        """Count on from what ``counts`` gave."""
        self.opened, self._within = counts

    def unique(self, name: str) -> str:
        """``name``, with ``_1``, ``_2`` and so on where the current scope has opened a scope of that name already."""
        full = f"{self.current.name}/{name}" if self.current.name else name
        if not self.opened.get(full, 0):
            return name
        count = 1
        while self.opened.get(f"{full}_{count}", 0):
            count += 1
        return f"{name}_{count}"


_KEY = ("variable scopes",)


def scopes_of(graph: Graph) -> Scopes:
    """The graph's variable scopes. They are kept as a collection under a key that is no string."""
    kept = graph.get_collection_ref(_KEY)
    if not kept:
        kept.append(Scopes({}))
    return kept[0]


def get_variable_scope() -> VariableScope:
    """The variable scope that ``tf.get_variable`` goes by now."""
    return scopes_of(get_default_graph()).current


class variable_scope:  # noqa: N801 (TensorFlow's name of it)
    """A context in which ``tf.get_variable`` puts ``name/`` before names, and which opens a name scope of that name.

    Args:
        name_or_scope: a name, which is added to the current scope's, or a ``VariableScope`` to go back to; None for
            ``default_name``.
        default_name: the name where there is none, with ``_1``, ``_2`` and so on where that has been used.
        values: tensors whose graph is the one to build in.
        reuse: True to share the variables there are, ``AUTO_REUSE`` to share or make; scopes inside inherit it.
        initializer, regularizer, partitioner, custom_getter, dtype, constraint: defaults for ``tf.get_variable``; scopes
            inside inherit them, except for ``constraint``.
        caching_device, use_resource: kept, without effect.
        auxiliary_name_scope: False leaves the name scope as it is.

    ``with`` gives the ``VariableScope``. Raises TypeError without a name, ValueError for another ``reuse``, RuntimeError
    where scopes are not left in the order in which they were entered.
    """

    def __init__(
        self,
        name_or_scope: Any,
        default_name: str | None = None,
        values: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        reuse: Any = None,
        dtype: Any = None,
        use_resource: bool | None = None,
        constraint: Any = None,
        auxiliary_name_scope: bool = True,
    ) -> None:
        if default_name is None and name_or_scope is None:
            raise TypeError(f"If default_name is None then name_or_scope is required{at_line()}")
        if name_or_scope is not None and not isinstance(name_or_scope, (str, VariableScope)):
            raise TypeError(f"VariableScope: name_or_scope must be a string or VariableScope.{at_line()}")
        if reuse not in (True, False, None, AUTO_REUSE):
            raise ValueError(f"The reuse parameter must be True or False or None.{at_line()}")
        if name_or_scope is None and reuse:
            raise ValueError(f"reuse=True cannot be used without a name_or_scope{at_line()}")
        if not isinstance(auxiliary_name_scope, bool):
            raise TypeError(
                f"The auxiliary_name_scope must be `True` or `False`, while get {auxiliary_name_scope}{at_line()}"
            )
        given = (initializer, regularizer, caching_device, partitioner, custom_getter, dtype, use_resource)
        self._given = {name: value for name, value in zip(INHERITED, given, strict=True) if value is not None}
        self._name_or_scope = name_or_scope
        self._default_name = default_name
        self._reuse = reuse or None
        self._constraint = constraint
        self._auxiliary = auxiliary_name_scope
        self._graph = common_graph("variable_scope", values or ())
        self._entered: list[tuple[VariableScope, ExitStack]] = []

    def __enter__(self) -> VariableScope:
        with ExitStack() as stack:
            stack.enter_context(self._graph.as_default())
            name_scope = self._enter_name_scope(stack)
            scope = stack.enter_context(self._variable_scope(name_scope))
            self._entered.append((scope, stack.pop_all()))
        return scope

    def __exit__(self, *error: Any) -> None:
        scope, stack = self._entered.pop()
        proper = scopes_of(self._graph).current is scope
        stack.__exit__(*error)
        if not proper:
            raise RuntimeError(f"Improper nesting of variable_scope.{at_line()}")

    def _enter_name_scope(self, stack: ExitStack) -> str:
        target = self._name_or_scope
        name = self._default_name if target is None else target if isinstance(target, str) else target.name.split("/")[-1]
        if not self._auxiliary:
            within = self._graph.get_name_scope()
            return f"{within}/" if within else ""
        return stack.enter_context(self._graph.name_scope(name)) if name else ""

    def _variable_scope(self, name_scope: str) -> AbstractContextManager[VariableScope]:
        scopes = scopes_of(self._graph)
        target = self._name_or_scope
        if isinstance(target, VariableScope):
            return _entered(scopes, self._settings(target), target.name, target.original_name_scope, jump=True)
        name = scopes.unique(self._default_name or "") if target is None else target
        base = scopes.current
        full = f"{base.name}/{name}" if base.name else name
        return _entered(scopes, self._settings(base), full, name_scope, jump=False)

    def _settings(self, base: VariableScope) -> Callable[..., VariableScope]:
        changed = dict(self._given)
        if "custom_getter" in changed and base.custom_getter is not None:
            changed["custom_getter"] = _over(changed["custom_getter"], base.custom_getter)
        return partial(base.copy, reuse=self._reuse or base.reuse, constraint=self._constraint, **changed)


@contextmanager
def _entered(
    scopes: Scopes, make: Callable[..., VariableScope], name: str, name_scope: str, *, jump: bool
) -> Iterator[VariableScope]:
    """The scope that ``make`` gives as the current one. A jump to another scope restores the counts of openings.

    Where another scope is current at the end, it is left so.
    """
    before = scopes.current
    scopes.open(name)
    counts = scopes.counts() if jump else None
    scopes.current = inside = make(name=name, name_scope=name_scope)
    try:
        yield inside
    finally:
        if scopes.current is inside:
            scopes.current = before
            if counts is not None:
                scopes.restore(counts)
            else:
                scopes.close_inner(name)


def _over(getter: Callable[..., Any], inherited: Callable[..., Any]) -> Callable[..., Any]:
    """``getter``, which is handed ``inherited`` as the one to call on."""

    def both(plain: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return getter(partial(inherited, plain), *args, **kwargs)

    return both


def pure_variable_scope(
    name: str | None, default_name: str, custom_getter: Any = None
) -> AbstractContextManager[VariableScope]:
    """A variable scope without a name scope, called ``name`` or after ``default_name`` (see ``variable_scope``)."""
    scopes = scopes_of(get_default_graph())
    base = scopes.current
    name = name or scopes.unique(default_name)
    full = f"{base.name}/{name}" if base.name else name
    getter = custom_getter or base.custom_getter
    if custom_getter is not None and base.custom_getter is not None:
        getter = _over(custom_getter, base.custom_getter)
    return _entered(scopes, partial(base.copy, custom_getter=getter), full, name, jump=False)


@contextmanager
def variable_op_scope(values: Any, name_or_scope: Any, default_name: str | None = None, **settings: Any) -> Iterator[Any]:
    """``variable_scope(name_or_scope, default_name, values, **settings)``, its older name."""
    with variable_scope(name_or_scope, default_name, values, **settings) as scope:
        yield scope
