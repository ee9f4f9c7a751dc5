"""Files of every version of every format: those in ``formats`` are kept for ever, and load as they did.

What has ``1b`` in its name is of version 1, too, as it is written today; ``1`` is how it was written at first.
"""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

import dynamic
import static as tf
from graphs import draw
from tests.files.kinds import KINDS


FORMATS = Path(__file__).with_name("formats")


def kept(word: str, version: str) -> str:
    return str(FORMATS / f"{word.replace(' ', '_')}-{version}{KINDS[word].ending}")


def anew(word: str, tmp_path: Path) -> str:
    path = str(tmp_path / f"today{KINDS[word].ending}")
    KINDS[word].write(path)
    return path


def test_each_kind_of_files_is_kept() -> None:
    words = {path.stem.rpartition("-")[0].replace("_", " ") for path in FORMATS.iterdir()}
    assert words == KINDS.keys()


@pytest.mark.parametrize("version", ["1", "1b"])
def test_checkpoints(version: str, tmp_path: Path) -> None:
    found, today = (KINDS["checkpoint"].read(path) for path in (kept("checkpoint", version), anew("checkpoint", tmp_path)))
    assert found.keys() == today.keys()
    for name, value in found.items():
        numpy.testing.assert_array_equal(value, today[name])
        assert numpy.asarray(value).dtype == numpy.asarray(today[name]).dtype


@pytest.mark.parametrize("version", ["1", "1b"])
def test_saves(version: str, tmp_path: Path) -> None:
    found, today = (dynamic.load(path) for path in (kept("save", version), anew("save", tmp_path)))
    assert list(found) == list(today)
    for name, value in found.items():
        if isinstance(value, dynamic.Tensor):
            assert value.dtype == today[name].dtype
            assert value.tolist() == today[name].tolist()
        else:
            assert value == today[name]


@pytest.mark.parametrize("version", ["1", "2"])
def test_meta_graphs(version: str) -> None:
    with tf.Graph().as_default() as graph:
        saver = tf.train.import_meta_graph(kept("meta graph", version))
        (loss,) = tf.get_collection("mine")
        names = [variable.name for variable in tf.global_variables()]
    with tf.Session(graph=graph) as session:
        session.run("w/Assign")
        assert session.run(loss, {"x:0": [[1.0, 2.0, 4.0]]}) == 0.875
        assert session.run("grow:0").shape == (3, 1)
    assert names == ["w:0"]
    assert saver is not None


@pytest.mark.parametrize("version", ["1", "2"])
def test_graphs(version: str) -> None:
    w = numpy.random.default_rng(0).normal(size=(8, 8))
    x = expected = numpy.linspace(-1, 1, 16).reshape(2, 8)
    for i in range(7):
        expected = numpy.tanh(expected @ w + i)
    with tf.Graph().as_default() as graph:
        (y,) = tf.import_graph_def(KINDS["graph"].read(kept("graph", version)), return_elements=["layer_6:0"], name="")
    with tf.Session(graph=graph) as session:
        numpy.testing.assert_allclose(session.run(y, {"x:0": x}), expected, rtol=1e-12)


@pytest.mark.parametrize("version", ["1", "2"])
def test_pictures(version: str, tmp_path: Path) -> None:
    found, today = (draw.load(path) for path in (kept("picture", version), anew("picture", tmp_path)))
    assert [(item.title, item.kind) for item in found.items] == [(item.title, item.kind) for item in today.items]
    assert len(found.links) == len(today.links)
