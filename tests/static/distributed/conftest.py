"""One local cluster of three workers for all tests of a process; each test has sessions of its own on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import static as tf
from static import plan


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A session that has started three workers; its ``address`` is where others meet them."""
    pytest.importorskip("distributed")
    with tf.Graph().as_default():
        session = tf.Session("dask://local?workers=3")
    try:
        yield session
    finally:
        session.close()


@pytest.fixture
def connect(cluster: Any) -> Iterator[Callable[..., Any]]:
    """Makes sessions on the cluster, which end with the test."""
    made: list[Any] = []

    def connect(settings: str = "", **given: Any) -> Any:
        made.append(tf.Session(f"dask://{cluster.address}{settings}", **given))
        return made[-1]

    try:
        yield connect
    finally:
        for session in made:
            session.close()


@pytest.fixture(autouse=True)
def _never_hot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans in this process are not compiled, which takes long; those of the workers are, once they are hot."""
    monkeypatch.setattr(plan, "HOT_SECONDS", float("inf"))
