"""Gradients held to a norm or to a range, in place."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy

from dynamic.apply import Carried, default_dtype, wrap
from dynamic.autograd.grad_mode import no_grad
from dynamic.names import lacking
from dynamic.nn.reducing import warn
from graphs.core.arrays import xp_of


def _several(tensors: Any) -> list[Any]:
    return [tensors] if isinstance(tensors, Carried) else list(tensors)


def _norm(array: Any, order: float) -> Any:
    """The norm of all elements, in their dtype."""
    flat = array.reshape(-1)
    if order == 2.0:
        return xp_of((flat,)).sqrt(flat @ flat)  # BLAS, without squares in between
    size = abs(flat)
    if math.isinf(order):
        return (size.max() if size.size else size.dtype.type(0)) if order > 0 else size.min()
    if order == 0.0:
        return (size != 0).sum(dtype=array.dtype)
    return (size**order).sum() ** (1.0 / order)


def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Any:
    """The norm of all elements of a tensor or of several, as if they were one vector; a tensor without dimensions.

    Raises RuntimeError, with ``error_if_nonfinite``, where it is infinite or NaN.
    """
    arrays = [each._array for each in _several(tensors)]
    order = float(norm_type)
    if not arrays:
        return wrap(numpy.zeros((), default_dtype.get()))
    xp: Any = xp_of(arrays)
    if xp is numpy:
        norms = numpy.array([_norm(array, order) for array in arrays], numpy.result_type(*arrays))
    else:
        norms = xp.stack([_norm(array, order) for array in arrays])
    total = norms[0] if len(norms) == 1 else _norm(norms, order)
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(f"the total norm of order {order} of the gradients is {total}, so they cannot be clipped")
    return wrap(xp.asarray(total, norms.dtype))


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Any, foreach: bool | None = None) -> None:
    """Scale gradients, whose norm is ``total_norm``, so that it is no more than ``max_norm``."""
    _scale([p.grad for p in _several(parameters) if p.grad is not None], max_norm, total_norm)


def _scale(grads: list[Any], max_norm: float, total_norm: Any) -> None:
    factor: Any = float(max_norm) / (total_norm._array + total_norm._array.dtype.type(1e-6))
    xp: Any = xp_of((total_norm._array,))
    if xp is not numpy:  # nobody waits for the number
        factor = xp.minimum(factor, 1.0)
        with no_grad():
            for grad in grads:
                grad *= wrap(factor.astype(grad._array.dtype))
        return
    if factor >= 1.0:
        return  # and not otherwise: what is NaN makes everything NaN
    with no_grad():
        for grad in grads:
            grad *= float(factor)


def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Any:
    """Scale the gradients of a parameter or of several so that their norm together is no more than ``max_norm``.

    Returns the norm before that. ``foreach`` is taken and has no effect. Raises as ``get_total_norm``.
    """
    several = _several(parameters)
    if not several and not isinstance(parameters, (list, tuple)):
        warn("clip_grad_norm_ was given no parameters: has the generator been used up?")
    grads = [p.grad for p in several if p.grad is not None]
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    _scale(grads, max_norm, total)
    return total


def clip_grad_norm(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Any:
    """``clip_grad_norm_`` by its name until 0.3."""
    warn("nn.utils.clip_grad_norm is called nn.utils.clip_grad_norm_ now", FutureWarning)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Iterable[Any] | Any, clip_value: float, foreach: bool | None = None) -> None:
    """Limit each element of gradients to [-clip_value, clip_value]."""
    bound = float(clip_value)
    with no_grad():
        for parameter in _several(parameters):
            if parameter.grad is not None:
                parameter.grad.clamp_(-bound, bound)


__getattr__ = lacking(__name__)
