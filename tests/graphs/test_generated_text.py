"""Kernels' text: Python, LLVM and CUDA C++ of a body are the same whatever it and what is in it are called."""

from __future__ import annotations

import ast
import re
import sys
from typing import Any

import numpy
import pytest

import graphs.ops  # noqa: F401  (it fills the registry)
from graphs.codegen import compiled
from graphs.codegen.launch import DeviceKernel
from graphs.core.function import Function
from graphs.core.node import Node, Value, new_parameter
from graphs.core.op import OPS, Op
from graphs.core.quoting import identifier, plain, remark
from graphs.core.spec import Spec
from tests.hostile import sample


SPEC = Spec((4,), "float32")
GIVEN = numpy.asarray([0.5, -1.0, 2.0, 3.0], "float32")

ALLOWED = (
    *(ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Assign, ast.Expr, ast.If, ast.For, ast.Return),
    *(ast.Call, ast.Attribute, ast.Name, ast.Constant, ast.Tuple, ast.Subscript, ast.Slice, ast.NamedExpr),
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.Is, ast.IsNot, ast.Eq, ast.LtE),
    *(ast.Gt, ast.BinOp, ast.Add, ast.Sub, ast.Load, ast.Store, ast.keyword),
)
"""What the Python of a kernel consists of."""

WORDS = {
    *("kernel", "inputs", "outs", "whole", "array", "shape", "scalar", "size", "empty", "results", "natively"),
    *("range", "start", "stop", "xp", "fixed", "copy"),
}
ATTRIBUTES = {"__class__", "dtype", "shape", "ndim", "size", "reshape", "flags", "c_contiguous", "copy"}


def body(name: str, traits: str = "elementwise") -> Function:
    """A function called ``name`` of values, nodes and an op that are called so, too."""
    mine = Op(lambda xp, x: x + 1, name=name or " ", shape=lambda x: x.dims, dtype=lambda dtype: dtype, traits={traits})
    x, y = new_parameter(SPEC, name), new_parameter(SPEC, f"{name}/y")
    product = Node(OPS["multiply"], (x, y), {}, (SPEC,), name, value=Value).outputs[0]
    more = Node(mine, (product,), {}, (SPEC,), name, value=Value).outputs[0]
    return Function((x, y), [more - 2.5, product], name)


def kernel(name: str) -> str:
    made: Any = compiled(body(name))
    found, product = made([GIVEN, GIVEN])
    assert found.tobytes() == (GIVEN * GIVEN + 1 - 2.5).tobytes()
    assert product.tobytes() == (GIVEN * GIVEN).tobytes()
    return str(made.source)


def test_names_are_nothing_to_the_text_of_kernels(pytestconfig: pytest.Config) -> None:
    usual = kernel("body")
    tree = ast.parse(usual)
    for node in ast.walk(tree):
        assert isinstance(node, ALLOWED), ast.dump(node)
        if isinstance(node, (ast.Name, ast.arg)):
            word = node.id if isinstance(node, ast.Name) else node.arg
            assert word in WORDS or re.fullmatch(r"f?[a-z]\d+", word), word
        if isinstance(node, ast.Attribute):
            assert node.attr in ATTRIBUTES, node.attr
        if isinstance(node, ast.Constant):
            assert type(node.value) in (int, type(None))

    for name in sample(10_000 if pytestconfig.getoption("--long") else 300):
        assert kernel(name) == usual, name


def test_kernels_reach_no_builtins() -> None:
    scopes = []

    def look(xp: Any, x: Any) -> Any:
        frame = sys._getframe(1)
        scopes.append((frame.f_code.co_filename, frame.f_builtins))
        return x + 1

    mine = Op(look, name="look", shape=lambda x: x.dims, dtype=lambda dtype: dtype, traits={"elementwise"})
    x = new_parameter(SPEC, "x")
    made: Any = compiled(Function((x,), [Node(mine, (x,), {}, (SPEC,), "y", value=Value).outputs[0] * 2.0], "a\nb"))
    assert made([GIVEN])[0].tobytes() == ((GIVEN + 1) * 2).tobytes()
    assert scopes[-1] == ("<kernel a\\nb>", {})


def test_names_are_nothing_to_cuda_text(cp: Any, pytestconfig: pytest.Config) -> None:
    def texts(name: str) -> list[str]:
        x, y = new_parameter(SPEC, name), new_parameter(SPEC, f"{name}/y")
        product = Node(OPS["multiply"], (x, y), {}, (SPEC,), name, value=Value).outputs[0]
        made = DeviceKernel(cp, Function((x, y), [product - 2.5], name))
        (out,) = made([cp.asarray(GIVEN), cp.asarray(GIVEN)])
        assert cp.asnumpy(out).tobytes() == (GIVEN * GIVEN - 2.5).tobytes()
        return list(made.texts.values())

    usual = texts("body")
    assert 'extern "C" __global__ void kernel(' in usual[0]

    for name in sample(10_000 if pytestconfig.getoption("--long") else 50):
        assert texts(name) == usual, name


def test_what_may_stand_in_a_text(pytestconfig: pytest.Config) -> None:
    """A remark is one line, an identifier is one, and what is plain comes back from its text as it was."""

    for name in sample(10_000 if pytestconfig.getoption("--long") else 300):
        shown = remark(name)
        assert shown.isprintable()
        assert ast.parse(f"x = 1  # {shown}\n").body[1:] == []
        made = identifier("k", name)
        assert made.isascii()
        assert isinstance(ast.parse(made, mode="eval").body, ast.Name)
        if plain(name):
            assert not set(name) & set("'\"\\\n\r#{}()[];`$%@")
            assert ast.literal_eval(repr(name)) == name

    for value in (None, True, -3, 2.5, 1e300, "SAME", ""):
        assert plain(value)
        assert repr(ast.literal_eval(repr(value))) == repr(value)
    for value in (float("nan"), -float("inf"), 1 << 70, 10**5000, b"x", 1j, "a'", "\n", numpy.float32(1), "x" * 1000, ()):
        assert not plain(value)
