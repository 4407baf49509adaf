# The registry and the ledger, once for all environments of the application.
application = "shop"
region      = "eu-central-1"
