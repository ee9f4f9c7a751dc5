"""One program in two modes, side by side: equal bits, costs, pictures."""

from graphs.compare.calls import Held, Listener, Log, same_bits, ulps
from graphs.compare.lockstep import Agreement, Difference, lockstep
from graphs.compare.measure import Cost, Costs, measure
from graphs.compare.passes import Passes, with_passes, without_passes
from graphs.compare.program import Batch, Program, ProgramError, Setup, State, Twins, adapters, load
from graphs.compare.report import Report, as_dict, render


__all__ = [
    "Setup",
    "Program",
    "State",
    "Batch",
    "Twins",
    "ProgramError",
    "load",
    "adapters",
    "lockstep",
    "Agreement",
    "Difference",
    "measure",
    "Cost",
    "Costs",
    "Passes",
    "with_passes",
    "without_passes",
    "Report",
    "as_dict",
    "render",
    "Held",
    "Listener",
    "Log",
    "same_bits",
    "ulps",
]
