variable "task" {
  description = "Size and platform of the task, its main container and its sidecars. container_port 0 means no port, host_port 0 a dynamic port. mount_points has a path for each volume, which may end in \":ro\" for read-only. policy_arns are attached to the task role, and so are policies, under keys of your choice: their ARNs may be unknown during the plan. The root file system is read-only unless readonly_root_filesystem is false; writable_paths are directories that are empty when a task starts and deleted when it stops. execution_role and task_role are existing roles to use instead of creating them."
  type = object({
    cpu              = optional(number, 512)
    memory           = optional(number, 1024)
    launch_type      = optional(string, "EC2")
    network_mode     = optional(string)
    cpu_architecture = optional(string)
    policy_arns      = optional(set(string), [])
    policies         = optional(map(string), {})
    execute_command  = optional(bool, false)
    # Objects, not ARNs: whether a role is given must be known during the plan, its ARN need not.
    execution_role = optional(object({ arn = string }))
    task_role      = optional(object({ arn = string }))

    image          = optional(string, "app")
    command        = optional(list(string))
    entry_point    = optional(list(string))
    container_port = optional(number, 8080)
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
  })

  validation {
    condition     = contains(["EC2", "FARGATE"], var.task.launch_type)
    error_message = "launch_type must be EC2 or FARGATE."
  }

  validation {
    condition     = var.task.network_mode == null || contains(var.task.launch_type == "FARGATE" ? ["awsvpc"] : ["awsvpc", "bridge", "host"], coalesce(var.task.network_mode, "-"))
    error_message = "network_mode must be awsvpc if launch_type is FARGATE, and bridge (default), awsvpc or host if it is EC2."
  }

  validation {
    condition     = var.task.cpu_architecture == null || contains(["X86_64", "ARM64"], coalesce(var.task.cpu_architecture, "-"))
    error_message = "cpu_architecture must be X86_64, ARM64 or null for the default."
  }

  validation {
    condition     = var.task.cpu >= 128 && var.task.memory >= 4 && floor(var.task.cpu) == var.task.cpu && floor(var.task.memory) == var.task.memory
    error_message = "cpu must be a whole number of CPU units, at least 128 (1024 are one vCPU), and memory a whole number of MiB, at least 4."
  }

  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#task_size
  validation {
    condition = var.task.launch_type != "FARGATE" || contains(lookup({
      256   = [512, 1024, 2048]
      512   = range(1024, 4096 + 1, 1024)
      1024  = range(2048, 8192 + 1, 1024)
      2048  = range(4096, 16384 + 1, 1024)
      4096  = range(8192, 30720 + 1, 1024)
      8192  = range(16384, 61440 + 1, 4096)
      16384 = range(32768, 122880 + 1, 8192)
    }, tostring(var.task.cpu), []), var.task.memory)
    error_message = "cpu and memory must be a size of Fargate: cpu 256 with memory 512, 1024 or 2048; 512 with 1024 to 4096; 1024 with 2048 to 8192; 2048 with 4096 to 16384; 4096 with 8192 to 30720, each in steps of 1024; 8192 with 16384 to 61440 in steps of 4096; 16384 with 32768 to 122880 in steps of 8192."
  }

  validation {
    condition = alltrue([
      for seconds in concat(var.task.stop_timeout[*], flatten([for sidecar in values(var.task.sidecars) : sidecar.stop_timeout[*]])) :
      seconds >= (var.task.launch_type == "FARGATE" ? 2 : 0) && seconds <= (var.task.launch_type == "FARGATE" ? 120 : seconds) && floor(seconds) == seconds
    ])
    error_message = "stop_timeout must be a whole number of seconds, 2 to 120 if launch_type is FARGATE."
  }

  validation {
    condition = alltrue([
      for check in concat(var.task.health_check[*], flatten([for sidecar in values(var.task.sidecars) : sidecar.health_check[*]])) :
      length(check.command) > 1 && contains(["CMD", "CMD-SHELL"], try(check.command[0], "")) && alltrue([
        for bounds in [[check.interval, 5, 300], [check.timeout, 2, 60], [check.retries, 1, 10], [coalesce(check.start_period, 0), 0, 300]] :
        bounds[0] >= bounds[1] && bounds[0] <= bounds[2] && floor(bounds[0]) == bounds[0]
      ])
    ])
    error_message = "health_check.command must start with CMD or CMD-SHELL, such as [\"CMD-SHELL\", \"curl -f http://localhost:8080/health\"]; interval must be 5 to 300 seconds, timeout 2 to 60 seconds, retries 1 to 10, and start_period 0 to 300 seconds."
  }

  validation {
    condition     = alltrue([for name in keys(var.task.sidecars) : can(regex("^[A-Za-z0-9_-]{1,255}$", name))])
    error_message = "sidecars: a name must be 1 to 255 letters, digits, hyphens and underscores."
  }

  validation {
    condition     = !contains(keys(var.task.sidecars), var.name)
    error_message = "sidecars must not contain the name of the main container."
  }

  validation {
    condition     = alltrue([for c in concat([var.task.container_port], values(var.task.sidecars)[*].container_port) : c >= 0 && c <= 65535])
    error_message = "container_port must be a port, 1 to 65535, or 0 for no port."
  }

  validation {
    condition = var.task.launch_type == "EC2" && contains(["bridge", "-"], coalesce(var.task.network_mode, "-")) || alltrue([
      for c in concat(
        [{ container_port = var.task.container_port, host_port = var.task.host_port }],
        [for sidecar in values(var.task.sidecars) : { container_port = sidecar.container_port, host_port = sidecar.host_port }],
      ) : contains([0, c.container_port], c.host_port)
    ])
    error_message = "host_port must be 0 or equal to container_port unless network_mode is bridge."
  }

  validation {
    condition     = alltrue([for image in concat([var.task.image], values(var.task.sidecars)[*].image) : contains(keys(var.shared.repositories), image)])
    error_message = "image must be one of ${join(", ", keys(var.shared.repositories))}."
  }

  validation {
    condition     = alltrue([for role in concat(var.task.execution_role[*], var.task.task_role[*]) : can(regex("^arn:[^:]+:iam::[0-9]{12}:role/[^*?]+$", role.arn))])
    error_message = "execution_role.arn and task_role.arn must be ARNs of IAM roles (arn:aws:iam::<account>:role/<name>); by default, the roles are created."
  }

  validation {
    condition     = var.task.task_role == null || length(var.task.policy_arns) + length(var.task.policies) == 0
    error_message = "policy_arns and policies must be empty if task_role is set: the module does not change an existing role."
  }

  validation {
    condition     = !var.task.execute_command || !anytrue(concat([var.task.readonly_root_filesystem], values(var.task.sidecars)[*].readonly_root_filesystem))
    error_message = "execute_command requires readonly_root_filesystem = false for all containers, because the SSM agent of ECS Exec writes to the root file system."
  }
}
