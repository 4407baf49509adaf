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
      web = {
        name                    = module.web.name
        task_definition         = module.web.task_definition
        containers              = module.web.containers
        desired_count           = var.desired_count
        wave                    = 1
        port                    = module.web.port
        log_group               = module.web.log_group
        strategy                = "ROLLING"
        minimum_healthy_percent = module.web.minimum_healthy_percent
        maximum_percent         = module.web.maximum_percent
        autoscaled              = module.web.autoscaled
        min_capacity            = module.web.min_capacity
      }
    }

    schedules = {}
    migration = null
    verify    = [{ service = "web", path = "/health", expect_status = 200, expect_text = null }]
    images    = { app = { repository = data.aws_ecr_repository.app.name } }
  }
}

output "url" {
  description = "URL of the load balancer. Set it as base_url of the environment in invoke.yaml, unless you have your own domain name."
  value       = "${local.secure ? "https" : "http"}://${aws_lb.this.dns_name}"
}
