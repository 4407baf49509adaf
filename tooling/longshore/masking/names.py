"""The one list of names that stand for a secret, and the values that are one under any name.

The module terraform/modules/plaintext refuses variables by the same patterns, which is why they are in the syntax that
Python and Terraform (RE2) share. A test compares the two.
"""

from __future__ import annotations

import re
from functools import lru_cache

SECRET_NAME = "|".join((
    r"(?i:(^|[_.-])([a-z0-9]*(password|passwd|passphrase|passcode)|secrets?|token|credentials?|dsn|jwt)([_.-]|$))",
    r"(?i:(^|[_.-])(api|access|account|app|auth|client|deploy|encryption|license|master|private|secret|service|session"
    r"|shared|signing|ssh|storage)[_.-]?key([_.-]|$))",
    r"(?i:(^|[_.-])conn(ection)?[_.-]?str(ing)?([_.-]|$))",
    r"(?i:[_.-](pass|pwd|key)$)",
))  # fmt: skip
_PUBLISHED = r"^(EXPO_PUBLIC|GATSBY|NEXT_PUBLIC|NUXT_PUBLIC|PUBLIC|REACT_APP|VITE|VUE_APP)_"
NOT_SECRET_NAME = "|".join((
    r"(?i:(^|[_.-])(cache|foreign|idempotency|kms|object|partition|primary|public|publishable|routing|s3|site|sort)[_.-]?key([_.-]|$))",
    r"(?i:[_.-](arn|count|expires|expiry|file|name|path|ttl|type)$)",
    _PUBLISHED,
))  # fmt: skip
"""Names that look like one but stand for something else, such as the path of a secret's file.

The last ones are those whose values a front-end tool writes into the pages that everyone can read, such as Next.js:
https://nextjs.org/docs/app/guides/environment-variables#bundling-environment-variables-for-the-browser
"""

PRIVATE_KEY = r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
SECRET_VALUE = "|".join((
    r"(?i:[a-z][a-z0-9+.-]*://[^/?#\s]*:[^/?#\s]+@)",
    PRIVATE_KEY,
))  # fmt: skip
NOT_SECRET_VALUE = r"(?i:^[a-z][a-z0-9+.-]*://[^/?#@\s]+@sha(256|512):[0-9a-f]+$)"  # noqa: S105 - a pattern
"""The digest of an image after its tag, such as ``docker://shop:v1@sha256:...``."""

_SECRET, _NOT_SECRET = re.compile(SECRET_NAME), re.compile(NOT_SECRET_NAME)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable holds a secret, by its name or its value: our rules and those of module plaintext agree."""
    shaped = re.search(SECRET_VALUE, value) is not None and re.search(NOT_SECRET_VALUE, value) is None
    return is_secret(name) or shaped


def is_published(name: str) -> bool:
    """Whether a front-end tool writes the value of this variable into pages that everyone can read."""
    return re.match(_PUBLISHED, name) is not None


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether a variable or a field of this name holds a secret; ``dbPassword`` is read as ``db_password``."""
    words = _HUMP.sub("_", name)
    return any(_SECRET.search(form) and not _NOT_SECRET.search(form) for form in {name, words})
