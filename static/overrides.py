"""Gradients that a program gives for the operations it makes, in place of their own.

``RegisterGradient`` names a function; ``Graph.gradient_override_map`` has operations of a type, made inside, use it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from graphs.core.op import OPS, Op
from graphs.ops import identity, zeros_like
from static.names import type_name


F = TypeVar("F", bound=Callable[..., Any])

_FUNCTIONS: dict[str, Callable[..., Any] | None] = {}
"""The function registered under each name; None where the gradient is none."""

_OPAQUE = frozenset({"constant", "placeholder", "variable", "read", "initialized_value", "is_initialized", "no_op"})
"""Ops that a plan knows by themselves: they stay what they are."""

_MADE: dict[tuple[Op, str], Op] = {}


class RegisterGradient:
    """A decorator that registers a function ``(op, *grads)`` as the gradient called ``op_type``.

    ``op`` is the operation with its ``inputs`` and ``outputs``, ``grads`` has the gradient of each output; the function
    returns that of each input, None where there is none. Raises TypeError where ``op_type`` is no string.
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: F) -> F:
        """Register ``f``, and return it. Raises KeyError where the name is taken."""
        _register(self._op_type, f)
        return f


def NotDifferentiable(op_type: str) -> None:  # noqa: N802 (TensorFlow's name)
    """Register under ``op_type`` that no gradient flows. Raises KeyError where the name is taken."""
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    _register(op_type, None)


def _register(name: str, function: Callable[..., Any] | None) -> None:
    if name in _FUNCTIONS or _builtin(name) is not None:
        raise KeyError(f"Registering two gradient with name {name!r}!")
    _FUNCTIONS[name] = function


def overridden(op: Op, gradient: str) -> Op:
    """``op`` with the gradient called ``gradient``: one registered, or that of the operations of this type.

    Whether there is such a gradient is found out when it is asked for: LookupError.
    """
    if op.name in _OPAQUE or "update" in op.traits:
        return op
    made = _MADE.get((op, gradient))
    if made is None:
        made = _MADE[op, gradient] = copy.copy(op)
        made.rules = None
        made.joint = _joint(gradient)
    return made


def gradient_of(op: Op) -> str | None:
    """The gradient that ``overridden`` has given ``op``, None for an op that has its own."""
    return next((gradient for (_, gradient), made in _MADE.items() if made is op), None)


def _joint(gradient: str) -> Callable[..., Any]:
    def rule(needs: Sequence[bool], gs: Sequence[Any], outs: Sequence[Any], args: Sequence[Any], **params: Any) -> Any:
        node = outs[0].node
        if gradient not in _FUNCTIONS:
            return _as_another(gradient, node, needs, gs, outs, args, params)
        function = _FUNCTIONS[gradient]
        if function is None:
            return [None] * len(args)
        found = function(node, *(zeros_like(out) if g is None else g for g, out in zip(gs, outs, strict=True)))
        grads = list(found) if isinstance(found, (list, tuple)) else [found]
        if len(grads) != len(args):
            raise ValueError(
                f"Num gradients {len(grads)} generated for op {node.name!r} (op: {node.type}) do not match num inputs "
                f"{len(args)}\n  at {node.where}"
            )
        return grads

    return rule


def _as_another(gradient: str, node: Any, needs: Any, gs: Any, outs: Any, args: Any, params: Any) -> Any:
    """The gradients as an operation of the type ``gradient`` would have them."""
    other = _builtin(gradient)
    if other is None or not other.differentiable:
        raise LookupError(f"No gradient called {gradient!r} is defined for operation {node.name!r}, made at {node.where}")
    if other.joint is not None:
        return other.joint(needs, gs, outs, args, **params)
    rules = other.rules or ()
    return [
        rule(gs[0], outs[0], *args[: len(rules)]) if rule is not None and need else None
        for rule, need in zip((*rules, *[None] * len(args)), needs, strict=False)
    ]


def _builtin(name: str) -> Op | None:
    """The op whose operations are of the type ``name``."""
    if name == "Identity":
        return identity
    return next((op for op in OPS.values() if type_name(op.name) == name), None)
