"""`make check-security`: runs checkov over all Terraform, and accepts no skip without a reason."""
