variable "application" {
  description = "The application, as in the stack foundation."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.application))
    error_message = "application must start with a letter, end with a letter or digit, and contain only lower-case letters, digits and hyphens."
  }
}

variable "environment_name" {
  description = "The environment. Cluster, services and families are named <application>-<environment>..."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.environment_name))
    error_message = "environment_name must start with a letter, end with a letter or digit, and contain only lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Code of the AWS region in which the resources of this stack are created."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-central-1."
  }
}

variable "image_tag" {
  description = "Image tag to register task definitions with. A release passes it; null uses the tag that was released last."
  type        = string
  default     = null

  validation {
    condition     = var.image_tag == null || can(regex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", var.image_tag))
    error_message = "image_tag must be an image tag (up to 128 letters, digits, dots, hyphens and underscores, not starting with a dot or hyphen), or null."
  }
}

variable "images" {
  description = "The names of the application's images, as in invoke.yaml."
  type        = set(string)
  default     = ["app"]

  validation {
    condition     = length(var.images) > 0
    error_message = "images must name at least one image."
  }
}

variable "cluster" {
  description = "The cluster: the name of one that exists, or the settings of the one that is made."
  type = object({
    existing_name      = optional(string)
    container_insights = optional(string, "enabled")
    capacity_providers = optional(set(string), [])

    execute_command_kms_key_arn = optional(string)
    fargate_storage_kms_key_arn = optional(string)
  })
  default = {}

  # Those of a cluster that exists cannot be looked up: its data source does not show them.
  validation {
    condition     = var.cluster.existing_name != null || length(setsubtract(local.strategies, var.cluster.capacity_providers)) == 0
    error_message = "cluster.capacity_providers must have every capacity provider of a capacity_provider_strategy, FARGATE and FARGATE_SPOT as well; missing: ${join(", ", setsubtract(local.strategies, var.cluster.capacity_providers))}."
  }
}

variable "network" {
  description = "Subnets, security groups and public IP assignment of tasks with network mode awsvpc; ignored for other network modes."
  type = object({
    subnets          = optional(list(string), [])
    security_groups  = optional(list(string), [])
    assign_public_ip = optional(bool, false)
  })
  default = {}
}

variable "volumes" {
  description = "Volumes that containers may mount: {} for one of Docker, shared by the tasks of an instance and named <application>-<environment>-<volume>; or host_path; or efs."
  type = map(object({
    host_path = optional(string)
    efs = optional(object({
      file_system_id  = string
      root_directory  = optional(string, "/")
      access_point_id = optional(string)
    }))
  }))
  default = {}
}

variable "verify" {
  description = "Paths that must answer after a roll-out; expect_text null expects the version in the answer."
  type = list(object({
    service       = string
    path          = string
    expect_status = optional(number, 200)
    expect_text   = optional(string)
  }))
  default = []

  validation {
    condition     = alltrue([for check in var.verify : try(var.services[check.service].container_port != 0, false)])
    error_message = "verify names a service that does not exist or has no port; those with one are: ${join(", ", [for key, s in var.services : key if s.container_port != 0])}."
  }

  validation {
    condition     = alltrue([for check in var.verify : startswith(check.path, "/")])
    error_message = "The paths of verify begin with a slash: the base URL is a setting of the environment in invoke.yaml."
  }
}

variable "log_retention_days" {
  description = "Number of days to retain log events in CloudWatch Logs; 0 retains them forever."
  type        = number
  default     = 30
}

variable "log_kms_key_arn" {
  description = "ARN of the KMS key that encrypts the log groups; null for the default encryption of CloudWatch Logs."
  type        = string
  default     = null
}

variable "path" {
  description = "IAM path of the roles, such as /longshore/."
  type        = string
  default     = "/"
}

variable "permissions_boundary" {
  description = "ARN of the policy that is set as the permissions boundary of the roles; null for none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags to apply to all resources, in addition to Application and Environment."
  type        = map(string)
  default     = {}
}
