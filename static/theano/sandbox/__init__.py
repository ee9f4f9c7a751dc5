"""``theano.sandbox``: the other random streams."""

from static.theano.sandbox import rng_mrg as rng_mrg
