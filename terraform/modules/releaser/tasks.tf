locals {
  kinds = {
    for part, tasks in local.parts : part => {
      for kind in ["service", "migration", "schedule"] : kind => [for task in tasks : task if task.kind == kind]
    }
  }
}

# Permissions on the services, the migration and the scheduled tasks. permissions.toml has the reason for every action.
data "aws_iam_policy_document" "tasks" {
  for_each = local.parts

  statement {
    sid       = "TagRevisions"
    actions   = ["ecs:TagResource"]
    resources = [for task in each.value : "${local.arn.ecs}:task-definition/${task.family}:*"]

    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RegisterTaskDefinition"]
    }
  }

  statement {
    sid       = "PassRolesToTasks"
    actions   = ["iam:PassRole"]
    resources = flatten([for task in each.value : [task.execution_role_arn, task.task_role_arn]])

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  statement {
    sid       = "ReadRoles"
    actions   = local.role_reads
    resources = flatten([for task in each.value : concat([task.execution_role_arn, task.task_role_arn], task.events_role_arn[*])])
  }

  statement {
    sid       = "ReadLogs"
    actions   = ["logs:GetLogEvents"]
    resources = [for task in each.value : "${local.arn.logs}:log-group:${task.log_group}:log-stream:*"]
  }

  statement {
    sid       = "ReadLogGroups"
    actions   = ["logs:ListTagsForResource"]
    resources = [for task in each.value : "${local.arn.logs}:log-group:${task.log_group}"]
  }

  dynamic "statement" {
    for_each = length(local.kinds[each.key].service) > 0 ? [local.kinds[each.key].service] : []

    content {
      sid       = "MoveServices"
      actions   = ["ecs:DescribeServices", "ecs:ListServiceDeployments", "ecs:UpdateService"]
      resources = [for service in statement.value : "${local.arn.ecs}:service/${local.cluster}/${service.family}"]
    }
  }

  dynamic "statement" {
    for_each = length(local.kinds[each.key].service) > 0 ? [local.kinds[each.key].service] : []

    content {
      sid = "JudgeDeployments"
      actions = [
        "ecs:ContinueServiceDeployment",
        "ecs:DescribeServiceDeployments",
        "ecs:StopServiceDeployment",
      ]
      resources = flatten([
        for service in statement.value : [
          "${local.arn.ecs}:service/${local.cluster}/${service.family}",
          "${local.arn.ecs}:service-deployment/${local.cluster}/${service.family}/*",
        ]
      ])
    }
  }

  dynamic "statement" {
    for_each = length(local.kinds[each.key].migration) > 0 ? [local.kinds[each.key].migration] : []

    content {
      sid       = "RunMigration"
      actions   = ["ecs:RunTask"]
      resources = [for migration in statement.value : "${local.arn.ecs}:task-definition/${migration.family}:*"]

      condition {
        test     = "ArnEquals"
        variable = "ecs:cluster"
        values   = [var.cluster_arn]
      }
    }
  }

  dynamic "statement" {
    for_each = length(local.kinds[each.key].schedule) > 0 ? [local.kinds[each.key].schedule] : []

    content {
      sid       = "MoveSchedules"
      actions   = ["events:DescribeRule", "events:DisableRule", "events:EnableRule", "events:ListTagsForResource", "events:ListTargetsByRule", "events:PutTargets"]
      resources = [for schedule in statement.value : "${local.arn.events}:rule/${schedule.family}"]
    }
  }

  dynamic "statement" {
    for_each = length(local.kinds[each.key].schedule) > 0 ? [local.kinds[each.key].schedule] : []

    content {
      sid       = "PassRolesToSchedules"
      actions   = ["iam:PassRole"]
      resources = [for schedule in statement.value : schedule.events_role_arn]

      condition {
        test     = "StringEquals"
        variable = "iam:PassedToService"
        values   = ["events.amazonaws.com"]
      }
    }
  }
}
