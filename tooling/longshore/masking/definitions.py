"""The secrets in variables and in container definitions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from longshore.masking import named_values, ordinary, shapes
from longshore.masking.masks import MASK, replaced
from longshore.masking.names import PRIVATE_KEY, is_secret


def secrets(variables: Mapping[str, str]) -> set[str]:
    """The secrets in variables: values whose name stands for one, private keys, and the passwords in URLs."""
    return _secrets_of_all(variables.items())


def secrets_of_containers(definitions: Iterable[Mapping[str, Any]]) -> set[str]:
    """The secrets in the environment of container definitions, in ECS's format."""
    variables = (entry for container in definitions for entry in container.get("environment") or [])
    return _secrets_of_all((entry["name"], str(entry.get("value") or "")) for entry in variables)


def words_without_secrets(words: Iterable[str]) -> list[str]:
    """A command whose secrets are masked, in the word of their name or in the next one (``--token abc``)."""
    masked, flag = [], ""
    for word in words:
        masked.append(MASK if is_secret(flag) else text_without_secrets(word))
        flag = word.strip("-").replace("-", "_") if word.startswith("-") and "=" not in word else ""
    return masked


def text_without_secrets(text: str) -> str:
    """A text from a container definition whose secrets are masked; an ARN is returned unchanged."""
    if re.search(PRIVATE_KEY, text):
        return MASK
    return text if text.startswith("arn:") else replaced(text, [*shapes.spans(text), *named_values.spans(text)])


def without_passwords(text: str) -> str:
    """A text whose passwords in URLs are masked."""
    return replaced(text, shapes.url_passwords(text))


def _secrets_of_all(variables: Iterable[tuple[str, str]]) -> set[str]:
    given = list(variables)
    names = ordinary.names_in(given)
    values = {secret for name, value in given for secret in _secrets_of(name, value)}
    return {value for value in values if not ordinary.is_ordinary(value, names)}


def _secrets_of(name: str, value: str) -> Iterator[str]:
    if is_secret(name) or re.search(PRIVATE_KEY, value):
        yield value
    for begin, end in shapes.url_passwords(value):
        _, colon, password = value[begin:end].partition(":")
        if colon:
            yield from {password, unquote(password)}
