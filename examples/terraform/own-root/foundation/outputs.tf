output "repository_url" {
  description = "URL of the ECR repository."
  value       = aws_ecr_repository.app.repository_url
}

output "ledger" {
  description = "Name of the DynamoDB table of the releases."
  value       = aws_dynamodb_table.releases.name
}
