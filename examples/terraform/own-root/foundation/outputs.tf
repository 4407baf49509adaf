output "repository_url" {
  description = "Where the images are pushed."
  value       = aws_ecr_repository.app.repository_url
}

output "ledger" {
  description = "The name of the table of the releases."
  value       = aws_dynamodb_table.releases.name
}
