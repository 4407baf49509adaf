variable "application" {
  description = "The application, as in the stack foundation."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.application))
    error_message = "application may have lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "environment_name" {
  description = "The environment. Cluster, services and families are named <application>-<environment>..."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.environment_name))
    error_message = "environment_name may have lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "The AWS region of everything in this stack."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be an AWS region such as eu-central-1."
  }
}

variable "image_tag" {
  description = "The tag to register task definitions for, given by a release; null for the one that was released last."
  type        = string
  default     = null

  validation {
    condition     = var.image_tag == null || can(regex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", var.image_tag))
    error_message = "image_tag must be a tag of an image (up to 128 letters, digits, dots, hyphens and underscores), or null."
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
  description = "Where tasks with network mode awsvpc run; not used with other network modes."
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
  description = "Days for which CloudWatch keeps the logs; 0 for ever."
  type        = number
  default     = 30
}

variable "log_kms_key_arn" {
  description = "The KMS key that encrypts the logs; null for the key of CloudWatch Logs."
  type        = string
  default     = null
}

variable "path" {
  description = "The path of the roles, such as /longshore/."
  type        = string
  default     = "/"
}

variable "permissions_boundary" {
  description = "The ARN of the policy that bounds the roles' permissions; null for none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource, besides Application and Environment."
  type        = map(string)
  default     = {}
}
