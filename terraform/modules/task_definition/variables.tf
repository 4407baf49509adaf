variable "application" {
  description = "Name of the application."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.application))
    error_message = "application must start with a letter, end with a letter or digit, and contain only lower-case letters, digits and hyphens."
  }
}

variable "environment_name" {
  description = "Name of the environment."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.environment_name))
    error_message = "environment_name must start with a letter, end with a letter or digit, and contain only lower-case letters, digits and hyphens."
  }
}

variable "name" {
  description = "Name of the main container, and last part of the family <application>-<environment>-<name> and of the log group /<application>/<environment>/<name>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.name))
    error_message = "name must start with a letter and contain only lower-case letters, digits and hyphens."
  }

  validation {
    condition     = length("${var.application}-${var.environment_name}-${var.name}-execution") <= 64
    error_message = "<application>-<environment>-<name>-execution must have at most 64 characters, the limit of a role name: shorten one of the three."
  }
}

variable "image_tag" {
  description = "Tag of all images; the containers get it as RELEASE_VERSION."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", var.image_tag))
    error_message = "image_tag must be an image tag: up to 128 letters, digits, dots, hyphens and underscores, not starting with a dot or hyphen."
  }
}

variable "shared" {
  description = "Settings that the tasks of an environment share: repositories of the images, environment variables and secrets of all containers, volumes, log settings and customer managed KMS keys."
  type = object({
    repositories = map(object({
      arn = string
      url = string
    }))
    environment = optional(map(string), {})
    secrets     = optional(map(string), {})
    volumes = optional(map(object({
      host_path = optional(string)
      efs = optional(object({
        file_system_id  = string
        root_directory  = optional(string, "/")
        access_point_id = optional(string)
      }))
    })), {})
    log_retention_days   = optional(number, 30)
    log_kms_key_arn      = optional(string)
    secrets_kms_key_arns = optional(set(string), [])

    execute_command_kms_key_arn = optional(string)
  })

  validation {
    condition     = alltrue([for v in values(var.shared.volumes) : v.host_path == null || v.efs == null])
    error_message = "volumes: a volume must have host_path, efs or neither (a Docker volume), not both."
  }

  validation {
    condition     = alltrue([for v in values(var.shared.volumes) : v.efs == null || try(v.efs.access_point_id == null || v.efs.root_directory == "/", false)])
    error_message = "volumes: efs.root_directory must be / if efs.access_point_id is set, because the access point defines the root directory."
  }

  validation {
    condition = alltrue([
      for arn in concat(var.shared.log_kms_key_arn[*], tolist(var.shared.secrets_kms_key_arns), var.shared.execute_command_kms_key_arn[*]) :
      can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/[^*?]+$", arn))
    ])
    error_message = "log_kms_key_arn, secrets_kms_key_arns and execute_command_kms_key_arn must be ARNs of KMS keys (arn:aws:kms:<region>:<account>:key/<id>)."
  }

  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.shared.log_retention_days)
    error_message = "log_retention_days must be a retention period of CloudWatch Logs (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, ...), or 0 to retain log events forever."
  }
}

variable "not_secret" {
  description = "Names in environment that look like secrets, by name or by value, but are not."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for name in values(module.plaintext.suspects) : contains(var.not_secret, name)])
    error_message = "These look like secrets: ${join(", ", [for path, name in module.plaintext.suspects : path if !contains(var.not_secret, name)])}. Move them to secrets, as references (ssm: or secretsmanager:), or list the names in not_secret."
  }
}

variable "path" {
  description = "IAM path of the roles, such as /longshore/."
  type        = string
  default     = "/"

  validation {
    condition     = can(regex("^/([!-~]+/)?$", var.path))
    error_message = "path must start and end with a slash, such as /longshore/."
  }
}

variable "permissions_boundary" {
  description = "ARN of the policy that is set as the permissions boundary of the roles; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[^:]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of an IAM policy, or null."
  }
}

variable "tags" {
  description = "Tags to apply to all resources."
  type        = map(string)
  default     = {}
}
