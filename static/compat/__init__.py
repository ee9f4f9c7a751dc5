"""What TensorFlow keeps for programs of other versions: ``tf.compat.v1`` is ``static`` itself."""

import static as v1


def disable_v2_behavior() -> None:
    """Nothing: graphs and sessions are all there is. Programs that were carried over to TensorFlow 2 begin with it."""


def disable_eager_execution() -> None:
    """Nothing, as ``disable_v2_behavior``."""


__all__ = ["disable_eager_execution", "disable_v2_behavior", "v1"]
