"""TensorBoard's protocol buffers, from ``tensorboardX`` (the extra ``tensorboard``), loaded when first needed."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any


_MODULES = {
    "Summary": "summary",
    "SummaryMetadata": "summary",
    "SummaryDescription": "summary",
    "HistogramProto": "summary",
    "Event": "event",
    "SessionLog": "event",
    "TaggedRunMetadata": "event",
    "GraphDef": "graph",
    "DataType": "types",
}


missing = "summaries and event files need the package tensorboardX: pip install 'diptych[tensorboard]'"
"""What is said where the package is not there."""


@cache
def message(name: str) -> Any:
    """The class of the message (or the enumeration) ``name``. Raises ImportError, saying what to install."""
    try:
        return getattr(import_module(f"tensorboardX.proto.{_MODULES[name]}_pb2"), name)
    except ImportError as error:
        raise ImportError(missing) from error


@cache
def record_writer() -> Any:
    """The module that frames and checks records of event files. Raises ImportError, saying what to install."""
    try:
        return import_module("tensorboardX.record_writer")
    except ImportError as error:
        raise ImportError(missing) from error


# The messages under TensorFlow's names; calling one makes the message


class Summary:
    """What a summary op yields, read back: ``value`` lists tags with a number, histogram, image or tensor each."""

    def __new__(cls, *args: Any, **fields: Any) -> Any:
        """A message with these fields."""
        return message("Summary")(*args, **fields)

    @staticmethod
    def FromString(data: bytes) -> Any:  # noqa: N802 (the protocol buffers' name)
        """The message that ``data``, what a run gives for a summary op, describes."""
        return message("Summary").FromString(data)

    class Value:
        """A tag and its value: ``simple_value``, ``histo``, ``image`` or ``tensor``."""

        def __new__(cls, **fields: Any) -> Any:
            """A message with these fields."""
            return message("Summary").Value(**fields)

    class Image:
        """A picture: ``height``, ``width``, ``colorspace`` and ``encoded_image_string``."""

        def __new__(cls, **fields: Any) -> Any:
            """A message with these fields."""
            return message("Summary").Image(**fields)


class HistogramProto:
    """A histogram: ``min``, ``max``, ``num``, ``sum``, ``sum_squares``, ``bucket_limit`` and ``bucket``."""

    def __new__(cls, **fields: Any) -> Any:
        """A message with these fields."""
        return message("HistogramProto")(**fields)


class SummaryMetadata:
    """What is to show a summary: ``plugin_data``, ``display_name``, ``summary_description``."""

    def __new__(cls, **fields: Any) -> Any:
        """A message with these fields."""
        return message("SummaryMetadata")(**fields)

    class PluginData:
        """The name of TensorBoard's plugin, and what it is told."""

        def __new__(cls, **fields: Any) -> Any:
            """A message with these fields."""
            return message("SummaryMetadata").PluginData(**fields)


class Event:
    """A record of an event file: ``wall_time``, ``step``, and a ``summary``, ``graph_def`` or another content."""

    def __new__(cls, **fields: Any) -> Any:
        """A message with these fields."""
        return message("Event")(**fields)

    @staticmethod
    def FromString(data: bytes) -> Any:  # noqa: N802
        """The message that ``data`` describes."""
        return message("Event").FromString(data)


class SessionLog:
    """That a session began, stopped or saved a checkpoint: ``status``, ``checkpoint_path``, ``msg``."""

    STATUS_UNSPECIFIED, START, STOP, CHECKPOINT = 0, 1, 2, 3

    def __new__(cls, **fields: Any) -> Any:
        """A message with these fields."""
        return message("SessionLog")(**fields)
