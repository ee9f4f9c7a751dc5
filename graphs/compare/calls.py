"""A step seen call by call: which op ran, on which bits, and what came out."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from graphs.codegen.fused import fused
from graphs.core.arrays import to_numpy
from graphs.core.errors import user_line
from graphs.core.node import next_serial
from graphs.core.op import OPS, Op
from graphs.updates import Rule


class Call(NamedTuple):
    """One call of a kernel. Operands and results are digests of their bits, dtype and shape; ``Log.arrays`` has them.

    Attributes:
        op: the op's name.
        commutative: whether the order of the operands is of no account.
        operands: digests.
        results: digests.
        params: the attributes, as text.
        name: the node's name, where the mode has one.
        where: the user's line, empty where there is none.
        serial: of the node, or where a tape runs of the call itself, which is counted together with records: the next one
            is the record that it left, if it left one.
        back: the serial of the record whose gradient rule called, None for a call on the way forward.
    """

    op: str
    commutative: bool
    operands: tuple[str, ...]
    results: tuple[str, ...]
    params: str
    name: str
    where: str
    serial: int = 0
    back: int | None = None


class Held(NamedTuple):
    """A parameter over a step: its name, and the digests of its values before and after."""

    name: str
    before: str
    after: str


class Listener:
    """Who is told of the kernels that a step calls; this one does nothing about it.

    Attributes:
        behind: the serial of the record whose gradient rule is being run, if a tape is going back.
    """

    behind: int | None = None

    def before(self, args: Sequence[Any]) -> Any:
        """A kernel is about to run on ``args``, and may write into them; what this gives is handed on to ``add``."""
        return None

    def run(self, run: Callable[[], Any]) -> Any:
        """Run the kernel, where the front-end does not run it itself."""
        return run()

    def add(
        self,
        op: Op,
        operands: Any,
        results: Any,
        params: Mapping[str, Any],
        name: str = "",
        where: Any = None,
        serial: int | None = None,
    ) -> None:
        """It has run; ``operands`` is what ``before`` gave."""

    def lasts(self, result: Any) -> None:
        """A result that was told of just now is not for other kernels alone: a new parameter, or something fetched."""


class Log(Listener):
    """The calls of a step in order, with every distinct array copied once.

    Attributes:
        calls: the calls.
        arrays: by its digest each array.
        held: the parameters, by the serials of their nodes; where a front-end tells of them.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.arrays: dict[str, ndarray] = {}
        self.held: dict[int, Held] = {}

    def add(
        self,
        op: Op,
        operands: Sequence[str],
        results: Any,
        params: Mapping[str, Any],
        name: str = "",
        where: Any = None,
        serial: int | None = None,
    ) -> None:
        """Enter a call. ``operands`` were digested (see ``before``) before it ran, as it may have changed them in place."""
        outs = results if isinstance(results, tuple) else (results,)
        text = ", ".join(f"{key}={value}" for key, value in params.items() if value is not None)
        found = tuple(self.digest(out) for out in outs)
        line = "" if where is None else str(where)
        number = next_serial() if serial is None else serial
        commutative = "commutative" in op.traits
        self.calls.append(Call(op.name, commutative, tuple(operands), found, text, name, line, number, self.behind))

    def before(self, args: Sequence[Any]) -> list[str]:
        """The keys under which ``args`` are kept."""
        return [self.digest(arg) for arg in args]

    def digest(self, value: Any) -> str:
        """The key under which ``value`` is kept."""
        array = to_numpy(value)
        key = digest(array)
        if key not in self.arrays:
            self.arrays[key] = array.copy()
        return key

    def maker(self, digest: str, before: int | None = None) -> int | None:
        """The last call before position ``before`` that made the value, or None: then it came from outside."""
        for position in range(len(self.calls) if before is None else before, 0, -1):
            if digest in self.calls[position - 1].results:
                return position - 1
        return None


_local = threading.local()


@contextmanager
def watching(log: Listener) -> Iterator[Listener]:
    """Tell ``log`` of every kernel that this thread calls inside, with the user's line.

    The kernels in the registry are replaced meanwhile, and so are optimisers' updates in place, so that at other times
    nothing asks whether it is being watched. Of kernels that are called by other kernels it is not told.
    """
    if getattr(_local, "log", None) is not None:
        raise RuntimeError("this thread is being watched already")
    kernels = {op: op.kernel for op in OPS.values()}
    update = Rule.kernel
    _local.log, _local.inside = log, False
    for op, kernel in kernels.items():
        op.kernel = _logged(op, kernel)
    Rule.kernel = _logged_update(update)  # type: ignore[method-assign]
    try:
        yield log
    finally:
        Rule.kernel = update  # type: ignore[method-assign]
        for op, kernel in kernels.items():
            op.kernel = kernel
        _local.log = None


def _logged(op: Op, kernel: Callable[..., Any]) -> Callable[..., Any]:
    def call(xp: Any, *args: Any, **params: Any) -> Any:
        return _enter(op, lambda: kernel(xp, *args, **params), args, params)

    return call


def _logged_update(kernel_of: Callable[..., Any]) -> Callable[..., Any]:
    """``Rule.kernel``, its kernels entered as calls of ``fused``, which is what a graph has in their place."""

    def of(rule: Rule, dtype: Any) -> Callable[..., Any]:
        kernel = kernel_of(rule, dtype)
        return lambda inputs, outs=None: _enter(fused, lambda: kernel(inputs, outs), inputs, {"label": rule.name})

    return of


def _enter(op: Op, run: Callable[[], Any], args: Sequence[Any], params: Mapping[str, Any]) -> Any:
    log = getattr(_local, "log", None)
    if log is None or _local.inside:
        return run()
    operands = log.before(args)
    _local.inside = True
    try:
        out = log.run(run)
    finally:
        _local.inside = False
    log.add(op, operands, out, params, where=user_line(2))
    return out


def digest(array: ndarray) -> str:
    """BLAKE2b of an array's dtype, shape and bytes in C's order, 128 bits as hexadecimal digits."""
    return hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode() + array.tobytes(), digest_size=16).hexdigest()


def same_bits(first: Any, second: Any) -> bool:
    """Whether two arrays agree in dtype, shape and every bit; NaNs with the same bits are equal."""
    a, b = numpy.asarray(first), numpy.asarray(second)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def ulps(first: Any, second: Any) -> int | None:
    """The largest distance between two arrays' elements in units in the last place.

    None where there is no such distance: other dtype or shape, or NaN against a number. For integers it is their
    difference.
    """
    a, b = numpy.asarray(first), numpy.asarray(second)
    if a.dtype != b.dtype or a.shape != b.shape:
        return None
    a, b = a.ravel(), b.ravel()
    if a.dtype.kind == "c":
        parts = numpy.dtype(f"f{a.dtype.itemsize // 2}")
        a, b = a.view(parts), b.view(parts)
    if a.dtype.kind == "f":
        nans = numpy.isnan(a), numpy.isnan(b)
        if (nans[0] != nans[1]).any():
            return None
        if nans[0].any():
            a, b = (numpy.where(nans[0], 0, x) for x in (a, b))
        a, b = _ranks(a), _ranks(b)
    apart = numpy.abs(a.astype(object) - b.astype(object)) if a.dtype != bool else a != b
    return int(apart.max(initial=0))


def _ranks(array: ndarray) -> ndarray:
    """Floats as integers that count them in order, both zeros being 0."""
    kind = numpy.dtype(f"i{array.dtype.itemsize}")
    bits = array.view(kind)
    return numpy.where(bits < 0, numpy.iinfo(kind).min - bits, bits)
