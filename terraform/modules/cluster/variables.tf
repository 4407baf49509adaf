variable "name" {
  description = "Name of the cluster to create; ignored if existing_name is set."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.name))
    error_message = "name must be 1 to 255 letters, digits, hyphens and underscores."
  }
}

variable "existing_name" {
  description = "Name of an existing cluster to use instead of creating one; null to create one."
  type        = string
  default     = null

  validation {
    condition     = var.existing_name == null || can(regex("^[A-Za-z0-9_-]{1,255}$", var.existing_name))
    error_message = "existing_name must be the name of a cluster (not its ARN), or null."
  }
}

variable "container_insights" {
  description = "Container Insights of the cluster that is created: enabled, enhanced or disabled."
  type        = string
  default     = "enabled"

  validation {
    condition     = contains(["enabled", "enhanced", "disabled"], var.container_insights)
    error_message = "container_insights must be enabled, enhanced or disabled."
  }
}

variable "capacity_providers" {
  description = "Names of the capacity providers to associate with the cluster that is created, such as FARGATE and FARGATE_SPOT. A capacity_provider_strategy can use only these."
  type        = set(string)
  default     = []

  validation {
    condition     = length(var.capacity_providers) == 0 || var.existing_name == null
    error_message = "capacity_providers must be empty if existing_name is set: the module does not change an existing cluster."
  }

  validation {
    condition     = alltrue([for name in var.capacity_providers : can(regex("^[A-Za-z0-9_-]{1,255}$", name))])
    error_message = "capacity_providers must contain names of capacity providers, such as FARGATE and FARGATE_SPOT."
  }
}

variable "execute_command_kms_key_arn" {
  description = "ARN of the KMS key that encrypts ECS Exec sessions in the cluster that is created; null for TLS only."
  type        = string
  default     = null

  validation {
    condition     = var.execute_command_kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", var.execute_command_kms_key_arn))
    error_message = "execute_command_kms_key_arn must be the ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>), or null."
  }
}

variable "fargate_storage_kms_key_arn" {
  description = "ARN of the KMS key that encrypts the ephemeral storage of Fargate tasks in the cluster that is created; null for an AWS owned key. The key policy must allow Fargate to use it."
  type        = string
  default     = null

  validation {
    condition     = var.fargate_storage_kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", var.fargate_storage_kms_key_arn))
    error_message = "fargate_storage_kms_key_arn must be the ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>), or null."
  }
}

variable "tags" {
  description = "Tags to apply to all resources."
  type        = map(string)
  default     = {}
}
