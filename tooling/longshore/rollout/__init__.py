"""Moves services, migrates and verifies; takes clients as arguments, and knows no environment."""
