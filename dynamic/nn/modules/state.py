"""A module's state as a dictionary of tensors, and back."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from dynamic.autograd.grad_mode import no_grad
from dynamic.names import lacking
from dynamic.nn.parameter import Parameter
from dynamic.tensor import Tensor
from dynamic.utils.hooks import RemovableHandle


_EXTRA = "_extra_state"


class _Keys(NamedTuple):
    missing_keys: list[str]
    unexpected_keys: list[str]


class Keys(_Keys):
    """What ``load_state_dict`` gives: which names the state lacked, and which of its names the module has not."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"

    __str__ = __repr__


class Stateful:
    """The part of a module that gives its state and takes one over."""

    _version = 1
    """A subclass's own number of its state's form; it is in the state's metadata."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _state_dict_hooks: OrderedDict[int, Callable[..., Any]]
    _state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]

    def get_extra_state(self) -> Any:
        """What the state holds beside parameters and buffers (to be overridden, together with ``set_extra_state``)."""
        raise RuntimeError(f"{type(self).__name__} has no extra state: define get_extra_state and set_extra_state")

    def set_extra_state(self, state: Any) -> None:
        """Take over what ``get_extra_state`` gave (to be overridden)."""
        raise RuntimeError(f"{type(self).__name__} takes no extra state: define set_extra_state")

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """An OrderedDict from names to the parameters and persistent buffers of the module and those inside it.

        Args:
            args: the three below by position, as in older programs.
            destination: a dictionary to add to.
            prefix: what all names begin with.
            keep_vars: give the tensors themselves, with their history, and not detached ones over the same memory.
        """
        given: Any = (*args, *(destination, prefix, keep_vars)[len(args) :])
        destination, prefix, keep_vars = given
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            changed = hook(self, destination, prefix, metadata)
            if getattr(hook, "_after_state_dict", False):
                if changed is not None:
                    raise RuntimeError("state_dict post-hook must return None")
            elif changed is not None:
                destination = changed
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Add what the module itself holds to ``destination``."""
        for name, tensor in itertools.chain(self._parameters.items(), self._buffers.items()):
            if tensor is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if type(self).get_extra_state is not Stateful.get_extra_state:
            destination[prefix + _EXTRA] = self.get_extra_state()

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Keys:
        """Copy a state into the module's parameters and buffers.

        Args:
            state_dict: from names to tensors, as ``state_dict`` gives it.
            strict: whether names that are missing or that the module has not are an error.
            assign: take the tensors over themselves rather than copying their values.

        Returns the missing and the unexpected names. Raises RuntimeError for these and for tensors of another size,
        TypeError for what is no mapping.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", None)
        state: Any = OrderedDict(state_dict)
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []

        def load(module: Any, state: Any, prefix: str) -> None:
            local = dict((metadata or {}).get(prefix[:-1], {}))
            if assign:
                local["assign_to_params_buffers"] = True
            module._load_from_state_dict(state, prefix, local, True, missing, unexpected, errors)
            for name, child in module._modules.items():
                if child is not None:
                    inside = f"{prefix}{name}."
                    load(child, {key: value for key, value in state.items() if key.startswith(inside)}, inside)
            keys = Keys(missing, unexpected)
            for hook in module._load_state_dict_post_hooks.values():
                if hook(module, keys) is not None:
                    raise RuntimeError("a load_state_dict post-hook changes the keys it is given and returns nothing")

        load(self, state, "")
        if strict:
            for what, names in (("Unexpected", unexpected), ("Missing", missing)):
                if names:
                    listed = ", ".join(f'"{name}"' for name in names)
                    errors.insert(0, f"{what} key(s) in state_dict: {listed}. ")
        if errors:
            raise RuntimeError(
                "Error(s) in loading state_dict for {}:\n\t{}".format(type(self).__name__, "\n\t".join(errors))
            )
        return Keys(missing, unexpected)

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take over what the module itself holds, and add to the three lists what there is to say of it."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        assign = local_metadata.get("assign_to_params_buffers", False)
        buffers = {name: b for name, b in self._buffers.items() if name not in self._non_persistent_buffers_set}
        own = {name: t for name, t in (*self._parameters.items(), *buffers.items()) if t is not None}
        for name, tensor in own.items():
            key = prefix + name
            if key in state_dict:
                message = self._take(name, tensor, state_dict[key], key, assign)
                if message:
                    error_msgs.append(message)
            elif strict:
                missing_keys.append(key)
        extra = prefix + _EXTRA
        if type(self).set_extra_state is not Stateful.set_extra_state:
            if extra in state_dict:
                self.set_extra_state(state_dict[extra])
            elif strict:
                missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra:
                    name, *rest = key[len(prefix) :].split(".", 1)
                    if (rest and name not in self._modules) or (not rest and name not in own):
                        unexpected_keys.append(key)

    def _take(self, name: str, tensor: Any, value: Any, key: str, assign: bool) -> str | None:
        """Give the parameter or buffer ``name`` the value that the state has; what went wrong, if anything."""
        if not isinstance(value, Tensor):
            return (
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(value)}"
            )
        if not assign and tensor.dim() == 0 and tuple(value.shape) == (1,):
            value = value[0]  # scalars of PyTorch before 0.4
        if value.shape != tensor.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
                f"the shape in current model is {tensor.shape}."
            )
        try:
            with no_grad():
                if not assign:
                    tensor.copy_(value)
                elif isinstance(tensor, Parameter):
                    taken = value if isinstance(value, Parameter) else Parameter(value, requires_grad=tensor.requires_grad)
                    setattr(self, name, taken.requires_grad_(tensor.requires_grad))
                else:
                    setattr(self, name, value)
        except Exception as error:
            return (
                f'While copying the parameter named "{key}", whose dimensions in the model are {tensor.size()} and whose '
                f"dimensions in the checkpoint are {value.size()}, an exception occurred : {error.args}."
            )
        return None

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Have ``hook(module, prefix, keep_vars)`` called before the state is made."""
        return _added(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Have ``hook(module, state_dict, prefix, local_metadata)`` called on the state made; it changes it in place."""
        hook._after_state_dict = True  # type: ignore[attr-defined]
        return _added(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """As ``register_state_dict_post_hook``, but what the hook returns, if anything, is the state."""
        if getattr(hook, "_after_state_dict", False):
            raise RuntimeError("the hook was registered with register_state_dict_post_hook before")
        return _added(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Have ``hook(module, state_dict, prefix, local_metadata, strict, missing, unexpected, errors)`` called first."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(self, hook: Callable[..., Any], with_module: bool = False) -> RemovableHandle:
        """The older form, in which the hook is not given the module."""
        return _added(self._load_state_dict_pre_hooks, _WithModule(hook, self) if with_module else hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Have ``hook(module, keys)`` called after loading; it may change the lists of missing and unexpected names."""
        return _added(self._load_state_dict_post_hooks, hook)


class _WithModule:
    """A hook together with its module, so that both are copied and pickled together."""

    def __init__(self, hook: Callable[..., Any], module: Any) -> None:
        self.hook, self.module = hook, module

    def __call__(self, *args: Any) -> Any:
        return self.hook(self.module, *args)


def _added(hooks: OrderedDict[int, Callable[..., Any]], hook: Callable[..., Any]) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


__getattr__ = lacking(__name__)
