"""A run in progress, and its steps."""
