"""``tensorflow.python.client.timeline``."""

from static.timeline import Timeline as Timeline
