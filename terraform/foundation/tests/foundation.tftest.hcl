mock_provider "aws" {
  source = "../testing"
}

variables {
  application = "storefront"
  region      = "eu-central-1"
}

run "registry_and_ledger" {
  command = apply

  assert {
    condition     = { for image, r in output.repositories : image => r.name } == { app = "storefront/app" }
    error_message = "There is one repository, <application>/app."
  }

  assert {
    condition     = output.ledger == "storefront-releases"
    error_message = "The ledger is named <application>-releases."
  }

  assert {
    condition     = length(module.build) == 0 && output.build_project == null
    error_message = "By default, there is no build project."
  }
}

run "another_image_does_not_change_the_first" {
  command = plan

  variables {
    images = ["app", "proxy"]
  }

  assert {
    condition     = output.repositories["app"] == run.registry_and_ledger.repositories["app"]
    error_message = "The first repository does not change."
  }

  assert {
    condition     = output.repositories["proxy"].name == "storefront/proxy"
    error_message = "The second image has its own repository."
  }
}

run "build_project" {
  command = plan

  variables {
    build = {
      source      = { type = "GITHUB", location = "https://github.com/example/storefront.git" }
      environment = { RAILS_ENV = "plain:production", LONGSHORE_APPLICATION = "plain:another" }
      webhook     = {}
    }
  }

  assert {
    condition     = output.build_project == "storefront-build"
    error_message = "The build project is named <application>-build."
  }
}

run "rejects_invalid_input" {
  command = plan

  variables {
    application = "Storefront"
    region      = "Frankfurt"
    kms_key_arn = "alias/mine"
  }

  expect_failures = [var.application, var.region, var.kms_key_arn]
}
