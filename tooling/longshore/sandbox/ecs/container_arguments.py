"""From a task definition to the arguments of Docker: pure, no container is touched here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from docker.types import LogConfig, Mount, Ulimit

from longshore.sandbox.ecs.runtime import Launch

MIB = 1024 * 1024
SECOND = 1_000_000_000  # Docker counts in nanoseconds
STOP_TIMEOUT = 30
"""Seconds between SIGTERM and SIGKILL, unless the container says otherwise (ECS API, stopTimeout)."""

Definition = Mapping[str, Any]


def containers_in_order(definition: Definition) -> list[Definition]:
    """The container definitions, each after those that it depends on; a circle is cut where it closes."""
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
    """What RunTask overrides of a container."""
    overrides: Sequence[Definition] = launch.overrides.get("containerOverrides") or []
    return next((override for override in overrides if override["name"] == name), {})


def environment(container: Definition, override: Definition, secrets: Mapping[str, str]) -> dict[str, str]:
    """The variables of a container: its own, over them those of RunTask; secrets win, as on ECS."""
    pairs = [*(container.get("environment") or []), *(override.get("environment") or [])]
    return {pair["name"]: pair.get("value") or "" for pair in pairs} | dict(secrets)


def arguments(launch: Launch, container: Definition, secrets: Mapping[str, str]) -> dict[str, Any]:
    """Arguments for docker's `containers.create`: all but labels, network and mounts, which need the engine.

    Args:
        launch: the task.
        container: one container definition of it.
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
        # The followers of logs.py read from this driver, whatever the engine's default is.
        "log_config": LogConfig(type=LogConfig.types.JSON),
        **_limits(launch, container, override),
    }


def mounts(container: Definition, volumes: Mapping[str, Mount]) -> list[Mount]:
    """The mounts of a container.

    Args:
        container: its definition.
        volumes: what stands for each volume of the task, by name: a Mount whose target is still to be set.
    """
    found = []
    for point in container.get("mountPoints") or []:
        volume = volumes[point["sourceVolume"]]
        read_only = bool(point.get("readOnly"))
        found.append(Mount(point["containerPath"], volume["Source"], type=volume["Type"], read_only=read_only))
    return found


def stop_timeout(container: Definition) -> int:
    """Seconds between SIGTERM and SIGKILL."""
    given = container.get("stopTimeout")
    return STOP_TIMEOUT if given is None else int(given)


def log_options(container: Definition) -> dict[str, str] | None:
    """The awslogs options of a container; None if its lines go nowhere."""
    configuration = container.get("logConfiguration") or {}
    return dict(configuration.get("options") or {}) if configuration.get("logDriver") == "awslogs" else None


def _limits(launch: Launch, container: Definition, override: Definition) -> dict[str, Any]:
    """Memory and processor; a container without a limit of its own has that of the task (ECS API, memory)."""
    hard = override.get("memory") or container.get("memory")
    soft = override.get("memoryReservation") or container.get("memoryReservation")
    task = launch.overrides.get("memory") or launch.definition.get("memory")
    limit = int(hard or task or 0) * MIB or None
    return {
        "mem_limit": limit,
        "memswap_limit": limit,  # no swap on top, so that the limit is where the container is killed
        "mem_reservation": int(soft) * MIB if soft else None,
        "cpu_shares": max(2, int(override.get("cpu") or container.get("cpu") or 0)),
    }


def _ports(launch: Launch, container: Definition) -> dict[str, tuple[str, int | None]]:
    """Each published port, on loopback only; None lets the engine choose.

    A task definition made for awsvpc runs on a bridge here: its host port, which must equal the container port there,
    would let one task only run on this machine.
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
    """Docker's health check; ECS ignores the one of the image (ECS API, HealthCheck)."""
    if not check:
        return {"test": ["NONE"]}
    return {
        "test": list(check["command"]),
        "interval": (check.get("interval") or 30) * SECOND,
        "timeout": (check.get("timeout") or 5) * SECOND,
        "retries": check.get("retries") or 3,
        "start_period": (check.get("startPeriod") or 0) * SECOND,
    }
