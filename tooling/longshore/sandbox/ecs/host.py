"""Docker, for tasks: images, containers, networks, volumes, and how to sweep them up. No state is kept here."""

from __future__ import annotations

import contextlib
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
from longshore.sandbox.ecs.start_errors import OUT_OF_MEMORY, cannot_create, cannot_pull, cannot_start

TASK = "longshore.task"
CONTAINER = "longshore.container"

KILLED = 137
"""Exit code of a process that SIGKILL ended."""


class Host:
    """A container host: what a task needs of the Docker engine.

    Args:
        cloud: the sandbox, whose labels everything carries.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._docker = cloud.docker
        self._registry = cloud.registry
        self._labels = cloud.labels
        self._id = sandbox_id(cloud.directory)

    def pull(self, container: str, reference: str) -> Image:
        """Get an image ready.

        An image of the sandbox's registry is asked for at each start, as on a host that has never seen it (Fargate; an
        EC2 host would fall back on its copy). Another one that is here is taken as it is.

        Args:
            container: name of the container that wants it.
            reference: as in the container definition.

        Raises:
            StartError: CannotPullContainerError.
        """
        repository, tag = parse_repository_tag(reference)
        try:
            if not reference.startswith(f"{self._registry}/"):
                with contextlib.suppress(ImageNotFound):
                    return self._docker.images.get(reference)
            return self._docker.images.pull(repository, tag=tag or "latest")
        except APIError as error:
            raise cannot_pull(container, _explain(error)) from error

    def network(self, launch: Launch) -> str | None:
        """The private network of a task of several containers, where they find each other by name; else None.

        ECS's bridge has no shared localhost either. One of awsvpc has; here such a task must use the names.
        """
        if len(launch.definition["containerDefinitions"]) < 2:
            return None
        labels = self._labels | {TASK: launch.task}
        network = self._docker.networks.create(f"longshore-{launch.task}", driver="bridge", labels=labels)
        return str(network.name)

    def volumes(self, launch: Launch) -> dict[str, Mount]:
        """What stands for each volume of a task, by its name; the target is left open."""
        return {volume["name"]: self._volume(launch, volume) for volume in launch.definition.get("volumes") or []}

    def create(
        self,
        launch: Launch,
        container: container_arguments.Definition,
        secrets: Mapping[str, str],
        network: str | None,
        volumes: Mapping[str, Mount],
    ) -> Container:
        """Create a container of a task.

        Raises:
            StartError: CannotCreateContainerError.
        """
        options = container_arguments.arguments(launch, container, secrets)
        options["labels"] = {
            **(container.get("dockerLabels") or {}), **self._labels, TASK: launch.task, CONTAINER: container["name"],
        }  # fmt: skip
        if network:
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
        """What a container says, until it ends: all of it.

        Docker 20.10 ends the stream of a container that ends now and then before its last lines (one of a hundred that
        write ten thousand lines and exit). So what it has kept is read once more, past what has come.
        """
        come = 0
        for chunk in container.logs(stream=True, follow=True, timestamps=True):
            come += len(chunk)
            yield chunk
        with _unless_gone():
            for chunk in container.logs(stream=True, follow=False, timestamps=True):
                yield chunk[come:]
                come = max(come - len(chunk), 0)

    def ended(self, container: Container) -> tuple[int, str] | None:
        """Exit code and reason of a container that has ended; None while it runs, or if it never did."""
        try:
            container.reload()
        except NotFound:
            return KILLED, ""  # somebody removed it by hand
        state = container.attrs["State"]
        if state["Running"] or state["Status"] == "created":
            return None
        # With another exit code, OOMKilled only says that some child was killed.
        killed = state["OOMKilled"] and state["ExitCode"] == KILLED
        return int(state["ExitCode"]), OUT_OF_MEMORY if killed else ""

    def signal(self, container: Container, signal: str = "") -> None:
        """Send a container a signal, by default its image's stop signal; one that has ended gets none."""
        stop_signal = container.attrs["Config"].get("StopSignal") or "SIGTERM"
        with _unless_gone():
            container.kill(signal or stop_signal)

    def remove(self, task: str) -> None:
        """Remove the containers, the network and the own volumes of a task."""
        self._remove(f"{TASK}={task}")

    def sweep(self) -> None:
        """Remove every container, network and volume of this sandbox, running or not."""
        self._remove(f"{LABEL}={self._id}")

    def events(self) -> Any:
        """The ends and the health of this sandbox's containers, as they happen; to be closed by the caller."""
        wanted = {"type": "container", "event": ["die", "health_status"], "label": f"{LABEL}={self._id}"}
        return self._docker.events(decode=True, filters=wanted)

    def _volume(self, launch: Launch, volume: Mapping[str, Any]) -> Mount:
        docker = volume.get("dockerVolumeConfiguration") or {}
        if source := (volume.get("host") or {}).get("sourcePath"):
            return Mount("", source, type="bind")
        if docker.get("scope") == "shared":
            # Prefixed, so that two sandboxes with the same application do not share its data.
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
        # Listed through the plain API: the objects would be inspected one by one, and one may vanish meanwhile.
        containers = [found["Id"] for found in self._docker.api.containers(all=True, filters=filters)]
        _each(lambda name: self._docker.api.remove_container(name, v=True, force=True), containers)
        networks = [found["Id"] for found in self._docker.api.networks(filters=filters)]
        _each(self._docker.api.remove_network, networks)
        volumes = [found["Name"] for found in self._docker.api.volumes(filters=filters)["Volumes"] or []]
        _each(self._docker.api.remove_volume, volumes)


@contextlib.contextmanager
def _unless_gone() -> Iterator[None]:
    """Goes on where a container has ended, is being removed, or was removed."""
    try:
        yield
    except APIError as error:
        if error.status_code not in (404, 409):
            raise


def _each(remove: Callable[[str], Any], names: list[str]) -> None:
    """Remove several things at once; what is gone already, or just going, is no error."""

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
    """The digest that the registry knows an image by; empty for one that was never pushed."""
    repository, _ = parse_repository_tag(reference)
    entries: list[str] = image.attrs.get("RepoDigests") or []
    return next((entry.partition("@")[2] for entry in entries if entry.partition("@")[0] == repository), "")


def _aliases(launch: Launch, container: container_arguments.Definition) -> list[str]:
    """The names of a container in its task's network: its own, and those that others link it by."""
    links = [link for other in launch.definition["containerDefinitions"] for link in other.get("links") or []]
    linked = [link.partition(":")[2] for link in links if link.partition(":")[0] == container["name"]]
    return [container["name"], *filter(None, linked)]


def _explain(error: DockerException) -> str:
    return str(getattr(error, "explanation", None) or error)
