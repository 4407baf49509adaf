variable "application" {
  description = "The application; its repositories are named <application>/<image>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.application))
    error_message = "application must start with a letter, end with a letter or digit, and contain only lower-case letters, digits and hyphens."
  }
}

variable "images" {
  description = "The names of the application's images; each gets a repository."
  type        = set(string)
  default     = ["app"]

  validation {
    condition     = length(var.images) > 0 && alltrue([for image in var.images : can(regex("^[a-z0-9]+([._-][a-z0-9]+)*$", image))])
    error_message = "images must name at least one image, in lower-case letters and digits, joined by single dots, hyphens or underscores."
  }
}

variable "untagged_days" {
  description = "Days after which an image without a tag expires. Tagged images never do: a roll-back may need any of them."
  type        = number
  default     = 14

  validation {
    condition     = var.untagged_days >= 1 && floor(var.untagged_days) == var.untagged_days
    error_message = "untagged_days must be a whole number of days, 1 or more."
  }
}

variable "pull_account_ids" {
  description = "Other AWS accounts that may pull the images. The stacks look for repositories in their own account: over there it takes a root of your own."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.pull_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "pull_account_ids must be AWS account ids: 12 digits each."
  }
}

variable "kms_key_arn" {
  description = "The KMS key that encrypts the images; null for AES-256 with a key of S3. It cannot be changed later."
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
