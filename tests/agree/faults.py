"""Faults planted in the passes, by name: small changes of the product, each with the law of random programs that sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy
import pytest
from hypothesis import strategies as st

import static.passes as passes
from graphs.control import branch
from graphs.core.function import Function
from graphs.core.node import Value, new_parameter
from graphs.core.op import OPS
from graphs.core.spec import Spec
from graphs.rewrite.loops import Parts, exchanged
from graphs.rewrite.rules import Rules
from static.state import assign_op, constant_op, read_op
from tests.agree.program import Program
from tests.agree.programs import programs
from tests.agree.test_bounded_passes import near
from tests.agree.test_native_programs import natively
from tests.agree.test_nobodys_programs import agree, kept


# By name, as some packages call a pass as its module.
accumulating = import_module("static.passes.accumulate")
algebra = import_module("graphs.rewrite.library.algebra")
beside = import_module("graphs.rewrite.outside")
counting = import_module("graphs.rewrite.counting")
engine = import_module("graphs.rewrite.engine")
folding = import_module("graphs.rewrite.fold")
fusing = import_module("graphs.codegen.fuse")
lowering = import_module("static.lowering")
merging = import_module("graphs.rewrite.merge")
narrowing = import_module("graphs.rewrite.narrow")
emitting = import_module("static.emit")
rewriting = import_module("graphs.rewrite.program")

Plant = Callable[[pytest.MonkeyPatch], None]
Strategy = st.SearchStrategy[Any]


@dataclass(frozen=True)
class Fault:
    """A fault: how it is planted, and what sees it."""

    plant: Plant
    law: Callable[[Any], None]
    strategy: Strategy


FAULTS: dict[str, Fault] = {}

STRAIGHT, LOOPING, STATEFUL, MIXED = (programs(kind) for kind in ("straight", "looping", "stateful", "mixed"))
DENSE = programs("dense")
BATCHED = programs("straight", batches=True)
SPECIAL = programs("straight", special=True)
SMOOTH = programs("mixed", smooth=True, special=False, batches=False, dtypes=("float32",))


def in_both_modes(program: Program) -> None:
    agree(program, 1)


def fault(strategy: Strategy, law: Callable[[Any], None] = kept) -> Callable[[Plant], Plant]:
    """Enter the decorated function as a way to plant what its name says."""

    def enter(plant: Plant) -> Plant:
        FAULTS[plant.__name__] = Fault(plant, law, strategy)
        return plant

    return enter


# Order and effects


@fault(STATEFUL)
def a_control_edge_is_dropped(patch: pytest.MonkeyPatch) -> None:
    """What is made anew waits for nothing."""
    again = rewriting.Rebuild.again

    def waiting_for_nothing(self: Any, node: Any, first: Any, **new: Any) -> Any:
        return again(self, node, first, **{**new, "after": ()})

    patch.setattr(rewriting.Rebuild, "again", waiting_for_nothing)


@fault(STATEFUL)
def what_is_waited_for_goes_with_what_was_computed_of_it(patch: pytest.MonkeyPatch) -> None:
    """Effects behind a computation are forgotten when the computation is fused away."""
    patch.setattr(passes, "hold", lambda program: program)


@fault(STATEFUL)
def an_update_is_merged_with_its_like(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(folding, "is_pure", lambda node: rewriting.is_pure(node) or "update" in node.op.traits)


@fault(STRAIGHT)
def random_draws_are_merged(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(folding, "is_pure", lambda node: rewriting.is_pure(node) or "random" in node.op.traits)


@fault(STATEFUL)
def a_read_is_merged_with_one_before_an_assignment(patch: pytest.MonkeyPatch) -> None:
    """Equal nodes are one whatever they wait for."""
    key = folding._key
    patch.setattr(folding, "is_pure", lambda node: rewriting.is_pure(node) or node.op is read_op)
    patch.setattr(folding, "_key", lambda *args: (made := key(*args)) and (*made[:3], *made[4:]))


@fault(STATEFUL)
def a_variable_is_folded_to_its_initial_value(patch: pytest.MonkeyPatch) -> None:
    def known(x: Any, fed: Any) -> Any:
        node: Any = x.node if isinstance(x, Value) else None
        if node is not None and node.op is read_op:
            variable: Any = node.inputs[0].node
            for op in variable.graph.get_operations():
                if op.op is assign_op and op.inputs[0].node is variable and op.inputs[1].node.op is constant_op:
                    return op.inputs[1].node.params["value"]
        return rewriting.known(x, fed)

    patch.setattr(folding, "known", known)
    patch.setattr(folding, "is_pure", lambda node: rewriting.is_pure(node) or node.op is read_op)


@fault(MIXED, in_both_modes)
def an_update_inside_a_loop_is_lost(patch: pytest.MonkeyPatch) -> None:
    """A loop that is made anew forgets which of its results are variables'."""
    patch.setattr(passes.Optimised, "writes", property(lambda self: ()))


@fault(MIXED)
def an_effect_is_hoisted_out_of_a_branch(patch: pytest.MonkeyPatch) -> None:
    sweep = rewriting.Rebuild.sweep

    def hoisting(self: Any, node: Any, old: Any, work: Any) -> Any:
        node = sweep(self, node, old, work)
        if node.op is not branch or node.params.get("owners") or node.params.get("record"):
            return node
        for body in node.params["branches"]:
            given = dict(zip([x.node for x in body.inputs], node.inputs[1:], strict=True))
            for inner in body.nodes:
                if (
                    rewriting.is_kept(inner)
                    and inner.width
                    and all(x.node in given for x in inner.inputs if isinstance(x, Value))
                ):
                    return self.again(node, old, **_before(self, node, body, inner, given))
        return node

    patch.setattr(rewriting.Rebuild, "sweep", hoisting)


def _before(rebuild: Any, node: Any, body: Function, inner: Any, given: Any) -> dict[str, Any]:
    """The branch's inputs and attributes where ``inner``, of one body, is done before it."""
    inputs = tuple(given[x.node] if isinstance(x, Value) else x for x in inner.inputs)
    made = rebuild.program.kind(inner.op, inputs, inner.params, inner.specs, inner.name, origins=rewriting.origins([node]))
    rebuild.keep(made)
    params = [new_parameter(x.spec) for x in made.outputs]
    bodies = []
    for each in node.params["branches"]:
        nodes = [x for x in each.nodes if x is not inner]
        effects = list(filter(rewriting.is_kept, nodes))
        old, new = (inner.outputs, params) if each is body else ((), ())
        outputs, effects = exchanged(nodes, each.outputs, effects, old, new)
        own = params if each is body else [new_parameter(x.spec) for x in params]
        bodies.append(Function([*each.inputs, *own], outputs, each.name, effects))
    return {"inputs": (*node.inputs, *made.outputs), "params": {**node.params, "branches": tuple(bodies)}}


# Equal and known


@fault(STRAIGHT)
def a_constant_gets_another_dtype(patch: pytest.MonkeyPatch) -> None:
    def constant(rebuild: Any, node: Any, array: Any) -> Any:
        array = numpy.asarray(array)
        other = {"float32": "float64", "float64": "float32"}.get(array.dtype.name, array.dtype)
        return rewriting.as_constant(rebuild, node, array.astype(other))

    patch.setattr(folding, "as_constant", constant)


@fault(STRAIGHT)
def subtraction_is_taken_for_commutative(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OPS["subtract"], "traits", OPS["subtract"].traits | {"commutative"})


@fault(STRAIGHT)
def nodes_with_other_attributes_are_merged(patch: pytest.MonkeyPatch) -> None:
    key = folding._key
    patch.setattr(folding, "_key", lambda *args: (made := key(*args)) and (*made[:2], *made[3:]))


@fault(STRAIGHT)
def the_outputs_of_a_node_are_taken_for_one(patch: pytest.MonkeyPatch) -> None:
    key = folding.input_key
    patch.setattr(folding, "input_key", lambda x: (0, x.node.serial) if isinstance(x, Value) else key(x))


@fault(SPECIAL)
def zeros_of_either_sign_are_merged(patch: pytest.MonkeyPatch) -> None:
    key = folding.input_key
    patch.setattr(folding, "input_key", lambda x: key(x + 0.0 if isinstance(x, float) else x))


# Rules


@fault(BATCHED)
def a_replacement_may_have_another_shape(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks whether what a rule gives is broadcast as what was written was."""
    patch.setattr(engine, "_serves", lambda x, spec: rewriting.spec_of(engine.settled(x)).dtype == spec.dtype)
    patch.setattr(algebra, "same_shape", lambda *values: True)


@fault(SPECIAL)
def rules_for_ordinary_numbers_are_taken_for_exact(patch: pytest.MonkeyPatch) -> None:
    candidates = Rules.candidates
    patch.setattr(Rules, "candidates", lambda self, level, refused: candidates(self, "fast", refused))


@fault(STRAIGHT)
def a_rule_loses_a_sign(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(algebra, "negative", lambda x: OPS["identity"](x))


# Loops


@fault(LOOPING)
def a_counted_loop_is_one_round_short(patch: pytest.MonkeyPatch) -> None:
    rounds = counting._Condition.rounds

    def fewer(self: Any) -> Any:
        found = rounds(self)
        return found - 1 if isinstance(found, int) else found

    patch.setattr(counting._Condition, "rounds", fewer)


@fault(LOOPING)
def loops_of_other_numbers_of_rounds_are_merged(patch: pytest.MonkeyPatch) -> None:
    key = merging._key
    patch.setattr(merging, "_key", lambda *args: key(*args)[:1])


@fault(LOOPING)
def a_loop_that_is_made_anew_runs_forwards(patch: pytest.MonkeyPatch) -> None:
    made = Parts.made

    def forwards(self: Any, *args: Any, **settings: Any) -> Any:
        self.reverse = False
        return made(self, *args, **settings)

    patch.setattr(Parts, "made", forwards)


@fault(LOOPING, near)
def a_sequence_is_cut_one_short(patch: pytest.MonkeyPatch) -> None:
    """What is done for all rounds at once is done for the rounds after the first, and the last once more."""
    cut = beside.Outside.cut
    patch.setattr(beside.Outside, "cut", lambda self, x: self.make(OPS["roll"], cut(self, x), shift=1, axis=0))


@fault(BATCHED)
def a_size_that_is_not_known_is_taken_for_one(patch: pytest.MonkeyPatch) -> None:
    both = narrowing._both

    def one(old: Spec, new: Spec) -> Spec:
        found = both(old, new)
        return found if found.dims is None else Spec([1 if n is None else n for n in found.dims], found.dtype)

    patch.setattr(narrowing, "_both", one)


# Regions and memory


@fault(STRAIGHT)
def a_region_is_left_and_entered_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fusing._Groups, "_may_join", lambda self, one, other: True)


@fault(DENSE)
def what_stands_before_a_region_is_taken_not_to_come_of_it(patch: pytest.MonkeyPatch) -> None:
    """A group whose nodes all stand before a region may come of it all the same, by another group that is on both sides."""

    def by_place(self: Any, one: int, other: int) -> bool:
        start, seen = min(self.groups[other].members), {one}
        stack = [each for each in self._behind(one) if each != other]
        while stack:
            each = stack.pop()
            if each == other:
                return False
            if each not in seen and max(self.groups[each].members) >= start:
                seen.add(each)
                stack.extend(self._behind(each))
        return True

    patch.setattr(fusing._Groups, "_may_join", by_place)


@fault(STRAIGHT, natively)
def a_buffer_is_used_again_while_it_is_alive(patch: pytest.MonkeyPatch) -> None:
    lifetimes = lowering.Lowering._lifetimes

    def shorter(self: Any) -> None:
        lifetimes(self)
        for buffer in self.buffers.values():
            buffer.last = buffer.first

    patch.setattr(lowering.Lowering, "_lifetimes", shorter)


@fault(STATEFUL, natively)
def what_is_fetched_is_a_variables_memory(patch: pytest.MonkeyPatch) -> None:
    """Once found by random programs: a value that a variable becomes, too, is handed out as it is."""
    patch.setattr(emitting, "_handed_out", lambda register, own, spec: register)


@fault(SMOOTH, near)
def an_accumulating_product_is_added_where_it_is_taken_away(patch: pytest.MonkeyPatch) -> None:
    found = accumulating._found

    def added(*args: Any) -> Any:
        made = found(*args)
        return made and made._replace(sign=1.0)

    patch.setattr(accumulating, "_found", added)
