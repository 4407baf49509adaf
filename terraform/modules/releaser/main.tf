data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  prefix     = "${var.application}-${var.environment_name}"
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  region     = data.aws_region.current.id
  suffix     = "${local.region}:${local.account_id}"
  cluster    = element(split("/", var.cluster_arn), 1)
  arn        = { for service in ["codebuild", "dynamodb", "ecs", "events", "logs", "ssm"] : service => "arn:${local.partition}:${service}:${local.suffix}" }

  # Built from names where possible: the ARN of a revision is unknown during the plan, so that the policies would change
  # with every release.
  projects  = ["${var.application}-build", "${local.prefix}-release"]
  parameter = "${local.arn.ssm}:parameter/${var.application}/${var.environment_name}/image_tag"

  # A managed policy has at most 6144 characters: the tasks have separate policies, each for as many tasks as fit.
  parts = { for number, keys in chunklist(sort(keys(var.tasks)), 4) : "tasks-${number + 1}" => { for key in keys : key => var.tasks[key] } }
  names = merge({ releaser = "${local.prefix}-releaser" }, { for part in keys(local.parts) : part => "${local.prefix}-releaser-${part}" })

  documents = merge(
    { releaser = data.aws_iam_policy_document.environment },
    data.aws_iam_policy_document.tasks,
  )
}

resource "aws_iam_policy" "this" {
  for_each = local.names

  name        = each.value
  description = each.key == "releaser" ? "May release ${local.prefix}: registry, records, state, builds" : "May release ${local.prefix}: ${join(", ", keys(local.parts[each.key]))}"
  path        = var.path
  policy      = local.documents[each.key].json

  tags = var.tags

  lifecycle {
    precondition {
      condition     = length(local.documents[each.key].minified_json) <= 6144
      error_message = "The policy ${each.value} would have ${length(local.documents[each.key].minified_json)} characters, but IAM allows 6144: shorten the names or paths of the roles."
    }
  }
}
