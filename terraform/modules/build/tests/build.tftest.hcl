mock_provider "aws" {
  source = "../../testing"
}

variables {
  name            = "storefront-build"
  repository_arns = ["arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app"]
  source_code     = { type = "GITHUB", location = "https://github.com/example/storefront.git" }
}

run "defaults" {
  command = plan

  assert {
    condition = (
      aws_codebuild_project.this.name == "storefront-build" && aws_iam_role.this.name == "storefront-build" &&
      aws_cloudwatch_log_group.this.name == "/aws/codebuild/storefront-build"
    )
    error_message = "Project, role and log group have the same name."
  }

  assert {
    condition = [for e in aws_codebuild_project.this.environment : [e.type, e.image, e.compute_type, e.privileged_mode]] == [
      ["LINUX_CONTAINER", "aws/codebuild/standard:7.0", "BUILD_GENERAL1_SMALL", true]
    ]
    error_message = "Builds run on the standard image for Ubuntu, in its latest release, in privileged mode."
  }

  assert {
    condition = [for s in aws_codebuild_project.this.source : [s.type, s.location, s.buildspec, s.git_clone_depth]] == [
      ["GITHUB", "https://github.com/example/storefront.git", "buildspec.yml", 0]
    ]
    error_message = "The whole history is cloned, and the buildspec is in the source."
  }

  assert {
    condition     = one(aws_codebuild_project.this.artifacts).type == "NO_ARTIFACTS"
    error_message = "A build has no artifacts."
  }

  assert {
    condition     = one(aws_codebuild_project.this.cache).type == "LOCAL" && one(aws_codebuild_project.this.cache).modes == tolist(["LOCAL_DOCKER_LAYER_CACHE"])
    error_message = "Docker layers are cached between builds."
  }

  assert {
    condition = (
      aws_codebuild_project.this.build_timeout == 60 && aws_codebuild_project.this.queued_timeout == 30 &&
      aws_codebuild_project.this.concurrent_build_limit == null
    )
    error_message = "Build and queue have a timeout, and only the quota of the account limits concurrent builds."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 365 && one(one(aws_codebuild_project.this.logs_config).cloudwatch_logs).group_name == "/aws/codebuild/storefront-build"
    error_message = "Log events are retained for a year, in the log group of the project."
  }

  assert {
    condition     = length(aws_codebuild_webhook.this) == 0 && length(aws_iam_role_policy_attachment.this) == 0
    error_message = "There is no webhook, and the role has no further policy."
  }

  assert {
    condition = { for c in data.aws_iam_policy_document.trust.statement[0].condition : c.variable => c.values } == {
      "aws:SourceAccount" = tolist(["123456789012"])
      "aws:SourceArn"     = tolist(["arn:aws:codebuild:eu-central-1:123456789012:project/storefront-build"])
    }
    error_message = "CodeBuild may assume the role for this project only."
  }

  assert {
    condition     = length(aws_codebuild_project.this.environment[0].environment_variable) == 0 && length(aws_codebuild_project.this.source[0].auth) == 0
    error_message = "By default, there are no environment variables and no connection."
  }
}

run "arm" {
  command = plan

  variables {
    image = "aws/codebuild/amazonlinux-aarch64-standard:3.0"
  }

  assert {
    condition     = aws_codebuild_project.this.environment[0].type == "ARM_CONTAINER"
    error_message = "An image for ARM runs on ARM."
  }
}

run "environment_variables" {
  command = plan

  variables {
    environment = {
      RAILS_ENV  = "plain:staging"
      EMPTY      = "plain:"
      MASTER_KEY = "ssm:/storefront/master_key"
      NPM_TOKEN  = "secretsmanager:storefront/npm:token"
      WHOLE      = "secretsmanager:storefront/npm"
      NAME       = "ssm:LICENSE"
      RDS        = "secretsmanager:storefront/npm:password:AWSPREVIOUS"
      OTHER      = "secretsmanager:arn:aws:secretsmanager:eu-west-1:210987654321:secret:team!db-QwErTy:user"
    }
  }

  assert {
    condition = { for v in aws_codebuild_project.this.environment[0].environment_variable : v.name => [v.type, v.value] } == {
      RAILS_ENV  = ["PLAINTEXT", "staging"]
      EMPTY      = ["PLAINTEXT", ""]
      MASTER_KEY = ["PARAMETER_STORE", "/storefront/master_key"]
      NPM_TOKEN  = ["SECRETS_MANAGER", "storefront/npm:token"]
      WHOLE      = ["SECRETS_MANAGER", "storefront/npm"]
      NAME       = ["PARAMETER_STORE", "LICENSE"]
      RDS        = ["SECRETS_MANAGER", "storefront/npm:password:AWSPREVIOUS"]
      OTHER      = ["SECRETS_MANAGER", "arn:aws:secretsmanager:eu-west-1:210987654321:secret:team!db-QwErTy:user"]
    }
    error_message = "The prefix of a value sets the type of its variable."
  }

  assert {
    condition     = local.parameter_arns == tolist([for name in ["LICENSE", "storefront/master_key"] : "arn:aws:ssm:eu-central-1:123456789012:parameter/${name}"])
    error_message = "The role may read these parameters only."
  }

  assert {
    condition     = toset(local.secret_arns) == toset(["arn:aws:secretsmanager:eu-west-1:210987654321:secret:team!db-QwErTy", data.aws_secretsmanager_secret.this["storefront/npm"].arn]) && length(local.secret_arns) == 2
    error_message = "The role may read these secrets only, and each ARN is listed once."
  }
}

run "webhook" {
  command = plan

  variables {
    webhook = {
      branch  = "release/1.x"
      filters = [{ type = "FILE_PATH", pattern = "^docs/", exclude = true }]
    }
  }

  assert {
    condition = jsonencode([for g in aws_codebuild_webhook.this[0].filter_group : [for f in g.filter : [f.type, f.pattern, f.exclude_matched_pattern == true]]]) == jsonencode([[
      ["EVENT", "PUSH", false],
      ["HEAD_REF", "^refs/heads/release/1\\.x$", false],
      ["FILE_PATH", "^docs/", true],
    ]])
    error_message = "A push to this branch starts a build, unless it changes only docs/."
  }
}

run "keys_policies_and_limits" {
  command = plan

  variables {
    image                = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
    compute_type         = "BUILD_GENERAL1_LARGE"
    build_timeout        = 2160
    queue_timeout        = 480
    concurrent_builds    = 3
    log_retention_days   = 90
    log_kms_key_arn      = "arn:aws:kms:eu-central-1:123456789012:key/1"
    encryption_key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/2"
    policy_arns          = { releaser = "arn:aws:iam::123456789012:policy/storefront-sandbox-releaser" }
    path                 = "/longshore/"
    permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
    tags                 = { Team = "shop" }
  }

  assert {
    condition = (
      one(aws_codebuild_project.this.environment).compute_type == "BUILD_GENERAL1_LARGE" &&
      one(aws_codebuild_project.this.environment).image == "aws/codebuild/amazonlinux-x86_64-standard:5.0" &&
      aws_codebuild_project.this.build_timeout == 2160 && aws_codebuild_project.this.queued_timeout == 480 &&
      aws_codebuild_project.this.concurrent_build_limit == 3 && aws_cloudwatch_log_group.this.retention_in_days == 90
    )
    error_message = "Image, compute type, timeouts, concurrency and retention are as given."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.kms_key_id == var.log_kms_key_arn && aws_codebuild_project.this.encryption_key == var.encryption_key_arn
    error_message = "Logs and build output are encrypted with the given keys."
  }

  assert {
    condition = (
      { for name, a in aws_iam_role_policy_attachment.this : name => a.policy_arn } == { releaser = var.policy_arns.releaser } &&
      aws_iam_role.this.path == "/longshore/" && aws_iam_role.this.permissions_boundary == var.permissions_boundary
    )
    error_message = "The role has the given policies, path and permissions boundary."
  }

  assert {
    condition     = alltrue([for tags in [aws_codebuild_project.this.tags, aws_iam_role.this.tags, aws_cloudwatch_log_group.this.tags] : tags == tomap(var.tags)])
    error_message = "All resources have the tags."
  }
}

run "codecommit" {
  command = plan

  variables {
    source_code = {
      type            = "CODECOMMIT"
      location        = "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/storefront"
      version         = "refs/heads/main"
      git_clone_depth = 1
    }
  }

  assert {
    condition = local.source_reads == [{
      sid       = "PullSource"
      actions   = ["codecommit:GitPull"]
      resources = ["arn:aws:codecommit:eu-west-1:123456789012:storefront"]
    }]
    error_message = "The role may pull from this repository, in the region of its URL."
  }

  assert {
    condition     = aws_codebuild_project.this.source_version == "refs/heads/main" && aws_codebuild_project.this.source[0].git_clone_depth == 1
    error_message = "Branch and depth are as given."
  }
}

run "s3" {
  command = plan

  variables {
    source_code = { type = "S3", location = "sources/storefront/main.zip" }
  }

  assert {
    condition = local.source_reads == [
      { sid = "ReadSource", actions = ["s3:GetObject", "s3:GetObjectVersion"], resources = ["arn:aws:s3:::sources/storefront/main.zip"] },
      { sid = "FindSource", actions = ["s3:GetBucketLocation"], resources = ["arn:aws:s3:::sources"] },
    ]
    error_message = "The role may read this object, and the region of its bucket."
  }

  assert {
    condition     = aws_codebuild_project.this.source[0].git_clone_depth == null
    error_message = "An S3 object has no clone depth."
  }
}

run "bitbucket_through_a_connection" {
  command = plan

  variables {
    source_code = {
      type           = "BITBUCKET"
      location       = "https://bitbucket.org/example/storefront"
      connection_arn = "arn:aws:codestar-connections:eu-central-1:123456789012:connection/1"
    }
  }

  assert {
    condition = local.source_reads == [{
      sid       = "UseConnection"
      actions   = ["codestar-connections:GetConnection", "codestar-connections:GetConnectionToken"]
      resources = ["arn:aws:codestar-connections:eu-central-1:123456789012:connection/1"]
    }]
    error_message = "The role may use this connection, with the action prefix of its ARN."
  }

  assert {
    condition     = [for a in aws_codebuild_project.this.source[0].auth : [a.type, a.resource]] == [["CODECONNECTIONS", var.source_code.connection_arn]]
    error_message = "The source is read through the connection."
  }
}

run "no_source" {
  command = plan

  variables {
    source_code = { type = "NO_SOURCE", buildspec = "version: 0.2\nphases: {build: {commands: [invoke build]}}\n" }
  }

  assert {
    condition     = aws_codebuild_project.this.source[0].type == "NO_SOURCE" && aws_codebuild_project.this.source[0].location == null && length(local.source_reads) == 0
    error_message = "Without a source, the role needs no permission to read one."
  }
}
