mock_provider "aws" {
  source = "../../testing"
}

variables {
  name = "storefront-sandbox"
}

run "makes_a_cluster" {
  command = plan

  assert {
    condition     = output.name == "storefront-sandbox"
    error_message = "The cluster has the given name."
  }

  assert {
    condition     = { for s in aws_ecs_cluster.this[0].setting : s.name => s.value } == { containerInsights = "enabled" }
    error_message = "Container Insights is on."
  }
}

run "uses_one_that_exists" {
  command = plan

  variables {
    existing_name = "shared"
  }

  assert {
    condition     = length(aws_ecs_cluster.this) == 0 && output.name == "shared"
    error_message = "No cluster is made beside the one that exists."
  }

  assert {
    condition     = output.arn == data.aws_ecs_cluster.existing[0].arn
    error_message = "The ARN is looked up by the name."
  }
}

run "refuses_what_does_not_fit" {
  command = plan

  variables {
    name               = "store front"
    existing_name      = "arn:aws:ecs:eu-central-1:123456789012:cluster/shared"
    container_insights = "on"
  }

  expect_failures = [var.name, var.existing_name, var.container_insights]
}
