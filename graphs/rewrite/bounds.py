"""How far the results of a rewrite may differ from what was written."""

from __future__ import annotations

from dataclasses import dataclass


LEVELS = ("exact", "close", "stable", "fast")
"""How far a rule may go, each level taking in those before it.

``exact``: the same bits, signs of zeros, infinities and NaNs (any NaN is as good as another). How a result lies in memory
may differ, and numpy adds up what is transposed in another order than what is not.
``close``: within the rule's units in the last place; NaNs and infinities where they were, unless sums overflow on the way.
``stable``: within them of the true value, where what was written loses digits, overflows or takes the logarithm of 0; NaNs
stay, and no new ones come from finite numbers.
``fast``: within them for ordinary finite numbers; NaNs, infinities and signs of zeros are not looked at.
"""


@dataclass(frozen=True, slots=True)
class Bound:
    """The bound of a rewrite that no rule made, for the checker: what a pass promises of its own.

    Attributes:
        level: one of ``LEVELS``.
        ulps: units in the last place by which results may differ (of what, the level says); 0 for ``exact``.
        scale: ``"result"``, or ``"largest"`` for units of the largest number on the way (sums in another order).
    """

    level: str = "exact"
    ulps: float = 0
    scale: str = "result"

    @property
    def bound(self) -> str:
        """The same in words."""
        return in_words(self.level, self.ulps, self.scale)


def in_words(level: str, ulps: float, scale: str) -> str:
    """``"exact"``, or the level with its units in the last place: ``"close, 4 ulps"``."""
    if level == "exact":
        return "exact"
    of = " of the largest number on the way" if scale == "largest" else ""
    after = {"close": "", "stable": " of the true value", "fast": " for ordinary numbers"}[level]
    return f"{level}, {ulps:g} ulps{of}{after}"
