"""``theano.gof``: where programs find the error for a missing input."""

from static.theano.errors import MissingInputError as MissingInputError, UnusedInputError as UnusedInputError
