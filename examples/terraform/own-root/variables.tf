variable "application" {
  description = "The application, as in invoke.yaml."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.application))
    error_message = "application may have lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "environment_name" {
  description = "The environment, as in invoke.yaml."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.environment_name))
    error_message = "environment_name may have lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "The AWS region of everything in this root."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be an AWS region such as eu-central-1."
  }
}

# Rule 3: a release gives the tag, and a plan by hand has none.
variable "image_tag" {
  description = "The tag to register task definitions for, given by a release; null for the one that was released last."
  type        = string
  default     = null

  validation {
    condition     = var.image_tag == null || can(regex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", var.image_tag))
    error_message = "image_tag must be a tag of an image (up to 128 letters, digits, dots, hyphens and underscores), or null."
  }
}

variable "desired_count" {
  description = "The tasks that the first release starts; from then on the count is whoever's who changes it."
  type        = number
  default     = 1

  validation {
    condition     = var.desired_count >= 0 && floor(var.desired_count) == var.desired_count
    error_message = "desired_count must be a whole number, 0 or more."
  }
}

variable "subnets" {
  description = "The subnets in which the tasks run, with a way to ECR and CloudWatch Logs."
  type        = set(string)

  validation {
    condition     = length(var.subnets) > 0
    error_message = "subnets must name at least one subnet."
  }
}

variable "security_groups" {
  description = "The security groups of the tasks: whoever asks them needs port 8080."
  type        = set(string)

  validation {
    condition     = length(var.security_groups) > 0
    error_message = "security_groups must name at least one security group."
  }
}
