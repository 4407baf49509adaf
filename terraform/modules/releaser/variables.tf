variable "application" {
  description = "Name of the application. Its ledger is <application>-releases, its build project <application>-build."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.application))
    error_message = "application must start with a letter, end with a letter or digit, and contain only lower-case letters, digits and hyphens."
  }
}

variable "environment_name" {
  description = "Name of the environment. Its policies are named <application>-<environment>-releaser..., its release project <application>-<environment>-release."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.environment_name))
    error_message = "environment_name must start with a letter, end with a letter or digit, and contain only lower-case letters, digits and hyphens."
  }
}

variable "cluster_arn" {
  description = "ARN of the cluster."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:ecs:[^:]+:[0-9]{12}:cluster/[^*?]+$", var.cluster_arn))
    error_message = "cluster_arn must be the ARN of an ECS cluster, without wildcards (arn:aws:ecs:<region>:<account>:cluster/<name>)."
  }
}

variable "repository_arns" {
  description = "ARNs of the ECR repositories of the images."
  type        = set(string)

  validation {
    condition     = length(var.repository_arns) > 0 && alltrue([for arn in var.repository_arns : can(regex("^arn:[^:]+:ecr:[^:]+:[0-9]{12}:repository/[^*?]+$", arn))])
    error_message = "repository_arns must contain at least one ARN of an ECR repository, without wildcards (arn:aws:ecr:<region>:<account>:repository/<name>)."
  }
}

variable "tasks" {
  description = "Services, migration and scheduled tasks of a release. family is the family of the task definition and the name of the service or rule; events_role_arn is the role with which EventBridge starts a scheduled task."
  type = map(object({
    kind               = string
    family             = string
    log_group          = string
    execution_role_arn = string
    task_role_arn      = string
    events_role_arn    = optional(string)
  }))

  validation {
    condition     = length(var.tasks) > 0 && alltrue([for task in var.tasks : contains(["service", "migration", "schedule"], task.kind)])
    error_message = "tasks must contain at least one task; kind must be service, migration or schedule."
  }

  validation {
    condition     = alltrue([for task in var.tasks : can(regex("^[A-Za-z0-9_-]+$", task.family)) && can(regex("^[A-Za-z0-9._/#-]+$", task.log_group))])
    error_message = "tasks: family and log_group must be names, without wildcards."
  }

  validation {
    condition = alltrue(flatten([
      for task in var.tasks : [for arn in concat([task.execution_role_arn, task.task_role_arn], task.events_role_arn[*]) : can(regex("^arn:[^:]+:iam::[0-9]{12}:role/[^*?]+$", arn))]
    ]))
    error_message = "tasks: execution_role_arn, task_role_arn and events_role_arn must be ARNs of IAM roles, without wildcards (arn:aws:iam::<account>:role/<name>)."
  }

  validation {
    condition     = alltrue([for task in var.tasks : (task.kind == "schedule") == (task.events_role_arn != null)])
    error_message = "tasks: events_role_arn must be set for schedules, and only for them."
  }
}

variable "state" {
  description = "S3 bucket and key of this environment's Terraform state; null if the state is not in S3."
  type = object({
    bucket = string
    key    = string
  })
  default = null

  validation {
    condition     = var.state == null || try(can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.state.bucket)) && can(regex("^[^*?/][^*?]*[^*?/]$", var.state.key)), false)
    error_message = "state must have the name of the bucket and the key of the state, without wildcards, such as { bucket = \"storefront-state\", key = \"storefront/staging.tfstate\" }; or be null."
  }
}

variable "secret_arns" {
  description = "ARNs of the Secrets Manager secrets that a plan looks up by name. The releaser may describe them, not read their values."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.secret_arns : can(regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:[^*?]+$", arn))])
    error_message = "secret_arns must contain ARNs of secrets, without wildcards (arn:aws:secretsmanager:<region>:<account>:secret:<name>-<suffix>)."
  }
}

variable "kms_key_arns" {
  description = "ARNs of the customer managed KMS keys that encrypt the ledger or the state."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.kms_key_arns : can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/[^*?]+$", arn))])
    error_message = "kms_key_arns must contain ARNs of KMS keys, without wildcards (arn:aws:kms:<region>:<account>:key/<id>)."
  }
}

variable "load_balanced" {
  description = "Whether any service has target groups, which a plan looks up."
  type        = bool
  default     = false
}

variable "autoscaled" {
  description = "Whether any service has autoscaling: a plan reads the scalable target, and a release sets its minimum capacity."
  type        = bool
  default     = false
}

variable "path" {
  description = "IAM path of the policies and roles, including the role of the release project."
  type        = string
  default     = "/"

  validation {
    condition     = can(regex("^/([!-~]+/)?$", var.path))
    error_message = "path must start and end with a slash, such as /longshore/."
  }
}

variable "tags" {
  description = "Tags to apply to all resources."
  type        = map(string)
  default     = {}
}
