# The modules build and releaser with every input that changes a policy, and modules with ARNs of resources in the same
# root module, which are unknown during the plan. tests/modules/test_permissions.py plans it with the real provider.

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

variable "path" {
  type    = string
  default = "/"
}

locals {
  repositories = ["arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app"]
  role         = "arn:aws:iam::123456789012:role${var.path}storefront-sandbox"
  sources = {
    github     = { type = "GITHUB", location = "https://github.com/example/storefront.git" }
    codecommit = { type = "CODECOMMIT", location = "https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/storefront" }
    s3         = { type = "S3", location = "sources/storefront.zip" }
    connection = {
      type           = "GITHUB"
      location       = "https://github.com/example/storefront.git"
      connection_arn = "arn:aws:codeconnections:eu-central-1:123456789012:connection/1"
    }
    star = {
      type           = "BITBUCKET"
      location       = "https://bitbucket.org/example/storefront"
      connection_arn = "arn:aws:codestar-connections:eu-central-1:123456789012:connection/2"
    }
  }
}

module "build" {
  source   = "../../../terraform/modules/build"
  for_each = local.sources

  name            = "storefront-${each.key}"
  repository_arns = local.repositories
  source_code     = each.value
}

module "build_with_secrets" {
  source = "../../../terraform/modules/build"

  name                 = "storefront-secrets"
  repository_arns      = local.repositories
  source_code          = { type = "NO_SOURCE", buildspec = "version: 0.2\n" }
  environment          = { PLAIN = "plain:text", KEY = "ssm:/storefront/key", NPM = "secretsmanager:storefront-npm:token" }
  secrets_kms_key_arns = ["arn:aws:kms:eu-central-1:123456789012:key/1"]
  encryption_key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/2"
}

module "releaser" {
  source = "../../../terraform/modules/releaser"

  application      = "storefront"
  environment_name = "sandbox"
  cluster_arn      = "arn:aws:ecs:eu-central-1:123456789012:cluster/storefront-sandbox"
  repository_arns  = local.repositories
  tasks = {
    for name, kind in { web = "service", worker = "service", migrate = "migration", nightly = "schedule" } : name => {
      kind                  = kind
      family                = "storefront-sandbox-${name}"
      log_group             = "/storefront/sandbox/${name}"
      execution_role_arn    = "${local.role}-${name}-execution"
      task_role_arn         = "${local.role}-${name}-task"
      events_role_arn       = kind == "schedule" ? "${local.role}-${name}-events" : null
    }
  }
  state         = { bucket = "storefront-state", key = "storefront/sandbox.tfstate" }
  secret_arns   = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:storefront-npm-AbCdEf"]
  kms_key_arns  = ["arn:aws:kms:eu-central-1:123456789012:key/3"]
  load_balanced = true
  autoscaled    = true
  path          = var.path
  github        = { repository = "example/storefront", environment = "sandbox" }
  gitlab = {
    project       = "example/storefront"
    oidc_provider = { arn = "arn:aws:iam::123456789012:oidc-provider/gitlab.com" }
  }
}

resource "aws_iam_openid_connect_provider" "new" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

module "minimal_releaser" {
  source = "../../../terraform/modules/releaser"

  application      = "little"
  environment_name = "sandbox"
  cluster_arn      = "arn:aws:ecs:eu-central-1:123456789012:cluster/shared"
  repository_arns  = local.repositories
  tasks = {
    web = {
      kind               = "service"
      family             = "little-sandbox-web"
      log_group          = "/little/sandbox/web"
      execution_role_arn = "${local.role}-web-execution"
      task_role_arn      = "${local.role}-web-task"
    }
  }
  github = {
    repository    = "example/little"
    environment   = "sandbox"
    oidc_provider = { arn = aws_iam_openid_connect_provider.new.arn }
  }
}

# The ARNs of these resources are unknown during the plan.
resource "aws_iam_role" "new" {
  name               = "new"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}

resource "aws_lb_target_group" "new" {
  name        = "new"
  port        = 80
  protocol    = "HTTP"
  target_type = "ip"
  vpc_id      = "vpc-1"
}

module "service_with_unknown_arns" {
  source = "../../../terraform/modules/service"

  application      = "little"
  environment_name = "sandbox"
  name             = "web"
  cluster_arn      = "arn:aws:ecs:eu-central-1:123456789012:cluster/shared"
  image_tag        = "unreleased"
  task = {
    launch_type    = "FARGATE"
    execution_role = { arn = aws_iam_role.new.arn }
    task_role      = { arn = aws_iam_role.new.arn }
  }
  shared            = { repositories = { app = { arn = one(local.repositories), url = "registry.example/storefront/app" } } }
  network           = { subnets = ["subnet-1"] }
  target_group_arns = { web = { arn = aws_lb_target_group.new.arn } }

  capacity_provider_strategy = [{ capacity_provider = "FARGATE_SPOT" }]
}

resource "aws_iam_policy" "new" {
  name   = "new"
  policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}

module "task_with_an_unknown_policy" {
  source = "../../../terraform/modules/task_definition"

  application      = "little"
  environment_name = "sandbox"
  name             = "report"
  image_tag        = "unreleased"
  task             = { container_port = 0, policies = { read = aws_iam_policy.new.arn } }
  shared           = { repositories = { app = { arn = one(local.repositories), url = "registry.example/storefront/app" } } }
}

# The longest possible names: a role name has at most 64 characters.
module "releaser_with_long_names" {
  source = "../../../terraform/modules/releaser"

  application      = "a-shop-of-a-long-name"
  environment_name = "sandbox-production"
  cluster_arn      = "arn:aws:ecs:eu-central-1:123456789012:cluster/a-shop-of-a-long-name-sandbox-production"
  repository_arns  = local.repositories
  path             = "/longshore/"
  tasks = {
    for number in range(4) : "service-${number}" => {
      kind               = "service"
      family             = "a-shop-of-a-long-name-sandbox-production-service-00000${number}"
      log_group          = "/a-shop-of-a-long-name/sandbox-production/service-00000${number}"
      execution_role_arn = "arn:aws:iam::123456789012:role/longshore/a-shop-of-a-long-name-sandbox-production-service-00000${number}-execution"
      task_role_arn      = "arn:aws:iam::123456789012:role/longshore/a-shop-of-a-long-name-sandbox-production-service-00000${number}-task"
    }
  }
}
