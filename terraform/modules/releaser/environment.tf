# Permissions that every release needs. permissions.toml has the reason for every action.
data "aws_iam_policy_document" "environment" {
  statement {
    sid       = "LogInToRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "PushAndReadImages"
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:DescribeImages",
      "ecr:DescribeRepositories",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:ListImages",
      "ecr:ListTagsForResource",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = sort(var.repository_arns)
  }

  statement {
    sid       = "RegisterRevisions"
    actions   = ["ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"]
    resources = ["*"]
  }

  statement {
    sid       = "ReadCluster"
    actions   = ["ecs:DescribeClusters"]
    resources = [var.cluster_arn]
  }

  statement {
    sid       = "ReadTasks"
    actions   = ["ecs:DescribeTasks"]
    resources = ["${local.arn.ecs}:task/${local.cluster}/*"]
  }

  statement {
    sid       = "ListTasks"
    actions   = ["ecs:ListTasks"]
    resources = ["*"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [var.cluster_arn]
    }
  }

  statement {
    sid       = "KeepRecords"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]
    resources = ["${local.arn.dynamodb}:table/${var.application}-releases"]
  }

  statement {
    sid       = "RecordTag"
    actions   = ["ssm:GetParameter", "ssm:ListTagsForResource", "ssm:PutParameter"]
    resources = [local.parameter]
  }

  statement {
    sid = "FindWhatIsRead"
    actions = [
      "cloudwatch:DescribeAlarms",
      "elasticloadbalancing:DescribeTargetGroupAttributes",
      "elasticloadbalancing:DescribeTargetGroups",
      "elasticloadbalancing:DescribeTargetHealth",
      "logs:DescribeLogGroups",
      "ssm:DescribeParameters",
    ]
    resources = ["*"]
  }

  statement {
    sid = "Build"
    actions = [
      "codebuild:BatchGetBuilds",
      "codebuild:BatchGetProjects",
      "codebuild:ListBuildsForProject",
      "codebuild:StartBuild",
      "codebuild:StopBuild",
    ]
    resources = [for project in local.projects : "${local.arn.codebuild}:project/${project}"]
  }

  statement {
    sid       = "ReadBuildLogs"
    actions   = ["logs:GetLogEvents"]
    resources = [for project in local.projects : "${local.arn.logs}:log-group:/aws/codebuild/${project}:log-stream:*"]
  }

  statement {
    sid       = "ReadLogGroupOfReleases"
    actions   = ["logs:ListTagsForResource"]
    resources = ["${local.arn.logs}:log-group:/aws/codebuild/${local.prefix}-release"]
  }

  statement {
    sid       = "ReadRoleOfReleases"
    actions   = local.role_reads
    resources = ["arn:${local.partition}:iam::${local.account_id}:role${var.path}${local.prefix}-release"]
  }

  statement {
    sid       = "ReadTheseRules"
    actions   = ["iam:GetPolicy", "iam:GetPolicyVersion"]
    resources = [for name in values(local.names) : "arn:${local.partition}:iam::${local.account_id}:policy${var.path}${name}"]
  }

  dynamic "statement" {
    for_each = local.optional

    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources

      dynamic "condition" {
        for_each = statement.value.condition[*]

        content {
          test     = condition.value.test
          variable = condition.value.variable
          values   = condition.value.values
        }
      }
    }
  }
}
