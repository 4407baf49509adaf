terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Bucket, key and region are given to `terraform init`.
  backend "s3" {
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region
}
