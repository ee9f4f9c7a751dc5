"""What a device can do, from published figures: how long work takes on it by the roofline, kernel by kernel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphs.placing.costs import Rates, Work


@dataclass(frozen=True, slots=True)
class Device:
    """A device by its peaks, and what share of them real kernels reach.

    Attributes:
        name: what it is.
        dense: operations a second of matrix products.
        other: of all else.
        bandwidth: bytes a second, to and from its memory.
        launch: seconds that each kernel takes at least, and that pass between two.
        reach: the share of ``dense``, of ``other`` and of ``bandwidth`` that is reached.
    """

    name: str
    dense: float
    other: float
    bandwidth: float
    launch: float
    reach: tuple[float, float, float] = (0.6, 0.6, 0.85)

    def seconds(self, work: Work) -> float:
        """How long a node takes: its launches, and then what it is bound by (Williams et al., "Roofline", 2009)."""
        dense, other, bandwidth = self.reach
        bound = max(
            work.dense / (self.dense * dense), work.other / (self.other * other), work.size / (self.bandwidth * bandwidth)
        )
        return work.kernels * self.launch + bound


Speed = Device | Rates
"""What knows how long work takes: a device by its peaks, or the rates that were measured of one."""


def total(speed: Speed, works: Iterable[Work]) -> float:
    """How long works take, one after another."""
    return sum(speed.seconds(work) for work in works)


__all__ = ["Device", "Speed", "total"]
