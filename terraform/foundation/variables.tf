variable "application" {
  description = "Name of the application. Its repositories are named <application>/<image>, its ledger <application>-releases."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.application))
    error_message = "application must start with a letter, end with a letter or digit, and contain only lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Code of the AWS region in which the resources of this stack are created."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-central-1."
  }
}

variable "images" {
  description = "Names of the application's images, as in invoke.yaml; each has its own repository."
  type        = set(string)
  default     = ["app"]
}

variable "untagged_days" {
  description = "Number of days after which an untagged image expires; tagged images never expire."
  type        = number
  default     = 14
}

variable "pull_account_ids" {
  description = "IDs of other AWS accounts that may pull the images, such as the production account."
  type        = set(string)
  default     = []
}

variable "deletion_protection" {
  description = "Whether deletion protection of the ledger is enabled. `invoke destroy` never deletes the ledger."
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts the images and the ledger; null for AES-256 in ECR and the AWS managed key aws/dynamodb. The encryption of a repository cannot be changed later."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>), or null."
  }
}

variable "path" {
  description = "IAM path of the service role of the builds, such as /longshore/."
  type        = string
  default     = "/"
}

variable "permissions_boundary" {
  description = "ARN of the policy that is set as the permissions boundary of the role; null for none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags to apply to all resources, in addition to Application."
  type        = map(string)
  default     = {}
}
