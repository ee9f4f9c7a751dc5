"""A program that reads hostile files, each within a limit of memory and of the processor's time.

python hostile.py DIRECTORY prints JSON: for each file the error's class, whether it is the one that such files have, what it
says, and the seconds of the processor's time.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dynamic
import static as tf
from dynamic.serialization import LoadError
from dynamic.unpacking import ClassError
from graphs import draw
from graphs.datasets import DataError, read_idx
from graphs.placing.cluster import Cluster, PlacementError
from static.checkpoints import read_checkpoint
from static.export.forms import GraphFileError
from tests.files import hostile_graphs, hostile_tensors
from tests.files.kinds import KINDS


MEMORY = 64 << 20
SECONDS = 20
"""Of the processor's time, after which the system ends the program. A second is meant; a machine may be slow."""

Read = Callable[[str], Any]


def _meta(path: str) -> Any:
    with tf.Graph().as_default() as graph:
        try:
            return tf.train.import_meta_graph(path)
        finally:
            assert not graph.get_operations(), "something was added"


def _checkpoint(path: str) -> Any:
    return read_checkpoint(path.removesuffix(".safetensors"))


def _latest(path: str) -> Any:
    return tf.train.load_checkpoint(path)


def _images(path: str) -> Any:
    return read_idx(Path(path), 3)


READERS: dict[str, tuple[dict[str, Callable[[], bytes]], str, Read, tuple[type[Exception], ...]]] = {
    "checkpoint, outside": (hostile_tensors.CONTAINERS, ".safetensors", _checkpoint, (tf.errors.DataLossError,)),
    "checkpoint, inside": (hostile_tensors.CHECKPOINTS, ".safetensors", _checkpoint, (tf.errors.DataLossError,)),
    "save, outside": (hostile_tensors.CONTAINERS, ".pt", dynamic.load, (LoadError,)),
    "save, inside": (hostile_tensors.SAVES, ".pt", dynamic.load, (LoadError, ClassError)),
    "meta graph": (hostile_graphs.META_GRAPHS, ".meta", _meta, (GraphFileError,)),
    "picture": (hostile_graphs.PICTURES, ".json", draw.load, (draw.PictureError,)),
    "cluster": (hostile_graphs.CLUSTERS, ".json", Cluster.load, (PlacementError,)),
    "data": (hostile_graphs.DATA, ".gz", _images, (DataError,)),
}


def attempt(read: Read, path: str, kinds: tuple[type[Exception], ...]) -> dict[str, Any]:
    """Read a file with no more memory than there is now and 64 MiB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, hard))
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + SECONDS, resource.RLIM_INFINITY))
    start = time.process_time()
    error: BaseException | None = None
    try:
        read(path)
    except BaseException as raised:
        error = raised
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    name = os.path.basename(path)
    return {
        "error": type(error).__name__,
        "right": isinstance(error, kinds) and (name in str(error) or os.path.dirname(path) in str(error)),
        "says": str(error)[:300],
        "seconds": time.process_time() - start,
    }


def main(directory: Path) -> None:
    """Make the files, get everything imported by good ones, and read the bad ones."""
    for word, kind in KINDS.items():
        path = str(directory / f"good {word}{kind.ending}")
        kind.write(path)
        kind.read(path)
    made = {
        f"{reader}: {word}": (number, write, reader)
        for reader, (files, *_) in READERS.items()
        for number, (word, write) in enumerate(files.items())
    }
    gc.freeze()
    found = {}
    for key, (number, write, reader) in made.items():
        _, ending, read, kinds = READERS[reader]
        path = directory / f"{reader.replace(' ', '_')}-{number}{ending}"
        path.write_bytes(write())
        found[key] = attempt(read, str(path), kinds)
        print(key, file=sys.stderr)
        path.unlink()
    for number, (word, make) in enumerate(hostile_graphs.DIRECTORIES.items()):
        root = directory / f"directory-{number}"
        root.mkdir()
        found[f"directory: {word}"] = attempt(_latest, make(root), (ValueError, tf.errors.OpError))
    assert "antigravity" not in sys.modules
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
