"""Values that must not be masked: names and ordinary sentences would become unreadable."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from longshore.masking import shapes

WORDS = frozenset(
    {"changeme", "cluster", "database", "default", "development", "disabled", "docker", "enabled", "example",
     "localhost", "mariadb", "mongodb", "password", "postgres", "postgresql", "production", "rabbitmq", "release",
     "sandbox", "secret", "secrets", "service", "staging", "undefined", "username", "version", "worker"}
)  # fmt: skip
"""Passwords that images and examples come with, and words of most sentences about a release."""

_VERSION = re.compile(r"v?\d+(?:\.\d+){1,3}")
_NAMES_A_THING = re.compile(r"(?i)(?:^|[_.-]|pg|mysql)(?:user|username|database|dbname|db|host)$")
_AFTER_PASSWORD = re.compile(r"@([^/:?#\s]*)(?::\d+)?/?([^/?#\s]*)")


def is_ordinary(value: str, names: Collection[str]) -> bool:
    """Whether a value is a name that a reader needs, a version, or one of WORDS."""
    return value in names or value.lower() in WORDS or _VERSION.fullmatch(value) is not None


def names_in(variables: Iterable[tuple[str, str]]) -> set[str]:
    """The users, databases and hosts that variables name, alone or in a URL with a password."""
    return {name for variable, value in variables for name in _names(variable, value)}


def with_parts(names: Iterable[str]) -> set[str]:
    """Names and the words they consist of: ``shop`` is part of ``shop-prod`` and of ``/shop/prod/image_tag``."""
    return {part for name in names for part in (name, *re.split(r"[^A-Za-z0-9]+", name))}


def _names(variable: str, value: str) -> Iterator[str]:
    if _NAMES_A_THING.search(variable):
        yield value
    for begin, end in shapes.url_passwords(value):
        user, _, password = value[begin:end].partition(":")
        host, database = _AFTER_PASSWORD.findall(value, end)[0]
        yield host
        # In an address of the web, the user or a part of the path may be a token.
        if user == password or not value.startswith(("http", "git+http")):
            yield from (user, database)
