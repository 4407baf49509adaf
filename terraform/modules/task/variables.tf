variable "application" {
  description = "The application."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.application))
    error_message = "application may have lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "environment_name" {
  description = "The environment."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.environment_name))
    error_message = "environment_name may have lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "name" {
  description = "The name of the task and of its main container; checked by the module task_definition."
  type        = string
}

variable "cluster_arn" {
  description = "The ARN of the cluster."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:ecs:[^:]+:[0-9]{12}:cluster/.+$", var.cluster_arn))
    error_message = "cluster_arn must be the ARN of an ECS cluster."
  }
}

variable "image_tag" {
  description = "The tag of every image; checked by the module task_definition."
  type        = string
}

variable "task" {
  description = "The input task of the module task_definition, which has its type and checks it."
  type        = any

  validation {
    condition     = !try(var.task.execute_command, false)
    error_message = "execute_command is for services only: leave it out of a task that ends."
  }
}

variable "shared" {
  description = "The input shared of the module task_definition, which has its type and checks it."
  type        = any
}

variable "not_secret" {
  description = "Names in environment that look like secrets and are none; checked by the module task_definition."
  type        = set(string)
  default     = []
}

variable "network" {
  description = "Where tasks with network mode awsvpc run; not used with other network modes."
  type = object({
    subnets          = optional(list(string), [])
    security_groups  = optional(list(string), [])
    assign_public_ip = optional(bool, false)
  })
  default = {}

  validation {
    condition     = module.definition.network_mode != "awsvpc" || length(var.network.subnets) > 0
    error_message = "network.subnets must name at least one subnet for tasks with network mode awsvpc."
  }

  validation {
    condition     = !var.network.assign_public_ip || module.definition.network_mode != "awsvpc" || module.definition.launch_type == "FARGATE"
    error_message = "network.assign_public_ip is for tasks on FARGATE only: on container instances ECS refuses it."
  }
}

variable "schedule" {
  description = "When the task runs, as EventBridge writes it: rate(1 hour) or cron(0 3 * * ? *), in UTC; null for a task that is only started by hand or by a release."
  type        = string
  default     = null

  validation {
    condition     = var.schedule == null || can(regex("^(rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)|cron\\([^ ()]+( [^ ()]+){5}\\))$", var.schedule))
    error_message = "schedule must be rate(<number> <unit>), such as rate(1 hour) or rate(5 minutes), or cron(<six fields>), such as cron(0 3 * * ? *); or null."
  }
}

variable "path" {
  description = "The path of the roles; checked by the module task_definition."
  type        = string
  default     = "/"
}

variable "permissions_boundary" {
  description = "The ARN of the policy that bounds the roles' permissions, null for none; checked by the module task_definition."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}
