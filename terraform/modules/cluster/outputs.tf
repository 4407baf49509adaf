output "name" {
  description = "The name of the cluster."
  # Whoever names a capacity provider in a strategy needs it in the cluster: before it is made, and until it is gone.
  depends_on = [aws_ecs_cluster_capacity_providers.this]
  value      = var.existing_name == null ? one(aws_ecs_cluster.this[*].name) : one(data.aws_ecs_cluster.existing[*].cluster_name)
}

output "arn" {
  description = "ARN of the cluster."
  depends_on  = [aws_ecs_cluster_capacity_providers.this]
  value       = var.existing_name == null ? one(aws_ecs_cluster.this[*].arn) : one(data.aws_ecs_cluster.existing[*].arn)
}
