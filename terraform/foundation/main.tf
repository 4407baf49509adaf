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
