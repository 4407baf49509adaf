# Registry and ledger, which all environments of the application share.
application = "shop"
region      = "eu-central-1"
