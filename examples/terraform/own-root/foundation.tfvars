# Once for the application, whatever its environments are.
application = "hello"
region      = "eu-central-1"
