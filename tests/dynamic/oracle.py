"""PyTorch as the reference for what ``dynamic`` computes: the same call in both, values, gradients and second gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

import dynamic


@cache
def pytorch() -> Any:
    """The ``torch`` module; skips the test where it is not installed."""
    return pytest.importorskip("torch")


def flat(result: Any) -> Iterator[Any]:
    """The tensors and numbers in nested tuples and lists, in order."""
    if isinstance(result, (tuple, list)):
        for item in result:
            yield from flat(item)
    else:
        yield result


def plain(x: Any) -> Any:
    """A tensor as an array; anything else as it is."""
    return np.array(x.numpy(force=True)) if hasattr(x, "detach") else x


def weights(torch: Any, y: Any, shift: float) -> Any:
    """Numbers of the shape and dtype of ``y``, the same in both libraries."""
    return torch.from_numpy(np.asarray(np.cos(np.arange(y.numel()) + shift), plain(y).dtype).reshape(tuple(y.shape)))


def run_in(torch: Any, build: Callable[..., Any], arrays: Sequence[np.ndarray], orders: int = 2) -> list[list[Any]]:
    """What ``build(torch, *tensors)`` gives; gradients of a weighted sum of it; gradients of a weighted sum of those.

    Second gradients are taken with respect to the weights of the first sum too. None stands for a gradient of zeros.
    """
    inputs = [torch.from_numpy(a.copy()) for a in arrays]
    floats = [x.requires_grad_() for x in inputs if x.is_floating_point()]
    outs = list(flat(build(torch, *inputs)))
    results = [[plain(y) for y in outs]]
    for order in range(orders):
        smooth = [y for y in outs if getattr(y, "requires_grad", False)]
        if not smooth or not floats:
            break
        seeds = [weights(torch, y, order).requires_grad_() for y in smooth]
        outs = torch.autograd.grad(smooth, floats, seeds, create_graph=True, allow_unused=True)
        results.append([np.zeros_like(plain(x)) if g is None else plain(g) for x, g in zip(floats, outs, strict=True)])
        floats = [*floats, *seeds]
    return results


def agree(build: Callable[..., Any], *arrays: np.ndarray, rtol: float = 1e-12, orders: int = 2) -> None:
    """Assert that ``build`` gives the same in both: values, shapes, dtypes, gradients; or errors of PyTorch's class.

    Where PyTorch only lacks a kernel for a dtype (NotImplementedError), ours may have one.
    """
    torch = pytorch()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wanted = run_in(torch, build, arrays, orders)
        except NotImplementedError:
            return
        except AttributeError:
            raise  # PyTorch has no such function: the case is wrong
        except Exception as error:
            with pytest.raises(type(error)):
                run_in(dynamic, build, arrays, orders)
            return
        found = run_in(dynamic, build, arrays, orders)
    for order, (ours, theirs) in enumerate(zip(found, wanted, strict=False)):
        assert len(ours) == len(theirs)
        for x, y in zip(ours, theirs, strict=True):
            same(x, y, rtol * 10**order)
    for theirs in wanted[len(found) :]:  # where ours knows that nothing flows, theirs may have computed zeros
        assert all((y == 0).all() for y in theirs)


def same(x: Any, y: Any, rtol: float) -> None:
    """Assert equal types, dtypes and shapes, and values within ``rtol`` (exactly equal where they are no floats)."""
    if not isinstance(y, np.ndarray):
        assert (type(x).__name__, x) == (type(y).__name__, y)
        return
    assert (x.dtype, x.shape) == (y.dtype, y.shape)
    if y.dtype.kind in "fc":
        rtol = max(rtol, {2: 2e-3, 4: 2e-5}.get(y.dtype.itemsize, 0))
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol)
    else:
        np.testing.assert_array_equal(x, y)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal float64 numbers, the same for the same shape and seed."""
    return np.asarray(np.random.default_rng([seed, *shape]).standard_normal(shape))


def covered(*builds: Callable[..., Any]) -> set[str]:
    """The names that functions read from their arguments, as their code tells."""
    return {name for build in builds for name in build.__code__.co_names}
