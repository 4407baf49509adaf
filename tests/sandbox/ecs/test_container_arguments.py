from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from docker.types import Mount

from longshore.sandbox.ecs import container_arguments
from longshore.sandbox.ecs.container_arguments import Given
from longshore.sandbox.ecs.runtime import Launch


def task(*containers: dict[str, Any], overrides: dict[str, Any] | None = None, **rest: Any) -> Launch:
    definition = {"family": "web", "containerDefinitions": list(containers), **rest}
    return Launch("0123456789abcdef", "shop", "web", "web", definition, overrides or {})


def test_the_fields_of_a_container_become_arguments() -> None:
    container = {
        "name": "web",
        "image": "shop/app:v1",
        "command": ["web"],
        "entryPoint": ["/run"],
        "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "cpu": 512,
        "memory": 1024,
        "memoryReservation": 256,
        "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}},
        "healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 5, "retries": 2},
        "portMappings": [{"containerPort": 8080, "hostPort": 0}, {"containerPort": 53, "protocol": "udp"}],
        "readonlyRootFilesystem": True,
        "user": "nobody",
        "workingDirectory": "/srv",
        "ulimits": [{"name": "nofile", "softLimit": 10, "hardLimit": 20}],
    }
    arguments = container_arguments.arguments(
        task(container), container, Given({"S": "secret"}, {"A": "0", "F": "from a file"})
    )
    expected = {
        "name": "ecs-web-web-0123456789ab",
        "command": ["web"],
        "entrypoint": ["/run"],
        "environment": {"A": "1", "B": "2", "S": "secret", "F": "from a file"},
        "cpu_shares": 512,
        "mem_limit": 1024 * 1024 * 1024,
        "memswap_limit": 1024 * 1024 * 1024,
        "mem_reservation": 256 * 1024 * 1024,
        "init": True,
        "cap_drop": ["ALL"],
        "read_only": True,
        "user": "nobody",
        "working_dir": "/srv",
        "ports": {"8080/tcp": ("127.0.0.1", None), "53/udp": ("127.0.0.1", None)},
        "healthcheck": {
            "test": ["CMD-SHELL", "true"],
            "interval": 5_000_000_000,
            "timeout": 5_000_000_000,
            "retries": 2,
            "start_period": 0,
        },
    }
    assert {name: arguments[name] for name in expected} == expected
    assert arguments["ulimits"][0]["Hard"] == 20


def test_overrides_take_precedence_over_the_definition() -> None:
    container = {"name": "web", "image": "i", "command": ["web"], "environment": [{"name": "A", "value": "1"}]}
    override = {"name": "web", "command": ["migrate"], "environment": [{"name": "A", "value": "2"}], "memory": 32}
    arguments = container_arguments.arguments(
        task(container, overrides={"containerOverrides": [override]}), container, Given()
    )
    assert (arguments["command"], arguments["environment"], arguments["mem_limit"]) == (
        ["migrate"],
        {"A": "2"},
        32 * 1024 * 1024,
    )


def test_a_container_without_a_memory_limit_has_its_tasks_limit() -> None:
    container = {"name": "web", "image": "i"}
    assert (
        container_arguments.arguments(task(container, memory="512"), container, Given())["mem_limit"]
        == 512 * 1024 * 1024
    )
    assert container_arguments.arguments(task(container), container, Given())["mem_limit"] is None


def test_the_health_check_of_an_image_is_disabled() -> None:
    container = {"name": "web", "image": "i"}
    assert container_arguments.arguments(task(container), container, Given())["healthcheck"] == {"test": ["NONE"]}


def test_a_host_port_is_used_on_a_bridge_only() -> None:
    container = {"name": "web", "image": "i", "portMappings": [{"containerPort": 80, "hostPort": 80}]}
    bridged, awsvpc = task(container, networkMode="bridge"), task(container, networkMode="awsvpc")
    assert container_arguments.arguments(bridged, container, Given())["ports"] == {"80/tcp": ("127.0.0.1", 80)}
    assert container_arguments.arguments(awsvpc, container, Given())["ports"] == {"80/tcp": ("127.0.0.1", None)}


def test_containers_start_after_their_dependencies() -> None:
    web = {"name": "web", "dependsOn": [{"containerName": "migrate", "condition": "SUCCESS"}]}
    migrate = {"name": "migrate", "dependsOn": [{"containerName": "database", "condition": "HEALTHY"}]}
    ordered = container_arguments.containers_in_order({"containerDefinitions": [web, {"name": "database"}, migrate]})
    assert [container["name"] for container in ordered] == ["database", "migrate", "web"]


def test_a_cycle_of_dependencies_is_broken() -> None:
    one = {"name": "one", "dependsOn": [{"containerName": "two", "condition": "START"}]}
    two = {"name": "two", "dependsOn": [{"containerName": "one", "condition": "START"}]}
    assert len(container_arguments.containers_in_order({"containerDefinitions": [one, two]})) == 2


def test_mounts_refer_to_their_volume_and_may_be_read_only() -> None:
    container = {"mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": True}]}
    (mount,) = container_arguments.mounts(container, {"data": Mount("", "longshore-x-data", type="volume")})
    assert (mount["Target"], mount["Source"], mount["Type"], mount["ReadOnly"]) == (
        "/data",
        "longshore-x-data",
        "volume",
        True,
    )


@pytest.mark.parametrize(("given", "seconds"), [({}, 30), ({"stopTimeout": 0}, 0), ({"stopTimeout": 5}, 5)])
def test_the_default_stop_time_out_is_half_a_minute(given: dict[str, int], seconds: int) -> None:
    assert container_arguments.stop_timeout(given) == seconds


def test_the_host_parameters_of_a_container_become_arguments() -> None:
    container = {
        "name": "web",
        "image": "shop/app:v1",
        "memory": 64,
        "dnsSearchDomains": ["shop.internal"],
        "dockerSecurityOptions": ["no-new-privileges"],
        "systemControls": [{"namespace": "net.core.somaxconn", "value": "777"}],
        "volumesFrom": [{"sourceContainer": "data", "readOnly": True}, {"sourceContainer": "more"}],
        "linuxParameters": {
            "maxSwap": 32,
            "devices": [{"hostPath": "/dev/null"}, {"hostPath": "/dev/zero", "permissions": ["read", "mknod"]}],
            "tmpfs": [{"containerPath": "/run", "size": 8, "mountOptions": ["ro", "exec"]}],
        },
    }
    arguments = container_arguments.arguments(task(container), container, Given())
    expected = {
        "dns_search": ["shop.internal"],
        "security_opt": ["no-new-privileges"],
        "sysctls": {"net.core.somaxconn": "777"},
        "volumes_from": ["ecs-web-data-0123456789ab:ro", "ecs-web-more-0123456789ab"],
        "devices": ["/dev/null:/dev/null:rwm", "/dev/zero:/dev/zero:rm"],
        "tmpfs": {"/run": "size=8m,ro,exec"},
        "mem_limit": 64 * 1024 * 1024,
        "memswap_limit": 96 * 1024 * 1024,
        "cpu_quota": None,
    }
    assert {name: arguments[name] for name in expected} == expected
    assert "network_mode" not in arguments


def test_a_container_without_a_network_publishes_nothing() -> None:
    container = {"name": "web", "image": "shop/app:v1", "portMappings": [{"containerPort": 80}]}
    disabled = container | {"disableNetworking": True}
    for launch, given in ((task(container, networkMode="none"), container), (task(disabled), disabled)):
        arguments = container_arguments.arguments(launch, given, Given())
        assert (arguments["network_mode"], arguments["ports"]) == ("none", {})


@pytest.mark.parametrize(("launch_type", "quota"), [("FARGATE", 25_000), ("EC2", None)])
def test_fargate_limits_the_cpu_to_the_size_of_the_task(launch_type: str, quota: int | None) -> None:
    container = {"name": "web", "image": "shop/app:v1"}
    launch = replace(task(container, cpu="256", memory="512"), launch_type=launch_type)
    assert container_arguments.arguments(launch, container, Given())["cpu_quota"] == quota


def test_a_container_comes_after_those_whose_volumes_it_mounts() -> None:
    web = {"name": "web", "image": "i", "volumesFrom": [{"sourceContainer": "data"}]}
    ordered = container_arguments.containers_in_order({"containerDefinitions": [web, {"name": "data", "image": "i"}]})
    assert [container["name"] for container in ordered] == ["data", "web"]
