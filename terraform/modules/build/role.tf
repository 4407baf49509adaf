locals {
  parameter_arns = sort(distinct([
    for path in values(local.parameters) : "arn:${local.partition}:ssm:${local.region}:${local.account_id}:parameter/${trimprefix(path, "/")}"
  ]))
  secret_arns = sort(distinct([
    for entry in values(local.entries) : entry.arn == null ? data.aws_secretsmanager_secret.this[entry.name].arn : entry.arn
  ]))

  # Permissions to read the source, by its type; a public repository and NO_SOURCE need none.
  source_reads = concat(
    [
      for match in regexall("^https://git-codecommit[.]([a-z0-9-]+)[.]amazonaws[.]com(?:[.]cn)?/v1/repos/(.+)$", coalesce(var.source_code.location, "-")) : {
        sid       = "PullSource"
        actions   = ["codecommit:GitPull"]
        resources = ["arn:${local.partition}:codecommit:${match[0]}:${local.account_id}:${match[1]}"]
      } if var.source_code.type == "CODECOMMIT"
    ],
    [
      for match in regexall("^([^/]+)/.+$", coalesce(var.source_code.location, "-")) : {
        sid       = "ReadSource"
        actions   = ["s3:GetObject", "s3:GetObjectVersion"]
        resources = ["arn:${local.partition}:s3:::${var.source_code.location}"]
      } if var.source_code.type == "S3"
    ],
    [
      for match in regexall("^([^/]+)/.+$", coalesce(var.source_code.location, "-")) : {
        sid       = "FindSource"
        actions   = ["s3:GetBucketLocation"]
        resources = ["arn:${local.partition}:s3:::${match[0]}"]
      } if var.source_code.type == "S3"
    ],
    # The service was renamed: its actions have the same prefix as the connection's ARN.
    [
      for arn in var.source_code.connection_arn[*] : {
        sid       = "UseConnection"
        actions   = ["${split(":", arn)[2]}:GetConnection", "${split(":", arn)[2]}:GetConnectionToken"]
        resources = [arn]
      }
    ],
  )
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["codebuild.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.project_arn]
    }
  }
}

# permissions.toml has the reason for every action.
data "aws_iam_policy_document" "this" {
  statement {
    sid       = "LogInToRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "PushAndPullImages"
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:DescribeImages",
      "ecr:DescribeRepositories",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = sort(var.repository_arns)
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.log_group_arn}:*"]
  }

  dynamic "statement" {
    for_each = concat(
      local.source_reads,
      [for arns in [local.parameter_arns] : { sid = "ReadParameters", actions = ["ssm:GetParameters"], resources = arns } if length(arns) > 0],
      [for arns in [local.secret_arns] : { sid = "ReadSecrets", actions = ["secretsmanager:GetSecretValue"], resources = arns } if length(arns) > 0],
      [for arns in [sort(var.secrets_kms_key_arns)] : { sid = "DecryptSecrets", actions = ["kms:Decrypt"], resources = arns } if length(arns) > 0],
    )

    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }

  dynamic "statement" {
    for_each = var.encryption_key_arn[*]

    content {
      sid       = "UseEncryptionKey"
      actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "Service role of the builds of ${var.name}"
  path                 = var.path
  permissions_boundary = var.permissions_boundary
  assume_role_policy   = data.aws_iam_policy_document.trust.json

  tags = var.tags
}

resource "aws_iam_role_policy" "this" {
  name   = "build"
  role   = aws_iam_role.this.name
  policy = data.aws_iam_policy_document.this.json
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = var.policy_arns

  role       = aws_iam_role.this.name
  policy_arn = each.value
}
