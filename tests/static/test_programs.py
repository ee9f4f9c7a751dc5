"""What a whole program calls around its graph: ``tf.app``, ``tf.logging``, ``tf.compat``, ``tf.device``."""

import logging

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


def test_modes_of_padding_that_are_not_here_are_named():
    with pytest.raises(ValueError, match="CONSTANT and REFLECT, not SYMMETRIC"):
        tf.pad([[1.0]], [[0, 0], [0, 0]], mode="SYMMETRIC")
