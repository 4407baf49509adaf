locals {
  execution_role_arn = one(concat(aws_iam_role.execution[*].arn, var.task.execution_role[*].arn))
  task_role_arn      = one(concat(aws_iam_role.task[*].arn, var.task.task_role[*].arn))

  own_arns = {
    parameter = "arn:${local.partition}:ssm:${local.region}:${local.account_id}:parameter"
    secret    = "arn:${local.partition}:secretsmanager:${local.region}:${local.account_id}:secret:"
  }

  # The policy covers all secrets under the environment's path: a new one there changes only the task definition. Secrets
  # in other paths are listed one by one.
  secret_arns = concat(
    [
      "${local.own_arns.parameter}${local.namespace}/*",
      "${local.own_arns.secret}${local.namespace}/*",
      "${local.own_arns.secret}${trimprefix(local.namespace, "/")}/*",
    ],
    sort([for r in local.parameters : local.value_from[r] if !startswith(local.value_from[r], "${local.own_arns.parameter}${local.namespace}/")]),
    sort(distinct([
      for arn in values(local.entry_arns) : arn
      if !startswith(arn, "${local.own_arns.secret}${local.namespace}/") && !startswith(arn, "${local.own_arns.secret}${trimprefix(local.namespace, "/")}/")
    ])),
  )
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

data "aws_iam_policy_document" "execution" {
  statement {
    sid       = "LogInToRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid       = "PullImages"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = sort(distinct([for c in values(local.containers) : var.shared.repositories[c.image].arn]))
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  statement {
    sid       = "ReadSecrets"
    actions   = ["secretsmanager:GetSecretValue", "ssm:GetParameters"]
    resources = local.secret_arns
  }

  dynamic "statement" {
    for_each = length(var.shared.secrets_kms_key_arns) > 0 ? [true] : []

    content {
      sid       = "DecryptSecrets"
      actions   = ["kms:Decrypt"]
      resources = sort(var.shared.secrets_kms_key_arns)
    }
  }
}

resource "aws_iam_role" "execution" {
  count = var.task.execution_role == null ? 1 : 0

  name                 = "${local.family}-execution"
  description          = "Starts the tasks of ${local.family}: pulls images, writes logs, reads secrets"
  path                 = var.path
  permissions_boundary = var.permissions_boundary
  assume_role_policy   = data.aws_iam_policy_document.trust.json

  tags = var.tags
}

resource "aws_iam_role_policy" "execution" {
  count = var.task.execution_role == null ? 1 : 0

  name   = "execution"
  role   = aws_iam_role.execution[0].name
  policy = data.aws_iam_policy_document.execution.json
}

resource "aws_iam_role" "task" {
  count = var.task.task_role == null ? 1 : 0

  name                 = "${local.family}-task"
  description          = "Task role of the application in ${local.family}"
  path                 = var.path
  permissions_boundary = var.permissions_boundary
  assume_role_policy   = data.aws_iam_policy_document.trust.json

  tags = var.tags
}

resource "aws_iam_role_policy_attachment" "task" {
  for_each = merge({ for arn in var.task.policy_arns : arn => arn }, { for name, arn in var.task.policies : "name:${name}" => arn })

  role       = aws_iam_role.task[0].name
  policy_arn = each.value
}

# ECS Exec: the SSM agent in the task opens channels to Session Manager. These actions do not support resource-level
# permissions (Service Authorization Reference, Amazon Message Gateway Service).
data "aws_iam_policy_document" "execute_command" {
  statement {
    sid = "OpenChannels"
    actions = [
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"]
  }

  dynamic "statement" {
    for_each = var.shared.execute_command_kms_key_arn[*]

    content {
      sid       = "DecryptSessions"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "execute_command" {
  count = var.task.execute_command && var.task.task_role == null ? 1 : 0

  name   = "execute-command"
  role   = aws_iam_role.task[0].name
  policy = data.aws_iam_policy_document.execute_command.json
}
