# The example on your own machine; the same on AWS, with another environment_name.
application      = "shop"
environment_name = "sandbox"
region           = "eu-central-1"
