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
    error_message = "<application>-<environment>-web must fit into the 32 characters of a target group's name: shorten one of them."
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
  description = "The addresses of the VPC; each of its subnets gets a sixteenth."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.cidr, 4, 1)) && try(tonumber(split("/", var.cidr)[1]) <= 23, false)
    error_message = "cidr must be a block of IPv4 addresses of /23 or larger, such as 10.0.0.0/16: a load balancer wants subnets of /27 or larger."
  }
}

# Named, not looked up: a zone that AWS adds would move the subnets.
variable "zones" {
  description = "The letters of the availability zones, each with a subnet; a load balancer wants two or more."
  type        = list(string)
  default     = ["a", "b"]

  validation {
    condition     = length(distinct(var.zones)) >= 2 && length(distinct(var.zones)) == length(var.zones) && alltrue([for zone in var.zones : can(regex("^[a-z]$", zone))])
    error_message = "zones must be two or more different letters, such as a and b."
  }
}

variable "visitors" {
  description = "The addresses that may reach the load balancer."
  type        = set(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.visitors) > 0 && alltrue([for block in var.visitors : can(cidrhost(block, 0))])
    error_message = "visitors must be blocks of addresses, such as 203.0.113.0/24."
  }
}

variable "certificate_arn" {
  description = "The ARN of the load balancer's certificate (ACM): with it, HTTP redirects to HTTPS; null for HTTP alone."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:[^:]+:acm:[^:]+:[0-9]{12}:certificate/.+$", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of a certificate of ACM (arn:aws:acm:<region>:<account>:certificate/<id>), or null."
  }
}

variable "desired_count" {
  description = "The tasks that the first release starts; from then on the count is whoever's who changes it."
  type        = number
  default     = 2

  validation {
    condition     = var.desired_count >= 0 && floor(var.desired_count) == var.desired_count
    error_message = "desired_count must be a whole number, 0 or more."
  }
}
