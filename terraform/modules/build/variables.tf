variable "name" {
  description = "Name of the CodeBuild project and of its service role. Its log group is /aws/codebuild/<name>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,62}[a-z0-9]$", var.name))
    error_message = "name must be 2 to 64 lower-case letters, digits and hyphens (the limit of a role name), start with a letter and end with a letter or digit."
  }
}

variable "description" {
  description = "Description of the CodeBuild project."
  type        = string
  default     = "Builds and pushes images"
}

variable "repository_arns" {
  description = "ARNs of the ECR repositories that builds push to and pull from."
  type        = set(string)

  validation {
    condition     = length(var.repository_arns) > 0 && alltrue([for arn in var.repository_arns : can(regex("^arn:[^:]+:ecr:[^:]+:[0-9]{12}:repository/[^*?]+$", arn))])
    error_message = "repository_arns must contain at least one ARN of an ECR repository, without wildcards (arn:aws:ecr:<region>:<account>:repository/<name>)."
  }
}

variable "environment" {
  description = "Environment variables of the builds. A value is plain:TEXT, which is not protected, or a reference: ssm:/path, ssm:name or secretsmanager:name[:json-key[:stage[:version]]], with the full ARN instead of the name for a secret of another account."
  type        = map(string)
  default     = {}

  validation {
    # Reports names only: a value put there by mistake may be the secret itself.
    condition     = alltrue([for value in values(var.environment) : can(regex("^(plain:|ssm:(/[A-Za-z0-9_./-]+|[A-Za-z0-9_.-]+)$|secretsmanager:(arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]+-[A-Za-z0-9]{6}|[A-Za-z0-9/_+=.@!-]+)(:[^:]+|:[^:]*:[^:]*(:[A-Za-z0-9-]*)?)?$)", value))])
    error_message = "Invalid in environment: ${join(", ", [for name, value in var.environment : name if !can(regex("^(plain:|ssm:(/[A-Za-z0-9_./-]+|[A-Za-z0-9_.-]+)$|secretsmanager:(arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]+-[A-Za-z0-9]{6}|[A-Za-z0-9/_+=.@!-]+)(:[^:]+|:[^:]*:[^:]*(:[A-Za-z0-9-]*)?)?$)", value))])}. A value must be plain:TEXT, which is not protected, or a reference: ssm:/path, ssm:name or secretsmanager:name[:json-key[:stage[:version]]], with the full ARN instead of the name for a secret of another account."
  }

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", name)) && !startswith(name, "CODEBUILD_")])
    error_message = "The names in environment must contain only letters, digits and underscores, and not start with a digit or with CODEBUILD_, which CodeBuild reserves."
  }
}

variable "not_secret" {
  description = "Names of plain variables that look like secrets, by name or by value, but are not."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for name in values(module.plaintext.suspects) : contains(var.not_secret, name)])
    error_message = "These look like secrets: ${join(", ", [for path, name in module.plaintext.suspects : path if !contains(var.not_secret, name)])}. Replace the values by references (ssm: or secretsmanager:), or list the names in not_secret."
  }
}

variable "secrets_kms_key_arns" {
  description = "ARNs of the customer managed KMS keys that encrypt the parameters and secrets in environment; the role may decrypt with them."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.secrets_kms_key_arns : can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/[^*?]+$", arn))])
    error_message = "secrets_kms_key_arns must contain ARNs of KMS keys (arn:aws:kms:<region>:<account>:key/<id>)."
  }
}

variable "image" {
  description = "Docker image of the build environment, one of CodeBuild's own; with one for ARM (aarch64), the builds run on ARM. CodeBuild always uses its latest release."
  type        = string
  default     = "aws/codebuild/standard:7.0"

  validation {
    condition     = can(regex("^aws/codebuild/[A-Za-z0-9._-]+:[A-Za-z0-9._-]+$", var.image))
    error_message = "image must be a Linux image that CodeBuild manages, such as aws/codebuild/standard:7.0."
  }
}

variable "compute_type" {
  description = "Compute type of the build environment."
  type        = string
  default     = "BUILD_GENERAL1_SMALL"

  validation {
    condition     = contains(["BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_LARGE", "BUILD_GENERAL1_XLARGE", "BUILD_GENERAL1_2XLARGE"], var.compute_type)
    error_message = "compute_type must be BUILD_GENERAL1_SMALL, _MEDIUM, _LARGE, _XLARGE or _2XLARGE."
  }
}

variable "build_timeout" {
  description = "Number of minutes, 5 to 2160, after which CodeBuild stops a build."
  type        = number
  default     = 60

  validation {
    condition     = var.build_timeout >= 5 && var.build_timeout <= 2160 && floor(var.build_timeout) == var.build_timeout
    error_message = "build_timeout must be a whole number of minutes, 5 to 2160."
  }
}

variable "queue_timeout" {
  description = "Number of minutes, 5 to 480, after which CodeBuild times out a queued build."
  type        = number
  default     = 30

  validation {
    condition     = var.queue_timeout >= 5 && var.queue_timeout <= 480 && floor(var.queue_timeout) == var.queue_timeout
    error_message = "queue_timeout must be a whole number of minutes, 5 to 480."
  }
}

variable "concurrent_builds" {
  description = "Maximum number of concurrent builds: CodeBuild rejects further ones; null for the quota of the account."
  type        = number
  default     = null

  validation {
    condition     = var.concurrent_builds == null || try(var.concurrent_builds >= 1 && floor(var.concurrent_builds) == var.concurrent_builds, false)
    error_message = "concurrent_builds must be a whole number, 1 or more, or null for the quota of the account."
  }
}

variable "log_retention_days" {
  description = "Number of days to retain log events in CloudWatch Logs; 0 retains them forever."
  type        = number
  default     = 365

  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a retention period of CloudWatch Logs (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, ...), or 0 to retain log events forever."
  }
}
