output "policy_arns" {
  description = "ARNs of the policies that a releaser needs (all of them), keyed by releaser, tasks-1, tasks-2, ... Their names are <application>-<environment>-releaser, <application>-<environment>-releaser-tasks-1, ..."
  value       = { for part, policy in aws_iam_policy.this : part => policy.arn }
}

output "role_arns" {
  description = "ARNs of the IAM roles of pipelines, keyed by github and gitlab; empty if there are none."
  value       = { for name, role in aws_iam_role.this : name => role.arn }
}
