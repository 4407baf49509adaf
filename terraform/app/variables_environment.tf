variable "environment" {
  description = "Environment variables of every container. A service's own entry of the same name wins."
  type        = map(string)
  default     = {}
}

variable "secrets" {
  description = "Secrets of every container, by reference: ssm:/path or secretsmanager:name[:json-key]. A service's own entry of the same name wins."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for reference in values(var.secrets) : can(regex("^(ssm:/[A-Za-z0-9_./-]+|secretsmanager:[A-Za-z0-9/_+=.@-]+(:[^:]+)?)$", reference))])
    error_message = "A secret is a reference, ssm:/path or secretsmanager:name[:json-key], never a value."
  }
}

variable "secrets_kms_key_arns" {
  description = "ARNs of the customer managed KMS keys that encrypt secrets; the task execution roles may decrypt with them."
  type        = set(string)
  default     = []
}

variable "variables" {
  description = "Variables of a build project, for those who come from one: ECS_RAILS_ENV reaches every container as RAILS_ENV. An entry of environment with the same name wins."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.variables) : can(regex("^ECS_.", name))])
    error_message = "Only names that begin with ECS_ reach the containers, not: ${join(", ", [for name in keys(var.variables) : name if !can(regex("^ECS_.", name))])}. Settings of the build are build_args of the image in invoke.yaml now."
  }

  validation {
    condition     = length(setintersection(keys(var.variables), local.set_by_ecs)) == 0
    error_message = "ECS itself sets ${join(", ", local.set_by_ecs)} in every container: leave them out."
  }
}

variable "not_secret" {
  description = "Names in environment and variables (there without ECS_) that look like secrets, by name or by value, and are none."
  type        = set(string)
  default     = []

  # Here and not at each map, so that all findings are shown at once, each with its path.
  validation {
    condition     = alltrue([for name in values(module.plaintext.suspects) : contains(var.not_secret, name)])
    error_message = "These look like secrets: ${join(", ", [for path, name in module.plaintext.suspects : path if !contains(var.not_secret, name)])}. Move them to secrets, as references (ssm:/path or secretsmanager:name[:json-key]), or list the names in not_secret."
  }
}
