"""What a lint reads off a graph: reads and writes without order, losses that reach too far, forms that lose digits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations, permutations
from typing import Any

from graphs.core.errors import Where
from graphs.core.node import ancestors
from graphs.inspection.lint import Findings, place, same_line, several
from graphs.inspection.lint_forms import Saturation, crossed, probabilities, reduces, saturation
from static.graph import Graph, GraphKeys, Operation
from static.schedule import PEEKING, changed_by, updates_behind
from static.state import read_op
from static.train.optimizer import Minimised


_COLUMNS = frozenset(["expand_dims", "reshape", "reshape_to", "index", "slice", "strided_slice"])
"""Ops that make a column on purpose, if they stand on the line that uses it."""


def in_gradients(node: Any) -> bool:
    """Whether a node belongs to a way back, which the program did not write."""
    return any(part.startswith("gradients") for part in node.name.split("/")[:-1])


# One run


def unordered(nodes: Sequence[Any], fetched: Collection[Any], found: Findings) -> None:
    """Report variables that a run of ``nodes`` reads and assigns, or assigns twice, in no order.

    An optimizer's own updates wait for all gradients, as TensorFlow 1 gates them, so what they need for these is in order.
    """
    writes = {node: changed for node in nodes if (changed := changed_by(node))}
    bits = {node: 1 << i for i, node in enumerate(writes)}
    if not bits:
        return
    known = nodes[0].graph.variables
    initializers = {variable.initializer for variable in known.values()}
    behind = updates_behind(nodes)
    leads, trains = _ahead(nodes, bits)
    users = _users(nodes)
    ordered: dict[Any, list[Any]] = {}
    for node, variables in writes.items():
        for variable in variables if node not in initializers else ():
            if variable in known:  # and not where iterators stand, which no program reads
                ordered.setdefault(variable, []).append(node)

    def apart(node: Any, update: Any) -> bool:
        bit = bits[update]
        return not (behind.get(node, 0) | leads.get(node, 0)) & bit and not trains.get(node, 0) & trains.get(update, 0)

    for variable, updates in ordered.items():
        readers, shown = _readers(variable, users, fetched)
        for update in updates:
            loose = [node for node in readers if node is not update and apart(node, update)]
            open_fetch = [node for node in shown if not behind.get(node, 0) & bits[update]]
            if not loose and not open_fetch:
                continue
            read = f"read by {loose[0].name} ({place(loose[0].where)})" if loose else "fetched"
            message = (
                f"{variable.name} is assigned here and {read} in the same run: here the read sees "
                "the old value, in TensorFlow 1 now the old one and now the new"
            )
            found.add("unordered-read", "static", update.where, message, (variable.name, *[node.name for node in loose[:1]]))
        for one, other in combinations(updates, 2):
            if apart(one, other) and apart(other, one):
                message = f"{variable.name} is assigned here and at {place(one.where)} in the same run"
                found.add("unordered-read", "static", other.where, message, (variable.name, one.name, other.name))


def _ahead(nodes: Sequence[Any], bits: Mapping[Any, int]) -> tuple[dict[Any, int], dict[Any, int]]:
    """For each node the updates that come after it, and the training operations that it is part of, as bits."""
    train = {op: 1 << i for i, op in enumerate(nodes[0].graph.get_collection(GraphKeys.TRAIN_OP))}
    leads: dict[Any, int] = {}
    trains: dict[Any, int] = {}
    for node in reversed(nodes):
        ahead = leads.get(node, 0) | bits.get(node, 0)
        part = trains[node] = trains.get(node, 0) | train.get(node, 0)
        for before in (*(edge.node for edge in node.edges if edge is not None), *node.after):
            leads[before] = leads.get(before, 0) | ahead
            trains[before] = trains.get(before, 0) | part
    return leads, trains


def _users(nodes: Iterable[Any]) -> dict[Any, list[tuple[Any, int]]]:
    """Who takes the results of each node, and as which argument."""
    users: dict[Any, list[tuple[Any, int]]] = {}
    for node in nodes:
        for position, edge in enumerate(node.edges):
            if edge is not None:
                users.setdefault(edge.node, []).append((node, position))
    return users


def _readers(variable: Any, users: Mapping[Any, Any], fetched: Collection[Any]) -> tuple[list[Any], list[Any]]:
    """The nodes that look at a variable's elements, through whatever views; and what of it is fetched as it is."""
    readers, shown = [], [variable] if variable in fetched else []
    seen = {variable}
    stack = [variable]
    while stack:
        for node, position in users.get(stack.pop(), ()):
            if node in seen or node.op in PEEKING or variable in changed_by(node) or _shape_only(node, position):
                continue
            seen.add(node)
            if node.op is read_op or node.op.view or node.op.name == "identity":
                stack.append(node)
                if node in fetched:
                    shown.append(node)
            else:
                readers.append(node)
    return sorted(readers, key=lambda node: node.serial), shown


def _shape_only(node: Any, position: int) -> bool:
    """Whether an op reads no more than the shape of an argument, as its name says."""
    names = node.op.names
    return position < len(names) and names[position].startswith("_")


# Forms


def forms(nodes: Sequence[Any], found: Findings) -> list[tuple[Any, Saturation]]:
    """Report broadcast losses and probabilities taken for logits; the logarithms of what saturates, to be looked at."""
    written = [node for node in nodes if not in_gradients(node)]
    for node in written:
        source = probabilities(node)
        if source is not None:
            message = f"{node.name} takes logits and is given the result of {source.name} from {place(source.where)}"
            found.add("softmax-twice", "static", node.where, message, (node.name, source.name))
    _broadcasts(written, found)
    return [(node, hit) for node in written if (hit := saturation(node)) is not None]


def report_logarithm(node: Any, hit: Saturation, zeros: int, size: int, found: Findings) -> None:
    """Report the logarithm of what saturates, and what of it was 0."""
    if not hit.direct and not zeros:
        return
    seen = f"; here, of {size} numbers, {zeros} were 0 and their logarithms infinite" if zeros else ""
    message = f"{hit.text} loses its digits, and then is -inf, where {hit.source.name} saturates{seen}"
    found.add("log-of-saturated", "static", node.where, message, (node.name, hit.source.name))


def _broadcasts(nodes: Sequence[Any], found: Findings) -> None:
    suspects = {node for node in nodes if len(node.edges) > 1 and None not in node.edges[:2] and _crosses(node)}
    if not suspects:
        return
    learned = set()
    for node in nodes:
        variable = node.graph.variables.get(node)
        if (variable is not None and variable.trainable) or any(e is not None and e.node in learned for e in node.edges):
            learned.add(node)
    plain = {node for node in nodes if node.specs and node.specs[0].dims == ()}
    for node in reversed(nodes):
        if node in plain and reduces(node) and node not in suspects:
            plain.update(edge.node for edge in node.edges if edge is not None)
    for node in nodes:
        if node in suspects and node in plain:
            one, other = node.edges[:2]
            if (one.node in learned) != (other.node in learned):
                message = f"{one.node.name} {one.spec} against {other.node.name} {other.spec}: all pairs go into the loss"
                found.add("broadcast-loss", "static", node.where, message, (one.node.name, other.node.name))


def _crosses(node: Any) -> bool:
    one, other = node.edges[:2]
    if not crossed(node, (one.dims, other.dims)):
        return False
    column = one if len(one.dims) == 2 else other
    return not (column.node.op.name in _COLUMNS and same_line(column.node.where, node.where))


# Training


def trained(graph: Graph, found: Findings) -> None:
    """Report what the optimizers of a graph were asked for and cannot do, or should not."""
    asked = asked_of(graph)
    _unreached(graph, asked, found)
    for one, other in permutations(asked, 2):
        _reaching(one, other, found)


def asked_of(graph: Graph) -> list[Minimised]:
    """What the optimizers of a graph were asked for."""
    return graph.get_collection(Minimised)


def _unreached(graph: Graph, asked: Sequence[Minimised], found: Findings) -> None:
    reached = {variable.op for each in asked for variable in each.reached}
    initializers = {variable.initializer for variable in graph.variables.values()}
    assigned = {v for node in graph.get_operations() if node not in initializers for v in changed_by(node)}
    for each in asked:
        for variable in each.variables:
            node = variable.op
            if node in reached or node in assigned or variable.dtype.dtype.kind not in "fc":
                continue
            if each.chosen or variable.handle.dims:  # a number that is trainable by oversight is no part of a net
                message = f"{node.name}: no gradient of the loss that is minimised at {place(each.where)} reaches it"
                found.add("disconnected-parameter", "static", node.where, message, (node.name,))


def _reaching(one: Minimised, other: Minimised, found: Findings) -> None:
    """Report the losses of a discriminator, ``one``, and its generator, ``other``, that change each other's variables.

    A discriminator's variables are known by being used twice in its loss: on what comes out of other variables, the
    generator's, and on data, without them; and in the generator's loss in the first of these ways alone.
    """
    nodes = [node for node in ancestors({one.loss.node, other.loss.node}) if not in_gradients(node)]
    behind: dict[Any, frozenset[Any]] = {}
    changes = {variable.op for each in (one, other) for variable in each.variables}
    for node in nodes:
        before = [behind.get(edge.node, frozenset()) for edge in node.edges if edge is not None]
        behind[node] = frozenset([node]) if node in changes else frozenset().union(*before)
    here, there = (_ways(each.loss, changes, behind) for each in (one, other))
    judged: set[Any] = set()
    judging: set[Any] = set()
    for variable, ways in here.items():
        for without, with_ in permutations(ways, 2):
            extra = with_ - without
            if without < with_ and there[variable] and all(extra <= way for way in there[variable]):
                judging.add(variable)
                judged |= extra
    for each, what, others in ((one, "generator", judged), (other, "discriminator", judging)):
        mine = {variable.op for variable in each.reached} & (others - (judging if each is one else judged))
        if mine and not each.chosen:
            names = [node.name for node in sorted(mine, key=lambda node: node.serial)]
            message = f"without var_list this also changes the {what}'s {several(names)}"
            found.add("generator-gradient", "static", each.where, message, names)


def _ways(loss: Any, variables: Iterable[Any], behind: Mapping[Any, frozenset[Any]]) -> dict[Any, set[frozenset[Any]]]:
    """For each variable what is behind the nodes that use it on the way to a loss: a set of variables for each way."""
    users = _users(node for node in ancestors({loss.node}) if node in behind)
    return {variable: {behind[node] for node in _readers(variable, users, ())[0]} for variable in variables}


def runs_of(graph: Graph) -> list[list[Operation]]:
    """The runs that a graph's end points suggest: each training operation, and each end that changes variables.

    Ends that change them by gradients of one call of ``tf.gradients`` are one step, and so one run.
    """
    nodes = graph.get_operations()
    used = {edge.node for node in nodes for edge in node.edges if edge is not None} | {
        x for node in nodes for x in node.after
    }
    train = graph.get_collection(GraphKeys.TRAIN_OP)
    starts = {variable.initializer for variable in graph.variables.values()}
    ends = [node for node in nodes if node not in used and node.body is None and not starts & {node, *node.after}]
    runs: dict[Any, list[Operation]] = {}
    for node in dict.fromkeys((*train, *ends)):
        own = node not in train and changed_by(node)
        calls = frozenset(x.name.partition("/")[0] for x in ancestors([node]) if in_gradients(x)) if own else ()
        runs.setdefault(calls or node, []).append(node)
    return list(runs.values())


def line_key(where: Where | None) -> Any:
    """What tells one place in a program from another."""
    return None if where is None else (where.code, where.lasti)
