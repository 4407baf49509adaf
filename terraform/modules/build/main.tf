data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  region     = data.aws_region.current.id
  # Built from names: the trust policy refers to the project, which refers to its role; and the policies are known in
  # the plan that creates them.
  project_arn   = "arn:${local.partition}:codebuild:${local.region}:${local.account_id}:project/${var.name}"
  log_group_arn = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/aws/codebuild/${var.name}"
  git           = contains(["GITHUB", "BITBUCKET", "CODECOMMIT"], var.source_code.type)
}

# Created here, with its retention: the role may not create a log group.
resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/codebuild/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn

  tags = var.tags
}

resource "aws_codebuild_project" "this" {
  # checkov:skip=CKV_AWS_316:docker build and docker push need an engine, which starts only in privileged mode
  name                   = var.name
  description            = var.description
  service_role           = aws_iam_role.this.arn
  source_version         = var.source_code.version
  build_timeout          = var.build_timeout
  queued_timeout         = var.queue_timeout
  concurrent_build_limit = var.concurrent_builds
  encryption_key         = var.encryption_key_arn

  artifacts {
    type = "NO_ARTIFACTS"
  }

  cache {
    type  = "LOCAL"
    modes = ["LOCAL_DOCKER_LAYER_CACHE"]
  }

  environment {
    # An image for ARM runs in this type only ("Docker images provided by CodeBuild" in the CodeBuild User Guide).
    type                        = strcontains(var.image, "aarch64") ? "ARM_CONTAINER" : "LINUX_CONTAINER"
    image                       = var.image
    image_pull_credentials_type = "CODEBUILD"
    compute_type                = var.compute_type
    privileged_mode             = true

    dynamic "environment_variable" {
      for_each = local.variables

      content {
        name  = environment_variable.key
        type  = environment_variable.value.type
        value = environment_variable.value.value
      }
    }
  }

  logs_config {
    cloudwatch_logs {
      status     = "ENABLED"
      group_name = aws_cloudwatch_log_group.this.name
    }
  }

  source {
    type            = var.source_code.type
    location        = var.source_code.location
    buildspec       = var.source_code.buildspec
    git_clone_depth = local.git ? coalesce(var.source_code.git_clone_depth, 0) : null

    dynamic "auth" {
      for_each = var.source_code.connection_arn[*]

      content {
        type     = "CODECONNECTIONS"
        resource = auth.value
      }
    }
  }

  tags = var.tags

  # A webhook may start a build as soon as the project exists.
  depends_on = [aws_iam_role_policy.this, aws_iam_role_policy_attachment.this]
}

resource "aws_codebuild_webhook" "this" {
  count = var.webhook == null ? 0 : 1

  project_name = aws_codebuild_project.this.name
  build_type   = "BUILD"

  # One group: a push starts a build only if all filters match.
  filter_group {
    filter {
      type    = "EVENT"
      pattern = "PUSH"
    }

    filter {
      type    = "HEAD_REF"
      pattern = "^refs/heads/${replace(var.webhook.branch, ".", "\\.")}$"
    }

    dynamic "filter" {
      for_each = var.webhook.filters

      content {
        type                    = filter.value.type
        pattern                 = filter.value.pattern
        exclude_matched_pattern = filter.value.exclude
      }
    }
  }
}
