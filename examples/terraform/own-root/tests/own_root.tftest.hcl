mock_provider "aws" {
  source = "../../../terraform/testing"
}

variables {
  application      = "hello"
  environment_name = "sandbox"
  region           = "eu-central-1"
  subnets          = ["subnet-1"]
  security_groups  = ["sg-1"]
}

run "unreleased" {
  command = apply

  assert {
    condition     = aws_ecs_task_definition.web.skip_destroy
    error_message = "Rule 1: earlier revisions stay ACTIVE."
  }

  assert {
    condition     = aws_ecs_service.web.desired_count == 0
    error_message = "Rule 2: a service is created without tasks."
  }

  assert {
    condition     = output.release.image_tag == "unreleased" && output.release.image_tag_parameter == "/hello/sandbox/image_tag"
    error_message = "Rule 3: before the first release the tag is unreleased."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.web.container_definitions)[0].image == "123456789012.dkr.ecr.eu-central-1.amazonaws.com/storefront/app:unreleased"
    error_message = "Rule 4: the image is that of the repository, with the tag."
  }

  assert {
    condition     = one(aws_ecs_service.web.deployment_circuit_breaker) == { enable = true, rollback = true }
    error_message = "The deployment circuit breaker is enabled and rolls back."
  }

  assert {
    condition     = output.release.services.web.task_definition == aws_ecs_task_definition.web.arn && output.release.services.web.containers == { web = "app" }
    error_message = "The contract has the latest revision, and the image of each container."
  }
}

run "a_tag_changes_only_the_task_definition" {
  command = plan

  variables {
    image_tag = "v1.0.0"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.web.container_definitions)[0].environment == [{ name = "RELEASE_VERSION", value = "v1.0.0" }]
    error_message = "The container gets its version."
  }

  # If the service followed its task definition, the value would be unknown, which fails the assertion.
  assert {
    condition     = aws_ecs_service.web.task_definition == run.unreleased.release.services.web.task_definition
    error_message = "Rule 2: a release updates the service, Terraform does not."
  }
}

run "rejects_invalid_input" {
  command = plan

  variables {
    application      = "Hello"
    environment_name = "sandbox_"
    region           = "Frankfurt"
    image_tag        = "a tag"
    desired_count    = 1.5
    subnets          = []
    security_groups  = []
  }

  expect_failures = [
    var.application, var.environment_name, var.region, var.image_tag, var.desired_count, var.subnets, var.security_groups,
  ]
}
