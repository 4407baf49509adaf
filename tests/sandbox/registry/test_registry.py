from __future__ import annotations

import base64
import contextlib
import json
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import docker
import pytest
from botocore.exceptions import ClientError
from docker.errors import DockerException, ImageNotFound
from moto.ecr.models import Repository as Record

from longshore.errors import SandboxError
from longshore.sandbox.cloud import LABEL, sandbox_id
from longshore.sandbox.processes import command_line
from longshore.sandbox.registry import distribution
from longshore.sandbox.registry.catalogue import Catalogue, Repository
from longshore.sandbox.registry.distribution import RegistryProcess, end_orphan
from longshore.sandbox.registry.images import digest_of
from longshore.sandbox.registry.proxy import RegistryProxy
from longshore.sandbox.registry.upstream import Answer, Upstream
from longshore.sandbox.serving import listen, serve
from longshore.sandbox.state import State
from tests.sandbox.moto_api import MANIFEST_TYPE, REGION, MemoryRegistry, Repo, aws

PASSWORD = "of-docker"
LOGIN = f"Basic {base64.b64encode(f'AWS:{PASSWORD}'.encode()).decode()}"


class UploadingRegistry(MemoryRegistry):
    """Responds to the start of an upload like the real one: with its own address."""

    def request(self, method: str, path: str, body: bytes | None = None, media_type: str = "") -> Answer:
        assert (method, body) == ("POST", b"")
        return Answer(202, {"location": f"http://{self.address}{path}7f"}, b"")


class Shelf(Catalogue):
    """A catalogue of a test's repositories."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    def add(self, name: str, mutability: str) -> None:
        make: Any = Record  # for a type checker it is abstract: parts for CloudFormation are missing
        self.records[name] = make("123456789012", REGION, name, None, None, "", mutability)

    def find(self, name: str) -> Repository | None:
        return Repository(self.records[name]) if name in self.records else None


@dataclass
class ProxyClient:
    """A client of the proxy in front of a registry in memory."""

    address: str
    registry: MemoryRegistry
    shelf: Shelf
    connections: list[HTTPConnection] = field(default_factory=list)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = HTTPConnection(self.address, timeout=10)
        self.connections.append(connection)
        given = {"Authorization": LOGIN} | {name.replace("_", "-"): headers[name] for name in headers}
        connection.request(method, path, body=body, headers={name: value for name, value in given.items() if value})
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())

    def push(self, name: str, reference: str, manifest: bytes) -> Answer:
        return self.ask("PUT", f"/v2/{name}/manifests/{reference}", manifest, Content_Type=MANIFEST_TYPE)

    def manifest(self, name: str, content: str = "a") -> bytes:
        return Repo(name, None, self.registry).manifest(content).encode()

    def tags(self, name: str) -> dict[str, str]:
        return {tag: image.image_digest for image in self.shelf.records[name].images for tag in image.image_tags}


def proxy_of(upstream: MemoryRegistry) -> Iterator[ProxyClient]:
    shelf = Shelf()
    shelf.add("shop/app", "IMMUTABLE")
    shelf.add("shop/cache", "MUTABLE")
    server = RegistryProxy(upstream, shelf, PASSWORD)
    proxy = ProxyClient(server.address, upstream, shelf)
    yield proxy
    for connection in proxy.connections:
        connection.close()
    server.stop()


@pytest.fixture
def proxy() -> Iterator[ProxyClient]:
    yield from proxy_of(UploadingRegistry())


@pytest.fixture
def proxy_without_registry() -> Iterator[ProxyClient]:
    """A proxy whose registry does not answer."""
    upstream = MemoryRegistry()
    upstream.put_manifest = Upstream("127.0.0.1:1").put_manifest  # type: ignore[method-assign]
    yield from proxy_of(upstream)


def errors(answer: Answer) -> list[dict[str, str]]:
    refusals: list[dict[str, str]] = json.loads(answer.body)["errors"]
    return refusals


@pytest.mark.parametrize(
    "login", ["", "Basic", "Basic QVdTOg==", "Basic QVdTOjEyMzQ1Njc4OTAxMg==", f"Bearer {PASSWORD}", "Basic %%%"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/"),
        ("GET", "/v2/shop/app/tags/list"),
        ("GET", "/v2/shop/app/manifests/v1"),
        ("PUT", "/v2/shop/app/manifests/v1"),
        ("POST", "/v2/shop/app/blobs/uploads/"),
        ("GET", "/v2/shop/app/blobs/sha256:0"),
    ],
)
def test_nothing_is_answered_without_the_login(proxy: ProxyClient, method: str, path: str, login: str) -> None:
    answer = proxy.ask(method, path, b"{}" if method == "PUT" else None, Authorization=login)
    assert (answer.status, errors(answer)[0]["code"]) == (401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert "location" not in answer.headers


def test_the_registry_names_its_protocol(proxy: ProxyClient) -> None:
    answer = proxy.ask("GET", "/v2/")
    assert (answer.status, answer.headers["docker-distribution-api-version"]) == (200, "registry/2.0")


def test_a_pushed_image_is_known_to_ecr_and_can_be_pulled(proxy: ProxyClient) -> None:
    manifest = proxy.manifest("shop/app")
    digest = digest_of(manifest)
    pushed = proxy.push("shop/app", "v1", manifest)
    assert (pushed.status, pushed.headers["docker-content-digest"]) == (201, digest)
    assert proxy.tags("shop/app") == {"v1": digest}
    assert proxy.registry.manifests == {("shop/app", digest): manifest}
    for reference in ("v1", digest):
        pulled = proxy.ask("GET", f"/v2/shop/app/manifests/{reference}")
        assert (pulled.status, pulled.body) == (200, manifest)
        assert pulled.headers["content-type"] == MANIFEST_TYPE
        asked = proxy.ask("HEAD", f"/v2/shop/app/manifests/{reference}")
        assert (asked.headers["docker-content-digest"], asked.headers["content-length"]) == (digest, str(len(manifest)))


def test_a_manifest_pushed_by_its_digest_has_no_tag(proxy: ProxyClient) -> None:
    manifest = proxy.manifest("shop/app")
    assert proxy.push("shop/app", digest_of(manifest), manifest).status == 201
    assert proxy.push("shop/app", digest_of(manifest), manifest).status == 201
    assert proxy.tags("shop/app") == {}
    assert proxy.ask("GET", f"/v2/shop/app/manifests/{digest_of(manifest)}").body == manifest
    wrong = proxy.push("shop/app", f"sha256:{'0' * 64}", manifest)
    assert (wrong.status, errors(wrong)[0]["code"]) == (400, "DIGEST_INVALID")


@pytest.mark.parametrize("content", ["another", "a"])
def test_an_immutable_tag_is_refused_with_ecrs_message(proxy: ProxyClient, content: str) -> None:
    proxy.push("shop/app", "v1", proxy.manifest("shop/app"))
    before = proxy.tags("shop/app")
    refused = proxy.push("shop/app", "v1", proxy.manifest("shop/app", content))
    assert refused.status == 400
    assert errors(refused) == [
        {
            "code": "TAG_INVALID",
            "message": "The image tag 'v1' already exists in the 'shop/app' repository "
            "and cannot be overwritten because the repository is immutable.",
        }
    ]
    assert proxy.tags("shop/app") == before
    assert len(proxy.registry.manifests) == 1


def test_a_mutable_tag_moves_and_may_be_pushed_again(proxy: ProxyClient) -> None:
    for content in ("a", "a", "b"):
        assert proxy.push("shop/cache", "latest", proxy.manifest("shop/cache", content)).status == 201
    assert proxy.tags("shop/cache") == {"latest": digest_of(proxy.manifest("shop/cache", "b"))}


def test_only_one_of_many_concurrent_pushes_of_a_tag_succeeds(proxy: ProxyClient) -> None:
    manifests = [proxy.manifest("shop/app", str(number)) for number in range(8)]
    answers: list[Answer] = []
    start = threading.Barrier(len(manifests))

    def push(manifest: bytes) -> None:
        start.wait()
        answers.append(proxy.push("shop/app", "v1", manifest))

    threads = [threading.Thread(target=push, args=(manifest,)) for manifest in manifests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [201] + [400] * 7
    (winner,) = [answer for answer in answers if answer.status == 201]
    assert proxy.tags("shop/app") == {"v1": winner.headers["docker-content-digest"]}


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "manifests/v1"), ("GET", "manifests/v1"), ("HEAD", "blobs/sha256:0"), ("POST", "blobs/uploads/")],
)
def test_an_unknown_repository_is_refused(proxy: ProxyClient, method: str, path: str) -> None:
    answer = proxy.ask(method, f"/v2/shop/other/{path}", b"" if method in ("PUT", "POST") else None)
    assert answer.status == 404
    if method != "HEAD":
        assert errors(answer)[0]["code"] == "NAME_UNKNOWN"


def test_a_manifest_with_missing_layers_gets_the_registrys_response(proxy: ProxyClient) -> None:
    answer = proxy.push("shop/app", "v1", proxy.manifest("elsewhere"))
    assert (answer.status, errors(answer)[0]["code"]) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert proxy.tags("shop/app") == {}


def test_layers_bypass_the_proxy(proxy: ProxyClient) -> None:
    begun = proxy.ask("POST", "/v2/shop/app/blobs/uploads/", b"")
    assert (begun.status, begun.headers["location"]) == (202, "http://127.0.0.1:1/v2/shop/app/blobs/uploads/7f")
    layer = proxy.ask("GET", "/v2/shop/app/blobs/sha256:0")
    assert (layer.status, layer.headers["location"]) == (307, "http://127.0.0.1:1/v2/shop/app/blobs/sha256:0")


def test_the_query_of_a_layers_request_reaches_the_registry_unchanged(proxy: ProxyClient) -> None:
    layer = proxy.ask("HEAD", "/v2/shop/app/blobs/sha256:0?mount=a%2Fb&from=c")
    assert layer.headers["location"] == "http://127.0.0.1:1/v2/shop/app/blobs/sha256:0?mount=a%2Fb&from=c"


def test_a_repository_may_be_named_like_a_part_of_the_api(proxy: ProxyClient) -> None:
    proxy.shelf.add("shop/manifests/blobs", "MUTABLE")
    manifest = proxy.manifest("shop/manifests/blobs")
    assert proxy.push("shop/manifests/blobs", "v1", manifest).status == 201
    assert proxy.ask("GET", "/v2/shop/manifests/blobs/manifests/v1").body == manifest


def test_a_client_that_expects_100_continue_gets_it_once(proxy: ProxyClient) -> None:
    manifest = proxy.manifest("shop/app")
    host, port = proxy.address.split(":")
    with socket.create_connection((host, int(port))) as connection, connection.makefile("rb") as answers:
        head = f"PUT /v2/shop/app/manifests/v1 HTTP/1.1\r\nHost: {proxy.address}\r\nAuthorization: {LOGIN}\r\n"
        head += f"Content-Type: {MANIFEST_TYPE}\r\n"
        connection.sendall(f"{head}Content-Length: {len(manifest)}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert [answers.readline(), answers.readline()] == [b"HTTP/1.1 100 Continue\r\n", b"\r\n"]
        connection.sendall(manifest)
        assert answers.readline() == b"HTTP/1.1 201 CREATED\r\n"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("PATCH", "/v2/shop/app/blobs/uploads/7f", 405, "UNSUPPORTED"),
        ("GET", "/v2/shop/app/manifests/v9", 404, "MANIFEST_UNKNOWN"),
        ("DELETE", "/v2/shop/app/manifests/v1", 405, "UNSUPPORTED"),
        ("GET", "/v2/_catalog", 404, "UNSUPPORTED"),
    ],
)
def test_requests_that_ecr_does_not_serve_are_refused(
    proxy: ProxyClient, method: str, path: str, status: int, code: str
) -> None:
    answer = proxy.ask(method, path)
    assert (answer.status, errors(answer)[0]["code"]) == (status, code)


@pytest.mark.parametrize("headers", [{"Content_Length": str(2**40)}, {"Transfer_Encoding": "chunked"}])
def test_a_body_that_cannot_be_a_manifest_is_not_read(proxy: ProxyClient, headers: dict[str, str]) -> None:
    answer = proxy.ask("PUT", "/v2/shop/app/manifests/v1", None, **headers)
    assert (answer.status, errors(answer)[0]["code"]) == (413, "SIZE_INVALID")


def test_tags_are_listed(proxy: ProxyClient) -> None:
    for tag in ("v2", "v1"):
        proxy.push("shop/app", tag, proxy.manifest("shop/app", tag))
    assert json.loads(proxy.ask("GET", "/v2/shop/app/tags/list").body) == {"name": "shop/app", "tags": ["v1", "v2"]}


def test_a_registry_that_does_not_answer_is_reported(proxy_without_registry: ProxyClient) -> None:
    answer = proxy_without_registry.push("shop/app", "v1", proxy_without_registry.manifest("shop/app"))
    assert answer.status == 502
    assert b"the sandbox's registry does not answer" in answer.body
    assert proxy_without_registry.tags("shop/app") == {}


class Engine:
    """The part of a Docker engine that starts the registry's image."""

    def __init__(self, address: str = "") -> None:
        self.containers = self
        self.started: dict[str, Any] = {}
        self.removed: dict[str, Any] = {}
        self.ports = {"5000/tcp": [{"HostPort": address.rpartition(":")[2]}]}

    def run(self, image: str, **options: Any) -> Engine:
        if not self.ports["5000/tcp"][0]["HostPort"]:
            raise DockerException("no such image")
        self.started = {"image": image, **options}
        return self

    def reload(self) -> None:
        pass

    def remove(self, **options: Any) -> None:
        self.removed = options


@pytest.fixture
def answering() -> Iterator[str]:
    """The address of a server that answers every request."""

    def answer(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with listen(0) as listener:
        server = serve(answer, listener)
        yield f"127.0.0.1:{server.port}"
        server.shutdown()
        server.server_close()


def test_without_the_program_the_registrys_image_runs(
    answering: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    engine: Any = Engine(answering)
    running = distribution.start(tmp_path, engine)
    assert running.upstream.address == answering
    assert engine.started["environment"]["REGISTRY_HTTP_PREFIX"] == f"{running.upstream.prefix}/"
    assert engine.started["image"] == distribution.IMAGE
    assert engine.started["ports"] == {"5000/tcp": ("127.0.0.1", 0)}
    assert engine.started["labels"] == {LABEL: f"{sandbox_id(tmp_path)}-registry"}
    running.stop()
    assert engine.removed == {"force": True, "v": True}


def test_a_missing_registry_is_reported_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    engine: Any = Engine()
    with pytest.raises(SandboxError, match="no such image") as error:
        distribution.start(tmp_path, engine)
    assert "docker-registry" in error.value.hint


def test_the_output_of_a_registry_that_does_not_start_is_shown(tmp_path: Path) -> None:
    program = tmp_path / "registry"
    program.write_text("#!/bin/sh\necho the disk is full >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(SandboxError, match="the disk is full"):
        RegistryProcess(str(program), tmp_path / "data")


def sleeper(directory: Path, mark: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", mark])
    (directory / "registry").mkdir()
    (directory / "registry" / "pid").write_text(str(process.pid))
    _until(lambda: command_line(process.pid) != "")
    return process


def test_an_orphaned_registry_is_stopped(tmp_path: Path) -> None:
    process = sleeper(tmp_path, str(tmp_path / "registry" / "config.json"))
    assert end_orphan(tmp_path) == [f"registry process {process.pid}"]
    process.wait()
    assert end_orphan(tmp_path) == []


def test_another_process_with_the_registrys_pid_is_left_untouched(tmp_path: Path) -> None:
    with sleeper(tmp_path, "something else") as process:
        assert end_orphan(tmp_path) == []
        assert process.poll() is None
        process.kill()


@pytest.mark.e2e
def test_the_registry_ends_when_its_sandbox_is_killed(tmp_path: Path) -> None:
    program = next(filter(None, map(shutil.which, distribution.PROGRAMS)))
    code = (
        "import pathlib, sys, time; from longshore.sandbox.registry.distribution import RegistryProcess;"
        "registry = RegistryProcess(sys.argv[1], pathlib.Path(sys.argv[2]));"
        "print(registry.upstream.address, registry.upstream.prefix, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, program, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        upstream = Upstream(*parent.stdout.readline().decode().split())
        assert upstream.request("GET", "/v2/").status == 200
        assert Upstream(upstream.address).request("GET", "/v2/").status == 404
        assert stat.S_IMODE((tmp_path / "config.json").stat().st_mode) == 0o600
        parent.kill()
    _until(lambda: not _listens(upstream))


@pytest.fixture
def client(sandbox: State) -> Any:
    return aws("ecr", sandbox.endpoint, sandbox.access_key_id, sandbox.secret_access_key)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], str]]:
    """Builds images of one file; removes their names at the end."""
    engine = docker.from_env()
    names: list[str] = []

    def build(name: str, content: str) -> str:
        context = tmp_path_factory.mktemp("context")
        (context / "file").write_text(content)
        (context / "Dockerfile").write_text("FROM scratch\nCOPY file /file\n")
        engine.images.build(path=str(context), tag=name, rm=True, forcerm=True)
        names.append(name)
        return name

    yield build
    for name in names:
        with contextlib.suppress(ImageNotFound):
            engine.images.remove(name, force=True)
    engine.close()


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.e2e
def test_docker_pushes_and_pulls(
    sandbox: State,
    client: Any,
    image: Callable[[str, str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    created = client.create_repository(repositoryName="shop/app", imageTagMutability="IMMUTABLE")
    uri = created["repository"]["repositoryUri"]
    assert uri == f"{sandbox.registry}/shop/app"
    assert "no basic auth credentials" in run("docker", "push", image(f"{uri}:v1", "one")).stderr
    (authorization,) = client.get_authorization_token()["authorizationData"]
    logins = {sandbox.registry: {"auth": authorization["authorizationToken"]}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": logins}))
    pushed = run("docker", "push", image(f"{uri}:v1", "one"))
    assert pushed.returncode == 0, pushed.stderr
    (detail,) = client.describe_images(repositoryName="shop/app")["imageDetails"]
    assert detail["imageTags"] == ["v1"]
    assert f"v1: digest: {detail['imageDigest']}" in pushed.stdout

    refused = run("docker", "push", image(f"{uri}:v1", "two"))
    assert (refused.returncode, refused.stderr.strip()) == (
        1,
        "tag invalid: The image tag 'v1' already exists in the 'shop/app' repository "
        "and cannot be overwritten because the repository is immutable.",
    )
    unknown = run("docker", "push", image(f"{sandbox.registry}/shop/other:v1", "one"))
    assert unknown.stderr.startswith("name unknown: ")

    (found,) = client.batch_get_image(repositoryName="shop/app", imageIds=[{"imageTag": "v1"}])["images"]
    client.put_image(repositoryName="shop/app", imageManifest=found["imageManifest"], imageTag="v2")
    run("docker", "rmi", "--force", f"{uri}:v1")
    pulled = run("docker", "pull", f"{uri}:v2")
    assert f"Digest: {detail['imageDigest']}" in pulled.stdout, pulled.stderr

    client.batch_delete_image(repositoryName="shop/app", imageIds=[{"imageDigest": detail["imageDigest"]}])
    assert "not found" in run("docker", "pull", f"{uri}:v2").stderr


@pytest.mark.e2e
def test_layers_are_uploaded_through_the_api_and_missing_ones_refused(client: Any) -> None:
    client.create_repository(repositoryName="shop/api")
    upload = client.initiate_layer_upload(repositoryName="shop/api")["uploadId"]
    client.upload_layer_part(
        repositoryName="shop/api", uploadId=upload, partFirstByte=0, partLastByte=1, layerPartBlob=b"{}"
    )
    done = client.complete_layer_upload(repositoryName="shop/api", uploadId=upload, layerDigests=["sha256:" + "0" * 64])
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": done["layerDigest"]}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": []}
    client.put_image(repositoryName="shop/api", imageManifest=json.dumps(manifest), imageTag="v1")
    manifest["config"] = config | {"digest": f"sha256:{'1' * 64}"}
    with pytest.raises(ClientError) as error:
        client.put_image(repositoryName="shop/api", imageManifest=json.dumps(manifest), imageTag="v2")
    assert error.value.response["Error"]["Code"] == "LayersNotFoundException"


def _listens(upstream: Upstream) -> bool:
    try:
        return upstream.request("GET", "/v2/").status == 200
    except OSError:
        return False


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
