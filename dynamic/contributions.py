"""What a record sends back to each of its arguments, and hooks that see it: the slow way, outside of ``backprop``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from graphs.core.errors import GradientError, at_line
from graphs.core.op import Ghost, Op
from graphs.ops.complex import conj
from graphs.ops.shape import unbroadcast


def contributions(
    op: Op, needs: Sequence[bool], gs: Sequence[Any], outs: Sequence[Any], args: Sequence[Any], params: Mapping[str, Any]
) -> list[Any]:
    """The gradients of the arguments marked in ``needs``, None for the others, as ``graphs.autodiff.backprop`` has them."""
    if op.rules is None:
        if op.joint is None:
            raise GradientError(f"{op.name} has no gradient")
        return list(op.joint(tuple(needs), list(gs), outs, args, **params))
    found: list[Any] = []
    for need, rule, arg in zip(needs, op.rules, args, strict=True):
        each = None
        if need and rule is not None and gs[0] is not None:
            each = rule(gs[0], outs[0], *args, **params)
            if op.elementwise and each.shape != arg.shape:
                each = unbroadcast(each, arg)
        found.append(each)
    return found


@lru_cache(maxsize=256)
def holomorphic(op: Op) -> Op:
    """``op`` for records whose output is complex: its rules are handed the conjugates of what they read.

    So a rule that is the derivative gives the gradient that PyTorch has, ``dL/dx + i dL/dy`` of a real loss by ``x + iy``.
    """

    def rule(needs: Any, gs: Any, outs: Any, args: Any, **params: Any) -> list[Any]:
        return contributions(op, needs, gs, [_conjugate(x) for x in outs], [_conjugate(x) for x in args], params)

    made = Op(op.kernel, name=op.name, shape=_no_kernel, dtype=_no_kernel, traits=op.traits - {"elementwise"})
    made.joint = rule
    return made


def _conjugate(x: Any) -> Any:
    if isinstance(x, Ghost) or x is None:
        return x
    if isinstance(x, complex):
        return x.conjugate()
    dtype = getattr(getattr(x, "_array", x), "dtype", None)
    return conj(x) if dtype is not None and dtype.kind == "c" else x


def with_hooks(op: Op, hooks: Sequence[Callable[[Any, Any], Any]], carried: type[Any], wrap: Callable[[Any], Any]) -> Op:
    """``op`` for one record, whose gradients pass ``hook(grad_inputs, grad_outputs)`` before they flow on.

    ``hooks`` may change later; a hook gives None or other gradients of the inputs, as many as there are.
    """

    def rule(needs: Any, gs: Any, outs: Any, args: Any, **params: Any) -> list[Any]:
        found = contributions(op, needs, gs, outs, args, params)
        for hook in tuple(hooks):
            shown, flowing = (tuple(g if g is None or isinstance(g, carried) else wrap(g) for g in x) for x in (found, gs))
            changed = checked(hook, shown, flowing)
            if changed is None:
                continue
            if len(changed) != len(found):
                name = getattr(hook, "__name__", hook)
                raise GradientError(
                    f"hook '{name}' has returned an incorrect number of values ({len(changed)} for {len(found)}){at_line()}"
                )
            bare = not any(isinstance(g, carried) for g in gs)
            found = [g._array if bare and isinstance(g, carried) else g for g in changed]
        return found

    made = Op(_no_kernel, name=op.name, shape=_no_kernel, dtype=_no_kernel, traits=op.traits - {"elementwise"})
    made.joint = rule
    return made


def checked(hook: Callable[[Any, Any], Any], shown: tuple[Any, ...], flowing: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """What a hook gives for the gradients that it is shown. Raises TypeError where that is neither None nor a tuple."""
    changed = hook(shown, flowing)
    if changed is None or isinstance(changed, tuple):
        return changed
    name = getattr(hook, "__name__", hook)
    raise TypeError(f"hook '{name}' gave a {type(changed).__name__}, not a tuple or None{at_line()}")


def _no_kernel(*_: Any, **__: Any) -> Any:
    raise GradientError("what a hook was put on has run already")
