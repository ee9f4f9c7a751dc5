import pytest

import static as tf


UNCHECKED = {"test_plan"}
"""Modules whose sessions do not check each rewrite as they make plans: with chains of 100,000 nodes that takes too long."""


@pytest.fixture(autouse=True)
def fresh_graph():
    """Each test starts with an empty default graph."""
    tf.reset_default_graph()
    yield
    tf.reset_default_graph()


@pytest.fixture(autouse=True)
def checked_rewrites(request, monkeypatch):
    """Rewrites are held to their bounds."""
    if request.module.__name__.rpartition(".")[2] not in UNCHECKED:
        monkeypatch.setenv("DIPTYCH_CHECK", "1")
