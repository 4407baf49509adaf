variable "minimum_healthy_percent" {
  description = "Lower limit of healthy tasks during a deployment, in percent of the desired count."
  type        = number
  default     = 100

  validation {
    condition     = var.minimum_healthy_percent >= 0 && var.minimum_healthy_percent <= 100
    error_message = "minimum_healthy_percent must be 0 to 100."
  }
}

variable "maximum_percent" {
  description = "Upper limit of running tasks during a deployment, in percent of the desired count."
  type        = number
  default     = 200

  validation {
    condition     = var.maximum_percent >= 100 && var.maximum_percent <= 400 && var.maximum_percent > var.minimum_healthy_percent
    error_message = "maximum_percent must be 100 to 400 and greater than minimum_healthy_percent: otherwise, ECS could not replace any task."
  }
}

variable "target_groups" {
  description = "Target groups that the tasks register with, keyed by name. container and port default to those of the main container."
  type = map(object({
    container = optional(string)
    port      = optional(number)
  }))
  default = {}
}

# Separate from target_groups: the keys must be known during the plan, and the ARN of a new target group is not.
variable "target_group_arns" {
  description = "Further target groups that the tasks register with, by ARN, under keys of your choice. container and port default to those of the main container."
  type = map(object({
    arn       = string
    container = optional(string)
    port      = optional(number)
  }))
  default = {}

  validation {
    condition     = alltrue([for group in values(var.target_group_arns) : can(regex("^arn:[^:]+:elasticloadbalancing:[^:]+:[0-9]{12}:targetgroup/.+$", group.arn))])
    error_message = "target_group_arns must contain ARNs of target groups (arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<name>/<id>)."
  }

  validation {
    condition     = alltrue([for group in concat(values(var.target_groups), [for g in values(var.target_group_arns) : { container = g.container, port = g.port }]) : group.port != null || module.definition.port != null])
    error_message = "target_groups and target_group_arns must have a port if the main container has no container_port."
  }

  validation {
    condition = alltrue([
      for group in concat(values(var.target_groups), [for g in values(var.target_group_arns) : { container = g.container, port = g.port }]) :
      group.container == null || group.container == module.definition.container || (group.port != null && contains(keys(module.definition.containers), coalesce(group.container, "-")))
    ])
    error_message = "target_groups and target_group_arns: container must be one of ${join(", ", keys(module.definition.containers))}; for a sidecar, port must be set, too."
  }
}

variable "health_check_grace_period" {
  description = "Number of seconds after the start of a task during which ECS ignores failing health checks of the load balancer."
  type        = number
  default     = 60

  validation {
    condition     = var.health_check_grace_period >= 0 && floor(var.health_check_grace_period) == var.health_check_grace_period
    error_message = "health_check_grace_period must be a whole number of seconds, 0 or more."
  }
}

variable "alarms" {
  description = "Names of CloudWatch alarms that fail a deployment, whether ECS monitors them (enable), and whether it then rolls back (rollback); null for none. The deployment circuit breaker is always enabled."
  type = object({
    names    = set(string)
    enable   = optional(bool, true)
    rollback = optional(bool, true)
  })
  default = null

  validation {
    condition     = var.alarms == null || try(length(var.alarms.names) > 0 && alltrue([for name in var.alarms.names : length(name) > 0 && length(name) <= 255 && !startswith(name, "arn:")]), false)
    error_message = "alarms.names must contain at least one name of a CloudWatch alarm, not its ARN."
  }

  validation {
    condition     = var.alarms == null || try(var.alarms.enable || !var.alarms.rollback, false)
    error_message = "alarms.rollback must be false if alarms.enable is false."
  }
}

variable "autoscaling" {
  description = "Minimum and maximum count, and target CPU and/or memory utilisation in percent; null disables autoscaling."
  type = object({
    minimum        = number
    maximum        = number
    cpu_percent    = optional(number)
    memory_percent = optional(number)
  })
  default = null

  validation {
    condition     = var.autoscaling == null || try(var.autoscaling.minimum >= 1 && var.autoscaling.maximum >= var.autoscaling.minimum, false)
    error_message = "autoscaling.minimum must be at least 1, and autoscaling.maximum at least autoscaling.minimum."
  }

  validation {
    condition     = var.autoscaling == null || try(length(compact([var.autoscaling.cpu_percent, var.autoscaling.memory_percent])) > 0, false)
    error_message = "autoscaling must have cpu_percent, memory_percent or both."
  }
}
