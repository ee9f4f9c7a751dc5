import copy
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import static as tf
from graphs.core.op import OPS
from static.export.forms import GraphFileError
from static.export.metagraph import MetaGraphDef
from static.export.values import Decoder, Encoder
from tests.helpers import arrays, calls, case_by_case, float_outputs, floats, function_of, gradient_of, same, seeds_of
from tests.static.oracle import tensorflow


ROOT = Path(__file__).resolve().parents[2]


def through_text(value):
    encoder = Encoder()
    made = encoder.value(value)
    data, functions = json.loads(json.dumps([made, encoder.functions], allow_nan=False))
    return Decoder(functions).value(data)


# Every op

STOPPED = {"ctc_occupancy"}
"""Gradients whose own gradient is refused."""


@case_by_case(calls())
def test_every_op_comes_back(name, case):
    """The call, and its gradient, as a body that has been text: the same bits."""
    function = function_of(OPS[name], case)
    operands = [case.args[i] for i in arrays(case)]
    with np.errstate(all="ignore"):
        for one, two in zip(through_text(function)(*operands), function(*operands), strict=True):
            same(one, two)
        wrt = [arrays(case).index(i) for i in floats(case)]
        if (
            OPS[name].differentiable
            and name not in STOPPED
            and wrt
            and float_outputs(function)
            and "random" not in OPS[name].traits
        ):
            gradient = gradient_of(function, wrt)
            given = [*operands, *seeds_of(function, operands)]
            for one, two in zip(through_text(gradient)(*given), gradient(*given), strict=True):
                same(one, two)


VALUES = {
    "plain": (None, True, False, 0, -3, 1 << 70, "text", 1.5, -0.0, 1e-320, (1, (2.0, ())), ()),
    "odd floats": (float("inf"), float("-inf"), 1j, complex(0.0, -0.0)),
    "lists": [1, [2.0], (3,)],
    "dicts": {"a": 1, (1, 2): [3]},
    "bytes": b"\x00\xff",
    "dtypes": (np.dtype("float32"), tf.float64, np.dtype(bool), tf.string),
    "ellipsis": (Ellipsis, None),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_come_back(name):
    value = VALUES[name]
    back = through_text(value)
    assert repr(back) == repr(value)
    assert type(back) is type(value)


DTYPES = ["float16", "float32", "float64", "int8", "int64", "uint64", "bool", "complex64", "complex128"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (5, 7)])
def test_arrays_come_back(dtype, shape):
    value = np.asarray(np.random.default_rng(0).normal(size=shape) * 100).astype(dtype)
    for each in (value, value.T, value[()]):
        back = through_text(each)
        assert (type(back), back.dtype, back.shape, back.tobytes()) == (type(each), each.dtype, each.shape, each.tobytes())


@pytest.mark.parametrize("value", [[np.nan, 1.0], [-np.inf], [-0.0, 5e-324], [np.finfo(np.float64).max]])
def test_arrays_of_odd_numbers_come_back(value):
    value = np.array(value)
    assert through_text(value).tobytes() == value.tobytes()


def test_arrays_of_strings_come_back():
    value = np.array([[b"a", b"\xff"], [b"", b"x" * 100]], object)
    assert through_text(value).tolist() == value.tolist()


# Programs: the graph again from its text, the same numbers to the bit


def net(x):
    w = tf.get_variable("w", [3, 4], initializer=tf.random_normal_initializer(seed=1))
    with tf.name_scope("layer"):
        b = tf.Variable(tf.zeros([4]), name="b")
        h = tf.nn.dropout(tf.nn.relu(tf.matmul(x, w) + b), 0.8)
    loss = tf.reduce_mean(tf.square(h[:, 1:, tf.newaxis] - 0.5)) + 0.01 * tf.nn.l2_loss(w)
    return loss, tf.train.AdamOptimizer(0.05).minimize(loss, global_step=tf.train.get_or_create_global_step())


def momentum(x):
    w = tf.Variable(np.random.default_rng(0).normal(size=(3, 3)), name="w", dtype=tf.float64)
    y = tf.nn.softmax(tf.matmul(tf.cast(x, tf.float64), w))
    loss = -tf.reduce_mean(tf.log(y)[:, 0])
    rate = tf.train.exponential_decay(0.1, tf.train.get_or_create_global_step(), 2, 0.5)
    return loss, tf.train.MomentumOptimizer(rate, 0.9).minimize(loss, global_step=tf.train.get_global_step())


def loops(x):
    w = tf.Variable(np.eye(3, dtype=np.float32) * 0.5, name="w")

    def body(i, h):
        inner = tf.while_loop(lambda j, g: j < i, lambda j, g: (j + 1, tf.tanh(tf.matmul(g, w))), [tf.constant(0), h])[1]
        return i + 1, tf.cond(tf.reduce_sum(inner) > 0.0, lambda: inner + x, lambda: inner * 2.0)

    last = tf.while_loop(lambda i, h: i < 4, body, [tf.constant(0), x])[1]
    loss = tf.reduce_mean(tf.square(last))
    return loss, tf.train.GradientDescentOptimizer(0.1).minimize(loss)


def scans(x):
    w = tf.Variable(np.full((3, 3), 0.1, np.float32), name="w")
    states = tf.scan(lambda h, row: tf.tanh(row + tf.squeeze(tf.matmul(h[None], w), 0)), x, tf.zeros([3]))
    noise = tf.map_fn(lambda row: row + tf.random_normal([3], stddev=0.1), states)
    loss = tf.reduce_sum(noise)
    return loss, tf.train.RMSPropOptimizer(0.01).minimize(loss)


def second_order(x):
    w = tf.Variable(np.ones((3, 1), np.float32), name="w")
    y = tf.reduce_sum(
        tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, h * tf.sin(h)), [tf.constant(0), tf.matmul(x, w)])[1]
    )
    (slope,) = tf.gradients(y, w)
    (curve,) = tf.gradients(tf.reduce_sum(slope), w)
    return tf.reduce_sum(curve), w.assign_sub(0.01 * curve)


def ordered(x):
    count = tf.Variable(0.0, name="count")
    total = tf.placeholder_with_default(tf.constant(2.0), [], name="step")
    with tf.control_dependencies([count.assign_add(total)]):
        seen = tf.identity(count)
    split = tf.split(x, 3, axis=1)
    value, places = tf.nn.top_k(x, 2)
    with tf.device("/cpu:0"):
        best = tf.gather(tf.reshape(x, [-1]), tf.reshape(places, [-1]))
    return seen + tf.reduce_sum(split[1]) + tf.reduce_sum(value) + tf.reduce_sum(best), tf.group(count.assign_add(1.0))


def words(x):
    table = tf.get_variable("table", [6, 2], initializer=tf.random_uniform_initializer(seed=2))
    picked = tf.nn.embedding_lookup(table, [[0, 3], [3, 5]])
    score = tf.reduce_sum(picked * x[:2, :2, tf.newaxis])
    score = tf.case([(score > 0.0, lambda: score * 2.0), (score < -9.0, lambda: score)], lambda: score - 1.0, exclusive=True)
    loss = tf.square(tf.Print(score, [score], "score ", first_n=0) - 1.0)
    return loss, tf.train.AdagradOptimizer(0.1).minimize(loss)


PROGRAMS = [net, momentum, loops, scans, second_order, ordered, words]
X = np.random.default_rng(5).normal(size=(4, 3)).astype(np.float32)


def steps(session, fetches, count=3):
    return [np.asarray(session.run(fetches, {"x:0": X})[0]).tobytes() for _ in range(count)]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_graph_comes_back(program, tmp_path):
    tf.set_random_seed(7)
    loss, train = program(tf.placeholder(tf.float32, [None, 3], name="x"))
    init = tf.global_variables_initializer()
    names = [loss.name, train.name], init.name
    text = tf.get_default_graph().as_graph_def().to_json()
    with tf.Session() as session:
        session.run(init)
        wanted = steps(session, names[0])
    assert len(set(wanted)) > 1
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.import_graph_def(tf.GraphDef.FromString(text), name="")
        assert graph.as_graph_def().to_json() == text
        session.run(names[1])
        assert steps(session, names[0]) == wanted
        assert [op.device for op in graph.get_operations() if op.device] == ["/device:CPU:0"] * text.count('"device"')


@pytest.mark.parametrize("program", PROGRAMS)
def test_training_goes_on_from_files_alone(program, tmp_path):
    """Saved after two steps, read into an empty graph: further steps give what they would have given."""
    tf.set_random_seed(7)
    loss, train = program(tf.placeholder(tf.float32, [None, 3], name="x"))
    tf.add_to_collection("fetches", loss)
    tf.add_to_collection("fetches", train)
    saver = tf.train.Saver(max_to_keep=3)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        steps(session, [loss, train], 2)
        path = saver.save(session, str(tmp_path / "m.ckpt"))
        step = session.stream.step
        wanted = steps(session, [loss, train])
    names = [v.name for v in tf.global_variables()], [v.name for v in tf.trainable_variables()]
    with tf.Graph().as_default(), tf.Session() as session:
        again = tf.train.import_meta_graph(path + ".meta")
        again.restore(session, path)
        session.stream.step = step
        assert steps(session, tf.get_collection("fetches")) == wanted
        assert ([v.name for v in tf.global_variables()], [v.name for v in tf.trainable_variables()]) == names
        assert again.as_saver_def() == saver.as_saver_def()


def test_a_graph_is_the_same_text_in_every_process():
    code = "import static as tf; from tests.static.test_export import {0}; {0}(tf.placeholder(tf.float32, [None, 3]))"
    code += "; print(tf.get_default_graph().as_graph_def())"
    for program in (net, loops):
        texts = []
        for seed in "12":
            env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
            command = [sys.executable, "-c", code.format(program.__name__)]
            texts.append(subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout)
        assert texts[0] == texts[1]
        assert len(texts[0]) > 1000
        json.loads(texts[0])


def test_long_chains():
    x = y = tf.placeholder(tf.float32, [], name="x")
    for _ in range(3000):
        y = y + 1.0
    text = tf.get_default_graph().as_graph_def().to_json()
    with tf.Graph().as_default(), tf.Session() as session:
        (last,) = tf.import_graph_def(tf.GraphDef.FromString(text), return_elements=[y.name])
        assert session.run(last, {f"import/{x.name}": 2.0}) == 3002.0


# What a description says


def test_nodes_as_tensorflow_writes_them():
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    with tf.control_dependencies([x]):
        y = tf.split(x, 2, axis=1, name="parts")
    tf.matmul(y[1], tf.constant([[1.0], [2.0]], name="c"), name="product")
    nodes = {node.name: node for node in tf.get_default_graph().as_graph_def().node}
    assert [(n.name, n.op, n.input) for n in nodes.values()] == [
        ("x", "Placeholder", []),
        ("parts", "Split", ["x"]),
        ("c", "Const", []),
        ("product", "MatMul", ["parts:1", "c"]),
    ]
    assert nodes["x"].device == ""


@pytest.mark.oracle
def test_names_and_edges_are_tensorflows():
    theirs = tensorflow()
    found = []
    for module in (tf, theirs):
        with module.Graph().as_default() as graph:
            x = module.placeholder(module.float32, [None, 3], name="x")
            with module.name_scope("layer"):
                w = module.Variable(module.zeros([3, 2]), name="w")
                y = module.nn.relu(module.matmul(x, w), name="y")
            with module.control_dependencies([y]):
                module.identity(x, name="last")
            nodes = graph.as_graph_def().node
            found.append(
                {n.name: list(n.input) for n in nodes if n.name in ("x", "layer/y", "layer/MatMul", "last", "layer/w/read")}
            )
    assert found[0] == found[1]


def test_a_description_is_the_graph_as_it_was():
    tf.constant(1.0, name="a")
    description = tf.get_default_graph().as_graph_def()
    tf.constant(2.0, name="b")
    assert [node.name for node in description.node] == ["a"]
    assert repr(description) == "<tf.GraphDef of 1 nodes>"
    assert description == tf.GraphDef.FromString(description.SerializeToString())
    assert description != tf.get_default_graph().as_graph_def()
    other = tf.GraphDef()
    assert other.ParseFromString(description.SerializeToString()) == description.ByteSize()
    assert str(other) == str(description)


def test_small_constants_can_be_read_and_large_ones_are_bytes():
    tf.constant([1.5, 2.0])
    tf.constant(np.arange(1000.0))
    text = tf.get_default_graph().as_graph_def().to_json()
    assert '"values": [1.5, 2.0]' in text
    assert '"base64": "' in text
    assert len(text) < 12000


def test_write_graph(tmp_path):
    x = tf.placeholder(tf.float32, name="x")
    tf.add(x, 1.0, name="y")
    path = tf.train.write_graph(tf.get_default_graph(), str(tmp_path / "new" / "directory"), "graph.pbtxt")
    assert path == str(tmp_path / "new" / "directory" / "graph.pbtxt")
    description = tf.GraphDef()
    description.ParseFromString(Path(path).read_bytes())
    assert description == tf.get_default_graph().as_graph_def()
    assert tf.train.write_graph(description, str(tmp_path), "other.pb", as_text=False).endswith("other.pb")


# Importing


def small():
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None], name="x")
        w = tf.constant(3.0, name="w")
        tf.multiply(x, w, name="y")
        with tf.control_dependencies([w]):
            tf.split(tf.zeros([4], name="z"), 2, name="parts")
        return graph.as_graph_def()


def test_scopes():
    assert tf.import_graph_def(small()) is None
    tf.import_graph_def(small())
    tf.import_graph_def(small(), name="mine")
    with tf.name_scope("outer"):
        tf.import_graph_def(small(), name="inner")
    names = [op.name for op in tf.get_default_graph().get_operations() if op.type == "Mul"]
    assert names == ["import/y", "import_1/y", "mine/y", "outer/inner/y"]
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(small(), name="")
        assert graph.get_operation_by_name("parts").control_inputs == [graph.get_operation_by_name("w")]
        assert tf.constant(1.0, name="x").name == "x_1:0"
        with pytest.raises(ValueError, match="'x' already exists in the graph"):
            tf.import_graph_def(small(), name="")
        assert len(graph.get_operations()) == 6


def test_return_elements_and_input_map():
    mine = tf.constant([1.0, 2.0])
    y, op, part = tf.import_graph_def(small(), {"x:0": mine}, ["y:0", "y", "parts:1"])
    assert op is y.op
    assert (part.name, y.shape.as_list()) == ("import/parts:1", [2])
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(y), [3, 6])
    (y,) = tf.import_graph_def(small(), {"w": tf.constant(5.0), "x": mine}, ["y:0"])
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(y), [5, 10])
    (op,) = tf.import_graph_def(small(), {"^w": mine.op}, ["parts"])
    assert op.control_inputs == [mine.op]


def test_any_output_may_be_stood_in_for():
    values, places = tf.nn.top_k(tf.constant([1.0, 2.0]), 1, name="top")
    tf.add(values, 1.0, name="u")
    tf.add(places, 1, name="v")
    description = tf.get_default_graph().as_graph_def()
    u, v = tf.import_graph_def(description, {"top:1": tf.constant([7], tf.int64)}, ["u:0", "v:0"])
    with tf.Session() as session:
        assert session.run([u, v]) == [[3.0], [8]]
    with pytest.raises(ValueError, match=r"'top:1' is int64, .* is float32"):
        tf.import_graph_def(description, {"top:1": tf.constant([7.0])})


def test_shapes_that_were_set_come_back():
    """And what stands in for a tensor may have another shape, to which nothing is added."""
    x = tf.placeholder(tf.float32, [None, None], name="x")
    y = tf.exp(x, name="y")
    y.set_shape([2, None])
    tf.negative(y, name="z")
    description = tf.GraphDef.FromString(tf.get_default_graph().as_graph_def().SerializeToString())
    y, z = tf.import_graph_def(description, return_elements=["y:0", "z:0"])
    assert y.shape.as_list() == z.shape.as_list() == [2, None]
    (z,) = tf.import_graph_def(description, {"x:0": tf.zeros([3, 4])}, ["z:0"])
    assert z.shape.as_list() == [3, 4]


def test_an_import_runs_after_what_stands_in_for_what_it_ran_after():
    with tf.control_dependencies([tf.no_op(name="first")]):
        tf.constant(1.0, name="second")
    description = tf.get_default_graph().as_graph_def()
    description.node = [node for node in description.node if node.name != "first"]
    with pytest.raises(GraphFileError, match=r"'second' .*runs after 'first', which is not before it"):
        tf.import_graph_def(description)
    mine = tf.no_op()
    with pytest.raises(ValueError, match=r"not found in graph_def: \[\^first\]"):
        tf.import_graph_def(description, {"^first": mine})


def test_a_name_that_a_description_was_given_is_checked():
    description = small()
    description.node[0].name = "two words"
    description.node = description.node[:1]
    with pytest.raises(GraphFileError, match=r"node 'two words': .*not a valid scope name"):
        tf.import_graph_def(description)


def test_a_graph_of_too_many_values_is_not_written(monkeypatch):
    tf.constant(np.arange(9.0))
    monkeypatch.setattr("graphs.core.jsontext.MOST", 10)
    with pytest.raises(GraphFileError, match="the graph cannot be written: it has more than 10 values"):
        tf.get_default_graph().as_graph_def().SerializeToString()


@pytest.mark.oracle
def test_importing_as_tensorflow_does():
    theirs = tensorflow()
    found = []
    for module in (tf, theirs):
        with module.Graph().as_default() as graph:
            x = module.placeholder(module.float32, [2], name="x")
            module.identity(module.exp(x, name="y"), name="z")
            description = graph.as_graph_def()
        with module.Graph().as_default() as graph, module.Session() as session:
            one = module.import_graph_def(description, {"x:0": module.constant([0.0, 1.0])}, ["y:0", "z"])
            two = module.import_graph_def(description, {"y:0": module.constant([5.0, 6.0])}, ["z:0"], name="second")
            names = [op.name for op in graph.get_operations()]
            found.append((one[0].name, one[1].name, two[0].name, names, *session.run([one[0], two[0]])))
    assert found[0][:4] == found[1][:4]
    for mine, wanted in zip(found[0][4:], found[1][4:], strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"input_map": {"no:0": 1.0, "x:7": 1.0}}, ValueError, r"inputs that were not found in graph_def: \[no:0, x:7\]"),
        ({"input_map": {"x:1": 1.0}}, ValueError, r"inputs that were not found in graph_def: \[x:1\]"),
        ({"input_map": {"x:0": np.int32(1)}}, ValueError, "'x:0' is float32, .* is int32"),
        ({"return_elements": ["no"]}, ValueError, "return_element 'no' not found in graph_def"),
        ({"return_elements": ["x:1"]}, ValueError, "return_element 'x:1' not found in graph_def"),
        ({"return_elements": ["x:one"]}, ValueError, "return_element 'x:one' not found in graph_def"),
        ({"graph_def": b"bytes"}, TypeError, "graph_def must be a GraphDef"),
    ],
)
def test_wrong_calls(settings, kind, message):
    with pytest.raises(kind, match=message):
        tf.import_graph_def(**{"graph_def": small(), **settings})
    assert not tf.get_default_graph().get_operations() or "input_map" in settings


# Descriptions that are wrong


def tampered(change):
    data = json.loads(small().to_json())
    change(data)
    return json.dumps(data)


def at(number, **fields):
    return lambda data: data["node"][number].update(fields)


WRONG = {
    "no JSON": ("{", "no JSON text"),
    "no object": ("[1]", "graph: it has to be an object"),
    "too deep": ("[" * 100_000, "no JSON text"),
    "NaN": ('{"format": NaN}', "NaN is not JSON"),
    "another format": (lambda d: d.update(format="else"), "of the format 'else'"),
    "a later version": (lambda d: d.update(version=99), "version is 99"),
    "an odd field": (lambda d: d.update(code="print()"), "no field 'code'"),
    "no nodes": (lambda d: d.pop("node"), "graph: the field 'node' is missing"),
    "an odd seed": (lambda d: d.update(seed="1"), "'seed' has to be an integer or null"),
    "nodes that are none": (lambda d: d["node"].append(3), "node 5: it has to be an object"),
    "an unknown op": (at(2, op="os.system"), "node 'y': there is no op 'os.system'"),
    "an op that is no name": (at(2, op=["add"]), "node 'y': there is no op"),
    "a missing field": (lambda d: d["node"][2].pop("input"), "node 2: the field 'input' is missing"),
    "an odd field of a node": (at(2, run="x"), "node 2: there is no field 'run'"),
    "inputs that are no list": (at(2, input="x:0"), "node 'y': 'input' has to be a list"),
    "an input that comes later": (at(2, input=["x:0", "parts:0"]), "node 'y' .*input 1 is 'parts:0', which no node before"),
    "an output that is not there": (at(2, input=["x:0", "w:3"]), "node 'y' .*input 1 is 'w:3', which no node before"),
    "too few inputs": (at(2, input=["x:0"]), r"node 'y' .*multiply takes 2 arrays \(x, y\), got 1"),
    "an input of no kind": (at(2, input=["x:0", None]), "node 'y': input 1: None is neither an edge, a number nor an array"),
    "an unknown attribute": (at(2, attr={"axis": 1}), "node 'y' .*multiply has the attributes none; got axis"),
    "attributes that are none": (at(2, attr=[1]), "node 'y': 'attr' has to be an object"),
    "a wrong attribute": (at(4, attr={"sizes": "two", "axis": 0}), "node 'parts'"),
    "an attribute of no kind": (at(4, attr={"x": {"python": "print()"}}), "node 'parts': attribute 'x': .*not the form"),
    "a missing attribute": (at(0, attr={}), "node 'x' .*placeholder has the attributes spec; got none"),
    "a wrong dtype": (at(2, output=[["int32", [None]]]), r"node 'y' .*output 0 is float32\(\?,\), not int32"),
    "a wrong shape": (at(2, output=[["float32", [7]]]), r"node 'y' .*output 0 is float32\(\?,\), not float32\(7,\)"),
    "an unknown dtype": (at(2, output=[["float33", [7]]]), r"node 'y': output 0: .*float33"),
    "a shape that is none": (at(2, output=[["float32", [-1]]]), "node 'y': output 0: .*is no shape"),
    "too many outputs": (at(2, output=[["float32", [None]]] * 2), "node 'y' .*yields 1 outputs, not 2"),
    "a control input that is not there": (at(2, control=["no"]), "node 'y' .*runs after 'no', which is not before it"),
    "a name twice": (at(2, name="x"), "node 'x' .*another of that name before it"),
    "a name of two lines": (at(2, name="y\nimport os"), "'name' has to be text of one line"),
    "a name that is none": (at(2, name="y y"), "'y y' is not a valid scope name"),
    "a shape that contradicts": (at(2, shapes={"0": [1, 2]}), "node 'y' .*shape of output 0"),
    "shapes that are none": (at(2, shapes={"a": 3}), "node 'y': 'shapes' has to be an object"),
    "writes that are none": (at(2, writes=[["w"]]), "node 'y': 'writes' has to be a list"),
    "writes to nothing": (at(2, writes=[["no", 0]]), "node 'y' .*writes output 0 to 'no'"),
    "an array that is too short": (
        at(1, attr={"value": {"array": {"dtype": "float32", "shape": [2], "values": [1.0]}}}),
        "node 'w': attribute 'value': 'array'",
    ),
    "an array of something else": (
        at(1, attr={"value": {"array": {"dtype": "int32", "shape": [1], "values": [1.5]}}}),
        "these are no values of int32",
    ),
    "an array of bad text": (
        at(1, attr={"value": {"array": {"dtype": "float32", "shape": [1], "base64": "!!!!"}}}),
        "node 'w': attribute 'value': 'array'",
    ),
    "an array of objects": (
        at(1, attr={"value": {"array": {"dtype": "string", "shape": [1], "values": [[]]}}}),
        "node 'w': attribute 'value': 'array'",
    ),
    "a function that is not there": (at(4, attr={"body": {"function": 0}}), "there is no function 0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(name):
    change, message = WRONG[name]
    text = change if isinstance(change, str) else tampered(change)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        tf.import_graph_def(tf.GraphDef.FromString(text), name="")
    assert tf.get_default_graph().get_operations() == []
    tf.import_graph_def(small(), name="")  # nothing is left behind


def looped():
    with tf.Graph().as_default() as graph:
        tf.while_loop(lambda i: i < 5, lambda i: i + 1, [tf.constant(0)])
        return json.loads(graph.as_graph_def().to_json())


WRONG_BODIES = {
    "an unknown op": (lambda f: f["node"][0].update(op="no"), "there is no op 'no'"),
    "an edge that is not there": (
        lambda f: f["node"][0].update(input=["#9:0", 1]),
        "input 0 is '#9:0', which no node before",
    ),
    "an edge to itself": (lambda f: f["node"][0].update(input=["#0:0", 1]), "input 0 is '#0:0', which no node before"),
    "an output that is not there": (lambda f: f.update(output=["@7"]), "input 0 is '@7'"),
    "a wrong spec": (lambda f: f["node"][0].update(output=[["string", []]]), "output 0 is"),
    "a name of two lines": (lambda f: f["node"][0].update(name="a\nimport os"), "text of one line"),
    "a body's name of two lines": (lambda f: f.update(name="a\nimport os"), "text of one line"),
    "an odd field": (lambda f: f.update(code=""), "no field 'code'"),
    "an unknown attribute": (lambda f: f["node"][0].update(attr={"__import__('os')": 1}), "has the attributes"),
    "a control input that is not there": (lambda f: f["node"][0].update(control=["#5"]), "runs after '#5'"),
}


@pytest.mark.parametrize("name", WRONG_BODIES)
def test_what_is_wrong_in_a_body_is_named(name):
    change, message = WRONG_BODIES[name]
    data = looped()
    change(data["functions"][0])
    with pytest.raises(GraphFileError, match=message):
        tf.GraphDef.FromString(json.dumps(data))


def test_a_body_cannot_refer_to_itself():
    data = looped()
    data["functions"][0]["node"][0]["attr"] = {"body": {"function": 0}}
    with pytest.raises(GraphFileError, match="no function 0 before the one that refers to it"):
        tf.GraphDef.FromString(json.dumps(data))


# What belongs to the process


def test_python_functions_are_not_written(tmp_path):
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.py_func(lambda v: v + 1, [x], tf.float32, name="mine")
    description = tf.get_default_graph().as_graph_def()
    assert [node.op for node in description.node] == ["Placeholder", "PyFunc"]
    with pytest.raises(GraphFileError, match=r"'mine' \(op: PyFunc\).*this process only and cannot be written to a file"):
        description.to_json()
    with pytest.raises(GraphFileError, match="'mine'"):
        tf.train.write_graph(description, str(tmp_path), "graph.json")
    assert os.listdir(tmp_path) == []
    with tf.Session() as session:
        assert session.run(y, {x: 1.0}) == 2.0


def test_a_checkpoint_is_saved_though_the_graph_cannot_be(tmp_path, caplog):
    v = tf.Variable(1.0, name="v")
    tf.py_func(lambda: np.float32(1), [], tf.float32, name="mine")
    with tf.Session() as session:
        session.run(v.initializer)
        path = tf.train.Saver().save(session, str(tmp_path / "m.ckpt"))
    assert tf.train.load_variable(path, "v") == 1.0
    assert "m.ckpt.meta is not written: node 'mine'" in caplog.text
    assert not os.path.exists(path + ".meta")


def test_files_of_python_functions_are_not_read():
    data = json.loads(small().to_json())
    for attr in ({"call": {"python": "os.system"}}, {"call": "os.system"}, {"call": {"function": 0}}):
        data["node"][2] = {
            "name": "y",
            "op": "static.py_func",
            "input": ["x:0"],
            "attr": attr,
            "output": [["float32", None]],
        }
        with pytest.raises(GraphFileError, match="node 'y'"):
            tf.import_graph_def(tf.GraphDef.FromString(json.dumps(data)))


def test_registered_gradients_are_found_again():
    @tf.RegisterGradient("TestExportTenfold")
    def _tenfold(op, grad):
        return grad * 10.0

    x = tf.placeholder(tf.float32, [], name="x")
    with tf.get_default_graph().gradient_override_map({"Exp": "TestExportTenfold"}):
        tf.exp(x, name="y")
    text = tf.get_default_graph().as_graph_def().to_json()
    with tf.Graph().as_default(), tf.Session() as session:
        x, y = tf.import_graph_def(tf.GraphDef.FromString(text), return_elements=["x:0", "y:0"])
        assert session.run(tf.gradients(y, x), {x: 3.0}) == [10.0]


# Graph, variables and collections


def test_a_meta_graph_under_a_scope(tmp_path):
    v = tf.Variable([1.0, 2.0], name="v", trainable=False)
    w = tf.Variable(3.0, name="w", validate_shape=False)
    tf.add_to_collection("mine", v * w)
    tf.add_to_collection("mine", 3)
    tf.add_to_collection("mine", ("text", 1.5))
    saver = tf.train.Saver({"saved": v, "w": w})
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = saver.save(session, str(tmp_path / "m.ckpt"), global_step=4)
    with tf.Graph().as_default(), tf.Session() as session:
        again = tf.train.import_meta_graph(path + ".meta", import_scope="copy")
        again.restore(session, path)
        product, *plain = tf.get_collection("mine")
        np.testing.assert_array_equal(session.run(product), [3, 6])
        assert plain == [3, ("text", 1.5)]
        assert [x.name for x in tf.global_variables()] == ["copy/v:0", "copy/w:0"]
        assert [x.name for x in tf.trainable_variables()] == ["copy/w:0"]
        one, two = tf.global_variables()
        session.run([one.assign([5.0, 6.0]), two.assign([1.0, 1.0])])  # w takes any shape, as before
        assert (one.trainable, two.trainable) == (False, True)
        assert "saved" in dict(tf.train.list_variables(again.save(session, str(tmp_path / "n.ckpt"))))


def test_a_scope_that_is_taken(tmp_path):
    tf.Variable(1.0, name="v")
    meta = tf.train.export_meta_graph()
    with tf.Graph().as_default():
        for _ in range(2):
            tf.train.import_meta_graph(meta, import_scope="copy")
        assert [x.name for x in tf.global_variables()] == ["copy/v:0", "copy_1/v:0"]


def test_imported_variables_are_variables(tmp_path):
    v = tf.Variable([1.0, 2.0], name="v")
    tf.reduce_sum(v * v, name="loss")
    tf.train.export_meta_graph(str(tmp_path / "graph.meta"))
    with tf.Graph().as_default() as graph, tf.Session() as session:
        saver = tf.train.import_meta_graph(str(tmp_path / "graph.meta"))
        train = tf.train.GradientDescentOptimizer(0.25).minimize(graph.get_tensor_by_name("loss:0"))
        doubled = tf.Variable(tf.trainable_variables()[0] * 2.0, name="doubled")
        session.run(tf.global_variables_initializer())
        session.run(train)
        np.testing.assert_array_equal(session.run(tf.trainable_variables()[0]), [0.5, 1.0])
        np.testing.assert_array_equal(session.run(doubled), [2, 4])
        assert list(saver.variables) == ["v"]


def test_meta_graphs_without_files():
    with tf.Graph().as_default() as graph:
        tf.constant(1.0, name="c")
        meta = tf.train.export_meta_graph(graph=graph)
    assert [node.name for node in meta.graph_def.node] == ["c"]
    assert tf.train.import_meta_graph(meta) is None  # no variables, no saver
    assert tf.get_default_graph().get_tensor_by_name("c:0").shape.as_list() == []


def test_collections_that_no_file_can_hold(caplog):
    tf.add_to_collection("functions", print)
    tf.add_to_collection("numbers", 1)
    meta = tf.train.export_meta_graph()
    assert meta.collection_def == {"numbers": [{"value": 1}]}
    assert "'functions' is not written" in caplog.text


def test_clear_devices(tmp_path):
    with tf.device("/gpu:1"):
        tf.Variable(1.0, name="v")
    for clear in (True, False):
        tf.train.export_meta_graph(str(tmp_path / "m"), clear_devices=clear)
        with tf.Graph().as_default() as graph:
            tf.train.import_meta_graph(str(tmp_path / "m"))
            assert graph.get_operation_by_name("v").device == ("" if clear else "/device:GPU:1")
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(str(tmp_path / "m"), clear_devices=True)
        assert graph.get_operation_by_name("v").device == ""


WRONG_META = {
    "no saver": (lambda d: d.pop("saver"), "the field 'saver' is missing"),
    "a graph's file": (lambda d: (d.clear(), d.update(json.loads(small().to_json()))), "meta graph"),
    "a wrong variable": (lambda d: d["variables"][0].update(snapshot="no:0"), "variable 'v': there is no 'no:0'"),
    "a variable's odd field": (lambda d: d["variables"][0].update(eval="1"), "variable 0: there is no field 'eval'"),
    "a wrong setting": (lambda d: d["variables"][0].update(trainable="yes"), "have to be true or false"),
    "a wrong collection": (lambda d: d["collections"].update(variables=[{"operation": "no"}]), "there is no 'no'"),
    "an item of no kind": (lambda d: d["collections"].update(variables=[{"python": "1"}]), "'python' is no kind of item"),
    "collections that are none": (lambda d: d.update(collections=[1]), "'collections' has to be an object of lists"),
    "a wrong saver": (lambda d: d["saver"].update(variables={"v": "no"}), "'saver' is wrong"),
    "a saver of odd hours": (lambda d: d["saver"].update(keep_checkpoint_every_n_hours="1"), "'saver' is wrong"),
}


@pytest.mark.parametrize("name", WRONG_META)
def test_what_is_wrong_in_a_meta_graph_is_named(name, tmp_path):
    change, message = WRONG_META[name]
    tf.Variable(1.0, name="v")
    data = json.loads(tf.train.Saver().export_meta_graph().to_json())
    change(data)
    path = tmp_path / "graph.meta"
    path.write_text(json.dumps(data))
    with tf.Graph().as_default() as graph:
        with pytest.raises(ValueError, match=message):
            tf.train.import_meta_graph(str(path))
        assert graph.get_operations() == []


NO_ARRAYS = [{"array": {"dtype": "int8", "shape": shape, "values": []}} for shape in ([], [10**9, 10**9], "x")]
ODD = [
    None, True, -1, 1.5, 1 << 80, "", "x", "x:0", "@0", "#0:0", "\n", [], [[]], {}, {"a": 1}, {"function": 0},
    {"dict": [[[], {}]]}, {"dict": [[{"list": []}, 1]]}, {"slice": [1]}, {"spec": ["float32", [2]]}, {"complex": ["a", 1]},
    {"float": "x"}, *NO_ARRAYS,
]  # fmt: skip


def places(data):
    """Every container in JSON data, with each of its keys or positions."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, item in items:
        yield data, key
        yield from places(item)


@pytest.mark.parametrize("program", [net, loops])
def test_any_change_is_refused_or_harmless(program):
    """A file with one thing changed is imported whole, or refused with nothing added."""
    program(tf.placeholder(tf.float32, [None, 3], name="x"))
    text = tf.train.Saver().export_meta_graph().to_json()
    draw = random.Random(0)
    refused = 0
    for _ in range(150):
        data = json.loads(text)
        container, key = draw.choice(list(places(data)))
        container[key] = draw.choice(ODD)
        with tf.Graph().as_default() as graph:
            try:
                tf.train.import_meta_graph(MetaGraphDef.from_json(json.dumps(data)))
            except GraphFileError:
                refused += 1
                assert graph.get_operations() == []
    assert refused > 100


def test_a_meta_graph_that_is_not_there():
    with pytest.raises(OSError, match="File nowhere does not exist"):
        tf.train.import_meta_graph("nowhere")


def test_descriptions_can_be_changed_before_they_are_imported():
    description = copy.deepcopy(small())
    description.node[1].attr["value"] = np.float32(10)
    description.node[:] = [node for node in description.node if not node.name.startswith(("z", "parts"))]
    y = tf.import_graph_def(description, {"x": [1.0]}, ["y:0"])[0]
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(y), [10])


# tf.graph_util


def model():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    w = tf.get_variable("w", [3, 2], initializer=tf.random_normal_initializer(seed=1))
    b = tf.Variable([1.0, 2.0], name="b")
    y = tf.add(tf.matmul(x, w), b, name="y")
    tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(y))
    return x, y


def test_variables_become_constants():
    x, y = model()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        wanted = session.run(y, {x: X})
        description = tf.get_default_graph().as_graph_def()
        frozen = tf.graph_util.convert_variables_to_constants(session, description, ["y"])
        some = tf.graph_util.convert_variables_to_constants(session, description, ["y"], variable_names_blacklist=["w"])
        with pytest.raises(ValueError, match=r"'Adam/.*' \(\w+\) works on a variable itself"):
            tf.graph_util.convert_variables_to_constants(session, description, ["Adam"])
    assert {node.op for node in frozen.node} == {"Placeholder", "Const", "Identity", "MatMul", "Add"}
    assert [node.name for node in some.node if node.op == "VariableV2"] == ["w"]
    with tf.Graph().as_default(), tf.Session() as session:
        x, y = tf.import_graph_def(tf.GraphDef.FromString(frozen.to_json()), return_elements=["x:0", "y:0"])
        same(session.run(y, {x: X}), wanted)
    shorter = tf.graph_util.remove_training_nodes(frozen)
    assert [node.name for node in shorter.node] == ["x", "w", "b", "MatMul", "y"]
    with tf.Graph().as_default(), tf.Session() as session:
        x, y = tf.import_graph_def(shorter, return_elements=["x:0", "y:0"])
        same(session.run(y, {x: X}), wanted)


@pytest.mark.oracle
def test_what_is_extracted_is_what_tensorflow_extracts():
    theirs = tensorflow()
    found = []
    for module in (tf, theirs):
        with module.Graph().as_default() as graph:
            a, b = module.placeholder(module.float32, [], name="a"), module.placeholder(module.float32, [], name="b")
            with module.control_dependencies([b]):
                module.exp(a, name="c")
            module.exp(b, name="d")
            graph_def = graph.as_graph_def()
            found.append([node.name for node in module.graph_util.extract_sub_graph(graph_def, ["c"]).node])
            with pytest.raises(AssertionError, match="no is not in graph"):
                module.graph_util.extract_sub_graph(graph_def, ["no"])
    assert found[0] == found[1] == ["a", "b", "c"]
