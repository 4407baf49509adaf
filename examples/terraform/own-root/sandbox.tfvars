# The example on your own machine. On AWS these are subnets and security groups of yours.
application      = "hello"
environment_name = "sandbox"
region           = "eu-central-1"
subnets          = ["subnet-0a1b2c3d4e5f60718"]
security_groups  = ["sg-0a1b2c3d4e5f60718"]
