"""Generates the tables of inputs and outputs in the READMEs of Terraform's stacks and modules: ``make readmes``."""
