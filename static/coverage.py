"""Which of TensorFlow 1.15's names are here: ``python -m static.coverage`` writes the page ``docs/tensorflow-names.md``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from pathlib import Path

import static
from static.absent import dotted, listed, modules, present


PAGE = Path(__file__).parent.parent / "docs" / "tensorflow-names.md"

_HEAD = """\
# TensorFlow's names

Which public names of TensorFlow 1.15.5 `import static as tf` has. This page is generated: `python -m static.coverage`
writes it from the package and from `static/names.txt`. What belongs to other products within TensorFlow (`tf.keras`,
`tf.estimator`, `tf.lite`, `tf.tpu`) or to generated code (`tf.raw_ops`) is left out. A name that is missing raises an
`AttributeError` that says so and names the nearest that is here.
"""


def page() -> str:
    """The text of the page."""
    here = {path: present(module, path) for path, module in modules(static)}
    names = listed()
    covered = {path: here.get(path, frozenset()) for path in names}
    total, found = sum(map(len, names.values())), sum(map(len, covered.values()))
    lines = [_HEAD, f"{found} of {total} names.", "", "| module | here | in TensorFlow |", "|---|---:|---:|"]
    lines += [f"| `{dotted(path)}` | {len(covered[path])} | {len(every)} |" for path, every in names.items()]
    for path, every in names.items():
        if covered[path]:
            lines += ["", f"## {dotted(path)}", "", *_wrapped("Here", covered[path])]
            if every - covered[path]:
                lines += ["", *_wrapped("Not here", every - covered[path])]
    lines += ["", "## Modules of which nothing is here", ""]
    lines += _wrapped("", (dotted(path) for path in names if not covered[path]))
    return "\n".join(lines) + "\n"


def _wrapped(label: str, names: Iterable[str]) -> list[str]:
    text = ", ".join(f"`{name}`" for name in sorted(names))
    return textwrap.wrap(f"{label}: {text}." if label else f"{text}.", 125, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
