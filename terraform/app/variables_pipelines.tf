variable "github" {
  description = "GitHub repository (owner/name, or owner@ID/name@ID with immutable subjects) and GitHub environment whose jobs may assume an IAM role that releases this environment; null for none. The module releaser describes and validates the settings."
  type = object({
    repository    = string
    environment   = string
    issuer        = optional(string, "token.actions.githubusercontent.com")
    audience      = optional(string, "sts.amazonaws.com")
    oidc_provider = optional(object({ arn = string }))
  })
  default = null
}

variable "gitlab" {
  description = "GitLab project (group/project) and branch whose jobs may assume an IAM role that releases this environment; null for none. The module releaser describes and validates the settings."
  type = object({
    project       = string
    branch        = optional(string, "main")
    issuer        = optional(string, "gitlab.com")
    audience      = optional(string)
    oidc_provider = optional(object({ arn = string }))
  })
  default = null
}

variable "max_session_duration" {
  description = "Maximum session duration of the pipelines' roles in seconds, 3600 to 43200; it must be longer than a release takes."
  type        = number
  default     = 3600
}
