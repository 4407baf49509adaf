terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # `terraform init -backend-config=...` sets bucket, key and region.
  backend "s3" {
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region
}
