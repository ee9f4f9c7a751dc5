"""Functions made of functions: gradients, Jacobians, modules called with other parameters. PyTorch's ``torch.func``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dynamic.apply import Carried
from dynamic.autograd import functional
from dynamic.autograd.engine import grad as gradients
from dynamic.autograd.grad_mode import enable_grad
from dynamic.batching import (
    replace_all_batch_norm_modules_ as replace_all_batch_norm_modules_,
    stack_module_state as stack_module_state,
    vmap as vmap,
)
from dynamic.names import lacking
from graphs.core.errors import GradientError, at_line


def _mapped(x: Any, function: Callable[[Any], Any]) -> Any:
    """Nested tuples, lists and dictionaries with ``function`` applied to each tensor."""
    if isinstance(x, Carried):
        return function(x)
    if isinstance(x, Mapping):
        return {name: _mapped(item, function) for name, item in x.items()}
    return type(x)(_mapped(item, function) for item in x) if isinstance(x, (tuple, list)) else x


def _tensors(x: Any) -> list[Any]:
    found: list[Any] = []
    _mapped(x, found.append)
    return found


def _cut_off(x: Any) -> Any:
    """A tensor without history."""
    return x.detach()


def grad_and_value(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives the gradient of ``func``, which gives one number, and its value.

    The gradient is by the argument at ``argnums``, or a tuple of gradients for a tuple of them; an argument may be a nested
    tuple, list or dictionary of tensors. With ``has_aux`` the value of ``func`` is a pair whose second part passes through.
    Calls can be nested: a gradient of a gradient is one of second order.
    """

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        places = argnums if isinstance(argnums, tuple) else (argnums,)
        with enable_grad():
            given = list(args)
            for i in places:
                given[i] = _mapped(args[i], lambda x: x.view_as(x) if x.requires_grad else x.detach().requires_grad_())
            result = func(*given, **kwargs)
            value, aux = result if has_aux else (result, None)
            if not isinstance(value, Carried) or value._array.ndim:
                raise GradientError(f"a gradient is of functions that give a tensor without dimensions{at_line()}")
            inputs = [x for i in places for x in _tensors(given[i])]
            nested = any(x.requires_grad for arg in args for x in _tensors(arg)) or any(
                x.requires_grad for x in _tensors(kwargs)
            )
            outer: Any = value
            found = (
                gradients(outer, inputs, create_graph=True, allow_unused=True, materialize_grads=True)
                if outer.requires_grad
                else [x.detach() * 0 for x in inputs]
            )
            flowing = iter(found if nested else [g.detach() for g in found])
            done = tuple(_mapped(given[i], lambda _: next(flowing)) for i in places)
        shown = outer if nested else outer.detach()
        if not nested:
            aux = _mapped(aux, _cut_off)
        return (done if isinstance(argnums, tuple) else done[0]), ((shown, aux) if has_aux else shown)

    return wrapped


def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives the gradient of ``func``, with ``has_aux`` and what passes through; see ``grad_and_value``."""
    both = grad_and_value(func, argnums, has_aux)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return wrapped


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """What ``func`` gives for ``primals``, and a function from gradients of that to those of the primals, one each."""
    with enable_grad():
        given = tuple(
            _mapped(x, lambda x: x.view_as(x) if x.requires_grad else x.detach().requires_grad_()) for x in primals
        )
        result = func(*given)
        out, aux = result if has_aux else (result, None)
    nested = any(x.requires_grad for x in _tensors(primals))
    inputs = _tensors(given)

    def pull(*cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        seeds = _tensors(cotangents)
        pairs = [(y, seed) for y, seed in zip(_tensors(out), seeds, strict=True) if y.requires_grad]
        create = nested or any(seed.requires_grad for seed in seeds)
        found = gradients(
            [y for y, _ in pairs],
            inputs,
            [seed for _, seed in pairs],
            retain_graph=True,
            create_graph=create,
            allow_unused=True,
            materialize_grads=True,
        )
        flowing = iter(found)
        return tuple(_mapped(x, lambda _: next(flowing)) for x in given)

    shown = out if nested else _mapped(out, _cut_off)
    if not nested:
        aux = _mapped(aux, _cut_off)
    return (shown, pull, aux) if has_aux else (shown, pull)


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """What ``func`` gives for the tuple ``primals``, and its change along ``tangents``."""
    kept: list[Any] = []

    def main(*args: Any) -> Any:
        result = func(*args)
        if has_aux:
            kept.append(result[1])
            return result[0]
        return result

    nested = any(x.requires_grad for x in (*primals, *tangents))
    found = functional.jvp(main, tuple(primals), tuple(tangents), create_graph=nested, strict=strict)
    return (*found, kept[0] if nested else _mapped(kept[0], _cut_off)) if has_aux else found


def jacrev(
    func: Callable[..., Any], argnums: Any = 0, *, has_aux: bool = False, chunk_size: int | None = None
) -> Callable[..., Any]:
    """A function that gives the Jacobian of ``func`` by the argument at ``argnums``: the output's dimensions, then its.

    A tuple of arguments gives a tuple of Jacobians, and several outputs a tuple of either.
    """

    def wrapped(*args: Any) -> Any:
        places = argnums if isinstance(argnums, tuple) else (argnums,)
        kept: list[Any] = []

        def main(*chosen: Any) -> Any:
            given = list(args)
            for i, x in zip(places, chosen, strict=True):
                given[i] = x
            result = func(*given)
            if has_aux:
                kept.append(result[1])
                return result[0]
            return result

        chosen = tuple(args[i] for i in places)
        nested = any(x.requires_grad for x in _tensors(args))
        found = functional.jacobian(main, chosen if isinstance(argnums, tuple) else chosen[0], create_graph=nested)
        return (found, kept[0] if nested else _mapped(kept[0], _cut_off)) if has_aux else found

    return wrapped


def jacfwd(
    func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """``jacrev``: there is one way to differentiate here."""
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """A function that gives the Jacobian of the Jacobian of ``func``."""
    return jacrev(jacrev(func, argnums), argnums)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """What ``func`` gives for ``primals``, and the function from tangents, one each, to its change along them.

    The backward pass and the pass back through it are recorded once, so that each further tangent costs one pass.
    """
    with enable_grad():
        given = tuple(_mapped(x, lambda x: x.detach().requires_grad_()) for x in primals)
        out = func(*given)
        outs, inputs = _tensors(out), _tensors(given)
        flowing = [y for y in outs if y.requires_grad]
        seeds = [(y.detach() * 0).requires_grad_() for y in flowing]
        back = gradients(flowing, inputs, seeds, create_graph=True, allow_unused=True, materialize_grads=True)
    linear = [(g, i) for i, g in enumerate(back) if g.requires_grad]

    def pushed(*tangents: Any) -> Any:
        along = _tensors(tangents)
        for x, t in zip(inputs, along, strict=True):
            if x.shape != t.shape:
                raise GradientError(f"linearize: a tangent of shape {tuple(t.shape)} for {tuple(x.shape)}{at_line()}")
        found = iter(
            gradients(
                [g for g, _ in linear],
                seeds,
                [along[i] for _, i in linear],
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
            if linear
            else [seed.detach() for seed in seeds]
        )
        return _mapped(out, lambda y: next(found) if y.requires_grad else y * 0)

    return _mapped(out, lambda y: y.detach()), pushed


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """``func`` itself: in PyTorch it is traced without changes in place; here nothing traces it."""
    return func


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """What ``module`` gives with these tensors, by name, in place of its parameters and buffers, which stay as they are.

    Args:
        module: an ``nn.Module``.
        parameter_and_buffer_dicts: a dictionary from names to tensors, or several.
        args: the argument, or a tuple of them.
        kwargs: arguments by name.
        tie_weights: let what is given for one name of a shared parameter stand for its other names too.
        strict: require a tensor for every parameter and buffer, and no others.
    """
    several = isinstance(parameter_and_buffer_dicts, Sequence)
    given: dict[str, Any] = {}
    for each in parameter_and_buffer_dicts if several else (parameter_and_buffer_dicts,):
        given.update(each)
    own = dict([*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)])
    if strict and set(given) != set(own):
        missing, unknown = sorted(set(own) - set(given)), sorted(set(given) - set(own))
        raise GradientError(f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}{at_line()}")
    if tie_weights:
        by_tensor = {id(own[name]): value for name, value in given.items() if name in own}
        given = {**{name: by_tensor[id(t)] for name, t in own.items() if id(t) in by_tensor}, **given}
    places = []
    for name, value in given.items():
        path, _, last = name.rpartition(".")
        owner = module.get_submodule(path)
        kept = next((each for each in (owner._parameters, owner._buffers) if last in each), None)
        if kept is None:
            raise AttributeError(f"{type(module).__name__} has no parameter or buffer {name}{at_line()}")
        places.append((kept, last, kept[last], value))
    try:
        for kept, last, _, value in places:
            kept[last] = value
        arguments = () if args is None else args if isinstance(args, tuple) else (args,)
        return module(*arguments, **(kwargs or {}))
    finally:
        for kept, last, before, _ in places:
            kept[last] = before


__getattr__ = lacking(__name__)
