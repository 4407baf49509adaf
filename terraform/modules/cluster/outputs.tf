output "name" {
  description = "Name of the cluster."
  # A service with a capacity provider strategy needs the providers in its cluster from its creation to its deletion.
  depends_on = [aws_ecs_cluster_capacity_providers.this]
  value      = var.existing_name == null ? one(aws_ecs_cluster.this[*].name) : one(data.aws_ecs_cluster.existing[*].cluster_name)
}

output "arn" {
  description = "ARN of the cluster."
  depends_on  = [aws_ecs_cluster_capacity_providers.this]
  value       = var.existing_name == null ? one(aws_ecs_cluster.this[*].arn) : one(data.aws_ecs_cluster.existing[*].arn)
}
