"""PyTorch's functions over tensors, by subject; most are methods of Tensor as well (see ``METHODS`` in each module)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dynamic.functions import (
    blends,
    calculus,
    counting,
    factors,
    joining,
    norms,
    ordering,
    pointwise,
    products,
    reductions,
    reflections,
    scattering,
    segments,
    shapes,
    solving,
)


_MODULES: tuple[Any, ...] = (
    *(pointwise, blends, reductions, ordering, counting, shapes, joining, scattering, products, calculus),
    *(factors, solving, norms, reflections, segments),
)

METHODS: dict[str, Callable[..., Any]] = {
    name: function
    for module in _MODULES
    for name, function in getattr(module, "METHODS", module.FUNCTIONS).items()
    if name not in pointwise.NOT_METHODS
}
"""Everything over tensors that is a method."""

IN_PLACE: dict[str, Callable[..., Any]] = {
    f"{name}_": (module.FUNCTIONS if name in module.FUNCTIONS else module.METHODS)[name]
    for module in _MODULES
    for name in getattr(module, "IN_PLACE", ())
}
"""The methods that have a variant in place, by the variant's name."""

FUNCTIONS: dict[str, Callable[..., Any]] = {name: f for module in _MODULES for name, f in module.FUNCTIONS.items()}
"""Everything over tensors that is a function of the package."""
