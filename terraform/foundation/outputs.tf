output "repositories" {
  description = "Name, ARN and URL of the ECR repository of each image, keyed by the name of the image."
  value       = module.registry.repositories
}

output "ledger" {
  description = "Name of the DynamoDB table that records the releases."
  value       = module.ledger.table
}

output "build_project" {
  description = "Name of the CodeBuild project that builds the images; null if there is none."
  value       = one(values(module.build)[*].name)
}
