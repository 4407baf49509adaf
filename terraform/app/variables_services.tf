variable "services" {
  description = "ECS services. desired_count is the number of tasks that the first release starts; waves are rolled out in ascending order; container_port 0 means that the service has no port. The modules service and task_definition describe and validate the other settings."
  type = map(object({
    image            = optional(string, "app")
    command          = optional(list(string))
    entry_point      = optional(list(string))
    cpu              = optional(number, 512)
    memory           = optional(number, 1024)
    container_port   = optional(number, 8080)
    host_port        = optional(number, 0)
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
    execute_command  = optional(bool, false)
    execution_role   = optional(object({ arn = string }))
    task_role        = optional(object({ arn = string }))

    readonly_root_filesystem = optional(bool, true)
    writable_paths           = optional(set(string), [])

    health_check = optional(object({
      command      = list(string)
      interval     = optional(number, 30)
      timeout      = optional(number, 5)
      retries      = optional(number, 3)
      start_period = optional(number)
    }))

    sidecars = optional(map(object({
      image          = string
      essential      = optional(bool, true)
      command        = optional(list(string))
      entry_point    = optional(list(string))
      container_port = optional(number, 0)
      host_port      = optional(number, 0)
      environment    = optional(map(string), {})
      secrets        = optional(map(string), {})
      mount_points   = optional(map(string), {})
      init_process   = optional(bool, false)
      stop_timeout   = optional(number)

      readonly_root_filesystem = optional(bool, true)
      writable_paths           = optional(set(string), [])

      health_check = optional(object({
        command      = list(string)
        interval     = optional(number, 30)
        timeout      = optional(number, 5)
        retries      = optional(number, 3)
        start_period = optional(number)
      }))
    })), {})

    desired_count             = optional(number, 1)
    wave                      = optional(number, 1)
    minimum_healthy_percent   = optional(number, 100)
    maximum_percent           = optional(number, 200)
    health_check_grace_period = optional(number, 60)
    target_groups = optional(map(object({
      container = optional(string)
      port      = optional(number)
    })), {})
    target_group_arns = optional(map(object({
      arn       = string
      container = optional(string)
      port      = optional(number)
    })), {})
    alarms = optional(object({
      names    = set(string)
      enable   = optional(bool, true)
      rollback = optional(bool, true)
    }))
    capacity_provider_strategy = optional(list(object({
      capacity_provider = string
      weight            = optional(number, 1)
      base              = optional(number, 0)
    })), [])
    autoscaling = optional(object({
      minimum        = number
      maximum        = number
      cpu_percent    = optional(number)
      memory_percent = optional(number)
    }))
  }))

  validation {
    condition     = length(var.services) > 0
    error_message = "services must contain at least one service."
  }

  validation {
    condition     = length(setintersection(keys(var.services), concat(keys(var.schedules), ["migrate"]))) == 0
    error_message = "services must not contain the name migrate, which is the migration's, or the name of a schedule."
  }

  validation {
    condition     = alltrue([for s in var.services : s.desired_count >= 0 && floor(s.desired_count) == s.desired_count])
    error_message = "services: desired_count must be a whole number, 0 or more."
  }

  validation {
    condition     = alltrue([for s in var.services : s.wave >= 1 && floor(s.wave) == s.wave])
    error_message = "services: wave must be a whole number, 1 or more."
  }

  validation {
    condition     = alltrue([for s in var.services : contains(var.images, s.image)])
    error_message = "services: image must be one of ${join(", ", var.images)}."
  }
}
