data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  family       = "${var.application}-${var.environment_name}-${var.name}"
  namespace    = "/${var.application}/${var.environment_name}"
  account_id   = data.aws_caller_identity.current.account_id
  partition    = data.aws_partition.current.partition
  region       = data.aws_region.current.id
  fargate      = var.task.launch_type == "FARGATE"
  network_mode = coalesce(var.task.network_mode, local.fargate ? "awsvpc" : "bridge")

  # On EC2, the container instance decides, and ECS returns no platform for a revision that has none.
  cpu_architecture = local.fargate ? coalesce(var.task.cpu_architecture, "X86_64") : var.task.cpu_architecture
}

# Rejects secrets before a revision is registered, by name or by value.
module "plaintext" {
  source = "../plaintext"

  values = merge(
    { "environment." = var.shared.environment, "${var.name}.environment." = var.task.environment },
    { for name, sidecar in var.task.sidecars : "${name}.environment." => sidecar.environment },
  )
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "${local.namespace}/${var.name}"
  retention_in_days = var.shared.log_retention_days
  kms_key_id        = var.shared.log_kms_key_arn

  tags = var.tags
}

resource "aws_ecs_task_definition" "this" {
  family                   = local.family
  container_definitions    = jsonencode(local.definitions)
  cpu                      = var.task.cpu
  memory                   = var.task.memory
  network_mode             = local.network_mode
  requires_compatibilities = [var.task.launch_type]
  execution_role_arn       = local.execution_role_arn
  task_role_arn            = local.task_role_arn
  # Earlier revisions stay ACTIVE: a rollback needs them (docs/concepts.md).
  skip_destroy = true

  dynamic "runtime_platform" {
    for_each = local.cpu_architecture[*]

    content {
      cpu_architecture        = runtime_platform.value
      operating_system_family = "LINUX"
    }
  }

  dynamic "volume" {
    for_each = local.volumes

    content {
      name      = "${var.application}-${var.environment_name}-${volume.key}"
      host_path = volume.value.host_path

      dynamic "docker_volume_configuration" {
        for_each = volume.value.host_path == null && volume.value.efs == null ? [true] : []

        content {
          scope         = "shared"
          autoprovision = true
          driver        = "local"
        }
      }

      dynamic "efs_volume_configuration" {
        for_each = volume.value.efs[*]

        content {
          file_system_id     = efs_volume_configuration.value.file_system_id
          root_directory     = efs_volume_configuration.value.root_directory
          transit_encryption = "ENABLED"

          dynamic "authorization_config" {
            for_each = efs_volume_configuration.value.access_point_id[*]

            content {
              access_point_id = authorization_config.value
            }
          }
        }
      }
    }
  }

  dynamic "volume" {
    for_each = toset(local.writable_volumes)

    content {
      name = volume.value
    }
  }

  tags = var.tags

  lifecycle {
    precondition {
      condition     = length(local.malformed) == 0
      error_message = "Invalid: ${join(", ", local.malformed)}. A secret must be a reference, not a value: ssm:/path, ssm:name, secretsmanager:name[:json-key[:stage[:version]]] or the full ARN of either."
    }

    precondition {
      condition     = length(local.ambiguous) == 0
      error_message = "Duplicate: ${join(", ", distinct(local.ambiguous))}. A name must be in environment or in secrets, not both, and must not be RELEASE_VERSION, which every container has."
    }

    precondition {
      condition     = length(local.unmountable) == 0
      error_message = "Cannot be mounted: ${join(", ", local.unmountable)}. The key of a mount point must be a volume (${join(", ", keys(var.shared.volumes))}), on FARGATE one with efs, and its value an absolute path, which may end in \":ro\" for read-only. A writable path must be absolute, and nothing else may be mounted there."
    }
  }
}
