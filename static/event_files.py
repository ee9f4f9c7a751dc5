"""Event files, which TensorBoard reads: ``tf.summary.FileWriter``, and ``tf.train.summary_iterator`` to read one back."""

from __future__ import annotations

import os
import struct
import threading
import time
import warnings
import weakref
from collections.abc import Iterator
from itertools import count
from typing import Any, ClassVar

from static.errors import DataLossError
from static.export.definitions import GraphDef
from static.graph import Graph
from static.metadata import RunMetadata
from static.protos import message, record_writer
from static.trace_messages import serialized


_numbers = count()


class FileWriter:
    """Writes summaries and graphs to an event file in ``logdir``, which is made where it is not there.

    Several threads may use one. What is written reaches the file after ``max_queue`` events or ``flush_secs`` seconds, on
    ``flush`` and on ``close``. As a context it closes itself.

    Args:
        logdir: the directory that TensorBoard is shown.
        graph: a graph to write at once.
        graph_def: the same as a ``GraphDef``.
        filename_suffix: the end of the file's name.
        session: one whose graph to write at once.

    Raises ImportError, saying what to install, where the package behind event files is missing.
    """

    def __init__(
        self,
        logdir: str,
        graph: Any = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        graph_def: GraphDef | None = None,
        filename_suffix: str | None = None,
        session: Any = None,
    ) -> None:
        self._logdir = os.fspath(logdir)
        self._max_queue = max_queue
        self._flush_secs = flush_secs
        self._suffix = filename_suffix or ""
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._runs: set[str] = set()
        self._closed = False
        self._open()
        if session is not None and graph is None:
            graph = session.graph
        if graph is not None or graph_def is not None:
            self.add_graph(graph, graph_def=graph_def)

    def _open(self) -> None:
        import socket  # takes 5 ms, which other programs do without

        os.makedirs(self._logdir, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_numbers):06d}"
        self._file = record_writer().RecordWriter(os.path.join(self._logdir, name + self._suffix))
        weakref.finalize(self, self._file.close)
        self._waiting = 0
        self._flushed = time.monotonic()
        self._write(message("Event")(wall_time=time.time(), file_version="brain.Event:2"))
        self._file.flush()

    def _write(self, event: Any) -> None:
        self._file.write(event.SerializeToString())
        self._waiting += 1
        if self._waiting >= self._max_queue or time.monotonic() - self._flushed >= self._flush_secs:
            self._flush()

    def _flush(self) -> None:
        self._file.flush()
        self._waiting, self._flushed = 0, time.monotonic()

    def get_logdir(self) -> str:
        """The directory."""
        return self._logdir

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Write a summary: what a run gave for one (bytes), or a ``Summary`` message."""
        given = message("Summary")()
        given.MergeFromString(summary if isinstance(summary, bytes) else summary.SerializeToString())
        for value in given.value:
            if value.HasField("metadata"):
                if value.tag in self._seen:  # TensorBoard wants it once
                    value.ClearField("metadata")
                else:
                    self._seen.add(value.tag)
        self._add(message("Event")(summary=given), global_step)

    def add_event(self, event: Any) -> None:
        """Write an ``Event`` message."""
        with self._lock:
            if self._closed:
                warnings.warn("Attempting to use a closed FileWriter. The operation will be a noop.", stacklevel=2)
            else:
                self._write(event)

    def add_graph(self, graph: Any = None, global_step: Any = None, graph_def: GraphDef | None = None) -> None:
        """Write a graph (a ``Graph`` or ``GraphDef``), for TensorBoard's page of graphs. Raises ValueError without one."""
        given = graph_def if graph is None else graph
        if isinstance(given, Graph):
            given = GraphDef.of(given.get_operations(), given.seed, insides=True)
        if given is None:
            raise ValueError("The graph is None.")
        if not isinstance(given, GraphDef):
            raise TypeError("The passed graph must be an instance of `Graph` or `GraphDef`.")
        self._add(message("Event")(graph_def=graph_message(given).SerializeToString()), global_step)

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Write a ``SessionLog`` message."""
        self._add(message("Event")(session_log=session_log), global_step)

    def add_run_metadata(self, run_metadata: RunMetadata, tag: str, global_step: Any = None) -> None:
        """Write what a traced run tells of its nodes, under ``tag``. Raises ValueError where the tag has been used."""
        if tag in self._runs:
            raise ValueError("The provided tag was already used for this event type")
        self._runs.add(tag)
        made = message("TaggedRunMetadata")(tag=tag, run_metadata=serialized(run_metadata))
        self._add(message("Event")(tagged_run_metadata=made), global_step)

    def _add(self, event: Any, global_step: Any) -> None:
        event.wall_time = time.time()
        if global_step is not None:
            event.step = int(global_step)
        self.add_event(event)

    def flush(self) -> None:
        """Have everything reach the file."""
        with self._lock:
            if not self._closed:
                self._flush()

    def close(self) -> None:
        """Have everything reach the file, and write no more until ``reopen``."""
        with self._lock:
            if not self._closed:
                self._flush()
                self._file.close()
                self._closed = True

    def reopen(self) -> None:
        """Go on in a new file after ``close``; nothing otherwise."""
        with self._lock:
            if self._closed:
                self._open()
                self._closed = False

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()


SummaryWriter = FileWriter
"""What TensorFlow 0.x calls it."""


class FileWriterCache:
    """One ``FileWriter`` for each directory."""

    _writers: ClassVar[dict[str, FileWriter]] = {}
    _lock = threading.Lock()

    @classmethod
    def get(cls, logdir: str) -> FileWriter:
        """The writer of a directory, made where there is none."""
        with cls._lock:
            if logdir not in cls._writers:
                cls._writers[logdir] = FileWriter(logdir)
            return cls._writers[logdir]

    @classmethod
    def clear(cls) -> None:
        """Close all, and forget them."""
        with cls._lock:
            for writer in cls._writers.values():
                writer.close()
            cls._writers.clear()


def graph_message(graph_def: GraphDef) -> Any:
    """The protocol buffer of a graph's names, types, edges, devices and shapes: what TensorBoard draws."""
    made = message("GraphDef")()
    made.versions.producer = 134  # TensorFlow 1.15's
    names = {node.name for node in graph_def.node}
    for node in graph_def.node:
        known = [x for x in node.input if x.removeprefix("^").partition(":")[0] in names]
        entry = made.node.add(name=node.name, op=node.op, input=known, device=node.device)
        shapes = entry.attr["_output_shapes"].list
        for index, spec in enumerate(node.specs):
            dims = node.shapes.get(index, spec.dims)
            shape = shapes.shape.add(unknown_rank=dims is None)
            for size in dims or ():
                shape.dim.add(size=-1 if size is None else size)
    return made


def summary_iterator(path: str) -> Iterator[Any]:
    """The ``Event`` messages of a file. Raises DataLossError where it is damaged or cut short."""
    checksum = record_writer().masked_crc32c
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        while head := file.read(12):
            length = int.from_bytes(head[:8], "little")
            whole = len(head) == 12 and struct.pack("<I", checksum(head[:8])) == head[8:]
            if not whole or length > size - file.tell():
                raise DataLossError(None, f"{path}: the record at byte {file.tell()} is damaged or cut short")
            data, end = file.read(length), file.read(4)
            if struct.pack("<I", checksum(data)) != end:
                raise DataLossError(None, f"{path}: the record that ends at byte {file.tell()} is damaged or cut short")
            yield message("Event").FromString(data)
