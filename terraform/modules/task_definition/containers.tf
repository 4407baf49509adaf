locals {
  containers = merge(
    { for name in [var.name] : name => merge(var.task, { essential = true }) },
    var.task.sidecars,
  )

  # The container's own entry wins over a shared one of the same name, of either kind. A null takes a shared one away.
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

  unmountable = flatten([
    for name, c in local.containers : [
      for volume, path in c.mount_points : "${name}.mount_points.${volume}"
      if !can(regex("^/[^:]*(:ro)?$", path)) || !try(!local.fargate || var.shared.volumes[volume].efs != null, false)
    ]
  ])

  # ECS takes a name once; RELEASE_VERSION is in the environment of every container already.
  ambiguous = flatten([
    for prefix, given in merge({ "" = var.shared }, { for name, c in local.containers : "${name}." => c }) : [
      for name in concat(keys(given.environment), keys(given.secrets)) : "${prefix}${name}"
      if name == "RELEASE_VERSION" || contains(keys(given.environment), name) && contains(keys(given.secrets), name)
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
      # Sorted by name, as maps are, so that the order in which they were written is no difference.
      environment = [
        for key, value in merge(local.environment[name], { RELEASE_VERSION = var.image_tag }) : { name = key, value = value }
      ]
      secrets = [for key, reference in local.secrets[name] : { name = key, valueFrom = local.value_from[reference] }]
      mountPoints = [
        for volume, path in local.containers[name].mount_points : {
          sourceVolume  = "${var.application}-${var.environment_name}-${volume}"
          containerPath = trimsuffix(path, ":ro")
          readOnly      = endswith(path, ":ro")
        }
      ]
      linuxParameters = local.containers[name].init_process ? { initProcessEnabled = true } : null
      stopTimeout     = local.containers[name].stop_timeout
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

  # ECS leaves out what is not set: a null that was sent would be a difference in every plan.
  definitions = [for definition in local.full : { for key, value in definition : key => value if value != null }]
}
