"""A release in progress, and what it does step by step."""
