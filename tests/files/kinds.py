"""The kinds of files that are read back, one of about 4 KiB of each, and how damage to one is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import dynamic
import static as tf
from dynamic.serialization import LoadError
from graphs import draw
from static.checkpoints import read_checkpoint, write_checkpoint
from static.export.forms import GraphFileError


@dataclass(frozen=True)
class Kind:
    """A kind of files.

    Attributes:
        write: makes one of about 4 KiB.
        read: reads it, by its path.
        refusal: the error for one that is not whole.
        ending: of its name.
        names_file: whether the error names the file: not where its bytes are handed over.
    """

    write: Callable[[str], Any]
    read: Callable[[str], Any]
    refusal: type[Exception]
    ending: str = ""
    names_file: bool = True


def _checkpoint(path: str) -> None:
    draw_ = np.random.default_rng(0)
    values = {
        "layer/w": draw_.normal(size=(15, 22)),
        "layer/b": draw_.normal(size=20).astype("f4"),
        "step": np.int64(7),
        "flags": np.array([True, False, True]),
        "wave": draw_.normal(size=8) + 1j,
        "words": np.array([b"one", b"\xff\0"], object),
    }
    write_checkpoint(path.removesuffix(".safetensors"), values, global_step=7)


def _save(path: str) -> None:
    draw_ = np.random.default_rng(0)
    weights = {name: dynamic.tensor(draw_.normal(size=n)) for name, n in (("weight", 250), ("bias", 60))}
    dynamic.save({**weights, "count": dynamic.arange(40), "epoch": 3, "notes": ["a", 1.5, None], "text": "ä€😀"}, path)


def _meta_graph(path: str) -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        w = tf.Variable([[1.0], [2.0], [0.5]], name="w")
        last = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, h * 0.5), [tf.constant(0), tf.matmul(x, w)])[1]
        loss = tf.reduce_sum(last, name="loss")
        tf.add_to_collection("mine", loss)
        tf.assign_sub(w, 0.1 * tf.sin(w), name="shrink")
        tf.assign_add(w, 0.1 * tf.cos(w), name="grow")
        tf.train.Saver().export_meta_graph(path)


def _graph(path: str) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float64, [None, 8], name="x")
        w = tf.constant(np.random.default_rng(0).normal(size=(8, 8)), name="w")
        for i in range(7):
            x = tf.tanh(tf.matmul(x, w) + i, name=f"layer_{i}")
        tf.train.write_graph(graph, *os.path.split(path))


def _parse(path: str) -> Any:
    return tf.GraphDef.FromString(Path(path).read_bytes())


def _import(path: str) -> Any:
    with tf.Graph().as_default():
        return tf.train.import_meta_graph(path)


def _picture(path: str) -> None:
    w = dynamic.ones(3, 2, requires_grad=True)
    draw.save(path, (dynamic.ones(1, 3) @ w).sum())


KINDS = {
    "checkpoint": Kind(
        _checkpoint, lambda path: read_checkpoint(path.removesuffix(".safetensors")), tf.errors.DataLossError, ".safetensors"
    ),
    "save": Kind(_save, dynamic.load, LoadError, ".pt"),
    "meta graph": Kind(_meta_graph, _import, GraphFileError, ".meta"),
    "graph": Kind(_graph, _parse, GraphFileError, ".json", names_file=False),
    "picture": Kind(_picture, draw.load, draw.PictureError, ".json"),
}
