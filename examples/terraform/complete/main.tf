data "aws_caller_identity" "current" {}

# By its name, made in the stack foundation.
data "aws_ecr_repository" "app" {
  name = "${var.application}/app"
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
  name      = "${var.application}-${var.environment_name}"
  image_tag = coalesce(var.image_tag, aws_ssm_parameter.image_tag.insecure_value)

  tags = {
    Name        = local.name
    Application = var.application
    Environment = var.environment_name
  }
}

module "cluster" {
  source = "../../../terraform/modules/cluster"

  name = local.name
  tags = local.tags
}

module "web" {
  source = "../../../terraform/modules/service"

  application      = var.application
  environment_name = var.environment_name
  name             = "web"
  cluster_arn      = module.cluster.arn
  image_tag        = local.image_tag

  shared = {
    repositories = { app = { arn = data.aws_ecr_repository.app.arn, url = data.aws_ecr_repository.app.repository_url } }
  }

  task = {
    launch_type    = "FARGATE"
    command        = ["web"]
    cpu            = 256
    memory         = 512
    container_port = 8080
    init_process   = true
    stop_timeout   = 30
  }

  network = {
    subnets          = [for zone in var.zones : aws_subnet.public[zone].id]
    security_groups  = [aws_security_group.tasks.id]
    assign_public_ip = true
  }

  # By way of the listener: a service may join a target group only once one leads there. With depends_on instead, a
  # change of a listener would leave open in the plan what the module looks up, and register a revision.
  target_group_arns = { web = { arn = local.leads_to_web.default_action[0].target_group_arn } }

  tags = local.tags
}
