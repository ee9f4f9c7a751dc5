"""Checkpoint files: the values of variables by name, in the safetensors format, with a digest for each.

Reading one executes nothing. What is cut short or altered anywhere is refused: each value's digest covers its name, dtype,
shape and bytes, and one more covers the digests and the rest of what we put beside them.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy
from numpy import ndarray
from safetensors import SafetensorError
from safetensors.numpy import load as read_tensors, save as pack_tensors

from graphs.core.spec import show
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
    metadata = {"diptych": text, "digest": _hash(text.encode())}
    write_whole(prefix + SUFFIX, pack_tensors(stored, metadata), beside and beside + SUFFIX)


def read_checkpoint(prefix: str) -> dict[str, ndarray]:
    """The values of a checkpoint by name, read-only.

    Raises NotFoundError where there is no such file, DataLossError where it is not whole.
    """
    path = prefix + SUFFIX
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise NotFoundError(None, f"Failed to find any matching files for the checkpoint {path}") from None
    try:
        stored = read_tensors(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata = header.get("__metadata__", {})
        text, digest = metadata.get("diptych", ""), metadata.get("digest")
    except (SafetensorError, ValueError, KeyError) as error:
        raise DataLossError(None, f"Checkpoint file {path} is damaged or cut short ({len(data)} bytes): {error}") from None
    if digest != _hash(text.encode()):
        what = "its description has changed" if digest else "it has not the description that tf.train.Saver writes"
        raise DataLossError(None, f"Checkpoint file {path} is damaged, or no checkpoint: {what}")
    about = json.loads(text)
    if about["version"] > _VERSION:
        raise DataLossError(None, f"Checkpoint file {path} has the format's version {about['version']}; we know {_VERSION}")
    if stored.keys() != about["values"].keys():
        odd = sorted(stored.keys() ^ about["values"].keys())
        raise DataLossError(None, f"Checkpoint file {path} is damaged: what it says of {', '.join(odd)} does not agree")
    return {name: _checked(path, name, stored[name], entry) for name, entry in about["values"].items()}


def _checked(path: str, name: str, stored: ndarray, entry: Mapping[str, Any]) -> ndarray:
    dtype, shape = as_dtype("object" if entry["dtype"] == "string" else entry["dtype"]).dtype, tuple(entry["shape"])
    if _digest(name, dtype, shape, stored) != entry["digest"]:
        raise DataLossError(None, f"Checkpoint file {path} is damaged: the value of {name!r} has changed")
    return _restored(stored, dtype, shape)


# The dtypes that the format has not: complex numbers are stored as pairs, strings as text


def _stored(value: ndarray) -> ndarray:
    if value.dtype.kind == "O":
        items = [base64.b64encode(x if isinstance(x, bytes) else str(x).encode()).decode() for x in value.flat]
        return numpy.frombuffer(json.dumps(items).encode(), numpy.uint8)
    value = numpy.asarray(value, value.dtype.newbyteorder("="), order="C")
    return value[..., None].view(value.real.dtype) if value.dtype.kind == "c" else value


def _restored(stored: ndarray, dtype: Any, shape: tuple[int, ...]) -> ndarray:
    if dtype.kind == "O":
        out = numpy.empty(shape, object)
        out.reshape(-1)[:] = [base64.b64decode(text) for text in json.loads(stored.tobytes())]
        return out
    return stored.view(dtype)[..., 0] if dtype.kind == "c" else stored


def _digest(name: str, dtype: Any, shape: tuple[int, ...], stored: ndarray) -> str:
    about = json.dumps([name, dtype.name, list(shape), stored.dtype.name, list(stored.shape)]).encode()
    return _hash(about, stored.reshape(-1).view(numpy.uint8))


def _hash(*parts: Any) -> str:
    import hashlib  # takes 5 ms, which other programs do without

    made = hashlib.blake2b(digest_size=16)
    for part in parts:
        made.update(part)
    return made.hexdigest()


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
