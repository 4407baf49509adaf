"""An environment, and how to reach it."""
