locals {
  tags = merge({ Application = var.application }, var.tags)
}

module "registry" {
  source = "../modules/registry"

  application      = var.application
  images           = var.images
  untagged_days    = var.untagged_days
  pull_account_ids = var.pull_account_ids
  kms_key_arn      = var.kms_key_arn
  tags             = local.tags
}

module "ledger" {
  source = "../modules/ledger"

  application         = var.application
  deletion_protection = var.deletion_protection
  kms_key_arn         = var.kms_key_arn
  tags                = local.tags
}

module "build" {
  source   = "../modules/build"
  for_each = { for build in var.build[*] : "build" => build }

  name                 = "${var.application}-${each.key}"
  description          = "Builds and pushes the images of ${var.application}"
  repository_arns      = [for repository in module.registry.repositories : repository.arn]
  source_code          = each.value.source
  environment          = merge(each.value.environment, { LONGSHORE_APPLICATION = "plain:${var.application}" })
  not_secret           = each.value.not_secret
  secrets_kms_key_arns = each.value.secrets_kms_key_arns
  image                = each.value.image
  compute_type         = each.value.compute_type
  build_timeout        = each.value.build_timeout
  queue_timeout        = each.value.queue_timeout
  concurrent_builds    = each.value.concurrent_builds
  log_retention_days   = each.value.log_retention_days
  log_kms_key_arn      = each.value.log_kms_key_arn
  encryption_key_arn   = each.value.encryption_key_arn
  webhook              = each.value.webhook
  path                 = var.path
  permissions_boundary = var.permissions_boundary
  tags                 = local.tags
}
