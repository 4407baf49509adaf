data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  scheduled  = var.schedule == null ? 0 : 1
  arn_prefix = "arn:${data.aws_partition.current.partition}:ecs:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
  # Built from names: the ARN of a new revision is unknown during the plan, so that the policy would change.
  family_arn = "${local.arn_prefix}:task-definition/${module.definition.family}"
}

resource "aws_cloudwatch_event_rule" "this" {
  count = local.scheduled

  name                = module.definition.family
  description         = "Starts ${module.definition.family}"
  schedule_expression = var.schedule
  state               = "DISABLED"

  tags = var.tags

  lifecycle {
    # Before its first release, a task has no image to run: that release enables the rule.
    ignore_changes = [state]
  }
}

resource "aws_cloudwatch_event_target" "this" {
  count = local.scheduled

  rule      = aws_cloudwatch_event_rule.this[0].name
  target_id = module.definition.family
  arn       = var.cluster_arn
  role_arn  = aws_iam_role.events[0].arn

  ecs_target {
    task_definition_arn = module.definition.arn
    task_count          = 1
    launch_type         = length(var.capacity_provider_strategy) == 0 ? module.definition.launch_type : null

    dynamic "capacity_provider_strategy" {
      for_each = var.capacity_provider_strategy

      content {
        capacity_provider = capacity_provider_strategy.value.capacity_provider
        weight            = capacity_provider_strategy.value.weight
        base              = capacity_provider_strategy.value.base
      }
    }

    dynamic "network_configuration" {
      for_each = local.networked ? [var.network] : []

      content {
        subnets          = network_configuration.value.subnets
        security_groups  = network_configuration.value.security_groups
        assign_public_ip = network_configuration.value.assign_public_ip
      }
    }
  }

  lifecycle {
    # A release sets the revision that the target starts, together with the services.
    ignore_changes = [ecs_target[0].task_definition_arn]
  }
}

data "aws_iam_policy_document" "trust" {
  count = local.scheduled

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

data "aws_iam_policy_document" "events" {
  count = local.scheduled

  statement {
    sid       = "RunTask"
    actions   = ["ecs:RunTask"]
    resources = ["${local.family_arn}:*"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [var.cluster_arn]
    }
  }

  statement {
    sid       = "PassRoles"
    actions   = ["iam:PassRole"]
    resources = [module.definition.execution_role_arn, module.definition.task_role_arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "events" {
  count = local.scheduled

  name                 = "${module.definition.family}-events"
  description          = "Lets the schedule start ${module.definition.family}"
  path                 = var.path
  permissions_boundary = var.permissions_boundary
  assume_role_policy   = data.aws_iam_policy_document.trust[0].json

  tags = var.tags
}

resource "aws_iam_role_policy" "events" {
  count = local.scheduled

  name   = "events"
  role   = aws_iam_role.events[0].name
  policy = data.aws_iam_policy_document.events[0].json
}
