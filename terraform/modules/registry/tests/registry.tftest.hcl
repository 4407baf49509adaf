mock_provider "aws" {
  source = "../../testing"
}

variables {
  application = "storefront"
}

run "one_immutable_repository_by_default" {
  command = plan

  assert {
    condition     = { for image, r in aws_ecr_repository.this : image => r.name } == { app = "storefront/app" }
    error_message = "There is one repository, <application>/app."
  }

  assert {
    condition     = aws_ecr_repository.this["app"].image_tag_mutability == "IMMUTABLE"
    error_message = "Tags are immutable."
  }

  assert {
    condition     = aws_ecr_repository.this["app"].image_scanning_configuration[0].scan_on_push
    error_message = "Images are scanned on push."
  }

  assert {
    condition     = aws_ecr_repository.this["app"].encryption_configuration[0].encryption_type == "AES256"
    error_message = "Without a key, images are encrypted with AES-256."
  }

  assert {
    condition     = [for rule in jsondecode(aws_ecr_lifecycle_policy.this["app"].policy).rules : rule.selection.tagStatus] == ["untagged"]
    error_message = "Only untagged images expire."
  }

  assert {
    condition     = length(aws_ecr_repository_policy.pull) == 0
    error_message = "No other account may pull images."
  }
}

run "two_images_a_key_and_another_account" {
  command = plan

  variables {
    images           = ["app", "proxy"]
    kms_key_arn      = "arn:aws:kms:eu-central-1:123456789012:key/1"
    pull_account_ids = ["210987654321"]
  }

  assert {
    condition     = toset(keys(aws_ecr_repository_policy.pull)) == toset(["app", "proxy"])
    error_message = "The other account may pull every image."
  }

  assert {
    condition = (
      aws_ecr_repository.this["proxy"].encryption_configuration[0].encryption_type == "KMS" &&
      aws_ecr_repository.this["proxy"].encryption_configuration[0].kms_key == var.kms_key_arn
    )
    error_message = "Images are encrypted with the given key."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.pull[0].statement[0].principals).identifiers == toset(["arn:aws:iam::210987654321:root"])
    error_message = "Only the given account may pull images."
  }
}

run "rejects_invalid_input" {
  command = plan

  variables {
    application      = "Store_front"
    images           = ["App"]
    untagged_days    = 0
    pull_account_ids = ["42"]
    kms_key_arn      = "alias/mine"
  }

  expect_failures = [
    var.application,
    var.images,
    var.untagged_days,
    var.pull_account_ids,
    var.kms_key_arn,
  ]
}
