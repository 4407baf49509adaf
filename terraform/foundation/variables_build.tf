variable "build" {
  description = "CodeBuild project that builds the images, named <application>-build; null for none. The module build describes and validates the settings."
  type = object({
    source = object({
      type            = string
      location        = optional(string)
      version         = optional(string)
      buildspec       = optional(string, "buildspec.image.yml")
      git_clone_depth = optional(number)
      connection_arn  = optional(string)
    })

    environment          = optional(map(string), {})
    not_secret           = optional(set(string), [])
    secrets_kms_key_arns = optional(set(string), [])
    image                = optional(string, "aws/codebuild/standard:7.0")
    compute_type         = optional(string, "BUILD_GENERAL1_SMALL")
    build_timeout        = optional(number, 60)
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
