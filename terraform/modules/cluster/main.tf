resource "aws_ecs_cluster" "this" {
  count = var.existing_name == null ? 1 : 0

  name = var.name

  setting {
    name  = "containerInsights"
    value = var.container_insights
  }

  tags = var.tags
}

data "aws_ecs_cluster" "existing" {
  count = var.existing_name == null ? 0 : 1

  cluster_name = var.existing_name
}
