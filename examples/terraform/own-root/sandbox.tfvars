# The example on your machine. On AWS, use the IDs of your own subnets and security groups.
application      = "hello"
environment_name = "sandbox"
region           = "eu-central-1"
subnets          = ["subnet-0a1b2c3d4e5f60718"]
security_groups  = ["sg-0a1b2c3d4e5f60718"]
