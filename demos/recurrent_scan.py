"""The recurrent net of ``recurrent.py``, its static form with ``tf.scan``: ``diptych compare demos/recurrent_scan.py``."""

from functools import partial

from recurrent import dynamic_program as dynamic_program, setup as setup, static_program as static_with


static_program = partial(static_with, form="scan")
