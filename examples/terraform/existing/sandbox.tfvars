# The names of what is there already. On the sandbox, README.md says how it gets there.
application      = "tenant"
environment_name = "sandbox"
region           = "eu-central-1"
cluster          = "platform"
vpc              = "platform"
security_group   = "platform-tasks"
target_group     = "tenant-web"
