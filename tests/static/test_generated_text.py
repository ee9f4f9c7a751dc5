"""What a program calls its things is nothing to the code that is generated for it, which reaches nothing else."""

from __future__ import annotations

import ast
import linecache
import re
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy
import pytest

import static as tf
from graphs.core.op import Op
from static.tensor import apply
from tests.hostile import fours, legal


GIVEN = numpy.asarray([0.5, -1.0, 2.0, 3.0], "float32")

STATEMENTS = (
    ast.Module,
    ast.FunctionDef,
    ast.Assign,
    ast.Expr,
    ast.Delete,
    ast.Return,
    ast.For,
    ast.While,
    ast.If,
    ast.Break,
)
EXPRESSIONS = (ast.Call, ast.keyword, ast.Name, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Subscript, ast.IfExp)
ARITHMETIC = (ast.UnaryOp, ast.USub, ast.Not, ast.BinOp, ast.Add, ast.Sub, ast.AugAssign, ast.Compare, ast.NotEq, ast.Gt)
CONTEXTS = (ast.Break, ast.Load, ast.Store, ast.Del, ast.arguments, ast.arg)
ALLOWED = (*STATEMENTS, *EXPRESSIONS, *ARITHMETIC, *CONTEXTS, ast.Attribute)
"""What generated Python consists of."""

SETTINGS = {"body", "label", "states", "branches", "emits", "separator", "call", "message"}
"""What the kernels of ``Program`` are told by name."""

METHODS = {"append", "add", "total", "get", "memory", "arrays", "empty"}

WORDS = {
    *("run", "state", "feeds", "draw", "arena", "own", "xp", "copy", "scalar", "unranked", "array", "dense", "ordered"),
    *("laid", "empty", "kernel", "length", "n", "t", "int", "len", "range", "rounds", "count", "fresh", "stacked", "boxes"),
    *("Sum", "finish", "pending"),
}

COUNTER = re.compile(r"[a-z]\d+_?(_[cg]pu\d*)?|c_\d+|part\d+|[ku]_\w+|cpu_to_gpu\d|gpu\d_to_cpu", re.ASCII)
"""Registers, settings, native functions; and the names of kernels and ufuncs."""


class Seen:
    """What the kernel of a user's op saw of the code that called it, last."""

    def __init__(self) -> None:
        self.scopes: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    def __call__(self, xp: Any, x: Any) -> Any:
        frame = sys._getframe(1)
        self.scopes.append((frame.f_code.co_filename, frame.f_builtins, frame.f_globals))
        return x + 1


def named(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    function.__name__ = name
    return function


class Program:
    """A graph in which everything that can have a name has one of ``given``, and the texts of its code."""

    def __init__(self, given: tuple[str, str, str, str], where: str = "") -> None:
        node, of_op, of_function, text = given
        self.seen = Seen()
        mine = Op(self.seen, name=of_op or " ", shape=lambda x: x.dims, dtype=lambda dtype: dtype)
        graph = tf.Graph()
        with graph.as_default(), graph.device(where), tf.name_scope(legal(node)):
            x = tf.placeholder(tf.float32, (4,), name=legal(node))
            w = tf.Variable(GIVEN, name=legal(text))
            y = apply(mine, tf.identity(x * w + 1.5, name=legal(of_function)), name=legal(of_op))
            inside = named(of_function, lambda i, v: (i + 1, tf.multiply(apply(mine, v, name="m"), 0.5, name=legal(text))))
            (_, looped) = tf.while_loop(lambda i, _: i < 3, inside, [0, y], name=legal(of_function))
            chosen = tf.cond(tf.reduce_sum(looped) > 0.0, lambda: apply(mine, looped, name="m"), lambda: looped)
            chosen = tf.check_numerics(chosen, f"{text}'")
            data = text.encode("utf-8", "surrogatepass")
            joined = tf.string_join([tf.constant(data), tf.constant(b"b")], separator=data)
            called = tf.py_func(named(text, lambda v: v), [chosen], tf.float32, name=legal(of_op))
            changed = w.assign_sub(chosen * 0.1)
        before = set(linecache.cache)
        session = tf.Session(graph=graph, config=tf.ConfigProto(allow_soft_placement=True))
        w.load(GIVEN, session)
        fetches, feeds = [chosen, called, changed, joined], {x: GIVEN}
        self.results = session.run(fetches, feeds)
        assert self.results.pop() == data + data + b"b"
        plan = session.plan(fetches, feeds)
        self.plans = [plan.source]
        if not where:
            assert plan.compile()
            self.plans.append(plan.source)
        self.native = plan.native
        new = [name for name in linecache.cache if name not in before and name.startswith(("<loop ", "<branch "))]
        self.bodies = ["".join(linecache.cache[name][2]) for name in new]


def canonical(tree: ast.AST) -> str:
    """The code with serials and the kernels' names by the order in which they come."""
    count: dict[str, str] = {}

    def counted(found: re.Match[str]) -> str:
        return count.setdefault(found[0], f"{found[0][0]}_{len(count)}_")

    return re.sub(r"\bk_\w+\b|\b[nsw]\d+\b", counted, ast.unparse(tree))


def checked(text: str) -> str:
    """``text`` as ``canonical`` has it, once it consists of what is allowed and nothing else."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        assert isinstance(node, ALLOWED), ast.dump(node)
        words = [node.id] if isinstance(node, ast.Name) else [node.arg] if isinstance(node, ast.arg) else []
        words += [node.name] if isinstance(node, ast.FunctionDef) else []
        assert all(word in WORDS or COUNTER.fullmatch(word) for word in words), words
        words = [node.arg] if isinstance(node, ast.keyword) else []
        assert all(word in SETTINGS for word in words), words
        if isinstance(node, ast.Attribute):
            assert node.attr in METHODS
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, (bool, int, float, type(None))) or re.fullmatch(r"[\w+]+", node.value, re.ASCII)
    assert len(text.splitlines()) == text.count("\n")
    return canonical(tree)


@pytest.fixture(scope="module")
def usual() -> Program:
    return Program(("node", "n", "body", "text"))


def agreed(usual: Program, program: Program) -> None:
    """The texts of two programs are the same but for what is counted, and so are the results."""
    for kind in ("plans", "bodies"):
        assert [*map(checked, getattr(program, kind))] == [*map(checked, getattr(usual, kind))]
    assert program.native == usual.native
    for found, expected in zip(program.results, usual.results, strict=True):
        assert found.tobytes() == expected.tobytes()


def test_names_are_nothing_to_the_code_of_plans_loops_and_branches(usual: Program, pytestconfig: pytest.Config) -> None:
    """Four names an example: of nodes and scopes, of an op, of a function, and of strings that are computed with."""
    assert (len(usual.plans), len(usual.bodies)) == (2, 2)
    for given in fours(10_000 if pytestconfig.getoption("--long") else 300):
        agreed(usual, Program(given))


def test_names_are_nothing_to_the_code_of_a_run_on_a_gpu(gpu: Any, pytestconfig: pytest.Config) -> None:
    usual = Program(("node", "n", "body", "text"), "/gpu:0")
    assert "def part0(" in usual.plans[0]
    for given in fours(1_000 if pytestconfig.getoption("--long") else 8):
        agreed(usual, Program(given, "/gpu:0"))


def test_generated_code_reaches_no_builtins(usual: Program) -> None:
    """The op's kernel looks at who calls it: plans, loops and branches, each with what it was given and no more."""
    kinds = {filename.split(" ")[0] for filename, _, _ in usual.seen.scopes}
    assert kinds == {"<plan", "<loop", "<branch"}
    for _, builtins, scope in usual.seen.scopes:
        assert builtins == {}
        assert scope["__builtins__"] == {}
        assert not {"eval", "exec", "open", "getattr", "__import__", "compile"} & scope.keys()


def test_an_op_is_called_by_nothing_but_its_name_in_the_code() -> None:
    """Ops whose names are those of what the code itself uses, or of other ops with a number, are still themselves."""
    x = tf.placeholder(tf.float32, (4,))
    y = x
    for add, name in enumerate(["run", "xp", "multiply_2", "multiply", "multiply", "multiply_1", "fused_into", "copy"]):
        mine = Op(partial(_plus, add), name=name, shape=lambda x: x.dims, dtype=lambda dtype: dtype)
        y = apply(mine, y, name="step")
    wanted = GIVEN
    for add in range(8):
        wanted = _plus(add, numpy, wanted)
    assert tf.Session().run(y, {x: GIVEN}).tobytes() == wanted.tobytes()


def _plus(add: int, xp: Any, x: Any) -> Any:
    return x + 10.0**-add
