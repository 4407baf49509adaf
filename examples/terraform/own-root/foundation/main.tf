locals {
  tags = { Application = var.application }
}

# Rule 4: the repositories are named <application>/<image>, and their tags are immutable.
resource "aws_ecr_repository" "app" {
  name                 = "${var.application}/app"
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  tags = local.tags
}

# Rule 4: the ledger of the releases, with this partition key and this sort key.
resource "aws_dynamodb_table" "releases" {
  # checkov:skip=CKV_AWS_119:the AWS managed key is enough; set a customer managed key in server_side_encryption
  name                        = "${var.application}-releases"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = true

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }

  tags = local.tags
}
