"""The Docker host of tasks: images, containers, networks, volumes and their removal. It keeps no state."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.models.images import Image
from docker.types import Mount
from docker.utils import parse_repository_tag

from longshore.sandbox.cloud import LABEL, Cloud, sandbox_id
from longshore.sandbox.ecs import container_arguments
from longshore.sandbox.ecs.runtime import Launch
from longshore.sandbox.ecs.start_errors import (
    OUT_OF_MEMORY,
    cannot_create,
    cannot_pull,
    cannot_pull_on_fargate,
    cannot_start,
)

TASK = "longshore.task"
CONTAINER = "longshore.container"

KILLED = 137
"""Exit code of a process that SIGKILL ended."""


class Host:
    """The container host of all tasks.

    Args:
        cloud: the sandbox, whose labels all objects carry.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._docker = cloud.docker
        self._registry = cloud.registry
        self._login = {"username": "AWS", "password": cloud.registry_password}
        self._labels = cloud.labels
        self._id = sandbox_id(cloud.directory)

    def pull(self, container: str, reference: str, *, fargate: bool = False) -> Image:
        """Pull an image, or find it.

        Images of the sandbox's registry are pulled at each start, as on Fargate (an EC2 host would fall back on its
        copy). Other images are used as they are on this machine, if they are.

        Args:
            container: name of the container.
            reference: the image, with a tag or a digest.
            fargate: whether an error has the words of Fargate.

        Raises:
            StartError: CannotPullContainerError.
        """
        repository, tag = parse_repository_tag(reference)
        try:
            ours = reference.startswith(f"{self._registry}/")
            if not ours:
                with contextlib.suppress(ImageNotFound):
                    return self._docker.images.get(reference)
            return self._docker.images.pull(repository, tag=tag or "latest", auth_config=self._login if ours else None)
        except APIError as error:
            if fargate:
                detail = "not found" if isinstance(error, NotFound) else _explain(error)
                raise cannot_pull_on_fargate(reference, detail) from error
            raise cannot_pull(container, _explain(error)) from error

    def network(self, launch: Launch) -> str | None:
        """Create a private network for a task of several containers; None for a task of one.

        Its containers reach each other by name, not as localhost, which on AWS only awsvpc has.
        """
        if len(launch.definition["containerDefinitions"]) < 2 or launch.definition.get("networkMode") == "none":
            return None
        labels = self._labels | {TASK: launch.task}
        network = self._docker.networks.create(f"longshore-{launch.task}", driver="bridge", labels=labels)
        return str(network.name)

    def volumes(self, launch: Launch) -> dict[str, Mount]:
        """Create the volumes of a task: a Mount without target for each, by name."""
        return {volume["name"]: self._volume(launch, volume) for volume in launch.definition.get("volumes") or []}

    def create(
        self,
        launch: Launch,
        container: container_arguments.Definition,
        given: container_arguments.Given,
        network: str | None,
        volumes: Mapping[str, Mount],
    ) -> Container:
        """Create a container of a task.

        Raises:
            StartError: CannotCreateContainerError.
        """
        options = container_arguments.arguments(launch, container, given)
        options["labels"] = {
            **(container.get("dockerLabels") or {}), **self._labels, TASK: launch.task, CONTAINER: container["name"],
        }  # fmt: skip
        if network and not container_arguments.is_isolated(launch, container):
            endpoint = self._docker.api.create_endpoint_config(aliases=_aliases(launch, container))
            options |= {"network": network, "networking_config": {network: endpoint}}
        try:
            return self._docker.containers.create(mounts=container_arguments.mounts(container, volumes), **options)
        except DockerException as error:
            raise cannot_create(container["name"], _explain(error)) from error

    def start(self, container: Container, name: str) -> tuple[tuple[int, int], ...]:
        """Start a container.

        Returns:
            Its published ports: (container port, host port).

        Raises:
            StartError: CannotStartContainerError.
        """
        try:
            container.start()
            container.reload()
        except DockerException as error:
            raise cannot_start(name, _explain(error)) from error
        bound = container.attrs["NetworkSettings"]["Ports"] or {}
        pairs = ((inner, bindings[0]["HostPort"]) for inner, bindings in bound.items() if bindings)
        return tuple((int(inner.partition("/")[0]), int(outer)) for inner, outer in pairs)

    @staticmethod
    def follow(container: Container) -> Iterator[bytes]:
        """The whole log of a container, until it ends.

        Docker 20.10 sometimes ends the stream before a container's last lines (for one in a hundred containers that
        write ten thousand lines and exit), so the log is read again beyond the bytes received.
        """
        received = 0
        for chunk in container.logs(stream=True, follow=True, timestamps=True):
            received += len(chunk)
            yield chunk
        with _unless_gone():
            for chunk in container.logs(stream=True, follow=False, timestamps=True):
                yield chunk[received:]
                received = max(received - len(chunk), 0)

    def ended(self, container: Container) -> tuple[int, str] | None:
        """Exit code and reason of a container that has ended; None if it is running, or never ran."""
        try:
            container.reload()
        except NotFound:
            return KILLED, ""  # removed outside the sandbox
        state = container.attrs["State"]
        if state["Running"] or state["Status"] == "created":
            return None
        # With another exit code, OOMKilled only means that a child process was killed.
        killed = state["OOMKilled"] and state["ExitCode"] == KILLED
        return int(state["ExitCode"]), OUT_OF_MEMORY if killed else ""

    def signal(self, container: Container, signal: str = "") -> None:
        """Send a signal to a container, by default its stop signal; does nothing if it has ended."""
        stop_signal = container.attrs["Config"].get("StopSignal") or "SIGTERM"
        with _unless_gone():
            container.kill(signal or stop_signal)

    def remove(self, task: str) -> None:
        """Remove the containers, the network and the volumes of a task."""
        self._remove(f"{TASK}={task}")

    def sweep(self) -> None:
        """Remove all containers, networks and volumes of this sandbox."""
        self._remove(f"{LABEL}={self._id}")

    def events(self) -> Any:
        """The events of this sandbox's containers: ends and health; the caller closes them."""
        filters = {"type": "container", "event": ["die", "health_status"], "label": f"{LABEL}={self._id}"}
        return self._docker.events(decode=True, filters=filters)

    def _volume(self, launch: Launch, volume: Mapping[str, Any]) -> Mount:
        docker = volume.get("dockerVolumeConfiguration") or {}
        if source := (volume.get("host") or {}).get("sourcePath"):
            return Mount("", source, type="bind")
        if efs := volume.get("efsVolumeConfiguration"):
            # Each root directory of a file system, and each access point, is one volume, which lasts.
            name, labels = f"longshore-{self._id}-{_efs_name(efs)}", self._labels
        elif docker.get("scope") == "shared":
            # Prefixed: two sandboxes with the same application must not share data.
            name, labels = f"longshore-{self._id}-{volume['name']}", self._labels
        else:
            name, labels = f"longshore-{launch.task}-{volume['name']}", self._labels | {TASK: launch.task}
        self._docker.volumes.create(
            name,
            driver=docker.get("driver") or "local",
            driver_opts=docker.get("driverOpts") or {},
            labels={**(docker.get("labels") or {}), **labels},
        )
        return Mount("", name, type="volume")

    def _remove(self, label: str) -> None:
        filters = {"label": label}
        # Through the low-level API: the objects would be inspected one by one, and one may vanish in between.
        containers = [container["Id"] for container in self._docker.api.containers(all=True, filters=filters)]
        _remove_all(lambda name: self._docker.api.remove_container(name, v=True, force=True), containers)
        networks = [network["Id"] for network in self._docker.api.networks(filters=filters)]
        _remove_all(self._docker.api.remove_network, networks)
        volumes = [volume["Name"] for volume in self._docker.api.volumes(filters=filters)["Volumes"] or []]
        _remove_all(self._docker.api.remove_volume, volumes)


@contextlib.contextmanager
def _unless_gone() -> Iterator[None]:
    """Ignore errors about a container that has ended or is being removed."""
    try:
        yield
    except APIError as error:
        if error.status_code not in (404, 409):
            raise


def _remove_all(remove: Callable[[str], Any], names: list[str]) -> None:
    """Remove several objects at once, ignoring those that are gone or being removed."""

    def removed(name: str) -> None:
        with contextlib.suppress(NotFound):
            try:
                remove(name)
            except APIError as error:
                if error.status_code != 409 or "already in progress" not in _explain(error):
                    raise

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(removed, names))


def image_digest(image: Image, reference: str) -> str:
    """The digest of an image in its registry; empty if it was never pushed."""
    repository, _ = parse_repository_tag(reference)
    entries: list[str] = image.attrs.get("RepoDigests") or []
    return next((entry.partition("@")[2] for entry in entries if entry.partition("@")[0] == repository), "")


def _efs_name(configuration: Mapping[str, Any]) -> str:
    """A name for the files that an EFS volume shows: a file system, an access point and a root directory."""
    point = (configuration.get("authorizationConfig") or {}).get("accessPointId") or ""
    root = (configuration.get("rootDirectory") or "/").strip("/")
    digest = hashlib.sha256(f"{point} {root}".encode()).hexdigest()[:8]
    return f"{configuration['fileSystemId'].rpartition('/')[2]}-{digest}"


def _aliases(launch: Launch, container: container_arguments.Definition) -> list[str]:
    """The names of a container in its task's network: its own, and those of links to it."""
    links = [link for sibling in launch.definition["containerDefinitions"] for link in sibling.get("links") or []]
    linked = [link.partition(":")[2] for link in links if link.partition(":")[0] == container["name"]]
    return [container["name"], *filter(None, linked)]


def _explain(error: DockerException) -> str:
    return str(getattr(error, "explanation", None) or error)
