"""The Docker engine: connecting to it, and removing everything that a sandbox created in it."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress

import docker
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, NotFound
from docker.tls import TLSConfig
from requests.exceptions import RequestException

from longshore.errors import SandboxError
from longshore.sandbox.cloud import LABEL

HINT = "Start Docker Desktop, or on Linux the service `docker`, and check with: docker info"


def connect() -> docker.DockerClient:
    """Connect to the engine that the docker command line uses: DOCKER_HOST, else the current context.

    Raises:
        SandboxError: no engine answers.
    """
    with ExitStack() as cleanup:
        try:
            client = _client()
            cleanup.callback(client.close)
            client.ping()
        except (DockerException, RequestException, OSError) as error:
            raise SandboxError(f"no Docker engine answers: {error}", HINT) from error
        cleanup.pop_all()
    return client


def _client() -> docker.DockerClient:
    context = None if os.environ.get("DOCKER_HOST") else ContextAPI.get_current_context()
    if context is None or context.name == "default":
        return docker.from_env()
    tls = context.TLSConfig
    return docker.DockerClient(base_url=context.Host, tls=tls if isinstance(tls, TLSConfig) else False)


def host() -> str:
    """The engine's address, for processes without this user's configuration; empty for Docker's default."""
    if given := os.environ.get("DOCKER_HOST"):
        return given
    context = ContextAPI.get_current_context()
    return str(context.Host) if context and context.name != "default" else ""


def registry_id(sandbox: str) -> str:
    """The label of a sandbox's registry: sweeping the tasks must not remove the registry."""
    return f"{sandbox}-registry"


def sweep(client: docker.DockerClient, sandbox: str, registry: str | None) -> list[str]:
    """Remove everything that a sandbox created in the engine.

    Args:
        client: the engine.
        sandbox: its id, the value of the label.
        registry: ``127.0.0.1:PORT`` of its registry, whose tags are removed too; None if unknown.

    Returns:
        One line for each thing that was removed.
    """
    removed = _sweep(client, sandbox) + _sweep(client, registry_id(sandbox))
    return removed + (_untag(client, f"{registry}/") if registry else [])


def _sweep(client: docker.DockerClient, value: str) -> list[str]:
    label: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={value}"}
    removed = []
    for container in client.containers.list(all=True, filters=label, ignore_removed=True):
        with suppress(NotFound):
            container.remove(force=True, v=True)
            removed.append(f"container {container.name}")
    for network in client.networks.list(filters=label):
        with suppress(NotFound):
            network.remove()
            removed.append(f"network {network.name}")
    for volume in client.volumes.list(filters=label):
        with suppress(NotFound):
            volume.remove(force=True)
            removed.append(f"volume {volume.name}")
    return removed


def _untag(client: docker.DockerClient, prefix: str) -> list[str]:
    images = client.images.list()
    # an image pulled by digest has no tag; one whose last tag is removed loses its digests too
    names = [tag for image in images for tag in image.tags if tag.startswith(prefix)]
    names += [digest for image in images for digest in _digests(image.attrs) if digest.startswith(prefix)]
    removed = []
    for name in names:
        with suppress(APIError):
            client.images.remove(name, force=True)
            removed.append(f"image {name}")
    return removed


def _digests(attributes: dict[str, object]) -> list[str]:
    digests = attributes.get("RepoDigests")
    return [str(digest) for digest in digests] if isinstance(digests, list) else []
