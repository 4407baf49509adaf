# A second environment on your machine, with as many tasks as production: three of web, two of worker.
application      = "storefront"
environment_name = "sandbox-production"
region           = "eu-central-1"

# Written by migrate, read by web: a Docker volume named storefront-sandbox-production-data.
volumes = {
  data = {}
}

services = {
  # A release rolls out wave 1, then wave 2.
  worker = {
    wave           = 1
    command        = ["worker"]
    container_port = 0 # no port
    desired_count  = 2
    cpu            = 128
    memory         = 128
    init_process   = true
    stop_timeout   = 10
  }

  web = {
    wave          = 2
    command       = ["web"]
    desired_count = 3
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
