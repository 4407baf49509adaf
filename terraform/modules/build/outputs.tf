output "name" {
  description = "The name of the project, and of its role."
  value       = aws_codebuild_project.this.name
}

output "arn" {
  description = "The ARN of the project."
  value       = local.project_arn
}

output "role_arn" {
  description = "The ARN of the role of the builds."
  value       = aws_iam_role.this.arn
}

output "log_group" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "secret_arns" {
  description = "The secrets of Secrets Manager that are looked up: whoever plans this module must be allowed to describe them."
  value       = local.secret_arns
}
