"""Adam and its kin under TensorFlow 1's names: those of ``tf.train`` and of ``tf.contrib.opt``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy

from graphs import ops, updates
from static.graph import get_default_graph
from static.slices import IndexedSlices
from static.state import scatter_update_op
from static.tensor import Tensor, apply, convert_to_tensor
from static.train.ruled import RuleOptimizer, number
from static.variables import Variable


class MomentsOptimizer(RuleOptimizer):
    """An optimizer whose moments start at zero, which it makes up for by powers of its betas.

    The powers are variables, as in TensorFlow 1, but always in float64: the number of the step is read off them, exactly,
    and what is computed from it has the same bits as where steps are counted.
    """

    _betas: ClassVar[tuple[str, ...]] = ("beta1", "beta2")

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for name in self._betas:
            beta = number(self._call_if_callable(self._hyper[name]))
            start = beta if isinstance(beta, Tensor) else numpy.asarray(beta, "float64")
            self._create_non_slot_variable(start, f"{name}_power", var_list[0])
        super()._create_slots(var_list)

    def _power(self, name: str) -> Variable:
        found = self._get_non_slot_variable(f"{name}_power")
        assert found is not None
        return found

    def _time(self) -> Any:
        for name in reversed(self._betas):  # the power of a larger beta takes longer to vanish
            beta = self._given[name]
            if not isinstance(beta, Tensor) and 0.0 < beta < 1.0:
                return ops.round(ops.log(self._power(name).handle) / math.log(beta))
        return 1.0

    def _more(self) -> dict[str, Any]:
        changing = [name for name in self._betas if isinstance(self._given[name], Tensor)]
        return {f"{name}_power": self._power(name).handle for name in changing}

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        counted = []
        with get_default_graph().lenient():
            for name in self._betas:
                power = self._power(name)
                counted.append(power.assign(power.handle * self._given[name]).op)
        return super()._finish([*update_ops, *counted], name_scope)


class AdamOptimizer(MomentsOptimizer):
    """Adam (Kingma and Ba 2015).

    All rows of a variable change at each step, also where the gradient has but a few.

    Args:
        epsilon_hat: True adds epsilon to the root of the second moment before its bias is corrected, as TensorFlow 1 does;
            False adds it afterwards, as the paper's algorithm 1 and PyTorch do. ``dynamic.optim.Adam`` has the same
            argument.
    """

    _nesterov: ClassVar[bool] = False

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-08,
        use_locking: bool = False,
        name: str = "Adam",
        epsilon_hat: bool = True,
    ) -> None:
        hyper = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
        super().__init__(updates.Adam(nesterov=self._nesterov), use_locking, name, **hyper, epsilon_hat=epsilon_hat)

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Variable) -> Any:
        return self._apply_dense(convert_to_tensor(grad), var)


class NadamOptimizer(AdamOptimizer):
    """Adam with Nesterov momentum (Dozat 2016).

    Of a gradient for some rows, the moments fade in all rows and the variable changes in those alone.
    """

    _nesterov: ClassVar[bool] = True

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Variable) -> Any:
        return self._apply_sparse(grad, var)

    def _apply_sparse(self, grad: IndexedSlices, var: Variable) -> Any:
        state = self._state(var)
        new, *moments = self._updated(convert_to_tensor(grad), [x.handle for x in state], var.dtype)
        rows = apply(ops.take, new, grad.indices, axis=0)
        changed = [x.assign(value).op for x, value in zip(state[1:], moments, strict=True)]
        return [apply(scatter_update_op, var.handle, grad.indices, rows, node="ScatterUpdate").op, *changed]


class LazyAdamOptimizer(AdamOptimizer):
    """Adam that changes, of a gradient for some rows, nothing but these rows and their moments."""

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Variable) -> Any:
        return RuleOptimizer._apply_sparse_duplicate_indices(self, grad, var)


class AdaMaxOptimizer(MomentsOptimizer):
    """Adam with the largest gradient in place of the second moment (Kingma and Ba 2015, section 7.1)."""

    _betas: ClassVar[tuple[str, ...]] = ("beta1",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "AdaMax",
    ) -> None:
        hyper = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
        super().__init__(updates.AdaMax(), use_locking, name, **hyper)
