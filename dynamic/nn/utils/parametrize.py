"""Parameters that are computed from others by modules: PyTorch's ``torch.nn.utils.parametrize``.

A module with such a parameter gets a class of its own, in which the parameter's name is a property.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from dynamic.apply import Carried
from dynamic.autograd.grad_mode import no_grad
from dynamic.names import lacking
from dynamic.nn.modules.container import ModuleDict, ModuleList
from dynamic.nn.modules.module import Module
from dynamic.nn.parameter import Parameter


_cache: dict[tuple[int, str], Any] = {}
_caching = 0


@contextmanager
def cached() -> Iterator[None]:
    """Compute each such parameter once inside, however often it is read."""
    global _caching
    _caching += 1
    try:
        yield
    finally:
        _caching -= 1
        if not _caching:
            _cache.clear()


class ParametrizationList(ModuleList):
    """The modules that compute one parameter, in order, and what they compute it from.

    That is the parameter ``original``, or ``original0`` and so on where the first module's ``right_inverse`` gives several.
    """

    def __init__(self, modules: Sequence[Module], original: Any, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.unsafe = unsafe
        values = original
        with no_grad():
            for module in reversed(list(modules)):
                if hasattr(module, "right_inverse"):
                    with suppress(NotImplementedError):  # then what there is is what is computed from
                        values = module.right_inverse(values)
        self.is_tensor = isinstance(values, Carried)
        self.ntensors = 1 if self.is_tensor else len(values)
        if self.is_tensor:
            self._keep("original", values, original)
        else:
            for number, value in enumerate(values):
                self._keep(f"original{number}", value, original)

    def _keep(self, name: str, value: Any, original: Any) -> None:
        if not isinstance(original, Parameter):
            self.register_buffer(name, value)
        elif value is original:
            self.register_parameter(name, original)
        else:
            self.register_parameter(name, Parameter(value.detach(), original.requires_grad))

    def _originals(self) -> list[Any]:
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Any) -> None:
        """Set what the parameter is computed from so that it becomes ``value``."""
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"{type(module).__name__} has no right_inverse, so nothing can be assigned")
                value = module.right_inverse(value)
            for kept, new in zip(self._originals(), [value] if self.is_tensor else value, strict=True):
                kept.copy_(new)

    def forward(self) -> Any:
        """The parameter."""
        first, *others = self
        value = first(*self._originals())
        for module in others:
            value = module(value)
        return value


def _property(name: str) -> property:
    def get(self: Any) -> Any:
        key = (id(self), name)
        if _caching and key in _cache:
            return _cache[key]
        value = self.parametrizations[name]()
        if _caching:
            _cache[key] = value
        return value

    def put(self: Any, value: Any) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(get, put)


def _own_class(module: Module) -> None:
    """Give a module a class of its own."""
    kind = type(module)
    module.__class__ = type(f"Parametrized{kind.__name__}", (kind,), {"_parametrized": kind})
    module.parametrizations = ModuleDict()


def register_parametrization(module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> Module:
    """Have ``module``'s parameter or buffer ``tensor_name`` be what ``parametrization`` makes of what it holds now.

    Where ``parametrization`` has a ``right_inverse``, what is held is what that makes of the value, so that the value stays.
    Another one that is registered is applied to what the first makes. Unless ``unsafe``, shape and dtype have to stay.

    Raises ValueError where there is no such tensor, or where its shape or dtype changes.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            with no_grad():
                value = getattr(module, tensor_name)
                _need_same(tensor_name, value, parametrization(value))
        module.parametrizations[tensor_name].append(parametrization)
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ValueError(f"{type(module).__name__} has no parameter or buffer {tensor_name!r}")
    original = getattr(module, tensor_name)
    several = ParametrizationList([parametrization], original, unsafe)
    if not unsafe:
        with no_grad():
            _need_same(tensor_name, original, several())
    (module._parameters if tensor_name in module._parameters else module._buffers).pop(tensor_name)
    if not is_parametrized(module):
        _own_class(module)
    setattr(type(module), tensor_name, _property(tensor_name))
    module.parametrizations[tensor_name] = several
    return module


def _need_same(name: str, before: Any, after: Any) -> None:
    if not isinstance(after, Carried):
        raise ValueError(f"what computes {name!r} gives a {type(after).__name__}, not a tensor")
    old, new = (each._array for each in (before, after))
    if old.dtype != new.dtype or old.shape != new.shape:
        changes = f"{old.shape} of {old.dtype} into {new.shape} of {new.dtype}"
        raise ValueError(f"what computes {name!r} makes {changes}; with unsafe=True it may")


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has parameters, or this one, that are computed."""
    computed = module._modules.get("parametrizations")
    if computed is None or not hasattr(type(module), "_parametrized"):
        return False
    return len(computed) > 0 if tensor_name is None else tensor_name in computed


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Let the parameter be one again: with the value that was computed, or (``leave_parametrized=False``) the original.

    Raises ValueError where it is not computed, or where there are several originals to leave.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"{type(module).__name__} has no parametrization on {tensor_name!r}")
    several = module.parametrizations[tensor_name]
    if not leave_parametrized and not several.is_tensor:
        raise ValueError(f"{tensor_name!r} is computed from several tensors, of which none can be left")
    kept = several._originals()[0]
    if leave_parametrized:
        with no_grad():
            value = several().detach()
        kept = Parameter(value, kept.requires_grad) if isinstance(kept, Parameter) else value
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if isinstance(kept, Parameter):
        module.register_parameter(tensor_name, kept)
    else:
        module.register_buffer(tensor_name, kept)
    if not module.parametrizations:
        module.__class__ = type(module)._parametrized  # type: ignore[attr-defined]
        del module.parametrizations
    return module


__getattr__ = lacking(__name__)
