"""Draws that learn from rewards, as in PyTorch 0.1 and 0.2: ``action = probs.multinomial()``, ``action.reinforce(reward)``.

A backward pass from a rewarded draw gives the probabilities the gradient of ``-reward * log p(draw)`` (Williams 1992).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from dynamic.autograd import engine
from dynamic.tensor import Tensor
from graphs.core.errors import GradientError, at_line


_SMALLEST = 1e-6  # as PyTorch added to probabilities that it divided by
_roots = engine._roots


def switch(on: bool) -> None:
    """Have such draws, or have today's, which know nothing of how they were made."""
    engine._roots = _rewarded if on else _roots
    if on and not _now:
        package: Any = sys.modules["dynamic"]
        for name, rule in _RULES.items():
            draw = getattr(package, name)
            for home in (package, Tensor) if name in vars(Tensor) else (package,):
                _now.append((home, name, draw))
                setattr(home, name, _remembered(draw, rule))
        Tensor.reinforce = reinforce  # type: ignore[attr-defined]
    elif not on and _now:
        while _now:
            setattr(*_now.pop())
        del Tensor.reinforce  # type: ignore[attr-defined]


def _rewarded(tensors: tuple[Any, ...], seeds: Any, create_graph: bool) -> list[tuple[Any, Any]]:
    """The roots of a backward pass, with what a reward makes of a draw in its place."""
    return _roots(tuple(vars(tensor).get("_rewarded", tensor) for tensor in tensors), seeds, create_graph)


def reinforce(self: Any, reward: Any) -> None:
    """Say how good a draw was: a number, or a tensor of its shape.

    Raises RuntimeError for what was not drawn by ``multinomial``, ``bernoulli`` or ``normal`` from a Variable.
    """
    chances = vars(self).get("_chances")
    if chances is None:
        raise GradientError(f"reinforce is for what multinomial, bernoulli or normal drew from a Variable{at_line()}")
    rule, arguments = chances
    vars(self)["_rewarded"] = rule(self.detach(), reward, *arguments).sum()


def _of_categories(drawn: Any, reward: Any, probs: Any) -> Any:
    share = (probs / probs.sum(-1, keepdim=True)).gather(-1, drawn).detach()
    return probs.gather(-1, drawn) * (-reward / (share + _SMALLEST))


def _of_bits(drawn: Any, reward: Any, probs: Any) -> Any:
    p = probs.detach()
    return probs * ((p - drawn) / (p * (1 - p) + _SMALLEST) * reward)


def _of_numbers(drawn: Any, reward: Any, mean: Any, std: Any) -> Any:
    if not isinstance(std, Tensor):
        return ((drawn - mean) / std) ** 2 / 2 * reward
    return (((drawn - mean) / std) ** 2 / 2 + std.log()) * reward


def _remembered(draw: Callable[..., Any], rule: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(draw)
    def drawing(input: Any, *args: Any, **settings: Any) -> Any:
        if rule is _of_categories and not args and "num_samples" not in settings:
            args = (1,)
        drawn = draw(input, *args, **settings)
        if input.requires_grad:
            vars(drawn)["_chances"] = rule, (input, *args[:1]) if rule is _of_numbers else (input,)
        return drawn

    return drawing


_RULES: dict[str, Callable[..., Any]] = {"multinomial": _of_categories, "bernoulli": _of_bits, "normal": _of_numbers}
_now: list[tuple[Any, str, Any]] = []
