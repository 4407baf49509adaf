# Registry and ledger, which all environments of the application share.
application = "tenant"
region      = "eu-central-1"
