data "aws_caller_identity" "current" {}

# Looked up by name, not through another stack's state, so that the stacks work with any backend.
data "aws_ecr_repository" "this" {
  for_each = var.images

  name = "${var.application}/${each.key}"
}

resource "aws_ssm_parameter" "image_tag" {
  # checkov:skip=CKV2_AWS_34:the tag is not a secret, and a plan without a tag reads it from here
  name           = "/${var.application}/${var.environment_name}/image_tag"
  description    = "The tag of the images that were released last; written by a release once it is verified"
  type           = "String"
  insecure_value = "unreleased"

  tags = local.tags

  lifecycle {
    ignore_changes = [insecure_value, value]
  }
}

locals {
  # Without a tag, plan with the released one: the plan is empty unless a release is running (docs/concepts.md).
  image_tag = coalesce(var.image_tag, aws_ssm_parameter.image_tag.insecure_value)

  tags = merge({ Application = var.application, Environment = var.environment_name }, var.tags)

  shared = {
    repositories         = { for image, r in data.aws_ecr_repository.this : image => { arn = r.arn, url = r.repository_url } }
    environment          = merge(local.variables, var.environment)
    secrets              = var.secrets
    volumes              = var.volumes
    log_retention_days   = var.log_retention_days
    log_kms_key_arn      = var.log_kms_key_arn
    secrets_kms_key_arns = var.secrets_kms_key_arns

    execute_command_kms_key_arn = var.cluster.execute_command_kms_key_arn
  }

  # Capacity providers that any capacity_provider_strategy uses.
  strategies = toset(flatten([
    [for service in values(var.services) : service.capacity_provider_strategy[*].capacity_provider],
    [for schedule in values(var.schedules) : schedule.capacity_provider_strategy[*].capacity_provider],
    [for migration in var.migration[*] : migration.capacity_provider_strategy[*].capacity_provider],
  ]))
}

module "cluster" {
  source = "../modules/cluster"

  name               = "${var.application}-${var.environment_name}"
  existing_name      = var.cluster.existing_name
  container_insights = var.cluster.container_insights
  capacity_providers = var.cluster.capacity_providers

  execute_command_kms_key_arn = var.cluster.execute_command_kms_key_arn
  fargate_storage_kms_key_arn = var.cluster.fargate_storage_kms_key_arn

  tags = local.tags
}

module "services" {
  source   = "../modules/service"
  for_each = var.services

  application             = var.application
  environment_name        = var.environment_name
  name                    = each.key
  cluster_arn             = module.cluster.arn
  image_tag               = local.image_tag
  task                    = each.value
  shared                  = local.shared
  not_secret              = var.not_secret
  network                 = var.network
  minimum_healthy_percent = each.value.minimum_healthy_percent
  maximum_percent         = each.value.maximum_percent
  target_groups           = each.value.target_groups
  target_group_arns       = each.value.target_group_arns
  alarms                  = each.value.alarms

  capacity_provider_strategy = each.value.capacity_provider_strategy

  health_check_grace_period = each.value.health_check_grace_period
  autoscaling               = each.value.autoscaling
  path                      = var.path
  permissions_boundary      = var.permissions_boundary
  tags                      = local.tags
}

module "migration" {
  source   = "../modules/task"
  for_each = { for migration in var.migration[*] : "migrate" => migration }

  application      = var.application
  environment_name = var.environment_name
  name             = each.key
  cluster_arn      = module.cluster.arn
  image_tag        = local.image_tag
  task             = each.value
  shared           = local.shared

  capacity_provider_strategy = each.value.capacity_provider_strategy

  not_secret           = var.not_secret
  network              = var.network
  path                 = var.path
  permissions_boundary = var.permissions_boundary
  tags                 = local.tags
}

module "schedules" {
  source   = "../modules/task"
  for_each = var.schedules

  application      = var.application
  environment_name = var.environment_name
  name             = each.key
  cluster_arn      = module.cluster.arn
  image_tag        = local.image_tag
  task             = each.value
  shared           = local.shared

  capacity_provider_strategy = each.value.capacity_provider_strategy

  not_secret           = var.not_secret
  schedule             = each.value.schedule
  network              = var.network
  path                 = var.path
  permissions_boundary = var.permissions_boundary
  tags                 = local.tags
}
