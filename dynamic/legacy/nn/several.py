"""Criteria made of criteria."""

from __future__ import annotations

from typing import Any, Self

from dynamic.legacy.nn.criteria import Criterion
from dynamic.legacy.nn.nested import added, mapped
from dynamic.names import lacking


class _Several(Criterion):
    def __init__(self) -> None:
        super().__init__()
        self.criterions: list[Any] = []
        self.weights: list[float] = []

    def add(self, criterion: Any, weight: Any = 1) -> Self:
        """Add another criterion, weighted; returns this one."""
        self.criterions.append(criterion)
        self.weights.append(weight)
        return self


class MultiCriterion(_Several):
    """A weighted sum of criteria of the same input and target."""

    def updateOutput(self, input: Any, target: Any) -> Any:
        """The weighted sum."""
        every = zip(self.weights, self.criterions, strict=True)
        self.output = sum(weight * criterion.updateOutput(input, target) for weight, criterion in every)
        return self.output

    def updateGradInput(self, input: Any, target: Any) -> Any:
        """The weighted sum of the gradients."""
        total = None
        for weight, criterion in zip(self.weights, self.criterions, strict=True):
            total = added(total, _scaled(criterion.updateGradInput(input, target), weight))
        self.gradInput = total
        return self.gradInput


class ParallelCriterion(_Several):
    """A weighted sum of criteria, each of the input and the target at its place; or of one target (``repeatTarget``)."""

    def __init__(self, repeatTarget: bool = False) -> None:
        super().__init__()
        self.repeatTarget = repeatTarget

    def _each(self, input: Any, target: Any) -> Any:
        targets = [target] * len(self.criterions) if self.repeatTarget else target
        return zip(self.weights, self.criterions, input, targets, strict=True)

    def updateOutput(self, input: Any, target: Any) -> Any:
        """The weighted sum."""
        self.output = sum(weight * each.updateOutput(x, t) for weight, each, x, t in self._each(input, target))
        return self.output

    def updateGradInput(self, input: Any, target: Any) -> Any:
        """The weighted gradients, a table."""
        self.gradInput = [_scaled(each.updateGradInput(x, t), weight) for weight, each, x, t in self._each(input, target)]
        return self.gradInput


def _scaled(gradient: Any, weight: Any) -> Any:
    return mapped(lambda g: g * weight, gradient)


class CriterionTable:
    """A criterion as a module: ``forward([input, target])``."""

    def __init__(self, criterion: Any) -> None:
        self.criterion = criterion
        self.gradInput: Any = [criterion.gradInput]
        self.output: Any = 0

    def updateOutput(self, input: Any) -> Any:
        """The criterion of the two tensors of a table."""
        self.output = self.criterion.updateOutput(*input)
        return self.output

    def updateGradInput(self, input: Any, grad_output: Any = None) -> Any:
        """The gradient, a table of one."""
        self.gradInput = [self.criterion.updateGradInput(*input)]
        return self.gradInput

    forward, backward = updateOutput, updateGradInput


__getattr__ = lacking(__name__)
