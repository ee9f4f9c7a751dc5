"""``theano.sandbox.rng_mrg``: random streams like the shared ones; Theano's generator of this name is not reproduced."""

from static.theano.tensor.shared_randomstreams import RandomStreams


class MRG_RandomStreams(RandomStreams):  # noqa: N801 (Theano's name)
    """Random variables, each with a seed of its own drawn from ``seed``."""

    def __init__(self, seed: int = 12345, use_cuda: object = None) -> None:
        super().__init__(seed)
