"""What a program must answer to be compared, and how a file that defines the same program in several modes is loaded.

Such a file has ``setup(dtype)``, which returns a ``Setup``, and for each front-end a function ``<mode>_program(setup)``,
which builds the model with that front-end's own interface and returns its ``Program`` (``static.adapter.StaticProgram``,
``dynamic.adapter.DynamicProgram``).
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from numpy import ndarray

from graphs.compare.calls import Listener
from graphs.core.errors import GraphsError


GROUP = "diptych.frontends"
"""The entry points through which front-ends make their adapters known."""

CHECKOUT = {"static": "static.adapter", "dynamic": "dynamic.adapter"}
"""The adapters in a source tree that is not installed, and so has no entry points."""

Batch = Mapping[str, ndarray]


class ProgramError(GraphsError):
    """A file that cannot be compared, or a failure inside it; the message is one line."""


@dataclass
class Setup:
    """What both forms of a program begin with.

    Attributes:
        initial: the parameters' initial values by name.
        batches: what each step is fed, without end.
        dtype: of all of it, ``"float32"`` or ``"float64"``.
    """

    initial: Mapping[str, ndarray]
    batches: Iterable[Batch]
    dtype: str


class State(NamedTuple):
    """What a program shows after an update: copies, by names that its two forms share."""

    losses: Mapping[str, ndarray]
    gradients: Mapping[str, ndarray]
    slots: Mapping[str, ndarray]
    parameters: Mapping[str, ndarray]

    def items(self) -> Iterator[tuple[str, ndarray]]:
        """All of it, ``("gradient of w1", array)`` and so on, in the order in which a step computes it."""
        for kind, arrays in zip(("loss", "gradient of", "slot", "parameter"), self, strict=True):
            for name, array in arrays.items():
                yield f"{kind} {name}", array


class Program(Protocol):
    """A program in one mode, built and ready to train."""

    def step(self, batch: Batch) -> None:
        """One training step, as a user would run it: this is what is timed."""

    def states(self, batch: Batch) -> list[State]:
        """One training step, and the state after each of its updates."""

    def watch(self, batch: Batch, log: Listener) -> list[State]:
        """The same node by node, ``log`` being told of every call of a kernel."""

    def nodes(self, batch: Batch) -> int:
        """How many nodes a step has: of the graph that is run, or of the tape that is recorded."""

    def roots(self, batch: Batch) -> list[Any]:
        """The ends of the graph of a step, to draw it from; those of a tape still have what was saved."""


class Twins(NamedTuple):
    """A file's program in every mode."""

    path: Path
    setup: Callable[[str], Setup]
    builders: Mapping[str, Callable[[Setup], Program]]

    def build(self, mode: str, setup: Setup) -> Program:
        """The program in ``mode``, built afresh. Raises ProgramError where the file's code fails or gives none."""
        program = self.run(self.builders[mode], setup)
        if not all(hasattr(program, part) for part in ("step", "states", "watch", "nodes", "roots")):
            raise ProgramError(f"{self.path}: {mode}_program() gave {type(program).__name__}, not a Program")
        return program

    def begin(self, dtype: str) -> Setup:
        """Fresh initial values and batches. Raises ProgramError where the file's code fails or gives none."""
        setup = self.run(self.setup, dtype)
        if not isinstance(setup, Setup):
            raise ProgramError(f"{self.path}: setup() gave {type(setup).__name__}, not a Setup")
        return setup

    def batches(self, dtype: str, count: int) -> list[Batch]:
        """The first ``count`` batches. Raises ProgramError where there are fewer."""
        found = self.run(lambda: list(itertools.islice(self.begin(dtype).batches, count)))
        if len(found) < count:
            raise ProgramError(f"{self.path}: setup() gave {len(found)} batches, and {count} are needed")
        return found

    def run(self, part: Callable[..., Any], *args: Any) -> Any:
        """What ``part(*args)`` gives. Raises ProgramError where the file's code fails in it."""
        with blaming(self.path):
            return part(*args)


def adapters() -> dict[str, ModuleType]:
    """The front-ends' adapters by mode, found through entry points."""
    names = {point.name: point.value for point in entry_points(group=GROUP)} or CHECKOUT
    return {mode: import_module(name) for mode, name in sorted(names.items(), reverse=True)}


def load(path: Path) -> Twins:
    """The programs that a Python file defines. Raises ProgramError saying what is missing."""
    if not path.is_file():
        raise ProgramError(f"{path}: there is no such file")
    module = _execute(path)
    modes = list(adapters())
    wanted = ["setup", *(f"{mode}_program" for mode in modes)]
    missing = [name for name in wanted if not callable(getattr(module, name, None))]
    if missing:
        raise ProgramError(f"{path}: defines no {' and no '.join(f'{name}()' for name in missing)}")
    return Twins(path, module.setup, {mode: getattr(module, f"{mode}_program") for mode in modes})


def _execute(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"diptych program {path.stem}", path)
    if spec is None or spec.loader is None:
        raise ProgramError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        with blaming(path):
            spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


@contextmanager
def blaming(path: Path) -> Iterator[None]:
    """Turn whatever fails inside into a ProgramError of one line, naming the line of ``path`` that led there."""
    try:
        yield
    except ProgramError:
        raise
    except SyntaxError as error:
        raise ProgramError(f"{error.filename or path}:{error.lineno}: {type(error).__name__}: {error.msg}") from error
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
        place = f"{path}:{frames[-1].lineno}" if frames else str(path)
        message = next(iter(str(error).splitlines()), "")
        raise ProgramError(f"{place}: {type(error).__name__}: {message}") from error
