import io
import itertools
import os
import struct
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import static as tf
from static.protos import record_writer
from tests.static.oracle import tensorflow


ROOT = Path(__file__).resolve().parents[2]


def run(fetch, feed=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetch, feed)


def events(directory):
    found = [list(tf.train.summary_iterator(str(path))) for path in sorted(Path(directory).iterdir())]
    return [event for each in found for event in each]


# Against TensorFlow: the same program, the same messages


def scalars(tf):
    x = tf.constant(1.5)
    with tf.name_scope("scope"):
        made = [tf.summary.scalar("loss", x), tf.summary.scalar("loss", x), tf.summary.scalar("a b:c", x, family="fam")]
    return [*made, tf.summary.scalar("whole", tf.constant(3)), tf.summary.scalar("nan", tf.constant(np.nan))]


def histograms(tf):
    rng = np.random.default_rng(0)
    values = {
        "normal": rng.normal(size=(50, 20)),
        "float32": rng.normal(size=1000).astype(np.float32),
        "small": np.array([1e-13, -1e-12, 1e-12, 0.0, -0.0, 1e-300]),
        "large": np.array([1e19, 1e20, 1e21, -1e21, 1.7e308]),
        "whole": np.arange(-5, 50),
        "bytes": np.arange(200, dtype=np.uint8),
        "one": np.float64(2.5),
        "same": np.full(7, -3.0),
        "none": np.zeros(0),
    }
    return [tf.summary.histogram(name, tf.constant(value)) for name, value in values.items()]


def merged(tf):
    x = tf.constant([1.0, 2.0])
    a, b = tf.summary.scalar("a", x[0]), tf.summary.histogram("b", x)
    tf.summary.scalar("c", x[1], collections=["mine"])
    return [
        tf.summary.merge([a, b]),
        tf.summary.merge([b], name="named"),
        tf.summary.merge_all(),
        tf.summary.merge_all("mine"),
    ]


def texts(tf):
    rows = tf.constant([["a", "b"], ["c", "d"]])
    return [tf.summary.text("one", tf.constant("hello")), tf.summary.text("rows", rows)]


def tensors(tf):
    return [
        tf.summary.tensor_summary(f"t{i}", tf.constant(x)) for i, x in enumerate([np.float32(1), np.arange(6).reshape(2, 3)])
    ]


@pytest.mark.oracle
@pytest.mark.parametrize("build", [scalars, histograms, merged, texts, tensors])
def test_messages_are_tensorflows(build):
    theirs = tensorflow()
    found = {}
    for module in (tf, theirs):
        with module.Graph().as_default(), module.Session() as session:
            made = build(module)
            data = map(theirs.Summary.FromString, session.run(made))
            found[module] = [(x.op.name, x.op.type, each) for x, each in zip(made, data, strict=True)]
            found[module, "keys"] = [x.name for x in module.get_collection(module.GraphKeys.SUMMARIES)]
    assert found[tf, "keys"] == found[theirs, "keys"]
    for (name, kind, mine), (wanted_name, wanted_kind, wanted) in zip(found[tf], found[theirs], strict=True):
        assert (name, kind) == (wanted_name, wanted_kind)
        for value in wanted.value:  # theirs are typed, ours are bytes; the same tensor either way
            mine_value = mine.value[list(wanted.value).index(value)]
            if value.HasField("tensor"):
                one, two = (sys.modules["tensorflow"].make_ndarray(each.tensor) for each in (mine_value, value))
                np.testing.assert_array_equal(one, two)
                value.tensor.CopyFrom(mine_value.tensor)
        assert str(mine) == str(wanted), name


PICTURES = {
    "bytes": np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8),
    "grey": np.random.default_rng(1).random((4, 3, 4, 1)).astype(np.float32),
    "signed": np.random.default_rng(2).normal(size=(1, 4, 4, 3)).astype(np.float32),
    "doubles": np.random.default_rng(3).normal(size=(2, 3, 3, 4)),
    "halves": np.random.default_rng(4).random((1, 5, 5, 1)).astype(np.float16),
    "zeros": np.zeros((1, 2, 2, 1), np.float32),
    "tiny": np.full((1, 2, 2, 1), 1e-7, np.float32),
    "not finite": np.array([0.0, 1.0, np.nan, np.inf, -np.inf, 0.5], np.float32).reshape(1, 2, 3, 1),
    "colour not finite": np.array([[0.0, 1.0, np.nan], [1.0, 2.0, 3.0]], np.float32).reshape(1, 1, 2, 3),
    "nothing finite": np.full((1, 1, 2, 3), np.nan, np.float32),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("most", [1, 3])
def test_pictures_are_tensorflows(name, most):
    theirs = tensorflow()
    found = []
    for module in (tf, theirs):
        with module.Graph().as_default(), module.Session() as session:
            data = session.run(module.summary.image("picture", module.constant(PICTURES[name]), max_outputs=most))
            found.append(theirs.Summary.FromString(data).value)
    assert [(x.tag, x.image.height, x.image.width, x.image.colorspace) for x in found[0]] == [
        (x.tag, x.image.height, x.image.width, x.image.colorspace) for x in found[1]
    ]
    for mine, wanted in zip(*found, strict=True):
        one, two = (np.asarray(Image.open(io.BytesIO(x.image.encoded_image_string))) for x in (mine, wanted))
        np.testing.assert_array_equal(one, two)


# By themselves


def test_a_summary_is_bytes():
    data = run(tf.summary.scalar("loss", 2.5))
    assert type(data) is bytes
    (value,) = tf.Summary.FromString(data).value
    assert (value.tag, value.simple_value) == ("loss", 2.5)


def test_a_histogram_by_hand():
    histogram = tf.Summary.FromString(run(tf.summary.histogram("h", [1.0, 1.005, 4.0]))).value[0].histo
    assert (histogram.num, histogram.min, histogram.max, histogram.sum) == (3, 1, 4, np.float32(1.005).astype(float) + 5)
    assert sum(histogram.bucket) == 3
    ends = dict(zip(histogram.bucket_limit, histogram.bucket, strict=True))
    assert [count for end, count in ends.items() if count] == [2, 1]


INVALID = tf.errors.InvalidArgumentError


@pytest.mark.parametrize(
    ("build", "kind", "message"),
    [
        (
            lambda: tf.summary.histogram("h", [1.0, np.nan]),
            INVALID,
            "Nan in summary histogram for: h",
        ),
        (
            lambda: tf.summary.histogram("h", [np.inf]),
            INVALID,
            "Infinity in summary histogram for: h",
        ),
        (lambda: tf.summary.scalar("v", [1.0, 2.0]), INVALID, r"not the same shape: .*tag 'v'"),
        (
            lambda: tf.summary.image("i", tf.zeros([2, 3])),
            INVALID,
            "must be 4-D with last dim 1, 3, or 4",
        ),
        (lambda: tf.summary.image("i", tf.zeros([1, 2, 2, 2])), INVALID, "must be 4-D"),
        (
            lambda: tf.summary.image("i", tf.zeros([1, 2, 2, 1], tf.int32)),
            TypeError,
            "parameter 'tensor' has DataType int32",
        ),
        (lambda: tf.summary.histogram("h", [True]), TypeError, "parameter 'values' has DataType bool"),
        (lambda: tf.summary.text("t", 1), ValueError, "to have dtype string"),
        (lambda: tf.summary.merge([]), ValueError, "List argument 'inputs' to 'MergeSummary' Op with length 0"),
        (
            lambda: tf.summary.merge([tf.summary.scalar("twice", 1.0)] * 2),
            INVALID,
            "Duplicate tag twice found in summary inputs",
        ),
    ],
)
def test_what_is_refused(build, kind, message):
    with pytest.raises(kind, match=f"(?s){message}.*test_summary.py"):
        run(build())


def test_merge_all_of_nothing_is_none():
    assert tf.summary.merge_all() is None
    assert tf.merge_all_summaries() is None


def test_the_old_names():
    with tf.name_scope("scope"):
        tf.scalar_summary("loss!", 1.0)
        tf.scalar_summary(["a", "b"], [2.0, 3.0])
        tf.histogram_summary("h", [1.0])
        tf.image_summary("i", np.zeros((1, 2, 2, 3), np.uint8), max_images=1)
        both = tf.merge_all_summaries()
    values = tf.Summary.FromString(run(both)).value
    assert [value.tag for value in values] == ["loss!", "a", "b", "h", "i/image"]
    assert [value.simple_value for value in values][:3] == [1.0, 2.0, 3.0]


def test_a_message_made_by_hand(tmp_path):
    with tf.train.SummaryWriter(str(tmp_path)) as writer:
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="accuracy", simple_value=0.5)]), 7)
    (_, event) = events(tmp_path)
    assert (event.step, event.summary.value[0].tag, event.summary.value[0].simple_value) == (7, "accuracy", 0.5)


def test_summaries_inside_a_loop():
    def body(i, data):
        return i + 1, tf.summary.scalar("i", i)

    _, last = tf.while_loop(lambda i, _: i < 3, body, [tf.constant(0), tf.constant("", tf.string)])
    assert tf.Summary.FromString(run(last)).value[0].simple_value == 2


# Event files


def program():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    with tf.name_scope("layer"):
        w = tf.Variable(tf.ones([2, 3]), name="w")
        y = tf.matmul(x, w)
    with tf.control_dependencies([y]):
        last = tf.identity(tf.split(y, 3, axis=1)[1], name="last")
    tf.summary.scalar("mean", tf.reduce_mean(y))
    tf.summary.text("note", tf.constant("hello"))
    return x, last, tf.summary.merge_all()


def test_what_is_written_is_read_back(tmp_path):
    x, _, summaries = program()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        writer = tf.summary.FileWriter(str(tmp_path / "logs"), session.graph)
        for step in range(3):
            writer.add_summary(session.run(summaries, {x: [[step, step]]}), global_step=np.int64(step))
        writer.add_session_log(tf.SessionLog(status=tf.SessionLog.STOP), 3)
        writer.close()
    first, graph, *rest, log = events(tmp_path / "logs")
    assert first.file_version == "brain.Event:2"
    assert graph.graph_def
    assert [(e.step, e.summary.value[0].simple_value) for e in rest] == [(0, 0.0), (1, 2.0), (2, 4.0)]
    assert [e.summary.value[1].HasField("metadata") for e in rest] == [True, False, False]  # once for each tag
    assert (log.step, log.session_log.status) == (3, 2)
    assert all(a.wall_time <= b.wall_time for a, b in itertools.pairwise(rest))
    assert writer.get_logdir() == str(tmp_path / "logs")


def test_the_graph_is_whole(tmp_path):
    from tensorboardX.proto.graph_pb2 import GraphDef

    program()
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_graph(tf.get_default_graph())
    nodes = {node.name: node for node in GraphDef.FromString(events(tmp_path)[1].graph_def).node}
    assert set(nodes) == {op.name for op in tf.get_default_graph().get_operations()}
    for op in tf.get_default_graph().get_operations():
        node = nodes[op.name]
        assert node.op == op.type
        wanted = [x.name.removesuffix(":0") for x in op.inputs] + [f"^{before.name}" for before in op.control_inputs]
        assert list(node.input) == wanted
    assert list(nodes["layer/MatMul"].input) == ["x", "layer/w/read"]
    assert list(nodes["last"].input) == ["split:1", "^layer/MatMul"]
    (shape,) = nodes["layer/MatMul"].attr["_output_shapes"].list.shape
    assert [dim.size for dim in shape.dim] == [-1, 3]


@pytest.mark.oracle
def test_tensorflow_reads_our_files(tmp_path):
    theirs = tensorflow()
    x, _, summaries = program()
    loop = tf.while_loop(lambda i: i < 3, lambda i: i + 1, [tf.constant(0)], name="round")
    with tf.Session() as session, tf.summary.FileWriter(str(tmp_path), session.graph) as writer:
        session.run(tf.global_variables_initializer())
        data, _ = session.run([summaries, loop], {x: [[1, 2]]})
        writer.add_summary(data, 5)
    (path,) = tmp_path.iterdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = list(theirs.train.summary_iterator(str(path)))
    graph = theirs.GraphDef.FromString(read[1].graph_def)
    names = {op.name for op in tf.get_default_graph().get_operations()} - {"init"}
    assert {node.name for node in graph.node} == names
    assert any(name.startswith("round/") for name in names)
    assert {x.removeprefix("^").partition(":")[0] for node in graph.node for x in node.input} <= names
    assert read[2].step == 5
    assert read[2].summary.SerializeToString() == data


@pytest.mark.oracle
def test_tensorflow_reads_traced_runs(tmp_path):
    theirs = tensorflow()
    x, last, _ = program()
    metadata = tf.RunMetadata()
    with tf.Session() as session, tf.summary.FileWriter(str(tmp_path)) as writer:
        session.run(tf.global_variables_initializer())
        session.run(last, {x: [[1, 2]]}, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)
        writer.add_run_metadata(metadata, "step1", 1)
        with pytest.raises(ValueError, match="tag was already used"):
            writer.add_run_metadata(metadata, "step1", 2)
    (_, event) = events(tmp_path)
    assert (event.step, event.tagged_run_metadata.tag) == (1, "step1")
    (device,) = theirs.RunMetadata.FromString(event.tagged_run_metadata.run_metadata).step_stats.dev_stats
    (mine,) = metadata.step_stats.dev_stats
    assert device.device == mine.device
    assert len(mine.node_stats) > 2
    for one, two in zip(device.node_stats, mine.node_stats, strict=True):
        for name in ("node_name", "timeline_label", "all_start_micros", "op_end_rel_micros", "all_end_rel_micros"):
            assert getattr(one, name) == getattr(two, name)
        assert [x.total_bytes for x in one.memory] == [x.total_bytes for x in two.memory]
        assert [[d.size for d in out.tensor_description.shape.dim] for out in one.output] == [
            [d.size for d in out.tensor_description.shape.dim] for out in two.output
        ]


@pytest.mark.oracle
def test_we_read_tensorflows_files(tmp_path):
    theirs = tensorflow()
    with theirs.Graph().as_default():
        writer = theirs.summary.FileWriter(str(tmp_path))
        writer.add_summary(theirs.Summary(value=[theirs.Summary.Value(tag="a", simple_value=2.0)]), 4)
        writer.close()
    event = events(tmp_path)[-1]
    assert (event.step, event.summary.value[0].tag, event.summary.value[0].simple_value) == (4, "a", 2.0)


def test_close_and_reopen(tmp_path):
    writer = tf.summary.FileWriter(str(tmp_path))
    note = tf.Summary(value=[tf.Summary.Value(tag="a", simple_value=1.0)])
    writer.add_summary(note, 1)
    writer.close()
    writer.close()
    with pytest.warns(UserWarning, match="closed FileWriter"):
        writer.add_summary(note, 2)
    writer.flush()
    writer.reopen()
    writer.add_summary(note, 3)
    writer.close()
    assert [event.step for event in events(tmp_path) if event.summary.value] == [1, 3]
    assert len(list(tmp_path.iterdir())) == 2


def test_files_of_one_second_are_read_in_the_order_in_which_they_were_opened(tmp_path):
    writer = tf.summary.FileWriter(str(tmp_path))
    for step in range(12):
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="a", simple_value=1.0)]), step)
        writer.close()
        writer.reopen()
    writer.close()
    assert [event.step for event in events(tmp_path) if event.summary.value] == list(range(12))


def test_flush_and_the_queue(tmp_path):
    note = tf.Summary(value=[tf.Summary.Value(tag="a", simple_value=1.0)])
    with tf.summary.FileWriter(str(tmp_path), max_queue=4, filename_suffix=".mine") as writer:
        assert len(events(tmp_path)) == 1
        writer.add_summary(note)
        assert len(events(tmp_path)) == 1
        writer.flush()
        assert len(events(tmp_path)) == 2
        for _ in range(4):
            writer.add_summary(note)
        assert len(events(tmp_path)) == 6
    assert next(tmp_path.iterdir()).name.endswith(".mine")


def test_several_threads(tmp_path):
    with tf.summary.FileWriter(str(tmp_path)) as writer:

        def write(number):
            for step in range(50):
                writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag=f"t{number}", simple_value=step)]), step)

        threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    seen = [(e.summary.value[0].tag, e.step) for e in events(tmp_path)[1:]]
    assert sorted(seen) == sorted((f"t{i}", step) for i in range(8) for step in range(50))


def test_writers_by_directory(tmp_path):
    one = tf.summary.FileWriterCache.get(str(tmp_path / "a"))
    assert tf.summary.FileWriterCache.get(str(tmp_path / "a")) is one
    assert tf.summary.FileWriterCache.get(str(tmp_path / "b")) is not one
    tf.summary.FileWriterCache.clear()
    assert tf.summary.FileWriterCache.get(str(tmp_path / "a")) is not one
    tf.summary.FileWriterCache.clear()


def test_wrong_graphs(tmp_path):
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        with pytest.raises(ValueError, match="graph is None"):
            writer.add_graph()
        with pytest.raises(TypeError, match="must be an instance of `Graph` or `GraphDef`"):
            writer.add_graph("graph")


def test_a_damaged_file_is_noticed(tmp_path):
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="a", simple_value=1.0)]), 1)
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    first = 16 + struct.unpack("<Q", data[:8])[0]
    for changed in (data[:-1], data[: first + 6], data[:-6] + b"\0\0" + data[-4:], data[:first] + b"\1" + data[first + 1 :]):
        path.write_bytes(changed)
        with pytest.raises(tf.errors.DataLossError, match="damaged or cut short"):
            list(tf.train.summary_iterator(str(path)))


def test_a_record_is_not_longer_than_its_file(tmp_path):
    length = struct.pack("<Q", 1 << 62)
    (tmp_path / "events").write_bytes(length + struct.pack("<I", record_writer().masked_crc32c(length)))
    with pytest.raises(tf.errors.DataLossError, match="damaged or cut short"):
        list(tf.train.summary_iterator(str(tmp_path / "events")))


def test_what_is_said_where_the_package_is_missing():
    code = """
import sys
sys.modules["tensorboardX"] = sys.modules["tensorboardX.proto"] = None
import static as tf
made = tf.summary.scalar("a", 1.0)  # graphs can be built
for use in (lambda: tf.Session().run(made), lambda: tf.summary.FileWriter("/nowhere/logs"), lambda: tf.Summary()):
    try:
        use()
    except Exception as error:
        print(error)
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert out.stdout.count("pip install 'diptych[tensorboard]'") == 3
