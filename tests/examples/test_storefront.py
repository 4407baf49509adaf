"""The example application in real containers: its responses, and how it stops."""

from __future__ import annotations

import http.client
import json
import socket
import time
import uuid
from collections.abc import Callable, Iterator

import docker
import pytest
from docker.models.containers import Container
from docker.models.images import Image

from tests.paths import ROOT

pytestmark = pytest.mark.e2e

STOREFRONT = ROOT / "examples" / "storefront"
LABEL = "longshore.test"

Start = Callable[..., Container]
both = pytest.mark.parametrize("init", [False, True], ids=["shell as process 1", "init as process 1"])


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient) -> Iterator[Image]:
    built, _ = engine.images.build(path=str(STOREFRONT), tag=f"longshore-test:{uuid.uuid4().hex}", rm=True)
    yield built
    # Removed by name: another test may use the same layers.
    engine.images.remove(built.tags[0], force=True)


@pytest.fixture
def start(engine: docker.DockerClient, image: Image) -> Iterator[Start]:
    name = f"longshore-test-{uuid.uuid4().hex}"
    volume = engine.volumes.create(name, labels={LABEL: "storefront"})
    started: list[Container] = []

    def run(command: str, *, init: bool = False) -> Container:
        container = engine.containers.create(
            image,
            [command],
            init=init,
            environment={"RELEASE_VERSION": "v1.2.3"},
            ports={"8080/tcp": ("127.0.0.1", 0)},
            volumes={name: {"bind": "/data", "mode": "rw"}},
            labels={LABEL: "storefront"},
        )
        started.append(container)
        container.start()
        return container

    yield run
    for container in started:
        container.remove(force=True)
    volume.remove()


def port(container: Container) -> int:
    container.reload()
    published = container.ports["8080/tcp"]
    assert published
    return int(published[0]["HostPort"])


def wait_for_log(container: Container, text: str) -> None:
    deadline = time.monotonic() + 10
    while text not in container.logs().decode():
        assert time.monotonic() < deadline, container.logs().decode()
        time.sleep(0.05)


def get(port: int, path: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, response.headers["Content-Type"], body


def stop(container: Container) -> tuple[int, float]:
    """The exit code after SIGTERM, and the seconds until the container stopped."""
    begin = time.monotonic()
    container.kill("SIGTERM")
    code = container.wait(timeout=10)["StatusCode"]
    return code, time.monotonic() - begin


@both
def test_web_serves_many_requests_and_stops_within_a_second(start: Start, *, init: bool) -> None:
    container = start("web", init=init)
    wait_for_log(container, "listening")
    published = port(container)

    responses = {get(published, "/health") for _ in range(200)}
    assert len(responses) == 1
    status, kind, body = responses.pop()
    assert (status, kind) == (200, "application/json")
    assert json.loads(body) == {"status": "ok", "version": "v1.2.3", "schema": 0}

    status, kind, page = get(published, "/")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert (STOREFRONT / "greeting.txt").read_text().strip() in page
    assert "v1.2.3" in page
    assert get(published, "/elsewhere")[0] == 404

    code, seconds = stop(container)
    assert code == 0
    assert seconds < 1.5


@both
def test_web_finishes_a_request_in_progress_before_it_stops(start: Start, *, init: bool) -> None:
    container = start("web", init=init)
    wait_for_log(container, "listening")
    with socket.create_connection(("127.0.0.1", port(container)), timeout=5) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n")
        time.sleep(0.2)
        container.kill("SIGTERM")
        time.sleep(0.2)
        connection.sendall(b"\r\n")
        response = b"".join(iter(lambda: connection.recv(4096), b""))
    assert response.startswith(b"HTTP/1.1 200 OK\r\n")
    assert container.wait(timeout=10)["StatusCode"] == 0


@both
def test_worker_logs_its_version_and_stops_within_a_second(start: Start, *, init: bool) -> None:
    container = start("worker", init=init)
    wait_for_log(container, "storefront worker v1.2.3: round 1")
    code, seconds = stop(container)
    assert code == 0
    assert seconds < 1.5
    assert container.logs().decode().splitlines()[-1] == "storefront worker v1.2.3: stopped"


def test_migrate_applies_each_migration_once_and_web_reports_the_schema_version(start: Start) -> None:
    migrations = sorted(path.name for path in (STOREFRONT / "migrations").iterdir())
    outputs = []
    for _ in range(2):
        container = start("migrate")
        assert container.wait(timeout=10)["StatusCode"] == 0
        outputs.append([line.partition(": ")[2] for line in container.logs().decode().splitlines()])
    assert outputs == [
        ["schema version 0", *(f"applied {name}" for name in migrations)],
        [f"schema version {len(migrations)}", "no migrations to apply"],
    ]

    web = start("web")
    wait_for_log(web, "listening")
    assert json.loads(get(port(web), "/health")[2])["schema"] == len(migrations)


def test_an_unknown_command_is_rejected(start: Start) -> None:
    container = start("serve")
    assert container.wait(timeout=10)["StatusCode"] == 2
    assert "usage: storefront web|worker|migrate" in container.logs().decode()
