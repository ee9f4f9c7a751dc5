import sys

import pytest

import static as tf


CHECKED = {
    "test_control_effects",
    "test_embedding",
    "test_gradients",
    "test_hazards",
    "test_losses",
    "test_rows",
    "test_scatter",
    "test_session",
    "test_slices",
    "test_tensor",
    "test_tf_layers",
    "test_train",
    "test_variables",
}
"""Modules whose sessions check each rewrite as they make plans: 2 % more CPU time for all; recurrent nets take thrice."""


@pytest.fixture(autouse=True)
def fresh_graph():
    """Each test starts with an empty default graph."""
    tf.reset_default_graph()
    yield
    tf.reset_default_graph()


@pytest.fixture(autouse=True)
def checked_rewrites(request, monkeypatch):
    """In the modules ``CHECKED``, rewrites are held to their bounds."""
    if request.module.__name__.rpartition(".")[2] in CHECKED:
        monkeypatch.setenv("DIPTYCH_CHECK", "1")


@pytest.fixture(autouse=True)
def everything_on_the_device_asked_for(request, monkeypatch):
    """With ``--device standin`` or ``cuda`` graphs are placed there, unless a test says where or there is no kernel."""
    if request.config.getoption("--device") == "cpu" or {"gpu", "cp", "fake", "device"} & set(request.fixturenames):
        return
    monkeypatch.setitem(sys.modules, "cupy", request.getfixturevalue("device"))
    make, begin = tf.Graph.__init__, tf.Session.__init__

    def made(graph):
        make(graph)
        graph._here.devices = (tf.DeviceSpec.from_string("/gpu:0"),)

    def begun(session, target="", graph=None, config=None, **settings):
        begin(session, target, graph, config or tf.ConfigProto(allow_soft_placement=True), **settings)

    monkeypatch.setattr(tf.Graph, "__init__", made)
    monkeypatch.setattr(tf.Session, "__init__", begun)
    tf.reset_default_graph()
