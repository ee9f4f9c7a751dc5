"""Functions of one example made functions of batches, and modules stacked for that: ``torch.vmap`` and its company."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dynamic.apply import Carried, apply
from dynamic.names import lacking
from dynamic.random import default_generator
from graphs.core.errors import GradientError, at_line
from graphs.ops.joining import stack


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that calls ``func`` with each example of a batch and stacks what it gives.

    It is a loop over the examples, one after the other: the numbers are PyTorch's, the speed is a loop's. Since each call
    sees ordinary tensors, ``func`` may also do what PyTorch refuses there: branch on values, ``item()``, change in place.

    Args:
        func: takes tensors, or nested tuples, lists and dictionaries of them; arguments by name are the same for all.
        in_dims: which dimension of each argument counts the examples; None for an argument that is the same for all.
        out_dims: which dimension of each result is to count them; None for what is no tensor.
        randomness: whether draws inside are an ``"error"``, ``"different"`` for each example or the ``"same"``.
        chunk_size: how many examples PyTorch would take at a time; without effect.

    Calling it raises ValueError where dimensions, sizes or structures do not fit.
    """
    if randomness not in ("error", "different", "same"):
        raise GradientError(f"randomness is 'error', 'different' or 'same', not {randomness!r}{at_line()}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0, not {chunk_size}{at_line()}")

    @functools.wraps(func)
    def batched(*args: Any, **kwargs: Any) -> Any:
        if not isinstance(in_dims, (int, tuple)):
            raise ValueError(f"vmap: in_dims is an integer or a tuple as the arguments are, not {in_dims!r}{at_line()}")
        if not args:
            raise ValueError(f"vmap: the function was called without arguments{at_line()}")
        sizes: list[int] = []
        at = _rows(args, in_dims, sizes)
        if not sizes:
            raise ValueError(f"vmap: in_dims={in_dims!r} maps over none of the arguments{at_line()}")
        if len(set(sizes)) > 1:
            raise ValueError(f"vmap: all tensors have the same size in the mapped dimension, not {sizes}{at_line()}")
        before = default_generator.get_state()
        results = []
        for i in range(sizes[0] or 1):  # of an empty batch one example of zeros tells the shapes
            if i and randomness == "same":
                default_generator.set_state(before)
            results.append(func(*at(i), **kwargs))
            if randomness == "error" and (default_generator.get_state() != before).any():
                raise GradientError(
                    f"vmap: a random operation was called: randomness='same' or 'different' allows it{at_line()}"
                )
        return _gathered(results, out_dims, sizes[0])

    return batched


def _rows(x: Any, dims: Any, sizes: list[int]) -> Callable[[int], Any]:
    """A function that gives the part of ``x`` that belongs to an example; how many there are is added to ``sizes``."""
    if isinstance(x, (Mapping, tuple, list)):
        if dims is None or isinstance(dims, int):
            dims = dict.fromkeys(x, dims) if isinstance(x, Mapping) else [dims] * len(x)
        elif isinstance(dims, Mapping) != isinstance(x, Mapping) or len(dims) != len(x):
            raise ValueError(f"vmap: in_dims is not compatible with the structure of the arguments: {dims!r}{at_line()}")
        if isinstance(x, Mapping):
            parts = {name: _rows(item, dims[name], sizes) for name, item in x.items()}
            return lambda i: {name: part(i) for name, part in parts.items()}
        items = [_rows(item, dim, sizes) for item, dim in zip(x, dims, strict=True)]
        return lambda i: like(x, [item(i) for item in items])
    if dims is None:
        return lambda i: x
    if not isinstance(x, Carried):
        raise ValueError(f"vmap: in_dim {dims} for a {type(x).__name__}, which is no tensor: give None for it{at_line()}")
    tensor: Any = x
    if not isinstance(dims, int) or not -tensor.dim() <= dims < tensor.dim():
        raise ValueError(f"vmap: in_dim {dims!r} for a tensor of {tensor.dim()} dimensions{at_line()}")
    sizes.append(tensor.shape[dims])
    if not sizes[-1]:
        first = tensor.movedim(dims, 0)
        zeros = first.new_zeros(first.shape[1:])
        return lambda i: zeros
    examples = tensor.unbind(dims)
    return lambda i: examples[i]


def like(x: Any, items: Sequence[Any]) -> Any:
    """``items`` in a tuple or list of the kind of ``x``."""
    return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)


def _gathered(results: list[Any], dims: Any, count: int) -> Any:
    """What the calls gave, stacked: each result along the dimension that ``dims`` has for it."""
    first = results[0]
    if isinstance(first, (Mapping, tuple, list)):
        if dims is None or isinstance(dims, int):
            dims = dict.fromkeys(first, dims) if isinstance(first, Mapping) else [dims] * len(first)
        elif isinstance(dims, Mapping) != isinstance(first, Mapping) or len(dims) != len(first):
            raise ValueError(f"vmap: out_dims is not compatible with the structure of the results: {dims!r}{at_line()}")
        if isinstance(first, Mapping):
            return {name: _gathered([result[name] for result in results], dims[name], count) for name in first}
        columns = zip(*results, strict=True)
        return like(first, [_gathered(list(column), dim, count) for column, dim in zip(columns, dims, strict=True)])
    if isinstance(dims, (tuple, Mapping)):
        raise ValueError(f"vmap: out_dims is not compatible with the structure of the results: {dims!r}{at_line()}")
    if dims is None:
        if isinstance(first, Carried) and any(result is not first for result in results):
            raise ValueError(f"vmap: a tensor that differs between examples needs an out_dim, not None{at_line()}")
        return first
    if not isinstance(first, Carried):
        raise ValueError(f"vmap: the function gives tensors, not a {type(first).__name__}{at_line()}")
    together: Any = apply(stack, tuple(results), {"axis": dims})
    return together if count else together.narrow(dims, 0, 0)


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several modules of one kind, stacked: for ``vmap`` over ``functional_call``.

    The stacked parameters are leaves. Raises RuntimeError where there are no modules, or not all of one class and mode.
    """
    models = list(models)
    if not models:
        raise GradientError(f"stack_module_state: Expected at least one model, got 0{at_line()}")
    if len({model.training for model in models}) > 1:
        raise GradientError(f"stack_module_state: Expected all models to have the same training/eval mode{at_line()}")
    if len({type(model) for model in models}) > 1:
        raise GradientError(f"stack_module_state: Expected all models to be of the same class{at_line()}")

    def stacked(states: list[dict[str, Any]]) -> dict[str, Any]:
        together = {}
        for name, first in states[0].items():
            several = [state[name] for state in states]
            if len({each.requires_grad for each in several}) > 1:
                raise GradientError(f"stack_module_state: {name} requires a gradient in some modules only{at_line()}")
            rows: Any = apply(stack, tuple(each.detach() for each in several), {"axis": 0})
            together[name] = rows.requires_grad_(first.requires_grad)
        return together

    return (
        stacked([dict(model.named_parameters()) for model in models]),
        stacked([dict(model.named_buffers()) for model in models]),
    )


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Let batch normalisations inside ``root`` keep no running statistics, so that ``vmap`` has none to change."""
    for module in root.modules():
        if type(module).__name__.startswith("BatchNorm"):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root


__getattr__ = lacking(__name__)
