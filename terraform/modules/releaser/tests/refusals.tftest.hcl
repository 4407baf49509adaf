# Every run fails; its name says which input is invalid.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  application      = "storefront"
  environment_name = "sandbox"
  cluster_arn      = "arn:aws:ecs:eu-central-1:123456789012:cluster/storefront-sandbox"
  repository_arns  = ["arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app"]
  tasks = {
    web = {
      kind               = "service"
      family             = "storefront-sandbox-web"
      log_group          = "/storefront/sandbox/web"
      execution_role_arn = "arn:aws:iam::123456789012:role/storefront-sandbox-web-execution"
      task_role_arn      = "arn:aws:iam::123456789012:role/storefront-sandbox-web-task"
    }
  }
}

run "no_tasks" {
  command = plan

  variables {
    tasks = {}
  }

  expect_failures = [var.tasks]
}

run "an_unknown_kind" {
  command = plan

  variables {
    tasks = {
      web = {
        kind               = "daemon"
        family             = "storefront-sandbox-web"
        log_group          = "/storefront/sandbox/web"
        execution_role_arn = "arn:aws:iam::123456789012:role/storefront-sandbox-web-execution"
        task_role_arn      = "arn:aws:iam::123456789012:role/storefront-sandbox-web-task"
      }
    }
  }

  expect_failures = [var.tasks]
}

run "a_wildcard_family" {
  command = plan

  variables {
    tasks = {
      web = {
        kind               = "service"
        family             = "*"
        log_group          = "/storefront/sandbox/web"
        execution_role_arn = "arn:aws:iam::123456789012:role/storefront-sandbox-web-execution"
        task_role_arn      = "arn:aws:iam::123456789012:role/storefront-sandbox-web-task"
      }
    }
  }

  expect_failures = [var.tasks]
}

run "a_wildcard_role" {
  command = plan

  variables {
    tasks = {
      web = {
        kind               = "service"
        family             = "storefront-sandbox-web"
        log_group          = "/storefront/sandbox/web"
        execution_role_arn = "arn:aws:iam::123456789012:role/*"
        task_role_arn      = "arn:aws:iam::123456789012:role/storefront-sandbox-web-task"
      }
    }
  }

  expect_failures = [var.tasks]
}

run "a_schedule_without_an_events_role" {
  command = plan

  variables {
    tasks = {
      web = {
        kind               = "schedule"
        family             = "storefront-sandbox-web"
        log_group          = "/storefront/sandbox/web"
        execution_role_arn = "arn:aws:iam::123456789012:role/storefront-sandbox-web-execution"
        task_role_arn      = "arn:aws:iam::123456789012:role/storefront-sandbox-web-task"
      }
    }
  }

  expect_failures = [var.tasks]
}
