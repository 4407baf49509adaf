# The example application on your machine: `make demo`.
application      = "storefront"
environment_name = "sandbox"
region           = "eu-central-1"

# Written by migrate, read by web: a Docker volume named storefront-sandbox-data.
volumes = {
  data = {}
}

services = {
  # A release rolls out wave 1, then wave 2.
  worker = {
    wave           = 1
    command        = ["worker"]
    container_port = 0 # no port
    desired_count  = 1
    cpu            = 128
    memory         = 128
    init_process   = true
    stop_timeout   = 10
  }

  web = {
    wave          = 2
    command       = ["web"]
    desired_count = 2
    cpu           = 128
    memory        = 128
    mount_points  = { data = "/data" }
    init_process  = true
    stop_timeout  = 10
  }
}

migration = {
  before_wave  = 1
  command      = ["migrate"]
  cpu          = 128
  memory       = 128
  mount_points = { data = "/data" }
  init_process = true
  stop_timeout = 10
}

verify = [
  { service = "web", path = "/health", expect_status = 200 },
]

# Release project for `invoke release --remote`. The webhook releases every push to the branch.
release_project = {
  source  = { type = "GITHUB", location = "https://github.com/example/storefront.git" }
  webhook = { branch = "main" }
  # If two commits are pushed at the same time, the second release waits for the first.
  environment = { LONGSHORE_OPTIONS = "plain:--wait-lock 30m" }
}
