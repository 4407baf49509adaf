"""ECR, and the registry behind it."""
