mock_provider "aws" {
  source = "../../../terraform/testing"

  mock_data "aws_subnets" {
    defaults = {
      ids = ["subnet-2", "subnet-1"]
    }
  }

  mock_data "aws_security_group" {
    defaults = {
      id = "sg-1"
    }
  }
}

variables {
  application      = "tenant"
  environment_name = "sandbox"
  region           = "eu-central-1"
  cluster          = "shared"
  vpc              = "platform"
  security_group   = "platform-tasks"
  target_group     = "tenant-web"
}

run "a_tenant_of_the_platform" {
  command = apply

  assert {
    condition     = output.release.cluster == "shared"
    error_message = "The services run in the existing cluster."
  }

  assert {
    condition     = jsondecode(jsonencode({ for key, service in output.release.services : key => [service.wave, service.port] })) == { worker = [1, null], web = [2, 8080] }
    error_message = "The worker is in the first wave and has no port."
  }

  assert {
    condition     = output.release.image_tag == "unreleased"
    error_message = "Nothing has been released."
  }
}

run "rejects_a_vpc_without_matching_subnets" {
  command = plan

  override_data {
    target = data.aws_subnets.this
    values = { ids = [] }
  }

  expect_failures = [data.aws_subnets.this]
}

run "rejects_invalid_input" {
  command = plan

  variables {
    application      = "Tenant"
    environment_name = "sandbox_"
    region           = "Frankfurt"
    image_tag        = "a tag"
    cluster          = "arn:aws:ecs:eu-central-1:123456789012:cluster/platform"
    vpc              = ""
    tier             = ""
    security_group   = "sg-0a1b2c3d"
    target_group     = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/tenant-web/1"
  }

  expect_failures = [
    var.application, var.environment_name, var.region, var.image_tag, var.cluster, var.vpc, var.tier, var.security_group,
    var.target_group,
  ]
}
