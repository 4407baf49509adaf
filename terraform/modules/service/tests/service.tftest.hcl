mock_provider "aws" {
  source = "../../testing"
}

variables {
  application      = "storefront"
  environment_name = "sandbox"
  name             = "web"
  cluster_arn      = "arn:aws:ecs:eu-central-1:123456789012:cluster/storefront-sandbox"
  image_tag        = "unreleased"
  task             = {}

  shared = {
    repositories = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
  }
}

run "created" {
  command = apply

  assert {
    condition     = aws_ecs_service.this.name == "storefront-sandbox-web" && aws_ecs_service.this.desired_count == 0
    error_message = "A service is created without tasks: the first release sets the desired count."
  }

  assert {
    condition     = one(aws_ecs_service.this.deployment_circuit_breaker) == { enable = true, rollback = true }
    error_message = "The deployment circuit breaker is enabled and rolls back."
  }

  assert {
    condition     = aws_ecs_service.this.deployment_minimum_healthy_percent == 100 && aws_ecs_service.this.deployment_maximum_percent == 200
    error_message = "By default, new tasks start before old ones stop."
  }

  assert {
    condition     = aws_ecs_service.this.launch_type == "EC2" && length(aws_ecs_service.this.network_configuration) == 0
    error_message = "By default, tasks run on container instances without a network configuration."
  }

  assert {
    condition     = aws_ecs_service.this.propagate_tags == "SERVICE" && aws_ecs_service.this.wait_for_steady_state == null
    error_message = "Tags are propagated from the service, and apply does not wait for a steady state."
  }

  assert {
    condition     = output.autoscaled == false && output.min_capacity == null && length(aws_appautoscaling_target.this) == 0
    error_message = "By default, there is no autoscaling."
  }
}

# If the service followed its task definition, the value would be unknown, which fails the assertion.
run "a_new_tag_does_not_change_the_service" {
  command = plan

  variables {
    image_tag = "v1.0.0"
  }

  assert {
    condition     = aws_ecs_service.this.task_definition == run.created.task_definition && aws_ecs_service.this.desired_count == 0
    error_message = "Terraform registers revisions; a release chooses which one runs."
  }
}

run "fargate_behind_a_load_balancer" {
  command = plan

  variables {
    environment_name = "staging"
    task             = { launch_type = "FARGATE", container_port = 3000 }
    network          = { subnets = ["subnet-1"], security_groups = ["sg-1"] }
    target_groups    = { web = {} }
    autoscaling      = { minimum = 2, maximum = 6, cpu_percent = 60, memory_percent = 70 }
  }

  assert {
    condition     = one(aws_ecs_service.this.network_configuration).subnets == toset(["subnet-1"]) && one(aws_ecs_service.this.network_configuration).assign_public_ip == false
    error_message = "Tasks run in the given subnets, without public IP addresses."
  }

  assert {
    condition = [for lb in aws_ecs_service.this.load_balancer : [lb.target_group_arn, lb.container_name, lb.container_port]] == [
      ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/1", "web", 3000]
    ]
    error_message = "The main container is registered with the target group of the given name."
  }

  assert {
    condition = (
      aws_appautoscaling_target.this[0].resource_id == "service/storefront-sandbox/storefront-staging-web" &&
      aws_appautoscaling_target.this[0].min_capacity == 0 && aws_appautoscaling_target.this[0].max_capacity == 6
    )
    error_message = "The scalable target is this service, with a minimum of 0 until its first release."
  }

  assert {
    condition = { for metric, p in aws_appautoscaling_policy.this : metric => p.target_tracking_scaling_policy_configuration[0].target_value } == {
      ECSServiceAverageCPUUtilization    = 60
      ECSServiceAverageMemoryUtilization = 70
    }
    error_message = "There is a scaling policy for each target utilisation."
  }

  assert {
    condition     = output.autoscaled && output.min_capacity == 2
    error_message = "The outputs have the minimum that a release sets."
  }
}

run "rejects_invalid_input" {
  command = plan

  variables {
    cluster_arn     = "storefront-sandbox"
    maximum_percent = 50
    autoscaling     = { minimum = 0, maximum = 3, cpu_percent = 60 }
  }

  expect_failures = [
    var.cluster_arn,
    var.maximum_percent,
    var.autoscaling,
  ]
}

run "rejects_awsvpc_without_subnets" {
  command = plan

  variables {
    task = { network_mode = "awsvpc" }
  }

  expect_failures = [var.network]
}

run "rejects_autoscaling_without_a_metric_and_too_high_a_minimum" {
  command = plan

  variables {
    minimum_healthy_percent = 101
    autoscaling             = { minimum = 1, maximum = 3 }
  }

  expect_failures = [var.minimum_healthy_percent, var.autoscaling]
}

run "capacity_providers" {
  command = plan

  variables {
    environment_name           = "staging"
    task                       = { launch_type = "FARGATE" }
    network                    = { subnets = ["subnet-1"] }
    capacity_provider_strategy = [{ capacity_provider = "FARGATE", base = 1 }, { capacity_provider = "FARGATE_SPOT", weight = 3 }]
  }

  assert {
    condition = { for p in aws_ecs_service.this.capacity_provider_strategy : p.capacity_provider => [p.weight, p.base] } == {
      FARGATE      = [1, 1]
      FARGATE_SPOT = [3, 0]
    }
    error_message = "The service has the given capacity provider strategy."
  }

  assert {
    condition     = aws_ecs_service.this.force_new_deployment
    error_message = "A changed strategy is a deployment and does not replace the service."
  }
}

run "target_groups_by_arn" {
  command = plan

  variables {
    environment_name  = "staging"
    target_groups     = { web = {} }
    target_group_arns = { admin = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/admin/2", port = 9090 } }
  }

  assert {
    condition = { for lb in aws_ecs_service.this.load_balancer : lb.target_group_arn => lb.container_port } == {
      "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/1"   = 8080
      "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/admin/2" = 9090
    }
    error_message = "Tasks are registered with the target groups given by name and by ARN."
  }

  assert {
    condition     = keys(data.aws_lb_target_group.this) == ["web"] && aws_ecs_service.this.health_check_grace_period_seconds == 60
    error_message = "Only the target groups given by name have a data source."
  }
}

run "alarms" {
  command = plan

  variables {
    alarms = { names = ["storefront-5xx"] }
  }

  assert {
    condition     = one(aws_ecs_service.this.alarms) == { alarm_names = toset(["storefront-5xx"]), enable = true, rollback = true }
    error_message = "The alarms are enabled, and ECS rolls back."
  }

  assert {
    condition     = one(aws_ecs_service.this.deployment_circuit_breaker) == { enable = true, rollback = true }
    error_message = "The deployment circuit breaker is still enabled."
  }
}

run "execute_command" {
  command = plan

  variables {
    task = { execute_command = true, readonly_root_filesystem = false }
  }

  assert {
    condition     = aws_ecs_service.this.enable_execute_command
    error_message = "ECS Exec is enabled."
  }
}

run "given_roles" {
  command = plan

  variables {
    task = { execution_role = { arn = "arn:aws:iam::123456789012:role/pulls" }, task_role = { arn = "arn:aws:iam::123456789012:role/shop" } }
  }

  assert {
    condition     = output.execution_role_arn == "arn:aws:iam::123456789012:role/pulls" && output.task_role_arn == "arn:aws:iam::123456789012:role/shop"
    error_message = "The outputs are the given roles."
  }
}

run "optional_features_are_off_by_default" {
  command = plan

  variables {
    environment_name = "staging"
  }

  assert {
    condition = (
      aws_ecs_service.this.enable_execute_command == false && length(aws_ecs_service.this.alarms) == 0 &&
      aws_ecs_service.this.force_new_deployment == null && aws_ecs_service.this.health_check_grace_period_seconds == null
    )
    error_message = "By default, there are no ECS Exec, alarms, forced deployment and grace period."
  }
}
