"""Errors that name the op and the user's own line, and how that line is found.

Every error here is also the built-in type that people of either framework catch: TensorFlow 1 raises ``ValueError`` for a
wrong shape where PyTorch raises ``RuntimeError``.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Sequence
from types import CodeType, FrameType


_HERE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_OWN = tuple(os.path.join(_HERE, package) + os.sep for package in ("graphs", "static", "dynamic"))


class GraphsError(Exception):
    """Anything that this project raises on its own account."""


class ShapeError(GraphsError, ValueError, RuntimeError):
    """Shapes that do not fit an op."""


class PositionError(ShapeError, IndexError):
    """A dimension or an index that a value does not have."""


class DtypeError(GraphsError, TypeError, ValueError, RuntimeError):
    """A dtype that an op does not take."""


class AttributesError(GraphsError, TypeError):
    """Attributes that an op does not have, or lacks."""


class DivisionError(GraphsError, ZeroDivisionError, RuntimeError):
    """Integers divided by zero, for which they have no result."""


class GradientError(GraphsError, RuntimeError):
    """A gradient was asked of something that has none."""


class UnknownRank(Exception):  # noqa: N818 (a signal between a rule and its caller)
    """Raised inside a shape rule that reads the shape of a value of unknown rank; ``Op.infer`` catches it."""


def listed(names: Sequence[str], most: int = 6) -> str:
    """``names`` in a message: the first ``most``, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


class Where:
    """A place in the user's program. It holds code and an instruction offset, and works out the line when asked.

    Reading a line number from a frame costs a walk over the code's line table, which a tape cannot afford at each op.
    """

    __slots__ = ("code", "lasti")

    def __init__(self, code: CodeType, lasti: int) -> None:
        self.code = code
        self.lasti = lasti

    @property
    def file(self) -> str:
        """The file's path, as Python compiled it."""
        return self.code.co_filename

    @property
    def line(self) -> int:
        """The line number, from 1; 0 where the code carries none."""
        for start, end, line in self.code.co_lines():
            if start <= self.lasti < end and line is not None:
                return line
        return 0

    @property
    def text(self) -> str:
        """The source line, stripped; empty where the source is not to be had."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        text = self.text
        return f"{self.file}:{self.line}" + (f"  {text}" if text else "")


def own(file: str) -> bool:
    """Whether a source file belongs to this project's packages (and so never holds the user's line)."""
    return file.startswith(_OWN)


def user_line(depth: int = 1) -> Where | None:
    """The nearest calling line outside this project's packages, or None when there is none.

    ``depth`` frames are skipped without a look: 1 is the caller.
    """
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_OWN):
            return Where(frame.f_code, frame.f_lasti)
        frame = frame.f_back
    return None


def at_line() -> str:
    """The end of a message: on a line of its own, where in the user's program it happened; empty if nowhere in it."""
    where = user_line(2)
    return f"\n  at {where}" if where else ""
