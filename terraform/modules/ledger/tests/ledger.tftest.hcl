mock_provider "aws" {
  source = "../../testing"
}

variables {
  application = "storefront"
}

run "a_durable_table" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.name == "storefront-releases"
    error_message = "The table is named <application>-releases, as Longshore expects."
  }

  assert {
    condition = (
      aws_dynamodb_table.this.hash_key == "pk" && aws_dynamodb_table.this.range_key == "sk" &&
      { for a in aws_dynamodb_table.this.attribute : a.name => a.type } == { pk = "S", sk = "S" }
    )
    error_message = "Partition and sort key are the strings pk and sk."
  }

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST"
    error_message = "A ledger that is not used costs nothing but its storage."
  }

  assert {
    condition     = aws_dynamodb_table.this.point_in_time_recovery[0].enabled
    error_message = "Point-in-time recovery is enabled."
  }

  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "Deletion protection is enabled."
  }

  assert {
    condition     = aws_dynamodb_table.this.server_side_encryption[0].enabled
    error_message = "The ledger is encrypted with a KMS key."
  }
}

run "rejects_invalid_input" {
  command = plan

  variables {
    application = "storefront_"
    kms_key_arn = "alias/mine"
  }

  expect_failures = [var.application, var.kms_key_arn]
}
