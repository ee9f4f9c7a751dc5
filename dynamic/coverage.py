"""Which of PyTorch's names are here: ``python -m dynamic.coverage`` writes the page ``docs/pytorch-names.md``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from dynamic.names import listed


PAGE = Path(__file__).parent.parent / "docs" / "pytorch-names.md"

_HEAD = """\
# PyTorch's names

Which public names of PyTorch 2.13 `import dynamic as torch` has. This page is generated: `python -m dynamic.coverage` writes
it from the package and from `dynamic/names.txt`. Left out are modules of other products within PyTorch (compilers, export,
quantisation, sparse layouts, FFT) and what is not documented there. A name that is missing raises an
`AttributeError` that says so and names the nearest that is here. What PyTorch had until 0.4 and has dropped since
(`Variable`, `legacy.nn`, `size_average=`, `add_(alpha, other)`) is here, too.
"""


def find(path: str) -> Any:
    """What is here under a dotted path of PyTorch's (``torch.nn.functional``), None where nothing is."""
    found: Any = import_module("dynamic")
    for name in path.split(".")[1:]:
        try:
            found = getattr(found, name) if hasattr(found, name) else import_module(f"{found.__name__}.{name}")
        except ImportError:
            return None
    return found


def present(path: str) -> frozenset[str]:
    """Those of PyTorch's names at ``path`` that are here."""
    place = find(path)
    return frozenset(name for name in listed()[path] if place is not None and hasattr(place, name))


def page() -> str:
    """The text of the page."""
    names = listed()
    here = {path: present(path) for path in names}
    total, found = sum(map(len, names.values())), sum(map(len, here.values()))
    lines = [_HEAD, f"{found} of {total} names.", "", "| module or class | here | in PyTorch |", "|---|---:|---:|"]
    lines += [f"| `{path}` | {len(here[path])} | {len(every)} |" for path, every in names.items()]
    for path, every in names.items():
        lines += ["", f"## {path}"]
        for label, some in (("Here", here[path]), ("Not here", every - here[path])):
            if some:
                lines += ["", *_wrapped(label, some)]
    return "\n".join(lines) + "\n"


def _wrapped(label: str, names: Iterable[str]) -> list[str]:
    text = f"{label}: {', '.join(f'`{name}`' for name in sorted(names))}."
    return textwrap.wrap(text, 125, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
