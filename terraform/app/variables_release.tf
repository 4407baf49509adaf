variable "release_project" {
  description = "CodeBuild project that runs releases of this environment, named <application>-<environment>-release; null for none. The module build describes and validates the settings."
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
    build_timeout        = optional(number, 180) # longer than all deadlines: stopping the build would kill the release
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
  description = "S3 bucket and key of this environment's Terraform state, for the releaser's policy; by default, those that `invoke bootstrap` uses. Null if the state is not in S3."
  type = object({
    bucket = optional(string)
    key    = optional(string)
  })
  default = {}
}

variable "records_kms_key_arns" {
  description = "ARNs of the customer managed KMS keys that encrypt the ledger or the state; a releaser may use them through DynamoDB and S3 only."
  type        = set(string)
  default     = []
}
