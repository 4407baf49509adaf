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

run "no_roles_by_default" {
  command = plan

  assert {
    condition     = length(aws_iam_role.this) == 0 && length(data.aws_iam_openid_connect_provider.this) == 0
    error_message = "Without github and gitlab, there are policies but no roles."
  }
}

run "github_with_immutable_subjects" {
  command = plan

  variables {
    github = { repository = "example@123456/storefront@456789", environment = "sandbox" }
  }

  assert {
    condition     = { for c in data.aws_iam_policy_document.trust["github"].statement[0].condition : c.variable => [c.test, c.values] }["token.actions.githubusercontent.com:sub"] == ["StringEquals", tolist(["repo:example@123456/storefront@456789:environment:sandbox"])]
    error_message = "The subject has the ids of the owner and the repository, and no other is trusted."
  }
}

run "rejects_a_repository_with_one_id" {
  command = plan

  variables {
    github = { repository = "example@123456/storefront", environment = "sandbox" }
  }

  expect_failures = [var.github]
}

run "github" {
  command = plan

  variables {
    github               = { repository = "example/storefront", environment = "sandbox" }
    path                 = "/longshore/"
    permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
    max_session_duration = 7200
    tags                 = { Team = "shop" }
  }

  assert {
    condition = { for c in data.aws_iam_policy_document.trust["github"].statement[0].condition : c.variable => [c.test, c.values] } == {
      "token.actions.githubusercontent.com:aud" = ["StringEquals", tolist(["sts.amazonaws.com"])]
      "token.actions.githubusercontent.com:sub" = ["StringEquals", tolist(["repo:example/storefront:environment:sandbox"])]
    }
    error_message = "The trust policy allows exactly one subject and one audience."
  }

  assert {
    condition = (
      one(data.aws_iam_policy_document.trust["github"].statement[0].principals).identifiers == toset(["arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"]) &&
      data.aws_iam_openid_connect_provider.this["github"].url == "https://token.actions.githubusercontent.com"
    )
    error_message = "The OIDC provider is that of the issuer."
  }

  assert {
    condition = (
      aws_iam_role.this["github"].name == "storefront-sandbox-releaser-github" && aws_iam_role.this["github"].path == "/longshore/" &&
      aws_iam_role.this["github"].permissions_boundary == "arn:aws:iam::123456789012:policy/boundary" &&
      aws_iam_role.this["github"].max_session_duration == 7200 && aws_iam_role.this["github"].tags == tomap({ Team = "shop" })
    )
    error_message = "The role has the given path, permissions boundary, session duration and tags."
  }

  assert {
    condition     = keys(aws_iam_role_policy_attachment.this) == ["github-releaser", "github-tasks-1"]
    error_message = "All policies of a releaser are attached to the role."
  }

  assert {
    condition = { for s in data.aws_iam_policy_document.environment.statement : s.sid => s.resources if contains(["ReadRolesOfPipelines", "ReadProvidersOfPipelines"], s.sid) } == {
      ReadRolesOfPipelines     = toset(["arn:aws:iam::123456789012:role/longshore/storefront-sandbox-releaser-github"])
      ReadProvidersOfPipelines = toset(["arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"])
    }
    error_message = "A releaser may read the role and the OIDC provider."
  }
}

run "gitlab_with_a_given_provider" {
  command = plan

  variables {
    gitlab = {
      project       = "shop/team/storefront"
      branch        = "release"
      issuer        = "git.example.com"
      oidc_provider = { arn = "arn:aws:iam::123456789012:oidc-provider/git.example.com" }
    }
  }

  assert {
    condition = { for c in data.aws_iam_policy_document.trust["gitlab"].statement[0].condition : c.variable => [c.test, c.values] } == {
      "git.example.com:aud" = ["StringEquals", tolist(["https://git.example.com"])]
      "git.example.com:sub" = ["StringEquals", tolist(["project_path:shop/team/storefront:ref_type:branch:ref:release"])]
    }
    error_message = "The trust policy allows exactly one subject and one audience."
  }

  assert {
    condition = (
      one(data.aws_iam_policy_document.trust["gitlab"].statement[0].principals).identifiers == toset(["arn:aws:iam::123456789012:oidc-provider/git.example.com"]) &&
      length(data.aws_iam_openid_connect_provider.this) == 0
    )
    error_message = "A given OIDC provider is used without a data source."
  }

  assert {
    condition     = !contains([for s in data.aws_iam_policy_document.environment.statement : s.sid], "ListProvidersOfPipelines")
    error_message = "Without the data source, a releaser needs no permission to list OIDC providers."
  }
}

run "both" {
  command = plan

  variables {
    github = { repository = "example/storefront", environment = "sandbox" }
    gitlab = { project = "example/storefront" }
  }

  assert {
    condition     = keys(output.role_arns) == ["github", "gitlab"] && length(aws_iam_role_policy_attachment.this) == 4
    error_message = "GitHub and GitLab each have a role with all policies."
  }
}

run "rejects_a_wildcard_repository" {
  command = plan

  variables {
    github = { repository = "example/*", environment = "sandbox" }
  }

  expect_failures = [var.github]
}

run "rejects_a_repository_without_its_owner" {
  command = plan

  variables {
    github = { repository = "storefront", environment = "sandbox" }
  }

  expect_failures = [var.github]
}

run "rejects_a_wildcard_environment" {
  command = plan

  variables {
    github = { repository = "example/storefront", environment = "*" }
  }

  expect_failures = [var.github]
}

run "rejects_an_environment_with_a_colon" {
  command = plan

  variables {
    github = { repository = "example/storefront", environment = "sandbox:job_workflow_ref:other" }
  }

  expect_failures = [var.github]
}

run "rejects_an_issuer_with_a_scheme" {
  command = plan

  variables {
    github = { repository = "example/storefront", environment = "sandbox", issuer = "https://token.actions.githubusercontent.com" }
    gitlab = { project = "example/storefront", issuer = "https://gitlab.com" }
  }

  expect_failures = [var.github, var.gitlab]
}

run "rejects_a_wildcard_audience" {
  command = plan

  variables {
    github = { repository = "example/storefront", environment = "sandbox", audience = "*" }
    gitlab = { project = "example/storefront", audience = "*" }
  }

  expect_failures = [var.github, var.gitlab]
}

run "rejects_a_provider_that_is_not_an_arn" {
  command = plan

  variables {
    github = { repository = "example/storefront", environment = "sandbox", oidc_provider = { arn = "github" } }
    gitlab = { project = "example/storefront", oidc_provider = { arn = "gitlab" } }
  }

  expect_failures = [var.github, var.gitlab]
}

run "rejects_a_group_without_a_project" {
  command = plan

  variables {
    gitlab = { project = "shop" }
  }

  expect_failures = [var.gitlab]
}

run "rejects_a_wildcard_project" {
  command = plan

  variables {
    gitlab = { project = "shop/*" }
  }

  expect_failures = [var.gitlab]
}

run "rejects_a_wildcard_branch" {
  command = plan

  variables {
    gitlab = { project = "shop/storefront", branch = "release/*" }
  }

  expect_failures = [var.gitlab]
}

run "rejects_values_that_iam_rejects" {
  command = plan

  variables {
    max_session_duration = 60
    permissions_boundary = "boundary"
  }

  expect_failures = [var.max_session_duration, var.permissions_boundary]
}

run "rejects_a_name_too_long_for_a_role" {
  command = plan

  variables {
    environment_name = "an-environment-with-a-name-that-is-too-long"
    github           = { repository = "example/storefront", environment = "sandbox" }
  }

  expect_failures = [aws_iam_role.this]
}
