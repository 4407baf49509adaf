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

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}
