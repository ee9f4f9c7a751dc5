"""Handwritten digits, as the tutorials read them."""
