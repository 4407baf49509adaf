"""Terraform: drivers for this machine and Terraform Cloud, plans and their gate, and variable files."""
