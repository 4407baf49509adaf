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
    error_message = "Container and log group are named after the task."
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
    error_message = "The rule has the schedule."
  }

  assert {
    condition     = aws_cloudwatch_event_rule.this[0].state == "DISABLED"
    error_message = "Nothing is started before the first release, which switches the rule on."
  }

  assert {
    condition = (
      data.aws_iam_policy_document.events[0].statement[0].resources == toset(["arn:aws:ecs:eu-central-1:123456789012:task-definition/storefront-sandbox-nightly:*"]) &&
      one(data.aws_iam_policy_document.events[0].statement[0].condition).values == tolist([var.cluster_arn])
    )
    error_message = "The schedule starts this task, in this cluster."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.events[0].statement[1].condition).values == tolist(["ecs-tasks.amazonaws.com"])
    error_message = "Roles are passed to tasks of ECS only."
  }
}

# An unknown value fails the assertion: that is how a target or a policy that followed the revision would show.
run "a_new_tag_leaves_target_and_policy_alone" {
  command = plan

  variables {
    schedule  = "cron(0 3 * * ? *)"
    image_tag = "v1.0.0"
  }

  assert {
    condition     = aws_cloudwatch_event_target.this[0].ecs_target[0].task_definition_arn == run.scheduled.task_definition
    error_message = "A release moves the target, not Terraform."
  }

  assert {
    condition     = data.aws_iam_policy_document.events[0].statement[0].resources == toset(["arn:aws:ecs:eu-central-1:123456789012:task-definition/storefront-sandbox-nightly:*"])
    error_message = "The policy holds for every revision."
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
    error_message = "The task runs in the given network."
  }

  assert {
    condition     = one(aws_cloudwatch_event_target.this[0].ecs_target[0].network_configuration).subnets == toset(["subnet-1"])
    error_message = "The schedule starts it there, too."
  }
}

run "refuses_a_public_address_on_container_instances" {
  command = plan

  variables {
    task    = { network_mode = "awsvpc" }
    network = { subnets = ["subnet-1"], assign_public_ip = true }
  }

  expect_failures = [var.network]
}

run "refuses_five_fields_of_cron" {
  command = plan

  variables {
    schedule = "cron(0 3 * * ?)"
  }

  expect_failures = [var.schedule]
}

run "refuses_a_plural_for_one" {
  command = plan

  variables {
    schedule = "rate(1 hours)"
  }

  expect_failures = [var.schedule]
}

run "refuses_what_does_not_fit" {
  command = plan

  variables {
    cluster_arn = "storefront-sandbox"
    schedule    = "0 3 * * *"
  }

  expect_failures = [var.cluster_arn, var.schedule]
}

run "refuses_awsvpc_without_subnets" {
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
    error_message = "The contract names the capacity providers."
  }

  assert {
    condition = (
      one(aws_cloudwatch_event_target.this[0].ecs_target[0].capacity_provider_strategy).capacity_provider == "FARGATE_SPOT" &&
      aws_cloudwatch_event_target.this[0].ecs_target[0].launch_type == null
    )
    error_message = "The schedule starts the task there, too, and not by its launch type."
  }
}

run "roles_of_your_own" {
  command = plan

  variables {
    schedule = "rate(1 hour)"
    task     = { execution_role = { arn = "arn:aws:iam::123456789012:role/pulls" }, task_role = { arn = "arn:aws:iam::123456789012:role/shop" } }
  }

  assert {
    condition     = data.aws_iam_policy_document.events[0].statement[1].resources == toset(["arn:aws:iam::123456789012:role/pulls", "arn:aws:iam::123456789012:role/shop"])
    error_message = "The schedule passes the given roles."
  }
}

run "refuses_capacity_providers_of_another_kind" {
  command = plan

  variables {
    capacity_provider_strategy = [{ capacity_provider = "FARGATE" }]
  }

  expect_failures = [var.capacity_provider_strategy]
}

run "refuses_execute_command" {
  command = plan

  variables {
    task = { execute_command = true, readonly_root_filesystem = false }
  }

  expect_failures = [var.task]
}

run "refuses_names_that_do_not_fit" {
  command = plan

  variables {
    application      = "Storefront"
    environment_name = "sand_box"
  }

  expect_failures = [var.application, var.environment_name]
}

run "refuses_a_capacity_provider_twice" {
  command = plan

  variables {
    capacity_provider_strategy = [{ capacity_provider = "instances" }, { capacity_provider = "instances" }]
  }

  expect_failures = [var.capacity_provider_strategy]
}

run "refuses_no_weight_at_all" {
  command = plan

  variables {
    capacity_provider_strategy = [{ capacity_provider = "instances", weight = 0 }]
  }

  expect_failures = [var.capacity_provider_strategy]
}

run "refuses_two_bases" {
  command = plan

  variables {
    capacity_provider_strategy = [{ capacity_provider = "instances", base = 1 }, { capacity_provider = "others", base = 1 }]
  }

  expect_failures = [var.capacity_provider_strategy]
}
