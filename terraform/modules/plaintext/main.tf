locals {
  # Whole words only: TOKENIZER_PATH, MAX_TOKENS and SECRETARY_NAME are no secrets. What ends in "password" always is
  # one (PGPASSWORD), and "pass" or "pwd" only as the last word (PWD alone is the working directory).
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
