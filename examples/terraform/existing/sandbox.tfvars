# Names of the platform's resources. README.md shows how to create them on the sandbox.
application      = "tenant"
environment_name = "sandbox"
region           = "eu-central-1"
cluster          = "platform"
vpc              = "platform"
security_group   = "platform-tasks"
target_group     = "tenant-web"
