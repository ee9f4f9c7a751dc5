"""What all optimisers share: parameter groups, state, hooks, and both as a dictionary."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from copy import deepcopy
from typing import Any

from dynamic.apply import wrap
from dynamic.devices import placed
from dynamic.names import lacking
from dynamic.tensor import Tensor
from dynamic.utils.hooks import RemovableHandle
from graphs.core.errors import at_line


class _Required:
    """What a setting without a default has in ``defaults``."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()

_global_pre_hooks: OrderedDict[int, Any] = OrderedDict()
_global_post_hooks: OrderedDict[int, Any] = OrderedDict()


class Optimizer:
    """The base of optimisers, for subclasses that define ``step()``.

    Args:
        params: leaf tensors, or pairs of a name and such a tensor, or groups: dictionaries with ``params`` and settings of
            their own.
        defaults: the settings of groups that do not name them.

    Attributes:
        param_groups: the groups, each a dictionary of ``params`` and settings, which may be changed between steps.
        state: per parameter a dictionary of what the optimiser keeps beside it; a new one is empty.
    """

    _followed = False
    _opt_called = False
    _repeats = False
    _hooks: Mapping[str, OrderedDict[int, Any]] | None = None

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(f"params are an iterable of tensors or dictionaries, not one {params.type()}{at_line()}")
        given = list(params)
        if not given:
            raise ValueError(f"optimizer got an empty parameter list{at_line()}")
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(dict(group) if isinstance(group, dict) else group)

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if "step" in vars(cls):
            cls.step = _hooked(cls.step)  # type: ignore[method-assign]

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take one more group of parameters.

        Raises TypeError for what is no dictionary of tensors, and ValueError for a tensor that is no leaf, a parameter that
        is in a group already, a setting that is missing, and names for some parameters only.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}{at_line()}")
        _list_params(param_group)
        for name, value in self.defaults.items():
            if value is required and name not in param_group:
                raise ValueError(
                    f"parameter group didn't specify a value of required optimization parameter {name}{at_line()}"
                )
            param_group.setdefault(name, value)
        mine = {id(p) for p in param_group["params"]}
        if len(mine) < len(param_group["params"]):
            self._repeats = True
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=3)
        if mine & {id(p) for group in self.param_groups for p in group["params"]}:
            raise ValueError(f"some parameters appear in more than one parameter group{at_line()}")
        if self.param_groups and ("param_names" in param_group) != ("param_names" in self.param_groups[0]):
            raise ValueError(f"all groups are with parameters' names or all are without{at_line()}")
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or fill them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                grad = p.grad
                if grad is None:
                    continue
                if set_to_none:
                    p.grad = None
                elif grad.requires_grad:
                    p.grad = grad.detach()
                    p.grad.zero_()
                else:
                    grad.zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters (to be overridden); what a ``closure``, which computes the loss anew, gives is returned."""
        raise NotImplementedError(f"{type(self).__name__} has no step")

    def state_dict(self) -> dict[str, Any]:
        """State and settings, with parameters numbered in the order of their groups; its tensors are those in use."""
        for hook in self._hooked("state_dict_pre"):
            hook(self)
        numbers: dict[int, int] = {}
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
        found = {
            "state": {numbers[id(k)] if isinstance(k, Tensor) else k: state for k, state in self.state.items()},
            "param_groups": [
                {**{k: v for k, v in group.items() if k != "params"}, "params": [numbers[id(p)] for p in group["params"]]}
                for group in self.param_groups
            ],
        }
        for hook in self._hooked("state_dict_post"):
            changed = hook(self, found)
            found = found if changed is None else changed
        return found

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a copy of what ``state_dict`` gave, cast to the parameters' dtypes.

        Raises ValueError where its groups are not of these sizes.
        """
        state_dict = dict(state_dict)
        for hook in self._hooked("load_state_dict_pre"):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        groups = deepcopy(state_dict["param_groups"])
        if len(groups) != len(self.param_groups):
            raise ValueError(f"loaded state dict has a different number of parameter groups{at_line()}")
        if [len(g["params"]) for g in groups] != [len(g["params"]) for g in self.param_groups]:
            raise ValueError(
                f"loaded state dict contains a parameter group that doesn't match the size of optimizer's group{at_line()}"
            )
        ours = [p for group in self.param_groups for p in group["params"]]
        numbered = dict(zip([i for group in groups for i in group["params"]], ours, strict=True))
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            p = numbered.get(key)
            if p is None:
                state[key] = value
            else:
                state[p] = {name: _fitted(name, each, p) for name, each in value.items()}
        for group, saved in zip(self.param_groups, groups, strict=True):
            saved["params"] = group["params"]
            if "param_names" in group:
                saved.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in self._hooked("load_state_dict_post"):
            hook(self)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        for group in self.param_groups:  # those of an older version lack what has come since
            for name, value in self.defaults.items():
                group.setdefault(name, value)
        self._repeats = any(len({id(p) for p in group["params"]}) < len(group["params"]) for group in self.param_groups)

    def __repr__(self) -> str:
        parts = []
        for i, group in enumerate(self.param_groups):
            settings = (f"    {name}: {value}\n" for name, value in sorted(group.items()) if name != "params")
            parts.append(f"\nParameter Group {i}\n{''.join(settings)}")
        return f"{type(self).__name__} ({''.join(parts)})"

    # Hooks

    def _hooked(self, kind: str) -> tuple[Any, ...]:
        return () if self._hooks is None else tuple(self._hooks[kind].values())

    def _register(self, kind: str, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        if self._hooks is None:
            self._hooks = defaultdict(OrderedDict)
        hooks = self._hooks[kind]
        handle = RemovableHandle(hooks)
        hooks[handle.id] = hook
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        return handle

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Have ``hook(optimizer, args, kwargs)`` called before each step; it may return other arguments for it."""
        return self._register("step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Have ``hook(optimizer, args, kwargs)`` called after each step."""
        return self._register("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Have ``hook(optimizer)`` called before ``state_dict`` is made."""
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Have ``hook(optimizer, state_dict)`` called with what ``state_dict`` gives; it may return another."""
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Have ``hook(optimizer, state_dict)`` called before one is loaded; it may return another."""
        return self._register("load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Have ``hook(optimizer)`` called after a state dict has been loaded."""
        return self._register("load_state_dict_post", hook, prepend)


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Have ``hook(optimizer, args, kwargs)`` called before each step of any optimiser."""
    handle = RemovableHandle(_global_pre_hooks)
    _global_pre_hooks[handle.id] = hook
    return handle


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Have ``hook(optimizer, args, kwargs)`` called after each step of any optimiser."""
    handle = RemovableHandle(_global_post_hooks)
    _global_post_hooks[handle.id] = hook
    return handle


def _hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """A subclass's ``step`` with the hooks around it, and noticed by a learning-rate schedule."""

    @functools.wraps(step)
    def wrapper(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if self._followed:
            self._opt_called = True
        if self._hooks is None and not _global_pre_hooks and not _global_post_hooks:
            return step(self, *args, **kwargs)
        given: tuple[Any, ...] = (self, *args)
        for hook in (*_global_pre_hooks.values(), *self._hooked("step_pre")):
            changed = hook(self, given, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(f"a hook before a step gives None or (args, kwargs), not {changed}{at_line()}")
                given, kwargs = changed
        out = step(*given, **kwargs)
        for hook in (*self._hooked("step_post"), *_global_post_hooks.values()):
            hook(self, given, kwargs)
        return out

    return wrapper


def _list_params(group: dict[str, Any]) -> None:
    """Make a list of a group's ``params``, and one of their names where there are any; check what they are."""
    params = group["params"]
    if isinstance(params, set):
        raise TypeError(f"the order of a set changes from run to run: give parameters as a list{at_line()}")
    given = [params] if isinstance(params, Tensor) else list(params)
    named: list[Hashable] = []
    tensors = []
    for p in given:
        if isinstance(p, tuple):
            named.append(p[0])
            p = p[1]
        if not isinstance(p, Tensor):
            raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}{at_line()}")
        if not p.is_leaf:
            raise ValueError(
                f"can't optimize a non-leaf Tensor: {p.grad_fn} made this one, of shape {tuple(p.shape)}{at_line()}"
            )
        tensors.append(p)
    if named and len(named) != len(tensors):
        raise ValueError(f"all parameters have names or none: some names are missing{at_line()}")
    group["params"] = tensors
    if named:
        group["param_names"] = named


def _fitted(name: str, value: Any, p: Tensor) -> Any:
    """A copy of what was saved beside a parameter, cast to its dtype if it is an array of floating-point numbers."""
    if isinstance(value, Tensor):
        array = value._array
        if name != "step" and p._array.dtype.kind == "f" and array.dtype.kind == "f" and array.dtype != p._array.dtype:
            array = array.astype(p._array.dtype)
        else:
            array = array.copy()
        if name != "step" and array.__class__ is not p._array.__class__:
            array = placed(array, p)
        return wrap(array)
    if isinstance(value, dict):
        return {key: _fitted(key, each, p) for key, each in value.items()}
    return type(value)(_fitted(name, each, p) for each in value) if isinstance(value, (list, tuple)) else value


__getattr__ = lacking(__name__)
