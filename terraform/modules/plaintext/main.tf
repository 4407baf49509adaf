locals {
  # Whole words only: TOKENIZER_PATH, MAX_TOKENS and SECRETARY_NAME are not secrets. A name that ends in "password"
  # always is (PGPASSWORD); "pass", "pwd" and "key" count only as the last of several words (PWD is the working directory).
  name = join("|", [
    "(?i:(^|[_.-])([a-z0-9]*(password|passwd|passphrase|passcode)|secrets?|token|credentials?|dsn|jwt)([_.-]|$))",
    "(?i:(^|[_.-])(api|access|account|app|auth|client|deploy|encryption|license|master|private|secret|service|session|shared|signing|ssh|storage)[_.-]?key([_.-]|$))",
    "(?i:(^|[_.-])conn(ection)?[_.-]?str(ing)?([_.-]|$))",
    "(?i:[_.-](pass|pwd|key)$)",
  ])

  # Names that look like one but stand for something else, such as the path of a secret's file. Front-end tools publish
  # the values of the last ones.
  other = join("|", [
    "(?i:(^|[_.-])(cache|foreign|idempotency|kms|object|partition|primary|public|publishable|routing|s3|site|sort)[_.-]?key([_.-]|$))",
    "(?i:[_.-](arn|count|expires|expiry|file|name|path|ttl|type)$)",
    "^(EXPO_PUBLIC|GATSBY|NEXT_PUBLIC|NUXT_PUBLIC|PUBLIC|REACT_APP|VITE|VUE_APP)_",
  ])

  value = join("|", [
    "(?i:[a-z][a-z0-9+.-]*://[^/?#\\s]*:[^/?#\\s]+@)",
    "-----BEGIN [A-Z ]*PRIVATE KEY-----",
  ])

  # The digest of an image after its tag, such as docker://shop:v1@sha256:...
  other_value = join("|", [
    "(?i:^[a-z][a-z0-9+.-]*://[^/?#@\\s]+@sha(256|512):[0-9a-f]+$)",
  ])

  suspects = merge([
    for prefix, group in var.values : {
      for name, value in group : "${prefix}${name}" => name
      if value != null && anytrue([
        length(regexall(local.name, name)) > 0 && length(regexall(local.other, name)) == 0,
        length(regexall(local.value, coalesce(value, "-"))) > 0 && length(regexall(local.other_value, coalesce(value, "-"))) == 0,
      ])
    }
  ]...)
}
