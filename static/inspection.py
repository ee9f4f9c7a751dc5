"""What a session says about its passes: which rewrite made a difference, what one is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphs.core.notebook import Shown
from graphs.rewrite import Record
from static.picturing import draw
from static.report import Report, report


if TYPE_CHECKING:
    from static.trials import Good, Timing


class Inspection(Shown):
    """The part of ``Session`` that looks at what passes did. What is tried is tried on a copy of what the session holds."""

    def report(self, fetches: Any = None, feed_dict: Mapping[Any, Any] | Sequence[Any] | None = None) -> Report:
        """What the passes did: for a run of ``fetches``, whose plan is made if it is not there, or for all plans there are.

        Costs are those of a run with the shapes that are fed; where tensors are given in place of a mapping, those of a plan
        for any shapes, and figures that hang on them are not known.
        """
        return report(self, fetches, feed_dict)

    def draw(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None, **settings: Any) -> bytes:
        """A picture of what ``fetches`` depend on, as the bytes of a file; ``settings`` as for ``graphs.draw.draw``.

        Where these ask for values or gradients on the edges (``show=("shapes", "values", "gradients")``), for the time of
        each node (``overlay="time"``) or for devices, the graph is run for them, without passes, on a copy of what the
        session holds: state and random stream stay as they were; what else a run does (printing) it does.
        """
        return draw(self, fetches, feed_dict, settings)

    def bisect(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None, good: Good | None = None) -> Record | None:
        """The rewrite behind a difference between this run with the session's passes and without any; None if there is none.

        Args:
            fetches, feed_dict: as for ``run``.
            good: says of the fetched values whether they are as they should be. By default they are if they, and the values
                that the run leaves in the variables, are those of the run without passes to the last bit.

        The record names rule, law, bound and the user's lines, and its ``counterexample`` has inputs on which the rewrite
        goes beyond its bound, where such are found. State and random stream stay as they were; what else a run does
        (printing, calls of Python functions) it does again with each try. Raises RewriteError where ``good`` does not hold
        without passes either.
        """
        found: Record | None = import_module("static.trials").bisect(self, fetches, feed_dict, good)
        return found

    def timed_without(
        self,
        names: str | Iterable[str],
        fetches: Any,
        feed_dict: Mapping[Any, Any] | None = None,
        seconds: float = 1.0,
    ) -> Timing:
        """This run timed with all rewrites and without those of the rules or passes ``names``, for about ``seconds``.

        State and random stream stay as they were. Raises ValueError for names that no rule and no pass has.
        """
        found: Timing = import_module("static.trials").timed_without(self, names, fetches, feed_dict, seconds)
        return found
