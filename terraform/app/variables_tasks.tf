variable "migration" {
  description = "One-off task that must exit with code 0 before the wave before_wave is rolled out; null for none. The module task_definition describes and validates the other settings."
  type = object({
    image            = optional(string, "app")
    command          = optional(list(string))
    entry_point      = optional(list(string))
    cpu              = optional(number, 512)
    memory           = optional(number, 1024)
    launch_type      = optional(string, "EC2")
    network_mode     = optional(string)
    cpu_architecture = optional(string)
    environment      = optional(map(string), {})
    secrets          = optional(map(string), {})
    mount_points     = optional(map(string), {})
    policy_arns      = optional(set(string), [])
    policies         = optional(map(string), {})
    init_process     = optional(bool, false)
    stop_timeout     = optional(number)
    execution_role   = optional(object({ arn = string }))
    task_role        = optional(object({ arn = string }))

    readonly_root_filesystem = optional(bool, true)
    writable_paths           = optional(set(string), [])

    capacity_provider_strategy = optional(list(object({
      capacity_provider = string
      weight            = optional(number, 1)
      base              = optional(number, 0)
    })), [])

    before_wave = optional(number, 1)
  })
  default = null

  validation {
    condition     = var.migration == null || try(var.migration.before_wave >= 1 && floor(var.migration.before_wave) == var.migration.before_wave, false)
    error_message = "migration.before_wave must be a whole number, 1 or more."
  }

  validation {
    condition     = var.migration == null || try(contains(var.images, var.migration.image), false)
    error_message = "migration.image must be one of ${join(", ", var.images)}."
  }
}

variable "schedules" {
  description = "Scheduled tasks. schedule is a schedule expression of EventBridge, such as rate(1 hour) or cron(0 3 * * ? *), in UTC. The module task_definition describes and validates the other settings."
  type = map(object({
    image            = optional(string, "app")
    command          = optional(list(string))
    entry_point      = optional(list(string))
    cpu              = optional(number, 512)
    memory           = optional(number, 1024)
    launch_type      = optional(string, "EC2")
    network_mode     = optional(string)
    cpu_architecture = optional(string)
    environment      = optional(map(string), {})
    secrets          = optional(map(string), {})
    mount_points     = optional(map(string), {})
    policy_arns      = optional(set(string), [])
    policies         = optional(map(string), {})
    init_process     = optional(bool, false)
    stop_timeout     = optional(number)
    execution_role   = optional(object({ arn = string }))
    task_role        = optional(object({ arn = string }))

    readonly_root_filesystem = optional(bool, true)
    writable_paths           = optional(set(string), [])

    capacity_provider_strategy = optional(list(object({
      capacity_provider = string
      weight            = optional(number, 1)
      base              = optional(number, 0)
    })), [])

    schedule = string
  }))
  default = {}

  validation {
    condition     = !contains(keys(var.schedules), "migrate")
    error_message = "schedules must not contain the name migrate, which is the migration's."
  }

  validation {
    condition     = alltrue([for s in var.schedules : contains(var.images, s.image)])
    error_message = "schedules: image must be one of ${join(", ", var.images)}."
  }
}
