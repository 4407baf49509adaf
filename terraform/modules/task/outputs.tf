output "task_definition" {
  description = "ARN of the latest revision of the task definition."
  value       = module.definition.arn
}

output "container" {
  description = "Name of the main container."
  value       = module.definition.container
}

output "log_group" {
  description = "Name of the log group."
  value       = module.definition.log_group
}

output "launch" {
  description = "Parameters for starting the task: launch type, capacity provider strategy and, for network mode awsvpc, the network configuration."
  value = {
    type                       = module.definition.launch_type
    capacity_provider_strategy = var.capacity_provider_strategy
    subnets                    = local.networked ? var.network.subnets : []
    security_groups            = local.networked ? var.network.security_groups : []
    assign_public_ip           = local.networked && var.network.assign_public_ip
  }
}

output "rule" {
  description = "Name of the EventBridge rule; null for a task without a schedule."
  value       = one(aws_cloudwatch_event_rule.this[*].name)
}

output "target_id" {
  description = "ID of the rule's target; null for a task without a schedule."
  value       = one(aws_cloudwatch_event_target.this[*].target_id)
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

output "family" {
  description = "Family of the task definition; also the name of the rule and the ID of its target."
  value       = module.definition.family
}

output "events_role_arn" {
  description = "ARN of the role with which the rule starts the task; null for a task without a schedule."
  value       = one(aws_iam_role.events[*].arn)
}
