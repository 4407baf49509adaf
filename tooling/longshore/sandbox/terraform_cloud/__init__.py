"""A stand-in for Terraform Cloud: the few endpoints that Longshore uses, whose runs execute the real terraform.

Shapes and states: HashiCorp's API documentation, and its client go-tfe (docs/decisions.md says which pages).
"""
