"""``tf.device`` and GPUs: what goes where, what is refused and how, what falls back and why, what there is said to be."""

from __future__ import annotations

import sys
from typing import Any

import numpy
import pytest

import static as tf
from graphs.core import gpus
from static.placement import HOST
from static.python.client import device_lib


GPU = "/job:localhost/replica:0/task:0/device:GPU:0"
CPU = "/job:localhost/replica:0/task:0/device:CPU:0"


@pytest.fixture
def gpu(cp: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """cupy's module, which sessions find."""
    monkeypatch.setitem(sys.modules, "cupy", cp)
    return cp


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cupy, whatever is installed."""
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(gpus, "_findable", lambda: False)


def places(session: tf.Session, fetches: Any, feeds: Any = ()) -> dict[str, int]:
    placement = session.plan(fetches, feeds).placement
    return {node.name: place for node, place in placement.places.items()}


# Without a GPU


@pytest.mark.usefixtures("nothing")
def test_what_asks_for_a_gpu_is_refused_where_there_is_none() -> None:
    x = tf.placeholder(tf.float32, (2,))
    with tf.device("/gpu:0"):
        y = tf.multiply(x, 2.0, name="y")
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError) as found:
        session.run(y, {x: [1.0, 2.0]})
    text = str(found.value)
    assert "Cannot assign a device for operation y: it was explicitly assigned to /device:GPU:0" in text
    assert f"available devices are [ {CPU} ]" in text
    assert "diptych[cuda12]" in text
    assert "diptych[cuda13]" in text
    assert "test_on_device_placement.py" in text
    assert found.value.op is y.op


@pytest.mark.usefixtures("nothing")
def test_soft_placement_goes_to_the_host_and_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    with tf.device("/gpu:0"):
        y = tf.multiply(tf.Variable(3.0, name="v"), 2.0, name="y")
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True, log_device_placement=True)) as session:
        session.run(tf.global_variables_initializer())
        assert session.run(y) == 6.0
        assert session.run(y) == 6.0
    lines = capfd.readouterr().err.splitlines()
    assert lines.count(f"y: (Mul): {CPU}") == 1
    assert lines.count(f"v: (VariableV2): {CPU}") == 1
    assert any("y asked for /device:GPU:0: there is no cupy" in line for line in lines)


@pytest.mark.usefixtures("nothing")
def test_what_there_is_without_a_gpu() -> None:
    with tf.Session() as session:
        assert [(each.name, each.device_type) for each in session.list_devices()] == [(CPU, "CPU")]
    assert [each.device_type for each in device_lib.list_local_devices()] == ["CPU"]
    assert (tf.test.is_gpu_available(), tf.test.is_built_with_cuda(), tf.test.gpu_device_name()) == (False, False, "")


def test_a_gpu_that_cupy_does_not_find(gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> int:
        raise RuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient")

    monkeypatch.setattr(gpu.cuda.runtime, "getDeviceCount", fails)
    with tf.device("/gpu:0"):
        y = tf.constant(1.0) * tf.placeholder_with_default(2.0, [])
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="driver version is insufficient"):
        session.run(y)


# With one


def test_what_there_is(gpu: Any) -> None:
    with tf.Session() as session:
        listed = session.list_devices()
    assert [(each.name, each.device_type) for each in listed] == [(CPU, "CPU"), (GPU, "GPU")]
    assert listed[1].memory_limit > 0
    assert "compute capability" in device_lib.list_local_devices()[1].physical_device_desc
    assert tf.test.is_gpu_available()
    assert not tf.test.is_gpu_available(min_cuda_compute_capability=(99, 0))
    assert tf.test.is_built_with_cuda()
    assert tf.test.gpu_device_name() == "/device:GPU:0"
    hidden = tf.ConfigProto(device_count={"GPU": 0})
    assert len(tf.Session(config=hidden).list_devices()) == 1


def test_nobodys_gpu_is_used_unasked(gpu: Any) -> None:
    x = tf.placeholder(tf.float32, (2,))
    with tf.device("/cpu:0"):
        y = x * 2.0
    z = y + 1.0
    with tf.Session() as session:
        plan = session.plan([y, z], {x: [1.0, 2.0]})
        assert (plan.placed, plan.placement) == (False, None)
    with tf.Session(config=tf.ConfigProto(device_count={"GPU": 1})) as session:
        assert list(places(session, [y, z], {x: [1.0, 2.0]}).values()) == [0]
        numpy.testing.assert_array_equal(session.run([y, z], {x: [1.0, 2.0]}), [[2.0, 4.0], [3.0, 5.0]])


def test_once_a_gpu_is_named_what_nobody_places_goes_there(gpu: Any) -> None:
    x = tf.placeholder(tf.float32, (2,))
    before = tf.Variable([1.0, 2.0], name="before")
    with tf.device("/gpu:0"):
        y = tf.multiply(x, before, name="y")
    with tf.device("/cpu:0"):
        host = tf.Variable([3.0, 4.0], name="host")
        z = tf.add(y, host, name="z")
    loss = tf.reduce_sum(z, name="loss")
    step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = places(session, [loss, step], {x: [1.0, 1.0]})
        assert {"before", "y", "loss"} <= found.keys()
        assert not {"host", "z"} & found.keys()
        for _ in range(3):
            session.run([loss, step], {x: [1.0, 1.0]})
        numpy.testing.assert_allclose(session.run(before), [0.7, 1.7], rtol=1e-6)
        numpy.testing.assert_allclose(session.run(host), [2.7, 3.7], rtol=1e-6)
        assert isinstance(session._state[before.op], gpu.ndarray)
        assert isinstance(session._state[host.op], numpy.ndarray)


NO_KERNEL = {
    "text": lambda x: tf.as_string(x),
    "Python": lambda x: tf.py_func(lambda x: x, [x], tf.float32),
    "printing": lambda x: tf.Print(x, [x]),
}


@pytest.mark.parametrize("case", NO_KERNEL)
def test_what_has_no_kernel_is_refused_or_done_on_the_host(gpu: Any, case: str) -> None:
    x = tf.placeholder(tf.float32, (2,))
    with tf.device("/gpu:0"):
        y = NO_KERNEL[case](x * 2.0)
    with (
        tf.Session() as session,
        pytest.raises(tf.errors.InvalidArgumentError, match="no supported kernel") as found,
    ):
        session.run(y, {x: [1.0, 2.0]})
    assert found.value.op is y.op
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as session:
        session.run(y, {x: [1.0, 2.0]})
        plan = session.plan(y, {x: [1.0, 2.0]})
        assert list(plan.placement.reasons) == [y.op.name]
        assert {piece.place for piece in plan.device.division.pieces} == {0, HOST}


def test_what_tensorflow_has_on_a_gpu_is_never_refused(gpu: Any) -> None:
    """Draws that the host makes, checks, arrays of tensors: done on the host, unasked."""
    with tf.device("/gpu:0"):
        x = tf.placeholder(tf.float32, (2,))
        v = tf.Variable(tf.truncated_normal((3,)))
        y = tf.multinomial(tf.stack([x]), 3)
        z = tf.check_numerics(x * 2.0, "no number")
        stacked = tf.TensorArray(tf.float32, 2).unstack(x).stack() + tf.reduce_sum(v)
    with tf.Session() as session:
        session.run(v.initializer)
        found = session.run([y, z, stacked, tf.is_variable_initialized(v)], {x: [1.0, 2.0]})
        assert found[0].shape == (1, 3)
        numpy.testing.assert_array_equal(found[1], [2.0, 4.0])
        assert found[3]


def test_the_second_gpu_of_one(gpu: Any) -> None:
    with tf.device("/gpu:7"):
        y = tf.placeholder_with_default(2.0, []) * 3.0
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)GPU:7.*available devices are"):
        session.run(y)
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as session:
        assert session.run(y) == 6.0


def test_the_log(gpu: Any, capfd: pytest.CaptureFixture[str]) -> None:
    x = tf.placeholder(tf.float32, (2,))
    with tf.device("/gpu:0"):
        y = tf.matmul([x], [[1.0], [2.0]], name="y")
    with tf.device("/cpu:0"):
        z = tf.reduce_sum(y, name="z")
    with tf.Session(config=tf.ConfigProto(log_device_placement=True)) as session:
        assert session.run(z, {x: [1.0, 2.0]}) == 5.0
    lines = capfd.readouterr().err.splitlines()
    assert lines[0].startswith("Device mapping:")
    assert lines[1].startswith(f"{GPU} -> device: 0, name: ")
    assert {f"y: (MatMul): {GPU}", f"z: (Sum): {CPU}"} <= set(lines)


def test_passes_keep_devices_apart(gpu: Any) -> None:
    x = tf.placeholder(tf.float32, (2,))
    with tf.device("/gpu:0"):
        one = tf.exp(x) * 2.0
    with tf.device("/cpu:0"):
        other = tf.exp(x) * 2.0
    with tf.Session() as session:
        first, second = session.run([one, other], {x: [1.0, 2.0]})
        numpy.testing.assert_allclose(first, second, rtol=1e-6)
        assert {piece.place for piece in session.plan([one, other], {x: [1.0, 2.0]}).device.division.pieces} == {0, HOST}


# Configuration


def test_how_much_memory_the_pool_takes(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake)
    limits = []
    monkeypatch.setattr(fake.get_default_memory_pool(), "set_limit", lambda **given: limits.append(given), raising=False)
    options = tf.GPUOptions(per_process_gpu_memory_fraction=0.25, allow_growth=True)
    tf.Session(config=tf.ConfigProto(gpu_options=options)).list_devices()
    assert limits == [{"fraction": 0.25}]


def test_which_gpus_are_seen(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake)
    monkeypatch.setattr(fake.cuda.runtime, "getDeviceCount", lambda: 2)
    config = tf.ConfigProto(gpu_options=tf.GPUOptions(visible_device_list="1"))
    with tf.device("/gpu:0"):
        v = tf.Variable([1.0, 2.0])
    with tf.Session(config=config) as session:
        assert [each.name for each in session.list_devices()] == [CPU, GPU]
        session.run(v.initializer)
        assert session._state[v.op].data.device_id == 1
    for wrong in ("2", "x", "1,1"):
        config.gpu_options.visible_device_list = wrong
        with pytest.raises(ValueError, match="visible_device_list"):
            tf.Session(config=config).list_devices()


def test_two_gpus(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake)
    monkeypatch.setattr(fake.cuda.runtime, "getDeviceCount", lambda: 2)
    x = tf.placeholder(tf.float32, (2, 2))
    with tf.device("/gpu:0"):
        v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
        y = tf.matmul(x, v)
    with tf.device("/gpu:1"):
        w = tf.Variable([[2.0, 0.0], [0.0, 2.0]])
        z = tf.matmul(y, w)
    grow = tf.group(v.assign_add(z), w.assign_add(z))
    data = numpy.eye(2, dtype="float32")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        expected = [numpy.array([[1.0, 2.0], [3.0, 4.0]], "f4"), 2.0 * data]
        for _ in range(4):
            expected_z = data @ expected[0] @ expected[1]
            found, _ = session.run([z, grow], {x: data})
            numpy.testing.assert_allclose(found, expected_z, rtol=1e-6)
            expected = [each + expected_z for each in expected]
        assert [session._state[each.op].data.device_id for each in (v, w)] == [0, 1]
        assert session.traffic.between == 2
        assert session.plan([z, grow], {x: data}).device.reason == ""
