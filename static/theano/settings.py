"""``theano.config``: the settings that programs read and set. ``THEANO_FLAGS`` in the environment is heard as by Theano."""

from __future__ import annotations

import os
from typing import Any


_DEFAULTS: dict[str, Any] = {
    "floatX": "float64",
    "on_unused_input": "raise",
    "device": "cpu",
    "mode": "Mode",
    "optimizer": "fast_run",
    "linker": "cvm",
    "profile": False,
    "allow_gc": True,
    "openmp": False,
    "compute_test_value": "off",
    "exception_verbosity": "low",
    "warn_float64": "ignore",
    "cast_policy": "custom",
    "int_division": "int",
    "blas.ldflags": "",
}
"""The settings there are. ``floatX`` and ``on_unused_input`` have an effect; the others are taken so that programs run."""

_CHOICES = {"floatX": ("float32", "float64"), "on_unused_input": ("raise", "warn", "ignore")}


class Config:
    """Settings as attributes. Raises AttributeError for a name that there is not, ValueError for a value it cannot have."""

    def __init__(self, flags: str = "") -> None:
        self.__dict__.update(_DEFAULTS)
        for flag in filter(None, (part.strip() for part in flags.split(","))):
            name, _, value = flag.partition("=")
            if name in _DEFAULTS:
                setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"theano.config has no setting {name!r}; there are {', '.join(_DEFAULTS)}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _DEFAULTS:
            raise AttributeError(f"theano.config has no setting {name!r}; there are {', '.join(_DEFAULTS)}")
        if value not in _CHOICES.get(name, (value,)):
            raise ValueError(f"theano.config.{name} is one of {', '.join(_CHOICES[name])}, not {value!r}")
        self.__dict__[name] = value


config = Config(os.environ.get("THEANO_FLAGS", ""))
"""The settings in force."""
