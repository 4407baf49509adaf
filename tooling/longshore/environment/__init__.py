"""An environment, and how it is reached."""
