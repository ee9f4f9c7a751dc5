"""Optimisers by the rules of ``graphs.updates``: one kernel changes a parameter and what is kept beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy

from dynamic.apply import default_dtype, wrap
from dynamic.autograd.grad_mode import enable_grad, strict
from dynamic.elsewhere import check_together, current
from dynamic.names import lacking
from dynamic.optim.optimizer import Optimizer
from dynamic.tensor import Tensor
from dynamic.uninterrupted import Uninterrupted
from graphs.core.arrays import xp_of
from graphs.core.errors import ShapeError, at_line
from graphs.updates import Rule


_Change = tuple[Tensor, dict[str, Any] | None, Mapping[str, float], Any, float, Any, tuple[Any, ...], tuple[Any, ...]]
"""A parameter; what its state has for the first time, numbers it is to have, its count of steps and what that is to be; the
kernel with inputs and outputs. For arrays of a GPU there is no kernel, but rule and rates, and the arrays."""

_MOST = 4
"""Dtypes and counts of steps in a group whose rates are kept for the next step."""

_NOTHING: dict[str, Any] = {}

_SINGLE, _DOUBLE = numpy.dtype(numpy.float32), numpy.dtype(numpy.float64)


class Ruled(Optimizer):
    """The base of optimisers that say by which rule a group is changed, and with which numbers."""

    names: ClassVar[Mapping[str, str]] = {}
    """PyTorch's names of the rule's slots."""

    counted: ClassVar[bool] = True
    """Whether ``state`` counts a parameter's steps."""

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        _refuse(defaults)
        super().__init__(params, defaults)

    @cached_property
    def _known(self) -> dict[int, tuple[Rule, dict[str, Any], dict[Any, Any]]]:
        """Of groups: the rule, its numbers, and kernels with rates for a dtype and count of steps, as in the last step."""
        return {}

    def rule(self, group: Mapping[str, Any]) -> Rule:
        """The rule for a group's settings."""
        raise NotImplementedError(f"{type(self).__name__} has no rule")

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        raise NotImplementedError(f"{type(self).__name__} has no numbers for its rule")

    def further(self, group: Mapping[str, Any], state: Mapping[str, Any], t: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """Numbers for step ``t`` that a parameter's ``state`` has, if any, and what it is to have after the step."""
        return {}, {}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, in place. A ``closure`` computes the loss anew, which is returned.

        All parameters and all that is kept beside them change, or nothing does where a gradient does not fit or Ctrl-C comes
        before: it waits for a step that has begun to change them.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with numpy.errstate(all="ignore"):
            changes: list[_Change] = []
            if not self._repeats:
                for position, group in enumerate(self.param_groups):
                    self._work_out(position, group, group["params"], changes)
            with Uninterrupted():
                self._change(changes)
                if self._repeats:
                    self._change_one_by_one()
        return loss

    def _work_out(self, position: int, group: Mapping[str, Any], params: Iterable[Tensor], into: list[_Change]) -> None:
        """Add what a step is to do to the parameters. It changes nothing, and what can go wrong goes wrong here."""
        rule = self.rule(group)
        hyper = _numbers(self.hyper(group))
        known = self._known.get(position)
        if known is None or known[0] != rule or known[1] != hyper:
            known = self._known[position] = (rule, hyper, {})
        rule, hyper, made = known
        names = [self.names[slot] for slot in rule.slots]
        more = type(self).further is not Ruled.further
        counts, states = self.counted, self.state
        for p in params:
            grad = p.grad
            if grad is None:
                continue
            array, g = p._array, grad._array
            shape, dtype = array.shape, array.dtype
            if g.shape != shape:
                raise ShapeError(f"a gradient of shape {g.shape} for a parameter of shape {shape}{at_line()}")
            state: Mapping[str, Any] = states.get(p) or _NOTHING if counts or names else _NOTHING
            fresh: dict[str, Any] | None = None
            further, kept, t = _NOTHING, _NOTHING, 1.0
            step: Any = None
            if counts:
                step = state.get("step")
                if step is None:
                    fresh = {"step": scalar(1.0)}
                elif isinstance(step, Tensor):
                    step = step._array
                    t = float(step) + 1.0
                else:  # of an older state dict
                    t = float(step) + 1.0
                    fresh, step = {"step": step + 1}, None
            elif names and state.get(names[0]) is not None:
                t = 2.0
            if names and state.get(names[-1]) is None:
                fresh = {} if fresh is None else fresh
                self._begin(state, fresh, array, rule, names, hyper)
            if more:
                further, kept = self.further(group, state, t)
            key = (dtype, t, *further.values()) if more else (dtype, t)
            found = made.get(key)
            if found is None:
                kind = dtype if dtype.kind != "c" else _part(dtype)
                if len(made) > _MOST:
                    made.clear()
                found = made[key] = (rule.kernel(kind), rule.step(kind, t, **hyper, **further))
            kernel, rates = found
            slots = []
            for name in names:
                slot = (state[name] if fresh is None or name not in fresh else fresh[name])._array
                if slot.shape != shape:
                    raise ShapeError(f"{name} of shape {slot.shape} for a parameter of shape {shape}{at_line()}")
                slots.append(slot)
            if array.__class__ is not numpy.ndarray:
                check_together("an optimiser's step", ("parameter", "gradient", *rule.slots), (array, g, *slots))
                into.append((p, fresh, kept, step, t, None, (rule, rates), (array, g, *slots)))
                continue
            if dtype.kind == "c":
                array, g, *slots = map(_parts, (array, numpy.ascontiguousarray(g), *slots))
            into.append((p, fresh, kept, step, t, kernel, (array, g, *slots, *rates), (array, *slots)))

    def _change(self, changes: Iterable[_Change]) -> None:
        """Do what has been worked out."""
        seen = strict.get()
        together: Any = None
        waiting: list[tuple[Any, ...]] = []
        for p, fresh, kept, step, t, kernel, inputs, outs in changes:
            if kernel is not None:
                kernel(inputs, outs)
            else:
                if waiting and together[1] is not inputs[1]:
                    _all_at_once(together, waiting)
                together = inputs
                waiting.append(outs)
            if step is not None:
                step[...] = t
            if fresh is not None:
                self.state[p].update(fresh)
            if kept:
                _keep(self.state[p], kept)
            if seen:
                p._touch()
        if waiting:
            _all_at_once(together, waiting)

    def _change_one_by_one(self) -> None:
        """Change parameters in turn, some of them several times, as they are in a group several times."""
        for position, group in enumerate(self.param_groups):
            for p in group["params"]:
                changes: list[_Change] = []
                self._work_out(position, group, [p], changes)
                self._change(changes)

    def _begin(
        self, state: Mapping[str, Any], into: dict[str, Any], array: Any, rule: Rule, names: list[str], hyper: Any
    ) -> None:
        """Make the arrays that are missing beside a parameter."""
        for name, fill in zip(names, rule.fills(**hyper), strict=True):
            if state.get(name) is None:
                xp: Any = numpy if array.__class__ is numpy.ndarray else xp_of((array,))
                with current(array):
                    kept = xp.empty_like(array)
                kept.fill(fill if array.dtype.kind != "c" or not fill else complex(fill, fill))
                into[name] = wrap(kept)


class FromRule(Ruled):
    """An optimiser by any rule of ``graphs.updates``, or of a user's own.

    Args:
        params: as for every optimiser.
        rule: the rule.
        lr: what the rule calls ``learning_rate``; None where it has none.
        hyper: the rule's further numbers, by its names for them; groups may have their own, schedules may change them.
    """

    def __init__(self, params: Iterable[Any], rule: Rule, *, lr: Any = None, **hyper: Any) -> None:
        self._rule = rule
        self.names = {slot: slot for slot in rule.slots}  # type: ignore[misc]
        super().__init__(params, {**({} if lr is None else {"lr": lr}), **hyper})

    def rule(self, group: Mapping[str, Any]) -> Rule:
        """The rule."""
        return self._rule

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The group's numbers."""
        hyper = {name: group[name] for name in self.defaults}
        if "lr" in hyper:
            hyper["learning_rate"] = hyper.pop("lr")
        return hyper

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_rule": self._rule, "names": self.names}


def scalar(value: float) -> Tensor:
    """A tensor without dimensions, of the precision in which PyTorch keeps numbers beside parameters."""
    made: Tensor = wrap(numpy.asarray(value, _DOUBLE if default_dtype.get() == _DOUBLE else _SINGLE))
    return made


def check(what: str, value: Any, fine: bool) -> None:
    """Raise ValueError, naming a setting and its value, unless it is fine."""
    if not fine:
        raise ValueError(f"Invalid {what}: {value}{at_line()}")


def check_betas(betas: Any) -> None:
    """Raise ValueError for a decay of a moment that is not in [0, 1)."""
    for i in range(2):
        check(f"beta parameter at index {i}", betas[i], 0.0 <= betas[i] < 1.0)


def check_rate(lr: Any) -> None:
    """Raise ValueError for a learning rate that is negative, or a tensor of several elements."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError(f"Tensor lr must be 1-element{at_line()}")
    check("learning rate", lr, bool(lr >= 0.0))


def _refuse(settings: Mapping[str, Any]) -> None:
    """Refuse what contradicts itself, and a step that is to be differentiated; how else to compute is no matter here."""
    if settings.get("fused") and settings.get("foreach"):
        raise RuntimeError(f"`fused` and `foreach` cannot be `True` together{at_line()}")
    if settings.get("differentiable"):
        if settings.get("fused"):
            raise RuntimeError(f"`fused` does not support `differentiable`{at_line()}")
        raise NotImplementedError(f"steps are not recorded, so differentiable=True is not to be had{at_line()}")
    if isinstance(settings.get("lr"), Tensor) and settings.get("foreach") and not settings.get("capturable"):
        raise ValueError(f"lr as a Tensor is not supported for capturable=False and foreach=True{at_line()}")


def _numbers(hyper: dict[str, Any]) -> dict[str, Any]:
    """Settings with tensors of one element as Python numbers."""
    for name, value in hyper.items():
        if isinstance(value, Tensor):
            hyper[name] = value.item()
    return hyper


def advance(state: dict[str, Any]) -> float:
    """Count a step in a parameter's state: in the tensor that is there, or the number that an older state dict had."""
    step = state.get("step")
    if step is None:
        state["step"] = scalar(1.0)
        return 1.0
    if isinstance(step, Tensor):
        step._array += 1
        return float(step._array)
    state["step"] = step + 1
    return float(step + 1)


def _keep(state: dict[str, Any], numbers: Mapping[str, float]) -> None:
    for name, value in numbers.items():
        kept = state.get(name)
        if kept is None:
            state[name] = scalar(value)
        else:
            kept._array[...] = value


def _all_at_once(how: tuple[Rule, Any], waiting: list[tuple[Any, ...]]) -> None:
    """Take a step by a rule and its rates with all parameters that wait for it on GPUs, if they lie so in one launch."""
    rule, rates = how
    sets = [tuple(map(_parts, each)) if each[0].dtype.kind == "c" else each for each in waiting]
    waiting.clear()
    xp: Any = xp_of(sets[0])
    kind = sets[0][0].dtype
    kernel = rule.together(kind, xp)
    devices: dict[int, list[tuple[Any, ...]]] = {}
    for each in sets:
        devices.setdefault(each[0].data.device_id, []).append(each)
    for some in devices.values():
        with current(some[0][0]):
            apart = [each for each in some if not (kernel.fits and kernel.takes(each))]
            if len(apart) < len(some):
                kernel([each for each in some if not any(each is x for x in apart)], rates)
            for array, g, *slots in apart:
                rule.kernel(kind)((array, g, *slots, *rates), (array, *slots))


def _part(dtype: Any) -> Any:
    return numpy.dtype(f"f{dtype.itemsize // 2}")


def _parts(array: Any) -> Any:
    """Complex numbers as pairs of real ones, in the same memory."""
    return array.reshape(-1).view(_part(array.dtype)) if array.ndim == 0 else array.view(_part(array.dtype))


__getattr__ = lacking(__name__)
