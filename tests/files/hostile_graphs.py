"""Hostile files of graphs, of pictures, of clusters, of data sets, and hostile directories."""

from __future__ import annotations

import gzip
import json
import os
import socket
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import dynamic
import static as tf
from graphs import draw
from graphs.core.jsontext import digest, sealed
from graphs.placing.cluster import Cluster, Link, Worker


@lru_cache
def _whole() -> str:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None], name="x")
        w = tf.Variable(3.0, name="v")
        tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, h * 0.5), [tf.constant(0), x], name="loop")
        tf.multiply(x, w, name="y")
        return tf.train.Saver().export_meta_graph().to_json()


def whole() -> dict[str, Any]:
    """A graph with a variable and a loop, as data."""
    return json.loads(_whole())


Change = Callable[[dict[str, Any]], Any]


def graph(change: Change) -> Callable[[], bytes]:
    """The file of ``whole`` with a change, sealed as our own are."""

    def made() -> bytes:
        data = whole()
        change(data)
        return sealed(json.dumps({**data, "version": 2} if repr(data["version"]) == "1" else data, indent=1))

    return made


def node(name: str, /, **fields: Any) -> Callable[[], bytes]:
    return graph(lambda d: named(d, name).update(fields))


def named(data: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in data["graph"]["node"] if each["name"] == name)


def constant(**array: Any) -> Callable[[], bytes]:
    given = {"name": "c", "op": "static.constant", "input": [], "attr": {"value": {"array": array}}}
    return graph(lambda d: d["graph"]["node"].append({**given, "output": [[array["dtype"], array["shape"]]]}))


def placeholder(dims: Any) -> Callable[[], bytes]:
    given = {"name": "p", "op": "static.placeholder", "input": [], "attr": {"spec": {"spec": ["float32", dims]}}}
    return graph(lambda d: d["graph"]["node"].append({**given, "output": [["float32", dims]]}))


def text(content: bytes) -> Callable[[], bytes]:
    return lambda: content


def loop(data: dict[str, Any]) -> dict[str, Any]:
    return data["graph"]["functions"][-1]


def split(count: Any) -> Change:
    given = {"name": "s", "op": "split", "input": ["x:0"], "output": []}
    return lambda d: d["graph"]["node"].append({**given, "attr": {"sections": count, "axis": 0}})


META_GRAPHS: dict[str, Callable[[], bytes]] = {
    "nothing": text(b""),
    "zeros": text(bytes(1 << 20)),
    "no JSON": text(b"\x80\x04pickle"),
    "no UTF-8": text(b'{"format": "\xff\xff"}'),
    "lists 100,000 deep": text(b"[" * 100_000 + b"]" * 100_000),
    "objects 100,000 deep": text(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "an attribute 50,000 deep": graph(lambda d: d.update(saver=None, graph=json.loads("[" * 300 + "]" * 300))),
    "NaN": text(b'{"format": NaN}'),
    "a number of 100,000 digits": text(b'{"format": %b}' % (b"9" * 100_000)),
    "a key twice": text(b'{"format": "diptych meta graph", "format": "diptych meta graph"}'),
    "10 million nodes": lambda: b'{"format": "diptych meta graph", "version": 1, "graph": {"node": [' + b"{}," * 10_000_000,
    "20 million numbers": lambda: b'{"format": [' + b"1," * 20_000_000 + b"1]}",
    "a seal of another text": lambda: sealed('{"a": 1}').replace(b"1", b"2", 1),
    "a seal without its lines": lambda: b'{"format": "diptych meta graph", "digest": "%b"}' % digest(b"").encode(),
    "a newer version": graph(lambda d: d.update(version=3)),
    "a version that is true": graph(lambda d: d.update(version=True)),
    "a version that is 1.5": graph(lambda d: d.update(version=1.5)),
    "a cycle": graph(lambda d: named(d, "v/read").update(input=["y:0"])),
    "a node that reads itself": node("y", input=["y:0", "v/read:0"]),
    "an edge from nowhere": node("y", input=["nowhere:0", "v/read:0"]),
    "an output that is not there": node("y", input=["x:1", "v/read:0"]),
    "an output before the first": node("y", input=["x:-1", "v/read:0"]),
    "a control edge to nowhere": node("y", control=["nowhere"]),
    "a control edge to itself": node("y", control=["y"]),
    "a node twice": graph(lambda d: d["graph"]["node"].append(named(d, "y"))),
    "a node that is null": graph(lambda d: d["graph"]["node"].append(None)),
    "an unknown op": node("y", op="os.system"),
    "an op by a way round": node("y", op="static.static.py_func"),
    "an op that is a list": node("y", op=["multiply"]),
    "a Python function": node("y", op="static.py_func", attr={"call": "os.system", "Tout": ["float32"]}),
    "a Python function without state": node("y", op="static.py_func_stateless", attr={"call": {"function": 0}}),
    "an attribute with code": node("y", attr={"__class__": {"python": "__import__('os').system('id')"}}),
    "an attribute that is a lambda": node("y", attr={"axis": {"lambda": "lambda: 1"}}),
    "an attribute by a dunder": node("y", attr={"__init__": 1}),
    "a gradient by module": node("y", gradient="os\nsystem"),
    "a file for a device": node("y", device="/etc/passwd"),
    "a device that is a list": node("y", device=["/cpu:0"]),
    "a name of spaces": node("y", name="  "),
    "an absolute name": node("y", name="/etc/passwd"),
    "a name of two lines": node("y", name="y\nimport os"),
    "a name with NUL": node("y", name="y\0"),
    "a name that is no text": node("y", name=["y"]),
    "writes to what is no variable": node("y", writes=[["nowhere", 0]]),
    "writes of what is not there": node("y", writes=[["v", 1 << 40]]),
    "a body that names itself": graph(lambda d: loop(d)["node"][0].update(attr={"body": {"function": 1}})),
    "a body that is not there": graph(lambda d: loop(d)["node"][0].update(attr={"body": {"function": 1 << 70}})),
    "a body before the first": graph(lambda d: loop(d)["node"][0].update(attr={"body": {"function": -1}})),
    "a body called true": graph(lambda d: loop(d)["node"][0].update(attr={"body": {"function": True}})),
    "a cycle in a body": graph(lambda d: loop(d)["node"][0].update(input=["#0:0", "#1:0"])),
    "a negative size": placeholder([-1]),
    "a size that is true": placeholder([True]),
    "a size that is a float": placeholder([2.0]),
    "a shape that overflows": placeholder([1 << 31, 1 << 31, 1 << 31]),
    "a shape of 2**62 rows of nothing": placeholder([1 << 62, 0, 1 << 62]),
    "a size of 1,000 digits": placeholder([10**1000]),
    "a shape that is text": placeholder("ab"),
    "2**62 elements in a KiB": constant(dtype="float32", shape=[1 << 62], base64="AAAA" * 250),
    "elements of which there are none": constant(dtype="float32", shape=[1 << 40], values=[]),
    "an array of objects": constant(dtype="string", shape=[1], strings=[{"a": 1}]),
    "an array of no dtype": constant(dtype="os.system", shape=[1], values=[1]),
    "an array that is no base64": constant(dtype="float32", shape=[1], base64="!" * 8),
    "2**40 outputs": graph(split(1 << 40)),
    "outputs that overflow": graph(split([1 << 62, 1 << 62, 1 << 62])),
    "a negative number of outputs": graph(split(-1)),
    "a saver of what is not there": graph(lambda d: d["saver"].update(variables={"v": "../../etc/passwd"})),
    "a saver of lists": graph(lambda d: d["saver"].update(variables={"v": ["v"]})),
    "a saver that keeps less than none": graph(lambda d: d["saver"].update(max_to_keep=-5)),
    "a saver of before": graph(lambda d: d["saver"].update(keep_checkpoint_every_n_hours=-1e300)),
    "a variable of a name that is a list": graph(lambda d: d["variables"][0].update(name=["v"])),
    "a variable of nothing": graph(lambda d: d["variables"][0].update(snapshot="nowhere:0")),
    "an item of a collection with code": graph(lambda d: d["collections"].update(a=[{"value": {"python": "1"}}])),
    "a file of another kind": lambda: sealed(json.dumps({"format": "diptych.picture", "version": 2, "pictures": []})),
}


def picture(change: Change) -> Callable[[], bytes]:
    def made() -> bytes:
        data = draw.FORMATS["json"](draw.picture((dynamic.ones(2, requires_grad=True) * 2).sum()))
        given = json.loads(data)
        del given["lines"], given["digest"]
        change(given)
        return sealed(json.dumps(given))

    return made


PICTURES: dict[str, Callable[[], bytes]] = {
    "nothing": text(b""),
    "no JSON": text(b"<svg onload=alert(1)>"),
    "deep JSON": text(b"[" * 100_000),
    "a list": text(b"[1]"),
    "NaN": text(b'{"format": "diptych.picture", "version": NaN}'),
    "a newer version": picture(lambda d: d.update(version=3)),
    "no pictures": picture(lambda d: d.update(pictures=[])),
    "pictures that are none": picture(lambda d: d.update(pictures=[1])),
    "an arrow to nowhere": picture(lambda d: d["pictures"][0]["links"][0].update(to="nowhere")),
    "an unknown kind": picture(lambda d: d["pictures"][0]["items"][0].update(kind="<script>")),
    "items that are text": picture(lambda d: d["pictures"][0].update(items="abc")),
    "a picture of its own": picture(lambda d: d["pictures"][0].update(owner="n1")),
    "a huge number": text(b'{"format": "diptych.picture", "version": %b}' % (b"9" * 100_000)),
}


def cluster(change: Change) -> Callable[[], bytes]:
    def made() -> bytes:
        data = Cluster((Worker("a", 1.0, ()), Worker("b", 1.0, ())), (Link(1.0, 1.0),), {}).as_dict()
        change(data)
        return json.dumps(data).encode()

    return made


CLUSTERS: dict[str, Callable[[], bytes]] = {
    "nothing": text(b""),
    "no UTF-8": text(b"\xff\xfe"),
    "deep JSON": text(b"[" * 100_000),
    "a list": text(b"[1]"),
    "workers that are numbers": cluster(lambda d: d.update(workers=[1])),
    "a speed that is text": cluster(lambda d: d["workers"][0].update(speed="fast")),
    "a worker twice": cluster(lambda d: d["workers"][1].update(name="a")),
    "a speed of less than nothing": cluster(lambda d: d["workers"][0].update(speed=-1.0)),
}


def idx(shape: tuple[int, ...], content: bytes) -> bytes:
    numbers = (0x0800 + len(shape), *shape)
    return gzip.compress(b"".join(n.to_bytes(4, "big") for n in numbers) + content, 1)


DATA: dict[str, Callable[[], bytes]] = {
    "a gzip bomb": lambda: idx((100_000, 28, 28), bytes(100_000 * 784)),
    "a gzip bomb behind a small array": lambda: idx((1, 28, 28), bytes(80 << 20)),
    "a shape that overflows": lambda: idx(((1 << 32) - 1,) * 3, b""),
    "no gzip": text(b"\x1f\x8b\x08\0"),
    "a gzip that is cut short": lambda: idx((10, 28, 28), bytes(7840))[:-9],
    "a pickle": text(b"\x80\x04."),
}


# Directories: what the file ``checkpoint`` of one may lead to. Each gives the directory to load from


def _state(latest: str, directory: Path) -> str:
    directory.mkdir()
    (directory / "checkpoint").write_text(f"model_checkpoint_path: {json.dumps(latest)}\n")
    return str(directory)


def _outside(path: str, root: Path) -> str:
    """A checkpoint beside the directory, which its file names by ``path``."""
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.Variable(1.0, name="v")
        session.run(variable.initializer)
        tf.train.Saver().save(session, str(root / "secret"), write_state=False, write_meta_graph=False)
    return _state(path.replace("ROOT", str(root)), root / "run")


def _linked(root: Path) -> str:
    made = _outside("in/secret", root)
    os.symlink(root, Path(made) / "in")
    return made


def _special(make: Callable[[str], Any]) -> Callable[[Path], str]:
    def made(root: Path) -> str:
        directory = _state("m", root / "run")
        make(os.path.join(directory, "m.safetensors"))
        return os.path.join(directory, "m")

    return made


def _bind(path: str) -> None:
    here = os.getcwd()
    os.chdir(os.path.dirname(path))  # an address has 108 characters
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.basename(path))
    os.chdir(here)


def _sparse(path: str) -> None:
    with open(path, "wb") as file:
        file.truncate(1 << 40)


DIRECTORIES: dict[str, Callable[[Path], str]] = {
    "the directory above": lambda root: _outside("../secret", root),
    "above by a way round": lambda root: _outside("a/../../secret", root),
    "an absolute path": lambda root: _outside("ROOT/secret", root),
    "a path of many slashes": lambda root: _outside(".//..//secret", root),
    "a drive": lambda root: _state("C:\\secret", root / "run"),
    "backslashes": lambda root: _state("..\\secret", root / "run"),
    "a path with NUL": lambda root: _state("m\0", root / "run"),
    "a path that is too long": lambda root: _state("m" * 5000, root / "run"),
    "a link on the way": _linked,
    "a path that is a number": lambda root: _state(7, root / "run"),  # type: ignore[arg-type]
    "a path that is deep": lambda root: _state("", _deep(root)),
    "a pipe": _special(os.mkfifo),
    "a directory": _special(os.mkdir),
    "a socket": _special(_bind),
    "a device without end": _special(lambda path: os.symlink("/dev/zero", path)),
    "a link to itself": _special(lambda path: os.symlink(os.path.basename(path), path)),
    "a link to nowhere": _special(lambda path: os.symlink("nowhere", path)),
    "a link to what is no checkpoint": _special(lambda path: os.symlink("/etc/passwd", path)),
    "another name of what is no checkpoint": _special(lambda path: os.link(Path(path).parent / "checkpoint", path)),
    "a TiB of nothing": _special(_sparse),
}


def _deep(root: Path) -> Path:
    made = root / "deep"
    made.mkdir()
    (made / "checkpoint").write_text("model_checkpoint_path: " + "[" * 100_000)
    return made / "below"
