"""The API of AWS in front of moto: credentials, the request log, faults, and what moto lacks."""
