# The example application on AWS, with Fargate. Before its first use: your own subnets, security groups and secrets
# below, and an environment `staging` with its account in invoke.yaml. Then: invoke bootstrap -e staging
application      = "storefront"
environment_name = "staging"
region           = "eu-central-1"

tags = {
  Team = "shop"
}

# Private subnets with a way out (NAT, or endpoints of ECR, S3, CloudWatch Logs, SSM and Secrets Manager).
network = {
  subnets         = ["subnet-0a1b2c3d4e5f60718", "subnet-0b1c2d3e4f5061728"]
  security_groups = ["sg-0a1b2c3d4e5f60718"]
}

# Environment variables of every container. Whoever may read a task definition sees them: no secrets here.
environment = {
  RAILS_LOG_TO_STDOUT = "ENABLE"
}

# References, never values. Under /storefront/staging/ a new one needs no change of a policy.
#   aws ssm put-parameter --type SecureString --name /storefront/staging/master_key --value ...
secrets = {
  RAILS_MASTER_KEY = "ssm:/storefront/staging/master_key"
  DATABASE_URL     = "secretsmanager:storefront/staging/database:url"
}

# Fargate mounts file systems of EFS only.
volumes = {
  data = { efs = { file_system_id = "fs-0a1b2c3d4e5f60718", access_point_id = "fsap-0a1b2c3d4e5f60718" } }
}

services = {
  worker = {
    wave           = 1
    launch_type    = "FARGATE"
    command        = ["worker"]
    container_port = 0 # none
    desired_count  = 1
    cpu            = 256
    memory         = 512
    init_process   = true
    stop_timeout   = 60
  }

  web = {
    wave         = 2
    launch_type  = "FARGATE"
    command      = ["web"]
    cpu          = 256
    memory       = 512
    mount_points = { data = "/data" }
    init_process = true
    stop_timeout = 30

    # What the first release starts; from then on autoscaling decides, and no release touches the count.
    desired_count = 2
    autoscaling   = { minimum = 2, maximum = 6, cpu_percent = 60 }

    # A target group (type ip) that a listener of your load balancer forwards to, by its name.
    target_groups = { storefront-staging-web = {} }
  }
}

migration = {
  before_wave  = 1
  launch_type  = "FARGATE"
  command      = ["migrate"]
  cpu          = 256
  memory       = 512
  mount_points = { data = "/data" }
}

# Tasks that run by the clock, in UTC. The example application has none:
# schedules = {
#   nightly = { launch_type = "FARGATE", cpu = 256, memory = 512, command = ["clean-up"], schedule = "cron(0 3 * * ? *)" }
# }

# Asked at the base_url of the environment in invoke.yaml.
verify = [
  { service = "web", path = "/health", expect_status = 200 },
]

# A role for the jobs of an environment of GitHub Actions, without a key to keep; the account needs its OIDC provider:
# github = { repository = "your/repository", environment = "staging" }

# A whole release inside CodeBuild, started by `invoke release -e staging --remote`, or by a push to the branch once the
# account is connected to GitHub:
# release_project = {
#   source  = { type = "GITHUB", location = "https://github.com/your/repository.git" }
#   webhook = { branch = "main" }
# }
