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

variable "health_check_grace_period" {
  description = "Seconds after a task's start in which the load balancer's health checks do not count."
  type        = number
  default     = 60
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
