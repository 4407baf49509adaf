variable "application" {
  description = "The application. Its repositories are named <application>/<image>, its ledger <application>-releases."
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
  description = "The names of the application's images, as in invoke.yaml; each gets a repository."
  type        = set(string)
  default     = ["app"]
}

variable "untagged_days" {
  description = "Days after which an image without a tag expires; tagged ones never do."
  type        = number
  default     = 14
}

variable "pull_account_ids" {
  description = "Other AWS accounts that may pull the images, such as the one that production runs in."
  type        = set(string)
  default     = []
}

variable "deletion_protection" {
  description = "Whether DynamoDB refuses to delete the ledger. `invoke destroy` never removes it, protected or not."
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "The KMS key that encrypts images and ledger; null for AWS's own keys. It cannot be changed later for the images."
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
