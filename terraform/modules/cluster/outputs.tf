output "name" {
  description = "The name of the cluster."
  value       = var.existing_name == null ? one(aws_ecs_cluster.this[*].name) : one(data.aws_ecs_cluster.existing[*].cluster_name)
}

output "arn" {
  description = "The ARN of the cluster."
  value       = var.existing_name == null ? one(aws_ecs_cluster.this[*].arn) : one(data.aws_ecs_cluster.existing[*].arn)
}
