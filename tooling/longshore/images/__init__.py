"""Versions, and the images that carry them."""
