"""Run somebody's script with the modules that it imports standing for others: ``import tensorflow`` for a front-end, say.

Each front-end's adapter says in ``ALIASES`` which modules it stands in for. The script gets the front-end's own module
objects under the other names, and never the real package, even where that is installed.
"""

from __future__ import annotations

import json
import linecache
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType, TracebackType

from graphs.core.errors import GraphsError, own


_RUNNING = "DIPTYCH_EXEC"
"""The environment variable that tells processes which a script spawns what the script is, and which modules stand in."""


class ScriptError(GraphsError):
    """A script that cannot be run at all; the message is one line."""


class _Aliases(MetaPathFinder, Loader):
    """Finds our modules under other names; submodules follow from the longest prefix that is named."""

    def __init__(self, aliases: Mapping[str, str]) -> None:
        self._aliases = aliases

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname.partition(".")[0] in self._aliases else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        prefix, rest = name, ""
        while prefix not in self._aliases:
            prefix, _, last = prefix.rpartition(".")
            rest = f".{last}{rest}"
        ours = self._aliases[prefix] + rest
        try:
            # The import system takes what stands here once this method is done; the empty module is dropped.
            sys.modules[name] = import_module(ours)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{ours}.".startswith(f"{error.name}."):
                raise
            raise ModuleNotFoundError(f"no module {name}: Diptych's {ours.partition('.')[0]} has none", name=name) from None


@contextmanager
def aliased(aliases: Mapping[str, str]) -> Iterator[None]:
    """Let imports inside mean other modules: ``{"tensorflow": "static"}``, submodules included."""
    roots = {name.partition(".")[0] for name in aliases}
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in roots}
    finder = _Aliases(aliases)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] in roots]:
            del sys.modules[name]
        sys.modules.update(hidden)


def execute(script: Path, args: Sequence[str], aliases: Mapping[str, str]) -> int:
    """Run ``script`` as Python's own command would, with ``aliases`` in force, and return the exit status.

    What the script raises is printed with its own frames, as usual. Raises ScriptError where there is nothing to run.
    """
    code = _compile(script)
    module = ModuleType("__main__")
    module.__dict__.update(__file__=str(script), __builtins__=__builtins__, __cached__=None)
    module.__spec__ = ModuleSpec(
        __name__, None
    )  # what a process that the script spawns runs first: this module, see its end
    os.environ[_RUNNING] = json.dumps({"script": str(script.resolve()), "aliases": dict(aliases)})
    before = sys.argv, sys.path[:], sys.modules.get("__main__")
    sys.argv = [str(script), *args]
    sys.path.insert(0, str(script.resolve().parent))
    sys.modules["__main__"] = module
    try:
        with aliased(aliases):
            return _run(code, module)
    finally:
        sys.argv, sys.path[:] = before[0], before[1]
        del os.environ[_RUNNING]
        if before[2] is not None:
            sys.modules["__main__"] = before[2]


def _compile(script: Path) -> CodeType:
    try:
        return compile(script.read_bytes(), str(script), "exec", dont_inherit=True)
    except OSError as error:
        raise ScriptError(f"{script}: {os.strerror(error.errno) if error.errno else error}") from None
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise ScriptError(f"{script}{line}: {type(error).__name__}: {getattr(error, 'msg', error)}") from None


def _run(code: CodeType, module: ModuleType) -> int:
    try:
        exec(code, module.__dict__)  # the user's own program, which is what this command is for
    except SystemExit as leave:
        if leave.code is None or isinstance(leave.code, int):
            return leave.code or 0
        print(leave.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BaseException as error:
        linecache.checkcache()
        # What an error in our words was raised from happened in our own frames.
        traceback.print_exception(type(error), error, _theirs(error, code), chain=not isinstance(error, GraphsError))
        return 1
    return 0


def _theirs(error: BaseException, code: CodeType) -> TracebackType | None:
    """The traceback from the script's first frame on; an error in our words ends at the user's line."""
    frames: list[TracebackType] = []
    trace = error.__traceback__
    while trace is not None:
        if frames or trace.tb_frame.f_code is code:
            frames.append(trace)
        trace = trace.tb_next
    if isinstance(error, GraphsError):
        while frames and own(frames[-1].tb_frame.f_code.co_filename):
            frames.pop()
    kept: TracebackType | None = None
    for each in reversed(frames):
        kept = TracebackType(kept, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return kept


def run_again(namespace: dict[str, object]) -> None:
    """In a process that a script has spawned: run the script as a module that is not ``__main__``, the aliases in force."""
    running = json.loads(os.environ[_RUNNING])
    sys.meta_path.insert(0, _Aliases(running["aliases"]))
    for name in [name for name in namespace if not name.startswith("__")]:
        del namespace[name]
    namespace["__file__"] = running["script"]
    exec(_compile(Path(running["script"])), namespace)  # as multiprocessing does with every program


if __name__ == "__mp_main__":
    import_module("graphs.execute").run_again(globals())
