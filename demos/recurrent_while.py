"""The recurrent net of ``recurrent.py``, with ``tf.while_loop`` in static: ``diptych compare demos/recurrent_while.py``."""

from functools import partial

from recurrent import dynamic_program as dynamic_program, setup as setup, static_program as static_with


static_program = partial(static_with, form="while")
