"""Translates task definitions to Docker's arguments, without calling Docker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from docker.types import LogConfig, Mount, Ulimit

from longshore.sandbox.ecs.runtime import Launch

MIB = 1024 * 1024
SECOND = 1_000_000_000  # Docker counts in nanoseconds
STOP_TIMEOUT = 30
"""The default number of seconds between SIGTERM and SIGKILL (ECS API, stopTimeout)."""

Definition = Mapping[str, Any]


def containers_in_order(definition: Definition) -> list[Definition]:
    """The container definitions, each after its dependencies; a cycle is broken where it closes."""
    by_name = {container["name"]: container for container in definition["containerDefinitions"]}
    ordered: dict[str, Definition] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in ordered or name in path or name not in by_name:
            return
        for dependency in by_name[name].get("dependsOn") or []:
            visit(dependency["containerName"], (*path, name))
        ordered[name] = by_name[name]

    for name in by_name:
        visit(name, ())
    return list(ordered.values())


def override_of(launch: Launch, name: str) -> Definition:
    """The overrides of RunTask for a container."""
    overrides: Sequence[Definition] = launch.overrides.get("containerOverrides") or []
    return next((override for override in overrides if override["name"] == name), {})


def environment(container: Definition, override: Definition, secrets: Mapping[str, str]) -> dict[str, str]:
    """The variables of a container, with RunTask's overrides; secrets take precedence, as on ECS."""
    pairs = [*(container.get("environment") or []), *(override.get("environment") or [])]
    return {pair["name"]: pair.get("value") or "" for pair in pairs} | dict(secrets)


def arguments(launch: Launch, container: Definition, secrets: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of Docker's `containers.create`, except labels, network and mounts, which require the engine.

    Args:
        launch: the task.
        container: the container definition.
        secrets: the values of its `secrets`, by variable.
    """
    override = override_of(launch, container["name"])
    linux = container.get("linuxParameters") or {}
    return {
        "image": container["image"],
        "name": f"ecs-{launch.family}-{container['name']}-{launch.task[:12]}",
        "command": override.get("command") or container.get("command") or None,
        "entrypoint": container.get("entryPoint") or None,
        "environment": environment(container, override, secrets),
        "working_dir": container.get("workingDirectory"),
        "user": container.get("user"),
        "hostname": container.get("hostname"),
        "dns": container.get("dnsServers") or None,
        "extra_hosts": {host["hostname"]: host["ipAddress"] for host in container.get("extraHosts") or []},
        "privileged": bool(container.get("privileged")),
        "read_only": bool(container.get("readonlyRootFilesystem")),
        "tty": bool(container.get("pseudoTerminal")),
        "stdin_open": bool(container.get("interactive")),
        "init": bool(linux.get("initProcessEnabled")),
        "cap_add": (linux.get("capabilities") or {}).get("add"),
        "cap_drop": (linux.get("capabilities") or {}).get("drop"),
        "shm_size": linux["sharedMemorySize"] * MIB if linux.get("sharedMemorySize") else None,
        "tmpfs": {entry["containerPath"]: f"size={entry['size']}m" for entry in linux.get("tmpfs") or []},
        "ulimits": [
            Ulimit(name=limit["name"], soft=limit["softLimit"], hard=limit["hardLimit"])
            for limit in container.get("ulimits") or []
        ],
        "ports": _ports(launch, container),
        "healthcheck": _health_check(container.get("healthCheck")),
        # LogWriter reads from this driver, which need not be the engine's default.
        "log_config": LogConfig(type=LogConfig.types.JSON),
        **_limits(launch, container, override),
    }


def mounts(container: Definition, volumes: Mapping[str, Mount]) -> list[Mount]:
    """The mounts of a container.

    Args:
        container: the container definition.
        volumes: a Mount without target for each volume of the task, by name.
    """
    result = []
    for point in container.get("mountPoints") or []:
        volume = volumes[point["sourceVolume"]]
        read_only = bool(point.get("readOnly"))
        result.append(Mount(point["containerPath"], volume["Source"], type=volume["Type"], read_only=read_only))
    return result


def stop_timeout(container: Definition) -> int:
    """Seconds between SIGTERM and SIGKILL."""
    seconds = container.get("stopTimeout")
    return STOP_TIMEOUT if seconds is None else int(seconds)


def log_options(container: Definition) -> dict[str, str] | None:
    """The awslogs options of a container; None if it uses another log driver."""
    configuration = container.get("logConfiguration") or {}
    return dict(configuration.get("options") or {}) if configuration.get("logDriver") == "awslogs" else None


def _limits(launch: Launch, container: Definition, override: Definition) -> dict[str, Any]:
    """Memory and CPU; a container without a memory limit has the task's (ECS API, memory)."""
    hard = override.get("memory") or container.get("memory")
    soft = override.get("memoryReservation") or container.get("memoryReservation")
    task = launch.overrides.get("memory") or launch.definition.get("memory")
    limit = int(hard or task or 0) * MIB or None
    return {
        "mem_limit": limit,
        "memswap_limit": limit,  # no swap in addition, so that the limit kills the container
        "mem_reservation": int(soft) * MIB if soft else None,
        "cpu_shares": max(2, int(override.get("cpu") or container.get("cpu") or 0)),
    }


def _ports(launch: Launch, container: Definition) -> dict[str, tuple[str, int | None]]:
    """Each published port, on loopback only; None lets the engine choose.

    A task definition for awsvpc runs on a bridge here. Its host port equals the container port, which would allow only
    one task on this machine, so the engine chooses one.
    """
    bridged = launch.definition.get("networkMode") in (None, "bridge")
    return {
        f"{mapping['containerPort']}/{mapping.get('protocol') or 'tcp'}": (
            "127.0.0.1",
            (mapping.get("hostPort") or None) if bridged else None,
        )
        for mapping in container.get("portMappings") or []
    }


def _health_check(check: Definition | None) -> dict[str, Any]:
    """Docker's health check; ECS ignores that of the image (ECS API, HealthCheck)."""
    if not check:
        return {"test": ["NONE"]}
    return {
        "test": list(check["command"]),
        "interval": (check.get("interval") or 30) * SECOND,
        "timeout": (check.get("timeout") or 5) * SECOND,
        "retries": check.get("retries") or 3,
        "start_period": (check.get("startPeriod") or 0) * SECOND,
    }
