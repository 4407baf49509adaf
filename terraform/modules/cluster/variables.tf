variable "name" {
  description = "The name of the cluster to make; it is not used where existing_name is given."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.name))
    error_message = "name may have up to 255 letters, digits, hyphens and underscores."
  }
}

variable "existing_name" {
  description = "The name of a cluster that exists already, to use instead of making one; null to make one."
  type        = string
  default     = null

  validation {
    condition     = var.existing_name == null || can(regex("^[A-Za-z0-9_-]{1,255}$", var.existing_name))
    error_message = "existing_name must be the name of a cluster (not its ARN), or null."
  }
}

variable "container_insights" {
  description = "CloudWatch Container Insights of the cluster that is made."
  type        = string
  default     = "enabled"

  validation {
    condition     = contains(["enabled", "enhanced", "disabled"], var.container_insights)
    error_message = "container_insights must be enabled, enhanced or disabled."
  }
}

variable "capacity_providers" {
  description = "The capacity providers that the cluster that is made offers to capacity_provider_strategy: FARGATE, FARGATE_SPOT, or those of container instances."
  type        = set(string)
  default     = []

  validation {
    condition     = length(var.capacity_providers) == 0 || var.existing_name == null
    error_message = "capacity_providers are those of a cluster that is made: leave them out with existing_name, whose own are its owner's."
  }

  validation {
    condition     = alltrue([for name in var.capacity_providers : can(regex("^[A-Za-z0-9_-]{1,255}$", name))])
    error_message = "capacity_providers must be names of capacity providers, such as FARGATE and FARGATE_SPOT."
  }
}

variable "execute_command_kms_key_arn" {
  description = "The KMS key that encrypts the sessions of ECS Exec in the cluster that is made; null for TLS alone."
  type        = string
  default     = null

  validation {
    condition     = var.execute_command_kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", var.execute_command_kms_key_arn))
    error_message = "execute_command_kms_key_arn must be the ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>), or null."
  }
}

variable "fargate_storage_kms_key_arn" {
  description = "The KMS key that encrypts the ephemeral storage of tasks on Fargate in the cluster that is made; null for a key of AWS. Its policy must let Fargate use it."
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
