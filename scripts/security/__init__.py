"""`make check-security`: checkov over all Terraform, of which nothing is let through without a reason."""
