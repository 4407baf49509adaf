module "definition" {
  source = "../task_definition"

  application          = var.application
  environment_name     = var.environment_name
  name                 = var.name
  image_tag            = var.image_tag
  task                 = var.task
  shared               = var.shared
  not_secret           = var.not_secret
  path                 = var.path
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

locals {
  target_groups = merge(
    { for name, group in var.target_groups : "name:${name}" => merge(group, { arn = data.aws_lb_target_group.this[name].arn }) },
    { for key, group in var.target_group_arns : "arn:${key}" => group },
  )
}

data "aws_lb_target_group" "this" {
  for_each = var.target_groups

  name = each.key

  lifecycle {
    postcondition {
      condition     = self.target_type != (module.definition.network_mode == "awsvpc" ? "instance" : "ip")
      error_message = "The target group ${each.key} has target type ${self.target_type}, but must have ip for tasks with network mode awsvpc and instance for others."
    }
  }
}

resource "aws_ecs_service" "this" {
  name            = module.definition.family
  cluster         = var.cluster_arn
  task_definition = module.definition.arn
  launch_type     = length(var.capacity_provider_strategy) == 0 ? module.definition.launch_type : null
  # The first release sets the desired count: before it, there is no image to run.
  desired_count                      = 0
  deployment_minimum_healthy_percent = var.minimum_healthy_percent
  deployment_maximum_percent         = var.maximum_percent
  health_check_grace_period_seconds  = length(local.target_groups) > 0 ? var.health_check_grace_period : null
  enable_ecs_managed_tags            = true
  enable_execute_command             = module.definition.execute_command
  # Without it, a changed capacity provider strategy would replace the service (documentation of the provider).
  force_new_deployment = length(var.capacity_provider_strategy) > 0 ? true : null
  propagate_tags       = "SERVICE"

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  dynamic "alarms" {
    for_each = var.alarms[*]

    content {
      alarm_names = alarms.value.names
      enable      = alarms.value.enable
      rollback    = alarms.value.rollback
    }
  }

  dynamic "capacity_provider_strategy" {
    for_each = var.capacity_provider_strategy

    content {
      capacity_provider = capacity_provider_strategy.value.capacity_provider
      weight            = capacity_provider_strategy.value.weight
      base              = capacity_provider_strategy.value.base
    }
  }

  dynamic "load_balancer" {
    for_each = local.target_groups

    content {
      target_group_arn = load_balancer.value.arn
      container_name   = coalesce(load_balancer.value.container, module.definition.container)
      container_port   = coalesce(load_balancer.value.port, module.definition.port)
    }
  }

  dynamic "network_configuration" {
    for_each = module.definition.network_mode == "awsvpc" ? [var.network] : []

    content {
      subnets          = network_configuration.value.subnets
      security_groups  = network_configuration.value.security_groups
      assign_public_ip = network_configuration.value.assign_public_ip
    }
  }

  tags = var.tags

  lifecycle {
    # Terraform registers revisions; a release chooses which one runs, and autoscaling or a person sets the count
    # (docs/concepts.md).
    ignore_changes = [task_definition, desired_count]
  }
}
