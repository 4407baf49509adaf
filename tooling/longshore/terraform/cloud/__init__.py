"""Terraform Cloud (HCP Terraform): its API, its workspaces and runs, and the driver that uses them."""
