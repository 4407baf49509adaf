locals {
  # plain:TEXT, ssm:NAME, secretsmanager:NAME[:JSON-KEY[:STAGE[:VERSION]]]; the name of a secret may be its full ARN.
  plain = { for name, value in var.environment : name => trimprefix(value, "plain:") if startswith(value, "plain:") }
  parameters = {
    for name, value in var.environment : name => trimprefix(value, "ssm:")
    if can(regex("^ssm:(/[A-Za-z0-9_./-]+|[A-Za-z0-9_.-]+)$", value))
  }
  secret = "^secretsmanager:(?:(?P<arn>arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]+-[A-Za-z0-9]{6})|(?P<name>[A-Za-z0-9/_+=.@!-]+))(?P<part>:[^:]+|:[^:]*:[^:]*(?::[A-Za-z0-9-]*)?)?$"
  entries = {
    for name, value in var.environment :
    name => regex(local.secret, value)
    if can(regex(local.secret, value))
  }

  variables = merge(
    { for name, value in local.plain : name => { type = "PLAINTEXT", value = value } },
    { for name, path in local.parameters : name => { type = "PARAMETER_STORE", value = path } },
    {
      for name, entry in local.entries : name => {
        type  = "SECRETS_MANAGER"
        value = "${entry.arn == null ? entry.name : entry.arn}${entry.part == null ? "" : entry.part}"
      }
    },
  )
}

# Plain values are visible to everyone who may read the project or Terraform's state.
module "plaintext" {
  source = "../plaintext"

  values = { "environment." = local.plain }
}

# Read for the ARN, which ends in six random characters; the data source does not read the value.
data "aws_secretsmanager_secret" "this" {
  for_each = toset([for entry in values(local.entries) : entry.name if entry.arn == null])

  name = each.key
}
