output "policy_arns" {
  description = "The policies of a releaser, all of which it needs: by releaser, tasks-1, tasks-2, ..., the names of which are <application>-<environment>-releaser, <application>-<environment>-releaser-tasks-1, ..."
  value       = { for part, policy in aws_iam_policy.this : part => policy.arn }
}

output "role_arns" {
  description = "The roles of pipelines, by github and gitlab; empty where there are none."
  value       = { for name, role in aws_iam_role.this : name => role.arn }
}
