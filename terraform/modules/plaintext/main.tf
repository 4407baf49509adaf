locals {
  # Whole words only: TOKENIZER_PATH, MAX_TOKENS and SECRETARY_NAME are not secrets. A name that ends in "password"
  # always is (PGPASSWORD); "pass" and "pwd" count only as the last of several words (PWD is the working directory).
  name = join("|", [
    "(?i:(^|[_.-])([a-z0-9]*(password|passwd|passphrase)|secrets?|token|credentials?)([_.-]|$))",
    "(?i:(^|[_.-])(api|master|private|access|secret|encryption|signing)[_.-]?key([_.-]|$))",
    "(?i:[_.-](pass|pwd)$)",
  ])

  value = join("|", [
    "(?i:[a-z][a-z0-9+.-]*://[^/?#\\s]*:[^/?#\\s]+@)",
    "-----BEGIN [A-Z ]*PRIVATE KEY-----",
  ])

  suspects = merge([
    for prefix, group in var.values : {
      for name, value in group : "${prefix}${name}" => name
      if value != null && length(regexall(local.name, name)) + length(regexall(local.value, coalesce(value, "-"))) > 0
    }
  ]...)
}
