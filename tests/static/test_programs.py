"""What a whole program calls around its graph: ``tf.app``, ``tf.logging``, ``tf.compat``, ``tf.device``."""

import logging
import pathlib

import pytest

import static as tf


def test_app_run_calls_main_and_exits_with_what_it_returns():
    with pytest.raises(SystemExit) as exit:
        tf.app.run(lambda argv: len(argv), argv=["program", "--flag"])
    assert exit.value.code == 2


def test_logging_goes_through_pythons(caplog):
    before = tf.logging.get_verbosity()
    try:
        tf.logging.set_verbosity(tf.logging.ERROR)
        tf.logging.info("quiet")
        tf.logging.error("loud %d", 1)
    finally:
        tf.logging.set_verbosity(before)
    assert [record.getMessage() for record in caplog.records] == ["loud 1"]
    assert tf.logging.WARN == logging.WARNING


def test_devices_are_accepted():
    with tf.device("/gpu:0"):
        x = tf.constant(1.0)
    assert x.device == "/device:GPU:0"


def test_version_one_is_this_package():
    assert tf.compat.v1 is tf
    tf.disable_v2_behavior()


def test_bytes_and_text_are_made_of_each_other():
    for value in ("é", b"\xc3\xa9"):
        assert tf.compat.as_bytes(value) == b"\xc3\xa9"
        assert tf.compat.as_text(value) == tf.compat.as_str(value) == tf.compat.as_str_any(value) == "é"
    for call in (tf.compat.as_bytes, tf.compat.as_text):
        with pytest.raises(TypeError, match="Expected binary or unicode string, got 3"):
            call(3)
    assert tf.compat.as_str_any(3) == "3"
    assert tf.compat.path_to_str(pathlib.Path("a")) == "a"


def test_dimensions_whatever_a_shape_gives():
    shape = tf.TensorShape([None, 3])
    assert [tf.compat.dimension_value(d) for d in (shape[0], shape[1], 4)] == [None, 3, 4]
    assert tf.compat.dimension_at_index(shape, 1).value == 3
    assert tf.compat.dimension_at_index(tf.TensorShape(None), 1).value is None


def test_names_of_tensorflow_0_are_told_by_those_of_1():
    with pytest.raises(AttributeError, match=r"tf\.mul was TensorFlow 0's; since 1\.0 it is tf\.multiply"):
        tf.mul(1.0, 2.0)


def test_modes_of_padding_that_are_not_here_are_named():
    with pytest.raises(ValueError, match="Unknown padding mode: WRAP"):
        tf.pad([[1.0]], [[0, 0], [0, 0]], mode="WRAP")
