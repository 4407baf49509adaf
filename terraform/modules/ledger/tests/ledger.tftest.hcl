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
    error_message = "Python finds the table by its name, <application>-releases."
  }

  assert {
    condition = (
      aws_dynamodb_table.this.hash_key == "pk" && aws_dynamodb_table.this.range_key == "sk" &&
      { for a in aws_dynamodb_table.this.attribute : a.name => a.type } == { pk = "S", sk = "S" }
    )
    error_message = "The keys are the strings pk and sk."
  }

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST"
    error_message = "A ledger that rests costs nothing."
  }

  assert {
    condition     = aws_dynamodb_table.this.point_in_time_recovery[0].enabled
    error_message = "The ledger can be restored to any second."
  }

  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "The ledger is protected from deletion."
  }

  assert {
    condition     = aws_dynamodb_table.this.server_side_encryption[0].enabled
    error_message = "The ledger is encrypted by a key of KMS."
  }
}

run "refuses_what_does_not_fit" {
  command = plan

  variables {
    application = "storefront_"
    kms_key_arn = "alias/mine"
  }

  expect_failures = [var.application, var.kms_key_arn]
}
