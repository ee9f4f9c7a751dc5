"""Optimisers by the rules of ``graphs.updates``: one kernel changes a parameter and what is kept beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy

from dynamic.apply import default_dtype, wrap
from dynamic.autograd.grad_mode import enable_grad, strict
from dynamic.elsewhere import check_together, current
from dynamic.names import lacking
from dynamic.optim.optimizer import Optimizer
from dynamic.tensor import Tensor
from graphs.core.arrays import xp_of
from graphs.core.errors import ShapeError, at_line
from graphs.updates import Rule


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

    def rule(self, group: Mapping[str, Any]) -> Rule:
        """The rule for a group's settings."""
        raise NotImplementedError(f"{type(self).__name__} has no rule")

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        raise NotImplementedError(f"{type(self).__name__} has no numbers for its rule")

    def further(self, group: Mapping[str, Any], state: dict[str, Any], t: float) -> dict[str, Any]:
        """Numbers for step ``t`` that a parameter's ``state`` has, if the optimiser keeps any; they may change there."""
        return {}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, in place. A ``closure`` computes the loss anew, which is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with numpy.errstate(all="ignore"):
            for group in self.param_groups:
                self._step_group(group)
        return loss

    def _step_group(self, group: Mapping[str, Any]) -> None:
        rule = self.rule(group)
        hyper = _numbers(self.hyper(group))
        names = [self.names[slot] for slot in rule.slots]
        more = type(self).further is not Ruled.further
        counts, seen = self.counted, strict.get()
        last: tuple[Any, ...] = ()
        rates: Any = ()
        kernel: Any = None
        waiting: list[tuple[Any, ...]] = []
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            array = p._array
            g = grad._array
            if g.shape != array.shape:
                raise ShapeError(f"a gradient of shape {g.shape} for a parameter of shape {array.shape}{at_line()}")
            state = self.state[p] if counts or names else {}
            t = advance(state) if counts else 1.0 if not names or state.get(names[0]) is None else 2.0
            if names and state.get(names[-1]) is None:
                self._begin(state, array, rule, names, hyper)
            further = self.further(group, state, t) if more else {}
            key = (array.dtype, t, *further.values())
            if key != last:
                if waiting:
                    _all_at_once(rule, waiting, rates)
                kind = array.dtype if array.dtype.kind != "c" else _part(array.dtype)
                rates = rule.step(kind, t, **hyper, **further)
                kernel = rule.kernel(kind)
                last = key
            slots = [state[name]._array for name in names]
            if array.__class__ is not numpy.ndarray:
                waiting.append((array, g, *slots))
                if seen:
                    p._touch()
                continue
            if array.dtype.kind == "c":
                array, g, *slots = map(_parts, (array, numpy.ascontiguousarray(g), *slots))
            kernel((array, g, *slots, *rates), (array, *slots))
            if seen:
                p._touch()
        if waiting:
            _all_at_once(rule, waiting, rates)

    def _begin(self, state: dict[str, Any], array: Any, rule: Rule, names: list[str], hyper: Mapping[str, Any]) -> None:
        """Make the arrays that are missing beside a parameter."""
        for name, fill in zip(names, rule.fills(**hyper), strict=True):
            if state.get(name) is None:
                xp: Any = numpy if array.__class__ is numpy.ndarray else xp_of((array,))
                with current(array):
                    kept = xp.empty_like(array)
                kept.fill(fill if array.dtype.kind != "c" or not fill else complex(fill, fill))
                state[name] = wrap(kept)


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


def _all_at_once(rule: Rule, waiting: list[tuple[Any, ...]], rates: Any) -> None:
    """Take a step with all parameters that wait for it on GPUs: in one launch where they lie as it needs them."""
    for each in waiting:
        check_together("an optimiser's step", ("parameter", "gradient", *rule.slots), each)
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
