"""Terraform Cloud (HCP Terraform): stacks whose runs are there, behind the interface of the local driver."""
