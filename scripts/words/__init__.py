"""Reads every text that a person reads for words that the style guide (docs/style.md) rules out."""
