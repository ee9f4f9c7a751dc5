"""Modules without initial values."""

from __future__ import annotations

import inspect
from typing import Any

from dynamic.names import lacking
from dynamic.nn.modules.module import Module
from dynamic.random import default_generator


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """A module whose parameters hold anything: making it draws nothing from the default stream.

    Raises RuntimeError for what is no module, and for one that takes no ``device``.
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    stream = default_generator.stream
    before = stream.step, stream.ordinal
    try:
        return module_cls(*args, **kwargs)
    finally:
        stream.step, stream.ordinal = before


__getattr__ = lacking(__name__)
