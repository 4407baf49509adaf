"""Terraform, run here or on Terraform Cloud, and what is read from its plans."""
