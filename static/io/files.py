"""Operations that read and write files, and take apart what is in them.

Those that touch files are not in the registry: a graph that is read from a file cannot have them.
"""

from __future__ import annotations

import csv
import glob
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from graphs.core.op import Op
from graphs.core.spec import Spec
from static.conversion import as_strings
from static.effects import operation
from static.errors import InvalidArgumentError, NotFoundError, UnknownError
from static.registry import registered
from static.tensor import constant_value, convert_to_tensor


_TEXT = numpy.dtype(object)


def _boxed(value: bytes) -> Any:
    out = numpy.empty((), _TEXT)
    out[()] = value
    return out


def _file_op(name: str, shape: Callable[..., Any], dtype: Callable[..., Any]) -> Callable[[Callable[..., Any]], Op]:
    return lambda kernel: Op(kernel, name=name, shape=shape, dtype=dtype, traits=("stateful",))


@_file_op("read_file", lambda name: (), lambda name: _TEXT)
def read_file_op(xp: Any, name: Any) -> Any:
    """The bytes of a file. Raises NotFoundError or UnknownError."""
    path = os.fsdecode(name[()])
    try:
        with open(path, "rb") as file:
            return _boxed(file.read())
    except FileNotFoundError as error:
        raise NotFoundError(None, f"{path}; {error.strerror}") from error
    except OSError as error:
        raise UnknownError(None, f"{path}; {error.strerror}") from error


@_file_op("write_file", lambda *_: (), lambda *_: ())
def write_file_op(xp: Any, name: Any, contents: Any) -> Any:
    """Nothing: the bytes are a file's from now on, in directories that are made where they lack."""
    path = os.fsdecode(name[()])
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "wb") as file:
            file.write(contents[()])
    except OSError as error:
        raise UnknownError(None, f"{path}; {error.strerror}") from error
    return ()


@_file_op("matching_files", lambda pattern: (None,), lambda pattern: _TEXT)
def matching_files_op(xp: Any, pattern: Any) -> Any:
    """The names of the files that match a pattern, in order."""
    found = {name for text in numpy.ravel(pattern) for name in glob.glob(os.fsdecode(text))}
    return as_strings(sorted(found))


def read_file(filename: Any, name: str | None = None) -> Any:
    """The content of a file, as a string. A run fails with NotFoundError where there is none."""
    return operation(read_file_op, [convert_to_tensor(filename, "string")], name or "ReadFile").outputs[0]


def write_file(filename: Any, contents: Any, name: str | None = None) -> Any:
    """An operation that makes the string ``contents`` a file's content."""
    given = [convert_to_tensor(x, "string") for x in (filename, contents)]
    return operation(write_file_op, given, name or "WriteFile")


def matching_files(pattern: Any, name: str | None = None) -> Any:
    """The names of the files that match a pattern, or one of several."""
    return operation(matching_files_op, [convert_to_tensor(pattern, "string")], name or "MatchingFiles").outputs[0]


# Comma-separated values


def _columns(records: Spec, *, defaults: Sequence[Any], **_: Any) -> Any:
    return (records.dims,) * len(defaults)


def _decode_csv(
    xp: Any, records: Any, *, defaults: Sequence[Any], dtypes: Sequence[Any], settings: Any, na_value: str, columns: Any
) -> Any:
    """The fields of each record, a column an output."""
    rows = [_fields(item, i, settings, columns) for i, item in enumerate(records.reshape(-1))]
    found = []
    for position, (default, dtype) in enumerate(zip(defaults, dtypes, strict=True)):
        out = numpy.empty(len(rows), dtype)
        for i, row in enumerate(rows):
            if len(row) != len(defaults):
                raise InvalidArgumentError(None, f"Expect {len(defaults)} fields but have {len(row)} in record {i}")
            out[i] = _field(row[position], default, dtype, na_value, position, i)
        found.append(out.reshape(records.shape))
    return found[0] if len(found) == 1 else tuple(found)


def _fields(record: bytes, number: int, settings: Any, columns: Any) -> list[str]:
    try:
        row = next(csv.reader([record.decode()], strict=True, **settings), [""])
    except csv.Error as error:
        raise InvalidArgumentError(None, f"record {number} cannot be taken apart: {error}") from None
    return row if columns is None else [row[i] for i in columns]


def _field(text: str, default: Any, dtype: Any, na_value: str, position: int, number: int) -> Any:
    if text in ("", na_value):
        if default is None:
            raise InvalidArgumentError(None, f"Field {position} is required but missing in record {number}!")
        return default
    if dtype.kind == "O":
        return text.encode()
    try:
        return dtype.type(text)
    except ValueError:
        raise InvalidArgumentError(
            None, f"Field {position} in record {number} is not a valid {dtype.name}: {text}"
        ) from None


decode_csv_op = registered(Op(_decode_csv, name="decode_csv", shape=_columns, dtype=lambda *_, dtypes, **__: tuple(dtypes)))


def decode_csv(
    records: Any,
    record_defaults: Sequence[Any],
    field_delim: str = ",",
    use_quote_delim: bool = True,
    name: str | None = None,
    na_value: str = "",
    select_cols: Sequence[int] | None = None,
) -> list[Any]:
    """The columns of records of comma-separated values: a tensor for each of ``record_defaults``.

    ``record_defaults`` says a column's dtype, by a value that stands for empty fields and for ``na_value``; one without
    elements says that there has to be a field. A run fails with InvalidArgumentError where a field is no such number, or is
    empty and has no default, and where there are too few or too many.
    """
    dtypes, defaults = [], []
    for item in record_defaults:
        value = constant_value(convert_to_tensor(item))
        if value is None:
            raise ValueError(f"decode_csv: defaults have to be known while the graph is being built, and {item!r} is not")
        dtypes.append(value.dtype)
        defaults.append(value.reshape(-1)[0] if value.size else None)
    quoting = csv.QUOTE_MINIMAL if use_quote_delim else csv.QUOTE_NONE
    made = operation(
        decode_csv_op,
        [convert_to_tensor(records, "string")],
        name or "DecodeCSV",
        defaults=tuple(defaults),
        dtypes=tuple(dtypes),
        settings={"delimiter": field_delim, "quoting": quoting},
        na_value=na_value,
        columns=None if select_cols is None else tuple(select_cols),
    )
    return list(made.outputs)
