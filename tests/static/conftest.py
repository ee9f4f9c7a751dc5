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
