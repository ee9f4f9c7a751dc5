"""JSON text from files: read strictly, and sealed, so that whatever has changed in it is noticed and found.

A sealed text is an object whose last two members are ``lines``, a checksum (CRC 32) for each line before them, and
``digest``, the BLAKE2b hash of these lines. It guards against accidents; whoever forges a text can seal it, too.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import Any


MOST = 1 << 24
"""How many values a sealed text may have: as text they take a few bytes, as objects many times that."""

_SEAL = re.compile(rb',\n  "lines": "([0-9a-f]*)",\n  "digest": "([0-9a-f]{32})"\n\}')
_NAMED = re.compile(rb'"(name|op|id)": "((?:[^"\\]|\\.)*)"')
_MEMBER = re.compile(rb'\s*"(\w+)":')


def digest(*parts: Any) -> str:
    """The BLAKE2b hash of bytes, or of arrays' bytes, as 32 hexadecimal digits."""
    import hashlib  # takes 5 ms, which other programs do without

    made = hashlib.blake2b(digest_size=16)
    for part in parts:
        made.update(part)
    return made.hexdigest()


def strict(text: str | bytes, constants: bool = False) -> Any:
    """JSON text as data. Raises ValueError where it is none, is nested too deeply, or gives a key twice.

    ``constants``: whether Python's words for infinity and NaN are taken.
    """
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=None if constants else _no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:80]!r} stands twice in one object")
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def sealed(text: str) -> bytes:
    """The text of an object with its seal.

    Raises ValueError where it has more than ``MOST`` values.
    """
    body = text.encode("utf-8", "replace").removesuffix(b"}").rstrip()
    check_amount(body)
    return b'%b,\n  "lines": "%b",\n  "digest": "%b"\n}' % (body, _checksums(body).encode(), digest(body).encode())


def opened(text: str | bytes) -> tuple[Any, bool]:
    """What JSON text says without its seal, and whether it had one.

    Raises ValueError, naming the line, where it is no JSON or not as it was when it was sealed, and where it has more than
    ``MOST`` values.
    """
    data = text.encode() if isinstance(text, str) else bytes(text)
    check_amount(data)
    at = data.rfind(b',\n  "lines": "')
    found = _SEAL.fullmatch(data, at) if at >= 0 else None
    if found is None:
        made = _parsed(data)
        if isinstance(made, dict) and ("lines" in made or "digest" in made):
            raise ValueError("it is damaged: its digest is not as it was written")
        return made, False
    body = data[:at]
    sums, hashed = found[1].decode(), found[2].decode()
    if digest(body) != hashed:
        raise ValueError(f"it is damaged: {_changed(body, sums)} has changed")
    if _checksums(body) != sums:
        raise ValueError("it is damaged: the checksums of its lines have changed")
    return _parsed(body + b"\n}"), True


def check_amount(data: bytes, before: int = 0) -> int:
    """How many values JSON text has at most, with ``before`` in what came before it. Raises ValueError for too many."""
    count = before + sum(data.count(mark) for mark in (b",", b"[", b"{"))
    if count > MOST:
        raise ValueError(f"it has more than {MOST} values, which is more than is read or written")
    return count


def _parsed(data: bytes) -> Any:
    try:
        return strict(data)
    except json.JSONDecodeError as error:
        place = _where(data.split(b"\n"), error.lineno - 1, ", in ")
        raise ValueError(f"{error}{place}") from None


def _checksums(body: bytes) -> str:
    return "".join([f"{zlib.crc32(line):08x}" for line in body.split(b"\n")])


def _changed(body: bytes, sums: str) -> str:
    """The first line whose checksum is another, for people."""
    lines = body.split(b"\n")
    for number, line in enumerate(lines):
        if sums[8 * number : 8 * number + 8] != f"{zlib.crc32(line):08x}":
            return f"line {number + 1}{_where(lines, number, ', ')}"
    return "its digest" if 8 * len(lines) == len(sums) else "the number of its lines"


def _where(lines: list[bytes], number: int, before: str) -> str:
    """What a line describes, for people, as far as it still says so."""
    line = lines[number] if number < len(lines) else b""
    words = {kind.decode(): name.decode("utf-8", "replace") for kind, name in reversed(_NAMED.findall(line))}
    for kind, what in (("name", "node"), ("id", "item"), ("op", "a node of the op")):
        if kind in words:
            return f"{before}{what} {words[kind]!r}"
    member = _MEMBER.match(line)
    return f"{before}{member[1].decode()!r}" if member else ""
