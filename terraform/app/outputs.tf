output "release" {
  description = "The contract, the only output that Longshore reads. It can release any root module that has this output and the variable image_tag, and has an empty plan without a tag."
  value = {
    schema              = 1
    application         = var.application
    environment         = var.environment_name
    region              = var.region
    account_id          = data.aws_caller_identity.current.account_id
    cluster             = module.cluster.name
    image_tag           = local.image_tag
    image_tag_parameter = aws_ssm_parameter.image_tag.name

    services = {
      for key, service in module.services : key => {
        name                    = service.name
        task_definition         = service.task_definition
        containers              = service.containers
        desired_count           = var.services[key].desired_count
        wave                    = var.services[key].wave
        port                    = service.port
        log_group               = service.log_group
        strategy                = "ROLLING"
        minimum_healthy_percent = service.minimum_healthy_percent
        maximum_percent         = service.maximum_percent
        autoscaled              = service.autoscaled
        min_capacity            = service.min_capacity
      }
    }

    schedules = {
      for key, schedule in module.schedules : key => {
        rule            = schedule.rule
        target_id       = schedule.target_id
        task_definition = schedule.task_definition
      }
    }

    migration = one([
      for migration in values(module.migration) : {
        task_definition = migration.task_definition
        container       = migration.container
        log_group       = migration.log_group
        before_wave     = var.migration.before_wave
        launch          = migration.launch
      }
    ])

    verify = var.verify
    images = { for image, repository in data.aws_ecr_repository.this : image => { repository = repository.name } }
  }
}

output "releaser_policy_arns" {
  description = "ARNs of the policies that a releaser of this environment needs (all of them), keyed by releaser, tasks-1, tasks-2, ..."
  value       = module.releaser.policy_arns
}

output "releaser_role_arns" {
  description = "ARNs of the IAM roles with which pipelines release this environment, keyed by github and gitlab; empty if there are none."
  value       = module.releaser.role_arns
}

output "release_project" {
  description = "Name of the CodeBuild project that runs releases; null if there is none."
  value       = one(values(module.release_project)[*].name)
}
