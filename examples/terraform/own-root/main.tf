data "aws_caller_identity" "current" {}

# Rule 4: looked up by name; foundation/ creates it.
data "aws_ecr_repository" "app" {
  name = "${var.application}/app"
}

# Rule 3: a verified release writes the tag, and Terraform ignores the value.
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
  name = "${var.application}-${var.environment_name}"
  tags = { Application = var.application, Environment = var.environment_name }

  # Rule 3: without a tag, plan with the released one: the plan is empty.
  image_tag = coalesce(var.image_tag, aws_ssm_parameter.image_tag.insecure_value)
}

resource "aws_ecs_cluster" "this" {
  name = local.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }

  tags = local.tags
}

resource "aws_cloudwatch_log_group" "web" {
  name              = "/${var.application}/${var.environment_name}/web"
  retention_in_days = 30

  tags = local.tags
}

resource "aws_ecs_task_definition" "web" {
  family                   = "${local.name}-web"
  cpu                      = 256
  memory                   = 512
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  # Rule 1: earlier revisions stay ACTIVE: a rollback needs them.
  skip_destroy = true

  container_definitions = jsonencode([{
    name                   = "web"
    image                  = "${data.aws_ecr_repository.app.repository_url}:${local.image_tag}"
    essential              = true
    readonlyRootFilesystem = true
    stopTimeout            = 10
    portMappings           = [{ containerPort = 8080, hostPort = 8080, protocol = "tcp" }]
    # Tells the application its version, which is not part of the image.
    environment = [{ name = "RELEASE_VERSION", value = local.image_tag }]
    # nc ignores SIGTERM as process 1: an init process forwards it.
    linuxParameters = { initProcessEnabled = true }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.web.name
        "awslogs-region"        = var.region
        "awslogs-stream-prefix" = "ecs"
      }
    }
  }])

  runtime_platform {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  tags = local.tags
}

resource "aws_ecs_service" "web" {
  name            = "${local.name}-web"
  cluster         = aws_ecs_cluster.this.arn
  task_definition = aws_ecs_task_definition.web.arn
  launch_type     = "FARGATE"
  # Rule 2: the first release sets the desired count: before it, there is no image to run.
  desired_count           = 0
  enable_ecs_managed_tags = true
  propagate_tags          = "SERVICE"

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.subnets
    security_groups = var.security_groups
  }

  tags = local.tags

  lifecycle {
    # Rule 2: a release chooses the revision that runs, and a person sets the count.
    ignore_changes = [task_definition, desired_count]
  }
}
