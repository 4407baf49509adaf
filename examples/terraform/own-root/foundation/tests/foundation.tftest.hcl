mock_provider "aws" {
  source = "../../../../terraform/testing"
}

variables {
  application = "hello"
  region      = "eu-central-1"
}

run "names_that_longshore_expects" {
  command = plan

  assert {
    condition     = aws_ecr_repository.app.name == "hello/app" && aws_ecr_repository.app.image_tag_mutability == "IMMUTABLE"
    error_message = "The repository is <application>/app, and its tags are immutable."
  }

  assert {
    condition     = output.ledger == "hello-releases" && aws_dynamodb_table.releases.hash_key == "pk" && aws_dynamodb_table.releases.range_key == "sk"
    error_message = "The ledger is <application>-releases, with the keys pk and sk."
  }

  assert {
    condition     = aws_dynamodb_table.releases.deletion_protection_enabled && one(aws_dynamodb_table.releases.point_in_time_recovery).enabled
    error_message = "The ledger has deletion protection and point-in-time recovery."
  }
}

run "rejects_invalid_input" {
  command = plan

  variables {
    application = "Hello_"
    region      = "Frankfurt"
  }

  expect_failures = [var.application, var.region]
}
