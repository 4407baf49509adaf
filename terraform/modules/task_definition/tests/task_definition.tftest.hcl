mock_provider "aws" {
  source = "../../testing"
}

variables {
  application      = "storefront"
  environment_name = "sandbox"
  name             = "web"
  image_tag        = "unreleased"
  task             = {}

  shared = {
    repositories = {
      app   = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" }
      proxy = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/proxy", url = "registry.example/storefront/proxy" }
    }
  }
}

run "defaults" {
  command = apply

  assert {
    condition = (
      aws_ecs_task_definition.this.family == "storefront-sandbox-web" &&
      aws_ecs_task_definition.this.cpu == "512" && aws_ecs_task_definition.this.memory == "1024" &&
      aws_ecs_task_definition.this.network_mode == "bridge" &&
      aws_ecs_task_definition.this.requires_compatibilities == toset(["EC2"])
    )
    error_message = "The defaults are 512 units, 1024 MiB, bridge and EC2."
  }

  assert {
    condition = jsondecode(aws_ecs_task_definition.this.container_definitions) == [{
      name                   = "web"
      image                  = "registry.example/storefront/app:unreleased"
      essential              = true
      portMappings           = [{ containerPort = 8080, hostPort = 0, protocol = "tcp" }]
      environment            = [{ name = "RELEASE_VERSION", value = "unreleased" }]
      secrets                = []
      mountPoints            = []
      readonlyRootFilesystem = true
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          "awslogs-group"         = "/storefront/sandbox/web"
          "awslogs-region"        = "eu-central-1"
          "awslogs-stream-prefix" = "ecs"
        }
      }
    }]
    error_message = "The container is the original's, and nothing is sent that was not set: ${aws_ecs_task_definition.this.container_definitions}"
  }

  assert {
    condition     = aws_ecs_task_definition.this.skip_destroy && length(aws_ecs_task_definition.this.runtime_platform) == 0
    error_message = "Earlier revisions stay ACTIVE, and a container instance decides the platform."
  }

  assert {
    condition = data.aws_iam_policy_document.execution.statement[3].resources == toset([
      "arn:aws:ssm:eu-central-1:123456789012:parameter/storefront/sandbox/*",
      "arn:aws:secretsmanager:eu-central-1:123456789012:secret:/storefront/sandbox/*",
      "arn:aws:secretsmanager:eu-central-1:123456789012:secret:storefront/sandbox/*",
    ])
    error_message = "The execution role reads the secrets of this environment and no others."
  }

  assert {
    condition = (
      one(data.aws_iam_policy_document.trust.statement[0].principals).identifiers == toset(["ecs-tasks.amazonaws.com"]) &&
      one(data.aws_iam_policy_document.trust.statement[0].condition).values == tolist(["123456789012"])
    )
    error_message = "Only tasks of this account assume the roles."
  }

  assert {
    condition     = output.port == 8080 && output.containers == { web = "app" } && output.log_group == "/storefront/sandbox/web"
    error_message = "The outputs say what was made."
  }
}

# Everything at once, with a new tag: two containers, every kind of volume and reference.
run "everything" {
  command = plan

  variables {
    image_tag            = "v1.0.0"
    not_secret           = ["MAX_TOKEN", "PUBLIC_TOKEN"]
    path                 = "/longshore/"
    permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"

    shared = {
      repositories = {
        app   = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" }
        proxy = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/proxy", url = "registry.example/storefront/proxy" }
      }
      environment = { ZONE = "shared", LEVEL = "info", GONE = "x", MOVED = "plain", PUBLIC_TOKEN = "x" }
      secrets     = { DB = "ssm:/storefront/sandbox/db", REMOTE = "ssm:/platform/remote" }
      volumes     = { data = {}, host = { host_path = "/srv" } }
    }

    task = {
      command        = ["web", "-p", "80"]
      entry_point    = ["/bin/tini"]
      container_port = 80
      host_port      = 8000
      environment    = { LEVEL = "debug", GONE = null, MAX_TOKEN = "10" }
      secrets        = { MOVED = "secretsmanager:platform/moved:key", WHOLE = "secretsmanager:storefront/sandbox/whole" }
      mount_points   = { data = "/data", host = "/host:ro" }
      init_process   = true
      stop_timeout   = 10
      health_check   = { command = ["CMD", "true"] }
      policy_arns    = ["arn:aws:iam::123456789012:policy/read"]
      policies       = { write = "arn:aws:iam::123456789012:policy/write" }

      cpu_architecture = "ARM64"
      sidecars = {
        proxy = { image = "proxy", essential = false, environment = { LEVEL = "warn" } }
      }
    }
  }

  assert {
    condition = [for c in jsondecode(aws_ecs_task_definition.this.container_definitions) : { for key, value in c : key => value if key != "logConfiguration" }] == [
      {
        name         = "web"
        image        = "registry.example/storefront/app:v1.0.0"
        essential    = true
        command      = ["web", "-p", "80"]
        entryPoint   = ["/bin/tini"]
        portMappings = [{ containerPort = 80, hostPort = 8000, protocol = "tcp" }]
        environment = [
          { name = "LEVEL", value = "debug" },
          { name = "MAX_TOKEN", value = "10" },
          { name = "PUBLIC_TOKEN", value = "x" },
          { name = "RELEASE_VERSION", value = "v1.0.0" },
          { name = "ZONE", value = "shared" },
        ]
        secrets = [
          { name = "DB", valueFrom = "arn:aws:ssm:eu-central-1:123456789012:parameter/storefront/sandbox/db" },
          { name = "MOVED", valueFrom = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shared-AbCdEf:key::" },
          { name = "REMOTE", valueFrom = "arn:aws:ssm:eu-central-1:123456789012:parameter/platform/remote" },
          { name = "WHOLE", valueFrom = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shared-AbCdEf" },
        ]
        mountPoints = [
          { sourceVolume = "storefront-sandbox-data", containerPath = "/data", readOnly = false },
          { sourceVolume = "storefront-sandbox-host", containerPath = "/host", readOnly = true },
        ]
        readonlyRootFilesystem = true
        linuxParameters        = { initProcessEnabled = true }
        stopTimeout            = 10
        healthCheck            = { command = ["CMD", "true"], interval = 30, timeout = 5, retries = 3 }
      },
      {
        name      = "proxy"
        image     = "registry.example/storefront/proxy:v1.0.0"
        essential = false
        environment = [
          { name = "GONE", value = "x" },
          { name = "LEVEL", value = "warn" },
          { name = "MOVED", value = "plain" },
          { name = "PUBLIC_TOKEN", value = "x" },
          { name = "RELEASE_VERSION", value = "v1.0.0" },
          { name = "ZONE", value = "shared" },
        ]
        secrets = [
          { name = "DB", valueFrom = "arn:aws:ssm:eu-central-1:123456789012:parameter/storefront/sandbox/db" },
          { name = "REMOTE", valueFrom = "arn:aws:ssm:eu-central-1:123456789012:parameter/platform/remote" },
        ]
        mountPoints            = []
        readonlyRootFilesystem = true
      },
    ]
    error_message = "The containers are: ${aws_ecs_task_definition.this.container_definitions}"
  }

  assert {
    condition = { for v in aws_ecs_task_definition.this.volume : v.name => length(v.docker_volume_configuration) == 1 ? one(v.docker_volume_configuration).driver : v.host_path } == {
      "storefront-sandbox-data" = "local"
      "storefront-sandbox-host" = "/srv"
    }
    error_message = "A volume is one of Docker or a folder of the host."
  }

  assert {
    condition = setsubtract(
      data.aws_iam_policy_document.execution.statement[3].resources,
      [for prefix in ["ssm:eu-central-1:123456789012:parameter/", "secretsmanager:eu-central-1:123456789012:secret:/", "secretsmanager:eu-central-1:123456789012:secret:"] : "arn:aws:${prefix}storefront/sandbox/*"]
      ) == toset([
        "arn:aws:ssm:eu-central-1:123456789012:parameter/platform/remote",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shared-AbCdEf",
    ])
    error_message = "Only the secrets that lie elsewhere are listed by themselves."
  }

  assert {
    condition = alltrue([for role in [aws_iam_role.execution[0], aws_iam_role.task[0]] :
      role.path == "/longshore/" && role.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    ])
    error_message = "Path and boundary are those of both roles."
  }

  assert {
    condition = one(aws_ecs_task_definition.this.runtime_platform).cpu_architecture == "ARM64" && { for key, attached in aws_iam_role_policy_attachment.task : key => attached.policy_arn } == {
      "arn:aws:iam::123456789012:policy/read" = "arn:aws:iam::123456789012:policy/read"
      "name:write"                            = "arn:aws:iam::123456789012:policy/write"
    }
    error_message = "Architecture and the application's permissions are as given."
  }
}

run "fargate" {
  command = plan

  variables {
    task = {
      launch_type  = "FARGATE"
      cpu          = 256
      memory       = 512
      mount_points = { files = "/files" }
    }
    shared = {
      repositories = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      volumes      = { files = { efs = { file_system_id = "fs-1", access_point_id = "fsap-1" } } }
    }
  }

  assert {
    condition = (
      aws_ecs_task_definition.this.network_mode == "awsvpc" &&
      one(aws_ecs_task_definition.this.runtime_platform) == { cpu_architecture = "X86_64", operating_system_family = "LINUX" } &&
      jsondecode(aws_ecs_task_definition.this.container_definitions)[0].portMappings[0].hostPort == 8080
    )
    error_message = "FARGATE implies awsvpc, a platform, and a host port that equals the container's."
  }

  assert {
    condition = (
      one(one(aws_ecs_task_definition.this.volume).efs_volume_configuration).transit_encryption == "ENABLED" &&
      one(one(one(aws_ecs_task_definition.this.volume).efs_volume_configuration).authorization_config).access_point_id == "fsap-1"
    )
    error_message = "The file system is reached through its access point, encrypted."
  }
}

run "refuses_plain_secrets_everywhere" {
  command = plan

  variables {
    shared = {
      repositories = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      environment  = { REDIS_URL = "redis://:hunter2@redis" }
    }
  }

  expect_failures = [var.not_secret]
}

run "refuses_plain_secrets_of_a_sidecar" {
  command = plan

  variables {
    task = {
      sidecars = { proxy = { image = "proxy", environment = { API_KEY = "x" } } }
    }
  }

  expect_failures = [var.not_secret]
}

run "refuses_values_in_place_of_references" {
  command = plan

  variables {
    task = {
      secrets = { DB = "hunter2" }
    }
  }

  expect_failures = [aws_ecs_task_definition.this]
}

run "refuses_a_name_given_twice" {
  command = plan

  variables {
    task = {
      environment = { DB = "x", RELEASE_VERSION = "x" }
      secrets     = { DB = "ssm:/db" }
    }
  }

  expect_failures = [aws_ecs_task_definition.this]
}

run "refuses_an_unknown_volume" {
  command = plan

  variables {
    task = {
      mount_points = { data = "/data" }
    }
  }

  expect_failures = [aws_ecs_task_definition.this]
}

run "refuses_a_volume_that_fargate_has_not" {
  command = plan

  variables {
    task = {
      launch_type  = "FARGATE"
      mount_points = { data = "/data" }
    }
    shared = {
      repositories = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      volumes      = { data = {} }
    }
  }

  expect_failures = [aws_ecs_task_definition.this]
}

run "writable_paths" {
  command = plan

  variables {
    task = {
      launch_type    = "FARGATE"
      writable_paths = ["/tmp", "/var/cache/app"]
      sidecars = {
        proxy = { image = "proxy", writable_paths = ["/tmp"] }
        log   = { image = "app", readonly_root_filesystem = false }
      }
    }
  }

  assert {
    condition = { for c in jsondecode(aws_ecs_task_definition.this.container_definitions) : c.name => c.mountPoints } == {
      web = [
        { sourceVolume = "writable_web_tmp", containerPath = "/tmp", readOnly = false },
        { sourceVolume = "writable_web_var_cache_app", containerPath = "/var/cache/app", readOnly = false },
      ]
      proxy = [{ sourceVolume = "writable_proxy_tmp", containerPath = "/tmp", readOnly = false }]
      log   = []
    }
    error_message = "Each container has its own folders: ${aws_ecs_task_definition.this.container_definitions}"
  }

  assert {
    condition = [
      for v in aws_ecs_task_definition.this.volume : v.name
      if v.host_path == null && length(v.docker_volume_configuration) == 0 && length(v.efs_volume_configuration) == 0
    ] == ["writable_proxy_tmp", "writable_web_tmp", "writable_web_var_cache_app"]
    error_message = "A volume without a source goes with its task."
  }

  assert {
    condition = { for c in jsondecode(aws_ecs_task_definition.this.container_definitions) : c.name => c.readonlyRootFilesystem } == {
      web   = true
      proxy = true
      log   = false
    }
    error_message = "The root file system is read-only unless it is said otherwise, container by container."
  }
}

run "execute_command" {
  command = plan

  variables {
    task = { execute_command = true, readonly_root_filesystem = false }
    shared = {
      repositories                = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      execute_command_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1"
    }
  }

  assert {
    condition     = length(aws_iam_role_policy.execute_command) == 1 && output.execute_command
    error_message = "The application's role may open channels to Session Manager."
  }

  assert {
    condition = { for s in data.aws_iam_policy_document.execute_command.statement : s.sid => s.actions } == {
      OpenChannels    = toset(["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"])
      DecryptSessions = toset(["kms:Decrypt"])
    }
    error_message = "Channels, and the key of the sessions where there is one; nothing else."
  }
}

run "no_command_is_executed_unless_it_is_wanted" {
  command = plan

  assert {
    condition     = length(aws_iam_role_policy.execute_command) == 0 && !output.execute_command
    error_message = "ECS Exec is off by default, and the role has no permissions for it."
  }
}

run "roles_of_your_own" {
  command = plan

  variables {
    task = {
      execution_role           = { arn = "arn:aws:iam::123456789012:role/platform/pulls" }
      task_role                = { arn = "arn:aws:iam::123456789012:role/shop" }
      execute_command          = true
      readonly_root_filesystem = false
    }
  }

  assert {
    condition = (
      aws_ecs_task_definition.this.execution_role_arn == "arn:aws:iam::123456789012:role/platform/pulls" &&
      aws_ecs_task_definition.this.task_role_arn == "arn:aws:iam::123456789012:role/shop" &&
      output.execution_role_arn == "arn:aws:iam::123456789012:role/platform/pulls" &&
      output.task_role_arn == "arn:aws:iam::123456789012:role/shop"
    )
    error_message = "The given roles are the task's."
  }

  assert {
    condition = length(concat(
      aws_iam_role.execution, aws_iam_role.task, aws_iam_role_policy.execution, aws_iam_role_policy.execute_command,
    )) == 0
    error_message = "No role is made, and none of yours is changed."
  }
}

run "one_role_of_your_own" {
  command = plan

  variables {
    task = { execution_role = { arn = "arn:aws:iam::123456789012:role/platform/pulls" } }
  }

  assert {
    condition     = length(aws_iam_role.execution) == 0 && length(aws_iam_role.task) == 1
    error_message = "The other role is made."
  }
}
