"""A program that reads a file of each kind, good and bad, while Python tells of all that it does (``sys.addaudithook``).

python loading.py DIRECTORY prints JSON: what was told of each reading, as a list of events with their first argument.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.files.hostile import READERS
from tests.files.kinds import KINDS


_told: list[list[str]] = []
_listening = False


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if _listening:
        _told.append([event, str(args[0]) if args else ""])


def heard(read: Callable[[str], Any], path: str) -> list[list[str]]:
    """What Python tells of while a file is read."""
    global _listening
    _told.clear()
    _listening = True
    with suppress(Exception):
        read(path)
    _listening = False
    return list(_told)


def main(directory: Path) -> None:
    """Read each file once unheard, so that all modules are there, and once heard."""
    sys.addaudithook(_hear)
    found = {}
    for word, kind in KINDS.items():
        path = str(directory / f"good {word}{kind.ending}")
        kind.write(path)
        kind.read(path)
        found[f"good: {word}"] = heard(kind.read, path)
    for reader, (files, ending, read, _) in READERS.items():
        for number, (word, make) in enumerate(files.items()):
            made = directory / f"{reader.replace(' ', '_')}-{number}{ending}"
            content = make()
            if len(content) > 1 << 20:
                continue  # takes long, and is refused by its length
            made.write_bytes(content)
            with suppress(Exception):
                read(str(made))
            found[f"{reader}: {word}"] = heard(read, str(made))
            made.unlink()
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
