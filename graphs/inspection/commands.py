"""The stepper in a terminal: commands read from a prompt or a file, and cards of operations. The transcript is the test."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy
from rich.console import Console
from rich.table import Table
from rich.text import Text

from graphs.core.spec import Spec
from graphs.inspection.breaks import KINDS, Breakpoint
from graphs.inspection.cards import brief, card, neighbours, plain, source
from graphs.inspection.moments import Moment, StepError
from graphs.inspection.statistics import shown, statistics
from graphs.inspection.stepper import Stepper, Stop


PROMPT = "(diptych) "

_ASSIGNMENT = re.compile(r"(?P<name>[^=]*?)\s*=(?!=)\s*(?P<value>.+)\Z")
_PLACE = re.compile(r"(\S+\.py:)?\d+\Z")


class Commands:
    """Carries out commands on a stepper and prints what they come to.

    Each command is a method whose docstring is its help: the first line has the arguments.
    """

    def __init__(self, stepper: Stepper, console: Console) -> None:
        self._stepper, self._console = stepper, console
        self._again = ""
        self.going = True
        self._commands: Mapping[str, Callable[[str], None]] = {
            "step": self.step,
            "next": self.next,
            "continue": self.run,
            "finish": self.finish,
            "back": self.back,
            "goto": self.goto,
            "break": self.break_,
            "breaks": self.breaks,
            "delete": self.delete,
            "print": self.print_,
            "stats": self.stats,
            "shape": self.shape,
            "where": self.where,
            "list": self.list_,
            "trace": self.trace,
            "graph": self.graph,
            "set": self.set_,
            "memory": self.memory,
            "help": self.help_,
            "quit": self.quit_,
        }

    def do(self, line: str) -> None:
        """Carry out one line; what cannot be done is said."""
        line = line.strip()
        if line.startswith("#"):
            return
        name, _, rest = (line or self._again).partition(" ")
        if not name:
            return
        command = self._named(name)
        self._again = name if command in ("step", "next", "back", "continue") else ""
        if command is None:
            self._say(f"there is no command {plain(name)}; help lists them", "red")
            return
        try:
            self._commands[command](rest.strip())
        except StepError as error:
            self._say(plain(str(error)), "red")

    def _named(self, name: str) -> str | None:
        if name in _SHORT:
            return _SHORT[name]
        if name in self._commands:
            return name
        found = [each for each in self._commands if each.startswith(name)]
        return found[0] if len(found) == 1 else None

    # Going

    def step(self, rest: str) -> None:
        """step [N]

        The next operation, inside loops and modules as well; or the N-th from here.
        """
        self._stopped(self._stepper.step(_count(rest)))

    def next(self, rest: str) -> None:
        """next [N]

        The next operation at this depth: loops, modules and backward passes are passed over. Breakpoints in them stop.
        """
        self._stopped(self._stepper.next(_count(rest)))

    def run(self, rest: str) -> None:
        """continue

        On to the next breakpoint, or to the end of the program.
        """
        self._stopped(self._stepper.run())

    def finish(self, rest: str) -> None:
        """finish

        Out of the innermost loop, module or backward pass; at the top, to the end of the program.
        """
        self._stopped(self._stepper.out())

    def back(self, rest: str) -> None:
        """back [N]

        The operation before, or N before: values are shown as they were. Nothing is undone.
        """
        self._stopped(self._stepper.back(_count(rest)))

    def goto(self, rest: str) -> None:
        """goto N | goto NAME

        Operation number N, back or forward; or the last one called NAME, else the next one.
        """
        if not rest:
            raise StepError("goto needs a number or a name")
        self._stopped(self._stepper.goto(rest))

    # Breakpoints

    def break_(self, rest: str) -> None:
        """break WHAT [if EXPRESSION]

        Stop at an operation by name or pattern (break hidden/*), an op (break op matmul), a line (break net.py:12), a round
        of a loop (break round 3, break round 3 of while), a NaN or infinity (break nan), or where an expression over value
        holds (break if value > 3). With a condition the others stop where it holds, too.
        """
        if not rest:
            self.breaks("")
            return
        words, found, condition = rest.partition(" if ") if not rest.startswith("if ") else (rest, "", "")
        kind, _, what = words.strip().partition(" ")
        if kind not in KINDS:
            kind, what = ("line" if _PLACE.match(words.strip()) else "node"), words
        if found and not condition.strip():
            raise StepError("a condition is missing after if")
        made = self._stepper.add(kind, what.strip(), condition.strip())
        self._say(f"break {made.number}: {plain(str(made))}")

    def breaks(self, rest: str) -> None:
        """breaks

        List the breakpoints, and how often each has stopped the run.
        """
        for each in self._stepper.breakpoints:
            times = f"{each.hits} time{'' if each.hits == 1 else 's'}"
            self._say(
                f"{each.number}: {plain(str(each))}, stopped {times}" + (f" ({plain(each.failed)})" if each.failed else "")
            )
        if not self._stepper.breakpoints:
            self._say("there are no breaks")

    def delete(self, rest: str) -> None:
        """delete [N]

        Forget breakpoint N, or all.
        """
        if rest and not rest.isdecimal():
            raise StepError(f"a break has a number, not {rest!r}")
        self._stepper.delete(int(rest) if rest else None)
        self._say(f"break {rest} is gone" if rest else "all breaks are gone")

    # Looking

    def print_(self, rest: str) -> None:
        """print [NAME | EXPRESSION]

        A value: of where we stand, of a name (NAME@K in round K, NAME:1 the second output, #12 operation 12), or of an
        expression over names, value and np.
        """
        found = self._stepper.ask(rest)
        self._say(plain(shown(found) if isinstance(found, (numpy.ndarray, numpy.generic)) else repr(found), lines=True))

    def stats(self, rest: str) -> None:
        """stats [NAME | EXPRESSION]

        Extent, mean, spread, zeros, NaNs and infinities.
        """
        found = statistics(self._stepper.ask(rest))
        self._say(f"{found.spec}  {found}" if found is not None else "no numbers")

    def shape(self, rest: str) -> None:
        """shape [NAME | EXPRESSION]

        Dtype and shape.
        """
        array = numpy.asarray(self._stepper.ask(rest))
        self._say(f"{Spec.of(array)}, {array.nbytes:,} bytes")

    def where(self, rest: str) -> None:
        """where

        The card of the operation where we stand: what it is, its line, what it reads and gave, and where in the run it is.
        """
        here = self._here()
        self._console.print(card(here, self._place(here)))

    def list_(self, rest: str) -> None:
        """list

        The program's lines around here.
        """
        here = self._here()
        if here.where is None:
            raise StepError(f"no line of the program made {here.name}")
        self._console.print(source(here), soft_wrap=True)

    def trace(self, rest: str) -> None:
        """trace [N]

        The last N operations (10), up to here.
        """
        last = self._stepper.moments[: self._stepper.position][-_count(rest, 10) :]
        for each in last:
            self._console.print(brief(each, "> " if each is self._stepper.here else "  "), soft_wrap=True)
        if not last:
            self._say("nothing has run yet")

    def graph(self, rest: str) -> None:
        """graph [N]

        The graph around here: what it reads, N operations back (1), and what has read it.
        """
        here = self._here()
        self._console.print(neighbours(self._stepper, here, _count(rest)))

    def memory(self, rest: str) -> None:
        """memory

        What is kept of the values, so that going back can show them.
        """
        kept, gone = self._stepper.memory
        count = len(self._stepper.moments)
        text = f"{count:,} operation{'' if count == 1 else 's'}, {kept:,} bytes of values kept"
        self._say(text + (f"; {gone:,} values let go: they are computed again when you look at them" if gone else ""))

    # Changing

    def set_(self, rest: str) -> None:
        """set [NAME] = EXPRESSION

        Let a value be another one (of where we stand, or of an operation, feed, variable or parameter), and run again what
        depends on it. The expression may use value (what it was) and np.
        """
        parts = _ASSIGNMENT.match(rest)
        if parts is None:
            raise StepError("set is: set NAME = EXPRESSION")
        name = parts["name"].strip()
        target = self._stepper.find(name)[0]
        made = self._stepper.change(name, parts["value"])
        label = target if isinstance(target, str) else target.name
        times = "1 operation has" if made.ran == 1 else f"{made.ran} operations have"
        self._say(f"{plain(label)} is changed: {times} run again, {made.kept} kept what they gave")
        for note in made.notes:
            self._say(plain(note), "yellow")

    # The rest

    def help_(self, rest: str) -> None:
        """help [COMMAND]

        The commands, or more about one.
        """
        command = self._named(rest) if rest else None
        if rest and command is None:
            raise StepError(f"there is no command {rest}; help lists them")
        shorts = {name: short for short, name in _SHORT.items()}
        table = Table.grid(padding=(0, 2))
        for name in [command] if command is not None else self._commands:
            usage, _, text = (self._commands[name].__doc__ or "").partition("\n")
            text = " ".join(text.split())
            table.add_row(Text(shorts.get(name, "")), Text(usage), Text(text if command else _sentence(text)))
        self._console.print(table)

    def quit_(self, rest: str) -> None:
        """quit

        End the program where it is.
        """
        self.going = False

    def _here(self) -> Moment:
        if self._stepper.here is None:
            raise StepError("nothing has run yet: step runs the first operation")
        return self._stepper.here

    def _place(self, moment: Moment) -> str:
        total = len(self._stepper.moments)
        if self._stepper.front:
            return f"operation {moment.number}" + (", the last: the program has ended" if self._stepper.done else "")
        return f"operation {moment.number} of the {total} that have run"

    def _stopped(self, stop: Stop) -> None:
        if isinstance(stop.reason, Breakpoint):
            self._say(f"break {stop.reason.number}: {plain(str(stop.reason))}")
        if stop.reason == "error":
            error = self._stepper.error
            self._say(plain(f"the program failed: {type(error).__name__}: {error}", lines=True), "red")
        elif stop.reason == "end":
            self._say("the program has ended")
        elif stop.moment is None:
            self._say("before the first operation")
        else:
            self._console.print(brief(stop.moment, "> ", details=True), soft_wrap=True)

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style), soft_wrap=True)


_SHORT = {
    "s": "step",
    "n": "next",
    "c": "continue",
    "b": "back",
    "p": "print",
    "w": "where",
    "l": "list",
    "h": "help",
    "q": "quit",
}


def _sentence(text: str) -> str:
    """The first sentence, without its full stop and what stands in brackets."""
    return re.sub(r" \([^()]*\)", "", text).partition(". ")[0].rstrip(".")


def _count(text: str, usual: int = 1) -> int:
    if not text:
        return usual
    if not text.isdecimal() or not int(text):
        raise StepError(f"a count is a number from 1, not {text!r}")
    return int(text)


def interact(stepper: Stepper, lines: Iterable[str] | None = None, console: Console | None = None) -> int:
    """Carry out commands until quit or their end, and end the program: 0, or 1 where it has failed.

    Args:
        stepper: what is stepped.
        lines: the commands; by default they are asked for at a prompt, or read where the standard input is no terminal.
        console: what is printed to.
    """
    console = console or Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    commands = Commands(stepper, console)
    try:
        for line in _asked(console) if lines is None and sys.stdin.isatty() else _read(console, lines or sys.stdin):
            commands.do(line)
            if not commands.going:
                break
    finally:
        stepper.quit()
    return 1 if stepper.error is not None else 0


def _asked(console: Console) -> Iterator[str]:
    """Lines from a person."""
    console.print(Text("help lists the commands; an empty line does the last step again", "dim"))
    while True:
        try:
            yield console.input(Text(PROMPT, "bold cyan"))
        except EOFError:
            console.print()
            return
        except KeyboardInterrupt:
            console.print()


def _read(console: Console, lines: Iterable[str]) -> Iterator[str]:
    """Lines from a file, which are printed as if somebody had typed them."""
    for line in lines:
        text = line.rstrip("\n")
        if text.strip():
            console.print(Text(f"{PROMPT}{plain(text)}", "bold cyan"), soft_wrap=True)
            yield text
