"""The AWS API in front of moto: credentials, the request log, faults, and the features that moto lacks."""
