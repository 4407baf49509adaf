# Every run fails; its name says which input is invalid.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  application      = "storefront"
  environment_name = "sandbox"
  name             = "web"
  image_tag        = "unreleased"
  task             = {}
  shared = {
    repositories = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
  }
}

run "names" {
  command = plan

  variables {
    application          = "Store_front"
    environment_name     = "sand box"
    image_tag            = "v1 0"
    path                 = "longshore"
    permissions_boundary = "boundary"
  }

  expect_failures = [
    var.application,
    var.environment_name,
    var.image_tag,
    var.path,
    var.permissions_boundary,
  ]
}

run "a_name_with_a_capital_letter" {
  command = plan

  variables {
    name = "Web"
  }

  expect_failures = [var.name]
}

run "a_name_too_long_for_a_role" {
  command = plan

  variables {
    name = "a-name-that-is-much-too-long-for-the-role"
  }

  expect_failures = [var.name]
}

run "an_unknown_launch_type" {
  command = plan

  variables {
    task = { launch_type = "EXTERNAL" }
  }

  expect_failures = [var.task]
}

run "bridge_on_fargate" {
  command = plan

  variables {
    task = { launch_type = "FARGATE", network_mode = "bridge" }
  }

  expect_failures = [var.task]
}

run "a_host_port_with_awsvpc" {
  command = plan

  variables {
    task = { network_mode = "awsvpc", host_port = 80 }
  }

  expect_failures = [var.task]
}

run "an_unknown_architecture" {
  command = plan

  variables {
    task = { cpu_architecture = "x86" }
  }

  expect_failures = [var.task]
}

run "too_little_memory" {
  command = plan

  variables {
    task = { memory = 1 }
  }

  expect_failures = [var.task]
}

run "a_port_out_of_range" {
  command = plan

  variables {
    task = { container_port = 70000 }
  }

  expect_failures = [var.task]
}

run "an_unknown_image" {
  command = plan

  variables {
    task = { image = "proxy" }
  }

  expect_failures = [var.task]
}

run "a_sidecar_with_the_name_of_the_main_container" {
  command = plan

  variables {
    task = { sidecars = { web = { image = "app" } } }
  }

  expect_failures = [var.task]
}

run "too_much_memory_for_fargate" {
  command = plan

  variables {
    task = { launch_type = "FARGATE", cpu = 256, memory = 4096 }
  }

  expect_failures = [var.task]
}

run "too_little_cpu_for_fargate" {
  command = plan

  variables {
    task = { launch_type = "FARGATE", cpu = 128, memory = 512 }
  }

  expect_failures = [var.task]
}

run "too_long_a_stop_timeout_for_fargate" {
  command = plan

  variables {
    task = { launch_type = "FARGATE", sidecars = { log = { image = "app", stop_timeout = 300 } } }
  }

  expect_failures = [var.task]
}

run "a_health_check_without_cmd" {
  command = plan

  variables {
    task = { health_check = { command = ["curl", "-f", "http://localhost:8080/health"] } }
  }

  expect_failures = [var.task]
}

run "a_health_check_with_too_long_a_start_period" {
  command = plan

  variables {
    task = { sidecars = { log = { image = "app", health_check = { command = ["CMD", "true"], start_period = 600 } } } }
  }

  expect_failures = [var.task]
}

run "a_sidecar_with_a_space" {
  command = plan

  variables {
    task = { sidecars = { "log router" = { image = "app" } } }
  }

  expect_failures = [var.task]
}

run "a_root_directory_with_an_access_point" {
  command = plan

  variables {
    shared = {
      repositories = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      volumes      = { data = { efs = { file_system_id = "fs-1", access_point_id = "fsap-1", root_directory = "/data" } } }
    }
  }

  expect_failures = [var.shared]
}

run "an_unsupported_log_retention" {
  command = plan

  variables {
    shared = {
      repositories       = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      log_retention_days = 31
    }
  }

  expect_failures = [var.shared]
}

run "a_volume_with_host_path_and_efs" {
  command = plan

  variables {
    shared = {
      repositories = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      volumes      = { data = { host_path = "/srv", efs = { file_system_id = "fs-1" } } }
    }
  }

  expect_failures = [var.shared]
}

run "a_key_alias_instead_of_an_arn" {
  command = plan

  variables {
    shared = {
      repositories    = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      log_kms_key_arn = "alias/logs"
    }
  }

  expect_failures = [var.shared]
}

run "a_role_name_instead_of_an_arn" {
  command = plan

  variables {
    task = { execution_role = { arn = "pulls" } }
  }

  expect_failures = [var.task]
}

run "policy_arns_for_a_given_role" {
  command = plan

  variables {
    task = {
      task_role   = { arn = "arn:aws:iam::123456789012:role/shop" }
      policy_arns = ["arn:aws:iam::123456789012:policy/read"]
    }
  }

  expect_failures = [var.task]
}

run "policies_for_a_given_role" {
  command = plan

  variables {
    task = {
      task_role = { arn = "arn:aws:iam::123456789012:role/shop" }
      policies  = { read = "arn:aws:iam::123456789012:policy/read" }
    }
  }

  expect_failures = [var.task]
}

run "execute_command_with_a_read_only_root" {
  command = plan

  variables {
    task = { execute_command = true }
  }

  expect_failures = [var.task]
}

run "execute_command_with_a_read_only_sidecar" {
  command = plan

  variables {
    task = {
      execute_command          = true
      readonly_root_filesystem = false
      sidecars                 = { log = { image = "app" } }
    }
  }

  expect_failures = [var.task]
}

run "a_writable_path_that_is_not_absolute" {
  command = plan

  variables {
    task = { writable_paths = ["tmp"] }
  }

  expect_failures = [aws_ecs_task_definition.this]
}

run "a_writable_path_on_a_mount_point" {
  command = plan

  variables {
    task = { mount_points = { data = "/data" }, writable_paths = ["/data"] }
    shared = {
      repositories = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      volumes      = { data = {} }
    }
  }

  expect_failures = [aws_ecs_task_definition.this]
}

run "two_writable_paths_with_the_same_volume_name" {
  command = plan

  variables {
    task = { writable_paths = ["/a/b", "/a_b"] }
  }

  expect_failures = [aws_ecs_task_definition.this]
}
