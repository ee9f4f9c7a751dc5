"""Names that somebody might give a node, a scope, a function or a file so that they are taken for something else."""

from __future__ import annotations

import itertools
import re
from functools import cache

from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st


PYTHON = [
    "__import__('os').system('id')",
    "'); import os#",
    '"""',
    "'''",
    "\\",
    "\\'",
    "{x}",
    "{{0.__class__}}",
    "%s%n",
    "\n    import os\n",
    "\r",
    "\f",
    "# ",
    "lambda",
    "None",
    "xp",
    "state",
    "k_matmul",
    "__builtins__",
    "\uff45\uff56\uff41\uff4c",
    "\ufb01",
    "a;b",
    "):",
    "/*",
    "*/",
    "//",
    '#include "x"',
    "%b0 = call ptr @system()",
    '"}\n!0',
]
"""For whoever writes Python, LLVM's text or CUDA C++."""

MARKUP = [
    "<lambda>",
    "<b>",
    "<",
    ">",
    "</script><img src=x onerror=alert(1)>",
    "<!--",
    "-->",
    "]]>",
    "<![CDATA[",
    "<svg/onload=alert(1)>",
    "</style>",
    "</title>",
    "javascript:alert(1)",
    '" onload="alert(1)',
    "' onfocus='alert(1)",
    "&lt;",
    "&amp;",
    "&#60;",
    "&",
    "\\N",
    "\\G",
    "\\n",
    "\\l",
    '"',
    '\\"',
    "{{ 7 * 7 }}",
    "{% raw %}",
    "${7*7}",
    "digraph {",
    "}",
    "a -> b",
    "|",
    'URL="javascript:1"',
    "[label=x]",
    "click n1 href",
    "end",
    "%%{init: {}}%%",
    "#quot;",
    ":::",
    "`md`",
    "[bold red]",
    "[/]",
    "?>",
]
"""For whoever writes DOT, Mermaid, HTML, SVG, XML, or to a terminal."""

CELLS = ["=1+1", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", ",", ";", "\x00"]
"""For whoever opens a table."""

CONTROL = [
    "\x00",
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\x08\x08",
    "\u202e",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\ud800",
    "\udfff",
]
"""For a terminal, an editor or a parser that stumbles."""

ODD = ["", " ", "é" * 50, "漢字", "😀", "x" * 300, "a/b", "..", "../../etc/passwd", "a\\b", "_1", "1"]

EVERY = [*PYTHON, *MARKUP, *CELLS, *CONTROL, *ODD]


def names() -> st.SearchStrategy[str]:
    """Strings of such pieces and of any characters, surrogates and controls among them."""
    any_character = st.characters(exclude_categories=())
    odd = st.characters(categories=["Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Mn"])
    piece = st.one_of(st.sampled_from(EVERY), st.text(any_character, max_size=6), st.text(odd, max_size=3))
    return st.one_of(st.sampled_from(EVERY), st.lists(piece, min_size=1, max_size=4).map("".join))


def legal(name: str) -> str:
    """What of ``name`` TensorFlow takes for the name of an operation."""
    return re.sub(r"[^A-Za-z0-9_.\\/-]", "", name).lstrip("_\\/-").rstrip("/") or "x"


@cache
def sample(count: int) -> tuple[str, ...]:
    """So many different names, the same each time: first all of the above."""
    found: dict[str, None] = dict.fromkeys(EVERY)
    usual = {"database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}
    for number in itertools.count():
        collect = given(names())(lambda name: found.setdefault(name))
        seed(number)(settings(max_examples=count, phases=[Phase.generate], **usual)(collect))()
        if len(found) >= count:
            return tuple(found)[:count]
    raise AssertionError


def fours(count: int) -> list[tuple[str, str, str, str]]:
    """``count`` names, four at a time."""
    found = sample(count)
    return list(zip(found[::4], found[1::4], found[2::4], found[3::4], strict=True))
