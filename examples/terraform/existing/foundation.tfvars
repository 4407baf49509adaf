# The registry and the ledger, once for all environments of the application.
application = "tenant"
region      = "eu-central-1"
