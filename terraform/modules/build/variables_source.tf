variable "source_code" {
  description = "Source of the builds. version is the default branch, tag or commit; buildspec is the path of a file in the source, or a whole buildspec; git_clone_depth null clones the whole history."
  type = object({
    type            = string
    location        = optional(string)
    version         = optional(string)
    buildspec       = optional(string, "buildspec.yml")
    git_clone_depth = optional(number)
    connection_arn  = optional(string)
  })

  validation {
    condition     = contains(["GITHUB", "BITBUCKET", "CODECOMMIT", "S3", "NO_SOURCE"], var.source_code.type)
    error_message = "source_code.type must be GITHUB, BITBUCKET, CODECOMMIT, S3 or NO_SOURCE."
  }

  validation {
    condition = var.source_code.location == null ? var.source_code.type == "NO_SOURCE" : can(regex(
      lookup({
        GITHUB     = "^https://github[.]com/[^/]+/[^/]+$"
        BITBUCKET  = "^https://bitbucket[.]org/[^/]+/[^/]+$"
        CODECOMMIT = "^https://git-codecommit[.][a-z0-9-]+[.]amazonaws[.]com([.]cn)?/v1/repos/[A-Za-z0-9._-]+$"
        S3         = "^[a-z0-9][a-z0-9.-]+/[^*?]*[^*?/]$"
      }, var.source_code.type, "^no location$"), var.source_code.location
    ))
    error_message = "source_code.location must be https://github.com/<owner>/<name>, https://bitbucket.org/<owner>/<name>, https://git-codecommit.<region>.amazonaws.com/v1/repos/<name> or, for S3, <bucket>/<key>, to match source_code.type, and null for NO_SOURCE. It must not contain credentials."
  }

  validation {
    condition     = var.source_code.type != "NO_SOURCE" || strcontains(var.source_code.buildspec, "\n")
    error_message = "source_code.buildspec must be a whole buildspec, not a file name, if source_code.type is NO_SOURCE."
  }

  validation {
    condition     = var.source_code.git_clone_depth == null || try(contains(["GITHUB", "BITBUCKET", "CODECOMMIT"], var.source_code.type) && var.source_code.git_clone_depth >= 1 && floor(var.source_code.git_clone_depth) == var.source_code.git_clone_depth, false)
    error_message = "source_code.git_clone_depth must be a whole number of commits, 1 or more, or null for the whole history; for S3 and NO_SOURCE it must be null."
  }

  validation {
    condition     = var.source_code.connection_arn == null || try(contains(["GITHUB", "BITBUCKET"], var.source_code.type) && can(regex("^arn:[^:]+:(codeconnections|codestar-connections):[^:]+:[0-9]{12}:connection/[^*?]+$", var.source_code.connection_arn)), false)
    error_message = "source_code.connection_arn must be the ARN of a code connection (arn:aws:codeconnections:<region>:<account>:connection/<id>), or null; for types other than GITHUB and BITBUCKET it must be null."
  }
}

variable "webhook" {
  description = "Webhook that starts a build for every push to the branch if all filters match; null for none. The type of a filter is FILE_PATH, COMMIT_MESSAGE or ACTOR_ACCOUNT_ID, its pattern a regular expression."
  type = object({
    branch = optional(string, "main")
    filters = optional(list(object({
      type    = string
      pattern = string
      exclude = optional(bool, false)
    })), [])
  })
  default = null

  validation {
    condition     = var.webhook == null || contains(["GITHUB", "BITBUCKET"], var.source_code.type)
    error_message = "webhook must be null unless source_code.type is GITHUB or BITBUCKET; for CODECOMMIT, use an EventBridge rule."
  }

  validation {
    condition     = var.webhook == null || can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]*$", var.webhook.branch))
    error_message = "webhook.branch must be the name of a branch: letters, digits, dots, hyphens, underscores and slashes."
  }

  validation {
    condition     = alltrue([for filter in try(var.webhook.filters, []) : contains(["FILE_PATH", "COMMIT_MESSAGE", "ACTOR_ACCOUNT_ID"], filter.type) && can(regexall(filter.pattern, ""))])
    error_message = "webhook.filters must have the type FILE_PATH, COMMIT_MESSAGE or ACTOR_ACCOUNT_ID, and a regular expression as pattern; the module sets the filters of event and branch."
  }
}
