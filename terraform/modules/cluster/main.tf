resource "aws_ecs_cluster" "this" {
  count = var.existing_name == null ? 1 : 0

  name = var.name

  setting {
    name  = "containerInsights"
    value = var.container_insights
  }

  dynamic "configuration" {
    for_each = length(concat(var.execute_command_kms_key_arn[*], var.fargate_storage_kms_key_arn[*])) > 0 ? [true] : []

    content {
      dynamic "execute_command_configuration" {
        for_each = var.execute_command_kms_key_arn[*]

        content {
          kms_key_id = execute_command_configuration.value
          logging    = "DEFAULT"
        }
      }

      dynamic "managed_storage_configuration" {
        for_each = var.fargate_storage_kms_key_arn[*]

        content {
          fargate_ephemeral_storage_kms_key_id = managed_storage_configuration.value
        }
      }
    }
  }

  tags = var.tags
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  count = length(var.capacity_providers) > 0 ? 1 : 0

  cluster_name       = aws_ecs_cluster.this[0].name
  capacity_providers = var.capacity_providers
}

data "aws_ecs_cluster" "existing" {
  count = var.existing_name == null ? 0 : 1

  cluster_name = var.existing_name
}
