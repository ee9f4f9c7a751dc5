"""What is printed: as text, in colours on a terminal, and in a notebook."""

from __future__ import annotations

import io
import sys
from functools import lru_cache
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


def label(op: str, name: str) -> str:
    """A node as it is called in text: by its name, with the op where the name does not say it."""
    last = name.rpartition("/")[2].lower().replace("_", "")
    if not op or op.lower().replace("_", "") in last:
        return name
    return f"{op} {name}" if name else op
