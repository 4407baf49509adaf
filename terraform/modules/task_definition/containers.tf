locals {
  containers = merge(
    { for name in [var.name] : name => merge(var.task, { essential = true }) },
    var.task.sidecars,
  )

  # An entry of the container takes precedence over a shared variable or secret of the same name. null removes it.
  environment = {
    for name, c in local.containers : name => {
      for key, value in merge({ for k, v in var.shared.environment : k => v if !contains(keys(c.secrets), k) }, c.environment) :
      key => value if value != null
    }
  }

  volumes = {
    for name in distinct(flatten([for c in values(local.containers) : keys(c.mount_points)])) :
    name => var.shared.volumes[name] if contains(keys(var.shared.volumes), name)
  }

  # A volume without a source exists as long as its task, on container instances and on Fargate. The underscore
  # distinguishes its name from a shared volume's: an application's name has no underscore.
  writable = {
    for name, c in local.containers : name => {
      for path in c.writable_paths : path => "writable_${name}${replace(path, "/[^A-Za-z0-9-]/", "_")}"
    }
  }

  writable_volumes = flatten([for volumes in values(local.writable) : values(volumes)])

  unmountable = concat(
    flatten([
      for name, c in local.containers : [
        for volume, path in c.mount_points : "${name}.mount_points.${volume}"
        if !can(regex("^/[^:]*(:ro)?$", path)) || !try(!local.fargate || var.shared.volumes[volume].efs != null, false)
      ]
    ]),
    flatten([
      for name, c in local.containers : [
        for path, volume in local.writable[name] : "${name}.writable_paths ${path}"
        if !can(regex("^(/[A-Za-z0-9._-]+)+$", path)) ||
        contains([for mounted in values(c.mount_points) : trimsuffix(mounted, ":ro")], path) ||
        length([for v in local.writable_volumes : v if v == volume]) > 1
      ]
    ]),
  )

  # ECS rejects duplicate names, and RELEASE_VERSION is set for every container.
  ambiguous = flatten([
    for prefix, source in merge({ "" = var.shared }, { for name, c in local.containers : "${name}." => c }) : [
      for name in concat(keys(source.environment), keys(source.secrets)) : "${prefix}${name}"
      if name == "RELEASE_VERSION" || contains(keys(source.environment), name) && contains(keys(source.secrets), name)
    ]
  ])

  full = [
    for name in concat([var.name], keys(var.task.sidecars)) : {
      name       = name
      image      = "${var.shared.repositories[local.containers[name].image].url}:${var.image_tag}"
      essential  = local.containers[name].essential
      command    = local.containers[name].command
      entryPoint = local.containers[name].entry_point
      portMappings = local.containers[name].container_port == 0 ? null : [{
        containerPort = local.containers[name].container_port
        hostPort      = local.network_mode == "bridge" ? local.containers[name].host_port : local.containers[name].container_port
        protocol      = "tcp"
      }]
      # Maps are sorted by name: a different order in the variable file does not register a revision.
      environment = [
        for key, value in merge(local.environment[name], { RELEASE_VERSION = var.image_tag }) : { name = key, value = value }
      ]
      secrets = [for key, reference in local.secrets[name] : { name = key, valueFrom = local.value_from[reference] }]
      mountPoints = concat(
        [
          for volume, path in local.containers[name].mount_points : {
            sourceVolume  = "${var.application}-${var.environment_name}-${volume}"
            containerPath = trimsuffix(path, ":ro")
            readOnly      = endswith(path, ":ro")
          }
        ],
        [for path, volume in local.writable[name] : { sourceVolume = volume, containerPath = path, readOnly = false }],
      )
      readonlyRootFilesystem = local.containers[name].readonly_root_filesystem
      linuxParameters        = local.containers[name].init_process ? { initProcessEnabled = true } : null
      stopTimeout            = local.containers[name].stop_timeout
      healthCheck = local.containers[name].health_check == null ? null : {
        for key, value in {
          command     = local.containers[name].health_check.command
          interval    = local.containers[name].health_check.interval
          timeout     = local.containers[name].health_check.timeout
          retries     = local.containers[name].health_check.retries
          startPeriod = local.containers[name].health_check.start_period
        } : key => value if value != null
      }
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          "awslogs-group"         = aws_cloudwatch_log_group.this.name
          "awslogs-region"        = local.region
          "awslogs-stream-prefix" = "ecs"
        }
      }
    }
  ]

  # ECS omits unset attributes from its response: a null would be a difference in every plan.
  definitions = [for definition in local.full : { for key, value in definition : key => value if value != null }]
}
