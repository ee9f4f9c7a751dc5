"""What of a user's program may stand in generated text, and how: nothing that it says is ever read as code.

Whatever is not plain goes through a table of names, as arrays and kernels do.
"""

from __future__ import annotations

import re
from typing import Any


_WORD = re.compile(r"[A-Za-z0-9_+.,:>/ -]{0,200}\Z")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_]{1,60}\Z")
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LARGEST = 1 << 64


def remark(text: str) -> str:
    """``text`` on one line, what is not printable written out: for comments and the names of files that do not exist."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def identifier(prefix: str, name: str) -> str:
    """``prefix_name``, or ``prefix_kernel`` where ``name`` is more than letters, digits and underscores, or long."""
    return f"{prefix}_{name if _IDENTIFIER.match(name) else 'kernel'}"


def plain(value: Any) -> bool:
    """Whether the text of ``value`` reads best where it is used: None, a truth value, a small number, a short word."""
    kind = type(value)
    if kind is int:
        return -_LARGEST < value < _LARGEST
    if kind is str:
        return _WORD.match(value) is not None
    if kind is float:
        return bool(value - value == 0.0)
    return kind is bool or value is None


def fit(text: str) -> str:
    """``text``, of any number of lines, with what no page may hold written out: controls, and halves of characters."""
    return _UNFIT.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
