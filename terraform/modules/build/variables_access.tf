variable "log_kms_key_arn" {
  description = "The KMS key that encrypts the logs; null for the key of CloudWatch Logs."
  type        = string
  default     = null

  validation {
    condition     = var.log_kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", var.log_kms_key_arn))
    error_message = "log_kms_key_arn must be the ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>), or null."
  }
}

variable "encryption_key_arn" {
  description = "The KMS key that encrypts what CodeBuild keeps of a build; null for the account's own key of S3 (aws/s3)."
  type        = string
  default     = null

  validation {
    condition     = var.encryption_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/[^*?]+$", var.encryption_key_arn))
    error_message = "encryption_key_arn must be the ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>), or null."
  }
}

variable "policy_arns" {
  description = "Further policies of the role by a name of your choice, such as those of a releaser."
  type        = map(string)
  default     = {}
}

variable "path" {
  description = "The path of the role."
  type        = string
  default     = "/"

  validation {
    condition     = can(regex("^/([!-~]+/)?$", var.path))
    error_message = "path must begin and end with a slash, such as /longshore/."
  }
}

variable "permissions_boundary" {
  description = "The ARN of the policy that bounds the role's permissions; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[^:]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of an IAM policy, or null."
  }
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}
