"""Checkpoint files: the values of variables by name, in the safetensors format, with a digest for each.

Reading one executes nothing. What is cut short or altered anywhere is refused: each value's digest covers its name, dtype,
shape and bytes, and one more covers the digests and the rest of what we put beside them.
"""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy
from numpy import ndarray

from graphs.core.files import reading
from graphs.core.jsontext import digest, strict
from graphs.core.spec import show
from graphs.core.tensorfile import TensorFile, TensorFileError, packed
from static.checkpoint_state import SUFFIX, latest_checkpoint
from static.dtypes import DType, as_dtype
from static.errors import DataLossError, NotFoundError
from static.files import write_whole


_FORMAT, _VERSION = "diptych checkpoint", 1


def write_checkpoint(
    prefix: str, values: Mapping[str, ndarray], global_step: int | None = None, beside: str | None = None
) -> None:
    """Write ``values`` as the checkpoint ``prefix``. A kill at any moment leaves the old one or the new one, whole."""
    stored = {name: _stored(numpy.asarray(value)) for name, value in values.items()}
    about = {
        "format": _FORMAT,
        "version": _VERSION,
        "global_step": global_step,
        "values": {
            name: {
                "dtype": as_dtype(numpy.asarray(value).dtype).name,
                "shape": list(numpy.shape(value)),
                "digest": _digest(name, numpy.asarray(value).dtype, numpy.shape(value), stored[name]),
            }
            for name, value in values.items()
        },
    }
    text = json.dumps(about, sort_keys=True)
    metadata = {"diptych": text, "digest": digest(text.encode())}
    write_whole(prefix + SUFFIX, packed(stored, metadata), beside and beside + SUFFIX)


def read_checkpoint(prefix: str) -> dict[str, ndarray]:
    """The values of a checkpoint by name, read-only.

    Raises NotFoundError where there is no such file, DataLossError, naming the file and the value where it is one, where it
    is not whole.
    """
    path = prefix + SUFFIX
    try:
        with reading(path) as (file, size):
            stored = TensorFile(file.read(8), file, size - 8)
            entries = _entries(stored)
            return {name: _checked(name, value, entries[name]) for name, value in stored.arrays()}
    except FileNotFoundError:
        raise NotFoundError(None, f"Failed to find any matching files for the checkpoint {path}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataLossError(None, f"Checkpoint file {path} is damaged, or no checkpoint: {error}") from None


def _entries(stored: TensorFile) -> dict[str, dict[str, Any]]:
    """What the description says of each value that is there. Raises ValueError where it has changed, or makes no sense."""
    text, hashed = stored.metadata.get("diptych"), stored.metadata.get("digest")
    if text is None or hashed is None:
        raise ValueError("it has not the description that tf.train.Saver writes")
    if digest(text.encode()) != hashed:
        raise ValueError("its description has changed")
    about = strict(text)
    if not isinstance(about, dict) or about.get("format") != _FORMAT or type(about.get("version")) is not int:
        raise ValueError(f"its description is not of the format {_FORMAT!r}")
    if not 1 <= about["version"] <= _VERSION:
        raise ValueError(f"it has the format's version {about['version']}; we know {_VERSION}")
    entries = about.get("values")
    if not isinstance(entries, dict):
        raise ValueError("its description names no values")
    names = {place.name for place in stored.places}
    if names != entries.keys():
        raise ValueError(f"what it says of {', '.join(sorted(names ^ entries.keys())[:9])} does not agree")
    return entries


def _checked(name: str, stored: ndarray, entry: Any) -> ndarray:
    """The value that ``stored`` stands for, where it is what its entry says."""
    try:
        word, dims, hashed = entry["dtype"], entry["shape"], entry["digest"]
        dtype = as_dtype("object" if word == "string" else word).dtype
        if not isinstance(dims, list) or not all(type(n) is int and n >= 0 for n in dims):
            raise ValueError(f"{dims!r:.80} is no shape")
    except (TypeError, ValueError, KeyError) as error:
        raise TensorFileError(f"what it says of {name!r} makes no sense: {error}", name) from None
    if _digest(name, dtype, tuple(dims), stored) != hashed:
        raise TensorFileError(f"the value of {name!r} has changed", name)
    try:
        return _restored(stored, dtype, tuple(dims))
    except (TypeError, ValueError, RecursionError) as error:
        raise TensorFileError(f"the value of {name!r} is not {word}{show(dims)}: {error}", name) from None


# The dtypes that the format has not: complex numbers are stored as pairs, strings as text


def _stored(value: ndarray) -> ndarray:
    if value.dtype.kind == "O":
        items = [base64.b64encode(x if isinstance(x, bytes) else str(x).encode()).decode() for x in value.flat]
        return numpy.frombuffer(json.dumps(items).encode(), numpy.uint8)
    value = numpy.asarray(value, value.dtype.newbyteorder("="), order="C")
    return value[..., None].view(value.real.dtype) if value.dtype.kind == "c" else value


def _restored(stored: ndarray, dtype: Any, shape: tuple[int, ...]) -> ndarray:
    if dtype.kind == "O":
        texts = strict(stored.tobytes())
        if stored.dtype != numpy.uint8 or not isinstance(texts, list) or len(texts) != math.prod(shape):
            raise ValueError("it is not as many texts")
        out = numpy.empty(shape, object)
        out.reshape(-1)[:] = [base64.b64decode(text, validate=True) for text in texts]
    else:
        out = stored.view(dtype)[..., 0] if dtype.kind == "c" and stored.ndim else stored
        if out.dtype != dtype or out.shape != shape:
            raise ValueError(f"it is stored as {stored.dtype.name}{show(stored.shape)}")
    out.flags.writeable = False
    return out


def _digest(name: str, dtype: Any, shape: tuple[int, ...], stored: ndarray) -> str:
    about = json.dumps([name, dtype.name, list(shape), stored.dtype.name, list(stored.shape)]).encode()
    return digest(about, stored.reshape(-1).view(numpy.uint8))


class CheckpointReader:
    """What a checkpoint holds. Raises NotFoundError where there is none, DataLossError where it is not whole."""

    def __init__(self, filepattern: str) -> None:
        self._path = filepattern
        self._values = read_checkpoint(filepattern)

    def has_tensor(self, tensor_str: str) -> bool:
        """Whether there is a value of that name."""
        return tensor_str in self._values

    def get_tensor(self, tensor_str: str) -> ndarray:
        """The value of that name, the caller's own. Raises NotFoundError where there is none."""
        if tensor_str not in self._values:
            raise NotFoundError(None, f"Key {tensor_str} not found in checkpoint {self._path}")
        return self._values[tensor_str].copy()

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shape of each value."""
        return {name: list(value.shape) for name, value in self._values.items()}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """The dtype of each value."""
        return {name: as_dtype(value.dtype) for name, value in self._values.items()}

    def debug_string(self) -> bytes:
        """A line for each value: name, dtype, shape."""
        lines = [f"{name} ({value.dtype.name}) {show(value.shape)}" for name, value in sorted(self._values.items())]
        return "\n".join(lines).encode()


NewCheckpointReader = CheckpointReader


def load_checkpoint(ckpt_dir_or_file: str) -> CheckpointReader:
    """A reader of the checkpoint, or of the latest one in a directory. Raises ValueError where that has none."""
    prefix: str | None = ckpt_dir_or_file
    if os.path.isdir(ckpt_dir_or_file):
        prefix = latest_checkpoint(ckpt_dir_or_file)
    if prefix is None:
        raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {ckpt_dir_or_file}")
    return CheckpointReader(prefix)


def load_variable(ckpt_dir_or_file: str, name: str) -> ndarray:
    """The value of the variable ``name`` (with or without ``:0``) in a checkpoint."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: str) -> list[tuple[str, list[int]]]:
    """Name and shape of each value in a checkpoint, by name."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())
