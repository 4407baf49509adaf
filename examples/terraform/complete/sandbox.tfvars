# The example on your machine. On AWS, only environment_name and region differ.
application      = "shop"
environment_name = "sandbox"
region           = "eu-central-1"
