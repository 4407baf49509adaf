"""Prepares a machine for Longshore: ``python -m scripts.setup``."""
