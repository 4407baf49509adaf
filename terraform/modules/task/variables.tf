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
  description = "Name of the task and of its main container; validated by the module task_definition."
  type        = string
}

variable "cluster_arn" {
  description = "ARN of the cluster."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:ecs:[^:]+:[0-9]{12}:cluster/.+$", var.cluster_arn))
    error_message = "cluster_arn must be the ARN of an ECS cluster (arn:aws:ecs:<region>:<account>:cluster/<name>)."
  }
}

variable "image_tag" {
  description = "Tag of all images; validated by the module task_definition."
  type        = string
}

variable "task" {
  description = "Input task of the module task_definition, which declares its type and validates it."
  type        = any

  validation {
    condition     = !try(var.task.execute_command, false)
    error_message = "execute_command must be false: ECS Exec is available for services only."
  }
}

variable "shared" {
  description = "Input shared of the module task_definition, which declares its type and validates it."
  type        = any
}

variable "not_secret" {
  description = "Names in environment that look like secrets but are not; validated by the module task_definition."
  type        = set(string)
  default     = []
}

variable "network" {
  description = "Subnets, security groups and public IP assignment of tasks with network mode awsvpc; ignored for other network modes."
  type = object({
    subnets          = optional(list(string), [])
    security_groups  = optional(list(string), [])
    assign_public_ip = optional(bool, false)
  })
  default = {}

  validation {
    condition     = module.definition.network_mode != "awsvpc" || length(var.network.subnets) > 0
    error_message = "network.subnets must contain at least one subnet for tasks with network mode awsvpc."
  }

  validation {
    condition     = !var.network.assign_public_ip || module.definition.network_mode != "awsvpc" || module.definition.launch_type == "FARGATE"
    error_message = "network.assign_public_ip must be false unless launch_type is FARGATE: ECS does not assign public IP addresses to tasks on container instances."
  }
}

variable "schedule" {
  description = "Schedule expression of EventBridge, such as rate(1 hour) or cron(0 3 * * ? *), in UTC; null for a task that is started by hand or by a release."
  type        = string
  default     = null

  validation {
    condition     = var.schedule == null || can(regex("^(rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)|cron\\([^ ()]+( [^ ()]+){5}\\))$", var.schedule))
    error_message = "schedule must be rate(<number> <unit>), such as rate(1 hour) or rate(5 minutes), or cron(<six fields>), such as cron(0 3 * * ? *); or null."
  }
}

variable "path" {
  description = "IAM path of the roles, such as /longshore/; validated by the module task_definition."
  type        = string
  default     = "/"
}

variable "permissions_boundary" {
  description = "ARN of the policy that is set as the permissions boundary of the roles, null for none; validated by the module task_definition."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags to apply to all resources."
  type        = map(string)
  default     = {}
}
