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

# Rule 3: a release passes the tag; a plan by hand does not.
variable "image_tag" {
  description = "Image tag to register task definitions with. A release passes it; null uses the tag that was released last."
  type        = string
  default     = null

  validation {
    condition     = var.image_tag == null || can(regex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", var.image_tag))
    error_message = "image_tag must be an image tag (up to 128 letters, digits, dots, hyphens and underscores, not starting with a dot or hyphen), or null."
  }
}

variable "desired_count" {
  description = "Number of tasks that the first release starts. Releases do not change the count later."
  type        = number
  default     = 1

  validation {
    condition     = var.desired_count >= 0 && floor(var.desired_count) == var.desired_count
    error_message = "desired_count must be a whole number, 0 or more."
  }
}

variable "subnets" {
  description = "IDs of the subnets in which the tasks run; they need a route to ECR and CloudWatch Logs."
  type        = set(string)

  validation {
    condition     = length(var.subnets) > 0
    error_message = "subnets must contain at least one subnet ID."
  }
}

variable "security_groups" {
  description = "IDs of the security groups of the tasks, which must allow clients on port 8080."
  type        = set(string)

  validation {
    condition     = length(var.security_groups) > 0
    error_message = "security_groups must contain at least one security group ID."
  }
}
