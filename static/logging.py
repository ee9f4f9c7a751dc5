"""``tf.logging``: Python's logging under TensorFlow's names."""

from __future__ import annotations

import logging as _logging
from collections import Counter as _Counter
from typing import Any as _Any


DEBUG, INFO, WARN, ERROR, FATAL = _logging.DEBUG, _logging.INFO, _logging.WARNING, _logging.ERROR, _logging.CRITICAL

_logger = _logging.getLogger("static")

debug, info, warn, warning, error, fatal = (
    _logger.debug,
    _logger.info,
    _logger.warning,
    _logger.warning,
    _logger.error,
    _logger.critical,
)
log = _logger.log
_calls: _Counter[tuple[_Any, ...]] = _Counter()


def vlog(level: int, msg: str, *args: _Any) -> None:
    """``log(level, msg, *args)``."""
    _logger.log(level, msg, *args)


def log_if(level: int, msg: str, condition: _Any, *args: _Any) -> None:
    """Log ``msg`` if ``condition`` is true."""
    if condition:
        _logger.log(level, msg, *args)


def log_first_n(level: int, msg: str, n: int, *args: _Any) -> None:
    """Log ``msg`` the first ``n`` times that it is to be logged at this level."""
    log_if(level, msg, _count(level, msg) < n, *args)


def log_every_n(level: int, msg: str, n: int, *args: _Any) -> None:
    """Log ``msg`` the first of every ``n`` times that it is to be logged at this level."""
    log_if(level, msg, _count(level, msg) % n == 0, *args)


def _count(*key: _Any) -> int:
    _calls[key] += 1
    return _calls[key] - 1


def flush() -> None:
    """Have what has been logged written."""
    for handler in (*_logger.handlers, *_logging.getLogger().handlers):
        handler.flush()


def TaskLevelStatusMessage(msg: str) -> None:  # noqa: N802 (TensorFlow's name)
    """``error(msg)``."""
    _logger.error(msg)


def set_verbosity(level: int | str) -> None:
    """Let through what is at least as grave as ``level``."""
    _logger.setLevel(level)


def get_verbosity() -> int:
    """The level from which messages are let through."""
    return _logger.getEffectiveLevel()


def get_logger() -> _logging.Logger:
    """Python's logger behind the functions here."""
    return _logger
