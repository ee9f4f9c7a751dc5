"""Names of the package itself: what it asks of tensors, and what can be set for all of them."""

from __future__ import annotations

import ctypes
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy

from dynamic.apply import Carried, apply
from dynamic.devices import device, get_default_device, set_default_device
from dynamic.dtypes import TensorType
from dynamic.formats import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from dynamic.limits import FUNCTIONS as LIMITS, finfo, iinfo
from dynamic.printing import set_printoptions
from dynamic.random import FUNCTIONS as RANDOM, default_generator
from dynamic.size import Size
from dynamic.storage import STORAGES, TypedStorage, UntypedStorage, is_storage
from dynamic.strided import FUNCTIONS as STRIDED
from graphs.core.errors import ShapeError, at_line
from graphs.core.op import OPS


def is_tensor(obj: Any) -> bool:
    """Whether ``obj`` is a tensor."""
    return isinstance(obj, Carried)


def numel(input: Any) -> int:
    """The number of elements."""
    count: int = input.numel()
    return count


def typename(obj: Any) -> str:
    """The name of what ``obj`` is: ``torch.FloatTensor`` for a tensor, module and class for anything else."""
    if isinstance(obj, Carried):
        name: str = obj.type()  # type: ignore[attr-defined]
        return name
    if isinstance(obj, TensorType):
        return f"torch.{obj.__name__}"
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    home = getattr(kind, "__module__", "") or ""
    return kind.__qualname__ if home in ("", "builtins") else f"{home}.{kind.__qualname__}"


def _method(name: str, doc: str) -> Callable[..., Any]:
    def function(input: Any, *args: Any, **settings: Any) -> Any:
        if not isinstance(input, Carried):
            raise TypeError(f"{name} takes a tensor, not a {type(input).__name__}")
        return getattr(input, name)(*args, **settings)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


_METHODS = {
    "is_floating_point": "Whether the dtype is a floating-point one.",
    "is_complex": "Whether the dtype is a complex one.",
    "is_signed": "Whether the dtype has negative numbers.",
    "is_nonzero": "Whether the only element is not zero.",
    "is_same_size": "Whether two tensors have the same shape.",
    "is_inference": "Whether the tensor was made in inference mode: never, here.",
    "get_device": "The number of the GPU that the memory is of; -1 for the processor's.",
    "detach": "A tensor over the same memory, without history.",
    "detach_": "Forget the history, in place.",
    "clone": "A copy, through which gradients flow.",
    "resize_as_": "Have the shape of another tensor, in place.",
    "as_strided_": "Show other elements of the same memory, in place.",
}


def real(input: Any) -> Any:
    """The real part, as a view; a real tensor itself."""
    return input.real


def imag(input: Any) -> Any:
    """The imaginary part, as a view. Raises RuntimeError for a real tensor."""
    return input.imag


def view_as_real(input: Any) -> Any:
    """The parts of complex numbers along a new last dimension, as a view. Raises RuntimeError for real numbers."""
    return apply(OPS["view_as_real"], (input,))


def view_as_complex(input: Any) -> Any:
    """The complex numbers whose parts lie along the last dimension, as a view.

    Raises RuntimeError where these are not two floating-point numbers, side by side in memory.
    """
    array = input._array
    if array.dtype.kind == "f" and array.shape[-1:] == (2,):
        steps = [step // array.itemsize for step in array.strides]
        if array.size and (steps[-1] != 1 or any(step % 2 for step in steps[:-1])):
            raise ShapeError(f"the parts of complex numbers lie side by side in memory, not {steps} apart{at_line()}")
    return apply(OPS["view_as_complex"], (input,))


def is_conj(input: Any) -> bool:
    """Whether a conjugate was put off until it is read: no, conjugates are computed at once."""
    return False


def adjoint(input: Any) -> Any:
    """The conjugate with the last two dimensions exchanged."""
    return input.mH


def to_dlpack(tensor: Any) -> Any:
    """A capsule by which another library takes over the tensor's memory."""
    return tensor.__dlpack__()


# Threads and precision


def _blas() -> Any:
    """numpy's own OpenBLAS, None where numpy was built with another library."""
    folders = (Path(numpy.__file__).parent.parent / "numpy.libs", Path(numpy.__file__).parent / ".dylibs")
    for path in (each for folder in folders for each in sorted(folder.glob("libscipy_openblas*"))):
        try:
            return ctypes.CDLL(str(path))
        except OSError:
            continue
    return None


_SYMBOL = "scipy_openblas_{}_num_threads64_"
_threads: int | None = None


def get_num_threads() -> int:
    """How many threads a matrix product may use."""
    if _threads is not None:
        return _threads
    found = getattr(_blas(), _SYMBOL.format("get"), None)
    return int(found()) if found is not None else os.cpu_count() or 1


def set_num_threads(num: int) -> None:
    """Say how many threads a matrix product may use. Raises RuntimeError where that is no positive integer.

    Where numpy came with another library than OpenBLAS, that library's own settings hold.
    """
    global _threads
    if not isinstance(num, int) or num < 1:
        raise ShapeError(f"a number of threads is a positive integer, not {num!r}{at_line()}")
    found = getattr(_blas(), _SYMBOL.format("set"), None)
    if found is not None:
        found(num)
    _threads = num


def get_num_interop_threads() -> int:
    """How many operations run at once: one."""
    return 1


def set_num_interop_threads(num: int) -> None:
    """Accepted, and without effect: operations run one after the other."""


def set_flush_denormal(mode: bool) -> bool:
    """Whether denormal numbers can be flushed to zero: no, so False."""
    return False


_deterministic = 0


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: the same program gives the same bits here in any case."""
    global _deterministic
    _deterministic = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    """What ``use_deterministic_algorithms`` was told last."""
    return _deterministic > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether ``use_deterministic_algorithms`` was told to warn only."""
    return _deterministic == 1


_MODES = ("default", "warn", "error")


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """``use_deterministic_algorithms`` by a word, default, warn or error, or its number. Raises RuntimeError for another."""
    global _deterministic
    if debug_mode in _MODES:
        _deterministic = _MODES.index(str(debug_mode))
    elif debug_mode in (0, 1, 2):
        _deterministic = int(debug_mode)
    else:
        raise ShapeError(f"debug_mode is one of {', '.join(_MODES)} or its number, not {debug_mode!r}{at_line()}")


def get_deterministic_debug_mode() -> int:
    """The number of the word that ``set_deterministic_debug_mode`` was told."""
    return _deterministic


_always = False


def set_warn_always(b: bool, /) -> None:
    """Accepted: Python's own filters say how often a warning is shown."""
    global _always
    _always = bool(b)


def is_warn_always_enabled() -> bool:
    """What ``set_warn_always`` was told last."""
    return _always


_precision = "highest"


def get_float32_matmul_precision() -> str:
    """What ``set_float32_matmul_precision`` was told last."""
    return _precision


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted: float32 products are always computed in float32. Warns of a word other than PyTorch's."""
    global _precision
    if precision in ("highest", "high", "medium"):
        _precision = precision
    else:
        warnings.warn(f"a precision is highest, high or medium, not {precision!r}", UserWarning, stacklevel=2)


_told = False


def compile(model: Any = None, **options: Any) -> Any:
    """``model``, a function or a module, itself: a dynamic program runs as it is written, and ``static`` is what compiles.

    Says so once, as a UserWarning. Works as a decorator too, with and without options.
    """
    global _told
    if not _told:
        _told = True
        warnings.warn("compile() changes nothing here: the function runs as it is written", UserWarning, stacklevel=2)
    return (lambda function: function) if model is None else model


FUNCTIONS = {
    **{name: _method(name, doc) for name, doc in _METHODS.items()},
    **{
        function.__name__: function
        for function in (
            *(is_tensor, numel, typename, is_storage, real, imag, adjoint, to_dlpack, set_printoptions),
            *(view_as_real, view_as_complex, is_conj),
            *(set_default_device, get_default_device, get_num_threads, set_num_threads, get_num_interop_threads),
            *(set_num_interop_threads, set_flush_denormal, use_deterministic_algorithms, compile),
            *(are_deterministic_algorithms_enabled, get_float32_matmul_precision, set_float32_matmul_precision),
            *(is_deterministic_algorithms_warn_only_enabled, set_deterministic_debug_mode, get_deterministic_debug_mode),
            *(set_warn_always, is_warn_always_enabled),
        )
    },
    **LIMITS,
    **RANDOM,
    **STRIDED,
}
"""Functions of the package."""

NAMES = {
    **STORAGES,
    **{word.__name__: word for word in (device, layout, memory_format, finfo, iinfo, Size, TypedStorage, UntypedStorage)},
    **{repr(word)[6:]: word for word in (strided, contiguous_format, channels_last, channels_last_3d, preserve_format)},
    "default_generator": default_generator,
    "newaxis": None,
}
"""Classes and constants of the package."""
