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

run "capacity_providers_and_keys" {
  command = plan

  variables {
    capacity_providers          = ["FARGATE", "FARGATE_SPOT"]
    execute_command_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1"
    fargate_storage_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/2"
  }

  assert {
    condition     = aws_ecs_cluster_capacity_providers.this[0].capacity_providers == toset(["FARGATE", "FARGATE_SPOT"]) && aws_ecs_cluster_capacity_providers.this[0].cluster_name == "storefront-sandbox"
    error_message = "The cluster offers what a strategy may name."
  }

  assert {
    condition = (
      one(one(aws_ecs_cluster.this[0].configuration).execute_command_configuration).kms_key_id == "arn:aws:kms:eu-central-1:123456789012:key/1" &&
      one(one(aws_ecs_cluster.this[0].configuration).managed_storage_configuration).fargate_ephemeral_storage_kms_key_id == "arn:aws:kms:eu-central-1:123456789012:key/2"
    )
    error_message = "Sessions and storage are encrypted by the given keys."
  }

  assert {
    condition     = one(one(aws_ecs_cluster.this[0].configuration).execute_command_configuration).logging == "DEFAULT"
    error_message = "What AWS takes if nothing is said is said: it reads back, and would be a difference in every plan."
  }
}

run "no_keys_and_providers_by_default" {
  command = plan

  assert {
    condition     = length(aws_ecs_cluster.this[0].configuration) == 0 && length(aws_ecs_cluster_capacity_providers.this) == 0
    error_message = "What was not asked for is left to AWS."
  }
}

run "refuses_providers_of_a_cluster_that_exists" {
  command = plan

  variables {
    existing_name      = "shared"
    capacity_providers = ["FARGATE"]
  }

  expect_failures = [var.capacity_providers]
}

run "refuses_aliases_of_keys" {
  command = plan

  variables {
    capacity_providers          = ["FARGATE SPOT"]
    execute_command_kms_key_arn = "alias/exec"
    fargate_storage_kms_key_arn = "alias/storage"
  }

  expect_failures = [var.capacity_providers, var.execute_command_kms_key_arn, var.fargate_storage_kms_key_arn]
}
