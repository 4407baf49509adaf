variable "log_kms_key_arn" {
  description = "ARN of the KMS key that encrypts the log group; null for the default encryption of CloudWatch Logs."
  type        = string
  default     = null

  validation {
    condition     = var.log_kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", var.log_kms_key_arn))
    error_message = "log_kms_key_arn must be the ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>), or null."
  }
}

variable "encryption_key_arn" {
  description = "ARN of the KMS key that encrypts the build output and caches that CodeBuild stores; null for the AWS managed key aws/s3."
  type        = string
  default     = null

  validation {
    condition     = var.encryption_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/[^*?]+$", var.encryption_key_arn))
    error_message = "encryption_key_arn must be the ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>), or null."
  }
}

variable "policy_arns" {
  description = "ARNs of further policies to attach to the role, under keys of your choice, such as those of a releaser."
  type        = map(string)
  default     = {}
}

variable "path" {
  description = "IAM path of the role, such as /longshore/."
  type        = string
  default     = "/"

  validation {
    condition     = can(regex("^/([!-~]+/)?$", var.path))
    error_message = "path must start and end with a slash, such as /longshore/."
  }
}

variable "permissions_boundary" {
  description = "ARN of the policy that is set as the permissions boundary of the role; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[^:]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of an IAM policy, or null."
  }
}

variable "tags" {
  description = "Tags to apply to all resources."
  type        = map(string)
  default     = {}
}
