"""A picture as plain text: one line a box, and beside it the values that flow, as lines that branch off and end.

    ◇   x  placeholder                     (?, 1000)
    │ ◆   w1  variable                     (1000, 100)
    ●─╯   matmul                           (?, 100)

A line of values begins below the box that yields it and ends (╯) beside the last one that reads it; one that goes on is ┤
where it is read. What is only crossed stays │. Where there are too many lines to draw, boxes are numbered, and each names
those that it reads.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.text import Text

from graphs.core.quoting import remark
from graphs.core.spec import Spec
from graphs.draw.labels import notes, place, shorten, spec_label, title
from graphs.draw.outline import REMARKS, Level, levels, ordered
from graphs.draw.picture import Item, Picture
from graphs.draw.style import LOOKS, MARKS, STATUSES, heat
from graphs.draw.words import quantity


WIDTH = 100
"""Columns where nobody says how many there are."""

NARROWEST = 30
FREE = -1
"""What stands where no line of values goes on."""

MOST_LANES = 24
"""Lines of values beside each other that are drawn at most."""

SIGNS = {
    "placeholder": "◇",
    "variable": "◆",
    "constant": "▪",
    "input": "◇",
    "random": "~",
    "control": "↻",
    "gradient": "∂",
    "update": "▲",
    "outside": "○",
    "tensor": "▫",
    "change": "△",
    "fold": "▤",
}
"""What stands for a box of each kind; for others a dot."""

BARS = "▁▂▃▄▅▆▇█"
"""What stands before the title of a box whose colour is a measure elsewhere, from the least to the greatest."""


def terminal(picture: Picture, *, legend: bool = True, direction: str = "TB", width: int = WIDTH) -> bytes:
    """The drawing in lines of at most ``width`` columns, as UTF-8 without colours; the same bytes for the same picture."""
    del direction
    return "".join(f"{line.plain.rstrip()}\n" for line in _lines(picture, width, legend)).encode("utf-8", "replace")


def show(picture: Picture, *, console: Console | None = None, legend: bool = True) -> None:
    """Print the drawing, in colours where the terminal has them, as wide as the terminal is."""
    console = console or Console(width=shutil.get_terminal_size((WIDTH, 24)).columns)
    console.print(renderable(picture, width=console.width, legend=legend), soft_wrap=True)


def renderable(picture: Picture, *, width: int = WIDTH, legend: bool = True) -> Group:
    """The drawing for rich's console, in lines of at most ``width`` columns."""
    return Group(*_lines(picture, width, legend))


def _lines(picture: Picture, width: int, legend: bool) -> list[Text]:
    width = max(width, NARROWEST)
    lines: list[Text] = []
    if picture.title:
        lines.append(Text(shorten(picture.title, width), style="bold"))
    lines += [Text(line, style="dim") for line in (_legend(picture, width) if legend else ())]
    if lines:
        lines.append(Text())
    inner: dict[str, list[Level]] = {}
    every = list(levels(picture))
    for level in every[1:]:
        inner.setdefault(level.owner, []).append(level)
    stack: list[tuple[Level, Iterator[_Row]]] = [(every[0], iter(_rows(every[0])))]
    while stack:
        level, rows = stack[-1]
        row = next(rows, None)
        if row is None:
            stack.pop()
            if level.owner:
                lines.append(Text(f"{'  ┆ ' * (level.depth - 1)}  ╰╌", style="dim"))
            continue
        lines.append(_line(row, level, width, picture.dtype))
        bodies = inner.get(level.name[row.item.key], ())
        stack += [(body, _heading(body, lines, width)) for body in reversed(bodies)]
    return lines


def _heading(level: Level, lines: list[Text], width: int) -> Iterator[_Row]:
    """The rows of a body, below its heading, which is written when the first of them is asked for."""
    words = f"{'  ┆ ' * (level.depth - 1)}  ╭╌ {level.word}: {shorten(level.picture.title, 60)}"
    lines.append(Text(words[:width], style="dim"))
    yield from _rows(level)


def _legend(picture: Picture, width: int) -> list[str]:
    """What signs mean, in lines of at most ``width`` columns."""
    shown = list(picture.inside())
    kinds = {item.kind for each in shown for item in each.items}
    statuses = {item.status for each in shown for item in each.items}
    words = [f"{picture.dtype} unless noted"]
    words += [f"{SIGNS.get(kind, '●')} {look.word}" for kind, look in LOOKS.items() if kind in kinds]
    words += [f"{MARKS[name]} {look.word}" for name, look in STATUSES.items() if name in statuses and name in MARKS]
    if (scale := picture.scale) is not None:
        ends = " to ".join(quantity(end, scale.unit) for end in (scale.low, scale.high))
        words.append(f"{BARS[0]}{BARS[-1]} {scale.name}: {ends}")
    lines = [""]
    for word in words:
        if lines[-1] and cell_len(lines[-1]) + cell_len(word) + 3 > width:
            lines.append("")
        lines[-1] = shorten(f"{lines[-1]}   {word}" if lines[-1] else word, width)
    return lines


@dataclass(slots=True)
class _Row:
    """A box with the lines beside it, the numbers of the boxes that it reads, what arrows say of its value, its spec."""

    item: Item
    number: int
    lanes: str
    reads: tuple[int, ...]
    carries: tuple[str, ...]
    spec: Spec | None


def _rows(level: Level) -> list[_Row]:
    items = ordered(level.picture)
    number = {item.key: at for at, item in enumerate(items, 1)}
    tails: dict[int, list[int]] = {item.key: [] for item in items}
    left = dict.fromkeys(number, 0)
    for link in level.picture.links:
        if link.kind not in REMARKS and number[link.tail] < number[link.head] and link.tail not in tails[link.head]:
            tails[link.head].append(link.tail)
            left[link.tail] += 1
    carries: dict[int, dict[str, None]] = {}
    yields: dict[int, Spec | None] = {}
    for link in level.picture.links:
        if link.kind == "data":
            yields.setdefault(link.tail, link.spec)
            carries.setdefault(link.tail, {}).update(dict.fromkeys(link.notes))
    lanes: list[int] = []
    drawn: list[str] = []
    rows = []
    for item in items:
        read = tails[item.key]
        if len(lanes) <= MOST_LANES:
            drawn.append(_draw(item, read, lanes, left))
        reads = tuple(sorted(number[key] for key in read))
        rows.append(_Row(item, number[item.key], "", reads, tuple(carries.get(item.key, ())), yields.get(item.key)))
    if len(lanes) <= MOST_LANES:
        for row, text in zip(rows, drawn, strict=True):
            row.lanes = text
    return rows


def _draw(item: Item, read: Sequence[int], lanes: list[int], left: dict[int, int]) -> str:
    """The line of one box, after which ``lanes`` are those that go on."""
    for key in read:
        left[key] -= 1
    joined = {at for at, key in enumerate(lanes) if key in read}
    ended = {at for at in joined if not left[lanes[at]]}
    free = [at for at, key in enumerate(lanes) if key == FREE]
    own = min(ended or (at for at in free if not joined or at > min(joined)), default=len(lanes))
    if own == len(lanes):
        lanes.append(FREE)
    first, last = min([own, *joined]), max([own, *joined])
    text = []
    for at, key in enumerate(lanes):
        if at == own:
            sign = SIGNS.get(item.kind, "●")
        elif at in joined:
            right = at > own
            sign = ("╯" if right else "╰") if at in ended else ("┤" if right else "├")
        elif key != FREE:
            sign = "│"
        else:
            sign = "─" if first < at < last else " "
        text.append(sign + ("─" if first <= at < last else " "))
    for at in ended:
        lanes[at] = FREE
    lanes[own] = item.key if left[item.key] else FREE
    while lanes and lanes[-1] == FREE:
        lanes.pop()
    return "".join(text).rstrip()


def _line(row: _Row, level: Level, width: int, dtype: str) -> Text:
    """One line: lanes, title, what else there is to say, and at its end shape and dtype."""
    item, picture = row.item, level.picture
    look = LOOKS[item.kind] if not item.status else STATUSES[item.status]
    line = Text("  ┆ " * level.depth, style="dim")
    lanes = row.lanes or f"{row.number:>4} {SIGNS.get(item.kind, '●')}"
    line.append(f"{lanes}  ", style=look.line)
    scale = picture.scale
    if scale is not None and scale.name in item.numbers:
        bar = BARS[round(scale.place(item.numbers[scale.name]) * (len(BARS) - 1))]
        line.append(f"{bar} ", style=heat(scale.place(item.numbers[scale.name])))
    head = f"{MARKS[item.status]} {title(item)}" if item.status in MARKS else title(item)
    line.append(head, style="bold" if item.kind not in ("outside", "fold") else "")
    if not row.lanes and row.reads:
        line.append(f" ← {_some(row.reads)}", style="dim")
    words = notes(item, last=False, dtype=dtype)
    scope = "/".join(item.scope)
    words += [f"in {shorten(scope)}"] if scope else []
    words += row.carries
    words += [item.device] if item.device else []
    words += ["freed"] if item.freed else []
    words += [where] if item.node is not None and (where := place(item.node)) else []
    made = item.node.specs if item.node is not None else [row.spec] if row.spec is not None else []
    bare = item.kind == "tensor" or (item.title and len(made) > 1)
    specs = [] if bare else [spec_label(spec, dtype) for spec in made]
    return _fitted(line, words, ", ".join(spec for spec in specs if spec), width)


def _some(numbers: Iterable[int]) -> str:
    words = list(map(str, numbers))
    return ", ".join(words if len(words) <= 6 else [*words[:5], "…"])


def _fitted(line: Text, words: Sequence[str], end: str, width: int) -> Text:
    """``line`` with as many of ``words`` as there is room for, and ``end`` at the right margin."""
    end = end if cell_len(end) <= width // 3 else f"{set_cell_size(end, width // 3 - 1)}…"
    room = width - (cell_len(end) + 2 if end else 0)
    if line.cell_len > room:
        line.truncate(room, overflow="ellipsis")
    for word in dict.fromkeys(map(remark, words)):
        if line.cell_len + cell_len(word) + 2 > room:
            continue
        line.append(f"  {word}", style="dim")
    if end:
        line.append(" " * (width - line.cell_len - cell_len(end)))
        line.append(end)
    return line
