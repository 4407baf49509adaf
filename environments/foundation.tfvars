# The registry and the ledger of the example application, once for all its environments.
application = "storefront"
region      = "eu-central-1"
images      = ["app"]
