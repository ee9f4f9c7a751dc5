"""Which rewrites a session lets fire, and whether it checks them."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence

from graphs import rewrite
from graphs.core.errors import at_line
from static.passes import Pass


def refused(names: Iterable[str], passes: Sequence[Pass]) -> frozenset[str]:
    """``names`` as a set. Raises ValueError for one that neither a pass of ``passes`` has nor any rule, with the nearest."""
    asked = frozenset([names] if isinstance(names, str) else names)
    here = {each.__name__ for each in passes}
    for name in sorted(asked - here):
        if name in rewrite.NAMES:
            continue
        near = difflib.get_close_matches(name, sorted(here | rewrite.NAMES), 1, 0.5)
        meant = f"; did you mean {near[0]!r}?" if near else f"; the passes are {', '.join(sorted(here)) or 'none'}"
        raise ValueError(f"no rule and no pass of this session is called {name!r}{meant}{at_line()}")
    return asked


def checking() -> bool:
    """Whether the environment asks for rewrites to be checked: ``DIPTYCH_CHECK`` is set, and not to 0."""
    return os.environ.get("DIPTYCH_CHECK", "0") not in ("", "0")
