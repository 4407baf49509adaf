from __future__ import annotations

import base64
import json
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from longshore.aws.ecr import Credentials, Ecr, Manifest, Repository
from longshore.errors import BuildError
from longshore.git import Source
from longshore.images import build_image, docker
from longshore.images.docker import Docker
from longshore.masking import Masks
from longshore.process import Completed, OnLine
from longshore.verdict import exit_code_of

REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
REPOSITORY = Repository("storefront/app", f"{REGISTRY}/storefront/app", "123456789012")
REFERENCE = f"{REPOSITORY.uri}:v1.0.0"
DIGEST, OTHER, ID = (f"sha256:{letter * 64}" for letter in "abc")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
NOTICE = """DEPRECATED: The legacy builder is deprecated and will be removed in a future release.
            Install the buildx component to build images with BuildKit:
            https://docs.docker.com/go/buildx/

"""
INSPECT = ["docker", "image", "inspect", "--format", "{{json .}}", REFERENCE]
CONTEXT = ["docker", "context", "inspect", "--format", "{{.Name}}"]
PUSH = ["docker", "--context", "default", "push", REFERENCE]
PUSHED = f"The push refers to repository [{REPOSITORY.uri}]\nv1.0.0: digest: {DIGEST} size: 528"

CREATED = re.compile(r"created=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

Look = Callable[[Mapping[str, str]], None]


@dataclass
class Programs:
    """A runner that accepts exactly the commands of its script, in order."""

    script: list[tuple[list[str], Completed | Exception]] = field(default_factory=list)
    look: Look = lambda environ: None

    def expect(self, command: list[str], output: str = "", exit_code: int = 0, errors: str = "") -> None:
        self.script.append((command, Completed(exit_code, output, errors)))

    def __call__(
        self, command: Sequence[str], environ: Mapping[str, str], on_line: OnLine | None, stdin: str
    ) -> Completed:
        assert self.script, f"unexpected command {command}"
        expected, answer = self.script.pop(0)
        assert [CREATED.sub("created=NOW", part) for part in command] == expected
        self.look(environ)
        if isinstance(answer, Exception):
            raise answer
        for line in answer.output.splitlines() if on_line else ():
            on_line(line) if on_line else None
        return answer


@dataclass
class Registry(Ecr):
    """An ECR: digests by tag, manifests by digest."""

    tagged: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)

    def digest(self, name: str, tag: str) -> str | None:
        assert name == REPOSITORY.name
        return self.tagged.get(tag)

    def manifest(self, name: str, digest: str) -> Manifest | None:
        assert name == REPOSITORY.name
        return self.manifests.get(digest)

    def put_tag(self, name: str, manifest: Manifest, tag: str) -> None:
        assert name == REPOSITORY.name
        self.tagged[tag] = manifest.digest

    def credentials(self) -> Credentials:
        return Credentials("AWS", SecretStr("canary"), f"https://{REGISTRY}")


@dataclass(frozen=True)
class Shop:
    """A folder with a Dockerfile, its repository, a registry, and scripted programs."""

    spec: build_image.BuildSpec
    source: Source
    programs: Programs
    registry: Registry
    lines: list[str]
    masks: Masks = field(default_factory=Masks)

    def build(self, **options: Any) -> build_image.BuiltImage:
        docker = Docker(self.programs, self.masks)
        return build_image.build(
            self.spec, "v1.0.0", self.source, docker, self.registry, on_line=self.lines.append, **options
        )

    def expect_build(self, output: str = "Successfully built", exit_code: int = 0) -> None:
        command = [
            *(
                "docker",
                "build",
                "--force-rm",
                "--platform",
                "linux/amd64",
                "--file",
                str(self.spec.dockerfile),
                "--tag",
                REFERENCE,
            ),
            *("--label", f"org.opencontainers.image.revision={COMMIT}"),
            *("--label", "org.opencontainers.image.created=NOW"),
            *("--label", "org.opencontainers.image.source=https://git.example/shop.git"),
            *("--build-arg", "A", "--build-arg", "B", str(self.spec.context)),
        ]
        self.programs.expect(command, output, exit_code)

    def expect_inspect(self, architecture: str = "amd64", **rest: Any) -> None:
        image = {"Id": ID, "Os": "linux", "Architecture": architecture} | rest
        self.programs.expect(INSPECT, json.dumps(image))

    def expect_push(self, output: str = PUSHED, exit_code: int = 0) -> None:
        self.programs.expect(CONTEXT, "default\n")
        self.programs.expect(PUSH, output, exit_code)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    context = tmp_path / "shop" / "app"
    context.mkdir(parents=True)
    (context / "Dockerfile").write_text("FROM scratch\n")
    spec = build_image.BuildSpec(
        "app", REPOSITORY, context, context / "Dockerfile", "linux/amd64", {"B": "2", "A": "1"}
    )
    source = Source(tmp_path / "shop", COMMIT, "Greet", remote="https://git.example/shop.git")
    shop = Shop(spec, source, Programs(), Registry(), [])
    yield shop
    assert not shop.programs.script


def test_an_image_is_built_inspected_pushed_and_compared_with_the_registry(shop: Shop) -> None:
    shop.expect_build(NOTICE + "Step 1/2 : FROM scratch\nSuccessfully built")
    shop.expect_inspect()
    shop.expect_push()
    shop.registry.tagged["v1.0.0"] = DIGEST
    built = shop.build(now=iter([10.0, 12.5]).__next__)
    assert built == build_image.BuiltImage("app", REPOSITORY, "v1.0.0", DIGEST, reused=False, seconds=2.5)
    assert shop.lines == ["Step 1/2 : FROM scratch", "Successfully built", *PUSHED.splitlines()]


def test_without_a_push_the_registry_is_not_called(shop: Shop) -> None:
    shop.expect_build()
    shop.expect_inspect()
    assert shop.build(push=False).digest == ID


def test_a_missing_dockerfile_is_found_before_docker_runs(shop: Shop) -> None:
    shop.spec.dockerfile.unlink()
    with pytest.raises(
        BuildError, match=rf"images\.app\.dockerfile: there is no file {shop.spec.dockerfile}"
    ) as caught:
        shop.build()
    assert "images.app.dockerfile" in caught.value.hint


def test_a_missing_context_is_found_before_docker_runs(shop: Shop) -> None:
    shop.spec.dockerfile.unlink()
    shop.spec.context.rmdir()
    with pytest.raises(BuildError, match=rf"images\.app\.context: there is no folder {shop.spec.context}") as caught:
        shop.build()
    assert "images.app.context" in caught.value.hint


def test_a_failed_build_shows_its_last_thirty_lines_and_pushes_nothing(shop: Shop) -> None:
    shop.expect_build(NOTICE + "\n".join(f"line {number}" for number in range(100)), exit_code=1)
    with pytest.raises(BuildError) as caught:
        shop.build()
    lines = "".join(f"\n  line {number}" for number in range(70, 100))
    assert caught.value.message == f"docker build failed with exit code 1:{lines}"
    assert caught.value.hint == ""
    assert exit_code_of(caught.value) == 4


@pytest.mark.parametrize(
    ("exit_code", "output", "hint"),
    [
        (137, "Killed", "ran out of memory"),
        (-9, "", "ran out of memory"),
        (1, "The command '/bin/sh -c make' returned a non-zero code: 137", "ran out of memory"),
        (1, 'process "/bin/sh -c make" did not complete successfully: exit code: 137', "ran out of memory"),
        (1, "write /layer.tar: no space left on device", "disk is full"),
        (1, "ERROR: BuildKit is enabled but the buildx component is missing or broken.", "unset DOCKER_BUILDKIT"),
        (1, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "systemctl start docker"),
        (1, "exec /bin/sh: exec format error", "with that processor, or install an emulator"),
        (1, "exit code: 1370", ""),
    ],
)
def test_common_failures_have_a_hint(shop: Shop, exit_code: int, output: str, hint: str) -> None:
    shop.expect_build(output, exit_code)
    with pytest.raises(BuildError) as caught:
        shop.build()
    assert hint in caught.value.hint
    assert bool(hint) is bool(caught.value.hint)


def test_a_very_long_line_is_truncated(shop: Shop) -> None:
    shop.expect_build("x" * 1_000_000, exit_code=1)
    with pytest.raises(BuildError) as caught:
        shop.build()
    assert len(caught.value.message) < 1000


@pytest.mark.parametrize("before", [480, 490, 500])
def test_a_line_is_masked_before_it_is_truncated(shop: Shop, before: int) -> None:
    shop.masks.hide(["canary-7f3a9c"])
    shop.expect_build(f"{'x' * before}canary-7f3a9c", exit_code=1)
    with pytest.raises(BuildError) as caught:
        shop.build()
    assert "xxx" in caught.value.message
    assert "canary" not in caught.value.message


def test_an_image_of_the_wrong_platform_is_not_pushed(shop: Shop) -> None:
    shop.expect_build()
    shop.expect_inspect("arm64", Variant="v8")
    with pytest.raises(
        BuildError, match=r"image app was built for linux/arm64/v8, but images\.app\.platform is linux/amd64"
    ):
        shop.build()


@pytest.mark.parametrize(
    ("expected", "actual"),
    [("linux/arm64", "linux/arm64/v8"), ("linux/aarch64", "linux/arm64"), ("linux/x86_64", "linux/amd64")],
)
def test_aliases_of_a_platform_are_equal(expected: str, actual: str) -> None:
    build_image.check_platform("app", expected, actual)


@pytest.mark.parametrize(("expected", "actual"), [("linux/arm/v6", "linux/arm/v7"), ("linux/amd64", "windows/amd64")])
def test_different_platforms_are_refused(expected: str, actual: str) -> None:
    with pytest.raises(BuildError, match=f"was built for {actual}, but images.app.platform is {expected}"):
        build_image.check_platform("app", expected, actual)


def test_a_different_digest_in_the_registry_is_an_error(shop: Shop) -> None:
    shop.expect_build()
    shop.expect_inspect()
    shop.expect_push()
    shop.registry.tagged["v1.0.0"] = OTHER
    with pytest.raises(BuildError, match=f"storefront/app:v1.0.0 is {OTHER} in the registry, not {DIGEST}"):
        shop.build()


def test_a_pushed_image_missing_from_the_registry_is_an_error(shop: Shop) -> None:
    shop.expect_build()
    shop.expect_inspect()
    shop.expect_push()
    with pytest.raises(BuildError, match=r"storefront/app:v1\.0\.0 is not in the registry"):
        shop.build()


def test_a_push_without_a_digest_is_an_error(shop: Shop) -> None:
    shop.expect_build()
    shop.expect_inspect()
    shop.expect_push("done, perhaps")
    with pytest.raises(BuildError, match="reported no digest:\n  done, perhaps"):
        shop.build()


def test_an_interrupted_push_is_an_error(shop: Shop) -> None:
    shop.expect_build()
    shop.expect_inspect()
    shop.expect_push("0123456789ab: Pushed\nunexpected EOF", 1)
    with pytest.raises(BuildError, match=r"docker push of .*:v1\.0\.0 failed with exit code 1:\n .*\n  unexpected EOF"):
        shop.build()


REFUSED = "tag invalid: The image tag 'v1.0.0' already exists in the 'storefront/app' repository"


def test_a_tag_of_another_image_is_never_overwritten(shop: Shop) -> None:
    shop.expect_build()
    shop.expect_inspect()
    shop.expect_push(REFUSED, 1)
    shop.registry.tagged["v1.0.0"] = OTHER
    shop.registry.manifests[OTHER] = Manifest(OTHER, json.dumps({"config": {"digest": OTHER}}), "")
    with pytest.raises(BuildError, match=f"is {OTHER} in the registry, not {ID}: a tag is never overwritten"):
        shop.build()


@pytest.mark.parametrize("known_by", ["config", "repository digest", "id"])
def test_a_push_refused_because_the_registry_has_the_same_image_succeeds(shop: Shop, known_by: str) -> None:
    shop.expect_build()
    if known_by == "repository digest":
        shop.expect_inspect(RepoDigests=[f"other.example/app@{OTHER}", f"{REPOSITORY.uri}@{DIGEST}"])
    else:
        shop.expect_inspect(Id=DIGEST if known_by == "id" else ID)
    shop.expect_push(REFUSED, 1)
    shop.registry.tagged["v1.0.0"] = DIGEST
    config = {"digest": ID if known_by == "config" else OTHER}
    shop.registry.manifests[DIGEST] = Manifest(DIGEST, json.dumps({"config": config}), "")
    assert shop.build().digest == DIGEST


def test_the_password_is_on_disk_only_during_the_push_and_only_for_this_user(shop: Shop) -> None:
    folders: list[Path] = []

    def look(environ: Mapping[str, str]) -> None:
        if "DOCKER_CONFIG" not in environ:
            return
        folder = Path(environ["DOCKER_CONFIG"])
        folders.append(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        auth = base64.b64encode(b"AWS:canary").decode()
        assert json.loads((folder / "config.json").read_text()) == {"auths": {REGISTRY: {"auth": auth}}}

    shop.programs.look = look
    shop.expect_build()
    shop.expect_inspect()
    shop.expect_push("unauthorized", 1)
    with pytest.raises(BuildError) as caught:
        shop.build()
    assert len(folders) == 1
    assert not folders[0].exists()
    assert "canary" not in caught.value.message


def test_the_push_uses_contexts_and_certificates_of_the_user(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "own"))
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.delenv("DOCKER_CERT_PATH", raising=False)
    (tmp_path / "own" / "contexts").mkdir(parents=True)
    folders = []

    def look(environ: Mapping[str, str]) -> None:
        if "DOCKER_CONFIG" in environ:
            contexts = Path(environ["DOCKER_CONFIG"], "contexts").resolve()
            folders.append((contexts, environ["DOCKER_CERT_PATH"], environ["DOCKER_CONTENT_TRUST"]))

    shop.programs.look = look
    shop.expect_build()
    shop.expect_inspect()
    shop.programs.expect(CONTEXT, "remote\n")
    shop.programs.expect(["docker", "--context", "remote", "push", REFERENCE], PUSHED)
    shop.registry.tagged["v1.0.0"] = DIGEST
    shop.build()
    assert folders == [(tmp_path / "own" / "contexts", str(tmp_path / "own"), "0")]


def test_an_earlier_build_is_tagged_without_docker(shop: Shop) -> None:
    shop.registry.manifests[DIGEST] = Manifest(DIGEST, "{}", "")
    reused = build_image.reuse(shop.spec, "v1.0.1", DIGEST, shop.registry)
    assert reused is not None
    assert (reused.tag, reused.digest, reused.reused) == ("v1.0.1", DIGEST, True)
    assert shop.registry.tagged == {"v1.0.1": DIGEST}


def test_a_missing_image_cannot_be_reused(shop: Shop) -> None:
    assert build_image.reuse(shop.spec, "v1.0.1", DIGEST, shop.registry) is None
    assert shop.registry.tagged == {}


def test_labels_without_a_value_are_left_out() -> None:
    created = datetime(2026, 1, 2, 3, 4, 5, 999, tzinfo=timezone(timedelta(hours=2)))
    assert build_image.labels(Source(Path("/shop"), COMMIT, "Greet"), created) == {
        "org.opencontainers.image.revision": COMMIT,
        "org.opencontainers.image.created": "2026-01-02T01:04:05Z",
    }


def test_the_revision_label_of_a_dirty_tree_says_so() -> None:
    labels = build_image.labels(Source(Path("/shop"), COMMIT, "Greet", ("app.py",)), datetime.now(UTC))
    assert labels["org.opencontainers.image.revision"] == f"{COMMIT}-dirty"


def test_the_values_of_build_arguments_are_not_on_the_command_line(shop: Shop) -> None:
    environs: list[dict[str, str]] = []
    shop.programs.look = lambda environ: environs.append(dict(environ))
    shop.expect_build()
    shop.expect_inspect()
    shop.build(push=False)
    assert environs[0] == {"A": "1", "B": "2", **docker._BUILD_ENVIRON}


def test_a_build_argument_that_docker_itself_would_read_is_not_in_its_environment(shop: Shop) -> None:
    spec = shop.spec.with_args({"PATH": "/opt/bin", "DOCKER_HOST": "tcp://engine", "NPM_TOKEN": "canary"})
    assert build_image.hidden_args(spec) == {"NPM_TOKEN": "canary"}
    arguments = build_image.arguments(spec, REFERENCE, {})
    assert arguments[-7:-1] == [
        "--build-arg", "DOCKER_HOST=tcp://engine", "--build-arg", "NPM_TOKEN", "--build-arg", "PATH=/opt/bin"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "NO_PROXY", "SSL_CERT_FILE", "AWS_PROFILE", "GODEBUG"])
def test_a_proxy_for_the_build_is_no_proxy_for_docker(shop: Shop, name: str) -> None:
    assert build_image.hidden_args(shop.spec.with_args({name: "http://proxy.example:3128", "GO_VERSION": "1"})) == {
        "GO_VERSION": "1"
    }


def test_the_inputs_digest_does_not_depend_on_the_path_of_the_repository(shop: Shop, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    moved = replace(
        shop.spec,
        context=elsewhere / "app",
        dockerfile=elsewhere / "app" / "Dockerfile",
        build_args={"A": "1", "B": "2"},
    )
    digest = build_image.inputs_digest(moved, replace(shop.source, root=elsewhere, commit="f" * 40))
    assert digest == build_image.inputs_digest(shop.spec, shop.source)
    assert re.fullmatch("[0-9a-f]{64}", digest)


@pytest.mark.parametrize(
    "change",
    [
        {"platform": "linux/arm64"},
        {"build_args": {"A": "1", "B": "3"}},
        {"build_args": {}},
        {"dockerfile": Path("/shop/app/Other")},
        {"context": Path("/shop")},
    ],
)
def test_each_input_changes_the_digest(change: dict[str, Any]) -> None:
    app = Path("/shop/app")
    spec = build_image.BuildSpec("app", REPOSITORY, app, app / "Dockerfile", "linux/amd64", {"A": "1", "B": "2"})
    source = Source(Path("/shop"), COMMIT, "Greet")
    assert build_image.inputs_digest(replace(spec, **change), source) != build_image.inputs_digest(spec, source)
