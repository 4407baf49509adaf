locals {
  secrets = {
    for name, c in local.containers : name => {
      for key, reference in merge({ for k, v in var.shared.secrets : k => v if !contains(keys(c.environment), k) }, c.secrets) :
      key => reference if reference != null
    }
  }

  references = toset(flatten([for secrets in values(local.secrets) : values(secrets)]))
  # A secret that RDS manages has a "!" in its name. A full ARN names another region or account, too; that of a secret
  # ends in six random characters, without which the policy of the execution role would not match.
  parameters = [
    for r in local.references : r
    if can(regex("^(ssm:(/[A-Za-z0-9_./-]+|[A-Za-z0-9_.-]+)|arn:[a-z-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9_./-]+)$", r))
  ]
  secret = "^(?:secretsmanager:(?P<name>[A-Za-z0-9/_+=.@!-]+)|(?P<arn>arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]+-[A-Za-z0-9]{6}))(?P<part>:[^:]+|:[^:]*:[^:]*(?::[A-Za-z0-9-]*)?)?$"
  entries = {
    for r in local.references : r => merge(regex(local.secret, r), {
      # ECS needs all three: JSON key, stage and version.
      part = join(":", slice(concat(split(":", try(coalesce(regex(local.secret, r).part), "")), ["", "", "", ""]), 0, 4))
    })
    if can(regex(local.secret, r))
  }

  # Reports names only: a value put there by mistake may be the secret itself.
  malformed = flatten([
    for name, secrets in local.secrets : [
      for key, reference in secrets : "${name}.secrets.${key}"
      if !contains(local.parameters, reference) && !contains(keys(local.entries), reference)
    ]
  ])

  # The ARN of a parameter is built from its name, because the data source would write its value into the state. The ARN
  # of a secret ends in six random characters; its data source does not read the value.
  value_from = merge(
    { for r in local.references : r => r },
    {
      for r in local.parameters :
      r => startswith(r, "arn:") ? r : "${local.own_arns.parameter}/${trimprefix(trimprefix(r, "ssm:"), "/")}"
    },
    { for r, entry in local.entries : r => "${local.entry_arns[r]}${entry.part == ":::" ? "" : entry.part}" },
  )

  entry_arns = { for r, entry in local.entries : r => entry.arn == null ? data.aws_secretsmanager_secret.this[entry.name].arn : entry.arn }
}

data "aws_secretsmanager_secret" "this" {
  for_each = toset([for entry in values(local.entries) : entry.name if entry.arn == null])

  name = each.key
}
