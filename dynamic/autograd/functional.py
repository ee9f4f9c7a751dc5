"""Derivatives of functions: Jacobians, Hessians, and their products with vectors. PyTorch's ``autograd.functional``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dynamic.apply import Carried, apply
from dynamic.autograd.engine import grad
from dynamic.autograd.grad_mode import enable_grad
from dynamic.functions.creation import zeros_like
from dynamic.names import lacking
from graphs.core.errors import GradientError, at_line
from graphs.ops.joining import stack


def _as_tuple(given: Any, what: str, role: str) -> tuple[bool, tuple[Any, ...]]:
    """Whether there are several, and they. Raises TypeError for what are no tensors."""
    several = isinstance(given, tuple)
    tensors = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Carried):
            where = f"element {i} of {role}" if several else role
            raise TypeError(f"{what}: {where} is a {type(tensor).__name__}, not a tensor{at_line()}")
    return several or isinstance(given, list), tensors


def _prepared(inputs: Sequence[Any], create_graph: bool, track: bool = True) -> tuple[Any, ...]:
    """The inputs, cut off from what they come from unless derivatives of the result are wanted."""
    if create_graph:
        return tuple(x.view_as(x) if x.requires_grad else x.detach().requires_grad_(track) for x in inputs)
    return tuple(x.detach().requires_grad_(track) for x in inputs)


def _result(tensors: Sequence[Any], several: bool, create_graph: bool) -> Any:
    done = tensors if create_graph else [tensor.detach() for tensor in tensors]
    return tuple(done) if several else done[0]


def _call(func: Callable[..., Any], inputs: tuple[Any, ...], what: str, strict: bool) -> tuple[bool, tuple[Any, ...]]:
    several, outs = _as_tuple(func(*inputs), what, "the outputs of the function")
    if strict and not all(y.requires_grad for y in outs):
        raise GradientError(f"{what}: an output of the function does not depend on the inputs{at_line()}")
    return several, outs


def _vector(v: Any, like: Sequence[Any], several: bool, what: str) -> tuple[Any, ...]:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise GradientError(f"{what}: v is needed unless there is one element{at_line()}")
        return (zeros_like(like[0]) + 1,)
    given = _as_tuple(v, what, "v")[1]
    if len(given) != len(like):
        raise GradientError(f"{what}: v has {len(given)} tensors for {len(like)}{at_line()}")
    for i, (x, y) in enumerate(zip(given, like, strict=True)):
        if x.shape != y.shape:
            raise GradientError(f"{what}: v {i} has the shape {tuple(x.shape)}, not {tuple(y.shape)}{at_line()}")
    return given


def _grads(outs: Sequence[Any], inputs: Sequence[Any], seeds: Any, create: bool, strict: bool, what: str) -> tuple[Any, ...]:
    """Gradients, zeros where an input has none (with ``strict`` an error)."""
    pairs = [(y, None if seeds is None else seed) for y, seed in zip(outs, seeds or outs, strict=True) if y.requires_grad]
    if not pairs:
        return tuple(map(zeros_like, inputs))
    ys, given = zip(*pairs, strict=True)
    found = grad(ys, inputs, None if seeds is None else given, retain_graph=True, create_graph=create, allow_unused=True)
    for i, g in enumerate(found):
        if strict and g is None:
            raise GradientError(f"{what}: the output does not depend on input {i}{at_line()}")
        if strict and create and not g.requires_grad:
            raise GradientError(f"{what}: the derivative by input {i} does not depend on the inputs{at_line()}")
    return tuple(zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True))


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """What ``func`` gives, and the product of ``v`` with its Jacobian: for each input a tensor of its shape.

    ``v`` has the shapes of the outputs; it may be left out where there is one element. With ``strict`` an input that an
    output does not depend on is a RuntimeError, else its product is zeros.
    """
    with enable_grad():
        several, given = _as_tuple(inputs, "vjp", "the inputs")
        given = _prepared(given, create_graph)
        out_several, outs = _call(func, given, "vjp", strict)
        seeds = _vector(v, outs, out_several, "vjp")
        found = _grads(outs, given, seeds, create_graph, strict, "vjp")
    return _result(outs, out_several, create_graph), _result(found, several, create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """What ``func`` gives, and the product of its Jacobian with ``v``: for each output a tensor of its shape.

    ``v`` has the shapes of the inputs; it may be left out where there is one element. It is computed by two backward passes.
    """
    with enable_grad():
        given = _as_tuple(inputs, "jvp", "the inputs")[1]
        given = _prepared(given, create_graph)
        along = _vector(v, given, True, "jvp")
        several, outs = _call(func, given, "jvp", strict)
        seeds = tuple(zeros_like(y).requires_grad_() for y in outs)
        back = _grads(outs, given, seeds, True, strict, "jvp")
        found = _grads(back, seeds, along, create_graph, strict and create_graph, "jvp")
    return _result(outs, several, create_graph), _result(found, several, create_graph)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of ``func``: per output and input a tensor of the output's dimensions, then the input's.

    One tensor for one input and one output; a tuple over several inputs or outputs; tuples within a tuple for both.

    Args:
        func: gives a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        create_graph: let the Jacobian be differentiated.
        strict: make an input on which an output does not depend a RuntimeError, rather than zeros.
        vectorize, strategy: PyTorch's ways to compute the same; here it is a backward pass for each element of an output.
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise ValueError(f"strategy is 'reverse-mode' or 'forward-mode', not {strategy!r}{at_line()}")
    if strategy == "forward-mode" and create_graph:
        raise NotImplementedError(f"strategy='forward-mode' does not go with create_graph=True, as in PyTorch{at_line()}")
    with enable_grad():
        several, given = _as_tuple(inputs, "jacobian", "the inputs")
        given = _prepared(given, create_graph)
        out_several, outs = _call(func, given, "jacobian", strict)
        rows = []
        for y in outs:
            flat = y.reshape(-1)
            found = [_grads((flat[i],), given, None, create_graph, strict, "jacobian") for i in range(flat.numel())]
            columns: list[Any] = []
            for k, x in enumerate(given):
                shape = (*y.shape, *x.shape)
                if found:
                    columns.append(apply(stack, tuple(row[k] for row in found), {"axis": 0}).reshape(shape))
                else:
                    columns.append(y.new_zeros(shape))
            rows.append(_result(columns, several, create_graph))
    return tuple(rows) if out_several else rows[0]


def _scalar(outs: tuple[Any, ...], several: bool, what: str) -> Any:
    if several or outs[0].numel() != 1:
        raise GradientError(f"{what} is of functions that give one number in one tensor{at_line()}")
    return outs[0].reshape(())


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of ``func``, which gives one number: a tensor of the input's dimensions twice.

    For a tuple of inputs it is a tuple of tuples, one tensor for each pair. The arguments are those of ``jacobian``.
    """
    several, given = _as_tuple(inputs, "hessian", "the inputs")

    def gradient(*xs: Any) -> Any:
        out_several, outs = _call(func, xs, "hessian", strict)
        y = _scalar(outs, out_several, "hessian")
        return _grads((y,), xs, None, True, strict, "hessian")

    found = jacobian(gradient, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    return found if several else found[0][0]


def _gradient_of(func: Callable[..., Any], given: tuple[Any, ...], what: str, strict: bool) -> tuple[Any, tuple[Any, ...]]:
    out_several, outs = _call(func, given, what, strict)
    y = _scalar(outs, out_several, what)
    return outs[0], _grads((y,), given, None, True, strict, what)


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """What ``func``, which gives one number, gives, and the product of ``v`` with its Hessian, of the inputs' shapes."""
    with enable_grad():
        several, given = _as_tuple(inputs, "vhp", "the inputs")
        given = _prepared(given, create_graph)
        along = _vector(v, given, several, "vhp")
        out, first = _gradient_of(func, given, "vhp", strict)
        found = _grads(first, given, along, create_graph, strict, "vhp")
    return _result((out,), False, create_graph), _result(found, several, create_graph)


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """What ``func``, which gives one number, gives, and the product of its Hessian with ``v``, of the inputs' shapes.

    A Hessian is symmetric where the second derivatives are continuous, so that this is ``vhp`` by another way.
    """
    with enable_grad():
        several, given = _as_tuple(inputs, "hvp", "the inputs")
        given = _prepared(given, create_graph)
        along = _vector(v, given, several, "hvp")
        out, first = _gradient_of(func, given, "hvp", strict)
        seeds = tuple(zeros_like(x).requires_grad_() for x in given)
        back = _grads(first, given, seeds, True, strict, "hvp")
        found = _grads(back, seeds, along, create_graph, False, "hvp")
    return _result((out,), False, create_graph), _result(found, several, create_graph)


__getattr__ = lacking(__name__)
