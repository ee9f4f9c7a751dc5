"""Who is timed: for each system, the workloads' programs in its own idiom.

A contender has a function for each kind of workload, which sets everything up and returns ``step() -> loss``. Systems with
one interface share the program text: PyTorch and ``dynamic``, TensorFlow 1 and ``static``. Another system joins by such
functions and a line in ``CONTENDERS``; one that is not installed is left out.
"""

from __future__ import annotations

from benchmarks.contenders import by_hand, compiled, eager, graph, jitted, products, remote
from benchmarks.contenders.base import Contender
from benchmarks.workloads import Lstm, Recurrent


HAND = "numpy by hand"
PRODUCTS = "matrix products alone"
OURS = ("dynamic", "static")

_LAYERS = {Recurrent: eager.recurrent_module, Lstm: eager.lstm_module}

CONTENDERS: dict[str, Contender] = {
    HAND: Contender("numpy", by_hand.PROGRAMS),
    "PyTorch eager": Contender("torch", {**eager.PROGRAMS, **_LAYERS}),
    "PyTorch compiled": Contender("torch", compiled.PROGRAMS),
    "JAX jit": Contender("jax", jitted.PROGRAMS),
    "TensorFlow session": Contender("tensorflow.compat.v1", graph.PROGRAMS),
    "Theano": remote.CONTENDER,
    "dynamic": Contender("dynamic", eager.PROGRAMS),
    "static": Contender("static", graph.PROGRAMS),
}
"""Everybody who runs the programs, by the name in the table; the others' losses are compared with the first's."""

BOUND = Contender("numpy", products.PROGRAMS)
"""Not a contender: only the products of a step, which bound from below what a step can take."""
