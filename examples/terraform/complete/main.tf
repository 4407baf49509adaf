data "aws_caller_identity" "current" {}

# Looked up by name; the stack foundation creates it.
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

  # The ARN from the listener, not from the target group: ECS accepts a target group only after a listener forwards to
  # it. With depends_on instead, a changed listener would make the module's data sources unknown during the plan, and the
  # apply would register a revision.
  target_group_arns = { web = { arn = local.web_listener.default_action[0].target_group_arn } }

  tags = local.tags
}
