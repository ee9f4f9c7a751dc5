"""``tensorflow.python.client``."""

from static.python.client import timeline as timeline
