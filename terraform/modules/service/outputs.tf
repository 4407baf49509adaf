output "name" {
  description = "Name of the ECS service."
  value       = aws_ecs_service.this.name
}

output "task_definition" {
  description = "ARN of the latest revision of the task definition; a release chooses which revision runs."
  value       = module.definition.arn
}

output "containers" {
  description = "Name of the image of each container, keyed by the name of the container."
  value       = module.definition.containers
}

output "port" {
  description = "Port of the main container; null if it has none."
  value       = module.definition.port
}

output "log_group" {
  description = "Name of the log group."
  value       = module.definition.log_group
}

output "minimum_healthy_percent" {
  description = "Lower limit of healthy tasks during a deployment, in percent of the desired count."
  value       = aws_ecs_service.this.deployment_minimum_healthy_percent
}

output "maximum_percent" {
  description = "Upper limit of running tasks during a deployment, in percent of the desired count."
  value       = aws_ecs_service.this.deployment_maximum_percent
}

output "autoscaled" {
  description = "Whether autoscaling sets the desired count."
  value       = var.autoscaling != null
}

output "min_capacity" {
  description = "Minimum capacity of autoscaling, which a release sets; null without autoscaling."
  value       = try(var.autoscaling.minimum, null)
}

output "execution_role_arn" {
  description = "ARN of the task execution role."
  value       = module.definition.execution_role_arn
}

output "task_role_arn" {
  description = "ARN of the task role, which the application's containers assume."
  value       = module.definition.task_role_arn
}

output "secret_arns" {
  description = "ARNs of the Secrets Manager secrets that are looked up by name: the caller of `terraform plan` needs secretsmanager:DescribeSecret on them."
  value       = module.definition.secret_arns
}
