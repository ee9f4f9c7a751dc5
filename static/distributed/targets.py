"""The texts after ``dask://``, and what they ask for. Nothing of Dask is loaded for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qsl

from graphs.core.errors import at_line


PREFIX = "dask://"

INSTALL = "sessions on a cluster need Dask: pip install 'diptych[distributed]'"

SILENCE = 30.0
"""For so many seconds a worker may not answer before it counts as stuck."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a session is to connect to.

    Attributes:
        address: the scheduler's; "" for a cluster of processes on this machine, which belongs to the session.
        client: somebody's ``distributed.Client`` in place of an address.
        workers: how many processes to start, or how many to wait for; None for one a processor, or all there are.
        timeout: for how many seconds a worker may be silent.
        place: how nodes are placed of which nobody says where: ``auto`` or ``first``.
        replicas: how many replicas run the whole graph each; None where its parts are placed instead.
    """

    address: str = ""
    client: Any = None
    workers: int | None = None
    timeout: float = SILENCE
    place: str = "auto"
    replicas: int | None = None


def is_cluster(target: Any) -> bool:
    """Whether a session on ``target`` runs on a cluster: a text that begins with ``dask://``, or a client of Dask."""
    return target.startswith(PREFIX) if isinstance(target, str) else hasattr(target, "scheduler_info")


def parsed(target: Any) -> Target:
    """What ``target`` asks for. Raises ValueError for settings that there are not, with those that there are."""
    if not isinstance(target, str):
        return Target(client=target)
    place, _, query = target.removeprefix(PREFIX).partition("?")
    place = place.strip("/")
    settings: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _SETTINGS:
            raise ValueError(f"{target!r}: there is no setting {name!r}; there are {', '.join(_SETTINGS)}{at_line()}")
        try:
            settings[name] = _SETTINGS[name](value)
        except ValueError:
            raise ValueError(f"{target!r}: {value!r} is no value of the setting {name!r}{at_line()}") from None
    address = "" if place in ("", "local") else place if "://" in place else f"tcp://{place}"
    return Target(address, None, **settings)


def _positive(text: str) -> int:
    if int(text) < 1:
        raise ValueError
    return int(text)


def _seconds(text: str) -> float:
    if not float(text) > 0:
        raise ValueError
    return float(text)


def _way(text: str) -> str:
    if text not in ("auto", "first"):
        raise ValueError
    return text


_SETTINGS: dict[str, Callable[[str], Any]] = {
    "workers": _positive,
    "timeout": _seconds,
    "place": _way,
    "replicas": _positive,
}


class OnCluster:
    """What sessions on a cluster are, known before anything of Dask is loaded."""


def session_class(kind: type, target: Any, replicas: bool = False) -> type:
    """The class of a session on ``target``, of ``replicas`` or not, where ``kind`` is asked for.

    Raises ImportError where Dask is not installed.
    """
    if issubclass(kind, OnCluster):
        return kind
    if find_spec("distributed") is None:
        raise ImportError(f"tf.Session({target!r}): {INSTALL}{at_line()}")
    replicas = replicas or parsed(target).replicas is not None
    where, name = ("replicas_session", "DaskReplicaSession") if replicas else ("session", "ClusterSession")
    ours: type = getattr(import_module(f"static.distributed.{where}"), name)
    return _mixed(kind, ours)  # type: ignore[arg-type]  # mypy: a type has no hash


@cache
def _mixed(kind: type, ours: type) -> type:
    """The class of sessions that are ``ours``, and ``kind`` otherwise."""
    return ours if issubclass(ours, kind) else type(kind.__name__, (kind, ours), {"__doc__": kind.__doc__})


__all__ = ["INSTALL", "OnCluster", "PREFIX", "SILENCE", "Target", "is_cluster", "parsed", "session_class"]
