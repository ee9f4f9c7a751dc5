"""Which transform leads from all numbers into a constraint: ``transform_to`` and ``biject_to``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dynamic.distributions import constraints, transforms
from dynamic.names import lacking
from graphs.core.errors import at_line


class ConstraintRegistry:
    """Functions from constraints to transforms, by the constraint's class; calling it asks the one that fits."""

    def __init__(self) -> None:
        self._registry: dict[type[Any], Callable[[Any], Any]] = {}

    def register(self, constraint: Any, factory: Callable[[Any], Any] | None = None) -> Any:
        """Have ``factory(constraint)`` give the transform for constraints of this class; also a decorator.

        Raises TypeError for what is neither a constraint nor a class of them.
        """
        if factory is None:
            return lambda function: self.register(constraint, function)
        kind = type(constraint) if isinstance(constraint, constraints.Constraint) else constraint
        if not isinstance(kind, type) or not issubclass(kind, constraints.Constraint):
            raise TypeError(f"a constraint, or a class of them, is registered, not {constraint!r}{at_line()}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> Any:
        """The transform for ``constraint``. Raises NotImplementedError where none is registered."""
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints{at_line()}")
        return factory(constraint)


transform_to = ConstraintRegistry()
"""Transforms onto a constraint, which need not have one inverse."""

biject_to = ConstraintRegistry()
"""Transforms onto a constraint with one inverse."""


def _above(constraint: Any) -> Any:
    return transforms.ComposeTransform([transforms.ExpTransform(), transforms.AffineTransform(constraint.lower_bound, 1)])


def _below(constraint: Any) -> Any:
    return transforms.ComposeTransform([transforms.ExpTransform(), transforms.AffineTransform(constraint.upper_bound, -1)])


def _between(constraint: Any) -> Any:
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform([transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)])


def _inside(registry: ConstraintRegistry) -> None:
    """Register the constraints that are made of others."""

    @registry.register(constraints.independent)
    def _independent(constraint: Any) -> Any:
        base = registry(constraint.base_constraint)
        return transforms.IndependentTransform(base, constraint.reinterpreted_batch_ndims)

    @registry.register(constraints.stack)
    def _stack(constraint: Any) -> Any:
        return transforms.StackTransform([registry(each) for each in constraint.cseq], constraint.dim)

    @registry.register(constraints.cat)
    def _cat(constraint: Any) -> Any:
        return transforms.CatTransform([registry(each) for each in constraint.cseq], constraint.dim, constraint.lengths)


for _registry in (transform_to, biject_to):
    _registry.register(constraints.real, lambda constraint: transforms.identity_transform)
    _registry.register(constraints.positive, lambda constraint: transforms.ExpTransform())
    _registry.register(constraints.greater_than, _above)
    _registry.register(constraints.greater_than_eq, _above)
    _registry.register(constraints.less_than, _below)
    _registry.register(constraints.interval, _between)
    _registry.register(constraints.half_open_interval, _between)
    _inside(_registry)
transform_to.register(constraints.simplex, lambda constraint: transforms.SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda constraint: transforms.LowerCholeskyTransform())
biject_to.register(constraints.simplex, lambda constraint: transforms.StickBreakingTransform())

del _registry
__getattr__ = lacking(__name__)
