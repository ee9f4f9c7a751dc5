"""What a report shows besides figures: both graphs with their counterparts, and what each pass made of a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graphs import draw
from graphs.compare.matching import Matching, match
from graphs.compare.program import Batch, Twins
from graphs.compare.sources import Sources, sources
from graphs.draw import html
from graphs.draw.picture import Picture


STAGE_BUDGET = 80
"""Boxes of a picture of a pass."""


class Frame(NamedTuple):
    """A picture of the slider.

    Attributes:
        word: the pass, ``"as written"`` or ``"as run"``.
        words: what it did.
        picture: the picture.
        before, after: costs by name, before the pass and after it.
        rules: what fired, the most frequent first.
        seconds: how long the pass took.
    """

    word: str
    words: str
    picture: Picture
    before: Mapping[str, int | None]
    after: Mapping[str, int | None]
    rules: Sequence[Mapping[str, Any]] = ()
    seconds: float | None = None


class Plan(NamedTuple):
    """What the passes made of one plan: the report's own dictionary of it, and its pictures in order."""

    told: Mapping[str, Any]
    frames: tuple[Frame, ...]


class Exhibits(NamedTuple):
    """What a page shows.

    Attributes:
        sources: what each form is written as.
        pictures: each form's graph.
        matching: their counterparts; None where nothing is said of them.
        plans: what the passes did, plan by plan.
    """

    sources: Sources
    pictures: Mapping[str, Picture]
    matching: Matching | None = None
    plans: tuple[Plan, ...] = ()


def gather(twins: Twins, modes: tuple[str, str], batch: Batch, dtype: str) -> Exhibits:
    """The exhibits of a program's two forms, after one step of each on ``batch``.

    Raises ProgramError where the file's code fails.
    """
    matching = match(twins, modes, batch, dtype)
    pictures = {  # whole: a viewer folds
        mode: draw.picture(matching.roots[mode], budget=html.WHOLE, title=f"{twins.path.stem}, {mode}") for mode in modes
    }
    return Exhibits(sources(twins.path, modes), pictures, matching, tuple(_plans(twins, modes, batch, dtype)))


def _plans(twins: Twins, modes: Sequence[str], batch: Batch, dtype: str) -> list[Plan]:
    setup = twins.begin(dtype)
    found = []
    for mode in modes:
        program: Any = twins.build(mode, setup)
        if hasattr(program, "report"):
            report = twins.run(program.report, batch)
            told = report.as_dict()["plans"]
            found += [Plan(each, tuple(_frames(each, shown))) for each, shown in zip(told, report.plans, strict=True)]
    return found


def _frames(told: Mapping[str, Any], shown: Any) -> list[Frame]:
    """A frame for each picture: as written, after each pass that changed something, as run."""
    stages = shown.plan.outcome.stages
    frames = []
    for name, picture in draw.pass_pictures(stages, budget=STAGE_BUDGET):
        number, _, word = name.partition("-")
        words, picture.title = picture.title, f"{word.replace('-', ' ')}"
        at = int(number) - 1
        if at < 0:
            frames.append(Frame("as written", _after(words, ": "), picture, told["before"], told["before"]))
        elif at >= len(stages):
            frames.append(Frame("as run", _after(words, ": "), picture, told["before"], told["after"]))
        else:
            stage = told["stages"][at]
            rules = [rule for rule in told["rules"] if rule["pass"] == stage["name"]]
            frame = Frame(word, _after(words, ": "), picture, stage["before"], stage["after"], rules, stage["seconds"])
            frames.append(frame)
    return frames


def _after(words: str, mark: str) -> str:
    return words.partition(mark)[2]
