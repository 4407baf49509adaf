locals {
  # plain:TEXT, ssm:/PATH, secretsmanager:NAME[:JSON-KEY].
  plain = { for name, value in var.environment : name => trimprefix(value, "plain:") if startswith(value, "plain:") }
  parameters = {
    for name, value in var.environment : name => trimprefix(value, "ssm:")
    if can(regex("^ssm:/[A-Za-z0-9_./-]+$", value))
  }
  entries = {
    for name, value in var.environment :
    name => regex("^secretsmanager:(?P<name>[A-Za-z0-9/_+=.@-]+)(?P<key>:[^:]+)?$", value)
    if can(regex("^secretsmanager:[A-Za-z0-9/_+=.@-]+(:[^:]+)?$", value))
  }

  variables = merge(
    { for name, value in local.plain : name => { type = "PLAINTEXT", value = value } },
    { for name, path in local.parameters : name => { type = "PARAMETER_STORE", value = path } },
    {
      for name, entry in local.entries : name => {
        type  = "SECRETS_MANAGER"
        value = "${entry.name}${entry.key == null ? "" : entry.key}"
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
  for_each = toset([for entry in values(local.entries) : entry.name])

  name = each.key
}
