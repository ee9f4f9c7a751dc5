"""``tf.device`` and ``tf.ConfigProto``: what operations record and what sessions are given, as in TensorFlow."""

import pytest

import static as ours
from tests.static.oracle import tensorflow


def one(tf):
    return tf.constant(1.0)


def single(tf):
    yield one(tf).device
    names = ["/cpu:0", "/gpu:1", "gpu:1", "/device:GPU:0", "/job:worker/task:1", "/job:ps/replica:0/task:0/device:CPU:0", ""]
    for name in [*names, "/CPU:*", "/device:gpu:0", tf.DeviceSpec(job="ps", task=2, device_type="GPU", device_index=1)]:
        with tf.device(name):
            yield one(tf).device, one(tf).op.device


def nested(tf):
    with tf.device("/job:worker"):
        yield one(tf).device
        with tf.device("/gpu:0"):
            yield one(tf).device
            for name in ("/cpu:0", "/job:ps", "/task:3", None, ""):
                with tf.device(name):
                    yield one(tf).device
        yield one(tf).device
        with tf.device(None), tf.device("/gpu:0"):
            yield one(tf).device
    yield one(tf).device


def functions(tf):
    def by_type(op):
        return "/cpu:1" if op.type == "Const" else "/gpu:3"

    x = one(tf)
    with tf.device("/job:worker"), tf.device(by_type):
        yield one(tf).device, tf.negative(x).device
        with tf.device("/task:2"):
            yield tf.negative(x).device
    with tf.device(lambda op: "/job:seen" + op.device), tf.device("/gpu:2"):
        yield one(tf).device


def variables(tf):
    with tf.device("/gpu:0"):
        v, w = tf.Variable(1.0), tf.get_variable("w", [2])
        y = v * 2.0
    yield v.device, v.op.device, v.initializer.device, v.value().device, v.initial_value.device
    yield w.device, w.initializer.device, w.initial_value.device, y.device
    with tf.colocate_with(v):
        yield one(tf).device
        with tf.device("/job:ps"):
            yield one(tf).device


def graphs(tf):
    graph = tf.Graph()
    with graph.as_default(), graph.device("/cpu:0"):
        yield one(tf).device
        with tf.Graph().as_default():
            yield one(tf).device
    with graph.as_default():
        yield one(tf).device


def specs(tf):
    spec = tf.DeviceSpec.from_string("/job:w/gpu:0")
    yield spec.to_string(), spec.job, spec.task, spec.device_type, spec.device_index
    yield tf.DeviceSpec(device_type="CPU").to_string(), tf.DeviceSpec().to_string()


@pytest.mark.oracle
@pytest.mark.parametrize("program", [single, nested, functions, variables, graphs, specs], ids=lambda p: p.__name__)
def test_devices_agree(program):
    theirs = tensorflow()
    with theirs.Graph().as_default():
        wanted = list(program(theirs))
    assert list(program(ours)) == wanted


@pytest.mark.parametrize(
    ("device", "error", "message"),
    [("/foo:1", ValueError, "Unknown attribute 'foo'"), ("/device:GPU", ValueError, "'device'"), (3, TypeError, "not 3")],
)
def test_what_names_no_device(device, error, message):
    with pytest.raises(error, match=rf"(?s){message}.*test_devices.py"):
        ours.device(device)


# Configuration


def configured(tf):
    config = tf.ConfigProto(
        allow_soft_placement=True,
        device_count={"GPU": 0},
        gpu_options=tf.GPUOptions(per_process_gpu_memory_fraction=0.25),
    )
    config.gpu_options.allow_growth = True
    config.gpu_options.visible_device_list = "0,1"
    config.intra_op_parallelism_threads = 2
    config.log_device_placement = 1
    config.device_count["CPU"] = 4
    config.device_filters.append("/job:ps")
    config.graph_options.optimizer_options.opt_level = tf.OptimizerOptions.L0
    config.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    return config


@pytest.mark.oracle
def test_configurations_agree():
    def read(tf):
        config, other = configured(tf), tf.ConfigProto()
        fresh = (other.allow_soft_placement, other.gpu_options.allow_growth, other.inter_op_parallelism_threads)
        other.CopyFrom(config)
        equal = other == config
        other.gpu_options.allow_growth = False
        options = config.graph_options.optimizer_options
        return (
            *(fresh, equal, other == config, config.gpu_options.allow_growth, config.allow_soft_placement),
            *(config.gpu_options.per_process_gpu_memory_fraction, config.gpu_options.visible_device_list),
            *(config.intra_op_parallelism_threads, bool(config.log_device_placement), list(config.device_filters)),
            *(dict(config.device_count), options.opt_level, options.global_jit_level),
        )

    assert read(ours) == read(tensorflow())


CONFIG_ERRORS = {
    "an unknown argument": lambda tf: tf.ConfigProto(allow_growth=True),
    "an unknown field": lambda tf: setattr(tf.ConfigProto(), "allow_growth", True),
    "an unknown field inside": lambda tf: setattr(tf.ConfigProto().gpu_options, "allow_grow", True),
    "a message": lambda tf: setattr(tf.ConfigProto(), "gpu_options", tf.GPUOptions()),
    "a map": lambda tf: setattr(tf.ConfigProto(), "device_count", {"GPU": 0}),
    "a text for a number": lambda tf: setattr(tf.ConfigProto(), "intra_op_parallelism_threads", "2"),
    "a number for a text": lambda tf: setattr(tf.GPUOptions(), "visible_device_list", 0),
    "another message": lambda tf: tf.ConfigProto(gpu_options=tf.ConfigProto()),
}


@pytest.mark.oracle
@pytest.mark.parametrize("case", CONFIG_ERRORS)
def test_configuration_errors_agree(case):
    with pytest.raises(Exception) as wanted:  # noqa: PT011 (the kind is what is compared)
        CONFIG_ERRORS[case](tensorflow())
    with pytest.raises(wanted.type):
        CONFIG_ERRORS[case](ours)


def test_a_session_takes_a_configuration():
    config = configured(ours)
    with ours.Session(config=config) as session:
        assert session.run(ours.constant(2.0) * 3.0) == 6.0
    assert repr(ours.ConfigProto(allow_soft_placement=True)) == "ConfigProto(allow_soft_placement=True)"
