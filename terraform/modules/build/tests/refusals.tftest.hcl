# Every run fails; its name says which input is invalid.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name            = "storefront-build"
  repository_arns = ["arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app"]
  source_code     = { type = "GITHUB", location = "https://github.com/example/storefront.git" }
}

run "names_numbers_and_arns" {
  command = plan

  variables {
    name                 = "Storefront_build"
    repository_arns      = ["arn:aws:ecr:eu-central-1:123456789012:repository/*"]
    image                = "ubuntu:latest"
    compute_type         = "BUILD_LAMBDA_1GB"
    build_timeout        = 4
    queue_timeout        = 481
    concurrent_builds    = 0
    log_retention_days   = 2
    log_kms_key_arn      = "alias/mine"
    encryption_key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/*"
    secrets_kms_key_arns = ["*"]
    path                 = "longshore"
    permissions_boundary = "boundary"
  }

  expect_failures = [
    var.name,
    var.repository_arns,
    var.image,
    var.compute_type,
    var.build_timeout,
    var.queue_timeout,
    var.concurrent_builds,
    var.log_retention_days,
    var.log_kms_key_arn,
    var.encryption_key_arn,
    var.secrets_kms_key_arns,
    var.path,
    var.permissions_boundary,
  ]
}

run "no_repository" {
  command = plan

  variables {
    repository_arns = []
  }

  expect_failures = [var.repository_arns]
}

run "a_name_too_long_for_a_role" {
  command = plan

  variables {
    name = "storefront-of-a-very-long-name-production-of-the-old-world-release"
  }

  expect_failures = [var.name]
}

run "a_variable_that_is_neither_plain_nor_a_reference" {
  command = plan

  variables {
    environment = { RAILS_ENV = "staging" }
  }

  expect_failures = [var.environment]
}

run "a_parameter_without_a_slash" {
  command = plan

  variables {
    environment = { KEY = "ssm:storefront/master_key" }
  }

  expect_failures = [var.environment]
}

run "a_name_that_codebuild_reserves" {
  command = plan

  variables {
    environment = { CODEBUILD_SRC_DIR = "plain:/" }
  }

  expect_failures = [var.environment]
}

run "a_plain_secret_by_name" {
  command = plan

  variables {
    environment = { NPM_TOKEN = "plain:abc" }
  }

  expect_failures = [var.not_secret]
}

run "a_plain_secret_by_value" {
  command = plan

  variables {
    environment = { INDEX = "plain:https://user:abc@packages.example/simple" }
  }

  expect_failures = [var.not_secret]
}

run "an_unknown_source_type" {
  command = plan

  variables {
    source_code = { type = "SVN", location = "https://github.com/example/storefront" }
  }

  # Both validations fail: of the type, and of the location for that type.
  expect_failures = [var.source_code]
}

run "github_without_a_location" {
  command = plan

  variables {
    source_code = { type = "GITHUB" }
  }

  expect_failures = [var.source_code]
}

run "credentials_in_the_location" {
  command = plan

  variables {
    source_code = { type = "GITHUB", location = "https://me:abc@github.com/example/storefront" }
  }

  expect_failures = [var.source_code]
}

run "a_location_with_no_source" {
  command = plan

  variables {
    source_code = { type = "NO_SOURCE", location = "https://github.com/example/storefront", buildspec = "version: 0.2\n" }
  }

  expect_failures = [var.source_code]
}

run "all_objects_of_a_bucket" {
  command = plan

  variables {
    source_code = { type = "S3", location = "sources/*" }
  }

  expect_failures = [var.source_code]
}

run "a_buildspec_file_with_no_source" {
  command = plan

  variables {
    source_code = { type = "NO_SOURCE" }
  }

  expect_failures = [var.source_code]
}

run "a_clone_depth_of_zero" {
  command = plan

  variables {
    source_code = { type = "GITHUB", location = "https://github.com/example/storefront", git_clone_depth = 0 }
  }

  expect_failures = [var.source_code]
}

run "a_connection_to_codecommit" {
  command = plan

  variables {
    source_code = {
      type           = "CODECOMMIT"
      location       = "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/storefront"
      connection_arn = "arn:aws:codeconnections:eu-central-1:123456789012:connection/1"
    }
  }

  expect_failures = [var.source_code]
}

run "a_webhook_with_s3" {
  command = plan

  variables {
    source_code = { type = "S3", location = "sources/storefront.zip" }
    webhook     = {}
  }

  expect_failures = [var.webhook]
}

run "a_branch_with_wildcards" {
  command = plan

  variables {
    webhook = { branch = ".*" }
  }

  expect_failures = [var.webhook]
}

run "a_filter_on_the_event" {
  command = plan

  variables {
    webhook = { filters = [{ type = "EVENT", pattern = "PULL_REQUEST_MERGED" }] }
  }

  expect_failures = [var.webhook]
}

run "a_filter_with_an_invalid_pattern" {
  command = plan

  variables {
    webhook = { filters = [{ type = "FILE_PATH", pattern = "(" }] }
  }

  expect_failures = [var.webhook]
}
