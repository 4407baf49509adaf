output "arn" {
  description = "ARN of the latest revision of the task definition."
  # Tasks of this revision need these permissions.
  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.execute_command, aws_iam_role_policy_attachment.task]
  value      = aws_ecs_task_definition.this.arn
}

output "family" {
  description = "Family of the task definition."
  value       = local.family
}

output "container" {
  description = "Name of the main container."
  value       = var.name
}

output "containers" {
  description = "Name of the image of each container, keyed by the name of the container."
  value       = { for name, c in local.containers : name => c.image }
}

output "port" {
  description = "Port of the main container; null if it has none."
  value       = var.task.container_port == 0 ? null : var.task.container_port
}

output "launch_type" {
  description = "Launch type of the task: EC2 or FARGATE."
  value       = var.task.launch_type
}

output "execute_command" {
  description = "Whether ECS Exec is enabled."
  value       = var.task.execute_command
}

output "network_mode" {
  description = "Network mode of the task: bridge, awsvpc or host."
  value       = local.network_mode
}

output "log_group" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "execution_role_arn" {
  description = "ARN of the task execution role."
  value       = local.execution_role_arn
}

output "task_role_arn" {
  description = "ARN of the task role, which the application's containers assume."
  value       = local.task_role_arn
}

output "secret_arns" {
  description = "ARNs of the Secrets Manager secrets that are looked up by name: the caller of `terraform plan` needs secretsmanager:DescribeSecret on them."
  value       = sort([for secret in data.aws_secretsmanager_secret.this : secret.arn])
}
