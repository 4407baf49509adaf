# The example application on your own machine: `make demo`.
application      = "storefront"
environment_name = "sandbox"
region           = "eu-central-1"

# Kept by the migration and read by the web: a volume named storefront-sandbox-data.
volumes = {
  data = {}
}

services = {
  # A release rolls wave 1 out first, then wave 2.
  worker = {
    wave           = 1
    command        = ["worker"]
    container_port = 0 # none
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

# CodeBuild, for `invoke release --remote`; a push to the branch releases by itself.
release_project = {
  source  = { type = "GITHUB", location = "https://github.com/example/storefront.git" }
  webhook = { branch = "main" }
  # Of two pushes at once, the second waits.
  environment = { LONGSHORE_OPTIONS = "plain:--wait-lock 30m" }
}
