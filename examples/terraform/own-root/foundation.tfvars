# Registry and ledger, which all environments of the application share.
application = "hello"
region      = "eu-central-1"
