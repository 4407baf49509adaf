locals {
  # Issuer, audience and subject of the tokens that may assume a role. The form of the subject is that of the service
  # ("OpenID Connect reference" of GitHub Actions; "OpenID Connect (OIDC) Authentication Using ID Tokens" of GitLab).
  pipelines = merge(
    {
      for github in var.github[*] : "github" => {
        issuer   = github.issuer
        audience = github.audience
        subject  = "repo:${github.repository}:environment:${github.environment}"
        provider = github.oidc_provider
      }
    },
    {
      for gitlab in var.gitlab[*] : "gitlab" => {
        issuer   = gitlab.issuer
        audience = coalesce(gitlab.audience, "https://${gitlab.issuer}")
        subject  = "project_path:${gitlab.project}:ref_type:branch:ref:${gitlab.branch}"
        provider = gitlab.oidc_provider
      }
    },
  )

  looked_up    = { for name, pipeline in local.pipelines : name => pipeline.issuer if pipeline.provider == null }
  role_names   = { for name in keys(local.pipelines) : name => "${local.prefix}-releaser-${name}" }
  role_arns    = [for name in values(local.role_names) : "arn:${local.partition}:iam::${local.account_id}:role${var.path}${name}"]
  provider_arn = "arn:${local.partition}:iam::${local.account_id}:oidc-provider"

  # Every policy for every role. The keys are known during the plan, before anything is created.
  attachments = merge([
    for name in keys(local.pipelines) : { for policy in keys(local.names) : "${name}-${policy}" => { role = name, policy = policy } }
  ]...)
}

data "aws_iam_openid_connect_provider" "this" {
  for_each = local.looked_up

  url = "https://${each.value}"
}

data "aws_iam_policy_document" "trust" {
  for_each = local.pipelines

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [each.value.provider == null ? data.aws_iam_openid_connect_provider.this[each.key].arn : each.value.provider.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${each.value.issuer}:aud"
      values   = [each.value.audience]
    }

    # StringEquals, never StringLike: one repository and environment, or one project and branch.
    condition {
      test     = "StringEquals"
      variable = "${each.value.issuer}:sub"
      values   = [each.value.subject]
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = local.role_names

  name                 = each.value
  description          = "Releases ${local.prefix}, for ${local.pipelines[each.key].subject}"
  path                 = var.path
  permissions_boundary = var.permissions_boundary
  max_session_duration = var.max_session_duration
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json

  tags = var.tags

  lifecycle {
    precondition {
      condition     = length(each.value) <= 64
      error_message = "The role name ${each.value} has more than the 64 characters that IAM allows: shorten application or environment_name."
    }
  }
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.attachments

  role       = aws_iam_role.this[each.value.role].name
  policy_arn = aws_iam_policy.this[each.value.policy].arn
}
