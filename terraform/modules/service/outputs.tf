output "name" {
  description = "The name of the service."
  value       = aws_ecs_service.this.name
}

output "task_definition" {
  description = "The ARN of the revision registered last; which one runs is for the release to say."
  value       = module.definition.arn
}

output "containers" {
  description = "The image of each container: name of the container => name of the image."
  value       = module.definition.containers
}

output "port" {
  description = "The port of the main container; null if it has none."
  value       = module.definition.port
}

output "log_group" {
  description = "The name of the log group."
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
  description = "The ARN of the role that starts the tasks."
  value       = module.definition.execution_role_arn
}

output "task_role_arn" {
  description = "The ARN of the application's role."
  value       = module.definition.task_role_arn
}

output "secret_arns" {
  description = "The secrets of Secrets Manager that are looked up by their names: whoever plans must be allowed to describe them."
  value       = module.definition.secret_arns
}
