mock_provider "aws" {
  source = "../testing"
}

variables {
  application      = "storefront"
  environment_name = "sandbox"
  region           = "eu-central-1"
  environment      = { LEVEL = "info" }
  variables        = { ECS_RAILS_ENV = "staging", ECS_LEVEL = "warn" }

  services = {
    web = {
      wave          = 2
      desired_count = 2
      command       = ["web"]
      sidecars      = { log = { image = "app" } }
    }
    worker = {
      container_port = 0
      autoscaling    = { minimum = 1, maximum = 2, cpu_percent = 50 }
    }
  }

  migration = { command = ["migrate"] }
  schedules = { nightly = { command = ["clean"], schedule = "rate(1 day)" } }
  verify    = [{ service = "web", path = "/health" }]
}

run "unreleased" {
  command = apply

  assert {
    condition     = aws_ssm_parameter.image_tag.name == "/storefront/sandbox/image_tag" && nonsensitive(aws_ssm_parameter.image_tag.type) == "String"
    error_message = "The released tag is a parameter of type String."
  }

  assert {
    condition = jsondecode(jsonencode(output.release)) == {
      schema              = 1
      application         = "storefront"
      environment         = "sandbox"
      region              = "eu-central-1"
      account_id          = "123456789012"
      cluster             = "storefront-sandbox"
      image_tag           = "unreleased"
      image_tag_parameter = "/storefront/sandbox/image_tag"
      services = {
        web = {
          name                    = "storefront-sandbox-web"
          task_definition         = "arn:aws:ecs:eu-central-1:123456789012:task-definition/storefront-sandbox-web:1"
          containers              = { web = "app", log = "app" }
          desired_count           = 2
          wave                    = 2
          port                    = 8080
          log_group               = "/storefront/sandbox/web"
          strategy                = "ROLLING"
          minimum_healthy_percent = 100
          maximum_percent         = 200
          autoscaled              = false
          min_capacity            = null
        }
        worker = {
          name                    = "storefront-sandbox-worker"
          task_definition         = "arn:aws:ecs:eu-central-1:123456789012:task-definition/storefront-sandbox-web:1"
          containers              = { worker = "app" }
          desired_count           = 1
          wave                    = 1
          port                    = null
          log_group               = "/storefront/sandbox/worker"
          strategy                = "ROLLING"
          minimum_healthy_percent = 100
          maximum_percent         = 200
          autoscaled              = true
          min_capacity            = 1
        }
      }
      schedules = {
        nightly = {
          rule            = "storefront-sandbox-nightly"
          target_id       = "storefront-sandbox-nightly"
          task_definition = "arn:aws:ecs:eu-central-1:123456789012:task-definition/storefront-sandbox-web:1"
        }
      }
      migration = {
        task_definition = "arn:aws:ecs:eu-central-1:123456789012:task-definition/storefront-sandbox-web:1"
        container       = "migrate"
        log_group       = "/storefront/sandbox/migrate"
        before_wave     = 1
        launch          = { type = "EC2", capacity_provider_strategy = [], subnets = [], security_groups = [], assign_public_ip = false }
      }
      verify = [{ service = "web", path = "/health", expect_status = 200, expect_text = null }]
      images = { app = { repository = "storefront/app" } }
    }
    error_message = "The contract is: ${jsonencode(output.release)}"
  }

  assert {
    condition     = local.shared.environment == { RAILS_ENV = "staging", LEVEL = "info" }
    error_message = "ECS_ variables reach the containers without the prefix, and environment takes precedence."
  }
}

run "policies_of_a_releaser" {
  command = plan

  assert {
    condition     = keys(output.releaser_policy_arns) == ["releaser", "tasks-1"] && output.release_project == null
    error_message = "The policies of a releaser are always created, the release project only if it is declared."
  }

  assert {
    condition     = local.state.bucket == "storefront-123456789012-eu-central-1-tfstate" && local.state.key == "storefront/sandbox.tfstate"
    error_message = "By default, the state is where `invoke bootstrap` puts it."
  }
}

run "release_project" {
  command = plan

  variables {
    release_project = { source = { type = "GITHUB", location = "https://github.com/example/storefront.git" }, webhook = {} }
    state           = null
  }

  assert {
    condition     = output.release_project == "storefront-sandbox-release" && local.state == null
    error_message = "The release project is named <application>-<environment>-release."
  }
}

run "a_tag_does_not_change_the_parameter" {
  command = plan

  variables {
    image_tag = "v1.0.0"
  }

  assert {
    condition     = local.image_tag == "v1.0.0" && aws_ssm_parameter.image_tag.insecure_value == "unreleased"
    error_message = "A verified release writes the parameter, never Terraform."
  }
}

run "refuses_plain_secrets" {
  command = plan

  variables {
    services = { web = { environment = { API_KEY = "x" } } }
  }

  expect_failures = [var.not_secret]
}

run "reports_plain_secrets_by_path_and_allows_exceptions" {
  command = plan

  variables {
    environment = { TOKEN_LIFETIME = "60" }
    variables   = { ECS_PASSWORD_LENGTH = "12" }
    services = {
      web = {
        environment = { WEB_TOKEN = "x" }
        sidecars    = { log = { image = "app", environment = { LOG_TOKEN = "x" } } }
      }
    }
    migration  = { environment = { DB_SECRET = "x" } }
    schedules  = { nightly = { schedule = "rate(1 day)", environment = { URL = "ftp://a:b@c" } } }
    not_secret = ["TOKEN_LIFETIME", "PASSWORD_LENGTH", "WEB_TOKEN", "LOG_TOKEN", "DB_SECRET", "URL"]
  }

  assert {
    condition = module.plaintext.suspects == {
      "environment.TOKEN_LIFETIME"                      = "TOKEN_LIFETIME"
      "variables.ECS_PASSWORD_LENGTH"                   = "PASSWORD_LENGTH"
      "services.web.environment.WEB_TOKEN"              = "WEB_TOKEN"
      "services.web.sidecars.log.environment.LOG_TOKEN" = "LOG_TOKEN"
      "migration.environment.DB_SECRET"                 = "DB_SECRET"
      "schedules.nightly.environment.URL"               = "URL"
    }
    error_message = "Reported: ${join(", ", keys(module.plaintext.suspects))}."
  }
}

run "settings_reach_the_modules" {
  command = plan

  variables {
    network = { subnets = ["subnet-1"], security_groups = ["sg-1"] }
    cluster = {
      capacity_providers          = ["FARGATE", "FARGATE_SPOT"]
      execute_command_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1"
      fargate_storage_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/2"
    }

    services = {
      web = {
        launch_type                = "FARGATE"
        writable_paths             = ["/tmp"]
        target_group_arns          = { web = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/1" } }
        alarms                     = { names = ["storefront-5xx"] }
        capacity_provider_strategy = [{ capacity_provider = "FARGATE_SPOT" }]
        execution_role             = { arn = "arn:aws:iam::123456789012:role/pulls" }
        task_role                  = { arn = "arn:aws:iam::123456789012:role/shop" }
      }
      console = { execute_command = true, readonly_root_filesystem = false }
    }

    migration = { launch_type = "FARGATE", capacity_provider_strategy = [{ capacity_provider = "FARGATE_SPOT" }], writable_paths = ["/tmp"] }
    schedules = {}
    verify    = []
  }

  assert {
    condition = (
      module.services["web"].execution_role_arn == "arn:aws:iam::123456789012:role/pulls" &&
      module.services["web"].task_role_arn == "arn:aws:iam::123456789012:role/shop"
    )
    error_message = "The given roles reach the service."
  }

  assert {
    condition     = jsondecode(jsonencode(output.release.migration.launch.capacity_provider_strategy)) == [{ capacity_provider = "FARGATE_SPOT", weight = 1, base = 0 }]
    error_message = "The contract has the capacity providers of the migration."
  }

  assert {
    condition     = local.shared.execute_command_kms_key_arn == "arn:aws:kms:eu-central-1:123456789012:key/1"
    error_message = "The task roles may use the key that encrypts ECS Exec sessions."
  }
}

run "pipelines_get_roles" {
  command = plan

  variables {
    github = { repository = "example/storefront", environment = "sandbox" }
    gitlab = { project = "example/storefront", oidc_provider = { arn = "arn:aws:iam::123456789012:oidc-provider/gitlab.com" } }
  }

  assert {
    condition     = keys(output.releaser_role_arns) == ["github", "gitlab"]
    error_message = "There is a role for GitHub and one for GitLab."
  }
}
