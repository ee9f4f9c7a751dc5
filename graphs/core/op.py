"""Ops: the decorated kernel is the op, with its signature, documentation, gradient rules and fusion text in one place.

    @elementwise("x * y", traits={"commutative"})
    def multiply(xp, x, y):
        \"\"\"Product ``x * y``.\"\"\"
        return xp.multiply(x, y)

    multiply.vjp(lambda g, _out, _x, y: g * y, lambda g, _out, x, _y: g * x)

Arrays are positional: they are the edges of a graph. Attributes are keyword-only. A rule's parameter names say what a tape
keeps for it: a leading underscore means shape and dtype only, so that the array can be freed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from types import FunctionType
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from graphs.core import large
from graphs.core.arrays import xp_of
from graphs.core.errors import AttributesError, DtypeError, ShapeError, UnknownRank
from graphs.core.spec import Shape, Spec, broadcast, promote


OPS: dict[str, Op] = {}
"""Every op by its name."""

Keep = tuple[tuple[bool, ...], bool]
"""What a tape keeps of one call: which of the arguments, and whether the output."""


class Ghost(tuple[Any, ...]):
    """Shape and dtype of an array that was not kept: ``Ghost((shape, dtype))``.

    Where a rule uses one as an array after all, it is an array of NaNs (of zeros for integers), so that a rule whose
    parameter names lie fails its test at once. It is a tuple because a tape makes one or two at every operation.
    """

    __slots__ = ()
    __bind__ = None
    shape = property(itemgetter(0))
    dtype = property(itemgetter(1))

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self[0])

    def __array__(self, dtype: Any = None, copy: Any = None) -> ndarray:
        fill = numpy.nan if self.dtype.kind in "fc" else 0
        return numpy.broadcast_to(numpy.asarray(fill, dtype or self.dtype), self.shape)

    def __repr__(self) -> str:
        return f"Ghost({Spec(self.shape, self.dtype)})"


class Signature(NamedTuple):
    """The parameters of a kernel or rule, read off its code: ``inspect.signature`` of a thousand would slow down the import.

    Attributes:
        positional: the names of those that are given by position.
        variadic: whether it takes any number of them.
        keywords: the defaults of those that are given by name; ``inspect.Parameter.empty`` for none.
        open: whether it takes any others by name.
    """

    positional: tuple[str, ...]
    variadic: bool
    keywords: dict[str, Any]
    open: bool

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Signature:
        """The parameters of ``function``."""
        empty = inspect.Parameter.empty
        if function.__class__ is not FunctionType or hasattr(function, "__wrapped__"):
            found = list(inspect.signature(function).parameters.values())
            kinds = {p.kind for p in found}
            return cls(
                tuple(p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)),
                inspect.Parameter.VAR_POSITIONAL in kinds,
                {p.name: p.default for p in found if p.kind is p.KEYWORD_ONLY},
                inspect.Parameter.VAR_KEYWORD in kinds,
            )
        code, defaults = function.__code__, function.__kwdefaults__ or {}
        names, count, flags = code.co_varnames, code.co_argcount, code.co_flags
        keywords = {name: defaults.get(name, empty) for name in names[count : count + code.co_kwonlyargcount]}
        return cls(names[:count], bool(flags & inspect.CO_VARARGS), keywords, bool(flags & inspect.CO_VARKEYWORDS))


_SCALARS = frozenset([int, bool, complex, Ghost, *(numpy.dtype(code).type for code in "?bhilqBHILQefdFD")])
"""Classes of arguments, beside arrays, that say nothing of the array module."""


class Op:
    """A named operation. Calling it dispatches on what is passed.

    The first argument whose class has ``__bind__`` takes the call (``__bind__(op, args, params)``); where there is none, the
    kernel runs on the arrays. ``lenient`` says that the kernel gives a result for some shapes and dtypes that the rules
    refuse, so that who runs it on what a user passes asks the rules first.
    """

    __slots__ = (
        "name",
        "kernel",
        "doc",
        "text",
        "traits",
        "names",
        "variadic",
        "attributes",
        "elementwise",
        "large",
        "lenient",
        "view",
        "rules",
        "joint",
        "ghost_outs",
        "keeps",
        "_shape",
        "_dtype",
        "_kept",
        "_ghosts",
        "__weakref__",
    )

    def __init__(
        self,
        kernel: Callable[..., Any],
        *,
        name: str | None = None,
        shape: Callable[..., Any],
        dtype: Callable[..., Any],
        text: str | None = None,
        traits: Iterable[str] = (),
    ) -> None:
        self.name = name or kernel.__name__.rstrip("_")
        self.kernel = kernel
        self.doc = inspect.getdoc(kernel) or ""
        self.text = text
        self.traits = frozenset(traits)
        signature = Signature.of(kernel)
        self.names = signature.positional[1:]
        self.variadic = signature.variadic
        self.attributes: dict[str, Any] = signature.keywords
        self.elementwise = "elementwise" in self.traits
        self.large = False
        self.lenient = False
        self.view = "view" in self.traits
        self.rules: tuple[Callable[..., Any] | None, ...] | None = None
        self.joint: Callable[..., Any] | None = None
        self.ghost_outs: tuple[int, ...] = ()
        self.keeps: dict[tuple[bool, ...], Keep] = {}
        self._kept: tuple[tuple[frozenset[int], bool], ...] = ()
        self._ghosts: tuple[int, ...] = ()
        self._shape = shape
        self._dtype = dtype

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Apply the op: through the front-end of the first argument that belongs to one, else on arrays."""
        xp: Any = numpy
        for arg in args:
            kind = arg.__class__
            if kind is ndarray or kind is float:
                continue
            bind = getattr(kind, "__bind__", None)
            if bind is not None:
                return bind(self, args, params)
            if xp is numpy and kind not in _SCALARS:
                xp = xp_of(args)
        return self.kernel(xp, *args, **params)

    def vjp(self, *rules: Callable[..., Any] | None) -> None:
        """Give the gradient rules, one per argument: ``rule(g, out, *args, **attributes)``, an expression over ops.

        None in place of a rule says that the op is flat in that argument. An attribute that a rule does not name is not
        passed to it. For element-wise ops the engine undoes broadcasting; other rules return the argument's own shape.
        """
        if len(rules) != len(self.names) or self.variadic:
            raise TypeError(f"{self.name} takes {len(self.names)} arrays and was given {len(rules)} rules")
        self.rules = tuple(rule and _with_attributes(rule, self.attributes) for rule in rules)
        kept = []
        for rule in rules:
            names = Signature.of(rule).positional[1 : 2 + len(self.names)] if rule else ()
            arrays = frozenset(i for i, name in enumerate(names[1:]) if not name.startswith("_"))
            kept.append((arrays, bool(names) and not names[0].startswith("_")))
        self._kept = tuple(kept)

    def joint_vjp(
        self, rule: Callable[..., Any], *, ghosts: tuple[int, ...] = (), ghost_outs: tuple[int, ...] = ()
    ) -> Callable[..., Any]:
        """Give one rule for all gradients: ``rule(needs, gs, outs, args, **attributes)``, a sequence of one per argument.

        ``needs`` says which are wanted, ``gs`` has one gradient per output (None where nothing flowed back). ``_outs`` and
        ``_args`` with a leading underscore keep shapes and dtypes only; so do the arguments at the positions ``ghosts`` and
        the outputs at ``ghost_outs``.
        """
        self._ghosts = ghosts
        self.ghost_outs = ghost_outs
        self.joint = _with_attributes(rule, self.attributes)
        names = Signature.of(rule).positional
        self._kept = ((frozenset([0]) if not names[3].startswith("_") else frozenset(), not names[2].startswith("_")),)
        return rule

    @property
    def differentiable(self) -> bool:
        """Whether the op has gradient rules at all."""
        return self.rules is not None or self.joint is not None

    def keep(self, needs: tuple[bool, ...]) -> Keep:
        """What must be kept for the gradients of the arguments marked in ``needs``; looked up in ``keeps`` first."""
        if self.joint is not None:
            arrays, out = self._kept[0]
            keep = (tuple(bool(arrays) and i not in self._ghosts for i in range(len(needs))), out)
        elif self.rules is None:
            keep = ((False,) * len(needs), False)
        else:
            wanted = [kept for need, kept in zip(needs, self._kept, strict=True) if need]
            keep = (
                tuple(any(i in arrays for arrays, _ in wanted) for i in range(len(needs))),
                any(out for _, out in wanted),
            )
        self.keeps[needs] = keep
        return keep

    def flows(self, position: int) -> bool:
        """Whether a gradient flows into the argument at ``position``."""
        return self.joint is not None or (self.rules is not None and self.rules[position] is not None)

    def infer(self, *specs: Spec, **params: Any) -> tuple[Spec, ...]:
        """The specs of the outputs. Raises ShapeError or DtypeError naming the op and what it was given."""
        if not self.variadic and len(specs) != len(self.names):
            raise ShapeError(f"{self.name} takes {len(self.names)} arrays ({', '.join(self.names)}), got {len(specs)}")
        given = {**self.attributes, **params}
        if len(given) > len(self.attributes) or any(v is inspect.Parameter.empty for v in given.values()):
            wanted = ", ".join(self.attributes) or "none"
            raise AttributesError(f"{self.name} has the attributes {wanted}; got {', '.join(params) or 'none'}")
        try:
            dtypes = self._dtype(*(spec.dtype for spec in specs), **given)
        except (DtypeError, ShapeError) as error:
            raise type(error)(f"{self.name}: {error} (given {', '.join(map(str, specs))})") from None
        except TypeError as error:
            raise DtypeError(f"{self.name} does not take {', '.join(map(str, specs))}: {error}") from None
        except ValueError:
            raise DtypeError(f"{self.name} does not take these dtypes (given {', '.join(map(str, specs))})") from None
        several = isinstance(dtypes, tuple)
        try:
            shapes = self._shape(*specs, **given)
        except UnknownRank:
            shapes = (None,) * len(dtypes) if several else None
        except (ShapeError, DtypeError) as error:
            raise type(error)(f"{self.name}: {error} (given {', '.join(map(str, specs))})") from None
        except (ValueError, IndexError):  # a rule that found fewer dimensions than it unpacks
            raise ShapeError(f"{self.name}: too few or too many dimensions (given {', '.join(map(str, specs))})") from None
        if several:
            return tuple(Spec(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True))
        return (Spec(shapes, dtypes),)

    def __repr__(self) -> str:
        arrays = [*self.names] + (["*arrays"] if self.variadic else [])
        return f"<op {self.name}({', '.join([*arrays, *self.attributes])})>"


def _with_attributes(rule: Callable[..., Any], attributes: Mapping[str, Any]) -> Callable[..., Any]:
    """``rule``, handed only the attributes that it names, and their defaults where the call left them out.

    A rule that names all of them, with defaults of its own, needs no help: the tape calls it directly.
    """
    signature = Signature.of(rule)
    if signature.open:
        return rule
    own = signature.keywords
    named = {name: attributes[name] for name in own}
    empty = inspect.Parameter.empty
    if len(named) == len(attributes) and all(v is empty or own[k] is not empty for k, v in named.items()):
        return rule

    if len(named) == len(attributes):
        defaults = {name: value for name, value in named.items() if value is not empty}

        def with_defaults(*args: Any, **params: Any) -> Any:
            return rule(*args, **{**defaults, **params})

        return with_defaults

    def with_named(*args: Any, **params: Any) -> Any:
        return rule(*args, **{name: params.get(name, default) for name, default in named.items()})

    return with_named


_STRICT = frozenset({"elementwise", "view", "reduction", "random", "strict"})
"""Traits of ops whose kernels refuse by themselves what their shape rules refuse, unless ``lenient`` is among them too."""


def op(
    shape: Callable[..., Any],
    *,
    dtype: Callable[..., Any] | None = None,
    traits: Iterable[str] = (),
    name: str | None = None,
) -> Callable[[Callable[..., Any]], Op]:
    """Make the decorated kernel an op and enter it in the registry.

    ``shape(*specs, **attributes)`` gives the output's shape, or a tuple of shapes where ``dtype`` gives a tuple of dtypes;
    ``dtype(*dtypes, **attributes)`` gives the output's dtype, by default the one that numpy promotes the arguments to.
    """

    def make(kernel: Callable[..., Any]) -> Op:
        made = Op(kernel, shape=shape, dtype=dtype or promoted, traits=traits, name=name)
        if made.name in OPS:
            raise ValueError(f"there is an op {made.name} already")
        made.lenient = made.traits.isdisjoint(_STRICT) or "lenient" in made.traits
        OPS[made.name] = made
        return made

    return make


def elementwise(
    text: str, *, dtype: Callable[..., Any] | None = None, traits: Iterable[str] = (), name: str | None = None
) -> Callable[[Callable[..., Any]], Op]:
    """Make the decorated kernel an element-wise op: arguments broadcast, dtypes are promoted, and regions can be fused.

    ``text`` says the same as the kernel for one element, in Python's operators and the names of element-wise functions; the
    code generator writes numba and CUDA source from it.
    """

    def make(kernel: Callable[..., Any]) -> Op:
        made = op(broadcasted, dtype=dtype, traits={"elementwise", *traits}, name=name)(kernel)
        made.text = text
        made.large = large.applies(text)
        if made.large:
            made.kernel = large.widened(made)
        return made

    return make


# Shape and dtype rules that many ops share.


def broadcasted(*specs: Spec, **_: Any) -> Shape:
    """The arguments' shapes, broadcast together."""
    return broadcast(*(spec.shape for spec in specs))


def like_first(first: Spec, *_: Spec, **__: Any) -> Shape | None:
    """The first argument's shape."""
    return first.dims


def promoted(*dtypes: Any, **_: Any) -> Any:
    """The arguments' dtypes, promoted."""
    return promote(*dtypes)


def first_dtype(first: Any, *_: Any, **__: Any) -> Any:
    """The first argument's dtype."""
    return first


def floating(*dtypes: Any, **_: Any) -> Any:
    """The promoted dtype if it is inexact, else float64: what numpy's transcendental functions give."""
    dtype = promote(*dtypes)
    return dtype if dtype.kind in "fc" else numpy.dtype(numpy.float64)


def boolean(*_: Any, **__: Any) -> Any:
    """Always bool."""
    return numpy.dtype(numpy.bool_)


def numeric(*dtypes: Any, **_: Any) -> Any:
    """The promoted dtype; raises DtypeError where it is bool."""
    dtype = promote(*dtypes)
    if dtype.kind == "b":
        raise DtypeError("bool is not a number here")
    return dtype


def index_dtype(*_: Any, **__: Any) -> Any:
    """Always int64: positions."""
    return numpy.dtype(numpy.int64)
