variable "source_code" {
  description = "Where the source lies. version is the branch, tag or commit of a build that names none; buildspec is a file in the source, or a buildspec itself; git_clone_depth null is the whole history."
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
    error_message = "source_code.location must be https://github.com/<owner>/<name>, https://bitbucket.org/<owner>/<name>, https://git-codecommit.<region>.amazonaws.com/v1/repos/<name> or, for S3, <bucket>/<key>, as the type says; NO_SOURCE has none. It holds no credentials."
  }

  validation {
    condition     = var.source_code.type != "NO_SOURCE" || strcontains(var.source_code.buildspec, "\n")
    error_message = "source_code.buildspec must be a buildspec itself where there is no source to hold the file."
  }

  validation {
    condition     = var.source_code.git_clone_depth == null || try(contains(["GITHUB", "BITBUCKET", "CODECOMMIT"], var.source_code.type) && var.source_code.git_clone_depth >= 1 && floor(var.source_code.git_clone_depth) == var.source_code.git_clone_depth, false)
    error_message = "source_code.git_clone_depth must be a whole number of commits, 1 or more, or null for the whole history; only git has one."
  }

  validation {
    condition     = var.source_code.connection_arn == null || try(contains(["GITHUB", "BITBUCKET"], var.source_code.type) && can(regex("^arn:[^:]+:(codeconnections|codestar-connections):[^:]+:[0-9]{12}:connection/[^*?]+$", var.source_code.connection_arn)), false)
    error_message = "source_code.connection_arn must be the ARN of a code connection (arn:aws:codeconnections:<region>:<account>:connection/<id>), or null; only GITHUB and BITBUCKET have one."
  }
}

variable "webhook" {
  description = "Starts a build at each push to the branch, if the further filters match as well; null for none. A filter's type is FILE_PATH, COMMIT_MESSAGE or ACTOR_ACCOUNT_ID, its pattern a regular expression."
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
    error_message = "webhook: only projects with a source of type GITHUB or BITBUCKET have one; for CODECOMMIT use a rule of EventBridge."
  }

  validation {
    condition     = var.webhook == null || can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]*$", var.webhook.branch))
    error_message = "webhook.branch must be the name of a branch: letters, digits, dots, hyphens, underscores and slashes."
  }

  validation {
    condition     = alltrue([for filter in try(var.webhook.filters, []) : contains(["FILE_PATH", "COMMIT_MESSAGE", "ACTOR_ACCOUNT_ID"], filter.type) && can(regexall(filter.pattern, ""))])
    error_message = "webhook.filters must have the type FILE_PATH, COMMIT_MESSAGE or ACTOR_ACCOUNT_ID, and a regular expression as pattern; event and branch are set already."
  }
}
