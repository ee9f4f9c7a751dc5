"""Laws that every op in the registry keeps, tried on the cases of the table in ``tests/samples``."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy
import pytest

import dynamic
import graphs.ops  # noqa: F401 - enters the ops in the registry
from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import OPS, Ghost, Op
from graphs.core.spec import Spec
from tests import helpers
from tests.helpers import arrays, close, floats, in_every_dtype, inferred, replaced, run, same
from tests.samples.table import Case


TABLE = helpers.load_samples()
CALLS = helpers.calls()
SPECIALS = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 2.5)
STOPPED = {"stop_gradient", "ctc_occupancy"}
"""Ops whose gradient is not their derivative: it is none, which is what the first is for, or is refused."""


def law(keep: Callable[[Op, Case], Any] = lambda _op, _case: True) -> Any:
    """Try the decorated law on each case for which ``keep`` holds."""
    return helpers.case_by_case((name, case) for name, case in CALLS if keep(OPS[name], case))


def smooth(op: Op, case: Case) -> bool:
    return op.differentiable and not {"random", "complex"} & op.traits and op.name not in STOPPED and bool(floats(case))


@pytest.fixture(autouse=True)
def _quiet() -> Iterable[None]:
    with numpy.errstate(all="ignore"):
        yield


# The registry


def test_every_op_has_samples() -> None:
    assert set(OPS) - {"parameter"} == set(TABLE)


def test_there_are_many_ops() -> None:
    assert len(OPS) >= 120


@pytest.mark.parametrize("name", OPS)
def test_every_op_says_what_it_returns(name: str) -> None:
    first = OPS[name].doc.partition("\n\n")[0]
    assert len(first) > 3
    assert first.endswith((".", ")"))


# Values


@law(lambda op, _: TABLE[op.name].reference is not None)
def test_values_are_the_reference_s(name: str, case: Case) -> None:
    entry = TABLE[name]
    for variant in in_every_dtype(case, entry.kinds):
        wanted = entry.reference(*variant.args, **variant.params)
        single = any(getattr(x, "dtype", None) == numpy.float32 for x in variant.args)
        for y, reference in zip(run(OPS[name], variant), wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
            close(y, reference, rtol=2e-5 if single else 1e-12)


@law()
def test_inferred_specs_are_what_comes_out(name: str, case: Case) -> None:
    for variant in in_every_dtype(case, TABLE[name].kinds):
        for y, spec in zip(run(OPS[name], variant), inferred(OPS[name], variant), strict=True):
            assert spec.admits(numpy.shape(y))
            assert spec.dtype == numpy.asarray(y).dtype


@law(lambda op, case: arrays(case))
def test_inferred_specs_allow_for_what_is_unknown(name: str, case: Case) -> None:
    op, outs = OPS[name], run(OPS[name], case)
    full = {i: Spec.of(case.args[i]) for i in arrays(case)}
    tries = [{i: Spec(None, spec.dtype) for i, spec in full.items()}]
    for i, spec in full.items():
        dims = spec.shape
        tries += [{i: Spec((*dims[:axis], None, *dims[axis + 1 :]), spec.dtype)} for axis in range(len(dims))]
        tries += [{i: Spec(None, spec.dtype)}]
    for specs in tries:
        for y, spec in zip(outs, inferred(op, case, specs), strict=True):
            assert spec.admits(numpy.shape(y))
            assert spec.dtype == numpy.asarray(y).dtype


@law()
def test_no_kernel_changes_its_arguments(name: str, case: Case) -> None:
    before = [numpy.copy(x) for x in case.args]
    guarded = replaced(case, {i: _read_only(case.args[i]) for i in arrays(case)})
    for y in run(OPS[name], guarded):
        shared = [i for i in arrays(case) if numpy.may_share_memory(y, guarded.args[i])]
        assert not shared or (OPS[name].view and shared == [0])
    for x, copy in zip(case.args, before, strict=True):
        same(x, copy)


def _read_only(x: numpy.ndarray) -> numpy.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


@law(lambda op, case: arrays(case))
def test_memory_layout_does_not_matter(name: str, case: Case) -> None:
    wanted = run(OPS[name], case)
    for lay in (_every_other, _reversed, _columns_first):
        laid = replaced(case, {i: lay(case.args[i]) for i in arrays(case)})
        for y, reference in zip(run(OPS[name], laid), wanted, strict=True):
            close(y, reference, rtol=1e-13)


def _every_other(x: numpy.ndarray) -> numpy.ndarray:
    """An equal array with a gap after each element."""
    wide = numpy.zeros((*x.shape, 2), x.dtype)
    wide[..., 0] = x
    return wide[..., 0]


def _columns_first(x: numpy.ndarray) -> numpy.ndarray:
    """An equal array in Fortran's order."""
    return numpy.array(x, order="F")


def _reversed(x: numpy.ndarray) -> numpy.ndarray:
    """An equal array with negative strides."""
    return numpy.asarray(numpy.flip(numpy.asarray(numpy.flip(x)).copy()))


@law(lambda op, case: op.elementwise and arrays(case))
def test_element_wise_ops_take_empty_arrays_and_scalars(name: str, case: Case) -> None:
    op = OPS[name]
    flat = numpy.broadcast_arrays(*case.args)
    for shape, cut in (((0,), slice(0, 0)), ((0, 3, 1), slice(0, 0)), ((), 0)):
        variant = replaced(case, {i: numpy.array(flat[i].reshape(-1)[cut]).reshape(shape) for i in arrays(case)})
        (out,) = run(op, variant)
        (spec,) = inferred(op, variant)
        assert (numpy.shape(out), numpy.asarray(out).dtype) == (shape, spec.dtype)
        if shape == () and "random" not in op.traits:
            close(out, numpy.asarray(run(op, case)[0]).reshape(-1)[0], rtol=1e-13)


@law(lambda op, case: op.elementwise and floats(case) and TABLE[op.name].reference)
def test_nan_and_infinity_pass_as_in_the_reference(name: str, case: Case) -> None:
    positions = floats(case)
    columns = numpy.array(list(itertools.product(SPECIALS, repeat=len(positions)))).T
    others = {i: numpy.resize(case.args[i], columns.shape[1]) for i in arrays(case)}
    variant = replaced(case, {**others, **{i: column.copy() for i, column in zip(positions, columns, strict=True)}})
    close(run(OPS[name], variant)[0], TABLE[name].reference(*variant.args, **variant.params), rtol=1e-12)


@law(lambda op, case: not op.elementwise and floats(case) and TABLE[op.name].reference and case.args[floats(case)[0]].size)
def test_nan_passes_as_in_the_reference(name: str, case: Case) -> None:
    first = floats(case)[0]
    poisoned = case.args[first].copy()
    poisoned.flat[0] = math.nan
    variant = replaced(case, {first: poisoned})
    wanted = TABLE[name].reference(*variant.args, **variant.params)
    for y, reference in zip(run(OPS[name], variant), wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
        close(y, reference, rtol=1e-12)


@law(lambda op, case: op.elementwise and len(arrays(case)) > 1 and bool(floats(case)))
def test_python_numbers_take_the_dtype_beside_them(name: str, case: Case) -> None:
    """In kernels as in what is inferred, and in gradients: numpy's own functions make float64 of a number alone."""
    op, single = OPS[name], helpers.in_dtype(case, numpy.float32)
    for i in floats(case):
        variant = replaced(single, {i: float(case.args[i].flat[0])})
        (out,), (spec,) = run(op, variant), inferred(op, variant)
        assert numpy.asarray(out).dtype == spec.dtype
        wrt = [n for n, j in enumerate(arrays(variant)) if j in floats(case) and op.flows(j)]
        if wrt and smooth(op, case) and spec.dtype == numpy.float32:
            args = [variant.args[j] for j in arrays(variant)]
            for g in helpers.bare_gradients(helpers.function_of(op, variant), args, [numpy.ones_like(out)], wrt):
                assert numpy.asarray(g).dtype == numpy.float32


# The text for the code generator

EXACT = {"sqrt", "minimum", "maximum", "absolute", "where", "floor", "ceil", "trunc", "round", "sign"}
PLAIN = (ast.Expression, ast.BinOp, ast.operator, ast.UnaryOp, ast.USub, ast.Compare, ast.cmpop)
ATOMS = (ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant)


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.elementwise])
def test_texts_are_plain_expressions(name: str) -> None:
    op = OPS[name]
    assert op.text
    for node in ast.walk(ast.parse(op.text, mode="eval")):
        assert isinstance(node, PLAIN + ATOMS)
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            assert OPS[node.func.id].elementwise
        elif isinstance(node, ast.Name):
            assert node.id in {*op.names, *op.attributes} or OPS[node.id].elementwise


@law(lambda op, _: op.elementwise)
def test_texts_mean_what_the_kernels_do(name: str, case: Case) -> None:
    op = OPS[name]
    code = compile(op.text or "", name, "eval")
    exact = set(code.co_names) <= {*EXACT, *op.names, *op.attributes} and "**" not in (op.text or "")
    for variant in in_every_dtype(case, TABLE[name].kinds):
        scope = {**OPS, **op.attributes, **variant.params, **dict(zip(op.names, variant.args, strict=True))}
        (wanted,) = run(op, variant)
        out = numpy.asarray(eval(code, {"__builtins__": {}}, scope))
        assert out.dtype == numpy.asarray(wanted).dtype
        if exact:
            same(out, wanted)
        else:
            close(out, wanted, rtol=1e-6 if out.dtype == numpy.float32 else 1e-14)


# Gradients


def by_tape(op: Op, case: Case, args: list[Any], seeds: list[Any], wrt: list[int], create_graph: bool) -> list[Any]:
    """The gradients by ``dynamic``'s tape, of tensors over the same arrays."""
    tensors = [dynamic.from_numpy(x.copy()) for x in args]
    for i in wrt:
        tensors[i].requires_grad = True
    given = replaced(case, dict(zip(arrays(case), tensors, strict=True)))
    outs = [y for y in run(op, given) if y.requires_grad]
    if not outs:
        return [numpy.zeros_like(args[i]) for i in wrt]
    found = dynamic.autograd.grad(
        outs,
        [tensors[i] for i in wrt],
        [dynamic.from_numpy(seed) for seed in seeds],
        create_graph=create_graph,
        allow_unused=True,
    )
    return [numpy.zeros_like(args[i]) if g is None else g.detach().numpy() for i, g in zip(wrt, found, strict=True)]


WAYS: dict[str, Callable[..., list[Any]]] = {
    "symbolic": lambda op, case, args, seeds, wrt: list(
        helpers.gradient_of(helpers.function_of(op, case), wrt)(*args, *seeds)
    ),
    "symbolic with unknown sizes": lambda op, case, args, seeds, wrt: list(
        helpers.gradient_of(helpers.function_of(op, case, helpers.unknown_sizes), wrt)(*args, *seeds)
    ),
    "the tape": lambda op, case, args, seeds, wrt: by_tape(op, case, args, seeds, wrt, False),
    "the tape, recorded": lambda op, case, args, seeds, wrt: by_tape(op, case, args, seeds, wrt, True),
}
"""Each is to give the bits of eager backward: ``way(op, case, arrays, seeds, wrt)``, ``wrt`` counting among the arrays."""


def _differentiated(case: Case) -> tuple[list[Any], list[int]]:
    """The arrays of a case, and which of them are floating."""
    positions = arrays(case)
    return [case.args[i] for i in positions], [positions.index(i) for i in floats(case)]


@law(smooth)
def test_gradients_are_finite_differences(name: str, case: Case) -> None:
    args, wrt = _differentiated(case)
    helpers.check_gradient(helpers.function_of(OPS[name], case), args, wrt, TABLE[name].tolerance)


@law(lambda op, case: smooth(op, case) and TABLE[op.name].second)
def test_second_gradients_are_finite_differences(name: str, case: Case) -> None:
    args, wrt = _differentiated(case)
    function = helpers.function_of(OPS[name], case)
    seeds = helpers.seeds_of(function, args)
    every = [*wrt, *range(len(args), len(args) + len(seeds))]
    helpers.check_gradient(helpers.gradient_of(function, wrt), [*args, *seeds], every, TABLE[name].tolerance)


@pytest.mark.parametrize("way", WAYS)
@law(smooth)
def test_every_way_gives_the_same_gradient(name: str, case: Case, way: str) -> None:
    args, wrt = _differentiated(case)
    function = helpers.function_of(OPS[name], case)
    seeds = helpers.seeds_of(function, args)
    eager = helpers.bare_gradients(function, args, seeds, wrt)
    for g, wanted, i in zip(WAYS[way](OPS[name], case, args, seeds, wrt), eager, wrt, strict=True):
        assert numpy.shape(g) == args[i].shape
        same(g, wanted)


@law(lambda op, case: smooth(op, case) and TABLE[op.name].second)
def test_second_gradients_by_the_tape_are_the_symbolic_ones(name: str, case: Case) -> None:
    args, wrt = _differentiated(case)
    gradient = helpers.gradient_of(helpers.function_of(OPS[name], case), wrt)
    seeds = helpers.seeds_of(helpers.function_of(OPS[name], case), args)
    again = helpers.seeds_of(gradient, [*args, *seeds])
    every = [*wrt, *range(len(args), len(args) + len(seeds))]
    wanted = helpers.gradient_of(gradient, every)(*args, *seeds, *again)
    for g, reference in zip(_twice_by_tape(OPS[name], case, args, seeds, again, wrt), wanted, strict=True):
        same(g, reference)


def _twice_by_tape(op: Op, case: Case, args: list[Any], seeds: list[Any], again: list[Any], wrt: list[int]) -> list[Any]:
    tensors = [dynamic.from_numpy(x.copy()) for x in args]
    leaves = [tensors[i] for i in wrt] + [dynamic.from_numpy(seed.copy()) for seed in seeds]
    for x in leaves:
        x.requires_grad = True
    outs = [y for y in run(op, replaced(case, dict(zip(arrays(case), tensors, strict=True)))) if y.requires_grad]
    zeros = [numpy.zeros_like(x.detach().numpy()) for x in leaves]
    if not outs:
        return zeros
    first = dynamic.autograd.grad(outs, leaves[: len(wrt)], leaves[len(wrt) :], create_graph=True, allow_unused=True)
    pairs = [
        (g, dynamic.from_numpy(seed)) for g, seed in zip(first, again, strict=True) if g is not None and g.requires_grad
    ]
    if not pairs:
        return zeros
    second = dynamic.autograd.grad([g for g, _ in pairs], leaves, [seed for _, seed in pairs], allow_unused=True)
    return [zero if g is None else g.numpy() for zero, g in zip(zeros, second, strict=True)]


@law(smooth)
def test_gradients_in_float32_stay_there(name: str, case: Case) -> None:
    single = helpers.in_dtype(case, numpy.float32)
    args, wrt = _differentiated(case)
    rounded = [single.args[i] for i in arrays(single)]
    function = helpers.function_of(OPS[name], single)
    seeds = helpers.seeds_of(helpers.function_of(OPS[name], case), args)
    exact = helpers.bare_gradients(helpers.function_of(OPS[name], case), args, seeds, wrt)
    for g, wanted in zip(helpers.bare_gradients(function, rounded, [s.astype("f") for s in seeds], wrt), exact, strict=True):
        assert numpy.asarray(g).dtype == numpy.float32
        close(g, wanted, rtol=1e-3)


@law(smooth)
def test_rules_use_no_array_that_they_do_not_keep(name: str, case: Case) -> None:
    op, outs = OPS[name], run(OPS[name], case)
    spec_dtypes = [numpy.asarray(y).dtype for y in outs]
    seeds = [numpy.ones_like(y) if dtype.kind == "f" else None for y, dtype in zip(outs, spec_dtypes, strict=True)]
    positions = [i for i in floats(case) if op.flows(i)]
    for chosen in [(i,) for i in positions] + [tuple(positions)]:
        needs = tuple(i in chosen for i in range(len(case.args)))
        kept, keeps_out = op.keep(needs)
        ghostly = [_ghost(x) if i in arrays(case) and not kept[i] else x for i, x in enumerate(case.args)]
        real = helpers.by_rules(op, needs, seeds, outs, case.args, case.params)
        known = [y if keeps_out and i not in op.ghost_outs else _ghost(y) for i, y in enumerate(outs)]
        shadow = helpers.by_rules(op, needs, seeds, known, ghostly, case.params)
        for i in chosen:
            same(shadow[i], real[i])


def _ghost(x: Any) -> Ghost:
    return Ghost((numpy.shape(x), numpy.asarray(x).dtype))


# Refusals


@law(lambda op, case: len(arrays(case)) == len(case.args) > 0)
def test_dtypes_that_do_not_fit_are_refused(name: str, case: Case) -> None:
    for kind in set("bif") - set(TABLE[name].kinds):
        variant = helpers.in_dtype(case, helpers.KINDS[kind][0])
        with pytest.raises(DtypeError, match=name):
            inferred(OPS[name], variant)


@law(lambda op, case: op.elementwise and len(arrays(case)) > 1)
def test_shapes_that_do_not_broadcast_are_refused(name: str, case: Case) -> None:
    *_, before, last = arrays(case)
    sizes = {before: Spec((2, 3), case.args[before].dtype), last: Spec((2, 4), case.args[last].dtype)}
    with pytest.raises(ShapeError, match=rf"{name}.*\(2, 3\).*\(2, 4\)"):
        inferred(OPS[name], case, sizes)


@helpers.case_by_case((name, case) for name, entry in TABLE.items() for case in entry.refuses)
def test_calls_that_do_not_fit_are_refused(name: str, case: Case) -> None:
    with pytest.raises((ShapeError, DtypeError), match=name):
        inferred(OPS[name], case)
