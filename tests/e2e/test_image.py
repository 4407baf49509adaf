"""Images on a real engine and a real registry."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from longshore import git
from longshore.aws.ecr import Ecr
from longshore.errors import AwsError, BuildError
from longshore.git import Source
from longshore.images import build_image, version
from longshore.images.docker import Docker
from longshore.sandbox import control

pytestmark = pytest.mark.e2e

DOCKERFILE = """FROM scratch
ARG GREETING=none
COPY busybox /bin/busybox
RUN ["/bin/busybox", "echo", "building"]
ENV GREETING=$GREETING
ENTRYPOINT ["/bin/busybox"]
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """ECR of a sandbox of this module's own."""
    directory = tmp_path_factory.mktemp("images") / "sandbox"
    state = control.up(directory)
    client = boto3.client(
        "ecr",
        endpoint_url=state.endpoint,
        region_name=state.region,
        aws_access_key_id=state.access_key_id,
        aws_secret_access_key=state.secret_access_key,
    )
    (authorization,) = client.get_authorization_token()["authorizationData"]
    login = {"auths": {state.registry: {"auth": authorization["authorizationToken"]}}}
    folder = tmp_path_factory.mktemp("docker")
    (folder / "config.json").write_text(json.dumps(login))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_CONFIG", str(folder))  # for the commands of these tests; Longshore signs in itself
        yield client
    control.down(directory)


@pytest.fixture
def ecr(client: Any) -> Ecr:
    return Ecr(client)


@pytest.fixture
def spec(client: Any, ecr: Ecr, tmp_path: Path) -> Iterator[build_image.BuildSpec]:
    """A context with a Dockerfile, and a repository of its own."""
    name = f"shop/{tmp_path.name.replace('_', '-').lower()}"
    client.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    repository = ecr.repository(name)
    context = tmp_path / "shop"
    context.mkdir()
    shutil.copy("/bin/busybox", context / "busybox")
    (context / "Dockerfile").write_text(DOCKERFILE)
    yield build_image.BuildSpec(
        "app", repository, context, context / "Dockerfile", "linux/amd64", {"GREETING": "hello"}
    )
    found = _docker("image", "ls", "--quiet", "--filter", f"reference={repository.uri}")
    if found:
        _docker("image", "rm", "--force", *sorted(set(found.split())))


@pytest.fixture
def commit(spec: build_image.BuildSpec) -> Source:
    command = ["git", "-C", str(spec.context), "-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    for step in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "Greet"]):
        subprocess.run([*command, *step], check=True)
    return git.read(spec.context)


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def test_an_image_is_built_pushed_labelled_and_runs_as_pulled(
    spec: build_image.BuildSpec, commit: Source, ecr: Ecr
) -> None:
    seen: list[str] = []
    built = build_image.build(spec, "v1.0.0", commit, Docker(), ecr, on_line=seen.append)
    assert built.digest == ecr.digest(spec.repository.name, "v1.0.0")
    assert any("building" in line for line in seen)
    assert not any("DEPRECATED" in line for line in seen)
    by_digest = f"{spec.repository.uri}@{built.digest}"
    _docker("image", "rm", f"{spec.repository.uri}:v1.0.0")
    assert _docker("run", "--rm", "--label", "longshore.test", by_digest, "sh", "-c", "echo $GREETING") == "hello"
    labels = json.loads(_docker("image", "inspect", "--format", "{{json .Config.Labels}}", by_digest))
    assert labels["org.opencontainers.image.revision"] == commit.commit
    assert set(labels) == {f"org.opencontainers.image.{name}" for name in ("revision", "created")}


def test_the_same_manifest_gets_the_next_tag(spec: build_image.BuildSpec, commit: Source, ecr: Ecr) -> None:
    built = build_image.build(spec, "v1.0.0", commit, Docker(), ecr)
    for _ in range(2):
        reused = build_image.reuse(spec, "v1.0.1", built.digest, ecr)
        assert reused is not None
        assert (reused.digest, reused.reused) == (built.digest, True)
    assert sorted(ecr.tags(spec.repository.name)) == ["v1.0.0", "v1.0.1"]
    _docker("pull", "--quiet", f"{spec.repository.uri}:v1.0.1")


def test_the_same_image_pushed_again_is_fine(spec: build_image.BuildSpec, commit: Source, ecr: Ecr) -> None:
    build_image.build(spec, "v1.0.0", commit, Docker(), ecr)
    local = Docker().inspect(f"{spec.repository.uri}:v1.0.0")
    # Building once more would make another image: its label `created` says another time.
    digest = build_image._push(spec.repository, "v1.0.0", local, Docker(), ecr, lambda line: None)
    assert digest == ecr.digest(spec.repository.name, "v1.0.0")


def test_a_tag_is_never_moved_to_another_image(spec: build_image.BuildSpec, commit: Source, ecr: Ecr) -> None:
    first = build_image.build(spec, "v1.0.0", commit, Docker(), ecr)
    other = replace(spec, build_args={"GREETING": "changed"})
    with pytest.raises(BuildError, match="a tag is never overwritten"):
        build_image.build(other, "v1.0.0", commit, Docker(), ecr)
    assert ecr.digest(spec.repository.name, "v1.0.0") == first.digest
    second = build_image.build(other, "v1.0.1", commit, Docker(), ecr)
    with pytest.raises(BuildError, match="a tag is never overwritten"):
        build_image.reuse(spec, "v1.0.0", second.digest, ecr)


def test_an_image_that_was_deleted_can_not_be_reused(
    spec: build_image.BuildSpec, commit: Source, ecr: Ecr, client: Any
) -> None:
    built = build_image.build(spec, "v1.0.0", commit, Docker(), ecr)
    client.batch_delete_image(repositoryName=spec.repository.name, imageIds=[{"imageDigest": built.digest}])
    assert build_image.reuse(spec, "v1.0.1", built.digest, ecr) is None


def test_a_build_that_fails_shows_its_last_lines_and_pushes_nothing(
    spec: build_image.BuildSpec, commit: Source, ecr: Ecr
) -> None:
    with spec.dockerfile.open("a") as dockerfile:
        dockerfile.write('RUN ["/bin/busybox", "sh", "-c", "echo the reason; exit 7"]\n')
    with pytest.raises(BuildError, match="the reason") as caught:
        build_image.build(spec, "v1.0.0", commit, Docker(), ecr)
    assert "DEPRECATED" not in caught.value.message
    assert "the reason" not in _docker("ps", "--all", "--no-trunc", "--format", "{{.Command}}")
    assert ecr.digest(spec.repository.name, "v1.0.0") is None


def test_a_build_that_is_killed_is_recognised(spec: build_image.BuildSpec, commit: Source, ecr: Ecr) -> None:
    with spec.dockerfile.open("a") as dockerfile:
        dockerfile.write('RUN ["/bin/busybox", "sh", "-c", "exit 137"]\n')
    with pytest.raises(BuildError) as caught:
        build_image.build(spec, "v1.0.0", commit, Docker(), ecr)
    assert "ran out of memory" in caught.value.hint


def test_a_repository_that_does_not_exist(spec: build_image.BuildSpec, ecr: Ecr) -> None:
    with pytest.raises(AwsError, match="there is no ECR repository") as caught:
        ecr.repository(f"{spec.repository.name}-other")
    assert "invoke bootstrap" in caught.value.hint


def test_a_push_to_a_registry_that_is_away(spec: build_image.BuildSpec, commit: Source, ecr: Ecr) -> None:
    away = replace(spec.repository, uri="127.0.0.1:1/shop/away")
    with pytest.raises(BuildError, match=r"docker push of 127\.0\.0\.1:1/shop/away:v1\.0\.0 failed with exit code 1"):
        build_image.build(replace(spec, repository=away), "v1.0.0", commit, Docker(), ecr)
    _docker("image", "rm", "127.0.0.1:1/shop/away:v1.0.0")


def test_the_push_goes_to_the_engine_of_the_users_context(
    spec: build_image.BuildSpec, commit: Source, ecr: Ecr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    build_image.build(spec, "v1.0.0", commit, Docker(), ecr, push=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    _docker("context", "create", "away", "--docker", "host=tcp://127.0.0.1:1")
    _docker("context", "create", "here", "--docker", f"host={engine}")
    reference = f"{spec.repository.uri}:v1.0.0"
    _docker("context", "use", "away")
    with pytest.raises(BuildError, match=r"Cannot connect to the Docker daemon at tcp://127\.0\.0\.1:1"):
        Docker().push(reference, ecr.credentials(), print)
    _docker("context", "use", "here")
    digest = Docker().push(reference, ecr.credentials(), print)
    assert digest == ecr.digest(spec.repository.name, "v1.0.0")
    assert not json.loads((tmp_path / "docker" / "config.json").read_text())["auths"]
    monkeypatch.undo()  # the images are removed through the engine that has them


def test_an_engine_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(BuildError, match=r"no Docker engine answers: .*127\.0\.0\.1:1") as caught:
        Docker().check()
    assert "DOCKER_HOST" in caught.value.hint


def test_the_engine_answers() -> None:
    assert Docker().check().startswith("Docker ")


def test_the_next_version_among_2500_tags_in_random_order(
    spec: build_image.BuildSpec, commit: Source, ecr: Ecr
) -> None:
    name = spec.repository.name
    built = build_image.build(spec, "latest", commit, Docker(), ecr)
    manifest = ecr.manifest(name, built.digest)
    assert manifest is not None
    junk = ["v1.0", "v01.0.1", "1.99.0", "v9.0", "v7.0.0-rc.1", "v1.99.x", commit.commit]
    tags = [f"v1.{number // 100}.{number % 100}" for number in range(2500 - len(junk))] + junk
    random.Random(7).shuffle(tags)
    for tag in tags:
        ecr.put_tag(name, manifest, tag)
    assert sorted(ecr.tags(name)) == sorted([*tags, "latest"])
    assert str(version.next_version(ecr.tags(name))) == "v1.24.93"
    assert str(version.next_version(ecr.tags(name), series="v1.3")) == "v1.3.100"
