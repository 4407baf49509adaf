output "policy_arns" {
  description = "The policies of a releaser, all of which it needs: by releaser, tasks-1, tasks-2, ..., the names of which are <application>-<environment>-releaser, <application>-<environment>-releaser-tasks-1, ..."
  value       = { for part, policy in aws_iam_policy.this : part => policy.arn }
}
