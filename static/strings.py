"""``tf.strings``: operations on strings, which are arrays of bytes objects."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from graphs.core.op import Op, broadcasted
from graphs.core.spec import Spec
from static.calls import axes
from static.dtypes import as_dtype
from static.effects import operation
from static.errors import InvalidArgumentError
from static.registry import registered
from static.sparse import SparseTensor
from static.summarize import layout
from static.tensor import apply, convert_to_tensor


_TEXT = numpy.dtype(object)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _op(name: str, dtype: Any = _TEXT, shape: Callable[..., Any] = broadcasted) -> Callable[[Callable[..., Any]], Op]:
    """Make the decorated kernel an op on strings; ``dtype`` is that of its output, or a function of its attributes."""

    def of(*_: Any, **params: Any) -> Any:
        return dtype(**params) if callable(dtype) and not isinstance(dtype, type) else numpy.dtype(dtype)

    def make(kernel: Callable[..., Any]) -> Op:
        made = registered(Op(kernel, name=name, shape=shape, dtype=of))
        made.joint_vjp(lambda needs, _gs, _outs, _args: [None] * len(needs))
        return made

    return make


def _each(function: Callable[..., Any], *arrays: Any, dtype: Any = _TEXT) -> Any:
    """``function`` of the elements at each place of the arrays, broadcast together."""
    given = numpy.broadcast_arrays(*arrays)
    out = numpy.empty(given[0].shape, dtype)
    flat = out.reshape(-1)
    for i, items in enumerate(zip(*(x.reshape(-1) for x in given), strict=True)):
        flat[i] = function(*items)
    return out


def _call(op: Op, *args: Any, name: str | None, node: str, **params: Any) -> Any:
    return apply(op, *(convert_to_tensor(x) for x in args), name=name, node=node, **params)


@_op("as_string")
def _as_string(xp: Any, x: Any, *, number: str) -> Any:
    kind = x.dtype.kind
    if kind == "b":
        return _each(lambda v: b"true" if v else b"false", x)
    if kind == "c":
        return _each(lambda v: f"({number % v.real},{number % v.imag})".encode(), x)
    return _each(lambda v: (number % v).encode(), x)


def as_string(
    input: Any,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: str | None = None,
) -> Any:
    """Numbers and bools as strings, as C's ``printf`` writes them: floats with six digits after the point.

    Args:
        precision: digits after the point.
        scientific, shortest: floats with an exponent, or in the shorter of both forms.
        width, fill: the least width, and what fills it up on the left (a space or 0).
    """
    x = convert_to_tensor(input)
    if scientific and shortest:
        raise ValueError("as_string: scientific and shortest cannot both be chosen")
    letter = "d" if x.dtype.is_integer else "e" if scientific else "g" if shortest else "f"
    wide = str(width) if width >= 0 else ""
    number = f"%{fill}{wide}{f'.{precision}' if precision >= 0 else ''}{letter}"
    return apply(_as_string, x, name=name, node="AsString", number=number)


@_op("string_join")
def _join(xp: Any, *parts: Any, separator: bytes) -> Any:
    return _each(lambda *items: separator.join(items), *parts)


def join(inputs: Sequence[Any], separator: str | bytes = "", name: str | None = None) -> Any:
    """The strings of several tensors, of one shape or scalars, one after the other at each place."""
    parts = [convert_to_tensor(x, "string") for x in inputs]
    return apply(_join, *parts, name=name, node="StringJoin", separator=_bytes(separator))


@_op("string_to_number", lambda out: numpy.dtype(out))
def _to_number(xp: Any, x: Any, *, out: str) -> Any:
    convert = float if numpy.dtype(out).kind == "f" else int

    def number(item: bytes) -> Any:
        try:
            return convert(item)
        except ValueError:
            raise InvalidArgumentError(
                None, f"StringToNumberOp could not correctly convert string: {item.decode(errors='replace')}"
            ) from None

    return _each(number, x, dtype=out)


def to_number(string_tensor: Any, out_type: Any = "float32", name: str | None = None) -> Any:
    """Strings as numbers. A run fails with InvalidArgumentError where one is none."""
    return _call(_to_number, string_tensor, name=name, node="StringToNumber", out=as_dtype(out_type).name)


@_op("string_strip")
def _strip(xp: Any, x: Any) -> Any:
    return _each(bytes.strip, x)


def strip(input: Any, name: str | None = None) -> Any:
    """Strings without white space at either end."""
    return _call(_strip, input, name=name, node="StringStrip")


@_op("string_lower")
def _lower(xp: Any, x: Any) -> Any:
    return _each(bytes.lower, x)


def lower(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """Strings with ASCII's capitals made small."""
    return _call(_lower, input, name=name, node="StringLower")


@_op("string_upper")
def _upper(xp: Any, x: Any) -> Any:
    return _each(bytes.upper, x)


def upper(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """Strings with ASCII's small letters made capitals."""
    return _call(_upper, input, name=name, node="StringUpper")


@_op("string_length", numpy.int32)
def _length(xp: Any, x: Any, *, unit: str) -> Any:
    return _each(lambda v: len(v if unit == "BYTE" else v.decode()), x, dtype=numpy.int32)


def length(input: Any, name: str | None = None, unit: str = "BYTE") -> Any:
    """The lengths of strings, in bytes or (``UTF8_CHAR``) in characters."""
    return _call(_length, input, name=name, node="StringLength", unit=unit)


@_op("substr")
def _substr(xp: Any, x: Any, pos: Any, len: Any) -> Any:
    def part(item: bytes, start: Any, count: Any) -> bytes:
        size = item.__len__()
        if not -size <= start <= size:
            raise InvalidArgumentError(None, f"pos {start} out of range for string b'{item.decode(errors='replace')}'")
        begin = int(start) + (size if start < 0 else 0)
        return item[begin : begin + int(count)]

    return _each(part, x, pos, len)


def substr(input: Any, pos: Any, len: Any, name: str | None = None) -> Any:
    """``len`` bytes of each string from ``pos`` on. A run fails with InvalidArgumentError where that is outside."""
    return _call(_substr, input, pos, len, name=name, node="Substr")


@_op("regex_replace")
def _regex_replace(xp: Any, x: Any, *, pattern: bytes, rewrite: bytes, count: int) -> Any:
    compiled = re.compile(pattern)
    text = re.sub(rb"\\0", rb"\\g<0>", rewrite)
    return _each(lambda v: compiled.sub(text, v, count=count), x)


def regex_replace(input: Any, pattern: str, rewrite: str, replace_global: bool = True, name: str | None = None) -> Any:
    r"""Strings with the matches of a regular expression (only the first, unless ``replace_global``) replaced.

    ``\0`` to ``\9`` in ``rewrite`` stand for what was matched.
    """
    settings = {"pattern": _bytes(pattern), "rewrite": _bytes(rewrite), "count": 0 if replace_global else 1}
    return _call(_regex_replace, input, name=name, node="RegexReplace", **settings)


@_op("regex_full_match", numpy.bool_)
def _full_match(xp: Any, x: Any, *, pattern: bytes) -> Any:
    compiled = re.compile(pattern)
    return _each(lambda v: compiled.fullmatch(v) is not None, x, dtype=bool)


def regex_full_match(input: Any, pattern: str, name: str | None = None) -> Any:
    """Whether a regular expression matches each string as a whole."""
    return _call(_full_match, input, name=name, node="RegexFullMatch", pattern=_bytes(pattern))


def _reduced(x: Spec, *, axis: Any, keepdims: bool, **_: Any) -> Any:
    dims = x.shape
    chosen = {a % len(dims) for a in axis} if axis is not None else set(range(len(dims)))
    return tuple(1 if i in chosen else dim for i, dim in enumerate(dims) if keepdims or i not in chosen)


@_op("reduce_join", shape=_reduced)
def _reduce_join(xp: Any, x: Any, *, axis: Any, keepdims: bool, separator: bytes) -> Any:
    order = [a % x.ndim for a in reversed(axis)] if axis is not None else list(range(x.ndim))
    kept = [i for i in range(x.ndim) if i not in order]
    moved = x.transpose([*kept, *order]).reshape(*(x.shape[i] for i in kept), -1)
    out = numpy.empty(moved.shape[:-1], _TEXT)
    for place in numpy.ndindex(*out.shape):
        out[place] = separator.join(moved[place])
    return numpy.expand_dims(out, tuple(sorted(order))) if keepdims else out


def reduce_join(
    inputs: Any,
    axis: Any = None,
    keep_dims: bool | None = None,
    separator: str = "",
    name: str | None = None,
    reduction_indices: Any = None,
    keepdims: bool | None = None,
) -> Any:
    """The strings along the axes (all for None) joined: first along the first axis that is named, then along the next."""
    chosen = axes(reduction_indices if axis is None else axis)
    settings = {"axis": (chosen,) if isinstance(chosen, int) else chosen, "separator": _bytes(separator)}
    return _call(_reduce_join, inputs, name=name, node="ReduceJoin", keepdims=bool(keepdims or keep_dims), **settings)


def _decoded(x: Spec, **_: Any) -> Any:
    return (*x.shape, None)


@_op("decode_raw", lambda out: numpy.dtype(out).newbyteorder("="), _decoded)
def _decode_raw(xp: Any, x: Any, *, out: str) -> Any:
    size = numpy.dtype(out).itemsize
    lengths = {len(item) for item in x.flat}
    if len(lengths) > 1:
        raise InvalidArgumentError(None, f"DecodeRaw requires input strings to all be the same size, not {sorted(lengths)}")
    count = lengths.pop() if lengths else 0
    if count % size:
        raise InvalidArgumentError(
            None,
            f"Input to DecodeRaw has length {count} that is not a multiple of {size}, the size of {numpy.dtype(out).name}",
        )
    flat = numpy.frombuffer(b"".join(x.flat), out).astype(numpy.dtype(out).newbyteorder("="))
    return flat.reshape(*x.shape, count // size)


def decode_raw(bytes: Any, out_type: Any, little_endian: bool = True, name: str | None = None) -> Any:
    """The bytes of strings of one length as numbers, along a new last axis.

    A run fails with InvalidArgumentError where lengths differ, or are no multiple of a number's.
    """
    out = as_dtype(out_type).dtype.newbyteorder("<" if little_endian else ">").str
    return _call(_decode_raw, bytes, name=name, node="DecodeRaw", out=out)


@_op("encode_base64")
def _encode(xp: Any, x: Any, *, pad: bool) -> Any:
    return _each(lambda v: base64.urlsafe_b64encode(v) if pad else base64.urlsafe_b64encode(v).rstrip(b"="), x)


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Any:
    """Strings in base 64, with the letters that are safe in addresses."""
    return _call(_encode, input, name=name, node="EncodeBase64", pad=pad)


@_op("decode_base64")
def _decode(xp: Any, x: Any) -> Any:
    return _each(lambda v: base64.urlsafe_b64decode(v + b"=" * (-len(v) % 4)), x)


def decode_base64(input: Any, name: str | None = None) -> Any:
    """What ``encode_base64`` made, back again."""
    return _call(_decode, input, name=name, node="DecodeBase64")


def _split_shapes(*_: Any, **__: Any) -> Any:
    return ((None, 2), (None,), (2,))


def _split(xp: Any, x: Any, *, pattern: bytes, limit: int, skip_empty: bool) -> Any:
    """The positions, the parts and the shape of the matrix of the parts of each string; single bytes without a pattern."""
    separators = re.compile(pattern)
    rows = []
    for item in x:
        parts = separators.split(item, limit) if pattern else [item[i : i + 1] for i in range(len(item))]
        rows.append([part for part in parts if part or not skip_empty])
    where = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    values = numpy.array([part for row in rows for part in row], _TEXT)
    shape = numpy.array([len(rows), max(map(len, rows), default=0)], numpy.int64)
    return numpy.array(where, numpy.int64).reshape(-1, 2), values, shape


_split_op = registered(
    Op(
        _split,
        name="string_split",
        shape=_split_shapes,
        dtype=lambda *_, **__: (numpy.dtype(numpy.int64), _TEXT, numpy.dtype(numpy.int64)),
    )
)


def _parts(source: Any, pattern: bytes, limit: int, skip_empty: bool, name: str | None) -> SparseTensor:
    given = [convert_to_tensor(source, "string")]
    made = operation(_split_op, given, name or "StringSplit", pattern=pattern, limit=limit, skip_empty=skip_empty)
    return SparseTensor(*made.outputs)


def string_split(
    source: Any, sep: str | None = None, skip_empty: bool = True, delimiter: str | None = None, name: str | None = None
) -> SparseTensor:
    """The parts of each string of a vector, as a sparse matrix of strings.

    Each character of ``sep``, by default a space, is a delimiter; with an empty one each byte is a part. Empty parts are
    left out unless ``skip_empty`` is False.
    """
    letters = next((x for x in (sep, delimiter) if x is not None), " ").encode()
    return _parts(source, b"[" + re.escape(letters) + b"]" if letters else b"", 0, skip_empty, name)


def split(
    input: Any, sep: str | None = None, maxsplit: int = -1, result_type: str = "SparseTensor", name: str | None = None
) -> SparseTensor:
    """The parts of each string of a vector between ``sep`` (a whole string; white space for None), as a sparse matrix.

    Raises NotImplementedError for ragged results.
    """
    if result_type != "SparseTensor":
        raise NotImplementedError("tf.strings.split: the result is a SparseTensor")
    pattern = re.escape(sep.encode()) if sep else rb"\s+"
    return _parts(input, pattern, max(maxsplit, 0), not sep, name)


@_op("string_format", shape=lambda *_, **__: ())
def _format(xp: Any, *arrays: Any, pieces: tuple[str, ...], summarize: int) -> Any:
    shown = [layout(each, summarize) for each in arrays]
    out = numpy.empty((), _TEXT)
    out[()] = "".join(piece + more for piece, more in zip(pieces, [*shown, ""], strict=True)).encode()
    return out


def format(template: str, inputs: Any, placeholder: str = "{}", summarize: int = 3, name: str | None = None) -> Any:
    """``template`` with the tensors in place of the placeholders. Raises ValueError where their numbers differ."""
    tensors = [convert_to_tensor(x) for x in (inputs if isinstance(inputs, (list, tuple)) else [inputs])]
    pieces = tuple(template.split(placeholder))
    if len(pieces) != len(tensors) + 1:
        raise ValueError(
            f"{len(pieces) - 1} placeholder(s) in template does not match {len(tensors)} tensor(s) provided as input"
        )
    return operation(_format, tensors, name or "StringFormat", pieces=pieces, summarize=summarize).outputs[0]
