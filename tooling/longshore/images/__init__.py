"""Versions, and the images that are built, pushed and tagged with them."""
