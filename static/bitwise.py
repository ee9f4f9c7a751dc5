"""``tf.bitwise``: the bits of integers."""

from graphs import ops
from static.calls import binary, unary


bitwise_and = binary("bitwise_and", ops.bitwise_and)
bitwise_or = binary("bitwise_or", ops.bitwise_or)
bitwise_xor = binary("bitwise_xor", ops.bitwise_xor)
left_shift = binary("left_shift", ops.left_shift)
right_shift = binary("right_shift", ops.right_shift)
invert = unary("invert", ops.bitwise_not, "iu")

__all__ = ["bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift"]
