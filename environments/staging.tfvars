# The example application on AWS, with Fargate. Before you use it, replace the subnets, security groups and secrets with
# yours, and add an environment `staging` with its account to invoke.yaml. Then run: invoke bootstrap -e staging
application      = "storefront"
environment_name = "staging"
region           = "eu-central-1"

tags = {
  Team = "shop"
}

# Private subnets with NAT, or with VPC endpoints for ECR, S3, CloudWatch Logs, SSM and Secrets Manager.
network = {
  subnets         = ["subnet-0a1b2c3d4e5f60718", "subnet-0b1c2d3e4f5061728"]
  security_groups = ["sg-0a1b2c3d4e5f60718"]
}

# Environment variables of all containers. Everyone who may read the task definition sees them: not for secrets.
environment = {
  RAILS_LOG_TO_STDOUT = "ENABLE"
}

# References, never values. New secrets under /storefront/staging/ need no change of the IAM policies.
#   aws ssm put-parameter --type SecureString --name /storefront/staging/master_key --value ...
secrets = {
  RAILS_MASTER_KEY = "ssm:/storefront/staging/master_key"
  DATABASE_URL     = "secretsmanager:storefront/staging/database:url"
}

# Fargate mounts only EFS volumes.
volumes = {
  data = { efs = { file_system_id = "fs-0a1b2c3d4e5f60718", access_point_id = "fsap-0a1b2c3d4e5f60718" } }
}

services = {
  worker = {
    wave           = 1
    launch_type    = "FARGATE"
    command        = ["worker"]
    container_port = 0 # no port
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

    # Number of tasks that the first release starts. Then autoscaling sets the count; releases do not change it.
    desired_count = 2
    autoscaling   = { minimum = 2, maximum = 6, cpu_percent = 60 }

    # Name of a target group (target type ip) to which a listener of your load balancer forwards.
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

# Scheduled tasks, in UTC. The example application has none:
# schedules = {
#   nightly = { launch_type = "FARGATE", cpu = 256, memory = 512, command = ["clean-up"], schedule = "cron(0 3 * * ? *)" }
# }

# Requested at base_url of the environment in invoke.yaml.
verify = [
  { service = "web", path = "/health", expect_status = 200 },
]

# IAM role for jobs of a GitHub environment, through OIDC. The account must have GitHub's OIDC provider:
# github = { repository = "your/repository", environment = "staging" }

# Release project for `invoke release -e staging --remote`. The webhook releases every push to the branch and requires
# that the account is connected to GitHub:
# release_project = {
#   source  = { type = "GITHUB", location = "https://github.com/your/repository.git" }
#   webhook = { branch = "main" }
# }
