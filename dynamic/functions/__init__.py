"""PyTorch's functions over tensors, by subject; most are methods of Tensor as well (see ``METHODS`` in each module)."""
