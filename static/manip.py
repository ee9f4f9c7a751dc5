"""``tf.manip``: second names of functions that move elements."""

from static.array import reshape, reverse, tile
from static.blocks import batch_to_space_nd, roll, space_to_batch_nd
from static.indexing import gather_nd, scatter_nd


__all__ = ["batch_to_space_nd", "gather_nd", "reshape", "reverse", "roll", "scatter_nd", "space_to_batch_nd", "tile"]
