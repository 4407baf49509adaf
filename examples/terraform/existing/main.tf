data "aws_caller_identity" "current" {}

data "aws_ecr_repository" "app" {
  name = "${var.application}/app"
}

data "aws_vpc" "this" {
  tags = { Name = var.vpc }
}

data "aws_subnets" "this" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.this.id]
  }

  tags = { Tier = var.tier }

  lifecycle {
    postcondition {
      condition     = length(self.ids) > 0
      error_message = "The VPC ${var.vpc} must have at least one subnet with the tag Tier = ${var.tier}."
    }
  }
}

data "aws_security_group" "tasks" {
  name   = var.security_group
  vpc_id = data.aws_vpc.this.id
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
  image_tag = coalesce(var.image_tag, aws_ssm_parameter.image_tag.insecure_value)
  tags      = { Application = var.application, Environment = var.environment_name }

  shared = {
    repositories = { app = { arn = data.aws_ecr_repository.app.arn, url = data.aws_ecr_repository.app.repository_url } }
  }

  services = {
    worker = { wave = 1, desired_count = 1, port = 0, target_groups = {} }
    web    = { wave = 2, desired_count = 2, port = 8080, target_groups = { (var.target_group) = {} } }
  }
}

# Creates no cluster, because existing_name is set.
module "cluster" {
  source = "../../../terraform/modules/cluster"

  name          = var.cluster
  existing_name = var.cluster

  tags = local.tags
}

module "services" {
  source   = "../../../terraform/modules/service"
  for_each = local.services

  application      = var.application
  environment_name = var.environment_name
  name             = each.key
  cluster_arn      = module.cluster.arn
  image_tag        = local.image_tag
  shared           = local.shared

  task = {
    launch_type    = "FARGATE"
    command        = [each.key]
    cpu            = 256
    memory         = 512
    container_port = each.value.port
    init_process   = true
    stop_timeout   = 30
  }

  network = {
    subnets         = sort(data.aws_subnets.this.ids)
    security_groups = [data.aws_security_group.tasks.id]
  }

  target_groups        = each.value.target_groups
  path                 = var.path
  permissions_boundary = var.permissions_boundary

  tags = local.tags
}
