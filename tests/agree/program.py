"""Programs as text that either mode can run, and what they are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy

from tests.agree.scope import listed, names


@dataclass
class Leaf:
    """What a program is given: a placeholder, or a variable (only named ``w…``), with a value for each set of inputs."""

    name: str
    dims: tuple[int | None, ...] | None
    arrays: tuple[numpy.ndarray, ...]

    @property
    def variable(self) -> bool:
        return self.name[0] == "w"

    @property
    def dtype(self) -> numpy.dtype:
        return self.arrays[0].dtype


@dataclass
class Program:
    """A program.

    Attributes:
        leaves: what it is given.
        text: ``def program(m, *leaves)``, which returns all its values by name.
        values: their names and dtypes.
        drawn: those that are to be run whatever else is, as random draws come in order.
        total: the name of a scalar that gradients are taken of, if there is one.
        wrt: the names of what they are taken for.
        used: the ops by name.
        special: whether there may be infinities and NaNs.
    """

    leaves: list[Leaf]
    text: str
    values: dict[str, numpy.dtype]
    drawn: list[str]
    total: str | None
    wrt: list[str]
    used: set[str]
    special: bool
    picks: list[int] = field(default_factory=list)
    function: Callable[..., dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        space = names()
        exec(compile(self.text, "<program>", "exec"), space)
        self.function = space["program"]

    @property
    def controlled(self) -> bool:
        """Whether it has loops or branches."""
        return "def body" in self.text

    @property
    def drawn_at_all(self) -> bool:
        """Whether a run draws random numbers."""
        return "m.draw(" in self.text

    @property
    def variants(self) -> int:
        """How many sets of inputs there are."""
        return len(self.leaves[0].arrays)

    def widened(self) -> Program:
        """The same of float64 in place of float32."""
        leaves = [
            replace(leaf, arrays=tuple(x.astype("float64") if x.dtype == numpy.float32 else x for x in leaf.arrays))
            for leaf in self.leaves
        ]
        return replace(self, leaves=leaves, text=self.text.replace("float32", "float64"))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What hypothesis shows of a program that fails."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        lines = ["\nimport numpy", "from tests.agree.scope import RULES, Slice, setting", ""]
        lines += [self.text, ""]
        for leaf in self.leaves:
            arrays = ", ".join(listed(x) for x in leaf.arrays)
            lines.append(f"{leaf.name} = Leaf({leaf.name!r}, {leaf.dims}, ({arrays},))")
        lines.append(f"# total {self.total}, with respect to {self.wrt}; picks {self.picks}")
        return "\n".join(lines)
