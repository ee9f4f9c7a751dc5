"""Gradients held against finite differences: ``gradcheck`` for first derivatives, ``gradgradcheck`` for second."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from dynamic.apply import Carried, wrap
from dynamic.autograd.engine import grad
from dynamic.elsewhere import beside, to_numpy
from dynamic.functions.creation import randn
from dynamic.names import lacking
from graphs.core.arrays import xp_of
from graphs.core.errors import GraphsError, at_line


class GradcheckError(GraphsError, RuntimeError):
    """A gradient that finite differences contradict, or that cannot be checked."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the gradients of ``func`` agree with central differences, element by element of the Jacobians.

    Args:
        func: gives a tensor or several, of real numbers.
        inputs: its arguments; those that require a gradient are varied, and ought to be float64.
        eps: how far elements are moved.
        atol, rtol: how far a derivative may be from the difference quotient: ``atol + rtol * |quotient|``.
        raise_exception: raise GradcheckError where they disagree, rather than return False.
        nondet_tol: how far two backward passes may be apart.
        check_undefined_grad: run backward with gradients missing for some of several outputs.
        check_grad_dtypes: require gradients of the inputs' dtypes.
        check_batched_grad, check_batched_forward_grad, check_forward_ad, check_backward_ad: PyTorch's further ways to
            differentiate: there is one way here, which is checked unless ``check_backward_ad`` is false.
        fast_mode: hold one random combination of derivatives against one difference rather than all of them.
        masked: for sparse tensors, of which there are none here.
    """
    given = (inputs,) if isinstance(inputs, Carried) else tuple(inputs)
    try:
        if not check_backward_ad:
            return True
        _check(_in_reals(func), given, eps, atol, rtol, fast_mode)
        _check_steadiness(func, given, nondet_tol, check_grad_dtypes)
        if check_undefined_grad:
            _check_missing(func, given)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether the gradients of the gradients of ``func`` agree with central differences of its gradients.

    ``grad_outputs`` are what flows into the outputs (default: random numbers); derivatives are taken by them too. The other
    arguments are those of ``gradcheck``.
    """
    given = (inputs,) if isinstance(inputs, Carried) else tuple(inputs)
    outs = _outputs(func, given)
    if grad_outputs is None:
        seeds = [wrap(beside(randn(y.shape, device="cpu").numpy().astype(y._array.dtype), y._array)) for y in outs]
        if gen_non_contig_grad_outputs:
            seeds = [wrap(s._array[..., None].repeat(2, -1)[..., 0]) for s in seeds]
    else:
        seeds = list((grad_outputs,) if isinstance(grad_outputs, Carried) else grad_outputs)
    seeds = [seed.detach().requires_grad_() for seed in seeds]
    varied = [i for i, x in enumerate(given) if _needs(x)]

    def first(*args: Any) -> tuple[Any, ...]:
        mine, flowing = args[: len(given)], args[len(given) :]
        ys = _outputs(func, mine)
        found = grad(ys, [mine[i] for i in varied], flowing, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    settings: dict[str, Any] = {"eps": eps, "atol": atol, "rtol": rtol, "nondet_tol": nondet_tol, "fast_mode": fast_mode}
    checks = {"check_undefined_grad": check_undefined_grad, "check_grad_dtypes": check_grad_dtypes}
    return gradcheck(first, (*given, *seeds), raise_exception=raise_exception, **settings, **checks)


def _needs(x: Any) -> bool:
    return isinstance(x, Carried) and x._edge is not None


def _in_reals(func: Callable[..., Any]) -> Callable[..., Any]:
    """``func`` with the real and the imaginary part of each complex output in place of it: gradients are of real numbers."""

    def parts(*inputs: Any) -> tuple[Any, ...]:
        result = func(*inputs)
        outs = result if isinstance(result, (tuple, list)) else (result,)
        split = (isinstance(y, Carried) and y._array.dtype.kind == "c" for y in outs)
        return tuple(part for y, two in zip(outs, split, strict=True) for part in ((y.real, y.imag) if two else (y,)))

    return parts


def _outputs(func: Callable[..., Any], inputs: Sequence[Any]) -> list[Any]:
    """The differentiable outputs."""
    result = func(*inputs)
    return [y for y in (result if isinstance(result, (tuple, list)) else (result,)) if _needs(y)]


def _check(func: Callable[..., Any], inputs: Sequence[Any], eps: float, atol: float, rtol: float, fast: bool) -> None:
    varied = [(i, x) for i, x in enumerate(inputs) if _needs(x)]
    if not varied:
        raise ValueError(f"gradcheck needs at least one input that requires a gradient{at_line()}")
    for i, x in varied:
        if x._array.dtype.itemsize < 8 * (1 + (x._array.dtype.kind == "c")):
            warnings.warn(
                f"Input {i} has the dtype {x._array.dtype.name}: differences of less than double precision say little",
                UserWarning,
                stacklevel=3,
            )
    outs = _outputs(func, inputs)
    if not outs:
        result = func(*inputs)
        flat = [y for y in (result if isinstance(result, (tuple, list)) else (result,)) if isinstance(y, Carried)]
        if any(not _still(func, inputs, i, x, j, eps) for i, x in varied for j in range(len(flat))):
            raise GradcheckError(f"no output requires a gradient, and they change with the inputs{at_line()}")
        return
    for i, x in varied:
        quotients = _quotients(func, inputs, i, x, eps)
        for j, y in enumerate(outs):
            found = _jacobian(outs, j, x)
            wanted = quotients[j]
            if fast:
                weights = numpy.random.default_rng(0).standard_normal(y._array.size)
                found, wanted = weights @ found, weights @ wanted
            apart = abs(found - wanted) > atol + rtol * abs(wanted)
            if (apart | (numpy.isnan(found) != numpy.isnan(wanted))).any():
                raise GradcheckError(
                    f"Jacobian mismatch for output {j} with respect to input {i}:\n"
                    f"differences: {wanted.tolist()}\ngradients: {found.tolist()}{at_line()}"
                )


def _bare(func: Callable[..., Any], inputs: Sequence[Any]) -> list[numpy.ndarray]:
    """Copies of the outputs' elements in a row, of those that can be differentiated."""
    result = func(*inputs)
    outs = [y for y in (result if isinstance(result, (tuple, list)) else (result,)) if isinstance(y, Carried)]
    smooth = [y for y in outs if _needs(y)] or outs
    return [numpy.array(to_numpy(y._array)).ravel() for y in smooth]


def _ones(y: Any) -> Any:
    xp: Any = xp_of((y._array,))
    return wrap(xp.ones_like(y._array))


def _moved(func: Callable[..., Any], inputs: Sequence[Any], x: Any, place: Any, by: Any) -> list[numpy.ndarray]:
    before = x._array[place]
    x._array[place] = before + by
    try:
        return _bare(func, inputs)
    finally:
        x._array[place] = before


def _quotients(func: Callable[..., Any], inputs: Sequence[Any], i: int, x: Any, eps: float) -> list[numpy.ndarray]:
    """Per output the difference quotients: a row per element of it, a column per element of ``x``.

    Of a complex ``x`` they are what gradients are there: the derivative by the real part plus i times that by the imaginary.
    """
    steps = [eps] if x._array.dtype.kind != "c" else [eps, 1j * eps]
    columns = []
    for place in numpy.ndindex(x._array.shape):
        parts = []
        for by in steps:
            ahead, behind = (_moved(func, inputs, x, place, sign * by) for sign in (1, -1))
            parts.append([(a - b) / (2 * eps) for a, b in zip(ahead, behind, strict=True)])
        columns.append([p[0] if len(p) == 1 else p[0] + 1j * p[1] for p in zip(*parts, strict=True)])
    if not columns:
        return [numpy.zeros((y.size, 0)) for y in _bare(func, inputs)]
    return [numpy.stack(column, axis=1) for column in zip(*columns, strict=True)]


def _still(func: Callable[..., Any], inputs: Sequence[Any], i: int, x: Any, j: int, eps: float) -> bool:
    return not _quotients(func, inputs, i, x, eps)[j].any()


def _jacobian(outs: Sequence[Any], j: int, x: Any) -> numpy.ndarray:
    """The gradients of each element of output ``j`` with respect to ``x``."""
    y = outs[j]
    xp: Any = xp_of((y._array,))
    rows = []
    for place in numpy.ndindex(y._array.shape):
        seed = xp.zeros_like(y._array)
        seed[place] = 1
        (g,) = grad(y, x, wrap(seed), retain_graph=True, allow_unused=True)
        rows.append(numpy.zeros(x._array.size) if g is None else numpy.array(to_numpy(g._array)).ravel())
    return numpy.stack(rows) if rows else numpy.zeros((0, x._array.size))


def _check_steadiness(func: Callable[..., Any], inputs: Sequence[Any], tolerance: float, dtypes: bool) -> None:
    varied = [x for x in inputs if _needs(x)]
    outs = _outputs(func, inputs)
    if not outs:
        return
    seeds = [_ones(y) for y in outs]
    first, second = (grad(outs, varied, seeds, retain_graph=True, allow_unused=True) for _ in range(2))
    for i, (g, h, x) in enumerate(zip(first, second, varied, strict=True)):
        if g is None:
            continue
        if (abs(g._array - h._array) > tolerance).any():
            raise GradcheckError(f"Backward is not reentrant: two passes give other gradients for input {i}{at_line()}")
        if g._array.shape != x._array.shape:
            raise GradcheckError(f"grad has shape {g._array.shape} for an input of shape {x._array.shape}{at_line()}")
        if dtypes and g._array.dtype != x._array.dtype:
            raise GradcheckError(f"grad has dtype {g._array.dtype} for an input of dtype {x._array.dtype}{at_line()}")


def _check_missing(func: Callable[..., Any], inputs: Sequence[Any]) -> None:
    """Run backward passes from all of several outputs but one, whose gradient is missing."""
    varied = [x for x in inputs if _needs(x)]
    outs = _outputs(func, inputs)
    if len(outs) < 2:
        return
    for missing in range(len(outs)):
        rest = [y for i, y in enumerate(outs) if i != missing]
        try:
            grad(rest, varied, [_ones(y) for y in rest], retain_graph=True, allow_unused=True)
        except Exception as error:
            raise GradcheckError(
                f"a backward that is handed no gradient for one of its outputs fails: {error}{at_line()}"
            ) from error


__getattr__ = lacking(__name__)
