variable "environment" {
  description = "Environment variables of all containers. An entry of the same name in a service or task takes precedence."
  type        = map(string)
  default     = {}
}

variable "secrets" {
  description = "Secrets of all containers, as references: ssm:/path, ssm:name, secretsmanager:name[:json-key[:stage[:version]]] or the full ARN of either. An entry of the same name in a service or task takes precedence."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for reference in values(var.secrets) : can(regex("^(ssm:(/[A-Za-z0-9_./-]+|[A-Za-z0-9_.-]+)|arn:[a-z-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9_./-]+|(secretsmanager:[A-Za-z0-9/_+=.@!-]+|arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]+-[A-Za-z0-9]{6})(:[^:]+|:[^:]*:[^:]*(:[A-Za-z0-9-]*)?)?)$", reference))])
    error_message = "secrets must contain references, not values: ssm:/path, ssm:name, secretsmanager:name[:json-key[:stage[:version]]] or the full ARN of either."
  }
}

variable "secrets_kms_key_arns" {
  description = "ARNs of the customer managed KMS keys that encrypt secrets; the task execution roles may decrypt with them."
  type        = set(string)
  default     = []
}

variable "variables" {
  description = "ECS_ variables, for teams migrating from a build project that passed them to containers: ECS_RAILS_ENV reaches every container as RAILS_ENV. An entry of the same name in environment takes precedence."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.variables) : can(regex("^ECS_.", name))])
    error_message = "variables must contain only names that start with ECS_, not: ${join(", ", [for name in keys(var.variables) : name if !can(regex("^ECS_.", name))])}. Settings of the build belong in build_args of the image in invoke.yaml."
  }

  validation {
    condition     = length(setintersection(keys(var.variables), local.set_by_ecs)) == 0
    error_message = "variables must not contain ${join(", ", local.set_by_ecs)}: ECS sets them in every container."
  }
}

variable "not_secret" {
  description = "Names in environment and variables (without the prefix ECS_) that look like secrets, by name or by value, but are not."
  type        = set(string)
  default     = []

  # Checked here, not at each map, so that one message names all of them, each with its path.
  validation {
    condition     = alltrue([for name in values(module.plaintext.suspects) : contains(var.not_secret, name)])
    error_message = "These look like secrets: ${join(", ", [for path, name in module.plaintext.suspects : path if !contains(var.not_secret, name)])}. Move them to secrets, as references (ssm: or secretsmanager:), or list the names in not_secret."
  }
}
