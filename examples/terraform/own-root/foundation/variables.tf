variable "application" {
  description = "The application. Its repository is named <application>/app, its ledger <application>-releases."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.application))
    error_message = "application may have lower-case letters, digits and hyphens, and begins with a letter."
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
