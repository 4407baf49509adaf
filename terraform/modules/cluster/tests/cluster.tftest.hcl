mock_provider "aws" {
  source = "../../testing"
}

variables {
  name = "storefront-sandbox"
}

run "creates_a_cluster" {
  command = plan

  assert {
    condition     = output.name == "storefront-sandbox"
    error_message = "The cluster has the given name."
  }

  assert {
    condition     = { for s in aws_ecs_cluster.this[0].setting : s.name => s.value } == { containerInsights = "enabled" }
    error_message = "Container Insights is enabled."
  }
}

run "uses_an_existing_cluster" {
  command = plan

  variables {
    existing_name = "shared"
  }

  assert {
    condition     = length(aws_ecs_cluster.this) == 0 && output.name == "shared"
    error_message = "No cluster is created if an existing one is used."
  }

  assert {
    condition     = output.arn == data.aws_ecs_cluster.existing[0].arn
    error_message = "The ARN is that of the existing cluster."
  }
}

run "rejects_invalid_input" {
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
    error_message = "The given capacity providers are associated with the cluster."
  }

  assert {
    condition = (
      one(one(aws_ecs_cluster.this[0].configuration).execute_command_configuration).kms_key_id == "arn:aws:kms:eu-central-1:123456789012:key/1" &&
      one(one(aws_ecs_cluster.this[0].configuration).managed_storage_configuration).fargate_ephemeral_storage_kms_key_id == "arn:aws:kms:eu-central-1:123456789012:key/2"
    )
    error_message = "Sessions and storage are encrypted with the given keys."
  }

  assert {
    condition     = one(one(aws_ecs_cluster.this[0].configuration).execute_command_configuration).logging == "DEFAULT"
    error_message = "AWS's default is set explicitly: AWS returns it, and every plan would otherwise show a difference."
  }
}

run "no_keys_and_providers_by_default" {
  command = plan

  assert {
    condition     = length(aws_ecs_cluster.this[0].configuration) == 0 && length(aws_ecs_cluster_capacity_providers.this) == 0
    error_message = "By default, the cluster has no keys and no capacity providers."
  }
}

run "rejects_capacity_providers_of_an_existing_cluster" {
  command = plan

  variables {
    existing_name      = "shared"
    capacity_providers = ["FARGATE"]
  }

  expect_failures = [var.capacity_providers]
}

run "rejects_key_aliases" {
  command = plan

  variables {
    capacity_providers          = ["FARGATE SPOT"]
    execute_command_kms_key_arn = "alias/exec"
    fargate_storage_kms_key_arn = "alias/storage"
  }

  expect_failures = [var.capacity_providers, var.execute_command_kms_key_arn, var.fargate_storage_kms_key_arn]
}
