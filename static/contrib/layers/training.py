"""``optimize_loss``: a step of training with schedules, clipping and summaries, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphs.core.errors import at_line
from static import summary
from static.array import identity, shape
from static.clipping import clip_by_global_norm, global_norm
from static.debugging import assert_scalar
from static.graph import GraphKeys, get_default_graph
from static.initializers import Constant
from static.random import truncated_normal
from static.scopes import variable_scope
from static.slices import IndexedSlices
from static.store import get_variable
from static.tensor import Tensor, convert_to_tensor
from static.train.moments import AdamOptimizer
from static.train.optimizer import Optimizer
from static.train.optimizers import (
    AdagradOptimizer,
    FtrlOptimizer,
    GradientDescentOptimizer,
    MomentumOptimizer,
    RMSPropOptimizer,
)
from static.train.steps import assert_global_step, get_global_step
from static.variables import trainable_variables


OPTIMIZER_CLS_NAMES: dict[str, Callable[..., Optimizer]] = {
    "Adagrad": AdagradOptimizer,
    "Adam": AdamOptimizer,
    "Ftrl": FtrlOptimizer,
    "Momentum": lambda learning_rate: MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": RMSPropOptimizer,
    "SGD": GradientDescentOptimizer,
}
"""The optimizers that go by a name."""

OPTIMIZER_SUMMARIES = ["learning_rate", "loss", "gradients", "gradient_norm", "global_gradient_norm"]
"""What ``optimize_loss`` can write summaries of."""


def optimize_loss(
    loss: Any,
    global_step: Any,
    learning_rate: Any,
    optimizer: Any,
    gradient_noise_scale: float | None = None,
    gradient_multipliers: Mapping[Any, Any] | None = None,
    clip_gradients: Any = None,
    learning_rate_decay_fn: Callable[[Any, Any], Any] | None = None,
    update_ops: Any = None,
    variables: Sequence[Any] | None = None,
    name: str | None = None,
    summaries: Sequence[str] | None = None,
    colocate_gradients_with_ops: bool = False,
    increment_global_step: bool = True,
) -> Any:
    """A tensor of ``loss`` that, when it is run, takes a step that makes it smaller.

    Args:
        loss: a scalar.
        global_step: the step, by default the graph's.
        learning_rate: a float, a scalar tensor, or None where ``optimizer`` needs none.
        optimizer: a name in ``OPTIMIZER_CLS_NAMES``, a class, an optimizer, or a function of the learning rate.
        gradient_noise_scale: the deviation of noise that is added to the gradients.
        gradient_multipliers: factors for the gradients of variables, by variable or name.
        clip_gradients: the greatest global norm, or a function of pairs (gradient, variable).
        learning_rate_decay_fn: a function of the learning rate and the step.
        update_ops: run before the loss; by default those in the collection ``UPDATE_OPS``.
        variables: what to train, by default all that is trainable.
        summaries: which of ``OPTIMIZER_SUMMARIES`` to write.
        increment_global_step: whether the step goes up.

    Raises ValueError for a loss, rate, optimizer or clipping that is none of these.
    """
    graph = get_default_graph()
    loss = convert_to_tensor(loss)
    assert_scalar(loss)
    step = get_global_step() if global_step is None else global_step
    if global_step is not None:
        assert_global_step(global_step)
    with variable_scope(name, "OptimizeLoss", [loss, step]):
        before = graph.get_collection(GraphKeys.UPDATE_OPS) if update_ops is None else list(update_ops)
        if before:
            with graph.control_dependencies(before):
                loss = identity(loss)
        wanted = ["loss", "learning_rate", "global_gradient_norm"] if summaries is None else list(summaries)
        for item in wanted:
            if item not in OPTIMIZER_SUMMARIES:
                known = ", ".join(OPTIMIZER_SUMMARIES)
                raise ValueError(f"Summaries should be one of [{known}], you provided {item}.{at_line()}")
        rate = _rate(learning_rate)
        if rate is not None and learning_rate_decay_fn is not None:
            if step is None:
                raise ValueError(f"global_step is required for learning_rate_decay_fn.{at_line()}")
            rate = learning_rate_decay_fn(rate, step)
            if "learning_rate" in wanted:
                summary.scalar("learning_rate", rate)
        made = _optimizer(optimizer, rate)
        pairs = made.compute_gradients(loss, trainable_variables() if variables is None else variables)
        if gradient_noise_scale is not None:
            pairs = [(_noisy(g, gradient_noise_scale), v) for g, v in pairs]
        if gradient_multipliers is not None:
            pairs = [(_multiplied(g, v, gradient_multipliers), v) for g, v in pairs]
        normed = "global_gradient_norm" in wanted or "gradient_norm" in wanted
        if normed:
            summary.scalar("global_norm/gradient_norm", global_norm([g for g, _ in pairs]))
        pairs = _clipped(pairs, clip_gradients)
        if "loss" in wanted:
            summary.scalar("loss", loss)
        _summarise(pairs, wanted)
        if clip_gradients is not None and normed:
            summary.scalar("global_norm/clipped_gradient_norm", global_norm([g for g, _ in pairs]))
        update = made.apply_gradients(pairs, global_step=step if increment_global_step else None, name="train")
        with graph.control_dependencies([update]):
            return identity(loss)


def _rate(learning_rate: Any) -> Any:
    if learning_rate is None or (isinstance(learning_rate, Tensor) and learning_rate.shape.ndims == 0):
        return learning_rate
    if not isinstance(learning_rate, float):
        raise ValueError(
            f"Learning rate should be 0d Tensor or float. Got {learning_rate} of type {type(learning_rate)}{at_line()}"
        )
    if learning_rate < 0.0:
        raise ValueError(f"Invalid learning_rate {learning_rate}.{at_line()}")
    return get_variable("learning_rate", [], trainable=False, initializer=Constant(learning_rate))


def _optimizer(optimizer: Any, rate: Any) -> Optimizer:
    if isinstance(optimizer, str) or (isinstance(optimizer, type) and issubclass(optimizer, Optimizer)):
        if rate is None:
            raise ValueError(f"Learning rate is None, but should be specified if optimizer is {optimizer}.{at_line()}")
        if isinstance(optimizer, str) and optimizer not in OPTIMIZER_CLS_NAMES:
            known = ", ".join(OPTIMIZER_CLS_NAMES)
            raise ValueError(f"Optimizer name should be one of [{known}], you provided {optimizer}.{at_line()}")
        kind: Callable[..., Any] = OPTIMIZER_CLS_NAMES[optimizer] if isinstance(optimizer, str) else optimizer
        return kind(learning_rate=rate)
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not callable(optimizer):
        raise ValueError(
            "Unrecognized optimizer: should be string, subclass of Optimizer, instance of subclass of Optimizer or function "
            f"with one argument. Got {optimizer}.{at_line()}"
        )
    made = optimizer() if rate is None else optimizer(rate)
    if not isinstance(made, Optimizer):
        raise ValueError(f"Unrecognized optimizer: function should return subclass of Optimizer. Got {made}.{at_line()}")
    return made


def _noisy(gradient: Any, scale: float) -> Any:
    if gradient is None:
        return None
    dense = convert_to_tensor(gradient)
    return dense + truncated_normal(shape(dense), dtype=dense.dtype) * scale


def _multiplied(gradient: Any, variable: Any, factors: Mapping[Any, Any]) -> Any:
    key = variable if variable in factors else variable.name
    if gradient is None or key not in factors:
        return gradient
    if isinstance(gradient, IndexedSlices):
        return gradient.with_values(gradient.values * factors[key])
    return gradient * factors[key]


def _clipped(pairs: Sequence[tuple[Any, Any]], clip_gradients: Any) -> list[tuple[Any, Any]]:
    if isinstance(clip_gradients, float):
        clipped, _ = clip_by_global_norm([g for g, _ in pairs], clip_gradients)
        return list(zip(clipped, [v for _, v in pairs], strict=True))
    if callable(clip_gradients):
        return list(clip_gradients(pairs))
    if clip_gradients is not None:
        raise ValueError(f"Unknown type {type(clip_gradients)} for clip_gradients{at_line()}")
    return list(pairs)


def _summarise(pairs: Sequence[tuple[Any, Any]], wanted: Sequence[str]) -> None:
    for gradient, variable in pairs:
        values = gradient.values if isinstance(gradient, IndexedSlices) else gradient
        if values is None:
            continue
        name = variable.name.replace(":", "_")
        if "gradients" in wanted:
            summary.histogram(f"gradients/{name}", values)
        if "gradient_norm" in wanted:
            summary.scalar(f"gradient_norm/{name}", global_norm([values]))
