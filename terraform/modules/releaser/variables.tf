variable "application" {
  description = "The application; its ledger is <application>-releases, its build project <application>-build."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.application))
    error_message = "application must start with a letter, end with a letter or digit, and contain only lower-case letters, digits and hyphens."
  }
}

variable "environment_name" {
  description = "The environment; its policy is <application>-<environment>-releaser, its release project <application>-<environment>-release."
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
    error_message = "cluster_arn must be the ARN of an ECS cluster."
  }
}

variable "repository_arns" {
  description = "The ECR repositories of the images."
  type        = set(string)

  validation {
    condition     = length(var.repository_arns) > 0 && alltrue([for arn in var.repository_arns : can(regex("^arn:[^:]+:ecr:[^:]+:[0-9]{12}:repository/[^*?]+$", arn))])
    error_message = "repository_arns must contain at least one ARN of an ECR repository, without wildcards (arn:aws:ecr:<region>:<account>:repository/<name>)."
  }
}

variable "tasks" {
  description = "What a release moves: services, the migration, schedules. family is the name of the task definitions, and of the service or rule; events_role_arn is the role by which a rule starts its task."
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
    error_message = "tasks must have at least one task, of the kind service, migration or schedule."
  }

  validation {
    condition     = alltrue([for task in var.tasks : can(regex("^[A-Za-z0-9_-]+$", task.family)) && can(regex("^[A-Za-z0-9._/#-]+$", task.log_group))])
    error_message = "tasks: family and log_group are names, without wildcards."
  }

  validation {
    condition = alltrue(flatten([
      for task in var.tasks : [for arn in concat([task.execution_role_arn, task.task_role_arn], task.events_role_arn[*]) : can(regex("^arn:[^:]+:iam::[0-9]{12}:role/[^*?]+$", arn))]
    ]))
    error_message = "tasks: the roles are ARNs of IAM roles, without wildcards (arn:aws:iam::<account>:role/<name>)."
  }

  validation {
    condition     = alltrue([for task in var.tasks : (task.kind == "schedule") == (task.events_role_arn != null)])
    error_message = "tasks: a schedule has an events_role_arn, and nothing else has one."
  }
}

variable "state" {
  description = "The bucket and the key of Terraform's state of this environment; null where the state lies elsewhere."
  type = object({
    bucket = string
    key    = string
  })
  default = null

  validation {
    condition     = var.state == null || try(can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.state.bucket)) && can(regex("^[^*?/][^*?]*[^*?/]$", var.state.key)), false)
    error_message = "state must have the bucket's name and the key of the state, without wildcards, such as { bucket = \"storefront-state\", key = \"storefront/staging.tfstate\" }; or be null."
  }
}

variable "secret_arns" {
  description = "Secrets of Secrets Manager that a plan looks up by their names; no value is read."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.secret_arns : can(regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:[^*?]+$", arn))])
    error_message = "secret_arns must be ARNs of secrets, without wildcards (arn:aws:secretsmanager:<region>:<account>:secret:<name>-<suffix>)."
  }
}

variable "kms_key_arns" {
  description = "KMS keys of your own that encrypt the ledger or the state."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.kms_key_arns : can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/[^*?]+$", arn))])
    error_message = "kms_key_arns must be ARNs of KMS keys (arn:aws:kms:<region>:<account>:key/<id>)."
  }
}

variable "load_balanced" {
  description = "Whether a service joins a target group, which a plan looks up."
  type        = bool
  default     = false
}

variable "autoscaled" {
  description = "Whether autoscaling sets the count of a service: a plan reads the bounds, and a release sets the minimum."
  type        = bool
  default     = false
}

variable "path" {
  description = "The path of the policies and roles, and of the release project's role."
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
