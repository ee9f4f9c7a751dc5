"""``DataParallel``, for programs that wrap their model in it: there is one device here, and the model runs on it."""

from __future__ import annotations

from typing import Any

from dynamic.names import lacking
from dynamic.nn.modules.module import Module


class DataParallel(Module):
    """Calls ``module``, as PyTorch does where there is one device; names in its state begin with ``module.``.

    Args:
        module: what is called.
        device_ids, output_device, dim: where PyTorch would split a batch; not used.
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.device_ids, self.output_device, self.dim = device_ids, output_device, dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module, inputs: Any, device_ids: Any = None, output_device: Any = None, dim: int = 0, module_kwargs: Any = None
) -> Any:
    """What the module gives for ``inputs``, a tuple of arguments or the only one."""
    arguments = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*arguments, **(module_kwargs or {}))


__getattr__ = lacking(__name__)
