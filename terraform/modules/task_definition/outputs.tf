output "arn" {
  description = "The ARN of the revision registered last."
  # Whoever uses it needs the permissions that stand beside it.
  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.execute_command, aws_iam_role_policy_attachment.task]
  value      = aws_ecs_task_definition.this.arn
}

output "family" {
  description = "The family."
  value       = local.family
}

output "container" {
  description = "The name of the main container."
  value       = var.name
}

output "containers" {
  description = "The image of each container: name of the container => name of the image."
  value       = { for name, c in local.containers : name => c.image }
}

output "port" {
  description = "The port of the main container; null if it has none."
  value       = var.task.container_port == 0 ? null : var.task.container_port
}

output "launch_type" {
  description = "EC2 or FARGATE."
  value       = var.task.launch_type
}

output "execute_command" {
  description = "Whether ECS Exec may be used."
  value       = var.task.execute_command
}

output "network_mode" {
  description = "bridge, awsvpc or host."
  value       = local.network_mode
}

output "log_group" {
  description = "The name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "execution_role_arn" {
  description = "The ARN of the role that starts the tasks."
  value       = local.execution_role_arn
}

output "task_role_arn" {
  description = "The ARN of the application's role."
  value       = local.task_role_arn
}

output "secret_arns" {
  description = "The secrets of Secrets Manager that are looked up by their names: whoever plans must be allowed to describe them."
  value       = sort([for secret in data.aws_secretsmanager_secret.this : secret.arn])
}
