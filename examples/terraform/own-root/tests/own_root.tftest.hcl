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
    error_message = "Rule 1: earlier revisions stay."
  }

  assert {
    condition     = aws_ecs_service.web.desired_count == 0
    error_message = "Rule 2: a service begins without tasks."
  }

  assert {
    condition     = output.release.image_tag == "unreleased" && output.release.image_tag_parameter == "/hello/sandbox/image_tag"
    error_message = "Rule 3: before the first release the tag is unreleased."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.web.container_definitions)[0].image == "123456789012.dkr.ecr.eu-central-1.amazonaws.com/storefront/app:unreleased"
    error_message = "Rule 4: the image is one of the repository's, with that tag."
  }

  assert {
    condition     = one(aws_ecs_service.web.deployment_circuit_breaker) == { enable = true, rollback = true }
    error_message = "The circuit breaker is on, and rolls back."
  }

  assert {
    condition     = output.release.services.web.task_definition == aws_ecs_task_definition.web.arn && output.release.services.web.containers == { web = "app" }
    error_message = "The contract names the revision that was registered last, and the image of each container."
  }
}

run "a_tag_reaches_the_task_definition_alone" {
  command = plan

  variables {
    image_tag = "v1.0.0"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.web.container_definitions)[0].environment == [{ name = "RELEASE_VERSION", value = "v1.0.0" }]
    error_message = "The container is told its version."
  }

  # An unknown value fails the assertion: that is how a service that followed its task definition would show.
  assert {
    condition     = aws_ecs_service.web.task_definition == run.unreleased.release.services.web.task_definition
    error_message = "Rule 2: the release moves the service, not Terraform."
  }
}

run "what_is_refused" {
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
