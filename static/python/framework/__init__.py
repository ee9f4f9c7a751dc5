"""``tensorflow.python.framework``."""

from static import dtypes as dtypes, errors as errors
from static.python.framework import ops as ops
