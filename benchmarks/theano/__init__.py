"""Theano 1.0.5 as a peer, in a Python 3.8 of its own; ``python -m benchmarks.theano`` makes one.

``programs`` and ``worker`` run there, with numpy 1.19; the rest of the project talks to the worker through
``benchmarks.contenders.remote``.
"""
