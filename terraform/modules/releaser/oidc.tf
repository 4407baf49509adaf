locals {
  # Who may take a role, by the place where its pipelines run. The subjects are those that the two write into a token
  # ("OpenID Connect reference" of GitHub Actions; "OpenID Connect (OIDC) Authentication Using ID Tokens" of GitLab).
  pipelines = merge(
    {
      for given in var.github[*] : "github" => {
        issuer   = given.issuer
        audience = given.audience
        subject  = "repo:${given.repository}:environment:${given.environment}"
        provider = given.oidc_provider
      }
    },
    {
      for given in var.gitlab[*] : "gitlab" => {
        issuer   = given.issuer
        audience = coalesce(given.audience, "https://${given.issuer}")
        subject  = "project_path:${given.project}:ref_type:branch:ref:${given.branch}"
        provider = given.oidc_provider
      }
    },
  )

  looked_up    = { for name, pipeline in local.pipelines : name => pipeline.issuer if pipeline.provider == null }
  role_names   = { for name in keys(local.pipelines) : name => "${local.prefix}-releaser-${name}" }
  role_arns    = [for name in values(local.role_names) : "arn:${local.partition}:iam::${local.account_id}:role${var.path}${name}"]
  provider_arn = "arn:${local.partition}:iam::${local.account_id}:oidc-provider"

  # So many policies for each role; both names are known before anything is made.
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

    # Equal, never like: one repository and environment, or one project and branch.
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
      error_message = "The name ${each.value} must fit into the 64 characters of an IAM role's name: shorten application or environment_name."
    }
  }
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.attachments

  role       = aws_iam_role.this[each.value.role].name
  policy_arn = aws_iam_policy.this[each.value.policy].arn
}
