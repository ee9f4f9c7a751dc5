"""L-BFGS: steps of Newton's kind, from what the last gradients tell of the curvature, with a line search where asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from math import sqrt
from typing import Any, NamedTuple

import numpy

from dynamic.apply import wrap
from dynamic.autograd.grad_mode import enable_grad, strict
from dynamic.names import lacking
from dynamic.optim.optimizer import Optimizer
from dynamic.optim.ruled import check_rate
from dynamic.tensor import Tensor
from dynamic.uninterrupted import Uninterrupted
from graphs.core.arrays import xp_of
from graphs.core.errors import at_line


_CURVED = 1e-10
"""The least curvature along a step for which the step is remembered."""


class Point(NamedTuple):
    """A place on the line that is searched: how far along it, and the loss, the gradient and the slope there."""

    t: Any
    loss: float
    gradient: Any
    slope: Any


class LBFGS(Optimizer):
    """Limited-memory BFGS. There is one group of parameters, and ``step`` needs a closure, which it calls several times.

    Args:
        params: tensors, or pairs of name and tensor.
        lr: the length of a step, or of the first trial of a line search.
        max_iter: how many steps one call of ``step`` takes at most.
        max_eval: how often it calls the closure at most (default: a quarter more than ``max_iter``).
        tolerance_grad: stop where no element of the gradient is larger.
        tolerance_change: stop where parameters or loss change by no more.
        history_size: how many steps are remembered.
        line_search_fn: None, or ``"strong_wolfe"``.

    Source: Nocedal and Wright, "Numerical optimization", chapters 3 and 7; as in PyTorch, which has it from minFunc.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_rate(lr)
        settings = {"lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval}
        limits = {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size}
        super().__init__(params, {**settings, **limits, "line_search_fn": line_search_fn})
        if len(self.param_groups) != 1:
            raise ValueError(f"LBFGS doesn't support per-parameter options (parameter groups){at_line()}")
        self._params: list[Tensor] = self.param_groups[0]["params"]

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self._params = self.param_groups[0]["params"]

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take up to ``max_iter`` steps; the loss before the first of them, as ``closure`` gave it.

        What ends it early, Ctrl-C or an error of ``closure``'s, leaves parameters and state as they were.
        """
        state = self.state.get(self._params[0])
        before = None if state is None else {k: list(x) if isinstance(x, list) else x for k, x in state.items()}
        arrays = [p._array.copy() for p in self._params]
        try:
            return self._steps(closure)
        except BaseException:
            with Uninterrupted():
                for p, array in zip(self._params, arrays, strict=True):
                    p._array[...] = array
                self.state.pop(self._params[0], None)
                if before is not None:
                    self.state[self._params[0]] = before
            raise

    def _steps(self, closure: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        search = group["line_search_fn"]
        lr = float(group["lr"])

        def evaluate() -> Any:
            state["func_evals"] += 1
            with enable_grad():
                return closure()

        before = state["func_evals"]
        first = evaluate()
        with numpy.errstate(all="ignore"):
            loss, gradient = float(first), self._gradient()
            d, t = _bare(state.get("d")), _bare(state.get("t"))
            for n in range(1, group["max_iter"] + 1):
                if n == 1 and abs(gradient).max() <= group["tolerance_grad"]:
                    return first
                state["n_iter"] += 1
                d = self._direction(state, gradient, d, t, group["history_size"])
                state["d"], state["prev_flat_grad"], state["prev_loss"] = wrap(d), wrap(gradient), loss
                t = lr if state["n_iter"] > 1 else min(1.0, 1.0 / abs(gradient).sum()) * lr
                slope = gradient @ d
                state["t"] = float(t)
                if slope > -group["tolerance_change"]:
                    break
                last_loss = loss
                if search is None:
                    self._move(t, d)
                    if n == group["max_iter"]:
                        break
                    loss, gradient = float(evaluate()), self._gradient()
                elif search == "strong_wolfe":
                    trial = partial(self._trial, evaluate, [p._array.copy() for p in self._params], d)
                    left = group["max_eval"] - (state["func_evals"] - before)
                    t, loss, gradient, _ = strong_wolfe(trial, Point(0, loss, gradient, slope), t, abs(d).max(), most=left)
                    state["t"] = float(t)
                    self._move(t, d)
                    if n == group["max_iter"]:
                        break
                else:
                    raise RuntimeError(f"line_search_fn is None or 'strong_wolfe', not {search!r}{at_line()}")
                if (
                    state["func_evals"] - before >= group["max_eval"]
                    or abs(gradient).max() <= group["tolerance_grad"]
                    or abs(d * t).max() <= group["tolerance_change"]
                    or abs(loss - last_loss) < group["tolerance_change"]
                ):
                    break
        return first

    def _direction(self, state: dict[str, Any], gradient: Any, d: Any, t: Any, size: int) -> Any:
        """The direction of the next step, by the two loops over the steps that are remembered."""
        if state["n_iter"] == 1:
            state["old_dirs"], state["old_stps"], state["ro"], state["H_diag"] = [], [], [], 1
            return -gradient
        changes, steps, curvatures = state["old_dirs"], state["old_stps"], state["ro"]
        change, step = gradient - _bare(state["prev_flat_grad"]), d * t
        curvature = change @ step
        if curvature > _CURVED:
            if len(changes) == size:
                for kept in (changes, steps, curvatures):
                    kept.pop(0)
            changes.append(wrap(change))
            steps.append(wrap(step))
            curvatures.append(wrap(1.0 / curvature))
            state["H_diag"] = wrap(curvature / (change @ change))
        remembered = [tuple(map(_bare, each)) for each in zip(changes, steps, curvatures, strict=True)]
        q = -gradient
        shares = []
        for y, s, rho in reversed(remembered):
            share = (s @ q) * rho
            q -= y * share
            shares.append(share)
        q *= _bare(state["H_diag"])
        for y, s, rho in remembered:
            q += s * (shares.pop() - (y @ q) * rho)
        return q

    def _gradient(self) -> Any:
        """All gradients in one vector."""
        arrays = [p._array for p in self._params]
        xp = xp_of(arrays)
        grads = [xp.zeros_like(p._array) if p.grad is None else p.grad._array for p in self._params]
        return xp.concatenate([g.ravel() for g in grads])

    def _move(self, t: Any, d: Any) -> None:
        """Go along ``d``."""
        at = 0
        for p in self._params:
            array = p._array
            array += d[at : at + array.size].reshape(array.shape) * t
            at += array.size
            if strict.get():
                p._touch()

    def _trial(self, evaluate: Callable[[], Any], start: list[Any], d: Any, t: Any) -> Point:
        """The point at distance ``t`` along ``d``; the parameters are back at ``start`` afterwards."""
        self._move(t, d)
        loss, gradient = float(evaluate()), self._gradient()
        for p, array in zip(self._params, start, strict=True):
            p._array[...] = array
        return Point(t, loss, gradient, gradient @ d)


def strong_wolfe(
    evaluate: Callable[[Any], Point],
    start: Point,
    t: Any,
    largest: Any,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    most: int = 25,
) -> Point:
    """A point on a line at which the loss has fallen enough and the slope is flat enough (Nocedal and Wright, 3.5 and 3.6).

    Args:
        evaluate: gives the point at a distance.
        start: the point at distance 0, from which the loss falls.
        t: the first distance to try.
        largest: how far an element moves per unit of distance at most.
        c1, c2: what is enough of either.
        tolerance_change: how little an element may move before the search ends.
        most: how many trials follow the first.
    """

    def high(point: Point) -> bool:
        return bool(point.loss > start.loss + c1 * point.t * start.slope)

    def flat(point: Point) -> bool:
        return bool(abs(point.slope) <= -c2 * start.slope)

    before, point = start, evaluate(t)
    for tried in range(most):
        if high(point) or (tried > 1 and point.loss >= before.loss) or (point.slope >= 0 and not flat(point)):
            break
        if flat(point):
            return point
        bounds = (point.t + 0.01 * (point.t - before.t), point.t * 10)
        before, point = point, evaluate(cubic_minimum(before, point, bounds))
    else:
        return min(start, point, key=lambda each: each.loss)
    # The minimum is bracketed: the ends keep their order, and the lower one is where the search would stop.
    ends = [before, point]
    low = 0 if before.loss <= point.loss else 1
    stalled = False
    while tried < most and not abs(ends[1].t - ends[0].t) * largest < tolerance_change:
        left, right = min(end.t for end in ends), max(end.t for end in ends)
        t = cubic_minimum(ends[0], ends[1])
        margin = 0.1 * (right - left)
        near = min(right - t, t - left) < margin
        if near and (stalled or t >= right or t <= left):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            near = False
        stalled = near
        point = evaluate(t)
        tried += 1
        if high(point) or point.loss >= ends[low].loss:
            ends[1 - low] = point
            low = 0 if ends[0].loss <= ends[1].loss else 1
            continue
        if flat(point):
            return point
        if point.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = point
    return ends[low]


def cubic_minimum(a: Point, b: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Where the cubic with these losses and slopes at two points is least, within ``bounds`` (default: between them)."""
    left, right = bounds or (min(a.t, b.t), max(a.t, b.t))
    if a.t > b.t:
        a, b = b, a
    first = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = first * first - a.slope * b.slope
    if not square >= 0:
        return (left + right) / 2.0
    root = sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + root - first) / (b.slope - a.slope + 2 * root))
    return min(max(t, left), right)


def _bare(x: Any) -> Any:
    return x._array if isinstance(x, Tensor) else x


__getattr__ = lacking(__name__)
