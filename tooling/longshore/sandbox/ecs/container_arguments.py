"""Translates task definitions to Docker's arguments, without calling Docker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docker.types import LogConfig, Mount, Ulimit

from longshore.sandbox.ecs.runtime import Launch
from longshore.sandbox.ecs.version_consistency import image_of

MIB = 1024 * 1024
SECOND = 1_000_000_000  # Docker counts in nanoseconds
STOP_TIMEOUT = 30
"""The default number of seconds between SIGTERM and SIGKILL (ECS API, stopTimeout)."""

PERIOD = 100_000
"""The length of the scheduler's period in which Docker limits CPU time, in microseconds."""

Definition = Mapping[str, Any]


@dataclass(frozen=True)
class Given:
    """The variables that a container gets from elsewhere.

    Attributes:
        secrets: the values of its `secrets`, by variable.
        environment_files: the variables of its environment files.
    """

    secrets: Mapping[str, str] = field(default_factory=dict)
    environment_files: Mapping[str, str] = field(default_factory=dict)


def containers_in_order(definition: Definition) -> list[Definition]:
    """The container definitions, each after its dependencies; a cycle is broken where it closes."""
    by_name = {container["name"]: container for container in definition["containerDefinitions"]}
    ordered: dict[str, Definition] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in ordered or name in path or name not in by_name:
            return
        needs = [dependency["containerName"] for dependency in by_name[name].get("dependsOn") or []]
        needs += [source["sourceContainer"] for source in by_name[name].get("volumesFrom") or []]
        for needed in needs:
            visit(needed, (*path, name))
        ordered[name] = by_name[name]

    for name in by_name:
        visit(name, ())
    return list(ordered.values())


def override_of(launch: Launch, name: str) -> Definition:
    """The overrides of RunTask for a container."""
    overrides: Sequence[Definition] = launch.overrides.get("containerOverrides") or []
    return next((override for override in overrides if override["name"] == name), {})


def environment(container: Definition, override: Definition, given: Given) -> dict[str, str]:
    """The variables of a container, with RunTask's overrides.

    `environment` takes precedence over environment files (ECS API, environmentFiles), and secrets over both.
    """
    pairs = [*(container.get("environment") or []), *(override.get("environment") or [])]
    variables = {pair["name"]: pair.get("value") or "" for pair in pairs}
    return {**given.environment_files, **variables, **given.secrets}


def arguments(launch: Launch, container: Definition, given: Given) -> dict[str, Any]:
    """Arguments of Docker's `containers.create`, except labels, network and mounts, which require the engine.

    Args:
        launch: the task.
        container: the container definition.
        given: the values of its secrets and environment files.
    """
    override = override_of(launch, container["name"])
    return {
        "image": image_of(launch, container),
        "name": name_of(launch, container["name"]),
        "command": override.get("command") or container.get("command") or None,
        "entrypoint": container.get("entryPoint") or None,
        "environment": environment(container, override, given),
        "working_dir": container.get("workingDirectory"),
        "user": container.get("user"),
        "privileged": bool(container.get("privileged")),
        "read_only": bool(container.get("readonlyRootFilesystem")),
        "tty": bool(container.get("pseudoTerminal")),
        "stdin_open": bool(container.get("interactive")),
        "ulimits": [
            Ulimit(name=limit["name"], soft=limit["softLimit"], hard=limit["hardLimit"])
            for limit in container.get("ulimits") or []
        ],
        "volumes_from": [
            name_of(launch, source["sourceContainer"]) + (":ro" if source.get("readOnly") else "")
            for source in container.get("volumesFrom") or []
        ],
        "healthcheck": _health_check(container.get("healthCheck")),
        # LogWriter reads from this driver, which need not be the engine's default.
        "log_config": LogConfig(type=LogConfig.types.JSON),
        **_network(launch, container),
        **_kernel(container),
        **_limits(launch, container, override),
    }


def name_of(launch: Launch, container: str) -> str:
    """The name of a task's container on the engine."""
    return f"ecs-{launch.family}-{container}-{launch.task[:12]}"


def is_isolated(launch: Launch, container: Definition) -> bool:
    """Whether a container has no network."""
    return bool(container.get("disableNetworking")) or launch.definition.get("networkMode") == "none"


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


def _network(launch: Launch, container: Definition) -> dict[str, Any]:
    """The arguments for names and ports."""
    return {
        "hostname": container.get("hostname"),
        "dns": container.get("dnsServers") or None,
        "dns_search": container.get("dnsSearchDomains") or None,
        "network_disabled": bool(container.get("disableNetworking")),
        **({"network_mode": "none"} if is_isolated(launch, container) else {}),
        "extra_hosts": {host["hostname"]: host["ipAddress"] for host in container.get("extraHosts") or []},
        "ports": _ports(launch, container),
    }


def _kernel(container: Definition) -> dict[str, Any]:
    """The arguments for the kernel: parameters, devices, capabilities and memory file systems."""
    linux = container.get("linuxParameters") or {}
    return {
        "sysctls": {control["namespace"]: control["value"] for control in container.get("systemControls") or []},
        "devices": [_device(device) for device in linux.get("devices") or []],
        "security_opt": container.get("dockerSecurityOptions") or None,
        "init": bool(linux.get("initProcessEnabled")),
        "cap_add": (linux.get("capabilities") or {}).get("add"),
        "cap_drop": (linux.get("capabilities") or {}).get("drop"),
        "shm_size": linux["sharedMemorySize"] * MIB if linux.get("sharedMemorySize") else None,
        "tmpfs": {
            entry["containerPath"]: ",".join([f"size={entry['size']}m", *(entry.get("mountOptions") or [])])
            for entry in linux.get("tmpfs") or []
        },
    }


def _limits(launch: Launch, container: Definition, override: Definition) -> dict[str, Any]:
    """Memory and CPU; a container without a memory limit has the task's (ECS API, memory)."""
    hard = override.get("memory") or container.get("memory")
    soft = override.get("memoryReservation") or container.get("memoryReservation")
    task = launch.overrides.get("memory") or launch.definition.get("memory")
    limit = int(hard or task or 0) * MIB or None
    swap = int((container.get("linuxParameters") or {}).get("maxSwap") or 0) * MIB
    units = int(launch.overrides.get("cpu") or launch.definition.get("cpu") or 0)
    return {
        "mem_limit": limit,
        # no swap beyond maxSwap, so that the limit kills the container
        "memswap_limit": limit + swap if limit else None,
        # Fargate has no more CPU than the task's size; here each container of the task may use all of it
        "cpu_period": PERIOD if units and launch.launch_type == "FARGATE" else None,
        "cpu_quota": units * PERIOD // 1024 if units and launch.launch_type == "FARGATE" else None,
        "mem_reservation": int(soft) * MIB if soft else None,
        "cpu_shares": max(2, int(override.get("cpu") or container.get("cpu") or 0)),
    }


def _device(device: Definition) -> str:
    """A device in Docker's form, with the permissions r, w and m; all of them by default."""
    permissions = "".join(name[0] for name in device.get("permissions") or ("read", "write", "mknod"))
    return f"{device['hostPath']}:{device.get('containerPath') or device['hostPath']}:{permissions}"


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
        if not is_isolated(launch, container)
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
