from __future__ import annotations

import json
import random
from typing import Any

import pytest

from longshore.terraform.task_definition_diff import containers, revisions

WRITTEN: dict[str, Any] = {
    "name": "web",
    "image": "registry/app:v1",
    "essential": True,
    "command": ["serve", "--all"],
    "environment": [{"name": "MODE", "value": "a"}, {"name": "SIZE", "value": "3"}],
    "secrets": [{"name": "B", "valueFrom": "arn:b"}, {"name": "A", "valueFrom": "arn:a"}],
    "portMappings": [{"containerPort": 8080}, {"containerPort": 9090}],
    "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}, {"sourceVolume": "tmp", "containerPath": "/t"}],
    "healthCheck": {"command": ["CMD-SHELL", "true"]},
    "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["ALL", "MKNOD"]}},
    "dependsOn": [{"containerName": "b", "condition": "START"}, {"containerName": "a", "condition": "START"}],
}
"""A container definition as written by hand."""

REGISTERED = {
    **WRITTEN,
    "cpu": 0,
    "environment": WRITTEN["environment"][::-1],
    "secrets": WRITTEN["secrets"][::-1],
    "portMappings": [
        {"containerPort": 9090, "hostPort": 9090, "protocol": "tcp"},
        {"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"},
    ],
    "mountPoints": [{**mount, "readOnly": False} for mount in WRITTEN["mountPoints"][::-1]],
    "healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 30, "timeout": 5, "retries": 3, "startPeriod": 0},
    "linuxParameters": {
        "initProcessEnabled": True,
        "capabilities": {"add": [], "drop": ["MKNOD", "ALL"]},
        "devices": [],
        "tmpfs": None,
    },
    "dependsOn": WRITTEN["dependsOn"][::-1],
    "volumesFrom": [],
    "systemControls": [],
    "entryPoint": None,
    "user": "",
    "privileged": False,
    "readonlyRootFilesystem": False,
    "logConfiguration": None,
}
"""The same container definition as ECS returns it, in network mode awsvpc."""


def lines(before: dict[str, Any], after: dict[str, Any], network: str | None = None) -> list[str]:
    return list(containers([before], [after], (network, network)))


def test_defaults_and_order_from_ecs_are_not_differences() -> None:
    assert lines(WRITTEN, REGISTERED, "awsvpc") == []
    assert lines(REGISTERED, WRITTEN, "awsvpc") == []


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_keys_and_lists_is_not_a_difference(seed: int) -> None:
    shuffled = random.Random(seed)

    def mixed(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            items = list(value.items())
            shuffled.shuffle(items)
            return {name: mixed(inner, name) for name, inner in items}
        if isinstance(value, list) and key not in ("command",):
            return [mixed(inner) for inner in shuffled.sample(value, len(value))]
        return value

    assert lines(WRITTEN, mixed(WRITTEN)) == []


def test_a_host_port_counts_in_bridge_mode() -> None:
    fixed = {**WRITTEN, "portMappings": [{"containerPort": 8080, "hostPort": 8080}]}
    free = {**WRITTEN, "portMappings": [{"containerPort": 8080, "hostPort": 0, "protocol": "tcp"}]}
    assert lines(free, {**free, "portMappings": [{"containerPort": 8080}]}, "bridge") == []
    assert lines(free, fixed, "bridge") == [
        'web · portMappings: [{"containerPort": 8080}] → [{"containerPort": 8080, "hostPort": 8080}]'
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"command": ["--all", "serve"]}, 'command: ["serve", "--all"] → ["--all", "serve"]'),
        ({"essential": False}, "essential: true → false"),
        ({"cpu": 64}, "cpu: 0 → 64"),
        ({"image": "registry/app:v2"}, "image: registry/app:v1 → registry/app:v2"),
        ({"environment": WRITTEN["environment"][:1]}, "environment SIZE: 3 → (none)"),
        (
            {"environment": [*WRITTEN["environment"][:1], {"name": "SIZE", "value": "4"}]},
            "environment SIZE: 3 → 4",
        ),
        ({"secrets": [*WRITTEN["secrets"][:1], {"name": "A", "valueFrom": "arn:c"}]}, "secret A: arn:a → arn:c"),
        ({"healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 5}}, "healthCheck.interval: (none) → 5"),
        ({"readonlyRootFilesystem": True}, "readonlyRootFilesystem: (none) → true"),
        (
            {"linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}}},
            'linuxParameters.capabilities.drop: ["ALL", "MKNOD"] → ["ALL"]',
        ),
        (
            {"logConfiguration": {"options": {"splunk-token": "canary"}}},
            "logConfiguration.options.splunk-token: (none) → (masked)",
        ),
    ],
)
def test_a_changed_field_is_shown_with_both_values(changes: dict[str, Any], line: str) -> None:
    assert lines(WRITTEN, {**WRITTEN, **changes}) == [f"web · {line}"]


def test_secrets_are_masked_and_a_missing_value_equals_null() -> None:
    before = {**WRITTEN, "environment": [{"name": "API_KEY", "value": "canary-1"}, {"name": "EMPTY"}]}
    after = {**WRITTEN, "environment": [{"name": "API_KEY", "value": "canary-2"}, {"name": "EMPTY", "value": None}]}
    assert lines(before, after) == ["web · environment API_KEY: (masked) → (masked)"]


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("command", ["serve", "--token", "canary", "--all"], '["serve", "--token", "(masked)", "--all"]'),
        ("entryPoint", ["sh", "-c", "PASSWORD=canary exec app"], '["sh", "-c", "PASSWORD=(masked) exec app"]'),
        ("command", ["--api-key=canary", "redis://u:canary@h"], '["--api-key=(masked)", "redis://(masked)@h"]'),
        ("environment", [{"name": "PGPASSWORD", "value": "canary"}], "(masked)"),
        ("environment", [{"name": "JDBC", "value": "db?password=canary&tls=1"}], "db?password=(masked)&tls=1"),
        ("environment", [{"name": "PEM", "value": "-----BEGIN RSA PRIVATE KEY-----\ncanary"}], "(masked)"),
        ("environment", [{"name": "REFERENCE", "value": "arn:aws:x:secret:app"}], "arn:aws:x:secret:app"),
        ("logConfiguration", {"options": {"apikey": "canary"}}, "(masked)"),
    ],
)  # fmt: skip
def test_a_secret_with_a_telling_name_is_masked_in_every_field(field: str, value: Any, shown: str) -> None:
    (line,) = containers([{"name": "web", "image": "i"}], [{"name": "web", "image": "i", field: value}])
    assert line.partition(" → ")[2] == shown


def test_fields_of_the_task_definition_are_compared() -> None:
    before = {"containerDefinitions": [WRITTEN], "cpu": "256", "memory": "512", "networkMode": "awsvpc", "revision": 1}
    after = {**json.loads(json.dumps(before)), "memory": "1024", "revision": 2, "volumes": [], "pidMode": None}
    assert list(revisions(before, after)) == ["memory: 512 → 1024"]
    assert list(revisions(before, {**after, "containerDefinitions": [REGISTERED]})) == ["memory: 512 → 1024"]
    volume = {"name": "data", "dockerVolumeConfiguration": {"scope": "shared"}}
    grown = {**before, "volumes": [{**volume, "host": {}}], "taskRoleArn": "arn:role"}
    assert list(revisions({**before, "volumes": [volume], "taskRoleArn": "arn:role"}, grown)) == []
