"""Programs in the making: line by line, each tried on arrays before it is kept, so that what is kept has shapes and runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy

from graphs.core.errors import GraphsError
from graphs.core.op import Op
from graphs.core.spec import Spec
from graphs.ops.slicing import Slice
from tests.agree.machines import Trial
from tests.graphs.rewrite.samples import SAMPLES as RULES
from tests.helpers import load_samples


TABLE = load_samples()

MOST_ELEMENTS = 400
MOST_AXES = 5
_LARGEST = {2: 1e2, 4: 1e4, 8: 1e6}


class Picks:
    """Numbers that settle choices one after the other; when they run out, the first of what there is."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = iter(numbers)

    def number(self) -> int:
        return next(self._numbers, 0)

    def of(self, options: Sequence[Any]) -> Any:
        return options[self.number() % len(options)]

    def likely(self, part: int) -> bool:
        """True unless the number is a multiple of ``part``... which 0 is."""
        return self.number() % part != 0


@dataclass(eq=False)
class Val:
    """A value of the program: its name in the text, and what it is on each set of inputs."""

    name: str
    arrays: tuple[numpy.ndarray, ...]

    @property
    def first(self) -> numpy.ndarray:
        return self.arrays[0]

    @property
    def dtype(self) -> numpy.dtype:
        return self.first.dtype

    @property
    def kind(self) -> str:
        return self.first.dtype.kind

    @property
    def ndim(self) -> int:
        return self.first.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        return self.first.shape

    @property
    def smallest(self) -> int:
        """The least number of elements on any of the inputs."""
        return min(x.size for x in self.arrays)

    def same_size(self, axis: int) -> bool:
        """Whether an axis has the same size on all inputs."""
        return len({x.shape[axis] for x in self.arrays}) == 1


def names() -> dict[str, Any]:
    """What a text may name beside its own values."""
    return {
        "numpy": numpy,
        "np": numpy,
        "inf": numpy.inf,
        "nan": numpy.nan,
        "Slice": Slice,
        "setting": setting,
        "RULES": RULES,
    }


def setting(op: str, case: int, name: str) -> Any:
    """An attribute of a sample, where it cannot be written down: a body."""
    return TABLE[op].cases[case].params[name]


def listed(x: numpy.ndarray) -> str:
    """The text of an array."""
    return f"numpy.array({x.tolist()}, {x.dtype.name!r}).reshape({x.shape})" if not x.size else _filled(x)


def _filled(x: numpy.ndarray) -> str:
    text = repr(x.tolist()).replace("nan", "numpy.nan").replace("inf", "numpy.inf")
    return f"numpy.array({text}, {x.dtype.name!r})"


@dataclass
class Scope:
    """The text of a program, or of a body inside it.

    Attributes:
        dtype: the program's floating dtype.
        tame: keep to finite numbers of ordinary size.
        smooth: keep to ``SMOOTH`` ops.
        values: what can be read here, the latest last.
        envs: for each set of inputs the machine and all values by name.
        drawn: names of values that have to be computed whatever else is: draws, which come in order, and effects.
        used: the ops by name.
        effects: the last effect of each chain: of what is told, and of each variable that changes.
        effective: lines with an effect, with its chain and what it waits for.
    """

    dtype: numpy.dtype
    tame: bool
    smooth: bool
    envs: list[dict[str, Any]]
    values: list[Val] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    counter: list[int] = field(default_factory=lambda: [0])
    depth: int = 0
    drawn: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    effects: dict[str, str] = field(default_factory=dict)
    effective: dict[str, tuple[str, str]] = field(default_factory=dict)

    # Reading

    def value(self, picks: Picks, kinds: str = "bifc") -> Val | None:
        """A value of one of these kinds of dtype, counted from the latest."""
        found = [v for v in self.values if v.kind in kinds]
        return found[-1 - picks.number() % len(found)] if found else None

    def number(self, picks: Picks) -> Val | None:
        """A value of the program's own dtype, most of the time."""
        return self.value(picks, "f") or self.value(picks)

    def as_dtype(self, v: Val, dtype: Any) -> str:
        """The text of ``v`` in ``dtype``."""
        dtype = numpy.dtype(dtype)
        if v.dtype == dtype:
            return v.name
        if v.kind == "c" and dtype.kind != "c":
            return (
                f"m.cast(m.real({v.name}), dtype={dtype.name!r})" if dtype.kind == "f" else f"m.isfinite(m.real({v.name}))"
            )
        if dtype.kind == "b":
            return f"m.greater({v.name}, {0.0 if v.kind == 'f' else 0 if v.kind != 'b' else False})"
        if dtype.kind == "c":
            half = f"float{dtype.itemsize * 4}"
            part = self.as_dtype(v, half)
            return f"m.complex({part}, {part})"
        if dtype.kind in "iu" and v.kind == "f":
            return f"m.whole({v.name}, {dtype.name!r})"
        return f"m.cast({v.name}, dtype={dtype.name!r})"

    def fitted(self, v: Val, shape: tuple[int, ...], dtype: Any) -> str | None:
        """The text of an array of ``shape`` and ``dtype`` made of the elements of ``v``."""
        size = int(numpy.prod(shape))
        if all(x.shape == shape for x in v.arrays):
            return self.as_dtype(v, dtype)
        if not v.smallest or v.ndim > MOST_AXES:
            return None
        times = -(-size // v.smallest)
        if times * max(x.size for x in v.arrays) > 4 * MOST_ELEMENTS:
            return None
        return f"m.fitted({self.as_dtype(v, dtype)}, {shape}, {max(times, 1)})"

    # Writing

    def fresh(self, letter: str = "v") -> str:
        self.counter[0] += 1
        return f"{letter}{self.counter[0]}"

    def tried(self, text: str, names: Sequence[str]) -> list[Val] | None:
        """The values that ``text`` gives: an assignment to ``names``, after definitions. None where it does not do."""
        found = []
        code = compile(text, "<line>", "exec")
        before = [dict(env) for env in self.envs]
        streams = [env["m"].mark() for env in self.envs]
        try:
            with numpy.errstate(all="ignore"):
                for env in self.envs:
                    exec(code, env)
                    found.append([numpy.asarray(env[name]) for name in names])
        except (GraphsError, ValueError, IndexError, TypeError, ArithmeticError, MemoryError, numpy.linalg.LinAlgError):
            self._back(before, streams)
            return None
        values = [Val(name, tuple(arrays)) for name, arrays in zip(names, zip(*found, strict=True), strict=True)]
        if not all(map(self._fine, values)):
            self._back(before, streams)
            return None
        return values

    def _back(self, before: list[dict[str, Any]], streams: list[Any]) -> None:
        for env, old, mark in zip(self.envs, before, streams, strict=True):
            env.clear()
            env.update(old)
            env["m"].back(mark)

    def _fine(self, v: Val) -> bool:
        for x in v.arrays:
            if x.size > MOST_ELEMENTS or x.ndim > MOST_AXES or x.dtype.kind not in "bifc" or x.dtype == numpy.longdouble:
                return False
            if x.dtype != v.dtype or x.ndim != v.ndim:
                return False
            if x.dtype.kind == "i" and x.size and max(int(x.max()), -int(x.min())) > 2**31 - 1:
                return False
            if self.tame and x.dtype.kind in "fc" and not (abs(x) <= _LARGEST[x.real.dtype.itemsize]).all():
                return False
        return True

    def keep(self, text: str, outs: int = 1, ops: Sequence[str] = ()) -> bool:
        """Try ``<new names> = text`` and keep it if it does."""
        return self.keep_as(text, outs > 1, outs, ops)

    def keep_as(self, text: str, several: bool, outs: int, ops: Sequence[str] = ()) -> bool:
        """As ``keep``, for what gives ``several`` values, if only one."""
        names = [self.fresh() for _ in range(outs)]
        target = f"{', '.join(names)}," if several else names[0]
        return self.keep_lines([f"{target} = {text}"], names, ops)

    def keep_lines(self, lines: Sequence[str], names: Sequence[str], ops: Sequence[str] = ()) -> bool:
        values = self.tried("\n".join(lines), names)
        if values is None:
            return False
        self.lines += lines
        self.values += values
        self.used.update(ops)
        return True

    def inner(self, params: Sequence[Val], outer: Sequence[Val]) -> Scope:
        """The scope of a body that is handed ``params`` and reads ``outer``."""
        envs = []
        for i, env in enumerate(self.envs):
            inside = dict(env)
            inside["m"] = Trial()
            inside["m"].state.update(env["m"].state)
            inside.update({v.name: v.arrays[i] for v in params})
            envs.append(inside)
        return Scope(
            self.dtype,
            self.tame,
            self.smooth,
            envs,
            [*outer, *params],
            counter=self.counter,
            depth=self.depth + 1,
            used=self.used,
            kinds=self.kinds,
        )


def floats_integers(op: Op) -> bool:
    """Whether the op makes floating numbers of integers, which the two modes do in dtypes of their own."""
    try:
        return op.infer(*[Spec((), numpy.int64)] * len(op.names))[0].dtype.kind == "f"
    except Exception:
        return True


# fmt: off
SMOOTH = frozenset([
    "add", "subtract", "multiply", "divide", "negative", "square", "squared_difference", "lerp", "identity",
    "stop_gradient", "reciprocal", "sqrt", "rsqrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p",
    "logaddexp", "erf", "erfc", "power", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
    "asinh", "acosh", "atanh", "cbrt", "lgamma", "sigmoid", "log_sigmoid", "softplus", "silu", "mish", "gelu",
    "softmax", "log_softmax", "logsumexp", "sum", "mean", "var", "binary_cross_entropy",
    "sigmoid_cross_entropy_with_logits", "softmax_cross_entropy_with_logits", "matmul", "dot", "outer", "einsum",
    "tensordot", "convolution", "convolution_transpose", "avg_pool", "sum_pool", "batch_norm", "cumsum", "trace",
    "reshape", "transpose", "swapaxes", "matrix_transpose", "expand_dims", "squeeze", "broadcast_to", "flip",
    "roll", "shift", "getitem", "concat", "stack", "split", "tile", "repeat", "pad", "unfold", "fold", "tril",
    "triu", "diagonal", "diag", "unbroadcast", "broadcast_like", "reshape_like", "expand_like", "zeros_like",
    "ones_like", "full_like", "take", "cast_like", "sparse_softmax_cross_entropy_with_logits", "take_along_axis",
    "segment_sum", "index", "recurrence",
])
# fmt: on
"""Ops whose results, and whose gradients', move little where operands do: without steps, kinks and ties."""
