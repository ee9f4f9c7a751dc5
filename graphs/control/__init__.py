"""Loops and branches: ops over Functions, whose gradients are loops and branches again."""

from graphs.control.adjoint import computed as computed
from graphs.control.branch import branch as branch
from graphs.control.loop import loop as loop
from graphs.control.program import acts as acts, bodies as bodies, draws as draws, failing as failing
