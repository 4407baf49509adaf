"""A stand-in for Terraform Cloud: the endpoints that Longshore uses, with runs of the real terraform.

Documents and states follow HashiCorp's API documentation and its client go-tfe (docs/decisions.md lists the pages).
"""
