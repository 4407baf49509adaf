locals {
  state = var.state == null ? null : {
    bucket = coalesce(var.state.bucket, "${var.application}-${data.aws_caller_identity.current.account_id}-${var.region}-tfstate")
    key    = coalesce(var.state.key, "${var.application}/${var.environment_name}.tfstate")
  }
}

# Always created: an unattached policy costs nothing and grants nothing.
module "releaser" {
  source = "../modules/releaser"

  application      = var.application
  environment_name = var.environment_name
  cluster_arn      = module.cluster.arn
  repository_arns  = [for repository in data.aws_ecr_repository.this : repository.arn]
  tasks = merge(
    {
      for key, service in module.services : key => {
        kind               = "service"
        family             = service.name
        log_group          = service.log_group
        execution_role_arn = service.execution_role_arn
        task_role_arn      = service.task_role_arn
        events_role_arn    = null
      }
    },
    {
      for key, task in merge(module.migration, module.schedules) : key => {
        kind               = contains(keys(module.migration), key) ? "migration" : "schedule"
        family             = task.family
        log_group          = task.log_group
        execution_role_arn = task.execution_role_arn
        task_role_arn      = task.task_role_arn
        events_role_arn    = task.events_role_arn
      }
    },
  )
  state = local.state
  # Only this output of the release project: the project itself depends on these policies.
  secret_arns = concat(
    flatten([for part in [module.services, module.migration, module.schedules] : values(part)[*].secret_arns]),
    try(module.release_project["release"].secret_arns, []),
  )
  kms_key_arns  = var.records_kms_key_arns
  load_balanced = anytrue([for service in var.services : length(service.target_groups) > 0])
  autoscaled    = anytrue([for service in var.services : service.autoscaling != null])
  path          = var.path
  tags          = local.tags

  github               = var.github
  gitlab               = var.gitlab
  max_session_duration = var.max_session_duration
  permissions_boundary = var.permissions_boundary
}

module "release_project" {
  source   = "../modules/build"
  for_each = { for project in var.release_project[*] : "release" => project }

  name            = "${var.application}-${var.environment_name}-${each.key}"
  description     = "Releases ${var.application} to ${var.environment_name}"
  repository_arns = [for repository in data.aws_ecr_repository.this : repository.arn]
  source_code     = each.value.source
  environment = merge(each.value.environment, {
    LONGSHORE_APPLICATION = "plain:${var.application}"
    LONGSHORE_ENVIRONMENT = "plain:${var.environment_name}"
  })
  not_secret           = each.value.not_secret
  secrets_kms_key_arns = each.value.secrets_kms_key_arns
  image                = each.value.image
  compute_type         = each.value.compute_type
  build_timeout        = each.value.build_timeout
  queue_timeout        = each.value.queue_timeout
  concurrent_builds    = each.value.concurrent_builds
  log_retention_days   = each.value.log_retention_days
  log_kms_key_arn      = each.value.log_kms_key_arn
  encryption_key_arn   = each.value.encryption_key_arn
  webhook              = each.value.webhook
  policy_arns          = module.releaser.policy_arns
  path                 = var.path
  permissions_boundary = var.permissions_boundary
  tags                 = local.tags
}
