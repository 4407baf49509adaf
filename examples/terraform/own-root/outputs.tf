output "release" {
  description = "The contract, the only output that Longshore reads."
  value = {
    schema              = 1
    application         = var.application
    environment         = var.environment_name
    region              = var.region
    account_id          = data.aws_caller_identity.current.account_id
    cluster             = aws_ecs_cluster.this.name
    image_tag           = local.image_tag
    image_tag_parameter = aws_ssm_parameter.image_tag.name

    services = {
      web = {
        name                    = aws_ecs_service.web.name
        task_definition         = aws_ecs_task_definition.web.arn
        containers              = { web = "app" }
        desired_count           = var.desired_count
        wave                    = 1
        port                    = 8080
        log_group               = aws_cloudwatch_log_group.web.name
        strategy                = "ROLLING"
        minimum_healthy_percent = aws_ecs_service.web.deployment_minimum_healthy_percent
        maximum_percent         = aws_ecs_service.web.deployment_maximum_percent
        autoscaled              = false
      }
    }

    schedules = {}
    migration = null
    verify    = [{ service = "web", path = "/", expect_status = 200, expect_text = null }]
    images    = { app = { repository = data.aws_ecr_repository.app.name } }
  }
}
