"""The reasons of failed pulls, with an engine that refuses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from docker.errors import APIError, NotFound

from longshore.sandbox.cloud import Cloud
from longshore.sandbox.ecs.host import Host
from longshore.sandbox.ecs.start_errors import StartError

IMAGE = "127.0.0.1:5999/shop/app:v1"
RESOLVING = f"CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {IMAGE}"
DAEMON = "CannotPullContainerError: Error response from daemon"


class Engine:
    """A Docker engine whose pulls fail."""

    def __init__(self, error: Exception) -> None:
        self.images = self
        self._error = error

    def pull(self, *_arguments: Any, **_rest: Any) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "fargate", "message", "container"),
    [
        (NotFound("x", explanation="manifest unknown"), False, f"{DAEMON}: manifest unknown", "web"),
        (NotFound("x", explanation="manifest unknown"), True, f"{RESOLVING}: {IMAGE}: not found", ""),
        (APIError("x", explanation="i/o timeout"), True, f"{RESOLVING}: {IMAGE}: i/o timeout", ""),
    ],
)
def test_a_failed_pull_is_explained_as_on_its_launch_type(
    tmp_path: Path,
    error: Exception,
    fargate: bool,  # noqa: FBT001
    message: str,
    container: str,
) -> None:
    """On Fargate the reason is the task's (tests/conformance/recordings/ecs.tasks.toml)."""
    cloud = Cloud(
        tmp_path, "eu-central-1", "123456789012", "127.0.0.1:5999", cast("Any", None), cast("Any", Engine(error))
    )
    with pytest.raises(StartError) as failure:
        Host(cloud).pull("web", IMAGE, fargate=fargate)
    assert (failure.value.message, failure.value.container) == (message, container)
