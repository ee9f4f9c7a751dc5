"""Penalties on weights, and initialisers, as ``tf.contrib.layers`` has them."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.dtypes import as_dtype
from static.graph import GraphKeys, add_to_collection, get_collection, name_scope
from static.initializers import Initializer, full_shape
from static.math import add_n, multiply
from static.nn import l2_loss
from static.random import random_uniform, truncated_normal
from static.tensor import constant, constant_value, convert_to_tensor


def l1_regularizer(scale: Any, scope: str | None = None) -> Callable[..., Any]:
    """A function that gives ``scale`` times the sum of the weights' absolute values; None where ``scale`` is 0.

    Raises ValueError for a negative scale, and for an int.
    """
    return _penalty(scale, scope, "l1_regularizer", lambda weights: ops.sum(ops.absolute(weights)))


def l2_regularizer(scale: Any, scope: str | None = None) -> Callable[..., Any]:
    """A function that gives ``scale`` times half the sum of the weights' squares; None where ``scale`` is 0.

    Raises ValueError for a negative scale, and for an int.
    """
    return _penalty(scale, scope, "l2_regularizer", l2_loss)


def _penalty(scale: Any, scope: str | None, name: str, size: Callable[[Any], Any]) -> Callable[..., Any]:
    _check_scale(scale, "scale")
    number = constant_value(scale)
    if number is not None and number < 0.0:
        raise ValueError(f"Setting a scale less than 0 on a regularizer: {scale}{at_line()}")

    def penalty(weights: Any) -> Any:
        if number is not None and number == 0.0:
            return None
        with name_scope(scope, name) as full:
            values = convert_to_tensor(weights)
            return multiply(convert_to_tensor(scale, values.dtype, name="scale"), size(values), name=full)

    return penalty


def _check_scale(scale: Any, what: str) -> None:
    if isinstance(scale, numbers.Integral):
        raise ValueError(f"{what} cannot be an integer: {scale}{at_line()}")


def l1_l2_regularizer(scale_l1: float = 1.0, scale_l2: float = 1.0, scope: str | None = None) -> Any:
    """The sum of ``l1_regularizer(scale_l1)`` and ``l2_regularizer(scale_l2)``."""
    _check_scale(scale_l1, "scale_l1")
    _check_scale(scale_l2, "scale_l2")
    scope = scope or "l1_l2_regularizer"
    if scale_l1 == 0.0:
        return l2_regularizer(scale_l2, scope)
    if scale_l2 == 0.0:
        return l1_regularizer(scale_l1, scope)
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope)


def sum_regularizer(regularizer_list: Sequence[Any], scope: str | None = None) -> Callable[..., Any] | None:
    """A function that adds what those in the list give; None where there are none."""
    chosen = [regularizer for regularizer in regularizer_list if regularizer is not None]
    if not chosen:
        return None

    def total(weights: Any) -> Any:
        with name_scope(scope, "sum_regularizer") as full:
            given = [penalty for penalty in (regularizer(weights) for regularizer in chosen) if penalty is not None]
            return add_n(given, name=full) if given else None

    return total


def apply_regularization(regularizer: Callable[..., Any], weights_list: Sequence[Any] | None = None) -> Any:
    """The sum of what ``regularizer`` gives for each of the weights, by default those of the collection ``WEIGHTS``.

    It goes to the collection ``REGULARIZATION_LOSSES``. Raises ValueError where there are no weights, or where the
    regularizer gives something else than a scalar.
    """
    weights = weights_list or get_collection(GraphKeys.WEIGHTS)
    if not weights:
        raise ValueError(f"No weights to regularize.{at_line()}")
    with name_scope("get_regularization_penalty") as full:
        given = [regularizer(w) for w in weights]
        penalties = [constant(0.0) if penalty is None else penalty for penalty in given]
        for penalty in penalties:
            if penalty.shape.ndims != 0:
                raise ValueError(
                    f"regularizer must return a scalar Tensor instead of a Tensor with rank {penalty.shape.ndims}{at_line()}"
                )
        total = add_n(penalties, name=full)
        add_to_collection(GraphKeys.REGULARIZATION_LOSSES, total)
        return total


# Initialisers


def xavier_initializer(uniform: bool = True, seed: int | None = None, dtype: Any = "float32") -> Initializer:
    """Numbers of variance ``2 / (inputs + outputs)``, uniform or truncated normal (Glorot and Bengio 2010)."""
    return ContribScaling(1.0, "FAN_AVG", uniform, seed, dtype)


xavier_initializer_conv2d = xavier_initializer


class ContribScaling(Initializer):
    """Numbers of variance ``factor / n``, where ``n`` counts a weight's inputs, outputs, or is their mean.

    Args:
        factor: see above.
        mode: ``FAN_IN``, ``FAN_OUT`` or ``FAN_AVG``.
        uniform: whether the numbers are uniform rather than truncated normal.

    Raises TypeError for another mode or a dtype that is not floating.
    """

    def __init__(
        self,
        factor: float = 2.0,
        mode: str = "FAN_IN",
        uniform: bool = False,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        if not as_dtype(dtype).is_floating:
            raise TypeError("Cannot create initializer for non-floating point type.")
        if mode not in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
            raise TypeError(f"Unknown mode {mode} [FAN_IN, FAN_OUT, FAN_AVG]")
        self.factor = factor
        self.mode = mode
        self.uniform = uniform
        self.seed = seed
        self.dtype = as_dtype(dtype)

    def _values(self, shape: Any, dtype: Any, whole: Any) -> Any:
        sizes = full_shape(whole)
        last = sizes[-1] if sizes else 1
        window = math.prod(sizes[:-2])
        inputs, outputs = (sizes[-2] if len(sizes) > 1 else last) * window, last * window
        count = {"FAN_IN": inputs, "FAN_OUT": outputs, "FAN_AVG": (inputs + outputs) / 2.0}[self.mode]
        if self.uniform:
            bound = math.sqrt(3.0 * self.factor / count)
            return random_uniform(shape, -bound, bound, dtype, self.seed)
        # 1.3 is TensorFlow's allowance for what the truncation takes from the variance
        return truncated_normal(shape, 0.0, math.sqrt(1.3 * self.factor / count), dtype, self.seed)


variance_scaling_initializer = ContribScaling
