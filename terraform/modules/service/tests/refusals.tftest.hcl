# Every run fails; its name says which input is invalid.

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

run "names" {
  command = plan

  variables {
    application      = "Storefront"
    environment_name = "sand_box"
  }

  expect_failures = [var.application, var.environment_name]
}

run "a_public_ip_on_container_instances" {
  command = plan

  variables {
    task    = { network_mode = "awsvpc" }
    network = { subnets = ["subnet-1"], assign_public_ip = true }
  }

  expect_failures = [var.network]
}

run "an_instance_target_group_with_awsvpc" {
  command = plan

  override_data {
    target = data.aws_lb_target_group.this
    values = { target_type = "instance" }
  }

  variables {
    task          = { launch_type = "FARGATE" }
    network       = { subnets = ["subnet-1"] }
    target_groups = { web = {} }
  }

  expect_failures = [data.aws_lb_target_group.this]
}

run "an_ip_target_group_with_bridge" {
  command = plan

  override_data {
    target = data.aws_lb_target_group.this
    values = { target_type = "ip" }
  }

  variables {
    target_groups = { web = {} }
  }

  expect_failures = [data.aws_lb_target_group.this]
}

run "a_fargate_provider_with_launch_type_ec2" {
  command = plan

  variables {
    capacity_provider_strategy = [{ capacity_provider = "FARGATE_SPOT" }]
  }

  expect_failures = [var.capacity_provider_strategy]
}

run "an_instance_provider_with_launch_type_fargate" {
  command = plan

  variables {
    task                       = { launch_type = "FARGATE" }
    network                    = { subnets = ["subnet-1"] }
    capacity_provider_strategy = [{ capacity_provider = "instances" }]
  }

  expect_failures = [var.capacity_provider_strategy]
}

run "a_capacity_provider_twice" {
  command = plan

  variables {
    capacity_provider_strategy = [{ capacity_provider = "instances" }, { capacity_provider = "instances" }]
  }

  expect_failures = [var.capacity_provider_strategy]
}

run "only_zero_weights" {
  command = plan

  variables {
    capacity_provider_strategy = [{ capacity_provider = "instances", weight = 0, base = 1 }]
  }

  expect_failures = [var.capacity_provider_strategy]
}

run "two_bases" {
  command = plan

  variables {
    capacity_provider_strategy = [{ capacity_provider = "instances", base = 1 }, { capacity_provider = "others", base = 1 }]
  }

  expect_failures = [var.capacity_provider_strategy]
}

run "a_target_group_name_instead_of_an_arn" {
  command = plan

  variables {
    target_group_arns = { web = { arn = "web" } }
  }

  expect_failures = [var.target_group_arns]
}

run "a_target_group_without_a_port" {
  command = plan

  variables {
    task          = { container_port = 0 }
    target_groups = { web = {} }
  }

  expect_failures = [var.target_group_arns]
}

run "a_target_group_with_an_unknown_container" {
  command = plan

  variables {
    target_groups = { web = { container = "proxy", port = 8080 } }
  }

  expect_failures = [var.target_group_arns]
}

run "a_target_group_of_a_sidecar_without_a_port" {
  command = plan

  variables {
    task          = { container_port = 8080, sidecars = { proxy = { image = "app" } } }
    target_groups = { web = { container = "proxy" } }
  }

  expect_failures = [var.target_group_arns]
}

run "alarms_without_a_name" {
  command = plan

  variables {
    alarms = { names = [] }
  }

  expect_failures = [var.alarms]
}

run "rollback_on_disabled_alarms_and_a_negative_grace_period" {
  command = plan

  variables {
    alarms                    = { names = ["storefront-5xx"], enable = false }
    health_check_grace_period = -1
  }

  expect_failures = [var.alarms, var.health_check_grace_period]
}
