"""The rules of the pass ``simplify``, a family a module."""

from graphs.rewrite.library.algebra import algebra
from graphs.rewrite.library.indexing import indexing
from graphs.rewrite.library.logic import logic
from graphs.rewrite.library.reductions import reductions
from graphs.rewrite.library.shapes import shapes
from graphs.rewrite.library.stability import stability


SIMPLIFY = algebra + stability + logic + shapes + indexing + reductions
"""All of them, in the order in which they are tried."""
SIMPLIFY.name = "simplify"

__all__ = ["SIMPLIFY", "algebra", "indexing", "logic", "reductions", "shapes", "stability"]
