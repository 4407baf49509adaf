variable "application" {
  description = "Name of the application, as in the stack foundation."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.application))
    error_message = "application must start with a letter, end with a letter or digit, and contain only lower-case letters, digits and hyphens."
  }
}

variable "environment_name" {
  description = "Name of the environment. The names of the cluster, the services and the task definition families start with <application>-<environment>."
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
  description = "Names of the application's images, as in invoke.yaml."
  type        = set(string)
  default     = ["app"]

  validation {
    condition     = length(var.images) > 0
    error_message = "images must contain at least one name."
  }
}

variable "cluster" {
  description = "Name of an existing cluster (existing_name), or settings of the cluster to create."
  type = object({
    existing_name      = optional(string)
    container_insights = optional(string, "enabled")
    capacity_providers = optional(set(string), [])

    execute_command_kms_key_arn = optional(string)
    fargate_storage_kms_key_arn = optional(string)
  })
  default = {}

  # Not checked for an existing cluster: its data source does not return the capacity providers.
  validation {
    condition     = var.cluster.existing_name != null || length(setsubtract(local.strategies, var.cluster.capacity_providers)) == 0
    error_message = "cluster.capacity_providers must contain every capacity provider that a capacity_provider_strategy uses, including FARGATE and FARGATE_SPOT. Missing: ${join(", ", setsubtract(local.strategies, var.cluster.capacity_providers))}."
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
  description = "Volumes that containers may mount: {} for a Docker volume named <application>-<environment>-<volume>, which the tasks on a container instance share; host_path for a directory of the container instance; efs for an EFS file system."
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
  description = "Paths that must respond after a rollout, with expect_status and a body that contains expect_text (null: the version)."
  type = list(object({
    service       = string
    path          = string
    expect_status = optional(number, 200)
    expect_text   = optional(string)
  }))
  default = []

  validation {
    condition     = alltrue([for check in var.verify : try(var.services[check.service].container_port != 0, false)])
    error_message = "verify.service must be one of the services that have a port: ${join(", ", [for key, s in var.services : key if s.container_port != 0])}."
  }

  validation {
    condition     = alltrue([for check in var.verify : startswith(check.path, "/")])
    error_message = "verify.path must start with a slash. The base URL is the setting base_url of the environment in invoke.yaml."
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
