"""Secrets that are recognised by their shape alone: passwords in URLs, authorization headers, tokens, private keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A line may be a megabyte long, so each of these patterns must look at a character a few times only.
_AT = r"(?=@(?!sha(?:256|512):[0-9a-f]{7}))"
"""The end of a password. Before a digest, it is the tag of an image: ``docker://shop:v1@sha256:...``."""
_URL_PASSWORD = re.compile(
    r"(?<=\w://)(?:"
    rf"[^\s/?#@:\"'<>]*:[^\s/]*{_AT}"
    # A password with a slash that is not encoded; after a host, a number would be its port.
    rf"|[^\s/?#@:\"'<>]{{1,100}}:(?!\d*(?:[/?#\s]|$))[^\s\"'<>@]{{1,200}}{_AT}"
    r")|(?<=https://)[^\s/?#@:\"'<>]+(?=@)|(?<=http://)[^\s/?#@:\"'<>]+(?=@)"  # a token as the user of a web URL
)
# A database's client reads up to the last @, so that its password may contain one, and then a slash as well.
_DATABASE_PASSWORD = re.compile(
    r"(?<=\w://)(?<!http://)(?<!https://)(?<!ssh://)"
    r"[^\s/?#@:\"'<>]{0,100}:(?!\d*(?:[/?#\s]|$))[^\s\"'<>@]{1,200}"
    rf"(?:@(?:[^\s\"'<>@?#:,]|:(?!//)|,(?!\w+://)){{1,200}}{_AT})+"
)
_SLASH = r"(?:\\{0,7}/|%2[fF])"
# An address that is itself the permission to post: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
_WEBHOOK = re.compile(
    rf"(?:hooks\.slack(?:-gov)?\.com{_SLASH}(?:services|triggers|workflows)|discord(?:app)?\.com{_SLASH}api{_SLASH}webhooks)"
    rf"{_SLASH}(?P<value>(?:[\w-]|{_SLASH})+)"
)
# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
_SIGNATURE = re.compile(
    r"(?i)x-(?:amz|goog)-(?:signature|security-token)(?:=|%(?:25)?3d)(?P<value>(?:[\w.~+/=-]|%(?!26|2526)[0-9a-f]{2})+)"
)
_QUOTES = r"(?:[\\\"'`]|%2[27]|&quot;|&#3[49];){0,8}"
_AUTHORIZATION = re.compile(
    rf"(?i)authorization{_QUOTES}\s{{0,8}}(?:=>|[:=]|(?<=[\"']),)\s{{0,8}}{_QUOTES}"
    r"(?P<value>(?:(?:bearer|basic|token|digest|negotiate|apikey)\s+)?[^\s\"',;\\]+)"
)
_BEARER = re.compile(r"(?i)\bbearer\s+(?P<value>[\w.~+/=-]{20,})")

# The issuers document these prefixes so that scanners find their tokens.
_TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    r"|gh[opsur]_[A-Za-z0-9]{36,}|github_pat_\w{22,}"
    r"|gl(?:pat|dt|rt|cbt|ptt|soat)-[\w-]{20,}"
    r"|xox[abeoprs]-[\w-]{10,}|xapp-\d-[\w-]{10,}|xwfp-[\w-]{10,}"
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{16,}"
    r"|sk-[\w-]{20,}|AIza[\w-]{35}|GOCSPX-[\w-]{20,}|ya29\.[\w-]{20,}"
    r"|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,}|rubygems_[0-9a-f]{40,}|dckr_[op]at_[\w-]{20,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|hv[sbr]\.[\w-]{20,}|dop_v1_[0-9a-f]{60,}|AGE-SECRET-KEY-1[A-Z0-9]{50,}"
    r"|[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r")"
)
_HINT = re.compile(r"AKIA|ASIA|gh[opsur]_|github_|gl[a-z]+-|xox|xapp-|xwfp-|k_|whsec_|sk-|AIza|GOCSPX|ya29|npm_|pypi-"
                   r"|rubygems_|dckr_|SG\.|hv[sbr]\.|dop_|AGE-|atlasv1|eyJ")  # fmt: skip
"""A part of every token: most lines have none, and need not be searched."""
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:[^-]|-(?!----))*+-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:(?:\s|\\+[nr])*[A-Za-z0-9+/=]{16,})*)"
)
_BEGINS = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?![\s\S]*-----END )")
_KEY_LINE = re.compile(r"[\w -]{1,20}: .*|[A-Za-z0-9+/=]*")


def spans(text: str) -> Iterator[tuple[int, int]]:
    """The places of secrets that are recognised by their shape."""
    yield from url_passwords(text)
    yield from (match.span() for match in _PRIVATE_KEY.finditer(text))
    for pattern in (_AUTHORIZATION, _BEARER, _WEBHOOK, _SIGNATURE):
        yield from (match.span("value") for match in pattern.finditer(text))
    if _HINT.search(text):
        yield from (match.span() for match in _TOKENS.finditer(text))


def url_passwords(text: str) -> Iterator[tuple[int, int]]:
    """The places of passwords in URLs, each with the user before it."""
    for pattern in (_URL_PASSWORD, _DATABASE_PASSWORD):
        yield from (match.span() for match in pattern.finditer(text))


def inside_private_key(lines: list[str]) -> bool:
    """Whether the last of these lines may be inside a private key, so that the next one belongs to it."""
    text = "\n".join(lines)
    begins = _BEGINS.search(text)
    return begins is not None and all(_KEY_LINE.fullmatch(line.strip()) for line in text[begins.end() :].splitlines())
