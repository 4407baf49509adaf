locals {
  tags = { Application = var.application }
}

# Rule 4: the repositories are <application>/<image>, and a tag that was pushed never moves.
resource "aws_ecr_repository" "app" {
  name                 = "${var.application}/app"
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  tags = local.tags
}

# Rule 4: the ledger of the releases, with these two keys.
resource "aws_dynamodb_table" "releases" {
  # checkov:skip=CKV_AWS_119:the account's own key of DynamoDB does; a key of your own goes into server_side_encryption
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
