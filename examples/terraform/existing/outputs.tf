output "release" {
  description = "The contract, the only output that Longshore reads."
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
        desired_count           = local.services[key].desired_count
        wave                    = local.services[key].wave
        port                    = service.port
        log_group               = service.log_group
        strategy                = "ROLLING"
        minimum_healthy_percent = service.minimum_healthy_percent
        maximum_percent         = service.maximum_percent
        autoscaled              = service.autoscaled
        min_capacity            = service.min_capacity
      }
    }

    schedules = {}
    migration = null
    verify    = [{ service = "web", path = "/health", expect_status = 200, expect_text = null }]
    images    = { app = { repository = data.aws_ecr_repository.app.name } }
  }
}
