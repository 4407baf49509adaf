"""The differences between two revisions of a task definition, by container and field, with secrets masked.

Only the content counts: the order of an unordered list and the defaults that ECS fills in are not differences
(https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html, and the pages of PortMapping,
HealthCheck and MountPoint there).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from longshore.masking import MASK, is_secret, text_without_secrets, without_passwords, words_without_secrets

Definitions = Sequence[Mapping[str, Any]]
"""Container definitions, as RegisterTaskDefinition takes them."""

FIELDS = (
    "cpu",
    "memory",
    "networkMode",
    "taskRoleArn",
    "executionRoleArn",
    "requiresCompatibilities",
    "runtimePlatform",
    "volumes",
    "ephemeralStorage",
    "placementConstraints",
    "proxyConfiguration",
    "pidMode",
    "ipcMode",
)
"""The fields of a task definition besides its containers, by ECS's names."""

_KEYED = {"environment": "value", "secrets": "valueFrom"}
_ORDERED = {"command", "entryPoint", "environmentFiles", "links", "dnsServers", "dnsSearchDomains"}
_WORDS, _TEXTS = ("command", "entryPoint"), ("environment ", "dockerLabels.", "logConfiguration.options.")
"""Fields that may contain a secret without a telling name."""

_DEFAULTS = {
    "cpu": 0,
    "essential": True,
    "healthCheck.interval": 30,
    "healthCheck.timeout": 5,
    "healthCheck.retries": 3,
    "healthCheck.startPeriod": 0,
    "portMappings.protocol": "tcp",
    "portMappings.hostPort": 0,
    "volumes.host": {},
}


def revisions(
    before: Mapping[str, Any], after: Mapping[str, Any], fields: Sequence[str] = FIELDS, *, hidden: bool = False
) -> Iterator[str]:
    """One line for each field that differs, in the containers and in the task definition itself.

    Args:
        before: the task definition as DescribeTaskDefinition returns it.
        after: the later one, in the same form.
        fields: the fields to compare besides the containers.
        hidden: show no value of a container except the image.
    """
    networks = (before.get("networkMode"), after.get("networkMode"))
    yield from containers(before["containerDefinitions"], after["containerDefinitions"], networks, hidden=hidden)
    old, new = ({name: side.get(name) for name in fields} for side in (before, after))
    yield from _fields(dict(_flat("", old)), dict(_flat("", new)))


def containers(
    before: Definitions,
    after: Definitions,
    networks: tuple[str | None, str | None] = (None, None),
    *,
    hidden: bool = False,
) -> Iterator[str]:
    """One line for each container and field that differs; ``networks`` are the network modes, if they are known."""
    old, new = _by_name(before, networks[0]), _by_name(after, networks[1])
    for name in sorted({*old, *new}):
        if name not in new or name not in old:
            yield f"{name}: {'new container' if name in new else 'container removed'}"
        else:
            yield from (f"{name} · {line}" for line in _fields(old[name], new[name], hidden=hidden))


def _fields(old: Mapping[str, Any], new: Mapping[str, Any], *, hidden: bool = False) -> Iterator[str]:
    for field in sorted({*old, *new}):
        if old.get(field) != new.get(field):
            sides = (_shown(field, side.get(field), hidden=hidden) for side in (old, new))
            yield f"{field}: {' → '.join(sides)}"


def _by_name(definitions: Definitions, network: str | None) -> dict[str, dict[str, Any]]:
    return {definition["name"]: dict(_container(definition, network)) for definition in definitions}


def _container(container: Mapping[str, Any], network: str | None) -> Iterator[tuple[str, Any]]:
    for key, value in container.items():
        if key in _KEYED:
            kind = key.removesuffix("s")
            yield from ((f"{kind} {entry['name']}", str(entry.get(_KEYED[key]) or "")) for entry in value or [])
        elif key == "portMappings":
            yield from _flat(key, [_port(entry, network) for entry in value or []])
        elif key != "name":
            yield from _flat(key, value)


def _port(mapping: Mapping[str, Any], network: str | None) -> dict[str, Any]:
    """A port mapping; in these two network modes the host port equals the container port, even if it is not given."""
    same = network in ("awsvpc", "host") and mapping.get("hostPort") == mapping.get("containerPort")
    return {key: value for key, value in mapping.items() if not (same and key == "hostPort")}


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The values below a field, each with its path, without empty values and defaults."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else key, inner)
    elif not _is_default(path, plain := _plain(path, value)):
        yield path, plain


def _plain(path: str, value: Any) -> Any:
    """A value without empty values and defaults; a list is sorted unless its order matters."""
    if isinstance(value, Mapping):
        plain = {key: _plain(f"{path}.{key}", inner) for key, inner in value.items()}
        return {key: inner for key, inner in plain.items() if not _is_default(f"{path}.{key}", inner)}
    if isinstance(value, list):
        entries = [_plain(path, inner) for inner in value]
        return entries if path.rpartition(".")[2] in _ORDERED else _sorted(entries)
    return value


def _sorted(values: list[Any]) -> list[Any]:
    return sorted(values, key=lambda value: json.dumps(value, sort_keys=True))


def _is_default(path: str, value: Any) -> bool:
    if path in _DEFAULTS:
        return value is None or value == _DEFAULTS[path]
    return value is None or value is False or value in ("", [], {})


def _shown(field: str, value: Any, *, hidden: bool = False) -> str:
    if value is None:
        return json.dumps(_DEFAULTS[field]) if field in ("cpu", "essential") else "(none)"
    if hidden and field != "image":
        return MASK
    if is_secret(field.replace(" ", "_").replace(".", "_").replace("-", "_")) and not field.startswith("secret "):
        return MASK
    if isinstance(value, list) and field.rpartition(".")[2] in _WORDS:
        value = words_without_secrets(value)
    elif isinstance(value, str) and field.startswith(_TEXTS):
        value = text_without_secrets(value)
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return without_passwords(text)
