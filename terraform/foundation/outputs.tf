output "repositories" {
  description = "Name, ARN and URL of the ECR repository of each image, keyed by the name of the image."
  value       = module.registry.repositories
}

output "ledger" {
  description = "The name of the table that records the releases."
  value       = module.ledger.table
}

output "build_project" {
  description = "The name of the project that builds the images; null if there is none."
  value       = one(values(module.build)[*].name)
}
