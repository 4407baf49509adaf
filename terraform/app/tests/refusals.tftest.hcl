# Every run fails; its name says which input is invalid.

mock_provider "aws" {
  source = "../testing"
}

variables {
  application      = "storefront"
  environment_name = "sandbox"
  region           = "eu-central-1"
  services         = { web = {} }
}

run "names_region_and_tag" {
  command = plan

  variables {
    application      = "Storefront"
    environment_name = "sand_box"
    region           = "Frankfurt"
    image_tag        = "v1 0"
    images           = []
  }

  expect_failures = [var.application, var.environment_name, var.region, var.image_tag, var.images]
}

run "variables_without_the_prefix_and_values_as_secrets" {
  command = plan

  variables {
    variables = { REPO_URL = "x" }
    secrets   = { DB = "hunter2" }
  }

  expect_failures = [var.variables, var.secrets]
}

run "names_that_are_reserved_and_a_wave_below_one" {
  command = plan

  variables {
    variables = { ECS_AGENT_URI = "x" }
    schedules = { migrate = { schedule = "rate(1 day)" } }
    migration = { before_wave = 0 }
  }

  expect_failures = [var.variables, var.schedules, var.migration]
}

run "a_capacity_provider_missing_from_the_cluster" {
  command = plan

  variables {
    cluster   = { capacity_providers = ["FARGATE"] }
    migration = { launch_type = "FARGATE", capacity_provider_strategy = [{ capacity_provider = "FARGATE_SPOT" }] }
  }

  expect_failures = [var.cluster]
}

run "an_unknown_image_of_a_task" {
  command = plan

  variables {
    migration = { image = "proxy" }
    schedules = { nightly = { image = "proxy", schedule = "rate(1 day)" } }
  }

  expect_failures = [var.migration, var.schedules]
}

run "an_unknown_image_of_a_service" {
  command = plan

  variables {
    services = { web = { image = "proxy" } }
  }

  expect_failures = [var.services]
}

run "no_services" {
  command = plan

  variables {
    services = {}
  }

  expect_failures = [var.services]
}

run "a_service_with_the_name_of_the_migration" {
  command = plan

  variables {
    services = { migrate = {} }
  }

  expect_failures = [var.services]
}

run "a_count_below_zero" {
  command = plan

  variables {
    services = { web = { desired_count = -1 } }
  }

  expect_failures = [var.services]
}

run "a_fractional_wave" {
  command = plan

  variables {
    services = { web = { wave = 1.5 } }
  }

  expect_failures = [var.services]
}

run "verifying_a_service_without_a_port" {
  command = plan

  variables {
    services = { worker = { container_port = 0 } }
    verify   = [{ service = "worker", path = "/health" }]
  }

  expect_failures = [var.verify]
}

run "verifying_an_absolute_url" {
  command = plan

  variables {
    verify = [{ service = "web", path = "https://shop.example/health" }]
  }

  expect_failures = [var.verify]
}
