"""What programs do beside computing: change variables, tell values, wait for each other; and what they do once more."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy

from tests.agree.scope import Picks, Scope, listed


STATE = ("assign", "assign_add", "assign_sub", "scatter", "read", "tell", "after", "learn")


def state(scope: Scope, name: str, picks: Picks) -> bool:
    """A change of a variable, a read of one, a value told, or a value that waits for others.

    Effects wait for those before on the same variable, for all, for what is computed of all, or (outside of loops and
    branches, where each can be asked for) for none.
    """
    held = list(scope.envs[0]["m"].state.items())
    wait = picks.of(["own", "all", "behind", "none"] if not scope.depth else ["own", "all", "behind"])
    if name == "after":
        v, other = scope.value(picks), scope.value(picks)
        return v is not None and other is not None and scope.keep(f"m.after({v.name}, {other.name})")
    if name == "tell":
        v = scope.value(picks)
        return v is not None and _keep(scope, f"m.tell({scope.counter[0]}, {v.name}, wait={wait!r})", "told", wait)
    if not held:
        return False
    w, array = held[picks.number() % len(held)]
    if name == "read":
        return scope.keep(f"m.read({w!r}, wait={'own' if wait == 'none' else wait!r})")
    v = scope.value(picks, "f")
    if v is None:
        return False
    if name == "learn":
        text = _product(scope, array, picks)
        way = picks.of(["sub", "add"])
        return text is not None and _keep(scope, f"m.assign_{way}({w!r}, {text}, wait={wait!r})", w, wait)
    if name != "scatter":
        text = scope.fitted(v, array.shape, array.dtype)
        return text is not None and _keep(scope, f"m.{name}({w!r}, {text}, wait={wait!r})", w, wait)
    if not array.ndim or not len(array):
        return False
    places = numpy.arange(len(array))[:: picks.of([1, -1])][: 1 + picks.number() % len(array)]
    text = scope.fitted(v, (len(places), *array.shape[1:]), array.dtype)
    given = f"m.array({listed(places)})"
    return text is not None and _keep(scope, f"m.scatter({w!r}, {given}, {text}, wait={wait!r})", w, wait)


def _product(scope: Scope, array: numpy.ndarray, picks: Picks) -> str | None:
    """What a layer's weight is changed by: a product of matrices, or a multiple of one."""
    if array.ndim != 2:
        return None
    between = picks.of([2, 3, 1])
    factors = []
    for shape in ((array.shape[0], between), (between, array.shape[1])):
        v = scope.value(picks, "f")
        text = None if v is None else scope.fitted(v, shape, array.dtype)
        if text is None:
            return None
        factors.append(text)
    product = f"m.matmul({', '.join(factors)})"
    return f"m.multiply({product}, 0.125)" if picks.number() % 2 else product


def _keep(scope: Scope, text: str, chain: str, wait: str) -> bool:
    if not scope.keep(text):
        return False
    scope.effective[text] = chain, wait
    last = scope.values[-1].name
    if wait == "none" and chain in scope.effects:
        scope.drawn.add(scope.effects[chain])
    if wait in ("all", "behind"):
        scope.effects = dict.fromkeys(scope.effects, last)
    scope.effects[chain] = last
    return True


def again(scope: Scope, name: str, picks: Picks) -> bool:
    """A line once more: a draw draws again, an effect happens again, what is pure gives the same.

    Or something that is almost the same: with operands exchanged, another output of the node that is read, another sign of
    zero, another axis.
    """
    lines = [line for line in scope.lines if line[0] == "v" and "seed=" not in line and "effects=" not in line]
    if not lines:
        return False
    targets, _, text = lines[-1 - picks.number() % len(lines)].partition(" = ")
    if text in scope.effective:
        return _keep(scope, text, *scope.effective[text])
    if picks.number() % 2:
        text = _almost(scope, text, picks)
    before = [x.strip() for x in targets.split(",") if x.strip()]
    if not scope.keep_as(text, "," in targets, len(before)):
        return False
    if not scope.drawn.isdisjoint(before):
        scope.drawn.add(scope.values[-len(before)].name)
    return True


def _almost(scope: Scope, text: str, picks: Picks) -> str:
    changed = [re.sub(r"^(m\.\w+\()(?!body|test)(\w+), ([\w.-]+)(?=[,)])", r"\1\3, \2", text)]
    kinds = {v.name: (v.dtype, [x.shape for x in v.arrays]) for v in scope.values}
    for line in scope.lines:
        names = [x.strip() for x in line.partition(" = ")[0].split(",") if x.strip()] if line[0] == "v" else []
        changed += [re.sub(rf"\b{x}\b", y, text) for x, y in pairwise(names) if x in kinds and kinds[x] == kinds.get(y)]
    changed.append(re.sub(r"(?<![\w.])0\.0\b", "-0.0", text))
    changed += [re.sub(r"axis=-?\d", f"axis={axis}", text) for axis in (0, -1)]
    changed = [each for each in changed if each != text]
    return picks.of(changed) if changed else text
