"""New tensors: from numbers, from arrays, filled, and random."""

from __future__ import annotations

from operator import index as as_int
from typing import Any

import numpy

from dynamic.apply import Carried, apply, default_dtype, wrap
from dynamic.dtypes import dtype as Dtype, dtype_of
from graphs.core.errors import DtypeError, ShapeError, at_line
from graphs.core.op import OPS, Op
from graphs.core.random import Key, Stream, fresh_seed


class Generator:
    """A stream of random numbers of its own.

    ``stream.advance()`` begins its next step, as each run that draws does in a session of ``static``: from the same seed
    both then draw the same numbers.
    """

    def __init__(self, device: Any = "cpu") -> None:
        self.stream = Stream()

    def manual_seed(self, seed: int) -> Generator:
        """Begin the stream that ``seed`` names."""
        self.stream.__init__(seed)  # type: ignore[misc]
        return self

    def seed(self) -> int:
        """Begin a stream that nobody chose, and return its seed."""
        seed = fresh_seed()
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed that the stream began with."""
        return self.stream.seed


default_generator = Generator()
"""What the random functions draw from unless they are given another."""


def manual_seed(seed: int) -> Generator:
    """Begin the default stream that ``seed`` names: the same seed draws the same numbers."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Begin a default stream that nobody chose, and return its seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default stream began with."""
    return default_generator.initial_seed()


def next_key(generator: Generator | None = None) -> Key:
    """The key of the next draw."""
    return (generator or default_generator).stream.key()


def _dtype(dtype: Any) -> Any:
    return default_dtype.get() if dtype is None else dtype_of(dtype).numpy


def _finish(array: Any, requires_grad: bool) -> Any:
    tensor = wrap(array)
    if requires_grad:
        tensor.requires_grad = True
    return tensor


def _sizes(size: tuple[Any, ...]) -> tuple[int, ...]:
    given = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    sizes = tuple(as_int(n) for n in given)
    if any(n < 0 for n in sizes):
        raise ShapeError(f"sizes are not negative: {sizes}{at_line()}")
    return sizes


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """A new tensor with a copy of ``data``; floats become the default dtype, integers int64."""
    if isinstance(data, Carried):
        array = numpy.array(data._array)
    else:
        array = numpy.array(_plain(data))
        if dtype is None and array.dtype.kind == "f" and not isinstance(data, (numpy.ndarray, numpy.generic)):
            array = array.astype(default_dtype.get())
    if dtype is not None:
        array = array.astype(dtype_of(dtype).numpy)
    elif array.dtype.kind not in "biufc":
        raise DtypeError(f"tensor cannot be made of {array.dtype} data{at_line()}")
    return _finish(array, requires_grad)


def _plain(data: Any) -> Any:
    """``data`` with the tensors inside lists replaced by arrays."""
    if isinstance(data, Carried):
        return data._array
    return [_plain(item) for item in data] if isinstance(data, (list, tuple)) else data


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """``data`` as a tensor, without a copy where it is one already, or an array."""
    if isinstance(data, Carried):
        return data if dtype is None else data.to(dtype)  # type: ignore[attr-defined]
    if isinstance(data, numpy.ndarray):
        made = wrap(data)
        return made if dtype is None else made.to(dtype)
    return tensor(data, dtype=dtype)


def from_numpy(array: Any) -> Any:
    """A tensor over the memory of a numpy array. Raises TypeError for anything else, and for dtypes that PyTorch has not."""
    if not isinstance(array, numpy.ndarray):
        raise TypeError(f"from_numpy takes a numpy array, not {type(array).__name__}")
    dtype_of(array.dtype)
    return wrap(array)


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Zeros."""
    return _finish(numpy.zeros(_sizes(size), _dtype(dtype)), requires_grad)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Ones."""
    return _finish(numpy.ones(_sizes(size), _dtype(dtype)), requires_grad)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Memory with whatever was in it."""
    return _finish(numpy.empty(_sizes(size), _dtype(dtype)), requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """One value everywhere; its kind decides the dtype where none is given."""
    value = fill_value.item() if isinstance(fill_value, Carried) else fill_value  # type: ignore[attr-defined]
    if dtype is None and not isinstance(value, float):
        dtype = numpy.asarray(value).dtype
    return _finish(numpy.full(_sizes((size,)), value, _dtype(dtype)), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """The identity matrix."""
    return _finish(numpy.eye(n, m, dtype=_dtype(dtype)), requires_grad)


def arange(start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Numbers from ``start`` (0 where only one bound is given) up to but without ``end``."""
    if end is None:
        start, end = 0, start
    if step == 0 or (end - start) * step < 0:
        raise ShapeError(f"arange does not come from {start} to {end} in steps of {step}{at_line()}")
    if dtype is None:
        dtype = default_dtype.get() if any(isinstance(x, float) for x in (start, end, step)) else numpy.int64
    return _finish(numpy.arange(start, end, step).astype(_dtype(dtype)), requires_grad)


def linspace(start: float, end: float, steps: int = 100, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """``steps`` numbers from ``start`` to ``end``, both among them."""
    return _finish(numpy.linspace(start, end, steps, dtype=_dtype(dtype)), requires_grad)


def _like(input: Any, dtype: Any) -> Any:
    return input._array.dtype if dtype is None else dtype_of(dtype).numpy


def zeros_like(input: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Zeros of the shape and dtype of ``input``."""
    return _finish(numpy.zeros(input._array.shape, _like(input, dtype)), requires_grad)


def ones_like(input: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Ones of the shape and dtype of ``input``."""
    return _finish(numpy.ones(input._array.shape, _like(input, dtype)), requires_grad)


def empty_like(input: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Memory of the shape and dtype of ``input``, with whatever was in it."""
    return _finish(numpy.empty(input._array.shape, _like(input, dtype)), requires_grad)


def full_like(input: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """One value in the shape and dtype of ``input``."""
    return _finish(numpy.full(input._array.shape, fill_value, _like(input, dtype)), requires_grad)


def _draw(name: str, generator: Generator | None, requires_grad: bool = False, /, **params: Any) -> Any:
    op: Op = OPS[name]
    return _finish(op(**params, key=next_key(generator)), requires_grad)


def randn(*size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Standard normal numbers."""
    return _draw("random_normal", generator, requires_grad, shape=_sizes(size), dtype=_dtype(dtype))


def rand(*size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Uniform numbers in [0, 1)."""
    return _draw("random_uniform", generator, requires_grad, shape=_sizes(size), dtype=_dtype(dtype))


def randn_like(input: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Standard normal numbers in the shape and dtype of ``input``."""
    return _draw("random_normal", None, requires_grad, shape=input._array.shape, dtype=_like(input, dtype))


def rand_like(input: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Uniform numbers in [0, 1) in the shape and dtype of ``input``."""
    return _draw("random_uniform", None, requires_grad, shape=input._array.shape, dtype=_like(input, dtype))


def randint(low: int, high: Any = None, size: Any = None, *, generator: Generator | None = None, dtype: Any = None) -> Any:
    """Uniform integers from ``low`` (0 where only ``high`` is given) up to but without ``high``."""
    if size is None:
        low, high, size = 0, low, high
    kind = numpy.dtype(numpy.int64) if dtype is None else dtype_of(dtype).numpy
    return _draw("random_uniform", generator, shape=_sizes((size,)), low=low, high=high, dtype=kind)


def randperm(n: int, *, generator: Generator | None = None) -> Any:
    """The integers below ``n`` in random order."""
    return _draw("permutation", generator, n=n)


def normal(mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None) -> Any:
    """Normal numbers of the given means and standard deviations: tensors, or numbers with a ``size``."""
    if size is not None:
        return randn(size, generator=generator) * std + mean
    shape = (mean if isinstance(mean, Carried) else std)._array.shape
    return randn(shape, generator=generator) * std + mean


def bernoulli(input: Any, *, generator: Generator | None = None) -> Any:
    """Ones with the probabilities in ``input``, else zeros."""
    return apply(OPS["bernoulli"], (input.detach(),), {"key": next_key(generator)})


def multinomial(input: Any, num_samples: int, replacement: bool = False, *, generator: Generator | None = None) -> Any:
    """Categories drawn by the weights in each row of ``input``."""
    return apply(
        OPS["multinomial"],
        (input.detach(),),
        {"num_samples": num_samples, "replacement": replacement, "key": next_key(generator)},
    )


def set_default_dtype(dtype: Any) -> None:
    """Make new floating-point tensors of another dtype than float32."""
    default_dtype.set(dtype_of(dtype).numpy)


def get_default_dtype() -> Dtype:
    """The dtype of new floating-point tensors."""
    return dtype_of(default_dtype.get())


FUNCTIONS = {
    function.__name__: function
    for function in (
        *(tensor, as_tensor, from_numpy, zeros, ones, empty, full, eye, arange, linspace, zeros_like, ones_like, empty_like),
        *(full_like, randn, rand, randn_like, rand_like, randint, randperm, normal, bernoulli, multinomial),
        *(manual_seed, seed, initial_seed, set_default_dtype, get_default_dtype),
    )
}
"""Functions of the package."""
