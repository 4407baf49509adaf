variable "application" {
  description = "Name of the application, as in invoke.yaml."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.application))
    error_message = "application must start with a letter, end with a letter or digit, and contain only lower-case letters, digits and hyphens."
  }
}

variable "environment_name" {
  description = "Name of the environment, as in invoke.yaml."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.environment_name))
    error_message = "environment_name must start with a letter, end with a letter or digit, and contain only lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Code of the AWS region in which the resources of this root module are created."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-central-1."
  }
}

variable "image_tag" {
  description = "Image tag to register task definitions with. A release passes it; null uses the tag that was released last."
  type        = string
  default     = null

  validation {
    condition     = var.image_tag == null || can(regex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", var.image_tag))
    error_message = "image_tag must be an image tag (up to 128 letters, digits, dots, hyphens and underscores, not starting with a dot or hyphen), or null."
  }
}

variable "cluster" {
  description = "Name of the ECS cluster."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.cluster))
    error_message = "cluster must be the name of an ECS cluster, not its ARN."
  }
}

variable "vpc" {
  description = "Value of the VPC's tag Name."
  type        = string

  validation {
    condition     = length(var.vpc) > 0
    error_message = "vpc must not be empty."
  }
}

variable "tier" {
  description = "Value of the tag Tier of the subnets in which the tasks run."
  type        = string
  default     = "private"

  validation {
    condition     = length(var.tier) > 0
    error_message = "tier must not be empty."
  }
}

variable "security_group" {
  description = "Name of the security group of the tasks."
  type        = string

  validation {
    condition     = length(var.security_group) > 0 && !startswith(var.security_group, "sg-")
    error_message = "security_group must be the name of a security group, not its ID."
  }
}

variable "target_group" {
  description = "Name of the target group (target type ip) of the web service."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{1,32}$", var.target_group))
    error_message = "target_group must be the name of a target group, not its ARN."
  }
}

variable "path" {
  description = "IAM path in which the platform allows roles, such as /tenants/; validated by the module task_definition."
  type        = string
  default     = "/"
}

variable "permissions_boundary" {
  description = "ARN of the policy that is set as the permissions boundary of the roles, null for none; validated by the module task_definition."
  type        = string
  default     = null
}
