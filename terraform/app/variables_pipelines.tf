variable "github" {
  description = "The repository (owner/name) and the environment of GitHub Actions whose jobs get a role to release this environment with; null for none. The settings are those of the module releaser, which checks them."
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
  description = "The project (group/project) and the branch of GitLab whose jobs get a role to release this environment with; null for none. The settings are those of the module releaser, which checks them."
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
  description = "Seconds for which a pipeline may ask for the credentials of its role, 3600 to 43200; a release must be through by then."
  type        = number
  default     = 3600
}
