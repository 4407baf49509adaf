output "name" {
  description = "Name of the CodeBuild project and of its service role."
  value       = aws_codebuild_project.this.name
}

output "arn" {
  description = "ARN of the CodeBuild project."
  value       = local.project_arn
}

output "role_arn" {
  description = "ARN of the service role of the builds."
  value       = aws_iam_role.this.arn
}

output "log_group" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "secret_arns" {
  description = "ARNs of the Secrets Manager secrets that are looked up by name: the caller of `terraform plan` needs secretsmanager:DescribeSecret on them."
  value       = local.secret_arns
}
