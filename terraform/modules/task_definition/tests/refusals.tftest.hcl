# Every run is refused; its name says for what.

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

run "a_name_with_a_capital" {
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

run "launch_type" {
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

run "host_port_outside_bridge" {
  command = plan

  variables {
    task = { network_mode = "awsvpc", host_port = 80 }
  }

  expect_failures = [var.task]
}

run "architecture" {
  command = plan

  variables {
    task = { cpu_architecture = "x86" }
  }

  expect_failures = [var.task]
}

run "size" {
  command = plan

  variables {
    task = { memory = 1 }
  }

  expect_failures = [var.task]
}

run "port" {
  command = plan

  variables {
    task = { container_port = 70000 }
  }

  expect_failures = [var.task]
}

run "image" {
  command = plan

  variables {
    task = { image = "proxy" }
  }

  expect_failures = [var.task]
}

run "sidecar_named_as_the_main_container" {
  command = plan

  variables {
    task = { sidecars = { web = { image = "app" } } }
  }

  expect_failures = [var.task]
}

run "a_size_that_fargate_has_not" {
  command = plan

  variables {
    task = { launch_type = "FARGATE", cpu = 256, memory = 4096 }
  }

  expect_failures = [var.task]
}

run "less_cpu_than_fargate_has" {
  command = plan

  variables {
    task = { launch_type = "FARGATE", cpu = 128, memory = 512 }
  }

  expect_failures = [var.task]
}

run "a_stop_timeout_that_fargate_has_not" {
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

run "a_health_check_that_waits_too_long" {
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

run "a_root_beside_that_of_an_access_point" {
  command = plan

  variables {
    shared = {
      repositories = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      volumes      = { data = { efs = { file_system_id = "fs-1", access_point_id = "fsap-1", root_directory = "/data" } } }
    }
  }

  expect_failures = [var.shared]
}

run "retention" {
  command = plan

  variables {
    shared = {
      repositories       = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      log_retention_days = 31
    }
  }

  expect_failures = [var.shared]
}

run "volume_of_two_kinds" {
  command = plan

  variables {
    shared = {
      repositories = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      volumes      = { data = { host_path = "/srv", efs = { file_system_id = "fs-1" } } }
    }
  }

  expect_failures = [var.shared]
}

run "a_key_that_is_an_alias" {
  command = plan

  variables {
    shared = {
      repositories    = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      log_kms_key_arn = "alias/logs"
    }
  }

  expect_failures = [var.shared]
}

run "a_role_by_its_name" {
  command = plan

  variables {
    task = { execution_role = { arn = "pulls" } }
  }

  expect_failures = [var.task]
}

run "policies_of_a_role_of_your_own" {
  command = plan

  variables {
    task = {
      task_role   = { arn = "arn:aws:iam::123456789012:role/shop" }
      policy_arns = ["arn:aws:iam::123456789012:policy/read"]
    }
  }

  expect_failures = [var.task]
}

run "named_policies_of_a_role_of_your_own" {
  command = plan

  variables {
    task = {
      task_role = { arn = "arn:aws:iam::123456789012:role/shop" }
      policies  = { read = "arn:aws:iam::123456789012:policy/read" }
    }
  }

  expect_failures = [var.task]
}

run "execute_command_on_a_read_only_root" {
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

run "a_writable_path_where_a_volume_is_mounted" {
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

run "two_writable_paths_that_would_be_one_volume" {
  command = plan

  variables {
    task = { writable_paths = ["/a/b", "/a_b"] }
  }

  expect_failures = [aws_ecs_task_definition.this]
}
