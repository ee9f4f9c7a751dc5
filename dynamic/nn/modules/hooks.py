"""Calling a module, and the hooks that are called with it: before and after its forward pass, and on its gradients."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from dynamic.apply import Carried, counter_of, wrap
from dynamic.names import lacking
from dynamic.tape import Output, Record, recording
from dynamic.utils.hooks import RemovableHandle
from graphs.core.op import Ghost, Op


Hooks = OrderedDict[int, Callable[..., Any]]

_pre: Hooks = OrderedDict()
_post: Hooks = OrderedDict()
_post_always: dict[int, bool] = OrderedDict()
_post_kwargs: dict[int, bool] = OrderedDict()
_backward_pre: Hooks = OrderedDict()
_backward: Hooks = OrderedDict()
"""The hooks of every module, as ``register_module_forward_hook`` and its like add them."""


def _added(hooks: Hooks, hook: Callable[..., Any], prepend: bool, **marks: tuple[dict[int, bool], bool]) -> RemovableHandle:
    handle = RemovableHandle(hooks, extra_dict=[table for table, _ in marks.values()])
    hooks[handle.id] = hook
    for table, wanted in marks.values():
        if wanted:
            table[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


class Called:
    """The part of a module that is called, with its hooks."""

    _forward_pre_hooks: Hooks
    _forward_pre_hooks_with_kwargs: dict[int, bool]
    _forward_hooks: Hooks
    _forward_hooks_with_kwargs: dict[int, bool]
    _forward_hooks_always_called: dict[int, bool]
    _backward_pre_hooks: Hooks
    _backward_hooks: Hooks
    _is_full_backward_hook: bool | None

    def forward(self, *input: Any) -> Any:
        """What calling the module computes (to be overridden)."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """``forward``, with the hooks around it."""
        if (
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or _pre
            or _post
            or _backward
            or _backward_pre
        ):
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        done: set[int] = set()
        try:
            return self._call_in_order(args, kwargs, done)
        except Exception:
            self._call_the_rest(args, kwargs, done)
            raise

    def _call_in_order(self, args: tuple[Any, ...], kwargs: dict[str, Any], done: set[int]) -> Any:
        for number, hook in (*_pre.items(), *self._forward_pre_hooks.items()):
            if number in self._forward_pre_hooks_with_kwargs:
                changed = hook(self, args, kwargs)
                if changed is not None:
                    if not (isinstance(changed, tuple) and len(changed) == 2):
                        raise RuntimeError(
                            f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), not {changed}"
                        )
                    args, kwargs = changed
            else:
                changed = hook(self, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
        back = None
        if self._backward_hooks or self._backward_pre_hooks or _backward or _backward_pre:
            back = _Backward(self)
            args = back.enter(args)
        result = self.forward(*args, **kwargs)
        for number, hook in (*_post.items(), *self._forward_hooks.items()):
            done.add(number)
            if number in self._forward_hooks_with_kwargs or number in _post_kwargs:
                changed = hook(self, args, kwargs, result)
            else:
                changed = hook(self, args, result)
            if changed is not None:
                result = changed
        return result if back is None else back.leave(result)

    def _call_the_rest(self, args: tuple[Any, ...], kwargs: dict[str, Any], done: set[int]) -> None:
        """After an error, the forward hooks that are always called and have not been; their own errors are warnings."""
        for number, hook in (*_post.items(), *self._forward_hooks.items()):
            if number not in done and (number in self._forward_hooks_always_called or number in _post_always):
                try:
                    if number in self._forward_hooks_with_kwargs or number in _post_kwargs:
                        hook(self, args, kwargs, None)
                    else:
                        hook(self, args, None)
                except Exception as error:
                    warnings.warn(
                        f"a forward hook that is always called failed while another error was raised: {error!r}",
                        stacklevel=4,
                    )

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Have ``hook(module, args)`` called before ``forward``; what it returns, if anything, is passed in their place.

        With ``with_kwargs`` it is ``hook(module, args, kwargs)``, which returns both or None.
        """
        return _added(self._forward_pre_hooks, hook, prepend, kwargs=(self._forward_pre_hooks_with_kwargs, with_kwargs))

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Have ``hook(module, args, output)`` called after ``forward``; what it returns, if anything, is the result.

        With ``with_kwargs`` it is ``hook(module, args, kwargs, output)``; ``always_call``: after an error too.
        """
        return _added(
            self._forward_hooks,
            hook,
            prepend,
            kwargs=(self._forward_hooks_with_kwargs, with_kwargs),
            always=(self._forward_hooks_always_called, always_call),
        )

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Have ``hook(module, grad_input, grad_output)`` called when the gradients of the inputs have been computed.

        Both are tuples, with None where nothing flows. What the hook returns, if anything, flows on as ``grad_input``.
        """
        self._one_kind(full=True)
        return _added(self._backward_hooks, hook, prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Have ``hook(module, grad_output)`` called before the gradients of the inputs are computed.

        What it returns, if anything, flows on in place of ``grad_output``.
        """
        return _added(self._backward_pre_hooks, hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """PyTorch's hook until 1.8, which saw the last operation's gradients only: here it is a full backward hook."""
        self._one_kind(full=False)
        return _added(self._backward_hooks, hook, False)

    def _one_kind(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. "
                "Please use only one of them."
            )
        self._is_full_backward_hook = full


class _Backward:
    """The backward hooks of one call of a module: its inputs and its outputs each pass through one record of the tape."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.before = [*_backward_pre.values(), *module._backward_pre_hooks.values()]
        self.after = [*_backward.values(), *module._backward_hooks.values()]
        self.grad_outputs: tuple[Any, ...] | None = None
        self.inputs = 0
        self.entered = False

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.inputs = len(args)
        passed, self.entered = _crossed(args, self._at_inputs)
        return passed

    def leave(self, result: Any) -> Any:
        outs = (result,) if isinstance(result, Carried) else result
        if not isinstance(outs, tuple):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                f"but received {type(result)}",
                stacklevel=5,
            )
            return result
        passed, _ = _crossed(outs, self._at_outputs)
        return passed[0] if isinstance(result, Carried) else passed

    def _at_outputs(self, gs: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.before:
            changed = hook(self.module, gs)
            if changed is not None:
                gs = _as_many(changed, gs, "Backward pre hook", "grad_output")
        self.grad_outputs = gs
        if not self.entered:
            nothing = (None,) * self.inputs
            for hook in self.after:
                changed = hook(self.module, nothing, gs)
                if changed is not None and not (isinstance(changed, tuple) and all(each is None for each in changed)):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always return None or None for "
                        "all gradients."
                    )
            self.grad_outputs = None
        return gs

    def _at_inputs(self, gs: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.grad_outputs is None:  # the gradient came by another way than the outputs
            return gs
        for hook in self.after:
            changed = hook(self.module, gs, self.grad_outputs)
            if changed is not None:
                gs = _as_many(changed, gs, "Backward hook", "grad_input")
        self.grad_outputs = None
        return gs


def _as_many(changed: Any, gs: tuple[Any, ...], what: str, name: str) -> tuple[Any, ...]:
    if len(changed) != len(gs):
        raise RuntimeError(f"{what} returned an invalid number of {name}, got {len(changed)}, but expected {len(gs)}")
    return tuple(changed)


def _no_kernel(xp: Any, *arrays: Any, react: Any) -> Any:
    """The module's inputs or outputs, as they are."""
    return arrays


_crossing = Op(_no_kernel, name="BackwardHookFunction", shape=_no_kernel, dtype=_no_kernel, traits={"function"})


@_crossing.joint_vjp
def _crossing_vjp(needs: Any, gs: Sequence[Any], _outs: Any, _args: Any, *, react: Any) -> Sequence[Any]:
    taped = any(isinstance(g, Carried) for g in gs)
    found = react(tuple(g if g is None or isinstance(g, Carried) else wrap(g) for g in gs))
    return [g if g is None or taped else g._array for g in found]


def _crossed(values: tuple[Any, ...], react: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> tuple[tuple[Any, ...], bool]:
    """``values`` with the tensors among them behind one record, and whether there is one: whether any wants a gradient.

    ``react`` is called with the gradients of all of them, None where there is none, and gives those that flow on.
    """
    edges = tuple(value._edge if isinstance(value, Carried) else None for value in values)
    if not (recording.get() and any(edge is not None for edge in edges)):
        return values, False
    ghosts = tuple(
        Ghost((value._array.shape, value._array.dtype)) if isinstance(value, Carried) else Ghost(((), _NO_DTYPE))
        for value in values
    )
    record = Record(_crossing, edges, {"react": react}, ghosts, (), ghosts)
    passed = list(values)
    for index, (value, edge) in enumerate(zip(values, edges, strict=True)):
        if edge is not None:
            passed[index] = tensor = wrap(value._array)
            tensor._counter = counter_of(value)
            tensor._edge = record if index == 0 else Output(record, index)
    return tuple(passed), True


_NO_DTYPE = wrap(0.0)._array.dtype


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """``register_forward_pre_hook`` for every module."""
    return _added(_pre, hook, False)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """``register_forward_hook`` for every module."""
    return _added(_post, hook, False, kwargs=(_post_kwargs, with_kwargs), always=(_post_always, always_call))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """``register_full_backward_pre_hook`` for every module."""
    return _added(_backward_pre, hook, False)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """``register_full_backward_hook`` for every module."""
    return _added(_backward, hook, False)


register_module_backward_hook = register_module_full_backward_hook

__getattr__ = lacking(__name__)
