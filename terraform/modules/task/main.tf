locals {
  networked = module.definition.network_mode == "awsvpc"
}

module "definition" {
  source = "../task_definition"

  application          = var.application
  environment_name     = var.environment_name
  name                 = var.name
  image_tag            = var.image_tag
  task                 = merge({ container_port = 0 }, var.task)
  shared               = var.shared
  not_secret           = var.not_secret
  path                 = var.path
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}
