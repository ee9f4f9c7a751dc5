"""What is printed: as text, in colours on a terminal, and in a notebook."""

from __future__ import annotations

import io
import linecache
import sys
from functools import lru_cache
from itertools import islice
from typing import Any, ClassVar

from rich.console import Console
from rich.jupyter import JupyterMixin

from graphs.core.errors import Where


class Shown(JupyterMixin):
    """What has a ``__rich__`` form: its text, and how it is printed. A notebook shows it by itself, with strings escaped."""

    _width: ClassVar[int] = 10_000

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=self._width, color_system=None, highlight=False)
        console.print(self)
        text: str = console.file.getvalue()  # type: ignore[attr-defined]
        return "\n".join(line.rstrip() for line in text.rstrip().splitlines())

    def show(self, file: Any = None) -> None:
        """Print it, in colours where ``file`` (standard output) is a terminal."""
        Console(file=file or sys.stdout, highlight=False).print(self)


def placed(where: Any) -> str:
    """A user's line as text, empty where there is none. Long chains come by the same lines again and again."""
    return "" if where is None else _placed(where.code, where.lasti)


@lru_cache(maxsize=4096)
def _placed(code: Any, lasti: int) -> str:
    return str(Where(code, lasti))


def segment(where: Any, most: int = 60) -> str:
    """The expression of the user's program at a place, cut to ``most`` characters; empty where it is not to be had."""
    return "" if where is None else _segment(where.code, where.lasti, most)


@lru_cache(maxsize=4096)
def _segment(code: Any, lasti: int, most: int) -> str:
    start, end, left, right = next(islice(code.co_positions(), lasti // 2, None), (None,) * 4)
    if start is None or start != end or left is None or right is None:
        return ""
    line = linecache.getline(code.co_filename, start).encode()[left:right].decode(errors="replace").strip()
    return line if len(line) <= most else f"{line[: most - 1]}…"


def label(op: str, name: str) -> str:
    """A node as it is called in text: by its name, with the op where the name does not say it."""
    last = name.rpartition("/")[2].lower().replace("_", "")
    if not op or op.lower().replace("_", "") in last:
        return name
    return f"{op} {name}" if name else op
