output "name" {
  description = "The name of the service."
  value       = aws_ecs_service.this.name
}

output "task_definition" {
  description = "The ARN of the revision registered last; which one runs is for the release to say."
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
  description = "The least healthy tasks during a roll-out, in percent of the count."
  value       = aws_ecs_service.this.deployment_minimum_healthy_percent
}

output "maximum_percent" {
  description = "The most tasks during a roll-out, in percent of the count."
  value       = aws_ecs_service.this.deployment_maximum_percent
}

output "autoscaled" {
  description = "Whether autoscaling sets the count."
  value       = var.autoscaling != null
}

output "min_capacity" {
  description = "The count that autoscaling shall not go below, which a release sets; null if nothing scales the service."
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
