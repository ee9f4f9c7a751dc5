"""A plugin of pytest that plants faults: once everything is imported and collected, each in a forked process of its own.

What a function does is its ``__code__``, so a fault is planted by putting another there: nothing is imported again, whoever
holds the function has the fault, and the process ends with it. ``mutmut`` puts functions of its own around those it changes,
which the lines that our errors name and the signatures that ops are read from do not survive; ``cosmic-ray`` imports
everything anew for each fault, oracles included.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

import coverage
import pytest
from hypothesis import Phase, settings

from tests.discipline.mutants import Mutant, mutants, planted
from tests.discipline.subjects import ROOT, SUBJECTS, UNSEEN, files


Key = tuple[str, str, int]
KILLED, ALIVE = 1, 0
MOST = 60
"""Seconds of work for a fault."""

IMPORTED = [f"tests/{name}.py" for name in ("graphs/test_core", "graphs/test_values", "static/test_calling")]
"""What is tried where a fault is in what runs when modules are imported."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutants", type=int, default=500, metavar="N", help="how many faults are planted")
    parser.addoption("--mutants-seed", type=int, default=0, metavar="N", help="which: a sample by this seed")
    parser.addoption("--mutants-out", type=Path, default=Path("out/mutants.jsonl"), help="where each result is added")
    parser.addoption("--mutants-part", default="0/1", metavar="K/N", help="each N-th of them from the K-th on")
    parser.addoption("--mutants-budget", type=float, default=30.0, metavar="SECONDS", help="of tests for each fault")


def pytest_configure(config: pytest.Config) -> None:
    settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None)
    settings.load_profile("mutants")  # a fault is found, not described


class Covered:
    """What a run without faults shows: how long each test takes, and on which lines of the subjects it comes by."""

    def __init__(
        self, seconds: dict[str, float], lines: dict[str, dict[int, list[str]]], before: dict[str, list[int]] | None = None
    ) -> None:
        self.seconds = seconds
        self.lines = lines
        self.before = before or {}

    def imported(self, mutant: Mutant) -> bool:
        """Whether modules that are imported come by a fault."""
        return not set(range(mutant.first, mutant.line + 1)).isdisjoint(self.before.get(mutant.path, ()))

    def tests(self, mutant: Mutant, budget: float) -> list[str]:
        """The tests that come by a fault, as many as take ``budget`` seconds: the quickest of each function first."""
        here = self.lines[mutant.path]
        found = {name for line in range(mutant.first, mutant.line + 1) for name in here.get(line, ())}
        if not found:
            found = {name for name in self.seconds if name.startswith(UNSEEN)}
        before: Counter[str] = Counter()
        turns = []
        for name in sorted(found, key=lambda name: (self.seconds[name], name)):
            function = name.partition("[")[0]
            turns.append((before[function], self.seconds[name], name))
            before[function] += 1
        chosen, total = [], 0.0
        for _, seconds, name in sorted(turns):
            total += seconds
            if chosen and total > budget:
                break
            chosen.append(name)
        return chosen


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """In place of running the tests: run those that come by each fault, with the fault."""
    config = session.config
    paths = sorted({path for name in SUBJECTS for path in files(name)})
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in paths}
    every = [mutant for path, source in sources.items() for mutant in mutants(path, source)]
    asked = random.Random(config.getoption("--mutants-seed")).sample(every, min(config.getoption("--mutants"), len(every)))
    out: Path = config.getoption("--mutants-out")
    out.parent.mkdir(parents=True, exist_ok=True)
    done = {json.loads(line)["mutant"] for line in out.read_text().splitlines()} if out.exists() else set()
    for path in sources:  # what is imported when it is asked for cannot be changed before
        importlib.import_module(path.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))
    functions = _functions()
    covered = _covered(session, out.with_suffix(".covered.json"), list(sources))
    items = {item.nodeid: item for item in session.items}
    part, of = map(int, config.getoption("--mutants-part").split("/"))
    for mutant in asked[part::of]:
        if str(mutant) in done:
            continue
        tests = covered.tests(mutant, config.getoption("--mutants-budget"))
        began = time.perf_counter()
        how = "no test" if not tests else _tried(mutant, sources[mutant.path], functions, [items[name] for name in tests])
        if not how.startswith("killed") and covered.imported(mutant):
            how = _imported(mutant)
        record = {"mutant": str(mutant), "how": how, "tests": len(tests), "seconds": round(time.perf_counter() - began, 2)}
        with out.open("a") as file:
            file.write(json.dumps(record) + "\n")
    return True


def _functions() -> dict[Key, list[FunctionType]]:
    """The functions there are, by file, name and first line."""
    found: dict[Key, list[FunctionType]] = {}
    gc.unfreeze()
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__code__.co_filename.startswith(str(ROOT)):
            found.setdefault(_key(each.__code__), []).append(each)
    return found


def _key(code: CodeType) -> Key:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _codes(code: CodeType) -> Iterator[CodeType]:
    waiting = [code]
    while waiting:
        each = waiting.pop()
        yield each
        waiting.extend(const for const in each.co_consts if isinstance(const, CodeType))


def _plant(mutant: Mutant, source: str, functions: dict[Key, list[FunctionType]]) -> bool:
    """Whether the fault is there now. A module that the tests load later is changed by nobody, so it is not."""
    whole = compile(planted(source, mutant.number), str(ROOT / mutant.path), "exec", dont_inherit=True)
    changed = False
    for code in _codes(whole):
        for function in functions.get(_key(code), ()):
            if function.__code__ != code and function.__code__.co_freevars == code.co_freevars:
                function.__code__ = code
                changed = True
    return changed


def _tried(mutant: Mutant, source: str, functions: dict[Key, list[FunctionType]], items: list[pytest.Item]) -> str:
    """What becomes of a fault: killed by a test, by a signal or by its time, alive, or nowhere to be planted."""
    child = os.fork()
    if not child:
        try:
            _quiet(items[0].config)
            signal.setitimer(signal.ITIMER_VIRTUAL, MOST)  # who goes round for ever is found, too
            signal.alarm(3 * MOST)  # and who waits for ever
            os._exit(_run(items) if _plant(mutant, source, functions) else 2)
        except BaseException:  # what a test cannot be run for is found, too
            os._exit(KILLED)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "killed by " + signal.Signals(os.WTERMSIG(status)).name
    return {ALIVE: "alive", KILLED: "killed", 2: "not planted"}[os.WEXITSTATUS(status)]


def _imported(mutant: Mutant) -> str:
    """What becomes of a fault in what runs when modules are imported: there is a process for it."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n0",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "tests.discipline.importing",
    ]
    fault = {"DIPTYCH_FAULT": f"{mutant.path} {mutant.number}"}
    try:
        made = subprocess.run(
            [*command, *IMPORTED], cwd=ROOT, env=os.environ | fault, capture_output=True, check=False, timeout=3 * MOST
        )
    except subprocess.TimeoutExpired:
        return "killed by time"
    return "killed" if made.returncode else "alive"


def _lines_of_imports(paths: list[str]) -> dict[str, list[int]]:
    """The lines of functions that run when everything is imported."""
    text = (
        "import coverage, json, sys\n"
        "measuring = coverage.Coverage(data_file=None, include=sys.argv[1:], config_file=False)\n"
        "measuring.start()\n"
        "import static, dynamic, graphs.draw.protocol\n"
        "measuring.stop()\n"
        "data = measuring.get_data()\n"
        "print(json.dumps([data.lines(path) for path in sys.argv[1:]]))\n"
    )
    command = [sys.executable, "-c", text, *(str(ROOT / path) for path in paths)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(zip(paths, (found or [] for found in json.loads(made.stdout)), strict=True))


def _quiet(config: pytest.Config) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    config.pluginmanager.unregister(reporter)

    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)


def _run(items: list[pytest.Item]) -> int:
    watcher = Watcher()
    items[0].config.pluginmanager.register(watcher)
    for item, after in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
    return ALIVE


class Watcher:
    """Ends the process with the first test that fails."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os._exit(KILLED)


class Clock:
    """Says to coverage which test runs, and how long each took."""

    def __init__(self, measuring: coverage.Coverage) -> None:
        self.measuring = measuring
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.measuring.switch_context(item.nodeid)
        began = time.process_time()
        result = yield
        self.seconds[item.nodeid] = time.process_time() - began
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def _covered(session: pytest.Session, kept: Path, paths: list[str]) -> Covered:
    """What each test covers: found by a run in a process of its own, and kept in a file."""
    if not kept.exists():
        child = os.fork()
        if not child:
            _quiet(session.config)
            os._exit(_measure(session, kept, paths))
        _, status = os.waitpid(child, 0)
        if status:
            pytest.exit("the tests fail without any fault: " + kept.with_suffix(".failed").read_text(), 1)
    found = json.loads(kept.read_text())
    lines = {path: {int(line): tests for line, tests in each.items()} for path, each in found["lines"].items()}
    return Covered(found["seconds"], lines, found["before"])


def _measure(session: pytest.Session, kept: Path, paths: list[str]) -> int:
    measuring = coverage.Coverage(data_file=None, include=[str(ROOT / path) for path in paths], config_file=False)
    clock = Clock(measuring)
    measuring.start()
    session.config.pluginmanager.register(clock)
    for item, after in zip(session.items, [*session.items[1:], None], strict=True):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
    measuring.stop()
    if clock.failed:
        kept.with_suffix(".failed").write_text("\n".join(clock.failed))
        return 1
    data = measuring.get_data()
    lines = {}
    for path in paths:
        found = data.contexts_by_lineno(str(ROOT / path))
        lines[path] = {line: [name for name in tests if name in clock.seconds] for line, tests in found.items()}
    kept.write_text(json.dumps({"seconds": clock.seconds, "lines": lines, "before": _lines_of_imports(paths)}))
    return 0
