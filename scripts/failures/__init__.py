"""Writes docs/failures.md, the page of Longshore's promises, from docs/failures.toml: ``make failures``."""
