variable "github" {
  description = "GitHub repository and GitHub environment whose jobs may assume a role to release; null for none. repository is as in the subject of its tokens: owner/name or, with immutable subjects, owner@ID/name@ID. Set oidc_provider to pass the OIDC provider instead of looking it up by issuer."
  type = object({
    repository    = string
    environment   = string
    issuer        = optional(string, "token.actions.githubusercontent.com")
    audience      = optional(string, "sts.amazonaws.com")
    oidc_provider = optional(object({ arn = string }))
  })
  default = null

  validation {
    condition     = var.github == null || try(can(regex("^[A-Za-z0-9_-]+(/[A-Za-z0-9._-]+|@[0-9]+/[A-Za-z0-9._-]+@[0-9]+)$", var.github.repository)), false)
    error_message = "github.repository must be one repository, <owner>/<name> or <owner>@<id>/<name>@<id>, without wildcards."
  }

  validation {
    condition     = var.github == null || try(can(regex("^[^*?:[:cntrl:]]+$", var.github.environment)), false)
    error_message = "github.environment must be one environment of the repository, without wildcards or colons."
  }

  validation {
    condition     = var.github == null || try(can(regex("^[a-z0-9.-]+(/[A-Za-z0-9._-]+)*$", var.github.issuer)), false)
    error_message = "github.issuer must be the issuer of the tokens without https://, such as token.actions.githubusercontent.com."
  }

  validation {
    condition     = var.github == null || try(can(regex("^[^*?[:space:]]+$", var.github.audience)), false)
    error_message = "github.audience must be one audience, without wildcards."
  }

  validation {
    condition     = alltrue([for provider in try(var.github.oidc_provider[*], []) : can(regex("^arn:[^:]+:iam::[0-9]{12}:oidc-provider/[^*?]+$", provider.arn))])
    error_message = "github.oidc_provider.arn must be the ARN of an OIDC provider (arn:aws:iam::<account>:oidc-provider/<issuer>)."
  }
}

variable "gitlab" {
  description = "GitLab project (group/project) and branch whose jobs may assume a role to release; null for none. audience is the aud of the job's id_tokens, by default https://<issuer>. Set oidc_provider to pass the OIDC provider instead of looking it up by issuer."
  type = object({
    project       = string
    branch        = optional(string, "main")
    issuer        = optional(string, "gitlab.com")
    audience      = optional(string)
    oidc_provider = optional(object({ arn = string }))
  })
  default = null

  validation {
    condition     = var.gitlab == null || try(can(regex("^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$", var.gitlab.project)), false)
    error_message = "gitlab.project must be one project, <group>/<project>, without wildcards."
  }

  validation {
    condition     = var.gitlab == null || try(can(regex("^[^*?:[:space:]]+$", var.gitlab.branch)), false)
    error_message = "gitlab.branch must be one branch, without wildcards, colons or spaces."
  }

  validation {
    condition     = var.gitlab == null || try(can(regex("^[a-z0-9.-]+(/[A-Za-z0-9._-]+)*$", var.gitlab.issuer)), false)
    error_message = "gitlab.issuer must be the issuer of the tokens without https://, such as gitlab.com."
  }

  validation {
    condition     = var.gitlab == null || try(var.gitlab.audience == null || can(regex("^[^*?[:space:]]+$", var.gitlab.audience)), false)
    error_message = "gitlab.audience must be one audience, without wildcards, or null."
  }

  validation {
    condition     = alltrue([for provider in try(var.gitlab.oidc_provider[*], []) : can(regex("^arn:[^:]+:iam::[0-9]{12}:oidc-provider/[^*?]+$", provider.arn))])
    error_message = "gitlab.oidc_provider.arn must be the ARN of an OIDC provider (arn:aws:iam::<account>:oidc-provider/<issuer>)."
  }
}

variable "max_session_duration" {
  description = "Maximum session duration of the roles in seconds, 3600 to 43200; it must be longer than a release takes."
  type        = number
  default     = 3600

  validation {
    condition     = var.max_session_duration >= 3600 && var.max_session_duration <= 43200 && floor(var.max_session_duration) == var.max_session_duration
    error_message = "max_session_duration must be a whole number of seconds, 3600 to 43200."
  }
}

variable "permissions_boundary" {
  description = "ARN of the policy that is set as the permissions boundary of the roles; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[^:]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of an IAM policy, or null."
  }
}
