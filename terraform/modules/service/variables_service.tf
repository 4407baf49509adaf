variable "minimum_healthy_percent" {
  description = "The least healthy tasks during a roll-out, in percent of the count."
  type        = number
  default     = 100

  validation {
    condition     = var.minimum_healthy_percent >= 0 && var.minimum_healthy_percent <= 100
    error_message = "minimum_healthy_percent must be 0 to 100."
  }
}

variable "maximum_percent" {
  description = "The most tasks during a roll-out, in percent of the count."
  type        = number
  default     = 200

  validation {
    condition     = var.maximum_percent >= 100 && var.maximum_percent <= 400 && var.maximum_percent > var.minimum_healthy_percent
    error_message = "maximum_percent must be 100 to 400 and more than minimum_healthy_percent, or no task could ever be replaced."
  }
}

variable "target_groups" {
  description = "The load balancer's target groups that the tasks join, by name; container and port are those of the main container unless given."
  type = map(object({
    container = optional(string)
    port      = optional(number)
  }))
  default = {}
}

# A map beside the one by name, whose keys are yours to choose: an ARN may be known only once the target group is made.
variable "target_group_arns" {
  description = "Further target groups that the tasks join, by ARN, each under a name of your choice; container and port are those of the main container unless given."
  type = map(object({
    arn       = string
    container = optional(string)
    port      = optional(number)
  }))
  default = {}

  validation {
    condition     = alltrue([for group in values(var.target_group_arns) : can(regex("^arn:[^:]+:elasticloadbalancing:[^:]+:[0-9]{12}:targetgroup/.+$", group.arn))])
    error_message = "target_group_arns must have ARNs of target groups (arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<name>/<id>)."
  }

  validation {
    condition     = alltrue([for group in concat(values(var.target_groups), [for g in values(var.target_group_arns) : { container = g.container, port = g.port }]) : group.port != null || module.definition.port != null])
    error_message = "A target group needs a port: a container_port of the main container, or a port of its own (target_groups, target_group_arns)."
  }

  validation {
    condition = alltrue([
      for group in concat(values(var.target_groups), [for g in values(var.target_group_arns) : { container = g.container, port = g.port }]) :
      group.container == null || group.container == module.definition.container || (group.port != null && contains(keys(module.definition.containers), coalesce(group.container, "-")))
    ])
    error_message = "container of a target group must be one of the task: ${join(", ", keys(module.definition.containers))}; a sidecar's needs its port, too."
  }
}

variable "health_check_grace_period" {
  description = "Seconds after a task's start in which the load balancer's health checks do not count."
  type        = number
  default     = 60

  validation {
    condition     = var.health_check_grace_period >= 0 && floor(var.health_check_grace_period) == var.health_check_grace_period
    error_message = "health_check_grace_period must be whole seconds, 0 or more."
  }
}

variable "alarms" {
  description = "CloudWatch alarms that fail a deployment, besides the circuit breaker, which is always on: their names, whether they are watched, and whether ECS then rolls back; null for none."
  type = object({
    names    = set(string)
    enable   = optional(bool, true)
    rollback = optional(bool, true)
  })
  default = null

  validation {
    condition     = var.alarms == null || try(length(var.alarms.names) > 0 && alltrue([for name in var.alarms.names : length(name) > 0 && length(name) <= 255 && !startswith(name, "arn:")]), false)
    error_message = "alarms.names must have the name of at least one CloudWatch alarm (not its ARN)."
  }

  validation {
    condition     = var.alarms == null || try(var.alarms.enable || !var.alarms.rollback, false)
    error_message = "alarms.rollback needs alarms.enable: what is not watched rolls nothing back."
  }
}

variable "autoscaling" {
  description = "Bounds of the count, and the use that it shall keep, in percent; null for a count that only people change."
  type = object({
    minimum        = number
    maximum        = number
    cpu_percent    = optional(number)
    memory_percent = optional(number)
  })
  default = null

  validation {
    condition     = var.autoscaling == null || try(var.autoscaling.minimum >= 1 && var.autoscaling.maximum >= var.autoscaling.minimum, false)
    error_message = "autoscaling.minimum must be at least 1, and autoscaling.maximum at least the minimum."
  }

  validation {
    condition     = var.autoscaling == null || try(length(compact([var.autoscaling.cpu_percent, var.autoscaling.memory_percent])) > 0, false)
    error_message = "autoscaling needs cpu_percent, memory_percent or both."
  }
}
