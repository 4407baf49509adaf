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
    error_message = "The container has the defaults, and no unset attribute: ${aws_ecs_task_definition.this.container_definitions}"
  }

  assert {
    condition     = aws_ecs_task_definition.this.skip_destroy && length(aws_ecs_task_definition.this.runtime_platform) == 0
    error_message = "Earlier revisions stay ACTIVE, and the container instance decides the platform."
  }

  assert {
    condition = data.aws_iam_policy_document.execution.statement[3].resources == toset([
      "arn:aws:ssm:eu-central-1:123456789012:parameter/storefront/sandbox/*",
      "arn:aws:secretsmanager:eu-central-1:123456789012:secret:/storefront/sandbox/*",
      "arn:aws:secretsmanager:eu-central-1:123456789012:secret:storefront/sandbox/*",
    ])
    error_message = "The execution role may read the secrets of this environment only."
  }

  assert {
    condition = (
      one(data.aws_iam_policy_document.trust.statement[0].principals).identifiers == toset(["ecs-tasks.amazonaws.com"]) &&
      one(data.aws_iam_policy_document.trust.statement[0].condition).values == tolist(["123456789012"])
    )
    error_message = "Only tasks of this account may assume the roles."
  }

  assert {
    condition     = output.port == 8080 && output.containers == { web = "app" } && output.log_group == "/storefront/sandbox/web"
    error_message = "The outputs have the port, the image and the log group."
  }
}

# Every setting in one task, with a new tag: two containers, each kind of volume and reference.
run "all_settings" {
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
    error_message = "There is a Docker volume and a directory of the container instance."
  }

  assert {
    condition = setsubtract(
      data.aws_iam_policy_document.execution.statement[3].resources,
      [for prefix in ["ssm:eu-central-1:123456789012:parameter/", "secretsmanager:eu-central-1:123456789012:secret:/", "secretsmanager:eu-central-1:123456789012:secret:"] : "arn:aws:${prefix}storefront/sandbox/*"]
      ) == toset([
        "arn:aws:ssm:eu-central-1:123456789012:parameter/platform/remote",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shared-AbCdEf",
    ])
    error_message = "Only secrets outside the environment's path are listed one by one."
  }

  assert {
    condition = alltrue([for role in [aws_iam_role.execution[0], aws_iam_role.task[0]] :
      role.path == "/longshore/" && role.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    ])
    error_message = "Both roles have the given path and permissions boundary."
  }

  assert {
    condition = one(aws_ecs_task_definition.this.runtime_platform).cpu_architecture == "ARM64" && { for key, attached in aws_iam_role_policy_attachment.task : key => attached.policy_arn } == {
      "arn:aws:iam::123456789012:policy/read" = "arn:aws:iam::123456789012:policy/read"
      "name:write"                            = "arn:aws:iam::123456789012:policy/write"
    }
    error_message = "Architecture and policies of the task role are as given."
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
    error_message = "FARGATE implies awsvpc, a platform, and a host port equal to the container port."
  }

  assert {
    condition = (
      one(one(aws_ecs_task_definition.this.volume).efs_volume_configuration).transit_encryption == "ENABLED" &&
      one(one(one(aws_ecs_task_definition.this.volume).efs_volume_configuration).authorization_config).access_point_id == "fsap-1"
    )
    error_message = "The file system is mounted through its access point, with encryption in transit."
  }
}

run "every_form_of_a_reference" {
  command = plan

  variables {
    task = {
      secrets = {
        NAME     = "ssm:DB_PASSWORD"
        SHARED   = "arn:aws:ssm:eu-west-1:210987654321:parameter/team/key"
        RDS      = "secretsmanager:rds!db-0a1b2c3d:password"
        PREVIOUS = "secretsmanager:rds!db-0a1b2c3d:password:AWSPREVIOUS"
        VERSION  = "secretsmanager:rds!db-0a1b2c3d:::0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
        OTHER    = "arn:aws:secretsmanager:eu-west-1:210987654321:secret:team/db-QwErTy:user:AWSCURRENT:"
        WHOLE    = "arn:aws:secretsmanager:eu-west-1:210987654321:secret:team/db-QwErTy"
        OWN      = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:storefront/sandbox/db-QwErTy"
      }
    }
  }

  assert {
    condition = { for secret in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets : secret.name => secret.valueFrom } == {
      NAME     = "arn:aws:ssm:eu-central-1:123456789012:parameter/DB_PASSWORD"
      SHARED   = "arn:aws:ssm:eu-west-1:210987654321:parameter/team/key"
      RDS      = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shared-AbCdEf:password::"
      PREVIOUS = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shared-AbCdEf:password:AWSPREVIOUS:"
      VERSION  = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shared-AbCdEf:::0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
      OTHER    = "arn:aws:secretsmanager:eu-west-1:210987654321:secret:team/db-QwErTy:user:AWSCURRENT:"
      WHOLE    = "arn:aws:secretsmanager:eu-west-1:210987654321:secret:team/db-QwErTy"
      OWN      = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:storefront/sandbox/db-QwErTy"
    }
    error_message = "The references are: ${aws_ecs_task_definition.this.container_definitions}"
  }

  assert {
    condition = setsubtract(
      data.aws_iam_policy_document.execution.statement[3].resources,
      [for prefix in ["ssm:eu-central-1:123456789012:parameter/", "secretsmanager:eu-central-1:123456789012:secret:/", "secretsmanager:eu-central-1:123456789012:secret:"] : "arn:aws:${prefix}storefront/sandbox/*"]
      ) == toset([
        "arn:aws:ssm:eu-central-1:123456789012:parameter/DB_PASSWORD",
        "arn:aws:ssm:eu-west-1:210987654321:parameter/team/key",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shared-AbCdEf",
        "arn:aws:secretsmanager:eu-west-1:210987654321:secret:team/db-QwErTy",
    ])
    error_message = "The execution role may read exactly what is referenced."
  }

  assert {
    condition     = keys(data.aws_secretsmanager_secret.this) == ["rds!db-0a1b2c3d"]
    error_message = "A secret with a full ARN is not looked up."
  }
}

run "rejects_an_arn_without_its_random_characters" {
  command = plan

  variables {
    task = {
      secrets = { DB = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db", KEY = "arn:aws:s3:::bucket/key" }
    }
  }

  expect_failures = [aws_ecs_task_definition.this]
}

run "rejects_shared_plain_secrets" {
  command = plan

  variables {
    shared = {
      repositories = { app = { arn = "arn:aws:ecr:eu-central-1:123456789012:repository/storefront/app", url = "registry.example/storefront/app" } }
      environment  = { REDIS_URL = "redis://:hunter2@redis" }
    }
  }

  expect_failures = [var.not_secret]
}

run "rejects_plain_secrets_of_a_sidecar" {
  command = plan

  variables {
    task = {
      sidecars = { proxy = { image = "proxy", environment = { API_KEY = "x" } } }
    }
  }

  expect_failures = [var.not_secret]
}

run "rejects_values_instead_of_references" {
  command = plan

  variables {
    task = {
      secrets = { DB = "hunter2" }
    }
  }

  expect_failures = [aws_ecs_task_definition.this]
}

run "rejects_duplicate_names" {
  command = plan

  variables {
    task = {
      environment = { DB = "x", RELEASE_VERSION = "x" }
      secrets     = { DB = "ssm:/db" }
    }
  }

  expect_failures = [aws_ecs_task_definition.this]
}

run "rejects_an_unknown_volume" {
  command = plan

  variables {
    task = {
      mount_points = { data = "/data" }
    }
  }

  expect_failures = [aws_ecs_task_definition.this]
}

run "rejects_a_docker_volume_on_fargate" {
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
    error_message = "Each container has its own volumes: ${aws_ecs_task_definition.this.container_definitions}"
  }

  assert {
    condition = [
      for v in aws_ecs_task_definition.this.volume : v.name
      if v.host_path == null && length(v.docker_volume_configuration) == 0 && length(v.efs_volume_configuration) == 0
    ] == ["writable_proxy_tmp", "writable_web_tmp", "writable_web_var_cache_app"]
    error_message = "The volumes of writable paths have no source."
  }

  assert {
    condition = { for c in jsondecode(aws_ecs_task_definition.this.container_definitions) : c.name => c.readonlyRootFilesystem } == {
      web   = true
      proxy = true
      log   = false
    }
    error_message = "The root file system is read-only by default; each container has its own setting."
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
    error_message = "ECS Exec is enabled, and the task role has a policy for it."
  }

  assert {
    condition = { for s in data.aws_iam_policy_document.execute_command.statement : s.sid => s.actions } == {
      OpenChannels    = toset(["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"])
      DecryptSessions = toset(["kms:Decrypt"])
    }
    error_message = "The policy allows only channels and the key of the sessions."
  }
}

run "no_execute_command_by_default" {
  command = plan

  assert {
    condition     = length(aws_iam_role_policy.execute_command) == 0 && !output.execute_command
    error_message = "ECS Exec is disabled by default, and the task role has no policy for it."
  }
}

run "given_roles" {
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
    error_message = "The task has the given roles."
  }

  assert {
    condition = length(concat(
      aws_iam_role.execution, aws_iam_role.task, aws_iam_role_policy.execution, aws_iam_role_policy.execute_command,
    )) == 0
    error_message = "No role is created, and the given roles are not changed."
  }
}

run "one_given_role" {
  command = plan

  variables {
    task = { execution_role = { arn = "arn:aws:iam::123456789012:role/platform/pulls" } }
  }

  assert {
    condition     = length(aws_iam_role.execution) == 0 && length(aws_iam_role.task) == 1
    error_message = "The other role is created."
  }
}
