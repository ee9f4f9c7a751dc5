"""``tf.logging``: Python's logging under TensorFlow's names."""

from __future__ import annotations

import logging as _logging


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


def set_verbosity(level: int) -> None:
    """Let through what is at least as grave as ``level``."""
    _logger.setLevel(level)


def get_verbosity() -> int:
    """The level from which messages are let through."""
    return _logger.getEffectiveLevel()
