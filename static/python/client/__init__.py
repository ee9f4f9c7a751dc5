"""``tensorflow.python.client``."""

from static.python.client import device_lib as device_lib, timeline as timeline
