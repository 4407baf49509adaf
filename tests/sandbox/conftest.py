from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from longshore.sandbox import control
from longshore.sandbox.api import log_events, messages
from longshore.sandbox.api.aws_api import AwsApi, moto_application
from longshore.sandbox.api.credentials import AccessKeys
from longshore.sandbox.api.request_log import RequestLog
from longshore.sandbox.ecs.timing import Timing
from longshore.sandbox.registry import ecr
from longshore.sandbox.serving import listen, serve
from longshore.sandbox.state import State
from tests.conformance.witness import watching
from tests.sandbox.build_world import World, world_in
from tests.sandbox.moto_api import KEY, SECRET, Api, MemoryRegistry, Repo, moto_restored, repository


@pytest.fixture(scope="module", autouse=True)
def moto_as_it_was() -> Iterator[None]:
    """Restore moto after each module of these tests: other tests need it unchanged."""
    with moto_restored():
        yield


@pytest.fixture(autouse=True)
def answers_in_the_shape_of_aws() -> Iterator[None]:
    """Compare every answer of a sandbox in this process with AWS's models."""
    with watching() as witness:
        yield
    assert witness.take() == []


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    registry, log, timing = MemoryRegistry(), RequestLog(), Timing()
    ecr.install("127.0.0.1:5999", registry, "of-docker")
    log_events.install(timing)
    messages.install()
    status: dict[str, Any] = {"services": [], "tasks": []}
    with listen(0) as listener:
        server = serve(AwsApi(moto_application(), AccessKeys(KEY, SECRET), log, lambda: status), listener)
        yield Api(f"http://127.0.0.1:{server.port}", log, registry, timing)
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """CodeBuild of a sandbox, whose builds run real commands."""
    with world_in(tmp_path_factory.mktemp("cloud") / ".longshore" / "sandbox") as world:
        yield world


@pytest.fixture
def immutable(api: Api) -> Repo:
    return repository(api, "IMMUTABLE")


@pytest.fixture
def mutable(api: Api) -> Repo:
    return repository(api, "MUTABLE")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    """A whole sandbox; only for tests marked e2e."""
    directory = tmp_path_factory.mktemp("cloud") / "sandbox"
    yield control.up(directory)
    control.down(directory)
