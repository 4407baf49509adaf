mock_provider "aws" {
  source = "../../testing"
}

variables {
  application      = "storefront"
  environment_name = "sandbox"
  name             = "nightly"
  cluster_arn      = "arn:aws:ecs:eu-central-1:123456789012:cluster/storefront-sandbox"
  image_tag        = "unreleased"
  task             = {}

  shared = {
    repositories = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
  }
}

run "one_off" {
  command = plan

  variables {
    name = "migrate"
  }

  assert {
    condition     = output.container == "migrate" && output.log_group == "/storefront/sandbox/migrate"
    error_message = "Container and log group have the name of the task."
  }

  assert {
    condition     = jsondecode(jsonencode(output.launch)) == { type = "EC2", capacity_provider_strategy = [], subnets = [], security_groups = [], assign_public_ip = false }
    error_message = "By default, the task runs on container instances."
  }

  assert {
    condition     = output.rule == null && output.target_id == null && length(aws_iam_role.events) == 0
    error_message = "A task without a schedule has no rule, and no role to start it."
  }
}

run "scheduled" {
  command = apply

  variables {
    schedule = "cron(0 3 * * ? *)"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.this[0].schedule_expression == "cron(0 3 * * ? *)" && output.rule == "storefront-sandbox-nightly"
    error_message = "The rule has the given schedule."
  }

  assert {
    condition     = aws_cloudwatch_event_rule.this[0].state == "DISABLED"
    error_message = "The rule is disabled until the first release enables it."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.events[0].statement[0].resources == toset(["arn:aws:ecs:eu-central-1:123456789012:task-definition/storefront-sandbox-nightly:*"]) &&
      one(data.aws_iam_policy_document.events[0].statement[0].condition).values == tolist([var.cluster_arn])
    )
    error_message = "The rule may start this family only, in this cluster only."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.events[0].statement[1].condition).values == tolist(["ecs-tasks.amazonaws.com"])
    error_message = "Roles may be passed to ECS tasks only."
  }
}

# If the target or the policy followed the revision, the value would be unknown, which fails the assertion.
run "a_new_tag_does_not_change_target_and_policy" {
  command = plan

  variables {
    schedule  = "cron(0 3 * * ? *)"
    image_tag = "v1.0.0"
  }

  assert {
    condition     = aws_cloudwatch_event_target.this[0].ecs_target[0].task_definition_arn == run.scheduled.task_definition
    error_message = "A release updates the target, Terraform does not."
  }

  assert {
    condition     = data.aws_iam_policy_document.events[0].statement[0].resources == toset(["arn:aws:ecs:eu-central-1:123456789012:task-definition/storefront-sandbox-nightly:*"])
    error_message = "The policy covers every revision of the family."
  }
}

run "fargate" {
  command = plan

  variables {
    schedule = "rate(1 hour)"
    task     = { launch_type = "FARGATE" }
    network  = { subnets = ["subnet-1"], security_groups = ["sg-1"], assign_public_ip = true }
  }

  assert {
    condition     = jsondecode(jsonencode(output.launch)) == { type = "FARGATE", capacity_provider_strategy = [], subnets = ["subnet-1"], security_groups = ["sg-1"], assign_public_ip = true }
    error_message = "The output has the given network configuration."
  }

  assert {
    condition     = one(aws_cloudwatch_event_target.this[0].ecs_target[0].network_configuration).subnets == toset(["subnet-1"])
    error_message = "The target has the given network configuration."
  }
}

run "rejects_a_public_ip_on_container_instances" {
  command = plan

  variables {
    task    = { network_mode = "awsvpc" }
    network = { subnets = ["subnet-1"], assign_public_ip = true }
  }

  expect_failures = [var.network]
}

run "rejects_a_cron_expression_with_five_fields" {
  command = plan

  variables {
    schedule = "cron(0 3 * * ?)"
  }

  expect_failures = [var.schedule]
}

run "rejects_a_plural_unit_for_one" {
  command = plan

  variables {
    schedule = "rate(1 hours)"
  }

  expect_failures = [var.schedule]
}

run "rejects_invalid_input" {
  command = plan

  variables {
    cluster_arn = "storefront-sandbox"
    schedule    = "0 3 * * *"
  }

  expect_failures = [var.cluster_arn, var.schedule]
}

run "rejects_awsvpc_without_subnets" {
  command = plan

  variables {
    task = { network_mode = "awsvpc" }
  }

  expect_failures = [var.network]
}

run "capacity_providers" {
  command = plan

  variables {
    schedule                   = "rate(1 hour)"
    task                       = { launch_type = "FARGATE" }
    network                    = { subnets = ["subnet-1"] }
    capacity_provider_strategy = [{ capacity_provider = "FARGATE_SPOT" }]
  }

  assert {
    condition     = jsondecode(jsonencode(output.launch.capacity_provider_strategy)) == [{ capacity_provider = "FARGATE_SPOT", weight = 1, base = 0 }]
    error_message = "The output has the capacity providers."
  }

  assert {
    condition = (
      one(aws_cloudwatch_event_target.this[0].ecs_target[0].capacity_provider_strategy).capacity_provider == "FARGATE_SPOT" &&
      aws_cloudwatch_event_target.this[0].ecs_target[0].launch_type == null
    )
    error_message = "The target has the capacity providers, and no launch type."
  }
}

run "given_roles" {
  command = plan

  variables {
    schedule = "rate(1 hour)"
    task     = { execution_role = { arn = "arn:aws:iam::123456789012:role/pulls" }, task_role = { arn = "arn:aws:iam::123456789012:role/shop" } }
  }

  assert {
    condition     = data.aws_iam_policy_document.events[0].statement[1].resources == toset(["arn:aws:iam::123456789012:role/pulls", "arn:aws:iam::123456789012:role/shop"])
    error_message = "The rule may pass the given roles."
  }
}

run "rejects_a_fargate_provider_with_launch_type_ec2" {
  command = plan

  variables {
    capacity_provider_strategy = [{ capacity_provider = "FARGATE" }]
  }

  expect_failures = [var.capacity_provider_strategy]
}

run "rejects_execute_command" {
  command = plan

  variables {
    task = { execute_command = true, readonly_root_filesystem = false }
  }

  expect_failures = [var.task]
}

run "rejects_invalid_names" {
  command = plan

  variables {
    application      = "Storefront"
    environment_name = "sand_box"
  }

  expect_failures = [var.application, var.environment_name]
}

run "rejects_a_duplicate_capacity_provider" {
  command = plan

  variables {
    capacity_provider_strategy = [{ capacity_provider = "instances" }, { capacity_provider = "instances" }]
  }

  expect_failures = [var.capacity_provider_strategy]
}

run "rejects_only_zero_weights" {
  command = plan

  variables {
    capacity_provider_strategy = [{ capacity_provider = "instances", weight = 0 }]
  }

  expect_failures = [var.capacity_provider_strategy]
}

run "rejects_two_bases" {
  command = plan

  variables {
    capacity_provider_strategy = [{ capacity_provider = "instances", base = 1 }, { capacity_provider = "others", base = 1 }]
  }

  expect_failures = [var.capacity_provider_strategy]
}
