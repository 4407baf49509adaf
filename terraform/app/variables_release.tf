variable "release_project" {
  description = "The CodeBuild project on which whole releases of this environment run, <application>-<environment>-release; null for none. Its settings are those of the module build, which checks them."
  type = object({
    source = object({
      type            = string
      location        = optional(string)
      version         = optional(string, "main")
      buildspec       = optional(string, "buildspec.yml")
      git_clone_depth = optional(number)
      connection_arn  = optional(string)
    })

    environment          = optional(map(string), {})
    not_secret           = optional(set(string), [])
    secrets_kms_key_arns = optional(set(string), [])
    image                = optional(string, "aws/codebuild/standard:7.0")
    compute_type         = optional(string, "BUILD_GENERAL1_SMALL")
    build_timeout        = optional(number, 180) # what CodeBuild ends, a release leaves half done: above all deadlines
    queue_timeout        = optional(number, 30)
    concurrent_builds    = optional(number)
    log_retention_days   = optional(number, 365)
    log_kms_key_arn      = optional(string)
    encryption_key_arn   = optional(string)

    webhook = optional(object({
      branch = optional(string, "main")
      filters = optional(list(object({
        type    = string
        pattern = string
        exclude = optional(bool, false)
      })), [])
    }))
  })
  default = null
}

variable "state" {
  description = "Where Terraform's state of this environment lies, for the releaser's policy: bucket and key, those of `invoke bootstrap` if not given; null where the state is in no bucket of S3."
  type = object({
    bucket = optional(string)
    key    = optional(string)
  })
  default = {}
}

variable "records_kms_key_arns" {
  description = "KMS keys of your own that encrypt the ledger or the state: the releaser may use them for that."
  type        = set(string)
  default     = []
}
