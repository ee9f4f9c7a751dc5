"""How elements are stored: the constants that PyTorch names layouts and orders of memory by."""

from __future__ import annotations

from typing import Any


class _Word:
    """A constant that prints as PyTorch's."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _word, (self._name,)


class layout(_Word):  # noqa: N801 (PyTorch's name)
    """How a tensor's elements are stored."""


class memory_format(_Word):  # noqa: N801 (PyTorch's name)
    """In which order the dimensions of a tensor lie in memory."""


strided = layout("strided")
contiguous_format = memory_format("contiguous_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
preserve_format = memory_format("preserve_format")

WORDS = {repr(word)[6:]: word for word in (strided, contiguous_format, channels_last, channels_last_3d, preserve_format)}
"""The constants by name."""


def _word(name: str) -> Any:
    return WORDS[name]
