"""The certificate of a run in lock-step: a digest of every array that was compared, and of all of them up to each update.

The digests are chained, so the last one stands for the whole run: who runs the same program elsewhere and finds the same
one has had the same bits in every loss, gradient, slot and parameter on the way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from numpy import ndarray


class Shown(NamedTuple):
    """An array that both modes show after an update: its name (``"gradient of w1"``), dtype and shape."""

    what: str
    dtype: str
    shape: tuple[int, ...]


class Station(NamedTuple):
    """What was compared after one update.

    Attributes:
        step: from 1.
        station: which update of the step, from 1.
        arrays: what was compared.
        digests: for each array its digest in either mode (``calls.digest``); one string twice where every bit is equal.
        apart: for arrays that differ, by name the distance in units in the last place, None where there is none.
        seals: for either mode the digest of all that it has shown up to here.
    """

    step: int
    station: int
    arrays: tuple[Shown, ...]
    digests: tuple[tuple[str, str], ...]
    apart: Mapping[str, int | None]
    seals: tuple[str, str]

    @property
    def equal(self) -> bool:
        """Whether every bit is equal here."""
        return not self.apart

    def as_dict(self) -> dict[str, Any]:
        """The station as JSON takes it, without the digests of single arrays."""
        return {
            "step": self.step,
            "update": self.station,
            "arrays": len(self.arrays),
            "equal": self.equal,
            "seals": list(dict.fromkeys(self.seals)),
        }


class Seal:
    """Makes the stations of one run: each seal is a digest of the one before, and of the names and digests shown since."""

    def __init__(self) -> None:
        self._seals = ("", "")
        self._layouts: dict[tuple[Shown, ...], tuple[Shown, ...]] = {}

    def station(
        self,
        step: int,
        station: int,
        arrays: Iterable[tuple[str, ndarray]],
        digests: Sequence[tuple[str, str]],
        apart: Mapping[str, int | None],
    ) -> Station:
        """The next station; ``arrays`` as the first mode shows them, ``digests`` in the same order."""
        layout = tuple(Shown(what, array.dtype.name, array.shape) for what, array in arrays)
        layout = self._layouts.setdefault(layout, layout)  # one for all steps: a long run has many
        first = _seal(self._seals[0], layout, [mine for mine, _ in digests])
        same = self._seals[0] == self._seals[1] and not apart
        second = first if same else _seal(self._seals[1], layout, [theirs for _, theirs in digests])
        self._seals = first, second
        return Station(step, station, layout, tuple(digests), apart, self._seals)


def _seal(before: str, layout: Sequence[Shown], digests: Sequence[str]) -> str:
    lines = [before, *(f"{digest}  {shown.what}" for shown, digest in zip(layout, digests, strict=True))]
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()
