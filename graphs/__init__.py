"""The op and kernel layer that both front-ends share."""

import warnings


# What numpy has to say of 0/0 and overflow in a kernel is not for the user of either framework: the result is NaN or
# infinite. A filter costs nothing where nothing is wrong, numpy.errstate 0.7 µs at every op.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"(graphs|dynamic)\.")
