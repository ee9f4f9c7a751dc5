"""``tf.version``: which TensorFlow's names these are."""

from static.facts import COMPILER_VERSION, GIT_VERSION, GRAPH_DEF_VERSION, VERSION


__all__ = ["COMPILER_VERSION", "GIT_VERSION", "GRAPH_DEF_VERSION", "VERSION"]
