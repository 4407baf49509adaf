locals {
  # Whole words only: TOKENIZER_PATH, MAX_TOKENS and SECRETARY_NAME are not secrets. A name that ends in "password"
  # always is (PGPASSWORD); "pass", "pwd" and "key" count only as the last of several words (PWD is the working directory).
  name = join("|", [
    "(?i:(^|[_.-])([a-z0-9]*(password|passwd|passphrase|passcode)|secrets?|token|credentials?|dsn|jwt)([_.-]|$))",
    "(?i:(^|[_.-])(api|access|account|app|auth|client|deploy|encryption|license|master|private|secret|service|session|shared|signing|ssh|storage)[_.-]?key([_.-]|$))",
    "(?i:(^|[_.-])conn(ection)?[_.-]?str(ing)?([_.-]|$))",
    "(?i:[_.-](pass|pwd|key)$)",
  ])

  # Names that look like one but stand for something else, such as the path of a secret's file.
  other = join("|", [
    "(?i:(^|[_.-])(cache|foreign|idempotency|object|partition|primary|public|publishable|routing|site|sort)[_.-]?key([_.-]|$))",
    "(?i:[_.-](arn|count|expires|expiry|file|name|path|ttl|type)$)",
  ])

  value = join("|", [
    "(?i:[a-z][a-z0-9+.-]*://[^/?#\\s]*:[^/?#\\s]+@)",
    "-----BEGIN [A-Z ]*PRIVATE KEY-----",
  ])

  suspects = merge([
    for prefix, group in var.values : {
      for name, value in group : "${prefix}${name}" => name
      if value != null && anytrue([
        length(regexall(local.name, name)) > 0 && length(regexall(local.other, name)) == 0,
        length(regexall(local.value, coalesce(value, "-"))) > 0,
      ])
    }
  ]...)
}
