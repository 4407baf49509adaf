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
  description = "The name of the service and of its main container; checked by the module task_definition."
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
