"""Data and other helpers beside the tensors themselves."""
