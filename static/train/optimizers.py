"""The optimizers of ``tf.train``, but for those with moments (see ``static.train.moments``)."""

from __future__ import annotations

from typing import Any

from graphs import updates
from graphs.core.errors import at_line
from static.calls import cast
from static.dtypes import float64
from static.train.ruled import RuleOptimizer


class GradientDescentOptimizer(RuleOptimizer):
    """Gradient descent: ``w - learning_rate * g``."""

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent") -> None:
        super().__init__(updates.SGD(), use_locking, name, learning_rate=learning_rate)


class MomentumOptimizer(RuleOptimizer):
    """Gradient descent with momentum: ``a = momentum * a + g; w - learning_rate * a`` (Sutskever et al. 2013)."""

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        rule = updates.SGD(momentum=True, nesterov=use_nesterov)
        super().__init__(rule, use_locking, name, learning_rate=learning_rate, momentum=momentum)


class RMSPropOptimizer(RuleOptimizer):
    """RMSProp, with epsilon inside the root and a mean square that starts at 1."""

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        rule = updates.RMSProp(momentum=True, centered=centered, epsilon_inside=True)
        hyper = {"learning_rate": learning_rate, "decay": decay, "momentum": momentum, "epsilon": epsilon}
        super().__init__(rule, use_locking, name, **hyper)


class AdagradOptimizer(RuleOptimizer):
    """Adagrad, whose accumulator starts at ``initial_accumulator_value`` (Duchi, Hazan and Singer 2011)."""

    def __init__(
        self, learning_rate: Any, initial_accumulator_value: float = 0.1, use_locking: bool = False, name: str = "Adagrad"
    ) -> None:
        fills = _start("initial_accumulator_value", initial_accumulator_value)
        super().__init__(updates.Adagrad(epsilon=False), use_locking, name, fills=fills, learning_rate=learning_rate)


class AdagradDAOptimizer(RuleOptimizer):
    """Adagrad by dual averaging, for linear models that are to have few weights other than zero.

    ``global_step`` is the number of steps before this one; the penalties grow with it.
    """

    def __init__(
        self,
        learning_rate: Any,
        global_step: Any,
        initial_gradient_squared_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "AdagradDA",
    ) -> None:
        fills = _start("initial_gradient_squared_accumulator_value", initial_gradient_squared_accumulator_value)
        hyper = {"learning_rate": learning_rate, "l1": l1_regularization_strength, "l2": l2_regularization_strength}
        super().__init__(updates.AdagradDA(), use_locking, name, fills=fills, **hyper)
        self._global_step = global_step

    def _time(self) -> Any:
        return cast(self._global_step, float64) + 1.0


class AdadeltaOptimizer(RuleOptimizer):
    """Adadelta (Zeiler 2012)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(updates.Adadelta(), use_locking, name, learning_rate=learning_rate, rho=rho, epsilon=epsilon)


class FtrlOptimizer(RuleOptimizer):
    """Follow the regularised leader (McMahan et al. 2013).

    Args:
        learning_rate_power: at most 0; how fast the rate falls with the sum of squared gradients.
        l1_regularization_strength, l2_regularization_strength: penalties on the weights, applied exactly.
        accum_name, linear_name: names for the slots' variables in place of ``name``.
        l2_shrinkage_regularization_strength: an L2 penalty that enters with the gradient.
        beta: added to the root of the sum of squared gradients where it divides the learning rate.

    Raises ValueError where a value that has to be so is not positive, or not at most 0.
    """

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float | None = None,
    ) -> None:
        if initial_accumulator_value < 0.0:
            raise ValueError(
                f"initial_accumulator_value {initial_accumulator_value} needs to be positive or zero{at_line()}"
            )
        if learning_rate_power > 0.0:
            raise ValueError(f"learning_rate_power {learning_rate_power} needs to be negative or zero{at_line()}")
        strengths = {
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }
        for strength, value in strengths.items():
            if value < 0.0:
                raise ValueError(f"{strength} {value} needs to be positive or zero{at_line()}")
        rule = updates.Ftrl(root=learning_rate_power == -0.5, shrinkage=l2_shrinkage_regularization_strength > 0.0)
        super().__init__(
            rule,
            use_locking,
            name,
            fills={"initial_accumulator_value": initial_accumulator_value},
            slot_names={"accum": accum_name or name, "linear": linear_name or name},
            learning_rate=learning_rate,
            l1=l1_regularization_strength,
            l2=l2_regularization_strength,
            l2_shrinkage=l2_shrinkage_regularization_strength,
            power=-learning_rate_power,
            beta=beta or 0.0,
        )


class ProximalGradientDescentOptimizer(RuleOptimizer):
    """Gradient descent with L1 and L2 penalties, each applied exactly after the step (Duchi and Singer 2009)."""

    def __init__(
        self,
        learning_rate: Any,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ) -> None:
        penalties = {"l1": l1_regularization_strength, "l2": l2_regularization_strength}
        super().__init__(updates.ProximalSGD(), use_locking, name, learning_rate=learning_rate, **penalties)


class ProximalAdagradOptimizer(RuleOptimizer):
    """Adagrad with L1 and L2 penalties, each applied exactly after the step."""

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ) -> None:
        fills = _start("initial_accumulator_value", initial_accumulator_value)
        hyper = {"learning_rate": learning_rate, "l1": l1_regularization_strength, "l2": l2_regularization_strength}
        super().__init__(updates.ProximalAdagrad(), use_locking, name, fills=fills, **hyper)


def _start(name: str, value: float) -> dict[str, float]:
    """What the rule starts its accumulator with. Raises ValueError where that is not positive."""
    if value <= 0.0:
        raise ValueError(f"{name} must be positive: {value}{at_line()}")
    return {"initial_accumulator_value": value}
