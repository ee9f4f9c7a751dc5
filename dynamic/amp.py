"""Mixed precision, for programs that name it: scaled losses, and regions in which nothing is cast. ``torch.amp``."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy

from dynamic.apply import Carried
from dynamic.autograd.grad_mode import no_grad
from dynamic.devices import available, device as Device
from dynamic.dtypes import dtype_of
from dynamic.names import lacking
from graphs.core.errors import DtypeError, GradientError, at_line


class autocast:  # noqa: N801 (PyTorch's name)
    """A region in which PyTorch computes products in a narrower dtype; here every operation keeps its operands' dtype.

    So it is for programs that switch it off, or that ask for a GPU's where there is none, which PyTorch switches off with a
    warning too. Switched on it is a TypeError: numpy has no bfloat16, and its float16 products are slower than float32's.

    Args:
        device_type: ``"cpu"`` or ``"cuda"``.
        dtype: what PyTorch would compute in.
        enabled: whether to.
        cache_enabled: without effect.
    """

    def __init__(self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None) -> None:
        self.device = Device(device_type).type
        if enabled and self.device == "cuda" and not available():
            warnings.warn("CUDA is not available. Disabling autocast.", UserWarning, stacklevel=2)
            enabled = False
        if enabled and (dtype is None or dtype_of(dtype).itemsize < 4):
            wanted = "bfloat16" if dtype is None else dtype_of(dtype).name
            raise DtypeError(
                f"autocast to {wanted}: operations here keep the dtype of their operands, and numpy has no bfloat16. "
                f"Switch it off: autocast({device_type!r}, enabled=False){at_line()}"
            )
        if enabled:
            warnings.warn(
                f"autocast to {dtype_of(dtype).name}: the target dtype is not supported. Disabling autocast.",
                UserWarning,
                stacklevel=2,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """``func``: a region is a decorator too."""
        return func


def is_autocast_available(device_type: str) -> bool:
    """Whether a device computes in narrower dtypes by itself: no."""
    Device(device_type)
    return False


def custom_fwd(fwd: Any = None, *, device_type: str = "cuda", cast_inputs: Any = None) -> Any:
    """A decorator for a Function's ``forward``: PyTorch casts inside ``autocast``, which never happens here."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    return fwd


def custom_bwd(bwd: Any = None, *, device_type: str = "cuda") -> Any:
    """A decorator for a Function's ``backward``, which goes with ``custom_fwd``."""
    return functools.partial(custom_bwd, device_type=device_type) if bwd is None else bwd


def _single(x: float) -> float:
    """A number as float32 has it: PyTorch keeps the scale in a tensor of that dtype."""
    with numpy.errstate(over="ignore"):
        return float(numpy.float32(x))


class GradScaler:
    """Scales a loss so that small gradients do not vanish in float16, and leaves out steps whose gradients overflow.

    ``scaler.scale(loss).backward(); scaler.step(optimizer); scaler.update()``. The scale grows by ``growth_factor`` after
    ``growth_interval`` steps without an overflow and shrinks by ``backoff_factor`` after each step with one. On ``"cuda"``
    without a GPU it is disabled, with a warning: then ``scale`` gives back what it is given, and ``step`` just steps.

    Args:
        device: the kind of device of the parameters.
        init_scale, growth_factor, backoff_factor, growth_interval: as above.
        enabled: whether to do anything.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        if enabled and device == "cuda" and not available():
            warnings.warn("GradScaler is enabled, but CUDA is not available. Disabling.", UserWarning, stacklevel=2)
            enabled = False
        self._enabled = enabled
        if not enabled:
            return
        if not growth_factor > 1.0:
            raise AssertionError(f"The growth factor must be > 1.0, not {growth_factor}{at_line()}")
        if not backoff_factor < 1.0:
            raise AssertionError(f"The backoff factor must be < 1.0, not {backoff_factor}{at_line()}")
        self._scale = _single(init_scale)
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval, self._growth_tracker = growth_interval, 0
        self._used = False
        self._states: dict[int, dict[str, Any]] = {}

    def scale(self, outputs: Any) -> Any:
        """A tensor, or nested iterables of them, times the scale."""
        if not self._enabled:
            return outputs
        self._used = True
        if isinstance(outputs, Carried):
            tensor: Any = outputs
            return tensor * self._scale
        if isinstance(outputs, Iterable):
            scaled = [self.scale(each) for each in outputs]
            return tuple(scaled) if isinstance(outputs, tuple) else scaled
        raise ValueError(f"outputs must be a Tensor or an iterable of Tensors, not a {type(outputs).__name__}{at_line()}")

    def _state(self, optimizer: Any) -> dict[str, Any]:
        return self._states.setdefault(id(optimizer), {"stage": "ready", "overflow": False, "seen": False})

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of the optimiser's parameters by the scale, so that they can be clipped before ``step``."""
        if not self._enabled:
            return
        self._need_scale("unscale_")
        state = self._state(optimizer)
        if state["stage"] == "unscaled":
            raise GradientError(f"unscale_() has already been called on this optimizer since the last update(){at_line()}")
        if state["stage"] == "stepped":
            raise GradientError(f"unscale_() is being called after step(){at_line()}")
        with no_grad():
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        state["seen"] = True
                        parameter.grad.mul_(_single(1 / self._scale))
                        state["overflow"] = state["overflow"] or not bool(parameter.grad.isfinite().all())
        state["stage"] = "unscaled"

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step(...)`` with gradients divided by the scale, unless some of them are infinite or NaN."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise GradientError(f"Closure use is not currently supported if GradScaler is enabled{at_line()}")
        self._need_scale("step")
        state = self._state(optimizer)
        if state["stage"] == "stepped":
            raise GradientError(f"step() has already been called since the last update(){at_line()}")
        if state["stage"] == "ready":
            self.unscale_(optimizer)
        if not state["seen"]:
            raise AssertionError(f"No inf checks were recorded for this optimizer: it has no gradients{at_line()}")
        state["stage"] = "stepped"
        return None if state["overflow"] else optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Change the scale after the steps of an iteration, or set it to ``new_scale``."""
        if not self._enabled:
            return
        self._need_scale("update")
        if new_scale is not None:
            self._scale = _single(float(new_scale))
        else:
            seen = [state for state in self._states.values() if state["seen"]]
            if not seen:
                raise AssertionError(f"No inf checks were recorded prior to update{at_line()}")
            if any(state["overflow"] for state in seen):
                self._scale = _single(self._scale * self._backoff_factor)
                self._growth_tracker = 0
            else:
                self._growth_tracker += 1
                if self._growth_tracker == self._growth_interval:
                    grown = _single(self._scale * self._growth_factor)
                    self._scale = grown if grown < numpy.inf else self._scale
                    self._growth_tracker = 0
        self._states.clear()

    def _need_scale(self, what: str) -> None:
        if not self._used:
            raise AssertionError(f"Attempted {what} but scale(...) was not called on a loss before{at_line()}")

    def get_scale(self) -> float:
        """The scale; 1 where disabled."""
        return self._scale if self._enabled else 1.0

    def get_growth_factor(self) -> float:
        """How much the scale grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Say how much the scale grows."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """How much the scale shrinks."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Say how much the scale shrinks."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many steps without an overflow the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Say after how many steps without an overflow the scale grows."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """The scale and what it changes by; empty where disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale,
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave. Raises RuntimeError for the state of a disabled scaler."""
        if not self._enabled:
            return
        if not state_dict:
            raise GradientError(f"The source state dict is empty: it is that of a disabled GradScaler{at_line()}")
        self._scale = _single(state_dict["scale"])
        self._growth_factor, self._backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval, self._growth_tracker = state_dict["growth_interval"], state_dict["_growth_tracker"]


__getattr__ = lacking(__name__)
