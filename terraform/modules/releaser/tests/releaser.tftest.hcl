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

run "one_service" {
  command = plan

  assert {
    condition = { for part, policy in aws_iam_policy.this : part => policy.name } == {
      releaser = "storefront-sandbox-releaser"
      tasks-1  = "storefront-sandbox-releaser-tasks-1"
    }
    error_message = "The policies are named <application>-<environment>-releaser and -releaser-tasks-<number>."
  }

  assert {
    condition     = keys(output.policy_arns) == ["releaser", "tasks-1"]
    error_message = "The keys of the policies are known before the policies are created."
  }

  assert {
    condition = [for s in data.aws_iam_policy_document.tasks["tasks-1"].statement : s.sid] == [
      "TagRevisions", "PassRolesToTasks", "ReadRoles", "ReadLogs", "ReadLogGroups", "MoveServices", "JudgeDeployments"
    ]
    error_message = "Without a migration and schedules, there are no permissions for them."
  }

  assert {
    condition = length(setintersection(
      [for s in data.aws_iam_policy_document.environment.statement : s.sid],
      ["KeepState", "LockState", "FindState", "FindSecrets", "UseKeys", "ReadTagsOfTargetGroups", "ReadAutoscaling", "SetMinimums"],
    )) == 0
    error_message = "There are no permissions for resources that the environment does not have."
  }
}

run "more_tasks_than_fit_into_a_policy" {
  command = plan

  variables {
    tasks = {
      for number in range(9) : format("worker-%02d", number) => {
        kind               = "service"
        family             = "storefront-sandbox-worker-${number}"
        log_group          = "/storefront/sandbox/worker-${number}"
        execution_role_arn = "arn:aws:iam::123456789012:role/storefront-sandbox-worker-${number}-execution"
        task_role_arn      = "arn:aws:iam::123456789012:role/storefront-sandbox-worker-${number}-task"
      }
    }
    path = "/longshore/"
    tags = { Team = "shop" }
  }

  assert {
    condition     = { for part, tasks in local.parts : part => length(tasks) } == { tasks-1 = 4, tasks-2 = 4, tasks-3 = 1 }
    error_message = "Each policy covers four tasks, the last one the rest."
  }

  assert {
    condition     = alltrue([for policy in aws_iam_policy.this : policy.path == "/longshore/" && policy.tags == tomap({ Team = "shop" })])
    error_message = "The policies have the given path and tags."
  }
}

run "rejects_invalid_input" {
  command = plan

  variables {
    application      = "Storefront"
    environment_name = "sand_box"
    cluster_arn      = "arn:aws:ecs:eu-central-1:123456789012:cluster/*"
    repository_arns  = []
    secret_arns      = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:*"]
    kms_key_arns     = ["*"]
    path             = "longshore"
    state            = { bucket = "state", key = "*" }
  }

  expect_failures = [
    var.application,
    var.environment_name,
    var.cluster_arn,
    var.repository_arns,
    var.secret_arns,
    var.kms_key_arns,
    var.path,
    var.state,
  ]
}
