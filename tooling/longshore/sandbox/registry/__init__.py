"""ECR, and the real registry behind it."""
