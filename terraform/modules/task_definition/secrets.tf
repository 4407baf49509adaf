locals {
  secrets = {
    for name, c in local.containers : name => {
      for key, reference in merge({ for k, v in var.shared.secrets : k => v if !contains(keys(c.environment), k) }, c.secrets) :
      key => reference if reference != null
    }
  }

  references = toset(flatten([for secrets in values(local.secrets) : values(secrets)]))
  parameters = [for r in local.references : r if can(regex("^ssm:/[A-Za-z0-9_./-]+$", r))]
  entries = {
    for r in local.references :
    r => regex("^secretsmanager:(?P<name>[A-Za-z0-9/_+=.@-]+)(?::(?P<key>[^:]+))?$", r)
    if can(regex("^secretsmanager:[A-Za-z0-9/_+=.@-]+(:[^:]+)?$", r))
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
    { for r in local.parameters : r => "arn:${local.partition}:ssm:${local.region}:${local.account_id}:parameter${trimprefix(r, "ssm:")}" },
    {
      for r, entry in local.entries :
      r => "${data.aws_secretsmanager_secret.this[entry.name].arn}${entry.key == null ? "" : ":${entry.key}::"}"
    },
  )
}

data "aws_secretsmanager_secret" "this" {
  for_each = toset(values(local.entries)[*].name)

  name = each.key
}
