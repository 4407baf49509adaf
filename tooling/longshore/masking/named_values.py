"""Finds values after names that stand for a secret, in the notations in which programs print a hash or a struct.

JSON, YAML and logfmt; ``"KEY"=>"value"``, ``:key=>"value"``, ``key: "value"`` of Ruby; dictionaries, data classes and
``environ({...})`` of Python; ``%v``, ``%+v`` and ``map[...]`` of Go; maps and records of Java; ``util.inspect`` of
Node; query strings, connection strings, XML and flags. `names` decides which names those are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.masking.names import is_secret

# The name of a secret in an ARN is not a secret, and often the one thing that a reader of AWS's message needs. ECS adds
# three parts to the ARN of a secret: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html
_ARN = (
    r"\barn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:"
    r"(?:secret:[\w/+.@!-]++(?::[\w.-]*:[\w.-]*:[\w.-]*+)?|[\w/+.@!*-]++(?::[0-9]++)?)(?!=)"
)
_QUOTE = r"(?:\\{0,7}[\"'`]|\\{1,7}u002[27]|%2[27]|&quot;|&#3[49];)"
_PHRASES = (
    r"(?i:(?:api|access|auth|client|encryption|master|private|secret|signing)\x20(?:key|secret|token)"
    r"|connection\x20string)"
)
_NAME = re.compile(
    rf"(?P<arn>{_ARN})"
    rf"|(?<![\w.-])(?P<name>{_PHRASES}|[\w.-]++)(?:"
    rf"(?P<close>{_QUOTE}?)\]?[ \t]{{0,8}}(?P<sign>=>|:=|==?|:(?!:)|→|%3[AaDd])(?P<gap>[ \t]{{0,8}})"
    r"|(?P<element>>))"
    # The old form of a Dockerfile, whose value is the rest of the line.
    r"|(?<![\w.-])ENV[ \t]{1,8}(?P<env>\w+)[ \t]{1,8}(?=[^\s=])(?!(?:and|are|has|in|is|must|not|or|should|was)\b)"
    r"|(?<![\w.-])(?P<flag>-{1,2}[\w.-]++)[ \t]{1,8}(?=[^\s-])"
)
_SQL = re.compile(r"(?i)\b(?:password|identified\s+by)\s+(?='[^'\n]*')")
_QUOTED = re.compile(
    rf"(?:(?:Some|Just|Optional|String|bytes|Secret\w{{0,20}})[(\[])?[bBuUrRfF]{{0,2}}(?P<quote>\"\"\"|'''|{_QUOTE})"
    r"(?P<value>[^\n]*?)(?:(?<!\\)(?P=quote)|(?=\n)|\Z)"
)
_CONTINUED = re.compile(r"[ \t]*\+[ \t]*\n[ \t|]*(?P<quote>[\"'`])(?P<value>[^\n]*?)(?:(?<!\\)(?P=quote)|(?=\n)|\Z)")
_LIST = re.compile(rf"(?P<value>[\[(]\s*{_QUOTE}[^\])\n]*+[\])]?)")
_MORE_NAMES = r"[\w.@\"':-]{1,100}?\s{0,8}(?:=>|[=:])"
_PLAIN = re.compile(
    r"(?P<value>(?:[^\s,;&\"'`}\])>]"
    rf"|[,;&](?!\s|\Z|{_MORE_NAMES})"
    r"|[\"'`}\])>](?![\s,;:&}\])>\"'`]|\Z))+)"
)
_IN_QUERY = re.compile(r"(?P<value>(?:[^\s&%\"']|%(?!26|2[cC]|7[dD]))+)")
_LINE = re.compile(r"(?P<value>[^\n]+)")
_IN_ELEMENT = re.compile(r"(?P<value>[^<\n]+)")
_IN_AGGREGATE = re.compile(
    rf"(?P<value>[^\n]*?)(?=[,;]\s*{_MORE_NAMES}|\s[\w.-]{{1,100}}[:=][^\s/]|[}}\])>](?:[\s,;}}\])>]|\Z)|\n|\Z)"
)
_AGGREGATE = re.compile(rf"[\[{{(]\s*(?:[}}\])]|\n|\Z|[\[{{(]|{_MORE_NAMES})")
"""An aggregate as the value: the names inside it decide."""
_NOTHING = re.compile(
    r"(?i:null|none|nil|undefined|true|false|<nil>|<none>|\(sensitive value\)|\(known after apply\)|\(masked\))"
    r"(?=[\s,;&}\])>\"'`]|\Z)"
)
_HINT = re.compile(r"(?i)pass|pwd|secret|token|credential|key|dsn|jwt|conn|identified")
"""A part of every name that stands for a secret: most lines have none, and need not be searched."""
_Span = tuple[int, int]
_WINDOW = 400
"""How far back to look for the bracket that opens an aggregate."""
_PAIRS = ("{}", "[]", "()")
_SUBJECT = re.compile(r"(?i:credentials?|jwt|secrets?|token)")
"""Names that are also the subject of a message: ``Unexpected token: } (,) in app.js:3``."""
_STATE = "absent|denied|expired|forbidden|invalid|malformed|missing|required|revoked|unauthorized|unexpected|unknown"
_MESSAGE = re.compile(
    rf"(?i:(?:{_STATE})\b)"
    # A first word of letters or of signs alone, and a second one that is not the name of a value.
    r"|(?:[A-Z]?[a-z']{0,15}[,.]?|[^\s\w\"'`\[({]{1,3})[ \t]+(?![\w.@-]{1,100}[ \t]{0,8}(?:=|:[ \t]))[\w({'\"`]"
)
_SEGMENT = r"(?:[a-z_.][a-z0-9_.-]*+|[A-Z][A-Z0-9_]*+)"
_REFERENCE = re.compile(
    rf"{_QUOTE}?(?:{_ARN}|(?:ssm|secretsmanager):[\w/+=.@!:-]+|alias/[\w/-]+|(?:~|\.\.?)?(?:/{_SEGMENT}){{2,20}}/?)"
    r"(?=[\s,;:&}\])<>\"'`]|\Z)"
)
"""The place of a secret, and not the secret."""
_BARE = re.compile(r"(?i:pass|pwd)")
"""Names that stand for a secret only beside a value that is neither a path nor a count."""
_PATH_OR_COUNT = re.compile(r"/|~|[A-Za-z]:\\|\d+\b|\s|\Z")


def spans(text: str) -> Iterator[_Span]:
    """The places of values whose name stands for a secret."""
    if not _HINT.search(text):
        return
    start = 0
    while match := _NAME.search(text, start):
        start = max(match.end(), start + 1)
        if match["arn"] or not _stands_for_secret(text, match):
            continue
        if reference := _REFERENCE.match(text, match.end()):
            start = reference.end()
            continue
        for begin, end in _values(text, match):
            yield begin, end
            start = max(start, end)
    for match in _SQL.finditer(text):
        yield from (quoted.span("value") for quoted in [_QUOTED.match(text, match.end())] if quoted)


def continues(text: str) -> bool:
    """Whether a text ends where the next line may continue a quoted value, as `util.inspect` of Node prints it."""
    return re.search(r"[\"'`][ \t]*\+[ \t]*\Z", text) is not None


def _stands_for_secret(text: str, match: re.Match[str]) -> bool:
    if match["flag"]:
        return is_secret(match["flag"].strip("-"))
    if match["env"]:
        return is_secret(match["env"])
    name = match["name"]
    if match["element"]:
        return text[match.start() - 1 : match.start()] == "<" and is_secret(name)
    if _BARE.fullmatch(name):
        quoted = _QUOTED.match(text, match.end())
        return bool(quoted or match["sign"] in ("=", "=>")) and not _PATH_OR_COUNT.match(text, match.end())
    if text[match.start() - 1 : match.start()] == "%":
        name = name[2:]  # the digits of an encoded character
    if _is_error_class(text, match) or _is_subject(text, match):
        return False
    return is_secret(name.strip("-").replace(" ", "_"))


def _is_subject(text: str, match: re.Match[str]) -> bool:
    """Whether the name is the subject of a message, such as ``jwt: expired at 2026-01-01``."""
    if match["sign"] != ":" or not match["gap"] or match["close"] or not _SUBJECT.fullmatch(match["name"]):
        return False
    if _QUOTED.match(text, match.end()) or _in_aggregate(text, match.start()):
        return False
    return _MESSAGE.match(text, match.end()) is not None


def _is_error_class(text: str, match: re.Match[str]) -> bool:
    """Whether the name is that of an error, such as ``InvalidToken: the security token is not valid``."""
    name, quoted = match["name"], _QUOTED.match(text, match.end())
    humps = re.fullmatch(r"[A-Z]\w*[a-z]\w*[A-Z]\w*", name) is not None
    return humps and match["sign"] == ":" and bool(match["gap"]) and quoted is None


def _values(text: str, match: re.Match[str]) -> Iterator[_Span]:
    """The places of the value after a name; several if it continues on other lines."""
    at = match.end()
    if _NOTHING.match(text, at):
        return
    if whole := _in_quotes(text, match):
        yield whole
    elif match["env"]:
        yield from _plain(_LINE, text, at)
    elif match["element"]:
        yield from _plain(_IN_ELEMENT, text, at)
    elif quoted := _QUOTED.match(text, at):
        while quoted:
            yield quoted.span("value")
            quoted = _CONTINUED.match(text, quoted.end())
    elif match["sign"] and match["sign"].startswith("%"):
        yield from _plain(_IN_QUERY, text, at)
    else:
        yield from _unquoted(text, match.start(), at)


def _in_quotes(text: str, match: re.Match[str]) -> _Span | None:
    """The value of ``"NAME=value with spaces"``, as ``docker inspect`` prints an environment."""
    quote, at = text[match.start() - 1 : match.start()], match.end()
    if quote not in ("'", '"', "`") or match["close"]:
        return None
    end = text.find(quote, at)
    return (at, end) if end > 0 and "\n" not in text[at:end] else None


def _unquoted(text: str, name_at: int, at: int) -> Iterator[_Span]:
    if _LIST.match(text, at):
        yield from _plain(_LIST, text, at)
    elif not _AGGREGATE.match(text, at):
        yield from _plain(_IN_AGGREGATE if _in_aggregate(text, name_at) else _PLAIN, text, at)


def _plain(pattern: re.Pattern[str], text: str, at: int) -> Iterator[_Span]:
    if value := pattern.match(text, at):
        yield value.span("value")


def _in_aggregate(text: str, at: int) -> bool:
    """Whether a place is between brackets, outside of a string, so that a value may contain spaces."""
    begin = max(text.rfind("\n", 0, at) + 1, at - _WINDOW)
    if text.count('"', begin, at) % 2:
        return False
    return any(text.count(pair[0], begin, at) > text.count(pair[1], begin, at) for pair in _PAIRS)
