"""The command ``diptych``: compare a program's two forms, draw their graphs, run a script on the front-ends."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, nullcontext, redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from graphs.compare import (
    Report,
    adapters,
    as_dict,
    load,
    lockstep,
    measure,
    plots,
    render,
    scripts,
    with_passes,
    without_passes,
)
from graphs.compare.exhibits import gather
from graphs.compare.linting import has_forms, lint_forms
from graphs.compare.page import write_page
from graphs.compare.pictures import FORMATS, Look, write, write_passes
from graphs.compare.program import ProgramError
from graphs.compare.scripts_page import scripts_page
from graphs.core.errors import GraphsError
from graphs.execute import ScriptError, execute
from graphs.inspection.commands import interact
from graphs.inspection.lint import Findings
from graphs.inspection.lint_text import renderable
from graphs.inspection.stepper import Stepper


app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

USAGE = 2
"""The exit status for a file that cannot be used."""


class Dtype(StrEnum):
    """The dtypes that programs are built in."""

    float32 = "float32"
    float64 = "float64"


Program = Annotated[Path, typer.Argument(help="a Python file with setup() and a program for each mode")]
DtypeOption = Annotated[Dtype, typer.Option(help="of parameters and data")]


@app.command()
def compare(
    file: Annotated[Path, typer.Argument(help="a Python file with setup() and a program for each mode, or a script")],
    other: Annotated[Path | None, typer.Argument(help="a second script, where the first is one too")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="training steps: in lock-step 20, of scripts all")] = None,
    dtype: DtypeOption = Dtype.float32,
    era: Annotated[str | None, typer.Option(help="an early version of the framework that scripts are of")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON instead of tables")] = False,
    out: Annotated[Path | None, typer.Option(help="a directory for the report as JSON and the pictures")] = None,
    seconds: Annotated[float, typer.Option(min=0, help="how long steady steps are timed, per mode")] = 2.0,
) -> None:
    """Run a program's two forms on the same batches: are they equal to the last bit, and what do they cost?

    They are compared without the passes that rewrite a static graph, and what these change is told beside it. The exit
    status is 0 where every bit is equal, 1 where not.

    Two scripts, one for TensorFlow 1 and one for PyTorch, run as ``exec`` runs them: the graphs of a step, steps a second
    and losses of each, and no certificate. The exit status is 0 where both end well.
    """
    if other is not None:
        _compare_scripts(file, other, steps, era, as_json, out)
    steps = steps or 20
    twins = load(file)
    found = list(adapters())
    modes = (found[0], found[1])
    console = Console(stderr=True)
    with console.status(f"{steps} steps in lock-step"):
        batches = twins.batches(dtype, max(steps, 10))
        agreement = lockstep(without_passes(twins), modes, batches[:steps], dtype)
        passed = [with_passes(twins, mode, batches[:steps], dtype) for mode in modes]
    with console.status("measuring"):
        costs = measure(twins, modes, batches, dtype, seconds)
    report = Report(file, modes, str(dtype), agreement, costs, passes=tuple(each for each in passed if each is not None))
    if out is not None:
        with console.status("drawing"):
            report = report._replace(pictures=tuple(write(twins, modes, batches[0], dtype, out)))
            report = report._replace(page=out / f"{file.stem}.html")
            write_page(report, gather(twins, modes, batches[0], dtype))
        _tell_of_plots()
        (out / f"{file.stem}.json").write_text(_json(report))
    if as_json:
        print(_json(report))
    else:
        Console().print(render(report))
    raise typer.Exit(0 if agreement.difference is None else 1)


def _tell_of_plots() -> None:
    if not plots.available():
        print(f"The page has no plots, as matplotlib is not installed: {plots.INSTALL}", file=sys.stderr)


def _compare_scripts(
    file: Path, other: Path, steps: int | None, era: str | None, as_json: bool, out: Path | None
) -> NoReturn:
    def run(script: Path) -> int:
        with ExitStack() as around:
            return execute(script, [], _standing_in(era, around))

    with redirect_stdout(sys.stderr) if as_json else nullcontext():  # JSON is to stand alone
        found = scripts.run(file, other, run, steps)
    if out is not None:
        with Console(stderr=True).status("drawing"):
            found = found._replace(pictures=tuple(scripts.write(found, out)))
            page = out / f"{file.stem}-{other.stem}.html"
            page.write_text(scripts_page(found), encoding="utf-8")
        _tell_of_plots()
        (out / f"{file.stem}-{other.stem}.json").write_text(json.dumps(found.as_dict(), indent=1))
    if as_json:
        print(json.dumps(found.as_dict(), indent=1))
    else:
        Console().print(scripts.render(found))
        if out is not None:
            Console().print(f"The whole report is one page for a browser: {page}", highlight=False, markup=False)
    raise typer.Exit(found.status)


class Nodes(StrEnum):
    """What is a box."""

    ops = "ops"
    tensors = "tensors"
    both = "both"


class View(StrEnum):
    """Parts of a program."""

    forward = "forward"
    backward = "backward"
    joined = "joined"


class Shown(StrEnum):
    """What stands on arrows."""

    shapes = "shapes"
    dtypes = "dtypes"
    bytes = "bytes"
    values = "values"
    gradients = "gradients"


class Measure(StrEnum):
    """What boxes are coloured by."""

    time = "time"
    memory = "memory"
    operations = "operations"


class Direction(StrEnum):
    """Which way a picture runs."""

    TB = "TB"
    LR = "LR"


@app.command()
def draw(
    file: Program,
    out: Annotated[Path, typer.Option(help="the directory for the pictures")] = Path("out"),
    dtype: DtypeOption = Dtype.float32,
    passes: Annotated[bool, typer.Option("--passes", help="what each pass did to the static graph, instead")] = False,
    mode: Annotated[list[str] | None, typer.Option(help="static or dynamic; by default both")] = None,
    view: Annotated[list[View] | None, typer.Option(help="by default all three")] = None,
    form: Annotated[list[str] | None, typer.Option("--format", help="suffixes; by default svg, png and dot")] = None,
    nodes: Annotated[Nodes, typer.Option(help="what is a box")] = Nodes.ops,
    show: Annotated[list[Shown] | None, typer.Option(help="what stands on arrows; shapes and dtypes by default")] = None,
    budget: Annotated[int | None, typer.Option(min=3, help="boxes at most; what is beyond folds")] = None,
    depth: Annotated[int | None, typer.Option(min=0, help="levels of scopes that stay open")] = None,
    repeats: Annotated[bool, typer.Option("--repeats", help="fold what repeats even within the budget")] = False,
    unroll: Annotated[int | None, typer.Option(min=0, help="rounds of each loop that are drawn one by one")] = None,
    overlay: Annotated[Measure | None, typer.Option(help="colour boxes by a measure")] = None,
    log: Annotated[bool, typer.Option("--log", help="colours follow the logarithm")] = False,
    regions: Annotated[bool, typer.Option("--regions", help="show what the static plan fuses")] = False,
    update: Annotated[bool, typer.Option("--update", help="draw the update beside the tape")] = False,
    devices: Annotated[bool, typer.Option("--devices", help="tell where each node was asked to run, and ran")] = False,
    direction: Annotated[Direction, typer.Option(help="from top to bottom, or from left to right")] = Direction.TB,
) -> None:
    """Draw the static graph and the tape of a program, forward and backward, as SVG, PNG and DOT.

    With --passes: the static graph of a step as it is written, after each pass that changed something, and as it is run,
    with a report of every rewrite as text and JSON.
    """
    twins = load(file)
    batch = twins.batches(dtype, 1)[0]
    found = list(adapters())
    unknown = [each for each in mode or () if each not in found]
    if unknown:
        raise ProgramError(f"there is no mode {unknown[0]}; there are {', '.join(found)}")
    modes = [each for each in found if not mode or each in mode]
    if passes:
        for path in write_passes(twins, modes, batch, dtype, out, tuple(form or FORMATS)):
            print(path)
        return
    wanted = {"values"} if devices or {Shown.values, Shown.gradients} & set(show or ()) else set()
    asked = {"time": overlay == Measure.time, "regions": regions, "update": update}
    settings: dict[str, Any] = {"nodes": str(nodes), "depth": depth, "repeats": repeats, "unroll": unroll, "log": log}
    settings |= {"devices": devices or None, "direction": str(direction)}
    settings |= {"show": [str(each) for each in show]} if show else {}
    settings |= {"overlay": str(overlay)} if overlay not in (None, Measure.time) else {}
    look = Look(
        tuple(form or FORMATS),
        tuple(str(each) for each in view or View),
        budget,
        wanted | {name for name, on in asked.items() if on},
        settings,
    )
    for path in write(twins, modes, batch, dtype, out, look):
        print(path)


@app.command(name="exec", context_settings={"allow_interspersed_args": False})
def exec_(
    script: Annotated[Path, typer.Argument(help="a Python script that imports tensorflow or torch")],
    args: Annotated[list[str] | None, typer.Argument(help="its arguments")] = None,
    era: Annotated[str | None, typer.Option(help="an early version of the framework to behave as, such as 0.3")] = None,
) -> None:
    """Run a script in which TensorFlow means Diptych's static mode and PyTorch its dynamic mode."""
    with ExitStack() as around:
        aliases = _standing_in(era, around)
        raise typer.Exit(execute(script, args or [], aliases))


@app.command()
def debug(
    file: Annotated[Path, typer.Argument(help="a program in two forms, or a script that imports tensorflow or torch")],
    args: Annotated[list[str] | None, typer.Argument(help="a script's arguments; put -- before those with dashes")] = None,
    mode: Annotated[str | None, typer.Option(help="which form of a program: static (the usual) or dynamic")] = None,
    steps: Annotated[int, typer.Option(min=1, help="training steps of a program's form")] = 1,
    dtype: DtypeOption = Dtype.float32,
    era: Annotated[str | None, typer.Option(help="an early version of the framework to behave as, such as 0.3")] = None,
) -> None:
    """Step through a program, operation by operation, forwards and back, and try other values.

    Commands are asked for, or read from the standard input where that is no terminal; ``help`` lists them. Stepped through
    are the training steps of one form of a program, or a script as ``exec`` runs it. The exit status is 1 where it failed.
    """
    if not file.is_file():
        raise ScriptError(f"{file}: there is no such file")
    found, statuses = adapters(), list[int]()
    with ExitStack() as around:
        if mode is not None or has_forms(file):
            form = mode or next(iter(found))
            if form not in found:
                raise ScriptError(f"--mode {mode}: a program's forms are {' and '.join(found)}")
            twins = load(file)
            program, batches = twins.build(form, twins.begin(dtype)), twins.batches(dtype, steps)
            hooks = [found[form].stepping]

            def run() -> None:
                for batch in batches:
                    program.step(batch)
        else:
            aliases = _standing_in(era, around)
            hooks = [adapter.stepping for adapter in found.values()]

            def run() -> None:
                statuses.append(execute(file, args or [], aliases))

        status = interact(Stepper(run, hooks))
        raise typer.Exit(status or max(statuses, default=0))


@app.command(name="lint", context_settings={"allow_interspersed_args": False})
def lint_(
    file: Annotated[Path, typer.Argument(help="a program in two forms, or a script that imports tensorflow or torch")],
    args: Annotated[list[str] | None, typer.Argument(help="a script's arguments")] = None,
    steps: Annotated[int, typer.Option(min=0, help="training steps (backward passes) to watch; 0 for no end")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON instead of text")] = False,
    era: Annotated[str | None, typer.Option(help="an early version of the framework to behave as, such as 0.3")] = None,
    dtype: DtypeOption = Dtype.float32,
) -> None:
    """Run a program and say what is wrong with it: the line, the fault, the remedy.

    Each form of a program, or a script as ``exec`` runs it, is watched for some training steps and then ended; its numbers
    are what they would be, and what it prints goes to the standard error stream. The exit status is 1 where something was
    found, 2 where a script failed for another reason. ``# diptych: ignore[rule]`` on a line silences a rule there.
    """
    status = 0
    with redirect_stdout(sys.stderr):
        if has_forms(file):
            found = lint_forms(file, steps or 50, dtype)
        else:
            with ExitStack() as around:
                aliases = _standing_in(era, around)
                watched = [around.enter_context(adapter.lint(steps=steps or None)) for adapter in adapters().values()]
                status = execute(file, args or [], aliases)
            found = Findings(each for here in watched for each in here)
    if as_json:
        print(json.dumps({"file": str(file), "findings": [each.as_dict() for each in found]}, indent=1))
    else:
        Console().print(renderable(found, str(file)))
    raise typer.Exit(1 if found else USAGE if status else 0)


def _standing_in(era: str | None, around: ExitStack) -> dict[str, str]:
    """What modules of the frameworks stand for; with the front-ends in an early version's ways until ``around`` ends."""
    aliases: dict[str, str] = {}
    for adapter in adapters().values():
        aliases.update(adapter.ALIASES)
        if era is not None and hasattr(adapter, "era"):
            try:
                around.enter_context(adapter.era(era))
            except ValueError as error:
                raise ScriptError(f"--era {era}: {error}") from None
    return aliases


def _json(report: Report) -> str:
    return json.dumps(as_dict(report), indent=1)


def main() -> None:
    """Run the command; whatever is wrong with the user's files is said in one line."""
    try:
        app()
    except (GraphsError, OSError) as error:
        print(f"diptych: {error}", file=sys.stderr)
        sys.exit(USAGE)


if __name__ == "__main__":
    main()
