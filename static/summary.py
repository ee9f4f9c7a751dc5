"""``tf.summary``: what a run tells TensorBoard, and the event files it goes to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graphs.core.errors import DtypeError, at_line
from graphs.core.op import Op
from static import logging
from static.conversion import as_strings
from static.dtypes import as_dtype
from static.event_files import FileWriter as FileWriter, FileWriterCache as FileWriterCache
from static.graph import GraphKeys, get_collection, get_default_graph
from static.protos import Event as Event, SessionLog as SessionLog, Summary as Summary
from static.summary_ops import (
    histogram_summary_op,
    image_summary_op,
    merge_summary_op,
    scalar_summary_op,
    tensor_summary_op,
)
from static.tensor import apply, constant, convert_to_tensor


_ODD = re.compile(r"[^-/\w\.]")
_TEXT = b"\n\x06\n\x04text"  # the serialised SummaryMetadata of TensorBoard's plugin for text


def scalar(name: str, tensor: Any, collections: Iterable[Any] | None = None, family: str | None = None) -> Any:
    """A summary of one number. Like all of these it is a string tensor: a run yields a serialised ``Summary``.

    Args:
        name: the node's name and, scopes before it, the tag in TensorBoard.
        tensor: the value.
        collections: where it goes, by default to ``GraphKeys.SUMMARIES``, for ``merge_all``.
        family: put before the tag, so that TensorBoard shows what has the same one together.
    """
    value = _taken(tensor, "iuf", "values")
    return _summary(scalar_summary_op, name, "tags", value, collections, family)


def histogram(name: str, values: Any, collections: Iterable[Any] | None = None, family: str | None = None) -> Any:
    """A summary of how values are distributed. The run fails with InvalidArgumentError where one is not finite."""
    return _summary(histogram_summary_op, name, "tag", _taken(values, "iuf", "values"), collections, family)


def image(
    name: str, tensor: Any, max_outputs: int = 3, collections: Iterable[Any] | None = None, family: str | None = None
) -> Any:
    """A summary of the first ``max_outputs`` images of a batch of shape (batch, height, width, 1, 3 or 4 channels).

    uint8 is shown as it is; floats are scaled, each image by itself: to 0..255 where none is negative, else so that zero
    becomes 128.
    """
    pixels = convert_to_tensor(tensor)
    if pixels.dtype != "uint8":
        _taken(pixels, "f", "tensor")
    return _summary(image_summary_op, name, "tag", pixels, collections, family, max_outputs=int(max_outputs))


def text(name: str, tensor: Any, collections: Iterable[Any] | None = None) -> Any:
    """A summary of strings. Raises ValueError where the tensor is not of strings."""
    value = convert_to_tensor(tensor)
    if value.dtype.kind != "O":
        raise ValueError(f"Expected tensor {value.name} to have dtype string, got {value.dtype}{at_line()}")
    return _summary(tensor_summary_op, name, "tag", value, collections, None, metadata=_TEXT)


def tensor_summary(
    name: str,
    tensor: Any,
    summary_description: Any = None,
    collections: Iterable[Any] | None = None,
    summary_metadata: Any = None,
    family: str | None = None,
    display_name: str | None = None,
) -> Any:
    """A summary that holds a tensor whole; ``summary_metadata`` is a ``SummaryMetadata`` message."""
    data = b"" if summary_metadata is None else summary_metadata.SerializeToString()
    return _summary(tensor_summary_op, name, "tag", convert_to_tensor(tensor), collections, family, metadata=data)


def merge(inputs: Iterable[Any], collections: Iterable[Any] | None = None, name: str | None = None) -> Any:
    """One summary with the values of all of ``inputs``. The run fails where two have the same tag.

    Raises ValueError where there are none.
    """
    given = [convert_to_tensor(x) for x in inputs]
    if not given:
        raise ValueError(f"List argument 'inputs' to 'MergeSummary' Op with length 0 shorter than 1.{at_line()}")
    name = name and _clean(name)
    with given[0].graph.name_scope(name or "Merge"):
        made = apply(merge_summary_op, *given, name=name, node="MergeSummary")
    return _collected(made, collections, ())


def merge_all(key: Any = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None) -> Any:
    """All the default graph's summaries (those whose names begin as ``scope`` says) in one, None where there are none."""
    found = get_collection(key, scope)
    return merge(found, name=name) if found else None


def _summary(
    op: Op, name: str, letter: str, value: Any, collections: Iterable[Any] | None, family: str | None, **params: Any
) -> Any:
    with _scope(name, family) as (tag, scope):
        label = constant(as_strings(tag), name=letter)
        made = apply(op, label, value, name=scope, **params)
    return _collected(made, collections, (GraphKeys.SUMMARIES,))


@contextmanager
def _scope(name: str, family: str | None) -> Iterator[tuple[str, str]]:
    """A new scope for a summary: its tag, and the scope's name, which the node takes."""
    name = _clean(name)
    if family is not None:
        name = f"{_clean(family)}/{name}"
    with get_default_graph().name_scope(name) as scope:
        tag = scope.rstrip("/")
        yield tag if family is None else f"{_clean(family)}/{tag}", scope


def _clean(name: str) -> str:
    """``name`` without what tags and nodes cannot have in theirs."""
    found = _ODD.sub("_", name).lstrip("/")
    if found != name:
        logging.info("Summary name %s is illegal; using %s instead.", name, found)
    return found


def _taken(x: Any, kinds: str, what: str) -> Any:
    tensor = convert_to_tensor(x)
    if tensor.dtype.kind not in kinds:
        names = [name for name in _NAMES if as_dtype(name).kind in kinds]
        raise DtypeError(
            f"Value passed to parameter '{what}' has DataType {tensor.dtype.name} not in list of allowed values: "
            f"{', '.join(names)}{at_line()}"
        )
    return tensor


_NAMES = ("float32", "float64", "int32", "uint8", "int16", "int8", "int64", "uint16", "float16", "uint32", "uint64")


def _collected(made: Any, collections: Iterable[Any] | None, usual: Sequence[Any]) -> Any:
    for key in usual if collections is None else collections:
        made.graph.add_to_collection(key, made)
    return made


# TensorFlow 0.x: the tag is what the user says, whatever the scope


def scalar_summary(tags: Any, values: Any, collections: Iterable[Any] | None = None, name: str | None = None) -> Any:
    """A summary of the numbers ``values``, with ``tags`` of the same shape."""
    return _old(scalar_summary_op, tags, _taken(values, "iuf", "values"), collections, name)


def histogram_summary(tag: Any, values: Any, collections: Iterable[Any] | None = None, name: str | None = None) -> Any:
    """A summary of how ``values`` are distributed."""
    return _old(histogram_summary_op, tag, _taken(values, "iuf", "values"), collections, name)


def image_summary(
    tag: Any, tensor: Any, max_images: int = 3, collections: Iterable[Any] | None = None, name: str | None = None
) -> Any:
    """A summary of the first ``max_images`` images of a batch."""
    return _old(image_summary_op, tag, convert_to_tensor(tensor), collections, name, max_outputs=int(max_images))


def merge_summary(inputs: Iterable[Any], collections: Iterable[Any] | None = None, name: str | None = None) -> Any:
    """One summary with the values of all of ``inputs``."""
    return _collected(apply(merge_summary_op, *inputs, name=name, node="MergeSummary"), collections, ())


def merge_all_summaries(key: Any = GraphKeys.SUMMARIES) -> Any:
    """All the default graph's summaries in one, None where there are none."""
    found = get_collection(key)
    return merge_summary(found) if found else None


def _old(op: Op, tags: Any, value: Any, collections: Iterable[Any] | None, name: str | None, **params: Any) -> Any:
    return _collected(apply(op, convert_to_tensor(tags), value, name=name, **params), collections, (GraphKeys.SUMMARIES,))
