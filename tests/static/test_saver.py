import os
from pathlib import Path

import numpy as np
import pytest

import static as tf
from tests.static.oracle import tensorflow


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def session():
    with tf.Session() as session:
        yield session


def variables(session, **values):
    made = [tf.Variable(value, name=name) for name, value in values.items()]
    session.run(tf.global_variables_initializer())
    return made


def bits(value):
    return np.asarray(value).dtype, np.asarray(value).shape, np.asarray(value).tobytes()


# What is saved comes back


NUMBERS = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "complex64", "complex128"]


@pytest.mark.parametrize("dtype", [*NUMBERS, "bool"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
def test_values_come_back_to_the_bit(session, tmp_path, dtype, shape):
    value = np.random.default_rng(0).normal(size=shape) * 3
    value = np.asarray(value + 1j * value[::-1] if shape and dtype.startswith("complex") else value).astype(dtype)
    (v,) = variables(session, v=value)
    path = tf.train.Saver().save(session, str(tmp_path / "m.ckpt"))
    session.run(v.assign(np.zeros(shape, dtype)))
    tf.train.Saver().restore(session, path)
    assert bits(session.run(v)) == bits(value)
    assert bits(tf.train.load_variable(path, "v")) == bits(value)


def test_values_that_no_number_equals(session, tmp_path):
    value = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])
    (v,) = variables(session, v=value)
    path = tf.train.Saver().save(session, str(tmp_path / "m.ckpt"))
    session.run(v.assign(np.zeros(5)))
    tf.train.Saver().restore(session, path)
    assert bits(session.run(v)) == bits(value)


def test_strings(tmp_path):
    from static.checkpoints import read_checkpoint, write_checkpoint

    value = np.array([[b"a", b""], [b"\xff\x00", b"long" * 99]], object)
    write_checkpoint(str(tmp_path / "m"), {"names": value})
    back = read_checkpoint(str(tmp_path / "m"))["names"]
    assert back.dtype == object
    assert back.tolist() == value.tolist()


def test_training_goes_on_as_if_it_had_not_stopped(tmp_path):
    def steps(session, train, count):
        for _ in range(count):
            session.run(train)

    x = tf.constant(np.random.default_rng(0).normal(size=(8, 3)))
    w = tf.Variable(np.ones((3, 1)), name="w")
    step = tf.train.get_or_create_global_step()
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - 1.0))
    train = tf.train.AdamOptimizer(0.1).minimize(loss, global_step=step)
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        steps(session, train, 3)
        path = saver.save(session, str(tmp_path / "m.ckpt"), global_step=step)
        steps(session, train, 3)
        wanted = session.run([w, step, loss])
    with tf.Session() as session:  # no initializer is run
        saver.restore(session, path)
        steps(session, train, 3)
        assert list(map(bits, session.run([w, step, loss]))) == list(map(bits, wanted))
    assert path.endswith("m.ckpt-3")


def test_names_to_save_under(session, tmp_path):
    v, w = variables(session, v=[1.0, 2.0], w=[3.0, 4.0])
    path = tf.train.Saver({"x": v, "y": w}).save(session, str(tmp_path / "m.ckpt"))
    tf.train.Saver({"x": w}).restore(session, path)
    np.testing.assert_array_equal(session.run([v, w]), [[1, 2], [1, 2]])
    assert tf.train.list_variables(path) == [("x", [2]), ("y", [2])]
    tf.train.Saver([v]).save(session, str(tmp_path / "one.ckpt"))
    assert tf.train.list_variables(str(tmp_path)) == [("v", [2])]


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda v: tf.train.Saver([]), ValueError, "No variables to save"),
        (lambda v: tf.train.Saver([v * 2]), TypeError, "Variable to save is not a Variable"),
        (lambda v: tf.train.Saver({"a": 3}), TypeError, "Variable to save is not a Variable"),
        (lambda v: tf.train.Saver([v]).save("session", "p"), TypeError, "'sess' must be a Session"),
        (
            lambda v: tf.train.Saver([v]).save(tf.Session(), "no/such/m.ckpt"),
            ValueError,
            "Parent directory of no/such/m.ckpt",
        ),
        (lambda v: tf.train.Saver([v]).save(tf.Session(), "m", latest_filename="a/b"), ValueError, "path components"),
        (lambda v: tf.train.Saver([v]).save(tf.Session(), "m"), tf.errors.FailedPreconditionError, "uninitialized value v"),
        (lambda v: tf.train.export_meta_graph(export_scope="a"), ValueError, "export_scope is not supported"),
        (lambda v: tf.train.Saver([v]).restore(tf.Session(), None), ValueError, "when it is None"),
        (lambda v: tf.train.Saver([v]).restore(tf.Session(), "none"), ValueError, "not a valid checkpoint: none"),
        (lambda v: tf.train.Saver(defer_build=True).save(tf.Session(), "m"), RuntimeError, "should be called before save"),
    ],
)
def test_wrong_calls(make, kind, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    v = tf.Variable([1.0], name="v")
    with pytest.raises(kind, match=message):
        make(v)
    assert os.listdir(tmp_path) == []


# Several checkpoints


def test_old_checkpoints_are_deleted(session, tmp_path):
    variables(session, v=1.0)
    saver = tf.train.Saver(max_to_keep=2)
    paths = [saver.save(session, str(tmp_path / "m.ckpt"), global_step=step) for step in (1, 2, 3, 2, 4)]
    assert saver.last_checkpoints == [paths[1], paths[4]]
    assert [tf.train.checkpoint_exists(path) for path in paths] == [False, True, False, True, True]
    assert tf.train.latest_checkpoint(str(tmp_path)) == paths[4]
    assert sorted(p.name for p in tmp_path.glob("*.safetensors")) == ["m.ckpt-2.safetensors", "m.ckpt-4.safetensors"]
    assert not list(tmp_path.glob(".*"))


def test_none_is_deleted_without_a_limit(session, tmp_path):
    variables(session, v=1.0)
    saver = tf.train.Saver(max_to_keep=None)
    paths = [saver.save(session, str(tmp_path / "m.ckpt"), global_step=step) for step in range(8)]
    assert all(map(tf.train.checkpoint_exists, paths))
    assert saver.last_checkpoints == []


def test_some_are_kept_for_good(session, tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("static.saver.time.time", lambda: now[0])
    variables(session, v=1.0)
    saver = tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=1)
    for step in range(7):
        now[0] = step * 1500.0
        saver.save(session, str(tmp_path / "m.ckpt"), global_step=step)
    assert sorted(p.name for p in tmp_path.glob("*.safetensors")) == [f"m.ckpt-{n}.safetensors" for n in (3, 5, 6)]


def test_another_process_goes_on_counting(session, tmp_path):
    variables(session, v=1.0)
    saver = tf.train.Saver(max_to_keep=2)
    for step in (1, 2):
        saver.save(session, str(tmp_path / "m.ckpt"), global_step=step)
    other = tf.train.Saver(max_to_keep=2)
    state = tf.train.get_checkpoint_state(str(tmp_path))
    other.recover_last_checkpoints([str(tmp_path / "gone"), *state.all_model_checkpoint_paths])
    other.save(session, str(tmp_path / "m.ckpt"), global_step=3)
    assert [os.path.basename(path) for path in other.last_checkpoints] == ["m.ckpt-2", "m.ckpt-3"]
    assert not tf.train.checkpoint_exists(str(tmp_path / "m.ckpt-1"))


def test_the_text_file_as_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("logs")
    home = str(tmp_path / "logs")
    update = tf.train.update_checkpoint_state
    update(home, f"{home}/m-2", [f"{home}/m-1", f"{home}/m-2"], "mine", [1.5, 2.5], 3.5)
    state = tf.train.get_checkpoint_state(home, "mine")
    assert state.all_model_checkpoint_timestamps == [1.5, 2.5]
    assert state.last_preserved_timestamp == 3.5
    assert state.all_model_checkpoint_paths == [f"{home}/m-1", f"{home}/m-2"]
    assert tf.train.get_checkpoint_state(home) is None
    for folder, path, relative, written in (
        (home, f"{home}/m-1", False, f"{home}/m-1"),
        (home, f"{home}/m-1", True, "m-1"),
        ("logs", "logs/m-1", False, "m-1"),
        ("logs", f"{home}/m-1", False, f"{home}/m-1"),
    ):
        update(folder, path, save_relative_paths=relative)
        assert Path("logs/checkpoint").read_text().startswith(f'model_checkpoint_path: "{written}"\n')
    with pytest.raises(ValueError, match="1 timestamps are given for 2 checkpoints"):
        update(home, "m-2", ["m-1", "m-2"], None, [1.5])


def test_the_text_file(session, tmp_path, monkeypatch, caplog):
    variables(session, v=1.0)
    monkeypatch.chdir(tmp_path)
    os.mkdir("logs")
    saver = tf.train.Saver()
    assert saver.save(session, "logs/m.ckpt", global_step=7) == "logs/m.ckpt-7"
    text = Path("logs/checkpoint").read_text().splitlines()
    assert text[:2] == ['model_checkpoint_path: "m.ckpt-7"', 'all_model_checkpoint_paths: "m.ckpt-7"']
    state = tf.train.get_checkpoint_state("logs")
    assert state.model_checkpoint_path == "logs/m.ckpt-7"
    assert state.all_model_checkpoint_paths == ["logs/m.ckpt-7"]
    assert tf.train.latest_checkpoint("logs") == "logs/m.ckpt-7"
    os.remove("logs/m.ckpt-7.safetensors")
    assert tf.train.latest_checkpoint("logs") is None
    assert "Couldn't match files for checkpoint logs/m.ckpt-7" in caplog.text
    assert tf.train.latest_checkpoint("nowhere") is None
    saver.save(session, "elsewhere")
    Path("logs/checkpoint").write_text('model_checkpoint_path: "../elsewhere"')
    assert tf.train.latest_checkpoint("logs") is None
    assert "logs/../elsewhere is outside logs, whose file names it" in caplog.text
    for wrong in (
        *("nonsense", 'unknown: "a"', "model_checkpoint_path: broken", "", '__class__: "x"'),
        *('model_checkpoint_path: "a\\u0000b"', "model_checkpoint_path: 1", 'last_preserved_timestamp: "now"'),
    ):
        Path("logs/checkpoint").write_text(wrong)
        assert tf.train.get_checkpoint_state("logs") is None


@pytest.mark.oracle
@pytest.mark.parametrize("absolute", [False, True])
def test_the_text_file_is_tensorflows(session, tmp_path, monkeypatch, absolute):
    theirs = tensorflow()
    monkeypatch.chdir(tmp_path)
    for name, module in (("ours", tf), ("theirs", theirs)):
        os.mkdir(name)
        root = str(tmp_path) if absolute else ""
        with module.Graph().as_default(), module.Session() as own:
            module.Variable(1.0, name="v")
            own.run(module.global_variables_initializer())
            saver = module.train.Saver(max_to_keep=2)
            for step in range(3):
                saver.save(own, os.path.join(root, name, "m.ckpt"), global_step=step)
    read = {name: tf.train.get_checkpoint_state(name) for name in ("ours", "theirs")}
    assert [line.partition(":")[0] for line in Path("ours/checkpoint").read_text().splitlines()] == [
        line.partition(":")[0] for line in Path("theirs/checkpoint").read_text().splitlines()
    ]
    for field in ("model_checkpoint_path", "all_model_checkpoint_paths"):
        assert str(getattr(read["ours"], field)).replace("ours", "theirs") == str(getattr(read["theirs"], field))
        assert str(getattr(theirs.train.get_checkpoint_state("ours"), field)) == str(getattr(read["ours"], field))


# Reading a checkpoint without a graph


def test_a_reader(session, tmp_path):
    variables(session, v=[[1.0, 2.0]], n=3)
    path = tf.train.Saver().save(session, str(tmp_path / "m.ckpt"))
    reader = tf.train.NewCheckpointReader(path)
    assert reader.get_variable_to_shape_map() == {"n": [], "v": [1, 2]}
    assert reader.get_variable_to_dtype_map() == {"n": tf.int32, "v": tf.float32}
    assert (reader.has_tensor("v"), reader.has_tensor("w")) == (True, False)
    got = reader.get_tensor("v")
    got += 1  # the caller's own
    np.testing.assert_array_equal(reader.get_tensor("v"), [[1, 2]])
    with pytest.raises(tf.errors.NotFoundError, match="Key w not found in checkpoint"):
        reader.get_tensor("w")
    assert tf.train.load_variable(str(tmp_path), "n:0") == 3
    assert reader.debug_string() == b"n (int32) ()\nv (float32) (1, 2)"
    with pytest.raises(tf.errors.NotFoundError, match=r"none\.safetensors"):
        tf.train.NewCheckpointReader(str(tmp_path / "none"))
    with pytest.raises(ValueError, match="Couldn't find 'checkpoint' file"):
        tf.train.load_checkpoint(str(ROOT / "tests"))


# Initialisers that read a checkpoint


@pytest.fixture
def pretrained(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        for name, value in (("old/a", [1.0, 2.0]), ("old/b", 3.0), ("c", [4.0, 5.0])):
            tf.Variable(value, name=name)
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, str(tmp_path / "m.ckpt"))


@pytest.mark.parametrize(
    ("assignment", "wanted"),
    [
        (lambda v: {"old/": "new/"}, [[1, 2], 3, [0, 0]]),
        (lambda v: {"c": "new/a", "old/a": v[2]}, [[4, 5], 0, [1, 2]]),
        (lambda v: {"old/b": v[1]}, [[0, 0], 3, [0, 0]]),
    ],
)
def test_initialisers_read_a_checkpoint(session, pretrained, assignment, wanted):
    made = [tf.Variable(tf.zeros(shape), name=name) for name, shape in (("new/a", [2]), ("new/b", []), ("c", [2]))]
    tf.train.init_from_checkpoint(pretrained, assignment(made))
    doubled = tf.Variable(made[0].initialized_value() * 2.0)
    session.run(tf.global_variables_initializer())
    for variable, value in zip(made, wanted, strict=True):
        np.testing.assert_array_equal(session.run(variable), value)
    np.testing.assert_array_equal(session.run(doubled), np.multiply(wanted[0], 2))


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ({"no": "c"}, r"Tensor no \(c\) is not found in the checkpoint"),
        ({"old/a": "nowhere"}, "should map to scope only nowhere"),
        ({"old/": "nowhere"}, "should map to scope only nowhere"),
        ({"old/": "nowhere/"}, "no variable in the scope 'nowhere/'"),
        (
            {"old/b": "c"},
            r"Shape of variable c:0 \(\(2,\), float32\) doesn't match with shape of tensor old/b \(\(\), float32\)",
        ),
    ],
)
def test_wrong_assignment_maps(pretrained, assignment, message):
    tf.Variable([0.0, 0.0], name="c")
    with pytest.raises(ValueError, match=message):
        tf.train.init_from_checkpoint(pretrained, assignment)


# Checkpoints that do not fit, or are damaged, change nothing


@pytest.mark.parametrize(
    ("other", "kind", "message"),
    [
        ({"a": [1.0, 1.0]}, tf.errors.NotFoundError, r"(?s)Key b not found in checkpoint: .*m.ckpt.safetensors has a.*'b'"),
        ({"a": [9.0, 9.0], "b": [1]}, tf.errors.InvalidArgumentError, r"(?s)name = b; expected dtype float32 .* int32.*'b'"),
        ({"a": [9.0, 9.0], "b": [[1.0]]}, tf.errors.InvalidArgumentError, r"(?s)lhs shape= \(1,\) rhs shape= \(1, 1\).*'b'"),
    ],
)
def test_what_does_not_fit_changes_nothing(tmp_path, other, kind, message):
    path = str(tmp_path / "m.ckpt")
    with tf.Graph().as_default(), tf.Session() as writer:
        variables(writer, **other)
        tf.train.Saver().save(writer, path)
    with tf.Session() as session:
        a, b = variables(session, a=[1.0, 2.0], b=[3.0])
        with pytest.raises(kind, match=message):
            tf.train.Saver().restore(session, path)
        np.testing.assert_array_equal(session.run(a), [1, 2])
        np.testing.assert_array_equal(session.run(b), [3])


def test_reshape(session, tmp_path):
    a, b = variables(session, a=[[1.0, 2.0]], b=[0.0, 0.0])
    path = tf.train.Saver({"x": a}).save(session, str(tmp_path / "m.ckpt"))
    tf.train.Saver({"x": b}, reshape=True).restore(session, path)
    np.testing.assert_array_equal(session.run(b), [1, 2])


def test_damage_to_a_value_names_it(session, tmp_path):
    variables(session, first=np.zeros(8), second=np.zeros(8))
    path = tf.train.Saver().save(session, str(tmp_path / "m.ckpt"))
    file = Path(path + ".safetensors")
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(tf.errors.DataLossError, match="the value of 'second' has changed"):
        tf.train.NewCheckpointReader(path)


def test_a_failed_save_leaves_the_old_checkpoint(session, tmp_path, monkeypatch):
    variables(session, v=1.0)
    saver = tf.train.Saver(max_to_keep=1)
    old = saver.save(session, str(tmp_path / "m.ckpt"), global_step=1)

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("graphs.core.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        saver.save(session, str(tmp_path / "m.ckpt"), global_step=2)
    assert tf.train.latest_checkpoint(str(tmp_path)) == old
    assert tf.train.load_variable(str(tmp_path), "v") == 1.0
    assert not list(tmp_path.glob(".*"))
