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

  validation {
    condition     = length("${var.application}-${var.environment_name}-web") <= 32
    error_message = "<application>-<environment>-web must have at most 32 characters, the limit of a target group name: shorten one of the two."
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

variable "cidr" {
  description = "IPv4 CIDR block of the VPC; each subnet gets a sixteenth of it."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.cidr, 4, 1)) && try(tonumber(split("/", var.cidr)[1]) <= 23, false)
    error_message = "cidr must be an IPv4 CIDR block of /23 or larger, such as 10.0.0.0/16: a load balancer needs subnets of /27 or larger."
  }
}

# Listed, not looked up: an availability zone that AWS adds would move the subnets.
variable "zones" {
  description = "Letters of the availability zones, each of which gets a subnet; a load balancer needs at least two."
  type        = list(string)
  default     = ["a", "b"]

  validation {
    condition     = length(distinct(var.zones)) >= 2 && length(distinct(var.zones)) == length(var.zones) && alltrue([for zone in var.zones : can(regex("^[a-z]$", zone))])
    error_message = "zones must contain at least two different lower-case letters, such as a and b."
  }
}

variable "visitors" {
  description = "IPv4 CIDR blocks that may reach the load balancer."
  type        = set(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.visitors) > 0 && alltrue([for block in var.visitors : can(cidrhost(block, 0))])
    error_message = "visitors must contain at least one CIDR block, such as 203.0.113.0/24."
  }
}

variable "certificate_arn" {
  description = "ARN of the load balancer's ACM certificate, with which HTTP redirects to HTTPS; null for HTTP only."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:[^:]+:acm:[^:]+:[0-9]{12}:certificate/.+$", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of an ACM certificate (arn:aws:acm:<region>:<account>:certificate/<id>), or null."
  }
}

variable "desired_count" {
  description = "Number of tasks that the first release starts. Releases do not change the count later."
  type        = number
  default     = 2

  validation {
    condition     = var.desired_count >= 0 && floor(var.desired_count) == var.desired_count
    error_message = "desired_count must be a whole number, 0 or more."
  }
}
