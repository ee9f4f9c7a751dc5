"""Which PyTorch the names and numbers are those of."""

from __future__ import annotations

from dynamic.names import lacking


class TorchVersion(str):
    """A version that compares by its numbers, with text and with tuples of numbers: ``"1.10" > "1.9"``."""

    __slots__ = ()

    def _numbers(self, other: object) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return _parts(str(self)), tuple(map(int, other)) if isinstance(other, (tuple, list)) else _parts(str(other))

    def __lt__(self, other: object) -> bool:
        mine, theirs = self._numbers(other)
        return mine < theirs

    def __le__(self, other: object) -> bool:
        mine, theirs = self._numbers(other)
        return mine <= theirs

    def __gt__(self, other: object) -> bool:
        return not self <= other

    def __ge__(self, other: object) -> bool:
        return not self < other


def _parts(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.partition("+")[0].split(".") if part.isdecimal())


__version__ = TorchVersion("2.13.0+diptych")
cuda = hip = xpu = git_version = None
debug = False

__getattr__ = lacking(__name__)
