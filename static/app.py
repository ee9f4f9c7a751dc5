"""``tf.app``: running a program's ``main``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from static import flags as flags


def run(main: Callable[[list[str]], Any] | None = None, argv: list[str] | None = None) -> None:
    """Call ``main`` (by default that of the running script) with what the flags leave of the command line, and exit with
    what it returns."""
    rest = flags.read(sys.argv if argv is None else argv)
    chosen = main or sys.modules["__main__"].main
    sys.exit(chosen(rest))
