variable "application" {
  description = "Name of the application. Its repositories are named <application>/<image>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.application))
    error_message = "application must start with a letter, end with a letter or digit, and contain only lower-case letters, digits and hyphens."
  }
}

variable "images" {
  description = "Names of the application's images; each has its own repository."
  type        = set(string)
  default     = ["app"]

  validation {
    condition     = length(var.images) > 0 && alltrue([for image in var.images : can(regex("^[a-z0-9]+([._-][a-z0-9]+)*$", image))])
    error_message = "images must contain at least one name of lower-case letters and digits, which single dots, hyphens and underscores may separate."
  }
}

variable "untagged_days" {
  description = "Number of days after which an untagged image expires. Tagged images never expire: a rollback may need any of them."
  type        = number
  default     = 14

  validation {
    condition     = var.untagged_days >= 1 && floor(var.untagged_days) == var.untagged_days
    error_message = "untagged_days must be a whole number of days, 1 or more."
  }
}

variable "pull_account_ids" {
  description = "IDs of other AWS accounts that may pull the images. The stacks look up repositories in their own account only: to deploy from another account, use your own root module."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.pull_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "pull_account_ids must contain AWS account IDs of 12 digits."
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts the images; null for AES-256. The encryption of a repository cannot be changed later."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>), or null."
  }
}

variable "tags" {
  description = "Tags to apply to all resources."
  type        = map(string)
  default     = {}
}
